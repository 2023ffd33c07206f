//! What the Errors view knows: the groups, which of them are shown, seen and muted, and what was found out about one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::app::view::ErrorRow;
use crate::event::Level;
use crate::tui::field::Field;
use crate::tui::model::narrow;
use crate::tui::source::Explained;

/// Which groups are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Severity {
    #[default]
    All,
    Errors,
    Warnings,
    Muted,
}

impl Severity {
    pub(crate) const ALL: [Severity; 4] = [Severity::All, Severity::Errors, Severity::Warnings, Severity::Muted];

    pub(crate) fn title(self) -> &'static str {
        ["All", "Errors", "Warnings", "Muted"][self as usize]
    }
}

/// Of which error something was asked: the group, and the stack that its newest one had.
pub(crate) type ErrorKey = (u64, Arc<str>);

/// What can be brought back.
#[derive(Debug)]
pub(crate) enum Undo {
    /// What was cleared before.
    Clear(HashMap<u64, u64>),
    /// This one was not muted.
    Mute(u64),
}

/// The Errors view.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    /// The newest last.
    pub(crate) rows: Vec<ErrorRow>,
    /// In the order that is shown.
    order: Vec<u64>,
    /// None: the first one, whichever it is.
    pub(crate) selected: Option<u64>,
    pub(crate) offset: usize,
    pub(crate) severity: Severity,
    pub(crate) muted: BTreeSet<u64>,
    /// How many of each had come when it was seen.
    seen: HashMap<u64, u64>,
    /// How many of each had come when they were cleared.
    cleared: HashMap<u64, u64>,
    pub(crate) undo: Vec<Undo>,
    pub(crate) find: Field,
    pub(crate) strip: Option<usize>,
    /// Until then the order is held, because the cursor was moved.
    pub(crate) hold_until: u64,
    /// Of which error the stack was looked at last, and of which one it is that is here.
    pub(crate) asked: Option<ErrorKey>,
    pub(crate) explained: Option<(ErrorKey, Explained)>,
    /// The first row of the text below the strip.
    pub(crate) scroll: usize,
}

impl Errors {
    fn get(&self, id: u64) -> Option<&ErrorRow> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// The rows that are shown, in order.
    pub(crate) fn shown(&self) -> Vec<&ErrorRow> {
        let by_id: HashMap<u64, &ErrorRow> = self.rows.iter().map(|row| (row.id, row)).collect();
        self.order.iter().filter_map(|id| by_id.get(id).copied()).filter(|row| self.shows(row)).collect()
    }

    fn shows(&self, row: &ErrorRow) -> bool {
        let muted = self.muted.contains(&row.id);
        let wanted = match self.severity {
            Severity::Muted => muted,
            _ if muted => false,
            Severity::All => true,
            Severity::Errors => row.level >= Level::Error,
            Severity::Warnings => row.level < Level::Error,
        };
        wanted && self.count(row) > 0 && narrow(self.find.text(), &[&row.message, &row.name])
    }

    /// How many of them came since they were cleared.
    pub(crate) fn count(&self, row: &ErrorRow) -> u64 {
        row.count.saturating_sub(self.cleared.get(&row.id).copied().unwrap_or(0))
    }

    /// Groups and errors that are not cleared, those that are muted left out.
    pub(crate) fn totals(&self) -> (usize, u64) {
        let rows = self.rows.iter().filter(|row| !self.muted.contains(&row.id));
        let counts = rows.map(|row| self.count(row)).filter(|count| *count > 0);
        counts.fold((0, 0), |(groups, errors), count| (groups + 1, errors + count))
    }

    /// Whether some of them came since the person last looked.
    pub(crate) fn is_unseen(&self, row: &ErrorRow) -> bool {
        let fresh = row.count > self.seen.get(&row.id).copied().unwrap_or(0);
        fresh && self.count(row) > 0 && !self.muted.contains(&row.id)
    }

    /// How many groups the person has not seen.
    pub(crate) fn unseen(&self) -> usize {
        self.rows.iter().filter(|row| self.is_unseen(row)).count()
    }

    /// The person has seen all that is there.
    pub(crate) fn see_all(&mut self) {
        self.seen = self.rows.iter().map(|row| (row.id, row.count)).collect();
    }

    /// The person has seen the selected one.
    pub(crate) fn see_selected(&mut self) {
        if let Some((id, count)) = self.selected().map(|row| (row.id, row.count)) {
            self.seen.insert(id, count);
        }
    }

    /// The selected row; the first one that is shown if the selected one is not.
    pub(crate) fn selected(&self) -> Option<&ErrorRow> {
        let wanted = self.selected.and_then(|id| self.get(id)).filter(|row| self.shows(row));
        wanted.or_else(|| self.order.iter().filter_map(|id| self.get(*id)).find(|row| self.shows(row)))
    }

    /// Its place among [`Errors::shown`].
    pub(crate) fn position(&self) -> usize {
        let selected = self.selected().map(|row| row.id);
        self.shown().iter().position(|row| Some(row.id) == selected).unwrap_or(0)
    }

    /// Takes new rows; those that were shown keep their places while the order is held, and new ones come last.
    pub(crate) fn take(&mut self, rows: Vec<ErrorRow>, now: u64) {
        self.rows = rows;
        let ids: BTreeSet<u64> = self.rows.iter().map(|row| row.id).collect();
        self.seen.retain(|id, _| ids.contains(id));
        self.cleared.retain(|id, _| ids.contains(id));
        self.arrange(now);
    }

    /// Puts the newest first, unless the order is held.
    pub(crate) fn arrange(&mut self, now: u64) {
        let newest_first: Vec<u64> = self.rows.iter().rev().map(|row| row.id).collect();
        if now >= self.hold_until {
            self.order = newest_first;
            return;
        }
        let here: BTreeSet<u64> = newest_first.iter().copied().collect();
        self.order.retain(|id| here.contains(id));
        let known: BTreeSet<u64> = self.order.iter().copied().collect();
        self.order.extend(newest_first.into_iter().filter(|id| !known.contains(id)));
    }

    /// Hides all that came so far.
    pub(crate) fn clear(&mut self) {
        let next = self.rows.iter().map(|row| (row.id, row.count)).collect();
        self.undo.push(Undo::Clear(std::mem::replace(&mut self.cleared, next)));
    }

    /// Takes back the last clear or mute.
    pub(crate) fn undo(&mut self) {
        match self.undo.pop() {
            Some(Undo::Clear(before)) => self.cleared = before,
            Some(Undo::Mute(id)) => _ = self.muted.remove(&id),
            None => {}
        }
    }

    /// What is asked of the selected one, if it is not here or on its way.
    pub(crate) fn key(&self) -> Option<ErrorKey> {
        self.selected().map(|row| (row.id, Arc::clone(&row.stack)))
    }

    /// What was found out about the selected one.
    pub(crate) fn explained(&self) -> Option<&Explained> {
        let key = self.key()?;
        self.explained.as_ref().filter(|(of, _)| *of == key).map(|(_, explained)| explained)
    }
}
