//! Reads the command line and picks who answers it; what is answered at once needs neither guardian nor threads.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::args::{self, Args, Flags, McpVerb, Verb, When, word};
use super::browse::{Page, browse};
use super::run::{self, ProxyWish, Request, Start};
use super::{completions, demo, list, mcp, serving, terminal};
use crate::app::list_scripts;
use crate::config::{Config, Overrides};
use crate::error::{Code, Error, Result};
use crate::tui::{KeyFault, Keymap};

/// Brummer itself failed.
const FAILED: u8 = 1;

/// The command line is wrong.
const USAGE: u8 = 2;

/// Runs the program and answers its exit code.
pub fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(part) = demo::Part::asked_for(&words) {
        return ExitCode::from(demo::run(part));
    }
    let code = match args::parse(words) {
        Ok(args) => answer(args).unwrap_or_else(|error| complain(&error)),
        Err(error) if error.use_stderr() => {
            say(io::stderr(), args::explain(&error).as_bytes());
            USAGE
        }
        // Help or the version was asked for; a reader that went away has seen enough.
        Err(error) => error.print().map_or(0, |()| 0),
    };
    ExitCode::from(code)
}

fn answer(args: Args) -> Result<u8> {
    let flags = &args.flags;
    match &args.verb {
        Some(Verb::Completions { shell }) => return Ok(print(completions::completions(*shell).as_bytes())),
        Some(Verb::Man) => return Ok(print(&completions::man())),
        Some(Verb::Demo { seconds }) => return run::demo(flags.clone(), *seconds),
        Some(Verb::Browser { url, headless, screenshot }) => {
            let page = Page { url: url.clone(), headless: *headless, screenshot: screenshot.clone() };
            return Ok(browse(page));
        }
        Some(Verb::List { .. } | Verb::Run { .. } | Verb::Proxy { .. } | Verb::Mcp { .. }) | None => {}
    }
    let dir = folder(&flags.dir)?;
    if let Some(Verb::Mcp { command: Some(command), .. }) = &args.verb {
        return set_up_tools(&dir, command, flags);
    }
    if flags.mcp {
        return mcp::serve(&lenient_config(&dir, flags), &dir).map(|()| 0);
    }
    if let Some(Verb::Proxy { upstream, forward: _, port, no_telemetry, mcp }) = args.verb {
        let config = load_with(&dir, proxy_overrides(flags, upstream.is_none(), port, (no_telemetry, mcp)))?;
        let proxy = Some(ProxyWish { url: upstream, port });
        return Ok(run::run(Request {
            dir,
            config,
            flags: args.flags,
            starts: Vec::new(),
            limit: None,
            folder: None,
            proxy,
        }));
    }
    let config = load(&dir, flags)?;
    let (names, rest) = match args.verb {
        _ if flags.settings => return Ok(print(config.render().as_bytes())),
        Some(Verb::Mcp { .. }) => return Ok(serving::stdio(dir, config)),
        Some(Verb::List { json, names }) => return Ok(print_list(dir, config, json, names)),
        Some(Verb::Run { scripts, rest }) => (scripts, rest),
        _ => (args.scripts, args.rest),
    };
    let starts = match starts(names, rest) {
        Ok(starts) => starts,
        Err(error) => {
            complain(&error);
            return Ok(USAGE);
        }
    };
    let proxy = args.flags.proxy_url.clone().map(|url| ProxyWish { url: Some(url), port: None });
    Ok(run::run(Request { dir, config, flags: args.flags, starts, limit: None, folder: None, proxy }))
}

/// Sets AI tools up, or looks at what is wrong with them.
fn set_up_tools(dir: &Path, command: &McpVerb, flags: &Flags) -> Result<u8> {
    match command {
        McpVerb::Install { tool, hub, undo, dry_run } => {
            let token = lenient_config(dir, flags).settings.general.mcp_token;
            let wish = mcp::Wish { tool: *tool, hub: *hub, undo: *undo, dry_run: *dry_run, token };
            mcp::install(dir, &wish).map(|text| print(text.as_bytes()))
        }
        McpVerb::Doctor => {
            let (text, well) = mcp::doctor(dir)?;
            let printed = print(text.as_bytes());
            Ok(if well { printed } else { FAILED })
        }
    }
}

