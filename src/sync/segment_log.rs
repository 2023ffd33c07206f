//! A log of lines with one writer and any number of lock-free readers, in contiguous segments that are searched as one text.
//!
//! # Shape
//! One [`SegmentLog`] appends (`&mut self`); [`Reader`]s take [`Snapshot`]s; [`Keeper`]s evict and clear. A segment is one
//! block: text grows up, 16-byte line records grow down, a commit word in its header counts the lines readers may see.
//! When a line does not fit, the segment is closed and a new one is put on the list, which is immutable and replaced as
//! a whole. Nothing is evicted by the log itself: its user counts bytes and lines and calls [`Keeper::evict_oldest`].
//! Evicted segments go to [`Spares`], and are written again once no snapshot holds them.
//!
//! # Invariants
//! - **I1** Bytes at or above the commit word are touched by the writer alone: nobody else has a `SegmentLog`.
//! - **I2** Bytes below the commit word never change while anybody holds the segment's `Arc`.
//! - **I3** Only the list's last segment grows, and it is in the list before its first line is committed.
//! - **I4** A segment is started anew only through `Arc::get_mut`: no list and no snapshot holds it.
//! - **I5** The list changes only under the change mutex, by one swap; readers see it before or after, never between.
//!
//! # Ordering
//! | site | order | pairs with | if weaker |
//! |---|---|---|---|
//! | `Block::commit` store | Release | `Block::committed` | a reader sees the count before the bytes: torn line |
//! | `Block::committed` load | Acquire | `Block::commit` | the same |
//! | `Block::set_tags` store | Relaxed, before the commit | `Block::tags`, after `Block::committed` | – (the commit word orders them) |
//! | list swap | that of `cow` | list load | a reader sees a segment before its header |
//! | `Shared::announce` store | Release | `Shared::last_seq` | a poller sees the sequence, and a snapshot without it |
//! | `Arc::get_mut` | Acquire (in `Arc`) | release by the last drop | a recycled segment overwrites what a reader still reads |
//!
//! # Progress
//! `append` and `publish`: wait-free, but for one append per segment that rolls: it allocates or recycles, and takes the
//! change mutex (held for the copy of a list of pointers by whoever evicts or clears). `snapshot`: lock-free.
//! Everything on a snapshot: wait-free. A slow reader costs memory (its segments cannot be reused), never time.
//!
//! # Limits
//! Lines have strictly increasing sequences; a segment spans less than 2³² sequences and ticks. A roll copies the list:
//! with a thousand segments that is some µs per segment, so make `segment_bytes` grow with what is kept. The open
//! segment cannot be evicted while its writer lives.
//!
//! # Checked by
//! `loom-tests/tests/segment_log.rs`: readers beside publishes, a roll, an eviction with reuse, a clear; two keepers; the
//! planted relaxed commit. `segment_log/tests.rs`: `behaves_like_a_vec_of_lines` against a `Vec`, and a run with threads.
//!
//! # Source
//! Slotted pages (Gray and Reuter, *Transaction Processing*, 1992, ch. 14); one commit word per log as in LMAX's disruptor.

mod block;
mod list;
mod shared;
mod snapshot;
mod spares;
#[cfg(all(test, not(loom)))]
mod tests;

use std::fmt;

use crate::sync::shim::Arc;

use block::{Block, HEADER_BYTES, RECORD_BYTES, Record};
use shared::Shared;

pub use shared::{Evicted, Keeper, Reader};
pub use snapshot::{LineRef, SegmentView, Snapshot};
pub use spares::Spares;

/// Sizes of a log's segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the first segment; each further one is twice as big, up to `segment_bytes`.
    pub first_segment_bytes: usize,
    /// Bytes of a full-sized segment; at most 1 GiB.
    pub segment_bytes: usize,
    /// The longest line; a longer one is refused. At most what fits in a segment.
    pub line_bytes_max: usize,
}

impl Default for Limits {
    /// 16 KiB doubling to 256 KiB, so that quiet logs cost little and searches run at full speed; lines up to 32 KiB.
    fn default() -> Self {
        Self { first_segment_bytes: 16 << 10, segment_bytes: 256 << 10, line_bytes_max: 32 << 10 }
    }
}

