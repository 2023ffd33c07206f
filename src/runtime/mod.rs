//! Threads without I/O: the work-stealing pool, the event bus, contexts, timers, lifecycle and operations.
//!
//! Read [`context`] first, then [`pool`], then [`events`] which runs on it; the others are small.

pub mod context;
pub mod events;
pub mod lifecycle;
pub mod operation;
pub mod panics;
pub mod pool;
pub mod timer;
pub mod topology;

pub use crate::sync::Priority;
pub use context::Context;
