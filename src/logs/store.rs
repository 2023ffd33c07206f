//! The store of all lines: what it keeps, and who may add, read and clear.
//!
//! Each writer has a segment log of its own; one counter numbers all lines. A chatty process evicts its own lines first.
//! Readers take snapshots, which cost a few loads a process and no lock, and which eviction never invalidates.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result};
use crate::event::{Ending, Level, ProcessId, Stream};

use super::core::Core;
use super::errors::ErrorGroup;
use super::line::{Entry, NewEntry};
use super::search::{Found, Query};
use super::snapshot::Snapshot;
use super::urls::UrlRecord;
use super::writer::{PIECE_BYTES_MAX, Writer};

/// What the store keeps (LS-9). Where the limits contradict each other, `max_bytes` counts first, then `max_entries`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLimits {
    /// Every process keeps at least its last so many lines.
    pub max_entries: usize,
    /// Lines of all processes together; above, the one that holds the most gives up its oldest segment.
    pub max_total_entries: usize,
    /// Bytes of all segments together.
    pub max_bytes: usize,
    /// Groups in the errors list.
    pub error_groups: usize,
    /// URLs in the list of URLs.
    pub urls: usize,
}

impl Default for LogLimits {
    fn default() -> LogLimits {
        LogLimits { max_entries: 10_000, max_total_entries: 200_000, max_bytes: 64 << 20, error_groups: 500, urls: 500 }
    }
}

/// How the store does (LS-8).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Lines that can be read now.
    pub total_entries: u64,
    /// Lines added ever.
    pub added: u64,
    /// Lines added a second, over the time since the last call but at least half a second.
    pub entries_per_second: f64,
    /// Errors seen.
    pub errors: u64,
    /// Sequence numbers that were taken by batches that are not yet published.
    pub queue_depth: u64,
    /// Megabytes of segments.
    pub memory_mb: f64,
    /// Lines that had to go because a bound was reached.
    pub evicted: u64,
    /// Error groups and URLs that had to go.
    pub evicted_records: u64,
}

/// The lines of all processes.
///
/// - **Thread safety**: `Send + Sync`, shared as an `Arc`. **Progress**: `snapshot`, `version` and everything on a snapshot
///   are lock-free; `add`, `errors`, `urls` and the clears take short locks that no reader of lines ever takes.
///   **Waits**: none. **Cleanup**: writers that outlive the store go on for the snapshots that are left.
pub struct LogStore {
    core: Arc<Core>,
    /// The writers behind [`LogStore::add`], made when they are first needed.
    adders: Mutex<HashMap<ProcessId, Writer>>,
    is_closed: AtomicBool,
    rate: Mutex<Rate>,
}

/// What [`Metrics::entries_per_second`] is made from.
struct Rate {
    at: Instant,
    added: u64,
    per_second: f64,
}

impl LogStore {
    /// An empty store. It takes memory with the first lines.
    pub fn new(limits: LogLimits) -> Arc<LogStore> {
        Arc::new(LogStore {
            core: Arc::new(Core::new(limits)),
            adders: Mutex::default(),
            is_closed: AtomicBool::new(false),
            rate: Mutex::new(Rate { at: Instant::now(), added: 0, per_second: 0.0 }),
        })
    }

    /// A writer for a process's lines. Each has a log of its own, so a process may have several.
    pub fn writer(&self, process: ProcessId, name: &str) -> Writer {
        self.core.open(process, name)
    }

    /// Adds one line and shows it at once (LS-1). A writer is much faster for many.
    ///
    /// # Errors
    /// INVALID_STATE when the store is closed.
    pub fn add(&self, process: ProcessId, name: &str, content: &[u8], is_error: bool) -> Result<Entry> {
        let range = self.add_batch(&[NewEntry { process, name, content, is_error }])?;
        let snapshot = self.snapshot();
        match snapshot.get(range.start) {
            Some(line) => Ok(line.to_entry()),
            None => {
                let why = "the line was added and has been cleared or evicted since; add it again if it is needed";
                Err(Error::new("logs", Code::NotFound, why))
            }
        }
    }

