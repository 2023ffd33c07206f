//! Progress lines: of a line that was written over with `\r`, the last state that can be seen is kept.

use memchr::{memchr, memchr2, memrchr};

use crate::wire::ansi::{self, Piece};

/// The last state of the line that is not blank; the whole line if it was never written over.
#[inline]
pub(super) fn last_state(text: &[u8]) -> &[u8] {
    match memchr2(b'\r', 0x1b, text) {
        None => text,
        Some(_) => after_line_start(after_return(text)),
    }
}

/// What stands after the last `\r` that has something to see behind it.
fn after_return(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let Some(at) = memrchr(b'\r', rest) {
        let state = &rest[at + 1..];
        if !ansi::is_blank(state) {
            return state;
        }
        rest = &rest[..at];
    }
    rest
}

/// The same for the sequence that sets the cursor to the first column.
fn after_line_start(text: &[u8]) -> &[u8] {
    if memchr(0x1b, text).is_none() {
        return text;
    }
    let (mut at, mut state, mut last_seen) = (0, 0, 0);
    for piece in ansi::pieces(text) {
        match piece {
            Piece::LineStart(sequence) => {
                at += sequence.len();
                state = at;
            }
            Piece::Text(t) => {
                at += t.len();
                if !t.trim_ascii().is_empty() {
                    last_seen = state;
                }
            }
            Piece::Colour(parameters) => at += parameters.len() + 3,
            Piece::Other(sequence) => at += sequence.len(),
        }
    }
    &text[last_seen..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_state_that_can_be_seen_is_kept() {
        for (text, kept) in [
            (&b"plain"[..], &b"plain"[..]),
            (b"10%\r50%\r100%", b"100%"),
            (b"10%\r100%\r", b"100%"),
            (b"10%\r100%\r \x1b[K\r", b"100%"),
            (b"\r\r", b""),
            (b"a\x1b[2K\x1b[1Gb", b"b"),
            (b"a\x1b[1Gb\x1b[G\x1b[K", b"b\x1b[G\x1b[K"),
            (b"\x1b[31mred\x1b[0m", b"\x1b[31mred\x1b[0m"),
            (b"a\r\x1b[31mred\x1b[0m", b"\x1b[31mred\x1b[0m"),
        ] {
            assert_eq!(last_state(text), kept, "{}", text.escape_ascii());
        }
    }
}
