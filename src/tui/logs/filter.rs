//! Whether a line is shown or found: patterns, levels, and what was cleared.

use std::collections::BTreeMap;
use std::fmt;

use crate::event::{Level, ProcessId};
use crate::logs::{LineRef as Line, Snapshot as Lines};
use crate::tui::logs::folds::FRAMES_MAX;

/// How the text of a pattern is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatternMode {
    pub(crate) regex: bool,
    /// Case always counts; otherwise it counts if the pattern has a capital letter.
    pub(crate) case: bool,
    /// Whole words.
    pub(crate) word: bool,
}

/// A text to look for.
#[derive(Clone)]
pub(crate) struct Pattern {
    /// As it was typed.
    pub(crate) source: String,
    matcher: Matcher,
}

#[derive(Clone)]
enum Matcher {
    Exact(Box<memchr::memmem::Finder<'static>>),
    /// Lower-case ASCII.
    AnyCase(Vec<u8>),
    /// Built only when it is needed: it is big.
    Regex(Box<regex::bytes::Regex>),
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

impl Pattern {
    /// Reads a pattern; one that starts with `re:` is a regular expression.
    ///
    /// # Errors
    /// The parser's message, in one line.
    pub(crate) fn new(source: &str, mode: PatternMode) -> Result<Pattern, String> {
        let (text, regex) = source.strip_prefix("re:").map_or((source, mode.regex), |text| (text, true));
        let case = mode.case || text.chars().any(char::is_uppercase);
        let matcher = if regex || mode.word || (!case && !text.is_ascii()) {
            let text = if regex { text.to_string() } else { regex::escape(text) };
            let text = if mode.word { format!(r"\b(?:{text})\b") } else { text };
            let built = regex::bytes::RegexBuilder::new(&text).case_insensitive(!case).build();
            Matcher::Regex(Box::new(built.map_err(|error| one_line(&error))?))
        } else if case {
            Matcher::Exact(Box::new(memchr::memmem::Finder::new(text.as_bytes()).into_owned()))
        } else {
            Matcher::AnyCase(text.as_bytes().to_vec())
        };
        Ok(Pattern { source: source.to_string(), matcher })
    }

    /// The first match at or after `from`: where it begins and ends.
    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let rest = text.get(from..)?;
        match &self.matcher {
            Matcher::Exact(finder) => finder.find(rest).map(|at| (from + at, from + at + finder.needle().len())),
            Matcher::AnyCase(needle) => any_case(rest, needle).map(|at| (from + at, from + at + needle.len())),
            Matcher::Regex(regex) => regex.find_at(text, from).map(|found| (found.start(), found.end())),
        }
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        self.find(text, 0).is_some()
    }
}

fn any_case(text: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut from = 0;
    while let Some(at) = memchr::memchr2(first, first.to_ascii_uppercase(), &text[from..]) {
        let begin = from + at;
        let candidate = text.get(begin + 1..begin + 1 + rest.len())?;
        if candidate.eq_ignore_ascii_case(rest) {
            return Some(begin);
        }
        from = begin + 1;
    }
    None
}

fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("not a regular expression");
    last.trim().trim_start_matches("error: ").to_string()
}

/// What the person wants to see; several rules combine with and.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// The lowest level.
    pub(crate) level: Option<Level>,
    /// All of these must match.
    pub(crate) show: Vec<Pattern>,
    /// None of these may.
    pub(crate) hide: Vec<Pattern>,
    /// Lines of these processes up to here were cleared.
    pub(crate) cleared: BTreeMap<ProcessId, u64>,
}

impl Filter {
    /// Whether every line passes.
    pub(crate) fn is_empty(&self) -> bool {
        self.level.is_none() && self.show.is_empty() && self.hide.is_empty() && self.cleared.is_empty()
    }

    /// A line of a stack belongs to the error before it: it is shown and hidden with it.
    fn passes(&self, line: &Line<'_>, lines: &Lines) -> bool {
        self.level.is_none_or(|level| line.level >= level || line.is_stack)
            && self.cleared.get(&line.process).is_none_or(|seq| line.seq > *seq)
            && self.patterns(line, lines)
    }

    fn patterns(&self, line: &Line<'_>, lines: &Lines) -> bool {
        if self.show.is_empty() && self.hide.is_empty() {
            return true;
        }
        let shown = |line: &Line<'_>| self.show.iter().all(|pattern| pattern.matches(line.plain));
        let hidden = |line: &Line<'_>| self.hide.iter().any(|pattern| pattern.matches(line.plain));
        if hidden(line) {
            return false;
        }
        let head = line.is_stack.then(|| lines.older_of(line).take(FRAMES_MAX).find(|line| !line.is_stack)).flatten();
        (shown(line) || head.is_some_and(|head| shown(&head))) && !head.is_some_and(|head| hidden(&head))
    }
}

/// A filter and a pattern at one time, for a worker to hold.
#[derive(Debug, Default)]
pub(crate) struct Test {
    pub(crate) filter: Filter,
    pub(crate) pattern: Option<Pattern>,
}

impl Test {
    pub(crate) fn passes(&self, line: &Line<'_>, lines: &Lines) -> bool {
        self.filter.passes(line, lines) && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(line.plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(source: &str) -> Pattern {
        Pattern::new(source, PatternMode::default()).unwrap()
    }

    #[test]
    fn a_small_letter_finds_both_cases_and_a_capital_only_itself() {
        assert!(pattern("error").matches(b"an ERROR here"));
        assert!(!pattern("Error").matches(b"an ERROR here"));
        assert!(pattern("größe").matches("GRÖSSE GRÖßE".as_bytes()));
        assert_eq!(pattern("aa").find(b"abAA", 0), Some((2, 4)));
    }

    #[test]
    fn a_regular_expression_is_marked_and_a_bad_one_says_why() {
        assert!(pattern("re:time.*out").matches(b"timed out"));
        let error = Pattern::new("re:(open", PatternMode::default()).unwrap_err();
        assert!(error.contains("unclosed group"), "{error}");
        assert!(!error.contains('\n'));
    }

    #[test]
    fn whole_words_only() {
        let mode = PatternMode { word: true, ..PatternMode::default() };
        let pattern = Pattern::new("cart", mode).unwrap();
        assert!(pattern.matches(b"the cart.") && !pattern.matches(b"carts"));
    }
}
