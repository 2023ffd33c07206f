//! The mouse: the same as moving there and pressing Enter.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::logs::frames_at;
use crate::tui::chips;
use crate::tui::footer;
use crate::tui::layout::{Areas, gutter, layout, pane};
use crate::tui::logs::marked::{Marked, Spot, word};
use crate::tui::logs::window::{Row, clean_line};
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay, View};
use crate::tui::processes::Sort;
use crate::tui::text;
use crate::tui::update::chips::press as press_chip;
use crate::tui::update::{
    attached, dispatch, env, errors, find, logs, mcp, overlays, pane, processes, record, scripts, select, settings,
    strip, tour, url_list, urls, web,
};
use crate::tui::{views, widgets};

pub(super) fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let areas = layout(model);
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) if event.modifiers.contains(KeyModifiers::CONTROL) => {
            return open_at(model, &areas, at).unwrap_or_else(|| mouse(model, plain(event)));
        }
        MouseEventKind::Drag(MouseButton::Left) if select::drag(model, at) => {}
        MouseEventKind::Up(MouseButton::Left) if model.selection.is_some() => return select::release(model),
        MouseEventKind::ScrollUp => wheel(model, at, -model.scroll_lines),
        MouseEventKind::ScrollDown => wheel(model, at, model.scroll_lines),
        MouseEventKind::Down(MouseButton::Left) => {
            select::clear(model);
            return if model.overlay.is_some() { click_overlay(model, at) } else { click(model, &areas, at) };
        }
        MouseEventKind::Down(MouseButton::Right) => right_click(model, &areas, at),
        MouseEventKind::Drag(MouseButton::Left) if model.overlay.is_none() => drag(model, &areas, at),
        MouseEventKind::Up(MouseButton::Left) if model.view == View::Logs && model.overlay.is_none() => {
            let dragged = model.clicked.is_none() && model.logs.anchor.is_some();
            if model.logs.marked_text(0).is_some_and(|text| text.is_empty()) {
                model.logs.marked = None;
            }
            let marked = model.pressed.take().is_some() && model.logs.marked.is_some();
            if (dragged || marked) && model.copy_on_select {
                return logs::copy(model, false);
            }
        }
        _ => {}
    }
    Vec::new()
}

/// The mouse while a child's terminal is in front: in a pane, the rest of the screen can still be clicked, which leaves it.
pub(super) fn in_terminal(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let areas = layout(model);
    let at = Position::new(event.column, event.row);
    if event.kind != MouseEventKind::Down(MouseButton::Left) || areas.terminal.contains(at) {
        return attached::mouse(model, event);
    }
    if let Some((_, key)) = footer::spots(model, &areas).into_iter().find(|(rect, _)| rect.contains(at)) {
        return dispatch::key(model, key.as_event()).unwrap_or_default();
    }
    if areas.terminal == areas.body {
        return Vec::new();
    }
    let mut effects = attached::leave(model);
    effects.extend(mouse(model, event));
    effects
}

/// The same without Ctrl.
fn plain(event: MouseEvent) -> MouseEvent {
    MouseEvent { modifiers: KeyModifiers::NONE, ..event }
}

/// Opens what is at this place: the URL or the place in a file in the text of a line, the URL of the process on a row.
fn open_at(model: &mut Model, areas: &Areas, at: Position) -> Option<Vec<Effect>> {
    if model.overlay.is_some() {
        return None;
    }
    let url = match model.view {
        View::Logs => {
            let spot = Some(at).filter(|at| areas.lines.contains(*at)).and_then(|at| spot_at(model, areas, at))?;
            let line = model.logs.rows().get(spot.seq)?;
            let text = clean_line(&line).text;
            let url = urls::around(&text, spot.at);
            let places = frames_at(&text, spot.at);
            if url.is_none() && !places.is_empty() {
                let cwd = model.processes.get(line.process).map(|process| PathBuf::from(&*process.cwd));
                return Some(vec![Effect::OpenPlace(places, cwd)]);
            }
            url
        }
        _ if !areas.list.contains(at) => None,
        _ => select_row(model, usize::from(at.y - areas.list.y)).and_then(|_| urls::here(model)),
    };
    url.map(|url| vec![Effect::OpenUrl(url)])
}

