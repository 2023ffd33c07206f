//! Searches a snapshot: whole segments at a time, newest first, on as many threads as the caller gives.
//!
//! A segment's text is one haystack; only around a hit are the borders of its line looked for. Hits in the raw copy of a
//! line with escapes do not count. A literal may go on from a piece of a long line (over 32 KiB) into its next pieces, but
//! for pieces with escapes and pieces with lines of the other stream between them; an expression may within a segment.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::event::{Ending, Level, ProcessId};
use crate::sync::segment_log::SegmentView;

use super::line::LineRef;
use super::pattern::{Pattern, PatternOptions};
use super::snapshot::{Snapshot, View};

/// Segments that one thread takes at a time.
const PART_SEGMENTS: usize = 4;

/// What is searched for (LS-4). The default finds every line.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The text; empty finds every line.
    pub text: String,
    /// How the text is to be understood.
    pub options: PatternOptions,
    /// Only lines of these processes.
    pub processes: Option<Vec<ProcessId>>,
    /// Only lines at least so bad.
    pub level: Option<Level>,
    /// Only lines that arrived at this time or later, milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Only lines that arrived before this time.
    pub until_ms: Option<u64>,
    /// Only lines with this number or a greater one.
    pub from_seq: Option<u64>,
    /// Only the newest so many hits.
    pub limit: Option<usize>,
    /// Hits are counted and not listed.
    pub count_only: bool,
    /// The search ends after this time with what it has.
    pub budget: Option<Duration>,
}

/// A line that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Its number.
    pub seq: u64,
    /// Whose line it is.
    pub process: ProcessId,
}

/// What was found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The lines, newest first; of a long line, the piece in which the hit begins.
    pub hits: Vec<Hit>,
    /// How many lines were found, those beyond the limit included as far as they were looked for.
    pub count: u64,
    /// Whether everything that could be a hit was searched: no budget, stop or limit left something out.
    pub complete: bool,
    /// Bytes of lines that were searched.
    pub scanned: u64,
}

/// A search that any number of threads work on together: each calls [`Searcher::work`] once.
///
/// - **Thread safety**: `Send + Sync`, `'static`. **Progress**: a short lock per part of about a megabyte.
///   **Waits**: none. **Cleanup**: it holds its snapshot.
///
/// ```
/// use brummer::event::ProcessId;
/// use brummer::logs::{LogLimits, LogStore, Query};
///
/// let store = LogStore::new(LogLimits::default());
/// store.add(ProcessId(1), "web", b"GET /cart 500", false).unwrap();
/// let query = Query { text: "cart".into(), ..Query::default() };
/// let searcher = store.snapshot().searcher(&query).unwrap();
/// std::thread::scope(|scope| {
///     (0..2).for_each(|_| drop(scope.spawn(|| searcher.work(&|| false))));
/// });
/// assert_eq!(searcher.found().count, 1);
/// ```
#[derive(Debug)]
pub struct Searcher {
    snapshot: Snapshot,
    pattern: Pattern,
    query: Query,
    parts: Vec<Part>,
    next: AtomicUsize,
    done: AtomicUsize,
    left_out: AtomicBool,
    deadline: Option<Instant>,
    /// Lines with smaller numbers are beyond the limit.
    enough_below: AtomicU64,
    collected: Mutex<Found>,
}

/// Some neighbouring segments of one log.
#[derive(Clone, Copy, Debug)]
struct Part {
    view: usize,
    segment: usize,
    last_seq: u64,
}

impl Snapshot {
    /// Searches on this thread. `stop` is asked between segments.
    ///
    /// # Errors
    /// INVALID_STATE for a pattern that is none.
    pub fn search(&self, query: &Query, stop: &dyn Fn() -> bool) -> Result<Found> {
        let searcher = self.searcher(query)?;
        searcher.work(stop);
        Ok(searcher.found())
    }

    /// A search to be worked on by several threads.
    ///
    /// # Errors
    /// INVALID_STATE for a pattern that is none.
    pub fn searcher(&self, query: &Query) -> Result<Searcher> {
        let pattern = Pattern::new(&query.text, query.options)?;
        let snapshot = query.processes.as_ref().map_or_else(|| self.clone(), |processes| self.only(processes));
        let mut parts: Vec<Part> = snapshot.views.iter().enumerate().flat_map(|(at, view)| view.parts(at)).collect();
        parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.last_seq));
        Ok(Searcher {
            snapshot,
            pattern,
            query: query.clone(),
            parts,
            next: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            left_out: AtomicBool::new(false),
            deadline: query.budget.map(|budget| Instant::now() + budget),
            enough_below: AtomicU64::new(0),
            collected: Mutex::default(),
        })
    }
}