/// The settings of a folder for what is not of that project alone: what is wrong in them is told, and does not stop it.
fn lenient_config(dir: &Path, flags: &Flags) -> Config {
    Config::load(dir, &overrides(flags)).unwrap_or_else(|error| {
        complain(&error.into());
        Config::default()
    })
}

/// What the words name: scripts, the last of them with arguments, or one command.
fn starts(names: Vec<String>, rest: Vec<String>) -> Result<Vec<Start>> {
    if names.iter().any(|name| name.trim().is_empty()) {
        let message = "a script's name is empty; `brummer list` shows what there is";
        return Err(Error::new("cli", Code::InvalidState, message));
    }
    match (names.len(), rest.is_empty()) {
        (0, true) => Ok(Vec::new()),
        (0, false) => Ok(vec![Start::Argv(rest)]),
        (1, false) => Ok(names.into_iter().map(|word| Start::Named { word, args: rest.clone() }).collect()),
        (_, true) => Ok(names.into_iter().map(|word| Start::Named { word, args: Vec::new() }).collect()),
        (_, false) => {
            let scripts = names.join("`, `");
            let message = format!("arguments behind `--` go to one script, but several are named: `{scripts}`");
            Err(Error::new("cli", Code::InvalidState, message))
        }
    }
}

/// The settings of a folder, with its keys checked: what is wrong with them is known before anything starts.
pub(super) fn load(dir: &Path, flags: &Flags) -> Result<Config> {
    load_with(dir, overrides(flags))
}

/// The same with these flags.
pub(super) fn load_with(dir: &Path, overrides: Overrides) -> Result<Config> {
    let config = Config::load(dir, &overrides)?;
    let faults = Keymap::faults(&terminal::keys(&config));
    let said = |fault: &KeyFault| {
        let binding = config.keys.iter().find(|binding| binding.action == fault.action);
        let source = binding.map(|binding| format!("{}: ", binding.source)).unwrap_or_default();
        format!("{source}`ui.keys.{}` {}", fault.action, fault.message)
    };
    match faults.is_empty() {
        true => Ok(config),
        false => Err(Error::new("config", Code::InvalidState, faults.iter().map(said).collect::<Vec<_>>().join("\n"))),
    }
}

/// The settings that flags say.
fn overrides(flags: &Flags) -> Overrides {
    let mut overrides = Overrides::new();
    if let Some(runner) = flags.runner {
        overrides.set("runner", word(runner), "--runner");
    }
    if let Some(terminal) = flags.terminal {
        let value = match terminal {
            When::Auto => "auto",
            When::Always => "true",
            When::Never => "false",
        };
        overrides.set("terminal", value, "--terminal");
    }
    let mode = flags.proxy_mode.map(word);
    let mode = mode.map(|mode| (mode, "--proxy-mode"));
    let mode = mode.or_else(|| flags.standard_proxy.then(|| ("full".to_owned(), "--standard-proxy")));
    if let Some((mode, flag)) = mode.or_else(|| flags.no_proxy.then(|| ("off".to_owned(), "--no-proxy"))) {
        overrides.set("proxy_server.mode", mode, flag);
    }
    if flags.lan {
        overrides.set("proxy_server.lan", "true", "--lan");
    }
    if let Some(port) = flags.proxy_port {
        overrides.set("proxy_server.port", port.to_string(), "--proxy-port");
    }
    if let Some(port) = flags.port {
        overrides.set("mcp_port", port.to_string(), "--port");
    }
    if flags.no_mcp {
        overrides.set("no_mcp", "true", "--no-mcp");
    }
    if let Some(time) = flags.time {
        overrides.set("ui.timestamps", word(time), "--time");
    }
    overrides
}

/// What `brummer proxy` says instead of the files.
fn proxy_overrides(flags: &Flags, forward: bool, port: Option<u16>, (no_telemetry, mcp): (bool, bool)) -> Overrides {
    let mut all = overrides(flags);
    // Alone is alone: who wants tools to look into it says so.
    match mcp && !flags.no_mcp {
        true => all.set("no_mcp", "false", "--mcp"),
        false => all.set("no_mcp", "true", "brummer proxy"),
    };
    all.set("proxy_server.mode", if forward { "full" } else { "reverse" }, "brummer proxy");
    if let Some(port) = port {
        let key = if forward { "proxy_server.port" } else { "proxy_server.first_port" };
        all.set(key, port.to_string(), "--port");
    }
    if no_telemetry {
        all.set("proxy_server.telemetry", "false", "--no-telemetry");
    }
    all
}

