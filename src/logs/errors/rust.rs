//! Rust: panics with their notes and backtraces, and the compiler's errors with the code they point at.

use super::language::{Language, Message};

pub(super) const RUST: Language = Language { name: "rust", starts, continues };

fn starts(line: &[u8]) -> Option<Message> {
    if let Some(rest) = line.strip_prefix(b"thread ") {
        let at = memchr::memmem::find(rest, b" panicked at ")?;
        // Since 1.73 the place ends with a colon and the message follows; before, both stood in one line.
        return Some(if rest.ends_with(b":") && !rest[at..].contains(&b'\'') { Message::Next } else { Message::Here });
    }
    line.starts_with(b"error[E").then_some(Message::Here)
}

fn continues(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii_start();
    let digits = trimmed.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = &trimmed[digits..];
    [&b"note: "[..], b"help: ", b"stack backtrace:", b"--> "].iter().any(|start| trimmed.starts_with(start))
        || (digits > 0
            && (rest.trim_ascii_start().starts_with(b"|")
                || (digits < trimmed.len() && rest.starts_with(b": ") && line != trimmed)))
}
