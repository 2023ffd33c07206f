//! Bytes of a child → lines for a sink: every byte can be told again from the pieces, their order and their endings.

use crate::event::{Ending, ProcessId, Stream};

/// The longest piece of a line that is handed on; a longer line comes in several, all but the last `Continued`.
pub const PIECE_BYTES_MAX: usize = 32 * 1024;

/// Takes the lines of one process. Called on the reactor's thread, so it must not block.
pub trait OutputSink: Send {
    /// Whether it takes more lines now. While it does not, the process is not read from and so held back by its full pipe,
    /// but for what it has written by its end. Whoever makes room calls [`ProcessManager::look_again`].
    ///
    /// [`ProcessManager::look_again`]: crate::process::ProcessManager::look_again
    fn has_room(&self) -> bool {
        true
    }

    /// A line, or a piece of a long one, without its ending.
    fn line(&mut self, stream: Stream, text: &[u8], ending: Ending);

    /// Whole lines that were read at once, each with its newline: the same as [`line`](OutputSink::line) for each of them
    /// (see [`Cut::each`]), for a sink that does better with many.
    fn lines(&mut self, stream: Stream, text: &[u8]) {
        Cut::Lines(text).each(|text, ending| self.line(stream, text, ending));
    }

    /// What stands at the end of a stream without a newline, a prompt for example: all of it so far. The next `partial` or
    /// `line` of the same stream takes its place.
    fn partial(&mut self, stream: Stream, text: &[u8]);

    /// What was handed over since the last call is complete for now and should become visible.
    fn publish(&mut self);
}

/// Opens the sink of each new process.
pub trait OutputSinks: Send + Sync {
    /// The sink of one process; it is dropped when nobody can write to it any more.
    fn open(&self, id: ProcessId, name: &str) -> Box<dyn OutputSink>;
}

/// What was cut off a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut<'a> {
    /// Whole lines, each with its newline. A line among them may be longer than a piece.
    Lines(&'a [u8]),
    /// A line, or a piece of a long one, without its ending.
    Piece(&'a [u8], Ending),
}

impl Cut<'_> {
    /// Hands on each line, or each piece of a long one.
    pub fn each(self, mut line: impl FnMut(&[u8], Ending)) {
        match self {
            Cut::Piece(text, ending) => line(text, ending),
            Cut::Lines(text) => {
                let mut from = 0;
                for newline in memchr::memchr_iter(b'\n', text) {
                    each_piece(&text[from..newline], &mut line);
                    from = newline + 1;
                }
            }
        }
    }
}

/// Cuts a line that stood before a newline into pieces, one if it is not long.
fn each_piece(mut text: &[u8], line: &mut impl FnMut(&[u8], Ending)) {
    while text.len() > PIECE_BYTES_MAX {
        let (piece, rest) = text.split_at(PIECE_BYTES_MAX);
        line(piece, Ending::Continued);
        text = rest;
    }
    let (text, ending) = Ending::of_line(text);
    line(text, ending);
}

/// Cuts one stream of a child into lines.
#[derive(Debug)]
pub struct LineCutter {
    stream: Stream,
    /// The beginning of a line whose end has not come yet; never longer than a piece.
    open: Vec<u8>,
    /// How much of `open` was shown.
    shown: usize,
}

impl LineCutter {
    /// A cutter that has seen nothing.
    pub fn new(stream: Stream) -> LineCutter {
        LineCutter { stream, open: Vec::new(), shown: 0 }
    }