impl View {
    /// Its segments, cut into parts.
    fn parts(&self, view: usize) -> Vec<Part> {
        let segments: Vec<_> = self.lines.segments().collect();
        let part = |(at, segments): (usize, &[SegmentView<'_>])| {
            let last = segments.last().and_then(|segment| segment.line(segment.len() - 1))?;
            Some(Part { view, segment: at * PART_SEGMENTS, last_seq: last.seq })
        };
        segments.chunks(PART_SEGMENTS).enumerate().filter_map(part).collect()
    }
}

impl Searcher {
    /// Searches until nothing is left, `stop` says so, the time is up, or there are enough hits.
    pub fn work(&self, stop: &dyn Fn() -> bool) {
        let mut hits = Vec::new();
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = self.parts.get(at) else { return };
            if part.last_seq < self.enough_below.load(Ordering::Relaxed) || !self.search_part(*part, stop, &mut hits) {
                // Parts stand in order: the others have nothing newer, or the search was stopped.
                self.left_out.store(true, Ordering::Relaxed);
                self.next.store(self.parts.len(), Ordering::Relaxed);
                return;
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    /// What was found so far; may be asked while others work.
    pub fn found(&self) -> Found {
        let all_done = self.done.load(Ordering::Acquire) == self.parts.len();
        let mut found = self.collected().clone();
        found.hits.sort_unstable_by(|a, b| b.cmp(a));
        found.hits.truncate(self.query.limit.unwrap_or(usize::MAX));
        found.complete = all_done && !self.left_out.load(Ordering::Relaxed);
        found
    }

    fn collected(&self) -> MutexGuard<'_, Found> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says `false` when it was stopped.
    fn search_part(&self, part: Part, stop: &dyn Fn() -> bool, hits: &mut Vec<Hit>) -> bool {
        let view = &self.snapshot.views[part.view];
        let (mut count, mut scanned, mut finished) = (0, 0, true);
        let mut take = |line: &LineRef<'_>| {
            count += 1;
            if !self.query.count_only {
                hits.push(Hit { seq: line.seq, process: line.process });
            }
        };
        let mut segments = view.lines.segments().skip(part.segment);
        let mut next = segments.next().map(|segment| Area::new(view, segment, &self.query));
        for _ in 0..PART_SEGMENTS {
            let Some(area) = next else { break };
            if stop() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                finished = false;
                break;
            }
            scanned += area.text.len() as u64;
            let last_hit = self.search_area(&area, &mut take);
            next = segments.next().map(|segment| Area::new(view, segment, &self.query));
            if let Some(line) = next.as_ref().and_then(|next| self.search_seam(&area, next))
                && last_hit != Some(line.seq)
            {
                take(&line);
            }
        }
        self.collect(hits, count, scanned);
        finished
    }

    fn collect(&self, hits: &mut Vec<Hit>, count: u64, scanned: u64) {
        let mut collected = self.collected();
        collected.count += count;
        collected.scanned += scanned;
        collected.hits.append(hits);
        if let Some(limit) = self.query.limit.filter(|_| !self.query.count_only)
            && collected.hits.len() >= limit
        {
            collected.hits.sort_unstable_by(|a, b| b.cmp(a));
            collected.hits.truncate(limit);
            let enough = collected.hits.last().map_or(u64::MAX, |hit| hit.seq);
            self.enough_below.fetch_max(enough, Ordering::Relaxed);
        }
    }

    fn allows(&self, line: &LineRef<'_>) -> bool {
        self.query.level.is_none_or(|least| line.level >= least)
    }

