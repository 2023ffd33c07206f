//! One segment: a contiguous, self-describing block of bytes with text growing up and line records growing down.
//!
//! ```text
//! 0        4         6        8          12      16         24          32         64
//! | magic  | version | header | capacity | lines | base seq | base time | tags | … | text → ← records |
//! ```
//!
//! A record is 16 bytes, the first one stands at the very end. Nothing in the block is a pointer, so its bytes mean the
//! same at any address (aligned to 8) and in a file mapped by a machine of the same byte order.

use std::cell::UnsafeCell as PlainUnsafeCell;
use std::mem::MaybeUninit;

use crate::sync::shim::atomic::{AtomicU32, Ordering};
use crate::sync::shim::planted;

/// Bytes in front of the text: one cache line, so that the commit word does not share one with text.
pub(super) const HEADER_BYTES: usize = 64;
/// Bytes of a line record.
pub(super) const RECORD_BYTES: usize = size_of::<Record>();

const MAGIC: u32 = u32::from_ne_bytes(*b"BRSG");
const VERSION: u16 = 1;

/// The head of a block. `lines` is the commit word; only it and `tags` change while readers look.
#[repr(C)]
struct Header {
    magic: u32,
    version: u16,
    header_bytes: u16,
    capacity: u32,
    lines: u32,
    base_seq: u64,
    base_time: u64,
    /// The union of the lines' tags, in the low 16 bits.
    tags: u32,
}

/// What is kept of a line beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Record {
    /// Offset in the text at which the line ends; it begins where the one before ends.
    pub(super) end: u32,
    /// Distance to the block's base sequence.
    pub(super) seq: u32,
    /// Distance to the block's base time.
    pub(super) time: u32,
    pub(super) tag: u16,
    pub(super) extra: u16,
}

/// The memory of a segment. Lines below the commit word are frozen; only the one writer touches what is above it.
pub(super) struct Block {
    memory: Box<[PlainUnsafeCell<MaybeUninit<u64>>]>,
    #[cfg(loom)]
    watch: watch::Watch,
}

