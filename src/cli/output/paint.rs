//! Colours of printed lines, and what of a child's own escape sequences may reach the terminal.

use crate::wire::ansi::{Piece, pieces};

pub(super) const RESET: &[u8] = b"\x1b[0m";
pub(super) const DIM: &str = "2";
pub(super) const RED: &str = "31";
pub(super) const YELLOW: &str = "33";

/// The colours of processes, in the order of their starts. Red is for errors.
const PALETTE: [&str; 10] = ["36", "35", "32", "34", "33", "96", "95", "92", "94", "93"];

/// The colour of the process that was started in this place.
pub(super) fn colour(place: usize) -> &'static str {
    PALETTE[place % PALETTE.len()]
}

/// Writes `text`, in a colour if there is one.
pub(super) fn paint(out: &mut Vec<u8>, colour: Option<&str>, text: &str) {
    if let Some(colour) = colour {
        out.extend_from_slice(b"\x1b[");
        out.extend_from_slice(colour.as_bytes());
        out.push(b'm');
    }
    out.extend_from_slice(text.as_bytes());
    if colour.is_some() {
        out.extend_from_slice(RESET);
    }
}

/// Writes a child's text: its colours and links only when `coloured`, and nothing that would move the cursor, clear the
/// screen or ring the bell.
pub(super) fn child_text(out: &mut Vec<u8>, bytes: &[u8], coloured: bool) {
    let mut painted = false;
    for piece in pieces(bytes) {
        match piece {
            Piece::Text(text) => printable(out, text),
            Piece::Colour(parameters) if coloured => {
                painted = true;
                out.extend_from_slice(b"\x1b[");
                out.extend_from_slice(parameters);
                out.push(b'm');
            }
            Piece::Other(sequence) if coloured && sequence.starts_with(b"\x1b]8;") => out.extend_from_slice(sequence),
            Piece::Colour(_) | Piece::LineStart(_) | Piece::Other(_) => {}
        }
    }
    if painted {
        out.extend_from_slice(RESET);
    }
}

/// Writes text without its control characters, the tab excepted.
fn printable(out: &mut Vec<u8>, text: &[u8]) {
    let control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    // To the end, found or not: so it is done sixteen bytes at a time.
    if text.iter().fold(false, |found, byte| found | control(byte)) {
        out.extend(text.iter().copied().filter(|byte| !control(byte)));
    } else {
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8], coloured: bool) -> Vec<u8> {
        let mut out = Vec::new();
        child_text(&mut out, bytes, coloured);
        out
    }

    #[test]
    fn colours_of_a_child_are_kept_and_closed_or_stripped() {
        assert_eq!(shown(b"\x1b[31mred", true), b"\x1b[31mred\x1b[0m");
        assert_eq!(shown(b"\x1b[31mred", false), b"red");
        assert_eq!(shown(b"plain \xff\xfe", true), b"plain \xff\xfe");
    }

    #[test]
    fn what_would_disturb_the_screen_never_reaches_it() {
        assert_eq!(shown(b"a\x1b[2J\x1b[H\x07b\x1b[?1049hc\x0e\td", true), b"abc\td");
        assert_eq!(shown(b"\x1b]0;title\x07x\x1b]8;;http://a\x1b\\l", true), b"x\x1b]8;;http://a\x1b\\l");
    }
}
