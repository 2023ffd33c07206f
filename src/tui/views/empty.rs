//! A view that has nothing to show: what is missing, why, and the buttons for the next step.

use ratatui::buffer::Buffer;

use crate::tui::empty::{area, of};
use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::put;
use crate::tui::update::strip::focused;
use crate::tui::views::screen::{draw_strip, strip_spots};

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    let (empty, area) = (of(model)?, area(model, areas));
    for (at, (row, is_first)) in empty.rows(model, areas).iter().enumerate() {
        let style = if *is_first { model.theme.text } else { model.theme.muted };
        put(buffer, area.x + 2, area.y + 1 + at as u16, area.width.saturating_sub(3), row, style);
    }
    draw_strip(model, areas, buffer);
    let here = empty.buttons.get(focused(model)?)?;
    let (_, rect) = strip_spots(model, areas).into_iter().find(|(button, _)| button == here)?;
    Some((rect.x, rect.y, false))
}
