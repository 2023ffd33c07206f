//! A box with a title, cleared of what was there.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::tui::model::Model;
use crate::tui::text::{cut, put};

/// A rectangle of this size in the middle of the screen, as far as it fits.
pub(crate) fn centred(screen: Rect, columns: u16, rows: u16) -> Rect {
    let (width, height) = (columns.min(screen.width), rows.min(screen.height));
    Rect::new((screen.width - width) / 2, (screen.height - height) / 2, width, height)
}

/// Draws the box and answers what is inside of it.
pub(crate) fn draw(model: &Model, area: Rect, title: &str, style: Style, buffer: &mut Buffer) -> Rect {
    let glyphs = model.theme.glyphs;
    let area = area.intersection(buffer.area);
    if area.width < 4 || area.height < 3 {
        return Rect::default();
    }
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buffer[(x, y)].reset();
        }
    }
    buffer.set_style(area, model.theme.text);
    let (left, right, bottom) = (area.left(), area.right() - 1, area.bottom() - 1);
    for x in left..=right {
        put(buffer, x, area.y, 1, glyphs.line(), style);
        put(buffer, x, bottom, 1, glyphs.line(), style);
    }
    for y in area.top()..=bottom {
        put(buffer, left, y, 1, glyphs.bar(), style);
        put(buffer, right, y, 1, glyphs.bar(), style);
    }
    put(buffer, left, area.y, 1, glyphs.corner_tl(), style);
    put(buffer, right, area.y, 1, glyphs.corner_tr(), style);
    put(buffer, left, bottom, 1, glyphs.corner_bl(), style);
    put(buffer, right, bottom, 1, glyphs.corner_br(), style);
    let title = format!(" {} ", cut(title, usize::from(area.width).saturating_sub(6)));
    put(buffer, left + 2, area.y, area.width - 3, &title, style.add_modifier(Modifier::BOLD));
    Rect::new(left + 1, area.y + 1, area.width - 2, area.height - 2)
}
