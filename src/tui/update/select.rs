//! Selecting text with the mouse in what a view shows of its row, and in a whole line: one way for all of them.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Position;

use crate::tui::key::Key;
use crate::tui::keymap::Action;
use crate::tui::logs::marked::{Marked, Spot};
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay, View};
use crate::tui::record::Focus;
use crate::tui::update::pane;
use crate::tui::views::{owner, sheet};

/// Text that is selected, or about to be.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Of what the text is.
    owner: u64,
    /// Where the button went down, while it is down.
    pressed: Option<Spot>,
    pub(crate) marked: Option<Marked>,
    /// Tells whether the lines are still the same.
    print: u64,
}

/// Two presses within this time are a double click.
const DOUBLE_MILLIS: u64 = 400;

/// How often the button went down in a row at one place: once, twice, three times, once.
pub(super) fn presses(model: &mut Model, again: bool) -> u8 {
    let quick = again && model.now.saturating_sub(model.presses.0) <= DOUBLE_MILLIS;
    model.presses = (model.now, if quick { model.presses.1 % 3 + 1 } else { 1 });
    model.presses.1
}

/// The button goes down: once begins a selection, twice selects a word, three times a line. Answers how often it went down if
/// there is text.
pub(super) fn press(model: &mut Model, at: Position, again: bool) -> Option<u8> {
    let found = sheet(model).filter(|sheet| sheet.area.contains(at))?;
    let spot = found.spot(at)?;
    let times = presses(model, again);
    pane::hold_still(model);
    let marked = if times > 1 { found.around(spot, times == 3) } else { None };
    let here = marked.unwrap_or(Marked { from: spot, to: spot });
    model.selection = Some(Selection { owner: owner(model), pressed: Some(spot), marked, print: found.print(here) });
    Some(times)
}

/// The mouse moves with the button down: selects up to there, and scrolls at the edges. Answers whether text is being selected.
pub(super) fn drag(model: &mut Model, at: Position) -> bool {
    let Some(from) = model.selection.as_ref().and_then(|selection| selection.pressed) else { return false };
    let Some(mut found) = sheet(model) else { return false };
    let by = if at.y < found.area.y { -1 } else { isize::from(at.y >= found.area.bottom()) };
    if by != 0 {
        pane::scroll(model, by);
        found = sheet(model).unwrap_or(found);
    }
    if let (Some(to), Some(selection)) = (found.nearest(at), &mut model.selection) {
        selection.marked = Some(Marked { from, to });
    }
    // It may be laid out anew, as far as the selection goes.
    let print = marked(model).zip(sheet(model)).map(|(marked, found)| found.print(marked));
    if let (Some(selection), Some(print)) = (&mut model.selection, print) {
        selection.print = print;
    }
    model.clicked = None;
    true
}

/// The button goes up.
pub(super) fn release(model: &mut Model) -> Vec<Effect> {
    let pressed = model.selection.as_mut().and_then(|selection| selection.pressed.take());
    if pressed.is_none() {
        return Vec::new();
    }
    let copied = copy(model);
    if copied.is_none() {
        clear(model);
    }
    copied.filter(|_| model.copy_on_select).unwrap_or_default()
}

fn marked(model: &Model) -> Option<Marked> {
    model.selection.as_ref()?.marked
}

/// Whether text is selected.
pub(crate) fn is_on(model: &Model) -> bool {
    let before = match &model.overlay {
        None => true,
        Some(Overlay::Record(record)) => !matches!(record.focus, Focus::Menu(_)),
        Some(_) => false,
    };
    before && marked(model).is_some()
}

/// The selected text.
pub(crate) fn text(model: &Model) -> Option<String> {
    Some(sheet(model)?.text(marked(model)?))
}

pub(super) fn copy(model: &Model) -> Option<Vec<Effect>> {
    let text = text(model).filter(|text| !text.is_empty())?;
    let what = counted(&text);
    Some(vec![Effect::Copy(text, what)])
}

/// How much a text is.
pub(super) fn counted(text: &str) -> String {
    match (text.lines().count(), text.chars().count()) {
        (0..=1, 1) => "1 character".to_string(),
        (0..=1, letters) => format!("{letters} characters"),
        (lines, _) => format!("{lines} lines"),
    }
}

pub(super) fn clear(model: &mut Model) {
    if model.selection.take().is_some() && !pane::is_zoomed(model) {
        model.processes.held = None;
    }
}

/// Keys for a selection: Esc ends it, and what copies copies it. None for any other key.
pub(super) fn key(model: &mut Model, key: Key, event: KeyEvent) -> Option<Vec<Effect>> {
    if marked(model).is_none() {
        // The button is down and nothing was selected yet.
        clear(model);
    }
    if !is_on(model) {
        return None;
    }
    let action = match &model.overlay {
        None => model.keymap.action(model.view, key),
        Some(_) if event.code == KeyCode::Esc => Some(Action::Back),
        Some(_) if Some(key) == Key::parse("ctrl+c") || Some(key) == Key::parse("y") => Some(Action::Copy),
        Some(_) => None,
    };
    match action? {
        Action::Back => {
            clear(model);
            Some(Vec::new())
        }
        Action::Copy | Action::Interrupt => Some(copy(model).unwrap_or_default()),
        _ => None,
    }
}

/// A selection goes when what it is in shows something else; called after every change.
pub(super) fn follow_up(model: &mut Model) {
    let Some(selection) = &model.selection else {
        let front = model.processes.selected().map(|row| row.id).filter(|_| model.view == View::Processes);
        model.processes.held = model.processes.held.filter(|(id, _)| Some(*id) == front);
        return;
    };
    let same = |found: crate::tui::sheet::Sheet| match (selection.marked, selection.pressed) {
        (Some(marked), _) => found.print(marked) == selection.print,
        (None, Some(spot)) => found.print(Marked { from: spot, to: spot }) == selection.print,
        (None, None) => false,
    };
    if model.attached.is_some() || owner(model) != selection.owner || !sheet(model).is_some_and(same) {
        clear(model);
    }
}
