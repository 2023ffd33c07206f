//! `PriorityQueue`: three bounded queues of one bound, served 16 : 4 : 1, with a policy for what gives way when full.
//!
//! **Shape.** Any number of threads push and pop. Each class has a bound of its own; the sum of the three bounds holds for
//! all of them together, always. Within a class it is first in, first out.
//!
//! **Serving.** Every pop draws a ticket. Of 21 tickets in a row 16 ask the high class first, 4 the normal one and 1 the
//! low one; then the others from the highest down. So a class that holds something is served at least once in 21 pops,
//! whatever else comes in.
//!
//! **When a class is full**, [`PriorityQueue::push_with`] does what it is told:
//!
//! | policy | room is made by | else |
//! | --- | --- | --- |
//! | `DropNewest` | – | the new value is given back |
//! | `DropOldest` | evicting the oldest value of the same class | given back, if the class is empty (its room is lent) |
//! | `DropLowPriority` | borrowing unused room of lower classes, else evicting the oldest value of the lowest class that has one, the own class last | given back, if only higher classes hold values |
//!
//! **Invariants.**
//! - I1: a value is in a ring only with a permit, and there are as many permits as the sum of the bounds.
//! - I2: each ring has a slot for every permit, so a push with a permit finds room.
//! - I3: an evicted value's permit goes to the value it was evicted for.
//! - I4: `push` keeps a class within its own bound; only `push_with` may take it over, by I3 or by borrowing.
//!
//! **Ordering.**
//!
//! | site | ordering | pairs with | if weaker |
//! | --- | --- | --- | --- |
//! | `held`, returned after a pop | Release | the next claim | a claimer finds the slot of his permit still taken, and I2 fails |
//! | `held`, claimed before a push | Acquire | the return above | the same |
//! | `ticket`, `fetch_add` | Relaxed | – | a count only |
//! | values | – | the rings' stamps | see `ring` |
//!
//! **Progress.** Lock-free as `ring` is.
//!
//! **Limits.** Each ring has slots for all permits: three times the sum of the bounds, so keep large values behind a
//! pointer. Bounds of 0 are taken as 1. A class that lent room and then fills up is refused or evicts its own.
//!
//! **Checked by** `loom-tests/tests/priority_queue.rs` (permits under races, eviction, the planted lost permit), the
//! property test against three `VecDeque`s below.
//!
//! **Source.** The tickets are stride scheduling with fixed weights (Waldspurger and Weihl, 1995).

use std::fmt;

use super::ring::{Full, Ring};
use super::shim::atomic::AtomicUsize;
use super::shim::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::shim::planted;

/// How urgent something is. The number is the index of its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub enum Priority {
    /// Before everything else.
    High = 0,
    /// Ordinary.
    #[default]
    Normal = 1,
    /// When there is nothing better to do, but not never.
    Low = 2,
}

impl Priority {
    /// All of them, the highest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];
}

/// What gives way when a class is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The oldest value of the same class.
    DropOldest,
    /// The new value.
    DropNewest,
    /// The oldest value of the lowest class that has one, down from the new value's class.
    DropLowPriority,
}

/// A value was pushed, and perhaps another one had to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed<T> {
    /// What was evicted, and from which class.
    pub evicted: Option<(Priority, T)>,
}

/// Tickets of each class in a cycle of [`CYCLE`].
const WEIGHTS: [usize; 3] = [16, 4, 1];
const CYCLE: usize = WEIGHTS[0] + WEIGHTS[1] + WEIGHTS[2];

/// Rounds of make room and push before a race that is lost every time is called full.
const ROUNDS: usize = 8;

