//! A child's terminal: every key goes to the child but the leader and what follows it.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::app::attach::Seen;
use crate::app::command::{Command, Target};
use crate::app::view::ProcessRow;
use crate::event::ProcessId;
use crate::tui::attached::{Attached, LEADER_MILLIS, size};
use crate::tui::encode::Typed;
use crate::tui::key::Key;
use crate::tui::keymap::Action;
use crate::tui::layout::layout;
use crate::tui::message::{Asked, Effect};
use crate::tui::model::{Model, Overlay, View};
use crate::tui::update::{dispatch, overlays, tell};
use crate::wire::screen::Mouse;

/// Whether a process can be attached.
pub(super) fn can(row: &ProcessRow) -> bool {
    row.terminal && !row.status.is_ended()
}

/// The process that `a` is about: the selected one, or that of the line.
pub(super) fn target(model: &Model) -> Option<&ProcessRow> {
    match model.view {
        View::Processes => model.processes.selected(),
        View::Logs => {
            let rows = model.logs.rows();
            let alone = model.logs.scope.as_ref().filter(|scope| scope.len() == 1).and_then(|scope| scope.first());
            let named = alone.and_then(|name| model.processes.current().filter(|row| row.name == *name).last());
            let follow = model.logs.place.follow;
            // While following, whoever waits for an answer is meant, then whoever wrote last.
            let asks = model.logs.lines.partials().last().map(|partial| partial.process).filter(|_| follow);
            let line = if follow { rows.last() } else { Some(model.logs.place.cursor) };
            let of_line = || line.and_then(|seq| rows.get(seq)).map(|line| line.process);
            named.or_else(|| asks.or_else(of_line).and_then(|id| model.processes.get(id)))
        }
        _ => None,
    }
}

/// In Logs: the shown process, if it draws all over its terminal, so that its lines tell little.
pub(crate) fn full_screen(model: &Model) -> Option<&ProcessRow> {
    let row = target(model).filter(|row| row.full_screen && can(row))?;
    (model.view == View::Logs && !model.keymap.keys(Action::AttachLine).is_empty()).then_some(row)
}

/// Looks at the terminal of a process.
pub(super) fn open(model: &mut Model, id: ProcessId) -> Vec<Effect> {
    let name = model.processes.get(id).map_or_else(|| Arc::from("terminal"), |row| Arc::clone(&row.name));
    let pane = model.attached.take().is_some_and(|before| before.pane);
    model.attached = Some(Attached { pane, ..Attached::new(id, name) });
    (model.tab, model.overlay) = (None, None);
    vec![Effect::Attach(id, size(model))]
}

/// Looks at the terminal of what `a` is about.
pub(super) fn open_here(model: &mut Model) -> Vec<Effect> {
    match target(model).filter(|row| can(row)).map(|row| row.id) {
        Some(id) => open(model, id),
        None => Vec::new(),
    }
}

/// `/term NAME`, `/term`.
pub(super) fn open_named(model: &mut Model, name: Option<&str>) -> Vec<Effect> {
    let Some(name) = name else { return vec![Effect::Execute(Command::Shell, Asked::Attach)] };
    let found = model.processes.rows.iter().rfind(|row| *row.name == *name && can(row)).map(|row| row.id);
    match found {
        Some(id) => open(model, id),
        None => {
            let text = format!("no running process named `{name}` has a terminal");
            tell::tell(model, crate::event::Level::Error, text);
            Vec::new()
        }
    }
}

/// Leaves; the child goes on.
pub(super) fn leave(model: &mut Model) -> Vec<Effect> {
    model.attached.take().map(|_| Effect::Detach).into_iter().collect()
}

/// Takes what was seen of the terminal.
pub(super) fn seen(model: &mut Model, id: ProcessId, seen: Seen) {
    if let Some(attached) = model.attached.as_mut().filter(|attached| attached.id == id) {
        attached.take(seen);
    }
}

/// The time has come to leave, if the leader was pressed and nothing after it.
pub(super) fn expire(model: &mut Model) -> Vec<Effect> {
    let due = |at: u64| model.now >= at.saturating_add(LEADER_MILLIS);
    if model.overlay.is_none() && model.attached.as_ref().and_then(|attached| attached.leader).is_some_and(due) {
        return leave(model);
    }
    Vec::new()
}

/// A process that was started again from its terminal is looked at again.
pub(super) fn follow(model: &mut Model) -> Vec<Effect> {
    let Some(attached) = model.attached.as_ref().filter(|attached| attached.again) else { return Vec::new() };
    let rows = model.processes.rows.iter();
    let fresh = rows.rev().find(|row| row.name == attached.name && row.id > attached.id && can(row)).map(|row| row.id);
    fresh.map_or_else(Vec::new, |id| open(model, id))
}

/// The child's terminal has another size.
pub(super) fn resized(model: &mut Model) -> Option<Effect> {
    let attached = model.attached.as_mut()?;
    (attached.selection, attached.pressed) = (None, None);
    Some(Effect::ResizeAttached(size(model)))
}

