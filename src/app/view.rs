//! What a front door sees: rows made from the services, read without holding anything up.

mod mcp;

use std::path::PathBuf;
use std::sync::Arc;

use crate::app::attach::Attached;
use crate::app::command::Command;
use crate::config::Config;
use crate::error::Result;
use crate::event::{Exit, Level, ProcessId, Status};
use crate::logs::LogStore;
use crate::proxy::{Exchange, ExchangeId};

pub use mcp::{Again, McpCall, McpClient, McpEnd, McpInstance, McpKind, McpRow};

/// The project that Brummer was started in.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its folder, absolute.
    pub dir: PathBuf,
    /// The name in package.json, else the folder's.
    pub name: String,
    /// How scripts are run: `npm`, `pnpm`, `direct` and so on; empty when there are none.
    pub runner: String,
}

/// A script that can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptRow {
    /// The word that runs it; `package:name` where the name alone is not unique.
    pub name: String,
    /// The heading it stands under: the package, `.brum.toml`, `Makefile`.
    pub package: String,
    /// What it runs.
    pub command: String,
    /// Where it runs, relative to the project.
    pub cwd: String,
    /// The file and line it was found in.
    pub source: String,
    /// What runs it: `npm`, `pnpm`, `direct`, `shell`.
    pub runner: String,
    /// What its settings add to the environment: its files with how many variables each sets, and names of variables.
    /// Never a value.
    pub env: Vec<String>,
    /// Whether what runs it is there; otherwise why it cannot be run.
    pub runnable: std::result::Result<(), String>,
    /// Its newest process.
    pub process: Option<ProcessId>,
}

/// A process that runs or ran.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessRow {
    /// Its id.
    pub id: ProcessId,
    /// Its name.
    pub name: Arc<str>,
    /// How it stands.
    pub status: Status,
    /// A stop was asked for and is under way.
    pub stopping: bool,
    /// How it ended.
    pub exit: Option<Exit>,
    /// The process id of the operating system, while it runs.
    pub pid: Option<u32>,
    /// When it was started, milliseconds since 1970.
    pub started_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// What it runs.
    pub command: Arc<str>,
    /// Where.
    pub cwd: Arc<str>,
    /// Whether it has a terminal, and so can be written to.
    pub terminal: bool,
    /// Whether it draws on the alternate screen of its terminal, as editors do: its lines say little.
    pub full_screen: bool,
    /// How often it was restarted.
    pub restarts: u32,
    /// Lines it has written so far, those no longer kept included.
    pub lines: u64,
    /// Of these, errors.
    pub errors: u64,
    /// The first URL of a local server that it printed.
    pub url: Option<Arc<str>>,
    /// CPU and memory of its tree; `None` until it was sampled, and where it cannot be.
    pub usage: Option<Usage>,
    /// The processes below it when that was sampled, each before those below it; of very many, the first.
    pub children: Arc<[Child]>,
}

/// A variable that a process has beside those of Brummer's own environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvRow {
    /// Its name.
    pub name: Arc<str>,
    /// Its value, or a mask in its place; `None`: Brummer has it, and the process has not.
    pub value: Option<Arc<str>>,
    /// Its value is a secret, and masked.
    pub is_secret: bool,
    /// Where it comes from, if that is known: a file of the project, or Brummer itself.
    pub source: Option<Arc<str>>,
}

/// Whether a process goes on as another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Successor {
    /// It was not started again.
    #[default]
    Nobody,
    /// It is ended, or has ended, and is about to be started again.
    Coming,
    /// It was started again as this one.
    Is(ProcessId),
}

/// How often CPU and memory of the processes are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// Never: nothing runs, or nobody looks.
    #[default]
    Off,
    /// Every five seconds, and only a change of the totals is told: they stand above a view that is about something else.
    Seldom,
    /// Every two seconds: the processes are in front.
    Often,
}

/// A process that a process started.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Its number.
    pub pid: u32,
    /// Generations below the process of the table: 1 for its own children.
    pub depth: u32,
    /// A short command line.
    pub command: String,
    /// Percent of one core since the last sample.
    pub cpu_percent: f32,
    /// Resident memory.
    pub rss_bytes: u64,
}

/// What a process tree uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Percent of one core since the last sample.
    pub cpu_percent: f32,
    /// Resident memory.
    pub rss_bytes: u64,
    /// Processes in the tree.
    pub processes: u32,
}

/// Something that Brummer itself has to say.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemMessage {
    /// Counted from 1 on; a reader who has seen the one with this number goes on behind it.
    pub number: u64,
    /// When, milliseconds since 1970.
    pub time_ms: u64,
    /// How bad it is.
    pub level: Level,
    /// What failed, why, what to try.
    pub text: String,
    /// The process whose failure this tells; its row tells it as well.
    pub failed: Option<ProcessId>,
}

