//! One worker: where its next task comes from, how it runs it, when it searches, sleeps and leaves.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_deque::Steal;

use super::config::{FAIR_EVERY, LOCAL_MAX, LOOKS};
use super::placement::Seat;
use super::shared::{Kit, Shared, Slot, steal_one};
use super::task::Task;
use crate::runtime::Priority;
use crate::runtime::panics::{self, PanicReport};

/// What a task finds of its own worker when it spawns.
struct Local {
    kit: Kit,
    pool: *const Shared,
}

thread_local! {
    static LOCAL: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
}

/// Gives the task to the calling worker's own deque; gives it back where the caller is no worker of `pool` or has enough.
#[inline]
pub(super) fn push_local(pool: &Shared, task: Task) -> Option<Task> {
    LOCAL.with_borrow(|local| match local {
        Some(local) if std::ptr::eq(local.pool, pool) && local.kit.deque.len() < LOCAL_MAX => {
            local.kit.deque.push(task);
            None
        }
        _ => Some(task),
    })
}

/// Whether the calling thread is a worker of `pool`.
pub(super) fn is_inside(pool: &Shared) -> bool {
    LOCAL.with_borrow(|local| local.as_ref().is_some_and(|local| std::ptr::eq(local.pool, pool)))
}

/// The life of a worker.
pub(super) fn run(shared: &Arc<Shared>, index: usize) {
    let slot = shared.slot(index);
    let mut kit = slot.take_kit();
    while let Some(mine) = kit.take() {
        let local = Rc::new(Local { kit: mine, pool: Arc::as_ptr(shared) });
        LOCAL.set(Some(Rc::clone(&local)));
        let seat = shared.placement.settle(index);
        let seed = index as u32 * 2 + 1;
        Worker { shared, slot, index, local: &local, seat, tick: 0, seed }.work();
        LOCAL.set(None);
        if let Some(local) = Rc::into_inner(local) {
            kit = shared.leave(index, local.kit);
        }
    }
}

struct Worker<'a> {
    shared: &'a Arc<Shared>,
    slot: &'a Slot,
    index: usize,
    local: &'a Local,
    seat: Seat,
    tick: u32,
    seed: u32,
}

