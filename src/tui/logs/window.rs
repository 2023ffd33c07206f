//! The rows that are on the screen: from a pinned top downwards, or from the newest line upwards.

use std::collections::VecDeque;

use crate::event::Level;
use crate::logs::LineRef as Line;
use crate::tui::logs::LogView;
use crate::tui::text::{self, Clean};

/// Identical lines that are shown as one are counted up to here.
const SAME_MAX: usize = 200;

/// One row of the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Row {
    /// A line, or one row of a wrapped one.
    Line {
        seq: u64,
        /// Which of its rows.
        part: usize,
        /// How many identical lines it stands for.
        same: usize,
    },
    /// What a process has written after its last newline: a prompt.
    Partial(usize),
    /// A mark.
    Mark(usize),
    /// Older lines are no longer kept.
    Dropped(u64),
}

/// The size of the pane, and how wide the text in it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pane {
    pub(crate) height: usize,
    pub(crate) text: usize,
}

/// What is drawn of a line: its colours are kept unless its level gives it others.
pub(crate) fn clean_line(line: &Line<'_>) -> Clean {
    if line.level >= Level::Warn { text::clean(line.plain) } else { text::clean_ansi(line.raw) }
}

impl LogView {
    /// The rows on the screen.
    pub(crate) fn window(&self, pane: Pane) -> Vec<Row> {
        if self.place.follow { self.window_at_end(pane) } else { self.window_from(self.place.top, pane) }
    }

    /// The rows when the newest is the last of them.
    pub(crate) fn window_at_end(&self, pane: Pane) -> Vec<Row> {
        let mut rows = VecDeque::new();
        for index in (0..self.lines.partials().count()).rev() {
            rows.push_front(Row::Partial(index));
        }
        self.fill_up(&mut rows, u64::MAX, pane);
        rows.into()
    }

    /// The rows when the last row of line `seq` is the last of them.
    pub(crate) fn window_up_to(&self, seq: u64, pane: Pane) -> Vec<Row> {
        let mut rows = VecDeque::new();
        self.fill_up(&mut rows, seq.saturating_add(1), pane);
        rows.into()
    }

    fn fill_up(&self, out: &mut VecDeque<Row>, before: u64, pane: Pane) {
        let rows = self.rows();
        let mut next = before;
        while out.len() < pane.height {
            let Some(newest) = rows.prev(next) else { break };
            let (seq, same) = self.group_up(newest);
            for mark in self.marks_between(newest, next).rev() {
                out.push_front(Row::Mark(mark));
            }
            for part in (0..self.parts(seq, pane)).rev() {
                out.push_front(Row::Line { seq, part, same });
            }
            next = seq;
        }
        let dropped = self.all.dropped();
        if out.len() < pane.height && dropped > 0 && rows.prev(next).is_none() && self.floor == 0 {
            out.push_front(Row::Dropped(dropped));
        }
        while out.len() > pane.height {
            out.pop_front();
        }
    }

    /// The rows from this one on.
    pub(crate) fn window_from(&self, top: (u64, usize), pane: Pane) -> Vec<Row> {
        let rows = self.rows();
        let mut out = Vec::with_capacity(pane.height);
        let Some(mut seq) = rows.at_or_after(top.0) else { return self.window_at_end(pane) };
        // A line that is gone is not continued in the one that took its place.
        let mut part = if seq == top.0 { top.1 } else { 0 };
        let dropped = self.all.dropped();
        if dropped > 0 && part == 0 && self.floor == 0 && rows.prev(seq).is_none() {
            out.push(Row::Dropped(dropped));
        }
        loop {
            let (last, same) = self.group_down(seq);
            let parts = self.parts(seq, pane);
            out.extend((part.min(parts - 1)..parts).map(|part| Row::Line { seq, part, same }));
            part = 0;
            let next = rows.next(last);
            out.extend(self.marks_between(last, next.unwrap_or(u64::MAX)).map(Row::Mark));
            match next {
                Some(next) if out.len() < pane.height => seq = next,
                Some(_) => break,
                None => {
                    out.extend((0..self.lines.partials().count()).map(Row::Partial));
                    break;
                }
            }
        }
        out.truncate(pane.height);
        out
    }

