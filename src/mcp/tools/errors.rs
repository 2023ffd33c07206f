//! Errors: those of processes' output and those of pages, as one list, newest first, with frames and the source around them.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, TEXT_BYTES_MAX};
use super::frames;
use super::schema::Arguments;
use super::table::Work;
use super::text::{clean, count, cut, iso};
use super::toolbox::Toolbox;
use crate::app::view::Backend;
use crate::event::ProcessId;
use crate::logs::{self, Frame};
use crate::proxy::telemetry::{self, ErrorKind};

/// Frames of one error.
const FRAMES_MAX: usize = 12;

/// Characters of a message, and of a stack.
const MESSAGE_CHARS_MAX: usize = 600;
const STACK_CHARS_MAX: usize = 3000;

/// An error that was found, counted.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// `log-17`, `page-1f3c…`.
    pub(crate) id: String,
    /// `log`, `page` or `console`.
    source: &'static str,
    process: Option<(ProcessId, String)>,
    level: &'static str,
    language: Option<&'static str>,
    kind: Option<String>,
    pub(crate) message: String,
    stack: String,
    frames: Vec<Frame>,
    count: u64,
    first_ms: u64,
    last_ms: u64,
    /// Where the log had come to when it was seen last; 0 for pages.
    seq: u64,
    session: Option<String>,
    url: Option<String>,
}

impl Finding {
    fn of_log(group: &logs::ErrorGroup) -> Finding {
        let text = format!(
            "{}
{}",
            group.message, group.stack
        );
        Finding {
            id: format!("log-{}", group.first_seq),
            source: "log",
            process: Some((group.process, group.name.to_string())),
            level: group.level.name(),
            language: group.language,
            kind: group.kind().map(str::to_owned),
            message: clean(&group.message, MESSAGE_CHARS_MAX),
            frames: logs::frames(&text).into_iter().take(FRAMES_MAX).collect(),
            stack: clean(&group.stack, STACK_CHARS_MAX),
            count: group.count,
            first_ms: group.first_ms,
            last_ms: group.last_ms,
            seq: group.last_seq,
            session: None,
            url: None,
        }
    }

    fn of_page(group: &telemetry::ErrorGroup, process: Option<(ProcessId, String)>) -> Finding {
        let frame = |(at, frame): (usize, &telemetry::StackFrame)| {
            let original = group.originals.get(at).and_then(Option::as_ref);
            let (file, line, column) = match original {
                Some(original) => (original.file.to_string(), original.line, original.column),
                None => (frame.url.to_string(), frame.line, frame.column),
            };
            Frame { function: frame.function.to_string(), file, line, column: Some(column) }
        };
        Finding {
            id: format!("page-{:x}", group.fingerprint),
            source: if group.kind == ErrorKind::Console { "console" } else { "page" },
            process,
            level: "error",
            language: Some("javascript"),
            kind: Some(kind_name(group.kind).to_owned()),
            message: clean(&group.message, MESSAGE_CHARS_MAX),
            stack: clean(&group.stack, STACK_CHARS_MAX),
            frames: group.frames.iter().enumerate().take(FRAMES_MAX).map(frame).collect(),
            count: group.count,
            first_ms: group.first_ms,
            last_ms: group.last_ms,
            seq: 0,
            session: Some(group.session.to_string()),
            url: Some(clean(&group.url, 300)),
        }
    }

    /// The place that is worth looking at first.
    fn place(&self) -> Option<String> {
        let own = self.frames.iter().find(|frame| !frame.file.contains("node_modules"));
        own.or(self.frames.first()).map(frames::place)
    }

    /// What is told of it in one line.
    pub(crate) fn words(&self) -> String {
        let who = self.process.as_ref().map_or("page", |(_, name)| name.as_str());
        let times = if self.count > 1 { format!(" ×{}", self.count) } else { String::new() };
        let place = self.place().map_or(String::new(), |place| format!("  at {place}"));
        let first = cut(self.message.lines().next().unwrap_or_default().to_owned(), 300);
        format!("[{}] {who}: {first}{times}{place}", self.id)
    }

    /// The few values of it that go with another answer.
    pub(crate) fn brief(&self) -> Value {
        json!({ "id": self.id, "message": cut(self.message.clone(), 300), "count": self.count, "place": self.place() })
    }

    /// All of it.
    pub(crate) fn json(&self, toolbox: &Toolbox) -> Value {
        let mut value = json!({
            "id": self.id, "source": self.source, "level": self.level, "message": self.message, "count": self.count,
            "firstSeen": iso(self.first_ms), "lastSeen": iso(self.last_ms),
            "frames": self.frames.iter().map(frames::json).collect::<Vec<_>>(),
        });
        if let Some((id, name)) = &self.process {
            value["processId"] = id.0.to_string().into();
            value["processName"] = name.as_str().into();
        }
        let texts = [
            ("kind", self.kind.as_deref()),
            ("language", self.language),
            ("sessionId", self.session.as_deref()),
            ("url", self.url.as_deref()),
            ("stack", Some(self.stack.as_str()).filter(|stack| !stack.is_empty())),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                value[name] = text.into();
            }
        }
        if let Some(excerpt) = self.excerpt(toolbox) {
            value["excerpt"] = excerpt;
        }
        value
    }

    fn excerpt(&self, toolbox: &Toolbox) -> Option<Value> {
        let project = toolbox.app.project().dir;
        let row = self.process.as_ref().and_then(|(id, _)| toolbox.row(*id));
        let cwd = row.map_or_else(|| project.clone(), |row| Path::new(&*row.cwd).to_owned());
        frames::excerpt(&project, &cwd, &self.frames)
    }
}

fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Exception => "exception",
        ErrorKind::Rejection => "unhandled rejection",
        ErrorKind::Console => "console.error",
        ErrorKind::Resource => "resource",
        ErrorKind::Policy => "content security policy",
    }
}

/// Everything that was found, newest first.
pub(crate) fn findings(toolbox: &Toolbox) -> Vec<Finding> {
    let mut all: Vec<Finding> = toolbox.app.logs().errors().iter().map(Finding::of_log).collect();
    all.extend(of_pages(toolbox, true));
    all.extend(of_pages(toolbox, false));
    all.sort_by_key(|finding| std::cmp::Reverse((finding.last_ms, finding.seq)));
    all
}

/// Those of pages: exceptions and the like, or what went to the console.
pub(crate) fn of_pages(toolbox: &Toolbox, exceptions: bool) -> Vec<Finding> {
    let store = toolbox.app.telemetry();
    let groups = if exceptions { store.errors(None) } else { store.console_errors(None) };
    let process = |group: &telemetry::ErrorGroup| {
        let (id, name) = store.get_session(&group.session)?.process.clone()?;
        Some((id, name.to_string()))
    };
    groups.iter().map(|group| Finding::of_page(group, process(group))).collect()
}

/// The first errors of a process from a line on, in their order.
pub(crate) fn of_process(toolbox: &Toolbox, id: ProcessId, from: u64, most: usize) -> Vec<Finding> {
    let all = toolbox.app.logs().errors();
    let mut own: Vec<_> = all.iter().filter(|group| group.process == id && group.last_seq >= from).collect();
    own.sort_by_key(|group| group.first_seq);
    own.into_iter().take(most).map(Finding::of_log).collect()
}

/// One by its id.
pub(crate) fn find(toolbox: &Toolbox, id: &str) -> Option<Finding> {
    findings(toolbox).into_iter().find(|finding| finding.id == id)
}

pub(crate) fn list(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    Work::Done(listed(toolbox, arguments))
}

fn listed(toolbox: &Toolbox, arguments: &Arguments) -> Result<Answer, Refusal> {
    let ids = toolbox.ids(arguments.text("processId"))?;
    let (since_seq, since_ms) = arguments.text("cursor").map(read_cursor).transpose()?.unwrap_or_default();
    let mut found = findings(toolbox);
    // What is told as the cursor is as new as the newest, whatever the filter.
    let newest_seq = found.iter().map(|finding| finding.seq).max().unwrap_or(0).max(since_seq);
    let newest_ms = found.iter().filter(|finding| finding.seq == 0).map(|finding| finding.last_ms).max();
    let cursor = format!("{newest_seq}.{}", newest_ms.unwrap_or(0).max(since_ms));
    found.retain(|finding| {
        let of_process =
            ids.as_ref().is_none_or(|ids| finding.process.as_ref().is_some_and(|(id, _)| ids.contains(id)));
        let fresh = if finding.seq > 0 { finding.seq > since_seq } else { finding.last_ms > since_ms };
        of_process && fresh
    });
    let total = found.len();
    let mut bytes = 0;
    let (mut list, mut lines) = (Vec::new(), Vec::new());
    for finding in found.iter().take(arguments.size("limit", 10)) {
        let value = finding.json(toolbox);
        bytes += value.to_string().len();
        if bytes > TEXT_BYTES_MAX && !list.is_empty() {
            break;
        }
        let mut words = finding.words();
        let excerpt = value.pointer("/excerpt/lines").and_then(Value::as_array);
        for line in excerpt.into_iter().flatten().filter_map(Value::as_str) {
            words += &format!("\n    {line}");
        }
        lines.push(words);
        list.push(value);
    }
    let since = if arguments.text("cursor").is_some() { " since the cursor" } else { "" };
    let shown = if list.len() < total { format!(", the newest {} shown", list.len()) } else { String::new() };
    let head = match total {
        0 => format!("No errors{since}."),
        _ => format!("{}{since}{shown}. Next cursor: {cursor}", count(total, "error", "errors")),
    };
    lines.insert(0, head);
    Ok(Answer::new(lines.join("\n"), json!({ "errors": list, "total": total, "cursor": cursor })))
}

fn read_cursor(text: &str) -> Result<(u64, u64), Refusal> {
    let parts = text.split_once('.').and_then(|(seq, ms)| Some((seq.parse().ok()?, ms.parse().ok()?)));
    parts.ok_or_else(|| Refusal(format!("`cursor` is {text:?}; give the cursor of an earlier answer as it was.")))
}
