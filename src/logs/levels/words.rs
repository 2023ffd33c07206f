//! Judges one word of a line: whether `error` is an error, a count of none, a file's name, or part of a sentence.

use std::ops::Deref;

use crate::event::Level;

use super::scan::Stem;

/// What a place in a line says about its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A structured log's field: nothing else counts.
    Field(Level),
    /// A logger's tag: near the start of a line it counts more than words.
    Tag(Level),
    /// A word that means it.
    Says(Level),
    /// It means nothing here.
    Nothing,
}

/// A word of a line, and what surrounds it.
struct Word<'a> {
    line: &'a [u8],
    start: usize,
    end: usize,
}

/// A logger's tag stands no further from the start of its line.
const HEAD_BYTES_MAX: usize = 128;
/// Longer runs of letters are no word of a level's.
const WORD_BYTES_MAX: usize = 40;

/// Judges the word at `start`; also says from where on to look further.
pub(super) fn judge(line: &[u8], start: usize, stem: Stem) -> (Verdict, usize) {
    let run = line[start..].iter().take(WORD_BYTES_MAX);
    let run = run.take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let word = Word { line, start, end: start + run };
    let verdict = word.judge(stem);
    // A word that means nothing may still end in one that does: `InterruptError`.
    (verdict, if verdict == Verdict::Nothing { start + 1 } else { word.end })
}

/// What the sign says that test runners and bundlers put at the start of a line.
pub(super) fn sign_at_the_start(line: &[u8]) -> Option<Level> {
    let line = line.trim_ascii_start();
    // All of them begin with this byte.
    if line.first() != Some(&0xe2) {
        return None;
    }
    let starts_with = |sign: &str| line.starts_with(sign.as_bytes());
    if ["✖", "✗", "✘", "✕", "❌", "⨯"].into_iter().any(starts_with) || is_jest_failure(line) {
        return Some(Level::Error);
    }
    starts_with("⚠").then_some(Level::Warn)
}

/// `● cart › adds two numbers`; a heading such as `● Console` is none.
fn is_jest_failure(line: &[u8]) -> bool {
    line.starts_with("● ".as_bytes()) && memchr::memmem::find(line, " › ".as_bytes()).is_some()
}

/// A word in lower case, on the stack: there are many, and few are kept.
struct Lower {
    bytes: [u8; WORD_BYTES_MAX],
    len: usize,
}

impl Lower {
    fn new(word: &[u8]) -> Lower {
        let mut bytes = [0; WORD_BYTES_MAX];
        let len = word.len().min(WORD_BYTES_MAX);
        bytes[..len].copy_from_slice(&word[..len]);
        bytes[..len].make_ascii_lowercase();
        Lower { bytes, len }
    }
}

impl Deref for Lower {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Nouns that make `error` the name of a thing: an error handler is no error.
const THINGS: [&[u8]; 28] = [
    b"handling",
    b"handler",
    b"handlers",
    b"boundary",
    b"boundaries",
    b"page",
    b"pages",
    b"reporting",
    b"reporter",
    b"log",
    b"logs",
    b"logging",
    b"logger",
    b"tracking",
    b"recovery",
    b"rate",
    b"rates",
    b"overlay",
    b"middleware",
    b"correction",
    b"tolerance",
    b"budget",
    b"free",
    b"checking",
    b"route",
    b"template",
    b"codes",
    b"listener",
];
/// Words before `error` that take it back.
const NEGATIONS: [&[u8]; 8] = [b"no", b"zero", b"without", b"any", b"non", b"not", b"on", b"if"];

impl<'a> Word<'a> {
    fn judge(&self, stem: Stem) -> Verdict {
        let lower = &*Lower::new(self.text());
        let level = match stem {
            Stem::Error | Stem::Fail | Stem::Exception | Stem::Unhandled => Level::Error,
            Stem::Fatal | Stem::Panic | Stem::Critical => Level::Critical,
            Stem::Warn => Level::Warn,
            Stem::Debug => Level::Debug,
            Stem::Trace if lower == b"traceback" => return says(Level::Error, self.stands_alone()),
            Stem::Trace => Level::Debug,
            Stem::Info => Level::Info,
            Stem::Key => return Verdict::Nothing,
        };
        if !self.stands_alone() {
            return says(level, self.ends_a_type_name());
        }
        if self.next() == Some(b'=') {
            return says(level, lower == b"error" && self.value_is_something());
        }
        if self.counts_none() {
            return Verdict::Nothing;
        }
        if is_tag_name(lower) && (self.is_shouted() || self.is_bracketed() || self.heads_the_message()) {
            return Verdict::Tag(level);
        }
        says(level, self.means_it(stem, lower))
    }

