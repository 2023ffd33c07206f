//! `SeqTable`: a fixed number of rows of a few words, each read whole, under keys that never name another row later.
//!
//! **Shape.** Any number of readers and writers. A row is a seqlock whose protected words are a generation and `N` words of the
//! caller's, aligned to a cache line (six words fill one). Free rows form a stack of indices. When no row is free, `insert` answers [`Full`].
//!
//! A [`Key`] is `generation << 32 | index`. A row's generation is odd while it is live and grows with each insert and remove:
//!
//! | generation | row | changed by |
//! | --- | --- | --- |
//! | even | free, or on its way to or from the free stack | `insert`, to the next odd |
//! | odd | live | `remove`, to the next even |
//! | 0 after `u32::MAX` | retired: not given to the free stack again | nobody |
//!
//! **Invariants.**
//! - I1: generation and words change only under the row's claim (see `seqlock`), so a copy has the words of its generation.
//! - I2: whoever writes or removes compares the generation under the claim: a key whose row is gone changes nothing.
//! - I3: an index is on the free stack at most once, and then its generation is even: it is pushed only by the remove that made it so,
//!   and popped only by one insert.
//! - I4: the head of the free stack carries a tag that grows with each change, so a head that was popped and pushed back is told from the old one.
//!
//! **Ordering.** Those of `seqlock` for the rows, and
//!
//! | site | ordering | pairs with | if weaker |
//! | --- | --- | --- | --- |
//! | push: `next` stored, then head swapped | Relaxed, Release | the pop's load of the head | a pop reads an old `next`: a row is lost or given out twice |
//! | pop: head loaded, then `next` | Acquire, Relaxed | the push | the same |
//!
//! **Progress.** `read` and `iter` retry while the row is being written. `write`, `update` and `remove` wait for another writer of that row.
//! `insert` is lock-free but for a late writer with an old key of the row it got, who leaves after a compare.
//!
//! **Limits.** Fewer than 2^32 − 1 rows. After 2^31 inserts a row is retired, which costs one row of the capacity. Between 2^32 changes of the
//! free stack a thread must get from load to compare-and-swap. `iter` sees each row whole, but not all at one moment.
//!
//! **Checked by** `loom-tests/tests/table.rs`, the property test below against a `HashMap`, Miri, and `examples/stress.rs` under ThreadSanitizer.
//!
//! **Source.** Generational indices as in `slotmap`; the free stack is R. Kent Treiber's (1986) with a tag.

use std::fmt;
use std::num::NonZeroU64;

use super::seqlock::{Held, SeqWriter, Sequence, load_words, store_words};
use super::shim::atomic::Ordering::{Acquire, Relaxed, Release};
use super::shim::atomic::{AtomicU32, AtomicU64};
use super::shim::{Zeroed, planted, zeroed};

const INDEX: u64 = u32::MAX as u64;
const TAG: u64 = 1 << 32;

#[derive(Debug)]
#[repr(align(64))]
struct Row<const N: usize> {
    sequence: Sequence,
    generation: AtomicU32,
    /// Index + 1 of the next free row, 0 at the end, less this row's index + 2: so a new row is all zeros, and its memory is not touched
    /// before it is used. The free stack alone touches it.
    next: AtomicU32,
    words: [AtomicU64; N],
}

/// Names one row, for one life of it. It goes through a `u64` and back, and is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(NonZeroU64);

/// No row is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Rows of `N` words under generational keys.
///
/// - **Thread safety:** any number of readers and writers.
/// - **Progress:** reads retry while their row is written; inserting and removing is lock-free between rows.
/// - **Waits:** spins, and yields after 64 failed tries; never parks.
/// - **Cleanup:** rows are reused; nothing is freed before the table.
///
/// ```
/// use brummer::sync::SeqTable;
///
/// let table = SeqTable::<2>::with_capacity(8);
/// let key = table.insert([1, 0]).expect("it is empty");
/// assert!(table.update(key, |[id, runs]| [id, runs + 1]));
/// assert_eq!(table.read(key), Some([1, 1]));
/// assert!(table.remove(key));
/// assert_eq!(table.read(key), None);
/// assert!(!table.write(key, [1, 2]), "the key is of a row that is gone");
/// ```
#[derive(Debug)]
pub struct SeqTable<const N: usize> {
    rows: Zeroed<Row<N>>,
    free: FreeHead,
}

