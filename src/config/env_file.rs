//! `.env` files: KEY=VALUE lines with quotes, `export`, comments and `${VAR}`.
//!
//! - `KEY=value` ends at the line's end or at ` #`; blanks around the value are dropped.
//! - `'…'` is kept as it is; `"…"` knows `\n \r \t \\ \" \$`; both may go over several lines.
//! - Outside `'…'`, `$NAME`, `${NAME}`, `${NAME:-other}` and `${NAME-other}` are replaced by variables of the
//!   same file above, else by those of the environment; an unknown one is empty.

use std::fmt;

/// What is wrong in a `.env` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFileError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what is expected.
    pub message: String,
}

impl fmt::Display for EnvFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for EnvFileError {}

/// The variables of a file in its order; a later line wins. `outer` knows the variables that the file does not set.
pub fn parse_env(text: &str, outer: impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, EnvFileError> {
    let mut known: Vec<(String, String)> = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let line = 1 + text[..text.len() - rest.len()].matches('\n').count();
        let lookup = |name: &str| {
            let own = known.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            own.or_else(|| outer(name))
        };
        let fail = |message: String| EnvFileError { line, message };
        let (entry, after) = entry(rest, &lookup).map_err(fail)?;
        rest = after;
        if let Some((key, value)) = entry {
            known.retain(|(old, _)| *old != key);
            known.push((key, value));
        }
    }
    Ok(known)
}

type Entry = Option<(String, String)>;

/// The next entry, if the line holds one, and what follows its line.
fn entry<'t>(text: &'t str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<(Entry, &'t str), String> {
    let blank = |c: char| c == ' ' || c == '\t';
    let text = text.trim_start_matches(blank);
    let end = text.find('\n').unwrap_or(text.len());
    let line = text[..end].trim_end();
    if line.is_empty() || line.starts_with('#') {
        return Ok((None, text.get(end + 1..).unwrap_or_default()));
    }
    let text = match text.strip_prefix("export") {
        Some(after) if after.starts_with(blank) => after.trim_start_matches(blank),
        _ => text,
    };
    let end = text.find('\n').unwrap_or(text.len());
    let Some(equals) = text[..end].find('=') else {
        return Err(format!("`{line}` is not KEY=VALUE"));
    };
    let key = text[..equals].trim_end();
    if !is_name(key) {
        return Err(format!("`{key}` is not a name: letters, digits and `_`, no digit first"));
    }
    let value = text[equals + 1..].trim_start_matches(blank);
    let (value, rest) = match value.chars().next() {
        Some('\'') => single(&value[1..])?,
        Some('"') => double(&value[1..], lookup)?,
        _ => return plain(key, value, lookup),
    };
    let end = rest.find('\n').unwrap_or(rest.len());
    let tail = rest[..end].trim();
    if !tail.is_empty() && !tail.starts_with('#') {
        return Err(format!("`{tail}` stands behind the closing quote of {key}"));
    }
    Ok((Some((key.to_owned(), value)), rest.get(end + 1..).unwrap_or_default()))
}

fn is_name(key: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    key.starts_with(first) && key.chars().all(|c| first(c) || c.is_ascii_digit() || c == '.' || c == '-')
}

fn plain<'t>(key: &str, value: &'t str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<(Entry, &'t str), String> {
    let end = value.find('\n').unwrap_or(value.len());
    let line = &value[..end];
    let comment = line.char_indices().position(|(i, c)| c == '#' && (i == 0 || line[..i].ends_with([' ', '\t'])));
    let text = match comment {
        Some(position) => line.char_indices().nth(position).map_or(line, |(i, _)| &line[..i]),
        None => line,
    };
    let mut out = String::new();
    let mut rest = text.trim_end();
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = expand(&rest[dollar + 1..], lookup, &mut out)?;
    }
    out.push_str(rest);
    Ok((Some((key.to_owned(), out)), value.get(end + 1..).unwrap_or_default()))
}

fn single(text: &str) -> Result<(String, &str), String> {
    let end = text.find('\'').ok_or("the quote ' is not closed")?;
    Ok((text[..end].to_owned(), &text[end + 1..]))
}

