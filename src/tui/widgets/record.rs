//! One whole line: wrapped, and pretty if it is JSON.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout::Areas;
use crate::tui::model::{Model, Record};
use crate::tui::screen::Cursor;
use crate::tui::text::{clean, put, width, wrap};
use crate::tui::update::overlays::record_buttons;
use crate::tui::widgets::frame;

pub(crate) fn draw(model: &Model, areas: &Areas, record: &Record, buffer: &mut Buffer) -> Cursor {
    let (area, rows) = place(record, areas.screen);
    let inside = frame::draw(model, area, &record.title, model.theme.accent, buffer);
    if inside.height < 3 {
        return None;
    }
    let text = Rect { height: inside.height - 2, ..inside };
    let offset = record.offset.min(rows.len().saturating_sub(text.height.into()));
    for (line, row) in rows.iter().skip(offset).take(text.height.into()).enumerate() {
        put(buffer, text.x + 1, text.y + line as u16, text.width.saturating_sub(2), row, model.theme.text);
    }
    let mut cursor = None;
    for (at, (label, rect)) in record_buttons(record).iter().zip(button_spots(record, areas.screen)).enumerate() {
        let focused = at == record.button;
        let sign = if focused { model.theme.glyphs.here() } else { "" };
        let style = if focused { model.theme.cursor } else { model.theme.text };
        if focused {
            cursor = Some((rect.x, rect.y, false));
        }
        put(buffer, rect.x, rect.y, rect.width, &format!("[{sign}{label}]"), style);
    }
    cursor
}

/// Where the box is, and what stands in it.
fn place(record: &Record, screen: Rect) -> (Rect, Vec<String>) {
    let columns = screen.width.saturating_sub(4).min(110);
    let rows = rows(record, usize::from(columns.saturating_sub(4)));
    let height = (rows.len() as u16).saturating_add(4).clamp(7, screen.height.saturating_sub(2).max(7));
    (frame::centred(screen, columns, height), rows)
}

/// Where the buttons are; one that has no room has no width.
pub(crate) fn button_spots(record: &Record, screen: Rect) -> Vec<Rect> {
    let (area, _) = place(record, screen);
    let (mut x, end, y) = (area.x + 2, area.right().saturating_sub(1), area.bottom().saturating_sub(2));
    let spot = |(at, label): (usize, &&str)| {
        let cells = width(label) as u16 + 2 + u16::from(at == record.button);
        let rect = Rect::new(x.min(end), y, cells.min(end.saturating_sub(x)), 1);
        x = x.saturating_add(cells + 1);
        rect
    };
    record_buttons(record).iter().enumerate().map(spot).collect()
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
