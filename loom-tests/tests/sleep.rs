//! Models of the pool's sleep protocol: whatever the order, no task is left beside workers that sleep. A lost wake-up is a
//! deadlock, which loom reports.

use brummer_loom_tests::sync;
use brummer_loom_tests::sync::shim::atomic::{AtomicUsize, Ordering};
use brummer_loom_tests::sync::shim::{Arc, Condvar, Mutex};
use brummer_loom_tests::{check, mutation_is_caught, run, side};

#[path = "../../src/runtime/pool/sleep.rs"]
#[allow(dead_code)]
mod sleep;

use sleep::Sleepers;

/// A pool whose queue is a number, with parkers of one token each.
struct Pool {
    queue: AtomicUsize,
    sleepers: Sleepers,
    parkers: [(Mutex<bool>, Condvar); 2],
}

impl Pool {
    fn new() -> Arc<Pool> {
        let parkers = [(); 2].map(|()| (Mutex::new(false), Condvar::new()));
        Arc::new(Pool { queue: AtomicUsize::new(0), sleepers: Sleepers::new(), parkers })
    }

    fn push(&self) {
        self.queue.fetch_add(1, Ordering::Release);
        if self.sleepers.after_push().wants_wake() {
            self.wake_one();
        }
    }

    fn wake_one(&self) {
        if let Some(worker) = self.sleepers.wake_one(|sleepers| sleepers.trailing_zeros() as usize) {
            self.unpark(worker);
        }
    }

    fn unpark(&self, worker: usize) {
        let (token, condvar) = &self.parkers[worker];
        *token.lock().expect("nobody panics with it") = true;
        condvar.notify_one();
    }

    fn park(&self, worker: usize) {
        let (token, condvar) = &self.parkers[worker];
        let mut token = token.lock().expect("nobody panics with it");
        while !*token {
            token = condvar.wait(token).expect("nobody panics with it");
        }
        *token = false;
    }

    fn has_work(&self) -> bool {
        self.queue.load(Ordering::Relaxed) != 0
    }

    fn pop(&self) -> bool {
        let mut count = self.queue.load(Ordering::Relaxed);
        while count != 0 {
            match self.queue.compare_exchange(count, count - 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
        false
    }

    /// A worker that leaves after `tasks`, as the pool's does when it is closed: searching no more.
    fn work(&self, worker: usize, tasks: usize) {
        let mut searching = false;
        let mut ran = 0;
        while ran < tasks {
            if self.pop() {
                ran += 1;
                if std::mem::take(&mut searching) && self.sleepers.found(|| self.has_work()) {
                    self.wake_one();
                }
            } else {
                searching = searching || self.sleepers.try_search();
                self.sleepers.sleep(worker, searching, || self.has_work(), || self.park(worker));
                searching = true;
            }
        }
    }
}

/// `before` tasks wait already, then there are `pushes` beside the worker.
fn one_worker(before: usize, pushes: usize) {
    let pool = Pool::new();
    (0..before).for_each(|_| pool.push());
    let pusher = Arc::clone(&pool);
    let push = side(move || (0..pushes).for_each(|_| pusher.push()));
    run([side(move || pool.work(0, before + pushes)), push]);
}

#[test]
fn wp06_no_push_is_lost_on_one_worker() {
    check("sleep, 1 worker, 1 push", None, 2_000, || one_worker(0, 1));
    check("sleep, 1 worker, 1 task and 1 push", None, 3_200, || one_worker(1, 1));
    // The bigger sibling: too long without a bound.
    check("sleep, 1 worker, 2 pushes", Some(3), 1_500, || one_worker(0, 2));
}

#[test]
fn wp06_no_push_of_two_threads_is_lost() {
    check("sleep, 1 worker, 2 pushers", Some(2), 4_000, || {
        let pool = Pool::new();
        let (first, second) = (Arc::clone(&pool), Arc::clone(&pool));
        run([side(move || pool.work(0, 2)), side(move || first.push()), side(move || second.push())]);
    });
}

#[test]
fn wp06_the_woken_worker_wakes_the_next() {
    check("sleep, 2 workers, 2 pushes", Some(2), 50_000, || {
        let pool = Pool::new();
        let (second, pusher) = (Arc::clone(&pool), Arc::clone(&pool));
        let push = side(move || (0..2).for_each(|_| pusher.push()));
        run([side(move || pool.work(0, 1)), side(move || second.work(1, 1)), push]);
    });
}

#[test]
fn wp06_closing_wakes_a_worker_that_is_just_lying_down() {
    check("sleep, 1 worker, close", None, 1_500, || {
        let pool = Pool::new();
        let closer = Arc::clone(&pool);
        let close = side(move || {
            closer.sleepers.close();
            if closer.sleepers.wake(0) {
                closer.unpark(0);
            }
        });
        let work = side(move || {
            while !pool.sleepers.look().is_closed() {
                pool.sleepers.sleep(0, false, || pool.sleepers.look().is_closed(), || pool.park(0));
            }
        });
        run([work, close]);
    });
}

#[test]
fn wp06_the_model_catches_a_missing_fence() {
    mutation_is_caught("sleep: no fence before the last look", || one_worker(0, 1));
}
