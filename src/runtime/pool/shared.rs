//! What all workers and all handles of a pool share: the queues, the sleepers, the slots of the workers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam::utils::CachePadded;
use crossbeam_deque::{Injector, Steal, Stealer, Worker as Deque};
use parking_lot::{Condvar, Mutex};

use super::config::{PoolConfig, check_workers};
use super::metrics::{ASLEEP, Observed, Stats};
use super::placement::Placement;
use super::sleep::{Seen, Sleepers, WORKERS_MAX};
use super::task::Task;
use super::worker;
use crate::error::{Code, Error, Result};
use crate::runtime::Priority;
use crate::runtime::topology::Topology;
use crate::sync::{Parker, Unparker};

/// One pool. A push, wherever it goes, is followed by [`Shared::pushed`].
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) injectors: [CachePadded<Injector<Task>>; 3],
    pub(super) bounds: [AtomicUsize; 3],
    pub(super) sleepers: Sleepers,
    /// A slot is made when its worker first starts.
    slots: [CachePadded<OnceLock<Slot>>; WORKERS_MAX],
    /// How many slots were ever used, and so are there; thieves look no further.
    used: AtomicUsize,
    /// How many workers there are to be; a worker whose index is not below it retires.
    pub(super) target: AtomicUsize,
    pub(super) placement: Placement,
    pub(super) observed: Observed,
    pub(super) started: Instant,
    pub(super) counts: Counts,
    pub(super) window: Mutex<(u64, u64)>,
    alive: Mutex<usize>,
    left: Condvar,
}

/// What is counted by whoever it happens to.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) next_id: AtomicU64,
    pub(super) context_cancels: AtomicU64,
    pub(super) timed_out: AtomicU64,
    pub(super) panicked: AtomicU64,
    pub(super) refused: AtomicU64,
}

/// The place of one worker; it outlives the worker's thread, so that what is in its deque can always be stolen.
pub(super) struct Slot {
    pub(super) stealer: Stealer<Task>,
    unparker: Unparker,
    pub(super) seat: Mutex<Seat>,
    pub(super) stats: Stats,
    /// When the worker was woken last, in nanoseconds since the pool's start.
    pub(super) woken_at: AtomicU64,
}

/// The parts of a slot that change hands when a worker starts or leaves.
pub(super) struct Seat {
    is_taken: bool,
    kit: Option<Kit>,
    handle: Option<JoinHandle<()>>,
}

/// What a worker takes from its slot when it begins, and leaves there for the next one.
pub(super) struct Kit {
    pub(super) deque: Deque<Task>,
    pub(super) parker: Parker,
}

impl Slot {
    fn new() -> Slot {
        let kit = Kit { deque: Deque::new_lifo(), parker: Parker::new() };
        Slot {
            stealer: kit.deque.stealer(),
            unparker: kit.parker.unparker(),
            seat: Mutex::new(Seat { is_taken: false, kit: Some(kit), handle: None }),
            stats: Stats::default(),
            woken_at: AtomicU64::new(0),
        }
    }

    /// What the worker that has this seat works with.
    pub(super) fn take_kit(&self) -> Option<Kit> {
        self.seat.lock().kit.take()
    }
}

impl Shared {
    pub(super) fn new(config: PoolConfig) -> Result<Arc<Shared>> {
        let topology = config.topology.unwrap_or_else(Topology::read);
        let workers = check_workers(config.workers.unwrap_or_else(|| topology.workers()))?;
        let shared = Arc::new(Shared {
            name: config.name,
            injectors: Default::default(),
            bounds: config.bounds.map(AtomicUsize::new),
            sleepers: Sleepers::new(),
            slots: [const { CachePadded::new(OnceLock::new()) }; WORKERS_MAX],
            used: AtomicUsize::new(0),
            target: AtomicUsize::new(0),
            placement: Placement::new(topology, config.pin),
            observed: Observed::default(),
            started: Instant::now(),
            counts: Counts::default(),
            window: Mutex::default(),
            alive: Mutex::new(0),
            left: Condvar::new(),
        });
        shared.scale(workers).inspect_err(|_| shared.close())?;
        Ok(shared)
    }

    /// Nanoseconds since the pool's start.
    pub(super) fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    pub(super) fn used(&self) -> impl ExactSizeIterator<Item = &Slot> {
        (0..self.used.load(Ordering::Acquire)).map(|index| self.slot(index))
    }

    /// The slot of a worker that was started once.
    #[inline]
    pub(super) fn slot(&self, index: usize) -> &Slot {
        self.slots[index].get().expect("`start` makes the slot before it counts or names the worker")
    }

    /// Puts a task where it belongs: normal ones of a worker of this pool into its own deque, all others into an injector.
    #[inline]
    pub(super) fn push(&self, priority: Priority, task: Task) -> Result<()> {
        let task = match priority {
            Priority::Normal => match worker::push_local(self, task) {
                None => {
                    self.pushed();
                    return Ok(());
                }
                Some(task) => task,
            },
            _ => task,
        };
        self.inject(priority, task)
    }

    /// Puts a task into its injector, behind all others of its priority.
    #[inline]
    pub(super) fn inject(&self, priority: Priority, task: Task) -> Result<()> {
        if self.sleepers.look().is_closed() && !worker::is_inside(self) {
            return Err(Error::new("pool", Code::InvalidState, "a task was spawned after the pool was shut down"));
        }
        let injector = &self.injectors[priority as usize];
        if injector.len() >= self.bounds[priority as usize].load(Ordering::Relaxed) {
            return Err(self.refuse(priority));
        }
        injector.push(task);
        if self.pushed().is_closed() && !worker::is_inside(self) {
            // The pool was closed meanwhile; the workers may have gone, and the task was accepted.
            self.run_injected();
        }
        Ok(())
    }

