//! One lane: where the events of its keys wait, and who drains it.
//!
//! **Shape**: any number of publishers push; at most one worker drains. Three rings, one a priority, each with its bound.
//! Who drains, and who wakes a publisher that waits, is the matter of `handover`, which is modelled.
//! **Invariants** I1: what is in [`Drained`] is written by the drain alone; the hand-over lets one drain see what the one before
//! has written. I2: under [`Policy::DropLowPriority`] `held` counts an event from before its push until after its pop, so the
//! rings together never hold more than the bound.
//!
//! **Ordering**: `held` is given back with a release and taken with an acquire: whoever gets a place sees the slot free that
//! the place stands for. All other counts are relaxed. The rings are made once, before the first push: who looks and sees none looks
//! before that push, as if the ring were empty; the fences of `handover` stand between the push and the last look.
//! **Checked by**: the bus's tests, `loom-tests/tests/events.rs`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam::utils::CachePadded;

use super::config::{BusConfig, Policy, SLOW};
use super::event::Event;
use super::handover::{Drains, Room};
use crate::error::{Code, Error, Result};
use crate::runtime::Priority;
use crate::sync::{Full, Ring};

/// An event and the version of the subscriber table at its publication.
pub(super) struct Queued<E> {
    pub(super) event: E,
    pub(super) version: u64,
    /// It tells of a handler's panic: a panic about it is counted only.
    pub(super) of_panic: bool,
}

