//! Scripts and processes: list, start and wait until ready, stop, restart, and how they stand.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::{Answer, Done, Refusal};
use super::ready::{Ready, Until};
use super::schema::Arguments;
use super::table::{Question, Work};
use super::text::{clean, count, duration, iso, now_ms, size};
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};
use crate::app::again::Coming;
use crate::app::command::{Command, Target};
use crate::app::view::{Backend, ProcessRow, Reply};
use crate::error::Code;
use crate::event::{ProcessId, Status};
use crate::io::usage::{self, TreeUsage};

/// How long the use of CPU is watched for one answer.
const SAMPLE: Duration = Duration::from_millis(200);

/// What a stop may take beyond the processes' own grace.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How a process stands, as values.
pub(crate) fn row_json(toolbox: &Toolbox, row: &ProcessRow) -> Value {
    let ended = row.ended_ms.unwrap_or_else(now_ms);
    let mut value = json!({
        "processId": row.id.0.to_string(),
        "name": &*row.name,
        "status": if row.stopping { "stopping" } else { row.status.name() },
        "startTime": iso(row.started_ms),
        "uptimeMs": ended.saturating_sub(row.started_ms),
        "command": clean(&row.command, 300),
        "lines": row.lines,
        "errors": row.errors,
        "restarts": row.restarts,
    });
    if let Some(exit) = row.exit {
        value["exit"] = exit.describe().into();
        value["exitCode"] = exit.shell_code().into();
    }
    if let Some(pid) = row.pid {
        value["pid"] = pid.into();
    }
    if let Some(url) = &row.url {
        value["url"] = (&**url).into();
        if let Some(proxied) = toolbox.app.proxied(url) {
            value["proxyUrl"] = proxied.into();
        }
    }
    value
}

/// The same in one line.
pub(crate) fn row_text(row: &ProcessRow) -> String {
    let took = row.ended_ms.unwrap_or_else(now_ms).saturating_sub(row.started_ms);
    let mut text = format!("{} (id {}): {}", row.name, row.id.0, row.status.name());
    match row.exit {
        Some(exit) => text += &format!(", {} after {}", exit.describe(), duration(took)),
        None => text += &format!(" for {}", duration(took)),
    }
    if let Some(url) = &row.url {
        text += &format!(", {url}");
    }
    if row.errors > 0 {
        text += &format!(", {}", count(usize::try_from(row.errors).unwrap_or(usize::MAX), "error line", "error lines"));
    }
    text
}

pub(crate) fn list(toolbox: &Arc<Toolbox>, _: &Arguments) -> Work {
    Work::Done(Ok(scripts(toolbox)))
}

/// What can be run.
pub(crate) fn scripts(toolbox: &Toolbox) -> Answer {
    let (scripts, processes, project) = (toolbox.app.scripts(), toolbox.app.processes(), toolbox.app.project());
    let mut lines = Vec::new();
    let mut list = Vec::new();
    for script in scripts.iter() {
        let process = script.process.and_then(|id| processes.iter().find(|row| row.id == id));
        let mut value = json!({
            "name": script.name, "command": clean(&script.command, 300), "package": script.package, "cwd": script.cwd,
            "runner": script.runner, "source": script.source,
        });
        let mut line = format!("{}: {}", script.name, clean(&script.command, 120));
        if let Some(row) = process {
            value["status"] = row.status.name().into();
            value["processId"] = row.id.0.to_string().into();
            line += &format!("  [{} as {}]", row.status.name(), row.id.0);
        }
        if let Err(why) = &script.runnable {
            value["error"] = why.as_str().into();
            line += &format!("  [cannot run: {why}]");
        }
        list.push(value);
        lines.push(line);
    }
    let head = format!("{} of {}", count(list.len(), "script", "scripts"), project.name);
    let value = json!({
        "scripts": list,
        "project": { "name": project.name, "directory": project.dir.display().to_string(), "runner": project.runner },
    });
    Answer::new(format!("{head}\n{}", lines.join("\n")), value)
}

