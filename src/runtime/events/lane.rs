//! One lane: where the events of its keys wait, and who drains it.
//!
//! **Shape**: any number of publishers push; at most one worker drains, the one that `scheduled` was set for. Three rings, one a
//! priority, each with its bound. **Invariants** I1: `scheduled` is set by exactly one thread per drain, which gives the
//! lane to the pool; only the drain clears it. I2: an event in a ring, with `scheduled` clear, has a publisher that has
//! pushed and not yet looked at `scheduled`. I3: under [`Policy::DropLowPriority`] `held` counts an event from before its push
//! until after its pop, so the rings together never hold more than the bound.
//!
//! **Ordering**: a publisher pushes, fences, looks at `scheduled`; the drain clears `scheduled`, fences, looks at the rings. With
//! weaker orderings both could miss each other, and the event would lie until the next. Clearing is a release and setting an
//! acquire, so that one drain sees what the one before has done. **Checked by**: the bus's tests; the shape is that of
//! `pool::sleep`, which is modelled.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::time::{Duration, Instant};

use crossbeam::utils::CachePadded;

use super::config::{BusConfig, Policy, SLOW};
use super::event::Event;
use crate::error::{Code, Error, Result};
use crate::runtime::Priority;
use crate::sync::{EventCount, Full, Ring};

/// An event and the version of the subscriber table at its publication.
pub(super) struct Queued<E> {
    pub(super) event: E,
    pub(super) version: u64,
    /// It tells of a handler's panic: a panic about it is counted only.
    pub(super) of_panic: bool,
}

pub(super) struct Lane<E> {
    rings: [Ring<Queued<E>>; 3],
    scheduled: CachePadded<AtomicBool>,
    room: [EventCount; 3],
    /// The bound of all three rings together under `DropLowPriority`, else no bound.
    shared_bound: Option<usize>,
    held: AtomicUsize,
    dropped: [AtomicU64; 3],
    drained: CachePadded<Drained>,
}

/// What only the drain writes.
#[derive(Default)]
struct Drained {
    turn: AtomicU32,
    events: AtomicU64,
    nanos: AtomicU64,
    panics: AtomicU64,
    /// No event from before this version of the table is in the lane.
    settled: AtomicU64,
}

/// Adds to one of the drain's own counts.
fn add(count: &AtomicU64, n: u64) {
    count.store(count.load(Ordering::Relaxed) + n, Ordering::Relaxed);
}

impl<E: Event> Lane<E> {
    pub(super) fn new(config: &BusConfig) -> Lane<E> {
        let bounds = config.bounds.map(|bound| bound.max(1));
        let shared_bound = (config.policy == Policy::DropLowPriority).then(|| bounds.iter().sum());
        Lane {
            rings: bounds.map(|bound| Ring::new(shared_bound.unwrap_or(bound))),
            scheduled: CachePadded::default(),
            room: Default::default(),
            shared_bound,
            held: AtomicUsize::new(0),
            dropped: Default::default(),
            drained: CachePadded::default(),
        }
    }

    /// Counts an event that is lost.
    pub(super) fn drop_one(&self, class: usize) {
        self.dropped[class].fetch_add(1, Ordering::Relaxed);
    }

