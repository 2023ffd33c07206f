//! Makes the views: rows of scripts and processes from the services' own snapshots.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::app::attach::Attached;
use crate::app::changes::{Thing, Wake};
use crate::app::command::Command;
use crate::app::core::App;
use crate::app::errors;
use crate::app::view::{
    Backend, ErrorRow, ExchangePart, McpRow, PageEvent, ProcessRow, Project, ProxyRow, Reply, ScriptRow, SystemMessage,
    UrlRow, Usage, Versions,
};
use crate::config::Config;
use crate::error::Result;
use crate::event::{Level, ProcessId};
use crate::io::usage;
use crate::logs::LogStore;
use crate::process::Process;
use crate::proxy::{Exchange, ExchangeId};
use crate::runtime::Priority;
use crate::runtime::timer::TimerId;

/// How often CPU and memory are looked at while somebody looks at them.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);

impl Backend for App {
    fn project(&self) -> Project {
        self.scripts.project()
    }

    fn scripts(&self) -> Arc<[ScriptRow]> {
        let newest: HashMap<Arc<str>, ProcessId> =
            self.manager.get_all_processes().into_iter().map(|process| (process.name, process.id)).collect();
        let rows = self.scripts.rows().into_iter();
        rows.map(|row| ScriptRow { process: newest.get(row.name.as_str()).copied(), ..row }).collect()
    }

    fn processes(&self) -> Vec<ProcessRow> {
        self.manager.get_all_processes().into_iter().map(|process| self.row(process)).collect()
    }

    fn logs(&self) -> &Arc<LogStore> {
        &self.store
    }

    fn messages(&self) -> Vec<SystemMessage> {
        self.messages.all()
    }

    fn printed(&self, before: u64, lines: u64) {
        self.store.release(before, lines);
        if self.sinks.can_go_on() {
            self.manager.look_again();
        }
    }

    fn urls(&self) -> Vec<UrlRow> {
        self.web.urls()
    }

    fn proxy(&self) -> ProxyRow {
        self.web.row()
    }

    fn exchanges(&self, filter: &str) -> Result<Vec<Arc<Exchange>>> {
        self.web.exchanges(filter)
    }

    fn exchange_text(&self, id: ExchangeId, part: ExchangePart, reveal: bool) -> Vec<String> {
        self.web.exchange_text(id, part, reveal)
    }

    fn page_events(&self) -> Vec<PageEvent> {
        self.web.page_events()
    }

    fn errors(&self) -> Vec<ErrorRow> {
        let mut rows = errors::of_lines(&self.store);
        rows.extend(self.web.page_errors());
        errors::in_order(rows)
    }

    fn config(&self) -> &Config {
        &self.options.config
    }

    fn mcp(&self) -> McpRow {
        self.mcp_board.row()
    }

    fn versions(&self) -> Versions {
        self.changes.versions()
    }

    fn on_change(&self, wake: Wake) {
        self.changes.on_change(wake);
    }

    fn sample_usage(&self, on: bool) {
        self.sample(on);
    }

    fn attach(&self, id: ProcessId, size: (u16, u16)) -> Result<Arc<Attached>> {
        self.look_at(id, size)
    }

    fn execute(&self, command: Command) -> Result<Reply> {
        self.carry_out(command)
    }

    fn scan_workers(&self) -> usize {
        self.scan_workers
    }

    fn spawn(&self, work: Box<dyn FnOnce() + Send>) {
        if let Err(error) = self.pool.spawn(Priority::Low, work) {
            self.messages.push(Level::Error, error.to_string());
            self.changes.bump(Thing::Messages);
        }
    }
}

impl App {
    fn row(&self, process: Process) -> ProcessRow {
        let tally = self.sinks.tally(process.id);
        let restarts = self.origins().get(&process.id).map_or(0, |origin| origin.restarts);
        ProcessRow {
            id: process.id,
            restarts,
            lines: tally.lines.load(Ordering::Relaxed),
            errors: tally.errors.load(Ordering::Relaxed),
            url: tally.url(),
            usage: self.usage.of(process.id),
            name: process.name,
            status: process.status,
            stopping: process.stopping,
            exit: process.exit,
            pid: process.pid,
            started_ms: process.started_ms,
            ended_ms: process.ended_ms,
            command: process.command,
            cwd: process.cwd,
            terminal: process.terminal,
            full_screen: process.full_screen,
        }
    }

    fn sample(&self, on: bool) {
        if self.usage.on.swap(on, Ordering::AcqRel) == on {
            return;
        }
        let mut timer = self.usage.timer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = timer.take() {
            self.timer.cancel(id);
        }
        if on {
            let (pool, me) = (self.pool.clone(), self.me.clone());
            let look = move || {
                let me = me.clone();
                // A look that the pool refuses is a look that is not shown.
                let _ = pool.spawn(Priority::Low, move || me.upgrade().into_iter().for_each(|app| app.look_at_usage()));
            };
            look();
            *timer = Some(self.timer.every(SAMPLE_EVERY, look));
        }
    }

    fn look_at_usage(&self) {
        let running = self.manager.get_all_processes().into_iter();
        let running: Vec<(ProcessId, u32)> = running.filter_map(|process| Some((process.id, process.pid?))).collect();
        self.usage.look(&running);
        self.changes.bump(Thing::Processes);
    }
}

/// CPU and memory of the process trees, looked at by the pool.
#[derive(Default)]
pub(crate) struct UsageSampler {
    on: AtomicBool,
    timer: Mutex<Option<TimerId>>,
    seen: Mutex<HashMap<ProcessId, Seen>>,
}

struct Seen {
    cpu: Duration,
    at: Instant,
    usage: Option<Usage>,
}

impl UsageSampler {
    fn of(&self, id: ProcessId) -> Option<Usage> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&id)?.usage
    }

    fn look(&self, running: &[(ProcessId, u32)]) {
        let pids: Vec<u32> = running.iter().map(|(_, pid)| *pid).collect();
        let trees = usage::of_trees(&pids);
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = HashMap::new();
        for ((id, _), tree) in running.iter().zip(trees) {
            let Some(tree) = tree else { continue };
            // A tree that lost a process has used less than before: no share can be told then.
            let share = seen.get(id).and_then(|old| {
                let used = tree.cpu.checked_sub(old.cpu)?;
                Some(used.as_secs_f32() / (now - old.at).as_secs_f32().max(0.001) * 100.0)
            });
            let usage =
                Usage { cpu_percent: share.unwrap_or(0.0), rss_bytes: tree.rss_bytes, processes: tree.processes };
            next.insert(*id, Seen { cpu: tree.cpu, at: now, usage: Some(usage) });
        }
        *seen = next;
    }
}
