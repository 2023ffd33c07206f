//! What wakes the front door that prints: something has changed, or a signal has come.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::io::signals::Signal;

/// Rung from any thread, waited for by one.
#[derive(Debug, Default)]
pub(super) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    signals: Vec<Signal>,
}

impl Bell {
    fn state(&self) -> MutexGuard<'_, State> {
        // A flag and a list cannot be half-made, so a poisoned lock still holds good ones.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has changed.
    pub(super) fn ring(&self) {
        self.state().rung = true;
        self.rung.notify_one();
    }

    /// A signal has come.
    pub(super) fn signal(&self, signal: Signal) {
        let mut state = self.state();
        state.signals.push(signal);
        state.rung = true;
        drop(state);
        self.rung.notify_one();
    }

    /// The signals that have come; does not wait.
    pub(super) fn signals(&self) -> Vec<Signal> {
        std::mem::take(&mut self.state().signals)
    }

    /// Waits until it is rung or the deadline has passed; the signals that came meanwhile.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Vec<Signal> {
        let mut state = self.state();
        while !state.rung {
            let Some(deadline) = deadline else {
                state = self.rung.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            state = self.rung.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.rung = false;
        std::mem::take(&mut state.signals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_ring_before_the_wait_is_not_lost_and_counts_once() {
        let bell = Bell::default();
        bell.ring();
        bell.signal(Signal::Interrupt);
        assert_eq!(bell.wait(None), [Signal::Interrupt]);
        assert_eq!(bell.wait(Some(Instant::now() + Duration::from_millis(1))), []);
    }

    #[test]
    fn a_ring_from_another_thread_ends_the_wait() {
        let bell = Bell::default();
        std::thread::scope(|scope| {
            scope.spawn(|| bell.ring());
            assert_eq!(bell.wait(Some(Instant::now() + Duration::from_secs(60))), []);
        });
    }
}
