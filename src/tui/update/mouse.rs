//! The mouse: the same as moving there and pressing Enter.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::tui::footer;
use crate::tui::layout::{Areas, layout, pane};
use crate::tui::logs::window::Row;
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay, Sort, View};
use crate::tui::update::{dispatch, logs, overlays, processes, scripts, strip};
use crate::tui::views;

pub(super) fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let areas = layout(model);
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::ScrollUp => wheel(model, -model.scroll_lines),
        MouseEventKind::ScrollDown => wheel(model, model.scroll_lines),
        MouseEventKind::Down(MouseButton::Left) if model.overlay.is_some() => return click_overlay(model, at),
        MouseEventKind::Down(MouseButton::Left) => return click(model, &areas, at),
        MouseEventKind::Down(MouseButton::Right) => right_click(model, &areas, at),
        MouseEventKind::Drag(MouseButton::Left) if model.overlay.is_none() => drag(model, &areas, at),
        MouseEventKind::Up(MouseButton::Left) if model.view == View::Logs && model.logs.anchor.is_some() => {
            let dragged = model.clicked.is_none();
            if dragged && model.copy_on_select && model.overlay.is_none() {
                return logs::copy(model, false);
            }
        }
        _ => {}
    }
    Vec::new()
}

fn wheel(model: &mut Model, by: isize) {
    match &mut model.overlay {
        Some(
            Overlay::Help { offset, .. }
            | Overlay::Messages { offset }
            | Overlay::Record(crate::tui::model::Record { offset, .. }),
        ) => {
            *offset = offset.saturating_add_signed(by);
        }
        Some(_) => {}
        None if model.view == View::Logs => logs::scroll(model, by),
        None => dispatch::step(model, by),
    }
}

fn click(model: &mut Model, areas: &Areas, at: Position) -> Vec<Effect> {
    let again = model.clicked.replace((at.x, at.y)) == Some((at.x, at.y));
    if let Some((view, _)) = views::tabs(model, areas).into_iter().find(|(_, rect)| rect.contains(at)) {
        return dispatch::go(model, view);
    }
    if let Some((_, key)) = footer::spots(model, areas).into_iter().find(|(rect, _)| rect.contains(at)) {
        return dispatch::key(model, key.as_event()).unwrap_or_default();
    }
    let found = views::strip_spots(model, areas).into_iter().find(|(_, rect)| rect.contains(at));
    if let Some((button, _)) = found {
        return strip::press(model, button);
    }
    model.tab = None;
    if areas.list.contains(at) {
        let row = usize::from(at.y - areas.list.y);
        let selected = match model.view {
            View::Scripts => scripts::select_row(model, row),
            _ => processes::select_row(model, row),
        };
        return if selected == Some(true) && again { dispatch::open(model) } else { Vec::new() };
    }
    if areas.columns.contains(at) && model.view == View::Processes {
        if let Some((sort, _)) = column(areas, at) {
            processes::sort(model, Some(sort));
        }
        return Vec::new();
    }
    if model.view == View::Logs {
        return click_logs(model, areas, at, again);
    }
    Vec::new()
}

fn column(areas: &Areas, at: Position) -> Option<(Sort, Rect)> {
    views::sort_spots(areas).into_iter().find(|(_, rect)| rect.contains(at))
}

fn click_logs(model: &mut Model, areas: &Areas, at: Position, again: bool) -> Vec<Effect> {
    if views::pill(model, areas).is_some_and(|(_, rect)| rect.contains(at)) {
        model.logs.follow();
    } else if areas.scrollbar.contains(at) {
        jump(model, areas, at);
    } else if areas.lines.contains(at) {
        let was = model.logs.place;
        if let Some(seq) = line_at(model, areas, at) {
            logs::pin_here(model);
            model.logs.anchor = None;
            model.logs.place.cursor = seq;
            if again && !was.follow && was.cursor == seq {
                logs::open(model);
            }
        }
    } else if areas.chips.contains(at) && model.logs.has_filters() {
        return logs::toggle_filters(model);
    }
    Vec::new()
}

fn jump(model: &mut Model, areas: &Areas, at: Position) {
    let part = u64::from(at.y - areas.scrollbar.y);
    let height = u64::from(areas.scrollbar.height.max(2) - 1);
    if part >= height {
        return model.logs.follow();
    }
    let rank = model.logs.lines.len() * part / height;
    let line = model.logs.lines.at_rank(rank).map(|line| line.seq);
    if let Some(seq) = line.and_then(|seq| model.logs.rows().at_or_after(seq)) {
        model.logs.pin((seq, 0), seq);
    }
}

/// The line on this row of the screen.
fn line_at(model: &Model, areas: &Areas, at: Position) -> Option<u64> {
    let window = model.logs.window(pane(model));
    match window.get(usize::from(at.y.checked_sub(areas.lines.y)?))? {
        Row::Line { seq, .. } => Some(*seq),
        _ => None,
    }
}

fn drag(model: &mut Model, areas: &Areas, at: Position) {
    if model.view != View::Logs {
        return;
    }
    if areas.scrollbar.contains(at) {
        return jump(model, areas, at);
    }
    let Some(seq) = line_at(model, areas, at) else { return };
    if model.clicked.is_some_and(|(_, row)| row == at.y) {
        return;
    }
    if model.logs.anchor.is_none() {
        logs::pin_here(model);
        model.logs.anchor = Some(model.logs.place.cursor);
    }
    model.clicked = None;
    model.logs.place.cursor = seq;
}

fn right_click(model: &mut Model, areas: &Areas, at: Position) {
    if model.overlay.is_some() || !areas.list.contains(at) {
        return;
    }
    let row = usize::from(at.y - areas.list.y);
    let selected = match model.view {
        View::Scripts => scripts::select_row(model, row),
        _ => processes::select_row(model, row),
    };
    if selected.is_some() && !strip::buttons(model).is_empty() {
        strip::focus(model, Some(0));
    }
}

fn click_overlay(model: &mut Model, at: Position) -> Vec<Effect> {
    let Some(Overlay::Dialog(dialog)) = &model.overlay else { return Vec::new() };
    let [cancel, yes] = crate::tui::widgets::dialog::button_spots(dialog, layout(model).screen);
    if cancel.contains(at) {
        model.overlay = None;
    } else if yes.contains(at)
        && let Some(Overlay::Dialog(dialog)) = model.overlay.take()
    {
        return overlays::yes(dialog);
    }
    Vec::new()
}
