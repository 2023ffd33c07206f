//! How bad a line is: a structured log's own level field, else a logger's tag, else its words.
//!
//! `scan` finds the few places worth a look, `words` judges them, `fields` reads JSON and `key=value` logs.

mod fields;
mod scan;
mod words;

use crate::event::Level;

use scan::Scanner;
use words::Verdict;

/// A tag is a tag only near the start of its line; `INFO` in the middle of a sentence is a word.
const TAG_WITHIN: usize = 64;

/// Whether a line begins with the sign of a test runner or a bundler.
#[inline]
pub(super) fn has_a_sign(line: &[u8]) -> bool {
    // White space may stand before it; all of the signs begin with this byte.
    line.first().is_some_and(|first| *first == 0xe2 || first.is_ascii_whitespace())
        && words::sign_at_the_start(line).is_some()
}

/// Tells levels from text. Made once and shared: `Sync`, and each look is allocation-free.
#[derive(Debug)]
pub struct Levels {
    scanner: Scanner,
}

impl Default for Levels {
    fn default() -> Levels {
        Levels::new()
    }
}

impl Levels {
    /// Builds the search for the words.
    pub fn new() -> Levels {
        Levels { scanner: Scanner::new() }
    }

    /// The level of a line without escape sequences.
    ///
    /// ```
    /// use brummer::event::Level;
    /// use brummer::logs::Levels;
    ///
    /// let levels = Levels::new();
    /// assert_eq!(levels.of(b"done: 0 errors, 2 warnings"), Level::Warn);
    /// assert_eq!(levels.of(b"TypeError: x is not a function"), Level::Error);
    /// assert_eq!(levels.of(br#"{"level":30,"msg":"error page rendered"}"#), Level::Info);
    /// ```
    pub fn of(&self, plain: &[u8]) -> Level {
        self.of_known(plain, 0)
    }

    /// Where in a text of many lines, from byte `from` on, the next place is that may say something; its end if there is none.
    pub(super) fn next_place(&self, text: &[u8], from: usize) -> usize {
        self.scanner.hits(text, from).next().map_or(text.len(), |(at, _)| at)
    }

