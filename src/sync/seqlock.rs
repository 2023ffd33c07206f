//! `SeqLock`: a few words that readers copy without writing to shared memory, and that no reader ever sees half changed.
//!
//! **Shape.** Any number of readers and writers; `N` words of 64 bits beside one sequence word, aligned to a cache line
//! (up to seven words share it). Writers exclude each other with a bit of the sequence word: [`SeqLock::write`] takes it
//! for one write, a [`SeqWriter`] keeps it over many, and then writes with plain stores.
//!
//! The sequence word:
//!
//! | bits | name | set and cleared by |
//! | --- | --- | --- |
//! | 0 | `WRITING` | the claimant, around its stores to the words |
//! | 1 | `CLAIMED` | compare-and-swap when it is clear; cleared by the claimant alone |
//! | 2.. | count | the claimant, +1 per finished write |
//!
//! **Invariants.**
//! - I1: the words change only while `WRITING` is set, and `WRITING` only while `CLAIMED` is set.
//! - I2: one claimant at a time.
//! - I3: equal counts before and after a copy, with `WRITING` clear, mean that no word changed between.
//! - I4: no code of a caller runs while `WRITING` is set, so no panic can leave it set.
//!
//! **Ordering.**
//!
//! | site | ordering | pairs with | if weaker |
//! | --- | --- | --- | --- |
//! | claim, compare-and-swap | Acquire | the Release store of the claimant before | the new claimant reads an old count or old words |
//! | `WRITING` set, then `fence` | Relaxed, Release | the reader's fence | a reader sees a new word and an old count: torn |
//! | words, both sides | Relaxed | the fences on each side | they are atomics, so a race is not undefined behaviour |
//! | count stored, `WRITING` cleared | Release | the reader's first load | a reader accepts the count without the words |
//! | reader's first load | Acquire | the store above | the same |
//! | reader's `fence`, second load | Acquire, Relaxed | the writer's fence | the second load happens before the copy: torn |
//!
//! **Progress.** [`SeqLock::try_read`] is wait-free. [`SeqLock::read`] waits for a writer that is between its first and
//! last store; a reader that fails 64 times yields its time slice, since the writer may have been preempted there.
//! Writers block each other; a [`SeqWriter`] blocks all others for its whole life.
//!
//! **Limits.** A reader that sleeps through exactly 2^62 writes takes old and new words for one state.
//! A leaked [`SeqWriter`] (`mem::forget`) locks all writers out for ever. Reads are copies, so keep `N` small.
//!
//! **Checked by** `loom-tests/tests/seqlock.rs`, the property test below, Miri, and `examples/stress.rs` under ThreadSanitizer.
//!
//! **Source.** Hans-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012; the words are
//! relaxed atomics as in its section 5.

use std::mem::ManuallyDrop;

use super::shim::atomic::Ordering::{Acquire, Relaxed, Release};
use super::shim::atomic::{AtomicU64, fence};
use super::shim::{hint, planted, thread};

const WRITING: u64 = 1;
const CLAIMED: u64 = 2;
const STEP: u64 = 4;

/// Failed tries before the time slice is given up.
const TRIES_BEFORE_YIELD: u32 = 64;

/// The sequence word alone, for structures that keep their words beside other fields.
#[derive(Debug)]
pub(super) struct Sequence(AtomicU64);

/// The right to write, with the sequence as its holder left it; given back when dropped.
#[derive(Debug)]
pub(super) struct Held<'a> {
    sequence: &'a Sequence,
    claimed: u64,
}

impl Sequence {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Runs `copy`, which loads the words into the caller's place, and answers whether no writer came between.
    #[inline]
    pub(super) fn try_read(&self, copy: impl FnOnce()) -> bool {
        let before = self.0.load(Acquire);
        if before & WRITING != 0 {
            return false;
        }
        copy();
        if !planted("seqlock: no acquire fence") {
            fence(Acquire);
        }
        let after = self.0.load(Relaxed);
        (before ^ after) & !CLAIMED == 0
    }

    /// Tries until a copy is whole.
    #[inline]
    pub(super) fn read(&self, mut copy: impl FnMut()) {
        let mut tries = 0;
        while !self.try_read(&mut copy) {
            wait_a_little(&mut tries);
        }
    }

