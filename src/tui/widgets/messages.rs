//! What Brummer itself has to say, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::view::SystemMessage;
use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{put, safe, width, wrap_words};
use crate::tui::widgets::frame;

/// Rows of the box where the screen has them.
const ROWS: u16 = 20;

/// A row of the box: the first one of a message tells its time and level.
struct Row<'m> {
    begins: Option<&'m SystemMessage>,
    text: String,
}

/// Where the box is, and what stands in it.
fn place(model: &Model, screen: Rect) -> (Rect, Vec<Row<'_>>) {
    let columns = screen.width.saturating_sub(4).min(110);
    let room = usize::from(columns.saturating_sub(3)).saturating_sub(indent(model));
    let row = |message| {
        let texts = wrap_words(&safe(message), room);
        texts.into_iter().map(|text| Row { begins: None, text })
    };
    let mut rows = Vec::new();
    for message in model.panel().into_iter().rev() {
        let begin = rows.len();
        rows.extend(row(&message.text));
        if let Some(first) = rows.get_mut(begin) {
            first.begins = Some(message);
        }
    }
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).clamp(1, ROWS) + 2;
    (frame::centred(screen, columns, height.min(screen.height.saturating_sub(2).max(3))), rows)
}

/// Cells before the text of a message: its time and its letter.
fn indent(model: &Model) -> usize {
    width(&model.clock.clock(0)) + 3
}

/// How far it can be scrolled.
pub(crate) fn most(model: &Model, screen: Rect) -> usize {
    let (area, rows) = place(model, screen);
    rows.len().saturating_sub(usize::from(area.height.saturating_sub(2)))
}

pub(crate) fn draw(model: &Model, areas: &Areas, offset: usize, buffer: &mut Buffer) -> Cursor {
    let (area, rows) = place(model, areas.screen);
    let title = format!("Messages ({})", model.panel().len());
    let inside = frame::draw(model, area, &title, model.theme.accent, buffer);
    let offset = offset.min(rows.len().saturating_sub(inside.height.into()));
    for (line, row) in rows.iter().skip(offset).take(inside.height.into()).enumerate() {
        let (y, mut x) = (inside.y + line as u16, inside.x + 1);
        if let Some(message) = row.begins {
            let (letter, style) = model.theme.level(message.level);
            let time = model.clock.clock(message.time_ms);
            x = put(buffer, x, y, inside.right().saturating_sub(x), &time, model.theme.muted) + 1;
            put(buffer, x, y, inside.right().saturating_sub(x), letter, style);
        }
        let x = inside.x + 1 + indent(model) as u16;
        put(buffer, x, y, inside.right().saturating_sub(x), &row.text, model.theme.text);
    }
    if rows.is_empty() {
        put(buffer, inside.x + 1, inside.y, inside.width.saturating_sub(1), "nothing to tell", model.theme.muted);
    }
    Some((inside.x, inside.y, false))
}
