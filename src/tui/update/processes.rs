//! The Processes view: moving, stopping, restarting, selecting several.

use crate::app::command::{Command, Target};
use crate::app::view::Sampling;
use crate::event::{Level, ProcessId};
use crate::logs::LineRef;
use crate::tui::layout::layout;
use crate::tui::logs::window::clean_line;
use crate::tui::message::{Asked, Effect};
use crate::tui::model::{Confirm, Dialog, Model, Overlay, View, scroll};
use crate::tui::processes::{OUTPUT_SIGN, Sort, StatusFilter};
use crate::tui::text::width;
use crate::tui::update::{logs, overlays, tell};

/// For so long after the last key the rows keep their places.
const HOLD_MILLIS: u64 = 2000;

/// Selects the process that is `by` rows away.
pub(super) fn step(model: &mut Model, by: isize) {
    let shown = model.processes.shown();
    let to = model.processes.position().saturating_add_signed(by).min(shown.len().saturating_sub(1));
    model.processes.selected = shown.get(to).map(|row| row.id);
    hold(model);
    keep_in_sight(model);
}

/// What is used is looked at while something runs, often where it is in front.
pub(super) fn follow_up(model: &mut Model) -> Option<Effect> {
    let wanted = match model.view {
        _ if model.alive() == 0 => Sampling::Off,
        View::Processes => Sampling::Often,
        _ => Sampling::Seldom,
    };
    let before = std::mem::replace(&mut model.sampling, wanted);
    (before != wanted).then_some(Effect::SampleUsage(wanted))
}

pub(super) fn hold(model: &mut Model) {
    model.processes.hold_until = model.now + HOLD_MILLIS;
}

pub(super) fn keep_in_sight(model: &mut Model) {
    if model.view != View::Processes {
        return;
    }
    let height = usize::from(layout(model).list.height);
    let (at, len) = (model.processes.position(), model.processes.shown().len());
    scroll(&mut model.processes.offset, at, height, len);
}

/// Selects the process on this row of the list; answers whether it was selected already.
pub(super) fn select_row(model: &mut Model, row: usize) -> Option<bool> {
    let id = model.processes.shown().get(model.processes.offset + row)?.id;
    let again = model.processes.selected().is_some_and(|selected| selected.id == id);
    model.processes.selected = Some(id);
    hold(model);
    Some(again)
}

/// What the selected process wrote stays as it is shown, whatever it writes.
pub(super) fn hold_output(model: &mut Model) {
    let Some(id) = model.processes.selected().map(|row| row.id) else { return };
    model.processes.selected = Some(id);
    if model.processes.held(id).is_none() {
        let newest = model.logs.all.only(&[id]).last_seq();
        model.processes.held = newest.map(|seq| (id, seq));
    }
}

/// Goes up or down in what the selected process wrote; the end follows again.
pub(super) fn scroll_output(model: &mut Model, by: isize) {
    let areas = layout(model);
    let (text, rows) = (areas.text, usize::from(areas.text.height).max(1));
    let Some(id) = model.processes.selected().map(|row| row.id) else { return };
    let only = model.logs.all.only(&[id]);
    let held = model.processes.held(id);
    let Some(here) = held.or(only.last_seq()) else { return };
    let to = match by {
        0 => return,
        isize::MIN..0 => {
            // The first line stays at the top.
            let cells = usize::from(text.width).saturating_sub(OUTPUT_SIGN).max(1);
            let mut taken = 0;
            let fits = |line: &LineRef<'_>| {
                taken += if areas.zoomed { width(&clean_line(line).text).div_ceil(cells).max(1) } else { 1 };
                taken <= rows
            };
            let first = only.after(0).next().map(|line| line.seq);
            let least = only.after(0).take_while(fits).last().map(|line| line.seq).or(first);
            let least = least.filter(|least| *least < here);
            let up = only.before(here).nth(by.unsigned_abs() - 1).map(|line| line.seq);
            least.map(|least| up.map_or(least, |up| up.max(least))).or(held)
        }
        _ => only.after(here.saturating_add(1)).nth(by.unsigned_abs() - 1).map(|line| line.seq),
    };
    // Nothing came after the newest of all.
    let to = to.filter(|to| only.last_seq() != Some(*to));
    model.processes.held = to.map(|seq| (id, seq));
}

/// Opens the logs of the selected process.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(name) = model.processes.selected().map(|row| row.name.clone()) else { return Vec::new() };
    model.return_to = Some(View::Processes);
    logs::solo(model, &name)
}

