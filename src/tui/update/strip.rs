//! The action strip: everything that can be done with the selected row, the first one by Enter.

use std::borrow::Cow;

use crate::app::command::{Command, Target};
use crate::app::view::ExchangePart;
use crate::proxy::ExchangeId;
use crate::tui::empty;
use crate::tui::keymap::Action;
use crate::tui::message::{Asked, Effect};
use crate::tui::model::{Model, View};
use crate::tui::text::{cut, safe};
use crate::tui::update::{
    attached, env, errors, mcp, mcp_again, next_step, processes, qr, scripts, settings, together, url_list, urls, web,
};
use crate::tui::web::{Page, has_frames};

/// A button of a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Button {
    Run,
    GoToLogs,
    RunWith,
    RunAnother,
    CopyCommand,
    EditScript,
    Logs,
    Stop,
    Start,
    Restart,
    Terminal,
    RunInTerminal,
    Send,
    OpenUrl,
    Environment,
    Kill,
    Forget,
    Open,
    OpenProxied,
    Copy,
    CopyProxied,
    Qr,
    Part(ExchangePart),
    Replay,
    CopyCurl,
    LinesOfRequest,
    Error(u64),
    ShowInLogs,
    ShowPage,
    EditSource,
    Mute,
    Unmute,
    Request(ExchangeId),
    CallArguments,
    CallAnswer,
    CallAgain,
    CopyCall,
    LogsOfCall,
    CopyAddress,
    CopyClientSettings,
    CopyFolder,
    RunCommand,
    ChooseScript,
    ChooseUrl,
    RouteUrl,
    SetUpTool,
    ShowAll,
    FiltersOff,
    /// Undoes a clearing, by this action.
    BringBack(Action),
}

impl Button {
    /// What stands on it.
    pub(crate) fn label(self, model: &Model) -> Cow<'static, str> {
        match self {
            Button::EditSource => errors::source_label(model).into(),
            Button::LogsOfCall => match mcp::named(model) {
                Some(name) => format!("Logs of {}", cut(&safe(&name), 20)).into(),
                None => "Logs".into(),
            },
            Button::Request(id) => format!("Request #{}", id.0).into(),
            Button::Error(id) => together::error_label(model, id).into(),
            other => other.word().into(),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Button::Run => "Run",
            Button::GoToLogs => "Go to logs",
            Button::RunWith => "Run with args…",
            Button::RunAnother => "Run another",
            Button::CopyCommand => "Copy",
            Button::EditScript => "Edit",
            Button::Logs => "Logs",
            Button::Stop => "Stop",
            Button::Start => "Start",
            Button::Restart => "Restart",
            Button::Terminal => "Terminal",
            Button::RunInTerminal => "Run in terminal",
            Button::Send => "Send line…",
            Button::OpenUrl => "Open URL",
            Button::Environment => "Env…",
            Button::Kill => "Kill…",
            Button::Forget => "Forget",
            Button::Open => "Open",
            Button::OpenProxied => "Via proxy",
            Button::Copy => "Copy",
            Button::CopyProxied => "Copy proxy",
            Button::Qr => "QR",
            Button::Part(ExchangePart::Head) => "Headers",
            Button::Part(ExchangePart::RequestBody) => "Request body",
            Button::Part(ExchangePart::ResponseBody) => "Response body",
            Button::Part(ExchangePart::Frames) => "Messages",
            Button::Part(ExchangePart::Timing) => "Timing",
            Button::Part(ExchangePart::Curl) | Button::CopyCurl => "Copy as curl",
            Button::Part(ExchangePart::Fetch) => "Copy as fetch",
            Button::Replay => "Replay",
            Button::ShowInLogs | Button::LinesOfRequest => "Show in logs",
            Button::Error(_) => "Error",
            Button::ShowPage => "Show in web",
            Button::EditSource => "Open",
            Button::Mute => "Mute",
            Button::Unmute => "Unmute",
            Button::Request(_) => "Request",
            Button::CallArguments => "Arguments",
            Button::CallAnswer => "Answer",
            Button::CallAgain => "Replay",
            Button::CopyCall => "Copy as curl",
            Button::LogsOfCall => "Logs",
            Button::CopyAddress => "Copy address",
            Button::CopyClientSettings => "Copy settings",
            Button::CopyFolder => "Copy folder",
            Button::RunCommand => "Run a command…",
            Button::ChooseScript => "Choose a script",
            Button::ChooseUrl => "Choose a URL",
            Button::RouteUrl => "Route a URL…",
            Button::SetUpTool => "Set up a tool…",
            Button::ShowAll => "Show all",
            Button::FiltersOff => "Filters off",
            Button::BringBack(_) => "Bring back",
        }
    }
}

