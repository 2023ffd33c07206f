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
use crate::tui::layout::{Areas, Class};
use crate::tui::logs::window::clean_line;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::sheet::Line;
use crate::tui::source::{Excerpt, Explained};
use crate::tui::text::{clean, cut, cut_middle, fit, fit_right, put, safe, width};
use crate::tui::views::screen::{cursor_row, draw_strip, rule};
use crate::tui::views::{chips, empty};

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
        return chip.or(empty::draw(model, areas, buffer));
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
    put(buffer, area.x + 1, top, area.width, &cut(&head(model, row), room), head_style(model, row));
    let message = row.kind.as_deref().and_then(|kind| row.message.strip_prefix(kind)?.strip_prefix(": "));
    let message = safe(message.unwrap_or(&row.message)).into_owned();
    put(buffer, area.x + 1, top + 1, area.width, &cut(&message, room), theme.text);
    draw_strip(model, areas, buffer);
}

fn head_style(model: &Model, row: &ErrorRow) -> Style {
    style(model, row).add_modifier(Modifier::BOLD)
}

/// What kind of error it is, how often it came, when, and whose it is.
fn head(model: &Model, row: &ErrorRow) -> String {
    let kind = row.kind.as_deref().unwrap_or(if row.level >= Level::Error { "Error" } else { "Warning" });
    let times = match model.errors.count(row) {
        1 => format!("at {}", model.clock.clock(row.last_ms)),
        _ => format!("first {} · last {}", model.clock.clock(row.first_ms), model.clock.clock(row.last_ms)),
    };
    let count = format!("{}{}", model.theme.glyphs.times(), clock::count(model.errors.count(row)));
    format!("{}  {count}   {times}   {}", safe(kind), safe(&row.name))
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

/// What stands below the strip, as it is put together.
struct Text<'a> {
    model: &'a Model,
    lines: Vec<Line>,
}

impl Text<'_> {
    fn push(&mut self, ink: Ink, text: String) -> &mut Line {
        self.behind(ink, String::new(), text)
    }

    /// With a sign before it that is no part of it.
    fn behind(&mut self, ink: Ink, sign: String, text: String) -> &mut Line {
        let style = ink.style(self.model);
        self.lines.push(Line::new(self.lines.len(), text, style).behind(sign, style));
        self.lines.last_mut().expect("a line was pushed")
    }

    /// A line as it is stored.
    fn stored(&mut self, ink: Ink, sign: String, line: &str) {
        self.behind(ink, sign, clean(line.as_bytes()).text).stored = Some(line.to_owned());
    }
}

/// What stands below the strip: the rest of a long message, the stack with the source, the lines around, the requests. Alone
/// on the screen, it begins with what stands above the strip.
pub(super) fn lines(model: &Model, cells: usize, alone: bool) -> Vec<Line> {
    let Some(row) = model.errors.selected() else { return Vec::new() };
    let mut text = Text { model, lines: Vec::new() };
    if alone {
        text.push(Ink::Text, head(model, row)).style = head_style(model, row);
    }
    if alone || width(&row.message) > cells {
        let message = text.push(Ink::Text, safe(&row.message).into_owned());
        (message.wraps, message.stored) = (true, Some(row.message.to_string()));
        text.push(Ink::Text, String::new());
    }
    if let ErrorOrigin::Page { page, session } = &row.origin {
        text.push(Ink::Muted, format!("in the page {}, tab {}", safe(page), safe(session)));
    }
    match model.errors.explained() {
        Some(explained) if !explained.places.is_empty() => stack(row, explained, cells, &mut text),
        Some(_) => row.stack.lines().for_each(|line| text.stored(Ink::Text, String::new(), line)),
        None => {}
    }
    context(row, &mut text);
    if let Some(related) = model.errors.explained().map(|explained| &explained.related).filter(|all| !all.is_empty()) {
        text.push(Ink::Text, String::new());
        for (_, request) in related {
            text.behind(Ink::Accent, "failed with it  ".into(), safe(request).into_owned());
        }
    }
    text.lines
}

