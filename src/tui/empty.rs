//! What stands in a view that has nothing to show: what is missing, why, and buttons for the next step.
//!
//! ```text
//!  Nothing has been started yet
//!  What scripts and commands write appears here, of all of them together.
//!
//!  [▸Choose a script] [Run a command…]
//! ```

use ratatui::layout::Rect;

use crate::app::command::AI_TOOLS;
use crate::tui::clock::count;
use crate::tui::keymap::Action;
use crate::tui::layout::Areas;
use crate::tui::logs::window::Pane;
use crate::tui::mcp::McpPage;
use crate::tui::model::{Model, View};
use crate::tui::text::{cut, safe, wrap_words};
use crate::tui::update::strip::Button;
use crate::tui::update::{attached, available};
use crate::tui::web::{Cleared, Page};

/// What an empty view says.
#[derive(Debug, Default)]
pub(crate) struct Empty {
    /// What is missing, then why.
    pub(crate) lines: Vec<String>,
    /// The next steps, the first one by Enter.
    pub(crate) buttons: Vec<Button>,
}

/// What the view in front says, if it has nothing to show.
pub(crate) fn of(model: &Model) -> Option<Empty> {
    match model.view {
        View::Scripts => model.scripts.selected().is_none().then(|| scripts(model)),
        View::Processes => model.processes.shown().is_empty().then(|| processes(model)),
        View::Logs => has_no_line(model).then(|| logs(model)),
        View::Errors => model.errors.shown().is_empty().then(|| errors(model)),
        View::Urls => model.urls.shown().is_empty().then(|| urls(model)),
        View::Web => (model.web.len() == 0).then(|| web(model)),
        View::Mcp => (model.mcp.len() == 0).then(|| mcp(model)),
        View::Settings => None,
    }
}

/// The first step, which Enter takes.
pub(crate) fn first_step(model: &Model) -> Option<Button> {
    of(model)?.buttons.first().copied()
}

fn has_no_line(model: &Model) -> bool {
    // Whatever its size, a pane with anything in it has a first row.
    let pane = Pane { height: 1, text: usize::MAX };
    model.logs.rows().last().is_none() && model.logs.window(pane).is_empty()
}

fn empty<const N: usize>(lines: [String; N], buttons: &[Button]) -> Empty {
    Empty { lines: lines.into(), buttons: buttons.to_vec() }
}

/// A button that brings back what was cleared, if there is something to bring back.
fn back(model: &Model, action: Action) -> Vec<Button> {
    available(model, action).then_some(Button::BringBack(action)).into_iter().collect()
}

fn key(model: &Model, action: Action) -> String {
    model.keymap.keys(action).first().map(|key| key.written(model.theme.glyphs)).unwrap_or_default()
}

fn scripts(model: &Model) -> Empty {
    if !model.scripts.find.is_empty() || model.scripts.only_runnable {
        return empty(["No script matches".into()], &[Button::ShowAll]);
    }
    let lines = [
        format!("No scripts found in {}", safe(&model.project.dir.to_string_lossy())),
        "brummer looks for package.json, Cargo.toml, go.mod, Makefile, pyproject.toml, .vscode/tasks.json …".into(),
        "Another folder is chosen at the start: brummer --dir DIR".into(),
    ];
    empty(lines, &[Button::RunCommand])
}

fn processes(model: &Model) -> Empty {
    match model.processes.rows.len() {
        0 => {
            let why = "Scripts and commands that were started are here, until they are forgotten.".into();
            empty(["Nothing has been started yet".into(), why], &[Button::ChooseScript, Button::RunCommand])
        }
        all => empty([format!("No process matches; {all} are hidden")], &[Button::ShowAll]),
    }
}

fn logs(model: &Model) -> Empty {
    let logs = &model.logs;
    if let Some(row) = attached::full_screen(model) {
        let text = format!("{} draws full screen, in its terminal", safe(&row.name));
        return empty([text], &[Button::Terminal]);
    }
    if logs.hits.as_ref().is_some_and(|hits| hits.scanning) {
        return empty([format!("Looking through the lines {}", model.theme.glyphs.more())], &[]);
    }
    if logs.has_filters() && !logs.all.is_empty() && !logs.filters_off {
        return empty([format!("The filters hide all {} lines", count(logs.all.len()))], &[Button::FiltersOff]);
    }
    if logs.floor > 0 {
        return Empty { lines: vec!["Cleared".into()], buttons: back(model, Action::Undo) };
    }
    if model.processes.rows.is_empty() {
        let why = "What scripts and commands write appears here, of all of them together.".into();
        return empty(["Nothing has been started yet".into(), why], &[Button::ChooseScript, Button::RunCommand]);
    }
    empty(["Nothing has been written yet".into()], &[])
}

fn errors(model: &Model) -> Empty {
    let errors = &model.errors;
    if !errors.find.is_empty() {
        return empty(["No error matches".into()], &[Button::ShowAll]);
    }
    if errors.rows.is_empty() {
        let why = "Errors in the lines of processes and of pages appear here, equal ones as one.";
        return empty(["No error so far".into(), why.into()], &[]);
    }
    let (undo, severity) = (key(model, Action::UndoErrors), key(model, Action::NextSeverity));
    let how = format!("What was cleared comes back with {undo}; {severity} shows other severities and the muted ones.");
    Empty { lines: vec!["Nothing to show here".into(), how], buttons: back(model, Action::UndoErrors) }
}

