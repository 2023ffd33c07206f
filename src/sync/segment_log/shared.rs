//! What a log's writer, readers and keepers share, and how the list of segments changes.

use std::fmt;
use std::sync::PoisonError;

use crate::sync::CowCell;
use crate::sync::shim::atomic::{AtomicU64, Ordering};
use crate::sync::shim::{Arc, Mutex, MutexGuard};

use super::block::Block;
use super::list::{Entry, List};
use super::snapshot::Snapshot;
use super::spares::Spares;

/// One log, seen from all sides.
pub(super) struct Shared {
    list: CowCell<List>,
    /// Sequence of the last published line plus one; 0 when there was none.
    seen: AtomicU64,
    /// Taken by whoever changes `list`: at a roll, an eviction or a clear, never for a line.
    change: Mutex<Change>,
    pub(super) spares: Spares,
}

struct Change {
    /// The writer is gone: the last segment will not grow any more.
    closed: bool,
}

/// What an eviction or a clear took away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evicted {
    /// Visible lines that are gone.
    pub lines: u64,
    /// Bytes of the segments that left the log (of which some wait for reuse).
    pub bytes: usize,
    /// The sequence of the last line that is gone.
    pub last_seq: u64,
}

impl Shared {
    pub(super) fn new(spares: Spares) -> Self {
        Self {
            list: CowCell::new(List::new(Vec::new(), 0)),
            seen: AtomicU64::new(0),
            change: Mutex::new(Change { closed: false }),
            spares,
        }
    }

    pub(super) fn list(&self) -> Arc<List> {
        self.list.load()
    }

    pub(super) fn last_seq(&self) -> Option<u64> {
        self.seen.load(Ordering::Acquire).checked_sub(1)
    }

    /// Only the writer calls it, after the commit.
    #[inline]
    pub(super) fn announce(&self, last_seq: u64) {
        self.seen.store(last_seq + 1, Ordering::Release);
    }

    /// Puts a new open segment behind the others. Only the writer calls it, with everything before published.
    pub(super) fn push(&self, block: Arc<Block>) {
        let _change = self.change();
        let list = self.list.load();
        let first = list.end();
        let mut entries = Vec::with_capacity(list.entries.len() + 1);
        entries.extend_from_slice(&list.entries);
        entries.push(Entry { block, first });
        self.list.store(List::new(entries, list.visible_from));
    }

    /// The writer is gone: from now on the last segment may be evicted as well.
    pub(super) fn close(&self) {
        self.change().closed = true;
    }

    /// Takes the oldest segment that cannot grow off the list, if `keep` visible lines remain.
    pub(super) fn evict_oldest(&self, keep: u64) -> Option<Evicted> {
        let change = self.change();
        let list = self.list.load();
        let (oldest, rest) = list.entries.split_first()?;
        if rest.is_empty() && !change.closed {
            return None;
        }
        let end = list.end();
        let visible_from = rest.first().map_or(end, |next| next.first).max(list.visible_from);
        if end - visible_from < keep {
            return None;
        }
        let lines = visible_from - list.visible_from;
        let block = oldest.block.clone();
        let evicted = Evicted { lines, bytes: block.capacity(), last_seq: block.last_seq() };
        self.list.store(List::new(rest.to_vec(), visible_from));
        drop(change);
        drop(list);
        self.spares.give(block);
        Some(evicted)
    }

    /// Hides every line published so far and takes the segments off that cannot grow: one replacement of the list.
    pub(super) fn clear(&self) -> Option<Evicted> {
        let change = self.change();
        let list = self.list.load();
        let end = list.end();
        let (last, closed) = list.entries.split_last()?;
        let keeps_last = !change.closed;
        let (gone, rest) = if keeps_last { (closed, vec![last.clone()]) } else { (&list.entries[..], Vec::new()) };
        let last_gone = if last.block.committed() > 0 { Some(last) } else { closed.last() };
        let evicted = Evicted {
            lines: end - list.visible_from,
            bytes: gone.iter().map(|entry| entry.block.capacity()).sum(),
            last_seq: last_gone?.block.last_seq(),
        };
        self.list.store(List::new(rest, end));
        drop(change);
        let gone: Vec<_> = gone.iter().map(|entry| entry.block.clone()).collect();
        drop(list);
        gone.into_iter().for_each(|block| self.spares.give(block));
        (evicted.lines > 0 || evicted.bytes > 0).then_some(evicted)
    }

