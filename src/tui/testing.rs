//! A backend for tests, and a rig that does what the loop does, without threads and without a terminal.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::attach::Attached;
use crate::app::command::Command;
use crate::app::errors;
use crate::app::view::{
    Backend, Child, EnvRow, ErrorRow, ExchangePart, McpRow, PageEvent, PageSession, ProcessRow, Project, ProxyRow,
    Reply, Sampling, ScriptRow, Successor, SystemMessage, UrlRow, Usage, Versions,
};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::event::{Exit, ProcessId, Status};
use crate::logs::{LogLimits, LogStore};
use crate::proxy::{Exchange, ExchangeId};
use crate::tui::clock::Clock;
use crate::tui::key::Key;
use crate::tui::keymap::Keymap;
use crate::tui::message::{Asked, Effect, Kept, Message};
use crate::tui::model::{Model, Setting};
use crate::tui::screen::{Cursor, text_of};
use crate::tui::testing_child::ChildMock;
use crate::tui::testing_mcp;
use crate::tui::testing_web::WebMock;
use crate::tui::theme::{Depth, Theme};
use crate::tui::update::dispatch::{self, follow_up};
use crate::tui::update::update;
use crate::tui::{jobs, views};

/// 14:02:31 on the second day of 1970.
pub(crate) const NOW: u64 = 86_400_000 + 50_551_000;

/// What the UI is given, and what it asked for.
pub(crate) struct Mock {
    pub(crate) scripts: Arc<[ScriptRow]>,
    pub(crate) processes: Mutex<Vec<ProcessRow>>,
    pub(crate) store: Arc<LogStore>,
    pub(crate) web: Mutex<WebMock>,
    pub(crate) mcp: Mutex<McpRow>,
    /// Of every process.
    pub(crate) env: Mutex<Vec<EnvRow>>,
    pub(crate) asked: Mutex<Vec<Command>>,
    /// The terminals of all processes.
    pub(crate) child: Arc<ChildMock>,
    pub(crate) config: Config,
    pub(crate) dir: PathBuf,
}

fn script(package: &str, name: &str, command: &str, process: Option<u64>) -> ScriptRow {
    ScriptRow {
        name: name.into(),
        package: package.into(),
        command: command.into(),
        cwd: package.into(),
        source: "package.json:7".into(),
        runner: "pnpm".into(),
        env: if name == "build" { vec![".env.local (4 keys)".into(), "NODE_ENV".into()] } else { Vec::new() },
        runnable: if name == "ghost" { Err("pnpm is not installed".into()) } else { Ok(()) },
        process: process.map(ProcessId),
    }
}

pub(crate) fn process(id: u64, name: &str, status: Status) -> ProcessRow {
    let ended = status.is_ended();
    ProcessRow {
        id: ProcessId(id),
        name: name.into(),
        status,
        stopping: false,
        exit: match status {
            Status::Failed => Some(Exit::Code(1)),
            Status::Success => Some(Exit::Code(0)),
            _ => None,
        },
        pid: (!ended).then_some(48_120 + id as u32),
        started_ms: NOW - 724_000,
        ended_ms: ended.then_some(NOW - 683_000),
        command: format!("run {name}").into(),
        cwd: format!("apps/{name}").into(),
        terminal: id == 2,
        full_screen: false,
        restarts: id as u32 - 1,
        lines: id * 42,
        errors: if status == Status::Failed { 12 } else { 0 },
        url: (id < 3).then(|| format!("http://localhost:{}/", 2000 + id * 1000).into()),
        usage: (!ended).then_some(Usage { cpu_percent: 12.4, rss_bytes: 312 << 20, processes: 4 }),
        children: if ended { Arc::default() } else { children(id) },
    }
}

/// A variable of a process; none: it is removed.
pub(crate) fn variable(name: &str, value: Option<&str>, source: Option<&str>) -> EnvRow {
    let is_secret = value.is_some_and(|value| value.starts_with('‹'));
    EnvRow { name: name.into(), value: value.map(Into::into), is_secret, source: source.map(Into::into) }
}

