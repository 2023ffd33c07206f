//! The text of the pane in front: scrolling it, holding it still while it is read, and filling the screen with it.

use crate::tui::empty;
use crate::tui::keymap::Action;
use crate::tui::layout::layout;
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay, View};
use crate::tui::update::{errors, mcp, processes, record, select, web};
use crate::tui::views::view_sheet;

/// Whether ↑ and ↓ scroll the text while the strip above it has the focus.
pub(super) fn has_text(model: &Model) -> bool {
    matches!(model.view, View::Web | View::Errors | View::Mcp) && empty::of(model).is_none()
}

/// Scrolls the text in front.
pub(super) fn scroll(model: &mut Model, by: isize) {
    match model.overlay {
        Some(Overlay::Record(_)) => record::scroll(model, by),
        _ => scroll_view(model, by),
    }
}

/// Scrolls the text of the view in front; by 0, no further than to its end.
pub(super) fn scroll_view(model: &mut Model, by: isize) {
    let text = layout(model).text;
    if text.height == 0 {
        return;
    }
    let most = match model.view {
        View::Processes => return processes::scroll_output(model, by),
        View::Web => model.web.rows.len().saturating_sub(text.height.into()),
        View::Errors | View::Mcp => view_sheet(model).map_or(0, |sheet| sheet.most()),
        View::Scripts | View::Urls if is_zoomed(model) => view_sheet(model).map_or(0, |sheet| sheet.most()),
        _ => return,
    };
    let scroll = match model.view {
        View::Web => &mut model.web.scroll,
        View::Errors => &mut model.errors.scroll,
        View::Mcp => &mut model.mcp.scroll,
        _ => &mut model.zoom_from,
    };
    *scroll = scroll.saturating_add_signed(by).min(most);
}

/// A page of the text.
pub(super) fn page(model: &Model) -> isize {
    isize::try_from(layout(model).text.height.max(2)).unwrap_or(isize::MAX) - 1
}

/// What the text is of stays the same one, whatever comes.
pub(super) fn hold_still(model: &mut Model) {
    match model.view {
        View::Web => web::pin(model),
        View::Mcp => mcp::pin(model),
        View::Errors => errors::pin(model),
        View::Processes => processes::hold_output(model),
        _ => {}
    }
}

pub(super) fn is_zoomed(model: &Model) -> bool {
    model.zoom == Some(model.view)
}

/// Whether there is a text that can fill the screen.
pub(super) fn can_zoom(model: &Model) -> bool {
    match model.view {
        View::Scripts => model.scripts.selected().is_some(),
        View::Processes => model.processes.selected().is_some(),
        View::Logs => true,
        View::Errors => model.errors.selected().is_some(),
        View::Urls => model.urls.selected().is_some(),
        View::Web => model.web.len() > 0,
        View::Mcp => model.mcp.len() > 0,
        View::Settings => false,
    }
}

/// Fills the screen with the text and leaves the mouse to the terminal, or goes back.
pub(super) fn toggle_zoom(model: &mut Model) -> Vec<Effect> {
    select::clear(model);
    if is_zoomed(model) {
        return end_zoom(model);
    }
    if model.view != View::Logs {
        hold_still(model);
        (model.tab, model.chip, model.processes.held) = (None, None, None);
    }
    (model.zoom, model.zoom_from) = (Some(model.view), 0);
    vec![Effect::Mouse(false)]
}

fn end_zoom(model: &mut Model) -> Vec<Effect> {
    (model.zoom, model.processes.held) = (None, None);
    scroll_view(model, 0);
    vec![Effect::Mouse(model.mouse)]
}

/// What a key does while what a view shows of its row fills the screen; none for what it does anyway.
pub(super) fn zoomed(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    match action {
        _ if model.view == View::Logs || !is_zoomed(model) => return None,
        Action::Back => return Some(toggle_zoom(model)),
        Action::Up => scroll_view(model, -1),
        Action::Down => scroll_view(model, 1),
        Action::PageUp => scroll_view(model, -page(model)),
        Action::PageDown => scroll_view(model, page(model)),
        Action::First => scroll_view(model, isize::MIN),
        Action::Last => scroll_view(model, isize::MAX),
        // What cannot be seen is neither moved nor pressed.
        Action::Left | Action::Right | Action::Open | Action::Find | Action::Details => {}
        _ => return None,
    }
    Some(Vec::new())
}

/// Where there is nothing any more that could fill the screen, or another view is in front, it ends; and no text is scrolled
/// past its end. Called after every change.
pub(super) fn follow_up(model: &mut Model) -> Vec<Effect> {
    let ends = model.zoom.is_some() && (!is_zoomed(model) || !can_zoom(model) || model.attached.is_some());
    let effects = if ends { end_zoom(model) } else { Vec::new() };
    if model.view == View::Mcp || (is_zoomed(model) && matches!(model.view, View::Scripts | View::Urls)) {
        scroll_view(model, 0);
    }
    effects
}
