//! The lane's two hand-overs: who drains it after a push, and who wakes the publishers that wait for room.
//!
//! **Shape**: any number of publishers; at most one drain at a time. The queues stand elsewhere; this is a flag and a place to
//! sleep. A publisher pushes, then asks [`Drains::pushed`]; the drain finds nothing more, then asks [`Drains::rest`].
//!
//! **Invariants**
//! - I1: `scheduled` is set by exactly one thread per drain, which has the lane drained; only the drain clears it.
//! - I2: an event in a queue, with `scheduled` clear, has a publisher that has pushed and not yet looked at `scheduled`.
//! - I3: a publisher sleeps only after a push that failed behind its announcement, and the drain looks for sleepers after it
//!   made room: of the two, at least one sees the other.
//!
//! **Ordering**
//!
//! | site | ordering | pairs with | what breaks if weaker |
//! |---|---|---|---|
//! | `pushed` | `fence(SeqCst)` between the push and the load | the fence of `rest` | both miss each other: the event lies until the next |
//! | `rest` | swap, `fence(SeqCst)`, then a look at the queues | the fence of `pushed` | the same |
//! | `scheduled` cleared, set | Release, Acquire | each other | a drain does not see what the one before has done |
//! | `rest` goes on | `fence(Release)` after the flag is set again | the queues' Acquire loads in `is_quiet` | `is_quiet` sees an event taken, and the flag from before: "handled" while it is being handled |
//! | room | the fences of `EventCount` | each other | a publisher sleeps beside a free slot |
//!
//! **Progress**: `pushed`, `rest` and `is_quiet` are wait-free but for the looks they are given; [`Room::wait`] blocks until its deadline at most.
//! **Limits**: the drain wakes sleepers only when half of the queue is free or it was slow, so that one wake-up serves many.
//! **Checked by**: `loom-tests/tests/events.rs`, with three planted mutations.

use std::time::Instant;

use crate::sync::shim::atomic::{AtomicBool, Ordering, fence};
use crate::sync::shim::planted;
use crate::sync::{EventCount, Full};

/// Whether a lane has a drain. On two cache lines of its own, as publishers ask after each push.
#[repr(align(128))]
pub(super) struct Drains {
    scheduled: AtomicBool,
}

impl Drains {
    pub(super) fn new() -> Drains {
        Drains { scheduled: AtomicBool::new(false) }
    }

    /// After a push: true if the caller is to have the lane drained.
    #[inline]
    pub(super) fn pushed(&self) -> bool {
        fence(Ordering::SeqCst);
        !self.scheduled.load(Ordering::Relaxed) && !self.scheduled.swap(true, Ordering::AcqRel)
    }

    /// The drain found nothing more: true if it may end, false if it goes on after all.
    pub(super) fn rest(&self, is_empty: impl FnOnce() -> bool) -> bool {
        // A swap and not a store: the flag's changes are then one chain, which models can follow.
        self.scheduled.swap(false, Ordering::AcqRel);
        if !planted("lane: no fence before the last look") {
            fence(Ordering::SeqCst);
        }
        if is_empty() || self.scheduled.swap(true, Ordering::AcqRel) {
            return true;
        }
        if !planted("lane: goes on without a fence") {
            fence(Ordering::Release);
        }
        false
    }

    /// Whether nothing waits and nothing is being handled. `is_empty` looks with acquire loads.
    pub(super) fn is_quiet(&self, is_empty: impl FnOnce() -> bool) -> bool {
        // In this order: whoever sees that an event was taken sees the flag of the drain that took it, or of a later one.
        is_empty() && !self.scheduled.load(Ordering::Acquire)
    }

    /// Whether there was no drain from before `is_empty` was asked until after.
    pub(super) fn is_idle(&self, is_empty: impl FnOnce() -> bool) -> bool {
        !self.scheduled.load(Ordering::Acquire) && self.is_quiet(is_empty)
    }
}

/// Where publishers wait until a queue has room.
#[derive(Default)]
pub(super) struct Room {
    freed: EventCount,
}

impl Room {
    /// Repeats `push`, asleep until there is room in between; one last try at the deadline.
    pub(super) fn wait<T>(
        &self,
        deadline: Instant,
        mut value: T,
        push: impl Fn(T) -> Result<(), Full<T>>,
    ) -> Result<(), Full<T>> {
        loop {
            let ticket = self.freed.prepare_wait();
            if !planted("lane: sleeps without a last try") {
                match push(value) {
                    Ok(()) => return Ok(()),
                    Err(Full(back)) => value = back,
                }
            }
            if !self.freed.commit_wait_until(ticket, deadline) {
                return push(value);
            }
            if planted("lane: sleeps without a last try") {
                match push(value) {
                    Ok(()) => return Ok(()),
                    Err(Full(back)) => value = back,
                }
            }
        }
    }

    /// Whether a publisher waits, at a glance.
    #[inline]
    pub(super) fn is_wanted(&self) -> bool {
        self.freed.has_waiters()
    }

    /// The drain took some events and `left` of `capacity` still wait: wakes who waits for room, if it is worth it.
    pub(super) fn freed(&self, was_slow: bool, left: usize, capacity: usize) {
        if was_slow || left <= capacity / 2 {
            self.freed.notify_all();
        }
    }
}
