//! Rows of cells: those on the screen, and those that have scrolled off its top.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cell::{Cell, Look};

/// Rows that are kept after they have scrolled away.
const HISTORY_ROWS_MAX: usize = 5_000;

/// One row. It may hold more cells than the screen is wide, and fewer when it has scrolled away: what is missing is blank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub(super) cells: Vec<Cell>,
    /// The text goes on in the next row without a line break between.
    pub(super) wrapped: bool,
}

impl Row {
    fn blank(columns: usize, look: Look) -> Row {
        Row { cells: vec![Cell::blank(look); columns], wrapped: false }
    }

    /// The cell at this column.
    pub fn cell(&self, column: usize) -> Cell {
        self.cells.get(column).copied().unwrap_or_default()
    }

    /// Whether its text goes on in the next row.
    pub fn is_wrapped(&self) -> bool {
        self.wrapped
    }

    /// Its text from column `from` up to `to`, without blanks at the end unless it is wrapped there.
    pub fn text(&self, from: usize, to: usize) -> String {
        let mut text = String::new();
        let to = to.min(self.cells.len());
        for cell in self.cells.iter().take(to).skip(from).filter(|cell| cell.width() > 0) {
            cell.write(&mut text);
        }
        if !self.wrapped {
            text.truncate(text.trim_end_matches(' ').len());
        }
        text
    }

    /// Makes sure that no wide letter lies across the left edge of this column: one that does is blanked.
    fn split(&mut self, column: usize) {
        if column > 0 && self.cells.get(column).is_some_and(|cell| cell.width() == 0) {
            self.cells[column - 1] = Cell::blank(self.cells[column - 1].look());
            self.cells[column] = Cell::blank(self.cells[column].look());
        }
    }

    /// Puts a letter, wide or not.
    pub(super) fn put(&mut self, column: usize, cell: Cell) {
        let width = usize::from(cell.width());
        self.split(column);
        self.split(column + width);
        if let Some(place) = self.cells.get_mut(column) {
            *place = cell;
        }
        if let Some(place) = self.cells.get_mut(column + 1).filter(|_| width == 2) {
            *place = Cell::behind(cell.look());
        }
    }

    /// Erases the columns `from..to`.
    pub(super) fn erase(&mut self, from: usize, to: usize, look: Look) {
        let to = to.min(self.cells.len());
        if from >= to {
            return;
        }
        self.split(from);
        self.split(to);
        self.cells[from..to].fill(Cell::blank(look));
        self.wrapped &= to < self.cells.len();
    }

    /// Moves what is at `at` and behind it by `count` columns to the right, or to the left.
    pub(super) fn shift(&mut self, at: usize, count: usize, right: bool, columns: usize, look: Look) {
        let end = columns.min(self.cells.len());
        if at >= end {
            return;
        }
        let count = count.min(end - at);
        self.split(at);
        self.split(end);
        self.split(if right { end - count } else { at + count });
        let blank = Cell::blank(look);
        if right {
            self.cells.copy_within(at..end - count, at + count);
            self.cells[at..at + count].fill(blank);
        } else {
            self.cells.copy_within(at + count..end, at);
            self.cells[end - count..end].fill(blank);
        }
        self.wrapped = false;
    }
}

/// The rows of one screen.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    rows: Vec<Arc<Row>>,
    history: VecDeque<Arc<Row>>,
    keeps_history: bool,
    /// Rows that have gone into the history so far.
    scrolled: u64,
}

impl Grid {
    pub(super) fn new(columns: usize, rows: usize, keeps_history: bool) -> Grid {
        let rows = (0..rows).map(|_| Arc::new(Row::blank(columns, Look::default()))).collect();
        Grid { rows, history: VecDeque::new(), keeps_history, scrolled: 0 }
    }

    /// A row to change; it has at least `columns` cells.
    pub(super) fn row(&mut self, at: usize) -> &mut Row {
        let last = self.rows.len() - 1;
        Arc::make_mut(&mut self.rows[at.min(last)])
    }

    pub(super) fn history_len(&self) -> usize {
        self.history.len()
    }

    pub(super) fn scrolled(&self) -> u64 {
        self.scrolled
    }

    pub(super) fn forget_history(&mut self) {
        self.history.clear();
    }

    /// The rows that are seen when scrolled back by `offset`.
    pub(super) fn seen(&self, offset: usize) -> Vec<Arc<Row>> {
        let offset = offset.min(self.history.len());
        let old = self.history.iter().skip(self.history.len() - offset);
        old.chain(&self.rows).take(self.rows.len()).cloned().collect()
    }

    /// Moves the rows `top..=bottom` up; what leaves at the top of the screen is kept.
    pub(super) fn scroll_up(&mut self, top: usize, bottom: usize, count: usize, columns: usize, look: Look) {
        for _ in 0..count.min(bottom + 1 - top) {
            if top == 0 && self.keeps_history {
                self.keep(0);
            }
            self.rows[top..=bottom].rotate_left(1);
            // A row that is in no picture is used again.
            match Arc::get_mut(&mut self.rows[bottom]) {
                Some(row) => {
                    row.cells.clear();
                    row.cells.resize(columns, Cell::blank(look));
                    row.wrapped = false;
                }
                None => self.rows[bottom] = Arc::new(Row::blank(columns, look)),
            }
        }
    }

    /// Takes rows out of `top..=bottom`; what is below moves up.
    pub(super) fn delete(&mut self, top: usize, bottom: usize, count: usize, columns: usize, look: Look) {
        self.rows[top..=bottom].rotate_left(count);
        for row in &mut self.rows[bottom + 1 - count..=bottom] {
            *row = Arc::new(Row::blank(columns, look));
        }
    }

    pub(super) fn scroll_down(&mut self, top: usize, bottom: usize, count: usize, columns: usize, look: Look) {
        let count = count.min(bottom + 1 - top);
        self.rows[top..=bottom].rotate_right(count);
        for row in &mut self.rows[top..top + count] {
            *row = Arc::new(Row::blank(columns, look));
        }
    }

    /// Keeps a row that is about to leave the screen, without the blanks at its end.
    fn keep(&mut self, at: usize) {
        let row = &self.rows[at];
        let used = row.cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |at| at + 1);
        let used = if row.wrapped { row.cells.len() } else { used };
        let kept = Row { cells: row.cells[..used].to_vec(), wrapped: row.wrapped };
        self.history.push_back(Arc::new(kept));
        self.scrolled += 1;
        if self.history.len() > HISTORY_ROWS_MAX {
            self.history.pop_front();
        }
    }

    /// Another size; answers how far the rows have moved down. The row `cursor` stays on the screen.
    pub(super) fn resize(&mut self, columns: usize, rows: usize, cursor: usize) -> isize {
        let mut moved = 0;
        while cursor as isize + moved >= rows as isize && self.rows.len() > rows {
            if self.keeps_history {
                self.keep(0);
            }
            self.rows.remove(0);
            moved -= 1;
        }
        self.rows.truncate(rows);
        while self.rows.len() < rows {
            match self.history.pop_back() {
                Some(row) => {
                    self.rows.insert(0, row);
                    moved += 1;
                }
                None => self.rows.push(Arc::new(Row::blank(columns, Look::default()))),
            }
        }
        for row in self.rows.iter_mut().filter(|row| row.cells.len() != columns) {
            let row = Arc::make_mut(row);
            // Cells beyond the edge stay: another change of the size may show them again.
            row.cells.resize(columns.max(row.cells.len()), Cell::default());
            row.wrapped = false;
        }
        moved
    }
}