impl Limits {
    /// The nearest sizes that work: multiples of 64 bytes, a segment that takes the longest line.
    fn fitted(self) -> Self {
        let segment_bytes = self.segment_bytes.clamp(2 * HEADER_BYTES, 1 << 30).next_multiple_of(64);
        Self {
            first_segment_bytes: self.first_segment_bytes.next_multiple_of(64).clamp(2 * HEADER_BYTES, segment_bytes),
            segment_bytes,
            line_bytes_max: self.line_bytes_max.min(segment_bytes - HEADER_BYTES - RECORD_BYTES),
        }
    }
}

/// What goes with a line's text. The log gives `seq` an order and keeps the rest as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Greater than that of the line before; at most `u64::MAX - 1`.
    pub seq: u64,
    /// In the caller's ticks. A time before that of the segment's first line is kept as that one.
    pub time: u64,
    /// For the caller.
    pub tag: u16,
    /// For the caller.
    pub extra: u16,
}

/// Why a line was not appended; the log is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The line is longer than `line_bytes_max`: cut it.
    TooLong {
        /// Bytes of the line.
        bytes: usize,
        /// Bytes that would fit.
        max: usize,
    },
    /// The sequence is not greater than the last one's (or is `u64::MAX`).
    OutOfOrder {
        /// The line's sequence.
        seq: u64,
    },
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, max } => write!(f, "a line of {bytes} bytes is longer than the log's {max}; cut it"),
            Self::OutOfOrder { seq } => write!(f, "sequence {seq} is not above that of the line before"),
        }
    }
}

impl std::error::Error for AppendError {}

/// The writing end of a log.
///
/// **Thread safety:** `Send`; the one writer, hence `&mut self`. **Progress:** wait-free but for one append per segment,
/// see the module. **Waits:** never for a reader. **Cleanup:** dropping it publishes what was appended and closes the log;
/// readers and keepers go on.
///
/// ```
/// use brummer::sync::segment_log::{Limits, Line, SegmentLog};
///
/// let mut log = SegmentLog::new(Limits::default());
/// let reader = log.reader();
///
/// log.append(&[b"listening on :3000", b"\n"], Line { seq: 1, time: 10, tag: 7, extra: 0 }).unwrap();
/// assert!(reader.snapshot().is_empty(), "not published yet");
/// log.publish();
///
/// let snapshot = reader.snapshot();
/// let line = snapshot.last().unwrap();
/// assert_eq!((line.seq, line.time, line.tag), (1, 10, 7));
/// assert_eq!(line.text, b"listening on :3000\n");
/// ```
pub struct SegmentLog {
    shared: Arc<Shared>,
    limits: Limits,
    /// Size of the next segment.
    next_bytes: usize,
    /// The smallest sequence the next line may have.
    next_seq: u64,
    open: Option<Open>,
}

/// The segment that is being written, and the writer's own copy of where it stands.
struct Open {
    block: Arc<Block>,
    base_seq: u64,
    base_time: u64,
    lines: u32,
    text_end: u32,
    committed: u32,
    /// The union of the lines' tags, and what readers know of it.
    tags: u16,
    shown_tags: u16,
}

impl SegmentLog {
    /// An empty log with two spare segments of its own. It allocates its first segment with its first line.
    pub fn new(limits: Limits) -> Self {
        Self::with_spares(limits, Spares::new(2))
    }

    /// An empty log that recycles segments together with others. Limits that cannot work are fitted.
    pub fn with_spares(limits: Limits, spares: Spares) -> Self {
        let limits = limits.fitted();
        let shared = Arc::new(Shared::new(spares));
        Self { shared, limits, next_bytes: limits.first_segment_bytes, next_seq: 0, open: None }
    }

    /// A handle that reads.
    pub fn reader(&self) -> Reader {
        Reader { shared: self.shared.clone() }
    }

    /// A handle that evicts and clears.
    pub fn keeper(&self) -> Keeper {
        Keeper { shared: self.shared.clone() }
    }