    /// Takes the right to write, unless somebody has it.
    #[inline]
    pub(super) fn try_claim(&self) -> Option<Held<'_>> {
        let seen = self.0.load(Relaxed);
        if seen & CLAIMED != 0 {
            return None;
        }
        let claimed = seen | CLAIMED;
        self.0.compare_exchange(seen, claimed, Acquire, Relaxed).ok().map(|_| Held { sequence: self, claimed })
    }

    /// Takes the right to write, waiting for the writer who has it.
    #[inline]
    pub(super) fn claim(&self) -> Held<'_> {
        let mut tries = 0;
        loop {
            if let Some(held) = self.try_claim() {
                return held;
            }
            wait_a_little(&mut tries);
        }
    }
}

impl Held<'_> {
    /// Runs `store`, which stores to the words and must not panic, and keeps the claim.
    #[inline]
    pub(super) fn write(&mut self, store: impl FnOnce()) {
        let next = self.claimed.wrapping_add(STEP);
        self.write_then(next, store);
        self.claimed = next;
    }

    /// Runs `store`, which stores to the words and must not panic, and gives the claim back in the same last store.
    #[inline]
    pub(super) fn write_and_release(self, store: impl FnOnce()) {
        let held = ManuallyDrop::new(self);
        held.write_then(held.claimed.wrapping_add(STEP) & !CLAIMED, store);
    }

    #[inline]
    fn write_then(&self, next: u64, store: impl FnOnce()) {
        self.sequence.0.store(self.claimed | WRITING, Relaxed);
        if !planted("seqlock: no release fence") {
            fence(Release);
        }
        store();
        self.sequence.0.store(next, Release);
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        self.sequence.0.store(self.claimed & !CLAIMED, Release);
    }
}

/// Spins once, or yields on every 64th try.
#[cold]
fn wait_a_little(tries: &mut u32) {
    *tries += 1;
    if *tries >= TRIES_BEFORE_YIELD {
        *tries = 0;
        thread::yield_now();
    } else {
        hint::spin_loop();
    }
}

/// Loads every word into `copy`, relaxed: whole only if the sequence says so afterwards. In place, since moving an array about costs more than
/// all else here: a wide load of words stored one by one waits for the store buffer.
#[inline]
pub(super) fn load_words<const N: usize>(words: &[AtomicU64; N], copy: &mut [u64; N]) {
    for (copy, word) in copy.iter_mut().zip(words) {
        *copy = word.load(Relaxed);
    }
}

/// Stores every word, relaxed: only between a claim's first and last store.
#[inline]
pub(super) fn store_words<const N: usize>(words: &[AtomicU64; N], values: &[u64; N]) {
    for (word, value) in words.iter().zip(values) {
        word.store(*value, Relaxed);
    }
}

/// `N` words that are always read together, whole.
///
/// - **Thread safety:** any number of readers and writers.
/// - **Progress:** `try_read` wait-free; `read` retries while a write is under way; writers exclude each other.
/// - **Waits:** spins, and yields after 64 failed tries; never parks.
/// - **Cleanup:** none.
///
/// ```
/// use brummer::sync::SeqLock;
///
/// let position = SeqLock::new([1, 2]);
/// position.write([3, 4]);
/// position.update(|[x, y]| [x + 1, y]);
/// assert_eq!(position.read(), [4, 4]);
/// ```
#[derive(Debug)]
#[repr(align(64))]
pub struct SeqLock<const N: usize> {
    sequence: Sequence,
    words: [AtomicU64; N],
}

impl<const N: usize> SeqLock<N> {
    /// A lock that holds `words`.
    pub fn new(words: [u64; N]) -> Self {
        Self { sequence: Sequence::new(), words: words.map(AtomicU64::new) }
    }

    /// A copy of the words, whole; tries again while a writer is at work.
    #[inline]
    pub fn read(&self) -> [u64; N] {
        let mut words = [0; N];
        self.sequence.read(|| load_words(&self.words, &mut words));
        words
    }

    /// A copy of the words, or `None` if a writer was at work.
    #[inline]
    pub fn try_read(&self) -> Option<[u64; N]> {
        let mut words = [0; N];
        self.sequence.try_read(|| load_words(&self.words, &mut words)).then_some(words)
    }

    /// Replaces the words, waiting for other writers and for a living [`SeqWriter`].
    #[inline]
    pub fn write(&self, words: [u64; N]) {
        self.sequence.claim().write_and_release(|| store_words(&self.words, &words));
    }

    /// Replaces the words by what `change` makes of them. No other writer comes between, and readers are not held up
    /// while `change` runs. If it panics nothing has changed.
    pub fn update(&self, change: impl FnOnce([u64; N]) -> [u64; N]) {
        self.writer().update(change);
    }

