//! What can be run: the scripts that were detected, and `[processes.NAME]` of the settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app::core::AppOptions;
use crate::app::messages::Messages;
use crate::app::setup::{Setup, terminal};
use crate::app::view::{Project, ScriptRow, SystemMessage};
use crate::config::{Command, Config, ProcessEntry, Source, env_file_len, env_file_names};
use crate::error::{Code, Error, Result};
use crate::event::Level;
use crate::process::detect::{Catalog, Found, Script};
use crate::process::{ProcessSpec, Program, Terminal};

/// Names that are said of those that are equally near.
const NEAREST_MAX: usize = 3;

/// The catalog and the settings' own processes; the latter win where a name is in both.
pub(crate) struct Scripts {
    dir: PathBuf,
    catalog: Option<Catalog>,
    entries: Vec<ProcessEntry>,
    /// What each of them adds to the environment, as its row tells it.
    added: Vec<Vec<String>>,
    terminal: Terminal,
    grace: Duration,
}

/// Where variables come from, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// A later one wins.
    named: Vec<(String, String)>,
    /// Of those that have no name here.
    all: Option<String>,
}

impl Sources {
    /// Where the variable of this name comes from.
    pub(crate) fn of(&self, name: &str) -> Option<&str> {
        let own = self.named.iter().rfind(|(known, _)| known == name).map(|(_, source)| source);
        own.or(self.all.as_ref()).map(String::as_str)
    }
}

impl Scripts {
    /// Looks at the project; what cannot be read becomes a message, and the rest still works.
    pub(crate) fn scan(options: &AppOptions, setup: &Setup, messages: &Messages) -> Scripts {
        let catalog = Catalog::scan(&options.dir, &setup.detect);
        let catalog = catalog.map_err(|error| messages.push(Level::Error, error.to_string())).ok();
        for problem in catalog.iter().flat_map(Catalog::problems) {
            messages.push(Level::Warn, problem.to_string());
        }
        Scripts {
            dir: options.dir.clone(),
            catalog,
            entries: options.config.processes.clone(),
            added: options.config.processes.iter().map(|entry| added(&options.dir, entry)).collect(),
            terminal: setup.terminal,
            grace: setup.grace,
        }
    }

    fn scripts(&self) -> &[Script] {
        self.catalog.as_ref().map_or(&[], Catalog::scripts)
    }

    pub(crate) fn project(&self) -> Project {
        let name = self.dir.file_name().map_or("/".into(), |name| name.to_string_lossy().into_owned());
        let package = self.scripts().iter().find(|script| script.source == "npm");
        let runner = package.map_or("", |script| script.runner).to_string();
        Project { dir: self.dir.clone(), name, runner }
    }

    /// The rows, without their processes: the settings' own first, then what was detected.
    pub(crate) fn rows(&self) -> Vec<ScriptRow> {
        let entries = self.entries.iter().zip(&self.added).map(|(entry, added)| self.entry_row(entry, added));
        entries.chain(self.scripts().iter().map(|script| self.script_row(script))).collect()
    }

    fn entry_row(&self, entry: &ProcessEntry, added: &[String]) -> ScriptRow {
        ScriptRow {
            name: entry.name.clone(),
            package: ".brum.toml".into(),
            command: program(&entry.command).display(),
            cwd: relative(&self.dir, &entry.cwd),
            source: match &entry.source {
                Source::File { path, line } => format!("{}:{line}", relative(&self.dir, path)),
                other => other.to_string(),
            },
            runner: match entry.command {
                Command::Shell(_) => "shell".into(),
                Command::Argv(_) => "direct".into(),
            },
            env: added.to_vec(),
            runnable: if entry.cwd.is_dir() { Ok(()) } else { Err(format!("no folder {}", entry.cwd.display())) },
            process: None,
        }
    }

    fn script_row(&self, script: &Script) -> ScriptRow {
        let package = match script.relative_dir.as_str() {
            "" => script.package.clone(),
            dir => dir.to_string(),
        };
        let package = if script.source == "npm" { package } else { format!("{package} · {}", script.source) };
        ScriptRow {
            name: script.title.clone(),
            package,
            command: script.command.clone(),
            cwd: relative(&self.dir, &script.dir),
            source: format!("{}:{}", relative(&self.dir, &script.file), script.line),
            runner: script.runner.to_string(),
            env: script.variables().map(str::to_owned).collect(),
            runnable: Ok(()),
            process: None,
        }
    }

    /// What `word` starts, now: env files are read at every call.
    pub(crate) fn spec(&self, word: &str, args: &[String]) -> Result<ProcessSpec> {
        if let Some(entry) = self.entries.iter().find(|entry| entry.name == word) {
            return self.entry_spec(entry, args);
        }
        let Some(catalog) = &self.catalog else { return Err(self.not_found(word)) };
        match catalog.find(word) {
            Found::NotFound { .. } => Err(self.not_found(word)),
            found => Ok(self.with_defaults(catalog.spec(found.script(word)?, args))),
        }
    }

