//! The text of the pane in front: what each view shows of its selected row, and drawing it.

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::tui::layout::{Areas, layout};
use crate::tui::logs::marked::Marked;
use crate::tui::model::{Model, Overlay, View};
use crate::tui::record::Record;
use crate::tui::sheet::{Line, Row, Sheet, lay_out};
use crate::tui::text::{Clean, put, safe, width};
use crate::tui::views::logs::draw_clean;
use crate::tui::views::{errors, mcp, process_detail, scripts, urls};
use crate::tui::widgets::record::place;

/// The text in front, all of it; none where there is no such text.
pub(crate) fn sheet(model: &Model) -> Option<Sheet> {
    let areas = layout(model);
    match &model.overlay {
        Some(Overlay::Record(record)) => Some(of_record(model, record, areas.screen)),
        _ => of_view(model, &areas, true),
    }
}

/// The text of the view in front, all of it.
pub(crate) fn view_sheet(model: &Model) -> Option<Sheet> {
    of_view(model, &layout(model), true)
}

/// The text of the view in front; not `all` of it, only as much as is drawn, where it may be long.
fn of_view(model: &Model, areas: &Areas, all: bool) -> Option<Sheet> {
    let mut area = areas.text;
    if area.height == 0 || area.width == 0 {
        return None;
    }
    let (cells, wraps) = (usize::from(area.width), areas.zoomed);
    let from = if areas.zoomed { model.zoom_from } else { 0 };
    let (rows, first) = match model.view {
        View::Web => return Some(of_web(model, area, all)),
        View::Processes => {
            let (lines, window) = process_detail::output_lines(model, area.height.into(), all)?;
            let rows = lay_out(lines, cells, wraps);
            let last = rows.partition_point(|row| row.line <= window.1);
            let first = rows.partition_point(|row| row.line < window.0);
            (rows, last.saturating_sub(area.height.into()).max(first))
        }
        View::Errors => (lay_out(errors::lines(model, cells, wraps), cells, wraps), model.errors.scroll),
        View::Mcp => {
            let lines = titled(model, areas, mcp::title(model), mcp::lines(model, cells).0);
            (lay_out(lines, cells, wraps), model.mcp.scroll)
        }
        View::Scripts => {
            let rows = if wraps { usize::MAX } else { area.height.into() };
            let lines = titled(model, areas, scripts::title(model), scripts::facts(model, cells, rows)?);
            (lay_out(lines, cells, wraps), from)
        }
        View::Urls => {
            let code = urls::code_rows(model, areas).min(area.height);
            (area.y, area.height) = (area.y + code, area.height - code);
            let title = model.urls.selected().map(|row| safe(&row.url).into_owned());
            let lines = titled(model, areas, title, urls::facts(model, cells, wraps)?);
            (lay_out(lines, cells, wraps), from)
        }
        View::Logs | View::Settings => return None,
    };
    Some(Sheet { area, rows, first })
}

/// Alone on the screen, a text begins with what it is about.
fn titled(model: &Model, areas: &Areas, title: Option<String>, mut lines: Vec<Line>) -> Vec<Line> {
    if let Some(title) = title.filter(|_| areas.zoomed) {
        lines.iter_mut().for_each(|line| line.number += 2);
        let bold = model.theme.text.add_modifier(Modifier::BOLD);
        lines.splice(0..0, [Line::new(0, title, bold), Line::new(1, String::new(), bold)]);
    }
    lines
}

fn of_web(model: &Model, area: Rect, all: bool) -> Sheet {
    let rows = &model.web.rows;
    let from = if all { 0 } else { model.web.scroll.min(rows.len()) };
    let to = if all { rows.len() } else { rows.len().min(from + usize::from(area.height)) };
    let row = |row: &Row| Row { style: model.theme.text, ..row.clone() };
    Sheet { area, rows: rows[from..to].iter().map(row).collect(), first: if all { model.web.scroll } else { 0 } }
}

fn of_record(model: &Model, record: &Record, screen: Rect) -> Sheet {
    let place = place(record, screen);
    let row = |(line, part): &(usize, std::ops::Range<usize>)| Row {
        line: *line as u64,
        begin: part.start,
        text: Clean { text: record.shown[*line][part.clone()].to_owned(), runs: Vec::new() },
        style: model.theme.text,
        stored: record.stored(*line).filter(|_| part.start == 0).map(String::from),
        ..Row::default()
    };
    let first = record.offset.min(place.rows.len().saturating_sub(place.text.height.into()));
    Sheet { area: place.text, rows: place.rows.iter().map(row).collect(), first }
}

/// Of what the text in front is, as far as it can be told without the text.
pub(crate) fn owner(model: &Model) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Some(Overlay::Record(record)) = &model.overlay {
        (&record.title, record.pretty, &record.plain).hash(&mut hasher);
    }
    model.view.hash(&mut hasher);
    match model.view {
        View::Scripts => model.scripts.selected().map(|row| (&row.package, &row.name)).hash(&mut hasher),
        View::Processes => model.processes.selected().map(|row| row.id).hash(&mut hasher),
        View::Errors => model.errors.selected().map(|row| row.id).hash(&mut hasher),
        View::Urls => model.urls.selected().map(|row| (row.process, &row.url)).hash(&mut hasher),
        View::Web => {
            let request = model.web.selected().map(|exchange| exchange.id.0);
            (model.web.page as u8, request, model.web.part as u8, model.web.reveal.is_some()).hash(&mut hasher);
        }
        View::Mcp => {
            let call = model.mcp.selected().map(|call| call.number);
            (model.mcp.page as u8, call, model.mcp.selected_instance().map(|one| &one.id)).hash(&mut hasher);
        }
        View::Logs | View::Settings => {}
    }
    hasher.finish()
}

/// Draws the text of the view in front.
pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let Some(sheet) = of_view(model, areas, false) else { return };
    for (at, row) in sheet.seen().iter().enumerate() {
        let y = sheet.area.y + at as u16;
        let x = put(buffer, sheet.area.x, y, sheet.area.width, &row.sign.0, row.sign.1);
        let place = Rect { x, y, width: sheet.area.right().saturating_sub(x), height: 1 };
        draw_clean(model, &row.text, 0, place, row.style, None, buffer);
    }
    if model.overlay.is_none() {
        draw_selected(model, &sheet, buffer);
    }
}

/// The same for the text of a whole line that lies over the view.
pub(crate) fn draw_record_selection(model: &Model, record: &Record, screen: Rect, buffer: &mut Buffer) {
    if model.selection.is_some() {
        draw_selected(model, &of_record(model, record, screen), buffer);
    }
}

/// Lays the style of the cursor over what is selected.
fn draw_selected(model: &Model, sheet: &Sheet, buffer: &mut Buffer) {
    let Some(marked) = model.selection.as_ref().and_then(|selection| selection.marked) else { return };
    for (at, row) in sheet.seen().iter().enumerate() {
        let rect = selected_cells(sheet, row, at, marked).unwrap_or_default();
        buffer.set_style(rect.intersection(buffer.area), model.theme.cursor);
    }
}

fn selected_cells(sheet: &Sheet, row: &Row, at: usize, marked: Marked) -> Option<Rect> {
    let part = row.selected(marked)?;
    let before = width(&row.sign.0) + width(&row.text.text[..part.start]);
    let x = sheet.area.x.saturating_add(before.min(usize::from(u16::MAX)) as u16);
    let cells = width(&row.text.text[part]).min(usize::from(u16::MAX)) as u16;
    Some(Rect { x, y: sheet.area.y + at as u16, width: cells, height: 1 }.intersection(sheet.area))
}