/// What the stack tells beside its frames, then the frames; those of others are folded.
fn stack(row: &ErrorRow, explained: &Explained, cells: usize, text: &mut Text<'_>) {
    let glyphs = text.model.theme.glyphs;
    // What a test expected, say, stands before the first frame.
    let prose = row.stack.lines().take_while(|line| crate::logs::frames(line).is_empty());
    let prose = prose.filter(|line| !line.trim().is_empty());
    prose.take(PROSE_MAX).for_each(|line| text.stored(Ink::Muted, String::new(), line));
    let mut folded: Vec<&str> = Vec::new();
    for (at, place) in explained.places.iter().enumerate() {
        if let Some(library) = place.library {
            folded.push(library);
            continue;
        }
        fold(&mut folded, text);
        let here = explained.excerpt.as_ref().is_some_and(|excerpt| excerpt.place == at);
        let column = place.frame.column.map_or(String::new(), |column| format!(":{column}"));
        let whole = format!("{}:{}{column}", safe(&place.shown), place.frame.line);
        let sign = if here { glyphs.here() } else { " " };
        let room = (cells.saturating_sub(2) * 3 / 5).max(20);
        let name = fit(&cut_middle(&whole, room), room.min(32).max(width(&cut_middle(&whole, room))));
        let ink = if place.path.is_some() { Ink::Text } else { Ink::Muted };
        let (ink, function) = (if here { Ink::Accent } else { ink }, safe(&place.frame.function));
        let line = text.behind(ink, format!("{sign} "), format!("{name} {function}"));
        line.stored = Some(format!("{whole} {function}").trim_end().to_owned());
        if let Some(excerpt) = explained.excerpt.as_ref().filter(|_| here) {
            source(excerpt, place.frame.line, text);
        }
    }
    fold(&mut folded, text);
}

fn fold(folded: &mut Vec<&str>, text: &mut Text<'_>) {
    let count = folded.len();
    let mut names: Vec<&str> = Vec::new();
    for name in folded.drain(..) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if count > 0 {
        let frames = if count == 1 { "frame" } else { "frames" };
        text.behind(Ink::Muted, "  ".into(), format!("{} ({count} {frames} folded)", names.join(", ")));
    }
}

fn source(excerpt: &Excerpt, line: u32, text: &mut Text<'_>) {
    let glyphs = text.model.theme.glyphs;
    let digits = (excerpt.first as usize + excerpt.lines.len()).to_string().len();
    for (number, code) in (excerpt.first..).zip(&excerpt.lines) {
        let here = number == line;
        let sign = if here { glyphs.here() } else { " " };
        let ink = if here { Ink::Here } else { Ink::Text };
        text.stored(ink, format!("{} {sign}{number:>digits$}  ", glyphs.bar()), code);
    }
    if excerpt.changed {
        text.behind(Ink::Muted, format!("{} ", glyphs.bar()), "the file was changed since".into());
    }
}

/// Lines of a stack before its first frame.
const PROSE_MAX: usize = 12;
/// Lines of the process before an error and after it.
const BEFORE: usize = 3;
const AFTER: usize = 2;

fn context(row: &ErrorRow, text: &mut Text<'_>) {
    let ErrorOrigin::Lines { process, first, last } = row.origin else { return };
    let own = text.model.logs.all.only(&[process]);
    let mut before: Vec<_> = own.before(first).take(BEFORE).collect();
    before.reverse();
    let after: Vec<_> = own.after(last.saturating_add(1)).take(AFTER).collect();
    if before.is_empty() && after.is_empty() {
        return;
    }
    text.push(Ink::Text, String::new());
    let lines = |count: usize| if count == 1 { "line" } else { "lines" };
    let title = format!("context  {} {} before, {} after", before.len(), lines(before.len()), after.len());
    text.push(Ink::Muted, title);
    for line in before.iter().chain(&after) {
        let time = format!("{} ", text.model.clock.millis(line.time_ms));
        let shown = text.behind(Ink::Text, time, clean_line(line).text);
        shown.stored = Some(String::from_utf8_lossy(line.plain).into_owned());
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