/// A bounded queue with three classes. See the module for the policies and invariants.
///
/// - **Thread safety:** `Send + Sync` for every `T: Send`.
/// - **Progress:** lock-free, as [`Ring`] is.
/// - **Waits:** never parks.
/// - **Cleanup:** dropping it drops what it holds.
///
/// ```
/// use brummer::sync::priority_queue::{Overflow, Priority, PriorityQueue};
///
/// let queue = PriorityQueue::new([1, 1, 2]);
/// queue.push(Priority::Low, "scan").unwrap();
/// queue.push(Priority::High, "stop").unwrap();
/// assert!(queue.push(Priority::High, "start").is_err(), "one of high priority at most");
///
/// queue.push(Priority::Normal, "render").unwrap();
/// queue.push(Priority::Low, "tidy").unwrap();
/// let pushed = queue.push_with(Priority::High, "start", Overflow::DropLowPriority).unwrap();
/// assert_eq!(pushed.evicted, Some((Priority::Low, "scan")));
///
/// assert_eq!(queue.depths(), [2, 1, 1]);
/// assert_eq!(queue.pop(), Some((Priority::High, "stop")));
/// ```
pub struct PriorityQueue<T> {
    rings: [Ring<T>; 3],
    bounds: [usize; 3],
    /// Permits in use. On cache lines of its own, with the tickets, which pops write in the same breath.
    counts: Counts,
}

#[repr(align(128))]
struct Counts {
    held: AtomicUsize,
    ticket: AtomicUsize,
}

impl<T> PriorityQueue<T> {
    /// An empty queue with these bounds: high, normal, low.
    pub fn new(bounds: [usize; 3]) -> Self {
        let bounds = bounds.map(|bound| bound.max(1));
        let permits = bounds.iter().sum();
        Self {
            rings: [(); 3].map(|()| Ring::new(permits)),
            bounds,
            counts: Counts { held: AtomicUsize::new(0), ticket: AtomicUsize::new(0) },
        }
    }

    /// How many values fit, all classes together.
    pub fn capacity(&self) -> usize {
        self.bounds.iter().sum()
    }

    /// The bounds: high, normal, low.
    pub fn bounds(&self) -> [usize; 3] {
        self.bounds
    }

    /// How many values each class holds: high, normal, low. Exact while nobody pushes or pops.
    pub fn depths(&self) -> [usize; 3] {
        [self.rings[0].len(), self.rings[1].len(), self.rings[2].len()]
    }

