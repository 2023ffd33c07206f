//! Models of the ring: each value comes out once, whole, and in order, whatever the interleaving.
//!
//! Overwriting is modelled with two sides: with three, two of them can wait for the third in turns, for ever, in a
//! schedule that never lets it run.

use std::sync::Mutex;

use brummer_loom_tests::sync::ring::Ring;
use brummer_loom_tests::sync::shim::Arc;
use brummer_loom_tests::{check, mutation_is_caught, run, side};

/// What came out, noted by every side; loom runs one thread at a time, so it is plain to loom.
#[derive(Clone, Default)]
struct Seen(std::sync::Arc<Mutex<Vec<u32>>>);

impl Seen {
    fn note(&self, values: impl IntoIterator<Item = u32>) {
        self.0.lock().expect("no side panics while it notes").extend(values);
    }

    /// Together with what is left in the ring, each value from 1 to `last` once.
    fn is_complete(&self, ring: &Ring<Box<u32>>, last: u32) {
        while let Some(value) = ring.pop() {
            self.note([*value]);
        }
        let mut all = self.0.lock().expect("no side panics while it notes").clone();
        all.sort_unstable();
        assert_eq!(all, (1..=last).collect::<Vec<_>>());
    }
}

fn ring(capacity: usize) -> Arc<Ring<Box<u32>>> {
    Arc::new(Ring::new(capacity))
}

fn push(ring: &Arc<Ring<Box<u32>>>, values: &'static [u32]) -> Box<dyn FnOnce()> {
    let ring = Arc::clone(ring);
    side(move || values.iter().for_each(|value| ring.push(Box::new(*value)).expect("there is room")))
}

fn force_push(ring: &Arc<Ring<Box<u32>>>, seen: &Seen, values: &'static [u32]) -> Box<dyn FnOnce()> {
    let (ring, seen) = (Arc::clone(ring), seen.clone());
    side(move || values.iter().for_each(|value| seen.note(ring.force_push(Box::new(*value)).map(|old| *old))))
}

fn pop(ring: &Arc<Ring<Box<u32>>>, seen: &Seen, times: usize) -> Box<dyn FnOnce()> {
    let (ring, seen) = (Arc::clone(ring), seen.clone());
    side(move || {
        let popped: Vec<u32> = (0..times).filter_map(|_| ring.pop()).map(|value| *value).collect();
        assert!(popped.is_sorted(), "out of order: {popped:?}");
        seen.note(popped);
    })
}

fn one_producer_one_consumer() {
    let (ring, seen) = (ring(2), Seen::default());
    run([push(&ring, &[1, 2]), pop(&ring, &seen, 2)]);
    seen.is_complete(&ring, 2);
}

#[test]
fn sy11_one_producer_one_consumer() {
    check("ring, 2 pushes, 2 pops", None, 2_000, one_producer_one_consumer);
}

#[test]
fn sy11_two_producers_one_consumer() {
    check("ring, 2 producers, 1 consumer", Some(2), 2_000, || {
        let (ring, seen) = (ring(2), Seen::default());
        run([push(&ring, &[1]), push(&ring, &[2]), pop(&ring, &seen, 1)]);
        seen.is_complete(&ring, 2);
    });
}

#[test]
fn sy11_two_consumers_of_a_wrapped_ring_get_each_value_once() {
    check("ring, wrapped, 1 producer, 2 consumers", Some(2), 3_000, || {
        let (ring, seen) = (ring(2), Seen::default());
        ring.push(Box::new(1)).expect("there is room");
        ring.push(Box::new(2)).expect("there is room");
        seen.note(ring.pop().map(|value| *value));
        run([push(&ring, &[3]), pop(&ring, &seen, 1), pop(&ring, &seen, 1)]);
        seen.is_complete(&ring, 3);
    });
}

#[test]
fn sy11_a_push_into_a_full_ring_is_refused_or_comes_after_the_pop() {
    check("ring, full, 1 push, 1 pop", None, 8, || {
        let (ring, seen) = (ring(1), Seen::default());
        ring.push(Box::new(1)).expect("there is room");
        let (pusher, refused) = (Arc::clone(&ring), seen.clone());
        let push = side(move || refused.note(pusher.push(Box::new(2)).err().map(|full| *full.0)));
        run([push, pop(&ring, &seen, 1)]);
        seen.is_complete(&ring, 2);
    });
}

#[test]
fn eb04_overwriting_beside_a_pop_loses_nothing_unseen() {
    check("ring, 1 forced push, 1 pop", None, 150, || {
        let (ring, seen) = (ring(1), Seen::default());
        ring.push(Box::new(1)).expect("there is room");
        run([force_push(&ring, &seen, &[2]), pop(&ring, &seen, 1)]);
        assert_eq!(ring.len(), 2 - seen.0.lock().expect("no side panics while it notes").len());
        seen.is_complete(&ring, 2);
    });
}

#[test]
fn eb04_two_that_overwrite_evict_different_values() {
    check("ring, 2 forced pushes", None, 350, || {
        let (ring, seen) = (ring(1), Seen::default());
        ring.push(Box::new(1)).expect("there is room");
        run([force_push(&ring, &seen, &[2]), force_push(&ring, &seen, &[3])]);
        assert_eq!(ring.len(), 1);
        seen.is_complete(&ring, 3);
    });
}

#[test]
fn sy11_a_batch_beside_a_pop_and_a_push_takes_each_value_once() {
    check("ring, 1 batch, 1 pop, 1 push", Some(2), 4_000, || {
        let (ring, seen) = (ring(2), Seen::default());
        ring.push(Box::new(1)).expect("there is room");
        let (batcher, noted) = (Arc::clone(&ring), seen.clone());
        let batch = side(move || {
            let mut batch = Vec::new();
            let count = batcher.pop_many(&mut batch, 2);
            assert_eq!(count, batch.len());
            noted.note(batch.into_iter().map(|value| *value));
        });
        run([batch, pop(&ring, &seen, 1), push(&ring, &[2])]);
        seen.is_complete(&ring, 2);
    });
}

#[test]
fn sy11_a_stamp_before_its_value_is_caught() {
    mutation_is_caught("ring: stamp before value", one_producer_one_consumer);
}
