//! The emulator: bytes in, a picture and answers out.

use std::sync::Arc;
use std::time::Duration;

use memchr::memchr;
use vte::ansi::{CharsetIndex, Processor, StandardCharset, Timeout};

use super::cell::{Cell, Look, columns};
use super::grid::Grid;
use super::{Modes, Picture};

/// A wide letter has to fit.
const COLUMNS_MIN: usize = 2;
/// Nobody has a larger screen.
const SIDE_MAX: usize = 1_000;

/// Frames that a child marks as such are drawn as they come: a clock is not needed, and nothing is held back.
#[derive(Debug, Default)]
struct NoTimeout;

impl Timeout for NoTimeout {
    fn set_timeout(&mut self, _: Duration) {}

    fn clear_timeout(&mut self) {}

    fn pending_timeout(&self) -> bool {
        false
    }
}

/// A terminal without a screen and a keyboard.
///
/// Nothing that a child writes gets through: titles are cleaned, the clipboard and the palette are not touched, and only
/// those queries are answered whose answers the child cannot choose.
pub struct Emulator {
    processor: Processor<NoTimeout>,
    terminal: Terminal,
    raw: bool,
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("modes", &self.terminal.modes).finish_non_exhaustive()
    }
}

/// Where the next letter goes, and how it looks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    pub(super) x: usize,
    pub(super) y: usize,
    /// The last column was written: the next letter goes to the next row.
    pub(super) full: bool,
    pub(super) look: Look,
    pub(super) charsets: [StandardCharset; 4],
    pub(super) charset: CharsetIndex,
}

/// The state of the terminal; `sequences` says what each sequence does to it.
#[derive(Debug)]
pub(super) struct Terminal {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// The main screen and the alternate one.
    grids: [Grid; 2],
    pub(super) cursor: Cursor,
    pub(super) saved: [Cursor; 2],
    /// The first and the last row that scroll.
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) tabs: Vec<bool>,
    pub(super) modes: Modes,
    pub(super) insert: bool,
    pub(super) origin: bool,
    pub(super) wraps: bool,
    pub(super) title: Arc<str>,
    pub(super) titles: Vec<Arc<str>>,
    pub(super) answers: Vec<u8>,
    pub(super) bells: u64,
}

impl Emulator {
    /// A blank screen.
    pub fn new(columns: u16, rows: u16) -> Emulator {
        let terminal = Terminal::new(side(columns, COLUMNS_MIN), side(rows, 1));
        Emulator { processor: Processor::new(), terminal, raw: false }
    }

    /// Begins in these modes: what is fed next is the end of something longer.
    pub fn begin(&mut self, modes: Modes) {
        let sequences = modes.sequences();
        self.processor.advance(&mut self.terminal, &sequences);
    }

    /// Brings the modes to these: what lay between was not fed.
    pub fn catch_up(&mut self, modes: Modes) {
        // CAN ends a sequence that was cut.
        self.processor.advance(&mut self.terminal, b"\x18");
        if self.terminal.modes.alternate && !modes.alternate {
            self.processor.advance(&mut self.terminal, b"\x1b[?1049l");
        }
        self.begin(modes);
        self.terminal.modes = modes;
    }

    /// Whether the child's terminal does not put a carriage return before line feeds: programs that draw a whole screen.
    pub fn set_raw(&mut self, raw: bool) {
        self.raw = raw;
    }

    /// Takes what the child wrote next. Its terminal leaves output as it is, so line feeds begin a new line here.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(at) = memchr(b'\n', bytes) {
            self.processor.advance(&mut self.terminal, &bytes[..at]);
            let returns = !(self.raw && self.terminal.modes.alternate);
            self.processor.advance(&mut self.terminal, if returns { b"\r\n" } else { b"\n" });
            bytes = &bytes[at + 1..];
        }
        self.processor.advance(&mut self.terminal, bytes);
    }

    /// What is to be told to the child in answer to its questions; taken once.
    pub fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.terminal.answers)
    }

    /// Gives it another size; lines are not laid out anew.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.resize(side(columns, COLUMNS_MIN), side(rows, 1));
    }

    /// What the child has asked of the terminal.
    pub fn modes(&self) -> Modes {
        self.terminal.modes
    }

    /// Rows that have scrolled away so far.
    pub fn scrolled(&self) -> u64 {
        self.terminal.grid_ref().scrolled()
    }

    /// How often the bell was rung.
    pub fn bells(&self) -> u64 {
        self.terminal.bells
    }

    /// What is seen when scrolled back by `offset` rows, or by as many as are kept.
    pub fn picture(&self, offset: usize) -> Picture {
        let terminal = &self.terminal;
        let grid = terminal.grid_ref();
        let offset = offset.min(grid.history_len());
        let cursor = (terminal.cursor.x.min(terminal.columns - 1), terminal.cursor.y + offset);
        let seen = !terminal.modes.hidden_cursor && cursor.1 < terminal.rows;
        Picture {
            columns: terminal.columns as u16,
            rows: grid.seen(offset),
            cursor: seen.then_some((cursor.0 as u16, cursor.1 as u16)),
            modes: terminal.modes,
            title: Arc::clone(&terminal.title),
            history: grid.history_len(),
            offset,
        }
    }
}

fn side(cells: u16, least: usize) -> usize {
    usize::from(cells).clamp(least, SIDE_MAX)
}

