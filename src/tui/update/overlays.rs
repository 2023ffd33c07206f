//! What lies over the view: find bar, command line, help, questions, messages, a whole line, the choice of processes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::command::Command;
use crate::app::view::SystemMessage;
use crate::tui::field::Field;
use crate::tui::key::Key;
use crate::tui::layout::layout;
use crate::tui::message::{Asked, Effect, Outcome};
use crate::tui::model::{CommandLine, Confirm, Dialog, Model, Overlay, View};
use crate::tui::update::{commands, dispatch, env, find, logs, mcp_again, processes, qr, record, tour};
use crate::tui::web::Page;
use crate::tui::widgets;

/// What the footer says while an overlay is open: a key that does something there, and what.
pub(crate) fn hints(model: &Model) -> &'static [(&'static str, &'static str)] {
    match &model.overlay {
        None => &[],
        Some(Overlay::Command(_)) => &[("tab", "complete"), ("up", "choose"), ("enter", "run"), ("esc", "close")],
        Some(Overlay::Find) if model.view == View::Logs => find::hints(model),
        Some(Overlay::Find) => &[("enter", "keep"), ("esc", "close")],
        Some(Overlay::Help { .. }) => &[("down", "scroll"), ("esc", "close")],
        Some(Overlay::Dialog(_)) => {
            &[("right", "choose"), ("enter", "press"), ("y", "yes"), ("n", "no"), ("esc", "cancel")]
        }
        Some(Overlay::Messages { .. }) => &[("down", "scroll"), ("y", "copy"), ("x", "empty"), ("esc", "close")],
        Some(Overlay::Record(record)) => record::hints(record),
        Some(Overlay::Tour(shown)) => tour::hints(model, shown),
        Some(Overlay::Environment(_)) => &[("down", "move"), ("y", "copy"), ("esc", "close")],
        Some(Overlay::Qr(_)) => &[("y", "copy"), ("esc", "close")],
        Some(Overlay::Choose { .. }) => {
            &[("enter", "show"), ("space", "choose"), ("a", "all"), ("down", "move"), ("esc", "cancel")]
        }
    }
}

/// Takes a key; `None` if the overlay has no use for it. Nothing behind it sees the key.
pub(super) fn key(model: &mut Model, key: Key, event: KeyEvent) -> Option<Vec<Effect>> {
    match model.overlay.take()? {
        Overlay::Find => find::key(model, event),
        Overlay::Command(line) => commands::key(model, line, event),
        Overlay::Help { filter, offset } => help_key(model, filter, offset, event),
        Overlay::Dialog(dialog) => dialog_key(model, dialog, key, event),
        Overlay::Messages { offset } => messages_key(model, offset, event),
        Overlay::Record(record) => record::key(model, record, event),
        Overlay::Choose { items, cursor } => choose_key(model, items, cursor, event),
        Overlay::Qr(card) => qr::key(model, card, event),
        Overlay::Tour(shown) => tour::key(model, shown, event),
        Overlay::Environment(popup) => env::key(model, popup, event),
    }
}

/// What was pasted goes into the field that is open, if there is one.
pub(super) fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    match &mut model.overlay {
        Some(Overlay::Command(line)) => line.field.insert(text),
        Some(Overlay::Help { filter, .. }) => filter.insert(text),
        Some(Overlay::Find) => {
            model.logs.find.option = None;
            find_field(model).insert(text);
            return find_changed(model);
        }
        _ => {}
    }
    Vec::new()
}

/// Opens the command line with this text.
pub(super) fn open_command(model: &mut Model, text: &str) {
    (model.tab, model.chip) = (None, None);
    model.overlay = Some(Overlay::Command(CommandLine { field: Field::new(text), ..CommandLine::default() }));
}

pub(super) fn open_find(model: &mut Model) {
    (model.tab, model.chip) = (None, None);
    model.logs.find.option = None;
    if model.view == View::Logs {
        model.logs.find.before = Some(model.logs.place);
    }
    model.overlay = Some(Overlay::Find);
}

