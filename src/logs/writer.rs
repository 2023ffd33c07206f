//! The way of a line into the store: last state, plain text, level, URLs, error, append.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use memchr::memchr;

use crate::event::{Ending, Level, ProcessId, Stream};
use crate::sync::segment_log::{Line, SegmentLog};
use crate::wire::{ansi, url};

use super::core::Core;
use super::errors::{FreshError, Seen, Tracker};
use super::levels::Levels;
use super::line::Tag;
use super::process_log::ProcessLog;
use super::progress::last_state;
use super::urls::{FreshUrl, UrlBatch};

/// The longest piece that a line is kept in; the plain length of a piece must fit in 16 bits.
pub(super) const PIECE_BYTES_MAX: usize = 32 << 10;
/// Sequence numbers taken at once when a batch grows.
pub(super) const RUN_MAX: u64 = 64;

/// What was found out about a plain text before it comes to be kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// Nothing before this byte says anything about its level.
    pub(super) no_place_before: usize,
    /// No colon before this byte is part of a URL.
    pub(super) no_colon_before: usize,
}

/// What a batch came to.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The first line's sequence number; the numbers of a batch grow, and may have gaps.
    pub first_seq: u64,
    /// The last line's.
    pub last_seq: u64,
    /// How many lines there are; when 0, the numbers mean nothing.
    pub lines: u32,
    /// How many of them are errors.
    pub error_lines: u32,
    /// Errors of a kind that this process has not had before.
    pub errors: Vec<FreshError>,
    /// Errors came, or lines were added to the last one.
    pub errors_changed: bool,
    /// URLs that this process has not printed before.
    pub urls: Vec<FreshUrl>,
}

/// The one who writes a process's lines; lines are seen when they are published.
///
/// Publish soon after the last line of a batch: readers see lines in the order of their numbers, so as long as this batch
/// is not published, they do not see later lines of other processes either.
///
/// - **Thread safety**: `Send`; one owner. **Progress**: `line` is wait-free but for one line in a segment, which may take a
///   short lock; `publish` takes a short lock when the batch has errors or URLs. **Waits**: for no reader.
///   **Cleanup**: dropping it publishes what is left.
///
/// ```
/// use brummer::event::{Ending, ProcessId, Stream};
/// use brummer::logs::{LogLimits, LogStore};
///
/// let store = LogStore::new(LogLimits::default());
/// let mut writer = store.writer(ProcessId(1), "web");
/// writer.line(Stream::Out, b"\x1b[32mready\x1b[0m on http://localhost:3000", Ending::Newline);
/// let published = writer.publish();
/// assert_eq!((published.lines, published.urls.len()), (1, 1));
/// assert_eq!(store.snapshot().get(published.last_seq).unwrap().plain, b"ready on http://localhost:3000");
/// ```
pub struct Writer {
    core: Arc<Core>,
    shared: Arc<ProcessLog>,
    log: SegmentLog,
    tracker: Tracker,
    urls: UrlBatch,
    /// The plain text of the line at hand.
    plain: Vec<u8>,
    /// Sequence numbers taken and not used, and how many were taken.
    next_seq: u64,
    end_seq: u64,
    run: u64,
    /// Read once a batch.
    time_ms: u64,
    batch: Published,
    /// The level of the line that goes on, by stream.
    continued: [Option<Level>; 2],
    partials: [Partial; 2],
}

/// The unfinished line of a stream.
#[derive(Debug, Default)]
struct Partial {
    text: Vec<u8>,
    is_shown: bool,
    changed: bool,
}

impl Writer {
    pub(super) fn new(core: Arc<Core>, shared: Arc<ProcessLog>, log: SegmentLog) -> Writer {
        Writer {
            core,
            shared,
            log,
            tracker: Tracker::default(),
            urls: UrlBatch::default(),
            plain: Vec::new(),
            next_seq: 0,
            end_seq: 0,
            run: 0,
            time_ms: 0,
            batch: Published::default(),
            continued: [None; 2],
            partials: [Partial::default(), Partial::default()],
        }
    }

    /// Whose lines these are.
    pub fn process(&self) -> ProcessId {
        self.shared.process
    }