fn each(ids: Vec<ProcessId>, command: fn(Target) -> Command) -> Vec<Effect> {
    ids.into_iter().map(|id| Effect::Execute(command(Target::Id(id)), Asked::Tell)).collect()
}

/// Stops what runs; starts again what has ended.
pub(super) fn stop_start(model: &mut Model) -> Vec<Effect> {
    let targets = model.processes.targets();
    let alive = |id: &ProcessId| model.processes.get(*id).is_some_and(|row| !row.status.is_ended());
    let (running, ended): (Vec<_>, Vec<_>) = targets.into_iter().partition(alive);
    if running.len() > 1 {
        let text = vec![format!("{} processes run and will be stopped.", running.len())];
        let confirm = Confirm::Stop(running);
        let dialog = Dialog { title: "Stop several?".into(), text, yes: "Stop them", confirm, on_yes: false };
        model.overlay = Some(Overlay::Dialog(dialog));
        return Vec::new();
    }
    if running.is_empty() { each(ended, Command::Restart) } else { each(running, Command::Stop) }
}

pub(super) fn restart(model: &Model) -> Vec<Effect> {
    each(model.processes.targets(), Command::Restart)
}

/// Asks whether to kill.
pub(super) fn kill(model: &mut Model) -> Vec<Effect> {
    let alive = |id: &ProcessId| model.processes.get(*id).is_some_and(|row| !row.status.is_ended());
    let targets: Vec<ProcessId> = model.processes.targets().into_iter().filter(alive).collect();
    let names: Vec<String> =
        targets.iter().filter_map(|id| model.processes.get(*id)).map(|row| row.name.to_string()).collect();
    if targets.is_empty() {
        tell::tell(model, Level::Info, "nothing to kill: it has ended");
        return Vec::new();
    }
    ask_kill(model, targets, &names.join(", "));
    Vec::new()
}

/// Opens the question.
pub(super) fn ask_kill(model: &mut Model, targets: Vec<ProcessId>, names: &str) {
    let text = vec![format!("{names} will be ended at once, without being asked."), "It cannot clean up.".into()];
    let confirm = Confirm::Kill(targets);
    let dialog = Dialog { title: format!("Kill {names}?"), text, yes: "Kill", confirm, on_yes: false };
    model.overlay = Some(Overlay::Dialog(dialog));
}

/// Does what was asked about.
pub(super) fn confirmed(confirm: Confirm) -> Vec<Effect> {
    match confirm {
        Confirm::Kill(ids) => each(ids, Command::Kill),
        Confirm::Stop(ids) => each(ids, Command::Stop),
        Confirm::Quit | Confirm::Replay(..) | Confirm::CallAgain(_) | Confirm::Install(_) => Vec::new(),
    }
}

pub(super) fn forget(model: &mut Model) -> Vec<Effect> {
    let ended = |id: &ProcessId| model.processes.get(*id).is_some_and(|row| row.status.is_ended());
    let targets: Vec<ProcessId> = model.processes.targets().into_iter().filter(ended).collect();
    if targets.is_empty() {
        tell::tell(model, Level::Info, "it still runs; only an ended process can be forgotten");
    }
    targets.into_iter().map(|id| Effect::Execute(Command::Forget(id), Asked::Tell)).collect()
}

/// Selects the row for an action on several, and goes on to the next.
pub(super) fn mark(model: &mut Model) {
    let Some(id) = model.processes.selected().map(|row| row.id) else { return };
    if !model.processes.marked.remove(&id) {
        model.processes.marked.insert(id);
    }
    step(model, 1);
}

pub(super) fn sort(model: &mut Model, to: Option<Sort>) {
    let at = Sort::ALL.iter().position(|sort| *sort == model.processes.sort).unwrap_or(0);
    model.processes.sort = to.unwrap_or(Sort::ALL[(at + 1) % Sort::ALL.len()]);
    model.processes.hold_until = 0;
    let now = model.now;
    model.processes.arrange(now);
    keep_in_sight(model);
}

pub(super) fn filter(model: &mut Model) {
    let at = StatusFilter::ALL.iter().position(|filter| *filter == model.processes.status).unwrap_or(0);
    model.processes.status = StatusFilter::ALL[(at + 1) % StatusFilter::ALL.len()];
    keep_in_sight(model);
}

/// Asks for a line to send on the command line.
pub(super) fn send(model: &mut Model) -> Vec<Effect> {
    if let Some(row) = model.processes.selected() {
        let text = format!("input {} ", row.name);
        overlays::open_command(model, &text);
    }
    Vec::new()
}