fn environment() -> Vec<EnvRow> {
    let npm = Some("the environment of npm scripts");
    vec![
        variable("BRUMMER_PROCESS", Some("4711-00000000deadbeef-2"), Some("Brummer")),
        variable("DATABASE_URL", Some("‹masked:38›"), Some("apps/api/.env.local")),
        variable("NODE_ENV", Some("development"), Some(".brum.toml")),
        variable(
            "PATH",
            Some("/home/me/code/shop/apps/api/node_modules/.bin:/home/me/code/shop/node_modules/.bin:$PATH"),
            npm,
        ),
        variable("PORT", Some("4000"), Some("apps/api/.env.local")),
        variable("TERM", Some("xterm-256color"), Some("Brummer")),
        variable("npm_execpath", None, npm),
        variable("npm_lifecycle_script", Some("tsx watch src/index.ts"), npm),
        variable("npm_package_config_greeting", Some("hello\tthere"), None),
    ]
}

/// Those that a process of the tests has started.
fn children(id: u64) -> Arc<[Child]> {
    let child = |at: u32, depth, command: &str| Child {
        pid: 48_200 + id as u32 * 10 + at,
        depth,
        command: command.into(),
        cpu_percent: 6.1 / at as f32,
        rss_bytes: u64::from(160 / at) << 20,
    };
    Arc::new([
        child(1, 1, "node node_modules/.bin/tsx watch src/index.ts"),
        child(2, 2, "node --require preflight.cjs src/index.ts"),
        child(3, 1, "esbuild --service=0.25 --ping"),
    ])
}

impl Mock {
    pub(crate) fn empty() -> Arc<Mock> {
        Arc::new(Mock::bare(LogStore::new(LogLimits::default())))
    }

    fn bare(store: Arc<LogStore>) -> Mock {
        Mock {
            scripts: Arc::new([]),
            processes: Mutex::default(),
            store,
            web: Mutex::default(),
            mcp: Mutex::new(testing_mcp::quiet()),
            env: Mutex::default(),
            asked: Mutex::default(),
            child: Arc::default(),
            config: Config::default(),
            dir: "/home/me/code/shop".into(),
        }
    }

    pub(crate) fn full() -> Arc<Mock> {
        let scripts: Arc<[ScriptRow]> = Arc::new([
            script("shop (root)", "build", "turbo run build", Some(5)),
            script("shop (root)", "test", "vitest", Some(4)),
            script("shop (root)", "lint", "eslint .", None),
            script("apps/web", "web", "next dev -p 3000", Some(1)),
            script("apps/web", "ghost", "storybook dev", None),
            script("apps/api", "api", "tsx watch src/index.ts", Some(2)),
        ]);
        let processes = vec![
            process(1, "web", Status::Running),
            process(2, "api", Status::Running),
            process(3, "db", Status::Pending),
            process(4, "test", Status::Failed),
            process(5, "build", Status::Success),
        ];
        let store = LogStore::new(LogLimits::default());
        let web = Mutex::new(WebMock::full());
        let mcp = Mutex::new(testing_mcp::full());
        let env = Mutex::new(environment());
        let mock = Mock { scripts, processes: Mutex::new(processes), web, mcp, env, ..Mock::bare(store) };
        for i in 0..60 {
            mock.line(
                1 + i % 2,
                ["web", "api"][i as usize % 2],
                &format!("GET /assets/chunk-{i:04}.js 304 in {}ms", i % 9),
            );
        }
        mock.line(2, "api", "\x1b[32mGET\x1b[0m /api/cart 200 in 12ms");
        mock.line(2, "api", "ERROR TypeError: Cannot read properties of undefined (reading 'total')");
        mock.line(2, "api", "    at checkout (src/checkout.ts:42:18)");
        mock.line(1, "web", "{\"level\":\"info\",\"path\":\"/checkout\",\"ms\":31}");
        Arc::new(mock)
    }

    /// Another one with the same in it, and the same store.
    pub(crate) fn beside(&self) -> Mock {
        Mock {
            scripts: Arc::clone(&self.scripts),
            processes: Mutex::new(self.processes.lock().unwrap().clone()),
            web: Mutex::new(self.web.lock().unwrap().clone()),
            mcp: Mutex::new(self.mcp.lock().unwrap().clone()),
            env: Mutex::new(self.env.lock().unwrap().clone()),
            ..Mock::bare(Arc::clone(&self.store))
        }
    }

    pub(crate) fn line(&self, id: u64, name: &str, text: &str) {
        self.store.add(ProcessId(id), name, text.as_bytes(), false).expect("the store is open");
    }
}

