//! The Web view: moving, following, what is shown of a request, sending one again.

use std::sync::Arc;

use crate::app::command::Command;
use crate::app::view::{ExchangePart, PageEvent, PageSession};
use crate::error::{Error, Result};
use crate::event::Level;
use crate::proxy::{Exchange, ExchangeId};
use crate::tui::layout::layout;
use crate::tui::message::{Asked, Effect};
use crate::tui::model::{Confirm, Dialog, Model, Overlay, View};
use crate::tui::text::safe;
use crate::tui::update::{pane, tell};
use crate::tui::web::{Page, TextKey, Web, has_frames};
use crate::tui::web_filter::filter;

/// Selects the row that is `by` rows away.
pub(super) fn step(model: &mut Model, by: isize) {
    let web = &mut model.web;
    let to = web.position().saturating_add_signed(by).min(web.len().saturating_sub(1));
    web.select(to);
    keep_in_sight(model);
}

/// Scrolls so that the selected row is on the screen; what came above it since following ended stays out of sight, even
/// where that leaves rows below the last one empty.
pub(super) fn keep_in_sight(model: &mut Model) {
    if model.view != View::Web {
        return;
    }
    let height = usize::from(layout(model).list.height).max(1);
    let web = &mut model.web;
    let (at, fresh, page) = (web.position(), web.fresh(), web.page as usize);
    let most = web.len().saturating_sub(height).max(fresh);
    web.offsets[page] = web.offsets[page].min(at).max((at + 1).saturating_sub(height)).min(most);
}

/// Selects what is on this row of the list; answers whether it was selected already.
pub(super) fn select_row(model: &mut Model, row: usize) -> Option<bool> {
    let web = &mut model.web;
    let at = web.offsets[web.page as usize] + row;
    let again = web.position() == at;
    (at < web.len()).then(|| {
        web.select(at);
        again
    })
}

/// So often the axis of the waterfall can be halved.
pub(super) const ZOOM_MAX: u8 = 10;

/// Changes what the chips let through.
pub(super) fn choose(model: &mut Model, change: impl FnOnce(&mut Web)) {
    change(&mut model.web);
    model.web.narrow_events();
    model.web.strip = None;
    keep_in_sight(model);
}

/// Shows the other page.
pub(super) fn turn_page(model: &mut Model) {
    model.web.page = model.web.page.other();
    (model.web.strip, model.web.scroll) = (None, 0);
    keep_in_sight(model);
}

/// Stays where it is, or follows again.
pub(super) fn toggle_pause(model: &mut Model) {
    if model.web.follows() { pin(model) } else { model.web.follow() }
}

/// The selected row stays the selected one, whatever comes.
pub(super) fn pin(model: &mut Model) {
    let at = model.web.position();
    model.web.select(at);
}

/// The row with the cursor keeps its line on the screen while `change` brings other rows.
fn keeping_place(model: &mut Model, page: Page, change: impl FnOnce(&mut Model)) {
    let front = std::mem::replace(&mut model.web.page, page);
    let line = model.web.position().saturating_sub(model.web.offsets[page as usize]);
    change(model);
    model.web.offsets[page as usize] = model.web.position().saturating_sub(line);
    keep_in_sight(model);
    model.web.page = front;
}

/// Whether an answer is not older than one that is here already: workers may overtake each other.
fn is_newer(model: &mut Model, turn: u64) -> bool {
    let newer = turn >= model.web.answered;
    model.web.answered = model.web.answered.max(turn);
    newer
}

pub(super) fn take_exchanges(model: &mut Model, turn: u64, answer: Result<Vec<Arc<Exchange>>, Error>) {
    if !is_newer(model, turn) {
        return;
    }
    model.web.loaded[Page::Requests as usize] = true;
    match answer {
        Err(error) => model.web.error = Some(error.message().to_string()),
        Ok(exchanges) => {
            let running = model.web.selected().is_some_and(|exchange| !exchange.done);
            keeping_place(model, Page::Requests, |model| model.web.take_exchanges(exchanges));
            model.web.error = None;
            if running {
                // There is more of it by now.
                model.web.asked = None;
            }
        }
    }
}

pub(super) fn take_events(model: &mut Model, turn: u64, events: Vec<PageEvent>, tabs: Vec<PageSession>) {
    if !is_newer(model, turn) {
        return;
    }
    model.web.loaded[Page::Telemetry as usize] = true;
    keeping_place(model, Page::Telemetry, |model| {
        (model.web.events, model.web.tabs) = (events, tabs);
        model.web.narrow_events();
    });
}

/// Hides all that came before now; the app tells which request is the newest, as the filter may leave it out.
pub(super) fn clear(model: &mut Model) -> Vec<Effect> {
    let of = model.web.clear(model.now);
    tell::tell(model, Level::Info, "requests and telemetry cleared; U brings them back");
    keep_in_sight(model);
    vec![Effect::NewestExchange { of }]
}

/// Takes which request is the newest one, for the clearing of that number, unless it was undone.
pub(super) fn take_newest(model: &mut Model, of: usize, newest: Option<ExchangeId>) {
    if model.web.undo.len() == of {
        keeping_place(model, Page::Requests, |model| model.web.hide_requests(newest));
    }
}

/// Brings back what was cleared last.
pub(super) fn undo(model: &mut Model) {
    model.web.undo();
    keep_in_sight(model);
}

pub(super) fn take_text(model: &mut Model, of: TextKey, text: Vec<String>) {
    if model.web.asked == Some(of) {
        model.web.set_text(Some(of), text);
    }
}

