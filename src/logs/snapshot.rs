//! What readers see: the lines of all processes at one moment, merged by sequence number.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::event::{ProcessId, Stream};
use crate::sync::segment_log;

use super::core::Core;
use super::line::LineRef;
use super::merge::{Newest, Oldest};
use super::process_log::ProcessLog;
use super::progress::last_state;

/// The lines of all processes, or of some, at one moment. Cheap to clone; holds the segments it shows.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: wait-free. **Waits**: none.
///   **Cleanup**: drop it soon: evicted segments that it holds cannot be used again.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) views: Arc<[View]>,
    dropped: u64,
    hidden: u64,
}

/// The lines of one log.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) log: Arc<ProcessLog>,
    pub(super) lines: segment_log::Snapshot,
    /// Indices in the log: what was cleared stands before, what is not yet whole behind.
    pub(super) from: u64,
    pub(super) to: u64,
    partials: [Option<Arc<Box<[u8]>>>; 2],
}

/// The unfinished line of a process: a prompt, say.
#[derive(Clone, Copy, Debug)]
pub struct PartialRef<'a> {
    /// Whose it is.
    pub process: ProcessId,
    /// The process's name.
    pub name: &'a Arc<str>,
    /// Where it was written to.
    pub stream: Stream,
    /// Its bytes so far.
    pub raw: &'a [u8],
}

impl<'a> PartialRef<'a> {
    /// What of it is to be seen: what `\r` has written over is gone, as it is of a line.
    pub fn state(&self) -> &'a [u8] {
        last_state(self.raw)
    }
}

impl Snapshot {
    /// The order matters: first the numbers taken, then the batches under way, then the lines. So every line below the
    /// smallest number under way is there, and no line can appear later before one that is shown now.
    pub(super) fn take(core: &Core) -> Snapshot {
        let taken = core.next_number();
        let logs = core.logs();
        let until = logs.iter().map(|log| log.visible_until()).fold(taken, u64::min);
        let cleared_below = core.cleared_below();
        let views: Arc<[View]> = logs.iter().map(|log| View::take(log, cleared_below, until)).collect();
        let evicted: u64 = views.iter().map(|view| view.log.evicted.load(Ordering::Relaxed)).sum();
        Snapshot { views, dropped: evicted + core.evicted_of_gone(), hidden: taken - until }
    }

    /// The lines of these processes alone.
    pub fn only(&self, processes: &[ProcessId]) -> Snapshot {
        let views: Arc<[View]> =
            self.views.iter().filter(|view| processes.contains(&view.log.process)).cloned().collect();
        let dropped = views.iter().map(|view| view.log.evicted.load(Ordering::Relaxed)).sum();
        Snapshot { views, dropped, hidden: self.hidden }
    }

    /// How many lines there are.
    pub fn len(&self) -> u64 {
        self.views.iter().map(View::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.views.iter().all(|view| view.len() == 0)
    }

    /// The number of the oldest line.
    pub fn first_seq(&self) -> Option<u64> {
        self.views.iter().filter_map(|view| view.line(view.from)).map(|line| line.seq).min()
    }

    /// The number of the newest line.
    pub fn last_seq(&self) -> Option<u64> {
        self.views.iter().filter_map(|view| view.line(view.to.checked_sub(1)?)).map(|line| line.seq).max()
    }

    /// How many lines had to go because a bound was reached.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many numbers are taken by batches that are not yet whole.
    pub(super) fn hidden(&self) -> u64 {
        self.hidden
    }

    /// The lines with smaller numbers than `seq`, newest first.
    pub fn before(&self, seq: u64) -> Newest<'_> {
        Newest::new(self, seq)
    }

    /// The line with number `seq` and all newer ones, oldest first.
    pub fn after(&self, seq: u64) -> Oldest<'_> {
        Oldest::new(self, seq)
    }

    /// The lines of the same process before `line`, newest first.
    pub fn older_of<'a>(&'a self, line: &LineRef<'_>) -> impl Iterator<Item = LineRef<'a>> + use<'a> {
        let (view, seq) = (self.view_of(line.process), line.seq);
        view.into_iter().flat_map(move |view| (view.from..view.index_of(seq)).rev().map_while(|at| view.line(at)))
    }

    /// The lines of the same process after `line`, oldest first.
    pub fn newer_of<'a>(&'a self, line: &LineRef<'_>) -> impl Iterator<Item = LineRef<'a>> + use<'a> {
        let (view, next) = (self.view_of(line.process), line.seq.saturating_add(1));
        view.into_iter().flat_map(move |view| (view.index_of(next)..view.to).map_while(|at| view.line(at)))
    }

    fn view_of(&self, process: ProcessId) -> Option<&View> {
        self.views.iter().find(|view| view.log.process == process)
    }

    /// The line with this number.
    pub fn get(&self, seq: u64) -> Option<LineRef<'_>> {
        self.views.iter().find_map(|view| view.line(view.index_of(seq)).filter(|line| line.seq == seq))
    }

    /// How many lines are older than number `seq`: the place of a scrollbar.
    pub fn rank(&self, seq: u64) -> u64 {
        self.views.iter().map(|view| view.index_of(seq) - view.from).sum()
    }

    /// The line that has `rank` older ones.
    pub fn at_rank(&self, rank: u64) -> Option<LineRef<'_>> {
        if rank >= self.len() {
            return None;
        }
        let (mut low, mut high) = (self.first_seq()?, self.last_seq()? + 1);
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.rank(middle) <= rank { low = middle } else { high = middle }
        }
        self.after(low).next()
    }

    /// The unfinished lines.
    pub fn partials(&self) -> impl Iterator<Item = PartialRef<'_>> {
        self.views.iter().flat_map(|view| {
            [Stream::Out, Stream::Err].into_iter().filter_map(|stream| {
                let raw = view.partials[stream as usize].as_deref()?;
                Some(PartialRef { process: view.log.process, name: &view.log.name, stream, raw })
            })
        })
    }
}

impl View {
    fn take(log: &Arc<ProcessLog>, cleared_below: u64, until: u64) -> View {
        let lines = log.reader.snapshot();
        let range = lines.range();
        let all_whole = lines.last().is_none_or(|line| line.seq < until);
        let to = if all_whole { range.end } else { lines.find_seq(until).clamp(range.start, range.end) };
        let from = if cleared_below == 0 { range.start } else { lines.find_seq(cleared_below).clamp(range.start, to) };
        let partials = [Stream::Out, Stream::Err].map(|stream| log.partial(stream));
        View { log: Arc::clone(log), lines, from, to, partials }
    }

    fn len(&self) -> u64 {
        self.to - self.from
    }

    /// The line with this index in the log.
    pub(super) fn line(&self, index: u64) -> Option<LineRef<'_>> {
        if !(self.from..self.to).contains(&index) {
            return None;
        }
        self.lines.line(index).map(|line| self.read(line))
    }

    pub(super) fn read<'a>(&'a self, line: segment_log::LineRef<'a>) -> LineRef<'a> {
        LineRef::read(self.log.process, &self.log.name, line)
    }

    /// The index of the first line with number `seq` or a greater one.
    pub(super) fn index_of(&self, seq: u64) -> u64 {
        self.lines.find_seq(seq).clamp(self.from, self.to)
    }
}
