//! Lines of processes: the newest, those since a cursor, those to come, and those that match.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::{Answer, Done, Refusal, TEXT_BYTES_MAX};
use super::schema::Arguments;
use super::table::Work;
use super::text::{clock, count, iso, line, since};
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};
use crate::app::view::Backend;
use crate::event::{Level, ProcessId};
use crate::logs::{Case, LineRef, PatternOptions, Query, Snapshot};

/// Words for `level`.
pub(crate) const LEVELS: &[&str] = &["all", "error", "warn", "info"];

/// A search ends after this time with what it has.
const SEARCH_BUDGET: Duration = Duration::from_secs(5);

fn level(arguments: &Arguments) -> Option<Level> {
    match arguments.text("level") {
        Some("error") => Some(Level::Error),
        Some("warn") => Some(Level::Warn),
        Some("info") => Some(Level::Info),
        _ => None,
    }
}

/// A line as a value.
pub(crate) fn line_json(found: &LineRef<'_>) -> Value {
    json!({
        "id": found.seq, "processName": &**found.name, "processId": found.process.0.to_string(),
        "timestamp": iso(found.time_ms), "level": found.level.name(), "content": line(found.plain),
    })
}

/// A line as text: `08:17:23.123 web E content`.
fn line_text(found: &LineRef<'_>) -> String {
    let sign = ["D", "I", "W", "E", "C"][found.level as usize];
    format!("{} {} {sign} {}", clock(found.time_ms), found.name, line(found.plain))
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    processes: Option<Vec<ProcessId>>,
    level: Option<Level>,
    limit: usize,
}

impl Wanted {
    /// The newest lines of all, at least so bad.
    pub(crate) fn newest(limit: usize, level: Option<Level>) -> Wanted {
        Wanted { processes: None, level, limit }
    }

    /// The newest lines of these processes.
    pub(crate) fn of(processes: Vec<ProcessId>, limit: usize) -> Wanted {
        Wanted { processes: Some(processes), level: None, limit }
    }

    fn snapshot(&self, toolbox: &Toolbox) -> Snapshot {
        let all = toolbox.app.logs().snapshot();
        self.processes.as_ref().map_or_else(|| all.clone(), |processes| all.only(processes))
    }

    fn allows(&self, line: &LineRef<'_>) -> bool {
        self.level.is_none_or(|least| line.level >= least)
    }

    /// The last lines in the order of their coming.
    pub(crate) fn last(&self, toolbox: &Toolbox) -> Page {
        let snapshot = self.snapshot(toolbox);
        let mut page = Page { next: snapshot.last_seq().map_or(0, |seq| seq + 1), ..Page::default() };
        for line in snapshot.before(u64::MAX).filter(|line| self.allows(line)) {
            if page.values.len() == self.limit || !page.take(&line) {
                page.more = true;
                break;
            }
        }
        page.values.reverse();
        page.lines.reverse();
        page
    }

    /// The first lines from a number on.
    fn since(&self, toolbox: &Toolbox, cursor: u64) -> Page {
        let snapshot = self.snapshot(toolbox);
        let mut page = Page { next: cursor, ..Page::default() };
        page.missed = snapshot.first_seq().is_some_and(|first| cursor > 0 && first > cursor) && snapshot.dropped() > 0;
        for line in snapshot.after(cursor) {
            if self.allows(&line) && (page.values.len() == self.limit || !page.take(&line)) {
                page.more = true;
                return page;
            }
            page.next = line.seq + 1;
        }
        page
    }
}

/// Lines that go into one answer.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) values: Vec<Value>,
    pub(crate) lines: Vec<String>,
    bytes: usize,
    next: u64,
    /// There are more than were taken.
    more: bool,
    /// Some since the cursor are no longer kept.
    missed: bool,
}

impl Page {
    /// Takes a line in, unless there is too much already.
    fn take(&mut self, line: &LineRef<'_>) -> bool {
        let (value, text) = (line_json(line), line_text(line));
        if self.bytes + text.len() > TEXT_BYTES_MAX && !self.values.is_empty() {
            return false;
        }
        self.bytes += text.len();
        self.values.push(value);
        self.lines.push(text);
        true
    }

    fn answer(self, what: &str) -> Answer {
        let more = if self.more { ", there are more" } else { "" };
        let missed = if self.missed { ", some before were given up" } else { "" };
        let head =
            format!("{} {what}{more}{missed}. Next cursor: {}", count(self.values.len(), "line", "lines"), self.next);
        let value = json!({ "logs": self.values, "cursor": self.next.to_string(), "more": self.more });
        Answer::new(format!("{head}\n{}", self.lines.join("\n")), value)
    }
}