/// The text of the find bar of this view.
pub(super) fn find_field(model: &mut Model) -> &mut Field {
    match model.view {
        View::Scripts => &mut model.scripts.find,
        View::Processes => &mut model.processes.find,
        View::Logs => &mut model.logs.find.field,
        View::Errors => &mut model.errors.find,
        View::Settings => &mut model.settings.find,
        View::Urls => &mut model.urls.find,
        View::Mcp => &mut model.mcp.find,
        View::Web => match model.web.page {
            Page::Requests => &mut model.web.filter,
            Page::Telemetry => &mut model.web.find,
        },
    }
}

pub(super) fn find_changed(model: &mut Model) -> Vec<Effect> {
    match model.view {
        View::Logs => return logs::scans(model.logs.set_pattern()),
        View::Web => model.web.narrow_events(),
        _ => {}
    }
    dispatch::keep_in_sight(model);
    Vec::new()
}

/// Ends the search of this view.
pub(super) fn clear_find(model: &mut Model) -> Vec<Effect> {
    *find_field(model) = Field::default();
    find_changed(model)
}

/// The text before or after `text` in a history.
pub(super) fn history(all: &[String], text: &str, older: bool) -> Option<String> {
    let at = all.iter().rposition(|other| other == text);
    let to = match (at, older) {
        (None, true) => all.len().checked_sub(1),
        (None, false) => None,
        (Some(at), true) => at.checked_sub(1),
        (Some(at), false) => Some(at + 1),
    };
    to.and_then(|at| all.get(at).cloned())
}

fn help_key(model: &mut Model, mut filter: Field, mut offset: usize, event: KeyEvent) -> Option<Vec<Effect>> {
    let handled = match event.code {
        KeyCode::Esc | KeyCode::F(1) | KeyCode::Enter => return Some(Vec::new()),
        KeyCode::Char('?') if filter.is_empty() => return Some(Vec::new()),
        _ => {
            scroll_key(&mut offset, event.code) || {
                offset = 0;
                filter.key(event)
            }
        }
    };
    model.overlay = Some(Overlay::Help { filter, offset });
    end_scroll(model);
    handled.then(Vec::new)
}

/// A box is not scrolled past its last row.
pub(super) fn end_scroll(model: &mut Model) {
    let screen = layout(model).screen;
    let most = match &model.overlay {
        Some(Overlay::Help { filter, .. }) => widgets::help::most(model, screen, filter),
        Some(Overlay::Messages { .. }) => widgets::messages::most(model, screen),
        _ => return,
    };
    if let Some(Overlay::Help { offset, .. } | Overlay::Messages { offset }) = &mut model.overlay {
        *offset = (*offset).min(most);
    }
}

fn scroll_key(offset: &mut usize, code: KeyCode) -> bool {
    *offset = match code {
        KeyCode::Up => offset.saturating_sub(1),
        KeyCode::Down => *offset + 1,
        KeyCode::PageUp => offset.saturating_sub(10),
        KeyCode::PageDown => *offset + 10,
        _ => return false,
    };
    true
}

fn dialog_key(model: &mut Model, mut dialog: Dialog, key: Key, event: KeyEvent) -> Option<Vec<Effect>> {
    let again = dialog.confirm == Confirm::Quit && Some(key) == Key::parse("ctrl+c");
    match event.code {
        _ if again => return Some(yes(dialog)),
        KeyCode::Esc | KeyCode::Char('n') => return Some(Vec::new()),
        KeyCode::Char('y') => return Some(yes(dialog)),
        KeyCode::Enter => return Some(if dialog.on_yes { yes(dialog) } else { Vec::new() }),
        KeyCode::Left | KeyCode::Right | KeyCode::Tab | KeyCode::BackTab => dialog.on_yes ^= true,
        _ => {
            model.overlay = Some(Overlay::Dialog(dialog));
            return None;
        }
    }
    model.overlay = Some(Overlay::Dialog(dialog));
    Some(Vec::new())
}

