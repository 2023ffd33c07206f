//! Which workers sleep, how many search, and why no push is ever left lying beside a sleeper.
//!
//! **Shape**: one word for a whole pool of at most [`WORKERS_MAX`] workers: a bit per sleeper, the number of searchers, a
//! closed bit. Pushers (any thread) read it after a push; workers change it when they search, sleep and find.
//!
//! ```text
//!  63      62..56   55..48          47..0
//!  closed  unused   searchers       one bit per sleeping worker
//! ```
//!
//! | who | may change |
//! |---|---|
//! | a worker, for itself | searchers ± 1; sets its own bit; clears it again if its last look found work |
//! | a waker | clears one sleeper's bit and adds a searcher, in one step, only while nobody searches |
//! | closing | sets the closed bit, once; clears all sleepers' bits and counts them as searchers |
//!
//! **Invariants**
//! - I1: the bit of a worker is set only by itself, and it parks only while the bit is set; so a stale unpark does no harm.
//! - I2: whoever clears the bit counts the worker as a searcher in the same step; so two pushers never wake the same one.
//! - I3: a worker that was counted as a searcher takes itself off the count exactly once: when it finds work or sleeps.
//! - I4: after each push there is a searcher that will look again, a worker just woken, or no sleeper at all.
//!
//! **Ordering**
//!
//! | site | ordering | pairs with | what breaks if weaker |
//! |---|---|---|---|
//! | `after_push` | `fence(SeqCst)` between the push and the load | the fence of `sleep` and `found` | pusher sees no sleeper, sleeper sees no push: lost wake-up |
//! | `sleep` | RMW, `fence(SeqCst)`, then the last look | the fence of `after_push` | the same |
//! | `found`, last searcher | RMW, `fence(SeqCst)`, then a look | the fence of `after_push` | a push during the search wakes nobody |
//! | `wake_one`, `sleep`'s wait | `AcqRel` RMW, `Acquire` load | each other | the woken one may not see the waker's push |
//!
//! **Progress**: all but `sleep` are lock-free (a CAS retries only when another changed the word); `sleep` blocks until woken.
//! **Limits**: 48 workers. Wakes at most one worker a push; the one that was woken wakes the next if there is more.
//! **Checked by**: `loom-tests/tests/sleep.rs`, with the planted mutation `sleep: no fence before the last look`.
//! **Source**: the searching count is that of the Go scheduler and tokio; the last look is rayon's.

use crate::sync::shim::atomic::{AtomicU64, Ordering, fence};
use crate::sync::shim::planted;

/// The most workers that one word holds.
pub(crate) const WORKERS_MAX: usize = 48;

const SEARCHER: u64 = 1 << WORKERS_MAX;
const SEARCHERS: u64 = 0xFF << WORKERS_MAX;
const SLEEPERS: u64 = SEARCHER - 1;
const CLOSED: u64 = 1 << 63;

/// The word. It has a cache line of its own (two, for the prefetcher).
#[repr(align(128))]
pub(crate) struct Sleepers {
    word: AtomicU64,
}

/// What a pusher or a worker reads off the word.
#[derive(Clone, Copy)]
pub(crate) struct Seen(u64);

impl Seen {
    /// Somebody sleeps and nobody searches: the caller is to call [`Sleepers::wake_one`].
    #[inline]
    pub(crate) fn wants_wake(self) -> bool {
        self.0 & SLEEPERS != 0 && self.0 & SEARCHERS == 0
    }

    /// [`Sleepers::close`] was called.
    #[inline]
    pub(crate) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// The sleepers, one bit each.
    #[inline]
    pub(crate) fn sleepers(self) -> u64 {
        self.0 & SLEEPERS
    }
}

impl Sleepers {
    /// Nobody sleeps, nobody searches, not closed.
    pub(crate) fn new() -> Sleepers {
        Sleepers { word: AtomicU64::new(0) }
    }

    /// A plain look, ordered with nothing.
    #[inline]
    pub(crate) fn look(&self) -> Seen {
        Seen(self.word.load(Ordering::Acquire))
    }

    /// To be called after each push, whatever the queue.
    #[inline]
    pub(crate) fn after_push(&self) -> Seen {
        fence(Ordering::SeqCst);
        Seen(self.word.load(Ordering::Relaxed))
    }

    /// Takes one sleeper off, as `choose` picks from the set, and counts it as a searcher; the caller must unpark it.
    /// `None` if nobody sleeps or somebody already searches.
    pub(crate) fn wake_one(&self, mut choose: impl FnMut(u64) -> usize) -> Option<usize> {
        let mut seen = self.word.load(Ordering::Relaxed);
        while Seen(seen).wants_wake() {
            let worker = choose(seen & SLEEPERS);
            let taken = (seen & !(1 << worker)) + SEARCHER;
            match self.word.compare_exchange(seen, taken, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(worker),
                Err(now) => seen = now,
            }
        }
        None
    }

    /// Takes this very sleeper off, as [`Sleepers::wake_one`] does; false if it does not sleep.
    pub(crate) fn wake(&self, worker: usize) -> bool {
        let bit: u64 = 1 << worker;
        let mut seen = self.word.load(Ordering::Relaxed);
        while seen & bit != 0 {
            match self.word.compare_exchange(seen, seen - bit + SEARCHER, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Counts the caller as a searcher, unless there is one.
    pub(crate) fn try_search(&self) -> bool {
        let seen = self.word.load(Ordering::Relaxed);
        seen & SEARCHERS == 0
            && self.word.compare_exchange(seen, seen + SEARCHER, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// A searcher found work, or leaves. True if it was the last one and `more` work is there: then the caller wakes one.
    pub(crate) fn found(&self, more: impl FnOnce() -> bool) -> bool {
        let before = self.word.fetch_sub(SEARCHER, Ordering::AcqRel);
        if before & SEARCHERS != SEARCHER {
            return false;
        }
        fence(Ordering::SeqCst);
        more()
    }

    /// The last look of a worker that is about to leave because the pool was closed; ordered like that of `sleep`.
    pub(crate) fn last_look(&self, look: impl FnOnce() -> bool) -> bool {
        fence(Ordering::SeqCst);
        look()
    }

    /// Sleeps until woken, or not at all if `stay_awake` says so at the last look. `searching` tells whether the caller is
    /// counted as a searcher; when it returns, it is. `park` may return early at any time.
    pub(crate) fn sleep(
        &self,
        worker: usize,
        searching: bool,
        stay_awake: impl FnOnce() -> bool,
        mut park: impl FnMut(),
    ) {
        let bit: u64 = 1 << worker;
        let change = if searching { bit.wrapping_sub(SEARCHER) } else { bit };
        self.word.fetch_add(change, Ordering::AcqRel);
        if !planted("sleep: no fence before the last look") {
            fence(Ordering::SeqCst);
        }
        if stay_awake() {
            // If a waker was faster, it has counted this worker already (I2).
            self.wake(worker);
            return;
        }
        while self.word.load(Ordering::Acquire) & bit != 0 {
            park();
        }
    }

    /// Marks the pool as closed. A pusher whose push no worker may see any more sees the mark after its push.
    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }
}