fn urls(model: &Model) -> Empty {
    match (model.urls.rows.len(), model.urls.kept().count()) {
        (0, _) => {
            let why = "The URLs of servers that processes print appear here, each with its address through the proxy.";
            empty(["No URL has been seen yet".into(), why.into()], &[Button::RouteUrl, Button::ChooseScript])
        }
        (all, 0) => {
            let mut buttons = back(model, Action::UndoUrls);
            buttons.push(Button::RouteUrl);
            Empty { lines: vec![format!("Every URL was forgotten; there are {all}")], buttons }
        }
        (_, kept) => empty([format!("No URL matches; {kept} are hidden")], &[Button::ShowAll]),
    }
}

fn web(model: &Model) -> Empty {
    let web = &model.web;
    if !web.loaded[web.page as usize] {
        return Empty::default();
    }
    let proxy = &model.urls.proxy;
    let mut next = vec![Button::RouteUrl];
    if !model.urls.shown().is_empty() {
        next.insert(0, Button::ChooseUrl);
    }
    let lines = match web.page {
        _ if web.is_chosen_from() => {
            return empty(["Nothing that the chips let through".into()], &[Button::ShowAll]);
        }
        _ if !web.field().is_empty() => return empty(["Nothing matches".into()], &[Button::ShowAll]),
        _ if web.cleared != Cleared::default() => {
            let buttons = back(model, Action::UndoWeb);
            return Empty { lines: vec!["Nothing since it was cleared".into()], buttons };
        }
        _ if proxy.port.is_none() => [
            "The proxy does not run",
            "It begins with the first URL that it routes; what goes through it appears here.",
        ],
        Page::Requests => [
            "No request has gone through the proxy yet",
            "Those of a page appear here when it is opened by its address through the proxy, in URLs.",
        ],
        Page::Telemetry if !proxy.telemetry => {
            return empty(["Telemetry is switched off".into(), "Pages are passed on as they are.".into()], &[]);
        }
        Page::Telemetry => [
            "No page has told anything yet",
            "Errors, console and timings of pages that are opened by their address through the proxy appear here.",
        ],
    };
    Empty { lines: lines.map(str::to_owned).into(), buttons: next }
}

fn mcp(model: &Model) -> Empty {
    let mcp = &model.mcp;
    let stopped = || "The MCP server does not run".to_owned();
    match (mcp.page, mcp.row.address.as_deref().map(safe)) {
        _ if !mcp.find.is_empty() => empty(["Nothing matches".into()], &[Button::ShowAll]),
        (McpPage::Instances, _) => {
            empty(["No instance is known yet".into(), "The registry is read every few seconds.".into()], &[])
        }
        (_, None) if model.settings.config.settings.general.no_mcp => {
            empty([stopped(), "It is switched off: no_mcp in the settings, or --no-mcp.".into()], &[])
        }
        (_, None) => {
            let why =
                format!("It could not be started; {} shows what was said about it.", key(model, Action::Messages));
            empty([stopped(), why], &[])
        }
        _ if mcp.cleared > 0 => {
            let buttons = back(model, Action::UndoCalls);
            Empty { lines: vec!["No call since they were cleared".into()], buttons }
        }
        (_, Some(address)) => {
            let lines = [
                "No AI tool has called yet".into(),
                format!("They find brummer at {address}"),
                format!("`brummer mcp install NAME` sets one up as well: {}", AI_TOOLS.join(", ")),
            ];
            empty(lines, &[Button::SetUpTool, Button::CopyAddress, Button::CopyClientSettings])
        }
    }
}

impl Empty {
    /// Its text in rows as wide as the view, with whether they say what is missing; as many as leave a row for the buttons.
    pub(crate) fn rows(&self, model: &Model, areas: &Areas) -> Vec<(String, bool)> {
        let area = area(model, areas);
        let cells = usize::from(area.width.saturating_sub(3));
        let rows = self
            .lines
            .iter()
            .enumerate()
            .flat_map(|(at, line)| wrap_words(line, cells).into_iter().map(move |row| (row, at == 0)));
        let room = area.height.saturating_sub(1 + u16::from(!self.buttons.is_empty()));
        let mut rows: Vec<(String, bool)> = rows.collect();
        if rows.len() > usize::from(room) {
            rows.truncate(room.into());
            if let Some((last, _)) = rows.last_mut() {
                *last = cut(&format!("{last} …"), cells).into_owned();
            }
        }
        rows
    }

    /// Where its buttons are: below the text, with a row between where there is one.
    pub(crate) fn strip(&self, model: &Model, areas: &Areas) -> Rect {
        let area = area(model, areas);
        if self.buttons.is_empty() || area.height == 0 {
            return Rect::default();
        }
        let below = area.y + 2 + self.rows(model, areas).len() as u16;
        let (x, width) = (area.x + 2, area.width.saturating_sub(3));
        Rect { x, y: below.min(area.bottom() - 1), width, height: 1 }
    }
}

/// The part of the screen that is empty.
pub(crate) fn area(model: &Model, areas: &Areas) -> Rect {
    match model.view {
        View::Scripts | View::Processes => areas.body,
        View::Logs => areas.lines,
        _ => areas.list,
    }
}
