//! pytest: below `= FAILURES =` or `= ERRORS =`, one block a test: its name between underscores, source, `E` lines, place.

use super::language::{Language, Message};

pub(super) const PYTEST: Language = Language { name: "pytest", starts, continues };

/// What the lines begin with that say what was wrong.
const MARK: &[u8] = b"E  ";

fn starts(line: &[u8]) -> Option<Message> {
    (is_section(line) || is_test(line)).then_some(Message::Behind(MARK))
}

/// A block holds whatever the test printed; it ends with the next one or with a rule over the whole width.
fn continues(line: &[u8]) -> bool {
    !line.starts_with(b"====") && !is_test(line)
}

/// Whether it is the heading of all blocks: the first block belongs to it.
fn is_section(line: &[u8]) -> bool {
    matches!(between(line, b'='), Some(b"FAILURES" | b"ERRORS"))
}

/// `______ test_total ______`; a row of single underscores stands between the frames of one block.
fn is_test(line: &[u8]) -> bool {
    between(line, b'_').is_some_and(|name| name.iter().any(|b| !matches!(b, b'_' | b' ')))
}

/// What stands in the middle of a rule of this byte.
fn between(line: &[u8], rule: u8) -> Option<&[u8]> {
    let from = line.iter().position(|b| *b != rule)?;
    let to = line.iter().rposition(|b| *b != rule)? + 1;
    let is_rule = from > 0 && to < line.len();
    line[from..to].strip_prefix(b" ")?.strip_suffix(b" ").filter(|_| is_rule)
}
