//! What is worth a notice: a crash loop; and for who looks elsewhere, a process that failed or a long one that is done.

use crate::app::view::ProcessRow;
use crate::event::{Level, Status};
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::processes::{Processes, begins_crash_loop};
use crate::tui::update::tell;

/// The end of a process that ran so long was waited for.
const LONG_MILLIS: u64 = 30_000;

/// What is told of a crash loop, after the name.
const CRASH_LOOP: &str = "is in a crash loop: it was started again and failed, time after time";

/// At most one notice in this time.
const APART_MILLIS: u64 = 10_000;

/// Tells of the crash loops that have begun with these new rows; before the model takes them.
pub(super) fn crash_loops(model: &mut Model, rows: &[ProcessRow]) {
    let begun = rows.iter().filter(|row| has_ended(&model.processes, row) && begins_crash_loop(rows, row));
    let begun: Vec<String> = begun.map(|row| format!("{} {CRASH_LOOP}", row.name)).collect();
    for text in begun {
        tell::tell(model, Level::Warn, text);
    }
}

/// The notice that these new rows are worth, if any; before the model takes them.
pub(super) fn notice(model: &mut Model, rows: &[ProcessRow]) -> Option<Effect> {
    if !model.away {
        return None;
    }
    let told: Vec<String> = rows.iter().filter_map(|row| news(&model.processes, rows, row)).collect();
    let soon = model.noticed_at.is_some_and(|at| model.now.saturating_sub(at) < APART_MILLIS);
    let (first, more) = told.split_first().filter(|_| !soon)?;
    model.noticed_at = Some(model.now);
    let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
    Some(Effect::Notify(format!("{first}{more}")))
}

/// What is to be told of a process that has ended since the last look.
fn news(known: &Processes, rows: &[ProcessRow], row: &ProcessRow) -> Option<String> {
    if !has_ended(known, row) {
        return None;
    }
    let ran = row.ended_ms.unwrap_or(row.started_ms).saturating_sub(row.started_ms);
    match row.status {
        Status::Failed if begins_crash_loop(rows, row) => Some(format!("{} {CRASH_LOOP}", row.name)),
        Status::Failed => {
            let how = row.exit.map_or_else(|| "failed".to_string(), |exit| exit.describe());
            Some(format!("{} {how}", row.name))
        }
        Status::Success if ran >= LONG_MILLIS => Some(format!("{} is done", row.name)),
        _ => None,
    }
}

/// Whether it has ended since the last look.
fn has_ended(known: &Processes, row: &ProcessRow) -> bool {
    row.status.is_ended() && !known.get(row.id).is_some_and(|before| before.status.is_ended())
}

#[cfg(test)]
mod tests {
    use crate::event::Status;
    use crate::tui::message::{Effect, Message};
    use crate::tui::testing::{Mock, NOW, Rig, process};

    /// Ends process 1 in this way after so long; what is told.
    fn told(rig: &mut Rig, status: Status, ran_millis: u64) -> Option<String> {
        rig.send(Message::Processes(vec![process(1, "web", Status::Running)]));
        let ended_ms = Some(NOW - 724_000 + ran_millis);
        let row = crate::app::view::ProcessRow { ended_ms, ..process(1, "web", status) };
        rig.send(Message::Processes(vec![row]));
        match rig.outside.pop() {
            Some(Effect::Notify(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn only_who_looks_elsewhere_is_told_and_not_too_often() {
        let mut rig = Rig::new(Mock::empty(), (80, 24));
        assert_eq!(told(&mut rig, Status::Failed, 10), None);
        rig.send(Message::Focus(false));
        assert!(told(&mut rig, Status::Failed, 10).is_some_and(|text| text.starts_with("web ")));
        assert_eq!(told(&mut rig, Status::Failed, 10), None, "one has just been told");
        rig.model.now += 10_000;
        assert_eq!(told(&mut rig, Status::Success, 10), None, "it was short");
        assert_eq!(told(&mut rig, Status::Stopped, 60_000), None, "it was stopped by the person");
        assert_eq!(told(&mut rig, Status::Success, 60_000), Some("web is done".into()));
        rig.model.now += 10_000;
        rig.send(Message::Focus(true));
        assert_eq!(told(&mut rig, Status::Failed, 10), None);
    }

    /// The run of that number, failed, or running if the time is none.
    fn run(id: u64, ended_ms: Option<u64>) -> crate::app::view::ProcessRow {
        let status = if ended_ms.is_some() { Status::Failed } else { Status::Running };
        crate::app::view::ProcessRow { ended_ms, ..process(id, "web", status) }
    }

    #[test]
    fn a_crash_loop_is_told_once_and_its_restarts_are_an_error() {
        let mut rig = Rig::new(Mock::empty(), (120, 36));
        let told = |rig: &Rig| rig.model.told.iter().filter(|told| told.text.contains("crash loop")).count();
        let mut rows: Vec<crate::app::view::ProcessRow> = Vec::new();
        let mut loops = Vec::new();
        // The last one fails two minutes after the others.
        for (number, after) in [10_000, 20_000, 30_000, 40_000, 160_000].into_iter().enumerate() {
            let id = number as u64 + 1;
            rig.model.now = NOW + after;
            rows.push(run(id, None));
            rig.send(Message::Processes(rows.clone()));
            rows[number] = run(id, Some(NOW + after));
            rig.send(Message::Processes(rows.clone()));
            loops.push((told(&rig), rig.model.processes.is_crash_loop(&rows[number], rig.model.now)));
        }
        assert_eq!(loops, [(0, false), (0, false), (1, true), (1, true), (1, false)]);
        assert!(!rig.model.processes.is_crash_loop(&run(6, None), rig.model.now));
    }

    #[test]
    fn what_is_run_anew_by_hand_or_was_stopped_is_no_crash_loop() {
        let rows: Vec<_> =
            (1..=4).map(|id| crate::app::view::ProcessRow { restarts: 0, ..run(id, Some(NOW + id)) }).collect();
        assert!(rows.iter().all(|row| !super::begins_crash_loop(&rows, row)));
        let stopped =
            |id| crate::app::view::ProcessRow { ended_ms: Some(NOW + id), ..process(id, "web", Status::Stopped) };
        let rows: Vec<_> = (1..=4).map(stopped).collect();
        assert!(rows.iter().all(|row| !super::begins_crash_loop(&rows, row)));
    }

    #[test]
    fn a_crash_loop_is_told_on_the_desktop_too() {
        let mut rig = Rig::new(Mock::empty(), (80, 24));
        rig.send(Message::Focus(false));
        let before = vec![run(1, Some(NOW)), run(2, Some(NOW + 1)), run(3, None)];
        rig.send(Message::Processes(before));
        rig.outside.clear();
        rig.model.now += 20_000;
        rig.send(Message::Processes(vec![run(1, Some(NOW)), run(2, Some(NOW + 1)), run(3, Some(NOW + 2))]));
        let Some(Effect::Notify(text)) = rig.outside.pop() else { panic!("nothing is told") };
        assert!(text.starts_with("web is in a crash loop"), "{text}");
    }
}
