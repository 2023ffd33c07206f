//! A long piece of work that can be asked how far it is, and told to stop.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::Context;
use crate::error::Result;

/// Something long: what a front door shows with a bar and a way to stop it.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: `cancel` and `progress` never wait for `execute`.
///
/// ```
/// use brummer::error::Result;
/// use brummer::runtime::{Context, operation::{Operation, Progress, Tracker}};
///
/// struct Count { tracker: Tracker, context: Context }
/// impl Operation for Count {
///     fn execute(&self, context: &Context) -> Result<()> {
///         self.tracker.begin("counting", 3);
///         for _ in 0..3 {
///             context.check().and_then(|()| self.context.check())?;
///             self.tracker.advance(1);
///         }
///         Ok(())
///     }
///     fn cancel(&self) { self.context.cancel() }
///     fn progress(&self) -> Progress { self.tracker.progress() }
/// }
///
/// let count = Count { tracker: Tracker::new(), context: Context::background() };
/// count.execute(&Context::background())?;
/// assert_eq!((count.progress().completed, count.progress().total), (3, 3));
/// # Ok::<(), brummer::error::Error>(())
/// ```
pub trait Operation: Send + Sync {
    /// Does the work; ends early, cleaned up, if the context ends.
    ///
    /// # Errors
    /// What went wrong, and that of [`Context::check`] if it was cancelled.
    fn execute(&self, context: &Context) -> Result<()>;
    /// Asks it to end early. Also before `execute`, and again.
    fn cancel(&self);
    /// How far it is.
    fn progress(&self) -> Progress;
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How much of `total` is done.
    pub completed: u64,
    /// How much there is to do in this phase; 0 if nobody knows.
    pub total: u64,
    /// What it does now; empty before it began.
    pub phase: &'static str,
    /// When it began.
    pub start: Option<Instant>,
}

/// Where an operation notes how far it is, and others read it.
///
/// - **Thread safety**: any number may write and read. **Progress**: `advance` is wait-free; the others take a short lock.
///   **Waits**: none beyond it. **Cleanup**: none.
///
/// ```
/// let tracker = brummer::runtime::operation::Tracker::new();
/// tracker.begin("search", 100);
/// tracker.advance(40);
/// assert_eq!(tracker.progress().completed, 40);
/// ```
#[derive(Debug, Default)]
pub struct Tracker {
    completed: AtomicU64,
    phase: Mutex<(&'static str, u64, Option<Instant>)>,
}

impl Tracker {
    /// Of an operation that has not begun.
    pub fn new() -> Tracker {
        Tracker::default()
    }

    fn phase(&self) -> std::sync::MutexGuard<'_, (&'static str, u64, Option<Instant>)> {
        self.phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A phase of `total` steps begins; the first one is the start of the operation.
    pub fn begin(&self, phase: &'static str, total: u64) {
        let mut now = self.phase();
        *now = (phase, total, now.2.or_else(|| Some(Instant::now())));
        self.completed.store(0, Ordering::Relaxed);
    }

    /// So many steps more are done.
    pub fn advance(&self, steps: u64) {
        self.completed.fetch_add(steps, Ordering::Relaxed);
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let now = self.phase();
        let (phase, total, start) = *now;
        Progress { completed: self.completed.load(Ordering::Relaxed), total, phase, start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn er03_progress_tells_completed_total_phase_and_start() {
        let tracker = Tracker::new();
        assert_eq!(tracker.progress(), Progress { completed: 0, total: 0, phase: "", start: None });
        tracker.begin("read", 10);
        tracker.advance(4);
        let reading = tracker.progress();
        assert_eq!((reading.completed, reading.total, reading.phase), (4, 10, "read"));
        tracker.begin("sort", 3);
        let sorting = tracker.progress();
        assert_eq!((sorting.completed, sorting.phase, sorting.start), (0, "sort", reading.start));
    }
}