/// The buttons of the selected row; of a view that has none, those for the next step.
pub(crate) fn buttons(model: &Model) -> Vec<Button> {
    if let Some(empty) = empty::of(model) {
        return empty.buttons;
    }
    match model.view {
        View::Scripts => script_buttons(model),
        View::Processes => match model.processes.selected() {
            None => Vec::new(),
            Some(row) if row.status.is_ended() => {
                vec![Button::Logs, Button::Start, Button::Environment, Button::CopyCommand, Button::Forget]
            }
            Some(row) => {
                let mut buttons = vec![Button::Logs, Button::Stop, Button::Restart];
                buttons.extend([Button::Terminal, Button::Send].into_iter().filter(|_| row.terminal));
                buttons.extend(urls::here(model).map(|_| Button::OpenUrl));
                buttons.extend([Button::Environment, Button::CopyCommand, Button::Kill]);
                buttons
            }
        },
        View::Logs => Vec::new(),
        View::Errors => errors::buttons(model),
        View::Settings => Vec::new(),
        View::Urls => url_buttons(model),
        View::Web => web_buttons(model),
        View::Mcp => mcp::buttons(model),
    }
}

fn script_buttons(model: &Model) -> Vec<Button> {
    let Some(row) = model.scripts.selected() else { return Vec::new() };
    let mut buttons = match scripts::running(model, row) {
        _ if row.runnable.is_err() => Vec::new(),
        Some(_) => vec![Button::GoToLogs, Button::RunAnother, Button::RunWith],
        None => vec![Button::Run, Button::RunWith, Button::RunInTerminal],
    };
    buttons.extend(urls::here(model).map(|_| Button::OpenUrl));
    buttons.push(Button::CopyCommand);
    buttons.extend(scripts::can_edit(model).then_some(Button::EditScript));
    buttons
}

fn url_buttons(model: &Model) -> Vec<Button> {
    let proxied = url_list::proxied(model).is_some();
    let all = [Button::Open, Button::OpenProxied, Button::Copy, Button::CopyProxied, Button::Qr];
    let can = |button: &Button| match button {
        Button::Open | Button::Qr => urls::here(model).is_some(),
        Button::Copy => model.urls.selected().is_some(),
        _ => proxied,
    };
    all.into_iter().filter(can).collect()
}

fn web_buttons(model: &Model) -> Vec<Button> {
    match (model.web.page, model.web.selected()) {
        (Page::Telemetry, _) => model.web.selected_event().map(|_| Button::Copy).into_iter().collect(),
        (Page::Requests, None) => Vec::new(),
        (Page::Requests, Some(exchange)) => {
            let parts = [ExchangePart::Head, ExchangePart::RequestBody, ExchangePart::ResponseBody];
            let mut buttons: Vec<Button> = parts.map(Button::Part).into();
            buttons.extend(has_frames(exchange).then_some(Button::Part(ExchangePart::Frames)));
            buttons.extend([Button::Part(ExchangePart::Timing), Button::Replay, Button::CopyCurl]);
            buttons.extend(together::buttons(model, exchange));
            buttons
        }
    }
}

/// The focused button of the strip, if the strip has the focus.
pub(crate) fn focused(model: &Model) -> Option<usize> {
    let strip = match model.view {
        _ if empty::first_step(model).is_some() => model.next_step,
        View::Scripts => model.scripts.strip,
        View::Processes => model.processes.strip,
        View::Logs | View::Settings => None,
        View::Errors => model.errors.strip,
        View::Urls => model.urls.strip,
        View::Web => model.web.strip,
        View::Mcp => model.mcp.strip,
    }?;
    Some(strip.min(buttons(model).len().saturating_sub(1)))
}

