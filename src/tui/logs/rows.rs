//! Which lines follow each other on the screen: all, those that pass the filter, or those near a match.

use crate::logs::{LineRef as Line, Snapshot as Lines};
use crate::tui::logs::folds::Folds;
use crate::tui::logs::scan::Hits;
use crate::tui::logs::view::FindMode;

/// Lines before and after a match in the mode that shows its context.
const CONTEXT: usize = 3;

/// A way through the lines that are shown. Every step costs a few binary searches, whatever is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) lines: &'a Lines,
    /// Lines before this were cleared.
    pub(crate) floor: u64,
    pub(crate) filter: Option<&'a Hits>,
    pub(crate) find: Option<(&'a Hits, FindMode)>,
    /// None where nothing is folded.
    pub(crate) folds: Option<&'a Folds>,
}

impl<'a> Rows<'a> {
    pub(crate) fn get(&self, seq: u64) -> Option<Line<'a>> {
        self.lines.get(seq).filter(|line| line.seq >= self.floor)
    }

    /// The shown line after `seq`.
    pub(crate) fn next(&self, seq: u64) -> Option<u64> {
        self.at_or_after(seq.checked_add(1)?)
    }

    /// The first shown line that is not before `seq`.
    pub(crate) fn at_or_after(&self, seq: u64) -> Option<u64> {
        let seq = seq.max(self.floor);
        match self.find {
            Some((hits, FindMode::Only)) => self.hit_from(hits, seq),
            Some((hits, FindMode::Context)) => self.near(hits, seq),
            _ => self.base_from(seq),
        }
    }

    /// The shown line before `seq`.
    pub(crate) fn prev(&self, seq: u64) -> Option<u64> {
        match self.find {
            Some((hits, FindMode::Only)) => self.hit_before(hits, seq),
            Some((hits, FindMode::Context)) => self.near_before(hits, seq),
            _ => self.base_before(seq),
        }
    }

    pub(crate) fn first(&self) -> Option<u64> {
        self.at_or_after(0)
    }

    pub(crate) fn last(&self) -> Option<u64> {
        self.prev(u64::MAX)
    }

    /// The match after or before `seq`, for `n` and `N`.
    pub(crate) fn match_from(&self, seq: u64, forward: bool) -> Option<u64> {
        let (hits, _) = self.find?;
        if forward { self.hit_from(hits, seq.checked_add(1)?.max(self.floor)) } else { self.hit_before(hits, seq) }
    }

    fn base_from(&self, seq: u64) -> Option<u64> {
        match self.filter {
            Some(hits) => {
                let mut from = hits.list.range(hits.rank(seq)..).copied();
                from.find(|hit| self.get(*hit).is_some_and(|line| !self.hides(&line)))
            }
            None => self.lines.after(seq).find(|line| !self.hides(line)).map(|line| line.seq),
        }
    }

    fn base_before(&self, seq: u64) -> Option<u64> {
        match self.filter {
            Some(hits) => {
                let before = hits.list.range(..hits.rank(seq)).rev().copied().take_while(|hit| *hit >= self.floor);
                before.into_iter().find(|hit| self.get(*hit).is_some_and(|line| !self.hides(&line)))
            }
            None => {
                let mut before = self.lines.before(seq).take_while(|line| line.seq >= self.floor);
                before.find(|line| !self.hides(line)).map(|line| line.seq)
            }
        }
    }

    /// Whether a line is folded behind another one that is shown.
    pub(crate) fn hides(&self, line: &Line<'_>) -> bool {
        let first = self.folds.and_then(|folds| folds.behind(line, self.lines));
        first.is_some_and(|first| first >= self.floor && self.passes(first))
    }

    /// Whether the filter lets a line through.
    pub(crate) fn passes(&self, seq: u64) -> bool {
        self.filter.is_none_or(|hits| hits.list.get(hits.rank(seq)) == Some(&seq))
    }

    /// Hits of lines that are gone are passed over.
    fn hit_from(&self, hits: &Hits, seq: u64) -> Option<u64> {
        hits.list.range(hits.rank(seq)..).copied().find(|hit| self.get(*hit).is_some())
    }

    fn hit_before(&self, hits: &Hits, seq: u64) -> Option<u64> {
        hits.list
            .range(..hits.rank(seq))
            .rev()
            .copied()
            .take_while(|hit| *hit >= self.floor)
            .find(|hit| self.get(*hit).is_some())
    }

    fn near(&self, hits: &Hits, seq: u64) -> Option<u64> {
        let candidate = self.base_from(seq)?;
        if self.is_near(hits, candidate) {
            return Some(candidate);
        }
        let hit = self.hit_from(hits, candidate)?;
        Some(self.back(hit, CONTEXT).max(candidate))
    }

    fn near_before(&self, hits: &Hits, seq: u64) -> Option<u64> {
        let candidate = self.base_before(seq)?;
        if self.is_near(hits, candidate) {
            return Some(candidate);
        }
        let hit = self.hit_before(hits, candidate)?;
        Some(self.ahead(hit, CONTEXT).min(candidate))
    }

    fn is_near(&self, hits: &Hits, seq: u64) -> bool {
        let from = self.back(seq, CONTEXT);
        let to = self.ahead(seq, CONTEXT);
        self.hit_from(hits, from).is_some_and(|hit| hit <= to)
    }

    fn back(&self, seq: u64, steps: usize) -> u64 {
        (0..steps).fold(seq, |at, _| self.base_before(at).unwrap_or(at))
    }

    fn ahead(&self, seq: u64, steps: usize) -> u64 {
        (0..steps).fold(seq, |at, _| self.base_from(at + 1).unwrap_or(at))
    }
}
