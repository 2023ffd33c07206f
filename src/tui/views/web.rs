//! What went through the proxy, and what pages in browsers told; below, the selected one of them.
//!
//! ```text
//!  [Requests]  Telemetry   type: [all]  pages  api  images  other  ws   status: [all]   881 requests, 14 failed
//!  TIME     METH    ST  PATH                       PROC       DUR  SIZE │ 14:02:27 ──────────── :30
//! ▌14:02:29 POST    500 /api/checkout              api       84ms  1.1K │      ░░█████████
//!  14:02:27 WS      101 /_next/webpack-hmr         web       open     — │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
//! ─ #881 POST /api/checkout ────────────────────────────────────────────────────────────────────────
//! [▸Headers] [Request body] [Response body] [Timing] [Replay] [Copy as curl]
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::view::{ExchangePart, PageEvent};
use crate::event::Level;
use crate::proxy::{Exchange, Traffic};
use crate::tui::clock;
use crate::tui::layout::{Areas, Class};
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{cut, cut_middle, put, safe, width};
use crate::tui::views::chips;
use crate::tui::views::empty;
use crate::tui::views::screen::{draw_strip, rule};
use crate::tui::views::tab_line;
use crate::tui::views::table::{self, Column, table};
use crate::tui::views::urls::proxy_words;
use crate::tui::views::waterfall::Waterfall;
use crate::tui::web::{Page, place};

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    let chip = chips::draw(model, areas, buffer);
    let web = &model.web;
    tab_line::draw(model, areas.tab, buffer);
    if web.len() == 0 {
        return chip.or(empty::draw(model, areas, buffer));
    }
    match web.page {
        Page::Requests => requests(model, areas, buffer),
        Page::Telemetry => telemetry(model, areas, buffer),
    }
    let mut cursor =
        table::cursor(model, areas.list, web.position().checked_sub(web.offsets[web.page as usize]), buffer);
    if areas.detail.height > 0 {
        detail(model, areas, buffer);
        cursor = cursor.or(Some((areas.strip.x, areas.strip.y, false)));
    }
    chip.or(cursor)
}

/// The columns of a class of screen; one of no cells takes what the others leave.
fn columns(page: Page, class: Class) -> &'static [Column] {
    match (page, class) {
        (Page::Requests, Class::Wide) => &[
            ("TIME", 8, false),
            ("METH", 7, false),
            ("ST", 3, true),
            ("PATH", 0, false),
            ("PROC", 10, false),
            ("DUR", 6, true),
            ("SIZE", 5, true),
        ],
        (Page::Requests, Class::Medium) => &[
            ("TIME", 8, false),
            ("METH", 7, false),
            ("ST", 3, true),
            ("PATH", 0, false),
            ("PROC", 8, false),
            ("DUR", 6, true),
            ("SIZE", 5, true),
        ],
        (Page::Requests, Class::Narrow) => {
            &[("TIME", 8, false), ("METH", 6, false), ("ST", 3, true), ("PATH", 0, false), ("DUR", 6, true)]
        }
        (Page::Requests, _) => &[("METH", 6, false), ("ST", 3, true), ("PATH", 0, false), ("DUR", 6, true)],
        (Page::Telemetry, Class::Wide) => {
            &[("TIME", 12, false), ("TYPE", 12, false), ("PAGE", 24, false), ("WHAT", 0, false)]
        }
        (Page::Telemetry, Class::Medium) => {
            &[("TIME", 8, false), ("TYPE", 11, false), ("PAGE", 14, false), ("WHAT", 0, false)]
        }
        (Page::Telemetry, Class::Narrow) => &[("TIME", 8, false), ("TYPE", 11, false), ("WHAT", 0, false)],
        (Page::Telemetry, _) => &[("TYPE", 8, false), ("WHAT", 0, false)],
    }
}

fn requests(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let mut area = areas.list;
    let offset = model.web.offsets[Page::Requests as usize];
    let rows = || model.web.exchanges.iter().skip(offset).map(|exchange| &**exchange);
    if areas.class == Class::Wide {
        let cells = area.width / 4;
        area.width -= cells + 2;
        let place = Rect { x: area.right(), width: cells + 2, ..areas.list };
        Waterfall::over(model, rows().take(area.height.into()), cells).draw(model, areas, place, rows(), buffer);
    }
    let columns = columns(Page::Requests, areas.class);
    table(model, areas, (area, columns), rows(), |exchange, head| request_cell(model, exchange, head), buffer);
}

fn request_cell(model: &Model, exchange: &Exchange, head: &str) -> (String, Style) {
    let theme = &model.theme;
    let none = || theme.glyphs.dash().to_string();
    match head {
        "TIME" => (model.clock.clock(exchange.opened.time_ms), theme.muted),
        "METH" => (method(exchange), theme.text),
        "ST" => match exchange.status {
            _ if exchange.failure.is_some() && exchange.status.is_none() => (theme.glyphs.failed().into(), theme.error),
            None => (none(), theme.muted),
            Some(status) => (status.to_string(), status_style(model, exchange, status)),
        },
        "PATH" => (safe(&place(exchange)).into_owned(), if exchange.is_error() { theme.error } else { theme.text }),
        "PROC" => match &exchange.opened.process {
            Some((_, name)) => (safe(name).into_owned(), theme.process(name)),
            None => (none(), theme.muted),
        },
        "DUR" => match exchange.duration() {
            Some(duration) => (millis(duration.as_millis() as u64), theme.text),
            None if exchange.done => (none(), theme.muted),
            None if exchange.traffic != Traffic::Http => ("open".into(), theme.accent),
            None => (theme.glyphs.more().into(), theme.accent),
        },
        _ if !exchange.done => (none(), theme.muted),
        _ => (size(exchange.response.body.bytes), theme.text),
    }
}