/// The folder as an absolute path.
fn folder(dir: &Path) -> Result<PathBuf> {
    let attempt = || format!("open the folder {}", dir.display());
    let found = dir.canonicalize().map_err(|error| match std::env::current_dir() {
        Err(gone) if dir.is_relative() => Error::io("cli", "open the folder that you are in (was it removed?)", gone),
        _ => Error::io("cli", attempt(), error),
    })?;
    match found.is_dir() {
        true => Ok(found),
        false => Err(Error::new("cli", Code::InvalidState, format!("{} is not a folder", dir.display()))),
    }
}

fn print_list(dir: PathBuf, config: Config, json: bool, names: bool) -> u8 {
    let (rows, problems) = list_scripts(dir, config);
    let text = match (json, names) {
        (true, _) => list::json(&rows),
        (_, true) => list::names(&rows),
        _ => list::text(&rows, columns()),
    };
    let code = print(text.as_bytes());
    for problem in problems.iter().filter(|_| !names) {
        say(io::stderr(), format!("brummer: {}\n", problem.text).as_bytes());
    }
    code
}

/// The width of the terminal on standard output, if there is one.
pub(super) fn columns() -> Option<u16> {
    io::stdout().is_terminal().then(terminal::size).flatten().map(|(columns, _)| columns)
}

/// Prints an answer; that its reader went away is no failure.
fn print(bytes: &[u8]) -> u8 {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&Error::io("cli", "write to standard output", error))
        }
        _ => 0,
    }
}

fn say(mut out: impl Write, text: &[u8]) {
    // When standard error is closed there is nobody to tell.
    let _ = out.write_all(text);
}

/// `brummer: what failed, why, what to do (facts)`.
pub(super) fn complain(error: &Error) -> u8 {
    let told = |value: &str| error.message().contains(value);
    let facts: Vec<String> = error
        .context()
        .iter()
        .filter(|(_, value)| !told(value))
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    say(io::stderr(), format!("brummer: {}{facts}\n", error.message()).as_bytes());
    FAILED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn faults_of_keys_are_told_all_at_once_with_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let text = "[ui.keys]\nquit = \"ctrl+s\"\n\"process.restrat\" = \"r\"\n\"process.restart\" = \"s\"\n";
        std::fs::write(dir.path().join(".brum.toml"), text).unwrap();
        let Ok(Args { flags, .. }) = args::parse(["brummer"].map(Into::into)) else { panic!("no words are no fault") };
        let message = load(dir.path(), &flags).unwrap_err().message().to_owned();
        for (line, action, told) in [
            (2, "quit", "ctrl+s"),
            (3, "process.restrat", "the nearest is `process.restart`"),
            (4, "process.restart", "`process.stop`"),
        ] {
            let start = format!(".brum.toml:{line}: `ui.keys.{action}`");
            let found =
                message.lines().find(|text| text.contains(&start)).unwrap_or_else(|| panic!("{start} in {message}"));
            assert!(found.contains(told), "{found}");
        }
    }

    #[test]
    fn words_name_scripts_one_script_with_arguments_or_a_command() {
        let named = |word: &str, args: &str| Start::Named { word: word.into(), args: words(args) };
        assert_eq!(starts(words("web api"), vec![]).unwrap(), [named("web", ""), named("api", "")]);
        assert_eq!(starts(words("web"), words("-p 3")).unwrap(), [named("web", "-p 3")]);
        assert_eq!(starts(vec![], words("node .")).unwrap(), [Start::Argv(words("node ."))]);
        assert_eq!(starts(vec![], vec![]).unwrap(), []);
        assert!(starts(vec![" ".into()], vec![]).unwrap_err().message().contains("empty"));
        assert!(starts(words("web api"), words("-p")).unwrap_err().message().contains("`web`, `api`"));
    }
}
