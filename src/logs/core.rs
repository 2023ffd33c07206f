//! What the store shares with its writers: the numbers, the list of logs, the lists of errors and URLs, and the bounds.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::ProcessId;
use crate::sync::CowCell;
use crate::sync::segment_log::{Evicted, Limits, SegmentLog, Spares};

use super::errors::ErrorTable;
use super::levels::Levels;
use super::process_log::ProcessLog;
use super::store::LogLimits;
use super::urls::UrlTable;
use super::writer::{PIECE_BYTES_MAX, Writer};

/// Retired segments that wait for reuse: as many as a flood retires while a screen holds a snapshot for one frame; with fewer,
/// a quarter of the reader's time goes into pages that are given back and fetched anew. At most 16 MiB.
const SPARES: usize = 64;
/// Bytes of a full segment, and how many of them a full store should have at most: each new one copies a list of them.
const SEGMENT_BYTES: usize = 256 << 10;
const SEGMENTS_MAX: usize = 512;

/// The value of `held_from` when any line may be evicted.
const NOTHING_HELD: u64 = u64::MAX;

/// The store without its own writers.
#[derive(Debug)]
pub(super) struct Core {
    limits: LogLimits,
    segments: Limits,
    pub(super) levels: Levels,
    next_seq: AtomicU64,
    version: AtomicU64,
    /// Lines with smaller numbers were cleared.
    cleared_below: AtomicU64,
    /// In order of creation.
    logs: CowCell<Vec<Arc<ProcessLog>>>,
    /// Taken by whoever changes the list of logs.
    change: Mutex<()>,
    /// Taken by whoever evicts.
    evict: Mutex<()>,
    spares: Spares,
    /// Lines that are kept, cleared ones included while their segment is.
    lines: AtomicU64,
    /// Bytes of all segments.
    bytes: AtomicUsize,
    /// Lines published ever.
    added: AtomicU64,
    /// Lines evicted ever, and those of them whose log is not in the list any more.
    evicted: AtomicU64,
    evicted_of_gone: AtomicU64,
    /// Lines from this number on are not evicted; nothing is held at the greatest number.
    held_from: AtomicU64,
    /// Lines ever that whoever holds them has done with.
    released: AtomicU64,
    /// Below so many lines it is not worth another try to evict: every process holds no more than it may.
    retry_at_lines: AtomicU64,
    errors: Mutex<ErrorTable>,
    urls: Mutex<UrlTable>,
}

impl Core {
    pub(super) fn new(limits: LogLimits) -> Core {
        let segment_bytes = (limits.max_bytes / SEGMENTS_MAX).next_power_of_two().clamp(SEGMENT_BYTES, 16 << 20);
        // A piece with escapes is kept twice: plain and raw.
        let line_bytes_max = 2 * (PIECE_BYTES_MAX + 1);
        Core {
            segments: Limits { segment_bytes, line_bytes_max, ..Limits::default() },
            levels: Levels::new(),
            next_seq: AtomicU64::new(1),
            version: AtomicU64::new(0),
            cleared_below: AtomicU64::new(0),
            logs: CowCell::default(),
            change: Mutex::new(()),
            evict: Mutex::new(()),
            spares: Spares::new(SPARES),
            lines: AtomicU64::new(0),
            bytes: AtomicUsize::new(0),
            added: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            evicted_of_gone: AtomicU64::new(0),
            held_from: AtomicU64::new(NOTHING_HELD),
            released: AtomicU64::new(0),
            retry_at_lines: AtomicU64::new(0),
            errors: Mutex::new(ErrorTable::new(limits.error_groups)),
            urls: Mutex::new(UrlTable::new(limits.urls)),
            limits,
        }
    }

    /// A new log of a process, and its writer.
    pub(super) fn open(self: &Arc<Self>, process: ProcessId, name: &str) -> Writer {
        let log = SegmentLog::with_spares(self.segments, self.spares.clone());
        let shared = Arc::new(ProcessLog::new(process, name, &log));
        {
            let _change = lock(&self.change);
            let mut logs = self.logs.read(Vec::clone);
            logs.push(Arc::clone(&shared));
            self.logs.store(logs);
        }
        Writer::new(Arc::clone(self), shared, log)
    }