    /// The level of a line of which it is known that nothing before byte `from` says anything.
    pub(super) fn of_known(&self, plain: &[u8], from: usize) -> Level {
        let mut said = Level::Debug;
        let mut anything = false;
        let mut judged = 0;
        // A JSON record is asked once, when the first stem shows that it says something.
        let mut asked = false;
        for (start, stem) in self.scanner.hits(plain, from) {
            if !std::mem::replace(&mut asked, true)
                && let Some(level) = fields::json_level(plain)
            {
                return level;
            }
            if start < judged {
                continue;
            }
            let (verdict, end) = match stem {
                scan::Stem::Key => {
                    (fields::pair_level(plain, start).map_or(Verdict::Nothing, Verdict::Field), start + 1)
                }
                stem => words::judge(plain, start, stem),
            };
            judged = end;
            match verdict {
                Verdict::Field(level) => return level,
                Verdict::Tag(level) if start < TAG_WITHIN => return level,
                Verdict::Tag(level) | Verdict::Says(level) => (said, anything) = (said.max(level), true),
                Verdict::Nothing => {}
            }
        }
        match words::sign_at_the_start(plain) {
            Some(Level::Warn) => Level::Warn,
            Some(level) => said.max(level),
            None if anything => said,
            None => Level::Info,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(level: Level, lines: &[&str]) {
        let levels = Levels::new();
        for line in lines {
            assert_eq!(levels.of(line.as_bytes()), level, "{line}");
        }
    }

    #[test]
    fn a_sentence_about_no_errors_is_information() {
        check(
            Level::Info,
            &[
                "",
                "hello",
                "0 errors",
                "no errors found",
                "Found 0 errors. Watching for file changes.",
                "compiled without errors, error-free",
                "errors: 0, failed: 0, warnings=0",
                "Tests: 0 failed, 12 passed, 12 total",
                "0 warnings",
                "found 0 vulnerabilities",
                "error handling middleware loaded",
                "GET /error/page.html 200",
                "src/error.js 1.2 kB",
                "error_log opened, errorHandler installed",
                "use --error-limit=0",
                "    throw new Error('x')",
                "compression level=9",
                "information about the warningless",
                "terrors and mirrors; fails safe; failover ok",
                "5 vulnerabilities (2 moderate, 3 critical)",
                "entering critical section; critical path 3 ms",
                "non-fatal",
                "Debugger listening on ws://127.0.0.1:9229",
                "DEBUG=express:* node server.js",
                "err=nil error=null",
                "exception handler installed",
                "For more information about this error, try `rustc --explain E0308`.",
                "● Console",
            ],
        );
    }

    #[test]
    fn an_error_is_seen_in_all_its_usual_forms() {
        check(
            Level::Error,
            &[
                "Error: boom",
                "TypeError: x is not a function",
                "TypeError [ERR_INVALID_ARG_TYPE]: no",
                "java.lang.NullPointerException: null",
                "Exception in thread \"main\" java.lang.Error",
                "KeyboardInterruptError",
                "error: expected `;`",
                "error[E0308]: mismatched types",
                "src/a.ts(1,2): error TS2304: Cannot find name",
                "[error] something",
                "12:00:01 ERROR something",
                "npm ERR! code ELIFECYCLE",
                "Failed to compile.",
                "build failed",
                "3 errors, 0 warnings",
                "Found 1 error.",
                "1 error(s)",
                "Tests: 1 failed, 12 passed",
                "FAIL src/app.test.js",
                "--- FAIL: TestX (0.00s)",
                "An error occurred",
                "✖ 3 problems",
                "    ✕ adds two numbers (3 ms)",
                "  ● cart › adds two numbers",
                "a/test_b.py:5: AssertionError",
                " ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL  api@1.0.0 dev: `x`",
                "Uncaught exception",
                "(node:1) UnhandledPromiseRejectionWarning: x",
                "⨯ unhandledRejection: x",
                "Traceback (most recent call last):",
                "2 failing",
                "Internal Server Error",
                "time=1 level=error msg=x",
                "error=\"connection refused\"",
            ],
        );
    }

    #[test]
    fn warnings_and_ends_and_debug_lines_are_seen() {
        check(
            Level::Warn,
            &[
                "warning: unused variable",
                "(node:1) DeprecationWarning: old",
                "npm WARN deprecated x",
                "npm warn deprecated x",
                "2 warnings",
                "[WARN] error budget is low",
                " ⚠ Fast Refresh had to reload due to a runtime error.",
                "level=warning msg=\"error\"",
            ],
        );
        check(
            Level::Critical,
            &[
                "fatal: not a git repository",
                "fatal error",
                "panic: runtime error",
                "thread 'main' panicked at src/main.rs:1:2:",
                "CRITICAL disk full",
                "2026/01/14 14:02:31 [emerg] 1#1: bind() to 0.0.0.0:80 failed",
                "kernel panic",
                "critical failure",
                "Segmentation fault (core dumped)",
            ],
        );
        check(
            Level::Debug,
            &["debug: error x", "[debug] x", "2026-01-01T00:00:00Z DEBUG failed", "TRACE x", "level=trace"],
        );
        check(Level::Info, &["INFO errors are handled", "[info] failed: 3", "info: error x", "info  - error x"]);
    }

    #[test]
    fn the_level_field_of_a_json_log_wins_over_words() {
        check(Level::Info, &[r#"{"level":30,"msg":"error: x"}"#, r#"{"msg":"ERROR failed","level":"info"}"#]);
        check(
            Level::Error,
            &[r#"{"level":50,"msg":"x"}"#, r#" {"severity":"ERROR"}"#, r#"{"a":{"level":"info"},"lvl":"err"}"#],
        );
        check(Level::Critical, &[r#"{"level":60}"#, r#"{"severity":"ALERT","level":"x"}"#, r#"{"level":2}"#]);
        check(Level::Warn, &[r#"{"log.level":"warn","message":"fatal"}"#, r#"{"level":"custom","msg":"warning"}"#]);
        check(Level::Debug, &[r#"{"level":"debug"}"#, r#"{"level":20}"#, r#"{"@l":"Debug"}"#]);
        check(
            Level::Error,
            &[r#"web-1  | {"level":50,"msg":"x"}"#, r#"{"nested":{"level":"info"},"msg":"it failed"}"#],
        );
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_level(words in proptest::collection::vec("error|fail|level|=|\"|:|\\{|\\[|0| |ERR|warn|\\\\|é|INFO", 0..60), bytes: Vec<u8>) {
            let line = [words.concat().into_bytes(), bytes].concat();
            Levels::new().of(&line);
        }
    }
}
