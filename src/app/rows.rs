//! Makes the views: rows of scripts and processes from the services' own snapshots.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::app::attach::Attached;
use crate::app::changes::{Thing, Wake};
use crate::app::command::Command;
use crate::app::core::App;
use crate::app::errors;
use crate::app::view::{
    Backend, EnvRow, ErrorRow, ExchangePart, McpRow, PageEvent, PageSession, ProcessRow, Project, ProxyRow, Reply,
    Sampling, ScriptRow, Successor, SystemMessage, UrlRow, Versions,
};
use crate::config::Config;
use crate::error::Result;
use crate::event::{Level, ProcessId};
use crate::logs::LogStore;
use crate::process::Process;
use crate::proxy::{Exchange, ExchangeId};
use crate::runtime::Priority;

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
        let rows = self.web.urls().into_iter();
        rows.map(|row| {
            let (answer, network) = self.answers.of(&row.url);
            UrlRow { answer, network: row.network.or(network), ..row }
        })
        .collect()
    }

    fn process_environment(&self, id: ProcessId) -> Vec<EnvRow> {
        self.environment_of(id)
    }

    fn successor(&self, id: ProcessId) -> Successor {
        self.successor_of(id)
    }

    fn watch_urls(&self, on: bool) {
        self.watch_servers(on);
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
    fn page_sessions(&self) -> Vec<PageSession> {
        self.web.page_sessions()
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

    fn sample_usage(&self, how: Sampling) {
        self.sample(how);
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
        let (usage, children) = self.usage.of(process.id).unzip();
        let restarts = self.origins().get(&process.id).map_or(0, |origin| origin.restarts);
        ProcessRow {
            id: process.id,
            restarts,
            lines: tally.lines.load(Ordering::Relaxed),
            errors: tally.errors.load(Ordering::Relaxed),
            url: tally.url(),
            usage,
            children: children.unwrap_or_default(),
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
}
