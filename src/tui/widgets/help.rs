//! The help of the view in front: every key that holds there, every command; typing narrows it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::command::COMMANDS;
use crate::tui::field::Field;
use crate::tui::layout::Areas;
use crate::tui::model::{Model, narrow};
use crate::tui::screen::Cursor;
use crate::tui::text::{put, wrap_words};
use crate::tui::widgets::frame;

/// Columns of the box where the screen has them.
const COLUMNS: u16 = 92;

/// With more columns than these it says where a key holds, too.
const WIDE: u16 = 72;

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

/// A row of the box; what is longer goes on in the row below.
struct Line {
    key: String,
    about: String,
    place: &'static str,
}

/// Where the box is, the cells of the keys and of the places, and what stands in it.
fn place(model: &Model, screen: Rect, filter: &Field) -> (Rect, [u16; 2], Vec<Line>) {
    let columns = screen.width.min(COLUMNS);
    let parts = if columns > WIDE { [24, 19] } else { [16, 0] };
    let room = usize::from(columns.saturating_sub(parts[0] + parts[1] + 4));
    let mut lines = Vec::new();
    for (key, about, place) in rows(model, filter.text()) {
        let (keys, abouts) = (wrap_words(&key, parts[0].into()), wrap_words(about, room));
        for at in 0..keys.len().max(abouts.len()) {
            let part = |parts: &[String]| parts.get(at).cloned().unwrap_or_default();
            lines.push(Line { key: part(&keys), about: part(&abouts), place: if at == 0 { place } else { "" } });
        }
    }
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).max(6).min(screen.height.saturating_sub(2));
    (frame::centred(screen, columns, height), parts, lines)
}

/// How far it can be scrolled.
pub(crate) fn most(model: &Model, screen: Rect, filter: &Field) -> usize {
    let (area, _, lines) = place(model, screen, filter);
    lines.len().saturating_sub(usize::from(area.height.saturating_sub(2)))
}

pub(crate) fn draw(model: &Model, areas: &Areas, filter: &Field, offset: usize, buffer: &mut Buffer) -> Cursor {
    let (area, [keys, places], lines) = place(model, areas.screen, filter);
    let hint = if filter.is_empty() { "type to filter".to_string() } else { format!("filter: {}", filter.text()) };
    let title = format!("Help · {}  ({hint})", model.view.title());
    let inside = frame::draw(model, area, &title, model.theme.accent, buffer);
    let offset = offset.min(lines.len().saturating_sub(inside.height.into()));
    for (at, line) in lines.iter().skip(offset).take(inside.height.into()).enumerate() {
        let (x, y) = (inside.x + 1, inside.y + at as u16);
        put(buffer, x, y, keys, &line.key, model.theme.accent);
        let x = x + keys + 1;
        put(buffer, x, y, inside.right().saturating_sub(x), &line.about, model.theme.text);
        if places > 0 {
            put(buffer, inside.right().saturating_sub(places - 1), y, places - 1, line.place, model.theme.muted);
        }
    }
    if lines.is_empty() {
        put(buffer, inside.x + 1, inside.y, inside.width.saturating_sub(1), "nothing matches", model.theme.muted);
    }
    Some((inside.x, inside.y, false))
}
