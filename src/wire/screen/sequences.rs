//! What each sequence does to the terminal: the crate `vte` has taken it apart, this carries it out.

use std::sync::Arc;

use vte::ansi::{
    Attr, CharsetIndex, ClearMode, Color as Named, Handler, LineClearMode, Mode, NamedMode, PrivateMode,
    StandardCharset, TabulationClearMode,
};

use super::cell::{Color, Look};
use super::emulator::{Cursor, Terminal, tabs};

/// Answers that wait to be taken are bounded: who asks without end is not answered without end.
const ANSWER_BYTES_MAX: usize = 4 << 10;
/// A longer title is cut.
const TITLE_CHARS_MAX: usize = 120;
/// More titles than these are not remembered.
const TITLES_MAX: usize = 16;

impl Terminal {
    fn answer(&mut self, text: &str) {
        if self.answers.len() + text.len() <= ANSWER_BYTES_MAX {
            self.answers.extend_from_slice(text.as_bytes());
        }
    }

    fn flag(&mut self, flag: u8, on: bool) {
        let flags = &mut self.cursor.look.flags;
        *flags = if on { *flags | flag } else { *flags & !flag };
    }

    fn up(&mut self, rows: usize) {
        let least = if self.cursor.y >= self.top { self.top } else { 0 };
        self.cursor.y = self.cursor.y.saturating_sub(rows).max(least);
        self.cursor.full = false;
    }

    fn down(&mut self, rows: usize) {
        let most = if self.cursor.y <= self.bottom { self.bottom } else { self.rows - 1 };
        self.cursor.y = self.cursor.y.saturating_add(rows).min(most);
        self.cursor.full = false;
    }

    fn scrolls_here(&self) -> bool {
        (self.top..=self.bottom).contains(&self.cursor.y)
    }

    fn private(&mut self, number: u16, on: bool) {
        match number {
            6 => {
                self.origin = on;
                self.place(0, 0);
            }
            7 => self.wraps = on,
            47 | 1047 | 1049 => self.show_alternate(on, number),
            1048 if on => self.save_cursor_position(),
            1048 => self.restore_cursor_position(),
            _ => self.modes.set(number, on),
        }
    }
}

fn color(color: Named) -> Color {
    match color {
        Named::Spec(rgb) => Color::Rgb(rgb.r, rgb.g, rgb.b),
        Named::Indexed(index) => Color::Indexed(index),
        // The first sixteen have their numbers; the others are the terminal's own.
        Named::Named(named) => u8::try_from(named as usize).map_or(Color::Default, Color::Indexed),
    }
}

impl Handler for Terminal {
    fn set_title(&mut self, title: Option<String>) {
        let clean = |title: String| -> String {
            title.chars().filter(|c| super::cell::columns(*c).is_some()).take(TITLE_CHARS_MAX).collect()
        };
        self.title = title.map_or_else(|| "".into(), |title| clean(title).into());
    }

    fn input(&mut self, letter: char) {
        self.write(letter);
    }

    fn goto(&mut self, line: i32, column: usize) {
        self.place(column, i64::from(line));
    }

    fn goto_line(&mut self, line: i32) {
        self.place(self.cursor.x, i64::from(line));
    }

    fn goto_col(&mut self, column: usize) {
        self.cursor.x = column.min(self.columns - 1);
        self.cursor.full = false;
    }

    fn insert_blank(&mut self, count: usize) {
        let (x, y, columns, look) = (self.cursor.x, self.cursor.y, self.columns, self.cursor.look);
        self.grid().row(y).shift(x, count, true, columns, look);
    }

    fn move_up(&mut self, rows: usize) {
        self.up(rows);
    }

    fn move_down(&mut self, rows: usize) {
        self.down(rows);
    }

    fn identify_terminal(&mut self, kind: Option<char>) {
        match kind {
            // A VT220 with colours.
            None => self.answer("\x1b[?62;22c"),
            Some('>') => self.answer("\x1b[>0;0;1c"),
            _ => {}
        }
    }

    fn device_status(&mut self, what: usize) {
        match what {
            5 => self.answer("\x1b[0n"),
            6 => {
                let y = self.cursor.y - if self.origin { self.top.min(self.cursor.y) } else { 0 };
                self.answer(&format!("\x1b[{};{}R", y + 1, self.cursor.x + 1));
            }
            _ => {}
        }
    }