/// Tag in the upper half, index + 1 in the lower; on a line of its own, away from the rows.
#[derive(Debug)]
#[repr(align(128))]
struct FreeHead(AtomicU64);

impl Key {
    /// The key as a number, never 0.
    pub const fn to_u64(self) -> u64 {
        self.0.get()
    }

    /// The key that [`Key::to_u64`] made, or `None` for a number that it never makes.
    pub const fn from_u64(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) if number.get() & TAG != 0 => Some(Self(number)),
            _ => None,
        }
    }

    /// The row's place in the table, below its capacity. Another key may have it later.
    pub const fn index(self) -> usize {
        (self.0.get() & INDEX) as usize
    }

    const fn generation(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    /// The key of a live row; `None` for a generation that is even.
    const fn of(index: usize, generation: u32) -> Option<Self> {
        Self::from_u64((generation as u64) << 32 | index as u64)
    }
}

impl From<Key> for u64 {
    fn from(key: Key) -> Self {
        key.to_u64()
    }
}

impl fmt::Display for Full {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("every row of the table is in use")
    }
}

impl std::error::Error for Full {}

impl<const N: usize> SeqTable<N> {
    /// A table of `capacity` free rows.
    ///
    /// # Panics
    /// If the capacity is not below 2^32 − 1.
    pub fn with_capacity(capacity: usize) -> Self {
        assert!((capacity as u64) < INDEX, "{capacity} rows are more than a key can tell apart");
        // SAFETY: a row is made of integers only.
        let rows = unsafe { zeroed(capacity, Row::free) };
        Self { rows, free: FreeHead(AtomicU64::new(u64::from(capacity > 0))) }
    }

    /// How many rows there are, free and live.
    pub fn capacity(&self) -> usize {
        self.rows.len()
    }

    /// Gives a free row these words, and the key to it.
    ///
    /// # Errors
    /// [`Full`] if no row is free.
    pub fn insert(&self, words: [u64; N]) -> Result<Key, Full> {
        let index = self.pop_free().ok_or(Full)?;
        let row = &self.rows[index];
        let held = row.sequence.claim();
        let generation = row.generation.load(Relaxed) + 1;
        held.write_and_release(|| {
            row.generation.store(generation, Relaxed);
            store_words(&row.words, &words);
        });
        Ok(Key::of(index, generation).expect("a free row's generation is even, the next is odd"))
    }

    /// A copy of the row's words, whole, or `None` if it was removed.
    #[inline]
    pub fn read(&self, key: Key) -> Option<[u64; N]> {
        let (generation, words) = self.rows.get(key.index())?.read();
        (generation == key.generation()).then_some(words)
    }

    /// Replaces the row's words; answers false, and changes nothing, if it was removed.
    #[inline]
    pub fn write(&self, key: Key, words: [u64; N]) -> bool {
        let Some((row, held)) = self.claim(key) else { return false };
        held.write_and_release(|| store_words(&row.words, &words));
        true
    }

    /// Replaces the row's words by what `change` makes of them; answers false, and does not call it, if the row was removed.
    /// Readers are not held up while `change` runs, and if it panics nothing has changed.
    pub fn update(&self, key: Key, change: impl FnOnce([u64; N]) -> [u64; N]) -> bool {
        self.writer(key).map(|mut writer| writer.update(change)).is_some()
    }

