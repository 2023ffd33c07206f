//! Models of the event count: loom reports a wake-up that is lost as a deadlock.

use brummer_loom_tests::sync::EventCount;
use brummer_loom_tests::sync::shim::Arc;
use brummer_loom_tests::sync::shim::atomic::AtomicU64;
use brummer_loom_tests::sync::shim::atomic::Ordering::{Acquire, Relaxed};
use brummer_loom_tests::{check, mutation_is_caught, run, side};

#[derive(Default)]
struct Items {
    count: AtomicU64,
    changed: EventCount,
}

impl Items {
    fn put(&self) {
        self.count.fetch_add(1, Relaxed);
        self.changed.notify_one();
    }

    fn try_take(&self) -> bool {
        self.count.fetch_update(Acquire, Relaxed, |count| count.checked_sub(1)).is_ok()
    }

    fn take(&self) {
        while !self.try_take() {
            let ticket = self.changed.prepare_wait();
            if self.try_take() {
                return self.changed.cancel_wait(ticket);
            }
            self.changed.commit_wait(ticket);
        }
    }
}

fn one_item_one_waiter() {
    let items = Arc::new(Items::default());
    let puts = Arc::clone(&items);
    run([side(move || puts.put()), side(move || items.take())]);
}

/// The condition is a plain load here, which may answer an old value: the fences alone make it new.
fn one_flag_one_waiter() {
    let items = Arc::new(Items::default());
    let setter = Arc::clone(&items);
    let set = side(move || {
        setter.count.store(1, Relaxed);
        setter.changed.notify_all();
    });
    let wait = side(move || {
        let ticket = items.changed.prepare_wait();
        if items.count.load(Relaxed) == 0 {
            items.changed.commit_wait(ticket);
        }
    });
    run([set, wait]);
}

#[test]
fn sy11_a_wake_up_is_not_lost() {
    check("event count, 1 item, 1 waiter", None, 400, one_item_one_waiter);
    check("event count, 1 flag, 1 waiter", None, 300, one_flag_one_waiter);
}

#[test]
fn sy11_two_items_wake_two_waiters() {
    check("event count, 2 items, 2 waiters", Some(2), 10_000, || {
        let items = Arc::new(Items::default());
        let (first, second) = (Arc::clone(&items), Arc::clone(&items));
        let puts = side(move || {
            items.put();
            items.put();
        });
        run([puts, side(move || first.take()), side(move || second.take())]);
    });
}

#[test]
fn sy11_notify_all_wakes_everybody() {
    check("event count, notify_all, 2 waiters", Some(2), 4_000, || {
        let items = Arc::new(Items::default());
        let wait = |items: Arc<Items>| {
            side(move || {
                while items.count.load(Relaxed) == 0 {
                    let ticket = items.changed.prepare_wait();
                    if items.count.load(Relaxed) != 0 {
                        break;
                    }
                    items.changed.commit_wait(ticket);
                }
            })
        };
        let waiters = [wait(Arc::clone(&items)), wait(Arc::clone(&items))];
        let [first, second] = waiters;
        let set = side(move || {
            items.count.store(1, Relaxed);
            items.changed.notify_all();
        });
        run([set, first, second]);
    });
}

#[test]
fn sy11_a_missing_fence_is_caught() {
    mutation_is_caught("event count: no fence", one_flag_one_waiter);
}
