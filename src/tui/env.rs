//! The popup that lists what a process's environment has beside Brummer's own.

use crate::app::view::EnvRow;
use crate::event::ProcessId;

/// The popup.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) process: ProcessId,
    pub(crate) title: String,
    /// None: they have not come yet.
    pub(crate) rows: Option<Vec<EnvRow>>,
    pub(crate) cursor: usize,
    /// The first row that was shown last.
    pub(crate) offset: usize,
}

impl Environment {
    pub(crate) fn len(&self) -> usize {
        self.rows.as_ref().map_or(0, Vec::len)
    }

    pub(crate) fn selected(&self) -> Option<&EnvRow> {
        self.rows.as_ref()?.get(self.cursor)
    }

    /// Moves the cursor, and scrolls so that it is among so many rows.
    pub(crate) fn step(&mut self, by: isize, height: usize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.len().saturating_sub(1));
        self.offset = self.first(height);
    }

    /// The first of so many rows, with the cursor among them.
    pub(crate) fn first(&self, height: usize) -> usize {
        let least = (self.cursor + 1).saturating_sub(height.max(1));
        self.offset.min(self.cursor).max(least).min(self.len().saturating_sub(height))
    }
}
