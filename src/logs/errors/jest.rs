//! Jest: `● suite › test`, then everything that is set in, with blank lines between, up to the next test.

use super::language::{self, Language, Message};

pub(super) const JEST: Language = Language { name: "jest", starts, continues };

fn starts(line: &[u8]) -> Option<Message> {
    let is_failure = is_heading(line) && memchr::memmem::find(line, " › ".as_bytes()).is_some();
    is_failure.then_some(Message::Here)
}

fn continues(line: &[u8]) -> bool {
    language::is_indented(line) && !is_heading(line)
}

fn is_heading(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with("● ".as_bytes())
}
