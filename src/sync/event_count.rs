//! `EventCount`: lets a thread sleep until a lock-free structure changes, and costs the one who changes it a fence when nobody sleeps.
//!
//! **Shape.** Any number of waiters and notifiers around a condition that lives elsewhere (a ring, a flag). One state word, and
//! a mutex with a condition variable that only sleepers and those who wake them touch.
//!
//! The state word:
//!
//! | bits | name | changed by |
//! | --- | --- | --- |
//! | 0..32 | waiters | +1 by `prepare_wait`, −1 when the ticket is gone |
//! | 32..64 | epoch | +1 by a notifier that saw waiters, under the mutex |
//!
//! The protocol of a waiter: check the condition; `prepare_wait`; check **again**; then `commit_wait`, or `cancel_wait` if it has come true.
//! Then from the top: a return from `commit_wait` is a hint, not a promise that the condition holds.
//! The protocol of a notifier: make the condition true; `notify_one` or `notify_all`.
//!
//! **Invariants.**
//! - I1: of a waiter's announcement and a notifier's change, at least one is seen by the other (the two fences).
//! - I2: a waiter sleeps only while the epoch is that of its ticket.
//! - I3: the epoch grows and the wake-up is sent under one hold of the mutex: a waiter with a newer ticket cannot take the
//!   wake-up that was meant for an older one.
//!
//! Why no wake-up is lost: take the order of the two `SeqCst` fences. If the notifier's comes first, the waiter's second check sees
//! the change. If the waiter's comes first, the notifier sees it counted, and moves the epoch; the waiter finds the epoch moved
//! before it sleeps, or is asleep on the condition variable, which it entered under the mutex, and is woken.
//!
//! **Ordering.**
//!
//! | site | ordering | pairs with | if weaker |
//! | --- | --- | --- | --- |
//! | waiter counted, then `fence` | Relaxed, SeqCst | the notifier's fence | both miss each other: sleeps for ever |
//! | notifier's `fence`, then load | SeqCst, Relaxed | the waiter's fence | the same |
//! | epoch grows | Release | the waiter's load | woken without seeing the change |
//! | epoch read without the mutex | Acquire | the growth | the same |
//!
//! **Progress.** `prepare_wait` and `cancel_wait` are wait-free, `notify_*` too when nobody waits; else a notifier takes a mutex that is held
//! for a few instructions. `commit_wait` blocks until it is notified.
//!
//! **Limits.** 2^32 − 1 waiters; a waiter that holds its ticket through exactly 2^32 notifications sleeps through them.
//! `notify_one` wakes at least one of those asleep, at times more.
//!
//! **Checked by** `loom-tests/tests/event_count.rs`, the tests below, Miri, and `examples/stress.rs` under ThreadSanitizer.
//!
//! **Source.** Dmitry Vyukov's eventcount (2008), and folly's `EventCount`.

use std::time::Instant;

use super::shim::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use super::shim::atomic::{AtomicU64, fence};
use super::shim::{Condvar, Mutex, MutexGuard, planted};

const WAITER: u64 = 1;
const WAITERS: u64 = u32::MAX as u64;
const EPOCH: u64 = 1 << 32;

/// Where threads wait for a condition that others make true without a lock.
///
/// - **Thread safety:** any number of waiters and notifiers.
/// - **Progress:** notifying is wait-free while nobody waits.
/// - **Waits:** `commit_wait` until notified, `commit_wait_until` at most until its deadline.
/// - **Cleanup:** a dropped [`Ticket`] is a cancelled wait.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use brummer::sync::EventCount;
///
/// let ready = Arc::new((AtomicBool::new(false), EventCount::new()));
/// let setter = std::thread::spawn({
///     let ready = Arc::clone(&ready);
///     move || {
///         ready.0.store(true, Ordering::Release);
///         ready.1.notify_all();
///     }
/// });
/// let (flag, changed) = &*ready;
/// while !flag.load(Ordering::Acquire) {
///     let ticket = changed.prepare_wait();
///     if flag.load(Ordering::Acquire) {
///         changed.cancel_wait(ticket);
///     } else {
///         changed.commit_wait(ticket);
///     }
/// }
/// setter.join().unwrap();
/// ```
#[derive(Debug)]
pub struct EventCount {
    state: AtomicU64,
    gate: Mutex<()>,
    moved: Condvar,
}

/// A waiter that is announced and may still change its mind. While it lives, notifiers do the full work.
#[derive(Debug)]
#[must_use = "check the condition once more, then commit or cancel"]
pub struct Ticket<'a> {
    count: &'a EventCount,
    epoch: u64,
}

impl EventCount {
    /// An event count that nobody waits on.
    pub fn new() -> Self {
        Self { state: AtomicU64::new(0), gate: Mutex::new(()), moved: Condvar::new() }
    }

