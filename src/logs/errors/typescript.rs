//! TypeScript's compiler: `place - error TS2339: message`, a blank line, the source with its line number, marks under it.
//!
//! So a line that begins with a number is taken for source, also behind one blank line after such an error.

use super::language::{Language, Message};

pub(super) const TYPESCRIPT: Language = Language { name: "typescript", starts, continues };
/// How it writes to what is no terminal: `place: error TS2339: message`, without the source.
pub(super) const TYPESCRIPT_PLAIN: Language =
    Language { name: "typescript", starts: starts_plain, continues: |_| false };

fn starts(line: &[u8]) -> Option<Message> {
    has_code(line, b" - error TS").then_some(Message::Here)
}

fn starts_plain(line: &[u8]) -> Option<Message> {
    (has_code(line, b"): error TS") || has_code(line, b"error TS") && line.starts_with(b"error"))
        .then_some(Message::Here)
}

fn has_code(line: &[u8], mark: &[u8]) -> bool {
    let code = memchr::memmem::find(line, mark).map(|at| &line[at + mark.len()..]);
    code.is_some_and(|code| code.first().is_some_and(u8::is_ascii_digit))
}

fn continues(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii_start();
    let digits = trimmed.iter().take_while(|b| b.is_ascii_digit()).count();
    let is_source = digits > 0 && (digits == trimmed.len() || trimmed[digits] == b' ');
    let is_marks = !trimmed.is_empty() && trimmed.iter().all(|b| matches!(b, b'~' | b' '));
    is_source || is_marks || line != trimmed && is_place(trimmed)
}

/// `src/cart.ts:9:3`, of what else the error has to do with.
fn is_place(line: &[u8]) -> bool {
    let mut parts = line.rsplitn(3, |b| *b == b':');
    let is_number =
        |part: Option<&[u8]>| part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some_and(|file| !file.is_empty())
}
