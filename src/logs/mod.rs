//! Keeps every line: store, search, levels, URLs, errors.

/// The lines of all processes.
#[derive(Debug)]
pub struct LogStore;
