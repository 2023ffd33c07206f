//! What can be chosen about a pool, and the defaults with their reasons.

use std::time::Duration;

use super::sleep::WORKERS_MAX;
use crate::error::{Code, Error, Result};
use crate::runtime::topology::Topology;

/// Whether workers are pinned to CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pin {
    /// Pinned, round-robin over the CPUs of the mask; a worker whose wake-ups are late again and again, because its CPU is
    /// busy or slow to rouse, un-pins itself for good.
    #[default]
    Auto,
    /// Pinned, come what may.
    Always,
    /// Left to the scheduler.
    Never,
}

/// How a pool is set up.
///
/// ```
/// use brummer::runtime::pool::{Pin, PoolConfig};
///
/// let config = PoolConfig { workers: Some(2), pin: Pin::Never, ..PoolConfig::default() };
/// assert_eq!(config.name, "brummer-pool");
/// ```
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// How many workers, 1 to 48; without a number `max(4, min(2.5 × cores, 32))`.
    pub workers: Option<usize>,
    /// Whether they are pinned. Changing it at run time counts for workers that start later.
    pub pin: Pin,
    /// The threads are named after it: `brummer-pool-3`.
    pub name: String,
    /// How many tasks may wait in the queues of high, normal and low priority; a spawn beyond is refused with RESOURCE_LIMIT.
    /// A task takes 32 bytes and what its closure owns. The bound keeps a fault from eating the memory; it is not meant
    /// as backpressure, and threads that push at the same moment may each go one beyond it.
    pub bounds: [usize; 3],
    /// The machine, if it is not to be asked.
    pub topology: Option<Topology>,
}

impl Default for PoolConfig {
    fn default() -> PoolConfig {
        PoolConfig {
            workers: None,
            pin: Pin::Auto,
            name: "brummer-pool".to_owned(),
            bounds: [1 << 20; 3],
            topology: None,
        }
    }
}

/// How many tasks a worker keeps for itself; what a task spawns beyond goes to the injector, where the bound counts.
pub(super) const LOCAL_MAX: usize = 256;

/// Every so many tasks a worker looks at the injectors first, then at its own oldest task, so that neither starves.
pub(super) const FAIR_EVERY: u32 = 61;

/// How often the only searcher looks again, giving up the CPU in between, before it sleeps. A wake costs the waker about
/// 2 µs and a look about 0.5 µs, so the search pays when the next task comes within a few microseconds.
pub(super) const LOOKS: u32 = 8;

/// From when on a wake-up counts as late, for [`Pin::Auto`]: more than what one costs when the kernel may choose the CPU
/// (6 to 10 µs), and less than what it costs to rouse an idle CPU of a virtual machine (30 to 50 µs).
pub(super) const LATE: Duration = Duration::from_micros(15);

/// The number of wake-ups that [`Pin::Auto`] judges by, and how many of them may be late.
pub(super) const JUDGED_WAKES: u32 = 32;
/// See [`JUDGED_WAKES`].
pub(super) const LATE_WAKES_MAX: u32 = 8;

pub(super) fn check_workers(count: usize) -> Result<usize> {
    if (1..=WORKERS_MAX).contains(&count) {
        return Ok(count);
    }
    let message = format!("{count} workers were asked for; a pool has 1 to {WORKERS_MAX}");
    Err(Error::new("pool", Code::InvalidState, message))
}
