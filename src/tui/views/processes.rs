//! What runs or ran; below it, the selected one in `process_detail.rs`.
//!
//! ```text
//!    NAME        STATUS         PID   CPU%    MEM  CPU 60s         UPTIME  RS  URL             LINES/S  ERRS
//!  ● web         running      48121   12.4   312M  ▁▂▂▃▅▇▆▃▂▂▁▁    12m04s   0  localhost:3000      42     0
//! ▌✗ e2e         failed (1)       —      —      —  ▂▅▇▆▃▁         ran 41s   3  —                    0    12
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::view::ProcessRow;
use crate::event::{Exit, Status};
use crate::tui::clock;
use crate::tui::layout::{Areas, Class};
use crate::tui::model::Model;
use crate::tui::processes::{Sort, StatusFilter};
use crate::tui::screen::Cursor;
use crate::tui::text::{fit, fit_right, put, safe};
use crate::tui::views::empty;
use crate::tui::views::process_detail::{cpu_spark, draw_detail};
use crate::tui::views::screen::cursor_row;

/// A column: its head, its cells, the class of screen that it needs, what it sorts by.
struct Column {
    head: &'static str,
    cells: usize,
    right: bool,
    needs: Class,
    sort: Option<Sort>,
}

const fn column(head: &'static str, cells: usize, right: bool, needs: Class, sort: Option<Sort>) -> Column {
    Column { head, cells, right, needs, sort }
}

const COLUMNS: [Column; 11] = [
    column("NAME", 14, false, Class::Tiny, Some(Sort::Name)),
    column("STATUS", 11, false, Class::Tiny, Some(Sort::Status)),
    column("PID", 7, true, Class::Wide, None),
    column("CPU%", 5, true, Class::Narrow, Some(Sort::Cpu)),
    column("MEM", 5, true, Class::Narrow, Some(Sort::Memory)),
    column("CPU 60s", 10, false, Class::Medium, Some(Sort::Cpu)),
    column("UPTIME", 8, true, Class::Tiny, Some(Sort::Uptime)),
    column("RS", 2, true, Class::Medium, None),
    column("URL", 16, false, Class::Wide, None),
    column("LINES/S", 7, true, Class::Wide, Some(Sort::Lines)),
    column("ERR", 4, true, Class::Medium, Some(Sort::Errors)),
];

/// The columns that are shown, with where each begins.
fn columns(areas: &Areas) -> Vec<(usize, u16)> {
    let mut x = areas.columns.x + 3;
    let shown = COLUMNS.iter().enumerate().filter(|(_, column)| areas.class >= column.needs);
    let cells: usize = shown.clone().map(|(_, column)| column.cells + 2).sum();
    let fits = usize::from(areas.columns.width) + 2 >= cells + 3;
    let gap = if areas.class == Class::Wide && fits { 2 } else { 1 };
    shown
        .map(|(at, column)| {
            let from = x;
            x += column.cells as u16 + gap;
            (at, from)
        })
        .collect()
}

/// Where a click sorts, and by what.
pub(crate) fn sort_spots(areas: &Areas) -> Vec<(Sort, Rect)> {
    let spot = |(at, x): (usize, u16)| {
        let column = &COLUMNS[at];
        Some((column.sort?, Rect::new(x, areas.columns.y, column.cells as u16, areas.columns.height)))
    };
    columns(areas).into_iter().filter_map(spot).collect()
}

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    let shown = model.processes.shown();
    if shown.is_empty() {
        return empty::draw(model, areas, buffer);
    }
    let spots = columns(areas);
    for (at, x) in spots.iter().filter(|_| areas.columns.height > 0) {
        let column = &COLUMNS[*at];
        let head = if column.right { fit_right(column.head, column.cells) } else { fit(column.head, column.cells) };
        put(buffer, *x, areas.columns.y, column.cells as u16, &head, model.theme.muted);
    }
    let position = model.processes.position();
    let mut cursor = None;
    for (line, (at, row)) in
        shown.iter().enumerate().skip(model.processes.offset).take(areas.list.height.into()).enumerate()
    {
        let y = areas.list.y + line as u16;
        draw_row(model, areas.list, y, row, &spots, buffer);
        if at == position {
            if model.tab.is_none() {
                cursor_row(model, areas.list, y, buffer);
            }
            cursor = Some((areas.list.x, y, false));
        }
    }
    if let Some(row) = model.processes.selected() {
        draw_detail(model, areas, row, buffer);
    }
    cursor
}

