//! Merges the lines of several logs by their numbers, in either direction.
//!
//! Lines come in batches, so the log that gave the last line mostly gives the next one too: it does as long as its lines
//! stand before the best line of all others, and only then are the others asked.

use std::cmp::Reverse;

use crate::sync::segment_log::SegmentView;

use super::line::LineRef;
use super::snapshot::{Snapshot, View};

/// Goes through one log's lines, from either end of what is left.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    view: &'a View,
    segments: Vec<SegmentView<'a>>,
    /// Indices in the log that are left.
    from: u64,
    to: u64,
}

impl<'a> Cursor<'a> {
    fn new(view: &'a View, from: u64, to: u64) -> Cursor<'a> {
        // Only the segments in question: deep in a long log, most of them are not.
        let touches = |segment: &SegmentView<'_>| {
            segment.first_index() < to && segment.first_index() + segment.len() as u64 > from
        };
        let segments = if from < to { view.lines.segments().filter(touches).collect() } else { Vec::new() };
        Cursor { view, segments, from, to }
    }

    fn oldest(&mut self) -> Option<LineRef<'a>> {
        if self.from == self.to {
            return None;
        }
        let at = self.segments.partition_point(|segment| segment.first_index() <= self.from) - 1;
        self.segments.drain(..at);
        let segment = self.segments.first()?;
        let line = segment.line((self.from - segment.first_index()) as usize)?;
        self.from += 1;
        Some(self.view.read(line))
    }

    fn newest(&mut self) -> Option<LineRef<'a>> {
        if self.from == self.to {
            return None;
        }
        self.to -= 1;
        while self.segments.last().is_some_and(|segment| segment.first_index() > self.to) {
            self.segments.pop();
        }
        let segment = self.segments.last()?;
        segment.line((self.to - segment.first_index()) as usize).map(|line| self.view.read(line))
    }
}

/// One log's next line, and where the ones after it come from.
#[derive(Clone, Debug)]
struct Head<'a> {
    line: LineRef<'a>,
    cursor: Cursor<'a>,
}

/// The heads of all logs that have lines left. `key` orders them: the next line is the one with the smallest key.
#[derive(Clone, Debug)]
struct Merge<'a> {
    heads: Vec<Head<'a>>,
    /// The head that gave the last line, and the smallest key of all others.
    current: usize,
    others: Option<u64>,
}

impl<'a> Merge<'a> {
    fn new(cursors: impl Iterator<Item = Cursor<'a>>, next: fn(&mut Cursor<'a>) -> Option<LineRef<'a>>) -> Merge<'a> {
        let heads = cursors.filter_map(|mut cursor| next(&mut cursor).map(|line| Head { line, cursor })).collect();
        Merge { heads, current: 0, others: None }
    }

    /// The line with the smallest key; `next` moves its cursor on.
    #[inline]
    fn next<K: Ord>(
        &mut self,
        key: impl Fn(u64) -> K,
        next: fn(&mut Cursor<'a>) -> Option<LineRef<'a>>,
    ) -> Option<LineRef<'a>> {
        let stays = self
            .heads
            .get(self.current)
            .is_some_and(|head| self.others.is_some_and(|others| key(head.line.seq) < key(others)));
        if !stays {
            self.choose(&key)?;
        }
        let head = &mut self.heads[self.current];
        let line = head.line;
        match next(&mut head.cursor) {
            Some(following) => head.line = following,
            None => {
                self.heads.swap_remove(self.current);
                self.others = None;
            }
        }
        Some(line)
    }

    fn choose<K: Ord>(&mut self, key: &impl Fn(u64) -> K) -> Option<()> {
        let order = |at: &usize| key(self.heads[*at].line.seq);
        self.current = (0..self.heads.len()).min_by_key(order)?;
        let others = (0..self.heads.len()).filter(|at| *at != self.current).min_by_key(order);
        // A log that is alone is asked again each time; that is one comparison.
        self.others = others.map(|at| self.heads[at].line.seq);
        Some(())
    }
}

/// Lines, newest first.
#[derive(Clone, Debug)]
pub struct Newest<'a>(Merge<'a>);

impl<'a> Newest<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, before: u64) -> Newest<'a> {
        let cursors = snapshot.views.iter().map(|view| Cursor::new(view, view.from, view.index_of(before)));
        Newest(Merge::new(cursors, Cursor::newest))
    }
}

impl<'a> Iterator for Newest<'a> {
    type Item = LineRef<'a>;

    fn next(&mut self) -> Option<LineRef<'a>> {
        self.0.next(Reverse, Cursor::newest)
    }
}

/// Lines, oldest first.
#[derive(Clone, Debug)]
pub struct Oldest<'a>(Merge<'a>);

impl<'a> Oldest<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, from: u64) -> Oldest<'a> {
        let cursors = snapshot.views.iter().map(|view| Cursor::new(view, view.index_of(from), view.to));
        Oldest(Merge::new(cursors, Cursor::oldest))
    }
}

impl<'a> Iterator for Oldest<'a> {
    type Item = LineRef<'a>;

    fn next(&mut self) -> Option<LineRef<'a>> {
        self.0.next(|seq| seq, Cursor::oldest)
    }
}
