//! The help of the view in front: every key that holds there, every command; typing narrows it.

use ratatui::buffer::Buffer;

use crate::app::command::COMMANDS;
use crate::tui::field::Field;
use crate::tui::layout::Areas;
use crate::tui::model::{Model, narrow};
use crate::tui::screen::Cursor;
use crate::tui::text::{cut, fit, put};
use crate::tui::widgets::frame;

/// The rows: keys, what they do, where.
fn rows(model: &Model, filter: &str) -> Vec<(String, &'static str, &'static str)> {
    let keys = model.keymap.rows(model.view).map(|(row, keys)| {
        let written: Vec<String> = keys.iter().map(|key| key.written(model.theme.glyphs)).collect();
        (written.join("  "), row.about, row.place.name())
    });
    let bound = model.keymap.commands().map(|(line, keys)| {
        let written: Vec<String> = keys.iter().map(|key| key.written(model.theme.glyphs)).collect();
        (format!("{}  /{line}", written.join("  ")), "a command on a key of yours", "all views")
    });
    let keys = keys.chain(bound);
    let commands = COMMANDS.iter().map(|spec| (format!("/{} {}", spec.name, spec.usage), spec.about, "command"));
    keys.chain(commands).filter(|(keys, about, _)| narrow(filter, &[keys, about])).collect()
}

pub(crate) fn draw(model: &Model, areas: &Areas, filter: &Field, offset: usize, buffer: &mut Buffer) -> Cursor {
    let rows = rows(model, filter.text());
    let height = (rows.len() as u16 + 2).max(6).min(areas.screen.height.saturating_sub(2));
    let area = frame::centred(areas.screen, 92, height);
    let hint = if filter.is_empty() { "type to filter".to_string() } else { format!("filter: {}", filter.text()) };
    let title = format!("Help · {}  ({hint})", model.view.title());
    let inside = frame::draw(model, area, &title, model.theme.accent, buffer);
    let height = usize::from(inside.height);
    let offset = offset.min(rows.len().saturating_sub(height));
    let wide = inside.width > 70;
    let keys = if wide { 24 } else { 16 };
    for (line, (key, about, place)) in rows.iter().skip(offset).take(height).enumerate() {
        let y = inside.y + line as u16;
        let x = put(buffer, inside.x + 1, y, inside.width.saturating_sub(1), &fit(key, keys), model.theme.accent) + 1;
        let tail = if wide { 19 } else { 0 };
        let room = inside.right().saturating_sub(x + tail);
        put(buffer, x, y, room, &cut(about, room.into()), model.theme.text);
        if wide {
            put(buffer, inside.right() - 18, y, 18, place, model.theme.muted);
        }
    }
    if rows.is_empty() {
        put(buffer, inside.x + 1, inside.y, inside.width.saturating_sub(1), "nothing matches", model.theme.muted);
    }
    Some((inside.x, inside.y, false))
}
