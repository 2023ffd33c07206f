//! The find bar in the status line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::clock;
use crate::tui::layout::Areas;
use crate::tui::logs::{FindOption, LogView};
use crate::tui::model::{Model, Overlay, View};
use crate::tui::screen::Cursor;
use crate::tui::text::{self, put, width};
use crate::tui::web::Page;

const LABEL: &str = " find: ";

fn field(model: &Model) -> &crate::tui::field::Field {
    match model.view {
        View::Scripts => &model.scripts.find,
        View::Processes => &model.processes.find,
        View::Logs => &model.logs.find.field,
        View::Errors => &model.errors.find,
        View::Settings => &model.settings.find,
        View::Urls => &model.urls.find,
        View::Mcp => &model.mcp.find,
        View::Web => model.web.field(),
    }
}

/// The cells that the text may take: the end of a longer one is seen.
fn room(areas: &Areas) -> usize {
    (usize::from(areas.status.width) / 3).max(8)
}

/// Where the cursor stands while the bar is open.
pub(crate) fn cursor(model: &Model, areas: &Areas) -> Cursor {
    if areas.status.height == 0 {
        return None;
    }
    let focused = |(option, _): &(FindOption, Rect)| model.logs.find.option == Some(*option);
    if let Some((_, rect)) = option_spots(model, areas).find(focused) {
        return Some((rect.x + 1, rect.y, false));
    }
    let before = width(field(model).before()).min(room(areas));
    let x = areas.status.x + width(LABEL) as u16 + before as u16;
    Some((x, areas.status.y, true))
}

/// How many cells of the text are seen.
fn text_cells(model: &Model, areas: &Areas) -> usize {
    let field = field(model);
    let over = width(field.before()).saturating_sub(room(areas));
    width(&field.text()[text::prefix(field.text(), over)..]).min(room(areas))
}

/// Where the options of the bar stand; none of them unless the bar of Logs is open.
pub(crate) fn option_spots(model: &Model, areas: &Areas) -> impl Iterator<Item = (FindOption, Rect)> {
    let open = model.view == View::Logs && matches!(model.overlay, Some(Overlay::Find)) && areas.status.height > 0;
    let begin = areas.status.x + (width(LABEL) + text_cells(model, areas) + 2) as u16;
    let area = areas.status;
    let mut next = begin;
    FindOption::ALL.into_iter().filter(move |_| open).map(move |option| {
        let (x, cells) = (next, width(option.sign()) as u16 + 2);
        next += cells;
        (option, Rect::new(x, area.y, cells, 1).intersection(area))
    })
}

/// Draws the bar and answers the column after it.
pub(crate) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> u16 {
    let area = areas.status;
    let open = matches!(model.overlay, Some(Overlay::Find));
    let text = field(model).text();
    let room = room(areas);
    let over = width(field(model).before()).saturating_sub(room);
    let skipped = crate::tui::text::prefix(text, over);
    let style = if open { model.theme.accent } else { model.theme.muted };
    let x = put(buffer, area.x, area.y, area.width, LABEL, style);
    let x = put(buffer, x, area.y, room as u16, &text[skipped..], model.theme.text) + 2;
    let mut x = x;
    for (option, rect) in option_spots(model, areas) {
        let (on, here) = (model.logs.find.has(option), model.logs.find.option == Some(option));
        let shown = if on { format!("[{}]", option.sign()) } else { format!(" {} ", option.sign()) };
        let style = match (here, on) {
            (true, _) => model.theme.cursor,
            (false, true) => model.theme.accent,
            (false, false) => model.theme.muted,
        };
        put(buffer, rect.x, rect.y, rect.width, &shown, style);
        x = rect.right() + 2;
    }
    let tail = match model.view {
        View::Logs => logs_tail(&model.logs, open),
        View::Scripts => format!(
            "{} found",
            model.scripts.items().iter().filter(|i| matches!(i, crate::tui::model::Item::Script(_))).count()
        ),
        View::Processes => format!("{} found", model.processes.shown().len()),
        View::Errors => format!("{} found", model.errors.shown().len()),
        View::Settings => {
            let lines = model.settings.lines();
            format!("{} found", lines.iter().filter(|line| matches!(line, crate::tui::settings::Line::Row(_))).count())
        }
        View::Urls => format!("{} found", model.urls.shown().len()),
        View::Mcp => format!("{} found", model.mcp.len()),
        View::Web => match web_error(model) {
            Some(error) => text::safe(error).into_owned(),
            None => format!("{} found", model.web.len()),
        },
    };
    let error = match model.view {
        View::Logs => model.logs.find.error.is_some(),
        View::Web => web_error(model).is_some(),
        _ => false,
    };
    let style = if error { model.theme.error } else { model.theme.muted };
    put(buffer, x, area.y, area.right().saturating_sub(x), &tail, style) + 2
}

/// What is wrong with the filter of the requests.
fn web_error(model: &Model) -> Option<&str> {
    model.web.error.as_deref().filter(|_| model.web.page == Page::Requests)
}

fn logs_tail(logs: &LogView, open: bool) -> String {
    if let Some(error) = &logs.find.error {
        return format!("{error}   previous result kept");
    }
    let how = logs.find.shows.name();
    let Some(hits) = &logs.find.hits else { return if open { how.to_owned() } else { String::new() } };
    let more = if hits.scanning { "+" } else { "" };
    let at = hits.rank(logs.place.cursor);
    let here = (!logs.place.follow && hits.list.get(at) == Some(&logs.place.cursor)).then_some(at + 1);
    let total = clock::count(hits.list.len() as u64);
    let count = here.map_or(format!("{total}{more}"), |here| format!("{here}/{total}{more}"));
    format!("{count}  {how}")
}