    /// The marks that stand after line `seq` and before line `next`.
    fn marks_between(&self, seq: u64, next: u64) -> impl DoubleEndedIterator<Item = usize> + '_ {
        let within = move |at: &usize| (seq..next).contains(&self.marks[*at].after);
        (0..self.marks.len()).filter(within)
    }

    /// Into how many rows a line is wrapped.
    fn parts(&self, seq: u64, pane: Pane) -> usize {
        if !self.wrap {
            return 1;
        }
        self.rows().get(seq).map_or(1, |line| text::wrap(&clean_line(&line).text, pane.text).len())
    }

    /// The first of the identical lines that end with `seq`, and how many there are.
    fn group_up(&self, seq: u64) -> (u64, usize) {
        self.group(seq, |seq| self.rows().prev(seq))
    }

    /// The last of the identical lines that begin with `seq`, and how many there are.
    fn group_down(&self, seq: u64) -> (u64, usize) {
        self.group(seq, |seq| self.rows().next(seq))
    }

    fn group(&self, seq: u64, step: impl Fn(u64) -> Option<u64>) -> (u64, usize) {
        let (mut end, mut same) = (seq, 1);
        let Some(line) = self.rows().get(seq).filter(|_| self.collapse) else { return (end, same) };
        while same < SAME_MAX {
            let other = step(end).and_then(|seq| self.rows().get(seq));
            let Some(other) = other.filter(|other| other.process == line.process && other.plain == line.plain) else {
                break;
            };
            (end, same) = (other.seq, same + 1);
        }
        (end, same)
    }

    /// Moves the pinned top by rows; answers whether the end of the lines came into sight.
    pub(crate) fn scroll(&mut self, by: isize, pane: Pane) -> bool {
        let window = self.window(pane);
        let Some(top) = top_of(&window) else { return true };
        self.pin(top, self.place.cursor);
        for _ in 0..by.unsigned_abs() {
            let moved =
                if by < 0 { self.row_above(self.place.top, pane) } else { self.row_below(self.place.top, pane) };
            let Some(top) = moved else { break };
            if by > 0 && self.shows_end(pane) {
                break;
            }
            self.place.top = top;
        }
        self.keep_cursor(pane);
        by > 0 && self.shows_end(pane)
    }

    fn row_above(&self, (seq, part): (u64, usize), pane: Pane) -> Option<(u64, usize)> {
        if part > 0 {
            return Some((seq, part - 1));
        }
        let (seq, _) = self.group_up(self.rows().prev(seq)?);
        Some((seq, self.parts(seq, pane) - 1))
    }

    fn row_below(&self, (seq, part): (u64, usize), pane: Pane) -> Option<(u64, usize)> {
        if part + 1 < self.parts(seq, pane) {
            return Some((seq, part + 1));
        }
        self.rows().next(self.group_down(seq).0).map(|seq| (seq, 0))
    }

    /// Whether the newest line is on the screen.
    pub(crate) fn shows_end(&self, pane: Pane) -> bool {
        let last = self.rows().last();
        let window = self.window(pane);
        let shown = window.iter().rev().find_map(|row| match row {
            Row::Line { seq, part, .. } => Some((*seq, *part)),
            _ => None,
        });
        match (shown, last) {
            (Some((seq, part)), Some(last)) => self.group_down(seq).0 >= last && part + 1 == self.parts(seq, pane),
            (_, None) => true,
            _ => false,
        }
    }

    /// Puts the cursor on a row of the screen if it is on none.
    fn keep_cursor(&mut self, pane: Pane) {
        let window = self.window(pane);
        let mut seqs = window.iter().filter_map(|row| match row {
            Row::Line { seq, .. } => Some(*seq),
            _ => None,
        });
        let Some(first) = seqs.next() else { return };
        let last = seqs.next_back().unwrap_or(first);
        self.place.cursor = self.place.cursor.clamp(first, last);
    }

    /// Goes to a line and brings it onto the screen; `near` puts it into the middle if it was not there.
    pub(crate) fn go_to(&mut self, seq: u64, pane: Pane) {
        self.unfold(seq);
        let window = self.window(pane);
        let on_screen = |rows: &[Row]| rows.iter().any(|row| matches!(row, Row::Line { seq: at, .. } if *at == seq));
        let top = top_of(&window).unwrap_or((seq, 0));
        if on_screen(&window) {
            return self.pin(top, seq);
        }
        let just_above = seq < top.0 && self.rows().next(seq) == Some(top.0);
        let window = self.window_up_to(seq, pane);
        let below = window.len() > 1 && self.place_after(&window, top);
        let top = match (just_above, below) {
            (true, _) => (seq, 0),
            (_, true) => top_of(&window).unwrap_or((seq, 0)),
            _ => self.middle(seq, pane),
        };
        self.pin(top, seq);
    }

    /// Whether the window begins only one line after the old top: a step, not a jump.
    fn place_after(&self, window: &[Row], top: (u64, usize)) -> bool {
        let Some(new) = top_of(window) else { return false };
        new.0 == top.0 || self.rows().next(self.group_down(top.0).0) == Some(new.0)
    }

    fn middle(&self, seq: u64, pane: Pane) -> (u64, usize) {
        let half = Pane { height: pane.height / 2 + 1, text: pane.text };
        top_of(&self.window_up_to(seq, half)).unwrap_or((seq, 0))
    }
}

/// The first line of a window and which of its rows.
pub(crate) fn top_of(window: &[Row]) -> Option<(u64, usize)> {
    window.iter().find_map(|row| match row {
        Row::Line { seq, part, .. } => Some((*seq, *part)),
        _ => None,
    })
}
