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

    /// An event that waits, and a drain that is to come.
    fn with_one_event(capacity: usize) -> Arc<Lane> {
        let lane = Lane::new(capacity);
        lane.ring.push(1).expect("there is room");
        assert!(lane.drains.pushed());
        lane
    }

    /// True if the caller is to drain.
    fn publish(&self) -> bool {
        self.ring.push(1).expect("there is room");
        self.drains.pushed()
    }

    /// As the bus does it where the pool takes nothing any more: the publisher drains.
    fn publish_and_drain(&self) {
        if self.publish() {
            self.drain(|| ());
        }
    }

    fn push_waiting(&self) {
        let deadline = Instant::now() + Duration::from_secs(3600);
        let waited = self.room.wait(deadline, 1, |value| self.ring.push(value));
        assert!(waited.is_ok(), "loom's clock does not go");
    }

    fn publish_to_worker(&self) {
        if self.ring.push(1).is_err() {
            self.push_waiting();
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
            self.drain(|| {
                self.handled_so_far.fetch_add(1, Ordering::Relaxed);
                self.make_room();
            });
        }
    }

    fn make_room(&self) {
        self.room.freed(false, self.ring.len(), self.ring.capacity());
    }

    /// Handles what there is, and says so of each event, until it may rest.
    fn drain(&self, handled: impl Fn()) {
        loop {
            while let Some(event) = self.ring.pop() {
                // SAFETY: one drain at a time, which loom checks.
                self.handled.with_mut(|handled| unsafe { *handled += event });
                handled();
            }
            if self.drains.rest(|| self.ring.is_empty()) {
                return;
            }
        }
    }

    fn drain_and_tell(&self) {
        self.drain(|| ());
        self.rested.notify_all();
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
fn publish_and_look_beside_a_drain() {
    let lane = Lane::with_one_event(2);
    let draining = Arc::clone(&lane);
    let look = side(move || {
        if !lane.publish() && lane.is_quiet() {
            lane.assert_handled(2);
        }
    });
    run([side(move || draining.drain(|| ())), look]);
}

/// Whoever waits for a drain to end is woken, and finds its events handled.
fn stop_beside_a_drain() {
    let lane = Lane::with_one_event(1);
    let draining = Arc::clone(&lane);
    let stop = side(move || {
        lane.stop();
        lane.assert_handled(1);
    });
    run([side(move || draining.drain_and_tell()), stop]);
}

/// The only slot is taken: the publisher sleeps, and the pop wakes it.
fn wait_for_the_slot() {
    let lane = Lane::with_one_event(1);
    let popping = Arc::clone(&lane);
    let pop = side(move || {
        assert_eq!(popping.ring.pop(), Some(1));
        popping.make_room();
    });
    run([pop, side(move || lane.push_waiting())]);
}

/// Some events through one slot and the whole hand-over.
fn through_one_slot(events: usize) {
    let lane = Lane::new(1);
    let worker = Arc::clone(&lane);
    run([side(move || worker.work(events)), side(move || (0..events).for_each(|_| lane.publish_to_worker()))]);
}

#[test]
fn eb10_an_event_pushed_while_a_drain_ends_is_not_left_lying() {
    check("lane, 2 publishers that drain", None, 100_000, two_publishers);
}

#[test]
fn eb06_whoever_sees_a_quiet_lane_finds_its_event_handled() {
    check("lane, publish and look beside a drain", None, 18_000, publish_and_look_beside_a_drain);
}

#[test]
fn eb06_whoever_waits_for_a_quiet_lane_is_woken() {
    check("lane, stop beside a drain", None, 2_300, stop_beside_a_drain);
}

#[test]
fn eb04_a_publisher_at_the_bound_is_woken() {
    check("lane, 1 pop beside a wait for the slot", None, 1_900, wait_for_the_slot);
}

#[test]
fn eb04_events_pass_one_by_one_through_a_slot() {
    // The bigger sibling of the model above: too long without a bound.
    check("lane, 3 events through 1 slot", Some(2), 400, || through_one_slot(3));
}

#[test]
fn eb10_the_model_catches_a_missing_fence_before_the_last_look() {
    mutation_is_caught("lane: no fence before the last look", two_publishers);
}

#[test]
fn eb06_the_model_catches_a_drain_that_goes_on_without_a_fence() {
    mutation_is_caught("lane: goes on without a fence", publish_and_look_beside_a_drain);
}

#[test]
fn eb04_the_model_catches_a_sleep_without_a_last_try() {
    mutation_is_caught("lane: sleeps without a last try", wait_for_the_slot);
}
