//! Toasts: told, merged, kept for the message panel, gone after a while.

use crate::app::view::SystemMessage;
use crate::event::Level;
use crate::tui::model::{Model, Toast};

const TOASTS_MAX: usize = 3;
const TOLD_MAX: usize = 200;

/// Tells something; the same again is counted.
pub(super) fn tell(model: &mut Model, level: Level, text: impl Into<String>) {
    let text = text.into();
    let until = if level >= Level::Error { u64::MAX } else { model.now + model.toast_millis };
    if level >= Level::Warn {
        if model.told.len() == TOLD_MAX {
            model.told.pop_front();
        }
        model.told.push_back(SystemMessage { number: 0, time_ms: model.now, level, text: text.clone(), failed: None });
    }
    if let Some(toast) = model.toasts.iter_mut().find(|toast| toast.text == text) {
        toast.count += 1;
        toast.until = until;
        return;
    }
    if model.toasts.len() == TOASTS_MAX {
        model.toasts.remove(0);
    }
    model.toasts.push(Toast { level, text, count: 1, until });
}

/// Takes away what has been there long enough.
pub(super) fn expire(model: &mut Model) {
    let now = model.now;
    model.toasts.retain(|toast| toast.until > now);
}

/// A key was pressed: errors have been seen.
pub(super) fn seen(model: &mut Model) {
    model.toasts.retain(|toast| toast.level < Level::Error);
}

/// New messages of the app: the newest ones are told as well.
pub(super) fn system(model: &mut Model, messages: Vec<SystemMessage>) {
    let last = model.system.last().map_or(0, |message| message.number);
    let fresh: Vec<SystemMessage> = SystemMessage::behind(&messages, last)
        .iter()
        .filter(|message| message.level >= Level::Warn)
        .rev()
        .take(TOASTS_MAX)
        .cloned()
        .collect();
    model.system = messages;
    for message in fresh.into_iter().rev() {
        let before = model.told.len();
        tell(model, message.level, message.text);
        // It is in the app's own list already.
        model.told.truncate(before);
    }
}

#[cfg(test)]
mod tests {
    use crate::event::Level;
    use crate::tui::message::Message;
    use crate::tui::testing::{Mock, Rig};

    #[test]
    fn messages_of_the_app_are_told_once_also_when_the_oldest_ones_are_gone() {
        let message = |number: u64| crate::app::view::SystemMessage {
            number,
            time_ms: number,
            level: Level::Error,
            text: format!("fault {number}."),
            failed: None,
        };
        let mut rig = Rig::new(Mock::full(), (120, 36));
        rig.send(Message::System((1..=3).map(message).collect()));
        rig.model.toasts.clear();
        rig.send(Message::System((2..=4).map(message).collect()));
        let told: Vec<&str> = rig.model.toasts.iter().map(|toast| toast.text.as_str()).collect();
        assert_eq!(told, ["fault 4."]);
        rig.press(&["e", "x", "esc"]);
        rig.send(Message::System((4..=5).map(message).collect()));
        assert_eq!(rig.model.panel().iter().map(|message| message.number).collect::<Vec<_>>(), [5]);
    }
}
