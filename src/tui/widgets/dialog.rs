//! A question with two buttons, the harmless one first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout::Areas;
use crate::tui::model::{Confirm, Dialog, Model};
use crate::tui::screen::Cursor;
use crate::tui::text::{cut, put, width};
use crate::tui::widgets::frame;

fn area(dialog: &Dialog, screen: Rect) -> Rect {
    let rows = dialog.text.len() as u16 + 4 + u16::from(dialog.confirm == Confirm::Quit);
    frame::centred(screen, 58, rows)
}

/// Where the buttons are: Cancel, then yes.
pub(crate) fn button_spots(dialog: &Dialog, screen: Rect) -> [Rect; 2] {
    let area = area(dialog, screen);
    let y = (area.y + dialog.text.len() as u16 + 2).min(area.bottom().saturating_sub(2));
    let cancel = Rect::new(area.x + 2, y, 9, 1);
    let yes = Rect::new(cancel.right() + 3, y, width(dialog.yes) as u16 + 3, 1);
    [cancel.intersection(screen), yes.intersection(screen)]
}

pub(crate) fn draw(model: &Model, areas: &Areas, dialog: &Dialog, buffer: &mut Buffer) -> Cursor {
    let area = area(dialog, areas.screen);
    let inside = frame::draw(model, area, &dialog.title, model.theme.warn, buffer);
    for (at, line) in dialog.text.iter().enumerate().take(inside.height.into()) {
        let room = inside.width.saturating_sub(1);
        put(buffer, inside.x + 1, inside.y + at as u16, room, &cut(line, room.into()), model.theme.text);
    }
    let here = model.theme.glyphs.here();
    let spots = button_spots(dialog, areas.screen);
    let labels = [("Cancel", !dialog.on_yes), (dialog.yes, dialog.on_yes)];
    for (rect, (label, focused)) in spots.into_iter().zip(labels) {
        let text = if focused { format!("[{here}{label}]") } else { format!("[{label}]") };
        let style = if focused { model.theme.cursor } else { model.theme.text };
        put(buffer, rect.x, rect.y, rect.width, &text, style);
    }
    put(buffer, spots[1].right() + 2, spots[1].y, 1, "y", model.theme.muted);
    if dialog.confirm == Confirm::Quit && spots[1].y + 1 < area.bottom().saturating_sub(1) {
        let room = inside.width.saturating_sub(1);
        put(buffer, inside.x + 1, spots[1].y + 1, room, "^C again stops all and quits", model.theme.muted);
    }
    let spot = spots[usize::from(dialog.on_yes)];
    Some((spot.x, spot.y, false))
}
