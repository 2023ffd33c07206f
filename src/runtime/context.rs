//! What every long operation is given: whether to stop, by when to be done, and whom it belongs to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::error::{Code, Error, Result};
use crate::sync::{CancelFlag, CancelGuard};

/// A cancellation flag and a deadline, handed down from parent to child. Clones are the same context.
///
/// Cancelling a context cancels its children, not its parent. A child's deadline is never later than its parent's.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: `is_cancelled` is one load; `check` reads the clock only where there is
///   a deadline. **Waits**: `wait` sleeps until the cancel or the time, without looking in between.
///   **Cleanup**: a child leaves its parent when it is dropped.
///
/// ```
/// use brummer::runtime::Context;
/// use std::time::Duration;
///
/// let context = Context::background();
/// let child = context.with_timeout(Duration::from_secs(60));
/// assert!(child.check().is_ok());
/// context.cancel();
/// assert_eq!(child.check().unwrap_err().message(), "cancelled");
/// ```
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

struct Inner {
    flag: CancelFlag,
    deadline: Option<Instant>,
}

/// Gives up a callback of [`Context::on_cancel`] when it is dropped.
#[must_use = "the callback is given up when this is dropped"]
pub struct OnCancel {
    _guard: CancelGuard,
}

impl Context {
    /// A context without parent and deadline; it ends only if it is cancelled.
    pub fn background() -> Context {
        Context::made_of(CancelFlag::new(), None)
    }

    fn made_of(flag: CancelFlag, deadline: Option<Instant>) -> Context {
        Context { inner: Arc::new(Inner { flag, deadline }) }
    }

    /// A context that can be cancelled by itself, and is cancelled with this one.
    #[must_use]
    pub fn child(&self) -> Context {
        Context::made_of(self.inner.flag.child(), self.inner.deadline)
    }

    /// A child that must be done after `timeout`.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Context {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.with_deadline(deadline),
            None => self.child(),
        }
    }

    /// A child that must be done by `deadline`.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Context {
        let deadline = self.inner.deadline.map_or(deadline, |own| own.min(deadline));
        Context::made_of(self.inner.flag.child(), Some(deadline))
    }

    /// Cancels it and all its children; those that wait wake up. Again is nothing.
    pub fn cancel(&self) {
        self.inner.flag.cancel();
    }

    /// Whether it was cancelled. The deadline is not looked at: see [`Context::check`].
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.inner.flag.is_cancelled()
    }

    /// By when it must be done.
    pub fn deadline(&self) -> Option<Instant> {
        self.inner.deadline
    }

    /// What is left until the deadline; zero after it.
    pub fn remaining(&self) -> Option<Duration> {
        self.inner.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// `Ok` while the work may go on; CONCURRENCY `cancelled`, or TIMEOUT.
    ///
    /// # Errors
    /// See above; a cancelled context says so even after its deadline.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(cancelled());
        }
        match self.inner.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(timed_out()),
            _ => Ok(()),
        }
    }

    /// Sleeps for `duration`, or less if the context ends: then with the error of [`Context::check`].
    ///
    /// # Errors
    /// Those of [`Context::check`].
    pub fn wait(&self, duration: Duration) -> Result<()> {
        let until = Instant::now().checked_add(duration);
        let wake = Arc::new((Mutex::new(()), Condvar::new()));
        let waker = Arc::clone(&wake);
        let _guard = self.on_cancel(move || {
            drop(waker.0.lock());
            waker.1.notify_all();
        });
        let end = [until, self.inner.deadline].into_iter().flatten().min();
        let mut lock = wake.0.lock();
        while !self.is_cancelled() && end.is_none_or(|end| Instant::now() < end) {
            match end {
                Some(end) => drop(wake.1.wait_until(&mut lock, end)),
                None => wake.1.wait(&mut lock),
            }
        }
        drop(lock);
        self.check()
    }

    /// Calls `callback` when it is cancelled, on the thread that cancels; at once if it is cancelled already. Not at the deadline.
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) -> OnCancel {
        OnCancel { _guard: self.inner.flag.on_cancel(callback) }
    }
}

#[cold]
fn cancelled() -> Error {
    Error::new("context", Code::Concurrency, "cancelled")
}

#[cold]
fn timed_out() -> Error {
    Error::new("context", Code::Timeout, "the deadline passed")
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cancelled = self.is_cancelled();
        f.debug_struct("Context").field("cancelled", &cancelled).field("remaining", &self.remaining()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn er02_a_cancel_reaches_children_and_not_the_parent() {
        let parent = Context::background();
        let (child, sibling) = (parent.child(), parent.child());
        let grandchild = child.with_timeout(Duration::from_secs(3600));
        child.cancel();
        assert!(grandchild.is_cancelled() && child.is_cancelled());
        assert!(!parent.is_cancelled() && !sibling.is_cancelled());
        assert_eq!(grandchild.check().unwrap_err().code(), Code::Concurrency);
        assert!(child.child().is_cancelled(), "a child of a cancelled context is born cancelled");
    }

    #[test]
    fn er02_a_childs_deadline_is_never_later_than_its_parents() {
        let parent = Context::background().with_timeout(Duration::from_secs(1));
        let child = parent.with_timeout(Duration::from_secs(100));
        assert_eq!(child.deadline(), parent.deadline());
        assert_eq!(Context::background().with_timeout(Duration::ZERO).check().unwrap_err().code(), Code::Timeout);
        assert!(Context::background().with_timeout(Duration::MAX).deadline().is_none());
    }

    #[test]
    fn er02_a_sleeper_wakes_when_it_is_cancelled() {
        let context = Context::background();
        let (waiting, sleeper) = (context.child(), std::sync::mpsc::channel());
        let thread = std::thread::spawn(move || {
            sleeper.0.send(()).unwrap();
            waiting.wait(Duration::from_secs(600))
        });
        sleeper.1.recv().unwrap();
        context.cancel();
        assert_eq!(thread.join().unwrap().unwrap_err().message(), "cancelled");
    }

    #[test]
    fn er02_waiting_ends_at_the_time_or_the_deadline() {
        let far = Context::background().with_timeout(Duration::from_secs(600));
        assert!(far.wait(Duration::from_micros(1)).is_ok());
        let near = Context::background().with_timeout(Duration::from_millis(5));
        assert!(near.wait(Duration::from_secs(600)).unwrap_err().is_timeout());
    }

    #[test]
    fn er02_a_callback_that_was_given_up_is_not_called() {
        let (context, calls) = (Context::background(), Arc::new(Mutex::new(Vec::new())));
        let note = |name: &'static str| {
            let calls = Arc::clone(&calls);
            context.on_cancel(move || calls.lock().push(name))
        };
        let (_kept, given_up) = (note("kept"), note("given up"));
        drop(given_up);
        context.cancel();
        let _late = note("late");
        assert_eq!(*calls.lock(), ["kept", "late"]);
    }
}
