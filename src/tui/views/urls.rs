//! The URLs of servers that processes have printed, with their addresses through the proxy.
//!
//! ```text
//!   STATE  URL                    PROCESS     PROXY                     HITS │─ http://localhost:3000 ───────────
//! ▌ ✓ 200  http://localhost:3000  web         http://localhost:20888     412 │ [▸Open] [Via proxy] [Copy] [Copy proxy]
//!   ✓ 404  http://localhost:4000  api         http://localhost:20889      97 │
//!   ✗ —    http://localhost:6006  storybook   —                            0 │ answers   200
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::view::{Answer, ProxyRow, UrlRow};
use crate::tui::clock;
use crate::tui::layout::{Areas, Class, qr_pane};
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::sheet::Line;
use crate::tui::text::{cut, cut_middle, fit, fit_right, put, safe};
use crate::tui::views::empty;
use crate::tui::views::screen::{cursor_row, draw_strip, rule};
use crate::tui::views::scripts::fact;
use crate::tui::widgets::qr;

/// Where the columns begin and how many cells they have: state, URL, process, proxy, hits.
fn columns(areas: &Areas) -> [(u16, usize); 5] {
    let width = areas.list.width;
    // Where there is least room, the hits are left out, and the blanks around the state.
    let (rim, process, hits) = if areas.class == Class::Tiny { (1, 8, 0) } else { (2, 12, 6) };
    // The address as a whole takes 22 cells, its port alone 6.
    let proxy = if areas.class == Class::Wide { 24 } else { 6 };
    let url = width.saturating_sub(2 * rim + STATE + process + 1 + proxy + 1 + hits + 2 * u16::from(hits > 0));
    let mut x = areas.list.x + rim;
    [STATE + rim - 1, url, process, proxy, hits].map(|cells| {
        let from = x;
        x = x.saturating_add(cells + 1);
        (from, usize::from(cells))
    })
}

/// `✓ 200`.
const STATE: u16 = 5;

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    let shown = model.urls.shown();
    if areas.class == Class::Wide && !shown.is_empty() {
        for y in areas.body.top()..areas.body.bottom() {
            put(buffer, areas.detail.x.saturating_sub(2), y, 1, model.theme.glyphs.bar(), model.theme.rule);
        }
    }
    if shown.is_empty() {
        return empty::draw(model, areas, buffer);
    }
    if areas.columns.height > 0 {
        let heads = ["STATE", "URL", "PROCESS", "PROXY", "HITS"];
        for (at, ((x, cells), head)) in columns(areas).into_iter().zip(heads).enumerate() {
            let head = if at == 4 { fit_right(head, cells) } else { fit(head, cells) };
            put(buffer, x, areas.columns.y, cells as u16, &head, model.theme.muted);
        }
    }
    let position = model.urls.position();
    let mut cursor = None;
    let rows = shown.iter().enumerate().skip(model.urls.offset).take(areas.list.height.into());
    for (line, (at, row)) in rows.enumerate() {
        let y = areas.list.y + line as u16;
        draw_row(model, areas, y, row, buffer);
        if at == position {
            if model.tab.is_none() {
                cursor_row(model, areas.list, y, buffer);
            }
            cursor = Some((areas.list.x, y, false));
        }
    }
    if let Some(row) = model.urls.selected().filter(|_| areas.detail.height > 0) {
        detail(model, areas, row, buffer);
        if cursor.is_none() {
            cursor = Some((areas.strip.x, areas.strip.y, false));
        }
    }
    cursor
}

fn draw_row(model: &Model, areas: &Areas, y: u16, row: &UrlRow, buffer: &mut Buffer) {
    let theme = &model.theme;
    let [at, url, process, proxy, hits] = columns(areas);
    let (text, style) = state(model, row);
    put(buffer, at.0, y, STATE, &text, style);
    let text = safe(row.url.trim_end_matches('/'));
    put(buffer, url.0, y, url.1 as u16, &cut_middle(&text, url.1), theme.text);
    put(buffer, process.0, y, process.1 as u16, &cut(&safe(&row.name), process.1), theme.process(&row.name));
    let address = row.proxied.as_deref().or(row.named.as_deref());
    let address = address.map(|address| if proxy.1 < 10 { port(address) } else { address.trim_end_matches('/') });
    let (text, style) = match address {
        Some(address) => (safe(address).into_owned(), theme.text),
        None => (theme.glyphs.dash().to_string(), theme.muted),
    };
    put(buffer, proxy.0, y, proxy.1 as u16, &cut_middle(&text, proxy.1), style);
    put(buffer, hits.0, y, hits.1 as u16, &fit_right(&row.requests.to_string(), hits.1), theme.text);
}

/// `:20888` of an address.
fn port(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rfind(':').map_or(authority, |at| &authority[at..])
}

