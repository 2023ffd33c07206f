//! The find bar: its text, its history, and in Logs its options.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::field::Field;
use crate::tui::logs::FindOption;
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay, View};
use crate::tui::update::logs;
use crate::tui::update::overlays::{clear_find, find_changed, find_field, history};

/// What the footer says while the bar of Logs is open.
pub(super) fn hints(model: &Model) -> &'static [(&'static str, &'static str)] {
    match model.logs.find.option {
        None => &[
            ("enter", "keep"),
            ("esc", "close"),
            ("tab", "mode"),
            ("alt+r", "regex"),
            ("alt+c", "case"),
            ("alt+w", "word"),
            ("down", "options"),
        ],
        Some(FindOption::Regex) => {
            &[("enter", "regex on/off"), ("right", "choose"), ("tab", "mode"), ("up", "text"), ("esc", "back")]
        }
        Some(FindOption::Case) => {
            &[("enter", "case on/off"), ("right", "choose"), ("tab", "mode"), ("up", "text"), ("esc", "back")]
        }
        Some(FindOption::Word) => {
            &[("enter", "word on/off"), ("right", "choose"), ("tab", "mode"), ("up", "text"), ("esc", "back")]
        }
    }
}

/// A key while an option has the focus; every other one goes to the text, and the focus with it.
fn option_key(model: &mut Model, code: KeyCode) -> bool {
    let find = &mut model.logs.find;
    let Some(option) = find.option else { return false };
    let at = FindOption::ALL.iter().position(|other| *other == option).unwrap_or(0);
    match code {
        KeyCode::Left => find.option = Some(FindOption::ALL[at.saturating_sub(1)]),
        KeyCode::Right => find.option = Some(FindOption::ALL[(at + 1).min(FindOption::ALL.len() - 1)]),
        KeyCode::Enter | KeyCode::Char(' ') => find.toggle(option),
        KeyCode::Up | KeyCode::Esc => find.option = None,
        KeyCode::Down => {}
        KeyCode::Tab => return false,
        _ => {
            find.option = None;
            return false;
        }
    }
    true
}

/// Switches an option that was clicked.
pub(super) fn toggle(model: &mut Model, option: FindOption) -> Vec<Effect> {
    model.logs.find.toggle(option);
    find_changed(model)
}

/// Takes a key; `None` if the bar has no use for it.
pub(super) fn key(model: &mut Model, event: KeyEvent) -> Option<Vec<Effect>> {
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    let in_logs = model.view == View::Logs;
    if in_logs && option_key(model, event.code) {
        model.overlay = Some(Overlay::Find);
        return Some(find_changed(model));
    }
    match event.code {
        KeyCode::Esc => {
            if let Some(place) = model.logs.find.before.take().filter(|_| in_logs) {
                model.logs.place = place;
            }
            return Some(clear_find(model));
        }
        KeyCode::Enter => {
            keep_find(model);
            return Some(Vec::new());
        }
        KeyCode::Tab if in_logs => logs::cycle_find_mode(model),
        KeyCode::Char('r') if alt && in_logs => model.logs.find.toggle(FindOption::Regex),
        KeyCode::Char('c') if alt && in_logs => model.logs.find.toggle(FindOption::Case),
        KeyCode::Char('w') if alt && in_logs => model.logs.find.toggle(FindOption::Word),
        KeyCode::Up | KeyCode::Down => {
            let now = find_field(model).text().to_string();
            let text = history(&model.finds, &now, event.code == KeyCode::Up);
            match text {
                Some(text) => *find_field(model) = Field::new(text),
                // Below the newest are the options.
                None if in_logs && event.code == KeyCode::Down => model.logs.find.option = Some(FindOption::Regex),
                None => {}
            }
        }
        _ => {
            if !find_field(model).key(event) {
                model.overlay = Some(Overlay::Find);
                return None;
            }
        }
    }
    model.overlay = Some(Overlay::Find);
    Some(find_changed(model))
}

/// Closes the bar and keeps the search: in Logs, at the match that is nearest.
fn keep_find(model: &mut Model) {
    let text = find_field(model).text().to_string();
    if text.is_empty() {
        return;
    }
    model.finds.retain(|other| *other != text);
    model.finds.push(text);
    if model.view == View::Logs && model.logs.find.hits.is_some() {
        let rows = model.logs.rows();
        let here = if model.logs.place.follow { u64::MAX } else { model.logs.place.cursor.saturating_add(1) };
        if let Some(seq) = rows.match_from(here, false).or_else(|| rows.match_from(here, true)) {
            logs::go_to(model, seq);
        }
    }
}
