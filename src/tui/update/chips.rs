//! The row of chips: its place on the ladder from the list to the tabs, and what a chip does.

use crate::tui::chips::{Chip, any, row};
use crate::tui::errors::Severity;
use crate::tui::keymap::Action;
use crate::tui::layout::layout;
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::update::{errors, mcp, web};
use crate::tui::web::Page;
use crate::tui::web_filter::{EVENT_KINDS, Ended, Kind};

/// Gives the row the focus, if the view has one: at the chosen chip of its first group.
pub(super) fn enter(model: &mut Model) -> bool {
    let areas = layout(model);
    if !any(model, &areas) {
        return false;
    }
    let chosen = row(model, &areas).spots.iter().position(|spot| spot.chosen && spot.area.width > 0);
    model.chip = chosen;
    chosen.is_some()
}

/// A key while the row has the focus; `None` if it has no use for it.
pub(super) fn key(model: &mut Model, at: usize, action: Action) -> Option<Vec<Effect>> {
    let spots = row(model, &layout(model)).spots;
    let last = spots.iter().rposition(|spot| spot.area.width > 0).unwrap_or(0);
    let at = at.min(last);
    match action {
        Action::Left => model.chip = Some(at.saturating_sub(1)),
        Action::Right => model.chip = Some((at + 1).min(last)),
        Action::Up => (model.chip, model.tab) = (None, Some(model.view)),
        Action::Open => {
            if let Some(spot) = spots.get(at) {
                let effects = press(model, spot.chip);
                follow(model, spot.chip, at);
                return Some(effects);
            }
        }
        Action::Down => {
            model.chip = None;
            // One that stands for its group would choose something that was not seen.
            if let Some(spot) = spots.get(at).filter(|spot| !spot.cycles && !spot.chosen) {
                return Some(press(model, spot.chip));
            }
        }
        Action::Back => model.chip = None,
        _ => return None,
    }
    Some(Vec::new())
}

/// The focus stays on the chip that was pressed, wherever it is now.
fn follow(model: &mut Model, chip: Chip, at: usize) {
    let spots = row(model, &layout(model)).spots;
    let here = spots.iter().position(|spot| spot.chip == chip && !spot.cycles);
    model.chip = Some(here.unwrap_or(at).min(spots.len().saturating_sub(1)));
}

/// Does what a chip says.
pub(super) fn press(model: &mut Model, chip: Chip) -> Vec<Effect> {
    match chip {
        Chip::Severity(severity) => errors::choose(model, severity),
        Chip::Page(page) if page != model.web.page => web::turn_page(model),
        Chip::Page(_) => {}
        Chip::Kind(kind) => web::choose(model, |web| web.kind = kind),
        Chip::Ended(ended) => web::choose(model, |web| web.ended = ended),
        Chip::Event(kind) => web::choose(model, |web| web.event_kind = kind),
        Chip::Session => next_session(model),
        Chip::McpPage(page) => mcp::turn_to(model, page),
        Chip::Client => mcp::next_client(model),
        Chip::CopyAddress => return mcp::copy_address(model),
        Chip::CopyClientSettings => return mcp::copy_client_settings(model),
        Chip::SetUpTool => return mcp::choose_tool(model),
    }
    Vec::new()
}

/// Another severity: the next one that there is.
pub(super) fn next_severity(model: &mut Model) {
    let any_muted = !model.errors.muted.is_empty();
    let next = after(&Severity::ALL, model.errors.severity);
    errors::choose(model, if next == Severity::Muted && !any_muted { Severity::All } else { next });
}

/// Another kind of requests or events.
pub(super) fn next_kind(model: &mut Model) {
    match model.web.page {
        Page::Requests => {
            let next = after(&Kind::ALL, model.web.kind);
            web::choose(model, |web| web.kind = next);
        }
        Page::Telemetry => {
            let all: Vec<Option<&str>> = std::iter::once(None).chain(EVENT_KINDS.map(Some)).collect();
            let next = after(&all, model.web.event_kind);
            web::choose(model, |web| web.event_kind = next);
        }
    }
}

/// Requests of another status, or events of another tab.
pub(super) fn next_choice(model: &mut Model) {
    match model.web.page {
        Page::Requests => {
            let next = after(&Ended::ALL, model.web.ended);
            web::choose(model, |web| web.ended = next);
        }
        Page::Telemetry => next_session(model),
    }
}

fn next_session(model: &mut Model) {
    let sessions = model.web.sessions();
    let next = match &model.web.session {
        None => sessions.first().cloned(),
        Some(session) => sessions.iter().find(|other| *other > session).cloned(),
    };
    web::choose(model, |web| web.session = next);
}

fn after<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let at = all.iter().position(|one| *one == now).map_or(0, |at| at + 1);
    all[at % all.len()]
}
