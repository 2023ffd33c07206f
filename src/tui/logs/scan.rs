//! Tests old lines on workers, newest first, in slices; a newer request makes an older one stop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::logs::Snapshot as Lines;
use crate::tui::logs::filter::Test;

/// Numbers of lines a slice: what a worker tests between two looks at whether it is still wanted.
const SLICE: u64 = 20_000;
/// Lines that the UI tests itself when they arrive; a longer backlog is left to a worker.
pub(crate) const OWN_MAX: usize = 4096;

/// Which of the two lists of hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Filter,
    Find,
}

/// What is to be tested, by as many workers as call [`Request::run`].
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) which: Which,
    pub(crate) lines: Lines,
    pub(crate) test: Arc<Test>,
    /// Lines from here on, and before `to`.
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) generation: u64,
    pub(crate) newest: Arc<AtomicU64>,
    /// The store has dropped the lines before this one: nobody can see them any more.
    oldest: Arc<AtomicU64>,
    progress: Arc<Progress>,
}

/// How far the workers have come, in slices.
#[derive(Debug, Default)]
struct Progress {
    taken: AtomicU64,
    tested: AtomicU64,
}

/// Hits of a slice, oldest first.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) which: Which,
    pub(crate) generation: u64,
    pub(crate) hits: Vec<u64>,
    /// Nothing is left to be tested.
    pub(crate) done: bool,
}

impl Request {
    /// Tests slices until none is left, and tells of each; whoever tests the last one says that all is done.
    pub(crate) fn run(&self, mut tell: impl FnMut(Found)) {
        let from = self.from.max(self.lines.first_seq().unwrap_or(self.to));
        let slices = self.to.saturating_sub(from).div_ceil(SLICE).max(1);
        loop {
            let slice = self.progress.taken.fetch_add(1, Ordering::Relaxed);
            if slice >= slices || self.newest.load(Ordering::Relaxed) != self.generation {
                return;
            }
            let to = self.to.saturating_sub(slice * SLICE);
            // Relaxed: an older number only means that a slice is tested in vain.
            let from = from.max(to.saturating_sub(SLICE)).max(self.oldest.load(Ordering::Relaxed));
            let hits = if from < to { self.test(from, to) } else { Vec::new() };
            let found = |hits, done| Found { which: self.which, generation: self.generation, hits, done };
            tell(found(hits, false));
            // Only after its hits were told: who counts the last slice knows that all other hits were told before.
            if self.progress.tested.fetch_add(1, Ordering::AcqRel) + 1 == slices {
                return tell(found(Vec::new(), true));
            }
        }
    }

    fn test(&self, from: u64, to: u64) -> Vec<u64> {
        let lines = self.lines.before(to).take_while(|line| line.seq >= from);
        let mut hits: Vec<u64> =
            lines.filter(|line| self.test.passes(line, &self.lines)).map(|line| line.seq).collect();
        hits.reverse();
        hits
    }
}

/// The lines that pass a test: those that arrived while it was looked for, and older ones as a worker finds them.
#[derive(Debug)]
pub(crate) struct Hits {
    /// Ascending.
    pub(crate) list: VecDeque<u64>,
    pub(crate) test: Arc<Test>,
    /// Lines before this were tested, as far as `scanning` says.
    tested_to: u64,
    /// A worker is still at the older ones.
    pub(crate) scanning: bool,
    generation: u64,
    newest: Arc<AtomicU64>,
    oldest: Arc<AtomicU64>,
}

impl Hits {
    /// Starts to look through all lines.
    pub(crate) fn start(which: Which, test: Test, lines: &Lines, newest: &Arc<AtomicU64>) -> (Hits, Request) {
        let generation = newest.fetch_add(1, Ordering::Relaxed) + 1;
        let to = lines.last_seq().map_or(0, |seq| seq + 1);
        let hits = Hits {
            list: VecDeque::new(),
            test: Arc::new(test),
            tested_to: to,
            scanning: true,
            generation,
            newest: Arc::clone(newest),
            oldest: Arc::default(),
        };
        let request = hits.request(which, lines, 0, to);
        (hits, request)
    }

    fn request(&self, which: Which, lines: &Lines, from: u64, to: u64) -> Request {
        Request {
            which,
            lines: lines.clone(),
            test: Arc::clone(&self.test),
            from,
            to,
            generation: self.generation,
            newest: Arc::clone(&self.newest),
            oldest: Arc::clone(&self.oldest),
            progress: Arc::default(),
        }
    }

    /// Tests lines that have arrived; a long backlog becomes a request.
    pub(crate) fn arrive(&mut self, which: Which, lines: &Lines) -> Option<Request> {
        self.oldest.store(lines.first_seq().unwrap_or(0), Ordering::Relaxed);
        let last = lines.last_seq().filter(|last| *last >= self.tested_to)?;
        while self.list.front().is_some_and(|seq| lines.first_seq().is_none_or(|first| *seq < first)) {
            self.list.pop_front();
        }
        if last - self.tested_to >= OWN_MAX as u64 {
            if self.scanning {
                return None;
            }
            // A worker takes the backlog; its hits are sorted in when they come.
            self.scanning = true;
            let from = std::mem::replace(&mut self.tested_to, last + 1);
            return Some(self.request(which, lines, from, last + 1));
        }
        for line in lines.after(self.tested_to) {
            if self.test.passes(&line, lines) {
                self.list.push_back(line.seq);
            }
        }
        self.tested_to = last + 1;
        None
    }

    /// Takes what a worker found, if it was looking for this.
    pub(crate) fn take(&mut self, found: Found) {
        if found.generation != self.generation {
            return;
        }
        self.scanning = !found.done;
        let Some(&first) = found.hits.first() else { return };
        let at = self.list.partition_point(|seq| *seq < first);
        let tail = self.list.split_off(at);
        self.list.extend(found.hits);
        self.list.extend(tail);
    }

    /// The place of the first hit at or after `seq`.
    pub(crate) fn rank(&self, seq: u64) -> usize {
        self.list.partition_point(|hit| *hit < seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ProcessId;
    use crate::logs::{LogLimits, LogStore};
    use crate::tui::logs::filter::Filter;

    #[test]
    fn what_the_store_has_dropped_since_the_question_is_not_tested() {
        let store = LogStore::new(LogLimits::default());
        (0..100).for_each(|_| _ = store.add(ProcessId(1), "web", b"line", false).unwrap());
        let lines = store.snapshot();
        let last = lines.last_seq().unwrap();
        let test = Test { filter: Filter::default(), pattern: None };
        let (hits, request) = Hits::start(Which::Find, test, &lines, &Arc::default());
        hits.oldest.store(last - 9, Ordering::Relaxed);
        let (mut found, mut done) = (Vec::new(), false);
        request.run(|slice| {
            found.extend(slice.hits);
            done |= slice.done;
        });
        assert!(done);
        assert_eq!(found, (last - 9..=last).collect::<Vec<u64>>());
    }
}
