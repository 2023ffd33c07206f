//! The choice of the processes whose lines are shown.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};

use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{cut, put, safe, width};
use crate::tui::widgets::frame;

fn area(items: &[(Arc<str>, bool)], screen: Rect) -> Rect {
    let columns = items.iter().map(|(name, _)| width(name)).max().unwrap_or(0).max(24) as u16 + 8;
    frame::centred(screen, columns, items.len() as u16 + 2)
}

/// The item on this spot of the screen.
pub(crate) fn item_at(items: &[(Arc<str>, bool)], cursor: usize, screen: Rect, at: Position) -> Option<usize> {
    let inside = area(items, screen).inner(Margin::new(1, 1));
    let offset = (cursor + 1).saturating_sub(usize::from(inside.height).max(1));
    Some(offset + usize::from(at.y.checked_sub(inside.y)?)).filter(|row| inside.contains(at) && *row < items.len())
}

pub(crate) fn draw(
    model: &Model,
    areas: &Areas,
    items: &[(Arc<str>, bool)],
    cursor: usize,
    buffer: &mut Buffer,
) -> Cursor {
    let area = area(items, areas.screen);
    let inside = frame::draw(model, area, "Show lines of", model.theme.accent, buffer);
    let height = usize::from(inside.height).max(1);
    let offset = (cursor + 1).saturating_sub(height);
    for (line, (name, on)) in items.iter().skip(offset).take(height).enumerate() {
        let y = inside.y + line as u16;
        let sign = if *on { "x" } else { " " };
        let text = format!(" [{sign}] {}", safe(name));
        put(buffer, inside.x, y, inside.width, &cut(&text, inside.width.into()), model.theme.process(name));
    }
    let y = inside.y + (cursor - offset) as u16;
    buffer.set_style(Rect { y, height: 1, ..inside }.intersection(buffer.area), model.theme.cursor);
    Some((inside.x, y, false))
}
