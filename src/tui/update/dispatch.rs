//! Sends every message to who it concerns, and every key to the overlay, the tab bar, the strip or the view.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use crate::app::command::{Command, Target};
use crate::app::view::Reply;
use crate::event::Level;
use crate::tui::empty;
use crate::tui::encode::Typed;
use crate::tui::key::Key;
use crate::tui::keymap::Action;
use crate::tui::layout::{self, layout, pane};
use crate::tui::mcp::McpPage;
use crate::tui::message::{Asked, Effect, Message, Outcome};
use crate::tui::model::{Model, Overlay, Scripts, View};
use crate::tui::update::available::available;
use crate::tui::update::{
    attached, away, chips, commands, env, errors, logs, mcp, mouse, overlays, pane, processes, qr, record, scripts,
    select, settings, strip, tell, tour, url_list, urls, web,
};

/// Holding ↑ stops at the top of a list: only a press after this long goes up to the tabs.
const UP_MILLIS: u64 = 250;

/// Changes the model and answers what is to be done.
pub(crate) fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let mut effects = take(model, message);
    effects.extend(follow_up(model));
    effects
}

/// What has to be asked so that the screen shows what the model says; called after every change.
pub(crate) fn follow_up(model: &mut Model) -> Vec<Effect> {
    let mut effects = web::follow_up(model);
    effects.extend(errors::follow_up(model));
    effects.extend(processes::follow_up(model));
    effects.extend(url_list::follow_up(model));
    effects.extend(tour::follow_up(model));
    effects.extend(pane::follow_up(model));
    qr::follow_up(model);
    select::follow_up(model);
    effects
}

fn take(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(event) => {
            tell::seen(model);
            return key(model, event).unwrap_or_default();
        }
        Message::Mouse(event) if model.attached.is_some() && model.overlay.is_none() => {
            return mouse::in_terminal(model, event);
        }
        Message::Mouse(event) => return mouse::mouse(model, event),
        Message::Paste(text) if model.attached.is_some() && model.overlay.is_none() => return attached::paste(text),
        Message::Paste(text) => return overlays::paste(model, &text),
        Message::Resize(columns, rows) => {
            model.size = (columns, rows);
            keep_in_sight(model);
            record::keep_in_sight(model);
            let size = pane(model);
            let command = Command::Resize { columns: size.text as u16, rows: size.height as u16 };
            let own = attached::resized(model);
            return [Effect::Execute(command, Asked::Tell)].into_iter().chain(own).collect();
        }
        Message::Now(now) => {
            model.now = now;
            tell::expire(model);
            errors::settle(model);
            if now >= model.processes.hold_until && model.processes.hold_until > 0 {
                model.processes.hold_until = 0;
                model.processes.arrange(now);
            }
            return attached::expire(model);
        }
        Message::Scripts(rows) => {
            if model.scripts.selected.is_none() {
                model.scripts.selected = rows.first().map(Scripts::key);
            }
            model.scripts.rows = rows;
            scripts::keep_in_sight(model);
        }
        Message::Processes(rows) => return take_processes(model, rows),
        Message::Lines(lines) => return logs::scans(model.logs.take(lines)),
        Message::System(messages) => tell::system(model, messages),
        Message::Errors(rows) => errors::take(model, rows),
        Message::Explained(key, explained) => {
            if model.errors.asked.as_ref() == Some(&key) {
                model.errors.explained = Some((key, explained));
            }
        }
        Message::Settings(config) => return settings::reload(model, *config),
        Message::SettingsWritten(file, answer) => settings::written(model, file, answer),
        Message::Placed(Ok(spot)) => return vec![Effect::Edit(spot)],
        Message::Placed(Err(text)) => tell::tell(model, Level::Info, text),
        Message::Edited(Ok(())) => model.errors.asked = None,
        Message::Edited(Err(text)) => tell::tell(model, Level::Warn, text),
        Message::Urls(rows, proxy) => {
            url_list::take(model, rows, proxy);
            settings::tell_facts(model);
        }
        Message::Mcp(row) => {
            mcp::take(model, row);
            settings::tell_facts(model);
        }
        Message::WebChanged => model.web.wanted = None,
        Message::Exchanges(turn, answer) => web::take_exchanges(model, turn, answer),
        Message::NewestExchange(of, newest) => web::take_newest(model, of, newest),
        Message::PageEvents(turn, events, tabs) => web::take_events(model, turn, events, tabs),
        Message::ExchangeText { text, copy: true, .. } => {
            return vec![Effect::Copy(text.join("\n"), "the command".into())];
        }
        Message::ExchangeText { id, part, reveal, text, .. } => web::take_text(model, (id, part, reveal), text),
        Message::Environment(id, rows) => env::take(model, id, rows),
        Message::Answer(asked, answer) => return answered(model, asked, answer),
        Message::Recalled(lines) => model.history.recall(lines),
        Message::Visited(visits) => model.newcomer.recall(visits),
        Message::Found(found) => return logs::scans(model.logs.found(found)),
        Message::Focus(here) => {
            model.away = !here;
            let tell = model.attached.is_some().then_some(Effect::Type(Typed::Focus(here)));
            return tell.into_iter().collect();
        }
        Message::Seen(id, seen) => attached::seen(model, id, seen),
        Message::NotAttached(id, error) => {
            if model.attached.as_ref().is_some_and(|attached| attached.id == id) {
                model.attached = None;
            }
            tell::tell(model, Level::Error, error.message().to_string());
        }
        Message::NotTaken(text, what) => return vec![Effect::CopyByTerminal(text, what)],
        Message::Notice(level, text) => tell::tell(model, level, text),
        Message::Panicked(text) => tell::tell(model, Level::Error, format!("a part of brummer failed: {text}")),
        Message::End | Message::Hangup => return vec![Effect::Leave(Outcome::Ended)],
    }
    Vec::new()
}