/// Gives the strip the focus, moves it, or takes it away.
pub(super) fn focus(model: &mut Model, to: Option<usize>) {
    let is_empty = empty::first_step(model).is_some();
    model.next_step = to.filter(|_| is_empty);
    match model.view {
        _ if is_empty => {}
        View::Scripts => model.scripts.strip = to,
        View::Processes => model.processes.strip = to,
        View::Logs | View::Settings => {}
        View::Errors => errors::focus_strip(model, to),
        View::Urls => model.urls.strip = to,
        View::Mcp => mcp::focus_strip(model, to),
        View::Web => {
            if to.is_some() && model.web.follows() {
                web::pin(model);
            }
            model.web.strip = to;
        }
    }
}

/// Does what a button says.
pub(super) fn press(model: &mut Model, button: Button) -> Vec<Effect> {
    match button {
        Button::Run | Button::GoToLogs => scripts::run(model, false),
        Button::RunAnother => scripts::run(model, true),
        Button::RunWith => scripts::run_with(model),
        Button::CopyCommand => copy(model),
        Button::EditScript => scripts::edit(model),
        Button::Logs => processes::open(model),
        Button::Stop => processes::stop_start(model),
        Button::Start | Button::Restart => match model.processes.selected() {
            Some(row) => vec![Effect::Execute(Command::Restart(Target::Id(row.id)), Asked::Tell)],
            None => Vec::new(),
        },
        Button::Terminal => attached::open_here(model),
        Button::RunInTerminal => scripts::run_in_terminal(model),
        Button::Send => processes::send(model),
        Button::OpenUrl => urls::open(model),
        Button::Environment => env::open(model),
        Button::Kill => processes::kill(model),
        Button::Forget => processes::forget(model),
        Button::Open => urls::open(model),
        Button::OpenProxied => url_list::open_proxied(model),
        Button::Copy => copy(model),
        Button::CopyProxied => url_list::copy(model, true),
        Button::Qr => {
            qr::toggle(model);
            Vec::new()
        }
        Button::Part(part) => {
            web::show(model, part);
            Vec::new()
        }
        Button::Replay => web::replay_selected(model),
        Button::CopyCurl => web::copy_curl(model),
        Button::LinesOfRequest => together::show_lines(model),
        Button::Error(id) => together::show_error(model, id),
        Button::ShowInLogs | Button::ShowPage => errors::show(model),
        Button::EditSource => errors::edit(model),
        Button::Mute | Button::Unmute => {
            errors::mute(model);
            Vec::new()
        }
        Button::Request(id) => errors::show_request(model, id),
        Button::CallArguments | Button::CallAnswer => {
            mcp::show(model, button == Button::CallAnswer);
            Vec::new()
        }
        Button::CallAgain => mcp_again::again(model),
        Button::CopyCall => mcp::copy_curl(model),
        Button::LogsOfCall => mcp::show_logs(model),
        Button::CopyAddress => mcp::copy_address(model),
        Button::CopyClientSettings => mcp::copy_client_settings(model),
        Button::CopyFolder => mcp::copy_folder(model),
        _ => next_step::press(model, button),
    }
}

/// Copies what the selected row stands for: the command, the URL, what a page told.
pub(super) fn copy(model: &Model) -> Vec<Effect> {
    let command = match model.view {
        View::Scripts => model.scripts.selected().map(|row| row.command.clone()),
        View::Processes => model.processes.selected().map(|row| row.command.to_string()),
        View::Logs => None,
        View::Settings => return settings::copy(model),
        View::Errors => return errors::copy(model),
        View::Urls => return url_list::copy(model, false),
        View::Web => return web::copy(model),
        View::Mcp => return mcp::copy(model),
    };
    command.map(|command| Effect::Copy(command, "the command".into())).into_iter().collect()
}