pub(crate) fn stream(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let wanted = (|| {
        let wanted = Wanted {
            processes: toolbox.ids(arguments.text("processId"))?,
            level: level(arguments),
            limit: arguments.size("limit", 100),
        };
        Ok((wanted, arguments.text("cursor").map(read_cursor).transpose()?))
    })();
    let (wanted, cursor) = match wanted {
        Ok(wanted) => wanted,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    if arguments.flag("follow") {
        let from = cursor.unwrap_or_else(|| toolbox.app.logs().snapshot().last_seq().map_or(0, |seq| seq + 1));
        let until = Instant::now() + arguments.seconds("timeout", 20);
        return Work::Wait(Box::new(Follow {
            toolbox: Arc::clone(toolbox),
            wanted,
            from,
            seen: 0,
            until,
            ended: false,
        }));
    }
    let page = match cursor {
        Some(cursor) => wanted.since(toolbox, cursor).answer("since the cursor, oldest first"),
        None => wanted.last(toolbox).answer("(the newest, in their order)"),
    };
    Work::Done(Ok(page))
}

fn read_cursor(text: &str) -> Result<u64, Refusal> {
    let wrong = || Refusal(format!("`cursor` is {text:?}; give the cursor of an earlier answer as it was."));
    text.parse().map_err(|_| wrong())
}

/// Hands lines on as they come, until there are enough, the time is up, or nobody is left to write any.
struct Follow {
    toolbox: Arc<Toolbox>,
    wanted: Wanted,
    from: u64,
    /// Lines that were told as progress.
    seen: usize,
    until: Instant,
    /// All processes had ended when it was looked before.
    ended: bool,
}

impl Wait for Follow {
    fn look(&mut self, now: Instant) -> Look {
        // Before the lines: what was written before the end is among them.
        let ended = self.has_ended();
        let page = self.wanted.since(&self.toolbox, self.from);
        let over = page.values.len() >= self.wanted.limit || page.more || now >= self.until || ended && self.ended;
        self.ended = ended;
        if over {
            return Look::Done(Ok(page.answer("followed, oldest first")));
        }
        if page.lines.len() > self.seen {
            let fresh = page.lines[self.seen..].join("\n");
            self.seen = page.lines.len();
            return Look::Progress(self.seen as f64, fresh);
        }
        Look::Not
    }

    fn next(&self) -> Instant {
        // Once more shortly after the end, for its last lines.
        if self.ended { Instant::now() + Duration::from_millis(50) } else { self.until }
    }
}

impl Follow {
    fn has_ended(&self) -> bool {
        let Some(ids) = &self.wanted.processes else { return false };
        ids.iter().filter_map(|id| self.toolbox.row(*id)).all(|row| row.status.is_ended())
    }
}

pub(crate) fn search(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    Work::Done(searched(toolbox, arguments))
}

fn searched(toolbox: &Toolbox, arguments: &Arguments) -> Done {
    let text = arguments.needed("query").to_owned();
    let regex = arguments.flag("regex");
    let before = arguments.text("cursor").map(read_cursor).transpose()?;
    let query = Query {
        text: text.clone(),
        options: PatternOptions { regex, case: Case::Smart, word: false },
        processes: toolbox.ids(arguments.text("processId"))?,
        level: level(arguments),
        since_ms: arguments.text("since").map(since).transpose()?,
        budget: Some(SEARCH_BUDGET),
        ..Query::default()
    };
    let snapshot = toolbox.app.logs().snapshot();
    let found = snapshot.search(&query, &|| false).map_err(|error| Refusal(format!("`query`: {}", error.message())))?;
    let (limit, around) = (arguments.size("limit", 50), arguments.size("context", 0));
    let mut page = Page::default();
    let mut hits = found.hits.iter().filter(|hit| before.is_none_or(|before| hit.seq < before)).peekable();
    while let Some(line) = hits.peek().and_then(|hit| snapshot.get(hit.seq)) {
        if page.values.len() == limit || !page.take(&line) {
            break;
        }
        page.next = line.seq;
        page.add_context(&snapshot, &line, around);
        hits.next();
    }
    let more = hits.next().is_some();
    let whole = if found.complete { "" } else { " (the time for searching was up)" };
    let next = if more { format!(". Next cursor: {}", page.next) } else { String::new() };
    let shown =
        if page.values.len() as u64 == found.count { String::new() } else { format!(", {} shown", page.values.len()) };
    let count = usize::try_from(found.count).unwrap_or(usize::MAX);
    let head = format!("{}{whole}{shown}, newest first{next}", super::text::count(count, "match", "matches"));
    let mut value = json!({ "logs": page.values, "total": found.count, "complete": found.complete });
    if more {
        value["cursor"] = page.next.to_string().into();
    }
    Ok(Answer::new(format!("{head}\n{}", page.lines.join("\n")), value))
}

impl Page {
    /// The lines of the same process around the line that was taken last.
    fn add_context(&mut self, snapshot: &Snapshot, found: &LineRef<'_>, around: usize) {
        if around == 0 {
            return;
        }
        let mut before: Vec<String> = snapshot.older_of(found).take(around).map(|other| line(other.plain)).collect();
        before.reverse();
        let after: Vec<String> = snapshot.newer_of(found).take(around).map(|other| line(other.plain)).collect();
        let shown = |lines: &[String]| lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>();
        if let (Some(value), Some(text)) = (self.values.last_mut(), self.lines.pop()) {
            (value["before"], value["after"]) = (json!(before), json!(after));
            let all: Vec<String> =
                shown(&before).into_iter().chain([format!("  > {text}")]).chain(shown(&after)).collect();
            let text = all.join("\n");
            self.bytes += text.len();
            self.lines.push(text);
        }
    }
}