    /// Announces a wait. Check the condition again before committing.
    pub fn prepare_wait(&self) -> Ticket<'_> {
        let before = self.state.fetch_add(WAITER, Relaxed);
        if !planted("event count: no fence") {
            fence(SeqCst);
        }
        Ticket { count: self, epoch: before / EPOCH }
    }

    /// Takes the announcement back: the condition came true.
    pub fn cancel_wait(&self, ticket: Ticket<'_>) {
        drop(ticket);
    }

    /// Sleeps until a notification that came after the ticket; returns at once if there was one.
    pub fn commit_wait(&self, ticket: Ticket<'_>) {
        if self.has_moved(&ticket) {
            return;
        }
        let mut gate = self.lock();
        while !self.has_moved(&ticket) {
            gate = self.moved.wait(gate).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    /// Sleeps like [`EventCount::commit_wait`], at most until `deadline`; answers whether a notification came.
    pub fn commit_wait_until(&self, ticket: Ticket<'_>, deadline: Instant) -> bool {
        if self.has_moved(&ticket) {
            return true;
        }
        let mut gate = self.lock();
        while !self.has_moved(&ticket) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            gate = self.moved.wait_timeout(gate, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        true
    }

    /// Wakes at least one waiter, if there are any. Call it after the condition was made true.
    #[inline]
    pub fn notify_one(&self) {
        if self.somebody_waits() {
            self.wake(Condvar::notify_one);
        }
    }

    /// Wakes every waiter, if there are any. Call it after the condition was made true.
    #[inline]
    pub fn notify_all(&self) {
        if self.somebody_waits() {
            self.wake(Condvar::notify_all);
        }
    }

    /// Whether somebody waits, at a glance: a waiter that has just come may be missed, so this is no reason not to notify.
    #[inline]
    pub fn has_waiters(&self) -> bool {
        self.state.load(Relaxed) & WAITERS != 0
    }

    #[inline]
    fn somebody_waits(&self) -> bool {
        fence(SeqCst);
        self.has_waiters()
    }

    #[cold]
    fn wake(&self, notify: fn(&Condvar)) {
        let gate = self.lock();
        self.state.fetch_add(EPOCH, Release);
        notify(&self.moved);
        drop(gate);
    }

    fn has_moved(&self, ticket: &Ticket<'_>) -> bool {
        debug_assert!(std::ptr::eq(self, ticket.count), "the ticket is of another event count");
        self.state.load(Acquire) / EPOCH != ticket.epoch
    }

    /// The mutex guards no data, so that a panic of its holder spoils nothing.
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Default for EventCount {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.count.state.fetch_sub(WAITER, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn sy11_a_ticket_answers_what_a_plain_flag_answers(steps in proptest::collection::vec((0..4_u8, any::<prop::sample::Index>()), 0..48)) {
            let event = EventCount::new();
            let mut waits: Vec<(Ticket<'_>, bool)> = Vec::new();
            for (step, which) in steps {
                match step {
                    0 => waits.push((event.prepare_wait(), false)),
                    1 => {
                        event.notify_all();
                        waits.iter_mut().for_each(|(_, notified)| *notified = true);
                    }
                    _ if waits.is_empty() => prop_assert!(!event.has_waiters()),
                    2 => {
                        let (ticket, notified) = waits.swap_remove(which.index(waits.len()));
                        prop_assert_eq!(event.commit_wait_until(ticket, Instant::now()), notified);
                    }
                    _ => event.cancel_wait(waits.swap_remove(which.index(waits.len())).0),
                }
                prop_assert_eq!(event.has_waiters(), !waits.is_empty());
            }
        }
    }

    /// Far enough for any machine; a test that gets there has failed.
    const LONG: Duration = Duration::from_secs(60);

    fn wait_for(event: &EventCount, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + LONG;
        while !holds() {
            let ticket = event.prepare_wait();
            if holds() {
                return event.cancel_wait(ticket);
            }
            assert!(event.commit_wait_until(ticket, deadline), "a wake-up was lost");
        }
    }

    #[test]
    fn sy11_two_threads_hand_a_token_back_and_forth() {
        let (turn, event) = (AtomicU64::new(0), EventCount::new());
        let play = |mine: u64| {
            for _ in 0..rounds(5_000) {
                wait_for(&event, || turn.load(Acquire) % 2 == mine);
                turn.fetch_add(1, Release);
                event.notify_one();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| play(0));
            scope.spawn(|| play(1));
        });
        assert_eq!(turn.load(Relaxed), 2 * rounds(5_000));
    }

    #[test]
    fn sy11_every_item_finds_a_waiter() {
        let (items, event) = (AtomicU64::new(0), EventCount::new());
        let take = || items.fetch_update(Acquire, Relaxed, |items| items.checked_sub(1)).is_ok();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..rounds(1_000)).for_each(|_| wait_for(&event, take)));
            }
            for _ in 0..3 * rounds(1_000) {
                items.fetch_add(1, Release);
                event.notify_one();
            }
        });
        assert_eq!(items.load(Relaxed), 0);
    }

    #[test]
    fn a_wait_ends_at_its_deadline_and_leaves_nobody_counted() {
        let event = EventCount::new();
        assert!(!event.commit_wait_until(event.prepare_wait(), Instant::now()));
        assert!(!event.commit_wait_until(event.prepare_wait(), Instant::now() + Duration::from_millis(2)));
        drop(event.prepare_wait());
        assert_eq!(event.state.load(Relaxed) & WAITERS, 0);
    }

    #[test]
    fn a_notification_between_ticket_and_commit_is_not_slept_through() {
        let event = EventCount::new();
        let ticket = event.prepare_wait();
        event.notify_all();
        event.commit_wait(ticket);
    }
}