    /// Puts an event in as the policy says; waits only if there is a `deadline`.
    pub(super) fn push(
        &self,
        policy: Policy,
        queued: Queued<E>,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<()> {
        let class = queued.event.priority() as usize;
        let refused = match policy {
            Policy::DropOldest => {
                if self.rings[class].force_push(queued).is_some() {
                    self.drop_one(class);
                }
                return Ok(());
            }
            Policy::DropLowPriority => return self.push_shared(class, queued),
            Policy::DropNewest => self.rings[class].push(queued).is_err().then_some(Code::ResourceLimit),
            Policy::Block => match self.rings[class].push(queued) {
                Ok(()) => None,
                Err(Full(queued)) => self.push_waiting(class, queued, deadline()).is_err().then_some(Code::Timeout),
            },
        };
        refused.map_or(Ok(()), |code| Err(self.refuse(class, code)))
    }

    #[cold]
    fn refuse(&self, class: usize, code: Code) -> Error {
        self.drop_one(class);
        let bound = self.shared_bound.unwrap_or(self.rings[class].capacity());
        let name = [Priority::High, Priority::Normal, Priority::Low][class];
        let message = format!("the {name:?} queue stayed at its bound of {bound} events; the event was dropped");
        Error::new("events", code, message)
    }

    /// Two yields, then sleeping until there is room; one last try at the deadline.
    #[cold]
    fn push_waiting(&self, class: usize, mut queued: Queued<E>, deadline: Option<Instant>) -> Result<(), Queued<E>> {
        let Some(deadline) = deadline else { return Err(queued) };
        let ring = &self.rings[class];
        for _ in 0..2 {
            std::thread::yield_now();
            match ring.push(queued) {
                Ok(()) => return Ok(()),
                Err(Full(back)) => queued = back,
            }
        }
        loop {
            let ticket = self.room[class].prepare_wait();
            match ring.push(queued) {
                Ok(()) => return Ok(()),
                Err(Full(back)) => queued = back,
            }
            if !self.room[class].commit_wait_until(ticket, deadline) {
                return ring.push(queued).map_err(|Full(queued)| queued);
            }
        }
    }

    /// Takes a place under the common bound, at the cost of a less urgent event if there is no other way.
    fn push_shared(&self, class: usize, queued: Queued<E>) -> Result<()> {
        let bound = self.shared_bound.unwrap_or(usize::MAX);
        if self.held.fetch_add(1, Ordering::Relaxed) >= bound {
            let victim = (class..3).rev().find(|lower| self.rings[*lower].pop().is_some());
            self.held.fetch_sub(1, Ordering::Relaxed);
            let Some(victim) = victim else { return Err(self.refuse(class, Code::ResourceLimit)) };
            self.drop_one(victim);
        }
        // Each ring holds the common bound, so this fails only while others are between their count and their pop.
        self.rings[class].push(queued).map_err(|_| {
            self.held.fetch_sub(1, Ordering::Relaxed);
            self.refuse(class, Code::ResourceLimit)
        })
    }

    /// After a push: true if the caller is to have the lane drained.
    #[inline]
    pub(super) fn pushed(&self) -> bool {
        fence(Ordering::SeqCst);
        !self.scheduled.load(Ordering::Relaxed) && !self.scheduled.swap(true, Ordering::AcqRel)
    }

    /// The next event: of 21 turns 16 begin with high, 4 with normal, 1 with low.
    #[inline]
    pub(super) fn pop(&self) -> Option<(usize, Queued<E>)> {
        let turn = self.drained.turn.load(Ordering::Relaxed);
        self.drained.turn.store(if turn == 20 { 0 } else { turn + 1 }, Ordering::Relaxed);
        let order = match turn {
            0..16 => [0, 1, 2],
            16..20 => [1, 0, 2],
            _ => [2, 0, 1],
        };
        for class in order {
            if !self.rings[class].is_empty()
                && let Some(queued) = self.rings[class].pop()
            {
                if self.shared_bound.is_some() {
                    self.held.fetch_sub(1, Ordering::Relaxed);
                }
                return Some((class, queued));
            }
        }
        None
    }

    /// The drain has handled some events, of these classes, in so long.
    pub(super) fn handled(&self, popped: [usize; 3], took: Duration) {
        add(&self.drained.events, popped.iter().sum::<usize>() as u64);
        add(&self.drained.nanos, took.as_nanos() as u64);
        for class in (0..3).filter(|class| popped[*class] > 0) {
            let ring = &self.rings[class];
            if took > SLOW || ring.len() <= ring.capacity() / 2 {
                self.room[class].notify_all();
            }
        }
    }

    pub(super) fn panicked(&self) {
        add(&self.drained.panics, 1);
    }

    /// The drain found nothing more: true if it may end, false if it goes on after all. `version` is that of the table, read
    /// before the rings were found empty.
    pub(super) fn rest(&self, version: u64) -> bool {
        self.drained.settled.store(version, Ordering::Relaxed);
        self.scheduled.store(false, Ordering::Release);
        fence(Ordering::SeqCst);
        self.is_empty() || self.scheduled.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rings.iter().all(Ring::is_empty)
    }

    /// Whether nothing waits and nothing is being handled.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_empty() && !self.scheduled.load(Ordering::Acquire)
    }

    /// The version of the table before which the lane holds no event; `now` is the version at this moment.
    pub(super) fn settled(&self, now: u64) -> u64 {
        // In this order: an event that is popped after the look at `scheduled` was pushed after it too, or makes a ring non-empty.
        let idle = !self.scheduled.load(Ordering::Acquire);
        if idle && self.is_empty() && !self.scheduled.load(Ordering::Acquire) {
            return now;
        }
        self.drained.settled.load(Ordering::Relaxed)
    }

    pub(super) fn depth(&self) -> [usize; 3] {
        [0, 1, 2].map(|class| self.rings[class].len())
    }

    pub(super) fn dropped(&self) -> [u64; 3] {
        [0, 1, 2].map(|class| self.dropped[class].load(Ordering::Relaxed))
    }

    /// Events handled, nanoseconds spent, panics.
    pub(super) fn totals(&self) -> [u64; 3] {
        [&self.drained.events, &self.drained.nanos, &self.drained.panics].map(|count| count.load(Ordering::Relaxed))
    }
}