impl SystemMessage {
    /// Those behind the one with the number `seen`, of messages in order; the first tells by its number whether some
    /// between are no longer kept.
    pub fn behind(messages: &[SystemMessage], seen: u64) -> &[SystemMessage] {
        &messages[messages.partition_point(|message| message.number <= seen)..]
    }
}

/// The URL of a server that a process has printed, and the addresses that the proxy gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlRow {
    /// As it can be opened.
    pub url: Arc<str>,
    /// Whose.
    pub process: ProcessId,
    /// Its name.
    pub name: Arc<str>,
    /// The address through the proxy; `None` while there is none.
    pub proxied: Option<Arc<str>>,
    /// The address by name: `http://web.localhost:19888`.
    pub named: Option<Arc<str>>,
    /// The address at which other devices of the network reach the same server; `None` while there is none.
    pub network: Option<Arc<str>>,
    /// Requests that went through the proxy.
    pub requests: u64,
    /// When it was seen first, milliseconds since 1970.
    pub seen_ms: u64,
    /// Whether it answers; see [`Backend::watch_urls`].
    pub answer: Answer,
}

/// Whether a server answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// It was not asked: nobody looks, or it is on another machine.
    #[default]
    NotAsked,
    /// It answered with this status.
    Status(u16),
    /// It takes connections; it wants TLS, or does not speak HTTP.
    Open,
    /// It takes connections and has not answered in time.
    Late,
    /// Nobody is there.
    Nobody,
}

/// How the proxy stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProxyRow {
    /// Its own port, while it runs.
    pub port: Option<u16>,
    /// It also serves those who name it as their proxy.
    pub full: bool,
    /// The address of the PAC file, while it runs.
    pub pac: Option<Arc<str>>,
    /// Pages are given the telemetry script.
    pub telemetry: bool,
    /// Exchanges so far, those that failed among them.
    pub exchanges: (u64, u64),
}

/// Something that a page in a browser has told.
#[derive(Clone, Debug, PartialEq)]
pub struct PageEvent {
    /// When, milliseconds since 1970.
    pub time_ms: u64,
    /// The tab it comes from; short, for showing.
    pub session: Arc<str>,
    /// The page's path.
    pub page: Arc<str>,
    /// `error`, `console`, `web-vital`, `navigation`, `interaction`, `resource`, `request` and so on.
    pub kind: Arc<str>,
    /// What happened, in one line.
    pub text: Arc<str>,
    /// The rest of it, such as the frames of a stack with their original places.
    pub detail: Arc<[Box<str>]>,
    /// How bad it is.
    pub level: Level,
}

/// A tab of a browser that has told something.
#[derive(Clone, Debug, PartialEq)]
pub struct PageSession {
    /// Short, for showing; as in [`PageEvent::session`].
    pub id: Arc<str>,
    /// Host and path of the page that is in it.
    pub place: Arc<str>,
    /// Its browser: `Chrome 131`; empty where it is not known.
    pub browser: Arc<str>,
    /// Width and height of its window.
    pub viewport: Option<(u32, u32)>,
    /// When it spoke first, milliseconds since 1970.
    pub first_ms: u64,
    /// Bytes of JavaScript's heap, one figure for each of the last times of five seconds, the newest last; none where the
    /// browser does not tell.
    pub heap: Arc<[f32]>,
    /// Tasks that held the page up: how many so far, and the milliseconds that they took, likewise; `None` where the browser
    /// does not tell.
    pub long_tasks: Option<(u64, Arc<[f32]>)>,
}

/// Equal errors of processes of one name, or of pages.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorRow {
    /// What makes them equal; the same after the process was started again.
    pub id: u64,
    /// Where the newest of them stands.
    pub origin: ErrorOrigin,
    /// The name of the process; for a page that of the process that serves it, or none.
    pub name: Arc<str>,
    /// How bad they are.
    pub level: Level,
    /// Its type: `TypeError`, `panic`.
    pub kind: Option<Arc<str>>,
    /// The message, in one line.
    pub message: Arc<str>,
    /// The lines of the newest one's stack.
    pub stack: Arc<str>,
    /// How many there were.
    pub count: u64,
    /// When the first came, milliseconds since 1970.
    pub first_ms: u64,
    /// When the newest came.
    pub last_ms: u64,
}

/// Where an error stands.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorOrigin {
    /// In the lines of a process.
    Lines {
        /// Whose.
        process: ProcessId,
        /// The line that it starts with.
        first: u64,
        /// The last line of its stack.
        last: u64,
    },
    /// In a page in a browser.
    Page {
        /// The page's path.
        page: Arc<str>,
        /// The tab; short, for showing.
        session: Arc<str>,
    },
}

/// Which part of an exchange is to be written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExchangePart {
    /// What it was and its header fields.
    #[default]
    Head,
    /// The body that went up.
    RequestBody,
    /// The body that came down.
    ResponseBody,
    /// Messages of a WebSocket, or events.
    Frames,
    /// Where the time went.
    Timing,
    /// A command line for curl.
    Curl,
    /// A call of `fetch` in JavaScript.
    Fetch,
}