impl Worker<'_> {
    /// Runs, searches and sleeps until the worker is to leave.
    fn work(&mut self) {
        let mut looks = None;
        loop {
            if self.index >= self.shared.target.load(Ordering::Relaxed) {
                self.hand_over();
                self.stop_searching(looks.take());
                return;
            }
            if let Some(task) = self.next() {
                self.stop_searching(looks.take());
                self.execute(task);
            } else if self.shared.sleepers.look().is_closed() {
                if self.shared.sleepers.last_look(|| !self.shared.has_work()) {
                    self.stop_searching(looks.take());
                    return;
                }
            } else {
                looks = Some(self.idle(looks));
            }
        }
    }

    /// Nothing to do: the only searcher looks a few times more, everybody else sleeps. Returns how often it has looked;
    /// whoever has `Some` is counted as a searcher.
    fn idle(&mut self, looks: Option<u32>) -> u32 {
        let sleepers = &self.shared.sleepers;
        match looks {
            Some(count) if count < LOOKS => {
                std::thread::yield_now();
                return count + 1;
            }
            None if sleepers.try_search() => return 0,
            _ => {}
        }
        self.sleep(looks.is_some());
        0
    }

    fn sleep(&mut self, searching: bool) {
        let (shared, index) = (self.shared, self.index);
        let mut slept = false;
        let stay_awake = || {
            shared.has_work() || shared.sleepers.look().is_closed() || index >= shared.target.load(Ordering::Acquire)
        };
        shared.sleepers.sleep(index, searching, stay_awake, || {
            if !std::mem::replace(&mut slept, true) {
                shared.observed.tell(|observer| observer.slept(index));
                self.slot.stats.falls_asleep(shared.now());
            }
            self.local.kit.parker.park();
        });
        if slept {
            self.wake_up();
        }
    }

    fn wake_up(&mut self) {
        let now = self.shared.now();
        self.slot.stats.wakes_up(now);
        if self.seat.is_judged() {
            let took = now.saturating_sub(self.slot.woken_at.load(Ordering::Relaxed));
            self.seat.woken(&self.shared.placement, took);
        }
        self.shared.observed.tell(|observer| observer.woke(self.index));
    }

    /// A searcher that found a task wakes the next one if there is more to be done.
    #[inline]
    fn stop_searching(&self, looks: Option<u32>) {
        if looks.is_some() && self.shared.sleepers.found(|| self.shared.has_work()) {
            self.shared.wake_one();
        }
    }

    /// The next task: high ones first, then its own newest, then the injectors by ticket, then what others have.
    #[inline]
    fn next(&mut self) -> Option<Task> {
        self.tick = self.tick.wrapping_add(1);
        if self.tick.is_multiple_of(FAIR_EVERY)
            && let Some(task) = self.take_injected().or_else(|| self.own_oldest())
        {
            return Some(task);
        }
        let high = &self.shared.injectors[Priority::High as usize];
        if !high.is_empty()
            && let Some(task) = steal_one(high)
        {
            return Some(task);
        }
        self.local.kit.deque.pop().or_else(|| self.take_injected()).or_else(|| self.steal())
    }

    fn own_oldest(&self) -> Option<Task> {
        self.slot.stealer.steal().success()
    }

    /// One of the injectors: of 21 tickets 16 begin with high, 4 with normal, 1 with low.
    fn take_injected(&mut self) -> Option<Task> {
        self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let order = match (self.seed >> 16) % 21 {
            0..16 => [Priority::High, Priority::Normal, Priority::Low],
            16..20 => [Priority::Normal, Priority::High, Priority::Low],
            _ => [Priority::Low, Priority::High, Priority::Normal],
        };
        order.into_iter().find_map(|class| self.take_from(class))
    }

    /// Normal tasks come in batches, which others may steal on; high and low ones singly, since a deque knows no classes.
    fn take_from(&self, class: Priority) -> Option<Task> {
        let injector = &self.shared.injectors[class as usize];
        if class != Priority::Normal {
            return if injector.is_empty() { None } else { steal_one(injector) };
        }
        loop {
            match injector.steal_batch_and_pop(&self.local.kit.deque) {
                Steal::Success(task) => return Some(task),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    /// What another worker has, from a random one on: those of the own NUMA node first.
    fn steal(&mut self) -> Option<Task> {
        self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (count, home) = (self.shared.used().len(), self.shared.placement.node(self.index));
        let start = (self.seed >> 16) as usize % count;
        let mut victims = (0..count).map(|offset| (start + offset) % count).filter(|victim| *victim != self.index);
        if self.shared.placement.has_one_node() {
            return victims.find_map(|victim| self.steal_from(victim, false));
        }
        let is_far = |victim: &usize| self.shared.placement.node(*victim) != home;
        let (far, near): (Vec<_>, Vec<_>) = victims.partition(is_far);
        let near = near.into_iter().find_map(|victim| self.steal_from(victim, false));
        near.or_else(|| far.into_iter().find_map(|victim| self.steal_from(victim, true)))
    }

    fn steal_from(&self, victim: usize, crosses: bool) -> Option<Task> {
        let stealer = &self.shared.slot(victim).stealer;
        if stealer.is_empty() {
            return None;
        }
        let stats = &self.slot.stats;
        loop {
            stats.steal_attempts.add(1);
            match stealer.steal_batch_and_pop(&self.local.kit.deque) {
                Steal::Success(task) => {
                    stats.steal_successes.add(1);
                    stats.numa_crossings.add(u64::from(crosses));
                    self.shared.observed.tell(|observer| observer.stole(self.index, victim));
                    return Some(task);
                }
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    #[inline]
    fn execute(&self, task: Task) {
        let began = self.shared.observed.is_set().then(Instant::now);
        let outcome = panics::contain(&self.shared.name, || task.run());
        self.slot.stats.executed.add(1);
        if let Err(report) = outcome {
            self.panicked(&report);
        }
        if let Some(began) = began {
            self.shared.observed.tell(|observer| observer.finished(self.index, began.elapsed()));
        }
    }

    #[cold]
    fn panicked(&self, report: &PanicReport) {
        self.slot.stats.panicked.add(1);
        self.shared.observed.tell(|observer| observer.panicked(self.index, report));
    }

    /// A worker that retires leaves its tasks to the others.
    fn hand_over(&self) {
        while let Some(task) = self.local.kit.deque.pop() {
            self.shared.injectors[Priority::Normal as usize].push(task);
            self.shared.pushed();
        }
    }
}
