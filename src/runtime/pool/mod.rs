//! The work-stealing pool: named threads that run closures, steal from each other, and sleep when there is nothing to do.
//!
//! Read in this order: [`Pool`] (`spawn`, `submit`, `scale`, `shutdown`), `worker` (where the next task comes from),
//! `sleep` (why no push is left lying beside a sleeper), `placement` (which CPU), `task` (a closure in four words).
//!
//! ```text
//! outside threads ──► injector per priority ──┐ 16 : 4 : 1 ticket, every 61st task looks here first
//! a task's own spawn ──► its worker's deque ──┤ newest first; others steal the oldest, in batches
//!                                             ▼
//!                                    worker: run, search, sleep
//! ```

mod config;
mod handle;
mod metrics;
mod placement;
mod shared;
mod sleep;
mod spawn;
mod task;
mod worker;

pub use config::{Pin, PoolConfig};
pub use handle::TaskHandle;
pub use metrics::{Observer, PoolMetrics};
pub use spawn::Pool;