fn take_processes(model: &mut Model, rows: Vec<crate::app::view::ProcessRow>) -> Vec<Effect> {
    let now = model.now;
    away::crash_loops(model, &rows);
    let mut effects: Vec<Effect> = away::notice(model, &rows).into_iter().collect();
    model.processes.take(rows, now);
    processes::keep_in_sight(model);
    let wanted = model.show_next.and_then(|id| model.processes.get(id)).map(|row| Arc::clone(&row.name));
    if let Some(name) = wanted {
        model.show_next = None;
        effects.extend(logs::solo(model, &name));
    } else {
        effects.extend(logs::resolve(model));
    }
    effects.extend(attached::follow(model));
    effects
}

fn answered(model: &mut Model, asked: Asked, answer: crate::error::Result<Reply>) -> Vec<Effect> {
    match (answer, asked) {
        (Err(error), _) => tell::tell(model, Level::Error, error.message().to_string()),
        (Ok(Reply::Process { id, fresh }), Asked::Show) => {
            let name = model.processes.get(id).map(|row| Arc::clone(&row.name));
            model.return_to = Some(model.view);
            if !fresh {
                tell::tell(model, Level::Info, format!("{} runs already", name.as_deref().unwrap_or("it")));
            }
            match name {
                Some(name) => return logs::solo(model, &name),
                None => model.show_next = Some(id),
            }
        }
        (Ok(Reply::Process { id, .. }), Asked::Attach) => return attached::open(model, id),
        (Ok(Reply::Done(text)), _) if !text.is_empty() => tell::tell(model, Level::Info, text),
        (Ok(_), _) => {}
    }
    Vec::new()
}

/// Takes a key; `None` if it does nothing here.
pub(crate) fn key(model: &mut Model, event: KeyEvent) -> Option<Vec<Effect>> {
    let key = Key::of(event);
    if let Some(effects) = select::key(model, key, event) {
        return Some(effects);
    }
    if model.overlay.is_some() {
        return overlays::key(model, key, event);
    }
    if model.attached.is_some() {
        return Some(attached::key(model, event));
    }
    let Some(action) = model.keymap.action(model.view, key) else {
        let command = crate::app::command::parse(model.keymap.command(key)?).ok()?;
        return Some(commands::run(model, command));
    };
    if !available(model, action) {
        return None;
    }
    if let Some(effects) = pane::zoomed(model, action) {
        return Some(effects);
    }
    if let Some(tab) = model.tab
        && let Some(effects) = tab_key(model, tab, action)
    {
        return Some(effects);
    }
    if let Some(chip) = model.chip
        && let Some(effects) = chips::key(model, chip, action)
    {
        return Some(effects);
    }
    if let Some(button) = strip::focused(model)
        && let Some(effects) = strip_key(model, button, action)
    {
        return Some(effects);
    }
    Some(act(model, action))
}

fn tab_key(model: &mut Model, tab: View, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Left if tab != View::ALL[0] => model.tab = Some(tab.next(-1)),
        Action::Right if tab.next(1) != View::ALL[0] => model.tab = Some(tab.next(1)),
        Action::Left | Action::Right => {}
        Action::Up => {}
        Action::Open | Action::Down => return Some(go(model, tab)),
        Action::Back => model.tab = None,
        _ => return None,
    }
    Some(Vec::new())
}