    /// Takes what was read and hands on what is finished: at most the line that was open, then whole lines in one.
    pub fn feed(&mut self, mut bytes: &[u8], to: &mut impl FnMut(Stream, Cut<'_>)) {
        if !self.open.is_empty()
            && let Some(newline) = memchr::memchr(b'\n', bytes)
        {
            self.append(&bytes[..newline], to);
            let (text, ending) = Ending::of_line(&self.open);
            to(self.stream, Cut::Piece(text, ending));
            self.open.clear();
            self.shown = 0;
            bytes = &bytes[newline + 1..];
        }
        if self.open.is_empty()
            && let Some(last) = memchr::memrchr(b'\n', bytes)
        {
            let (lines, rest) = bytes.split_at(last + 1);
            to(self.stream, Cut::Lines(lines));
            bytes = rest;
        }
        self.append(bytes, to);
    }

    /// The output has ended: what is open is a line without a newline.
    pub fn finish(&mut self, to: &mut impl FnMut(Stream, Cut<'_>)) {
        if !self.open.is_empty() {
            to(self.stream, Cut::Piece(&self.open, Ending::None));
            self.open.clear();
        }
        self.shown = 0;
    }

    /// The open line, if it has grown since the last call.
    pub fn unseen(&mut self) -> Option<&[u8]> {
        let grown = self.open.len() > self.shown;
        self.shown = self.open.len();
        grown.then_some(&self.open)
    }

    fn append(&mut self, mut bytes: &[u8], to: &mut impl FnMut(Stream, Cut<'_>)) {
        while self.open.len() + bytes.len() > PIECE_BYTES_MAX {
            let (head, rest) = bytes.split_at(PIECE_BYTES_MAX - self.open.len());
            self.open.extend_from_slice(head);
            to(self.stream, Cut::Piece(&self.open, Ending::Continued));
            self.open.clear();
            self.shown = 0;
            bytes = rest;
        }
        self.open.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Piece = (Vec<u8>, Ending);

    fn cut(chunks: &[&[u8]]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut keep = |_: Stream, cut: Cut<'_>| cut.each(|text, ending| pieces.push((text.to_vec(), ending)));
        let mut cutter = LineCutter::new(Stream::Out);
        chunks.iter().for_each(|chunk| cutter.feed(chunk, &mut keep));
        cutter.finish(&mut keep);
        pieces
    }

    fn bytes_of(pieces: &[Piece]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (text, ending) in pieces {
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(match ending {
                Ending::Newline => b"\n",
                Ending::CarriageReturnNewline => b"\r\n",
                Ending::None | Ending::Continued => b"",
            });
        }
        bytes
    }

    #[test]
    fn pm10_lines_endings_and_a_last_line_without_newline_are_kept_apart() {
        let pieces = cut(&[b"one\ntw", b"o\r\n\n", b"\xff\0three"]);
        let expected: Vec<Piece> = vec![
            (b"one".to_vec(), Ending::Newline),
            (b"two".to_vec(), Ending::CarriageReturnNewline),
            (b"".to_vec(), Ending::Newline),
            (b"\xff\0three".to_vec(), Ending::None),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn pm10_a_long_line_comes_in_pieces() {
        let long = vec![b'x'; PIECE_BYTES_MAX * 2 + 5];
        let whole = [&long[..], b"\n"].concat();
        for pieces in [cut(&[&whole]), cut(&whole.chunks(1000).collect::<Vec<_>>())] {
            let endings: Vec<Ending> = pieces.iter().map(|(_, ending)| *ending).collect();
            assert_eq!(endings, [Ending::Continued, Ending::Continued, Ending::Newline]);
            assert_eq!(bytes_of(&pieces), whole);
        }
    }

    #[test]
    fn pm10_a_line_as_long_as_a_piece_is_cut_alike_however_it_was_read() {
        for extra in 0..3 {
            for end in ["\n", "\r\n", "\r\r\nx"] {
                let whole = [&vec![b'x'; PIECE_BYTES_MAX - 1 + extra][..], end.as_bytes()].concat();
                assert_eq!(cut(&[&whole]), cut(&whole.chunks(1000).collect::<Vec<_>>()), "{extra} {end:?}");
            }
        }
    }

    #[test]
    fn an_open_line_is_seen_once_and_again_when_it_has_grown() {
        let mut cutter = LineCutter::new(Stream::Out);
        let mut ignore = |_: Stream, _: Cut<'_>| {};
        cutter.feed(b"done\nName", &mut ignore);
        assert_eq!(cutter.unseen(), Some(&b"Name"[..]));
        assert_eq!(cutter.unseen(), None);
        cutter.feed(b": ", &mut ignore);
        assert_eq!(cutter.unseen(), Some(&b"Name: "[..]));
        cutter.feed(b"x\n", &mut ignore);
        assert_eq!(cutter.unseen(), None);
    }

    proptest! {
        #[test]
        fn pm10_the_bytes_can_be_told_from_the_pieces_however_they_were_read(
            bytes in proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n'), 1 => Just(b'\r')], 0..400),
            size in 1usize..50,
        ) {
            let pieces = cut(&bytes.chunks(size).collect::<Vec<_>>());
            prop_assert_eq!(bytes_of(&pieces), bytes.clone());
            prop_assert_eq!(pieces, cut(&[&bytes]));
        }
    }
}
