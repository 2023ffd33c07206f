//! What is searched for: a literal, with or without regard to case, or a regular expression.

use std::ops::Range;

use aho_corasick::packed;
use memchr::{memchr2_iter, memmem};
use regex::bytes::{Regex, RegexBuilder};

use crate::error::{Code, Error, Result};

/// Whether upper and lower case are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Case {
    /// When the text has an upper-case letter.
    #[default]
    Smart,
    /// Yes.
    Exact,
    /// No.
    Any,
}

/// How a text is to be understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PatternOptions {
    /// It is a regular expression in the syntax of the `regex` crate; it matches within a line.
    pub regex: bool,
    /// Whether case counts.
    pub case: Case,
    /// Only whole words count.
    pub word: bool,
}

/// A pattern, ready to search. The empty text is in every line.
///
/// ```
/// use brummer::logs::{Pattern, PatternOptions};
///
/// let pattern = Pattern::new("error", PatternOptions::default()).unwrap();
/// assert!(pattern.is_match(b"An ERROR came"));
/// assert_eq!(pattern.ranges(b"error: Error").collect::<Vec<_>>(), [0..5, 7..12]);
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    engine: Engine,
    word: bool,
}

#[derive(Clone, Debug)]
enum Engine {
    Everything,
    Exact(memmem::Finder<'static>),
    AnyCase(AnyCase),
    Regex(Regex),
    /// A regular expression that must have each line as a text of its own.
    LineRegex(Regex),
}

/// Bytes of a compiled expression.
const REGEX_BYTES_MAX: usize = 4 << 20;

impl Pattern {
    /// Makes a text ready.
    ///
    /// # Errors
    /// INVALID_STATE with the parser's message for an expression that is none, or is too big.
    pub fn new(text: &str, options: PatternOptions) -> Result<Pattern> {
        let any_case = match options.case {
            Case::Smart => !has_upper_case(text, options.regex),
            Case::Exact => false,
            Case::Any => true,
        };
        let engine = if text.is_empty() {
            Engine::Everything
        } else if options.regex {
            let whole = if options.word { format!(r"\b(?:{text})\b") } else { text.to_owned() };
            let regex = compile(&whole, any_case)?;
            if needs_lines(text) { Engine::LineRegex(regex) } else { Engine::Regex(regex) }
        } else if !any_case || !text.bytes().any(|b| b.is_ascii_alphabetic() || b >= 0x80) {
            Engine::Exact(memmem::Finder::new(text.as_bytes()).into_owned())
        } else {
            match AnyCase::new(text.as_bytes()) {
                Some(any_case) => Engine::AnyCase(any_case),
                None => Engine::Regex(compile(&regex::escape(text), true)?),
            }
        };
        Ok(Pattern { engine, word: options.word && !options.regex })
    }

    /// Whether the pattern is in every line.
    pub(super) fn is_everything(&self) -> bool {
        matches!(self.engine, Engine::Everything)
    }

    /// Whether each line must be searched by itself.
    pub(super) fn needs_lines(&self) -> bool {
        matches!(self.engine, Engine::LineRegex(_) | Engine::Everything)
    }

    /// Whether a hit may depend on what stands around it in the line.
    pub(super) fn is_regex(&self) -> bool {
        matches!(self.engine, Engine::Regex(_) | Engine::LineRegex(_))
    }

    /// The length of a literal.
    pub(super) fn literal_len(&self) -> Option<usize> {
        match &self.engine {
            Engine::Exact(finder) => Some(finder.needle().len()),
            Engine::AnyCase(any_case) => Some(any_case.needle.len()),
            Engine::Everything | Engine::Regex(_) | Engine::LineRegex(_) => None,
        }
    }

