//! What a pool counts, and whom it tells while it works.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::runtime::panics::PanicReport;
use crate::sync::CowCell;

/// The numbers of a pool at one moment; the counts are since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PoolMetrics {
    /// Workers that live.
    pub workers: usize,
    /// Those of them that are pinned to a CPU.
    pub pinned: usize,
    /// Those of them that sleep.
    pub sleeping: usize,
    /// The part of the time, since the last call of `metrics`, that the workers were awake: 0 to 1.
    pub utilisation: f64,
    /// Tasks that wait: high, normal (with those that workers keep for themselves), low.
    pub queue_depth: [usize; 3],
    /// Tasks that ran to their end or their panic.
    pub executed: u64,
    /// Tasks that panicked.
    pub panicked: u64,
    /// Submitted tasks that never ran because their context was cancelled.
    pub context_cancels: u64,
    /// Submitted tasks that never ran, or ended too late, because of their deadline.
    pub timed_out: u64,
    /// Tasks that were refused at a bound.
    pub refused: u64,
    /// Tries to steal from another worker that seemed to have work.
    pub steal_attempts: u64,
    /// Those that brought work.
    pub steal_successes: u64,
    /// Those that brought it from another NUMA node.
    pub numa_crossings: u64,
}

/// Is told what a pool does, on the worker that does it: keep it short. A panic in it is contained.
///
/// ```
/// use brummer::runtime::pool::{Observer, Pool, PoolConfig};
///
/// struct Silent;
/// impl Observer for Silent {}
/// let pool = Pool::new(PoolConfig::default())?;
/// pool.instrument(Some(Box::new(Silent)));
/// # Ok::<(), brummer::error::Error>(())
/// ```
pub trait Observer: Send + Sync {
    /// A task ended after so long.
    fn finished(&self, _worker: usize, _took: Duration) {}
    /// A task panicked; with [`crate::runtime::panics::install_hook`] nobody else says so for a task that was spawned.
    fn panicked(&self, _worker: usize, _report: &PanicReport) {}
    /// A worker stole from another.
    fn stole(&self, _thief: usize, _victim: usize) {}
    /// A worker goes to sleep.
    fn slept(&self, _worker: usize) {}
    /// A worker woke up.
    fn woke(&self, _worker: usize) {}
}

/// The observer's place; without one, asking is a relaxed load.
#[derive(Default)]
pub(super) struct Observed {
    is_set: AtomicBool,
    observer: CowCell<Option<Box<dyn Observer>>>,
}

impl Observed {
    pub(super) fn set(&self, observer: Option<Box<dyn Observer>>) {
        let is_set = observer.is_some();
        self.observer.store(observer);
        self.is_set.store(is_set, Ordering::Release);
    }

    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn tell(&self, what: impl FnOnce(&dyn Observer)) {
        if self.is_set() {
            self.tell_now(what);
        }
    }

    #[cold]
    fn tell_now(&self, what: impl FnOnce(&dyn Observer)) {
        self.observer.read(|observer| {
            if let Some(observer) = observer {
                // What the observer panics about is its own affair; the worker goes on.
                let _ = crate::runtime::panics::contain("pool observer", || what(&**observer));
            }
        });
    }
}

/// What one worker counts. Only that worker writes, so a load and a store do.
#[derive(Default)]
pub(super) struct Stats {
    pub(super) executed: Count,
    pub(super) panicked: Count,
    pub(super) steal_attempts: Count,
    pub(super) steal_successes: Count,
    pub(super) numa_crossings: Count,
    /// Nanoseconds awake until the last sleep.
    pub(super) awake_nanos: Count,
    /// Since when awake, in nanoseconds since the pool's start; `ASLEEP` while asleep.
    pub(super) awake_since: AtomicU64,
}

/// The value of [`Stats::awake_since`] of a sleeper or of nobody.
pub(super) const ASLEEP: u64 = u64::MAX;

impl Stats {
    /// Nanoseconds awake until `now`.
    pub(super) fn awake(&self, now: u64) -> u64 {
        let since = self.awake_since.load(Ordering::Acquire);
        let current = if since == ASLEEP { 0 } else { now.saturating_sub(since) };
        self.awake_nanos.get() + current
    }

    pub(super) fn falls_asleep(&self, now: u64) {
        self.awake_nanos.add(now.saturating_sub(self.awake_since.load(Ordering::Relaxed)));
        self.awake_since.store(ASLEEP, Ordering::Release);
    }

    pub(super) fn wakes_up(&self, now: u64) {
        self.awake_since.store(now, Ordering::Release);
    }
}

/// A number with one writer and any readers.
#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    #[inline]
    pub(super) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
