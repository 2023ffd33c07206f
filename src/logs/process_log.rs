//! One writer's log as the store and its readers see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;

use crate::event::{ProcessId, Stream};
use crate::sync::segment_log::{Keeper, Reader, SegmentLog};

/// No batch is under way.
const NO_BATCH: u64 = u64::MAX;

/// What everybody may know of a log; its writer has the writing end.
#[derive(Debug)]
pub(super) struct ProcessLog {
    pub(super) process: ProcessId,
    pub(super) name: Arc<str>,
    pub(super) reader: Reader,
    pub(super) keeper: Keeper,
    /// No sequence number of the batch under way is below this one. It is set before the numbers are taken and reset
    /// after the batch was published, so a reader that has seen a number taken also sees this, or the lines.
    batch_from: AtomicU64,
    /// The unfinished lines of standard output and standard error.
    partials: [ArcSwapOption<Box<[u8]>>; 2],
    /// Lines that were evicted.
    pub(super) evicted: AtomicU64,
    /// Bytes of its segments that the store's sum knows of.
    counted_bytes: AtomicUsize,
    /// The writer is gone.
    pub(super) is_closed: AtomicBool,
}

impl ProcessLog {
    pub(super) fn new(process: ProcessId, name: &str, log: &SegmentLog) -> ProcessLog {
        ProcessLog {
            process,
            name: name.into(),
            reader: log.reader(),
            keeper: log.keeper(),
            batch_from: AtomicU64::new(NO_BATCH),
            partials: [ArcSwapOption::empty(), ArcSwapOption::empty()],
            evicted: AtomicU64::new(0),
            counted_bytes: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Numbers from `seq` on are about to be taken. Release: whoever sees this also sees the batch before, published.
    pub(super) fn begin_batch(&self, seq: u64) {
        self.batch_from.store(seq, Ordering::Release);
    }

    /// All numbers that were taken are published. Release: whoever sees this also sees the lines.
    pub(super) fn end_batch(&self) {
        self.batch_from.store(NO_BATCH, Ordering::Release);
    }

    /// The lines of this log with smaller numbers can all be seen.
    pub(super) fn visible_until(&self) -> u64 {
        self.batch_from.load(Ordering::Acquire)
    }

    pub(super) fn set_partial(&self, stream: Stream, text: &[u8]) {
        let partial = (!text.is_empty()).then(|| Arc::new(Box::from(text)));
        self.partials[stream as usize].store(partial);
    }

    pub(super) fn partial(&self, stream: Stream) -> Option<Arc<Box<[u8]>>> {
        self.partials[stream as usize].load_full()
    }

    /// How the bytes of its segments changed since the last call.
    pub(super) fn recount_bytes(&self) -> isize {
        let now = self.reader.bytes();
        now as isize - self.counted_bytes.swap(now, Ordering::Relaxed) as isize
    }

    /// Whether nothing is left of it and nothing will come.
    pub(super) fn is_spent(&self) -> bool {
        self.is_closed.load(Ordering::Acquire) && self.reader.lines() == 0
    }
}