fn draw_row(model: &Model, area: Rect, y: u16, row: &ProcessRow, spots: &[(usize, u16)], buffer: &mut Buffer) {
    let theme = &model.theme;
    let (sign, style) = theme.status(row.status, row.stopping);
    if model.processes.marked.contains(&row.id) {
        put(buffer, area.x, y, 1, "*", theme.accent);
    }
    put(buffer, area.x + 1, y, 1, sign, style);
    for (at, x) in spots {
        let column = &COLUMNS[*at];
        let (text, style) = value(model, row, column.head, style);
        let text = if column.right { fit_right(&text, column.cells) } else { fit(&text, column.cells) };
        put(buffer, *x, y, column.cells as u16, &text, style);
    }
}

fn value(model: &Model, row: &ProcessRow, head: &str, state: Style) -> (String, Style) {
    let theme = &model.theme;
    let none = || theme.glyphs.dash().to_string();
    let usage = row.usage.filter(|_| !row.status.is_ended());
    let plain = theme.text;
    match head {
        "NAME" => (safe(&row.name).into_owned(), theme.process(&row.name)),
        "STATUS" => (status_word(row), state),
        "PID" => (row.pid.map_or_else(none, |pid| pid.to_string()), plain),
        "CPU%" => (usage.map_or_else(none, |usage| format!("{:.1}", usage.cpu_percent)), plain),
        "MEM" => (usage.map_or_else(none, |usage| clock::bytes(usage.rss_bytes)), plain),
        "CPU 60s" => (cpu_spark(model, row), theme.accent),
        "UPTIME" => (uptime(model, row), plain),
        "RS" => {
            let loops = || model.processes.is_crash_loop(row, model.now);
            let style = match row.restarts {
                _ if loops() => theme.error,
                3.. => theme.warn,
                _ => plain,
            };
            (row.restarts.to_string(), style)
        }
        "URL" => (
            row.url.as_deref().map_or_else(none, |url| {
                url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/').to_string()
            }),
            plain,
        ),
        "LINES/S" => (model.processes.trends.get(&row.id).map_or(0, |trend| trend.rate).to_string(), plain),
        _ => (row.errors.to_string(), if row.errors > 0 { theme.error } else { plain }),
    }
}

fn status_word(row: &ProcessRow) -> String {
    match (row.status, row.exit) {
        _ if row.stopping => "stopping".into(),
        (Status::Pending, _) => "starting".into(),
        (Status::Success, _) => "done".into(),
        (Status::Failed, Some(Exit::Code(code))) => format!("failed ({code})"),
        (Status::Failed, Some(Exit::Signal(signal))) => format!("signal {signal}"),
        (status, _) => status.name().into(),
    }
}

fn uptime(model: &Model, row: &ProcessRow) -> String {
    match row.ended_ms {
        Some(ended) => format!("ran {}", clock::short(ended.saturating_sub(row.started_ms))),
        None => clock::long(model.now.saturating_sub(row.started_ms)),
    }
}

pub(super) fn status(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let processes = &model.processes;
    let count = |status: Status| processes.current().filter(|row| row.status == status).count();
    let area = areas.status;
    let total = match processes.current().count() {
        1 => " 1 process".to_string(),
        number => format!(" {number} processes"),
    };
    let mut x = put(buffer, area.x, area.y, area.width, &format!("{total}   "), model.theme.muted);
    for status in [Status::Running, Status::Pending, Status::Failed, Status::Stopped, Status::Success] {
        let number = count(status);
        if number > 0 {
            let (sign, style) = model.theme.status(status, false);
            x = put(buffer, x, area.y, area.right().saturating_sub(x), &format!("{sign} {number}  "), style);
        }
    }
    let mut rest = format!(" sort: {}", processes.sort.name());
    if processes.status != StatusFilter::All {
        rest.push_str(&format!("   only: {}", processes.status.name()));
    }
    if !processes.marked.is_empty() {
        rest.push_str(&format!("   selected: {}", processes.marked.len()));
    }
    put(buffer, x, area.y, area.right().saturating_sub(x), &rest, model.theme.muted);
}
