//! `Ring`: a bounded queue for any number of producers and consumers, which can also overwrite its oldest value.
//!
//! **Shape.** Any number of threads push and pop; first in, first out. The capacity is fixed. At the bound `push` gives
//! the value back, and `force_push` evicts the oldest one in its favour.
//!
//! A position (`head`: next to read, `tail`: next to write) is a lap number above an index; each slot has a stamp:
//!
//! | stamp of the slot at position `p` | means | who moves it on |
//! | --- | --- | --- |
//! | `p` | free for the push that claims `p` | that push, to `p + 1`, when the value is in |
//! | `p + 1` | holds the value of position `p` | the pop that claims `p`, to `p + lap`, when the value is out |
//!
//! A slot keeps its stamp less its index, so that a new ring is all zeros: its memory is not touched before it is used.
//!
//! **Invariants.**
//! - I1: each position is claimed by one push (compare-and-swap of `tail`) and by one pop (compare-and-swap of `head`).
//! - I2: a slot's value is touched only by the one who claimed its position and saw the stamp that is his turn.
//! - I3: the stamp moves on after the value has been moved in or out.
//! - I4: no code of a caller runs between a claim and its stamp: what is claimed is always handed over.
//!
//! **Ordering.**
//!
//! | site | ordering | pairs with | if weaker |
//! | --- | --- | --- | --- |
//! | stamp, load | Acquire | the stamp's store of the turn before | a value is read before it is written, or written over while it is read |
//! | stamp, store | Release | the load above | the same |
//! | `head`, `tail`, compare-and-swap | Relaxed | – | claims only; each hand-over goes through a stamp |
//! | `tail`, store in `force_push` | Relaxed | – | `tail` cannot move meanwhile: the slot in its way has no free stamp |
//!
//! A pusher that sleeps until there is room, or a popper that sleeps until there is a value, has to put its own
//! `fence(SeqCst)` between its announcement and its last look, as `EventCount` does.
//!
//! **Progress.** Lock-free while nobody is suspended between a claim and its stamp (a move of `T`); if somebody is, those
//! who need that very slot spin a little and then yield. `len` is wait-free.
//!
//! **Limits.** At least one slot. Positions wrap after 2^64 laps and indices together (2^32 on 32-bit machines).
//!
//! **Checked by** `loom-tests/tests/ring.rs` (two producers, two consumers, a full and a wrapped
//! ring, overwriting, batches, the planted early stamp), the property test against `VecDeque` below, Miri.
//!
//! **Source.** Dmitry Vyukov, "Bounded MPMC queue", 1024cores.net; the laps, and overwriting, as in crossbeam's `ArrayQueue`.

use std::fmt;
use std::mem::MaybeUninit;

use super::shim::atomic::AtomicUsize;
use super::shim::atomic::Ordering::{Acquire, Relaxed, Release};
use super::shim::{UnsafeCell, Zeroed, hint, planted, thread, zeroed};

/// The queue was full: the value that was not pushed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is full")
    }
}

impl<T> std::error::Error for Full<T> {}

/// A word of its own on two cache lines, which processors fetch in pairs.
#[repr(align(128))]
struct Padded<T>(T);

