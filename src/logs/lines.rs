//! Many lines at once: what is looked for in a line is looked for in all of them with one scan, ahead of the line at hand.
//!
//! A scan of a few dozen bytes is mostly its start and its end. So each scan runs over the whole text that was read, to the
//! next place where it finds something, and a line without such a place costs one comparison. Lines that stay ordinary
//! in all respects are copied together, as they stand.

use memchr::{memchr, memchr2};

use crate::event::{Ending, Level, Stream};
use crate::wire::url;

use super::errors::Tracker;
use super::levels::{self, Levels};
use super::writer::{Known, PIECE_BYTES_MAX, RUN_MAX, Writer};

/// A text of whole lines, each with its newline, on its way into the store; made by [`Writer::look_ahead`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a [u8],
    /// Where the next line starts.
    at: usize,
    /// The first byte at or behind `at` that is a `\r` or begins an escape sequence. This and the others may lie before `at`:
    /// then the next one is still to be looked for.
    control: usize,
    /// The same for what may say something about a level.
    place: usize,
    /// The same for a colon that may be part of a URL.
    colon: usize,
}

/// One line of the text, without its newline.
struct Found<'a> {
    start: usize,
    line: &'a [u8],
    /// Whether it is kept as it stands: no `\r`, no escape sequence, not too long.
    is_plain: bool,
    known: Known,
}

impl<'a> Lines<'a> {
    /// Whether all lines were taken.
    pub fn is_empty(&self) -> bool {
        self.at == self.text.len()
    }

    /// The next line.
    #[inline]
    fn next(&mut self, levels: &Levels) -> Option<Found<'a>> {
        let (text, start) = (self.text, self.at);
        if start == text.len() {
            return None;
        }
        let end = memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at);
        self.at = (end + 1).min(text.len());
        let line = &text[start..end];
        if self.control < start {
            self.control = next_control(text, start);
        }
        let is_plain = self.control >= end && line.len() <= PIECE_BYTES_MAX;
        if !is_plain {
            return Some(Found { start, line, is_plain, known: Known::default() });
        }
        if self.place < start {
            self.place = levels.next_place(text, start);
        }
        if self.colon < start {
            self.colon = url::next_colon(text, start);
        }
        let known = Known { no_place_before: self.place - start, no_colon_before: self.colon - start };
        Some(Found { start, line, is_plain, known })
    }
}

impl Found<'_> {
    /// Whether there is nothing to be noticed about it when its writer is at ease.
    #[inline]
    fn is_ordinary(&self) -> bool {
        let len = self.line.len();
        self.is_plain
            && self.known.no_place_before >= len
            && self.known.no_colon_before >= len
            && !levels::has_a_sign(self.line)
            && Tracker::starts_nothing(Level::Info, self.line)
    }
}

fn next_control(text: &[u8], from: usize) -> usize {
    memchr2(b'\r', 0x1b, &text[from..]).map_or(text.len(), |at| from + at)
}