    /// How many values there are, those that are being pushed or popped right now included.
    pub fn len(&self) -> usize {
        self.counts.held.load(Acquire)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a value behind the others of its class.
    ///
    /// # Errors
    /// [`Full`] gives the value back when its class is at its bound, or its room is lent.
    #[inline]
    pub fn push(&self, priority: Priority, value: T) -> Result<(), Full<T>> {
        if !self.claim_permit() {
            return Err(Full(value));
        }
        let class = priority as usize;
        let pushed = self.rings[class].push_within(value, self.bounds[class]);
        if pushed.is_err() && !planted("priority queue: lost permit") {
            self.return_permits(1);
        }
        pushed
    }

    /// Puts a value behind the others of its class, and makes room as the policy says if there is none.
    ///
    /// # Errors
    /// [`Full`] gives the value back when the policy finds no room.
    pub fn push_with(&self, priority: Priority, value: T, overflow: Overflow) -> Result<Pushed<T>, Full<T>> {
        let Err(Full(mut value)) = self.push(priority, value) else { return Ok(Pushed { evicted: None }) };
        let lowest = match overflow {
            Overflow::DropNewest => return Err(Full(value)),
            Overflow::DropOldest => priority as usize,
            Overflow::DropLowPriority => Priority::Low as usize,
        };
        for _ in 0..ROUNDS {
            if overflow == Overflow::DropLowPriority && self.may_borrow(priority) && self.claim_permit() {
                self.push_permitted(priority, value)?;
                return Ok(Pushed { evicted: None });
            }
            if let Some(evicted) = self.evict(priority as usize, lowest) {
                self.push_permitted(priority, value)?;
                return Ok(Pushed { evicted: Some(evicted) });
            }
            // Somebody popped in the meantime, or there is nothing that may go.
            match self.push(priority, value) {
                Ok(()) => return Ok(Pushed { evicted: None }),
                Err(Full(back)) => value = back,
            }
        }
        Err(Full(value))
    }

    /// Takes a value: the oldest one of the class that the ticket asks first, or else of the highest class that has one.
    #[inline]
    pub fn pop(&self) -> Option<(Priority, T)> {
        let first = class_of(self.counts.ticket.fetch_add(1, Relaxed));
        let (class, value) = [first, 0, 1, 2].into_iter().find_map(|class| Some((class, self.rings[class].pop()?)))?;
        self.return_permits(1);
        Some((Priority::ALL[class], value))
    }

    /// Moves up to `most` values to the end of `into`, as so many pops would choose them, the highest class in front, and
    /// returns how many: cheaper than single pops.
    ///
    /// What is left of the tickets of a class that runs out goes to the others, behind.
    pub fn pop_many(&self, into: &mut Vec<T>, most: usize) -> usize {
        let first = self.counts.ticket.fetch_add(most, Relaxed);
        let (before, after) = (tickets_below(first), tickets_below(first.wrapping_add(most)));
        let mut count = 0;
        for class in 0..3 {
            count += self.rings[class].pop_many(into, after[class].saturating_sub(before[class]).min(most - count));
        }
        for ring in &self.rings {
            count += ring.pop_many(into, most - count);
        }
        if count > 0 {
            self.return_permits(count);
        }
        count
    }

    /// Takes the oldest value of the lowest class that has one, from `lowest` up to `highest`; its permit is the caller's.
    fn evict(&self, highest: usize, lowest: usize) -> Option<(Priority, T)> {
        (highest..=lowest).rev().find_map(|class| Some((Priority::ALL[class], self.rings[class].pop()?)))
    }

    /// Whether the class and those below hold less than their bounds allow them together.
    fn may_borrow(&self, priority: Priority) -> bool {
        let classes = priority as usize..3;
        let depths = self.depths();
        depths[classes.clone()].iter().sum::<usize>() < self.bounds[classes].iter().sum()
    }

    /// Puts a value that has a permit behind the others of its class, over the class's bound if need be.
    fn push_permitted(&self, priority: Priority, value: T) -> Result<(), Full<T>> {
        // By I2 there is room; were there none, the permit would have to go back.
        self.rings[priority as usize].push(value).inspect_err(|_| self.return_permits(1))
    }

    #[inline]
    fn claim_permit(&self) -> bool {
        let capacity = self.capacity();
        let claim = |held: usize| (held < capacity).then_some(held + 1);
        self.counts.held.fetch_update(AcqRel, Acquire, claim).is_ok()
    }

    #[inline]
    fn return_permits(&self, count: usize) {
        self.counts.held.fetch_sub(count, Release);
    }
}

impl<T> fmt::Debug for PriorityQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriorityQueue").field("depths", &self.depths()).field("bounds", &self.bounds).finish()
    }
}

/// The class that this ticket asks first.
#[inline]
fn class_of(ticket: usize) -> usize {
    match ticket % CYCLE {
        high if high < WEIGHTS[0] => 0,
        normal if normal < WEIGHTS[0] + WEIGHTS[1] => 1,
        _ => 2,
    }
}