fn strip_key(model: &mut Model, button: usize, action: Action) -> Option<Vec<Effect>> {
    let buttons = strip::buttons(model);
    match action {
        Action::Left if button == 0 => strip::focus(model, None),
        Action::Left => strip::focus(model, Some(button - 1)),
        Action::Right => strip::focus(model, Some((button + 1).min(buttons.len().saturating_sub(1)))),
        Action::Back => strip::focus(model, None),
        // What is below the strip is a text: of the request, of the error.
        Action::Up if pane::has_text(model) => pane::scroll_view(model, -1),
        Action::Down if pane::has_text(model) => pane::scroll_view(model, 1),
        Action::PageUp if pane::has_text(model) => pane::scroll_view(model, -pane::page(model)),
        Action::PageDown if pane::has_text(model) => pane::scroll_view(model, pane::page(model)),
        Action::Open => return Some(buttons.get(button).map_or_else(Vec::new, |button| strip::press(model, *button))),
        _ => return None,
    }
    Some(Vec::new())
}

/// Goes to a view.
pub(super) fn go(model: &mut Model, view: View) -> Vec<Effect> {
    let before = model.view;
    if before == View::Errors && view != View::Errors {
        model.errors.see_all();
        (model.errors.selected, model.errors.strip) = (None, None);
    }
    model.view = view;
    (model.tab, model.chip, model.next_step, model.return_to) = (None, None, None, None);
    if view == View::Errors && before != View::Errors {
        model.errors.arrange(u64::MAX);
    }
    keep_in_sight(model);
    Vec::new()
}

/// Scrolls the list in front so that its selected row is on the screen; how high the others are is known when they are.
pub(super) fn keep_in_sight(model: &mut Model) {
    match model.view {
        View::Scripts => scripts::keep_in_sight(model),
        View::Processes => processes::keep_in_sight(model),
        View::Logs => {}
        View::Errors => errors::keep_in_sight(model),
        View::Urls => url_list::keep_in_sight(model),
        View::Web => web::keep_in_sight(model),
        View::Mcp => mcp::keep_in_sight(model),
        View::Settings => settings::keep_in_sight(model),
    }
}

/// Does what a key stands for.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    use Action as A;
    match action {
        A::GoScripts => return go(model, View::Scripts),
        A::GoProcesses => return go(model, View::Processes),
        A::GoLogs => return go(model, View::Logs),
        A::GoErrors => return go(model, View::Errors),
        A::GoUrls => return go(model, View::Urls),
        A::GoWeb => return go(model, View::Web),
        A::GoMcp => return go(model, View::Mcp),
        A::GoSettings => return go(model, View::Settings),
        A::NextView | A::PreviousView => {
            let by = if action == A::NextView { 1 } else { -1 };
            return go(model, model.view.next(by));
        }
        A::Up => up(model),
        A::Down => step(model, 1),
        A::PageUp => page(model, -1),
        A::PageDown => page(model, 1),
        A::First => first_or_last(model, false),
        A::Last => first_or_last(model, true),
        A::Right | A::Toggle if model.view == View::Settings => return settings::change(model, 1),
        A::Left if model.view == View::Settings => return settings::change(model, -1),
        A::WriteSettings => return settings::write(model, false),
        A::WriteUser => return settings::write(model, true),
        A::UndoSetting => return settings::undo(model),
        A::Right => right(model),
        A::Left => logs::sideways(model, -8),
        A::FarLeft => logs::sideways(model, -half(model)),
        A::FarRight => logs::sideways(model, half(model)),
        A::Open => return open(model),
        A::Back => return back(model),
        A::CommandLine => overlays::open_command(model, ""),
        A::RunCommand | A::RunCommandHere => overlays::open_command(model, "exec "),
        A::Find => overlays::open_find(model),
        A::OpenUrl | A::OpenLineUrl => return urls::open(model),
        A::EditScript => return scripts::edit(model),
        A::RunAnother => return scripts::run(model, true),
        A::OnlyRunnable => {
            model.scripts.only_runnable = !model.scripts.only_runnable;
            scripts::keep_in_sight(model);
        }
        A::StopStart => return processes::stop_start(model),
        A::Restart => return processes::restart(model),
        A::RestartAll => return vec![Effect::Execute(Command::Restart(Target::All), Asked::Tell)],
        A::Details => strip::focus(model, Some(0)),
        A::Kill => return processes::kill(model),
        A::Attach | A::AttachLine => return attached::open_here(model),
        A::Select => processes::mark(model),
        A::Sort => processes::sort(model, None),
        A::FilterStatus => processes::filter(model),
        A::Forget => return processes::forget(model),
        A::Copy if model.view == View::Logs => return logs::copy(model, false),
        A::Copy => return strip::copy(model),
        A::CopyError => return vec![Effect::CopyError(model.logs.lines.clone())],
        A::Interrupt if model.view == View::Logs && (model.logs.anchor.is_some() || model.logs.marked.is_some()) => {
            return logs::copy(model, false);
        }
        A::Interrupt | A::Quit => return overlays::quit(model),
        A::Messages => model.overlay = Some(Overlay::Messages { offset: 0 }),
        A::Redraw => return vec![Effect::Redraw],
        A::Suspend => return vec![Effect::Suspend],
        A::Zoom => return pane::toggle_zoom(model),
        A::Help => model.overlay = Some(Overlay::Help { filter: Default::default(), offset: 0 }),
        A::OpenProxied => return url_list::open_proxied(model),
        A::CopyProxied => return url_list::copy(model, true),
        A::ShowQr => qr::toggle(model),
        A::ForgetUrl => url_list::forget(model),
        A::UndoUrls => url_list::undo(model),
        A::EditSource => return errors::edit(model),
        A::CopyErrorContext => return errors::copy_context(model),
        A::Mute => errors::mute(model),
        A::NextSeverity => chips::next_severity(model),
        A::ClearErrors => errors::clear(model),
        A::UndoErrors => errors::undo(model),
        A::TurnPage
        | A::PauseWeb
        | A::Reveal
        | A::Replay
        | A::CopyCurl
        | A::ZoomIn
        | A::ZoomOut
        | A::ClearWeb
        | A::UndoWeb => {
            return act_in_web(model, action);
        }
        A::TurnMcp
        | A::PauseMcp
        | A::NextClient
        | A::LogsOfCall
        | A::CopyCall
        | A::CopyAddress
        | A::CopyClientSettings
        | A::SetUpTool
        | A::ClearCalls
        | A::UndoCalls => return act_in_mcp(model, action),
        A::NextKind => chips::next_kind(model),
        A::NextChoice => chips::next_choice(model),
        _ => return act_in_logs(model, action),
    }
    Vec::new()
}

