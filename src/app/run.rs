//! Carries out commands; whatever takes time is asked for here and seen later in the views.

use std::time::Duration;

use crate::app::changes::Thing;
use crate::app::command::{Command, Target};
use crate::app::core::{App, Origin};
use crate::app::view::{Reply, Successor};
use crate::error::{Code, Error, ErrorCollector, Result};
use crate::event::{Level, ProcessId};
use crate::process::{Process, ProcessSpec};
use crate::runtime::context::Context;

/// How long a restart waits for the old process beyond its own grace.
const RESTART_LIMIT: Duration = Duration::from_secs(30);

impl App {
    pub(super) fn carry_out(&self, command: Command) -> Result<Reply> {
        match command {
            Command::Run { script, args, another } => self.run(&script, &args, another),
            Command::Exec { command } => self.started(self.scripts.shell(&command), None),
            Command::Shell => self.started(self.scripts.own_shell(), None),
            Command::Stop(target) => self.each(&target, "stopping", |id| self.manager.request_stop(id)),
            Command::Kill(target) => self.each(&target, "killed", |id| self.manager.kill(id)),
            Command::Restart(target) => self.restart(&target),
            Command::Forget(id) => self.forget(id),
            Command::Input { target, text } => {
                let line = format!("{text}\n");
                self.each(&target, "sent to", |id| self.manager.write_stdin(id, line.as_bytes()))
            }
            Command::Proxy { url } => {
                let mapping = self.web.add(&url)?;
                Ok(Reply::Done(format!("{} is also {} and {}", mapping.url, mapping.proxy_url, mapping.name_url)))
            }
            Command::ToggleProxy => Ok(Reply::Done(match self.web.toggle()? {
                true => format!("programs may name brummer as their proxy: {}", self.web.pac()?),
                false => "the proxy serves the addresses of servers alone".into(),
            })),
            Command::Pac => Ok(Reply::Done(format!("automatic proxy configuration: {}", self.web.pac()?))),
            Command::Replay { id, times } => self.web.again(id, times, &self.pool),
            Command::CallAgain { number } => self.mcp_board.again(number).map(|()| Reply::Done(String::new())),
            Command::SaveHar { file } => self.web.save_har(self.options.dir.join(file), &self.pool),
            Command::OpenHar { file } => self.web.open_har(self.options.dir.join(file), &self.pool),
            Command::ClearWeb => Ok(self.web.clear()),
            Command::Resize { columns, rows } => {
                self.manager.resize(columns, rows);
                Ok(Reply::Done(String::new()))
            }
            Command::View(_) => {
                Err(Error::new("command", Code::InvalidState, "this command belongs to the terminal UI"))
            }
        }
    }

    fn run(&self, script: &str, args: &[String], another: bool) -> Result<Reply> {
        let spec = self.scripts.spec(script, args)?;
        let running = self.running().into_iter().rfind(|process| *process.name == *spec.name);
        match running {
            Some(process) if !another => Ok(Reply::Process { id: process.id, fresh: false }),
            _ => self.started(spec, Some((script.to_string(), args.to_vec()))),
        }
    }

    fn started(&self, spec: ProcessSpec, word: Option<(String, Vec<String>)>) -> Result<Reply> {
        let id = self.start_from(Origin { spec, word, restarts: 0, successor: Successor::Nobody })?;
        Ok(Reply::Process { id, fresh: true })
    }

    fn running(&self) -> Vec<Process> {
        let mut all = self.manager.get_all_processes();
        all.retain(|process| !process.status.is_ended());
        all
    }

    /// The processes that are meant; a name means those that run under it, or else the last one that did.
    fn targets(&self, target: &Target) -> Result<Vec<Process>> {
        match target {
            Target::All => Ok(self.running()),
            Target::Id(id) => Ok(vec![self.manager.get_process(*id).ok_or_else(|| unknown(&id.0.to_string()))?]),
            Target::Name(name) => {
                let all = self.manager.get_all_processes();
                let named: Vec<Process> = all.into_iter().filter(|process| *process.name == **name).collect();
                let running = |process: &Process| !process.status.is_ended();
                match named.iter().any(running) {
                    true => Ok(named.into_iter().filter(running).collect()),
                    false => Ok(vec![named.into_iter().next_back().ok_or_else(|| unknown(name))?]),
                }
            }
        }
    }

    fn each(&self, target: &Target, done: &str, act: impl Fn(ProcessId) -> Result<()>) -> Result<Reply> {
        let targets = self.targets(target)?;
        let errors = ErrorCollector::new("command");
        for process in &targets {
            errors.check(act(process.id));
        }
        errors.finish()?;
        let names: Vec<&str> = targets.iter().map(|process| &*process.name).collect();
        Ok(Reply::Done(if names.is_empty() { "nothing runs".into() } else { format!("{done} {}", names.join(", ")) }))
    }

    fn restart(&self, target: &Target) -> Result<Reply> {
        let targets = self.targets(target)?;
        for process in &targets {
            let (app, id, name) = (self.me.clone(), process.id, process.name.clone());
            let work = move || {
                let Some(app) = app.upgrade() else { return };
                if let Err(error) = app.restart_one(id) {
                    app.messages.push(Level::Error, format!("restart {name}: {error}"));
                    app.changes.bump(Thing::Messages);
                }
            };
            self.pool.spawn(crate::runtime::Priority::Normal, work)?;
        }
        let names: Vec<&str> = targets.iter().map(|process| &*process.name).collect();
        Ok(Reply::Done(format!("restarting {}", names.join(", "))))
    }

    /// What a process was started from.
    pub(super) fn origin(&self, id: ProcessId) -> Result<Origin> {
        self.origins().get(&id).cloned().ok_or_else(|| unknown(&id.0.to_string()))
    }

    /// Ends a process if it runs, and starts what it was started from again.
    fn restart_one(&self, id: ProcessId) -> Result<ProcessId> {
        let grace = self.origin(id)?.spec.grace;
        let _coming = self.will_start_again(id);
        if self.manager.get_process(id).is_some_and(|process| !process.status.is_ended()) {
            self.manager.stop_process(id, &Context::background().with_timeout(RESTART_LIMIT + grace))?;
        }
        self.start_again(id)
    }

    fn forget(&self, id: ProcessId) -> Result<Reply> {
        self.manager.forget(id)?;
        self.origins().remove(&id);
        self.sinks.forget(id);
        self.web.forget(id);
        self.changes.bump(Thing::Processes);
        Ok(Reply::Done("forgotten".into()))
    }
}

fn unknown(name: &str) -> Error {
    Error::new("command", Code::NotFound, format!("no process `{name}`")).with("process", name)
}