    /// The first hit at or after `from`.
    pub(super) fn find_at(&self, text: &[u8], mut from: usize) -> Option<Range<usize>> {
        loop {
            let hit = match &self.engine {
                Engine::Everything => (from <= text.len()).then_some(from..from),
                Engine::Exact(finder) => {
                    let start = from + finder.find(text.get(from..)?)?;
                    Some(start..start + finder.needle().len())
                }
                Engine::AnyCase(any_case) => any_case.find_at(text, from),
                Engine::Regex(regex) | Engine::LineRegex(regex) => {
                    (from <= text.len()).then(|| regex.find_at(text, from).map(|hit| hit.range()))?
                }
            }?;
            if !self.word || is_word(text, &hit) {
                return Some(hit);
            }
            from = hit.start + 1;
        }
    }

    /// Whether it is in this line.
    pub fn is_match(&self, line: &[u8]) -> bool {
        self.find_at(line, 0).is_some()
    }

    /// Where it is in this line, without overlaps and empty hits.
    pub fn ranges<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut from = if self.is_everything() { line.len() + 1 } else { 0 };
        std::iter::from_fn(move || {
            loop {
                let hit = self.find_at(line, from)?;
                from = hit.end.max(hit.start + 1);
                if !hit.is_empty() {
                    return Some(hit);
                }
            }
        })
    }
}

/// Whether an expression looks at the ends of its text, or has parts that would run on through the lines that follow.
/// White space (`\s`) may: runs of it are short.
fn needs_lines(text: &str) -> bool {
    [r"\A", r"\z", "[^", r"\D", r"\W", r"\P", r"\n", r"\x", "(?"].iter().any(|part| text.contains(part))
}

fn compile(text: &str, any_case: bool) -> Result<Regex> {
    let built = RegexBuilder::new(text).case_insensitive(any_case).multi_line(true).size_limit(REGEX_BYTES_MAX).build();
    built.map_err(|error| {
        Error::new("logs", Code::InvalidState, format!("`{text}` is no regular expression: {error}")).caused_by(error)
    })
}

/// Whether smart case tells cases apart; the classes of an expression (`\S`, `\W`) are no upper-case letters.
fn has_upper_case(text: &str, regex: bool) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let counts = c.is_uppercase() && !escaped;
        escaped = regex && c == '\\' && !escaped;
        counts
    })
}

fn is_word(text: &[u8], hit: &Range<usize>) -> bool {
    let joins = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80);
    let (first, last) = (text.get(hit.start), text.get(hit.end.wrapping_sub(1)));
    let before = hit.start.checked_sub(1).and_then(|at| text.get(at));
    !(joins(first) && joins(before) || joins(last) && joins(text.get(hit.end)))
}

/// Finds an ASCII text in any case: the rarest few bytes of it are searched in all their cases at once, by SIMD, and the
/// rest is compared only there.
#[derive(Clone, Debug)]
struct AnyCase {
    needle: Box<[u8]>,
    /// Where in the needle the searched bytes stand.
    offset: usize,
    probe: Probe,
}

#[derive(Clone, Debug)]
enum Probe {
    /// One byte, in lower and in upper case.
    Byte(u8, u8),
    Window(packed::Searcher),
}

const WINDOW_BYTES_MAX: usize = 4;

impl AnyCase {
    fn new(text: &[u8]) -> Option<AnyCase> {
        if !text.is_ascii() {
            return None;
        }
        let needle = text.to_ascii_lowercase().into_boxed_slice();
        let len = needle.len().min(WINDOW_BYTES_MAX);
        let cost = |at: &usize| needle[*at..at + len].iter().map(|b| commonness(*b)).sum::<usize>();
        let offset = (0..=needle.len() - len).min_by_key(cost)?;
        let window = &needle[offset..offset + len];
        let probe = match window {
            [byte] => Probe::Byte(*byte, byte.to_ascii_uppercase()),
            _ => Probe::Window(packed::Searcher::new(in_all_cases(window))?),
        };
        Some(AnyCase { needle, offset, probe })
    }