/// What has to be asked of the app so that the screen shows what the model says; called after every change.
pub(super) fn follow_up(model: &mut Model) -> Vec<Effect> {
    let entered = model.web.front.replace(model.view) != Some(model.view);
    let counts = entered && matches!(model.view, View::Urls | View::Web);
    let mut effects: Vec<Effect> = counts.then_some(Effect::Urls).into_iter().collect();
    if model.view != View::Web {
        model.web.wanted = None;
        return effects;
    }
    let wanted = match model.web.page {
        Page::Requests => (Page::Requests, filter(model.web.filter.text(), model.web.kind, model.web.ended)),
        Page::Telemetry => (Page::Telemetry, String::new()),
    };
    if model.web.wanted.as_ref() != Some(&wanted) {
        model.web.turn += 1;
        let turn = model.web.turn;
        effects.push(match wanted.0 {
            Page::Requests => Effect::Exchanges { filter: wanted.1.clone(), turn },
            Page::Telemetry => Effect::PageEvents { turn },
        });
        model.web.wanted = Some(wanted);
    }
    effects.extend(ask_text(model));
    model.web.wrap(usize::from(layout(model).text.width).max(1));
    pane::scroll_view(model, 0);
    effects
}

/// Asks for the text of the selected request, if that is not what is here or on its way.
fn ask_text(model: &mut Model) -> Option<Effect> {
    if model.web.page == Page::Telemetry {
        return None;
    }
    let Some((id, frames)) = model.web.selected().map(|exchange| (exchange.id, has_frames(exchange))) else {
        if model.web.asked.take().is_some() {
            model.web.set_text(None, Vec::new());
        }
        return None;
    };
    if model.web.part == ExchangePart::Frames && !frames {
        model.web.part = ExchangePart::Head;
    }
    model.web.reveal = model.web.reveal.filter(|revealed| *revealed == id);
    let of = (id, model.web.part, model.web.reveal.is_some());
    if model.web.asked == Some(of) {
        return None;
    }
    if model.web.text_of.is_some_and(|(shown, _, _)| shown != id) {
        model.web.set_text(None, Vec::new());
    }
    model.web.asked = Some(of);
    Some(Effect::ExchangeText { id, part: of.1, reveal: of.2, copy: false })
}

/// Shows a part of the selected request.
pub(super) fn show(model: &mut Model, part: ExchangePart) {
    pin(model);
    (model.web.part, model.web.scroll) = (part, 0);
}

/// Enter: goes to the details.
pub(super) fn open(model: &mut Model) {
    if model.web.len() > 0 {
        show(model, ExchangePart::Head);
        model.web.strip = Some(0);
    }
}

/// Shows the secrets of the selected request, or masks them again.
pub(super) fn reveal(model: &mut Model) {
    pin(model);
    let id = model.web.selected().map(|exchange| exchange.id);
    model.web.reveal = id.filter(|id| model.web.reveal != Some(*id));
}

/// Copies the URL of the request, or what the page told.
pub(super) fn copy(model: &Model) -> Vec<Effect> {
    let copied = match model.web.page {
        Page::Requests => model.web.selected().map(|exchange| (exchange.opened.url.to_string(), "the URL")),
        Page::Telemetry => model.web.selected_event().map(|event| {
            let detail = event.detail.iter().map(|line| format!("\n{line}"));
            (std::iter::once(event.text.to_string()).chain(detail).collect(), "what the page told")
        }),
    };
    copied.map(|(text, what)| Effect::Copy(text, what.into())).into_iter().collect()
}

/// Copies the request as a command line for curl; with its secrets only if they are shown.
pub(super) fn copy_curl(model: &Model) -> Vec<Effect> {
    copy_as(model, ExchangePart::Curl)
}

/// Copies the request in one of the forms in which it can be sent elsewhere.
pub(super) fn copy_as(model: &Model, part: ExchangePart) -> Vec<Effect> {
    let Some(id) = model.web.selected().map(|exchange| exchange.id) else { return Vec::new() };
    let reveal = model.web.reveal == Some(id);
    vec![Effect::ExchangeText { id, part, reveal, copy: true }]
}

/// Sends the selected request again.
pub(super) fn replay_selected(model: &mut Model) -> Vec<Effect> {
    let Some(id) = model.web.selected().map(|exchange| exchange.id) else {
        tell::tell(model, Level::Info, "there is no request to send again; Web lists them");
        return Vec::new();
    };
    replay(model, id, 1)
}

/// Sends a request again; asks first, unless it is known to change nothing.
pub(super) fn replay(model: &mut Model, id: ExchangeId, times: u32) -> Vec<Effect> {
    let known = model.web.exchanges.iter().find(|exchange| exchange.id == id);
    if known.is_some_and(|exchange| matches!(&*exchange.opened.method, "GET" | "HEAD")) {
        return vec![Effect::Execute(Command::Replay { id, times }, Asked::Tell)];
    }
    let what = known.map_or(format!("Request {}", id.0), |exchange| {
        format!("{} {}", exchange.opened.method, crate::tui::web::place(exchange))
    });
    let again = if times == 1 { "once more".to_string() } else { format!("{times} times") };
    let text = vec![format!("{} is sent {again}.", safe(&what)), "It may change something at the server.".into()];
    let confirm = Confirm::Replay(id, times);
    let dialog = Dialog { title: "Send again?".into(), text, yes: "Send", confirm, on_yes: false };
    model.overlay = Some(Overlay::Dialog(dialog));
    Vec::new()
}
