//! Waits until a process is ready, has ended, or a time has passed; tells its first errors and its last lines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::errors;
use super::schema::Arguments;
use super::scripts::{row_json, row_text};
use super::text;
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};
use crate::app::view::{Backend, ProcessRow};
use crate::event::{ProcessId, Status};
use crate::logs::{Pattern, PatternOptions};

/// How long is waited if nothing is said.
const TIMEOUT_DEFAULT: u64 = 20;

/// An address of the proxy follows a server's own within this time.
const SETTLE: Duration = Duration::from_millis(400);

/// Lines that are told of a process that has failed or is not ready, and of one that is fine.
const TAIL: (usize, usize) = (20, 5);

/// Errors that are told at once.
const ERRORS_MAX: usize = 5;

/// Characters of a line of the tail.
const TAIL_CHARS_MAX: usize = 300;

/// What is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Until {
    what: What,
    timeout: Duration,
    deadline: Instant,
}

#[derive(Clone, Debug)]
enum What {
    /// It was started.
    Started,
    /// It has said where its server is.
    Ready,
    /// It has written a line like this.
    Line(Box<Pattern>),
    /// It has ended.
    Exit,
}

impl Until {
    /// As the arguments `until`, `pattern` and `timeout` say.
    ///
    /// # Errors
    /// The pattern is none.
    pub(crate) fn of(arguments: &Arguments) -> Result<Until, Refusal> {
        let what = match (arguments.text("pattern"), arguments.text("until")) {
            (Some(pattern), _) => {
                let options = PatternOptions { regex: true, ..PatternOptions::default() };
                let pattern = Pattern::new(pattern, options);
                What::Line(Box::new(pattern.map_err(|error| Refusal(format!("`pattern`: {}", error.message())))?))
            }
            (None, Some("exit")) => What::Exit,
            (None, Some("started")) => What::Started,
            (None, _) => What::Ready,
        };
        Ok(Until::new(what, arguments.seconds("timeout", TIMEOUT_DEFAULT)))
    }

    fn new(what: What, timeout: Duration) -> Until {
        Until { what, timeout, deadline: Instant::now() + timeout }
    }

    /// The same, with all of its time left.
    pub(crate) fn renewed(&self) -> Until {
        Until::new(self.what.clone(), self.timeout)
    }
}

/// A process that is waited for.
pub(crate) struct Ready {
    toolbox: Arc<Toolbox>,
    id: ProcessId,
    /// Lines from this number on are those of this start.
    from: u64,
    /// Lines before this number were looked at for the pattern.
    looked: u64,
    until: Until,
    duplicate: bool,
    begun: Instant,
    /// When its URL was first seen.
    url_seen: Option<Instant>,
    /// Lines when progress was told last.
    told: Option<(u64, Instant)>,
}

impl Ready {
    pub(crate) fn new(toolbox: &Arc<Toolbox>, id: ProcessId, from: u64, until: Until, duplicate: bool) -> Ready {
        let begun = Instant::now();
        let toolbox = Arc::clone(toolbox);
        Ready { toolbox, id, from, looked: from, until, duplicate, begun, url_seen: None, told: None }
    }

    fn is_reached(&mut self, row: &ProcessRow, now: Instant) -> bool {
        match &self.until.what {
            What::Started => true,
            What::Exit => false,
            What::Line(pattern) => {
                let snapshot = self.toolbox.app.logs().snapshot().only(&[self.id]);
                let mut lines = snapshot.after(self.looked);
                let found = lines.any(|line| {
                    self.looked = line.seq + 1;
                    pattern.is_match(line.plain)
                });
                found || self.duplicate && now > self.begun
            }
            What::Ready => {
                let Some(url) = &row.url else { return false };
                let seen = *self.url_seen.get_or_insert(now);
                self.toolbox.app.proxied(url).is_some() || now >= seen + SETTLE
            }
        }
    }

    fn answer(&self, row: &ProcessRow, state: &str) -> Answer {
        let failed = row.status == Status::Failed || state == "waiting";
        let errors = errors::of_process(&self.toolbox, self.id, self.from, ERRORS_MAX);
        let tail = self.tail(if failed { TAIL.0 } else { TAIL.1 });
        let mut value = row_json(&self.toolbox, row);
        value["state"] = state.into();
        value["ready"] = (state == "ready").into();
        value["duplicate"] = self.duplicate.into();
        value["errorList"] = errors.iter().map(|error| error.brief()).collect::<Vec<Value>>().into();
        value["output"] = json!(tail);
        let waited = text::duration(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        let mut words = match (state, self.duplicate) {
            ("ready", true) => "It runs already. ".to_owned(),
            ("ready", false) => format!("Ready after {waited}. "),
            ("waiting", _) => format!("Not ready after {waited}, still running. "),
            _ => String::new(),
        };
        words += &row_text(row);
        if let Some(proxied) = value.get("proxyUrl").and_then(Value::as_str) {
            words += &format!(" (through the proxy: {proxied})");
        }
        for error in &errors {
            words += &format!("\n{}", error.words());
        }
        if !tail.is_empty() {
            words += &format!("\nlast lines:\n  {}", tail.join("\n  "));
        }
        Answer::new(words, value)
    }

    fn tail(&self, lines: usize) -> Vec<String> {
        let snapshot = self.toolbox.app.logs().snapshot().only(&[self.id]);
        let newest = snapshot.before(u64::MAX).take_while(|line| line.seq >= self.from).take(lines);
        let mut tail: Vec<String> = newest.map(|line| text::cut(text::line(line.plain), TAIL_CHARS_MAX)).collect();
        tail.reverse();
        tail
    }
}

impl Wait for Ready {
    fn look(&mut self, now: Instant) -> Look {
        let Some(row) = self.toolbox.row(self.id) else {
            return Look::Done(Err("The process is no longer listed.".into()));
        };
        if row.status.is_ended() {
            let state = row.status.name();
            return Look::Done(Ok(self.answer(&row, state)));
        }
        if self.is_reached(&row, now) {
            let state = if matches!(self.until.what, What::Started) { "started" } else { "ready" };
            return Look::Done(Ok(self.answer(&row, state)));
        }
        if now >= self.until.deadline {
            return Look::Done(Ok(self.answer(&row, "waiting")));
        }
        match self.told {
            Some((lines, at)) if lines == row.lines || now < at + Duration::from_secs(1) => Look::Not,
            _ => {
                self.told = Some((row.lines, now));
                let last = self.tail(1).pop().unwrap_or_else(|| format!("{} runs", row.name));
                Look::Progress(now.duration_since(self.begun).as_secs_f64(), last)
            }
        }
    }

    fn next(&self) -> Instant {
        self.url_seen.map_or(self.until.deadline, |seen| (seen + SETTLE).min(self.until.deadline))
    }
}