fn double<'t>(text: &'t str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<(String, &'t str), String> {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let stop = rest.find(['"', '\\', '$']).ok_or("the quote \" is not closed")?;
        out.push_str(&rest[..stop]);
        let after = &rest[stop + 1..];
        match rest.as_bytes()[stop] {
            b'"' => return Ok((out, after)),
            b'$' => rest = expand(after, lookup, &mut out)?,
            _ => {
                let escaped = after.chars().next().ok_or("the quote \" is not closed")?;
                match escaped {
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    '\\' | '"' | '$' => out.push(escaped),
                    other => out.extend(['\\', other]),
                }
                rest = &after[escaped.len_utf8()..];
            }
        }
    }
}

/// Replaces the variable whose `$` was just passed; gives back what follows it.
fn expand<'t>(text: &'t str, lookup: &dyn Fn(&str) -> Option<String>, out: &mut String) -> Result<&'t str, String> {
    let Some(inner) = text.strip_prefix('{') else {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        // `$` alone, or before a digit as in a price, is a dollar sign.
        if end == 0 || text.starts_with(|c: char| c.is_ascii_digit()) {
            out.push('$');
            return Ok(text);
        }
        out.push_str(&lookup(&text[..end]).unwrap_or_default());
        return Ok(&text[end..]);
    };
    let end = inner.find('}').ok_or("`${` is not closed by `}`")?;
    let (name, other, or_empty) = match (inner[..end].split_once(":-"), inner[..end].split_once('-')) {
        (Some((name, other)), _) => (name, other, true),
        (None, Some((name, other))) => (name, other, false),
        (None, None) => (&inner[..end], "", false),
    };
    if !is_name(name) {
        return Err(format!("`${{{}}}` holds no name", &inner[..end]));
    }
    let found = lookup(name).filter(|value| !(or_empty && value.is_empty()));
    out.push_str(&found.unwrap_or_else(|| other.to_owned()));
    Ok(&inner[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
        parse_env(text, |name| (name == "HOME").then(|| "/home/me".to_owned()))
    }

    fn one(text: &str) -> String {
        parse(text).unwrap().pop().expect("one variable").1
    }

    #[test]
    fn cf_an_env_file_knows_quotes_export_comments_and_blanks() {
        let text =
            "# head\n\nA=1\r\nexport B = two words # note\nC='a $HOME # b'\nD=\"x\\ty\"  # c\nE=\nF=a#b\nexport=9\n";
        let all = parse(text).unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a $HOME # b"),
            ("D", "x\ty"),
            ("E", ""),
            ("F", "a#b"),
            ("export", "9"),
        ];
        assert_eq!(all, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn cf_variables_are_replaced_by_those_above_then_by_the_environment() {
        assert_eq!(one("A=1\nB=${A}-$A-$HOME"), "1-1-/home/me");
        assert_eq!(one("B=\"${NONE:-x}${NONE-y}${NONE}\""), "xy");
        assert_eq!(one("A=\nB=${A:-x}${A-y}"), "x");
        assert_eq!(one("B=cost $5 \\ 100$"), "cost $5 \\ 100$");
        assert_eq!(one("B=\"\\$HOME\""), "$HOME");
        assert_eq!(one("HOME=/x\nB=$HOME"), "/x");
    }

    #[test]
    fn cf_quoted_values_go_over_lines_and_later_lines_win() {
        let all = parse("KEY=\"-----\nabc\n-----\"\nA=1\nA=2\n").unwrap();
        assert_eq!(all, [("KEY".to_owned(), "-----\nabc\n-----".to_owned()), ("A".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn cf_a_bad_line_is_named() {
        let fails = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(fails("A=1\n\nnonsense\n"), "line 3: `nonsense` is not KEY=VALUE");
        assert_eq!(fails("A=\"x\ny\"\n1B=2"), "line 3: `1B` is not a name: letters, digits and `_`, no digit first");
        assert_eq!(fails("A=1\nB='x\n"), "line 2: the quote ' is not closed");
        assert_eq!(fails("B=\"x\\"), "line 1: the quote \" is not closed");
        assert_eq!(fails("B=${A"), "line 1: `${` is not closed by `}`");
        assert_eq!(fails("B='x' y"), "line 1: `y` stands behind the closing quote of B");
    }

    proptest::proptest! {
        #[test]
        fn cf_no_text_makes_the_reader_panic(text in "[A-Z=\"'$ {}:\\\\#\\n\\-ä]{0,60}") {
            let _ = parse(&text);
        }
    }
}
