//! The list of a log's segments: immutable, replaced as a whole, read without a lock.

use crate::sync::shim::Arc;

use super::block::Block;

/// A segment in its place: `first` is the index of its first line, counted from the log's first line ever.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) block: Arc<Block>,
    pub(super) first: u64,
}

/// The segments of a log, oldest first; only the last one can still grow.
pub(super) struct List {
    pub(super) entries: Box<[Entry]>,
    /// Lines below this index are hidden: they were cleared, or stood in segments that are gone.
    pub(super) visible_from: u64,
    /// Bytes of all segments in the list.
    pub(super) bytes: usize,
}

impl List {
    pub(super) fn new(entries: Vec<Entry>, visible_from: u64) -> Self {
        let visible_from = entries.first().map_or(visible_from, |oldest| oldest.first.max(visible_from));
        let bytes = entries.iter().map(|entry| entry.block.capacity()).sum();
        Self { entries: entries.into_boxed_slice(), visible_from, bytes }
    }

    /// One past the index of the last committed line, right now.
    pub(super) fn end(&self) -> u64 {
        self.entries.last().map_or(self.visible_from, |last| last.first + u64::from(last.block.committed()))
    }
}