    /// Takes the right to write until the answer is dropped, waiting for the writer who has it. Its writes cost a third
    /// of [`SeqLock::write`]; until it is dropped every other writer waits.
    ///
    /// ```
    /// use brummer::sync::SeqLock;
    ///
    /// let progress = SeqLock::new([0, 0]);
    /// let mut writer = progress.writer();
    /// for step in 1..=10 {
    ///     writer.write([step, 10]);
    /// }
    /// assert_eq!(progress.read(), [10, 10]);
    /// assert!(progress.try_writer().is_none());
    /// ```
    pub fn writer(&self) -> SeqWriter<'_, N> {
        SeqWriter { words: &self.words, held: self.sequence.claim() }
    }

    /// Takes the right to write, unless somebody has it.
    pub fn try_writer(&self) -> Option<SeqWriter<'_, N>> {
        self.sequence.try_claim().map(|held| SeqWriter { words: &self.words, held })
    }
}

impl<const N: usize> Default for SeqLock<N> {
    fn default() -> Self {
        Self::new([0; N])
    }
}

/// The right to write to a [`SeqLock`], or to one row of a [`SeqTable`](super::SeqTable); given back when dropped.
///
/// - **Thread safety:** may move between threads; one at a time exists per lock or row.
/// - **Progress:** wait-free.
/// - **Waits:** never.
/// - **Cleanup:** dropping lets other writers in.
#[derive(Debug)]
pub struct SeqWriter<'a, const N: usize> {
    pub(super) words: &'a [AtomicU64; N],
    pub(super) held: Held<'a>,
}

impl<const N: usize> SeqWriter<'_, N> {
    /// The words: they cannot change under the writer.
    #[inline]
    pub fn read(&self) -> [u64; N] {
        let mut words = [0; N];
        load_words(self.words, &mut words);
        words
    }

    /// Replaces the words.
    #[inline]
    pub fn write(&mut self, words: [u64; N]) {
        let stored = self.words;
        self.held.write(|| store_words(stored, &words));
    }

    /// Replaces the words by what `change` makes of them; if it panics nothing has changed.
    pub fn update(&mut self, change: impl FnOnce([u64; N]) -> [u64; N]) {
        let changed = change(self.read());
        self.write(changed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    #[derive(Clone, Debug)]
    enum Step {
        Write([u64; 3]),
        Add(u64),
        Burst(Vec<[u64; 3]>),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            any::<[u64; 3]>().prop_map(Step::Write),
            any::<u64>().prop_map(Step::Add),
            proptest::collection::vec(any::<[u64; 3]>(), 0..4).prop_map(Step::Burst),
        ];
        proptest::collection::vec(step, 0..24)
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn answers_what_a_plain_array_answers(steps in steps()) {
            let lock = SeqLock::new([0; 3]);
            let mut plain = [0; 3];
            for step in steps {
                match step {
                    Step::Write(words) => { lock.write(words); plain = words; }
                    Step::Add(n) => {
                        lock.update(|words| words.map(|word| word.wrapping_add(n)));
                        plain = plain.map(|word: u64| word.wrapping_add(n));
                    }
                    Step::Burst(writes) => {
                        let mut writer = lock.writer();
                        for words in writes { writer.write(words); plain = words; }
                    }
                }
                prop_assert_eq!(lock.read(), plain);
                prop_assert_eq!(lock.try_read(), Some(plain));
            }
        }
    }

    #[test]
    fn sy11_readers_never_see_half_a_write() {
        let lock = SeqLock::new([0; 4]);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Relaxed) {
                        let words = lock.read();
                        assert!(words.iter().all(|word| *word == words[0]), "torn: {words:?}");
                    }
                });
            }
            let writers: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| (0..rounds(20_000)).for_each(|_| lock.update(|words| words.map(|w| w + 1)))))
                .collect();
            writers.into_iter().for_each(|writer| writer.join().expect("a writer does not panic"));
            stop.store(true, Relaxed);
        });
        assert_eq!(lock.read(), [2 * rounds(20_000); 4]);
    }

    #[test]
    fn sy11_a_panic_in_update_changes_nothing_and_locks_nobody_out() {
        let lock = SeqLock::new([7]);
        let panicked = catch_unwind(AssertUnwindSafe(|| lock.update(|_| panic!("planned"))));
        assert!(panicked.is_err());
        assert_eq!(lock.try_read(), Some([7]));
        lock.write([8]);
        assert_eq!(lock.read(), [8]);
    }

    #[test]
    fn is_one_cache_line_up_to_seven_words() {
        assert_eq!(size_of::<SeqLock<7>>(), 64);
        assert_eq!(align_of::<SeqLock<1>>(), 64);
    }
}
