//! The Errors view: moving, looking at the source, muting, and the way to the lines.

use std::path::PathBuf;

use crate::app::view::{ErrorOrigin, ErrorRow};
use crate::event::Level;
use crate::io::editor::Spot;
use crate::proxy::ExchangeId;
use crate::tui::errors::{Severity, Undo};
use crate::tui::layout::layout;
use crate::tui::message::Effect;
use crate::tui::model::{Model, View, scroll};
use crate::tui::source::Question;
use crate::tui::update::strip::Button;
use crate::tui::update::{dispatch, logs, pane, tell, web};
use crate::tui::web::Page;

/// For so long after the last key the rows keep their places.
const HOLD_MILLIS: u64 = 2000;

/// Takes the errors that there are.
pub(super) fn take(model: &mut Model, rows: Vec<ErrorRow>) {
    let now = if model.view == View::Errors { model.now } else { u64::MAX };
    model.errors.take(rows, now);
    keep_in_sight(model);
}

/// The order is held no longer.
pub(super) fn settle(model: &mut Model) {
    if model.errors.hold_until > 0 && model.now >= model.errors.hold_until {
        model.errors.hold_until = 0;
        model.errors.arrange(model.now);
        keep_in_sight(model);
    }
}

/// Selects the group that is `by` rows away; the one that was selected has been seen.
pub(super) fn step(model: &mut Model, by: isize) {
    model.errors.see_selected();
    let errors = &mut model.errors;
    let shown = errors.shown();
    let to = errors.position().saturating_add_signed(by).min(shown.len().saturating_sub(1));
    let id = shown.get(to).map(|row| row.id);
    select(model, id);
}

fn select(model: &mut Model, id: Option<u64>) {
    if model.errors.selected != id {
        model.errors.scroll = 0;
    }
    model.errors.selected = id;
    model.errors.hold_until = model.now + HOLD_MILLIS;
    keep_in_sight(model);
}

/// Selects a group, whatever the list was narrowed to.
pub(super) fn reveal(model: &mut Model, id: u64) {
    if !model.errors.shown().iter().any(|row| row.id == id) {
        model.errors.find = Default::default();
        model.errors.severity = if model.errors.muted.contains(&id) { Severity::Muted } else { Severity::All };
    }
    select(model, Some(id));
}

/// Selects the group on this row of the list; answers whether it was selected already.
pub(super) fn select_row(model: &mut Model, row: usize) -> Option<bool> {
    let id = model.errors.shown().get(model.errors.offset + row)?.id;
    let again = model.errors.selected().is_some_and(|selected| selected.id == id);
    if !again {
        model.errors.see_selected();
    }
    select(model, Some(id));
    Some(again)
}

pub(super) fn keep_in_sight(model: &mut Model) {
    if model.view != View::Errors {
        return;
    }
    let height = usize::from(layout(model).list.height);
    let (at, len) = (model.errors.position(), model.errors.shown().len());
    scroll(&mut model.errors.offset, at, height, len);
}

/// Gives the strip the focus; the selected group stays the selected one.
pub(super) fn focus_strip(model: &mut Model, to: Option<usize>) {
    if to.is_some() {
        pin(model);
    }
    model.errors.strip = to;
}

/// The selected group stays the selected one.
pub(super) fn pin(model: &mut Model) {
    let id = model.errors.selected().map(|row| row.id);
    select(model, id);
}

/// The buttons of the selected group.
pub(super) fn buttons(model: &Model) -> Vec<Button> {
    let Some(row) = model.errors.selected() else { return Vec::new() };
    let first = match row.origin {
        ErrorOrigin::Lines { .. } => Button::ShowInLogs,
        ErrorOrigin::Page { .. } => Button::ShowPage,
    };
    let mut buttons = vec![first];
    buttons.extend(spot(model).map(|_| Button::EditSource));
    buttons.push(Button::Copy);
    buttons.push(if is_muted(model) { Button::Unmute } else { Button::Mute });
    let related = model.errors.explained().map_or(&[][..], |explained| &explained.related);
    buttons.extend(related.iter().map(|(id, _)| Button::Request(*id)));
    buttons
}

/// Whether the selected group is muted.
pub(crate) fn is_muted(model: &Model) -> bool {
    model.errors.selected().is_some_and(|row| model.errors.muted.contains(&row.id))
}

/// The place that the editor would open: of the excerpt, else the first of the project.
fn spot(model: &Model) -> Option<Spot> {
    let explained = model.errors.explained()?;
    let place = match &explained.excerpt {
        Some(excerpt) => explained.places.get(excerpt.place),
        None => explained.places.iter().find(|place| place.path.is_some()),
    }?;
    let file = place.path.clone()?;
    Some(Spot { file, line: place.frame.line, column: place.frame.column.unwrap_or(1) })
}

/// Whether the source of the selected group can be opened.
pub(super) fn can_edit(model: &Model) -> bool {
    spot(model).is_some()
}

/// `Open src/checkout.ts:42`
pub(super) fn source_label(model: &Model) -> String {
    let explained = model.errors.explained();
    let place = spot(model).zip(explained).and_then(|(spot, explained)| {
        let place = explained.places.iter().find(|place| place.path.as_ref() == Some(&spot.file))?;
        Some(format!("Open {}:{}", place.shown, spot.line))
    });
    crate::tui::text::cut_middle(&crate::tui::text::safe(&place.unwrap_or_else(|| "Open".into())), 32).into_owned()
}