    /// Writes the concatenation of `parts` as one line where no reader sees it yet; [`publish`](Self::publish) shows it.
    ///
    /// End the text with `\n` if segments are to be searched as one text. A full segment is published when it is closed.
    ///
    /// # Errors
    /// A line that is too long, or whose sequence does not grow.
    #[inline]
    pub fn append(&mut self, parts: &[&[u8]], line: Line) -> Result<(), AppendError> {
        let bytes = parts.iter().map(|part| part.len()).sum();
        self.check(bytes, line.seq)?;
        let open = match &mut self.open {
            Some(open) if open.takes(bytes, line) => open,
            _ => self.roll(bytes, line),
        };
        open.write(parts, bytes, line);
        self.next_seq = line.seq + 1;
        Ok(())
    }

    /// Writes lines that stand one behind the other in `text`, as [`append`](Self::append) does: the first one from byte
    /// `from` to `ends[0]`, each other one from the end before it. They have the time and the tags of `first`, and
    /// sequences that count up from its own. Copies as many at once as the segment takes.
    ///
    /// # Errors
    /// A line that is too long, or a first sequence that does not grow: then none is written.
    ///
    /// # Panics
    /// When the ends do not ascend or lie outside of the text.
    ///
    /// ```
    /// use brummer::sync::segment_log::{Limits, Line, SegmentLog};
    ///
    /// let mut log = SegmentLog::new(Limits::default());
    /// log.append_all(b"one\ntwo\n", 0, &[4, 8], Line { seq: 5, ..Line::default() }).unwrap();
    /// log.publish();
    /// let snapshot = log.reader().snapshot();
    /// let lines: Vec<_> = snapshot.lines().map(|line| (line.seq, line.text)).collect();
    /// assert_eq!(lines, [(5, &b"one\n"[..]), (6, b"two\n")]);
    /// ```
    pub fn append_all(&mut self, text: &[u8], from: u32, ends: &[u32], first: Line) -> Result<(), AppendError> {
        let mut longest = 0;
        let last = ends.iter().fold(from, |before, &end| {
            assert!(before <= end, "the ends of lines ascend");
            longest = longest.max(end - before);
            end
        });
        assert!(last as usize <= text.len(), "lines end within the text");
        let last_seq = first.seq.saturating_add(ends.len().saturating_sub(1) as u64);
        self.check(longest as usize, first.seq)?;
        self.check(0, last_seq)?;
        let (mut from, mut ends, mut line) = (from, ends, first);
        while let Some(&end) = ends.first() {
            let open = match &mut self.open {
                Some(open) if open.takes((end - from) as usize, line) => open,
                _ => self.roll((end - from) as usize, line),
            };
            let count = open.takes_of(from, ends, line);
            let (fitting, rest) = ends.split_at(count);
            let end = fitting[count - 1];
            open.write_all(&text[from as usize..end as usize], from, fitting, line);
            (from, ends, line.seq) = (end, rest, line.seq + count as u64);
            self.next_seq = line.seq;
        }
        Ok(())
    }

    #[inline]
    fn check(&self, bytes: usize, seq: u64) -> Result<(), AppendError> {
        if bytes > self.limits.line_bytes_max {
            return Err(AppendError::TooLong { bytes, max: self.limits.line_bytes_max });
        }
        if seq < self.next_seq || seq == u64::MAX {
            return Err(AppendError::OutOfOrder { seq });
        }
        Ok(())
    }

    /// Shows readers every line appended so far. Once per batch is best: readers poll a word that this writes.
    #[inline]
    pub fn publish(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.committed == open.lines {
            return;
        }
        if open.tags != open.shown_tags {
            open.block.set_tags(open.tags);
            open.shown_tags = open.tags;
        }
        // SAFETY: this is the one writer, and `write` has written all lines below `open.lines`.
        unsafe { open.block.commit(open.lines) };
        open.committed = open.lines;
        self.shared.announce(self.next_seq - 1);
    }

