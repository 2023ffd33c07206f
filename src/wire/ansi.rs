//! Takes terminal escape sequences apart: text, colours, and everything else that a terminal would swallow.
//!
//! [`pieces`] cuts bytes into text and sequences without copying; [`strip`] keeps the text alone; [`Style`] follows the
//! colours. A sequence that never ends does not swallow the rest of the line: its two opening bytes are dropped alone.
//! Eight-bit control codes (0x80–0x9f) are not recognised: in UTF-8 they are parts of letters.

use memchr::{memchr, memchr2};

const ESC: u8 = 0x1b;

/// One piece of a terminal's input, as bytes of that input: all pieces together are the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text, control characters other than ESC included.
    Text(&'a [u8]),
    /// `ESC [ … m`: what stands between, for [`Style::apply`].
    Colour(&'a [u8]),
    /// `ESC [ … G` with column 1: the cursor goes to the start of the line, as `\r` makes it do.
    LineStart(&'a [u8]),
    /// Any other sequence, whole.
    Other(&'a [u8]),
}

/// Cuts `bytes` into text and sequences, in order.
///
/// ```
/// use brummer::wire::ansi::{Piece, pieces};
///
/// let found: Vec<_> = pieces(b"\x1b[1;31merror\x1b[0m: no").collect();
/// assert_eq!(found, [Piece::Colour(b"1;31"), Piece::Text(b"error"), Piece::Colour(b"0"), Piece::Text(b": no")]);
/// ```
pub fn pieces(bytes: &[u8]) -> Pieces<'_> {
    Pieces { rest: bytes }
}

/// The iterator of [`pieces`].
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        if self.rest[0] != ESC {
            let (text, rest) = self.rest.split_at(memchr(ESC, self.rest).unwrap_or(self.rest.len()));
            self.rest = rest;
            return Some(Piece::Text(text));
        }
        let (sequence, rest) = self.rest.split_at(sequence_len(self.rest));
        self.rest = rest;
        let Some((&last, parameters)) = sequence.strip_prefix(b"\x1b[").and_then(<[u8]>::split_last) else {
            return Some(Piece::Other(sequence));
        };
        Some(match (last, parameters) {
            (b'm', p) if p.iter().all(|b| b.is_ascii_digit() || matches!(b, b';' | b':')) => Piece::Colour(p),
            (b'G', b"" | b"0" | b"1") => Piece::LineStart(sequence),
            _ => Piece::Other(sequence),
        })
    }
}

/// The length of the sequence at the start of `bytes`, which starts with ESC.
fn sequence_len(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        None => 1,
        Some(b'[') => {
            let end = bytes[2..].iter().position(|b| !(0x20..=0x3f).contains(b)).map_or(bytes.len(), |at| at + 2);
            // The final byte belongs to it; any other byte breaks the sequence off and is text.
            if bytes.get(end).is_some_and(|b| (0x40..=0x7e).contains(b)) { end + 1 } else { end }
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => match memchr2(ESC, 0x07, &bytes[2..]).map(|at| at + 2) {
            Some(end) if bytes[end] == 0x07 => end + 1,
            Some(end) if bytes.get(end + 1) == Some(&b'\\') => end + 2,
            _ => 2,
        },
        Some(0x20..=0x2f) => {
            let end = bytes[1..].iter().position(|b| !(0x20..=0x2f).contains(b)).map_or(bytes.len(), |at| at + 1);
            if bytes.get(end).is_some_and(|b| (0x30..=0x7e).contains(b)) { end + 1 } else { end }
        }
        Some(0x30..=0x7e) => 2,
        Some(_) => 1,
    }
}

/// Appends the text of `bytes` to `plain`, without any sequence.
pub fn strip(bytes: &[u8], plain: &mut Vec<u8>) {
    for piece in pieces(bytes) {
        if let Piece::Text(text) = piece {
            plain.extend_from_slice(text);
        }
    }
}

/// The longest start of a sequence that [`strip_start`] waits for the rest of.
const OPEN_BYTES_MAX: usize = 4 << 10;