    /// The number that will be taken next.
    pub(super) fn next_number(&self) -> u64 {
        self.next_seq.load(Ordering::Acquire)
    }

    /// Takes `count` numbers. The release half shows others that the taker has begun its batch before.
    pub(super) fn take_numbers(&self, count: u64) -> u64 {
        self.next_seq.fetch_add(count, Ordering::AcqRel)
    }

    pub(super) fn logs(&self) -> Arc<Vec<Arc<ProcessLog>>> {
        self.logs.load()
    }

    pub(super) fn errors(&self) -> MutexGuard<'_, ErrorTable> {
        lock(&self.errors)
    }

    pub(super) fn urls(&self) -> MutexGuard<'_, UrlTable> {
        lock(&self.urls)
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn added(&self) -> u64 {
        self.added.load(Ordering::Relaxed)
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    pub(super) fn evicted_of_gone(&self) -> u64 {
        self.evicted_of_gone.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed) + self.spares.bytes()
    }

    pub(super) fn cleared_below(&self) -> u64 {
        self.cleared_below.load(Ordering::Acquire)
    }

    /// From now on no line is evicted that was not released.
    pub(super) fn hold(&self) {
        let _evict = lock(&self.evict);
        self.released.store(self.added(), Ordering::Relaxed);
        self.held_from.store(self.next_number(), Ordering::Relaxed);
    }

    /// Lines with smaller numbers may be evicted; so many more lines are done with.
    pub(super) fn release(&self, before: u64, lines: u64) {
        self.held_from.fetch_max(before, Ordering::Relaxed);
        // SeqCst: see `LogStore::has_room`.
        self.released.fetch_add(lines, Ordering::SeqCst);
        if self.bytes.load(Ordering::Relaxed) > self.limits.max_bytes {
            self.keep_bounds();
        }
    }

    /// Whether what is held leaves enough of the bounds.
    pub(super) fn has_room(&self) -> bool {
        if self.held_from.load(Ordering::Relaxed) == NOTHING_HELD {
            return true;
        }
        let waiting = self.added().saturating_sub(self.released.load(Ordering::SeqCst));
        let few = waiting < self.limits.max_total_entries as u64 / 2;
        waiting == 0 || (few && self.bytes.load(Ordering::Relaxed) <= self.limits.max_bytes)
    }

    /// A writer has published a batch: counts it, tells readers, and keeps the bounds.
    pub(super) fn published(&self, log: &ProcessLog, lines: u64) {
        self.added.fetch_add(lines, Ordering::Relaxed);
        let kept = self.lines.fetch_add(lines, Ordering::Relaxed) + lines;
        self.recount(log);
        self.changed();
        let full = kept > self.limits.max_total_entries as u64 && kept >= self.retry_at_lines.load(Ordering::Relaxed);
        if full || self.bytes.load(Ordering::Relaxed) > self.limits.max_bytes {
            self.keep_bounds();
        }
    }

    pub(super) fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    fn recount(&self, log: &ProcessLog) {
        let change = log.recount_bytes();
        if change != 0 {
            self.bytes.fetch_add(change as usize, Ordering::Relaxed);
        }
    }

    /// Evicts until the bounds hold, the process that holds the most first.
    #[cold]
    fn keep_bounds(&self) {
        let _evict = lock(&self.evict);
        let keep = self.limits.max_entries as u64;
        while self.lines.load(Ordering::Relaxed) > self.limits.max_total_entries as u64 {
            if !self.evict_from_most(|log| log.reader.lines(), keep) {
                let lines = self.lines.load(Ordering::Relaxed);
                self.retry_at_lines.store(lines + lines / 64, Ordering::Relaxed);
                break;
            }
        }
        while self.bytes.load(Ordering::Relaxed) > self.limits.max_bytes {
            // Lines may be so long that the bytes do not allow each process its lines: then the bytes count.
            let size = |log: &ProcessLog| log.reader.bytes() as u64;
            if !self.evict_from_most(size, keep) && !self.evict_from_most(size, 0) {
                break;
            }
        }
        self.prune();
    }

    /// Gives up the oldest until half of the bytes are left, or only the segments that are being written.
    pub(super) fn shed(&self) {
        let _evict = lock(&self.evict);
        let enough = self.bytes.load(Ordering::Relaxed) / 2;
        while self.bytes.load(Ordering::Relaxed) > enough && self.evict_from_most(|log| log.reader.bytes() as u64, 0) {}
        self.prune();
        self.changed();
    }

    /// Takes one segment from the log that holds the most of what it may give.
    fn evict_from_most(&self, size: impl Fn(&ProcessLog) -> u64, keep: u64) -> bool {
        let logs = self.logs();
        let mut order: Vec<_> = logs.iter().map(|log| (size(log), log)).collect();
        order.sort_unstable_by_key(|(size, _)| std::cmp::Reverse(*size));
        order.into_iter().filter(|(_, log)| !self.is_oldest_segment_held(log)).any(|(_, log)| {
            let evicted = log.keeper.evict_oldest_keeping(keep);
            evicted.inspect(|evicted| self.count_evicted(log, *evicted)).is_some()
        })
    }

    fn count_evicted(&self, log: &ProcessLog, evicted: Evicted) {
        self.evicted.fetch_add(evicted.lines, Ordering::Relaxed);
        log.evicted.fetch_add(evicted.lines, Ordering::Relaxed);
        self.lines.fetch_sub(evicted.lines, Ordering::Relaxed);
        self.recount(log);
    }

    /// Takes logs off the list that are empty for ever.
    pub(super) fn prune(&self) {
        let _change = lock(&self.change);
        let logs = self.logs.load();
        if !logs.iter().any(|log| log.is_spent()) {
            return;
        }
        let (gone, kept): (Vec<_>, Vec<_>) = logs.iter().cloned().partition(|log| log.is_spent());
        for log in gone {
            self.evicted_of_gone.fetch_add(log.evicted.load(Ordering::Relaxed), Ordering::Relaxed);
            self.recount(&log);
        }
        self.logs.store(kept);
    }

    /// Hides all lines so far at one stroke; their segments go as far as nobody writes to them.
    pub(super) fn clear(&self) {
        self.cleared_below.fetch_max(self.next_number(), Ordering::AcqRel);
        self.errors().clear(None);
        self.urls().clear(None);
        self.changed();
        let _evict = lock(&self.evict);
        for log in self.logs().iter() {
            while self.oldest_segment_is_cleared(log)
                && let Some(evicted) = log.keeper.evict_oldest()
            {
                self.lines.fetch_sub(evicted.lines, Ordering::Relaxed);
                self.recount(log);
            }
        }
        drop(_evict);
        self.prune();
    }

    fn oldest_segment_is_cleared(&self, log: &ProcessLog) -> bool {
        last_of_oldest_segment(log).is_some_and(|seq| seq < self.cleared_below())
    }

    fn is_oldest_segment_held(&self, log: &ProcessLog) -> bool {
        let from = self.held_from.load(Ordering::Relaxed);
        from != NOTHING_HELD && last_of_oldest_segment(log).is_some_and(|seq| seq >= from)
    }

    /// Hides a process's lines so far, in each of its logs at one stroke.
    pub(super) fn clear_process(&self, process: ProcessId) {
        self.errors().clear(Some(process));
        self.urls().clear(Some(process));
        {
            let _evict = lock(&self.evict);
            for log in self.logs().iter().filter(|log| log.process == process) {
                if let Some(evicted) = log.keeper.clear() {
                    self.lines.fetch_sub(evicted.lines, Ordering::Relaxed);
                    self.recount(log);
                }
            }
        }
        self.changed();
        self.prune();
    }
}

fn last_of_oldest_segment(log: &ProcessLog) -> Option<u64> {
    let snapshot = log.reader.snapshot();
    snapshot.segments().next().and_then(|segment| segment.line(segment.len() - 1)).map(|line| line.seq)
}

/// What is behind these locks is whole between any two statements that may panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
