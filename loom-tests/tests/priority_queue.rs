//! Models of the priority queue: permits are never lost or forged, and what is evicted is handed to exactly one side.

use std::sync::Mutex;

use brummer_loom_tests::sync::priority_queue::Overflow::{DropLowPriority, DropOldest};
use brummer_loom_tests::sync::priority_queue::Priority::{High, Low, Normal};
use brummer_loom_tests::sync::priority_queue::{Overflow, Priority, PriorityQueue};
use brummer_loom_tests::sync::shim::Arc;
use brummer_loom_tests::{check, mutation_is_caught, run, side};

type Queue = Arc<PriorityQueue<u32>>;

/// What left the queue, or never got in; loom runs one thread at a time, so it is plain to loom.
#[derive(Clone, Default)]
struct Gone(std::sync::Arc<Mutex<Vec<u32>>>);

impl Gone {
    fn note(&self, values: impl IntoIterator<Item = u32>) {
        self.0.lock().expect("no side panics while it notes").extend(values);
    }

    /// Together with what is left, each value from 1 to `last` once; and no permit is missing afterwards.
    fn is_complete(&self, queue: &Queue, last: u32) {
        assert_eq!(queue.len(), queue.depths().iter().sum::<usize>(), "a permit without a value");
        assert!(queue.len() <= queue.capacity());
        while let Some((_, value)) = queue.pop() {
            self.note([value]);
        }
        let mut all = self.0.lock().expect("no side panics while it notes").clone();
        all.sort_unstable();
        assert_eq!((all, queue.len()), ((1..=last).collect::<Vec<_>>(), 0));
    }
}

fn push(queue: &Queue, gone: &Gone, priority: Priority, value: u32) -> Box<dyn FnOnce()> {
    let (queue, gone) = (Arc::clone(queue), gone.clone());
    side(move || gone.note(queue.push(priority, value).err().map(|full| full.0)))
}

fn push_with(queue: &Queue, gone: &Gone, priority: Priority, value: u32, overflow: Overflow) -> Box<dyn FnOnce()> {
    let (queue, gone) = (Arc::clone(queue), gone.clone());
    side(move || match queue.push_with(priority, value, overflow) {
        Ok(pushed) => gone.note(pushed.evicted.map(|(_, value)| value)),
        Err(full) => gone.note([full.0]),
    })
}

fn pop(queue: &Queue, gone: &Gone) -> Box<dyn FnOnce()> {
    let (queue, gone) = (Arc::clone(queue), gone.clone());
    side(move || gone.note(queue.pop().map(|(_, value)| value)))
}

fn two_pushes_for_one_place() {
    let (queue, gone) = (Arc::new(PriorityQueue::new([1, 1, 1])), Gone::default());
    run([push(&queue, &gone, High, 1), push(&queue, &gone, High, 2)]);
    assert_eq!(queue.depths(), [1, 0, 0], "exactly one fits");
    gone.is_complete(&queue, 2);
}

#[test]
fn eb09_two_pushes_for_one_place() {
    check("priority queue, 2 pushes for 1 place", None, 500, two_pushes_for_one_place);
}

#[test]
fn eb04_an_eviction_beside_a_pop_loses_nothing_unseen() {
    check("priority queue, 1 drop oldest, 1 pop", None, 5_000, || {
        let (queue, gone) = (Arc::new(PriorityQueue::new([1, 1, 1])), Gone::default());
        queue.push(High, 1).expect("there is room");
        run([push_with(&queue, &gone, High, 2, DropOldest), pop(&queue, &gone)]);
        gone.is_complete(&queue, 2);
    });
}

#[test]
fn eb04_drop_low_priority_beside_a_low_push_keeps_the_bound() {
    check("priority queue, full, 1 drop low priority, 1 low push", None, 9, || {
        let (queue, gone) = (Arc::new(PriorityQueue::new([1, 1, 1])), Gone::default());
        for (value, priority) in [(1, High), (2, Normal), (3, Low)] {
            queue.push(priority, value).expect("there is room");
        }
        run([push_with(&queue, &gone, High, 4, DropLowPriority), push(&queue, &gone, Low, 5)]);
        assert_eq!(queue.len(), 3);
        gone.is_complete(&queue, 5);
    });
}

#[test]
fn eb09_a_batch_beside_a_push_takes_each_value_once() {
    check("priority queue, 1 batch, 1 push", None, 50, || {
        let (queue, gone) = (Arc::new(PriorityQueue::new([1, 1, 1])), Gone::default());
        queue.push(Low, 1).expect("there is room");
        let (batcher, noted) = (Arc::clone(&queue), gone.clone());
        let batch = side(move || {
            let mut batch = Vec::new();
            assert_eq!(batcher.pop_many(&mut batch, 2), batch.len());
            noted.note(batch);
        });
        run([batch, push(&queue, &gone, High, 2)]);
        gone.is_complete(&queue, 2);
    });
}

#[test]
fn sy11_a_lost_permit_is_caught() {
    mutation_is_caught("priority queue: lost permit", two_pushes_for_one_place);
}