/// Whether a server answers; where its process has ended, how.
fn state(model: &Model, row: &UrlRow) -> (String, Style) {
    let (theme, glyphs) = (&model.theme, model.theme.glyphs);
    let process = model.processes.get(row.process);
    if let Some(process) = process.filter(|process| process.status.is_ended()) {
        let (sign, style) = theme.status(process.status, process.stopping);
        return (format!("{sign} {}", glyphs.dash()), style);
    }
    match row.answer {
        Answer::Status(status @ 500..) => (format!("! {status}"), theme.error),
        Answer::Status(status) => (format!("{} {status}", glyphs.done()), theme.ok),
        Answer::Open => (format!("{} {}", glyphs.done(), glyphs.dash()), theme.ok),
        Answer::Late => (format!("{} …", glyphs.busy()), theme.warn),
        Answer::Nobody => (format!("{} {}", glyphs.failed(), glyphs.dash()), theme.error),
        Answer::NotAsked => (format!("· {}", glyphs.dash()), theme.muted),
    }
}

/// The same in words.
fn answers(row: &UrlRow) -> String {
    match row.answer {
        Answer::Status(status) => format!("with {status}"),
        Answer::Open => "takes connections".into(),
        Answer::Late => "not yet: it takes connections and says nothing".into(),
        Answer::Nobody => "no: nobody is there".into(),
        Answer::NotAsked => "not asked".into(),
    }
}

fn detail(model: &Model, areas: &Areas, row: &UrlRow, buffer: &mut Buffer) {
    let area = areas.detail;
    rule(
        model,
        Rect { height: 1, ..area },
        &cut_middle(&safe(&row.url), usize::from(area.width).saturating_sub(6)),
        buffer,
    );
    draw_strip(model, areas, buffer);
    draw_code(model, areas, buffer);
}

/// What is known of the selected one.
pub(super) fn facts(model: &Model, cells: usize, wraps: bool) -> Option<Vec<Line>> {
    let row = model.urls.selected()?;
    let state = model.processes.get(row.process).map_or("forgotten", |process| process.status.name());
    let process = format!("{}, {state}", row.name);
    let ago = clock::short(model.now.saturating_sub(row.seen_ms));
    let seen = format!("{ago} ago, at {}", model.clock.clock(row.seen_ms));
    let none = "no address yet";
    let answers = answers(row);
    let facts = [
        ("process", process.as_str()),
        ("answers", answers.as_str()),
        ("proxied", row.proxied.as_deref().unwrap_or(none)),
        ("by name", row.named.as_deref().unwrap_or(none)),
        ("network", row.network.as_deref().unwrap_or(none)),
        ("hits", &clock::count(row.requests)),
        ("seen", &seen),
    ];
    let line = |(at, (name, value))| fact(model, at, &format!("{name:9}"), value, cells, wraps);
    Some(facts.into_iter().enumerate().map(line).collect())
}

/// How many rows the QR code takes, with who can open it above it.
pub(super) fn code_rows(model: &Model, areas: &Areas) -> u16 {
    let pane = qr_pane(areas);
    let card = model.urls.qr.as_ref().filter(|_| pane.height > 0);
    card.map_or(0, |card| 2 + qr::place(model, card, (pane.width, pane.height)).unwrap_or_default().1)
}

/// The QR code of the selected one, with who can open it above.
pub(super) fn draw_code(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let pane = qr_pane(areas);
    let Some(card) = model.urls.qr.as_ref().filter(|_| pane.height > 0) else { return };
    let room = (pane.width, pane.height);
    let refusal = qr::refusal(model, card, room);
    let (words, style) = match &refusal {
        Some(refusal) => (refusal.as_str(), model.theme.warn),
        // What to do about it is told where there is room.
        None => (card.who.split_inclusive('.').next().unwrap_or_default(), model.theme.muted),
    };
    put(buffer, pane.x, pane.y - 1, pane.width, &cut(words, pane.width.into()), style);
    let (width, height) = qr::place(model, card, room).unwrap_or_default();
    let x = pane.x + u16::from(width < pane.width);
    qr::draw_code(model, card, Rect { x, width, height, ..pane }, buffer);
}

/// `proxy reverse :19888`.
pub(super) fn proxy_words(proxy: &ProxyRow) -> String {
    match proxy.port {
        Some(port) => format!("proxy {} :{port}", if proxy.full { "full" } else { "reverse" }),
        None => "proxy off".into(),
    }
}

pub(super) fn status(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let urls = &model.urls;
    let processes = urls.kept().map(|row| row.process).collect::<std::collections::BTreeSet<_>>().len();
    let plural = |n: usize, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
    let from = plural(processes, "process", "processes");
    let mut text =
        format!(" {} from {from}   {}", plural(urls.kept().count(), "URL", "URLs"), proxy_words(&urls.proxy));
    if let Some(pac) = &urls.proxy.pac {
        text.push_str(&format!("   pac {}", safe(pac)));
    }
    let area = areas.status;
    put(buffer, area.x, area.y, area.width, &cut(&text, area.width.into()), model.theme.muted);
}
