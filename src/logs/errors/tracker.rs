//! Follows the lines of one process and puts the lines of one error together: message, stack, causes.
//!
//! Only lines that are errors start anything, and other lines are looked at only while an error is open, so a process
//! without errors pays one comparison a line. Standard output and standard error are followed apart.

use std::borrow::Cow;

use crate::event::{Level, Stream};

use super::fingerprint::fingerprint;
use super::javascript;
use super::json;
use super::language::{self, Language, Message};

/// Stack lines kept of one error.
pub(super) const STACK_LINES_MAX: usize = 50;
/// Bytes kept of one error's stack.
pub(super) const STACK_BYTES_MAX: usize = 8 * 1024;
/// Lines from a place to the error that it is the place of: source, marks, a blank line.
const EXCERPT_LINES_MAX: usize = 4;
/// Bytes kept of a message or of one stack line.
pub(super) const LINE_BYTES_MAX: usize = 1000;
/// Lines that one error can claim, kept or not; what goes on longer is a log that happens to be indented.
const LINES_MAX: u32 = 500;
/// A line that comes later than this is no part of the error before it.
const GAP_MS_MAX: u64 = 2_000;

/// One error as it was seen, or what was added to one since it was last reported.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    pub(crate) fingerprint: u64,
    pub(crate) level: Level,
    pub(crate) language: Option<&'static str>,
    pub(crate) message: String,
    pub(crate) stack: String,
    /// Sequence of the line it started with, and of the last that belongs to it.
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) time_ms: u64,
    /// How often it was seen since the last report: 0 when only its stack grew.
    pub(crate) count: u64,
}

/// One line, as the tracker wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) seq: u64,
    pub(crate) time_ms: u64,
    pub(crate) stream: Stream,
    pub(crate) level: Level,
    /// Without escape sequences.
    pub(crate) plain: &'a [u8],
}

/// An error whose lines are still coming.
#[derive(Debug)]
struct Open {
    error: Tracked,
    language: Option<&'static Language>,
    awaits: Message,
    stack_lines: usize,
    lines: u32,
    last_ms: u64,
    after_blank: bool,
    /// Its message is that of a later exception, raised while the first was handled.
    is_chained: bool,
    /// It has changed since it was last reported.
    changed: bool,
}

/// Puts the errors of one process together.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    open: [Option<Open>; 2],
    /// The place and the source line that Node prints before an error, while it may still come.
    excerpt: [Vec<Vec<u8>>; 2],
    closed: Vec<Tracked>,
}

impl Tracker {
    /// Takes one line in; says whether it belongs to an error that started before it, the source that Node prints between
    /// an error's place and the error itself included.
    #[inline]
    pub(crate) fn line(&mut self, line: Seen<'_>) -> bool {
        if self.is_idle(line.stream) && Tracker::starts_nothing(line.level, line.plain) {
            return false;
        }
        self.follow(line)
    }

    /// Whether such a line means nothing while its stream [is idle](Tracker::is_idle).
    #[inline]
    pub(crate) fn starts_nothing(level: Level, plain: &[u8]) -> bool {
        level < Level::Error && !javascript::is_place(plain)
    }

    /// Whether no error of this stream is open, nor may come after what was said last.
    #[inline]
    pub(crate) fn is_idle(&self, stream: Stream) -> bool {
        self.open[stream as usize].is_none() && self.excerpt[stream as usize].is_empty()
    }

    fn follow(&mut self, line: Seen<'_>) -> bool {
        let text = line.plain.trim_ascii_end();
        let slot = line.stream as usize;
        let mut level = line.level;
        if let Some(open) = &mut self.open[slot] {
            if open.takes(&line, text) {
                return true;
            }
            if text.is_empty() && (!open.after_blank || open.spans_blanks()) {
                open.after_blank = true;
                return false;
            }
            if open.is_followed_by(text) {
                level = level.max(open.error.level);
            }
            self.close(slot);
        }
        if level >= Level::Error && !text.is_empty() {
            let mut open = Open::new(&Seen { level, ..line }, text);
            self.excerpt[slot].drain(..).filter(|text| !text.is_empty()).for_each(|text| open.push(&text));
            self.open[slot] = Some(open);
            return false;
        }
        self.keep_excerpt(slot, text)
    }

