//! What the terminal shows, in 16 bytes a cell, and which cells differ from a picture that it is to show.
//!
//! A buffer of ratatui keeps 48 bytes a cell. A character that takes two cells fills both here, so that writing over
//! either of them is a difference in both.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::tui::text::width;

/// Symbols of several characters that are known at a time.
const COMPOSED_MAX: usize = 4096;
/// [`Seen::symbol`] from here on is the place of a symbol of several characters.
const COMPOSED: u32 = 0x8000_0000;
/// [`Seen::symbol`] of the cells behind the first one of a wide character.
const BEHIND: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    symbol: u32,
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const BLANK: Seen = Seen { symbol: ' ' as u32, fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// The cells of a terminal, row by row.
#[derive(Debug)]
pub(crate) struct Shown {
    cells: Vec<Seen>,
    /// Symbols of several characters, each once.
    composed: Vec<Box<str>>,
}

impl Shown {
    /// A cleared terminal of this size.
    pub(crate) fn blank(area: Rect) -> Shown {
        Shown { cells: vec![BLANK; usize::from(area.width) * usize::from(area.height)], composed: Vec::new() }
    }

    /// Whether so many symbols of several characters were seen that the terminal is better cleared.
    pub(crate) fn is_full(&self) -> bool {
        self.composed.len() > COMPOSED_MAX
    }

    /// Becomes `next`, which has the same size; each cell that differs is given to `write`, in reading order, with
    /// its place and the number of cells that it takes.
    pub(crate) fn turn_into<'a>(&mut self, next: &'a Buffer, mut write: impl FnMut((u16, u16), &'a Cell, u16)) {
        let columns = usize::from(next.area.width);
        for (y, row) in next.content.chunks_exact(columns.max(1)).enumerate() {
            let mut x = 0;
            while x < columns {
                let cell = &row[x];
                let (symbol, cells) = self.symbol(cell.symbol());
                let cells = cells.min(columns - x);
                let seen = Seen { symbol, fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
                let behind = Seen { symbol: BEHIND, ..seen };
                let before = &mut self.cells[y * columns + x..][..cells];
                // Nothing is written behind a wide character without another one in its first cell.
                if before[0] != seen {
                    before.fill(behind);
                    before[0] = seen;
                    write((x as u16, y as u16), cell, cells as u16);
                }
                x += cells;
            }
        }
    }

    /// The number of a symbol, and the cells that it takes.
    fn symbol(&mut self, symbol: &str) -> (u32, usize) {
        if let [byte] = symbol.as_bytes() {
            return (u32::from(*byte), 1);
        }
        let cells = width(symbol).max(1);
        let mut chars = symbol.chars();
        let number = match (chars.next(), chars.next()) {
            (None, _) => BLANK.symbol,
            (Some(char), None) => u32::from(char),
            _ => COMPOSED + self.place(symbol),
        };
        (number, cells)
    }

    fn place(&mut self, symbol: &str) -> u32 {
        let known = self.composed.iter().position(|known| &**known == symbol);
        let place = known.unwrap_or_else(|| {
            self.composed.push(symbol.into());
            self.composed.len() - 1
        });
        place as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::Style;

    fn picture(texts: &[(u16, String, u8)]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        for (at, text, color) in texts {
            buffer.set_string(at % 12, at / 12, text, Style::new().fg(Color::Indexed(*color)));
        }
        buffer
    }

    /// A terminal as strict as can be: writing over half of a wide character erases the other half.
    fn apply(terminal: &mut [Option<(String, Color)>], at: (u16, u16), cell: &Cell, cells: u16) {
        let first = usize::from(at.1) * 12 + usize::from(at.0);
        let halves = |terminal: &mut [Option<(String, Color)>], place: usize| {
            if terminal[place].is_none() {
                terminal[place - 1] = Some(("torn".into(), Color::Reset));
            }
            if place % 12 < 11 && terminal[place + 1].is_none() {
                terminal[place + 1] = Some(("torn".into(), Color::Reset));
            }
        };
        for place in first..first + usize::from(cells) {
            halves(terminal, place);
            terminal[place] = Some((cell.symbol().to_owned(), cell.fg));
        }
        terminal[first + 1..first + usize::from(cells)].fill(None);
    }

    proptest! {
        #[test]
        fn what_is_written_makes_the_next_picture_of_the_last(
            pictures in prop::collection::vec(
                prop::collection::vec((0..24u16, "[ab漢字 \u{e9}]{0,6}|e\u{301}x|\u{1f468}\u{200d}\u{1f469}", 0..3u8), 0..4),
                1..5,
            ),
        ) {
            let mut shown = Shown::blank(Rect::new(0, 0, 12, 2));
            let mut terminal = vec![Some((" ".to_owned(), Color::Reset)); 24];
            for texts in &pictures {
                let next = picture(texts);
                shown.turn_into(&next, |at, cell, cells| apply(&mut terminal, at, cell, cells));
                let mut place = 0;
                while place < 24 {
                    let cell = &next.content[place];
                    prop_assert_eq!(&terminal[place], &Some((cell.symbol().to_owned(), cell.fg)));
                    let cells = width(cell.symbol()).max(1);
                    prop_assert!(terminal[place + 1..place + cells].iter().all(Option::is_none));
                    place += cells;
                }
                let mut again = 0;
                shown.turn_into(&next, |_, _, _| again += 1);
                prop_assert_eq!(again, 0);
            }
        }
    }

    #[test]
    fn a_cell_takes_sixteen_bytes() {
        assert_eq!(size_of::<Seen>(), 16);
    }

    #[test]
    fn symbols_of_several_characters_are_kept_once_and_not_without_end() {
        let mut shown = Shown::blank(Rect::new(0, 0, 12, 2));
        for _ in 0..3 {
            shown.turn_into(&picture(&[(0, "e\u{301}".into(), 0)]), |_, _, _| {});
        }
        assert_eq!(shown.composed.len(), 1);
        for marks in 0..=COMPOSED_MAX as u32 {
            let mark = char::from_u32(0x4e00 + marks).unwrap();
            shown.turn_into(&picture(&[(0, format!("{mark}\u{301}"), 0)]), |_, _, _| {});
        }
        assert!(shown.is_full());
    }
}
