//! `Histogram`: counts values in buckets whose width grows with the value, so that each percentile is right to about 3 %.
//!
//! **Shape.** Any number of threads record; any number take snapshots. Values below 64 have a bucket each; above, every power of two is
//! cut into 32 buckets: 1,920 in all for the whole range of `u64`, 15 KiB.
//!
//! **Invariants.**
//! - I1: each value has one bucket, and buckets are in the order of their values.
//! - I2: a bucket is at most 1/32 of its lowest value wide, so its highest is at most 3.2 % above any value in it.
//! - I3: a recorded value is in exactly one bucket's count: no addition is lost.
//!
//! **Ordering.** All relaxed: the counts order nothing else, as in `counter`.
//!
//! **Progress.** `record` is wait-free (the largest value is a `fetch_max`, taken only when it grows); `snapshot` visits every bucket.
//!
//! **Limits.** A snapshot taken while threads record may have a value in the count and not yet in the mean or the largest value. The sum
//! behind the mean wraps at 2^64: 584 years of nanoseconds.
//!
//! **Checked by** `loom-tests/tests/histogram.rs` (with fewer buckets), the property tests below against a sorted vector, Miri,
//! and `examples/stress.rs` under ThreadSanitizer.
//!
//! **Source.** Gil Tene's HdrHistogram.

use super::shim::atomic::AtomicU64;
use super::shim::atomic::Ordering::Relaxed;
use super::shim::planted;

/// Buckets per power of two, as a power of two.
const PRECISION_BITS: u32 = 5;
const PER_POWER: usize = 1 << PRECISION_BITS;

/// The whole range of `u64`; models record values below 8 and need no more.
const BUCKETS: usize = if cfg!(loom) { 8 } else { (64 - PRECISION_BITS as usize + 1) * PER_POWER };

/// A distribution of values that threads record together.
///
/// - **Thread safety:** any number of threads.
/// - **Progress:** wait-free.
/// - **Waits:** never.
/// - **Cleanup:** none.
///
/// ```
/// use brummer::sync::Histogram;
///
/// let latency = Histogram::new();
/// (1..=1_000).for_each(|micros| latency.record(micros));
/// let snapshot = latency.snapshot();
/// assert_eq!((snapshot.count(), snapshot.max()), (1_000, 1_000));
/// assert_eq!(snapshot.mean(), 500.5);
/// assert!((500..=516).contains(&snapshot.percentile(50.0)));
/// ```
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
    max: AtomicU64,
}

impl Histogram {
    /// A histogram without values.
    pub fn new() -> Self {
        let buckets = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self { buckets, sum: AtomicU64::new(0), max: AtomicU64::new(0) }
    }

    /// Counts `value`.
    #[inline]
    pub fn record(&self, value: u64) {
        let bucket = &self.buckets[bucket_of(value)];
        if planted("histogram: load and store") {
            bucket.store(bucket.load(Relaxed) + 1, Relaxed);
        } else {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(value, Relaxed);
        if value > self.max.load(Relaxed) {
            self.max.fetch_max(value, Relaxed);
        }
    }

    /// What was recorded until now.
    pub fn snapshot(&self) -> Snapshot {
        let buckets: Box<[u64]> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let count = buckets.iter().sum();
        Snapshot { buckets, count, sum: self.sum.load(Relaxed), max: self.max.load(Relaxed) }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// What a [`Histogram`] had recorded at one time.
///
/// ```
/// use brummer::sync::Histogram;
///
/// let (left, right) = (Histogram::new(), Histogram::new());
/// left.record(10);
/// right.record(30);
/// let mut both = left.snapshot();
/// both.merge(&right.snapshot());
/// assert_eq!((both.count(), both.mean(), both.max()), (2, 20.0, 30));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    buckets: Box<[u64]>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Snapshot {
    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean of the values themselves, not of their buckets; 0 without values.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }

    /// The largest value, exactly; 0 without values.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// A value that `percent` of the values do not exceed: at least the exact percentile, and at most 3.2 % above it. `percent` is taken
    /// into 0 to 100; 0 without values.
    pub fn percentile(&self, percent: f64) -> u64 {
        let rank = ((percent.clamp(0.0, 100.0) / 100.0 * self.count as f64).ceil() as u64).max(1);
        let mut below = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            below += count;
            if below >= rank {
                return highest_in(bucket).min(self.max);
            }
        }
        self.max
    }

    /// Adds what another histogram had recorded.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += count;
        }
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
        self.max = self.max.max(other.max);
    }
}

/// The bucket of a value: its leading `PRECISION_BITS` + 1 bits, behind all buckets of smaller powers.
#[inline]
fn bucket_of(value: u64) -> usize {
    let shift = value.checked_ilog2().unwrap_or(0).saturating_sub(PRECISION_BITS);
    shift as usize * PER_POWER + (value >> shift) as usize
}

/// The highest value of a bucket.
fn highest_in(bucket: usize) -> u64 {
    let shift = (bucket / PER_POWER).saturating_sub(1);
    let leading = (bucket - shift * PER_POWER) as u64;
    (leading << shift) + ((1 << shift) - 1)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    /// Values of every size, not only those near 2^64.
    fn values() -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec((any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift), 1..64)
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn percentiles_are_those_of_a_sorted_vector_to_3_percent(mut values in values(), percent in 0.0..=100.0_f64) {
            let histogram = Histogram::new();
            values.iter().for_each(|value| histogram.record(*value));
            values.sort_unstable();
            let rank = ((percent / 100.0 * values.len() as f64).ceil() as usize).max(1);
            let exact = values[rank - 1];
            let snapshot = histogram.snapshot();
            let answer = snapshot.percentile(percent);
            prop_assert!(answer >= exact && answer - exact <= exact / 31, "{} for {}", answer, exact);
            prop_assert_eq!(snapshot.max(), *values.last().expect("one at least"));
            prop_assert_eq!(snapshot.count(), values.len() as u64);
        }

        #[test]
        fn merging_is_recording_both(left in values(), right in values()) {
            let [apart, other, together] = [(); 3].map(|()| Histogram::new());
            left.iter().for_each(|value| { apart.record(*value); together.record(*value) });
            right.iter().for_each(|value| { other.record(*value); together.record(*value) });
            let mut merged = apart.snapshot();
            merged.merge(&other.snapshot());
            prop_assert_eq!(merged, together.snapshot());
        }

        #[test]
        fn a_value_is_in_its_bucket_and_above_the_one_before(value: u64, shift in 0..64_u32) {
            let value = value >> shift;
            let bucket = bucket_of(value);
            prop_assert!(bucket < BUCKETS && value <= highest_in(bucket));
            prop_assert!(bucket == 0 || value > highest_in(bucket - 1));
        }
    }

    #[test]
    fn buckets_cover_the_whole_range() {
        assert_eq!((bucket_of(0), bucket_of(u64::MAX)), (0, BUCKETS - 1));
        assert_eq!(highest_in(BUCKETS - 1), u64::MAX);
        let empty = Histogram::new().snapshot();
        assert_eq!((empty.count(), empty.mean(), empty.max(), empty.percentile(99.0)), (0, 0.0, 0, 0));
    }

    #[test]
    fn no_value_is_lost_between_threads() {
        let histogram = Histogram::new();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (1..=rounds(10_000)).for_each(|value| histogram.record(value)));
            }
        });
        let snapshot = histogram.snapshot();
        assert_eq!((snapshot.count(), snapshot.max()), (2 * rounds(10_000), rounds(10_000)));
    }
}