    #[cold]
    fn refuse(&self, priority: Priority) -> Error {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        let bound = self.bounds[priority as usize].load(Ordering::Relaxed);
        let message = format!("the {priority:?} queue is at its bound of {bound} tasks; try again later");
        Error::new("pool", Code::ResourceLimit, message)
    }

    #[cold]
    fn run_injected(&self) {
        while let Some(task) = self.injectors.iter().find_map(|injector| steal_one(injector)) {
            if crate::runtime::panics::contain(&self.name, || task.run()).is_err() {
                self.counts.panicked.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// After a push: wakes a sleeper unless somebody is about to look anyway.
    #[inline]
    pub(super) fn pushed(&self) -> Seen {
        let seen = self.sleepers.after_push();
        if seen.wants_wake() {
            self.wake_one();
        }
        seen
    }

    #[cold]
    pub(super) fn wake_one(&self) {
        if let Some(worker) = self.sleepers.wake_one(|sleepers| self.placement.choose(sleepers)) {
            self.unpark(worker);
        }
    }

    fn unpark(&self, worker: usize) {
        let slot = self.slot(worker);
        slot.woken_at.store(self.now(), Ordering::Relaxed);
        slot.unparker.unpark();
    }

    /// Whether any queue holds a task.
    pub(super) fn has_work(&self) -> bool {
        self.injectors.iter().any(|injector| !injector.is_empty()) || self.used().any(|slot| !slot.stealer.is_empty())
    }

    /// Tasks that wait, by priority.
    pub(super) fn depth(&self) -> [usize; 3] {
        let mut depth = [0, 1, 2].map(|class| self.injectors[class].len());
        let local = self.used().map(|slot| slot.stealer.len()).sum::<usize>();
        depth[Priority::Normal as usize] += local;
        depth
    }

    /// Starts workers or lets the last ones retire, until there are `count`.
    pub(super) fn scale(self: &Arc<Self>, count: usize) -> Result<()> {
        let count = check_workers(count)?;
        // Whoever holds this lock decides how many there are to be.
        let mut alive = self.alive.lock();
        if self.sleepers.look().is_closed() {
            return Err(Error::new("pool", Code::InvalidState, "the pool was shut down and cannot be scaled"));
        }
        self.target.store(count, Ordering::Release);
        for index in 0..count {
            *alive += usize::from(self.start(index)?);
        }
        drop(alive);
        self.wake_all(count);
        Ok(())
    }

    /// Starts the worker of a slot; false if it is there already (one that wanted to retire stays).
    fn start(self: &Arc<Self>, index: usize) -> Result<bool> {
        let slot = self.slots[index].get_or_init(Slot::new);
        let mut seat = slot.seat.lock();
        if seat.is_taken {
            return Ok(false);
        }
        self.used.fetch_max(index + 1, Ordering::AcqRel);
        slot.stats.awake_since.store(self.now(), Ordering::Release);
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name(format!("{}-{index}", self.name));
        let handle = thread.spawn(move || worker::run(&shared, index)).map_err(|error| {
            slot.stats.awake_since.store(ASLEEP, Ordering::Release);
            Error::io("pool", format!("start worker {index}"), error)
        })?;
        seat.handle = Some(handle);
        seat.is_taken = true;
        Ok(true)
    }

    /// Wakes all sleepers from `first` on, so that they see what has changed.
    fn wake_all(&self, first: usize) {
        // As after a push: a worker that is just lying down sees the change at its last look, or is seen here.
        self.sleepers.after_push();
        for worker in first..self.used().len() {
            if self.sleepers.wake(worker) {
                self.unpark(worker);
            }
        }
    }

    /// No more tasks from outside; the workers finish what was accepted, then leave.
    pub(super) fn close(&self) {
        let _decided = self.alive.lock();
        self.sleepers.close();
        self.wake_all(0);
    }

    /// The calling worker gives its place back, unless it is wanted after all.
    pub(super) fn leave(&self, index: usize, kit: Kit) -> Option<Kit> {
        let mut alive = self.alive.lock();
        let closed = self.sleepers.look().is_closed();
        if !closed && index < self.target.load(Ordering::Acquire) {
            return Some(kit);
        }
        let mut seat = self.slot(index).seat.lock();
        seat.kit = Some(kit);
        seat.is_taken = false;
        self.slot(index).stats.falls_asleep(self.now());
        self.placement.forget(index);
        *alive -= 1;
        self.left.notify_all();
        None
    }

    /// How many workers live.
    pub(super) fn alive(&self) -> usize {
        *self.alive.lock()
    }

    /// Waits until all workers have left; the number of those that have not at the deadline.
    pub(super) fn wait_for_all(&self, deadline: Instant) -> usize {
        let mut alive = self.alive.lock();
        while *alive > 0 && !self.left.wait_until(&mut alive, deadline).timed_out() {}
        *alive
    }

    /// Joins the threads of workers that have left, but for the caller's own.
    pub(super) fn join(&self) {
        for slot in self.used() {
            let handle = {
                let mut seat = slot.seat.lock();
                if seat.is_taken { None } else { seat.handle.take() }
            };
            if let Some(handle) = handle.filter(|handle| handle.thread().id() != std::thread::current().id()) {
                // A worker contains its tasks' panics, so there is nothing to learn from the result.
                let _ = handle.join();
            }
        }
    }
}

/// Takes one task, however often others get in the way.
pub(super) fn steal_one(injector: &Injector<Task>) -> Option<Task> {
    loop {
        match injector.steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