pub(crate) fn run(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let script = arguments.needed("name").to_owned();
    let until = match Until::of(arguments) {
        Ok(until) => until,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    let from = toolbox.app.logs().snapshot().last_seq().map_or(0, |seq| seq + 1);
    let command = Command::Run { script: script.clone(), args: arguments.texts("args"), another: false };
    match toolbox.app.execute(command) {
        Ok(Reply::Process { id, fresh }) => {
            if fresh {
                toolbox.has_started(id);
            }
            let from = if fresh { from } else { 0 };
            Work::Wait(Box::new(Ready::new(toolbox, id, from, until, !fresh)))
        }
        Ok(Reply::Done(text)) => Work::Done(Err(Refusal(text))),
        Err(error) if error.code() == Code::NotFound => Work::Done(Err(unknown_script(toolbox, error.message()))),
        Err(error) => Work::Done(Err(error.into())),
    }
}

fn unknown_script(toolbox: &Toolbox, message: &str) -> Refusal {
    let scripts = toolbox.app.scripts();
    let names: Vec<&str> = scripts.iter().map(|row| row.name.as_str()).take(40).collect();
    Refusal(match names.is_empty() {
        true => format!("{message}. This project has no scripts."),
        false => format!("{message}. There are: {}.", names.join(", ")),
    })
}

/// The processes that `processId` means: `all` means those that run.
fn targets(toolbox: &Toolbox, arguments: &Arguments) -> Result<Vec<ProcessRow>, Refusal> {
    match arguments.needed("processId") {
        "all" => Ok(toolbox.app.processes().into_iter().filter(|row| !row.status.is_ended()).collect()),
        word => toolbox.meant(word),
    }
}

/// What to ask before processes are ended that somebody else has started.
pub(crate) fn confirm_end(toolbox: &Toolbox, arguments: &Arguments) -> Option<Question> {
    let mut rows = targets(toolbox, arguments).ok()?;
    rows.retain(|row| !row.status.is_ended());
    let names: Vec<&str> = rows.iter().map(|row| &*row.name).collect();
    (!rows.is_empty() && !toolbox.started_all(&rows)).then(|| format!("End {}?", names.join(", ")).into())
}

pub(crate) fn stop(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let rows = match targets(toolbox, arguments) {
        Ok(rows) => rows,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    let ids: Vec<ProcessId> = rows.iter().map(|row| row.id).collect();
    for row in rows.iter().filter(|row| !row.status.is_ended()) {
        if let Err(error) = toolbox.app.execute(Command::Stop(Target::Id(row.id))) {
            return Work::Done(Err(error.into()));
        }
    }
    Work::Wait(Box::new(Stop { toolbox: Arc::clone(toolbox), ids, until: Instant::now() + grace(toolbox) }))
}

fn grace(toolbox: &Toolbox) -> Duration {
    let config = toolbox.app.config();
    let own = config.processes.iter().map(|entry| entry.grace).max().unwrap_or_default();
    own.max(config.settings.general.grace) + STOP_LIMIT
}

/// Waits until processes have ended.
struct Stop {
    toolbox: Arc<Toolbox>,
    ids: Vec<ProcessId>,
    until: Instant,
}

impl Wait for Stop {
    fn look(&mut self, now: Instant) -> Look {
        let rows: Vec<ProcessRow> = self.ids.iter().filter_map(|id| self.toolbox.row(*id)).collect();
        let left = rows.iter().filter(|row| !row.status.is_ended()).count();
        if left > 0 && now < self.until {
            return Look::Not;
        }
        let list: Vec<Value> = rows.iter().map(|row| row_json(&self.toolbox, row)).collect();
        let text = match rows.is_empty() {
            true => "Nothing runs.".to_owned(),
            false => rows.iter().map(row_text).collect::<Vec<_>>().join("\n"),
        };
        Look::Done(Ok(Answer::new(text, json!({ "success": left == 0, "processes": list }))))
    }

    fn next(&self) -> Instant {
        self.until
    }
}

pub(crate) fn restart(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let begun = (|| {
        let until = Until::of(arguments)?;
        let rows = toolbox.meant(arguments.needed("processId"))?;
        let [row] = rows.as_slice() else {
            let ids: Vec<String> = rows.iter().map(|row| row.id.0.to_string()).collect();
            return Err(Refusal(format!("Several run under this name: name one by its id: {}.", ids.join(", "))));
        };
        let coming = toolbox.app.will_start_again(row.id);
        if !row.status.is_ended() {
            toolbox.app.execute(Command::Stop(Target::Id(row.id)))?;
        }
        Ok(Restart {
            _coming: coming,
            toolbox: Arc::clone(toolbox),
            id: row.id,
            until,
            limit: Instant::now() + grace(toolbox),
            ready: None,
        })
    })();
    match begun {
        Ok(wait) => Work::Wait(Box::new(wait)),
        Err(refusal) => Work::Done(Err(refusal)),
    }
}

/// Waits for the end of a process, starts it again, and waits until it is ready.
struct Restart {
    /// It is not the end of what the process was started for.
    _coming: Coming,
    toolbox: Arc<Toolbox>,
    id: ProcessId,
    until: Until,
    limit: Instant,
    ready: Option<Ready>,
}

impl Wait for Restart {
    fn look(&mut self, now: Instant) -> Look {
        if let Some(ready) = &mut self.ready {
            return ready.look(now);
        }
        match self.toolbox.row(self.id) {
            Some(row) if !row.status.is_ended() && now < self.limit => return Look::Not,
            Some(row) if !row.status.is_ended() => {
                return Look::Done(Err(Refusal(format!("{} does not end; it was not started again.", row.name))));
            }
            _ => {}
        }
        let from = self.toolbox.app.logs().snapshot().last_seq().map_or(0, |seq| seq + 1);
        match self.toolbox.app.start_again(self.id) {
            Err(error) => Look::Done(Err(error.into())),
            Ok(id) => {
                self.toolbox.has_started(id);
                let until = self.until.renewed();
                self.ready.insert(Ready::new(&self.toolbox, id, from, until, false)).look(now)
            }
        }
    }

    fn next(&self) -> Instant {
        self.ready.as_ref().map_or(self.limit, Wait::next)
    }
}

pub(crate) fn status(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let rows = match arguments.text("name") {
        Some(name) => match toolbox.meant(name) {
            Ok(rows) => rows,
            // A script that was never started is no mistake.
            Err(_) if toolbox.app.scripts().iter().any(|script| script.name == name) => {
                let value = json!({ "processes": [], "summary": "never started" });
                return Work::Done(Ok(Answer::new(format!("{name} was never started."), value)));
            }
            Err(refusal) => return Work::Done(Err(refusal)),
        },
        None => toolbox.app.processes(),
    };
    let pids: Vec<u32> = rows.iter().filter_map(|row| row.pid).collect();
    let first = if pids.is_empty() { Vec::new() } else { usage::of_trees(&pids) };
    let at = Instant::now();
    let first = pids.iter().copied().zip(first).filter_map(|(pid, usage)| Some((pid, usage?))).collect();
    Work::Wait(Box::new(Sampling {
        toolbox: Arc::clone(toolbox),
        ids: rows.iter().map(|row| row.id).collect(),
        first,
        at,
    }))
}

/// Looks at the use of CPU twice.
struct Sampling {
    toolbox: Arc<Toolbox>,
    ids: Vec<ProcessId>,
    first: HashMap<u32, TreeUsage>,
    at: Instant,
}

impl Wait for Sampling {
    fn look(&mut self, now: Instant) -> Look {
        if !self.first.is_empty() && now < self.next() {
            return Look::Not;
        }
        Look::Done(Ok(self.answer(now)))
    }

    fn next(&self) -> Instant {
        self.at + SAMPLE
    }
}

impl Sampling {
    fn answer(&self, now: Instant) -> Answer {
        let all = self.toolbox.app.processes();
        let rows: Vec<&ProcessRow> = all.iter().filter(|row| self.ids.contains(&row.id)).collect();
        let pids: Vec<u32> = rows.iter().filter_map(|row| row.pid).collect();
        let (usages, ports) = match pids.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => (usage::of_trees(&pids), usage::ports_of_trees(&pids)),
        };
        let (mut list, mut lines) = (Vec::new(), Vec::new());
        for row in rows.iter().rev() {
            let (mut value, mut line) = (row_json(&self.toolbox, row), row_text(row));
            let at = row.pid.and_then(|pid| pids.iter().position(|other| *other == pid));
            if let Some(usage) = at.and_then(|at| usages.get(at).copied().flatten()) {
                let before = row.pid.and_then(|pid| self.first.get(&pid)).map_or(usage.cpu, |first| first.cpu);
                let seconds = now.duration_since(self.at).as_secs_f64().max(0.001);
                let percent = (usage.cpu.saturating_sub(before).as_secs_f64() / seconds * 1000.0).round() / 10.0;
                value["cpuPercent"] = json!(percent);
                value["memoryBytes"] = usage.rss_bytes.into();
                value["processCount"] = usage.processes.into();
                line += &format!(", CPU {percent} %, memory {}", size(usage.rss_bytes));
            }
            if let Some(ports) = at.and_then(|at| ports.get(at)) {
                value["ports"] = json!(ports);
                if !ports.is_empty() {
                    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
                    line += &format!(", ports {}", ports.join(" "));
                }
            }
            list.push(value);
            lines.push(line);
        }
        let summary = summary(rows.iter().map(|row| row.status));
        Answer::new(format!("{summary}\n{}", lines.join("\n")), json!({ "processes": list, "summary": summary }))
    }
}

/// `2 running, 1 failed`.
pub(crate) fn summary(statuses: impl Iterator<Item = Status>) -> String {
    let statuses: Vec<Status> = statuses.collect();
    let all = [Status::Running, Status::Pending, Status::Failed, Status::Stopped, Status::Success];
    let parts = all.into_iter().filter_map(|status| {
        let number = statuses.iter().filter(|other| **other == status).count();
        (number > 0).then(|| format!("{number} {}", status.name()))
    });
    let text = parts.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "no processes".to_owned() } else { text }
}

/// All processes, without their use of CPU: for those who only want to read.
pub(crate) fn processes(toolbox: &Toolbox) -> Done {
    let rows = toolbox.app.processes();
    let list: Vec<Value> = rows.iter().rev().map(|row| row_json(toolbox, row)).collect();
    let summary = summary(rows.iter().map(|row| row.status));
    Ok(Answer::new(summary.clone(), json!({ "processes": list, "summary": summary })))
}
