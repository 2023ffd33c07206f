//! The one place where the UI thread waits: messages from every thread, changes and readiness merged into flags.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::tui::message::Message;

/// A queue with one reader. Input is bounded by the person who types; everything else merges into flags.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    changed: bool,
    writable: bool,
}

/// What had arrived.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// In order.
    pub(crate) messages: VecDeque<Message>,
    /// The backend has something new.
    pub(crate) changed: bool,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything can panic, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a message.
    pub(crate) fn send(&self, message: Message) {
        self.lock().messages.push_back(message);
        self.arrived.notify_one();
    }

    /// Says that the backend has changed; wakes the reader only the first time.
    pub(crate) fn changed(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.changed, true) {
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Says that the terminal has taken the last frame.
    pub(crate) fn writable(&self) {
        self.lock().writable = true;
        self.arrived.notify_one();
    }

    /// Takes what is there; waits for something until `deadline` if there is nothing.
    pub(crate) fn take(&self, deadline: Option<Instant>, ignore_changes: bool) -> Mail {
        let mut state = self.lock();
        loop {
            let news = !state.messages.is_empty() || state.writable || (state.changed && !ignore_changes);
            if news {
                break;
            }
            state = match deadline {
                None => self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
                    else {
                        break;
                    };
                    self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.writable = false;
        let changed = !ignore_changes && std::mem::take(&mut state.changed);
        Mail { messages: std::mem::take(&mut state.messages), changed }
    }
}
