//! Keeps every line: store, search, levels, URLs, errors.

mod errors;
mod levels;

pub use errors::ErrorGroup;
pub use levels::Levels;

/// The lines of all processes.
#[derive(Debug)]
pub struct LogStore;