fn act_in_web(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::TurnPage => web::turn_page(model),
        Action::PauseWeb => web::toggle_pause(model),
        Action::ZoomIn => model.web.zoom = (model.web.zoom + 1).min(web::ZOOM_MAX),
        Action::ZoomOut => model.web.zoom = model.web.zoom.saturating_sub(1),
        Action::Reveal => web::reveal(model),
        Action::Replay => return web::replay_selected(model),
        Action::CopyCurl => return web::copy_curl(model),
        Action::ClearWeb => return web::clear(model),
        Action::UndoWeb => web::undo(model),
        _ => {}
    }
    Vec::new()
}

fn act_in_mcp(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::TurnMcp => mcp::turn_to(model, model.mcp.page.other()),
        Action::PauseMcp => mcp::toggle_pause(model),
        Action::NextClient => mcp::next_client(model),
        Action::LogsOfCall => return mcp::show_logs(model),
        Action::CopyCall => return mcp::copy_curl(model),
        Action::CopyAddress => return mcp::copy_address(model),
        Action::CopyClientSettings => return mcp::copy_client_settings(model),
        Action::SetUpTool => return mcp::choose_tool(model),
        Action::ClearCalls => mcp::clear(model),
        Action::UndoCalls => mcp::undo(model),
        _ => {}
    }
    Vec::new()
}

fn act_in_logs(model: &mut Model, action: Action) -> Vec<Effect> {
    use Action as A;
    match action {
        A::Pause => logs::toggle_pause(model),
        A::FindNext => logs::next_match(model, true),
        A::FindPrevious => logs::next_match(model, false),
        A::NextError => logs::next_error(model, true),
        A::PreviousError => logs::next_error(model, false),
        A::CycleLevel => return logs::cycle_level(model),
        A::OnlyProblems => {
            let problems = model.logs.filter.level == Some(Level::Warn);
            return logs::level(model, Some(Level::Warn).filter(|_| !problems));
        }
        A::ChooseProcesses => overlays::open_choose(model),
        A::Solo => return logs::toggle_solo(model),
        A::Filters => return logs::toggle_filters(model),
        A::Mark => logs::mark(model, ""),
        A::NextMark => logs::next_mark(model, true),
        A::PreviousMark => logs::next_mark(model, false),
        A::Wrap => {
            model.logs.wrap = !model.logs.wrap;
            model.logs.place.top.1 = 0;
        }
        A::Time => logs::cycle_time(model),
        A::Collapse => model.logs.collapse = !model.logs.collapse,
        A::Fold => model.logs.fold_all(),
        A::SelectLines => logs::select(model),
        A::SelectUp => logs::select_step(model, -1),
        A::SelectDown => logs::select_step(model, 1),
        A::Clear => logs::clear(model),
        A::Undo => return logs::undo(model),
        A::CopyContext => return logs::copy(model, true),
        _ => {}
    }
    Vec::new()
}