    /// Whether the word, no tag and no count of none, means that something is wrong.
    fn means_it(&self, stem: Stem, lower: &[u8]) -> bool {
        let colon = self.next() == Some(b':');
        match (stem, lower) {
            (Stem::Error, b"error" | b"errors") => {
                // "This error" was told of before.
                colon || self.is_counted() || (self.means_it_in_a_sentence() && &*self.word_before() != b"this")
            }
            (Stem::Error, b"errored") => true,
            (Stem::Error, _) if self.text().starts_with(b"ERR_PNPM_") => true,
            (Stem::Error, b"err") => colon || self.next() == Some(b'!'),
            (Stem::Fail, b"failed" | b"failure" | b"failures") => !self.is_negated(),
            (Stem::Fail, b"failing") => self.is_counted(),
            (Stem::Fail, b"fail") => colon || self.is_shouted() || self.is_counted(),
            (Stem::Exception, b"exception" | b"exceptions") => self.means_it_in_a_sentence(),
            (Stem::Unhandled, b"unhandled") => {
                matches!(&*self.word_after(), b"rejection" | b"promise" | b"error" | b"exception" | b"runtime")
            }
            (Stem::Unhandled, _) => true,
            (Stem::Fatal, b"fatal" | b"segmentation") => true,
            (Stem::Panic, b"panicked") => true,
            (Stem::Panic, b"panic") => colon || &*self.word_before() == b"kernel",
            (Stem::Critical, b"critical") => {
                colon || matches!(&*self.word_after(), b"error" | b"failure" | b"exception")
            }
            (Stem::Warn, b"warn" | b"warning" | b"warnings") => !self.is_negated(),
            _ => false,
        }
    }

    fn means_it_in_a_sentence(&self) -> bool {
        self.next() != Some(b'(') && !self.is_negated() && !THINGS.contains(&&*self.word_after())
            || self.after().starts_with(b"(s)")
    }

    fn text(&self) -> &'a [u8] {
        &self.line[self.start..self.end]
    }