/// Opens the source in the person's editor.
pub(super) fn edit(model: &mut Model) -> Vec<Effect> {
    spot(model).map(Effect::Edit).into_iter().collect()
}

/// Mutes the selected group, or lets it be heard again.
pub(super) fn mute(model: &mut Model) {
    let Some(id) = model.errors.selected().map(|row| row.id) else { return };
    let at = model.errors.position();
    if model.errors.muted.remove(&id) {
        tell::tell(model, Level::Info, "unmuted");
    } else {
        model.errors.muted.insert(id);
        model.errors.undo.push(Undo::Mute(id));
        tell::tell(model, Level::Info, "muted; f shows the muted ones, U undoes it");
    }
    // The cursor stays where it is, on the group that comes there.
    let shown = model.errors.shown();
    let next = shown.get(at.min(shown.len().saturating_sub(1))).map(|row| row.id);
    if model.errors.severity == Severity::Muted && model.errors.muted.is_empty() {
        model.errors.severity = Severity::All;
    }
    if next.is_none() {
        model.errors.strip = None;
    }
    select(model, next);
}

/// Shows groups of another severity.
pub(super) fn choose(model: &mut Model, severity: Severity) {
    model.errors.severity = severity;
    keep_in_sight(model);
}

/// Hides all errors up to now.
pub(super) fn clear(model: &mut Model) {
    model.errors.clear();
    model.errors.strip = None;
    tell::tell(model, Level::Info, "errors cleared; U brings them back");
    keep_in_sight(model);
}

/// Brings back what was cleared or muted last.
pub(super) fn undo(model: &mut Model) {
    model.errors.undo();
    keep_in_sight(model);
}

/// The error with its stack.
pub(super) fn copy(model: &Model) -> Vec<Effect> {
    let text = model.errors.selected().map(|row| match row.stack.is_empty() {
        true => row.message.to_string(),
        false => format!("{}\n{}", row.message, row.stack),
    });
    text.map(|text| Effect::Copy(text, "the error".into())).into_iter().collect()
}

/// The same with whose it is, how often it came, and when.
pub(super) fn copy_context(model: &Model) -> Vec<Effect> {
    let Some(row) = model.errors.selected() else { return Vec::new() };
    let (first, last) = (model.clock.clock(row.first_ms), model.clock.clock(row.last_ms));
    let mut text = format!("{}  {}x, first {first}, last {last}\n{}", row.name, row.count, row.message);
    if !row.stack.is_empty() {
        text.push_str(&format!("\n{}", row.stack));
    }
    vec![Effect::Copy(text, "the error with its times".into())]
}

/// Goes to the newest of them: to its line in Logs, or to the page's event in Web.
pub(super) fn show(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.errors.selected().cloned() else { return Vec::new() };
    model.errors.see_selected();
    match row.origin {
        ErrorOrigin::Lines { first, .. } => show_line(model, first),
        ErrorOrigin::Page { .. } => {
            let effects = dispatch::go(model, View::Web);
            model.web.page = Page::Telemetry;
            (model.web.event_kind, model.web.session) = (None, None);
            model.web.find = crate::tui::field::Field::new(&*row.message);
            web::choose(model, |_| {});
            effects
        }
    }
}

pub(super) fn show_line(model: &mut Model, seq: u64) -> Vec<Effect> {
    let Some(line) = model.logs.all.after(seq).next().filter(|line| line.seq == seq) else {
        tell::tell(model, Level::Info, "its lines are no longer kept");
        return Vec::new();
    };
    let name = std::sync::Arc::clone(line.name);
    let mut effects = dispatch::go(model, View::Logs);
    if model.logs.scope.as_ref().is_some_and(|scope| !scope.contains(&name)) {
        model.logs.before_solo = None;
        effects.extend(logs::scope(model, None));
    }
    if seq < model.logs.floor {
        model.logs.undo.push(crate::tui::logs::Cleared::All(std::mem::take(&mut model.logs.floor)));
    }
    if model.logs.has_filters() && !model.logs.rows().passes(seq) {
        model.logs.filters_off = true;
        effects.extend(logs::refilter(model));
        tell::tell(model, Level::Info, "the filters are off: they hide this line");
    }
    logs::go_to(model, seq);
    effects
}

/// Goes to a request in Web.
pub(super) fn show_request(model: &mut Model, id: ExchangeId) -> Vec<Effect> {
    let effects = dispatch::go(model, View::Web);
    model.web.page = Page::Requests;
    model.web.filter = Default::default();
    (model.web.kind, model.web.ended) = Default::default();
    model.web.selected = Some(id);
    web::choose(model, |_| {});
    effects
}

/// What has to be asked so that the screen shows what is known of the selected group; called after every change.
pub(super) fn follow_up(model: &mut Model) -> Option<Effect> {
    if model.view != View::Errors {
        return None;
    }
    pane::scroll_view(model, 0);
    let key = model.errors.key()?;
    if model.errors.asked.as_ref() == Some(&key) {
        return None;
    }
    model.errors.asked = Some(key.clone());
    let row = model.errors.selected()?.clone();
    let process = match row.origin {
        ErrorOrigin::Lines { process, .. } => model.processes.get(process),
        ErrorOrigin::Page { .. } => model.processes.rows.iter().rfind(|process| process.name == row.name),
    };
    let cwd = process.map(|process| PathBuf::from(&*process.cwd));
    Some(Effect::Explain(key, Box::new(Question { row, cwd })))
}
