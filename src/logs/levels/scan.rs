//! Finds, in one pass of SIMD comparisons, the places of a line that may say something about its level.

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind};

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stem {
    /// `err…`
    Error,
    /// `fail…`
    Fail,
    /// `fatal…`, `segmentation fault`
    Fatal,
    /// `panic…`
    Panic,
    /// `crit…`, `emerg`
    Critical,
    /// `warn…`
    Warn,
    /// `debug…`
    Debug,
    /// `trac…`
    Trace,
    /// `info…`
    Info,
    /// `excep…`
    Exception,
    /// `unhandled…`, `uncaught…`
    Unhandled,
    /// The name of a level field: `level`, `severity`, `lvl`, `"@l"`.
    Key,
}

const STEMS: [(&str, Stem); 18] = [
    ("err", Stem::Error),
    ("fail", Stem::Fail),
    ("fatal", Stem::Fatal),
    ("segmentation fault", Stem::Fatal),
    ("panic", Stem::Panic),
    ("crit", Stem::Critical),
    ("emerg", Stem::Critical),
    ("warn", Stem::Warn),
    ("debug", Stem::Debug),
    ("trac", Stem::Trace),
    ("info", Stem::Info),
    ("excep", Stem::Exception),
    ("unhandled", Stem::Unhandled),
    ("uncaught", Stem::Unhandled),
    ("level", Stem::Key),
    ("severity", Stem::Key),
    ("lvl", Stem::Key),
    ("\"@l\"", Stem::Key),
];

/// Finds the stems, written in lower case, in upper case, or with a capital.
#[derive(Debug)]
pub(super) struct Scanner {
    engine: Engine,
    stems: Vec<Stem>,
}

#[derive(Debug)]
enum Engine {
    /// Compares 16 or 32 places at once.
    Packed(Box<packed::Searcher>),
    /// For a CPU that cannot.
    Automaton(AhoCorasick),
}

impl Scanner {
    pub(super) fn new() -> Scanner {
        let mut patterns: Vec<(String, Stem)> = Vec::new();
        for (text, stem) in STEMS {
            let capital = text[..1].to_ascii_uppercase() + &text[1..];
            for form in [text.to_owned(), capital, text.to_ascii_uppercase()] {
                if patterns.iter().all(|(known, _)| *known != form) {
                    patterns.push((form, stem));
                }
            }
        }
        let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
        let engine = match builder.extend(patterns.iter().map(|(text, _)| text)).build() {
            Some(searcher) => Engine::Packed(Box::new(searcher)),
            None => Engine::Automaton(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostFirst)
                    .build(patterns.iter().map(|(text, _)| text))
                    .expect("a few short patterns are below every limit of the automaton"),
            ),
        };
        Scanner { engine, stems: patterns.into_iter().map(|(_, stem)| stem).collect() }
    }

    /// The stems in `plain` from byte `from` on, with where they start, from left to right.
    #[inline]
    pub(super) fn hits<'a>(&'a self, plain: &'a [u8], from: usize) -> impl Iterator<Item = (usize, Stem)> + 'a {
        let mut from = from.min(plain.len());
        std::iter::from_fn(move || {
            let span = aho_corasick::Span::from(from..plain.len());
            let hit = match &self.engine {
                Engine::Packed(searcher) => searcher.find_in(plain, span),
                Engine::Automaton(automaton) => automaton.find(aho_corasick::Input::new(plain).span(span)),
            }?;
            from = hit.end();
            Some((hit.start(), self.stems[hit.pattern().as_usize()]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_found_in_three_cases_wherever_they_stand() {
        let scanner = Scanner::new();
        for pad in [0, 1, 7, 31, 100] {
            for (text, stem) in
                [("error", Stem::Error), ("FAIL", Stem::Fail), ("Panic", Stem::Panic), ("level", Stem::Key)]
            {
                let line = format!("{}{text}", "x".repeat(pad));
                assert_eq!(scanner.hits(line.as_bytes(), 0).collect::<Vec<_>>(), [(pad, stem)], "{line}");
            }
        }
        assert_eq!(scanner.hits(b"eRRor fAtal", 0).count(), 0);
    }

    #[test]
    fn this_machine_gets_the_fast_engine_or_the_same_answers() {
        let scanner = Scanner::new();
        assert_eq!(
            matches!(scanner.engine, Engine::Packed(_)),
            cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))
        );
    }
}
