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

/// The one place where the current list stands.
pub(super) use cell::ListCell;

#[cfg(not(loom))]
mod cell {
    use arc_swap::ArcSwap;

    use super::{Arc, List};

    pub(in crate::sync::segment_log) struct ListCell(ArcSwap<List>);

    impl ListCell {
        pub(in crate::sync::segment_log) fn new(list: List) -> Self {
            Self(ArcSwap::from_pointee(list))
        }

        pub(in crate::sync::segment_log) fn load(&self) -> Arc<List> {
            self.0.load_full()
        }

        pub(in crate::sync::segment_log) fn replace(&self, list: List) -> Arc<List> {
            self.0.swap(Arc::new(list))
        }
    }
}

/// Loom cannot see into `arc-swap`: a mutex with the same promises stands in for it.
#[cfg(loom)]
mod cell {
    use super::{Arc, List};
    use crate::sync::shim::Mutex;

    pub(in crate::sync::segment_log) struct ListCell(Mutex<Arc<List>>);

    impl ListCell {
        pub(in crate::sync::segment_log) fn new(list: List) -> Self {
            Self(Mutex::new(Arc::new(list)))
        }

        pub(in crate::sync::segment_log) fn load(&self) -> Arc<List> {
            self.0.lock().expect("no model panics while it holds this").clone()
        }

        pub(in crate::sync::segment_log) fn replace(&self, list: List) -> Arc<List> {
            std::mem::replace(&mut *self.0.lock().expect("no model panics while it holds this"), Arc::new(list))
        }
    }
}
