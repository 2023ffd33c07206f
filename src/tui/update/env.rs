//! The environment of a process: asked for, gone over by ↑ ↓, copied row by row.

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::view::EnvRow;
use crate::event::{Level, ProcessId};
use crate::tui::env::Environment;
use crate::tui::layout::layout;
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay};
use crate::tui::text::{cut, safe};
use crate::tui::update::tell;
use crate::tui::widgets;

/// Opens the popup and asks what is to stand in it.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.processes.selected() else { return Vec::new() };
    let title = format!("{} · beside brummer's own environment", cut(&safe(&row.name), 20));
    let popup = Environment { process: row.id, title, rows: None, cursor: 0, offset: 0 };
    let effect = Effect::Environment(popup.process);
    model.overlay = Some(Overlay::Environment(popup));
    vec![effect]
}

/// Takes what was asked for, if the popup is still open.
pub(super) fn take(model: &mut Model, process: ProcessId, rows: Vec<EnvRow>) {
    if let Some(Overlay::Environment(popup)) = &mut model.overlay
        && popup.process == process
    {
        popup.rows = Some(rows);
        (popup.cursor, popup.offset) = (0, 0);
    }
}

pub(super) fn key(model: &mut Model, mut popup: Environment, event: KeyEvent) -> Option<Vec<Effect>> {
    let height = height(model, &popup);
    let page = isize::try_from(height.max(2)).unwrap_or(isize::MAX) - 1;
    let by = match event.code {
        KeyCode::Esc | KeyCode::Char('q') => return Some(Vec::new()),
        KeyCode::Enter | KeyCode::Char('y') => {
            let effects = copy(model, &popup);
            model.overlay = Some(Overlay::Environment(popup));
            return Some(effects);
        }
        KeyCode::Up | KeyCode::Char('k') => -1,
        KeyCode::Down | KeyCode::Char('j') => 1,
        KeyCode::PageUp => -page,
        KeyCode::PageDown => page,
        KeyCode::Home | KeyCode::Char('g') => isize::MIN,
        KeyCode::End | KeyCode::Char('G') => isize::MAX,
        _ => {
            model.overlay = Some(Overlay::Environment(popup));
            return None;
        }
    };
    popup.step(by, height);
    model.overlay = Some(Overlay::Environment(popup));
    Some(Vec::new())
}

/// A click selects a row; on the selected one it copies.
pub(super) fn click(model: &mut Model, mut popup: Environment, at: ratatui::layout::Position) -> Vec<Effect> {
    let row = widgets::env::row_at(&popup, layout(model).screen, at);
    let again = row == Some(popup.cursor);
    popup.cursor = row.unwrap_or(popup.cursor);
    let effects = if again { copy(model, &popup) } else { Vec::new() };
    model.overlay = Some(Overlay::Environment(popup));
    effects
}

/// The wheel moves the cursor.
pub(super) fn wheel(model: &mut Model, by: isize) {
    let screen = layout(model).screen;
    if let Some(Overlay::Environment(popup)) = &mut model.overlay {
        let height = usize::from(widgets::env::places(popup, screen).list.height);
        popup.step(by, height);
    }
}

/// How many rows are shown at once.
fn height(model: &Model, popup: &Environment) -> usize {
    widgets::env::places(popup, layout(model).screen).list.height.into()
}

/// Copies a row; what is masked is not copied.
fn copy(model: &mut Model, popup: &Environment) -> Vec<Effect> {
    let Some(row) = popup.selected() else { return Vec::new() };
    let name = cut(&safe(&row.name), 40).into_owned();
    match &row.value {
        _ if row.is_secret => {
            tell::tell(model, Level::Warn, format!("{name} is a secret: it is not copied"));
        }
        None => tell::tell(model, Level::Info, format!("{name} is removed: there is nothing to copy")),
        Some(value) => return vec![Effect::Copy(format!("{}={value}", row.name), name)],
    }
    Vec::new()
}
