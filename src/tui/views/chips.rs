//! Draws the row of chips above a list.

use ratatui::buffer::Buffer;
use ratatui::style::Modifier;

use crate::tui::chips::row;
use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{cut, put};

/// Draws the row; answers where the chip with the focus is.
pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    let row = row(model, areas);
    for (x, text) in &row.texts {
        let room = areas.chips.right().saturating_sub(*x);
        put(buffer, *x, areas.chips.y, room, &cut(text, room.into()), model.theme.muted);
    }
    let mut cursor = None;
    for (at, spot) in row.spots.iter().enumerate() {
        let style = match spot.chosen {
            _ if model.chip == Some(at) => model.theme.cursor,
            true => model.theme.accent.add_modifier(Modifier::BOLD),
            false => model.theme.text,
        };
        put(buffer, spot.area.x, spot.area.y, spot.area.width, &spot.text, style);
        if model.chip == Some(at) {
            cursor = Some((spot.area.x, spot.area.y, false));
        }
    }
    cursor
}
