//! Keeps every line: store, search, levels, URLs, errors.
//!
//! Read `line` first: what a kept line is. Then `store`, the door of everything; `writer`, the way of a line in, and
//! `lines`, that of many at once; `snapshot` and `merge`, the way out; `search`, `seams` and `pattern`. What is noticed on the
//! way in: `progress`, `levels`, `urls` with `servers`, `errors` (and `frames`, which reads their stacks). `core` holds what writers share, `process_log` what all
//! may know of a log.

mod core;
mod errors;
mod frames;
mod levels;
mod line;
mod lines;
mod merge;
mod pattern;
mod process_log;
mod progress;
mod seams;
mod search;
mod servers;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod urls;
mod writer;

pub use errors::{ErrorGroup, FreshError};
pub use frames::{Frame, frames, frames_at, library};
pub use levels::Levels;
pub use line::{Entry, LineRef, NewEntry};
pub use lines::Lines;
pub use merge::{Newest, Oldest};
pub use pattern::{Case, Pattern, PatternOptions};
pub use search::{Found, Hit, Query, Searcher};
pub use snapshot::{PartialRef, Snapshot};
pub use store::{LogLimits, LogStore, Metrics};
pub use urls::{FreshUrl, UrlRecord};
pub use writer::{Published, Writer};