    /// Appends a line, without its ending. It is seen after [`Writer::publish`].
    ///
    /// A text of more than 32 KiB is kept as pieces. Of a line that was written over with `\r`, the last state is kept.
    #[inline]
    pub fn line(&mut self, stream: Stream, text: &[u8], ending: Ending) {
        self.add(stream, text, ending, Level::Debug);
    }

    /// The same, with a least level.
    pub(super) fn add(&mut self, stream: Stream, mut text: &[u8], ending: Ending, least: Level) {
        while text.len() > PIECE_BYTES_MAX {
            let (piece, rest) = text.split_at(PIECE_BYTES_MAX);
            self.piece(stream, piece, Ending::Continued, least);
            text = rest;
        }
        self.piece(stream, text, ending, least);
    }

    pub(super) fn piece(&mut self, stream: Stream, text: &[u8], ending: Ending, least: Level) {
        let raw = last_state(text);
        let mut buffer = std::mem::take(&mut self.plain);
        let has_raw = memchr(0x1b, raw).is_some();
        let plain = if has_raw {
            buffer.clear();
            ansi::strip(raw, &mut buffer);
            &buffer[..]
        } else {
            raw
        };
        self.keep(stream, raw, plain, ending, least, Known::default());
        self.plain = buffer;
    }

    #[inline]
    pub(super) fn keep(
        &mut self,
        stream: Stream,
        raw: &[u8],
        plain: &[u8],
        ending: Ending,
        least: Level,
        known: Known,
    ) {
        // Only a line's first piece has a level of its own; the others would be judged by halves of words.
        let begun = self.continued[stream as usize].take();
        let level = begun.unwrap_or_else(|| self.core.levels.of_known(plain, known.no_place_before)).max(least);
        if ending == Ending::Continued {
            self.continued[stream as usize] = Some(level);
        }
        let (seq, time) = (self.take_seq(), self.now());
        let is_stack = self.tracker.line(Seen { seq, time_ms: time, stream, level, plain });
        for url in url::find_from(plain, known.no_colon_before) {
            if self.urls.see(&url, seq, time) {
                self.hand_urls_on();
            }
        }
        let has_raw = !std::ptr::eq(raw, plain);
        let tag = Tag { stream, ending, level, has_raw, is_stack }.pack();
        let newline: &[u8] = if ending == Ending::Continued { b"" } else { b"\n" };
        let (line, parts) = if has_raw {
            (Line { seq, time, tag, extra: plain.len() as u16 }, &[plain, newline, raw, newline][..])
        } else {
            (Line { seq, time, tag, extra: 0 }, &[plain, newline][..])
        };
        self.log.append(parts, line).expect("a piece is shorter than the log's longest line, and numbers only grow");
        self.batch.error_lines += u32::from(level >= Level::Error);
        self.batch.lines += 1;
        self.batch.last_seq = seq;
        self.partials[stream as usize].outdate();
    }

    /// Appends ordinary lines that stand one behind the other: information, without escape sequences or anything else to be
    /// noticed, each with its newline. The first one starts at byte `from` of `text`, and each ends at one of `ends`.
    pub(super) fn keep_ordinary(&mut self, stream: Stream, text: &[u8], mut from: u32, mut ends: &[u32]) {
        let tag = Tag { stream, ending: Ending::Newline, level: Level::Info, has_raw: false, is_stack: false }.pack();
        while !ends.is_empty() {
            let (seq, count) = self.take_seqs(ends.len());
            let first = Line { seq, time: self.now(), tag, extra: 0 };
            let (fitting, rest) = ends.split_at(count);
            self.log
                .append_all(text, from, fitting, first)
                .expect("a piece is shorter than the log's longest line, and numbers only grow");
            self.batch.lines += count as u32;
            self.batch.last_seq = seq + count as u64 - 1;
            (from, ends) = (fitting[count - 1], rest);
        }
        self.partials[stream as usize].outdate();
    }

    /// What stands in a line of this stream may be ordinary: no line goes on, and no error is open.
    #[inline]
    pub(super) fn is_at_ease(&self, stream: Stream) -> bool {
        self.continued[stream as usize].is_none() && self.tracker.is_idle(stream)
    }