/// Leaves, or asks first when something runs.
pub(super) fn quit(model: &mut Model) -> Vec<Effect> {
    let alive = model.alive();
    if alive == 0 || !model.confirm_quit {
        return vec![Effect::Leave(Outcome::Quit)];
    }
    let text = match alive {
        1 => "1 process runs and will be stopped.".to_string(),
        _ => format!("{alive} processes run and will be stopped."),
    };
    let dialog = Dialog {
        title: "Quit brummer?".into(),
        text: vec![text],
        yes: "Stop all and quit",
        confirm: Confirm::Quit,
        on_yes: false,
    };
    model.overlay = Some(Overlay::Dialog(dialog));
    Vec::new()
}

/// Does what a dialog asked about.
pub(super) fn yes(dialog: Dialog) -> Vec<Effect> {
    match dialog.confirm {
        Confirm::Quit => vec![Effect::Leave(Outcome::Quit)],
        Confirm::Install(words) => vec![Effect::Install(words)],
        Confirm::Replay(id, times) => vec![Effect::Execute(Command::Replay { id, times }, Asked::Tell)],
        Confirm::CallAgain(number) => mcp_again::confirmed(number),
        confirm => processes::confirmed(confirm),
    }
}

fn messages_key(model: &mut Model, mut offset: usize, event: KeyEvent) -> Option<Vec<Effect>> {
    let mut effects = Vec::new();
    match event.code {
        KeyCode::Esc | KeyCode::Enter | KeyCode::Char('e' | 'q') => return Some(Vec::new()),
        KeyCode::Char('x') => empty_messages(model),
        KeyCode::Char('y') => effects.extend(copy_messages(model)),
        _ if scroll_key(&mut offset, event.code) => {}
        _ => {
            model.overlay = Some(Overlay::Messages { offset });
            return None;
        }
    }
    model.overlay = Some(Overlay::Messages { offset });
    end_scroll(model);
    Some(effects)
}

/// All messages as text, oldest first.
fn copy_messages(model: &Model) -> Option<Effect> {
    let line = |message: &SystemMessage| format!("{} {}\n", model.clock.clock(message.time_ms), message.text);
    let text: String = model.panel().into_iter().map(line).collect();
    (!text.is_empty()).then(|| Effect::Copy(text, "the messages".into()))
}

pub(super) fn empty_messages(model: &mut Model) {
    model.system_emptied = model.system.last().map_or(0, |message| message.number);
    model.told.clear();
}

/// Opens the choice of processes.
pub(super) fn open_choose(model: &mut Model) {
    let scope = model.logs.scope.as_ref();
    let names = model.names();
    let items = names.into_iter().map(|name| (Arc::clone(&name), scope.is_none_or(|scope| scope.contains(&name))));
    model.overlay = Some(Overlay::Choose { items: items.collect(), cursor: 0 });
}

fn choose_key(
    model: &mut Model,
    mut items: Vec<(Arc<str>, bool)>,
    mut cursor: usize,
    event: KeyEvent,
) -> Option<Vec<Effect>> {
    let mut handled = true;
    match event.code {
        KeyCode::Esc => return Some(Vec::new()),
        KeyCode::Enter => return Some(choose(model, &items)),
        KeyCode::Char(' ') => items[cursor].1 ^= true,
        KeyCode::Char('a') => {
            let all = items.iter().all(|(_, on)| *on);
            items.iter_mut().for_each(|(_, on)| *on = !all);
        }
        KeyCode::Up | KeyCode::Char('k') => cursor = cursor.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => cursor = (cursor + 1).min(items.len() - 1),
        _ => handled = false,
    }
    model.overlay = Some(Overlay::Choose { items, cursor });
    handled.then(Vec::new)
}

fn choose(model: &mut Model, items: &[(Arc<str>, bool)]) -> Vec<Effect> {
    let chosen: BTreeSet<Arc<str>> = items.iter().filter(|(_, on)| *on).map(|(name, _)| Arc::clone(name)).collect();
    model.logs.before_solo = None;
    let all = chosen.is_empty() || chosen.len() == items.len();
    logs::scope(model, Some(chosen).filter(|_| !all))
}
