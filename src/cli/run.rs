//! Runs processes: under the guardian, with the app behind the terminal UI or behind printed lines.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::Flags;
use super::demo;
use super::entry::{complain, load};
use super::lines::Lines;
use super::serving;
use super::terminal::{self, Terminal};
use crate::app::command::Command;
use crate::app::view::{Backend, Reply};
use crate::app::{App, AppOptions};
use crate::config::{Config, ProxyMode};
use crate::error::{Code, Error, Result};
use crate::event::{Level, ProcessId};
use crate::io::guardian;
use crate::io::stdin;
use crate::process::Input;

/// What is to be run.
pub(super) struct Request {
    /// The project's folder, absolute.
    pub(super) dir: PathBuf,
    pub(super) config: Config,
    pub(super) flags: Flags,
    pub(super) starts: Vec<Start>,
    /// It ends after this time.
    pub(super) limit: Option<Duration>,
    /// A folder that goes at the end: by whichever of guardian and app is left, should one be killed.
    pub(super) folder: Option<PathBuf>,
    /// The proxy begins at once.
    pub(super) proxy: Option<ProxyWish>,
}

/// How the proxy begins.
#[derive(Debug)]
pub(super) struct ProxyWish {
    /// The URL that is given an address; `None`: it serves those who use it as their proxy.
    pub(super) url: Option<String>,
    /// The port that it has to be on.
    pub(super) port: Option<u16>,
}

/// Something to start.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Start {
    /// A script or a process of the settings; a word with a blank in it that names none is a command for the shell.
    Named { word: String, args: Vec<String> },
    /// A program and its arguments.
    Argv(Vec<String>),
}

/// The terminal's size where it cannot be asked for.
const SIZE_DEFAULT: (u16, u16) = (80, 24);

/// Names that are shown when nothing was named.
const NAMES_SHOWN: usize = 12;

/// Problems of the project's files that are shown when a name is not known.
const PROBLEMS_SHOWN: usize = 3;

/// What the end of everything may take beyond the longest grace.
const AFTER_GRACE: Duration = Duration::from_secs(5);

/// What shows the app.
enum Front {
    Lines(Lines),
    Terminal(Terminal),
}