    /// Evicts the oldest segment. `None` if there is none but the one that is being written.
    pub fn evict_oldest(&mut self) -> Option<Evicted> {
        self.shared.evict_oldest(0)
    }

    /// Hides every line appended so far, for all readers at once. `None` if there was nothing.
    pub fn clear(&mut self) -> Option<Evicted> {
        self.publish();
        self.shared.clear()
    }

    /// Closes the open segment and opens one that takes a line of `bytes`.
    #[cold]
    fn roll(&mut self, bytes: usize, line: Line) -> &mut Open {
        self.publish();
        let mut capacity = self.next_bytes;
        while capacity < HEADER_BYTES + RECORD_BYTES + bytes {
            capacity = (capacity * 2).min(self.limits.segment_bytes);
        }
        self.next_bytes = (capacity * 2).min(self.limits.segment_bytes);
        let block = self.shared.spares.take(capacity, line.seq, line.time);
        self.shared.push(block.clone());
        let open = Open {
            block,
            base_seq: line.seq,
            base_time: line.time,
            lines: 0,
            text_end: 0,
            committed: 0,
            tags: 0,
            shown_tags: 0,
        };
        self.open.insert(open)
    }
}

impl Open {
    /// Whether the line fits in the block and its numbers in a record.
    #[inline]
    fn takes(&self, bytes: usize, line: Line) -> bool {
        self.block.fits(self.lines, self.text_end, bytes) && self.numbers_fit(line)
    }

    /// How many of these lines, of which the first one does, fit in the block with their numbers in records.
    fn takes_of(&self, from: u32, ends: &[u32], first: Line) -> usize {
        let fits = |count: usize| {
            let line = Line { seq: first.seq + (count as u64 - 1), ..first };
            self.block.fits(self.lines + count as u32 - 1, self.text_end, (ends[count - 1] - from) as usize)
                && self.numbers_fit(line)
        };
        if fits(ends.len()) {
            return ends.len();
        }
        let (mut low, mut high) = (1, ends.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle) { low = middle } else { high = middle }
        }
        low
    }

    #[inline]
    fn numbers_fit(&self, line: Line) -> bool {
        line.seq - self.base_seq <= u64::from(u32::MAX)
            && line.time.saturating_sub(self.base_time) <= u64::from(u32::MAX)
    }

    #[inline]
    fn record(&self, bytes: u32, line: Line) -> Record {
        Record {
            end: self.text_end + bytes,
            seq: (line.seq - self.base_seq) as u32,
            time: line.time.saturating_sub(self.base_time) as u32,
            tag: line.tag,
            extra: line.extra,
        }
    }

    /// Writes lines that were found to fit; they end at `ends` when `text` starts at `from`.
    fn write_all(&mut self, text: &[u8], from: u32, ends: &[u32], first: Line) {
        let base = self.record(0, first);
        let records =
            ends.iter().zip(0..).map(|(end, at)| Record { end: base.end + (end - from), seq: base.seq + at, ..base });
        // SAFETY: `&mut SegmentLog` is the one writer (I1); the lines are the next after those written; `takes_of` has
        // found that all of them fit; `append_all` has seen that the ends ascend, and the last one is that of the text.
        unsafe { self.block.write_all(self.lines, self.text_end, text, records) };
        self.text_end += text.len() as u32;
        self.lines += ends.len() as u32;
        self.tags |= first.tag;
    }

    #[inline]
    fn write(&mut self, parts: &[&[u8]], bytes: usize, line: Line) {
        let record = self.record(bytes as u32, line);
        // SAFETY: `&mut SegmentLog` is the one writer (I1); the line is the next after those written and was checked to
        // fit by `takes`, or the block was made for it by `roll`; `bytes` is the sum of the parts.
        unsafe { self.block.write(self.lines, self.text_end, parts, record) };
        self.text_end = record.end;
        self.lines += 1;
        self.tags |= line.tag;
    }
}

impl Drop for SegmentLog {
    fn drop(&mut self) {
        self.publish();
        self.shared.close();
    }
}

impl fmt::Debug for SegmentLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentLog").field("limits", &self.limits).field("next_seq", &self.next_seq).finish()
    }
}
