//! Reads a filter: words, `&` or `and`, `|` or `or`, `!` or `not`, brackets, quotes; errors say where and what is allowed.
//!
//! As in mitmproxy, `!` binds tighter than `&`, this tighter than `|`, and what merely stands side by side is joined last:
//! `~m GET | ~m HEAD /api` means `(~m GET | ~m HEAD) & ~u /api`.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};

use super::words::{Is, Of, Takes, WORDS};

/// Brackets and `!` within each other.
const DEPTH_MAX: usize = 50;
/// Bytes of a filter's text.
const TEXT_BYTES_MAX: usize = 4096;
/// Bytes of one compiled expression.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// What exchanges are to be like. Clones are cheap.
///
/// ```
/// use brummer::proxy::capture::Filter;
///
/// assert!(Filter::parse("~m POST & !(~c 2xx | ~a) /api").is_ok());
/// assert_eq!(Filter::parse("~c abc").unwrap_err().column, 4);
/// ```
#[derive(Clone, Debug)]
pub struct Filter {
    text: Arc<str>,
    pub(super) root: Arc<Expression>,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// What is wrong and what is allowed.
    pub message: String,
    /// Where, in characters from 1.
    pub column: usize,
    /// How many characters it is about, at least 1.
    pub width: usize,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)
    }
}

impl std::error::Error for FilterError {}

#[derive(Debug)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Is(Is),
    Has(Of, Regex),
    Status(u16, u16),
    AtLeast(Duration),
    Bytes(u64),
}

impl Filter {
    /// Reads a filter; the empty text lets everything through.
    ///
    /// # Errors
    /// What is wrong, where, and what is allowed.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("the filter is longer than {TEXT_BYTES_MAX} bytes");
            return Err(FilterError { message, column: 1, width: 1 });
        }
        let mut parser = Parser { text, at: 0, depth: 0 };
        let root = parser.whole().map_err(|fault| {
            let column = text[..fault.at.start].chars().count() + 1;
            FilterError { message: fault.message, column, width: text[fault.at].chars().count().max(1) }
        })?;
        Ok(Filter { text: Arc::from(text), root: Arc::new(root) })
    }

    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// An error at a range of bytes.
struct Fault {
    message: String,
    at: Range<usize>,
}

type Parsed<T> = Result<T, Fault>;

