//! Models of the copy-on-write cell: a cached reader never keeps an old value for good.

use std::sync::Mutex;

use brummer_loom_tests::sync::shim::Arc;
use brummer_loom_tests::sync::shim::atomic::AtomicBool;
use brummer_loom_tests::sync::shim::atomic::Ordering::{Acquire, Release};
use brummer_loom_tests::sync::{CachedReader, CowCell};
use brummer_loom_tests::{check, mutation_is_caught, run, side};

/// `stores` values, one reader that asks meanwhile, and asks again when all is over.
fn a_reader_beside(stores: u64) {
    let cell = Arc::new(CowCell::new(0));
    let reader = std::sync::Arc::new(Mutex::new(CachedReader::new(Arc::clone(&cell))));
    let meanwhile = std::sync::Arc::clone(&reader);
    run([
        side(move || (1..=stores).for_each(|value| cell.store(value))),
        side(move || {
            let mut reader = meanwhile.lock().expect("locked by one side alone");
            let first = **reader.get();
            assert!(**reader.get() >= first, "went back");
        }),
    ]);
    assert_eq!(**reader.lock().expect("the sides are done").get(), stores, "kept an old value");
}

#[test]
fn sy11_a_cached_reader_ends_with_the_last_value() {
    check("cow, 1 store, 2 gets", None, 20, || a_reader_beside(1));
    check("cow, 2 stores, 2 gets", None, 200, || a_reader_beside(2));
}

#[test]
fn sy11_a_reader_sees_every_store_that_it_knows_has_returned() {
    check("cow, store then flag", None, 150, || {
        let cell = Arc::new(CowCell::new(0));
        let stored = Arc::new(AtomicBool::new(false));
        let (mut reader, returned) = (CachedReader::new(Arc::clone(&cell)), Arc::clone(&stored));
        run([
            side(move || {
                cell.store(1);
                stored.store(true, Release);
            }),
            side(move || {
                if returned.load(Acquire) {
                    assert_eq!(**reader.get(), 1);
                }
            }),
        ]);
    });
}

#[test]
fn sy11_no_update_is_lost() {
    check("cow, 2 updates", None, 60, || {
        let cell = Arc::new(CowCell::new(0));
        let (first, second) = (Arc::clone(&cell), Arc::clone(&cell));
        run([side(move || first.update(|value| value + 1)), side(move || second.update(|value| value + 1))]);
        assert_eq!(*cell.load(), 2);
    });
}

#[test]
fn sy11_a_version_at_the_wrong_time_is_caught() {
    mutation_is_caught("cow: version grows before the value", || a_reader_beside(1));
    mutation_is_caught("cow: version read after the value", || a_reader_beside(2));
}
