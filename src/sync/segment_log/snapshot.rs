//! What a reader sees: the lines of a log at one moment, searchable by segment, by index and by sequence.

use std::fmt;
use std::ops::Range;

use crate::sync::shim::Arc;

use super::block::Block;
use super::list::{Entry, List};

/// One line, borrowed from a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRef<'a> {
    /// Its index, counted from the log's first line ever: stays the same however many older lines go.
    pub index: u64,
    /// The caller's sequence number.
    pub seq: u64,
    /// The caller's time.
    pub time: u64,
    /// The caller's tag.
    pub tag: u16,
    /// The caller's second tag.
    pub extra: u16,
    /// The bytes as they were appended.
    pub text: &'a [u8],
}

/// The lines of a log at one moment: a gap-free run of its lines that never changes.
///
/// It keeps the segments it shows alive, so hold it for as long as it is looked at and not longer.
///
/// **Thread safety:** `Clone + Send + Sync`. **Progress:** every method is wait-free. **Waits:** never.
/// **Cleanup:** the last snapshot of a retired segment frees it, or leaves it to be recycled.
#[derive(Clone)]
pub struct Snapshot {
    list: Arc<List>,
    /// One past the last line, as it was committed when the snapshot was taken.
    end: u64,
}

impl Snapshot {
    pub(super) fn new(list: Arc<List>) -> Self {
        let end = list.end();
        Self { list, end }
    }

    /// The indices of its lines, counted from the log's first line ever.
    pub fn range(&self) -> Range<u64> {
        self.list.visible_from..self.end
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        (self.end - self.list.visible_from) as usize
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.end == self.list.visible_from
    }

    /// Bytes of the segments it stands on.
    pub fn bytes(&self) -> usize {
        self.list.bytes
    }

    /// Its segments with at least one line, oldest first.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = SegmentView<'_>> + Clone {
        (0..self.list.entries.len()).map(|at| self.view(at)).filter(|view| !view.is_empty())
    }

    /// Its lines, oldest first; `rev()` gives the newest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = LineRef<'_>> + Clone {
        self.segments().flat_map(SegmentView::lines)
    }

    /// The lines from index `index` on, oldest first; from the oldest one if that is gone.
    pub fn lines_from(&self, index: u64) -> impl DoubleEndedIterator<Item = LineRef<'_>> + Clone {
        (self.entry_of(index).unwrap_or(0)..self.list.entries.len()).flat_map(move |at| {
            let view = self.view(at);
            view.lines_from(index.saturating_sub(view.first) as usize)
        })
    }

    /// The lines whose sequence is greater than `seq`, oldest first.
    pub fn lines_after(&self, seq: u64) -> impl DoubleEndedIterator<Item = LineRef<'_>> + Clone {
        self.lines_from(seq.checked_add(1).map_or(self.end, |next| self.find_seq(next)))
    }

    /// The line with index `index`.
    pub fn line(&self, index: u64) -> Option<LineRef<'_>> {
        if !self.range().contains(&index) {
            return None;
        }
        let view = self.view(self.entry_of(index)?);
        view.line(index.checked_sub(view.first)? as usize)
    }

    /// The index of the first line whose sequence is `seq` or greater; `range().end` if there is none.
    pub fn find_seq(&self, seq: u64) -> u64 {
        let entries = &self.list.entries;
        let Some(at) = entries.partition_point(|entry| entry.block.base_seq() <= seq).checked_sub(1) else {
            return self.list.visible_from;
        };
        let view = self.view(at);
        view.first + view.find_seq(seq) as u64
    }

    /// The line with exactly this sequence.
    pub fn line_with_seq(&self, seq: u64) -> Option<LineRef<'_>> {
        self.line(self.find_seq(seq)).filter(|line| line.seq == seq)
    }

    /// The newest line.
    pub fn last(&self) -> Option<LineRef<'_>> {
        self.line(self.end.checked_sub(1)?)
    }

    /// The place in the list of the segment that holds `index`.
    fn entry_of(&self, index: u64) -> Option<usize> {
        self.list.entries.partition_point(|entry| entry.first <= index).checked_sub(1)
    }

    fn view(&self, at: usize) -> SegmentView<'_> {
        let Entry { block, first } = &self.list.entries[at];
        let end = self.list.entries.get(at + 1).map_or(self.end, |next| next.first);
        let from = self.list.visible_from.clamp(*first, end);
        SegmentView { block, skipped: (from - first) as u32, end: (end - first) as u32, first: from }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("range", &self.range()).field("bytes", &self.bytes()).finish()
    }
}