/// Like [`strip`], for bytes that go on elsewhere: gives back the start of a sequence at their end that may go on there,
/// at most 4 KiB of it. Put what follows behind it and strip both.
///
/// ```
/// let mut plain = Vec::new();
/// let open = brummer::wire::ansi::strip_start(b"one \x1b[3", &mut plain);
/// assert_eq!((&plain[..], open), (&b"one "[..], &b"\x1b[3"[..]));
/// ```
pub fn strip_start<'a>(bytes: &'a [u8], plain: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = bytes;
    while let Some(at) = memchr(ESC, rest) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        if rest.len() <= OPEN_BYTES_MAX && is_open(rest) {
            return rest;
        }
        rest = &rest[sequence_len(rest)..];
    }
    plain.extend_from_slice(rest);
    &[]
}

/// Whether the sequence at the start of `bytes`, which starts with ESC, could go on behind them.
fn is_open(bytes: &[u8]) -> bool {
    match bytes.get(1) {
        None => true,
        Some(b'[') => bytes[2..].iter().all(|b| (0x20..=0x3f).contains(b)),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            memchr2(ESC, 0x07, &bytes[2..]).is_none_or(|at| bytes[at + 2] == ESC && at + 3 == bytes.len())
        }
        Some(0x20..=0x2f) => bytes[1..].iter().all(|b| (0x20..=0x2f).contains(b)),
        Some(_) => false,
    }
}

/// Whether nothing of `bytes` can be seen: only sequences and white space.
pub fn is_blank(bytes: &[u8]) -> bool {
    pieces(bytes).all(|piece| !matches!(piece, Piece::Text(text) if !text.trim_ascii().is_empty()))
}

/// A colour as the program asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// One of the 256 indexed colours; 0–7 are the normal ones, 8–15 the bright ones.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How text looks after the colour sequences so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The text's colour; `None` is the terminal's own.
    pub foreground: Option<Colour>,
    /// The colour behind it.
    pub background: Option<Colour>,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined, in any way.
    pub underline: bool,
    /// Foreground and background swapped.
    pub reverse: bool,
    /// Not to be seen.
    pub hidden: bool,
    /// Struck through.
    pub strike: bool,
}

impl Style {
    /// Follows the parameters of one [`Piece::Colour`]; what is not known is passed over.
    ///
    /// ```
    /// use brummer::wire::ansi::{Colour, Style};
    ///
    /// let mut style = Style::default();
    /// style.apply(b"1;38;5;208;48;2;1;2;3");
    /// assert!(style.bold);
    /// assert_eq!(style.foreground, Some(Colour::Indexed(208)));
    /// assert_eq!(style.background, Some(Colour::Rgb(1, 2, 3)));
    /// style.apply(b"");
    /// assert_eq!(style, Style::default());
    /// ```
    pub fn apply(&mut self, parameters: &[u8]) {
        let mut groups = parameters.split(|&b| b == b';');
        while let Some(group) = groups.next() {
            let mut parts = group.split(|&b| b == b':').map(number);
            let code = parts.next().unwrap_or(0);
            match code {
                0 => *self = Style::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = parts.next() != Some(0),
                7 => self.reverse = true,
                8 => self.hidden = true,
                9 => self.strike = true,
                21 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.reverse = false,
                28 => self.hidden = false,
                29 => self.strike = false,
                30..=37 => self.foreground = Some(Colour::Indexed(code as u8 - 30)),
                40..=47 => self.background = Some(Colour::Indexed(code as u8 - 40)),
                90..=97 => self.foreground = Some(Colour::Indexed(code as u8 - 90 + 8)),
                100..=107 => self.background = Some(Colour::Indexed(code as u8 - 100 + 8)),
                39 => self.foreground = None,
                49 => self.background = None,
                38 | 48 => {
                    let colour = if group.contains(&b':') {
                        extended_with_colons(parts)
                    } else {
                        extended(&mut groups.by_ref().map(number))
                    };
                    let place = if code == 38 { &mut self.foreground } else { &mut self.background };
                    *place = colour.or(*place);
                }
                _ => {}
            }
        }
    }
}