    /// Adds lines with contiguous numbers that readers see all at once, and gives back these numbers (LS-2).
    /// A content of more than 32 KiB takes a number for each piece.
    ///
    /// # Errors
    /// INVALID_STATE when the store is closed; then none is added.
    pub fn add_batch(&self, entries: &[NewEntry<'_>]) -> Result<Range<u64>> {
        let mut adders = self.adders();
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::new("logs", Code::InvalidState, "a line was added to a closed store; open a new one"));
        }
        // Nobody sees a line of the batch before the last of its writers has ended it.
        for entry in entries {
            adders.entry(entry.process).or_insert_with(|| self.writer(entry.process, entry.name)).begin_batch();
        }
        let pieces = |entry: &NewEntry<'_>| entry.content.len().div_ceil(PIECE_BYTES_MAX).max(1) as u64;
        let count = entries.iter().map(pieces).sum();
        let first = self.core.take_numbers(count);
        let mut next = first;
        for entry in entries {
            let writer = adders.get_mut(&entry.process).expect("made above, under the same lock");
            writer.use_numbers(next, pieces(entry));
            next += pieces(entry);
            let (stream, least) =
                if entry.is_error { (Stream::Err, Level::Error) } else { (Stream::Out, Level::Debug) };
            writer.add(stream, entry.content, Ending::Newline, least);
        }
        for entry in entries {
            adders.get_mut(&entry.process).map(Writer::publish);
        }
        Ok(first..first + count)
    }

    fn adders(&self) -> MutexGuard<'_, HashMap<ProcessId, Writer>> {
        self.adders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All lines as they are now; later lines, evictions and clears do not change it (LS-3).
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.core)
    }

    /// Searches the lines that are there now (LS-4). `stop` is asked between segments.
    ///
    /// # Errors
    /// INVALID_STATE for a pattern that is none.
    pub fn search(&self, query: &Query, stop: &dyn Fn() -> bool) -> Result<Found> {
        self.snapshot().search(query, stop)
    }

    /// The errors, the one seen last at the end (LS-5).
    pub fn errors(&self) -> Vec<ErrorGroup> {
        self.core.errors().list()
    }

    /// The URLs, in the order in which they were first seen (LS-5).
    pub fn urls(&self) -> Vec<UrlRecord> {
        self.core.urls().list()
    }

    /// Hides everything so far, for all readers at once (LS-6).
    pub fn clear(&self) {
        self.core.clear();
    }

    /// Hides everything of a process so far (LS-6).
    pub fn clear_for_process(&self, process: ProcessId) {
        self.core.clear_process(process);
    }

    /// From now on no line is evicted before it was released, whatever the bounds say: for one reader that must see every
    /// line. Writers should then ask [`LogStore::has_room`] before each batch. What is cleared is gone nevertheless.
    pub fn hold(&self) {
        self.core.hold();
    }

    /// The reader has done with `lines` more lines, all of them those with smaller numbers than `before`.
    pub fn release(&self, before: u64, lines: u64) {
        self.core.release(before, lines);
    }

    /// Whether less than half of what the store keeps waits for its release. Always so when nothing is held, and when
    /// everything was released.
    ///
    /// A writer that sets a flag, reads this again and waits will not miss a [`LogStore::release`] whose caller then looks
    /// at the flag, if both use SeqCst for it.
    pub fn has_room(&self) -> bool {
        self.core.has_room()
    }

    /// Gives up the oldest lines until half of the memory is left, because it runs short; counted as evicted.
    pub fn shed(&self) {
        self.core.shed();
    }

    /// Takes no more lines through [`LogStore::add`]; those that were added are there (LS-7). A second call does nothing.
    ///
    /// # Errors
    /// None so far.
    pub fn close(&self) -> Result<()> {
        let mut adders = self.adders();
        self.is_closed.store(true, Ordering::Release);
        adders.clear();
        Ok(())
    }

    /// How the store does (LS-8).
    pub fn metrics(&self) -> Metrics {
        let snapshot = self.snapshot();
        let added = self.core.added();
        let (errors, evicted_errors) = {
            let errors = self.core.errors();
            (errors.total, errors.evicted)
        };
        Metrics {
            total_entries: snapshot.len(),
            added,
            entries_per_second: self.rate(added),
            errors,
            queue_depth: snapshot.hidden(),
            memory_mb: self.core.bytes() as f64 / (1 << 20) as f64,
            evicted: self.core.evicted(),
            evicted_records: evicted_errors + self.core.urls().evicted,
        }
    }

    fn rate(&self, added: u64) -> f64 {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = rate.at.elapsed();
        if passed >= Duration::from_millis(500) {
            rate.per_second = added.saturating_sub(rate.added) as f64 / passed.as_secs_f64();
            (rate.at, rate.added) = (Instant::now(), added);
        }
        rate.per_second
    }

    /// Changes whenever there is something new to see; cheap enough to poll.
    pub fn version(&self) -> u64 {
        self.core.version()
    }
}

impl fmt::Debug for LogStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStore").field("lines", &self.snapshot().len()).finish_non_exhaustive()
    }
}