/// The lines of one segment in a snapshot. Its text is one contiguous haystack.
#[derive(Clone, Copy)]
pub struct SegmentView<'a> {
    /// Invariant: an acquire load of the commit word has seen at least `end` lines.
    block: &'a Block,
    /// Lines at the segment's start that are hidden.
    skipped: u32,
    /// One past the last line, counted from the segment's start.
    end: u32,
    /// Index in the log of the first visible line.
    first: u64,
}

impl<'a> SegmentView<'a> {
    /// How many lines it has.
    pub fn len(&self) -> usize {
        (self.end - self.skipped) as usize
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.end == self.skipped
    }

    /// The index in the log of its first line.
    pub fn first_index(&self) -> u64 {
        self.first
    }

    /// Bytes of memory the whole segment takes.
    pub fn capacity(&self) -> usize {
        self.block.capacity()
    }

    /// The union of the tags of its lines; bits of hidden and of newer lines may be among them. What is not in it is in no
    /// line, so a search for lines of a kind can pass whole segments over.
    pub fn tags(&self) -> u16 {
        self.block.tags()
    }

    /// All its lines as they were appended, one after the other.
    pub fn text(&self) -> &'a [u8] {
        // SAFETY: both are ends of committed lines, by the invariant of `block`.
        unsafe { self.block.text(self.end_of(self.skipped), self.end_of(self.end)) }
    }

    /// Line `at` of this segment.
    pub fn line(&self, at: usize) -> Option<LineRef<'a>> {
        if at >= self.len() {
            return None;
        }
        let line = self.skipped + at as u32;
        // SAFETY: `line < end`, which is committed by the invariant of `block`.
        let record = unsafe { self.block.record(line) };
        Some(LineRef {
            index: self.first + at as u64,
            seq: self.block.base_seq() + u64::from(record.seq),
            time: self.block.base_time() + u64::from(record.time),
            tag: record.tag,
            extra: record.extra,
            // SAFETY: both are ends of committed lines.
            text: unsafe { self.block.text(self.end_of(line), record.end) },
        })
    }

    /// Its lines, oldest first.
    pub fn lines(self) -> impl DoubleEndedIterator<Item = LineRef<'a>> + ExactSizeIterator + Clone {
        self.lines_from(0)
    }

    /// Its lines from line `at` on.
    pub fn lines_from(self, at: usize) -> impl DoubleEndedIterator<Item = LineRef<'a>> + ExactSizeIterator + Clone {
        (at.min(self.len())..self.len()).map(move |at| self.line(at).expect("a range below the length"))
    }

    /// The line that holds byte `offset` of `text()`; the length if it is past the end.
    pub fn line_at_offset(&self, offset: usize) -> usize {
        let offset = u64::from(self.end_of(self.skipped)) + offset as u64;
        self.partition_point(|line| u64::from(self.end_of(line + 1)) <= offset)
    }

    /// The first line whose sequence is `seq` or greater; the length if there is none.
    pub fn find_seq(&self, seq: u64) -> usize {
        // SAFETY: `partition_point` only asks about lines below `end`, which are committed.
        self.partition_point(|line| self.block.base_seq() + u64::from(unsafe { self.block.record(line) }.seq) < seq)
    }

    /// The first line whose time is `time` or greater, if times never went back; the length if there is none.
    pub fn find_time(&self, time: u64) -> usize {
        // SAFETY: `partition_point` only asks about lines below `end`, which are committed.
        self.partition_point(|line| self.block.base_time() + u64::from(unsafe { self.block.record(line) }.time) < time)
    }

    /// Where in the segment's text the first `lines` lines end, hidden ones included.
    fn end_of(&self, lines: u32) -> u32 {
        debug_assert!(lines <= self.end);
        // SAFETY: `lines - 1 < end`, which is committed by the invariant of `block`.
        lines.checked_sub(1).map_or(0, |last| unsafe { self.block.record(last) }.end)
    }

    /// How many visible lines, from the first on, `before` holds for; it is asked with the segment's own line number.
    fn partition_point(&self, before: impl Fn(u32) -> bool) -> usize {
        let (mut low, mut high) = (self.skipped, self.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low - self.skipped) as usize
    }
}

impl fmt::Debug for SegmentView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentView").field("first_index", &self.first).field("len", &self.len()).finish()
    }
}
