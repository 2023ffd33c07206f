//! What went wrong, equal errors as one row; beside them what is known of the selected one.
//!
//! ```text
//!  14 errors · 5 groups · 2 new   [All] Errors  Warnings     │ TypeError  ×12   first 13:58:02 · last 14:02:29   api
//!   COUNT LAST      PROCESS  WHAT                            │ Cannot read properties of undefined (reading 'total')
//! ▌ •  12 14:02:29  api      TypeError: Cannot read propert… │ [▸Show in logs] [Open src/checkout.ts:42] [Copy] [Mute]
//!       9 14:00:02  e2e      Timeout 5000ms waiting for #pay │
//!                                                            │ ▸ src/checkout.ts:42:18            checkout
//!                                                            │ │ ▸42   const total = cart.items.total
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::app::view::{ErrorOrigin, ErrorRow};
use crate::event::Level;
use crate::tui::clock;
use crate::tui::layout::{Areas, Class, error_text};
use crate::tui::logs::window::clean_line;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::source::{Excerpt, Explained};
use crate::tui::text::{clean, cut, cut_middle, fit, fit_right, put, safe, width, wrap};
use crate::tui::views::chips;
use crate::tui::views::screen::{cursor_row, draw_strip, rule};

/// Cells of the count, the time and the process; 0: there is no such column.
fn columns(class: Class) -> [usize; 3] {
    match class {
        Class::Wide | Class::Medium | Class::Narrow => [5, 8, 8],
        _ => [4, 0, 6],
    }
}

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    if areas.class == Class::Wide {
        for y in areas.body.top()..areas.body.bottom() {
            put(buffer, areas.detail.x.saturating_sub(2), y, 1, model.theme.glyphs.bar(), model.theme.rule);
        }
    }
    let chip = chips::draw(model, areas, buffer);
    let shown = model.errors.shown();
    if shown.is_empty() {
        empty(model, areas.list, buffer);
        return chip;
    }
    heads(model, areas, buffer);
    let position = model.errors.position();
    let mut cursor = None;
    let rows = shown.iter().enumerate().skip(model.errors.offset).take(areas.list.height.into());
    for (line, (at, row)) in rows.enumerate() {
        let y = areas.list.y + line as u16;
        draw_row(model, areas, y, row, buffer);
        if at == position {
            if model.tab.is_none() && model.chip.is_none() {
                cursor_row(model, areas.list, y, buffer);
            }
            cursor = Some((areas.list.x, y, false));
        }
    }
    if let Some(row) = model.errors.selected().filter(|_| areas.detail.height > 0) {
        detail(model, areas, row, buffer);
        cursor = cursor.or(Some((areas.strip.x, areas.strip.y, false)));
    }
    chip.or(cursor)
}

fn heads(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let [count, last, process] = columns(areas.class);
    let long = areas.class > Class::Tiny;
    let mut text = format!("   {} ", fit_right(if long { "COUNT" } else { "N" }, count));
    if last > 0 {
        text.push_str(&format!("{} ", fit("LAST", last)));
    }
    text.push_str(&format!("{} WHAT", fit(if long { "PROCESS" } else { "PROC" }, process)));
    let area = areas.columns;
    put(buffer, area.x, area.y, area.width, &text, model.theme.muted);
}

fn style(model: &Model, row: &ErrorRow) -> Style {
    match row.level {
        Level::Error | Level::Critical => model.theme.error,
        _ => model.theme.warn,
    }
}

fn draw_row(model: &Model, areas: &Areas, y: u16, row: &ErrorRow, buffer: &mut Buffer) {
    let theme = &model.theme;
    let [count, last, process] = columns(areas.class);
    let area = areas.list;
    let room = |x: u16| area.right().saturating_sub(x);
    let fresh = model.errors.is_unseen(row);
    put(buffer, area.x + 1, y, 1, if fresh { theme.glyphs.bullet() } else { " " }, style(model, row));
    let text = fit_right(&clock::count(model.errors.count(row)), count);
    let mut x = put(buffer, area.x + 3, y, room(area.x + 3), &text, theme.text) + 1;
    if last > 0 {
        x = put(buffer, x, y, room(x), &fit(&model.clock.clock(row.last_ms), last), theme.muted) + 1;
    }
    let name = safe(&row.name);
    let (name, ink) = if name.is_empty() { ("page".into(), theme.accent) } else { (name, theme.process(&row.name)) };
    x = put(buffer, x, y, room(x), &fit(&name, process), ink) + 1;
    let muted = model.errors.muted.contains(&row.id);
    let ink = if muted { theme.muted } else { style(model, row) };
    put(buffer, x, y, room(x), &cut(&safe(&row.message), room(x).saturating_sub(1).into()), ink);
}

