//! Turns stored bytes into what may be drawn: colours kept on request, everything that could harm the terminal neutralised.

use std::borrow::Cow;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

const TAB: usize = 8;
/// A line is drawn up to here; the rest can be copied and saved.
const BYTES_MAX: usize = 64 * 1024;

/// Text that is safe to draw, and where its colours change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Clean {
    /// No control characters, no tabs, no direction marks.
    pub(crate) text: String,
    /// From these byte offsets on, this style; in order.
    pub(crate) runs: Vec<(usize, Style)>,
}

impl Clean {
    /// A part of it.
    pub(crate) fn part(&self, part: Range<usize>) -> Clean {
        let Range { start: from, end: to } = part;
        let before = self.runs.iter().rev().find(|(at, _)| *at <= from).map(|(_, style)| (0, *style));
        let within =
            self.runs.iter().filter(|(at, _)| (from + 1..to).contains(at)).map(|(at, style)| (at - from, *style));
        Clean { runs: before.into_iter().chain(within).collect(), text: self.text[from..to].to_string() }
    }
}

/// Cleans bytes without escape sequences.
pub(crate) fn clean(bytes: &[u8]) -> Clean {
    let mut writer = Writer::default();
    writer.text(&bytes[..bytes.len().min(BYTES_MAX)]);
    writer.clean
}

/// Cleans bytes with escape sequences: colours become runs, every other sequence is left out.
pub(crate) fn clean_ansi(bytes: &[u8]) -> Clean {
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    let mut writer = Writer::default();
    let mut style = Style::new();
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        writer.text(&rest[..at]);
        let (length, sgr) = escape(&rest[at..]);
        if let Some(parameters) = sgr {
            style = apply(style, parameters);
            writer.clean.runs.push((writer.clean.text.len(), style));
        }
        rest = &rest[at + length..];
    }
    writer.text(rest);
    writer.clean
}

/// Cleans a string that is not from a child but may hold anything, such as a file's name.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if printable || !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(clean(text.as_bytes()).text)
}

#[derive(Default)]
struct Writer {
    clean: Clean,
    column: usize,
}