    #[inline]
    pub(super) fn levels(&self) -> &Levels {
        &self.core.levels
    }

    /// The next sequence number.
    #[inline]
    fn take_seq(&mut self) -> u64 {
        self.take_seqs(1).0
    }

    /// Some of the next sequence numbers, at most so many: the first one, and how many they are.
    #[inline]
    fn take_seqs(&mut self, most: usize) -> (u64, usize) {
        if self.next_seq == self.end_seq {
            self.take_run(most as u64);
        }
        let first = self.next_seq;
        let count = (most as u64).min(self.end_seq - first);
        self.next_seq += count;
        if self.batch.lines == 0 {
            self.batch.first_seq = first;
        }
        (first, count as usize)
    }

    /// Takes more numbers, the more the longer the batch is or the more lines are `known` to come: so a batch seldom touches
    /// the shared counter, and a single line leaves no gap.
    fn take_run(&mut self, known: u64) {
        self.run = (self.run * 2).max(known).clamp(1, RUN_MAX);
        if self.batch.lines == 0 {
            self.run = known.min(RUN_MAX);
            self.begin_batch();
        }
        self.use_numbers(self.core.take_numbers(self.run), self.run);
    }

    /// Tells readers that numbers from now on are not to be relied on until this batch is published.
    pub(super) fn begin_batch(&mut self) {
        self.shared.begin_batch(self.core.next_number());
    }

    /// Uses these numbers for the next lines.
    pub(super) fn use_numbers(&mut self, first: u64, count: u64) {
        (self.next_seq, self.end_seq) = (first, first + count);
    }

    /// The time of this batch: read with its first line, and never before that of the last batch.
    #[inline]
    fn now(&mut self) -> u64 {
        if self.batch.lines == 0 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
            self.time_ms = self.time_ms.max(now);
        }
        self.time_ms
    }

    /// Sets the unfinished line of a stream, a prompt say; empty: there is none. It is seen after [`Writer::publish`],
    /// until the next line of the stream is.
    pub fn partial(&mut self, stream: Stream, text: &[u8]) {
        let partial = &mut self.partials[stream as usize];
        if partial.text != text {
            partial.text.clear();
            partial.text.extend_from_slice(&text[..text.len().min(PIECE_BYTES_MAX)]);
            partial.changed = true;
        }
    }

    /// Shows everything so far to readers, all at once.
    pub fn publish(&mut self) -> Published {
        self.flush(false)
    }

    fn flush(&mut self, end: bool) -> Published {
        let partials_changed = self.partials.iter().any(|partial| partial.changed);
        if self.batch.lines == 0 && !partials_changed && !end {
            return Published::default();
        }
        if !self.tracker.is_quiet() {
            let found = self.tracker.take(end);
            self.batch.errors_changed = !found.is_empty();
            self.batch.errors = self.core.errors().add(self.shared.process, &self.shared.name, found);
        }
        self.hand_urls_on();
        self.show();
        let published = std::mem::take(&mut self.batch);
        self.core.published(&self.shared, u64::from(published.lines));
        published
    }

    /// Makes the batch visible.
    fn show(&mut self) {
        self.log.publish();
        for stream in [Stream::Out, Stream::Err] {
            let partial = &mut self.partials[stream as usize];
            if std::mem::take(&mut partial.changed) {
                self.shared.set_partial(stream, &partial.text);
                partial.is_shown = !partial.text.is_empty();
            }
        }
        self.shared.end_batch();
        self.next_seq = self.end_seq;
    }

    fn hand_urls_on(&mut self) {
        if !self.urls.is_empty() {
            let fresh = self.core.urls().add(self.shared.process, &self.shared.name, &mut self.urls);
            self.batch.urls.extend(fresh);
        }
    }
}

impl Partial {
    /// A line of the stream has come: what was unfinished is part of it.
    #[inline]
    fn outdate(&mut self) {
        if !self.text.is_empty() || self.is_shown {
            self.text.clear();
            self.changed = true;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.partials.iter_mut().for_each(Partial::outdate);
        self.flush(true);
        self.shared.is_closed.store(true, Ordering::Release);
        self.core.prune();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("process", &self.shared.process)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
