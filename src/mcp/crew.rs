//! Threads for work that waits on other programs: made when needed, used again, gone when idle, and never more than a bound.
//!
//! The pool's workers must not be held up by a server that does not answer, so calls of such servers have threads of their own. Work
//! has an owner, and one owner can fill its own share only: a slow instance never delays another.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use crate::error::{Code, Error, Result};

/// An idle thread goes after this time.
const IDLE_LIMIT: Duration = Duration::from_secs(20);
/// Most threads at once.
const THREADS_MAX: usize = 192;
/// Most of them for one owner.
const SHARE_MAX: usize = 24;
/// What runs on them is shallow.
const STACK_BYTES: usize = 512 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// Runs work that may block, for owners that do not get in each other's way.
///
/// - **Thread safety**: `Send + Sync`; clones are the same crew. **Progress**: `run` blocks on a short lock, and at most for the making
///   of a thread. **Waits**: none. **Cleanup**: idle threads end by themselves, at once when the last clone is gone.
#[derive(Clone, Debug)]
pub(crate) struct Crew {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// A rendezvous: a job is taken only by a thread that waits for one.
    hand_over: Sender<Job>,
    waiting: Receiver<Job>,
    busy: Arc<Mutex<HashMap<Arc<str>, usize>>>,
}

impl Crew {
    pub(crate) fn new() -> Crew {
        let (hand_over, waiting) = bounded(0);
        Crew { shared: Arc::new(Shared { hand_over, waiting, busy: Arc::default() }) }
    }

    /// Has a thread do it now.
    ///
    /// # Errors
    /// RESOURCE_LIMIT: this owner has its whole share at work, or all have theirs; nothing was done.
    pub(crate) fn run(&self, owner: &Arc<str>, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let place = self.place(owner)?;
        let job: Job = Box::new(move || {
            // A panic was reported by the hook; the thread goes on, and the place is given back either way.
            let _place = place;
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        });
        let Err(refused) = self.shared.hand_over.try_send(job) else { return Ok(()) };
        let (job, waiting) = (refused.into_inner(), self.shared.waiting.clone());
        let thread = std::thread::Builder::new().name("brummer-mcp-call".to_owned()).stack_size(STACK_BYTES);
        let spawned = thread.spawn(move || {
            job();
            while let Ok(job) = waiting.recv_timeout(IDLE_LIMIT) {
                job();
            }
        });
        spawned.map(drop).map_err(|error| Error::io("mcp", "start a thread for a call", error))
    }

    fn place(&self, owner: &Arc<str>) -> Result<Place> {
        let mut busy = self.shared.busy.lock();
        let all: usize = busy.values().sum();
        let own = busy.get(owner).copied().unwrap_or_default();
        if own >= SHARE_MAX || all >= THREADS_MAX {
            let message =
                format!("{own} calls of {owner} are under way, which is the most; wait for one, or cancel one");
            return Err(Error::new("mcp", Code::ResourceLimit, message));
        }
        busy.insert(Arc::clone(owner), own + 1);
        Ok(Place { owner: Arc::clone(owner), busy: Arc::clone(&self.shared.busy) })
    }
}

/// One of an owner's share.
struct Place {
    owner: Arc<str>,
    busy: Arc<Mutex<HashMap<Arc<str>, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut busy = self.busy.lock();
        match busy.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(busy.remove(&self.owner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn one_owner_at_its_share_is_refused_and_another_is_not() {
        let crew = Crew::new();
        let (slow, quick): (Arc<str>, Arc<str>) = ("slow".into(), "quick".into());
        let (release, held) = bounded::<()>(0);
        for _ in 0..SHARE_MAX {
            let held = held.clone();
            crew.run(&slow, move || assert!(held.recv().is_err())).unwrap();
        }
        let error = crew.run(&slow, || ()).unwrap_err();
        assert_eq!(error.code(), Code::ResourceLimit);
        let (done, wait) = mpsc::channel();
        crew.run(&quick, move || done.send(()).unwrap()).unwrap();
        wait.recv_timeout(Duration::from_secs(60)).unwrap();
        drop(release);
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while crew.run(&slow, || panic!("contained")).is_err() {
            assert!(std::time::Instant::now() < end);
            std::thread::yield_now();
        }
        while !crew.shared.busy.lock().is_empty() {
            assert!(std::time::Instant::now() < end, "a place of work that panicked is given back");
            std::thread::yield_now();
        }
    }
}