impl Backend for Mock {
    fn project(&self) -> Project {
        Project { dir: self.dir.clone(), name: "shop".into(), runner: "pnpm".into() }
    }
    fn scripts(&self) -> Arc<[ScriptRow]> {
        Arc::clone(&self.scripts)
    }
    fn processes(&self) -> Vec<ProcessRow> {
        self.processes.lock().unwrap().clone()
    }
    fn process_environment(&self, _: ProcessId) -> Vec<EnvRow> {
        self.env.lock().unwrap().clone()
    }
    fn successor(&self, _: ProcessId) -> Successor {
        Successor::Nobody
    }

    fn logs(&self) -> &Arc<LogStore> {
        &self.store
    }
    fn messages(&self) -> Vec<SystemMessage> {
        Vec::new()
    }
    fn printed(&self, _before: u64, _lines: u64) {}
    fn urls(&self) -> Vec<UrlRow> {
        self.web.lock().unwrap().urls.clone()
    }
    fn proxy(&self) -> ProxyRow {
        self.web.lock().unwrap().proxy.clone()
    }
    fn exchanges(&self, filter: &str) -> Result<Vec<Arc<Exchange>>> {
        self.web.lock().unwrap().exchanges(filter)
    }
    fn exchange_text(&self, id: ExchangeId, part: ExchangePart, reveal: bool) -> Vec<String> {
        self.web.lock().unwrap().text(id, part, reveal)
    }
    fn page_events(&self) -> Vec<PageEvent> {
        self.web.lock().unwrap().events.clone()
    }
    fn page_sessions(&self) -> Vec<PageSession> {
        self.web.lock().unwrap().tabs.clone()
    }
    fn errors(&self) -> Vec<ErrorRow> {
        // When lines arrived differs from run to run.
        let mut rows = errors::of_lines(&self.store);
        let count = rows.len() as u64;
        for (at, row) in rows.iter_mut().enumerate() {
            (row.first_ms, row.last_ms) = (NOW - 400_000, NOW - 1000 - (count - at as u64) * 9000);
        }
        rows.extend(self.web.lock().unwrap().errors.iter().cloned());
        errors::in_order(rows)
    }
    fn config(&self) -> &Config {
        &self.config
    }
    fn mcp(&self) -> McpRow {
        self.mcp.lock().unwrap().clone()
    }
    fn versions(&self) -> Versions {
        Versions::default()
    }
    fn on_change(&self, _wake: Arc<dyn Fn() + Send + Sync>) {}
    fn sample_usage(&self, _how: Sampling) {}
    fn watch_urls(&self, _on: bool) {}
    fn attach(&self, id: ProcessId, size: (u16, u16)) -> Result<Arc<Attached>> {
        self.child.attach(id, size)
    }
    fn execute(&self, command: Command) -> Result<Reply> {
        self.asked.lock().unwrap().push(command.clone());
        match command {
            Command::Run { script, another, .. } => {
                let row = self.scripts.iter().find(|row| row.name == script);
                let row =
                    row.ok_or_else(|| Error::new("app", Code::NotFound, format!("no script is named `{script}`")))?;
                Ok(Reply::Process { id: row.process.unwrap_or(ProcessId(1)), fresh: another })
            }
            Command::CallAgain { number } => {
                testing_mcp::again(&mut self.mcp.lock().unwrap(), number);
                Ok(Reply::Done(String::new()))
            }
            Command::Shell => Ok(Reply::Process { id: ProcessId(2), fresh: true }),
            Command::Exec { .. } => Ok(Reply::Process { id: ProcessId(1), fresh: true }),
            _ => Ok(Reply::Done(String::new())),
        }
    }
    fn spawn(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

/// The UI around a mock.
pub(crate) struct Rig {
    pub(crate) mock: Arc<Mock>,
    pub(crate) model: Model,
    /// What was to be kept for the next run.
    pub(crate) kept: Vec<Kept>,
    /// Effects that only a real terminal could carry out.
    pub(crate) outside: Vec<Effect>,
    pub(crate) attached: Option<Arc<Attached>>,
    /// How the processes were to be looked at, one after the other.
    pub(crate) sampled: Vec<Sampling>,
    /// Whether servers were to be asked, one after the other.
    pub(crate) watched: Vec<bool>,
}

impl Rig {
    pub(crate) fn new(mock: Arc<Mock>, size: (u16, u16)) -> Rig {
        Rig::with_theme(mock, size, "auto", Depth::True)
    }

    pub(crate) fn with_theme(mock: Arc<Mock>, size: (u16, u16), theme: &str, depth: Depth) -> Rig {
        let setting = Setting {
            project: mock.project(),
            home: Some("/home/me".into()),
            theme: Theme::new(theme, depth, false).unwrap(),
            depth,
            keymap: Keymap::default(),
            clock: Clock::utc(),
            size,
            now: NOW,
            lines: mock.store.snapshot(),
            config: mock.config.clone(),
        };
        let (model, outside, sampled, watched) = (Model::new(setting), Vec::new(), Vec::new(), Vec::new());
        let mut rig = Rig { model, mock, kept: Vec::new(), outside, attached: None, sampled, watched };
        // When lines arrived is not what the pictures are about.
        rig.model.logs.time = crate::tui::logs::TimeFormat::Off;
        rig.send(Message::Scripts(rig.mock.scripts()));
        rig.refresh();
        rig
    }

    /// Gives the model what the mock has now.
    pub(crate) fn refresh(&mut self) {
        let (rows, lines) = (self.mock.processes(), self.mock.store.snapshot());
        self.send(Message::Processes(rows));
        self.send(Message::Lines(lines));
        self.send(Message::Errors(self.mock.errors()));
        let (urls, proxy) = (self.mock.urls(), self.mock.proxy());
        self.send(Message::Urls(urls, proxy));
        self.send(Message::Mcp(self.mock.mcp()));
        if self.model.view == crate::tui::model::View::Web {
            self.send(Message::WebChanged);
        }
    }

    pub(crate) fn send(&mut self, message: Message) {
        let effects = update(&mut self.model, message);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Execute(command, asked) => {
                    let answer = self.mock.execute(command);
                    if asked != Asked::Tell || answer.is_err() {
                        effects.extend(update(&mut self.model, Message::Answer(asked, answer)));
                    }
                }
                Effect::Keep(kept) => self.kept.push(kept),
                Effect::SampleUsage(how) => self.sampled.push(how),
                Effect::WatchUrls(on) => self.watched.push(on),
                Effect::Scan(request) => {
                    let mut found = Vec::new();
                    request.run(|slice| found.push(slice));
                    for slice in found {
                        effects.extend(update(&mut self.model, Message::Found(slice)));
                    }
                }
                Effect::Urls => {
                    let (urls, proxy) = (self.mock.urls(), self.mock.proxy());
                    effects.extend(update(&mut self.model, Message::Urls(urls, proxy)));
                }
                Effect::Exchanges { .. }
                | Effect::NewestExchange { .. }
                | Effect::PageEvents { .. }
                | Effect::ExchangeText { .. }
                | Effect::OpenPlace(..)
                | Effect::Environment(_)
                | Effect::Explain(..) => {
                    let answer = jobs::ask(&*self.mock, effect).expect("each of these has an answer");
                    effects.extend(update(&mut self.model, answer));
                }
                other => match self.in_terminal(other) {
                    Ok(message) => effects.extend(message.into_iter().flat_map(|it| update(&mut self.model, it))),
                    Err(other) => self.outside.push(other),
                },
            }
        }
    }

    /// Presses keys, written as in the settings; answers whether each of them did something.
    pub(crate) fn press(&mut self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.event(Key::parse(key).unwrap_or_else(|| panic!("{key}")).as_event()))
    }

    pub(crate) fn event(&mut self, event: KeyEvent) -> bool {
        // Presses are apart: nobody holds a key.
        self.model.now += 300;
        match dispatch::key(&mut self.model, event) {
            Some(mut effects) => {
                effects.extend(follow_up(&mut self.model));
                self.carry_out(effects);
                true
            }
            None => false,
        }
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        for ch in text.chars() {
            self.event(KeyEvent::new(KeyCode::Char(ch), KeyModifiers::NONE));
        }
    }

    pub(crate) fn draw(&self) -> (Buffer, Cursor) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.model.size.0, self.model.size.1));
        let cursor = views::draw(&self.model, &mut buffer);
        (buffer, cursor)
    }

    /// The screen as text.
    pub(crate) fn text(&self) -> String {
        text_of(&self.draw().0)
    }

    pub(crate) fn asked(&self) -> Vec<Command> {
        std::mem::take(&mut self.mock.asked.lock().unwrap())
    }
}
