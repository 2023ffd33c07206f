//! What Brummer itself has to say: a bounded list, oldest first.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::app::view::SystemMessage;
use crate::event::{Level, ProcessId};

/// More than a person reads; the oldest goes.
const MESSAGES_MAX: usize = 500;

/// The messages. A push or a read holds a lock for as long as it takes to copy one or all of them.
#[derive(Default)]
pub(crate) struct Messages {
    /// Their numbers follow each other.
    list: Mutex<VecDeque<SystemMessage>>,
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

impl Messages {
    fn list(&self) -> std::sync::MutexGuard<'_, VecDeque<SystemMessage>> {
        // A push cannot leave the list half-made, so a poisoned lock is still a good list.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, level: Level, text: impl Into<String>) {
        self.add(level, text.into(), None);
    }

    /// That a process has failed.
    pub(crate) fn push_failure(&self, process: ProcessId, text: String) {
        self.add(Level::Error, text, Some(process));
    }

    fn add(&self, level: Level, text: String, failed: Option<ProcessId>) {
        let mut list = self.list();
        let number = list.back().map_or(0, |last| last.number) + 1;
        if list.len() == MESSAGES_MAX {
            list.pop_front();
        }
        list.push_back(SystemMessage { number, time_ms: now_ms(), level, text, failed });
    }

    pub(crate) fn all(&self) -> Vec<SystemMessage> {
        self.list().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_message_goes_when_the_list_is_full() {
        let messages = Messages::default();
        for i in 0..MESSAGES_MAX + 3 {
            messages.push(Level::Info, i.to_string());
        }
        let all = messages.all();
        assert_eq!((all.len(), all[0].text.as_str()), (MESSAGES_MAX, "3"));
        let numbers: Vec<u64> = all.iter().map(|message| message.number).collect();
        let behind = |seen| SystemMessage::behind(&all, seen).iter().map(|message| message.number).collect::<Vec<_>>();
        assert_eq!((behind(0).len(), behind(501), behind(503)), (MESSAGES_MAX, vec![502, 503], vec![]));
        assert_eq!(numbers, (4..=MESSAGES_MAX as u64 + 3).collect::<Vec<_>>());
    }
}
