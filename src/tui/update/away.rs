//! What is worth a desktop notice while nobody looks: a process that failed, and a long one that is done.

use crate::app::view::ProcessRow;
use crate::event::Status;
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::processes::Processes;

/// The end of a process that ran so long was waited for.
const LONG_MILLIS: u64 = 30_000;

/// At most one notice in this time.
const APART_MILLIS: u64 = 10_000;

/// The notice that these new rows are worth, if any; before the model takes them.
pub(super) fn notice(model: &mut Model, rows: &[ProcessRow]) -> Option<Effect> {
    if !model.away {
        return None;
    }
    let told: Vec<String> = rows.iter().filter_map(|row| news(&model.processes, row)).collect();
    let soon = model.noticed_at.is_some_and(|at| model.now.saturating_sub(at) < APART_MILLIS);
    let (first, more) = told.split_first().filter(|_| !soon)?;
    model.noticed_at = Some(model.now);
    let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
    Some(Effect::Notify(format!("{first}{more}")))
}

/// What is to be told of a process that has ended since the last look.
fn news(known: &Processes, row: &ProcessRow) -> Option<String> {
    if !row.status.is_ended() || known.get(row.id).is_some_and(|before| before.status.is_ended()) {
        return None;
    }
    let ran = row.ended_ms.unwrap_or(row.started_ms).saturating_sub(row.started_ms);
    match row.status {
        Status::Failed => {
            let how = row.exit.map_or_else(|| "failed".to_string(), |exit| exit.describe());
            Some(format!("{} {how}", row.name))
        }
        Status::Success if ran >= LONG_MILLIS => Some(format!("{} is done", row.name)),
        _ => None,
    }
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
}