    fn move_forward(&mut self, columns: usize) {
        self.goto_col(self.cursor.x.saturating_add(columns));
    }

    fn move_backward(&mut self, columns: usize) {
        self.goto_col(self.cursor.x.saturating_sub(columns));
    }

    fn move_down_and_cr(&mut self, rows: usize) {
        self.down(rows);
        self.cursor.x = 0;
    }

    fn move_up_and_cr(&mut self, rows: usize) {
        self.up(rows);
        self.cursor.x = 0;
    }

    fn put_tab(&mut self, count: u16) {
        for _ in 0..usize::from(count).min(self.columns) {
            let next = (self.cursor.x + 1..self.columns).find(|x| self.tabs[*x]);
            self.cursor.x = next.unwrap_or(self.columns - 1);
        }
    }

    fn backspace(&mut self) {
        self.goto_col(self.cursor.x.saturating_sub(1));
    }

    fn carriage_return(&mut self) {
        self.goto_col(0);
    }

    fn linefeed(&mut self) {
        self.line_feed();
    }

    fn newline(&mut self) {
        self.line_feed();
    }

    fn bell(&mut self) {
        self.bells += 1;
    }

    fn set_horizontal_tabstop(&mut self) {
        let x = self.cursor.x;
        self.tabs[x] = true;
    }

    fn scroll_up(&mut self, count: usize) {
        self.scroll(self.top, self.bottom, count, true);
    }

    fn scroll_down(&mut self, count: usize) {
        self.scroll(self.top, self.bottom, count, false);
    }

    fn insert_blank_lines(&mut self, count: usize) {
        if self.scrolls_here() {
            self.scroll(self.cursor.y, self.bottom, count, false);
            self.cursor.x = 0;
        }
    }

    fn delete_lines(&mut self, count: usize) {
        if self.scrolls_here() {
            // What is deleted is not kept: it has not scrolled away.
            let top = self.cursor.y;
            let count = count.min(self.bottom + 1 - top);
            let (columns, look, bottom) = (self.columns, self.cursor.look, self.bottom);
            self.grid().delete(top, bottom, count, columns, look);
            self.cursor.x = 0;
        }
    }

    fn erase_chars(&mut self, count: usize) {
        let (x, y, look) = (self.cursor.x, self.cursor.y, self.cursor.look);
        let to = x.saturating_add(count).min(self.columns);
        self.grid().row(y).erase(x, to, look);
    }

    fn delete_chars(&mut self, count: usize) {
        let (x, y, columns, look) = (self.cursor.x, self.cursor.y, self.columns, self.cursor.look);
        self.grid().row(y).shift(x, count, false, columns, look);
    }

    fn move_backward_tabs(&mut self, count: u16) {
        for _ in 0..usize::from(count).min(self.columns) {
            let x = (0..self.cursor.x).rev().find(|x| self.tabs[*x]).unwrap_or(0);
            self.goto_col(x);
        }
    }

    fn move_forward_tabs(&mut self, count: u16) {
        self.put_tab(count);
    }

    fn save_cursor_position(&mut self) {
        self.saved[usize::from(self.modes.alternate)] = self.cursor;
    }

    fn restore_cursor_position(&mut self) {
        self.cursor = self.saved[usize::from(self.modes.alternate)];
        self.clamp();
    }

    fn clear_line(&mut self, mode: LineClearMode) {
        let (x, y, columns, look) = (self.cursor.x, self.cursor.y, self.columns, self.cursor.look);
        let row = self.grid().row(y);
        match mode {
            LineClearMode::Right => row.erase(x, columns, look),
            LineClearMode::Left => row.erase(0, x + 1, look),
            LineClearMode::All => row.erase(0, columns, look),
        }
    }

    fn clear_screen(&mut self, mode: ClearMode) {
        let (y, rows) = (self.cursor.y, self.rows);
        match mode {
            ClearMode::Below => {
                self.clear_line(LineClearMode::Right);
                self.erase_rows(y + 1, rows);
            }
            ClearMode::Above => {
                self.clear_line(LineClearMode::Left);
                self.erase_rows(0, y);
            }
            ClearMode::All => self.erase_rows(0, rows),
            ClearMode::Saved => self.grid().forget_history(),
        }
    }

