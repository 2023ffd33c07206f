//! JavaScript: `at function (file:line:column)`, the object that Node prints behind a stack, and npm's own errors.

use super::language::{Language, Message};

pub(super) const JAVASCRIPT: Language = Language { name: "javascript", starts, continues };

fn starts(line: &[u8]) -> Option<Message> {
    let known = [&b"Uncaught "[..], b"npm ERR! ", b"npm error ", b"Error: Cannot find module "];
    known.iter().any(|start| line.starts_with(start)).then_some(Message::Here)
}

fn continues(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii_start();
    if let Some(frame) = trimmed.strip_prefix(b"at ") {
        return ends_with_a_position(frame) || frame.starts_with(b"async ") || frame.ends_with(b"(<anonymous>)");
    }
    line == b"}"
        || line == b"Require stack:"
        || line.starts_with(b"- /")
        || is_code_frame(trimmed)
        || [&b"npm ERR!"[..], b"npm error", b"[cause]: ", b"Node.js v"].iter().any(|start| trimmed.starts_with(start))
}

/// Where Node says that it stopped, before the source line and the error: `/src/cart.js:14`.
pub(super) fn is_place(line: &[u8]) -> bool {
    line.last().is_some_and(u8::is_ascii_digit)
        && [&b"/"[..], b"file:///", b"node:"].iter().any(|start| line.starts_with(start))
        && ends_with_a_number(line)
}

/// The marks under the source line: `         ^^^^`.
pub(super) fn is_marks(line: &[u8]) -> bool {
    line.ends_with(b"^") && line.iter().all(|b| matches!(b, b' ' | b'\t' | b'^'))
}

/// `> 14 |   return cart.total;` or `     |        ^`
fn is_code_frame(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"> ").unwrap_or(line).trim_ascii_start();
    let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
    match line[digits..].trim_ascii_start().strip_prefix(b"|") {
        Some(code) => digits > 0 || code.iter().all(|b| matches!(b, b' ' | b'^' | b'~')),
        None => false,
    }
}

/// `…:12:34`, `…:12:34)` or `…:12:34) {`
fn ends_with_a_position(frame: &[u8]) -> bool {
    let frame = frame.strip_suffix(b" {").unwrap_or(frame);
    let frame = frame.strip_suffix(b")").unwrap_or(frame);
    ends_with_a_number(frame)
}

/// `…:34`
fn ends_with_a_number(frame: &[u8]) -> bool {
    let column = frame.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    column > 0 && frame[..frame.len() - column].ends_with(b":")
}
