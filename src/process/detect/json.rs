//! JSON with comments and places: what serde_json needs to read the files of editors and of deno.

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize;

use super::recipe::{fault, position};
use crate::error::Error;

/// A text that may still be a part of the file, so that its line can be told.
#[derive(Deserialize)]
pub(super) struct Text<'t>(#[serde(borrow)] pub(super) Cow<'t, str>);

impl Text<'_> {
    /// The line, from 1, where it stands in `file`; `None` for a text with escapes, which is a copy.
    pub(super) fn line(&self, file: &str) -> Option<usize> {
        self.offset(file).map(|offset| position(file, offset).0)
    }

    fn offset(&self, file: &str) -> Option<usize> {
        let Cow::Borrowed(part) = &self.0 else { return None };
        let offset = (part.as_ptr() as usize).checked_sub(file.as_ptr() as usize)?;
        (offset <= file.len()).then_some(offset)
    }
}

/// Tells the lines of texts that come in the order of the file, looking at each byte once.
pub(super) struct Lines<'t> {
    file: &'t str,
    seen: usize,
    line: usize,
}

impl<'t> Lines<'t> {
    pub(super) fn new(file: &'t str) -> Lines<'t> {
        Lines { file, seen: 0, line: 1 }
    }

    /// As [`Text::line`].
    pub(super) fn of(&mut self, text: &Text<'_>) -> Option<usize> {
        let offset = text.offset(self.file)?;
        let Some(between) = self.file.as_bytes().get(self.seen..offset) else { return text.line(self.file) };
        self.line += between.iter().filter(|byte| **byte == b'\n').count();
        self.seen = offset;
        Some(self.line)
    }
}

/// What serde_json says, with the file's name in front.
pub(super) fn explain(file: &Path, error: &serde_json::Error) -> Error {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    fault(file, error.line(), error.column(), message)
}

/// Blanks out comments and commas before a closing bracket; every byte keeps its place.
pub(super) fn without_comments(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut comma = None;
    let mut i = 0;
    while i < out.len() {
        match (out[i], out.get(i + 1)) {
            (b'"', _) => {
                comma = None;
                i += 1;
                while i < out.len() && out[i] != b'"' {
                    i += if out[i] == b'\\' { 2 } else { 1 };
                }
            }
            (b'/', Some(b'/')) => {
                while i < out.len() && out[i] != b'\n' {
                    out[i] = b' ';
                    i += 1;
                }
            }
            (b'/', Some(b'*')) => {
                let end = text.as_bytes()[i + 2..].windows(2).position(|pair| pair == b"*/");
                let end = end.map_or(out.len(), |at| i + 2 + at + 2);
                out[i..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
                i = end - 1;
            }
            (b',', _) => comma = Some(i),
            (b'}' | b']', _) => {
                if let Some(at) = comma.take() {
                    out[at] = b' ';
                }
            }
            (byte, _) if !byte.is_ascii_whitespace() => comma = None,
            _ => {}
        }
        i += 1;
    }
    // Only whole comments, and commas, became blanks: what was UTF-8 still is.
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_are_blanked_and_nothing_moves() {
        let text = "{ // ü \n \"a//b\": \"/* \\\" \", /* x\n ü */ \"c\": [1, 2, ], \n}";
        let clean = without_comments(text);
        assert_eq!(clean.len(), text.len());
        assert_eq!(clean.matches('\n').count(), text.matches('\n').count());
        let value: serde_json::Value = serde_json::from_str(&clean).unwrap();
        assert_eq!(value, serde_json::json!({ "a//b": "/* \" ", "c": [1, 2] }));
    }

    #[test]
    fn an_unclosed_comment_or_text_ends_with_the_file() {
        for text in ["{ /* x", "{ /*", "{ \"x", "{ \"x\\", "//"] {
            assert_eq!(without_comments(text).len(), text.len());
        }
    }
}
