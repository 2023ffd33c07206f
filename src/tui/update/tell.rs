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
