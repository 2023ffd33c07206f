//! One whole line in front: its keys and clicks, and what is done with a field of it.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Position;

use crate::event::Level;
use crate::tui::layout::layout;
use crate::tui::logs::filter::{Pattern, PatternMode};
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay};
use crate::tui::record::{FIELD_ACTIONS, Focus, Record};
use crate::tui::update::{logs, overlays, select, tell};
use crate::tui::widgets::record::{button_spots, menu_spots, place};

type Hints = &'static [(&'static str, &'static str)];

/// What the footer says.
pub(super) fn hints(record: &Record) -> Hints {
    const JSON: (&str, &str) = ("j", "JSON/text");
    const CLOSE: (&str, &str) = ("esc", "close");
    match record.focus {
        Focus::Menu(_) => &[("enter", "choose"), ("down", "move"), ("esc", "back")],
        Focus::Field => {
            const FIELD: Hints = &[
                ("enter", "show, hide, copy"),
                ("down", "field"),
                ("right", "buttons"),
                ("y", "copy all"),
                JSON,
                CLOSE,
            ];
            FIELD
        }
        Focus::Button(_) if record.field().is_some() => &[
            ("enter", "press"),
            ("right", "choose"),
            ("up", "fields"),
            ("y", "copy"),
            JSON,
            ("pgdn", "scroll"),
            ("esc", "fields"),
        ],
        Focus::Button(_) if record.is_json() => {
            &[("enter", "press"), ("right", "choose"), ("y", "copy"), JSON, ("down", "scroll"), CLOSE]
        }
        Focus::Button(_) => &[("enter", "press"), ("right", "choose"), ("y", "copy"), ("down", "scroll"), CLOSE],
    }
}

pub(super) fn key(model: &mut Model, mut record: Record, event: KeyEvent) -> Option<Vec<Effect>> {
    let handled = match (event.code, record.focus) {
        (KeyCode::Esc, _) => {
            if !record.back() {
                return Some(Vec::new());
            }
            true
        }
        (KeyCode::Enter, Focus::Button(button)) => return Some(press(model, record, button)),
        (KeyCode::Enter, Focus::Menu(chosen)) => return Some(choose(model, &record, chosen)),
        (KeyCode::Enter, Focus::Field) => {
            record.focus = Focus::Menu(0);
            true
        }
        (code, Focus::Menu(chosen)) => menu_key(&mut record, chosen, code),
        (KeyCode::Char('y'), _) => return Some(vec![Effect::Copy(record.text(), "1 line".into())]),
        (code, _) => text_key(model, &mut record, code),
    };
    model.overlay = Some(Overlay::Record(record));
    handled.then(Vec::new)
}

fn menu_key(record: &mut Record, chosen: usize, code: KeyCode) -> bool {
    let to = match code {
        KeyCode::Up | KeyCode::Char('k') => chosen.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => (chosen + 1).min(FIELD_ACTIONS.len() - 1),
        _ => return false,
    };
    record.focus = Focus::Menu(to);
    true
}

fn text_key(model: &Model, record: &mut Record, code: KeyCode) -> bool {
    let place = place(record, layout(model).screen);
    let height = usize::from(place.text.height);
    let page = height.max(2).cast_signed() - 1;
    match code {
        KeyCode::Char('j') if record.is_json() => record.show(!record.pretty),
        KeyCode::Right => record.turn(1, false),
        KeyCode::Left => record.turn(-1, false),
        KeyCode::Tab => record.turn(1, true),
        KeyCode::BackTab => record.turn(-1, true),
        KeyCode::Up => record.step(false, &place.rows, height),
        KeyCode::Down => record.step(true, &place.rows, height),
        KeyCode::PageUp => record.scroll(-page, &place.rows, height),
        KeyCode::PageDown => record.scroll(page, &place.rows, height),
        _ => return false,
    }
    true
}

/// Scrolls so that the selected field is in the box.
pub(super) fn keep_in_sight(model: &mut Model) {
    let screen = layout(model).screen;
    if let Some(Overlay::Record(record)) = &mut model.overlay {
        let place = place(record, screen);
        if record.field().is_some() {
            record.reveal(&place.rows, place.text.height.into());
        }
    }
}

/// Scrolls by rows, as the wheel does.
pub(super) fn scroll(model: &mut Model, by: isize) {
    let screen = layout(model).screen;
    if let Some(Overlay::Record(record)) = &mut model.overlay {
        let place = place(record, screen);
        record.scroll(by, &place.rows, place.text.height.into());
    }
}

/// A click: the first selects a field, a second one after a while is Enter on it; quick ones select a word, then the line.
/// None if there is nothing to click.
pub(super) fn click(model: &mut Model, mut record: Record, at: Position) -> Option<Vec<Effect>> {
    let again = model.clicked.replace((at.x, at.y)) == Some((at.x, at.y));
    let screen = layout(model).screen;
    let within = |spots: &[ratatui::layout::Rect]| spots.iter().position(|rect| rect.contains(at));
    if let Focus::Menu(_) = record.focus {
        let chosen = within(&menu_spots(screen));
        let effects = chosen.map(|chosen| choose(model, &record, chosen));
        if effects.is_none() {
            model.overlay = Some(Overlay::Record(record));
        }
        return effects;
    }
    if let Some(button) = within(&button_spots(&record, screen)) {
        return Some(press(model, record, button));
    }
    let place = place(&record, screen);
    let row = place.text.contains(at).then(|| record.offset + usize::from(at.y - place.text.y));
    let line = row.and_then(|row| place.rows.get(row)).map(|(line, _)| *line);
    let was_there = line.and_then(|line| record.select(line)) == Some(true);
    model.overlay = Some(Overlay::Record(record));
    let times = select::press(model, at, again)?;
    if let Some(Overlay::Record(record)) = &mut model.overlay
        && was_there
        && again
        && times == 1
    {
        record.focus = Focus::Menu(0);
        select::clear(model);
    }
    Some(Vec::new())
}

fn press(model: &mut Model, record: Record, button: usize) -> Vec<Effect> {
    match button {
        1 => vec![Effect::Copy(record.plain, "1 line".into())],
        2 => {
            model.logs.before_solo = None;
            logs::toggle_solo(model)
        }
        3 => {
            let text = record.plain.trim().lines().next().unwrap_or_default().to_string();
            overlays::open_command(model, &format!("hide {text}"));
            Vec::new()
        }
        4 => record.url.map(Effect::OpenUrl).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Does with the field what was chosen.
fn choose(model: &mut Model, record: &Record, chosen: usize) -> Vec<Effect> {
    let Some(field) = record.field() else { return Vec::new() };
    if chosen == 2 {
        return vec![Effect::Copy(field.text(), "the value".into())];
    }
    match Pattern::new(&field.pattern(), PatternMode::default()) {
        Ok(pattern) => {
            let filter = &mut model.logs.filter;
            let list = if chosen == 0 { &mut filter.show } else { &mut filter.hide };
            if list.iter().all(|other| other.source != pattern.source) {
                list.push(pattern);
            }
            model.logs.filters_off = false;
            logs::refilter(model)
        }
        Err(error) => {
            tell::tell(model, Level::Error, format!("the value is too long to look for: {error}"));
            Vec::new()
        }
    }
}
