//! Python: `Traceback (most recent call last):`, files and code set in, and the message after them.

use super::language::{Language, Message};

pub(super) const PYTHON: Language = Language { name: "python", starts, continues };

fn starts(line: &[u8]) -> Option<Message> {
    line.ends_with(b"Traceback (most recent call last):").then_some(Message::AfterStack)
}

fn continues(line: &[u8]) -> bool {
    line.starts_with(b"  File \"")
        || line.starts_with(b"During handling of the above exception")
        || line.starts_with(b"The above exception was the direct cause")
}
