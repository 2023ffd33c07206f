//! The introduction: a box with what it says and its buttons below.
//!
//! ```text
//! ┌─ Getting around · 1 of 3 ────────────────────────┐
//! │ ↑ ↓        a row up or down                      │
//! │ Enter      the first of its buttons              │
//! │                                                  │
//! │ [▸Next] [Close]                                  │
//! └──────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{fit, put, width};
use crate::tui::tour::{Tour, TourButton};
use crate::tui::widgets::frame;

/// A row of the box: the keys, where something new begins, and a part of the text.
type Row = (String, String);

pub(crate) fn draw(model: &Model, areas: &Areas, tour: &Tour, buffer: &mut Buffer) -> Cursor {
    let (area, rows, keys) = place(model, tour, areas.screen);
    let inside = frame::draw(model, area, &tour.title(), model.theme.accent, buffer);
    let text = text_of(inside);
    let offset = tour.offset.min(rows.len().saturating_sub(text.height.into()));
    for (line, (key, about)) in rows.iter().skip(offset).take(text.height.into()).enumerate() {
        let y = text.y + line as u16;
        let x = put(buffer, text.x + 1, y, text.width.saturating_sub(1), &fit(key, keys), model.theme.accent) + 1;
        put(buffer, x, y, text.right().saturating_sub(x), about, model.theme.text);
    }
    if offset + usize::from(text.height) < rows.len() && text.height > 0 {
        let more = model.theme.glyphs.more();
        put(buffer, text.right().saturating_sub(1), text.bottom() - 1, 1, more, model.theme.muted);
    }
    let mut cursor = None;
    for (at, (button, rect)) in button_spots(model, tour, areas.screen).into_iter().enumerate() {
        let focused = at == tour.button;
        let sign = if focused { model.theme.glyphs.here() } else { "" };
        let style = if focused { model.theme.cursor } else { model.theme.text };
        if focused {
            cursor = Some((rect.x, rect.y, false));
        }
        put(buffer, rect.x, rect.y, rect.width, &format!("[{sign}{}]", button.label()), style);
    }
    cursor
}

/// Where the box is, what stands in it, and how wide its keys are.
fn place(model: &Model, tour: &Tour, screen: Rect) -> (Rect, Vec<Row>, usize) {
    let columns = screen.width.saturating_sub(2).min(84);
    let all = tour.rows(model);
    let most = if columns > 60 { 14 } else { 11 };
    let keys = all.iter().map(|(key, _)| width(key)).max().unwrap_or(0).min(most);
    let cells = usize::from(columns).saturating_sub(keys + 5).max(1);
    let rows: Vec<Row> = all.iter().flat_map(|(key, pieces)| wrapped(key, pieces, cells)).collect();
    let height = (rows.len() as u16).saturating_add(4).min(screen.height.saturating_sub(1));
    (frame::centred(Rect { height: screen.height.saturating_sub(1), ..screen }, columns, height), rows, keys)
}

/// A text in rows; the keys stand before the first one. A piece that is wider than a row is cut at its blanks.
fn wrapped(key: &str, pieces: &[String], cells: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = vec![(key.to_owned(), String::new())];
    let parts = |piece: &str| match width(piece) <= cells {
        true => vec![piece.to_owned()],
        false => piece.split(' ').map(str::to_owned).collect(),
    };
    for part in pieces.iter().flat_map(|piece| parts(piece)) {
        match rows.last_mut() {
            Some((_, row)) if row.is_empty() => row.push_str(&part),
            Some((_, row)) if width(row) + 1 + width(&part) <= cells => {
                row.push(' ');
                row.push_str(&part);
            }
            _ => rows.push((String::new(), part)),
        }
    }
    rows
}

/// What is left inside of the box above the buttons.
fn text_of(inside: Rect) -> Rect {
    Rect { height: inside.height.saturating_sub(if inside.height > 5 { 2 } else { 1 }), ..inside }
}

/// So many rows can be scrolled past.
pub(crate) fn offset_max(model: &Model, tour: &Tour, screen: Rect) -> usize {
    let (area, rows, _) = place(model, tour, screen);
    let inside = Rect { height: area.height.saturating_sub(2), ..area };
    rows.len().saturating_sub(text_of(inside).height.into())
}

/// Where the buttons are.
pub(crate) fn button_spots(model: &Model, tour: &Tour, screen: Rect) -> Vec<(TourButton, Rect)> {
    let (area, ..) = place(model, tour, screen);
    let (mut x, end, y) = (area.x + 2, area.right().saturating_sub(1), area.bottom().saturating_sub(2));
    let spot = |(at, button): (usize, &TourButton)| {
        let cells = width(button.label()) as u16 + 2 + u16::from(at == tour.button);
        let rect = Rect::new(x.min(end), y, cells.min(end.saturating_sub(x)), 1);
        x = x.saturating_add(cells + 1);
        (*button, rect)
    };
    tour.buttons().iter().enumerate().map(spot).collect()
}