    /// Frees the row; answers false if it was removed before.
    pub fn remove(&self, key: Key) -> bool {
        let Some((row, held)) = self.claim(key) else { return false };
        let next = key.generation().wrapping_add(1);
        held.write_and_release(|| row.generation.store(next, Relaxed));
        if next != 0 {
            self.push_free(key.index());
        }
        true
    }

    /// Takes the right to write to the row until the answer is dropped: its writes are plain stores. Other writers of the row, and who wants to
    /// remove it, wait. `None` if it was removed.
    ///
    /// ```
    /// use brummer::sync::SeqTable;
    ///
    /// let table = SeqTable::<1>::with_capacity(1);
    /// let key = table.insert([0]).expect("it is empty");
    /// let mut writer = table.writer(key).expect("it is live");
    /// (1..=3).for_each(|step| writer.write([step]));
    /// drop(writer);
    /// assert_eq!(table.read(key), Some([3]));
    /// ```
    pub fn writer(&self, key: Key) -> Option<SeqWriter<'_, N>> {
        self.claim(key).map(|(row, held)| SeqWriter { words: &row.words, held })
    }

    /// The live rows in the order of their index: each whole, not all at one moment.
    pub fn iter(&self) -> impl Iterator<Item = (Key, [u64; N])> + '_ {
        self.rows.iter().enumerate().filter_map(|(index, row)| {
            let (generation, words) = row.read();
            Key::of(index, generation).map(|key| (key, words))
        })
    }

    /// The right to write to the row, if the key is still good.
    #[inline]
    fn claim(&self, key: Key) -> Option<(&Row<N>, Held<'_>)> {
        let row = self.rows.get(key.index())?;
        let is_live = || row.generation.load(Relaxed) == key.generation();
        if planted("table: generation compared before the claim") {
            return is_live().then(|| (row, row.sequence.claim()));
        }
        let held = row.sequence.claim();
        is_live().then_some((row, held))
    }

    fn pop_free(&self) -> Option<usize> {
        let mut head = self.free.0.load(Acquire);
        loop {
            let index = ((head & INDEX) as usize).checked_sub(1)?;
            let next = self.next_free(index);
            match self.free.0.compare_exchange_weak(head, next_tag(head) | next, Acquire, Acquire) {
                Ok(_) => return Some(index),
                Err(seen) => head = seen,
            }
        }
    }

    /// The number, which is the index + 1, of the free row after this one; 0 if it is the last.
    fn next_free(&self, index: usize) -> u64 {
        let number = self.rows[index].next.load(Relaxed).wrapping_add(index as u32 + 2);
        if number as usize <= self.rows.len() { u64::from(number) } else { 0 }
    }

    fn push_free(&self, index: usize) {
        let mut head = self.free.0.load(Relaxed);
        loop {
            self.rows[index].next.store(((head & INDEX) as u32).wrapping_sub(index as u32 + 2), Relaxed);
            match self.free.0.compare_exchange_weak(head, next_tag(head) | (index as u64 + 1), Release, Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }
}

/// The tag after that of `head`, with no index.
fn next_tag(head: u64) -> u64 {
    if planted("table: no tag on the free stack") {
        return head & !INDEX;
    }
    (head & !INDEX).wrapping_add(TAG)
}

impl<const N: usize> Row<N> {
    fn free() -> Self {
        Self {
            sequence: Sequence::new(),
            generation: AtomicU32::new(0),
            next: AtomicU32::new(0),
            words: [(); N].map(|()| AtomicU64::new(0)),
        }
    }

    #[inline]
    fn read(&self) -> (u32, [u64; N]) {
        let (mut generation, mut words) = (0, [0; N]);
        self.sequence.read(|| {
            generation = self.generation.load(Relaxed);
            load_words(&self.words, &mut words);
        });
        (generation, words)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::HashMap;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn answers_what_a_hash_map_answers(steps in proptest::collection::vec((0..5_u8, any::<prop::sample::Index>(), any::<u64>()), 0..64)) {
            let table = SeqTable::<2>::with_capacity(4);
            let mut plain: HashMap<Key, [u64; 2]> = HashMap::new();
            let mut keys = Vec::new();
            for (what, pick, word) in steps {
                let words = [word, !word];
                if what == 0 || keys.is_empty() {
                    match table.insert(words) {
                        Ok(key) => { prop_assert_eq!(plain.insert(key, words), None); keys.push(key); }
                        Err(Full) => prop_assert_eq!(plain.len(), 4),
                    }
                }
                if keys.is_empty() { continue; }
                let key = keys[pick.index(keys.len())];
                match what {
                    1 => prop_assert_eq!(table.write(key, words), plain.get_mut(&key).map(|row| *row = words).is_some()),
                    2 => prop_assert_eq!(table.update(key, |[a, b]| [b, a]), plain.get_mut(&key).map(|row| row.reverse()).is_some()),
                    3 => prop_assert_eq!(table.remove(key), plain.remove(&key).is_some()),
                    _ => prop_assert_eq!(table.read(key), plain.get(&key).copied()),
                }
                prop_assert_eq!(table.iter().collect::<HashMap<_, _>>(), plain.clone());
                prop_assert_eq!(Key::from_u64(key.to_u64()), Some(key));
            }
        }
    }

    #[test]
    fn sy11_rows_that_come_and_go_are_read_whole_and_none_is_lost() {
        let table = SeqTable::<3>::with_capacity(3);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    for (_, [a, b, c]) in table.iter() {
                        assert!(a == b && b == c, "torn: {a} {b} {c}");
                    }
                }
            });
            let churn = |mine: u64| {
                for round in 0..rounds(10_000) {
                    let word = round << 2 | mine;
                    let key = table.insert([word; 3]).expect("two threads, three rows");
                    assert_eq!(table.read(key), Some([word; 3]));
                    assert!(table.update(key, |words| words.map(|word| word + 4)));
                    assert!(table.remove(key) && !table.remove(key));
                }
            };
            let churners = [scope.spawn(move || churn(1)), scope.spawn(move || churn(2))];
            churners.into_iter().for_each(|churner| churner.join().unwrap());
            stop.store(true, Relaxed);
        });
        let keys: Vec<_> = (0..3).map(|word| table.insert([word; 3]).expect("every row is free again")).collect();
        assert_eq!(table.insert([0; 3]), Err(Full));
        assert_eq!(
            table.iter().map(|(key, _)| key).collect::<std::collections::HashSet<_>>(),
            keys.into_iter().collect()
        );
    }

    #[test]
    fn a_row_that_has_used_up_its_generations_is_retired() {
        let table = SeqTable::<1>::with_capacity(1);
        table.rows[0].generation.store(u32::MAX - 1, Relaxed);
        let last = table.insert([1]).unwrap();
        assert!(table.remove(last));
        assert_eq!(table.insert([2]), Err(Full));
        assert_eq!((table.read(last), table.iter().count()), (None, 0));
    }

    #[test]
    fn a_panic_in_update_changes_nothing_and_locks_nobody_out() {
        let table = SeqTable::<1>::with_capacity(1);
        let key = table.insert([1]).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| table.update(key, |_| panic!("planned")))).is_err());
        assert_eq!(table.read(key), Some([1]));
        assert!(table.write(key, [2]));
    }

    #[test]
    fn numbers_that_are_no_keys_are_refused_and_six_words_fill_a_cache_line() {
        assert_eq!(Key::from_u64(0), None);
        assert_eq!(Key::from_u64(2 << 32 | 5), None);
        assert_eq!(size_of::<Row<6>>(), 64);
        assert_eq!(size_of::<Option<Key>>(), 8);
        assert_eq!(SeqTable::<1>::with_capacity(0).insert([0]), Err(Full));
    }
}