impl Terminal {
    fn new(columns: usize, rows: usize) -> Terminal {
        Terminal {
            columns,
            rows,
            grids: [Grid::new(columns, rows, true), Grid::new(columns, rows, false)],
            cursor: Cursor::default(),
            saved: [Cursor::default(); 2],
            top: 0,
            bottom: rows - 1,
            tabs: tabs(columns),
            modes: Modes::default(),
            insert: false,
            origin: false,
            wraps: true,
            title: "".into(),
            titles: Vec::new(),
            answers: Vec::new(),
            bells: 0,
        }
    }

    /// As after it was switched on, in its size; what has scrolled away is kept.
    pub(super) fn reset(&mut self) {
        let fresh = Terminal::new(self.columns, self.rows);
        let main = std::mem::replace(&mut self.grids[0], Grid::new(1, 1, false));
        let (answers, bells) = (std::mem::take(&mut self.answers), self.bells);
        *self = Terminal { answers, bells, ..fresh };
        self.grids[0] = main;
        self.erase_rows(0, self.rows);
    }

    pub(super) fn grid(&mut self) -> &mut Grid {
        &mut self.grids[usize::from(self.modes.alternate)]
    }

    fn grid_ref(&self) -> &Grid {
        &self.grids[usize::from(self.modes.alternate)]
    }

    /// Changes to the other screen; the alternate one begins blank.
    pub(super) fn show_alternate(&mut self, on: bool, number: u16) {
        if self.modes.alternate == on {
            return;
        }
        let save = number == 1049;
        if save && on {
            self.saved[0] = self.cursor;
        }
        self.modes.alternate = on;
        if on {
            self.grids[1] = Grid::new(self.columns, self.rows, false);
        } else if save {
            self.cursor = self.saved[0];
        }
        self.clamp();
    }

    pub(super) fn erase_rows(&mut self, from: usize, to: usize) {
        let (columns, look) = (self.columns, self.cursor.look);
        for row in from..to {
            self.grid().row(row).erase(0, columns, look);
        }
    }

    /// Writes one letter.
    pub(super) fn write(&mut self, letter: char) {
        let letter = self.cursor.charsets[self.cursor.charset as usize].map(letter);
        let Some(width) = columns(letter) else { return };
        if width == 0 {
            return self.mark(letter);
        }
        if self.cursor.full && self.wraps {
            self.wrap();
        }
        if self.cursor.x + width > self.columns {
            if !self.wraps {
                self.cursor.x = self.columns - width;
            } else {
                self.wrap();
            }
        }
        let (x, y, look, all) = (self.cursor.x, self.cursor.y, self.cursor.look, self.columns);
        let insert = self.insert;
        let row = self.grid().row(y);
        if insert {
            row.shift(x, width, true, all, look);
        }
        row.put(x, Cell::letter(letter, look, width as u8));
        self.cursor.full = x + width >= all;
        self.cursor.x = (x + width).min(all - 1);
    }

    /// Puts a combining mark on the last letter.
    fn mark(&mut self, mark: char) {
        let Cursor { x, y, full, .. } = self.cursor;
        let at = if full { x } else { x.saturating_sub(1) };
        let row = self.grid().row(y);
        let at = if row.cell(at).width() == 0 { at.saturating_sub(1) } else { at };
        if let Some(cell) = row.cells.get_mut(at) {
            cell.mark(mark);
        }
    }

    fn wrap(&mut self) {
        let y = self.cursor.y;
        self.grid().row(y).wrapped = true;
        self.cursor.x = 0;
        self.line_feed();
    }

    pub(super) fn line_feed(&mut self) {
        self.cursor.full = false;
        if self.cursor.y == self.bottom {
            let (top, bottom) = (self.top, self.bottom);
            self.scroll(top, bottom, 1, true);
        } else if self.cursor.y + 1 < self.rows {
            self.cursor.y += 1;
        }
    }

    pub(super) fn scroll(&mut self, top: usize, bottom: usize, count: usize, up: bool) {
        let (columns, look) = (self.columns, self.cursor.look);
        if up {
            self.grid().scroll_up(top, bottom, count, columns, look);
        } else {
            self.grid().scroll_down(top, bottom, count, columns, look);
        }
    }

    /// Puts the cursor somewhere; in origin mode rows are counted from the first that scrolls.
    pub(super) fn place(&mut self, x: usize, y: i64) {
        let (first, last) = if self.origin { (self.top, self.bottom) } else { (0, self.rows - 1) };
        let y = y.max(0) as usize + if self.origin { self.top } else { 0 };
        self.cursor.x = x.min(self.columns - 1);
        self.cursor.y = y.clamp(first, last);
        self.cursor.full = false;
    }

    fn resize(&mut self, columns: usize, rows: usize) {
        if (columns, rows) == (self.columns, self.rows) {
            return;
        }
        let saved = if self.modes.alternate { self.saved[0].y } else { self.cursor.y };
        let moved = self.grids[0].resize(columns, rows, saved);
        self.grids[1].resize(columns, rows, if self.modes.alternate { self.cursor.y } else { 0 });
        let main = if self.modes.alternate { &mut self.saved[0] } else { &mut self.cursor };
        main.y = main.y.saturating_add_signed(moved);
        (self.columns, self.rows, self.top, self.bottom) = (columns, rows, 0, rows - 1);
        self.tabs = tabs(columns);
        self.clamp();
    }

    pub(super) fn clamp(&mut self) {
        let (columns, rows) = (self.columns, self.rows);
        let [main, alternate] = &mut self.saved;
        for cursor in [&mut self.cursor, main, alternate] {
            cursor.x = cursor.x.min(columns - 1);
            cursor.y = cursor.y.min(rows - 1);
            cursor.full &= cursor.x == columns - 1;
        }
    }
}

pub(super) fn tabs(columns: usize) -> Vec<bool> {
    (0..columns).map(|column| column % 8 == 0).collect()
}
