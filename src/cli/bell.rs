//! What wakes the front door that prints: something has changed, or a signal has come.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::io::signals::Signal;

/// Rung from any thread, waited for by one.
#[derive(Debug, Default)]
pub(super) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
    heard: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    signals: Vec<Signal>,
    /// When the first of these signals came.
    since: Option<Instant>,
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
        state.since.get_or_insert_with(Instant::now);
        state.rung = true;
        drop(state);
        self.rung.notify_one();
    }

    /// The signals that have come; does not wait.
    pub(super) fn signals(&self) -> Vec<Signal> {
        self.take(&mut self.state())
    }

    /// Whether somebody has asked for the end and was not heard for so long.
    pub(super) fn is_unheard_for(&self, time: Duration) -> bool {
        let state = self.state();
        state.since.is_some_and(|since| since.elapsed() >= time) && state.signals.iter().any(|signal| signal.is_end())
    }

    /// Waits until who asked for the end was heard; whether that was within the limit.
    pub(super) fn wait_heard(&self, limit: Duration) -> bool {
        let unheard = |state: &mut State| state.signals.iter().any(|signal| signal.is_end());
        let waited = self.heard.wait_timeout_while(self.state(), limit, unheard);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn take(&self, state: &mut State) -> Vec<Signal> {
        self.heard.notify_all();
        state.since = None;
        std::mem::take(&mut state.signals)
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
        self.take(&mut state)
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
