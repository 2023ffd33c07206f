//! Draws into memory and answers the bytes that turn the last frame into this one.

use std::io::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::tui::shown::Shown;

const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";

/// What the terminal shows, and what it is to show.
#[derive(Debug)]
pub(crate) struct Screen {
    shown: Shown,
    next: Buffer,
    cursor: Option<(u16, u16, bool)>,
    /// What the terminal shows is not known.
    stale: bool,
}

/// Where the terminal's cursor is to stand after a frame, and whether it is seen.
pub(crate) type Cursor = Option<(u16, u16, bool)>;

impl Screen {
    pub(crate) fn new(columns: u16, rows: u16) -> Screen {
        let area = Rect::new(0, 0, columns, rows);
        Screen { shown: Shown::blank(area), next: Buffer::empty(area), cursor: None, stale: true }
    }

    /// The next frame is drawn whole, in this size.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let area = Rect::new(0, 0, columns, rows);
        if area != self.next.area {
            *self = Screen { cursor: self.cursor, ..Screen::new(columns, rows) };
        }
        self.stale = true;
    }

    /// Draws a frame; the bytes are empty when nothing has changed.
    pub(crate) fn frame(&mut self, draw: impl FnOnce(&mut Buffer) -> Cursor) -> Vec<u8> {
        self.next.reset();
        let cursor = draw(&mut self.next);
        let mut out = Vec::new();
        if self.stale || self.shown.is_full() {
            self.shown = Shown::blank(self.next.area);
            out.extend_from_slice(b"\x1b[0m\x1b[2J");
        }
        encode(&mut self.shown, &self.next, &mut out);
        if cursor != self.cursor || !out.is_empty() {
            place(cursor, &mut out);
        }
        self.cursor = cursor;
        self.stale = false;
        if out.is_empty() { out } else { [SYNC_BEGIN, &out, SYNC_END].concat() }
    }

    /// What the terminal shows, as text: for copying the screen.
    pub(crate) fn text(&self) -> String {
        text_of(&self.next)
    }
}

/// The rows of a buffer without trailing blanks.
pub(crate) fn text_of(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut row = String::new();
        let mut skip = 0;
        for x in buffer.area.left()..buffer.area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = crate::tui::text::width(symbol).saturating_sub(1);
            row.push_str(symbol);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

fn place(cursor: Cursor, out: &mut Vec<u8>) {
    match cursor {
        Some((x, y, seen)) => {
            let _ = write!(out, "\x1b[{};{}H{}", y + 1, x + 1, if seen { "\x1b[?25h" } else { "\x1b[?25l" });
        }
        None => out.extend_from_slice(b"\x1b[?25l"),
    }
}

fn encode(shown: &mut Shown, next: &Buffer, out: &mut Vec<u8>) {
    let mut at = None;
    let mut style = (Color::Reset, Color::Reset, Modifier::empty());
    let mut written = false;
    shown.turn_into(next, |(x, y), cell, cells| {
        let place = |out: &mut Vec<u8>| {
            let _ = write!(out, "\x1b[{};{}H", y + 1, x + 1);
        };
        if at != Some((x, y)) {
            place(out);
        }
        let wanted = (cell.fg, cell.bg, cell.modifier);
        if wanted != style || !written {
            set_style(style, wanted, !written, out);
            style = wanted;
            written = true;
        }
        let symbol = cell.symbol();
        let composed = symbol.chars().nth(1).is_some();
        if composed && cells > 1 {
            // A terminal that takes it for narrow would leave what stood in the cells behind it.
            out.resize(out.len() + usize::from(cells), b' ');
            place(out);
        }
        out.extend_from_slice(symbol.as_bytes());
        // Terminals disagree about the cells of what is made of several characters: what follows is placed anew.
        at = (!composed).then(|| (x + cells, y));
    });
    if written && style != (Color::Reset, Color::Reset, Modifier::empty()) {
        out.extend_from_slice(b"\x1b[0m");
    }
}

type Look = (Color, Color, Modifier);

fn set_style(from: Look, to: Look, unknown: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b[");
    let fresh = unknown || !to.2.contains(from.2);
    let from = if fresh { (Color::Reset, Color::Reset, Modifier::empty()) } else { from };
    let start = out.len();
    if fresh {
        out.extend_from_slice(b"0;");
    }
    for (modifier, code) in MODIFIERS {
        if to.2.contains(modifier) && !from.2.contains(modifier) {
            let _ = write!(out, "{code};");
        }
    }
    if to.0 != from.0 {
        color(to.0, 30, out);
    }
    if to.1 != from.1 {
        color(to.1, 40, out);
    }
    if out.len() > start {
        out.pop();
    }
    out.push(b'm');
}

const MODIFIERS: [(Modifier, u8); 7] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

fn color(color: Color, base: u8, out: &mut Vec<u8>) {
    let code = match color {
        Color::Reset => base + 9,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => base + 60,
        Color::LightRed => base + 61,
        Color::LightGreen => base + 62,
        Color::LightYellow => base + 63,
        Color::LightBlue => base + 64,
        Color::LightMagenta => base + 65,
        Color::LightCyan => base + 66,
        Color::White => base + 67,
        Color::Indexed(index) => {
            let _ = write!(out, "{};5;{index};", base + 8);
            return;
        }
        Color::Rgb(r, g, b) => {
            let _ = write!(out, "{};2;{r};{g};{b};", base + 8);
            return;
        }
    };
    let _ = write!(out, "{code};");
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    fn draw(screen: &mut Screen, text: &str, style: Style) -> String {
        let bytes = screen.frame(|buffer| {
            buffer.set_string(0, 0, text, style);
            None
        });
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_frame_is_one_synchronized_update_and_an_unchanged_one_is_nothing() {
        let mut screen = Screen::new(10, 2);
        let first = draw(&mut screen, "hello", Style::new().fg(Color::Red));
        assert!(first.starts_with("\x1b[?2026h") && first.ends_with("\x1b[?2026l"), "{first:?}");
        assert!(first.contains("\x1b[0;31mhello\x1b[0m"), "{first:?}");
        assert_eq!(draw(&mut screen, "hello", Style::new().fg(Color::Red)), "");
    }

    #[test]
    fn only_what_differs_is_written() {
        let mut screen = Screen::new(10, 1);
        draw(&mut screen, "hello", Style::new());
        let second = draw(&mut screen, "hallo", Style::new());
        assert!(second.contains("\x1b[1;2H\x1b[0ma") && !second.contains("llo"), "{second:?}");
    }

    #[test]
    fn an_attribute_that_ends_is_reset() {
        let mut out = Vec::new();
        let plain = (Color::Reset, Color::Reset, Modifier::empty());
        set_style((Color::Red, Color::Reset, Modifier::BOLD), plain, false, &mut out);
        assert_eq!(out, b"\x1b[0m");
    }

    #[test]
    fn what_follows_an_emoji_of_several_characters_is_placed_anew() {
        let mut screen = Screen::new(8, 1);
        let bytes = draw(&mut screen, "a\u{1f468}\u{200d}\u{1f469}b漢c", Style::new());
        assert!(bytes.contains("a  \x1b[1;2H\u{1f468}\u{200d}\u{1f469}\x1b[1;4Hb漢c"), "{bytes:?}");
    }

    #[test]
    fn wide_letters_are_read_back_once() {
        let mut screen = Screen::new(6, 1);
        draw(&mut screen, "漢字", Style::new());
        assert_eq!(screen.text(), "漢字\n");
    }
}