// SAFETY: the memory is plain bytes (Send). Shared access is sound by I1 and I2 of `segment_log`: a byte is written
// only while it is above the commit word, by the one writer, and read only below it, after an acquire load of that word.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    /// A block of `capacity` bytes, rounded up to the record size, whose first line will have this sequence and time.
    pub(super) fn new(capacity: usize, base_seq: u64, base_time: u64) -> Self {
        let capacity = capacity.next_multiple_of(RECORD_BYTES).max(HEADER_BYTES + RECORD_BYTES);
        let words = Box::<[PlainUnsafeCell<MaybeUninit<u64>>]>::new_uninit_slice(capacity / 8);
        // SAFETY: a `MaybeUninit` needs no initialisation, nor does a cell of one.
        let memory = unsafe { words.assume_init() };
        let mut block = Self {
            memory,
            #[cfg(loom)]
            watch: watch::Watch::new((capacity - HEADER_BYTES) / RECORD_BYTES),
        };
        block.reset(base_seq, base_time);
        block
    }

    /// Starts the block anew. `&mut` is the proof that no reader is left.
    pub(super) fn reset(&mut self, base_seq: u64, base_time: u64) {
        #[cfg(loom)]
        self.watch.write_all();
        let header = Header {
            magic: MAGIC,
            version: VERSION,
            header_bytes: HEADER_BYTES as u16,
            capacity: u32::try_from(self.capacity()).expect("limits keep a segment under 4 GiB"),
            lines: 0,
            base_seq,
            base_time,
            tags: 0,
        };
        // SAFETY: the block is at least a header long and aligned to 8; `&mut self` excludes every other access.
        unsafe { self.start().cast::<Header>().write(header) };
        #[cfg(loom)]
        self.watch.lines.store(0, Ordering::Relaxed);
        #[cfg(loom)]
        self.watch.tags.store(0, Ordering::Relaxed);
    }

    /// Bytes of the whole block.
    pub(super) fn capacity(&self) -> usize {
        self.memory.len() * 8
    }

    fn start(&self) -> *mut u8 {
        self.memory.as_ptr().cast_mut().cast()
    }

    fn header(&self) -> *const Header {
        #[cfg(loom)]
        self.watch.read(0);
        self.start().cast()
    }

    pub(super) fn base_seq(&self) -> u64 {
        // SAFETY: the header is initialised by `new`, and this field is only written under `&mut self`.
        unsafe { (*self.header()).base_seq }
    }

    pub(super) fn base_time(&self) -> u64 {
        // SAFETY: the header is initialised by `new`, and this field is only written under `&mut self`.
        unsafe { (*self.header()).base_time }
    }

    #[cfg(not(loom))]
    fn commit_word(&self) -> &AtomicU32 {
        // SAFETY: in bounds and aligned; while the block is shared this word is only accessed through this atomic.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.start().cast::<Header>()).lines) }
    }

    #[cfg(loom)]
    fn commit_word(&self) -> &AtomicU32 {
        &self.watch.lines
    }

    #[cfg(not(loom))]
    fn tags_word(&self) -> &AtomicU32 {
        // SAFETY: in bounds and aligned; while the block is shared this word is only accessed through this atomic.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.start().cast::<Header>()).tags) }
    }

    #[cfg(loom)]
    fn tags_word(&self) -> &AtomicU32 {
        &self.watch.tags
    }

    /// The union of the tags of all lines that `committed` has shown the caller, and perhaps of later ones.
    pub(super) fn tags(&self) -> u16 {
        // Relaxed: the acquire load of the commit word has made what was stored before it visible.
        self.tags_word().load(Ordering::Relaxed) as u16
    }

    /// Sets the union of the tags, before the lines are committed that changed it.
    pub(super) fn set_tags(&self, tags: u16) {
        self.tags_word().store(u32::from(tags), Ordering::Relaxed);
    }

    /// How many lines readers may see. Everything below is visible to the caller from here on.
    pub(super) fn committed(&self) -> u32 {
        self.commit_word().load(Ordering::Acquire)
    }

    /// Makes the first `lines` lines visible.
    ///
    /// # Safety
    /// The caller is the one writer and has written all of them.
    #[inline]
    pub(super) unsafe fn commit(&self, lines: u32) {
        let order = if planted("segment log: relaxed commit") { Ordering::Relaxed } else { Ordering::Release };
        self.commit_word().store(lines, order);
    }

    /// Whether line number `line` of `bytes` fits behind text that ends at `text_end`.
    #[inline]
    pub(super) fn fits(&self, line: u32, text_end: u32, bytes: usize) -> bool {
        HEADER_BYTES + text_end as usize + bytes + (line as usize + 1) * RECORD_BYTES <= self.capacity()
    }

    /// Writes line number `line`: the concatenation of `parts` at `text_end`, and its record.
    ///
    /// # Safety
    /// The caller is the one writer, `line` is not committed, the lines before it are written and end at `text_end`,
    /// the parts are `record.end - text_end` bytes and fit.
    #[inline]
    pub(super) unsafe fn write(&self, line: u32, text_end: u32, parts: &[&[u8]], record: Record) {
        debug_assert!(self.fits(line, text_end, (record.end - text_end) as usize));
        #[cfg(loom)]
        self.watch.write(line as usize + 1);
        // SAFETY: by the contract the bytes are in bounds and above the commit word, where only the writer is (I1).
        unsafe {
            let mut at = self.start().add(HEADER_BYTES + text_end as usize);
            for part in parts {
                at.copy_from_nonoverlapping(part.as_ptr(), part.len());
                at = at.add(part.len());
            }
            self.record_at(line).write(record);
        }
    }

    /// Writes lines from number `line` on: their text as it is at `text_end`, and a record for each.
    ///
    /// # Safety
    /// The caller is the one writer, the lines are not committed, those before are written and end at `text_end`; the text
    /// and as many records as there are fit; the records' ends ascend from `text_end`, and the last one is the text's end.
    pub(super) unsafe fn write_all(
        &self,
        line: u32,
        text_end: u32,
        text: &[u8],
        records: impl Iterator<Item = Record>,
    ) {
        // SAFETY: by the contract the bytes are in bounds and above the commit word, where only the writer is (I1).
        unsafe {
            let at = self.start().add(HEADER_BYTES + text_end as usize);
            at.copy_from_nonoverlapping(text.as_ptr(), text.len());
            for (line, record) in (line..).zip(records) {
                #[cfg(loom)]
                self.watch.write(line as usize + 1);
                self.record_at(line).write(record);
            }
        }
    }

    fn record_at(&self, line: u32) -> *mut Record {
        // In bounds for every line that fits; the capacity is a multiple of the record size, so it is aligned.
        self.start().wrapping_add(self.capacity() - (line as usize + 1) * RECORD_BYTES).cast()
    }

    /// The record of line `line`.
    ///
    /// # Safety
    /// An acquire load has seen more than `line` lines committed.
    #[inline]
    pub(super) unsafe fn record(&self, line: u32) -> Record {
        #[cfg(loom)]
        self.watch.read(line as usize + 1);
        // SAFETY: a committed line's record is initialised and frozen (I2).
        unsafe { self.record_at(line).read() }
    }

    /// The sequence of the last committed line, the base sequence if there is none.
    pub(super) fn last_seq(&self) -> u64 {
        // SAFETY: `committed` is the acquire load that has seen the line.
        let last = self.committed().checked_sub(1).map(|last| unsafe { self.record(last) });
        self.base_seq() + last.map_or(0, |record| u64::from(record.seq))
    }

    /// The text from byte `from` to byte `to`.
    ///
    /// # Safety
    /// Both are line ends (or 0) that were read from committed records, and `from <= to`.
    #[inline]
    pub(super) unsafe fn text(&self, from: u32, to: u32) -> &[u8] {
        // SAFETY: committed text is initialised and frozen (I2) for as long as the block is borrowed.
        unsafe { std::slice::from_raw_parts(self.start().add(HEADER_BYTES + from as usize), (to - from) as usize) }
    }
}

/// What loom watches in place of the bytes: one cell for the header and one per line.
#[cfg(loom)]
mod watch {
    use crate::sync::shim::UnsafeCell;
    use crate::sync::shim::atomic::AtomicU32;

    pub(super) struct Watch {
        cells: Vec<UnsafeCell<()>>,
        pub(super) lines: AtomicU32,
        pub(super) tags: AtomicU32,
    }

    impl Watch {
        pub(super) fn new(lines: usize) -> Self {
            let cells = (0..=lines).map(|_| UnsafeCell::new(())).collect();
            Self { cells, lines: AtomicU32::new(0), tags: AtomicU32::new(0) }
        }

        pub(super) fn read(&self, cell: usize) {
            self.cells[cell].with(|_| ());
        }

        pub(super) fn write(&self, cell: usize) {
            self.cells[cell].with_mut(|_| ());
        }

        pub(super) fn write_all(&self) {
            (0..self.cells.len()).for_each(|cell| self.write(cell));
        }
    }
}