impl Writer {
    fn text(&mut self, bytes: &[u8]) {
        if bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            self.clean.text.extend(bytes.iter().map(|&byte| char::from(byte)));
            self.column += bytes.len();
            return;
        }
        for chunk in bytes.utf8_chunks() {
            for ch in chunk.valid().chars() {
                self.char(ch);
            }
            if !chunk.invalid().is_empty() {
                self.char(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    fn char(&mut self, ch: char) {
        match ch {
            '\t' => {
                let blanks = TAB - self.column % TAB;
                self.clean.text.extend(std::iter::repeat_n(' ', blanks));
                self.column += blanks;
            }
            '\0'..='\x1f' => {
                self.clean.text.extend(['^', char::from(ch as u8 + 64)]);
                self.column += 2;
            }
            _ => {
                let ch = if is_harmful(ch) { char::REPLACEMENT_CHARACTER } else { of_one_cell(ch) };
                self.clean.text.push(ch);
                self.column += unicode_width::UnicodeWidthChar::width(ch).unwrap_or(0);
            }
        }
    }
}

/// The half-width sound marks as their look-alikes: the screen's buffer takes them for wider than they are, and would hide
/// the letter behind them.
pub(crate) fn of_one_cell(ch: char) -> char {
    match ch {
        '\u{ff9e}' => '\u{201d}',
        '\u{ff9f}' => '\u{b0}',
        _ => ch,
    }
}

/// Controls of both sets, the marks that turn the direction of what follows, and the one letter that has three cells for some
/// and one for others (Khmer `et cetera`), so that what is behind it would be drawn elsewhere.
pub(crate) fn is_harmful(ch: char) -> bool {
    ch.is_control()
        || matches!(ch, '\u{17d8}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// The length of the escape sequence at the start of `bytes`, and its parameters if it sets colours.
fn escape(bytes: &[u8]) -> (usize, Option<&[u8]>) {
    match bytes.get(1) {
        Some(b'[') => match bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte)) {
            Some(end) => (end + 3, Some(&bytes[2..2 + end]).filter(|_| bytes[2 + end] == b'm')),
            None => (bytes.len(), None),
        },
        Some(b']' | b'P' | b'^' | b'_' | b'X') => {
            let end = bytes.iter().enumerate().skip(2).find_map(|(i, byte)| match byte {
                0x07 => Some(i + 1),
                0x1b if bytes.get(i + 1) == Some(&b'\\') => Some(i + 2),
                _ => None,
            });
            (end.unwrap_or(bytes.len()), None)
        }
        Some(b'(' | b')' | b'#') => (bytes.len().min(3), None),
        Some(_) => (2, None),
        None => (1, None),
    }
}

fn apply(mut style: Style, parameters: &[u8]) -> Style {
    let numbers: Vec<u16> = parameters
        .split(|byte| matches!(byte, b';' | b':'))
        .map(|part| {
            part.iter().fold(0, |n: u16, d| n.saturating_mul(10).saturating_add(u16::from(d.wrapping_sub(b'0'))))
        })
        .collect();
    let mut rest = numbers.as_slice();
    while let Some((&number, more)) = rest.split_first() {
        rest = more;
        match number {
            0 => style = Style::new(),
            1 => style = style.add_modifier(Modifier::BOLD),
            2 => style = style.add_modifier(Modifier::DIM),
            3 => style = style.add_modifier(Modifier::ITALIC),
            4 => style = style.add_modifier(Modifier::UNDERLINED),
            7 => style = style.add_modifier(Modifier::REVERSED),
            9 => style = style.add_modifier(Modifier::CROSSED_OUT),
            22 => style = style.remove_modifier(Modifier::BOLD | Modifier::DIM),
            23 => style = style.remove_modifier(Modifier::ITALIC),
            24 => style = style.remove_modifier(Modifier::UNDERLINED),
            27 => style = style.remove_modifier(Modifier::REVERSED),
            29 => style = style.remove_modifier(Modifier::CROSSED_OUT),
            30..=37 => style.fg = Some(named(number - 30)),
            39 => style.fg = None,
            40..=47 => style.bg = Some(named(number - 40)),
            49 => style.bg = None,
            90..=97 => style.fg = Some(named(number - 90 + 8)),
            100..=107 => style.bg = Some(named(number - 100 + 8)),
            38 | 48 => {
                let (color, after) = extended(rest);
                rest = after;
                if number == 38 { style.fg = color } else { style.bg = color }
            }
            _ => {}
        }
    }
    style
}

fn extended(rest: &[u16]) -> (Option<Color>, &[u16]) {
    let byte = |n: u16| n.min(255) as u8;
    match rest {
        [5, index, after @ ..] => (Some(Color::Indexed(byte(*index))), after),
        [2, r, g, b, after @ ..] => (Some(Color::Rgb(byte(*r), byte(*g), byte(*b))), after),
        _ => (None, &[]),
    }
}

fn named(index: u16) -> Color {
    use Color::{Black, Blue, Cyan, DarkGray, Gray, Green, Magenta, Red, White, Yellow};
    use Color::{LightBlue, LightCyan, LightGreen, LightMagenta, LightRed, LightYellow};
    let colors = [
        Black,
        Red,
        Green,
        Yellow,
        Blue,
        Magenta,
        Cyan,
        Gray,
        DarkGray,
        LightRed,
        LightGreen,
        LightYellow,
        LightBlue,
        LightMagenta,
        LightCyan,
        White,
    ];
    colors[usize::from(index).min(15)]
}

/// Cells that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// `text`, or as much of it as fits with a `…` after it.
pub(crate) fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    match cells {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned(format!("{}…", &text[..prefix(text, cells - 1)])),
    }
}

/// `text`, or its two ends with a `…` between them: for paths.
pub(crate) fn cut_middle(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells < 3 {
        return cut(text, cells);
    }
    let tail_cells = (cells - 1) / 2 + (cells - 1) % 2;
    let mut tail = text.len();
    let mut taken = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        taken += width(grapheme);
        if taken > tail_cells {
            break;
        }
        tail = at;
    }
    Cow::Owned(format!("{}…{}", &text[..prefix(text, cells - 1 - tail_cells)], &text[tail..]))
}

/// The byte offset up to which `text` fits into `cells`.
pub(crate) fn prefix(text: &str, cells: usize) -> usize {
    if text.is_ascii() {
        return text.len().min(cells);
    }
    let mut taken = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        taken += width(grapheme);
        if taken > cells {
            return at;
        }
    }
    text.len()
}

/// The byte offsets at which the rows of `text` begin when it is wrapped; at least one.
pub(crate) fn wrap(text: &str, cells: usize) -> Vec<usize> {
    let cells = cells.max(1);
    let mut starts = vec![0];
    let mut from = 0;
    while from < text.len() {
        let taken = prefix(&text[from..], cells);
        // One grapheme that is wider than the row still has to go somewhere.
        let taken = if taken == 0 { text[from..].graphemes(true).next().map_or(1, str::len) } else { taken };
        from += taken;
        if from < text.len() {
            starts.push(from);
        }
    }
    starts
}