/// Selects what is on this row of the list in front; answers whether it was selected already.
fn select_row(model: &mut Model, row: usize) -> Option<bool> {
    match model.view {
        View::Scripts => scripts::select_row(model, row),
        View::Processes => processes::select_row(model, row),
        View::Urls => url_list::select_row(model, row),
        View::Web => web::select_row(model, row),
        View::Mcp => mcp::select_row(model, row),
        View::Errors => errors::select_row(model, row),
        View::Settings => settings::select_row(model, row),
        View::Logs => None,
    }
}

/// Scrolls by rows, at most a page from one frame to the next: what nobody could see is not scrolled past.
fn wheel(model: &mut Model, at: Position, by: isize) {
    let areas = layout(model);
    let rows = if model.overlay.is_some() { areas.screen.height } else { areas.list.height.max(areas.lines.height) };
    let page = isize::try_from(rows.max(2)).unwrap_or(isize::MAX) - 1;
    let to = (model.wheeled + by).clamp(-page, page);
    let by = to - std::mem::replace(&mut model.wheeled, to);
    match &mut model.overlay {
        Some(Overlay::Help { offset, .. } | Overlay::Messages { offset }) => {
            *offset = offset.saturating_add_signed(by);
            overlays::end_scroll(model);
        }
        Some(Overlay::Record(_)) => record::scroll(model, by),
        Some(Overlay::Tour(shown)) => {
            let mut shown = *shown;
            tour::scroll(model, &mut shown, by);
            model.overlay = Some(Overlay::Tour(shown));
        }
        Some(Overlay::Environment(_)) => env::wheel(model, by),
        Some(_) => {}
        None if model.view == View::Logs => logs::scroll(model, by),
        None => wheel_view(model, &areas, at, by),
    }
}

/// Scrolls what the mouse is over: the text of the selected row, or the list.
fn wheel_view(model: &mut Model, areas: &Areas, at: Position, by: isize) {
    let over_text = match model.view {
        _ if areas.zoomed => true,
        View::Processes => areas.text.contains(at),
        _ => pane::has_text(model) && areas.detail.contains(at),
    };
    if over_text { pane::scroll_view(model, by) } else { dispatch::step(model, by) }
}

