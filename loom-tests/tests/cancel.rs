//! Models of the cancel flag: no child and no callback slips between a cancel and its own registration.

use std::sync::{Arc, Mutex};

use brummer_loom_tests::sync::CancelFlag;
use brummer_loom_tests::sync::shim::atomic::AtomicU64;
use brummer_loom_tests::sync::shim::atomic::Ordering::{Acquire, Relaxed, Release};
use brummer_loom_tests::{check, mutation_is_caught, run, side};

fn cancels(flag: CancelFlag) -> Box<dyn FnOnce()> {
    side(move || assert!(flag.cancel() || flag.is_cancelled()))
}

fn a_child_made_beside_a_cancel() {
    let parent = CancelFlag::new();
    let child = Arc::new(Mutex::new(None));
    let (canceller, born) = (parent.clone(), Arc::clone(&child));
    run([cancels(canceller), side(move || *born.lock().expect("locked by one side alone") = Some(parent.child()))]);
    let child = child.lock().expect("the sides are done").take().expect("it was made");
    assert!(child.is_cancelled(), "slipped through");
}

#[test]
fn er2_a_child_made_beside_a_cancel_is_cancelled() {
    check("cancel, 1 child", None, 10, a_child_made_beside_a_cancel);
}

#[test]
fn er2_a_cancel_reaches_a_grandchild_whose_parent_is_dropped_meanwhile() {
    check("cancel, grandchild, parent dropped", None, 3, || {
        let root = CancelFlag::new();
        let middle = root.child();
        let leaf = middle.child();
        run([cancels(root), side(move || drop(middle))]);
        assert!(leaf.is_cancelled());
    });
}

#[test]
fn er2_a_child_dropped_beside_a_cancel_is_freed() {
    check("cancel, child dropped", None, 8, || {
        let root = CancelFlag::new();
        let child = root.child();
        run([cancels(root), side(move || drop(child))]);
    });
}

#[test]
fn er2_a_callback_entered_beside_two_cancels_runs_once() {
    check("cancel, callback, 2 cancels", Some(2), 100, || {
        let flag = CancelFlag::new();
        let ran = Arc::new(AtomicU64::new(0));
        let (first, second, count) = (flag.clone(), flag.clone(), Arc::clone(&ran));
        let guard = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&guard);
        run([
            cancels(first),
            cancels(second),
            side(move || {
                let entered = flag.on_cancel(move || {
                    count.fetch_add(1, Relaxed);
                });
                *kept.lock().expect("locked by one side alone") = Some(entered);
            }),
        ]);
        assert_eq!(ran.load(Acquire), 1);
    });
}

#[test]
fn er2_who_finds_it_cancelled_sees_what_was_written_before() {
    check("cancel, reason", None, 10, || {
        let flag = CancelFlag::new();
        let reason = Arc::new(AtomicU64::new(0));
        let (canceller, written) = (flag.child(), Arc::clone(&reason));
        let asked = canceller.clone();
        run([
            side(move || {
                written.store(7, Relaxed);
                canceller.cancel();
            }),
            side(move || {
                if asked.is_cancelled() {
                    assert_eq!(reason.load(Relaxed), 7);
                    reason.store(8, Release);
                }
            }),
        ]);
    });
}

#[test]
fn er2_a_child_linked_without_a_look_is_caught() {
    mutation_is_caught("cancel: child linked without a look under the mutex", a_child_made_beside_a_cancel);
}