struct Slot<T> {
    /// The stamp less the slot's index.
    stamp: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A bounded queue of many producers and many consumers. See the module for its invariants.
///
/// - **Thread safety:** `Send + Sync` for every `T: Send`.
/// - **Progress:** lock-free, but for a slot whose owner is suspended in the middle of a move.
/// - **Waits:** spins shortly and yields, only in that case; never parks.
/// - **Cleanup:** dropping it drops what it holds.
///
/// ```
/// use brummer::sync::ring::{Full, Ring};
///
/// let ring = Ring::new(2);
/// assert_eq!(ring.push('a'), Ok(()));
/// assert_eq!(ring.push('b'), Ok(()));
/// assert_eq!(ring.push('c'), Err(Full('c')));
/// assert_eq!(ring.force_push('c'), Some('a'));
/// assert_eq!((ring.pop(), ring.pop(), ring.pop()), (Some('b'), Some('c'), None));
/// ```
pub struct Ring<T> {
    /// Next position to read.
    head: Padded<AtomicUsize>,
    /// Next position to write.
    tail: Padded<AtomicUsize>,
    slots: Zeroed<Slot<T>>,
    /// What a position grows by from one lap to the next: a power of two above the greatest index.
    lap: usize,
}

// SAFETY: a value is moved in by one thread and out by one thread (I1, I2), never shared: `T: Send` is enough.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    /// An empty ring for `capacity` values; for one if that is 0.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let slot = || Slot { stamp: AtomicUsize::new(0), value: UnsafeCell::new(MaybeUninit::uninit()) };
        Self {
            head: Padded(AtomicUsize::new(0)),
            tail: Padded(AtomicUsize::new(0)),
            // SAFETY: a slot of zeros is a stamp that is 0, and a value that is not there.
            slots: unsafe { zeroed(capacity, slot) },
            lap: (capacity + 1).next_power_of_two(),
        }
    }

    /// How many values fit.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many values there are: exact while nobody pushes or pops, else the length of some moment nearby.
    #[inline]
    pub fn len(&self) -> usize {
        let head = self.head.0.load(Acquire);
        self.distance(head, self.tail.0.load(Acquire)).min(self.capacity())
    }

    /// Whether there is no value, with the caution of [`len`](Self::len).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a value behind the others.
    ///
    /// # Errors
    /// [`Full`] gives the value back when the capacity is reached.
    #[inline]
    pub fn push(&self, value: T) -> Result<(), Full<T>> {
        let mut wait = Wait::default();
        let mut tail = self.tail.0.load(Relaxed);
        loop {
            match self.claim_tail(tail) {
                Claim::Won => {
                    self.fill(tail, value);
                    return Ok(());
                }
                Claim::OutOfRoom if self.head.0.load(Relaxed).wrapping_add(self.lap) == tail => {
                    return Err(Full(value));
                }
                Claim::OutOfRoom | Claim::Lost => wait.shortly(),
                Claim::NotYet => wait.longer(),
            }
            tail = self.tail.0.load(Relaxed);
        }
    }

    /// Puts a value behind the others if there are fewer than `limit`, which may be below the capacity.
    pub(super) fn push_within(&self, value: T, limit: usize) -> Result<(), Full<T>> {
        let mut wait = Wait::default();
        loop {
            let tail = self.tail.0.load(Acquire);
            // `head` only grows, so the claim of this very `tail` holds the limit. An old `tail` makes this too small,
            // and the claim fails.
            if self.distance(self.head.0.load(Acquire), tail) >= limit.min(self.capacity()) {
                return Err(Full(value));
            }
            match self.claim_tail(tail) {
                Claim::Won => {
                    self.fill(tail, value);
                    return Ok(());
                }
                Claim::OutOfRoom | Claim::Lost => wait.shortly(),
                Claim::NotYet => wait.longer(),
            }
        }
    }

    /// Puts a value behind the others and, if there was no room, takes the oldest one out for it.
    pub fn force_push(&self, value: T) -> Option<T> {
        let mut wait = Wait::default();
        loop {
            let tail = self.tail.0.load(Relaxed);
            match self.claim_tail(tail) {
                Claim::Won => {
                    self.fill(tail, value);
                    return None;
                }
                Claim::OutOfRoom => {
                    // The slot holds the oldest value if `head` is exactly one lap behind: claim both positions at once.
                    let head = tail.wrapping_sub(self.lap);
                    if self.head.0.compare_exchange_weak(head, self.next(head), Relaxed, Relaxed).is_ok() {
                        self.tail.0.store(self.next(tail), Relaxed);
                        // SAFETY: the pop of `head` is claimed by the exchange, and its stamp was seen (I1, I2).
                        let oldest = unsafe { self.value(head) };
                        self.fill(tail, value);
                        return Some(oldest);
                    }
                    wait.shortly();
                }
                Claim::Lost => wait.shortly(),
                Claim::NotYet => wait.longer(),
            }
        }
    }

    /// Takes the oldest value.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let mut wait = Wait::default();
        loop {
            let head = self.head.0.load(Relaxed);
            let stamp = self.stamp(head);
            if stamp == head.wrapping_add(1) {
                if self.head.0.compare_exchange_weak(head, self.next(head), Relaxed, Relaxed).is_ok() {
                    return Some(self.take(head));
                }
                wait.shortly();
            } else if stamp == head {
                if self.tail.0.load(Relaxed) == head {
                    return None;
                }
                // A push has claimed the slot and not filled it yet, or `head` is old by now.
                wait.longer();
            } else {
                wait.shortly();
            }
        }
    }

    /// Moves up to `most` values, oldest first, to the end of `into`, and returns how many: one claim for all of them.
    ///
    /// Fewer than there are may be moved when others push and pop; none only if the ring was empty.
    ///
    /// ```
    /// use brummer::sync::ring::Ring;
    ///
    /// let ring = Ring::new(8);
    /// (0..5).for_each(|value| ring.push(value).unwrap());
    /// let mut batch = Vec::new();
    /// assert_eq!(ring.pop_many(&mut batch, 3), 3);
    /// assert_eq!((batch, ring.len()), (vec![0, 1, 2], 2));
    /// ```
    pub fn pop_many(&self, into: &mut Vec<T>, most: usize) -> usize {
        let most = most.min(self.len().max(1));
        if most <= 1 {
            return if most == 1 { self.pop().map_or(0, |value| (into.push(value), 1).1) } else { 0 };
        }
        // Nothing may panic between the claim and the stamps.
        into.reserve(most);
        loop {
            let head = self.head.0.load(Relaxed);
            let (ready, end) = self.ready_from(head, most);
            if ready == 0 {
                return self.pop().map_or(0, |value| (into.push(value), 1).1);
            }
            if self.head.0.compare_exchange(head, end, Relaxed, Relaxed).is_ok() {
                let mut at = head;
                for _ in 0..ready {
                    into.push(self.take(at));
                    at = self.next(at);
                }
                return ready;
            }
        }
    }

    /// How many slots from position `head` on hold a value, up to `most`, and the position behind them.
    fn ready_from(&self, head: usize, most: usize) -> (usize, usize) {
        let (mut ready, mut at) = (0, head);
        while ready < most && self.stamp(at) == at.wrapping_add(1) {
            ready += 1;
            at = self.next(at);
        }
        (ready, at)
    }

    /// Tries to claim the push of position `tail`, which is what `tail` was a moment ago.
    #[inline]
    fn claim_tail(&self, tail: usize) -> Claim {
        let stamp = self.stamp(tail);
        if stamp == tail {
            match self.tail.0.compare_exchange_weak(tail, self.next(tail), Relaxed, Relaxed) {
                Ok(_) => Claim::Won,
                Err(_) => Claim::Lost,
            }
        } else if stamp.wrapping_add(self.lap) == tail.wrapping_add(1) {
            Claim::OutOfRoom
        } else {
            Claim::NotYet
        }
    }

    /// Moves the value into the slot of the claimed position and lets a pop have it.
    #[inline]
    fn fill(&self, tail: usize, value: T) {
        if planted("ring: stamp before value") {
            self.set_stamp(tail, tail.wrapping_add(1));
        }
        // SAFETY: the caller has claimed this position's push and seen its stamp, or has just emptied the slot (I1, I2).
        self.slot(tail).value.with_mut(|cell| unsafe { (*cell).write(value) });
        self.set_stamp(tail, tail.wrapping_add(1));
    }

    /// Moves the value out of the slot of the claimed position and lets the next lap's push have it.
    #[inline]
    fn take(&self, head: usize) -> T {
        // SAFETY: the caller has claimed this position's pop and seen the stamp that says the value is in (I1, I2).
        let value = unsafe { self.value(head) };
        self.set_stamp(head, head.wrapping_add(self.lap));
        value
    }

    /// # Safety
    /// The caller has claimed this position's pop and seen the stamp that says the value is in.
    #[inline]
    unsafe fn value(&self, head: usize) -> T {
        // SAFETY: by the contract the slot holds a value that nobody else touches.
        self.slot(head).value.with(|cell| unsafe { (*cell).assume_init_read() })
    }

    #[inline]
    fn index(&self, position: usize) -> usize {
        position & (self.lap - 1)
    }

    #[inline]
    fn slot(&self, position: usize) -> &Slot<T> {
        &self.slots[self.index(position)]
    }

    /// The stamp of the slot at this position.
    #[inline]
    fn stamp(&self, position: usize) -> usize {
        let index = self.index(position);
        self.slots[index].stamp.load(Acquire).wrapping_add(index)
    }

    #[inline]
    fn set_stamp(&self, position: usize, stamp: usize) {
        let index = self.index(position);
        self.slots[index].stamp.store(stamp.wrapping_sub(index), Release);
    }

    /// The position after this one: the next index, or index 0 of the next lap.
    #[inline]
    fn next(&self, position: usize) -> usize {
        let index = self.index(position);
        if index + 1 < self.slots.len() { position.wrapping_add(1) } else { (position - index).wrapping_add(self.lap) }
    }

    /// How many positions lie from `head` to `tail`; 0 if `tail` lies before.
    #[inline]
    fn distance(&self, head: usize, tail: usize) -> usize {
        let index = |position: usize| (position & (self.lap - 1)) as isize;
        let from_start = (tail - index(tail) as usize).wrapping_sub(head - index(head) as usize) as isize;
        let laps = from_start / self.lap as isize;
        (laps * self.slots.len() as isize + index(tail) - index(head)).max(0) as usize
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        while let Some(value) = self.pop() {
            drop(value);
        }
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}

