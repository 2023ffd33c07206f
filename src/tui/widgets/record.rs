//! One whole line: wrapped, and pretty if it is JSON.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout::Areas;
use crate::tui::model::{Model, Record};
use crate::tui::screen::Cursor;
use crate::tui::text::{clean, put, wrap};
use crate::tui::update::overlays::RECORD_BUTTONS;
use crate::tui::widgets::frame;

pub(crate) fn draw(model: &Model, areas: &Areas, record: &Record, buffer: &mut Buffer) -> Cursor {
    let columns = areas.screen.width.saturating_sub(4).min(110);
    let rows = rows(record, usize::from(columns.saturating_sub(4)));
    let height = (rows.len() as u16).saturating_add(4).clamp(7, areas.screen.height.saturating_sub(2).max(7));
    let area = frame::centred(areas.screen, columns, height);
    let inside = frame::draw(model, area, &record.title, model.theme.accent, buffer);
    if inside.height < 3 {
        return None;
    }
    let text = Rect { height: inside.height - 2, ..inside };
    let offset = record.offset.min(rows.len().saturating_sub(text.height.into()));
    for (line, row) in rows.iter().skip(offset).take(text.height.into()).enumerate() {
        put(buffer, text.x + 1, text.y + line as u16, text.width.saturating_sub(2), row, model.theme.text);
    }
    let mut x = inside.x + 1;
    let y = inside.bottom() - 1;
    let mut cursor = (x, y, false);
    for (at, label) in RECORD_BUTTONS.into_iter().enumerate() {
        let focused = at == record.button;
        let sign = if focused { model.theme.glyphs.here() } else { "" };
        let style = if focused { model.theme.cursor } else { model.theme.text };
        if focused {
            cursor.0 = x;
        }
        x = put(buffer, x, y, inside.right().saturating_sub(x), &format!("[{sign}{label}]"), style) + 1;
    }
    Some(cursor)
}

fn rows(record: &Record, cells: usize) -> Vec<String> {
    let source = record.json.as_ref().filter(|_| record.pretty).unwrap_or(&record.plain);
    let mut rows = Vec::new();
    for line in source.lines() {
        let text = clean(line.as_bytes()).text;
        let starts = wrap(&text, cells);
        for (at, from) in starts.iter().enumerate() {
            let to = starts.get(at + 1).copied().unwrap_or(text.len());
            rows.push(text[*from..to].to_string());
        }
    }
    rows
}