    /// A panic under this mutex cannot leave the list half changed, since the list is replaced by one swap.
    fn change(&self) -> MutexGuard<'_, Change> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a log: any number of readers, none of which the writer ever waits for.
///
/// **Thread safety:** `Clone + Send + Sync`. **Progress:** `last_seq` is wait-free, the others lock-free (one
/// `arc-swap` load). **Waits:** never. **Cleanup:** a reader keeps the log's last list alive, also after its writer is gone.
///
/// ```
/// use brummer::sync::segment_log::{Limits, Line, SegmentLog};
///
/// let mut log = SegmentLog::new(Limits::default());
/// let reader = log.reader();
/// let mut seen = None;
/// for seq in 0..3 {
///     log.append(&[b"tick", b"\n"], Line { seq, ..Line::default() }).unwrap();
/// }
/// log.publish();
/// if reader.last_seq() > seen {
///     assert_eq!(reader.snapshot().lines().count(), 3);
///     seen = reader.last_seq();
/// }
/// assert_eq!(seen, Some(2));
/// ```
#[derive(Clone)]
pub struct Reader {
    pub(super) shared: Arc<Shared>,
}

impl Reader {
    /// The log as it stands: everything published before this call, and nothing unpublished.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.shared.list())
    }

    /// The sequence of the newest published line, be it visible, cleared or evicted by now. Cheap enough to poll.
    ///
    /// A snapshot taken afterwards includes that line, unless it has been cleared or evicted.
    pub fn last_seq(&self) -> Option<u64> {
        self.shared.last_seq()
    }

    /// How many lines are visible.
    pub fn lines(&self) -> u64 {
        let list = self.shared.list();
        list.end() - list.visible_from
    }

    /// Bytes of the log's segments, without those that wait for reuse and those that only old snapshots hold.
    pub fn bytes(&self) -> usize {
        self.shared.list().bytes
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("last_seq", &self.last_seq()).field("lines", &self.lines()).finish()
    }
}

/// Decides what a log keeps, from any thread, also when its writer is idle or gone.
///
/// **Thread safety:** `Clone + Send + Sync`. **Waits:** on a mutex that is taken when segments come and go, and held for
/// the copy of a list of pointers; the writer takes it once per segment. **Cleanup:** none.
///
/// ```
/// use brummer::sync::segment_log::{Limits, Line, SegmentLog};
///
/// let mut log = SegmentLog::new(Limits { first_segment_bytes: 4096, segment_bytes: 4096, ..Limits::default() });
/// let (reader, keeper) = (log.reader(), log.keeper());
/// for seq in 0..1_000 {
///     log.append(&[b"a line of some length\n"], Line { seq, ..Line::default() }).unwrap();
/// }
/// log.publish();
/// while keeper.evict_oldest_keeping(500).is_some() {}
/// assert!((500..700).contains(&reader.lines()));
/// keeper.clear();
/// assert_eq!(reader.lines(), 0);
/// ```
#[derive(Clone)]
pub struct Keeper {
    pub(super) shared: Arc<Shared>,
}

impl Keeper {
    /// Evicts the oldest segment. `None` if there is none but the one that is being written.
    pub fn evict_oldest(&self) -> Option<Evicted> {
        self.shared.evict_oldest(0)
    }

    /// Evicts the oldest segment if at least `lines` visible lines remain.
    pub fn evict_oldest_keeping(&self, lines: u64) -> Option<Evicted> {
        self.shared.evict_oldest(lines)
    }

    /// Hides every line published so far, for all readers at once. `None` if there was nothing.
    ///
    /// Lines that were appended but not published come into view when they are published. The segment that is being
    /// written stays allocated.
    pub fn clear(&self) -> Option<Evicted> {
        self.shared.clear()
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("bytes", &self.shared.list().bytes).finish()
    }
}
