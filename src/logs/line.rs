//! One kept line: how it is laid out in its segment, and how it is read.
//!
//! A line is stored as its plain text and a newline; a line with escape sequences as its plain text, a newline, its raw
//! bytes, a newline. So one search over a segment's bytes sees the plain text of every line. A piece whose line goes on
//! has no newline; `seams` puts such pieces together.

use std::sync::Arc;

use crate::event::{Ending, Level, ProcessId, Stream};
use crate::sync::segment_log;

/// What the 16 bits of a record's tag say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) stream: Stream,
    pub(super) ending: Ending,
    pub(super) level: Level,
    /// The raw bytes follow the plain text.
    pub(super) has_raw: bool,
    /// The line belongs to an error that started before it.
    pub(super) is_stack: bool,
}

const ENDINGS: [Ending; 4] = [Ending::Newline, Ending::CarriageReturnNewline, Ending::None, Ending::Continued];

impl Tag {
    /// Bit 0: stream; 1–2: ending; 3–5: level; 6: raw; 7: stack.
    #[inline]
    pub(super) fn pack(self) -> u16 {
        let ending = match self.ending {
            Ending::Newline => 0,
            Ending::CarriageReturnNewline => 1,
            Ending::None => 2,
            Ending::Continued => 3,
        };
        u16::from(self.stream == Stream::Err)
            | ending << 1
            | (self.level as u16) << 3
            | u16::from(self.has_raw) << 6
            | u16::from(self.is_stack) << 7
    }

    /// Whether a piece that goes on may be among lines with this union of tags; it may say yes of lines of two endings.
    pub(super) fn may_continue(union: u16) -> bool {
        union >> 1 & 3 == 3
    }

    #[inline]
    pub(super) fn unpack(bits: u16) -> Tag {
        Tag {
            stream: if bits & 1 == 0 { Stream::Out } else { Stream::Err },
            ending: ENDINGS[usize::from(bits >> 1 & 3)],
            level: Level::ALL[usize::from(bits >> 3 & 7).min(Level::ALL.len() - 1)],
            has_raw: bits & 1 << 6 != 0,
            is_stack: bits & 1 << 7 != 0,
        }
    }
}

/// A kept line, borrowed from a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct LineRef<'a> {
    /// Its place in the order of all lines of all processes; never used twice. There may be gaps.
    pub seq: u64,
    /// Whose line it is.
    pub process: ProcessId,
    /// The process's name.
    pub name: &'a Arc<str>,
    /// When it arrived, milliseconds since 1970.
    pub time_ms: u64,
    /// Where it was written to.
    pub stream: Stream,
    /// How bad it is.
    pub level: Level,
    /// How it ended; a piece that is [`Ending::Continued`] goes on in the next line of the same stream.
    pub ending: Ending,
    /// Whether it belongs to an error that started before it.
    pub is_stack: bool,
    /// The bytes as they were written, without the ending; of a progress line, its last state.
    pub raw: &'a [u8],
    /// The same without escape sequences. It may hold any other byte.
    pub plain: &'a [u8],
}

impl<'a> LineRef<'a> {
    /// Reads a line of a process's log.
    #[inline]
    pub(super) fn read(process: ProcessId, name: &'a Arc<str>, line: segment_log::LineRef<'a>) -> LineRef<'a> {
        let tag = Tag::unpack(line.tag);
        let newline = usize::from(tag.ending != Ending::Continued);
        let text = &line.text[..line.text.len() - newline];
        let (plain, raw) = if tag.has_raw {
            let plain_len = usize::from(line.extra);
            (&text[..plain_len], &text[plain_len + newline..])
        } else {
            (text, text)
        };
        let Tag { stream, ending, level, is_stack, .. } = tag;
        LineRef { seq: line.seq, process, name, time_ms: line.time, stream, level, ending, is_stack, raw, plain }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.level >= Level::Error
    }

    /// The line as a value of its own.
    pub fn to_entry(&self) -> Entry {
        Entry {
            id: self.seq,
            process: self.process,
            name: Arc::clone(self.name),
            time_ms: self.time_ms,
            content: self.raw.to_vec(),
            level: self.level,
            is_error: self.is_error(),
            tags: self.tags(),
            priority: self.level as u8,
        }
    }

    fn tags(&self) -> Vec<&'static str> {
        let marks = [
            (self.stream == Stream::Err, "stderr"),
            (self.is_error(), "error"),
            (self.level == Level::Warn, "warning"),
            (self.is_stack, "stack"),
            (self.plain.len() != self.raw.len(), "colour"),
            (self.ending == Ending::Continued, "continued"),
        ];
        marks.into_iter().filter_map(|(is, tag)| is.then_some(tag)).collect()
    }
}

/// A kept line as a value of its own (LS-10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its sequence number.
    pub id: u64,
    /// Whose line it is.
    pub process: ProcessId,
    /// The process's name.
    pub name: Arc<str>,
    /// When it arrived, milliseconds since 1970.
    pub time_ms: u64,
    /// Its bytes, without the ending.
    pub content: Vec<u8>,
    /// How bad it is.
    pub level: Level,
    /// Whether it is an error.
    pub is_error: bool,
    /// What else there is to say: `stderr`, `error`, `warning`, `stack`, `colour`, `continued`.
    pub tags: Vec<&'static str>,
    /// 0 for the least important to 4: the rank of its level.
    pub priority: u8,
}

/// A line to be added by hand.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// Whose line it is.
    pub process: ProcessId,
    /// The process's name.
    pub name: &'a str,
    /// Its bytes.
    pub content: &'a [u8],
    /// Whether it is an error whatever its words say.
    pub is_error: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ls10_a_tag_keeps_all_that_it_was_made_of() {
        for stream in [Stream::Out, Stream::Err] {
            for ending in ENDINGS {
                for level in Level::ALL {
                    for (has_raw, is_stack) in [(false, false), (true, false), (false, true), (true, true)] {
                        let tag = Tag { stream, ending, level, has_raw, is_stack };
                        assert_eq!(Tag::unpack(tag.pack()), tag);
                        assert_eq!(Tag::may_continue(tag.pack()), ending == Ending::Continued);
                    }
                }
            }
        }
    }
}
