//! Runs the tests: one line when all pass, the failures otherwise.

use std::sync::Arc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::errors;
use super::schema::Arguments;
use super::table::Work;
use super::text::{cut, duration, line};
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};
use crate::app::command::{Command, Target};
use crate::app::view::{Backend, ProcessRow, Reply, ScriptRow};
use crate::event::{ProcessId, Status};

/// How long tests may take if nothing is said.
const TIMEOUT_DEFAULT: u64 = 300;

/// Failures that are told, and errors with their source.
const FAILURES_MAX: usize = 30;
const ERRORS_MAX: usize = 8;

/// Lines that are told when nothing says what has failed.
const TAIL_LINES: usize = 30;

/// Names that scripts of tests have.
const NAMES: [&str; 4] = ["test", "tests", "check", "test:unit"];

/// Lines in which a runner says how it went: cargo, jest and vitest, pytest, go, node and tap, mocha.
static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"^\s*(test result: .*|Tests?:?\s+\d.*|Test (?:Files|Suites):?\s+\d.*|=+ .*(?:passed|failed|error).* =+|(?:ok|FAIL)\s+\S+\s+[\d.]+s|# (?:pass|fail|tests) \d+|\d+ (?:passing|failing|pending).*|ℹ (?:pass|fail|tests) \d+|(?:OK|FAILED) \(.*\))\s*$";
    Regex::new(text).expect("a good expression, which the tests use")
});

/// Lines in which a runner says which test has failed.
static FAILURE: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"^\s*(?:test (?P<cargo>\S+) \.\.\. FAILED|● (?P<jest>.+)|(?:✕|✗|×|✖) (?P<sign>.+?)(?: \(?\d+(?:\.\d+)? ?ms\)?)?|FAIL\s+(?P<vitest>\S+ > .+)|(?:FAILED|ERROR) (?P<pytest>\S+(?: - .+)?)|--- FAIL: (?P<go>\S+).*|not ok \d+ -? ?(?P<tap>.+)|\d+\) (?P<mocha>.+))\s*$";
    Regex::new(text).expect("a good expression, which the tests use")
});

/// What a line says of how it went.
fn summary_of(line: &str) -> Option<&str> {
    SUMMARY.captures(line)?.get(1).map(|part| part.as_str().trim_matches(['=', ' ']))
}

/// The test that a line says has failed.
fn failure_of(line: &str) -> Option<&str> {
    let found = FAILURE.captures(line)?;
    found.iter().skip(1).flatten().next().map(|part| part.as_str().trim())
}

pub(crate) fn run(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    match begin(toolbox, arguments) {
        Ok(wait) => Work::Wait(Box::new(wait)),
        Err(refusal) => Work::Done(Err(refusal)),
    }
}