fn method(exchange: &Exchange) -> String {
    match exchange.traffic {
        Traffic::WebSocket => "WS".into(),
        _ => safe(&exchange.opened.method).into_owned(),
    }
}

fn status_style(model: &Model, exchange: &Exchange, status: u16) -> Style {
    match status {
        500.. => model.theme.error,
        _ if exchange.failure.is_some() => model.theme.error,
        400.. => model.theme.warn,
        300..400 => model.theme.muted,
        _ => model.theme.ok,
    }
}

/// `84ms`, `1.24s`, `2m`.
pub(super) fn millis(number: u64) -> String {
    match number {
        0..1000 => format!("{number}ms"),
        1000..10_000 => format!("{}.{:02}s", number / 1000, number % 1000 / 10),
        10_000..100_000 => format!("{}.{}s", number / 1000, number % 1000 / 100),
        _ => clock::short(number),
    }
}

/// `512`, `1.1K`, `18K`, `3M`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => bytes.to_string(),
        1024..10_240 => format!("{:.1}K", bytes as f64 / 1024.0),
        _ => clock::bytes(bytes),
    }
}

fn telemetry(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let shown = model.web.shown_events();
    let offset = model.web.offsets[Page::Telemetry as usize];
    let rows = shown.iter().skip(offset).copied();
    let place = (areas.list, columns(Page::Telemetry, areas.class));
    table(model, areas, place, rows, |event, head| event_cell(model, areas.class, event, head), buffer);
}

fn event_cell(model: &Model, class: Class, event: &PageEvent, head: &str) -> (String, Style) {
    let theme = &model.theme;
    let loud = match event.level {
        Level::Error | Level::Critical => theme.error,
        Level::Warn => theme.warn,
        _ => theme.text,
    };
    match head {
        "TIME" if class == Class::Wide => (model.clock.millis(event.time_ms), theme.muted),
        "TIME" => (model.clock.clock(event.time_ms), theme.muted),
        "TYPE" => (safe(&event.kind).into_owned(), loud),
        "PAGE" => (safe(&event.page).into_owned(), theme.text),
        _ => (safe(event.text.lines().next().unwrap_or_default()).into_owned(), loud),
    }
}

fn detail(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let area = areas.detail;
    let room = usize::from(area.width).saturating_sub(6);
    let title = match model.web.page {
        Page::Requests => model.web.selected().map(|exchange| {
            let part = match model.web.part {
                ExchangePart::Head => "headers",
                ExchangePart::RequestBody => "request body",
                ExchangePart::ResponseBody => "response body",
                ExchangePart::Frames => "messages",
                ExchangePart::Timing => "timing",
                ExchangePart::Curl => "curl",
                ExchangePart::Fetch => "fetch",
            };
            let revealed = if model.web.reveal == Some(exchange.id) { ", with its secrets" } else { "" };
            let tail = format!(" · {part}{revealed}");
            let head = format!("#{} {} {}", exchange.id.0, method(exchange), safe(&place(exchange)));
            format!("{}{tail}", cut_middle(&head, room.saturating_sub(width(&tail))))
        }),
        Page::Telemetry => model.web.selected_event().map(|event| {
            let text = format!("{} · {} · tab {}", safe(&event.kind), safe(&event.page), safe(&event.session));
            cut(&text, room).into_owned()
        }),
    };
    rule(model, Rect { height: 1, ..area }, &title.unwrap_or_default(), buffer);
    draw_strip(model, areas, buffer);
}

pub(super) fn status(model: &Model, areas: &Areas, from: u16, buffer: &mut Buffer) {
    let (area, glyphs) = (areas.status, model.theme.glyphs);
    if from == area.x {
        let text = if model.web.page == Page::Requests { " filter: all   newest first" } else { " newest first" };
        put(buffer, area.x, area.y, area.width, text, model.theme.muted);
    }
    let (state, style) = match model.web.fresh() {
        _ if model.web.follows() => (format!("{} FOLLOW", glyphs.running()), model.theme.ok),
        0 => (format!("{} PAUSED", glyphs.paused()), model.theme.warn),
        fresh => (format!("{} PAUSED  {} new", glyphs.paused(), clock::count(fresh as u64)), model.theme.warn),
    };
    let proxy = format!("   {} ", proxy_words(&model.urls.proxy));
    let cells = (width(&state) + width(&proxy)) as u16;
    let x = area.right().saturating_sub(cells);
    if x < from.max(area.x + 16) {
        return;
    }
    let x = put(buffer, x, area.y, cells, &state, style);
    put(buffer, x, area.y, area.right().saturating_sub(x), &proxy, model.theme.muted);
}