    /// Hands every line that is a hit to `take`; gives back the number of the last of them.
    fn search_area(&self, area: &Area<'_>, take: &mut dyn FnMut(&LineRef<'_>)) -> Option<u64> {
        let mut last = None;
        let mut hit = |line: LineRef<'_>| {
            if self.allows(&line) {
                last = Some(line.seq);
                take(&line);
            }
        };
        if self.pattern.needs_lines() {
            let is_hit = |line: &LineRef<'_>| self.pattern.is_everything() || self.pattern.is_match(line.plain);
            (area.first..area.end).map(|at| area.line(at)).filter(is_hit).for_each(hit);
            return last;
        }
        let mut from = 0;
        while let Some(found) = self.pattern.find_at(area.text, from) {
            let at = area.line_at(found.start);
            if at >= area.end {
                break;
            }
            let line = area.line(at);
            if self.is_in_line(area, at, &line, found) {
                hit(line);
            }
            from = area.end_of(at);
        }
        last
    }

    /// Whether what was found stands in the plain text of line `at`, or begins there and goes on in its next pieces.
    fn is_in_line(&self, area: &Area<'_>, at: usize, line: &LineRef<'_>, found: Range<usize>) -> bool {
        let start = area.offset_of(line.plain);
        let end = start + line.plain.len();
        if found.start > end {
            return false;
        }
        let is_inside = found.end <= end || (found.start < end && area.goes_on_to(at, found.end));
        // An expression may have run on into the next line although it also matches within this one.
        is_inside || (self.pattern.is_regex() && self.pattern.is_match(line.plain))
    }

    /// The last line of `area`, if it goes on in `next` and a literal stands across the seam.
    fn search_seam<'a>(&self, area: &Area<'a>, next: &Area<'a>) -> Option<LineRef<'a>> {
        let reach = self.pattern.literal_len()?.checked_sub(1)?;
        let last = area.line(area.end.checked_sub(1).filter(|last| *last >= area.first)?);
        let following = (next.first < next.end).then(|| next.line(next.first))?;
        if last.ending != Ending::Continued || following.stream != last.stream || !self.allows(&last) {
            return None;
        }
        // One byte more on both sides: it settles whether a whole word was found.
        let tail = &last.plain[last.plain.len().saturating_sub(reach + 1)..];
        let head = &following.plain[..following.plain.len().min(reach + 1)];
        let seam = [tail, head].concat();
        let crosses = |hit: &Range<usize>| hit.start < tail.len() && hit.end > tail.len();
        let mut from = 0;
        while let Some(hit) = self.pattern.find_at(&seam, from) {
            if crosses(&hit) {
                return Some(last);
            }
            from = hit.start + 1;
        }
        None
    }
}

/// The lines of a segment that the snapshot shows and the query asks for.
struct Area<'a> {
    view: &'a View,
    segment: SegmentView<'a>,
    /// Lines, counted in the segment.
    first: usize,
    end: usize,
    /// Their bytes, and where in the segment's text they begin.
    text: &'a [u8],
    begins: usize,
}

impl<'a> Area<'a> {
    fn new(view: &'a View, segment: SegmentView<'a>, query: &Query) -> Area<'a> {
        let shown = |index: u64| (index.saturating_sub(segment.first_index()) as usize).min(segment.len());
        let since = query.since_ms.map_or(0, |time| segment.find_time(time));
        let from_seq = query.from_seq.map_or(0, |seq| segment.find_seq(seq));
        let first = shown(view.from).max(since).max(from_seq);
        let until = query.until_ms.map_or(segment.len(), |time| segment.find_time(time));
        let end = shown(view.to).min(until).max(first);
        let all = segment.text();
        let offset = |line: usize| match segment.line(line) {
            Some(line) => line.text.as_ptr() as usize - all.as_ptr() as usize,
            None => all.len(),
        };
        let begins = offset(first);
        Area { view, segment, first, end, text: &all[begins..offset(end)], begins }
    }

    /// The line that holds this byte of the text.
    fn line_at(&self, offset: usize) -> usize {
        self.segment.line_at_offset(self.begins + offset)
    }

    fn line(&self, at: usize) -> LineRef<'a> {
        self.view.read(self.segment.line(at).expect("an area's lines are within its segment"))
    }

    /// Where in the text these bytes of a line stand.
    fn offset_of(&self, bytes: &[u8]) -> usize {
        bytes.as_ptr() as usize - self.text.as_ptr() as usize
    }

    /// Where in the text the next line begins.
    fn end_of(&self, at: usize) -> usize {
        let text = self.segment.line(at).expect("an area's lines are within its segment").text;
        self.offset_of(text) + text.len()
    }

    /// Whether the text from this piece to the byte before `to` is one line's.
    fn goes_on_to(&self, at: usize, to: usize) -> bool {
        let first = self.line(at);
        let mut piece = first;
        for next in at + 1..self.end {
            let whole = piece.ending == Ending::Continued && piece.plain.len() == piece.raw.len();
            let following = self.line(next);
            if !whole || following.stream != first.stream {
                return false;
            }
            if to <= self.offset_of(following.plain) + following.plain.len() {
                return true;
            }
            piece = following;
        }
        false
    }
}