    /// Keeps what may turn out to be the source that an error points at; says whether the line looks like that: it stands
    /// right behind a place, or marks something.
    fn keep_excerpt(&mut self, slot: usize, text: &[u8]) -> bool {
        let (excerpt, begins) = (&mut self.excerpt[slot], javascript::is_place(text));
        if begins || excerpt.len() == EXCERPT_LINES_MAX {
            excerpt.clear();
        }
        if begins || !excerpt.is_empty() {
            excerpt.push(text[..text.len().min(LINE_BYTES_MAX)].to_vec());
        }
        let is_source = excerpt.len() == 2 && !text.is_empty();
        is_source || excerpt.len() > 2 && javascript::is_marks(text)
    }

    fn close(&mut self, slot: usize) {
        if let Some(open) = self.open[slot].take()
            && open.changed
        {
            self.report(open.error);
        }
    }

    /// Adds to what the next report says; equal errors of one batch become one.
    fn report(&mut self, error: Tracked) {
        let same = self.closed.iter_mut().find(|c| c.fingerprint == error.fingerprint && c.level == error.level);
        match same {
            Some(same) => {
                let (count, first_seq, message) =
                    (same.count + error.count, same.first_seq, std::mem::take(&mut same.message));
                *same = Tracked {
                    count,
                    first_seq: if error.count == 0 { first_seq } else { error.first_seq },
                    message,
                    ..error
                };
            }
            None => self.closed.push(error),
        }
    }

    /// What was found since the last call. An error whose message has not come yet waits, unless this is the end.
    pub(crate) fn take(&mut self, end: bool) -> Vec<Tracked> {
        for slot in 0..self.open.len() {
            if end {
                self.close(slot);
            } else if let Some(open) = &mut self.open[slot]
                && open.changed
                && open.awaits == Message::Here
            {
                open.changed = false;
                let error = open.error.clone();
                open.error.count = 0;
                self.report(error);
            }
        }
        std::mem::take(&mut self.closed)
    }

    /// Whether [`Tracker::take`] could have something.
    pub(crate) fn is_quiet(&self) -> bool {
        self.closed.is_empty() && self.open.iter().flatten().all(|open| !open.changed)
    }
}

impl Open {
    fn new(line: &Seen<'_>, text: &[u8]) -> Open {
        let started = language::that_starts(text);
        let record = if started.is_none() { json::record(text) } else { None };
        let said = record.as_ref().map_or(text.trim_ascii_start(), |record| record.message.as_bytes());
        let error = Tracked {
            fingerprint: fingerprint(said),
            level: line.level,
            language: started.map(|(language, _)| language.name),
            message: kept(said).into_owned(),
            stack: String::new(),
            first_seq: line.seq,
            last_seq: line.seq,
            time_ms: line.time_ms,
            count: 1,
        };
        let mut open = Open {
            error,
            language: started.map(|(language, _)| language),
            awaits: started.map_or(Message::Here, |(_, message)| message),
            stack_lines: 0,
            lines: 1,
            last_ms: line.time_ms,
            after_blank: false,
            is_chained: false,
            changed: true,
        };
        match record {
            // The rest of a record is told by none of the lines around it.
            Some(record) if record.stack.is_empty() => open.push(text),
            Some(record) => record.stack.lines().for_each(|line| open.push(line.as_bytes())),
            None if open.awaits != Message::Here => open.push(text),
            None => {}
        }
        open
    }

    /// Takes the line in if it belongs to this error.
    fn takes(&mut self, line: &Seen<'_>, text: &[u8]) -> bool {
        if text.is_empty() || self.lines >= LINES_MAX || line.time_ms.saturating_sub(self.last_ms) > GAP_MS_MAX {
            return false;
        }
        let restarts = self.language.is_some_and(|own| (own.starts)(text) == Some(Message::AfterStack));
        if restarts && self.awaits == Message::Here && self.after_blank {
            // Python tells of an exception that was raised while another was handled: the last one is the message.
            (self.awaits, self.is_chained) = (Message::AfterStack, true);
        } else if self.is_the_message(text) {
            self.set_message(text);
            self.awaits = Message::Here;
        } else if !self.continues(line, text) && !self.is_heading(text) {
            return false;
        }
        self.push(text);
        // What Node prints of an error ends with its brace, as if a blank line followed.
        (self.error.last_seq, self.last_ms, self.after_blank) = (line.seq, line.time_ms, text == b"}");
        self.lines += 1;
        self.changed = true;
        true
    }