impl Writer {
    /// Prepares whole lines, each with its newline, for [`Writer::lines`].
    pub fn look_ahead<'a>(&self, text: &'a [u8]) -> Lines<'a> {
        debug_assert!(text.is_empty() || text.ends_with(b"\n"), "whole lines");
        let (place, colon) = (self.levels().next_place(text, 0), url::next_colon(text, 0));
        Lines { text, at: 0, control: next_control(text, 0), place, colon }
    }

    /// Appends the next lines, at most `most`, as [`Writer::line`] does for each; says how many they were.
    ///
    /// ```
    /// use brummer::event::{ProcessId, Stream};
    /// use brummer::logs::{LogLimits, LogStore};
    ///
    /// let store = LogStore::new(LogLimits::default());
    /// let mut writer = store.writer(ProcessId(1), "web");
    /// let mut lines = writer.look_ahead(b"one\ntwo\r\nthree\n");
    /// assert_eq!((writer.lines(Stream::Out, &mut lines, 2), lines.is_empty()), (2, false));
    /// assert_eq!((writer.lines(Stream::Out, &mut lines, 2), lines.is_empty()), (1, true));
    /// assert_eq!(writer.publish().lines, 3);
    /// ```
    pub fn lines(&mut self, stream: Stream, lines: &mut Lines<'_>, most: u32) -> u32 {
        let mut ends = [0; RUN_MAX as usize];
        let (mut count, mut from) = (0, lines.at);
        let mut at_ease = self.is_at_ease(stream);
        let mut taken = 0;
        while taken < most
            && let Some(found) = lines.next(self.levels())
        {
            taken += 1;
            if at_ease && found.is_ordinary() {
                ends[count] = (lines.at - from) as u32;
                count += 1;
            } else {
                self.keep_run(stream, &lines.text[from..found.start], &ends[..count]);
                (count, from) = (0, lines.at);
                self.keep_one(stream, &found);
                at_ease = self.is_at_ease(stream);
            }
            if count == ends.len() {
                self.keep_run(stream, &lines.text[from..lines.at], &ends);
                (count, from) = (0, lines.at);
            }
        }
        self.keep_run(stream, &lines.text[from..lines.at], &ends[..count]);
        taken
    }

    fn keep_run(&mut self, stream: Stream, text: &[u8], ends: &[u32]) {
        if !ends.is_empty() {
            self.keep_ordinary(stream, text, 0, ends);
        }
    }

    fn keep_one(&mut self, stream: Stream, found: &Found<'_>) {
        let mut text = found.line;
        if found.is_plain {
            return self.keep(stream, text, text, Ending::Newline, Level::Debug, found.known);
        }
        while text.len() > PIECE_BYTES_MAX {
            let (piece, rest) = text.split_at(PIECE_BYTES_MAX);
            self.piece(stream, piece, Ending::Continued, Level::Debug);
            text = rest;
        }
        let (text, ending) = Ending::of_line(text);
        self.piece(stream, text, ending, Level::Debug);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::event::{Ending, Level, ProcessId, Stream};
    use crate::logs::{LogLimits, LogStore, UrlRecord};

    type Kept = (Vec<u8>, Vec<u8>, Level, Ending, bool);
    type Counts = (u32, u32, usize, usize);

    /// What the store keeps of the text, and what was noticed, with the lines given together or one by one.
    fn kept(text: &[u8], together: Option<u32>) -> (Vec<Kept>, Vec<String>, Vec<String>, Counts) {
        let store = LogStore::new(LogLimits::default());
        let mut writer = store.writer(ProcessId(1), "web");
        let mut counts = (0, 0, 0, 0);
        let mut publish = |writer: &mut crate::logs::Writer| {
            let published = writer.publish();
            counts.0 += published.lines;
            counts.1 += published.error_lines;
            counts.2 += published.errors.len();
            counts.3 += published.urls.len();
        };
        match together {
            Some(most) => {
                let mut lines = writer.look_ahead(text);
                while !lines.is_empty() {
                    assert!(writer.lines(Stream::Out, &mut lines, most) > 0);
                    publish(&mut writer);
                }
            }
            None => {
                for line in text.split_inclusive(|b| *b == b'\n') {
                    let (line, ending) = Ending::of_line(&line[..line.len() - 1]);
                    writer.line(Stream::Out, line, ending);
                    publish(&mut writer);
                }
            }
        }
        drop(writer);
        let snapshot = store.snapshot();
        let lines =
            snapshot.after(0).map(|l| (l.raw.to_vec(), l.plain.to_vec(), l.level, l.ending, l.is_stack)).collect();
        let url = |u: UrlRecord| format!("{} {} {}", u.url, u.count, u.is_local);
        let errors =
            store.errors().iter().map(|e| format!("{:?} {} {} {}", e.level, e.count, e.message, e.stack)).collect();
        (lines, store.urls().into_iter().map(url).collect(), errors, counts)
    }

    /// Lines that are ordinary, and lines that are noticed in each of the ways.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let noticed = prop::sample::select(vec![
            "error: it broke",
            "    at f (/a.js:1:2)",
            "WARN low",
            "done: 0 errors",
            "http://localhost:3000/x",
            "see 127.0.0.1:80, https://a.dev",
            "12:34:56 up",
            "\x1b[31mred\x1b[0m",
            "10%\r20%",
            "win\r",
            "\r",
            "✖ no",
            "  ✗ no",
            "/src/cart.js:14",
            "Traceback (most recent call last):",
            "  File \"a.py\", line 1",
            "ValueError: bad",
            "",
            " ",
            "}",
            "{\"level\":50,\"msg\":\"x\"}",
            "level=warn x",
            "segmentation",
            "fault",
            "localhost:",
            "3000",
            "err",
            "\x1b[",
            "panic: x",
        ]);
        prop_oneof![
            4 => "[a-z ]{0,30}".prop_map(String::into_bytes),
            4 => noticed.prop_map(|text| text.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>().prop_map(|b| if b == b'\n' { b'.' } else { b }), 0..60),
            1 => (0usize..300).prop_map(|len| vec![b'x'; len]),
        ]
    }

    proptest! {
        #[test]
        fn lines_given_together_are_kept_and_noticed_as_if_given_one_by_one(
            lines in prop::collection::vec(line(), 0..150),
            most in prop_oneof![1u32..5, 60u32..70, Just(u32::MAX)],
        ) {
            let text: Vec<u8> = lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect();
            let (one, many) = (kept(&text, None), kept(&text, Some(most)));
            prop_assert_eq!(&one.0, &many.0);
            prop_assert_eq!(&one.1, &many.1);
            prop_assert_eq!(&one.2, &many.2);
            prop_assert_eq!((one.3.0, one.3.1), (many.3.0, many.3.1));
        }
    }

    #[test]
    fn a_long_run_crosses_segments_and_leaves_no_gap() {
        let text: Vec<u8> = (0..20_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let store = LogStore::new(LogLimits::default());
        let mut writer = store.writer(ProcessId(1), "web");
        let mut lines = writer.look_ahead(&text);
        assert_eq!(writer.lines(Stream::Out, &mut lines, u32::MAX), 20_000);
        let published = writer.publish();
        assert_eq!((published.lines, published.last_seq - published.first_seq), (20_000, 19_999));
        let expected: Vec<String> = (0..20_000).map(|n| format!("line {n}")).collect();
        let found: Vec<String> =
            store.snapshot().after(0).map(|line| String::from_utf8_lossy(line.plain).into_owned()).collect();
        assert_eq!(found, expected);
    }
}
