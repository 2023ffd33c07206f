//! What Brummer itself has to say, newest first.

use ratatui::buffer::Buffer;

use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{cut, put, safe};
use crate::tui::widgets::frame;

pub(crate) fn draw(model: &Model, areas: &Areas, offset: usize, buffer: &mut Buffer) -> Cursor {
    let messages = model.panel();
    let rows = (messages.len() as u16).clamp(1, 20) + 2;
    let area = frame::centred(areas.screen, areas.screen.width.saturating_sub(4).min(110), rows);
    let inside = frame::draw(model, area, &format!("Messages ({})", messages.len()), model.theme.accent, buffer);
    for (line, message) in messages.iter().rev().skip(offset).take(inside.height.into()).enumerate() {
        let y = inside.y + line as u16;
        let (letter, style) = model.theme.level(message.level);
        let time = model.clock.clock(message.time_ms);
        let x = put(buffer, inside.x + 1, y, inside.width.saturating_sub(1), &time, model.theme.muted) + 1;
        let x = put(buffer, x, y, inside.right().saturating_sub(x), letter, style) + 1;
        let room = inside.right().saturating_sub(x);
        put(buffer, x, y, room, &cut(&safe(&message.text), room.into()), model.theme.text);
    }
    if messages.is_empty() {
        put(buffer, inside.x + 1, inside.y, inside.width.saturating_sub(1), "nothing to tell", model.theme.muted);
    }
    Some((inside.x, inside.y, false))
}