    /// The error for a word that names nothing; the nearest names of both kinds are said, if some are near.
    fn not_found(&self, word: &str) -> Error {
        let entries = self.entries.iter().map(|entry| (entry.name.as_str(), entry.name.as_str()));
        let titles = self.scripts().iter().map(|script| (script.title.as_str(), script.title.as_str()));
        let names = self.scripts().iter().map(|script| (script.name.as_str(), script.title.as_str()));
        let scored = entries.chain(titles).chain(names);
        let scored = scored.map(|(text, title)| (strsim::damerau_levenshtein(word, text), text.len(), title));
        let near: Vec<_> =
            scored.filter(|(distance, length, _)| *distance <= 1 + word.len().min(*length) / 3).collect();
        let least = near.iter().map(|(distance, ..)| *distance).min();
        let nearest: Vec<&str> = near.iter().filter(|near| Some(near.0) == least).map(|(.., title)| *title).collect();
        let nearest = nearest.iter().enumerate().filter(|(at, title)| !nearest[..*at].contains(title));
        let nearest: Vec<String> = nearest.take(NEAREST_MAX).map(|(_, title)| format!("`{title}`")).collect();
        let hint = match nearest.as_slice() {
            [] => String::new(),
            [only] => format!("; the nearest is {only}"),
            several => format!("; the nearest are {}", several.join(", ")),
        };
        Error::new("app", Code::NotFound, format!("no script is named `{word}`{hint}")).with("script", word)
    }

    fn entry_spec(&self, entry: &ProcessEntry, args: &[String]) -> Result<ProcessSpec> {
        let program = match (program(&entry.command), args) {
            (program, []) => program,
            (Program::Argv(argv), more) => Program::Argv(argv.into_iter().chain(more.iter().cloned()).collect()),
            (Program::Shell(line), more) => {
                Program::Shell(format!("{line} {}", Program::Argv(more.to_vec()).display()))
            }
        };
        let env = entry.environment(|name| std::env::var(name).ok())?;
        Ok(ProcessSpec {
            env: env.into_iter().map(|(name, value)| (name, Some(value))).collect(),
            terminal: entry.terminal.map_or(self.terminal, |on| terminal(Some(on))),
            grace: entry.grace,
            ..ProcessSpec::new(&entry.name, program, &entry.cwd)
        })
    }

    /// Where the variables of what `word` starts come from.
    pub(crate) fn sources(&self, word: &str) -> Sources {
        if let Some(entry) = self.entries.iter().find(|entry| entry.name == word) {
            return self.entry_sources(entry);
        }
        let Some(Found::Script(script)) = self.catalog.as_ref().map(|catalog| catalog.find(word)) else {
            return Sources::default();
        };
        let all = match script.variables().next() {
            Some(_) => relative(&self.dir, &script.file),
            None => format!("the environment of {} scripts", script.source),
        };
        Sources { named: Vec::new(), all: Some(all) }
    }

    fn entry_sources(&self, entry: &ProcessEntry) -> Sources {
        let of_files = entry
            .env_files
            .iter()
            .flat_map(|path| env_file_names(path).into_iter().map(|name| (name, relative(&self.dir, path))));
        let settings = match &entry.source {
            Source::File { path, .. } => relative(&self.dir, path),
            other => other.to_string(),
        };
        let own = entry.env.iter().map(|(name, _)| (name.clone(), settings.clone()));
        Sources { named: of_files.chain(own).collect(), all: None }
    }

    fn with_defaults(&self, spec: ProcessSpec) -> ProcessSpec {
        ProcessSpec { terminal: self.terminal, grace: self.grace, ..spec }
    }

    /// A program with its arguments, named after the program.
    pub(crate) fn argv(&self, argv: &[String]) -> ProcessSpec {
        let name = argv.first().map_or("", |word| base_name(word));
        self.with_defaults(ProcessSpec::new(name, Program::Argv(argv.to_vec()), &self.dir))
    }

    /// The person's own shell, on one terminal.
    pub(crate) fn own_shell(&self) -> ProcessSpec {
        let shell = std::env::var("SHELL").ok().filter(|shell| shell.starts_with('/'));
        let argv = vec![shell.unwrap_or_else(|| "/bin/sh".into())];
        let spec = self.argv(&argv);
        ProcessSpec { terminal: Terminal::Shared, ..spec }
    }

    /// A line for the shell, named after its first word.
    pub(crate) fn shell(&self, line: &str) -> ProcessSpec {
        let name = line.split_whitespace().find(|word| !word.contains('=')).map_or("sh", base_name);
        self.with_defaults(ProcessSpec::new(name, Program::Shell(line.to_string()), &self.dir))
    }
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').find(|part| !part.is_empty()).unwrap_or(word)
}

fn program(command: &Command) -> Program {
    match command {
        Command::Shell(line) => Program::Shell(line.clone()),
        Command::Argv(argv) => Program::Argv(argv.clone()),
    }
}

/// What a process of the settings adds to the environment: files with how many variables they set, then names.
fn added(dir: &Path, entry: &ProcessEntry) -> Vec<String> {
    let files = entry.env_files.iter().map(|path| {
        let told = match env_file_len(path) {
            Some(1) => "1 key".into(),
            Some(count) => format!("{count} keys"),
            None => "cannot be read".into(),
        };
        format!("{} ({told})", relative(dir, path))
    });
    files.chain(entry.env.iter().map(|(name, _)| name.clone())).collect()
}

fn relative(dir: &Path, path: &Path) -> String {
    match path.strip_prefix(dir) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".into(),
        Ok(inside) => inside.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// What a project can run, and what could not be understood of it; nothing is started.
pub fn list_scripts(dir: PathBuf, config: Config) -> (Vec<ScriptRow>, Vec<SystemMessage>) {
    let messages = Messages::default();
    let options = AppOptions { dir, config, interactive: false, size: (0, 0), owns_descendants: false };
    let scripts = Scripts::scan(&options, &Setup::of(&options.config), &messages);
    (scripts.rows(), messages.all())
}