    /// Whether the line is a second heading, right below the first: of the first block under that of all.
    fn is_heading(&self, text: &[u8]) -> bool {
        let starts = self.language.and_then(|own| (own.starts)(text));
        self.lines == 1 && matches!(starts, Some(Message::Behind(_)))
    }

    /// Whether any number of blank lines may stand in it.
    fn spans_blanks(&self) -> bool {
        self.language.is_some_and(|own| (own.continues)(b""))
    }

    /// Whether the line starts another error of the same report, whatever its level.
    fn is_followed_by(&self, text: &[u8]) -> bool {
        self.language.is_some_and(|own| (own.starts)(text).is_some())
    }

    fn is_the_message(&self, text: &[u8]) -> bool {
        match self.awaits {
            Message::Here => false,
            Message::Next => true,
            Message::Behind(mark) => text.starts_with(mark),
            Message::AfterStack => {
                !language::is_indented(text) && !self.language.is_some_and(|own| (own.continues)(text))
            }
        }
    }

    fn continues(&mut self, line: &Seen<'_>, text: &[u8]) -> bool {
        if let Some(own) = self.language {
            if (own.continues)(text) {
                return true;
            }
        } else if let Some(found) = language::that_continues(text) {
            self.language = Some(found);
            self.error.language = Some(found.name);
            return true;
        }
        // An indented line that is itself an error (`  ✗ test failed`) starts its own, unless it stands in a stack.
        language::is_indented(text) && !self.after_blank && (line.level < Level::Error || self.stack_lines > 0)
    }

    fn set_message(&mut self, text: &[u8]) {
        let mark = if let Message::Behind(mark) = self.awaits { mark.len() } else { 0 };
        let text = text[mark..].trim_ascii_start();
        self.error.message = kept(text).into_owned();
        // It may have been reported by its first message, and is still the same error.
        if !self.is_chained {
            self.error.fingerprint = fingerprint(text);
        }
    }

    fn push(&mut self, text: &[u8]) {
        let stack = &mut self.error.stack;
        if self.stack_lines >= STACK_LINES_MAX || stack.len() >= STACK_BYTES_MAX - LINE_BYTES_MAX {
            return;
        }
        if self.stack_lines > 0 {
            stack.push('\n');
        }
        stack.push_str(&kept(text));
        self.stack_lines += 1;
    }
}

