//! What a process's environment has beside Brummer's own: a row each, and the selected one as a whole below.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::style::Style;

use crate::app::view::EnvRow;
use crate::tui::env::Environment;
use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{clean, cut, fit, put, safe, width, wrap};
use crate::tui::widgets::frame;

/// Cells of the box, and of a name in it, at most.
const COLUMNS_MAX: u16 = 110;
const NAME_CELLS_MAX: usize = 28;

/// Where the parts of the box are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    area: Rect,
    pub(crate) list: Rect,
    /// Where the selected one stands as a whole; empty on a small screen.
    whole: Rect,
}

/// Where the box is on this screen: as high as its rows need, if that has room.
pub(crate) fn places(popup: &Environment, screen: Rect) -> Places {
    let columns = screen.width.saturating_sub(4).min(COLUMNS_MAX);
    let rows = u16::try_from(popup.len().max(2)).unwrap_or(u16::MAX);
    let area = frame::centred(screen, columns, rows.saturating_add(6).min(screen.height.saturating_sub(2)));
    let inside = area.inner(Margin::new(1, 1));
    let below = match inside.height {
        8.. => 4,
        5..8 => 2,
        _ => 0,
    };
    let list = Rect { height: inside.height - below, ..inside };
    Places { area, list, whole: Rect { y: list.bottom(), height: below, ..inside } }
}

/// The row on this spot of the screen.
pub(crate) fn row_at(popup: &Environment, screen: Rect, at: Position) -> Option<usize> {
    let list = places(popup, screen).list;
    let row = popup.first(list.height.into()) + usize::from(at.y.checked_sub(list.y)?);
    Some(row).filter(|row| list.contains(at) && *row < popup.len())
}

pub(crate) fn draw(model: &Model, areas: &Areas, popup: &Environment, buffer: &mut Buffer) -> Cursor {
    let places = places(popup, areas.screen);
    frame::draw(model, places.area, &popup.title, model.theme.accent, buffer);
    let list = places.list;
    let Some(rows) = popup.rows.as_ref().filter(|rows| !rows.is_empty()) else {
        let text = if popup.rows.is_none() { "" } else { "Nothing is added: it has brummer's own environment." };
        let room = list.width.saturating_sub(2);
        put(buffer, list.x + 1, list.y, room, &cut(text, room.into()), model.theme.muted);
        return None;
    };
    let names = rows.iter().map(|row| width(&safe(&row.name))).max().unwrap_or(0);
    let names = names.min(NAME_CELLS_MAX).min(usize::from(list.width) / 3);
    let first = popup.first(list.height.into());
    for (line, row) in rows.iter().skip(first).take(list.height.into()).enumerate() {
        let (y, room) = (list.y + line as u16, list.width.saturating_sub(2));
        let x = put(buffer, list.x + 1, y, room, &fit(&safe(&row.name), names), model.theme.accent);
        let x = put(buffer, x, y, list.right().saturating_sub(x), " = ", model.theme.muted);
        let (text, style) = value(model, row);
        let left = list.right().saturating_sub(x + 1);
        put(buffer, x, y, left, &cut(&text, left.into()), style);
    }
    let y = list.y + popup.cursor.saturating_sub(first) as u16;
    if list.is_empty() {
        return None;
    }
    buffer.set_style(Rect { y, height: 1, ..list }.intersection(buffer.area), model.theme.cursor);
    if let Some(row) = popup.selected() {
        whole(model, places.whole, row, buffer);
    }
    Some((list.x, y, false))
}

fn value(model: &Model, row: &EnvRow) -> (String, Style) {
    match &row.value {
        None => ("(removed)".into(), model.theme.muted),
        Some(value) if row.is_secret => (safe(value).into_owned(), model.theme.muted),
        Some(value) => (clean(value.as_bytes()).text, model.theme.text),
    }
}

/// Where the selected one comes from, and as much of its value as has room.
fn whole(model: &Model, area: Rect, row: &EnvRow, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let (x, room) = (area.x + 1, area.width.saturating_sub(2));
    put(buffer, area.x, area.y, area.width, &model.theme.glyphs.line().repeat(area.width.into()), model.theme.rule);
    let from = row.source.as_ref().map_or(String::new(), |source| format!("  from {}", safe(source)));
    let head = format!("{}{from}", safe(&row.name));
    put(buffer, x, area.y + 1, room, &cut(&head, room.into()), model.theme.muted);
    let (text, style) = value(model, row);
    let starts = wrap(&text, room.into());
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let lines = usize::from(area.height) - 2;
    let last = lines.saturating_sub(1);
    for (line, (from, to)) in starts.iter().zip(ends).take(lines).enumerate() {
        // The last line holds the rest, cut.
        let to = if line == last { text.len() } else { to };
        put(buffer, x, area.y + 2 + line as u16, room, &cut(&text[*from..to], room.into()), style);
    }
}
