//! What a terminal shows at one moment, to be drawn and copied; cheap to take, since unchanged rows are shared.

use std::sync::Arc;

use super::{Modes, Row};

/// The screen of a child.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Columns.
    pub columns: u16,
    /// The rows, from the top.
    pub rows: Vec<Arc<Row>>,
    /// Column and row of the cursor; none when it is hidden or scrolled away.
    pub cursor: Option<(u16, u16)>,
    /// What the child has asked of the terminal.
    pub modes: Modes,
    /// The title that it has set, without controls; empty if none.
    pub title: Arc<str>,
    /// Rows that have scrolled away and are kept.
    pub history: usize,
    /// How many of them are in sight.
    pub offset: usize,
}

impl Picture {
    /// The text between two places (column, row), both included, as it was written: a row that was wrapped goes on without a
    /// line break.
    pub fn text(&self, from: (u16, u16), to: (u16, u16)) -> String {
        let ((from, top), (to, bottom)) = if (from.1, from.0) <= (to.1, to.0) { (from, to) } else { (to, from) };
        let mut text = String::new();
        for (at, row) in self.rows.iter().enumerate().take(usize::from(bottom) + 1).skip(top.into()) {
            let begin = if at == usize::from(top) { from.into() } else { 0 };
            let last = at == usize::from(bottom);
            let end = if last { usize::from(to) + 1 } else { self.columns.into() };
            text.push_str(&row.text(begin, end));
            if !last && !row.is_wrapped() {
                text.push('\n');
            }
        }
        text
    }

    /// All of it, without blank rows at the end.
    pub fn all_text(&self) -> String {
        let last = (self.columns.saturating_sub(1), self.rows.len().saturating_sub(1) as u16);
        let text = self.text((0, 0), last);
        let mut text = text.trim_end().to_owned();
        text.push('\n');
        text
    }
}