fn detail(model: &Model, areas: &Areas, row: &ErrorRow, buffer: &mut Buffer) {
    let (theme, area) = (&model.theme, areas.detail);
    let medium = areas.class == Class::Medium;
    if medium {
        rule(model, Rect { height: 1, ..area }, "", buffer);
    }
    let top = area.y + u16::from(medium);
    let room = usize::from(area.width).saturating_sub(1);
    let kind = row.kind.as_deref().unwrap_or(if row.level >= Level::Error { "Error" } else { "Warning" });
    let times = match model.errors.count(row) {
        1 => format!("at {}", model.clock.clock(row.last_ms)),
        _ => format!("first {} · last {}", model.clock.clock(row.first_ms), model.clock.clock(row.last_ms)),
    };
    let count = format!("{}{}", theme.glyphs.times(), clock::count(model.errors.count(row)));
    let head = format!("{}  {count}   {times}   {}", safe(kind), safe(&row.name));
    put(buffer, area.x + 1, top, area.width, &cut(&head, room), style(model, row).add_modifier(Modifier::BOLD));
    let message = row.kind.as_deref().and_then(|kind| row.message.strip_prefix(kind)?.strip_prefix(": "));
    let message = safe(message.unwrap_or(&row.message)).into_owned();
    put(buffer, area.x + 1, top + 1, area.width, &cut(&message, room), theme.text);
    draw_strip(model, areas, buffer);
    let text = error_text(areas);
    let rows = rows(model, text.width.into());
    for (line, (ink, row)) in rows.iter().skip(model.errors.scroll).take(text.height.into()).enumerate() {
        put(buffer, text.x, text.y + line as u16, text.width, row, ink.style(model));
    }
}

/// How a row of the detail is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ink {
    Text,
    Muted,
    Accent,
    /// The line of the error.
    Here,
}

impl Ink {
    pub(super) fn style(self, model: &Model) -> Style {
        match self {
            Ink::Text => model.theme.text,
            Ink::Muted => model.theme.muted,
            Ink::Accent => model.theme.accent,
            Ink::Here => model.theme.error.add_modifier(Modifier::BOLD),
        }
    }
}

/// What stands below the strip: the rest of a long message, the stack with the source, the lines around, the requests.
pub(crate) fn rows(model: &Model, cells: usize) -> Vec<(Ink, String)> {
    let Some(row) = model.errors.selected() else { return Vec::new() };
    let mut rows = Vec::new();
    if width(&row.message) > cells {
        let text = safe(&row.message);
        let starts = wrap(&text, cells.max(1));
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        rows.extend(starts.iter().zip(ends).map(|(from, to)| (Ink::Text, text[*from..to].to_owned())));
        rows.push((Ink::Text, String::new()));
    }
    if let ErrorOrigin::Page { page, session } = &row.origin {
        rows.push((Ink::Muted, format!("in the page {}, tab {}", safe(page), safe(session))));
    }
    match model.errors.explained() {
        Some(explained) if !explained.places.is_empty() => stack(model, row, explained, cells, &mut rows),
        Some(_) => rows.extend(row.stack.lines().map(|line| (Ink::Text, clean(line.as_bytes()).text))),
        None => {}
    }
    context(model, row, &mut rows);
    if let Some(related) = model.errors.explained().map(|explained| &explained.related).filter(|all| !all.is_empty()) {
        rows.push((Ink::Text, String::new()));
        rows.extend(related.iter().map(|(_, text)| (Ink::Accent, format!("failed with it  {}", safe(text)))));
    }
    rows
}