/// A key while a terminal is in front and nothing lies over it.
pub(super) fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let key = Key::of(event);
    let leaves = model.keymap.keys(Action::Leave);
    // There is a way out also where none is bound.
    let leader = leaves.first().copied().or_else(|| Key::parse("ctrl+]")) == Some(key);
    let leaves_at_once = leaves.iter().skip(1).any(|other| *other == key);
    let Some(attached) = model.attached.as_mut() else { return Vec::new() };
    if attached.leader.take().is_some() {
        return after_leader(model, event, leader);
    }
    if leader {
        attached.leader = Some(model.now);
        return Vec::new();
    }
    if leaves_at_once {
        return leave(model);
    }
    if let Some(text) = attached.selected() {
        attached.selection = None;
        attached.pressed = None;
        let copies =
            event.code == KeyCode::Char('y') && event.modifiers.is_empty() || Some(key) == Key::parse("ctrl+c");
        if copies || event.code == KeyCode::Esc {
            let copied = copies.then(|| copied(text));
            return copied.into_iter().chain([Effect::ScrollAttached(0)]).collect();
        }
    }
    let scrolled = !attached.is_live();
    if (scrolled || attached.ended)
        && let Some(effects) = scroll_key(model, event.code)
    {
        return effects;
    }
    match model.attached.as_ref().is_some_and(|attached| attached.ended) {
        true => ended_key(model, event.code),
        false if scrolled && event.code == KeyCode::Esc => vec![Effect::ScrollAttached(isize::MIN)],
        false if scrolled => vec![Effect::ScrollAttached(isize::MIN), Effect::Type(Typed::Key(event))],
        false => vec![Effect::Type(Typed::Key(event))],
    }
}

fn copied(text: String) -> Effect {
    let count = text.chars().count();
    Effect::Copy(text, format!("{count} characters"))
}

fn after_leader(model: &mut Model, event: KeyEvent, leader: bool) -> Vec<Effect> {
    match event.code {
        _ if leader => vec![Effect::Type(Typed::Key(event))],
        KeyCode::PageUp | KeyCode::Up | KeyCode::Home => scroll_key(model, event.code).unwrap_or_default(),
        KeyCode::Char('y') => {
            let text = model.attached.as_ref().and_then(|attached| attached.picture.as_ref()).map(|p| p.all_text());
            text.map(|text| Effect::Copy(text, "the screen".into())).into_iter().collect()
        }
        KeyCode::Char('/') => {
            overlays::open_command(model, "");
            Vec::new()
        }
        KeyCode::Char('?') => {
            model.overlay = Some(Overlay::Help { filter: Default::default(), offset: 0 });
            Vec::new()
        }
        KeyCode::Char('z') => {
            let pane = model.attached.as_mut().map(|attached| {
                attached.pane ^= true;
                attached.pane
            });
            let mut effects = Vec::new();
            if pane == Some(true) && model.view != View::Processes {
                effects = dispatch::go(model, View::Processes);
            }
            if let Some(id) = model.attached.as_ref().map(|attached| attached.id).filter(|_| pane == Some(true)) {
                model.processes.selected = Some(id);
            }
            effects.extend(resized(model));
            effects
        }
        KeyCode::Esc | KeyCode::Enter => leave(model),
        // What it does in the view behind: the leader has left the terminal.
        _ => {
            let mut effects = leave(model);
            effects.extend(dispatch::key(model, event).unwrap_or_default());
            effects
        }
    }
}

/// Keys that scroll; `None` for any other.
fn scroll_key(model: &Model, code: KeyCode) -> Option<Vec<Effect>> {
    let page = isize::from(i16::try_from(size(model).1).unwrap_or(i16::MAX)).max(2) - 1;
    let by = match code {
        KeyCode::PageUp => page,
        KeyCode::PageDown => -page,
        KeyCode::Up => 1,
        KeyCode::Down => -1,
        KeyCode::Home => isize::MAX,
        KeyCode::End => isize::MIN,
        _ => return None,
    };
    Some(vec![Effect::ScrollAttached(by)])
}

fn ended_key(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    match code {
        KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => leave(model),
        KeyCode::Char('r') => {
            let Some(attached) = &mut model.attached else { return Vec::new() };
            attached.again = true;
            vec![Effect::Execute(Command::Restart(Target::Id(attached.id)), Asked::Tell)]
        }
        _ => Vec::new(),
    }
}

/// A paste while a terminal is in front.
pub(super) fn paste(text: String) -> Vec<Effect> {
    vec![Effect::ScrollAttached(isize::MIN), Effect::Type(Typed::Paste(text))]
}

/// The mouse goes to a child that asked for it; otherwise it scrolls and selects.
pub(super) fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let area = layout(model).terminal;
    let lines = model.scroll_lines;
    let copies = model.copy_on_select;
    let Some(attached) = &mut model.attached else { return Vec::new() };
    let Some(picture) = &attached.picture else { return Vec::new() };
    let inside = area.contains(Position::new(event.column, event.row));
    let column = event.column.clamp(area.x, area.right().max(area.x + 1) - 1) - area.x;
    let row = event.row.clamp(area.y, area.bottom().max(area.y + 1) - 1) - area.y;
    let modes = picture.modes;
    if modes.mouse != Mouse::None && attached.is_live() && !attached.ended && inside {
        return vec![Effect::Type(Typed::Mouse(MouseEvent { column, row, ..event }))];
    }
    match event.kind {
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            let up = event.kind == MouseEventKind::ScrollUp;
            if modes.alternate && modes.alternate_scroll && !attached.ended {
                let code = if up { KeyCode::Up } else { KeyCode::Down };
                let key = Typed::Key(KeyEvent::new(code, KeyModifiers::NONE));
                return (0..lines.clamp(1, 20)).map(|_| Effect::Type(key.clone())).collect();
            }
            vec![Effect::ScrollAttached(if up { lines } else { -lines })]
        }
        MouseEventKind::Down(MouseButton::Left) if inside => {
            attached.selection = None;
            attached.pressed = Some((column, row));
            Vec::new()
        }
        MouseEventKind::Drag(MouseButton::Left) => {
            if let Some(from) = attached.pressed {
                attached.selection = Some((from, (column, row)));
            }
            Vec::new()
        }
        MouseEventKind::Up(MouseButton::Left) if attached.pressed.take().is_some() => match attached.selected() {
            Some(text) if copies => vec![copied(text)],
            _ => vec![Effect::ScrollAttached(0)],
        },
        _ => Vec::new(),
    }
}
