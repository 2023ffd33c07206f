//! JSON as a row of tokens that together are the text, whatever it is: cut, broken, or several values in a row.

/// A piece of a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// One of `{}[]:,`.
    Mark(char),
    /// A string with its quotes; the last may lack the closing one.
    Text(&'a str),
    /// A number, a literal, or what is neither.
    Scalar(&'a str),
    /// White space.
    Blank(&'a str),
}

impl<'a> Token<'a> {
    /// What the string means: without quotes and escapes.
    pub(super) fn unquoted(text: &'a str) -> String {
        let inner = text.strip_prefix('"').unwrap_or(text);
        serde_json::from_str(text).unwrap_or_else(|_| inner.strip_suffix('"').unwrap_or(inner).to_owned())
    }
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { rest: text }
}

/// The iterator of [`tokens`].
#[derive(Clone)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let first = self.rest.chars().next()?;
        let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        let is_mark = |c: char| matches!(c, '{' | '}' | '[' | ']' | ':' | ',');
        let (length, make): (usize, fn(&'a str) -> Token<'a>) = match first {
            '"' => (string_len(self.rest), Token::Text),
            c if is_mark(c) => {
                self.rest = &self.rest[1..];
                return Some(Token::Mark(c));
            }
            c if is_blank(c) => (self.rest.find(|c| !is_blank(c)).unwrap_or(self.rest.len()), Token::Blank),
            _ => {
                let end = self.rest.find(|c| is_blank(c) || is_mark(c) || c == '"');
                (end.unwrap_or(self.rest.len()), Token::Scalar)
            }
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(make(token))
    }
}

/// The bytes of the string at the start of `text`, with its quotes.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, b) in text.bytes().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Deeper levels are not set in further.
const INDENT_LEVELS_MAX: usize = 20;

/// The text on several lines, set in by its levels. What is not JSON passes as it is; a text that would become much longer
/// stays on its lines.
pub(super) fn pretty(text: &str) -> String {
    let longest = text.len() * 4 + (64 << 10);
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    let mut level = 0usize;
    let mut previous: Option<Token<'_>> = None;
    for token in tokens(text).filter(|token| !matches!(token, Token::Blank(_))) {
        let closes = matches!(token, Token::Mark('}' | ']'));
        let opened = matches!(previous, Some(Token::Mark('{' | '[')));
        if closes {
            level = level.saturating_sub(1);
        }
        let breaks = match (previous, token) {
            (None, _) | (_, Token::Mark(',' | ':')) | (Some(Token::Mark(':')), _) => false,
            (_, Token::Mark('}' | ']')) => !opened,
            // A new element, or a further value behind the last.
            _ => true,
        };
        if breaks {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", level.min(INDENT_LEVELS_MAX)));
        }
        match token {
            Token::Mark(mark) => out.push(mark),
            Token::Text(text) | Token::Scalar(text) | Token::Blank(text) => out.push_str(text),
        }
        if token == Token::Mark(':') {
            out.push(' ');
        }
        level += usize::from(matches!(token, Token::Mark('{' | '[')));
        previous = Some(token);
        if out.len() > longest {
            return text.to_owned();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_is_set_out_on_lines() {
        let text = r#"{"a":[1,{"b\"":null}],"c":{},"d":[ ],"e":"x,:{"}"#;
        let lines = "{\n  \"a\": [\n    1,\n    {\n      \"b\\\"\": null\n    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": \"x,:{\"\n}";
        assert_eq!(pretty(text), lines);
        assert_eq!(pretty(lines), lines);
    }

    #[test]
    fn cut_and_broken_and_several_values_are_set_out_as_far_as_they_go() {
        assert_eq!(pretty("{\"a\":[1,2"), "{\n  \"a\": [\n    1,\n    2");
        assert_eq!(pretty("{\"a\":1}\n{\"a\":2}"), "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}");
        assert_eq!(pretty("]]}\"open"), "]\n]\n}\n\"open");
        assert_eq!(pretty("12345678901234567890123.50"), "12345678901234567890123.50");
    }

    #[test]
    fn a_text_of_brackets_alone_does_not_grow_without_bound() {
        let text = "[".repeat(1 << 20);
        assert!(pretty(&text).len() <= text.len() * 4 + (64 << 10));
    }

    proptest! {
        #[test]
        fn all_tokens_together_are_the_text(text in "[\\[\\]{}:,\"\\\\ \na1ä]{0,60}") {
            let whole: String = tokens(&text).map(|token| match token {
                Token::Mark(mark) => mark.to_string(),
                Token::Text(text) | Token::Scalar(text) | Token::Blank(text) => text.to_owned(),
            }).collect();
            prop_assert_eq!(whole, text);
        }

        #[test]
        fn what_is_set_out_is_the_same_value(numbers: Vec<i64>, words: Vec<String>) {
            let value = serde_json::json!({ "numbers": numbers, "words": words, "deep": [[{}], []] });
            let text = pretty(&value.to_string());
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("still JSON"), value);
        }
    }
}