/// The rows of a text that is to be read: cut between words where there are any; at least one.
pub(crate) fn wrap_words(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut rows: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match rows.last_mut() {
            Some(row) if width(row) + 1 + width(word) <= cells => {
                row.push(' ');
                row.push_str(word);
            }
            _ => {
                let starts = wrap(word, cells);
                let ends = starts.iter().skip(1).copied().chain([word.len()]);
                rows.extend(starts.iter().zip(ends).map(|(from, to)| word[*from..to].to_string()));
            }
        }
    }
    rows
}

/// `text`, filled with blanks or cut, so that it takes exactly `cells`.
pub(crate) fn fit(text: &str, cells: usize) -> String {
    let cut = cut(text, cells);
    let blanks = cells - width(&cut);
    format!("{cut}{:blanks$}", "")
}

/// `text`, with blanks in front of it or cut, so that it takes exactly `cells`.
pub(crate) fn fit_right(text: &str, cells: usize) -> String {
    let cut = cut(text, cells);
    let blanks = cells - width(&cut);
    format!("{:blanks$}{cut}", "")
}

/// Draws at most `cells` of `text` and answers the column after it; nothing is drawn outside the buffer, and nothing
/// harmful, whoever gave the text.
pub(crate) fn put(buffer: &mut Buffer, x: u16, y: u16, cells: u16, text: &str, style: Style) -> u16 {
    let area = buffer.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return x;
    }
    let cells = cells.min(area.right() - x);
    let text = &*safe(text);
    if !text.is_ascii() {
        return buffer.set_stringn(x, y, text, usize::from(cells), style).0;
    }
    let mut column = x;
    for byte in text.bytes().take(usize::from(cells)) {
        if let Some(cell) = buffer.cell_mut((column, y)) {
            cell.set_char(char::from(byte)).set_style(style);
        }
        column += 1;
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_become_runs_and_other_sequences_go() {
        let clean = clean_ansi(b"a\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b[2K\x1b[38;5;200mz");
        assert_eq!(clean.text, "ared linkz");
        assert_eq!(clean.runs[0], (1, Style::new().fg(Color::Red)));
        assert_eq!(clean.runs[1], (4, Style::new()));
        assert_eq!(clean.runs[2], (9, Style::new().fg(Color::Indexed(200))));
    }

    #[test]
    fn controls_tabs_and_direction_marks_are_neutralised() {
        assert_eq!(clean(b"a\tb\x07\x00").text, "a       b^G^@");
        assert_eq!(clean("x\u{202e}y\u{9b}".as_bytes()).text, "x\u{fffd}y\u{fffd}");
        assert_eq!(clean(b"\xff\xfeok").text, "\u{fffd}\u{fffd}ok");
    }

    #[test]
    fn cutting_counts_cells_and_not_letters() {
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut_middle("/home/me/project/file.rs", 12), "/home…ile.rs");
        assert_eq!(fit("漢", 4), "漢  ");
        assert_eq!(wrap("abcdef", 4), [0, 4]);
        assert_eq!(wrap("", 4), [0]);
    }

    #[test]
    fn what_is_drawn_is_harmless_even_if_nobody_has_cleaned_it() {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 12, 1));
        put(&mut buffer, 0, 0, 12, "a\r\x1b[2J\u{9b}\u{202e}z", Style::new());
        let row: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(row, "a^M^[[2J\u{fffd}\u{fffd}z ");
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_what_is_drawn_is_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for clean in [clean(&bytes), clean_ansi(&bytes)] {
                prop_assert!(!clean.text.chars().any(is_harmful));
                prop_assert!(clean.runs.iter().all(|(at, _)| clean.text.is_char_boundary(*at)));
            }
        }

        #[test]
        fn what_is_fitted_takes_its_cells_whatever_the_letters(text in "\\PC{0,30}", cells in 0_usize..20) {
            prop_assert_eq!(width(&fit(&text, cells)), cells, "{:?}", fit(&text, cells));
            prop_assert_eq!(width(&fit_right(&text, cells)), cells);
        }

        #[test]
        fn what_is_cut_or_wrapped_fits(text in "\\PC{0,60}", cells in 1_usize..20) {
            prop_assert!(width(&cut(&text, cells)) <= cells);
            prop_assert!(width(&cut_middle(&text, cells)) <= cells);
            let starts = wrap(&text, cells);
            prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn no_letter_that_is_drawn_takes_more_than_two_cells() {
        let mut drawn = (' '..=char::MAX).filter(|ch| !is_harmful(*ch));
        let wide = drawn.find(|ch| unicode_width::UnicodeWidthChar::width(*ch).is_some_and(|cells| cells > 2));
        assert_eq!(wide, None);
        assert_eq!(safe("a\u{17d8}b"), "a\u{fffd}b");
    }
}
