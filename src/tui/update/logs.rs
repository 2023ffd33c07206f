//! The Logs view: moving, finding, filters, marks, selecting, copying.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::event::{Level, ProcessId};
use crate::tui::layout::pane;
use crate::tui::logs::folds::FRAMES_MAX;
use crate::tui::logs::scan::Request;
use crate::tui::logs::window::top_of;
use crate::tui::logs::{FindMode, LogView, TimeFormat};
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay, View};
use crate::tui::record::Record;
use crate::tui::update::{dispatch, select, tell, urls};

pub(super) fn scans(requests: impl IntoIterator<Item = Request>) -> Vec<Effect> {
    requests.into_iter().map(Effect::Scan).collect()
}

/// The names and ids of all processes; also of those that are gone but have lines, as far as they were named before.
fn table(model: &Model) -> Vec<(Arc<str>, ProcessId)> {
    model.processes.rows.iter().map(|row| (Arc::clone(&row.name), row.id)).collect()
}

/// The processes or the choice among them have changed.
pub(super) fn resolve(model: &mut Model) -> Vec<Effect> {
    let table = table(model);
    scans(model.logs.resolve(&table))
}

/// Shows these processes; `None` = all.
pub(super) fn scope(model: &mut Model, names: Option<BTreeSet<Arc<str>>>) -> Vec<Effect> {
    model.logs.scope = names;
    model.logs.filters_off = false;
    resolve(model)
}

/// Shows one process alone.
pub(super) fn solo(model: &mut Model, name: &str) -> Vec<Effect> {
    if model.logs.before_solo.is_none() {
        model.logs.before_solo = Some(model.logs.scope.clone());
    }
    model.view = View::Logs;
    model.tab = None;
    model.logs.follow();
    scope(model, Some(BTreeSet::from([Arc::from(name)])))
}

/// Ends a solo; answers whether there was one.
pub(super) fn end_solo(model: &mut Model) -> Option<Vec<Effect>> {
    let before = model.logs.before_solo.take()?;
    if let Some(view) = model.return_to.take() {
        model.view = view;
        dispatch::keep_in_sight(model);
    }
    Some(scope(model, before))
}

/// Only the process of the line with the cursor; again: back.
pub(super) fn toggle_solo(model: &mut Model) -> Vec<Effect> {
    if model.logs.before_solo.is_some() {
        model.return_to = None;
        return end_solo(model).unwrap_or_default();
    }
    let name = model.logs.cursor_line().map(|line| Arc::clone(line.name)).or_else(|| newest_name(model));
    let Some(name) = name else { return Vec::new() };
    let place = model.logs.place;
    let effects = solo(model, &name);
    model.logs.place = place;
    effects
}

fn newest_name(model: &Model) -> Option<Arc<str>> {
    let rows = model.logs.rows();
    rows.last().and_then(|seq| rows.get(seq)).map(|line| Arc::clone(line.name))
}

/// Looks through everything again after a change of the rules.
pub(super) fn refilter(model: &mut Model) -> Vec<Effect> {
    scans(model.logs.refilter())
}

pub(super) fn level(model: &mut Model, level: Option<Level>) -> Vec<Effect> {
    model.logs.filter.level = level;
    model.logs.filters_off = false;
    refilter(model)
}

pub(super) fn cycle_level(model: &mut Model) -> Vec<Effect> {
    let next = match model.logs.filter.level {
        None => Some(Level::Info),
        Some(Level::Info) => Some(Level::Warn),
        Some(Level::Warn) => Some(Level::Error),
        Some(_) => None,
    };
    level(model, next)
}

pub(super) fn toggle_filters(model: &mut Model) -> Vec<Effect> {
    model.logs.filters_off = !model.logs.filters_off;
    refilter(model)
}

/// Moves the cursor by lines; a step up pins the view, one past the end follows again.
pub(super) fn step(model: &mut Model, by: isize) {
    let pane = pane(model);
    let logs = &mut model.logs;
    if by == 0 || (logs.place.follow && by > 0) {
        return;
    }
    if logs.place.follow {
        let window = logs.window(pane);
        let Some(last) = logs.rows().last() else { return };
        logs.pin(top_of(&window).unwrap_or((last, 0)), last);
    }
    let mut seq = logs.place.cursor;
    for _ in 0..by.unsigned_abs() {
        let next = if by < 0 { logs.rows().prev(seq) } else { logs.rows().next(seq) };
        match next {
            Some(next) => seq = next,
            None if by > 0 && logs.anchor.is_none() => return logs.follow(),
            None => break,
        }
    }
    logs.go_to(seq, pane);
}

/// Moves what is seen by rows; the end follows again.
pub(super) fn scroll(model: &mut Model, by: isize) {
    let pane = pane(model);
    if model.logs.place.follow && by > 0 {
        return;
    }
    if model.logs.scroll(by, pane) && model.logs.anchor.is_none() {
        model.logs.follow();
    }
}

