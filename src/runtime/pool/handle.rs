//! The handle of a submitted task: its id, its deadline, and its result once there is one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::shared::Shared;
use crate::error::{Code, Error, Result};
use crate::runtime::Context;
use crate::runtime::panics::contain;

/// What is known of a submitted task from outside.
///
/// - **Thread safety**: `Send + Sync`; the result is handed out once. **Progress**: `wait` blocks, everything else is short.
///   **Waits**: until the task has ended, or the waiting context has. **Cleanup**: dropping it does not stop the task; the
///   context does.
///
/// ```
/// use brummer::runtime::{Context, Priority, pool::{Pool, PoolConfig}};
///
/// let pool = Pool::new(PoolConfig::default())?;
/// let context = Context::background();
/// let handle = pool.submit(&context, Priority::Normal, || 6 * 7)?;
/// assert_eq!(handle.wait(&context)?, 42);
/// # Ok::<(), brummer::error::Error>(())
/// ```
pub struct TaskHandle<T> {
    id: u64,
    deadline: Option<Instant>,
    outcome: Arc<Outcome<T>>,
}

struct Outcome<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

enum State<T> {
    Waiting,
    Done(Result<T>),
    Taken,
}

impl<T> Outcome<T> {
    fn set(&self, result: Result<T>) {
        *self.state.lock() = State::Done(result);
        self.ready.notify_all();
    }
}

impl<T: Send + 'static> TaskHandle<T> {
    /// A handle, and the closure that runs the work and tells the handle.
    pub(super) fn pair(
        shared: &Arc<Shared>,
        context: &Context,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> (TaskHandle<T>, impl FnOnce() + Send + 'static) {
        let id = shared.counts.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        let outcome = Arc::new(Outcome { state: Mutex::new(State::Waiting), ready: Condvar::new() });
        let handle = TaskHandle { id, deadline: context.deadline(), outcome: Arc::clone(&outcome) };
        let (shared, context) = (Arc::clone(shared), context.clone());
        (handle, move || outcome.set(run(&shared, &context, id, work)))
    }

    /// The number of the task, from 1 up, unique in its pool.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// By when it must be done: the deadline of the context that it was submitted with.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether there is a result.
    pub fn is_done(&self) -> bool {
        !matches!(*self.outcome.state.lock(), State::Waiting)
    }

    /// Waits for the result, at most as long as `context` lasts.
    ///
    /// # Errors
    /// CONCURRENCY if the task panicked or its context was cancelled before it began, TIMEOUT if it did not end by its
    /// deadline, INVALID_STATE if the result was taken already; and what [`Context::check`] says of `context`, after which
    /// the task goes on and can be waited for again.
    pub fn wait(&self, context: &Context) -> Result<T> {
        if let Some(result) = self.take(&mut self.outcome.state.lock()) {
            return result;
        }
        let outcome = Arc::clone(&self.outcome);
        let _guard = context.on_cancel(move || {
            drop(outcome.state.lock());
            outcome.ready.notify_all();
        });
        let mut state = self.outcome.state.lock();
        loop {
            if let Some(result) = self.take(&mut state) {
                return result;
            }
            context.check()?;
            match context.deadline() {
                Some(deadline) => drop(self.outcome.ready.wait_until(&mut state, deadline)),
                None => self.outcome.ready.wait(&mut state),
            }
        }
    }

    fn take(&self, state: &mut State<T>) -> Option<Result<T>> {
        match std::mem::replace(state, State::Taken) {
            State::Done(result) => Some(result),
            State::Taken => {
                let message = format!("the result of task {} was taken already", self.id);
                Some(Err(Error::new("pool", Code::InvalidState, message)))
            }
            State::Waiting => {
                *state = State::Waiting;
                None
            }
        }
    }
}

/// Runs a submitted task unless its context has ended, and says how it went.
fn run<T>(shared: &Shared, context: &Context, id: u64, work: impl FnOnce() -> T) -> Result<T> {
    let name_it = |error: Error| error.with("task", id.to_string());
    if let Err(error) = context.check() {
        let counts = &shared.counts;
        let count = if error.is_timeout() { &counts.timed_out } else { &counts.context_cancels };
        count.fetch_add(1, Ordering::Relaxed);
        return Err(name_it(error));
    }
    let value = contain(&shared.name, work).map_err(|report| {
        shared.counts.panicked.fetch_add(1, Ordering::Relaxed);
        name_it(report.into_error("pool"))
    })?;
    if context.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
        shared.counts.timed_out.fetch_add(1, Ordering::Relaxed);
        return Err(name_it(Error::new("pool", Code::Timeout, "the task ended after its deadline")));
    }
    Ok(value)
}