fn fault<T>(at: Range<usize>, message: impl Into<String>) -> Parsed<T> {
    Err(Fault { message: message.into(), at })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
    Not,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// The operator that stands here, and its length.
    fn operator(&self) -> Option<(Operator, usize)> {
        let rest = self.rest();
        match rest.as_bytes().first()? {
            b'&' => return Some((Operator::And, if rest.starts_with("&&") { 2 } else { 1 })),
            b'|' => return Some((Operator::Or, if rest.starts_with("||") { 2 } else { 1 })),
            b'!' => return Some((Operator::Not, 1)),
            _ => {}
        }
        let word = &rest[..rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).unwrap_or(rest.len())];
        let operators = [("and", Operator::And), ("or", Operator::Or), ("not", Operator::Not)];
        let found = operators.iter().find(|(name, _)| word.eq_ignore_ascii_case(name))?;
        Some((found.1, word.len()))
    }

    /// Steps over `wanted` if it stands here.
    fn take(&mut self, wanted: Operator) -> bool {
        self.skip_blanks();
        let found = self.operator().filter(|(operator, _)| *operator == wanted);
        self.at += found.map_or(0, |(_, length)| length);
        found.is_some()
    }

    fn whole(&mut self) -> Parsed<Expression> {
        self.skip_blanks();
        if self.rest().is_empty() {
            return Ok(Expression::Is(Is::Anything));
        }
        let root = self.sequence()?;
        match self.next() {
            None => Ok(root),
            Some(_) => fault(self.at..self.at + 1, "`)` closes nothing; write it in quotes to search for it"),
        }
    }

    fn sequence(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.either()?];
        loop {
            self.skip_blanks();
            if matches!(self.next(), None | Some(')')) {
                return Ok(one_or(parts, Expression::All));
            }
            parts.push(self.either()?);
        }
    }

    fn either(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.both()?];
        while self.take(Operator::Or) {
            parts.push(self.both()?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    fn both(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.unary()?];
        while self.take(Operator::And) {
            parts.push(self.unary()?);
        }
        Ok(one_or(parts, Expression::All))
    }

    fn unary(&mut self) -> Parsed<Expression> {
        self.skip_blanks();
        let start = self.at;
        if self.depth == DEPTH_MAX {
            return fault(start..start, format!("nested too deeply; {DEPTH_MAX} levels are allowed"));
        }
        if self.take(Operator::Not) {
            self.depth += 1;
            let inner = self.unary()?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if let Some((_, length)) = self.operator() {
            let sign = &self.text[start..start + length];
            return fault(start..start + length, format!("`{sign}` needs something on its left; in quotes it is text"));
        }
        match self.next() {
            None => fault(start..start, "something is missing here: a filter word such as ~u, a text, or `(`"),
            Some(')') => fault(start..start + 1, "something is missing before `)`"),
            Some('(') => self.group(),
            Some('~') => self.term(),
            Some(_) => self.regex(Of::Url, "a text"),
        }
    }

    fn group(&mut self) -> Parsed<Expression> {
        let open = self.at;
        self.at += 1;
        self.depth += 1;
        let inner = self.sequence()?;
        self.depth -= 1;
        if self.next() != Some(')') {
            return fault(open..open + 1, "this `(` is not closed");
        }
        self.at += 1;
        Ok(inner)
    }

    fn term(&mut self) -> Parsed<Expression> {
        let start = self.at;
        let name = &self.rest()[1..];
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
        self.at += 1 + name.len();
        let Some(word) = WORDS.iter().find(|word| word.name == name) else {
            let known: Vec<_> = WORDS.iter().map(|word| format!("~{}", word.name)).collect();
            return fault(start..self.at, format!("`~{name}` is no filter word; there are {}", known.join(" ")));
        };
        match word.takes {
            Takes::Nothing(is) => Ok(Expression::Is(is)),
            Takes::Regex(of) => self.regex(of, &format!("`~{name}`")),
            takes => self.value(takes, name),
        }
    }

    fn regex(&mut self, of: Of, who: &str) -> Parsed<Expression> {
        self.skip_blanks();
        let start = self.at;
        let pattern = self.argument()?;
        if pattern.is_empty() {
            return fault(
                start..self.at,
                format!("{who} needs a regular expression behind it, in quotes if it has blanks"),
            );
        }
        let mut builder = RegexBuilder::new(&pattern);
        builder.case_insensitive(true).size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX);
        match builder.dot_matches_new_line(matches!(of, Of::Body(_))).build() {
            Ok(regex) => Ok(Expression::Has(of, regex)),
            Err(error) => {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                fault(start..self.at, format!("this is no regular expression: {why}"))
            }
        }
    }

    fn value(&mut self, takes: Takes, name: &str) -> Parsed<Expression> {
        self.skip_blanks();
        let start = self.at;
        let rest = self.rest();
        let end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '&' | '|' | '!' | '~' | '"' | '\'');
        let text = &rest[..rest.find(end).unwrap_or(rest.len())];
        self.at += text.len();
        let value = match takes {
            Takes::Status => status(text).map(|(from, to)| Expression::Status(from, to)),
            Takes::Duration => duration(text).map(Expression::AtLeast),
            _ => size(text).map(Expression::Bytes),
        };
        match value {
            Some(value) => Ok(value),
            None => fault(start..self.at, format!("`~{name}` needs {} behind it", takes.describe())),
        }
    }

    /// A quoted text, or all up to a blank or a bracket that was not opened inside.
    fn argument(&mut self) -> Parsed<String> {
        match self.next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => {
                let (mut open, mut escaped) = (0usize, false);
                let end = self.rest().find(|c: char| {
                    match c {
                        _ if escaped => {}
                        '(' => open += 1,
                        ')' if open == 0 => return true,
                        ')' => open -= 1,
                        _ => {}
                    }
                    escaped = c == '\\' && !escaped;
                    c.is_whitespace()
                });
                let word = &self.rest()[..end.unwrap_or(self.rest().len())];
                self.at += word.len();
                Ok(word.to_owned())
            }
        }
    }

    /// Behind a backslash the quote itself is meant; all other backslashes are the expression's.
    fn quoted(&mut self, quote: char) -> Parsed<String> {
        let start = self.at;
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1).peekable();
        while let Some((at, c)) = letters.next() {
            match (c, letters.peek()) {
                ('\\', Some(&(_, next))) => {
                    letters.next();
                    if next != quote {
                        text.push('\\');
                    }
                    text.push(next);
                }
                (c, _) if c == quote => {
                    self.at += at + 1;
                    return Ok(text);
                }
                (c, _) => text.push(c),
            }
        }
        fault(start..start + 1, format!("this {quote} is not closed"))
    }
}

/// The only part itself, or all of them joined.
fn one_or(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

/// From and to, both included.
fn status(text: &str) -> Option<(u16, u16)> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|&status| status < 1000);
    if let Some(class) = text.to_ascii_lowercase().strip_suffix("xx") {
        let class = number(class).filter(|class| (1..=9).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    if let Some((from, to)) = text.split_once('-') {
        return Some((number(from)?, number(to)?)).filter(|(from, to)| from <= to);
    }
    match (text.strip_prefix(">="), text.strip_prefix("<="), text.strip_prefix('>'), text.strip_prefix('<')) {
        (Some(from), ..) => Some((number(from)?, 999)),
        (_, Some(to), ..) => Some((0, number(to)?)),
        (_, _, Some(below), _) => Some((number(below)? + 1, 999)),
        (_, _, _, Some(above)) => Some((0, number(above)?.checked_sub(1)?)),
        _ => number(text).map(|status| (status, status)),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let number = number.parse::<f64>().ok()?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}