pub(super) struct Lane<E> {
    /// Made by the first publisher: a lane without events costs no memory.
    rings: OnceLock<[Ring<Queued<E>>; 3]>,
    bounds: [usize; 3],
    drains: Drains,
    room: [Room; 3],
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
            rings: OnceLock::new(),
            bounds: bounds.map(|bound| shared_bound.unwrap_or(bound)),
            drains: Drains::new(),
            room: Default::default(),
            shared_bound,
            held: AtomicUsize::new(0),
            dropped: Default::default(),
            drained: CachePadded::default(),
        }
    }

    #[inline]
    fn rings(&self) -> &[Ring<Queued<E>>; 3] {
        self.rings.get_or_init(|| self.bounds.map(Ring::new))
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
                if self.rings()[class].force_push(queued).is_some() {
                    self.drop_one(class);
                }
                return Ok(());
            }
            Policy::DropLowPriority => return self.push_shared(class, queued),
            Policy::DropNewest => self.rings()[class].push(queued).is_err().then_some(Code::ResourceLimit),
            Policy::Block => match self.rings()[class].push(queued) {
                Ok(()) => None,
                Err(Full(queued)) => self.push_waiting(class, queued, deadline()).is_err().then_some(Code::Timeout),
            },
        };
        refused.map_or(Ok(()), |code| Err(self.refuse(class, code)))
    }

    #[cold]
    fn refuse(&self, class: usize, code: Code) -> Error {
        self.drop_one(class);
        let bound = self.bounds[class];
        let name = [Priority::High, Priority::Normal, Priority::Low][class];
        let message = format!("the {name:?} queue stayed at its bound of {bound} events; the event was dropped");
        Error::new("events", code, message)
    }

    /// Two yields, then sleeping until there is room; one last try at the deadline.
    #[cold]
    fn push_waiting(&self, class: usize, mut queued: Queued<E>, deadline: Option<Instant>) -> Result<(), Queued<E>> {
        let Some(deadline) = deadline else { return Err(queued) };
        let ring = &self.rings()[class];
        for _ in 0..2 {
            std::thread::yield_now();
            match ring.push(queued) {
                Ok(()) => return Ok(()),
                Err(Full(back)) => queued = back,
            }
        }
        self.room[class].wait(deadline, queued, |queued| ring.push(queued)).map_err(|Full(queued)| queued)
    }

    /// Takes a place under the common bound, at the cost of a less urgent event if there is no other way.
    fn push_shared(&self, class: usize, queued: Queued<E>) -> Result<()> {
        let bound = self.shared_bound.unwrap_or(usize::MAX);
        if self.held.fetch_add(1, Ordering::Acquire) >= bound {
            let victim = (class..3).rev().find(|lower| self.rings()[*lower].pop().is_some());
            self.held.fetch_sub(1, Ordering::Release);
            let Some(victim) = victim else { return Err(self.refuse(class, Code::ResourceLimit)) };
            self.drop_one(victim);
        }
        // Each ring holds the common bound, so this fails only while others are between their count and their pop.
        self.rings()[class].push(queued).map_err(|_| {
            self.held.fetch_sub(1, Ordering::Release);
            self.refuse(class, Code::ResourceLimit)
        })
    }

    /// After a push: true if the caller is to have the lane drained.
    #[inline]
    pub(super) fn pushed(&self) -> bool {
        self.drains.pushed()
    }

    /// The next event: of 21 turns 16 begin with high, 4 with normal, 1 with low.
    #[inline]
    pub(super) fn pop(&self) -> Option<(usize, Queued<E>)> {
        let rings = self.rings.get()?;
        let turn = self.drained.turn.load(Ordering::Relaxed);
        self.drained.turn.store(if turn == 20 { 0 } else { turn + 1 }, Ordering::Relaxed);
        let order = match turn {
            0..16 => [0, 1, 2],
            16..20 => [1, 0, 2],
            _ => [2, 0, 1],
        };
        for class in order {
            if !rings[class].is_empty()
                && let Some(queued) = rings[class].pop()
            {
                if self.shared_bound.is_some() {
                    self.held.fetch_sub(1, Ordering::Release);
                }
                return Some((class, queued));
            }
        }
        None
    }

    /// Whether a publisher waits for room in this class, at a glance.
    #[inline]
    pub(super) fn is_full_for_somebody(&self, class: usize) -> bool {
        self.room[class].is_wanted()
    }

    /// The drain has handled some events, of these classes, in so long, if the time is taken.
    pub(super) fn handled(&self, popped: [usize; 3], took: Option<Duration>) {
        add(&self.drained.events, popped.iter().sum::<usize>() as u64);
        add(&self.drained.nanos, took.map_or(0, |took| took.as_nanos() as u64));
        for class in (0..3).filter(|class| popped[*class] > 0) {
            let ring = &self.rings()[class];
            // Of a chunk without a time nobody knows whether it was a slow one.
            let slow = took.is_none_or(|took| took > SLOW);
            self.room[class].freed(slow, ring.len(), ring.capacity());
        }
    }

    pub(super) fn panicked(&self) {
        add(&self.drained.panics, 1);
    }

    /// The drain found nothing more: true if it may end, false if it goes on after all. `version` is that of the table, read
    /// before the rings were found empty.
    pub(super) fn rest(&self, version: u64) -> bool {
        self.drained.settled.store(version, Ordering::Relaxed);
        self.drains.rest(|| self.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rings.get().is_none_or(|rings| rings.iter().all(Ring::is_empty))
    }

    /// Whether nothing waits and nothing is being handled.
    pub(super) fn is_quiet(&self) -> bool {
        self.drains.is_quiet(|| self.is_empty())
    }

    /// The version of the table before which the lane holds no event; `now` is the version at this moment.
    pub(super) fn settled(&self, now: u64) -> u64 {
        if self.drains.is_idle(|| self.is_empty()) { now } else { self.drained.settled.load(Ordering::Relaxed) }
    }

    pub(super) fn depth(&self) -> [usize; 3] {
        self.rings.get().map_or([0; 3], |rings| [0, 1, 2].map(|class| rings[class].len()))
    }

    pub(super) fn dropped(&self) -> [u64; 3] {
        [0, 1, 2].map(|class| self.dropped[class].load(Ordering::Relaxed))
    }

    /// Events handled, nanoseconds spent, panics.
    pub(super) fn totals(&self) -> [u64; 3] {
        [&self.drained.events, &self.drained.nanos, &self.drained.panics].map(|count| count.load(Ordering::Relaxed))
    }
}
