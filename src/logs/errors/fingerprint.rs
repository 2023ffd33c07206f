//! When two messages are the same error: numbers, ids, quoted text and paths in them do not count.

use std::hash::{DefaultHasher, Hasher};

/// Bytes of a message that count.
const BYTES_MAX: usize = 500;

/// A number that is equal for messages that only differ in numbers, hexadecimal ids, quoted strings and paths.
pub(super) fn fingerprint(message: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut rest = &message[..message.len().min(BYTES_MAX)];
    while let Some(&first) = rest.first() {
        let (shape, len) = token(rest, first);
        match shape {
            Shape::Literal => hasher.write(&rest[..len]),
            Shape::Number => hasher.write_u8(0),
            Shape::Quoted => hasher.write_u8(1),
            Shape::Path => hasher.write_u8(2),
        }
        rest = &rest[len..];
    }
    hasher.finish()
}

enum Shape {
    Literal,
    Number,
    Quoted,
    Path,
}

/// The token at the start of `rest`, and its length, which is never 0.
fn token(rest: &[u8], first: u8) -> (Shape, usize) {
    if matches!(first, b'"' | b'\'' | b'`')
        && let Some(end) = rest[1..].iter().take(256).position(|&b| b == first)
    {
        return (Shape::Quoted, end + 2);
    }
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'\\' | b'.' | b'_' | b'-') || *b >= 0x80;
    let word = rest.iter().take_while(|b| is_word(b)).count();
    if word == 0 {
        return (Shape::Literal, 1);
    }
    let text = &rest[..word];
    let is_path = text.iter().any(|b| matches!(b, b'/' | b'\\'));
    let has_digit = text.iter().any(u8::is_ascii_digit);
    // `E0308`, `TS2304` and `utf8` are names; `0xff`, `4.2s`, `2024-01-02` and `cafe0123` are values.
    let is_id = word >= 8 && text.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    let is_value = has_digit && (first.is_ascii_digit() || is_id);
    let shape = if is_path {
        Shape::Path
    } else if is_value {
        Shape::Number
    } else {
        Shape::Literal
    };
    (shape, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        fingerprint(a.as_bytes()) == fingerprint(b.as_bytes())
    }

    #[test]
    fn messages_that_differ_in_values_are_one_error() {
        assert!(same("timeout of 5000ms exceeded", "timeout of 120ms exceeded"));
        assert!(same("user 'ann' not found (id 1)", "user 'bob' not found (id 22)"));
        assert!(same("ENOENT: open /a/b.js", "ENOENT: open /c/d/e.js"));
        assert!(same("at 0xdeadbeef", "at 0x1234"));
        assert!(same(
            "job 3fa85f64-5717-4562-b3fc-2c963f66afa6 failed",
            "job 8d3f1c1e-0000-4562-b3fc-2c963f66afa6 failed"
        ));
    }

    #[test]
    fn messages_that_differ_in_words_are_two() {
        assert!(!same("cannot read x", "cannot read y"));
        assert!(!same("error[E0308]: a", "error[E0412]: a"));
        assert!(!same("it's bad", "it's worse"));
    }
}