/// `5;n` or `2;r;g;b`.
fn extended(parts: &mut dyn Iterator<Item = u16>) -> Option<Colour> {
    let byte = |parts: &mut dyn Iterator<Item = u16>| parts.next().and_then(|n| u8::try_from(n).ok());
    match parts.next()? {
        5 => byte(parts).map(Colour::Indexed),
        2 => Some(Colour::Rgb(byte(parts)?, byte(parts)?, byte(parts)?)),
        _ => None,
    }
}

/// `5:n`, `2:r:g:b` or `2:colour space:r:g:b`.
fn extended_with_colons(parts: impl Iterator<Item = u16>) -> Option<Colour> {
    let mut all = [0; 6];
    let count = parts.zip(&mut all).map(|(from, to)| *to = from).count();
    let skipped = usize::from(all[0] == 2 && count >= 5);
    extended(&mut all[..1].iter().chain(&all[1 + skipped..count.max(1 + skipped)]).copied())
}

/// A decimal number; missing is 0, too big is the biggest.
fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0u16, |n, b| n.saturating_mul(10).saturating_add(u16::from(b.saturating_sub(b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        strip(text, &mut out);
        out
    }

    #[test]
    fn every_kind_of_sequence_is_taken_out() {
        for text in [
            &b"\x1b[31mred\x1b[0m"[..],
            b"\x1b]8;;http://x\x07red\x1b]8;;\x1b\\",
            b"\x1bPq#0\x1b\\red",
            b"\x1b(Br\x1b=ed\x1b[?25l",
            b"r\x1b[2K\x1b[1Ged\x1b",
        ] {
            assert_eq!(plain(text), b"red", "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_sequence_that_never_ends_keeps_the_text_after_it() {
        assert_eq!(plain(b"\x1b]0;title and no end"), b"0;title and no end");
        assert_eq!(plain(b"\x1b[31\nx"), b"\nx");
        assert_eq!(plain(b"\x1b\xc3\xa4"), "ä".as_bytes());
    }

    #[test]
    fn a_style_follows_codes_with_semicolons_and_colons() {
        let mut style = Style::default();
        style.apply(b"38:2::10:20:30;4:3;97;1");
        assert_eq!(style.foreground, Some(Colour::Indexed(15)));
        assert!(style.underline && style.bold);
        style.apply(b"38:2::10:20:30");
        assert_eq!(style.foreground, Some(Colour::Rgb(10, 20, 30)));
        style.apply(b"48:5:7;22;24");
        assert_eq!((style.background, style.bold, style.underline), (Some(Colour::Indexed(7)), false, false));
        style.apply(b"38;9;38");
        style.apply(b"38:;38;5;999;48:2");
    }

    proptest! {
        #[test]
        fn a_text_is_stripped_in_two_parts_as_in_one(text in "([\x1b\\[\\];mG0-9a-c\x07\\\\ (]|é){0,40}", cut: proptest::sample::Index) {
            let text = text.as_bytes();
            let (before, after) = text.split_at(cut.index(text.len() + 1));
            let mut parts = Vec::new();
            let rest = strip_start(before, &mut parts);
            strip(&[rest, after].concat(), &mut parts);
            prop_assert_eq!(parts, plain(text));
        }

        #[test]
        fn pieces_give_back_all_bytes_and_plain_text_has_no_escape(bytes: Vec<u8>, tail in "[\x1b\\[\\];mG0-9a-c\x07\\\\]{0,40}") {
            let bytes = [bytes, tail.into_bytes()].concat();
            let total: usize = pieces(&bytes).map(|piece| match piece {
                Piece::Text(t) | Piece::Other(t) | Piece::LineStart(t) => t.len(),
                Piece::Colour(p) => p.len() + 3,
            }).sum();
            prop_assert_eq!(total, bytes.len());
            prop_assert!(!plain(&bytes).contains(&ESC));
            for piece in pieces(&bytes) {
                if let Piece::Colour(p) = piece { Style::default().apply(p); }
            }
        }
    }
}
