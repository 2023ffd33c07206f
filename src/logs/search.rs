//! Searches a snapshot: whole segments at a time, newest first, on as many threads as the caller gives.
//!
//! A segment's text is one haystack; only around a hit are the borders of its line looked for. Hits in the raw copy of a
//! line with escapes do not count. Lines that were kept in pieces (over 32 KiB) are left out of it and searched as wholes,
//! by `seams`, whatever lies between their pieces.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::event::{Level, ProcessId};
use crate::sync::segment_log::SegmentView;

use super::line::LineRef;
use super::pattern::{Pattern, PatternOptions};
use super::seams::{self, JOIN_BYTES_MAX, Seams};
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
    /// The lines, newest first; of a line that is kept in pieces, each piece in which a match begins.
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
    /// By view.
    seams: Vec<Seams>,
    parts: Vec<Part>,
    next: AtomicUsize,
    done: AtomicUsize,
    left_out: AtomicBool,
    deadline: Option<Instant>,
    /// Lines with smaller numbers are beyond the limit.
    enough_below: AtomicU64,
    collected: Mutex<Found>,
}

/// Some neighbouring segments of one log, and the long lines that begin in them.
#[derive(Clone, Debug)]
struct Part {
    view: usize,
    segment: usize,
    long_lines: Range<usize>,
    /// No line of it has a greater number.
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
        let seams: Vec<Seams> = match pattern.is_everything() {
            true => snapshot.views.iter().map(|_| Seams::default()).collect(),
            false => snapshot.views.iter().map(Seams::of).collect(),
        };
        let views = snapshot.views.iter().zip(&seams).enumerate();
        let mut parts: Vec<Part> = views.flat_map(|(at, (view, seams))| view.parts(at, seams)).collect();
        parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.last_seq));
        Ok(Searcher {
            snapshot,
            pattern,
            query: query.clone(),
            seams,
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
    fn parts(&self, view: usize, seams: &Seams) -> Vec<Part> {
        let segments: Vec<_> = self.lines.segments().collect();
        let part = |(at, segments): (usize, &[SegmentView<'_>])| {
            let (first, last) = (segments.first()?, segments.last()?);
            let long_lines = seams.beginning_in(first.first_index()..last.first_index() + last.len() as u64);
            let ends = seams.lines[long_lines.clone()].iter().filter_map(|pieces| self.lines.line(*pieces.last()?));
            let last_seq = ends.chain(last.line(last.len() - 1)).map(|line| line.seq).max()?;
            Some(Part { view, segment: at * PART_SEGMENTS, long_lines, last_seq })
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
            if part.last_seq < self.enough_below.load(Ordering::Relaxed) || !self.search_part(part, stop, &mut hits) {
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
    fn search_part(&self, part: &Part, stop: &dyn Fn() -> bool, hits: &mut Vec<Hit>) -> bool {
        let (view, seams) = (&self.snapshot.views[part.view], &self.seams[part.view]);
        let (mut count, mut scanned) = (0, 0);
        let mut take = |line: &LineRef<'_>| {
            count += 1;
            if !self.query.count_only {
                hits.push(Hit { seq: line.seq, process: line.process });
            }
        };
        let go_on = || !stop() && self.deadline.is_none_or(|deadline| Instant::now() < deadline);
        let mut segments = view.lines.segments().skip(part.segment).take(PART_SEGMENTS);
        let mut long_lines = seams.lines[part.long_lines.clone()].iter();
        let finished = segments.all(|segment| {
            let goes_on = go_on();
            if goes_on {
                scanned += self.search_segment(view, seams, segment, &mut take);
            }
            goes_on
        }) && long_lines.all(|line| self.search_long_line(view, line, &go_on, &mut take));
        self.collect(hits, count, scanned);
        finished
    }

    /// Searches the lines of a segment that are whole; says how many bytes of all its lines were asked for.
    fn search_segment(
        &self,
        view: &View,
        seams: &Seams,
        segment: SegmentView<'_>,
        take: &mut dyn FnMut(&LineRef<'_>),
    ) -> u64 {
        let (first, lines) = (segment.first_index(), self.asked_for(view, segment));
        for run in seams.between(first + lines.start as u64..first + lines.end as u64) {
            let run = (run.start - first) as usize..(run.end - first) as usize;
            self.search_area(&Area::new(view, segment, run), take);
        }
        Area::new(view, segment, lines).text.len() as u64
    }

    /// Searches a line that is kept in these pieces; says `false` when it was stopped.
    fn search_long_line(
        &self,
        view: &View,
        pieces: &[u64],
        go_on: &dyn Fn() -> bool,
        take: &mut dyn FnMut(&LineRef<'_>),
    ) -> bool {
        let line = |index: &u64| view.line(*index).expect("the pieces were found in this view");
        let is_early = |line: &LineRef<'_>| {
            self.query.from_seq.is_some_and(|seq| line.seq < seq)
                || self.query.since_ms.is_some_and(|time| line.time_ms < time)
        };
        let is_late = |line: &LineRef<'_>| self.query.until_ms.is_some_and(|time| line.time_ms >= time);
        let mut first = pieces.partition_point(|index| is_early(&line(index)));
        if pieces.get(first).is_none_or(|first| is_late(&line(first))) {
            return go_on();
        }
        // A match may begin before what is asked for and reach into it; farther back than this, none is known of.
        let mut before = 0;
        while first > 0 && before < JOIN_BYTES_MAX / 2 {
            first -= 1;
            before += line(&pieces[first]).raw.len();
        }
        let raw = pieces[first..].iter().map(|index| line(index).raw);
        seams::search(raw, &self.pattern, JOIN_BYTES_MAX, go_on, &mut |at| {
            let line = line(&pieces[first + at]);
            if self.allows(&line) && !is_early(&line) && !is_late(&line) {
                take(&line);
            }
        })
    }

    /// The lines of a segment that the snapshot shows and the query asks for.
    fn asked_for(&self, view: &View, segment: SegmentView<'_>) -> Range<usize> {
        let query = &self.query;
        let shown = |index: u64| (index.saturating_sub(segment.first_index()) as usize).min(segment.len());
        let since = query.since_ms.map_or(0, |time| segment.find_time(time));
        let from_seq = query.from_seq.map_or(0, |seq| segment.find_seq(seq));
        let first = shown(view.from).max(since).max(from_seq);
        let until = query.until_ms.map_or(segment.len(), |time| segment.find_time(time));
        first..shown(view.to).min(until).max(first)
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

    /// Hands every line that is a hit to `take`.
    fn search_area(&self, area: &Area<'_>, take: &mut dyn FnMut(&LineRef<'_>)) {
        let mut hit = |line: LineRef<'_>| {
            if self.allows(&line) {
                take(&line);
            }
        };
        if self.pattern.needs_lines() {
            let is_hit = |line: &LineRef<'_>| self.pattern.is_everything() || self.pattern.is_match(line.plain);
            return area.lines.clone().map(|at| area.line(at)).filter(is_hit).for_each(hit);
        }
        let mut from = 0;
        while let Some(found) = self.pattern.find_at(area.text, from) {
            let at = area.line_at(found.start);
            if at >= area.lines.end {
                break;
            }
            let line = area.line(at);
            if self.is_in_line(area, &line, found) {
                hit(line);
            }
            from = area.end_of(at);
        }
    }

    /// Whether what was found stands in the plain text of the line.
    fn is_in_line(&self, area: &Area<'_>, line: &LineRef<'_>, found: Range<usize>) -> bool {
        let end = area.offset_of(line.plain) + line.plain.len();
        // An expression may have run on into the next line although it also matches within this one.
        found.start <= end && (found.end <= end || self.pattern.is_regex() && self.pattern.is_match(line.plain))
    }
}

/// Neighbouring lines of a segment, each of them with its newline.
struct Area<'a> {
    view: &'a View,
    segment: SegmentView<'a>,
    /// Counted in the segment.
    lines: Range<usize>,
    /// Their bytes, and where in the segment's text they begin.
    text: &'a [u8],
    begins: usize,
}

impl<'a> Area<'a> {
    fn new(view: &'a View, segment: SegmentView<'a>, lines: Range<usize>) -> Area<'a> {
        let all = segment.text();
        let offset = |line: usize| match segment.line(line) {
            Some(line) => line.text.as_ptr() as usize - all.as_ptr() as usize,
            None => all.len(),
        };
        let (begins, ends) = (offset(lines.start), offset(lines.end));
        Area { view, segment, lines, text: &all[begins..ends], begins }
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
}
