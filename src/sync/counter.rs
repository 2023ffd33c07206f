//! `ShardedCounter`: a sum that many threads add to without meeting on one cache line.
//!
//! **Shape.** Any number of threads add; each adds to the shard of its own number, so that threads meet only when there are more of them
//! than shards. Any number read: a read visits every shard.
//!
//! **Invariants.**
//! - I1: a shard only grows (modulo 2^64), by one read-modify-write per addition: none is lost.
//! - I2: the sum is that of the shards, each at some moment during the read.
//!
//! **Ordering.** All relaxed: the counter orders nothing else. A reader that must see an addition has to learn of it in another way that
//! orders (a join, a channel); then coherence of the shard gives it at least that value.
//!
//! **Progress.** Both operations are wait-free.
//!
//! **Limits.** While threads add, the sum may be one that the counter never had at one moment, but never more than was added by the end of the
//! read nor less than was at its start. It wraps at 2^64. 128 bytes per shard: two lines, since the prefetcher fetches pairs.
//!
//! **Checked by** `loom-tests/tests/counter.rs`, the tests below, Miri, and `examples/stress.rs` under ThreadSanitizer.
//!
//! **Source.** Java's `LongAdder`, with a fixed number of cells.

use std::cell::Cell;

use super::shim::atomic::AtomicU64;
use super::shim::atomic::Ordering::Relaxed;
use super::shim::planted;

#[derive(Debug)]
#[repr(align(128))]
struct Shard(AtomicU64);

/// A sum over shards.
///
/// - **Thread safety:** any number of threads.
/// - **Progress:** wait-free.
/// - **Waits:** never.
/// - **Cleanup:** none.
///
/// ```
/// use brummer::sync::ShardedCounter;
///
/// let lines = ShardedCounter::new(4);
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..100).for_each(|_| lines.add(1)));
///     }
/// });
/// assert_eq!(lines.sum(), 400);
/// ```
#[derive(Debug)]
pub struct ShardedCounter {
    shards: Box<[Shard]>,
}

impl ShardedCounter {
    /// A counter at 0 for about `threads` threads that add at once; as many shards, rounded up to a power of two.
    pub fn new(threads: usize) -> Self {
        let shards = threads.max(1).next_power_of_two();
        Self { shards: (0..shards).map(|_| Shard(AtomicU64::new(0))).collect() }
    }

    /// Adds `n` to the shard of this thread.
    #[inline]
    pub fn add(&self, n: u64) {
        self.add_to(thread_number(), n);
    }

    /// Adds `n` to a shard that the caller chooses: a worker passes its index and saves the look at its thread's number.
    #[inline]
    pub fn add_to(&self, shard: usize, n: u64) {
        let shard = &self.shards[shard & (self.shards.len() - 1)].0;
        if planted("counter: load and store") {
            return shard.store(shard.load(Relaxed).wrapping_add(n), Relaxed);
        }
        shard.fetch_add(n, Relaxed);
    }

    /// The sum of all shards.
    pub fn sum(&self) -> u64 {
        self.shards.iter().fold(0, |sum, shard| sum.wrapping_add(shard.0.load(Relaxed)))
    }
}

/// A small number of this thread, given out in the order of first use. It spreads threads over shards and means nothing else,
/// so it may be one for the whole program; std's atomic also in models, where all threads are one to it.
fn thread_number() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    std::thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
        number.get()
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn answers_what_a_plain_sum_answers(threads in 0..9_usize, additions in proptest::collection::vec((0..20_usize, any::<u64>()), 0..32)) {
            let counter = ShardedCounter::new(threads);
            let mut plain = 0_u64;
            for (shard, n) in additions {
                counter.add_to(shard, n);
                counter.add(1);
                plain = plain.wrapping_add(n).wrapping_add(1);
                prop_assert_eq!(counter.sum(), plain);
            }
        }
    }

    #[test]
    fn no_addition_is_lost_and_the_sum_never_shrinks() {
        let counter = ShardedCounter::new(2);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..rounds(10_000)).for_each(|_| counter.add(1)));
            }
            let mut last = 0;
            while last < 3 * rounds(10_000) {
                let sum = counter.sum();
                assert!(sum >= last, "shrank from {last} to {sum}");
                last = sum;
                std::thread::yield_now();
            }
        });
        assert_eq!(counter.sum(), 3 * rounds(10_000));
    }

    #[test]
    fn shards_do_not_share_a_pair_of_cache_lines() {
        assert_eq!(size_of::<Shard>(), 128);
    }
}
