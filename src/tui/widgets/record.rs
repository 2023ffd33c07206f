//! One whole line: wrapped, and pretty if it is JSON; over it what can be done with one of its fields.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::record::{FIELD_ACTIONS, Focus, Record, Row};
use crate::tui::screen::Cursor;
use crate::tui::text::{put, width};
use crate::tui::views;
use crate::tui::widgets::frame;

pub(crate) fn draw(model: &Model, areas: &Areas, record: &Record, buffer: &mut Buffer) -> Cursor {
    let Place { area, text, rows } = place(record, areas.screen);
    let inside = frame::draw(model, area, &record.title, model.theme.accent, buffer);
    if inside.height < 3 {
        return None;
    }
    let offset = record.offset.min(rows.len().saturating_sub(text.height.into()));
    let mut cursor = None;
    for (at, (line, part)) in rows.iter().skip(offset).take(text.height.into()).enumerate() {
        let y = text.y + at as u16;
        put(buffer, text.x, y, text.width, &record.shown[*line][part.clone()], model.theme.text);
        if record.cursor() == Some(*line) {
            let row = Rect { x: text.x - 1, y, width: text.width + 1, height: 1 };
            buffer.set_style(row.intersection(buffer.area), model.theme.cursor);
            put(buffer, row.x, y, 1, model.theme.glyphs.cursor(), model.theme.cursor);
            cursor = cursor.or(Some((row.x, y, false)));
        }
    }
    views::draw_record_selection(model, record, areas.screen, buffer);
    for (at, (label, rect)) in record.buttons().iter().zip(button_spots(record, areas.screen)).enumerate() {
        let focused = record.focus == Focus::Button(at);
        let sign = if focused { model.theme.glyphs.here() } else { "" };
        let style = if focused { model.theme.cursor } else { model.theme.text };
        if focused {
            cursor = Some((rect.x, rect.y, false));
        }
        put(buffer, rect.x, rect.y, rect.width, &format!("[{sign}{label}]"), style);
    }
    menu(model, areas, record, buffer).or(cursor)
}

/// What can be done with the field.
fn menu(model: &Model, areas: &Areas, record: &Record, buffer: &mut Buffer) -> Cursor {
    let (Focus::Menu(chosen), Some(field)) = (record.focus, record.field()) else { return None };
    let title = crate::tui::text::safe(&field.title()).into_owned();
    frame::draw(model, menu_area(areas.screen), &title, model.theme.warn, buffer);
    for (at, (label, rect)) in FIELD_ACTIONS.iter().zip(menu_spots(areas.screen)).enumerate() {
        put(buffer, rect.x + 1, rect.y, rect.width.saturating_sub(1), label, model.theme.text);
        if at == chosen {
            buffer.set_style(rect.intersection(buffer.area), model.theme.cursor);
            put(buffer, rect.x, rect.y, 1, model.theme.glyphs.cursor(), model.theme.cursor);
        }
    }
    menu_spots(areas.screen).get(chosen).map(|rect| (rect.x, rect.y, false))
}

fn menu_area(screen: Rect) -> Rect {
    frame::centred(screen, 38, FIELD_ACTIONS.len() as u16 + 2)
}

/// Where the choices about a field are.
pub(crate) fn menu_spots(screen: Rect) -> [Rect; FIELD_ACTIONS.len()] {
    let area = menu_area(screen);
    std::array::from_fn(|at| {
        let row = Rect::new(area.x + 1, area.y + 1 + at as u16, area.width.saturating_sub(2), 1);
        row.intersection(screen)
    })
}

/// The box, its text, and the rows of that.
pub(crate) struct Place {
    pub(crate) area: Rect,
    pub(crate) text: Rect,
    pub(crate) rows: Vec<Row>,
}

/// Where the box is, and what stands in it.
pub(crate) fn place(record: &Record, screen: Rect) -> Place {
    let columns = screen.width.saturating_sub(4).min(110);
    let rows = record.rows(usize::from(columns.saturating_sub(4)));
    let height = (rows.len().min(usize::from(u16::MAX)) as u16).saturating_add(4);
    let area = frame::centred(screen, columns, height.clamp(7, screen.height.saturating_sub(2).max(7)));
    let (width, height) = (area.width.saturating_sub(4), area.height.saturating_sub(4));
    Place { area, text: Rect { x: area.x + 2, y: area.y + 1, width, height }, rows }
}

/// Where the buttons are; one that has no room has no width. The first ones give way to the one with the focus.
pub(crate) fn button_spots(record: &Record, screen: Rect) -> Vec<Rect> {
    let Place { area, .. } = place(record, screen);
    let (start, end, y) = (area.x + 2, area.right().saturating_sub(1), area.bottom().saturating_sub(2));
    let here = if let Focus::Button(at) = record.focus { at } else { 0 };
    let cells: Vec<u16> = record.buttons().iter().map(|label| width(label) as u16 + 2).collect();
    let cells = |at: usize| cells[at] + u16::from(record.focus == Focus::Button(at));
    let until = |first: usize| (first..=here).map(|at| cells(at) + 1).sum::<u16>();
    let first = (0..here).find(|first| start + until(*first) <= end + 1).unwrap_or(here);
    let mut x = start;
    let spot = |at: usize| {
        let fits = at >= first && x + cells(at) <= end;
        let rect = Rect::new(x.min(end), y, if fits { cells(at) } else { 0 }, 1);
        x = x.saturating_add(if at < first { 0 } else { cells(at) + 1 });
        rect
    };
    (0..record.buttons().len()).map(spot).collect()
}