/// How an attempt to claim the push of a position ended.
enum Claim {
    Won,
    /// Somebody else claimed it, or the processor failed for no reason.
    Lost,
    /// The slot holds the value of the lap before.
    OutOfRoom,
    /// The position is old, or the pop of the lap before is under way.
    NotYet,
}

/// Bounded spinning: twice as long each time, then it gives the time slice away.
#[derive(Default)]
struct Wait(u32);

impl Wait {
    /// 2^6 spins are about a microsecond; each one is a branch to loom.
    const LONGEST: u32 = if cfg!(loom) { 1 } else { 6 };

    /// After losing against somebody who therefore went ahead.
    #[cold]
    fn shortly(&mut self) {
        (0..1 << self.0.min(Self::LONGEST)).for_each(|_: u32| hint::spin_loop());
        self.0 += 1;
    }

    /// Until somebody finishes a move, who may be suspended.
    #[cold]
    fn longer(&mut self) {
        if self.0 <= Self::LONGEST {
            self.shortly();
        } else {
            thread::yield_now();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    #[test]
    fn a_ring_of_none_has_one_slot() {
        let ring = Ring::new(0);
        assert_eq!((ring.push(1), ring.push(2), ring.len(), ring.capacity()), (Ok(()), Err(Full(2)), 1, 1));
        assert_eq!((ring.force_push(3), ring.pop(), ring.pop()), (Some(1), Some(3), None));
    }

    #[test]
    fn dropping_it_drops_what_it_holds() {
        let value = Arc::new(());
        let ring = Ring::new(3);
        (0..5).for_each(|_| drop(ring.force_push(Arc::clone(&value))));
        drop(ring.pop());
        assert_eq!(Arc::strong_count(&value), 3);
        drop(ring);
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn sy11_each_value_comes_out_once_and_in_its_producers_order() {
        const PRODUCERS: u64 = 3;
        let each = rounds(20_000);
        let ring = Ring::new(7);
        let (left, sum) = (AtomicUsize::new((PRODUCERS * each) as usize), AtomicUsize::new(0));
        thread::scope(|scope| {
            for producer in 0..PRODUCERS {
                let ring = &ring;
                scope.spawn(move || {
                    for value in 0..each {
                        let mut value = (producer, value);
                        while let Err(Full(back)) = ring.push(value) {
                            value = back;
                            thread::yield_now();
                        }
                    }
                });
            }
            for consumer in 0..2 {
                let (ring, left, sum) = (&ring, &left, &sum);
                scope.spawn(move || {
                    let (mut next, mut batch) = ([0; PRODUCERS as usize], Vec::new());
                    while left.load(Ordering::Acquire) > 0 {
                        if ring.pop_many(&mut batch, 1 + consumer * 4) == 0 {
                            thread::yield_now();
                        }
                        for (producer, value) in batch.drain(..) {
                            assert!(value >= next[producer as usize], "out of order");
                            next[producer as usize] = value + 1;
                            sum.fetch_add(value as usize, Ordering::Relaxed);
                            left.fetch_sub(1, Ordering::AcqRel);
                        }
                    }
                });
            }
        });
        assert_eq!(sum.into_inner() as u64, PRODUCERS * (each * (each - 1) / 2));
    }

    #[test]
    fn eb04_overwriting_loses_nothing_unseen() {
        let each = rounds(20_000) as usize;
        let ring = Ring::new(4);
        let counted = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..each {
                        counted.fetch_add(ring.force_push(()).iter().count(), Ordering::Relaxed);
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..each {
                    counted.fetch_add(ring.pop().iter().count(), Ordering::Relaxed);
                }
            });
        });
        assert_eq!(counted.into_inner() + ring.len(), 2 * each);
        assert!(ring.len() <= 4);
    }

