//! Toasts at the bottom right: told in passing, never in the way of a key.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::event::Level;
use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::text::{cut, put, safe, width};

pub(crate) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let bottom = areas.footer.y.saturating_sub(areas.status.height);
    for (at, toast) in model.toasts.iter().rev().enumerate() {
        let Some(y) = bottom.checked_sub(at as u16 + 1).filter(|y| *y > areas.tabs.y) else { break };
        let glyphs = model.theme.glyphs;
        let (sign, style) = match toast.level {
            Level::Error | Level::Critical => (glyphs.failed(), model.theme.error),
            Level::Warn => ("!", model.theme.warn),
            _ => (glyphs.done(), model.theme.ok),
        };
        let count = if toast.count > 1 { format!(" {}{}", glyphs.times(), toast.count) } else { String::new() };
        let room = usize::from(areas.screen.width).saturating_sub(6 + width(&count)).min(100);
        let text = format!(" {sign} {}{count} ", cut(&safe(&toast.text), room));
        let cells = width(&text) as u16;
        let rect = Rect::new(areas.screen.width.saturating_sub(cells), y, cells, 1).intersection(buffer.area);
        for x in rect.left()..rect.right() {
            buffer[(x, y)].reset();
        }
        put(buffer, rect.x, y, rect.width, &text, style.patch(model.theme.cursor));
    }
}