fn half(model: &Model) -> isize {
    (pane(model).text / 2).max(1) as isize
}

fn at_top(model: &Model) -> bool {
    match model.view {
        View::Scripts => model.scripts.position() <= 1,
        View::Processes => model.processes.position() == 0,
        View::Errors => model.errors.position() == 0,
        View::Settings => settings::at_top(model),
        View::Urls => model.urls.position() == 0,
        View::Web => model.web.position() == 0,
        View::Mcp => model.mcp.position() == 0,
        View::Logs => match model.logs.rows().first() {
            Some(first) => !model.logs.place.follow && model.logs.place.cursor <= first,
            None => true,
        },
    }
}

fn up(model: &mut Model) {
    let held = model.now.saturating_sub(model.up_at) < UP_MILLIS;
    model.up_at = model.now;
    if at_top(model) {
        if !held {
            strip::focus(model, None);
            if !chips::enter(model) {
                model.tab = Some(model.view);
            }
        }
        return;
    }
    step(model, -1);
}

pub(super) fn step(model: &mut Model, by: isize) {
    match model.view {
        View::Scripts => scripts::step(model, by),
        View::Processes => processes::step(model, by),
        View::Logs => logs::step(model, by),
        View::Errors => errors::step(model, by),
        View::Settings => settings::step(model, by),
        View::Urls => url_list::step(model, by),
        View::Web => web::step(model, by),
        View::Mcp => mcp::step(model, by),
    }
}

fn page(model: &mut Model, direction: isize) {
    if model.view == View::Logs {
        return logs::page(model, direction);
    }
    let rows = layout(model).list.height.max(2) as isize - 1;
    step(model, direction * rows);
}

fn first_or_last(model: &mut Model, last: bool) {
    match model.view {
        View::Logs if last => model.logs.follow(),
        View::Logs => logs::first(model),
        View::Web if !last => model.web.follow(),
        View::Mcp if !last && model.mcp.page == McpPage::Activity => model.mcp.follow(),
        _ if last => step(model, isize::MAX),
        _ => step(model, isize::MIN),
    }
}

fn right(model: &mut Model) {
    match model.view {
        View::Logs if strip::buttons(model).is_empty() => logs::sideways(model, 8),
        _ => strip::focus(model, Some(0)),
    }
}

/// What Enter does.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    if let Some(button) = empty::first_step(model) {
        return strip::press(model, button);
    }
    match model.view {
        View::Scripts => return scripts::run(model, false),
        View::Processes => return processes::open(model),
        View::Logs if model.logs.place.follow => logs::mark(model, ""),
        View::Logs => logs::open(model),
        View::Errors => return errors::show(model),
        View::Settings => return settings::open(model),
        View::Urls => return url_list::open(model),
        View::Web => web::open(model),
        View::Mcp => return mcp::open(model),
    }
    Vec::new()
}

/// Undoes the smallest thing that is open.
fn back(model: &mut Model) -> Vec<Effect> {
    match model.view {
        View::Scripts if !model.scripts.find.is_empty() => {
            model.scripts.find = Default::default();
            scripts::keep_in_sight(model);
        }
        View::Processes if model.processes.held.is_some() => model.processes.held = None,
        View::Processes if !model.processes.marked.is_empty() => model.processes.marked.clear(),
        View::Processes if !model.processes.find.is_empty() => {
            model.processes.find = Default::default();
            processes::keep_in_sight(model);
        }
        View::Errors | View::Urls | View::Web | View::Mcp | View::Settings if layout::has_find(model) => {
            return overlays::clear_find(model);
        }
        View::Urls if model.urls.qr.is_some() && layout::qr_pane(&layout(model)).height > 0 => model.urls.qr = None,
        View::Logs if model.logs.marked.is_some() => model.logs.marked = None,
        View::Logs if model.logs.anchor.is_some() => model.logs.anchor = None,
        View::Logs if !model.logs.find.field.is_empty() => return overlays::clear_find(model),
        View::Logs if model.logs.sideways > 0 && !model.logs.wrap => model.logs.sideways = 0,
        View::Logs if pane::is_zoomed(model) => return pane::toggle_zoom(model),
        View::Logs if model.logs.before_solo.is_some() => {
            return logs::end_solo(model).unwrap_or_default();
        }
        _ => model.tab = Some(model.view),
    }
    Vec::new()
}