pub(super) fn page(model: &mut Model, direction: isize) {
    let rows = pane(model).height.saturating_sub(1).max(1) as isize;
    scroll(model, direction * rows);
    if direction < 0 && !model.logs.place.follow {
        let window = model.logs.window(pane(model));
        if let Some((seq, _)) = top_of(&window) {
            model.logs.place.cursor = seq;
        }
    }
}

pub(super) fn first(model: &mut Model) {
    if let Some(seq) = model.logs.rows().first() {
        model.logs.pin((seq, 0), seq);
    }
}

/// Goes to a line and pins the view there.
pub(super) fn go_to(model: &mut Model, seq: u64) {
    let pane = pane(model);
    model.logs.go_to(seq, pane);
}

fn from_here(logs: &LogView) -> u64 {
    if logs.place.follow { u64::MAX - 1 } else { logs.place.cursor }
}

/// The next or previous match.
pub(super) fn next_match(model: &mut Model, forward: bool) {
    let here = from_here(&model.logs);
    let rows = model.logs.rows();
    let wrapped = if forward { 0 } else { u64::MAX };
    let found = rows.match_from(here, forward).or_else(|| rows.match_from(wrapped, forward));
    match found {
        Some(seq) => go_to(model, seq),
        None => tell::tell(model, Level::Info, "no match"),
    }
}

/// How many lines `[` and `]` look through at most: an answer within a frame.
const LOOK_MAX: usize = 200_000;

/// The next or previous error.
pub(super) fn next_error(model: &mut Model, forward: bool) {
    let here = from_here(&model.logs);
    let logs = &model.logs;
    let is_head =
        |line: &crate::logs::LineRef<'_>| line.level >= Level::Error && !line.is_stack && line.seq >= logs.floor;
    let found = if forward {
        logs.lines.after(here.saturating_add(1)).take(LOOK_MAX).find(is_head).map(|line| line.seq)
    } else {
        logs.lines.before(here).take(LOOK_MAX).find(is_head).map(|line| line.seq)
    };
    match found {
        Some(seq) => go_to(model, seq),
        None => tell::tell(model, Level::Info, if forward { "no newer error" } else { "no older error" }),
    }
}

pub(super) fn mark(model: &mut Model, text: &str) {
    let after =
        if model.logs.place.follow { model.logs.lines.last_seq().unwrap_or(0) } else { model.logs.place.cursor };
    let mark = crate::tui::logs::Mark { after, time: model.now, text: text.to_string() };
    let at = model.logs.marks.partition_point(|other| other.after <= after);
    model.logs.marks.insert(at, mark);
}

pub(super) fn next_mark(model: &mut Model, forward: bool) {
    let here = from_here(&model.logs);
    let mut marks = model.logs.marks.iter().map(|mark| mark.after);
    let found = if forward { marks.find(|seq| *seq > here) } else { marks.rev().find(|seq| *seq < here) };
    match found {
        Some(seq) => {
            let seq = model.logs.rows().at_or_after(seq).or_else(|| model.logs.rows().last()).unwrap_or(seq);
            go_to(model, seq);
        }
        None => tell::tell(model, Level::Info, "no mark there; m sets one"),
    }
}

/// Selects lines from the one with the cursor on.
pub(super) fn select(model: &mut Model) {
    if model.logs.anchor.take().is_none() && model.logs.rows().last().is_some() {
        pin_here(model);
        model.logs.anchor = model.logs.cursor_line().map(|line| line.seq);
    }
}

pub(super) fn select_step(model: &mut Model, by: isize) {
    if model.logs.anchor.is_none() {
        select(model);
    }
    step(model, by);
}

/// Pins the view as it is, the cursor on its last line.
pub(super) fn pin_here(model: &mut Model) {
    let pane = pane(model);
    let logs = &mut model.logs;
    if !logs.place.follow {
        return;
    }
    let window = logs.window(pane);
    // Where nothing is shown yet, the next line will be the first on the screen.
    let newest = logs.lines.last_seq();
    let last = logs.rows().last().unwrap_or_else(|| newest.map_or(logs.floor, |seq| seq + 1));
    logs.pin(top_of(&window).unwrap_or((last, 0)), last);
}

pub(super) fn toggle_pause(model: &mut Model) {
    if model.logs.place.follow { pin_here(model) } else { model.logs.follow() }
}

/// At most so much is gathered to be copied, which takes a few milliseconds; more is for a file.
const COPY_MAX: usize = 16 << 20;
const TOO_MUCH: &str = "too much to copy (16 MB); /save FILE writes it to a file";