    fn find_at(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let mut at = from + self.offset;
        let is_here = |start: usize| {
            text.get(start..start + self.needle.len()).is_some_and(|here| here.eq_ignore_ascii_case(&self.needle))
        };
        match &self.probe {
            Probe::Byte(lower, upper) => {
                let start = from + memchr2_iter(*lower, *upper, text.get(from..)?).find(|at| is_here(from + at))?;
                Some(start..start + self.needle.len())
            }
            Probe::Window(searcher) => {
                while at <= text.len() {
                    let hit = searcher.find_in(text, (at..text.len()).into())?.start();
                    let start = hit - self.offset;
                    if is_here(start) {
                        return Some(start..start + self.needle.len());
                    }
                    at = hit + 1;
                }
                None
            }
        }
    }
}

/// All spellings of a few lower-case bytes.
fn in_all_cases(window: &[u8]) -> Vec<Vec<u8>> {
    window.iter().fold(vec![Vec::new()], |spellings, byte| {
        let cases = if byte.is_ascii_alphabetic() { vec![*byte, byte.to_ascii_uppercase()] } else { vec![*byte] };
        spellings.iter().flat_map(|s| cases.iter().map(|c| [&s[..], &[*c]].concat())).collect()
    })
}

/// How often a byte stands in logs, roughly: its place in an order.
fn commonness(byte: u8) -> usize {
    const RARE_FIRST: &[u8] = b"qzxjkvbwyfgphmucd/:.-9876543210lrsnioate ";
    RARE_FIRST.iter().position(|b| *b == byte).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str, regex: bool, case: Case, word: bool) -> Pattern {
        Pattern::new(text, PatternOptions { regex, case, word }).unwrap()
    }

    #[test]
    fn smart_case_tells_cases_apart_when_the_text_has_an_upper_case_letter() {
        assert!(pattern("err", false, Case::Smart, false).is_match(b"ERR"));
        assert!(!pattern("Err", false, Case::Smart, false).is_match(b"ERR"));
        assert!(pattern(r"\Serr", true, Case::Smart, false).is_match(b"xERR"));
        assert!(pattern("ä", false, Case::Smart, false).is_match("Ä".as_bytes()));
    }

    #[test]
    fn only_whole_words_count_when_asked_for() {
        let word = pattern("err", false, Case::Any, true);
        assert_eq!(word.ranges(b"terr err: errs (ERR)").collect::<Vec<_>>(), [5..8, 16..19]);
        assert!(pattern("(", false, Case::Any, true).is_match(b"f(x)"));
        assert!(!pattern("a|b", true, Case::Any, true).is_match(b"ab"));
    }

    #[test]
    fn a_bad_expression_says_what_is_wrong_with_it() {
        let error = Pattern::new("a(", PatternOptions { regex: true, ..Default::default() }).unwrap_err();
        assert!(error.to_string().contains("unclosed group"), "{error}");
    }

    #[test]
    fn empty_hits_end() {
        assert_eq!(pattern("x*", true, Case::Any, false).ranges(b"axaxx").collect::<Vec<_>>(), [1..2, 3..5]);
        assert_eq!(pattern("", false, Case::Any, false).ranges(b"axa").count(), 0);
        assert!(pattern("", false, Case::Any, false).is_match(b""));
    }

    proptest! {
        #[test]
        fn a_literal_in_any_case_is_found_where_a_slow_search_finds_it(
            text in "[aAbBcC1 ]{0,60}", needle in "[abc1 ]{1,7}"
        ) {
            let slow: Vec<_> = (0..text.len()).filter(|at| {
                text.as_bytes()[*at..].len() >= needle.len()
                    && text.as_bytes()[*at..at + needle.len()].eq_ignore_ascii_case(needle.as_bytes())
            }).collect();
            let fast = pattern(&needle, false, Case::Any, false);
            let mut found = Vec::new();
            let mut from = 0;
            while let Some(hit) = fast.find_at(text.as_bytes(), from) {
                found.push(hit.start);
                from = hit.start + 1;
            }
            prop_assert_eq!(found, slow);
        }
    }
}
