//! `CowCell`: one shared value that is replaced as a whole, and a reader that pays a single load while it stays the same.
//!
//! **Shape.** Any number of readers and writers, one `Arc<T>` behind an `arc_swap::ArcSwap`, and beside it a version that
//! grows after every replacement. A [`CachedReader`] keeps an `Arc` of its own with the version it had, and goes to the
//! cell only when the version has moved.
//!
//! **Invariants.**
//! - I1: the version grows only after the value it announces can be loaded.
//! - I2: a reader remembers a version that it read before it loaded the value: the value is at least as new as that.
//! - I3: so a reader whose version is the cell's holds the cell's value, or one that was replaced only just now, by a
//!   writer that has not returned from `store`.
//!
//! **Ordering.**
//!
//! | site | ordering | pairs with | if weaker |
//! | --- | --- | --- | --- |
//! | value replaced | arc-swap's own (SeqCst swap) | arc-swap's load | the value's contents are not seen |
//! | version grows | Release | the reader's load of it | a reader takes the new version and the old value, and keeps it for ever |
//! | version read | Acquire | the growth | the same |
//!
//! **Progress.** [`CachedReader::get`] is one load and a compare while nothing changed; then, and in [`CowCell::read`] and
//! [`CowCell::load`], it is arc-swap's lock-free load. `store` is lock-free; `update` is lock-free, and runs its closure again when another writer came first.
//!
//! **Limits.** A store costs 100 ns and more (it pays readers' debts) and frees the old value on the storing thread unless
//! a reader still holds it. A cached reader that is never asked keeps an old value alive.
//!
//! **Checked by** `loom-tests/tests/cow.rs` (with a stand-in for arc-swap, whose atomics loom cannot see), the property test
//! below, Miri, and `examples/stress.rs` under ThreadSanitizer.
//!
//! **Source.** The `arc-swap` crate, and its `Cache`, which compares pointers where this one compares versions.

use std::ops::Deref;

use super::shim::atomic::AtomicU64;
use super::shim::atomic::Ordering::{Acquire, Relaxed, Release};
use super::shim::{Arc, planted};

#[cfg(not(loom))]
type Slot<T> = arc_swap::ArcSwap<T>;
#[cfg(loom)]
type Slot<T> = stand_in::Slot<T>;

/// A value that many read and few replace.
///
/// - **Thread safety:** any number of readers and writers.
/// - **Progress:** lock-free; `update` retries when writers race.
/// - **Waits:** never.
/// - **Cleanup:** an old value is dropped by whoever lets go of it last.
///
/// ```
/// use brummer::sync::CowCell;
///
/// let names = CowCell::new(vec!["build"]);
/// let before = names.load();
/// names.update(|names| names.iter().copied().chain(["test"]).collect());
/// assert_eq!(*before, ["build"]);
/// assert_eq!(*names.load(), ["build", "test"]);
/// ```
#[derive(Debug)]
pub struct CowCell<T> {
    current: Slot<T>,
    version: AtomicU64,
}

impl<T> CowCell<T> {
    /// A cell that holds `value`.
    pub fn new(value: T) -> Self {
        Self { current: Slot::new(Arc::new(value)), version: AtomicU64::new(0) }
    }

    /// The value of this moment, kept alive by the answer.
    pub fn load(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// What `look` makes of the value of this moment. Cheaper than [`CowCell::load`], which counts a reference that all readers
    /// share; a `look` that takes long makes others' calls dearer meanwhile.
    ///
    /// ```
    /// let names = brummer::sync::CowCell::new(vec!["build", "test"]);
    /// assert_eq!(names.read(|names| names.len()), 2);
    /// ```
    #[inline]
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.current.load())
    }

    /// Replaces the value.
    pub fn store(&self, value: T) {
        let value = Arc::new(value);
        if planted("cow: version grows before the value") {
            self.announce();
            return self.current.store(value);
        }
        self.current.store(value);
        self.announce();
    }

    /// Replaces the value by what `change` makes of it. `change` runs again when another writer came first, so it should
    /// do nothing else. If it panics nothing has changed.
    pub fn update(&self, mut change: impl FnMut(&T) -> T) {
        self.current.rcu(|value| Arc::new(change(value)));
        self.announce();
    }

    /// A reader of this cell that costs one load while the value stays the same.
    pub fn reader(&self) -> CachedReader<T, &Self> {
        CachedReader::new(self)
    }

    /// Tells cached readers that what they hold is old.
    fn announce(&self) {
        self.version.fetch_add(1, Release);
    }
}