/// How many tickets below this one belong to each class.
fn tickets_below(ticket: usize) -> [usize; 3] {
    let (cycles, rest) = (ticket / CYCLE, ticket % CYCLE);
    let high = rest.min(WEIGHTS[0]);
    [cycles * WEIGHTS[0] + high, cycles * WEIGHTS[1] + (rest - high), cycles * WEIGHTS[2]]
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use proptest::prelude::*;

    use super::Overflow::{DropLowPriority, DropNewest, DropOldest};
    use super::Priority::{High, Low, Normal};
    use super::*;
    use crate::sync::testing::{config, rounds};

    /// What each class holds, and how many cycles of tickets are drawn; little under Miri.
    const HELD: usize = if cfg!(miri) { 100 } else { 1000 };
    const CYCLES: usize = if cfg!(miri) { 1 } else { 10 };

    fn filled(bounds: [usize; 3]) -> PriorityQueue<usize> {
        let queue = PriorityQueue::new(bounds);
        for priority in Priority::ALL {
            (0..bounds[priority as usize]).for_each(|value| queue.push(priority, value).expect("within the bound"));
        }
        queue
    }

    #[test]
    fn eb09_each_class_has_its_bound() {
        let bounds = if cfg!(miri) { [1, 5, 10] } else { [100, 500, 1000] };
        let (queue, all) = (filled(bounds), bounds.iter().sum());
        for priority in Priority::ALL {
            assert_eq!(queue.push(priority, 7), Err(Full(7)));
        }
        assert_eq!((queue.depths(), queue.len(), queue.capacity()), (bounds, all, all));
    }

    #[test]
    fn eb09_a_higher_class_is_served_first_and_a_lower_one_is_never_starved() {
        let queue = filled([HELD; 3]);
        let served: Vec<Priority> = (0..CYCLE * CYCLES).map(|_| queue.pop().unwrap().0).collect();
        for window in served.windows(CYCLE) {
            assert_eq!(Priority::ALL.map(|class| window.iter().filter(|served| **served == class).count()), WEIGHTS);
        }
        let mut batch = Vec::new();
        (0..CYCLES).for_each(|_| assert_eq!(queue.pop_many(&mut batch, CYCLE), CYCLE));
        assert_eq!(queue.depths(), WEIGHTS.map(|weight| HELD - 2 * CYCLES * weight));
    }

    #[test]
    fn eb09_small_batches_do_not_starve_the_low_class() {
        let queue = filled([HELD; 3]);
        let mut batch = Vec::new();
        (0..CYCLE).for_each(|_| assert_eq!(queue.pop_many(&mut batch, 5), 5));
        assert_eq!(queue.depths(), WEIGHTS.map(|weight| HELD - 5 * weight));
    }

    #[test]
    fn eb04_drop_oldest_evicts_from_its_own_class() {
        let queue = filled([2, 2, 2]);
        assert_eq!(queue.push_with(High, 9, DropOldest), Ok(Pushed { evicted: Some((High, 0)) }));
        assert_eq!(queue.depths(), [2, 2, 2]);
    }

    #[test]
    fn eb04_drop_newest_refuses() {
        assert_eq!(filled([2, 2, 2]).push_with(Low, 9, DropNewest), Err(Full(9)));
    }

    #[test]
    fn eb04_drop_low_priority_evicts_from_the_lowest_class_first() {
        let queue = filled([2, 2, 2]);
        let evicted = |priority| queue.push_with(priority, 9, DropLowPriority).map(|pushed| pushed.evicted);
        assert_eq!(evicted(Normal), Ok(Some((Low, 0))));
        assert_eq!(evicted(High), Ok(Some((Low, 1))));
        assert_eq!(evicted(High), Ok(Some((Normal, 0))));
        assert_eq!(evicted(Low), Err(Full(9)), "only higher classes hold values");
        assert_eq!((queue.depths(), queue.len()), ([4, 2, 0], 6));
        while queue.pop().is_some() {}
        assert_eq!(evicted(Low), Ok(None));
    }

    #[test]
    fn drop_low_priority_borrows_unused_room_before_it_evicts() {
        let queue = PriorityQueue::new([1, 1, 2]);
        for value in 0..4 {
            assert_eq!(queue.push_with(High, value, DropLowPriority), Ok(Pushed { evicted: None }));
        }
        assert_eq!(queue.push_with(High, 4, DropLowPriority), Ok(Pushed { evicted: Some((High, 0)) }));
        assert_eq!(queue.push_with(Low, 5, DropOldest), Err(Full(5)), "its room is lent");
    }

    #[test]
    fn eb04_never_holds_more_than_the_bound_and_loses_nothing_uncounted() {
        let each = rounds(20_000) as usize;
        let queue = PriorityQueue::new([2, 3, 4]);
        let gone = AtomicUsize::new(0);
        thread::scope(|scope| {
            for (priority, overflow) in [(High, DropLowPriority), (Normal, DropOldest), (Low, DropNewest)] {
                let (queue, gone) = (&queue, &gone);
                scope.spawn(move || {
                    for value in 0..each {
                        let evicted = match queue.push_with(priority, value, overflow) {
                            Ok(pushed) => usize::from(pushed.evicted.is_some()),
                            Err(Full(_)) => 1,
                        };
                        gone.fetch_add(evicted, Ordering::Relaxed);
                        assert!(queue.len() <= 9);
                    }
                });
            }
            scope.spawn(|| {
                let mut batch = Vec::new();
                for _ in 0..each {
                    gone.fetch_add(usize::from(queue.pop().is_some()), Ordering::Relaxed);
                    gone.fetch_add(queue.pop_many(&mut batch, 3), Ordering::Relaxed);
                    batch.clear();
                }
            });
        });
        assert_eq!(gone.into_inner() + queue.len(), 3 * each);
        assert_eq!(queue.depths().iter().sum::<usize>(), queue.len());
    }

    fn step() -> impl Strategy<Value = (u8, usize, usize)> {
        (0..6_u8, 0..3_usize, 0..6_usize)
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn behaves_like_three_vec_deques(bounds in prop::array::uniform3(1..4_usize), steps in prop::collection::vec(step(), 1..150)) {
            let queue = PriorityQueue::new(bounds);
            let mut plain: [VecDeque<usize>; 3] = Default::default();
            let capacity: usize = bounds.iter().sum();
            for (value, (kind, class, most)) in steps.into_iter().enumerate() {
                let priority = Priority::ALL[class];
                let total: usize = plain.iter().map(VecDeque::len).sum();
                let room = total < capacity && plain[class].len() < bounds[class];
                match kind {
                    0 | 1 => {
                        prop_assert_eq!(queue.push(priority, value).is_ok(), room);
                        if room { plain[class].push_back(value); }
                    }
                    2 => {
                        let evicted = if room { None } else { plain[class].pop_front() };
                        let pushed = queue.push_with(priority, value, DropOldest);
                        prop_assert_eq!(pushed.is_ok(), room || evicted.is_some());
                        if let Ok(pushed) = pushed {
                            prop_assert_eq!(pushed.evicted, evicted.map(|value| (priority, value)));
                            plain[class].push_back(value);
                        }
                    }
                    3 => {
                        let below: usize = plain[class..].iter().map(VecDeque::len).sum();
                        let borrows = total < capacity && below < bounds[class..].iter().sum();
                        let victim = (class..3).rev().find(|victim| !plain[*victim].is_empty());
                        let evicted = if room || borrows { None } else { victim };
                        let expected = evicted.map(|victim| (Priority::ALL[victim], plain[victim].pop_front().unwrap()));
                        let pushed = queue.push_with(priority, value, DropLowPriority);
                        prop_assert_eq!(pushed.is_ok(), room || borrows || victim.is_some());
                        if let Ok(pushed) = pushed {
                            prop_assert_eq!(pushed.evicted, expected);
                            plain[class].push_back(value);
                        }
                    }
                    4 => {
                        let popped = queue.pop();
                        prop_assert_eq!(popped.is_some(), total > 0);
                        if let Some((priority, value)) = popped {
                            prop_assert_eq!(plain[priority as usize].pop_front(), Some(value));
                        }
                    }
                    _ => {
                        let mut batch = Vec::new();
                        prop_assert_eq!(queue.pop_many(&mut batch, most), most.min(total));
                        for value in batch {
                            let class = plain.iter().position(|class| class.front() == Some(&value));
                            prop_assert!(class.is_some(), "not the oldest of its class");
                            plain[class.unwrap()].pop_front();
                        }
                    }
                }
                prop_assert_eq!(queue.depths(), [plain[0].len(), plain[1].len(), plain[2].len()]);
                prop_assert_eq!(queue.len(), queue.depths().iter().sum::<usize>());
            }
        }
    }
}
