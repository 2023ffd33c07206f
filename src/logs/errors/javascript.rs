//! JavaScript: `at function (file:line:column)`, the object that Node prints behind a stack, and npm's own errors.

use super::language::{Language, Message};

pub(super) const JAVASCRIPT: Language = Language { name: "javascript", starts, continues };

fn starts(line: &[u8]) -> Option<Message> {
    let known = [&b"Uncaught "[..], b"npm ERR! ", b"npm error "];
    known.iter().any(|start| line.starts_with(start)).then_some(Message::Here)
}

fn continues(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii_start();
    if let Some(frame) = trimmed.strip_prefix(b"at ") {
        return ends_with_a_position(frame) || frame.starts_with(b"async ") || frame.ends_with(b"(<anonymous>)");
    }
    line == b"}"
        || [&b"npm ERR!"[..], b"npm error", b"[cause]: ", b"Node.js v"].iter().any(|start| trimmed.starts_with(start))
}

/// `…:12:34`, `…:12:34)` or `…:12:34) {`
fn ends_with_a_position(frame: &[u8]) -> bool {
    let frame = frame.strip_suffix(b" {").unwrap_or(frame);
    let frame = frame.strip_suffix(b")").unwrap_or(frame);
    let column = frame.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    column > 0 && frame[..frame.len() - column].ends_with(b":")
}
