//! Rows in columns, with a head over each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{cut_middle, fit, fit_right, put};
use crate::tui::views::screen::cursor_row;

/// A column: its head, its cells, whether its text stands at the right. One of no cells takes what the others leave.
pub(super) type Column = (&'static str, u16, bool);

/// Where each column begins and the cells that it has.
fn spots(columns: &[Column], area: Rect) -> Vec<(&'static str, u16, usize, bool)> {
    let fixed: u16 = columns.iter().map(|(_, cells, _)| cells + 1).sum();
    let rest = area.width.saturating_sub(fixed + 1);
    let mut x = area.x + 1;
    let spot = |(head, cells, right): &Column| {
        let cells = if *cells == 0 { rest } else { *cells };
        let from = x;
        x = x.saturating_add(cells + 1);
        (*head, from, usize::from(cells), *right)
    };
    columns.iter().map(spot).collect()
}

/// Draws the heads of the columns and the cells of the rows that are on the screen.
pub(super) fn table<'a, T: 'a>(
    model: &Model,
    areas: &Areas,
    (area, columns): (Rect, &[Column]),
    rows: impl Iterator<Item = &'a T>,
    cell: impl Fn(&T, &str) -> (String, Style),
    buffer: &mut Buffer,
) {
    let spots = spots(columns, area);
    let fitted = |text: &str, cells: usize, right: bool| if right { fit_right(text, cells) } else { fit(text, cells) };
    for (head, x, cells, right) in spots.iter().copied().filter(|_| areas.columns.height > 0) {
        put(buffer, x, areas.columns.y, cells as u16, &fitted(head, cells, right), model.theme.muted);
    }
    for (line, row) in rows.take(area.height.into()).enumerate() {
        let y = area.y + line as u16;
        for (head, x, cells, right) in spots.iter().copied() {
            let (text, style) = cell(row, head);
            // The end of a path says most.
            let text = if matches!(head, "PATH" | "FOLDER") { cut_middle(&text, cells).into_owned() } else { text };
            put(buffer, x, y, cells as u16, &fitted(&text, cells, right), style);
        }
    }
}

/// Lays the cursor over the row that many lines down, unless the tab bar or a chip has it, and says where it is.
pub(super) fn cursor(model: &Model, area: Rect, line: Option<usize>, buffer: &mut Buffer) -> Cursor {
    let y = area.y + line.filter(|line| *line < area.height.into())? as u16;
    if model.tab.is_none() && model.chip.is_none() {
        cursor_row(model, area, y, buffer);
    }
    Some((area.x, y, false))
}
