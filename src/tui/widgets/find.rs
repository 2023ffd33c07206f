//! The find bar in the status line.

use ratatui::buffer::Buffer;

use crate::tui::clock;
use crate::tui::layout::Areas;
use crate::tui::logs::LogView;
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
    let before = width(field(model).before()).min(room(areas));
    let x = areas.status.x + width(LABEL) as u16 + before as u16;
    (areas.status.height > 0).then_some((x, areas.status.y, true))
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
    let mode = logs.find.mode;
    let case = if mode.case { "Aa" } else { "smart" };
    let kind = if mode.regex || logs.find.field.text().starts_with("re:") { "regex" } else { "literal" };
    let word = if mode.word { " · word" } else { "" };
    let shows = logs.find.shows.name();
    let how = if open { format!("{case} · {kind}{word} · {shows}") } else { shows.to_owned() };
    let Some(hits) = &logs.find.hits else { return if open { how } else { String::new() } };
    let more = if hits.scanning { "+" } else { "" };
    let at = hits.rank(logs.place.cursor);
    let here = (!logs.place.follow && hits.list.get(at) == Some(&logs.place.cursor)).then_some(at + 1);
    let total = clock::count(hits.list.len() as u64);
    let count = here.map_or(format!("{total}{more}"), |here| format!("{here}/{total}{more}"));
    format!("{count}  {how}")
}