/// Runs the request in a guarded process; the exit code.
pub(super) fn run(request: Request) -> u8 {
    let folder = request.folder.clone();
    let app = |guard| i32::from(serve(request, guard).unwrap_or_else(|error| complain(&error)));
    let code = guardian::run(app, || remove(folder.as_deref()));
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// Runs the built-in sample project.
pub(super) fn demo(flags: Flags, limit: Option<Duration>) -> Result<u8> {
    let program = std::env::current_exe().map_err(|error| Error::io("demo", "find this program's own file", error))?;
    let project = demo::Project::create(&program)?;
    let config = load(project.dir(), &flags)?;
    let named = |name: &str| Start::Named { word: name.to_owned(), args: Vec::new() };
    let starts = demo::Project::names().map(named).collect();
    let dir = project.dir().to_owned();
    Ok(run(Request { folder: Some(dir.clone()), dir, config, flags, starts, limit, proxy: None }))
}

pub(super) fn remove(folder: Option<&Path>) {
    // It may be gone already, and nobody is left to be told of one that cannot be removed.
    folder.into_iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
}

fn serve(request: Request, guard: guardian::Guard) -> Result<u8> {
    let Request { dir, config, flags, starts, limit, folder, proxy } = request;
    let on_terminal = io::stdout().is_terminal();
    let lines_wanted = flags.no_tui || flags.output.is_some();
    let headless = lines_wanted || !on_terminal || !io::stdin().is_terminal() || terminal_is_dumb();
    let patience = longest_grace(&config) + AFTER_GRACE;
    let size = terminal::size().unwrap_or(SIZE_DEFAULT);
    let app = App::start(AppOptions { dir, config, interactive: on_terminal, size, owns_descendants: true })?;
    if headless {
        app.hold_lines();
        if starts.len() == 1 {
            // A terminal is read by this program, which knows when it may; anything else goes to the process as it is.
            app.give_input(if stdin::is_terminal() { Input::Pipe } else { Input::Inherited });
        }
    }
    if headless && starts.is_empty() && proxy.is_none() {
        app.tell(nothing_runs(&app));
    }
    // Before anything runs that a signal could end without the time it is to have.
    let front = match headless {
        true => Front::Lines(Lines::listen(&app, guard, patience, folder.clone())),
        false => Front::Terminal(Terminal::listen(&app, guard)),
    };
    let serving = serving::begin(&app);
    let begun = begin_proxy(&app, proxy);
    let result = begun.and_then(|()| start_all(&app, &starts)).and_then(|wanted| match front {
        Front::Lines(lines) => lines.print(&flags, wanted, limit),
        Front::Terminal(terminal) => terminal.show(&app, &wanted),
    });
    drop(serving);
    let stopped = app.shutdown(patience);
    remove(folder.as_deref());
    result.and_then(|code| stopped.map(|()| code))
}

/// Begins the proxy, and says where it is.
fn begin_proxy(app: &App, wish: Option<ProxyWish>) -> Result<()> {
    let full = app.config().settings.proxy_server.mode == ProxyMode::Full;
    let wish = match wish {
        Some(wish) => wish,
        None if full => ProxyWish { url: None, port: None },
        None => return Ok(()),
    };
    let address = app.begin_proxy(wish.url.as_deref())?;
    let port = address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    if let Some(wanted) = wish.port.filter(|wanted| *wanted != 0 && port.is_some_and(|port| port != *wanted)) {
        let message = format!("port {wanted} is taken: another program listens there; choose another with --port");
        return Err(Error::new("proxy", Code::AlreadyExists, message));
    }
    app.tell(match &wish.url {
        Some(url) => format!("{url} is also {address}"),
        None => format!("the proxy is at {address}; for browsers: {address}/proxy.pac"),
    });
    Ok(())
}

/// The longest time that a process may take to end after it was asked to.
fn longest_grace(config: &Config) -> Duration {
    let own = config.processes.iter().map(|entry| entry.grace).max();
    own.unwrap_or_default().max(config.settings.general.grace)
}

/// Starts everything in the order of the command line; when one cannot be started, nothing is left running.
fn start_all(app: &App, starts: &[Start]) -> Result<Vec<ProcessId>> {
    starts.iter().map(|start| start_one(app, start)).collect()
}

fn start_one(app: &App, start: &Start) -> Result<ProcessId> {
    let (word, args) = match start {
        Start::Argv(argv) => return app.start_argv(argv),
        Start::Named { word, args } => (word, args),
    };
    match app.start_named(word, args) {
        Err(error) if error.code() == Code::NotFound && word.contains(char::is_whitespace) => {
            match app.execute(Command::Exec { command: word.clone() })? {
                Reply::Process { id, .. } => Ok(id),
                Reply::Done(_) => Err(error),
            }
        }
        Err(error) if error.code() == Code::NotFound && error.get("script").is_some() => {
            Err(unknown(app, &error, word))
        }
        result => result,
    }
}

/// What to say on the command line of a word that names nothing.
fn unknown(app: &App, error: &Error, word: &str) -> Error {
    let more = format!("`brummer list` shows what there is, `brummer -- {word}` runs a command");
    // It may stand in what could not be read.
    let problems = app.messages().into_iter().filter(|message| message.level >= Level::Warn);
    let problems: String = problems.take(PROBLEMS_SHOWN).map(|problem| format!("\n  {}", problem.text)).collect();
    Error::new("cli", Code::NotFound, format!("{}; {more}{problems}", error.message()))
}

/// Whether the terminal says that it understands no escapes: then it gets plain lines.
pub(super) fn terminal_is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name == "dumb")
}

/// What to say when the command line names nothing.
fn nothing_runs(app: &App) -> String {
    let scripts = app.scripts();
    let names: Vec<&str> = scripts.iter().map(|row| row.name.as_str()).take(NAMES_SHOWN).collect();
    let more = if scripts.len() > names.len() { ", …" } else { "" };
    match names.is_empty() {
        true => "nothing was named, so nothing runs, and no script was found here; end with Ctrl+C".to_owned(),
        false => format!("nothing was named, so nothing runs; there are: {}{more}; end with Ctrl+C", names.join(", ")),
    }
}
