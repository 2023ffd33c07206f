//! The pool as its users see it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::config::{PoolConfig, check_workers};
use super::handle::TaskHandle;
use super::metrics::{Observer, PoolMetrics};
use super::shared::Shared;
use super::task::Task;
use crate::error::{Code, Error, Result};
use crate::runtime::{Context, Priority};

/// A pool of named worker threads. Clones are the same pool; when the last one is dropped the workers finish what was
/// accepted and end, without anybody waiting for them.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: `spawn` is lock-free but for the allocation of a queue's next block, and
///   makes a system call only if it wakes a sleeper. **Waits**: `shutdown` alone. **Cleanup**: see above and `shutdown`.
///
/// ```
/// use brummer::runtime::{Priority, pool::{Pool, PoolConfig}};
/// use std::{sync::mpsc, time::Duration};
///
/// let pool = Pool::new(PoolConfig { workers: Some(2), ..PoolConfig::default() })?;
/// let (sender, receiver) = mpsc::channel();
/// pool.spawn(Priority::Normal, move || sender.send("hello").unwrap_or(()))?;
/// assert_eq!(receiver.recv(), Ok("hello"));
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), brummer::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    owner: Arc<Owner>,
}

/// Closes the pool when its last handle goes; the workers hold the rest.
struct Owner {
    shared: Arc<Shared>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Pool {
    /// Starts the workers.
    ///
    /// # Errors
    /// INVALID_STATE if the number of workers is not 1 to 48; what the system says if it refuses a thread.
    pub fn new(config: PoolConfig) -> Result<Pool> {
        Ok(Pool { owner: Arc::new(Owner { shared: Shared::new(config)? }) })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.owner.shared
    }

    /// Runs `work` some time, once, on some worker; a panic in it is contained and counted. A closure of up to three words
    /// costs no allocation. A normal task that a task of this pool spawns is that worker's next one, unless another steals it.
    ///
    /// # Errors
    /// RESOURCE_LIMIT at the bound of the queue; INVALID_STATE after `shutdown`, but not from inside of a task.
    #[inline]
    pub fn spawn(&self, priority: Priority, work: impl FnOnce() + Send + 'static) -> Result<()> {
        self.shared().push(priority, Task::new(work))
    }

    /// As [`Pool::spawn`], but behind everything else of its class, also from inside of a task: for work that comes in
    /// slices and lets others pass between them.
    ///
    /// # Errors
    /// Those of [`Pool::spawn`].
    pub fn spawn_last(&self, priority: Priority, work: impl FnOnce() + Send + 'static) -> Result<()> {
        self.shared().inject(priority, Task::new(work))
    }

    /// Runs `work` once, unless `context` ends before it begins; the handle tells how it went.
    ///
    /// # Errors
    /// Those of [`Pool::spawn`], and what [`Context::check`] says of a context that has ended already.
    pub fn submit<T: Send + 'static>(
        &self,
        context: &Context,
        priority: Priority,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<TaskHandle<T>> {
        context.check()?;
        let (handle, run) = TaskHandle::pair(self.shared(), context, work);
        self.spawn(priority, run)?;
        Ok(handle)
    }

    /// Changes the number of workers. New ones start at once; those that are too many finish the task that they run, and
    /// leave the rest to the others.
    ///
    /// # Errors
    /// Those of [`Pool::new`]; INVALID_STATE after `shutdown`.
    pub fn scale(&self, workers: usize) -> Result<()> {
        self.shared().scale(workers)
    }

    /// Changes bounds, pinning (for workers that start later) and, if it says a number, the number of workers.
    /// Name and topology are fixed at the start and left as they are.
    ///
    /// # Errors
    /// Those of [`Pool::scale`]; then nothing was changed.
    pub fn set_config(&self, config: &PoolConfig) -> Result<()> {
        let shared = self.shared();
        config.workers.map_or(Ok(0), check_workers)?;
        shared.placement.set_pin(config.pin);
        for (bound, new) in shared.bounds.iter().zip(config.bounds) {
            bound.store(new, Ordering::Relaxed);
        }
        config.workers.map_or(Ok(()), |workers| shared.scale(workers))
    }

    /// Tells `observer` from now on, instead of the one before. Without one nothing is measured that needs a clock per task.
    pub fn instrument(&self, observer: Option<Box<dyn Observer>>) {
        self.shared().observed.set(observer);
    }

    /// Refuses new tasks from outside, waits until all accepted ones (and what they spawn) have run, and joins the threads.
    /// Again is nothing, or goes on waiting.
    ///
    /// # Errors
    /// TIMEOUT with the number of tasks left, as the message says and under `left`; the workers go on with them. Always so
    /// if it is called from inside of a task, which waits for itself.
    pub fn shutdown(&self, timeout: Duration) -> Result<()> {
        let shared = self.shared();
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(u64::from(u32::MAX)));
        shared.close();
        let running = shared.wait_for_all(deadline);
        if running == 0 {
            shared.join();
            return Ok(());
        }
        let left = shared.depth().iter().sum::<usize>() + running;
        let message = format!("{left} tasks were not finished within {timeout:?}");
        Err(Error::new("pool", Code::Timeout, message).with("left", left.to_string()))
    }

    /// The numbers of this moment.
    pub fn metrics(&self) -> PoolMetrics {
        let shared = self.shared();
        let counts = &shared.counts;
        let mut metrics = PoolMetrics {
            workers: shared.alive(),
            pinned: shared.placement.pinned(),
            sleeping: shared.sleepers.look().sleepers().count_ones() as usize,
            queue_depth: shared.depth(),
            panicked: counts.panicked.load(Ordering::Relaxed),
            context_cancels: counts.context_cancels.load(Ordering::Relaxed),
            timed_out: counts.timed_out.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            ..PoolMetrics::default()
        };
        let mut window = shared.window.lock();
        let (then, awake_then) = *window;
        let now = shared.now();
        let mut awake = 0;
        for stats in shared.used().map(|slot| &slot.stats) {
            metrics.executed += stats.executed.get();
            metrics.panicked += stats.panicked.get();
            metrics.steal_attempts += stats.steal_attempts.get();
            metrics.steal_successes += stats.steal_successes.get();
            metrics.numa_crossings += stats.numa_crossings.get();
            awake += stats.awake(now);
        }
        let possible = (now - then) as f64 * metrics.workers.max(1) as f64;
        metrics.utilisation = (awake.saturating_sub(awake_then) as f64 / possible.max(1.0)).clamp(0.0, 1.0);
        *window = (now, awake.max(awake_then));
        metrics
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("name", &self.shared().name).field("workers", &self.shared().alive()).finish()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
