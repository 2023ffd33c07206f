//! One place of a terminal: a character with its marks, its colours, and whether it takes two columns.

use unicode_width::UnicodeWidthChar;

/// A colour as the child asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// The terminal's own.
    #[default]
    Default,
    /// One of 256; the first 16 are the terminal's.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How a character looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The letter's colour.
    pub fg: Color,
    /// The colour behind it.
    pub bg: Color,
    /// The bits below.
    pub flags: u8,
}

impl Look {
    /// Bold.
    pub const BOLD: u8 = 1;
    /// Dim.
    pub const DIM: u8 = 1 << 1;
    /// Italic.
    pub const ITALIC: u8 = 1 << 2;
    /// Underlined, however.
    pub const UNDERLINE: u8 = 1 << 3;
    /// Colours exchanged.
    pub const REVERSE: u8 = 1 << 4;
    /// Not to be seen.
    pub const HIDDEN: u8 = 1 << 5;
    /// Crossed out.
    pub const STRIKE: u8 = 1 << 6;

    /// Whether one of the bits is set.
    pub fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// What stands at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    letter: char,
    /// Combining marks; NUL where there is none.
    marks: [char; 2],
    look: Look,
    /// 2 for a wide letter, 0 for the place behind one.
    width: u8,
}

impl Default for Cell {
    fn default() -> Cell {
        Cell::blank(Look::default())
    }
}

impl Cell {
    /// An erased place: only the colour behind it stays.
    pub(super) fn blank(look: Look) -> Cell {
        Cell { letter: ' ', marks: ['\0'; 2], look: Look { bg: look.bg, ..Look::default() }, width: 1 }
    }

    pub(super) fn letter(letter: char, look: Look, width: u8) -> Cell {
        Cell { letter, marks: ['\0'; 2], look, width }
    }

    /// The place behind a wide letter.
    pub(super) fn behind(look: Look) -> Cell {
        Cell { width: 0, ..Cell::letter(' ', look, 0) }
    }

    /// Puts a combining mark on the letter; one too many is dropped.
    pub(super) fn mark(&mut self, mark: char) {
        if let Some(free) = self.marks.iter_mut().find(|mark| **mark == '\0') {
            *free = mark;
        }
    }

    /// How it looks.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Columns that it takes: 1, 2, or 0 behind a wide letter.
    pub fn width(&self) -> u8 {
        self.width
    }

    /// Its letter and marks, appended to `text`.
    pub fn write(&self, text: &mut String) {
        text.push(self.letter);
        text.extend(self.marks.iter().filter(|mark| **mark != '\0'));
    }

    /// Its letter, if it has no marks.
    pub fn plain(&self) -> Option<char> {
        (self.marks[0] == '\0').then_some(self.letter)
    }

    /// Whether nothing is to be seen there.
    pub(super) fn is_blank(&self) -> bool {
        *self == Cell::default()
    }
}

/// The columns of a character; none for one that is not drawn: controls, and marks that turn the direction of the text.
pub(super) fn columns(letter: char) -> Option<usize> {
    match letter {
        ' '..='~' => Some(1),
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{2028}' | '\u{2029}' => None,
        _ => letter.width(),
    }
}