impl<T: Default> Default for CowCell<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// A reader with the value in its pocket; `C` is an `Arc<CowCell<T>>`, a reference, or anything else that leads to the cell.
///
/// - **Thread safety:** one thread at a time; make one per thread, or clone.
/// - **Progress:** wait-free while nothing changed, else lock-free.
/// - **Waits:** never.
/// - **Cleanup:** lets go of an old value when it is next asked, or dropped.
///
/// ```
/// use std::sync::Arc;
/// use brummer::sync::{CachedReader, CowCell};
///
/// let cell = Arc::new(CowCell::new(1));
/// let mut reader = CachedReader::new(Arc::clone(&cell));
/// assert_eq!(**reader.get(), 1);
/// cell.store(2);
/// assert_eq!(**reader.get(), 2);
/// ```
#[derive(Debug)]
pub struct CachedReader<T, C = Arc<CowCell<T>>> {
    cell: C,
    version: u64,
    value: Arc<T>,
}

impl<T, C: Deref<Target = CowCell<T>>> CachedReader<T, C> {
    /// A reader of the cell that `cell` leads to.
    pub fn new(cell: C) -> Self {
        let version = cell.version.load(Acquire);
        let value = cell.load();
        Self { cell, version, value }
    }

    /// The value: at least as new as the last store that returned before this call.
    #[inline]
    pub fn get(&mut self) -> &Arc<T> {
        let version = self.cell.version.load(Acquire);
        if version != self.version {
            self.refresh(version);
        }
        &self.value
    }

    /// The cell it reads.
    pub fn cell(&self) -> &CowCell<T> {
        &self.cell
    }

    #[cold]
    fn refresh(&mut self, version: u64) {
        self.value = self.cell.load();
        self.version =
            if planted("cow: version read after the value") { self.cell.version.load(Relaxed) } else { version };
    }
}

impl<T, C: Clone> Clone for CachedReader<T, C> {
    fn clone(&self) -> Self {
        Self { cell: self.cell.clone(), version: self.version, value: Arc::clone(&self.value) }
    }
}

/// What arc-swap promises, with a mutex that loom can see.
#[cfg(loom)]
mod stand_in {
    use crate::sync::shim::{Arc, Mutex};

    #[derive(Debug)]
    pub(super) struct Slot<T>(Mutex<Arc<T>>);

    impl<T> Slot<T> {
        pub(super) fn new(value: Arc<T>) -> Self {
            Self(Mutex::new(value))
        }

        pub(super) fn load_full(&self) -> Arc<T> {
            Arc::clone(&self.0.lock().expect("no model panics while it holds the slot"))
        }

        pub(super) fn load(&self) -> Arc<T> {
            self.load_full()
        }

        pub(super) fn store(&self, value: Arc<T>) {
            *self.0.lock().expect("no model panics while it holds the slot") = value;
        }

        pub(super) fn rcu(&self, mut change: impl FnMut(&Arc<T>) -> Arc<T>) {
            let mut value = self.0.lock().expect("no model panics while it holds the slot");
            *value = change(&value);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn answers_what_a_plain_variable_answers(steps in proptest::collection::vec((any::<bool>(), any::<u32>()), 0..32)) {
            let cell = CowCell::new(0_u32);
            let (mut eager, mut lazy, mut plain) = (cell.reader(), cell.reader(), 0_u32);
            for (store, n) in steps {
                if store { cell.store(n); plain = n; }
                else { cell.update(|value| value.wrapping_add(n)); plain = plain.wrapping_add(n); }
                prop_assert_eq!(*cell.load(), plain);
                prop_assert_eq!(cell.read(|value| *value), plain);
                prop_assert_eq!(**eager.get(), plain);
            }
            prop_assert_eq!(**lazy.get(), plain);
        }
    }

    #[test]
    fn sy11_no_update_is_lost_and_readers_never_go_back() {
        let cell = Arc::new(CowCell::new(0_u64));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut reader, mut last) = (cell.reader(), 0);
                while !stop.load(Relaxed) {
                    let value = **reader.get();
                    assert!(value >= last, "went back from {last} to {value}");
                    last = value;
                }
            });
            let add = || (0..rounds(2_000)).for_each(|_| cell.update(|value| value + 1));
            let writers = [scope.spawn(add), scope.spawn(add)];
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            stop.store(true, Relaxed);
        });
        assert_eq!(*cell.load(), 2 * rounds(2_000));
    }

    #[test]
    fn lets_go_of_the_old_value_when_it_is_replaced() {
        let cell = CowCell::new(Arc::new(()));
        let inner = Arc::clone(&cell.load());
        cell.store(Arc::new(()));
        assert_eq!(Arc::strong_count(&inner), 1);
    }
}