fn click(model: &mut Model, areas: &Areas, at: Position) -> Vec<Effect> {
    let again = model.clicked.replace((at.x, at.y)) == Some((at.x, at.y));
    if areas.zoomed && model.view != View::Logs {
        return Vec::new();
    }
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
    (model.tab, model.chip) = (None, None);
    if areas.list.contains(at) {
        let row = usize::from(at.y - areas.list.y);
        let selected = select_row(model, row);
        return if selected == Some(true) && again { dispatch::open(model) } else { Vec::new() };
    }
    if areas.columns.contains(at) && model.view == View::Processes {
        if let Some((sort, _)) = column(areas, at) {
            processes::sort(model, Some(sort));
        }
        return Vec::new();
    }
    if let Some(spot) = chips::row(model, areas).spots.into_iter().find(|spot| spot.area.contains(at)) {
        return press_chip(model, spot.chip);
    }
    if model.view == View::Logs {
        return click_logs(model, areas, at, again);
    }
    select::press(model, at, again);
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
        press_line(model, areas, at, again);
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

/// The first press selects the line, a second one after a while opens it; quick ones select a word, then the line.
fn press_line(model: &mut Model, areas: &Areas, at: Position, again: bool) {
    let was = model.logs.place;
    let presses = select::presses(model, again);
    let Some(seq) = line_at(model, areas, at) else { return };
    let spot = spot_at(model, areas, at);
    logs::pin_here(model);
    (model.logs.anchor, model.logs.marked, model.pressed) = (None, None, spot);
    model.logs.place.cursor = seq;
    let text = model.logs.rows().get(seq).map(|line| clean_line(&line).text).unwrap_or_default();
    let part = match (presses, spot) {
        (2, Some(spot)) => word(&text, spot.at),
        (3, Some(_)) => 0..text.len(),
        (1, _) if again && !was.follow && was.cursor == seq => return logs::open(model),
        _ => return,
    };
    if let Some((last, _)) = text[part.clone()].char_indices().next_back() {
        let spot = |at| Spot { seq, at };
        model.logs.marked = Some(Marked { from: spot(part.start), to: spot(part.start + last) });
    }
}

/// The place in the text on this spot of the screen; none in the columns before the text.
fn spot_at(model: &Model, areas: &Areas, at: Position) -> Option<Spot> {
    let column = at.x.checked_sub(areas.lines.x + gutter(model, areas.class).width)?;
    let window = model.logs.window(pane(model));
    let Row::Line { seq, part, .. } = *window.get(usize::from(at.y.checked_sub(areas.lines.y)?))? else { return None };
    let text = clean_line(&model.logs.rows().get(seq)?).text;
    let begin = if model.logs.wrap {
        text::wrap(&text, pane(model).text).get(part).copied().unwrap_or(0)
    } else {
        text::prefix(&text, model.logs.sideways)
    };
    Some(Spot { seq, at: begin + text::prefix(&text[begin..], column.into()) })
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
    if let Some(from) = model.pressed {
        return drag_text(model, areas, at, from);
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

/// Selects text from where the button went down; at the edges, the lines scroll.
fn drag_text(model: &mut Model, areas: &Areas, at: Position, from: Spot) {
    let (lines, begin) = (areas.lines, areas.lines.x + gutter(model, areas.class).width);
    if at.y < lines.y {
        model.logs.scroll(-1, pane(model));
    } else if at.y >= lines.bottom() {
        model.logs.scroll(1, pane(model));
    }
    let y = at.y.clamp(lines.y, lines.bottom().saturating_sub(1).max(lines.y));
    let x = at.x.clamp(begin, lines.right().max(begin));
    if let Some(to) = spot_at(model, areas, Position { x, y }) {
        model.logs.marked = Some(Marked { from, to });
        model.logs.place.cursor = to.seq;
        model.clicked = None;
    }
}

fn right_click(model: &mut Model, areas: &Areas, at: Position) {
    if model.overlay.is_some() || !areas.list.contains(at) {
        return;
    }
    let row = usize::from(at.y - areas.list.y);
    let selected = select_row(model, row);
    if selected.is_some() && !strip::buttons(model).is_empty() {
        strip::focus(model, Some(0));
    }
}

fn click_overlay(model: &mut Model, at: Position) -> Vec<Effect> {
    let screen = layout(model).screen;
    match model.overlay.take() {
        Some(Overlay::Dialog(dialog)) => {
            model.overlay = Some(Overlay::Dialog(dialog));
            return click_dialog(model, at);
        }
        Some(Overlay::Record(record)) => {
            if let Some(effects) = record::click(model, record, at) {
                return effects;
            }
        }
        Some(Overlay::Tour(shown)) => {
            let spots = widgets::tour::button_spots(model, &shown, screen);
            match spots.into_iter().find(|(_, rect)| rect.contains(at)) {
                Some((button, _)) => {
                    tour::press(model, shown, button);
                    return Vec::new();
                }
                None => model.overlay = Some(Overlay::Tour(shown)),
            }
        }
        Some(Overlay::Choose { mut items, mut cursor }) => {
            if let Some(row) = widgets::choose::item_at(&items, cursor, screen, at) {
                items[row].1 ^= true;
                cursor = row;
            }
            model.overlay = Some(Overlay::Choose { items, cursor });
        }
        Some(Overlay::Command(mut line)) => {
            let clicked = widgets::command_line::choice_at(model, &line, &layout(model), at);
            line.choice = clicked.or(line.choice);
            model.overlay = Some(Overlay::Command(line));
            if clicked.is_some() {
                let tab = KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE);
                return dispatch::key(model, tab).unwrap_or_default();
            }
        }
        Some(Overlay::Environment(popup)) => {
            if widgets::env::row_at(&popup, screen, at).is_some() {
                return env::click(model, popup, at);
            }
            model.overlay = Some(Overlay::Environment(popup));
        }
        other => model.overlay = other,
    }
    let option = widgets::find::option_spots(model, &layout(model)).find(|(_, rect)| rect.contains(at));
    if let Some((option, _)) = option {
        return find::toggle(model, option);
    }
    let key = footer::spots(model, &layout(model)).into_iter().find(|(rect, _)| rect.contains(at));
    key.and_then(|(_, key)| dispatch::key(model, key.as_event())).unwrap_or_default()
}

fn click_dialog(model: &mut Model, at: Position) -> Vec<Effect> {
    let Some(Overlay::Dialog(dialog)) = &model.overlay else { return Vec::new() };
    let [cancel, yes] = widgets::dialog::button_spots(dialog, layout(model).screen);
    if cancel.contains(at) {
        model.overlay = None;
    } else if yes.contains(at)
        && let Some(Overlay::Dialog(dialog)) = model.overlay.take()
    {
        return overlays::yes(dialog);
    }
    Vec::new()
}