/// What the stack tells beside its frames, then the frames; those of others are folded.
fn stack(model: &Model, row: &ErrorRow, explained: &Explained, cells: usize, rows: &mut Vec<(Ink, String)>) {
    let glyphs = model.theme.glyphs;
    // What a test expected, say, stands before the first frame.
    let prose = row.stack.lines().take_while(|line| crate::logs::frames(line).is_empty());
    let prose = prose.filter(|line| !line.trim().is_empty());
    rows.extend(prose.take(PROSE_MAX).map(|line| (Ink::Muted, clean(line.as_bytes()).text)));
    let mut folded: Vec<&str> = Vec::new();
    for (at, place) in explained.places.iter().enumerate() {
        if let Some(library) = place.library {
            folded.push(library);
            continue;
        }
        fold(&mut folded, rows);
        let here = explained.excerpt.as_ref().is_some_and(|excerpt| excerpt.place == at);
        let column = place.frame.column.map_or(String::new(), |column| format!(":{column}"));
        let name = format!("{}:{}{column}", safe(&place.shown), place.frame.line);
        let sign = if here { glyphs.here() } else { " " };
        let room = (cells.saturating_sub(2) * 3 / 5).max(20);
        let name = fit(&cut_middle(&name, room), room.min(32).max(width(&cut_middle(&name, room))));
        let ink = if place.path.is_some() { Ink::Text } else { Ink::Muted };
        rows.push((if here { Ink::Accent } else { ink }, format!("{sign} {name} {}", safe(&place.frame.function))));
        if let Some(excerpt) = explained.excerpt.as_ref().filter(|_| here) {
            source(model, excerpt, place.frame.line, rows);
        }
    }
    fold(&mut folded, rows);
}

fn fold(folded: &mut Vec<&str>, rows: &mut Vec<(Ink, String)>) {
    let count = folded.len();
    let mut names: Vec<&str> = Vec::new();
    for name in folded.drain(..) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if count > 0 {
        let frames = if count == 1 { "frame" } else { "frames" };
        rows.push((Ink::Muted, format!("  {} ({count} {frames} folded)", names.join(", "))));
    }
}

fn source(model: &Model, excerpt: &Excerpt, line: u32, rows: &mut Vec<(Ink, String)>) {
    let glyphs = model.theme.glyphs;
    let digits = (excerpt.first as usize + excerpt.lines.len()).to_string().len();
    for (number, text) in (excerpt.first..).zip(&excerpt.lines) {
        let here = number == line;
        let sign = if here { glyphs.here() } else { " " };
        let text = format!("{} {sign}{number:>digits$}  {}", glyphs.bar(), clean(text.as_bytes()).text);
        rows.push((if here { Ink::Here } else { Ink::Text }, text));
    }
    if excerpt.changed {
        rows.push((Ink::Muted, format!("{} the file was changed since", glyphs.bar())));
    }
}

/// Lines of a stack before its first frame.
const PROSE_MAX: usize = 12;
/// Lines of the process before an error and after it.
const BEFORE: usize = 3;
const AFTER: usize = 2;

fn context(model: &Model, row: &ErrorRow, rows: &mut Vec<(Ink, String)>) {
    let ErrorOrigin::Lines { process, first, last } = row.origin else { return };
    let own = model.logs.all.only(&[process]);
    let mut before: Vec<_> = own.before(first).take(BEFORE).collect();
    before.reverse();
    let after: Vec<_> = own.after(last.saturating_add(1)).take(AFTER).collect();
    if before.is_empty() && after.is_empty() {
        return;
    }
    rows.push((Ink::Text, String::new()));
    let lines = |count: usize| if count == 1 { "line" } else { "lines" };
    let title = format!("context  {} {} before, {} after", before.len(), lines(before.len()), after.len());
    rows.push((Ink::Muted, title));
    for line in before.iter().chain(&after) {
        rows.push((Ink::Text, format!("{} {}", model.clock.millis(line.time_ms), clean_line(line).text)));
    }
}

fn empty(model: &Model, area: Rect, buffer: &mut Buffer) {
    let errors = &model.errors;
    let lines = if !errors.find.is_empty() {
        ["No error matches", "Esc shows all again"]
    } else if errors.rows.is_empty() {
        ["No error so far", "Errors in the lines of processes and of pages appear here, equal ones as one."]
    } else {
        ["Nothing to show here", "What was cleared comes back with U; f shows other severities and the muted ones."]
    };
    for (at, line) in lines.iter().enumerate().take(usize::from(area.height).saturating_sub(1)) {
        let style = if at == 0 { model.theme.text } else { model.theme.muted };
        let room = area.width.saturating_sub(3);
        put(buffer, area.x + 2, area.y + 1 + at as u16, room, &cut(line, room.into()), style);
    }
}

pub(super) fn status(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let (groups, _) = model.errors.totals();
    let muted = match model.errors.muted.len() {
        0 => String::new(),
        muted => format!("   {muted} muted"),
    };
    let bullet = model.theme.glyphs.bullet();
    let many = if groups == 1 { "" } else { "s" };
    let text = format!(" {groups} group{many}{muted}   {bullet} = not seen yet   grouped by message");
    let area = areas.status;
    put(buffer, area.x, area.y, area.width, &cut(&text, area.width.into()), model.theme.muted);
}