    /// What is done to the ring and to its plain counterpart.
    #[derive(Clone, Debug)]
    enum Step {
        Push,
        PushWithin(usize),
        ForcePush,
        Pop,
        PopMany(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Push),
            2 => (0..10_usize).prop_map(Step::PushWithin),
            2 => Just(Step::ForcePush),
            3 => Just(Step::Pop),
            1 => (0..10_usize).prop_map(Step::PopMany),
        ]
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn behaves_like_a_bounded_vec_deque(capacity in 1..9_usize, steps in prop::collection::vec(step(), 1..120)) {
            let (ring, mut plain) = (Ring::new(capacity), VecDeque::new());
            for (value, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push | Step::PushWithin(_) => {
                        let limit = if let Step::PushWithin(limit) = step { limit } else { capacity };
                        let expected = if plain.len() < limit.min(capacity) { Ok(()) } else { Err(Full(value)) };
                        let pushed = match step {
                            Step::Push => ring.push(value),
                            _ => ring.push_within(value, limit),
                        };
                        prop_assert_eq!(pushed, expected);
                        if expected.is_ok() {
                            plain.push_back(value);
                        }
                    }
                    Step::ForcePush => {
                        let evicted = if plain.len() == capacity { plain.pop_front() } else { None };
                        plain.push_back(value);
                        prop_assert_eq!(ring.force_push(value), evicted);
                    }
                    Step::Pop => prop_assert_eq!(ring.pop(), plain.pop_front()),
                    Step::PopMany(most) => {
                        let mut batch = Vec::new();
                        let expected: Vec<_> = plain.drain(..most.min(plain.len())).collect();
                        prop_assert_eq!(ring.pop_many(&mut batch, most), expected.len());
                        prop_assert_eq!(batch, expected);
                    }
                }
                prop_assert_eq!((ring.len(), ring.is_empty()), (plain.len(), plain.is_empty()));
            }
        }
    }
}