/// The text of the selected lines, or of the one with the cursor, or of the newest.
pub(super) fn copy(model: &mut Model, context: bool) -> Vec<Effect> {
    if let Some(text) = model.logs.marked_text(COPY_MAX).filter(|_| !context) {
        if text.len() > COPY_MAX {
            tell::tell(model, Level::Warn, TOO_MUCH);
            return Vec::new();
        }
        let what = select::counted(&text);
        return vec![Effect::Copy(text, what)];
    }
    let logs = &model.logs;
    let range = logs.selection().or_else(|| logs.rows().last().map(|seq| (seq, seq)));
    let Some((from, to)) = range else { return Vec::new() };
    let (mut text, mut count, mut next) = (String::new(), 0, logs.rows().at_or_after(from));
    while let Some(line) = next.filter(|seq| *seq <= to).and_then(|seq| logs.rows().get(seq)) {
        // An error that is copied alone takes its stack along.
        let alone = from == to && line.level >= Level::Error && !line.is_stack;
        let stack = logs.lines.newer_of(&line).take(FRAMES_MAX).take_while(|next| alone && next.is_stack);
        for line in std::iter::once(line).chain(logs.folded_behind(&line)).chain(stack) {
            if context {
                text.push_str(&format!("{} {} ", model.clock.millis(line.time_ms), line.name));
            }
            text.push_str(&String::from_utf8_lossy(line.plain));
            text.push('\n');
            count += 1;
        }
        if text.len() > COPY_MAX {
            tell::tell(model, Level::Warn, TOO_MUCH);
            return Vec::new();
        }
        next = logs.rows().next(line.seq);
    }
    if count == 1 {
        text.pop();
    }
    model.logs.anchor = None;
    let what = if count == 1 { "1 line".to_string() } else { format!("{count} lines") };
    vec![Effect::Copy(text, what)]
}

/// Hides everything up to now.
pub(super) fn clear(model: &mut Model) {
    let next = model.logs.all.last_seq().map_or(0, |seq| seq + 1);
    let before = std::mem::replace(&mut model.logs.floor, next);
    model.logs.undo.push(crate::tui::logs::Cleared::All(before));
    model.logs.follow();
    tell::tell(model, Level::Info, "cleared; U brings it back");
}

/// Hides the lines of processes up to now.
pub(super) fn clear_processes(model: &mut Model, ids: &[ProcessId]) -> Vec<Effect> {
    let last = model.logs.all.last_seq().unwrap_or(0);
    for id in ids {
        let before = model.logs.filter.cleared.insert(*id, last);
        model.logs.undo.push(crate::tui::logs::Cleared::Process(*id, before));
    }
    tell::tell(model, Level::Info, "cleared; U brings it back");
    refilter(model)
}

pub(super) fn undo(model: &mut Model) -> Vec<Effect> {
    match model.logs.undo.pop() {
        Some(crate::tui::logs::Cleared::All(floor)) => model.logs.floor = floor,
        Some(crate::tui::logs::Cleared::Process(id, before)) => {
            match before {
                Some(seq) => model.logs.filter.cleared.insert(id, seq),
                None => model.logs.filter.cleared.remove(&id),
            };
            return refilter(model);
        }
        None => {}
    }
    Vec::new()
}

pub(super) fn cycle_time(model: &mut Model) {
    let at = TimeFormat::ALL.iter().position(|format| *format == model.logs.time).unwrap_or(0);
    model.logs.time = TimeFormat::ALL[(at + 1) % TimeFormat::ALL.len()];
}

pub(super) fn cycle_find_mode(model: &mut Model) {
    let at = FindMode::ALL.iter().position(|mode| *mode == model.logs.find.shows).unwrap_or(0);
    model.logs.find.shows = FindMode::ALL[(at + 1) % FindMode::ALL.len()];
}

/// Scrolls sideways; without effect when lines are wrapped.
pub(super) fn sideways(model: &mut Model, by: isize) {
    if !model.logs.wrap {
        model.logs.sideways = model.logs.sideways.saturating_add_signed(by).min(10_000);
    }
}

/// Opens or closes the frames of a stack; any other line is shown whole.
pub(super) fn open(model: &mut Model) {
    if !model.logs.toggle_fold(model.logs.place.cursor) {
        expand(model);
    }
}

/// Opens the whole line; of an error, with the lines that belong to it.
fn expand(model: &mut Model) {
    let Some(line) = model.logs.cursor_line() else { return };
    let own = String::from_utf8_lossy(line.plain);
    let mut plain = own.clone().into_owned();
    if line.level >= Level::Error && !line.is_stack {
        for more in model.logs.lines.newer_of(&line).take(FRAMES_MAX).take_while(|line| line.is_stack) {
            plain.push('\n');
            plain.push_str(&String::from_utf8_lossy(more.plain));
        }
    }
    let title = format!("{} · {}", line.name, model.clock.millis(line.time_ms));
    let url = urls::first(&plain);
    let record = Record::new(title, &own, plain, url);
    model.overlay = Some(Overlay::Record(record));
}
