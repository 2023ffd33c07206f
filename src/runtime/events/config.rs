//! How much a bus holds, and what it does when that is not enough.

use std::time::Duration;

/// What happens to an event whose queue is full. Whatever is lost is counted, by priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The oldest event of the same priority makes room.
    DropOldest,
    /// The new event is refused with RESOURCE_LIMIT.
    DropNewest,
    /// The three queues of a lane share one bound, the sum of the three. When it is reached, the oldest event of the lowest
    /// priority makes room, but never one of a higher priority than the new one: then the new one is refused.
    DropLowPriority,
    /// The publisher waits until there is room, at most [`BusConfig::patience`], then is refused with TIMEOUT.
    #[default]
    Block,
}

/// How a bus is set up.
///
/// ```
/// use brummer::runtime::events::{BusConfig, Policy};
///
/// let config = BusConfig { policy: Policy::DropOldest, ..BusConfig::default() };
/// let all_queues = config.lanes * config.bounds.iter().sum::<usize>();
/// assert!(all_queues <= 5_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusConfig {
    /// How many lanes: so many events can be handled at the same time. At least one.
    pub lanes: usize,
    /// How many events of high, normal and low priority may wait in each lane. At least one each.
    pub bounds: [usize; 3],
    /// What happens to an event beyond.
    pub policy: Policy,
    /// How long a publisher waits for room with [`Policy::Block`].
    pub patience: Duration,
    /// Whether the handlers' times are taken, for [`BusMetrics::mean`](super::BusMetrics::mean) and
    /// [`BusMetrics::utilisation`](super::BusMetrics::utilisation); without, draining never looks at the clock.
    pub monitoring: bool,
}

impl Default for BusConfig {
    fn default() -> BusConfig {
        BusConfig {
            lanes: 3,
            bounds: [100, 500, 1000],
            policy: Policy::Block,
            patience: Duration::from_millis(100),
            monitoring: true,
        }
    }
}

/// How many events a worker handles between two looks at the clock and at waiting publishers.
pub(super) const CHUNK: usize = 32;

/// How many chunks a worker handles before it lets other tasks of the pool pass.
pub(super) const CHUNKS: usize = 8;

/// A chunk that took longer wakes waiting publishers at once; a faster one only when half of the queue is free, so that
/// one wake-up serves many events.
pub(super) const SLOW: Duration = Duration::from_micros(200);