    fn clear_tabs(&mut self, mode: TabulationClearMode) {
        match mode {
            TabulationClearMode::Current => {
                let x = self.cursor.x;
                self.tabs[x] = false;
            }
            TabulationClearMode::All => self.tabs.fill(false),
        }
    }

    fn set_tabs(&mut self, _: u16) {
        self.tabs = tabs(self.columns);
    }

    fn reset_state(&mut self) {
        self.reset();
    }

    fn reverse_index(&mut self) {
        if self.cursor.y == self.top {
            self.scroll(self.top, self.bottom, 1, false);
        } else {
            self.up(1);
        }
    }

    fn terminal_attribute(&mut self, attribute: Attr) {
        let look = &mut self.cursor.look;
        match attribute {
            Attr::Reset => *look = Look::default(),
            Attr::Bold => self.flag(Look::BOLD, true),
            Attr::Dim => self.flag(Look::DIM, true),
            Attr::Italic => self.flag(Look::ITALIC, true),
            Attr::Underline
            | Attr::DoubleUnderline
            | Attr::Undercurl
            | Attr::DottedUnderline
            | Attr::DashedUnderline => self.flag(Look::UNDERLINE, true),
            Attr::Reverse => self.flag(Look::REVERSE, true),
            Attr::Hidden => self.flag(Look::HIDDEN, true),
            Attr::Strike => self.flag(Look::STRIKE, true),
            Attr::CancelBold => self.flag(Look::BOLD, false),
            Attr::CancelBoldDim => self.flag(Look::BOLD | Look::DIM, false),
            Attr::CancelItalic => self.flag(Look::ITALIC, false),
            Attr::CancelUnderline => self.flag(Look::UNDERLINE, false),
            Attr::CancelReverse => self.flag(Look::REVERSE, false),
            Attr::CancelHidden => self.flag(Look::HIDDEN, false),
            Attr::CancelStrike => self.flag(Look::STRIKE, false),
            Attr::Foreground(wanted) => look.fg = color(wanted),
            Attr::Background(wanted) => look.bg = color(wanted),
            // Nothing here blinks.
            Attr::BlinkSlow | Attr::BlinkFast | Attr::CancelBlink | Attr::UnderlineColor(_) => {}
        }
    }

    fn set_mode(&mut self, mode: Mode) {
        self.insert |= matches!(mode, Mode::Named(NamedMode::Insert));
    }

    fn unset_mode(&mut self, mode: Mode) {
        self.insert &= !matches!(mode, Mode::Named(NamedMode::Insert));
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        self.private(mode.raw(), true);
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        self.private(mode.raw(), false);
    }

    fn report_private_mode(&mut self, mode: PrivateMode) {
        let number = mode.raw();
        let state = match number {
            6 => Some(self.origin),
            7 => Some(self.wraps),
            _ => self.modes.get(number),
        };
        let state = state.map_or(0, |on| if on { 1 } else { 2 });
        self.answer(&format!("\x1b[?{number};{state}$y"));
    }

    fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        let bottom = bottom.unwrap_or(self.rows).min(self.rows);
        if top < bottom {
            (self.top, self.bottom) = (top.max(1) - 1, bottom - 1);
            self.place(0, 0);
        }
    }

    fn set_active_charset(&mut self, index: CharsetIndex) {
        self.cursor.charset = index;
    }

    fn configure_charset(&mut self, index: CharsetIndex, charset: StandardCharset) {
        self.cursor.charsets[index as usize] = charset;
    }

    fn decaln(&mut self) {
        let look = std::mem::take(&mut self.cursor.look);
        self.cursor = Cursor { look, ..Cursor::default() };
        for row in 0..self.rows {
            self.fill(row, 'E');
        }
    }

    fn push_title(&mut self) {
        if self.titles.len() < TITLES_MAX {
            self.titles.push(Arc::clone(&self.title));
        }
    }

    fn pop_title(&mut self) {
        if let Some(title) = self.titles.pop() {
            self.title = title;
        }
    }

    fn text_area_size_chars(&mut self) {
        self.answer(&format!("\x1b[8;{};{}t", self.rows, self.columns));
    }
}

impl Terminal {
    fn fill(&mut self, row: usize, letter: char) {
        let columns = self.columns;
        let row = self.grid().row(row);
        for x in 0..columns {
            row.put(x, super::cell::Cell::letter(letter, Look::default(), 1));
        }
    }
}