/// Counters that change when what they stand for has changed; a reader compares them with those it saw last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Scripts.
    pub scripts: u64,
    /// Processes, their status and their counts.
    pub processes: u64,
    /// Lines.
    pub logs: u64,
    /// Errors in lines; those of pages come with what pages told.
    pub errors: u64,
    /// Messages.
    pub messages: u64,
    /// URLs and their addresses, and how the proxy stands.
    pub urls: u64,
    /// Exchanges of the proxy.
    pub exchanges: u64,
    /// What pages told.
    pub pages: u64,
    /// The terminal that is looked at.
    pub terminal: u64,
    /// The server for AI tools and its calls.
    pub mcp: u64,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It was done, or is under way.
    Done(String),
    /// A process was started (`fresh`), or runs already.
    Process {
        /// Which.
        id: ProcessId,
        /// It was started by this command.
        fresh: bool,
    },
}

/// All that a front door needs of the app; the app implements it, and a mock does in the tests of the doors.
///
/// No method blocks on a child, a disk or a socket: a stop, say, is asked for, and its end is seen in [`Backend::processes`].
pub trait Backend: Send + Sync {
    /// The project.
    fn project(&self) -> Project;
    /// What can be run, in order.
    fn scripts(&self) -> Arc<[ScriptRow]>;
    /// What runs or ran, in order of start.
    fn processes(&self) -> Vec<ProcessRow>;
    /// What was added to, changed in or removed from Brummer's own environment when a process was started, in order of names; secrets
    /// are masked.
    fn process_environment(&self, id: ProcessId) -> Vec<EnvRow>;
    /// Whether a process goes on as another one. A change of it is told as one of the processes.
    fn successor(&self, id: ProcessId) -> Successor;
    /// The lines.
    fn logs(&self) -> &Arc<LogStore>;
    /// Messages of Brummer itself, oldest first.
    fn messages(&self) -> Vec<SystemMessage>;
    /// Every line before this number was printed, `lines` more of them than before; see [`App::hold_lines`].
    ///
    /// [`App::hold_lines`]: crate::app::App::hold_lines
    fn printed(&self, before: u64, lines: u64);
    /// URLs of servers, those of running processes first.
    fn urls(&self) -> Vec<UrlRow>;
    /// Asks the servers of this machine whether they answer, again and again, from now on or no longer.
    fn watch_urls(&self, on: bool);
    /// How the proxy stands.
    fn proxy(&self) -> ProxyRow;
    /// What went through the proxy and is kept, newest first; `filter` is in the words of [`crate::proxy::capture::Filter`].
    ///
    /// # Errors
    /// INVALID_STATE: the filter is wrong; where, and what is allowed.
    fn exchanges(&self, filter: &str) -> Result<Vec<Arc<Exchange>>>;
    /// A part of an exchange as lines of text; secrets are masked unless `reveal`.
    fn exchange_text(&self, id: ExchangeId, part: ExchangePart, reveal: bool) -> Vec<String>;
    /// What pages told, newest first.
    fn page_events(&self) -> Vec<PageEvent>;
    /// The tabs that have told something, the one that spoke last first.
    fn page_sessions(&self) -> Vec<PageSession>;
    /// Errors of processes and of pages, the newest last.
    fn errors(&self) -> Vec<ErrorRow>;
    /// The effective settings, each with its source.
    fn config(&self) -> &Config;
    /// How the server for AI tools stands.
    fn mcp(&self) -> McpRow {
        McpRow::default()
    }
    /// What has changed.
    fn versions(&self) -> Versions;
    /// `wake` is called after a change, from any thread; it must only set a flag or write to a channel. Calls may merge.
    fn on_change(&self, wake: Arc<dyn Fn() + Send + Sync>);
    /// Samples CPU and memory of the processes so often from now on.
    fn sample_usage(&self, how: Sampling);
    /// Looks at the terminal of a process, in a screen of this size (columns, rows), until the answer is dropped.
    ///
    /// # Errors
    /// NOT_FOUND; INVALID_STATE: it has no terminal, or has ended.
    fn attach(&self, id: ProcessId, size: (u16, u16)) -> Result<Arc<Attached>>;
    /// Does something. [`Command::View`] is answered with INVALID_STATE: it is the door's own.
    ///
    /// # Errors
    /// NOT_FOUND for an unknown script or process, and what starting a process can end in.
    fn execute(&self, command: Command) -> Result<Reply>;
    /// How many pieces of work a search of all lines is to be (`log_store.worker_count`).
    fn scan_workers(&self) -> usize {
        1
    }
    /// Runs work on the pool, at low priority: searches, files, the clipboard.
    fn spawn(&self, work: Box<dyn FnOnce() + Send>);
}
