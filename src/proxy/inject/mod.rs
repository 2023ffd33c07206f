//! Puts the telemetry script into pages: which requests and answers, what changes in their heads, and the body's filter.
//!
//! Read `decide` (the rules, pure), then `injector` (who the engine asks), then `decode` (pages that come compressed).

pub mod decide;
pub mod decode;
pub mod injector;

pub use injector::{PageInjector, Policies};
