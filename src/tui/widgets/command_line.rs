//! The command line in the last rows, with what the text can become above it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};

use crate::tui::layout::Areas;
use crate::tui::model::{CommandLine, Model};
use crate::tui::screen::Cursor;
use crate::tui::text::{cut, fit, prefix, put, width};
use crate::tui::update::commands::{COMPLETIONS_MAX, completions};
use crate::tui::widgets::frame;

pub(crate) fn draw(model: &Model, areas: &Areas, line: &CommandLine, buffer: &mut Buffer) -> Cursor {
    let y = row_of(areas);
    list(model, areas, line, y, buffer);
    let row = Rect { y, height: 1, ..areas.screen };
    for x in row.left()..row.right() {
        buffer[(x, y)].reset();
    }
    let room = usize::from(row.width).saturating_sub(3);
    let before = width(line.field.before());
    let text = line.field.text().trim_start_matches('/');
    // A long line is scrolled so that the cursor is seen.
    let skipped = prefix(text, before.saturating_sub(room));
    put(buffer, row.x, y, 1, "/", model.theme.accent);
    put(buffer, row.x + 1, y, row.width.saturating_sub(1), &text[skipped..], model.theme.text);
    let slash = line.field.text().len() - text.len();
    let x = before.saturating_sub(width(&text[..skipped]) + slash) as u16 + 1;
    Some((x.min(row.width.saturating_sub(1)), y, true))
}

/// The last row but for the hints.
fn row_of(areas: &Areas) -> u16 {
    areas.screen.bottom().saturating_sub(1 + areas.footer.height)
}

fn area(rows: usize, screen: Rect, below: u16) -> Rect {
    let height = (rows as u16 + 2).min(below);
    Rect::new(0, below - height, screen.width.min(84), height)
}

/// The completion on this spot of the screen.
pub(crate) fn choice_at(model: &Model, line: &CommandLine, areas: &Areas, at: Position) -> Option<usize> {
    let rows = completions(model, line.field.before().trim_start_matches('/')).len().min(COMPLETIONS_MAX);
    let inside = area(rows, areas.screen, row_of(areas)).inner(Margin::new(1, 1));
    let shown = line.error.is_none() && inside.contains(at);
    at.y.checked_sub(inside.y).map(usize::from).filter(|row| shown && *row < rows)
}

fn list(model: &Model, areas: &Areas, line: &CommandLine, below: u16, buffer: &mut Buffer) {
    let mut rows: Vec<(String, String)> = Vec::new();
    if let Some(error) = &line.error {
        rows.push((error.clone(), String::new()));
    } else {
        let found = completions(model, line.field.before().trim_start_matches('/'));
        rows.extend(found.into_iter().take(COMPLETIONS_MAX).map(|row| (row.label, row.about)));
    }
    let area = area(rows.len(), areas.screen, below);
    if area.height < 3 || rows.is_empty() {
        return;
    }
    let style = if line.error.is_some() { model.theme.error } else { model.theme.accent };
    let inside = frame::draw(model, area, "commands", style, buffer);
    let label = rows.iter().map(|(label, _)| width(label)).max().unwrap_or(0).min(usize::from(inside.width) / 2);
    for (at, (name, about)) in rows.iter().take(inside.height.into()).enumerate() {
        let y = inside.y + at as u16;
        if about.is_empty() {
            put(
                buffer,
                inside.x + 1,
                y,
                inside.width.saturating_sub(1),
                &cut(name, usize::from(inside.width) - 1),
                model.theme.text,
            );
        } else {
            let x = put(buffer, inside.x + 1, y, inside.width - 1, &fit(name, label), model.theme.text);
            let room = inside.right().saturating_sub(x + 2);
            put(buffer, x + 2, y, room, &cut(about, room.into()), model.theme.muted);
        }
        if line.choice == Some(at) {
            buffer.set_style(Rect { y, height: 1, ..inside }, model.theme.cursor);
        }
    }
}