/// The text, cut to what is kept of a line.
fn kept(text: &[u8]) -> Cow<'_, str> {
    let cut = String::from_utf8_lossy(&text[..text.len().min(LINE_BYTES_MAX)]);
    // A byte that is no UTF-8 takes three as a replacement.
    match cut {
        Cow::Owned(mut long) if long.len() > LINE_BYTES_MAX => {
            long.truncate(long.floor_char_boundary(LINE_BYTES_MAX));
            Cow::Owned(long)
        }
        cut => cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Levels;

    type Summary = (Option<&'static str>, String, usize, u64);

    /// The errors of a text as (language, message, stack lines, count), and the lines that were claimed by one.
    fn errors(text: &str) -> (Vec<Summary>, Vec<u64>) {
        let (mut tracker, levels, mut claimed) = (Tracker::default(), Levels::new(), Vec::new());
        for (at, line) in text.lines().enumerate() {
            let (seq, plain) = (at as u64, line.as_bytes());
            if tracker.line(Seen { seq, time_ms: 0, stream: Stream::Err, level: levels.of(plain), plain }) {
                claimed.push(seq);
            }
        }
        let of = |e: Tracked| (e.language, e.message, e.stack.lines().count(), e.count);
        (tracker.take(true).into_iter().map(of).collect(), claimed)
    }

    fn one(text: &str, language: Option<&'static str>, message: &str, stack: usize) {
        assert_eq!(errors(text).0, [(language, message.to_owned(), stack, 1)], "{text}");
    }

    #[test]
    fn ls05_a_javascript_stack_belongs_to_its_error() {
        let text = "TypeError: x is not a function\n    at f (/a/b.js:1:2)\n    at async g (/a/c.js:3:4) {\n  code: 'E'\n}\nnext";
        one(text, Some("javascript"), "TypeError: x is not a function", 4);
        assert_eq!(errors(text).1, [1, 2, 3, 4]);
        let text = "/a/b.js:14\n  return x();\n         ^\n\nTypeError: x is not a function\n    at f (/a/b.js:14:10)\n\nNode.js v22.1.0";
        one(text, Some("javascript"), "TypeError: x is not a function", 5);
        one("/a:1\n1\n2\n3\n4\nTypeError: x\n    at f (/a.js:1:2)", Some("javascript"), "TypeError: x", 1);
        one("npm ERR! code 1\nnpm ERR! path /x\nnpm ERR! failed", Some("javascript"), "npm ERR! code 1", 2);
    }

    #[test]
    fn ls05_a_python_traceback_has_its_last_line_as_message() {
        let text =
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nValueError: bad\nok";
        one(text, Some("python"), "ValueError: bad", 4);
        let text = "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'\n\nDuring handling of the above exception, \
                    another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2\nValueError: bad\nok";
        one(text, Some("python"), "ValueError: bad", 7);
    }

    #[test]
    fn ls05_a_go_panic_has_its_goroutines() {
        let text = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:5 +0x1d\nexit status 2\nok";
        one(text, Some("go"), "panic: boom", 4);
    }

    #[test]
    fn ls05_a_java_exception_has_its_causes() {
        let text = "Exception in thread \"main\" java.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: x\n\tat a.B.d(B.java:2)\n\t... 1 more";
        one(text, Some("java"), "Exception in thread \"main\" java.lang.IllegalStateException: no", 4);
        one("java.io.IOException: x\n\tat a.B.c(B.java:1)", Some("java"), "java.io.IOException: x", 1);
    }

    #[test]
    fn ls05_a_failed_pytest_has_its_source_and_its_place() {
        let text = "==== FAILURES ====\n____ test_a ____\n\n    def test_a():\n\n\n>       assert 3 == 4\nE       assert 3 == 4\n\ntests/test_a.py:5: AssertionError\n\
                    ____ test_b ____\n\n>       d['k']\nE       KeyError: 'k'\n\ntests/test_b.py:2: KeyError\n==== 2 passed ====";
        let (found, claimed) = errors(text);
        let pytest = |message: &str, stack| (Some("pytest"), message.to_owned(), stack, 1);
        assert_eq!(found, [pytest("assert 3 == 4", 6), pytest("KeyError: 'k'", 4)]);
        assert_eq!(claimed, [1, 3, 6, 7, 9, 12, 13, 15]);
    }

    #[test]
    fn ls05_a_typescript_error_has_its_source() {
        let text = "a.ts:4:18 - error TS2339: No 'x'.\n\n4   return cart.x;\n                ~\n\n  b.ts:9:3\n    9   x: number;\n        ~\n    The expected type.\n\nFound 1 file";
        one(text, Some("typescript"), "a.ts:4:18 - error TS2339: No 'x'.", 6);
        one(
            "a.ts(4,18): error TS2339: No 'x'.\n\n12 files",
            Some("typescript"),
            "a.ts(4,18): error TS2339: No 'x'.",
            0,
        );
    }

    #[test]
    fn ls05_the_source_that_node_prints_before_an_error_is_marked() {
        let text = "/a/b.js:14\n    throw new Error('x')\n    ^\n\nError: x\n    at f (/a/b.js:14:10)";
        assert_eq!(errors(text).1, [1, 2, 5]);
        assert_eq!(errors("/a/b.js:14\n\nlistening\n ok ^ not").1, [0; 0]);
    }

    #[test]
    fn ls05_a_rust_panic_has_its_message_in_the_next_line() {
        let text = "thread 'main' (7) panicked at src/main.rs:2:5:\nboom\nnote: run with `RUST_BACKTRACE=1`\nok";
        one(text, Some("rust"), "boom", 3);
        let text = "error[E0308]: mismatched types\n --> src/main.rs:1:1\n  |\n1 | let x: u8 = \"\";\n  |             ^^ expected `u8`\n\nok";
        one(text, Some("rust"), "error[E0308]: mismatched types", 4);
    }

    #[test]
    fn ls05_equal_errors_are_counted_and_others_kept_apart() {
        let (found, _) = errors("error: try 1\nok\nerror: try 2\nerror: other\n  detail\n\n  unrelated");
        assert_eq!(found, [(None, "error: try 1".into(), 0, 2), (None, "error: other".into(), 1, 1)]);
    }

    #[test]
    fn ls05_a_line_that_is_no_error_is_none_even_on_standard_error() {
        assert_eq!(errors("server started\n    at your service\n0 errors"), (vec![], vec![]));
    }

    #[test]
    fn ls09_an_endless_stack_is_bounded() {
        let text = format!("Error: deep\n{}", format!("    at f (/a.js:1:2) {}\n", "x".repeat(2000)).repeat(2000));
        let (mut tracker, levels) = (Tracker::default(), Levels::new());
        for (at, line) in text.lines().enumerate() {
            let plain = line.as_bytes();
            tracker.line(Seen { seq: at as u64, time_ms: 0, stream: Stream::Out, level: levels.of(plain), plain });
        }
        let found = tracker.take(true);
        assert_eq!(found.len(), 1);
        assert!(found[0].stack.len() <= STACK_BYTES_MAX && found[0].last_seq < u64::from(LINES_MAX));
    }

    #[test]
    fn ls05_a_chain_of_exceptions_is_one_error_whenever_it_is_reported() {
        let text = "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'\n\nDuring handling of the above exception, \
                    another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2\nValueError: bad";
        let (mut tracker, levels) = (Tracker::default(), Levels::new());
        let mut reports = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let plain = line.as_bytes();
            tracker.line(Seen { seq: at as u64, time_ms: 0, stream: Stream::Err, level: levels.of(plain), plain });
            reports.extend(tracker.take(false));
        }
        assert_eq!(reports.iter().map(|e| e.count).sum::<u64>(), 1);
        assert!(reports.iter().all(|e| e.fingerprint == reports[0].fingerprint && e.first_seq == 0));
        assert_eq!((reports[0].message.as_str(), reports[0].count), ("KeyError: 'a'", 1));
        assert_eq!(reports.last().map(|e| (e.message.as_str(), e.last_seq)), Some(("ValueError: bad", 8)));
    }

    #[test]
    fn an_open_error_is_reported_once_and_then_only_its_growth() {
        let mut tracker = Tracker::default();
        let line = |seq, level, plain| Seen { seq, time_ms: 0, stream: Stream::Out, level, plain };
        assert!(tracker.is_quiet());
        tracker.line(line(1, Level::Error, b"Error: x"));
        assert_eq!(tracker.take(false).iter().map(|e| e.count).collect::<Vec<_>>(), [1]);
        assert!(tracker.is_quiet() && tracker.take(false).is_empty());
        assert!(tracker.line(line(2, Level::Info, b"    at f (a.js:1:2)")));
        let found = tracker.take(false);
        assert_eq!((found[0].count, found[0].first_seq, found[0].last_seq), (0, 1, 2));
        assert_eq!(found[0].stack, "    at f (a.js:1:2)");
    }

    #[test]
    fn ls05_an_error_that_is_a_record_has_the_records_message_and_stack() {
        let line = |msg: &str, id: u32| format!(r#"{{"level":"error","msg":"{msg}","id":{id}}}"#);
        let (found, _) = errors(&[line("cannot pay", 1), line("no stock", 2), line("cannot pay", 3)].join("\n"));
        let messages: Vec<_> = found.iter().map(|(_, message, stack, _)| (message.as_str(), *stack)).collect();
        assert_eq!(messages, [("cannot pay", 1), ("no stock", 1)], "equal ones as one");
        one(
            r#"{"level":50,"err":{"type":"TypeError","message":"x","stack":"TypeError: x\n    at f (/a/b.js:1:2)"}}"#,
            None,
            "TypeError: x",
            2,
        );
    }
}