fn begin(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Result<Tests, Refusal> {
    let scripts = toolbox.app.scripts();
    let script = match arguments.text("name") {
        Some(name) => name.to_owned(),
        None => found(&scripts)?,
    };
    let from = toolbox.app.logs().snapshot().last_seq().map_or(0, |seq| seq + 1);
    let command = Command::Run { script, args: arguments.texts("args"), another: true };
    match toolbox.app.execute(command)? {
        Reply::Process { id, .. } => {
            toolbox.has_started(id);
            let (begun, timeout) = (Instant::now(), arguments.seconds("timeout", TIMEOUT_DEFAULT));
            Ok(Tests { toolbox: Arc::clone(toolbox), id, from, begun, until: begun + timeout, told: None })
        }
        Reply::Done(text) => Err(Refusal(text)),
    }
}

/// The script that runs the tests.
fn found(scripts: &[ScriptRow]) -> Result<String, Refusal> {
    let named = NAMES.iter().find(|name| scripts.iter().any(|script| script.name == **name));
    if let Some(name) = named {
        return Ok((*name).to_owned());
    }
    let like: Vec<&str> =
        scripts.iter().map(|script| script.name.as_str()).filter(|name| name.contains("test")).collect();
    match like.as_slice() {
        [] => Err("No script is called `test`; name one (scripts_list has them all).".into()),
        [only] => Ok((*only).to_owned()),
        several => Err(Refusal(format!("No script is called `test`; name one of {}.", several.join(", ")))),
    }
}

/// Waits for the end of the tests.
struct Tests {
    toolbox: Arc<Toolbox>,
    id: ProcessId,
    from: u64,
    begun: Instant,
    until: Instant,
    told: Option<(u64, Instant)>,
}

impl Wait for Tests {
    fn look(&mut self, now: Instant) -> Look {
        let Some(row) = self.toolbox.row(self.id) else {
            return Look::Done(Err("The process is no longer listed.".into()));
        };
        if row.status.is_ended() || now >= self.until {
            return Look::Done(Ok(self.answer(&row)));
        }
        match self.told {
            Some((lines, at)) if lines == row.lines || now < at + Duration::from_secs(1) => Look::Not,
            _ => {
                self.told = Some((row.lines, now));
                let last = self.lines(1).pop().unwrap_or_default();
                Look::Progress(now.duration_since(self.begun).as_secs_f64(), cut(last, 200))
            }
        }
    }

    fn next(&self) -> Instant {
        self.until
    }

    fn abandon(&mut self) {
        // They may have ended meanwhile.
        let _ = self.toolbox.app.execute(Command::Stop(Target::Id(self.id)));
    }
}

impl Tests {
    /// The last lines, in their order.
    fn lines(&self, most: usize) -> Vec<String> {
        let snapshot = self.toolbox.app.logs().snapshot().only(&[self.id]);
        let newest = snapshot.before(u64::MAX).take_while(|line| line.seq >= self.from).take(most);
        let mut lines: Vec<String> = newest.map(|found| line(found.plain)).collect();
        lines.reverse();
        lines
    }

    fn answer(&self, row: &ProcessRow) -> Answer {
        let took = duration(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        let lines = self.lines(usize::MAX);
        let mut summaries: Vec<&str> = lines.iter().filter_map(|line| summary_of(line)).collect();
        summaries.dedup();
        let shown = summaries.len().saturating_sub(4);
        let result = summaries[shown..].join(" · ");
        let passed = row.status == Status::Success;
        let exit = row
            .exit
            .map_or("still running: ended for you when you call scripts_stop".to_owned(), |exit| exit.describe());
        let mut value = json!({
            "passed": passed, "processId": row.id.0.to_string(), "name": &*row.name, "exit": exit, "duration": took,
            "result": result,
        });
        if passed {
            let result = if result.is_empty() { String::new() } else { format!(": {result}") };
            return self.finish(value, format!("All passed in {took}{result}"));
        }
        let mut failures: Vec<String> = Vec::new();
        for failure in lines.iter().filter_map(|line| failure_of(line)).map(|text| cut(text.to_owned(), 200)) {
            if failures.len() < FAILURES_MAX && !failures.contains(&failure) {
                failures.push(failure);
            }
        }
        let errors = errors::of_process(&self.toolbox, self.id, self.from, ERRORS_MAX);
        let mut words =
            format!("{} after {took}: {exit}. {result}", if row.exit.is_some() { "Failed" } else { "Not ended" });
        failures.iter().for_each(|failure| words += &format!("\n✗ {failure}"));
        errors.iter().for_each(|error| words += &format!("\n{}", error.words()));
        if failures.is_empty() && errors.is_empty() {
            let tail: Vec<String> = lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec();
            words += &format!("\nlast lines:\n  {}", tail.join("\n  "));
            value["output"] = json!(tail);
        }
        value["failures"] = json!(failures);
        value["errorList"] = errors.iter().map(|error| error.json(&self.toolbox)).collect::<Vec<Value>>().into();
        self.finish(value, words)
    }

    fn finish(&self, value: Value, words: String) -> Answer {
        Answer::new(cut(words, super::answer::TEXT_BYTES_MAX), value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runners_say_how_it_went() {
        for (line, said) in [
            (
                "test result: FAILED. 1 passed; 1 failed; 0 ignored",
                Some("test result: FAILED. 1 passed; 1 failed; 0 ignored"),
            ),
            ("Tests:       1 failed, 2 passed, 3 total", Some("Tests:       1 failed, 2 passed, 3 total")),
            ("      Tests  3 passed (3)", Some("Tests  3 passed (3)")),
            ("===== 1 failed, 2 passed in 0.12s =====", Some("1 failed, 2 passed in 0.12s")),
            ("ok  \texample.com/x\t0.01s", Some("ok  \texample.com/x\t0.01s")),
            ("# pass 3", Some("# pass 3")),
            ("  2 passing (5ms)", Some("2 passing (5ms)")),
            ("ℹ fail 0", Some("ℹ fail 0")),
            ("ok then", None),
            ("Testing 3 things", None),
        ] {
            assert_eq!(summary_of(line), said, "{line}");
        }
    }

    #[test]
    fn runners_say_which_test_has_failed() {
        for (line, said) in [
            ("test a::b ... FAILED", Some("a::b")),
            ("test a::b ... ok", None),
            ("  ● cart › adds", Some("cart › adds")),
            ("   × cart adds 12ms", Some("cart adds")),
            ("✖ adds (3.2ms)", Some("adds")),
            (" FAIL  src/a.test.ts > cart > adds", Some("src/a.test.ts > cart > adds")),
            ("FAILED tests/test_a.py::test_b - assert 1 == 2", Some("tests/test_a.py::test_b - assert 1 == 2")),
            ("--- FAIL: TestX (0.00s)", Some("TestX")),
            ("not ok 2 - adds", Some("adds")),
            ("  1) adds:", Some("adds:")),
            ("plain words", None),
        ] {
            assert_eq!(failure_of(line), said, "{line}");
        }
    }
}
