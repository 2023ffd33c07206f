//! Models of the event bus's lanes: no event is left lying, none is handled beside another, nobody waits for ever for room.

use std::time::{Duration, Instant};

use brummer_loom_tests::sync;
use brummer_loom_tests::sync::shim::atomic::{AtomicUsize, Ordering};
use brummer_loom_tests::sync::shim::{Arc, Condvar, Mutex, UnsafeCell};
use brummer_loom_tests::sync::{EventCount, Ring};
use brummer_loom_tests::{check, mutation_is_caught, run, side};

#[path = "../../src/runtime/events/handover.rs"]
#[allow(dead_code)]
mod handover;

use handover::{Drains, Room};

/// A lane of one class; its handler counts in plain memory, so that loom sees two at a time, and a look that is not ordered.
struct Lane {
    ring: Ring<u32>,
    drains: Drains,
    room: Room,
    handled: UnsafeCell<u32>,
    rested: EventCount,
    /// How often the lane was given to the worker, as the pool's queue.
    given: (Mutex<u32>, Condvar),
    handled_so_far: AtomicUsize,
}

// SAFETY: loom stops the model where two threads touch `handled` at a time.
unsafe impl Send for Lane {}
// SAFETY: as above.
unsafe impl Sync for Lane {}

impl Lane {
    fn new(capacity: usize) -> Arc<Lane> {
        Arc::new(Lane {
            ring: Ring::new(capacity),
            drains: Drains::new(),
            room: Room::default(),
            handled: UnsafeCell::new(0),
            rested: EventCount::new(),
            given: (Mutex::new(0), Condvar::new()),
            handled_so_far: AtomicUsize::new(0),
        })
    }

    /// As the bus does it where the pool takes nothing any more: the publisher drains.
    fn publish_and_drain(&self) {
        self.ring.push(1).expect("there is room");
        if self.drains.pushed() {
            self.drain();
        }
    }

    fn publish_to_worker(&self) {
        let deadline = Instant::now() + Duration::from_secs(3600);
        if let Err(full) = self.ring.push(1) {
            let waited = self.room.wait(deadline, full.0, |value| self.ring.push(value));
            assert!(waited.is_ok(), "loom's clock does not go");
        }
        if self.drains.pushed() {
            *self.given.0.lock().expect("nobody panics with it") += 1;
            self.given.1.notify_one();
        }
    }

    fn work(&self, events: usize) {
        while self.handled_so_far.load(Ordering::Relaxed) < events {
            let mut given = self.given.0.lock().expect("nobody panics with it");
            while *given == 0 {
                given = self.given.1.wait(given).expect("nobody panics with it");
            }
            *given -= 1;
            drop(given);
            self.drain();
        }
    }

    fn drain(&self) {
        loop {
            while let Some(event) = self.ring.pop() {
                // SAFETY: one drain at a time, which loom checks.
                self.handled.with_mut(|handled| unsafe { *handled += event });
                self.handled_so_far.fetch_add(1, Ordering::Relaxed);
                self.room.freed(false, self.ring.len(), self.ring.capacity());
            }
            if self.drains.rest(|| self.ring.is_empty()) {
                return self.rested.notify_all();
            }
        }
    }

    fn is_quiet(&self) -> bool {
        self.drains.is_quiet(|| self.ring.is_empty())
    }

    fn stop(&self) {
        while !self.is_quiet() {
            let ticket = self.rested.prepare_wait();
            if self.is_quiet() {
                break;
            }
            self.rested.commit_wait(ticket);
        }
    }

    fn assert_handled(&self, events: u32) {
        // SAFETY: whoever asks has seen that the lane is quiet, which loom checks.
        assert_eq!(self.handled.with(|handled| unsafe { *handled }), events, "an event was left lying");
    }
}

/// Whoever finds the lane without a drain drains it; at the end nothing is left.
fn two_publishers() {
    let lane = Lane::new(2);
    let publishers = [Arc::clone(&lane), Arc::clone(&lane)];
    run(publishers.map(|lane| side(move || lane.publish_and_drain())));
    assert!(lane.is_quiet());
    lane.assert_handled(2);
}

/// An event is published beside a drain that ends; whoever has published it, and sees the lane quiet, finds it handled.
fn publish_and_stop_beside_a_drain() {
    let lane = Lane::new(2);
    lane.ring.push(1).expect("there is room");
    assert!(lane.drains.pushed());
    let draining = Arc::clone(&lane);
    let stop = side(move || {
        lane.publish_and_drain();
        lane.stop();
        lane.assert_handled(2);
    });
    run([side(move || draining.drain()), stop]);
}

/// Three events through one slot: the publisher sleeps, and the worker's pop wakes it.
fn wait_for_room(events: usize) {
    let lane = Lane::new(1);
    let worker = Arc::clone(&lane);
    run([side(move || worker.work(events)), side(move || (0..events).for_each(|_| lane.publish_to_worker()))]);
}

#[test]
fn eb10_an_event_pushed_while_a_drain_ends_is_not_left_lying() {
    check("lane, 2 publishers that drain", None, 120_000, two_publishers);
}

#[test]
fn eb06_whoever_sees_a_quiet_lane_finds_its_event_handled() {
    check("lane, publish and stop beside a drain", Some(4), 1_400, publish_and_stop_beside_a_drain);
}

#[test]
fn eb04_a_publisher_at_the_bound_is_woken() {
    check("lane, 2 events through 1 slot", Some(3), 1_000, || wait_for_room(2));
    check("lane, 3 events through 1 slot", Some(2), 400, || wait_for_room(3));
}

#[test]
fn eb10_the_model_catches_a_missing_fence_before_the_last_look() {
    mutation_is_caught("lane: no fence before the last look", two_publishers);
}

#[test]
fn eb06_the_model_catches_a_drain_that_goes_on_without_a_fence() {
    mutation_is_caught("lane: goes on without a fence", publish_and_stop_beside_a_drain);
}

#[test]
fn eb04_the_model_catches_a_sleep_without_a_last_try() {
    mutation_is_caught("lane: sleeps without a last try", || wait_for_room(2));
}
