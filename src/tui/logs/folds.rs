//! Which lines are folded away: the frames of a stack after the first, unless a person has opened them.

use std::collections::BTreeSet;

use crate::event::ProcessId;
use crate::logs::{LineRef as Line, Snapshot as Lines};

/// Frames of one stack are counted up to here.
pub(crate) const FRAMES_MAX: usize = 500;

/// What is folded and what was opened.
#[derive(Debug)]
pub(crate) struct Folds {
    pub(crate) on: bool,
    /// The first frames of the stacks that were opened.
    open: BTreeSet<(ProcessId, u64)>,
}

impl Default for Folds {
    fn default() -> Folds {
        Folds { on: true, open: BTreeSet::new() }
    }
}

/// Whether a line only says where an error came from. Messages, values and source text are never folded.
pub(crate) fn is_frame(line: &Line<'_>) -> bool {
    line.is_stack && matches!(line.plain.first(), Some(b' ' | b'\t')) && is_place(line.plain.trim_ascii_start())
}

/// As JavaScript, Java and C#, Python, Ruby, Go, Rust and PHP name a frame.
fn is_place(text: &[u8]) -> bool {
    const STARTS: [&[u8]; 5] = [b"at ", b"File \"", b"from ", b"... ", b"/"];
    let numbered = text.strip_prefix(b"#").unwrap_or(text).trim_ascii_start();
    let digits = numbered.iter().take_while(|byte| byte.is_ascii_digit()).count();
    STARTS.iter().any(|start| text.starts_with(start))
        || (digits > 0 && matches!(numbered.get(digits), Some(b':' | b' ')) && digits < 4)
}

/// The first of the frames that this one is among.
fn first(frame: &Line<'_>, lines: &Lines) -> u64 {
    let above = lines.older_of(frame).take(FRAMES_MAX).take_while(is_frame);
    above.last().map_or(frame.seq, |line| line.seq)
}

/// The frames that follow a line of the same process.
pub(crate) fn frames_after<'a>(line: &Line<'_>, lines: &'a Lines) -> impl Iterator<Item = Line<'a>> + use<'a> {
    lines.newer_of(line).take(FRAMES_MAX).take_while(is_frame)
}

impl Folds {
    /// The frame that a line is folded behind, if it is.
    pub(crate) fn behind(&self, line: &Line<'_>, lines: &Lines) -> Option<u64> {
        if !self.on || !is_frame(line) {
            return None;
        }
        let first = first(line, lines);
        (first != line.seq && !self.open.contains(&(line.process, first))).then_some(first)
    }

    /// Opens the frames that this line is among.
    pub(crate) fn open(&mut self, line: &Line<'_>, lines: &Lines) {
        if is_frame(line) {
            self.open.insert((line.process, first(line, lines)));
        }
    }

    /// Whether the frames that begin with this line are open.
    pub(crate) fn begins_open(&self, line: &Line<'_>) -> bool {
        self.open.contains(&(line.process, line.seq))
    }

    /// Closes the frames that begin with this line; answers whether they were open.
    pub(crate) fn close(&mut self, line: &Line<'_>) -> bool {
        self.open.remove(&(line.process, line.seq))
    }

    /// Folds all, or nothing.
    pub(crate) fn toggle(&mut self) {
        self.on ^= true;
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_places_and_not_values() {
        for frame in
            ["at next (a.js:1)", "File \"a.py\", line 3", "from a.rb:3", "0: std::panicking", "#1 /a.php(3)", "/a.go:3"]
        {
            assert!(is_place(frame.as_bytes()), "{frame}");
        }
        for other in ["Expected: 54.80", "Received: 49.90", "atlas", "2024: a year", "- one"] {
            assert!(!is_place(other.as_bytes()), "{other}");
        }
    }
}