    fn after(&self) -> &'a [u8] {
        &self.line[self.end..]
    }

    fn next(&self) -> Option<u8> {
        self.after().first().copied()
    }

    fn previous(&self) -> Option<u8> {
        self.line[..self.start].last().copied()
    }

    /// Whether it is a word by itself: no part of a longer one, of a path, a flag or a variable.
    fn stands_alone(&self) -> bool {
        let joins = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b'\\' | b'@' | b'$');
        let goes_on = match self.after() {
            [b'-' | b'.' | b'/' | b'\\', b, ..] => b.is_ascii_alphanumeric(),
            [b, ..] => *b >= 0x80,
            [] => false,
        };
        !self.previous().is_some_and(joins) && !goes_on
    }

    /// Whether it ends a type's name, as in `TypeError: …`, `a.b.IoException`, `ValueError [CODE]: …`.
    fn ends_a_type_name(&self) -> bool {
        if !self.text()[0].is_ascii_uppercase() || !self.previous().is_some_and(|b| b.is_ascii_alphanumeric()) {
            return false;
        }
        if !matches!(self.text(), b"Error" | b"Exception" | b"Warning") {
            return false;
        }
        match self.after() {
            [] => {
                let name = self.line.rsplit(|b| *b == b' ').next().unwrap_or_default();
                let before = &self.line[..self.line.len() - name.len()];
                before.trim_ascii().is_empty() || before.ends_with(b": ")
            }
            after => after.starts_with(b": ") || after == b":" || after.starts_with(b" ["),
        }
    }

    fn is_shouted(&self) -> bool {
        self.text().iter().all(u8::is_ascii_uppercase)
    }

    /// `[error]`, `<error>`, `|error|`, `( error )`.
    fn is_bracketed(&self) -> bool {
        let opened = self.line[..self.start].trim_ascii_end().last();
        let closed = self.after().trim_ascii_start().first();
        matches!(
            (opened, closed),
            (Some(b'['), Some(b']')) | (Some(b'('), Some(b')')) | (Some(b'<'), Some(b'>')) | (Some(b'|'), Some(b'|'))
        )
    }

    /// Whether it stands where a logger puts its tag: before a colon or a gap, behind nothing but times and brackets.
    fn heads_the_message(&self) -> bool {
        if self.start > HEAD_BYTES_MAX {
            return false;
        }
        let before = self.line[..self.start].trim_ascii_end();
        let first =
            before.iter().all(|b| !b.is_ascii_alphabetic() || matches!(b, b'T' | b'Z')) || before.ends_with(b"]");
        first && (self.next() == Some(b':') || self.after().starts_with(b"  ") || self.after().starts_with(b" - "))
    }

    /// Whether a number other than 0 stands before it.
    fn is_counted(&self) -> bool {
        self.count_before().is_some_and(|digits| digits.iter().any(|&b| b != b'0'))
    }

    /// `0 errors`, `errors: 0`, `failed=0`.
    fn counts_none(&self) -> bool {
        if let Some(digits) = self.count_before() {
            return digits.iter().all(|&b| b == b'0');
        }
        let rest = self.after().trim_ascii_start();
        let rest = rest.strip_prefix(b":").or(rest.strip_prefix(b"=")).unwrap_or(rest).trim_ascii_start();
        let zeros = rest.iter().take_while(|&&b| b == b'0').count();
        zeros > 0 && rest.get(zeros).is_none_or(|b| matches!(b, b',' | b';' | b')' | b']' | b'}' | b'|' | b' ' | b'.'))
    }

    /// The digits of the word before it, if it is a number.
    fn count_before(&self) -> Option<&'a [u8]> {
        let before = self.line[..self.start].trim_ascii_end();
        let digits = &before[before.len() - before.iter().rev().take_while(|b| b.is_ascii_digit()).count()..];
        let glued = before[..before.len() - digits.len()]
            .last()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b".:-_".contains(b));
        (!digits.is_empty() && before.len() < self.start && !glued).then_some(digits)
    }

    fn is_negated(&self) -> bool {
        NEGATIONS.contains(&&*self.word_before())
    }

    fn word_before(&self) -> Lower {
        let before = self.line[..self.start].trim_ascii_end();
        let len = before.iter().rev().take(16).take_while(|b| b.is_ascii_alphabetic()).count();
        Lower::new(&before[before.len() - len..])
    }

    fn word_after(&self) -> Lower {
        let after = self.after().trim_ascii_start();
        let len = after.iter().take(16).take_while(|b| b.is_ascii_alphabetic()).count();
        Lower::new(&after[..len])
    }

    /// Whether the value behind `=` is more than nothing.
    fn value_is_something(&self) -> bool {
        let value = self.after()[1..].get(..8).unwrap_or(&self.after()[1..]);
        let value = value.split(|b| b.is_ascii_whitespace() || *b == b',').next().unwrap_or_default();
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        let none: [&[u8]; 7] = [b"", b"\"", b"0", b"nil", b"null", b"none", b"false"];
        !none.iter().any(|n| value.eq_ignore_ascii_case(n))
    }
}

fn says(level: Level, it_does: bool) -> Verdict {
    if it_does { Verdict::Says(level) } else { Verdict::Nothing }
}

/// Words that loggers use as tags.
fn is_tag_name(lower: &[u8]) -> bool {
    let names: [&[u8]; 12] = [
        b"emerg",
        b"error",
        b"err",
        b"fatal",
        b"panic",
        b"critical",
        b"crit",
        b"warn",
        b"warning",
        b"debug",
        b"trace",
        b"info",
    ];
    names.contains(&lower)
}
