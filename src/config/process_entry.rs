//! `[processes.NAME]`: a command with its directory, environment, terminal and grace.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::env_file::{EnvFileError, parse_env};
use super::kind::{Kind, Raw, Value, nearest};
use super::load::Source;
use super::read::{Item, in_order, text_of, texts};
use super::report::{ConfigError, FileText};
use super::settings::{Settings, table};
use crate::error::{Code, Error, Result};

/// What a process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A line for the shell (a text in the file).
    Shell(String),
    /// A program and its arguments (a list in the file).
    Argv(Vec<String>),
}

/// One `[processes.NAME]`, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessEntry {
    /// NAME.
    pub name: String,
    /// What it runs.
    pub command: Command,
    /// Where it runs; absolute when the start directory is. A relative path counts from the file that holds it.
    pub cwd: PathBuf,
    /// Variables beyond the inherited ones, before those of the files.
    pub env: Vec<(String, String)>,
    /// Files with more variables, read by [`ProcessEntry::environment`]; a later file wins over an earlier one.
    pub env_files: Vec<PathBuf>,
    /// Whether it gets a terminal; `None` leaves the choice to the program.
    pub terminal: Option<bool>,
    /// The time between asking it to stop and killing it.
    pub grace: Duration,
    /// Where its command stands.
    pub source: Source,
}

impl ProcessEntry {
    /// The variables of its files and then its own, which win. Files are read now, so that a change is seen at restart.
    pub fn environment(&self, outer: impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>> {
        let mut all: Vec<(String, String)> = Vec::new();
        for path in &self.env_files {
            let text = text_of(path)
                .map_err(|source| Error::io("config", format!("read {} of `{}`", path.display(), self.name), source))?;
            let known = |name: &str| find(&all, name).or_else(|| outer(name));
            let more = parse_env(&text, known).map_err(|EnvFileError { line, message }| {
                Error::new("config", Code::InvalidState, format!("{}:{line}: {message}", path.display()))
            })?;
            more.into_iter().for_each(|(name, value)| put(&mut all, name, value));
        }
        self.env.iter().cloned().for_each(|(name, value)| put(&mut all, name, value));
        Ok(all)
    }
}

/// How many variables an env file sets now; `None` if it cannot be read or understood.
pub fn env_file_len(path: &Path) -> Option<usize> {
    parse_env(&text_of(path).ok()?, |_| None).ok().map(|variables| variables.len())
}

/// The names of the variables that an env file sets now; none if it cannot be read or understood.
pub fn env_file_names(path: &Path) -> Vec<String> {
    let variables = text_of(path).ok().and_then(|text| parse_env(&text, |_| None).ok()).unwrap_or_default();
    variables.into_iter().map(|(name, _)| name).collect()
}

fn find(all: &[(String, String)], name: &str) -> Option<String> {
    all.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn put(all: &mut Vec<(String, String)>, name: String, value: String) {
    match all.iter_mut().find(|(known, _)| *known == name) {
        Some(entry) => entry.1 = value,
        None => all.push((name, value)),
    }
}

/// The keys of a process and what they do.
pub(super) const KEYS: [(&str, &str, &str); 6] = [
    ("command", "a text for the shell, or a list: program and arguments", "What runs"),
    ("cwd", "a path", "Where it runs; a relative path counts from the file"),
    (
        "env",
        "a table of texts, numbers, true or false",
        "Variables beyond the inherited ones; they win over those of the files",
    ),
    ("env_files", "a path or a list of paths", "`.env` files with more variables; a later one wins"),
    ("terminal", "true, false or \"auto\"", "Instead of the general `terminal`"),
    ("grace", "a time such as \"5s\"", "Instead of the general `grace`"),
];

/// What one file says about a process; nearer files are laid over farther ones.
#[derive(Clone, Debug)]
pub(super) struct Partial {
    name: String,
    /// Of the name, for the fault of a process without a command.
    missing: ConfigError,
    command: Option<(Command, PathBuf, Source)>,
    cwd: Option<PathBuf>,
    env: Vec<(String, String)>,
    env_files: Option<Vec<PathBuf>>,
    terminal: Option<Option<bool>>,
    grace: Option<Duration>,
}

impl Partial {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Lays a nearer file's words over these, key by key; `env` variable by variable.
    pub(super) fn overlay(&mut self, nearer: Partial) {
        self.missing = nearer.missing;
        self.command = nearer.command.or(self.command.take());
        self.cwd = nearer.cwd.or(self.cwd.take());
        self.env_files = nearer.env_files.or(self.env_files.take());
        self.terminal = nearer.terminal.or(self.terminal);
        self.grace = nearer.grace.or(self.grace);
        nearer.env.into_iter().for_each(|(name, value)| put(&mut self.env, name, value));
    }

    /// The complete entry; what it does not say itself comes from the general settings.
    pub(super) fn complete(self, settings: &Settings) -> Result<ProcessEntry, ConfigError> {
        let Some((command, dir, source)) = self.command else { return Err(self.missing) };
        Ok(ProcessEntry {
            name: self.name,
            command,
            cwd: self.cwd.unwrap_or(dir),
            env: self.env,
            env_files: self.env_files.unwrap_or_default(),
            terminal: self.terminal.unwrap_or(settings.general.terminal),
            grace: self.grace.unwrap_or(settings.general.grace),
            source,
        })
    }
}

pub(super) fn read_process(
    file: &FileText<'_>,
    name: &str,
    span: Range<usize>,
    fields: &DeTable<'_>,
    errors: &mut Vec<ConfigError>,
) -> Partial {
    let key = format!("processes.{name}");
    let missing = file.error(span, key.clone(), "has no command: add command = \"…\"");
    let mut partial = Partial {
        name: name.to_owned(),
        missing,
        command: None,
        cwd: None,
        env: Vec::new(),
        env_files: None,
        terminal: None,
        grace: None,
    };
    for (field, value) in in_order(fields) {
        let full = format!("{key}.{}", field.get_ref());
        if let Err((span, message)) = partial.field(file, (field, value)) {
            errors.push(file.error(span, full, message));
        }
    }
    partial
}

impl Partial {
    fn field(&mut self, file: &FileText<'_>, (key, value): Item<'_, '_>) -> Result<(), (Range<usize>, String)> {
        let dir = file.path.parent().unwrap_or(Path::new(""));
        let refused = |message: String| (value.span(), message);
        match key.get_ref().as_ref() {
            "command" => {
                let source = Source::File { path: file.path.to_owned(), line: file.line(key.span().start) };
                self.command = Some((command(value.get_ref()).ok_or_else(|| refused(must_be(0)))?, dir.into(), source));
            }
            "cwd" => {
                let path = value.get_ref().as_str().ok_or_else(|| refused(must_be(1)))?;
                self.cwd = Some(dir.join(path));
            }
            "env" => self.env = environment(value.get_ref()).ok_or_else(|| refused(must_be(2)))?,
            "env_files" => {
                let paths = texts(value.get_ref()).ok_or_else(|| refused(must_be(3)))?;
                self.env_files = Some(paths.iter().map(|path| dir.join(path)).collect());
            }
            "terminal" => {
                if let Value::Auto(choice) = Kind::Auto.check(&Raw::from_toml(value.get_ref())).map_err(refused)? {
                    self.terminal = Some(choice);
                }
            }
            "grace" => {
                if let Value::Time(time) = grace_kind().check(&Raw::from_toml(value.get_ref())).map_err(refused)? {
                    self.grace = Some(time);
                }
            }
            other => {
                let hint = match nearest(other, KEYS.iter().map(|(name, ..)| *name)) {
                    Some(near) => format!("; the nearest is `{near}`"),
                    None => format!("; there are {}", KEYS.map(|(name, ..)| format!("`{name}`")).join(", ")),
                };
                return Err((key.span(), format!("is not a setting of a process{hint}")));
            }
        }
        Ok(())
    }
}

fn must_be(key: usize) -> String {
    format!("must be {}", KEYS[key].1)
}

/// The bounds of the general `grace`.
fn grace_kind() -> &'static Kind {
    let row = table().iter().find(|row| row.section.is_empty() && row.key == "grace");
    &row.expect("`grace` is a row of the table").kind
}

fn command(value: &DeValue<'_>) -> Option<Command> {
    let words = texts(value)?;
    let first = words.first().filter(|word| !word.trim().is_empty())?.clone();
    Some(if value.is_str() { Command::Shell(first) } else { Command::Argv(words) })
}

/// The texts of a table; `None` where something in it is neither text, number nor flag.
pub(super) fn environment(value: &DeValue<'_>) -> Option<Vec<(String, String)>> {
    let text = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    };
    let valid = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
    in_order(value.as_table()?)
        .into_iter()
        .map(|(name, value)| Some((name.get_ref().to_string(), text(value.get_ref())?)).filter(|(name, _)| valid(name)))
        .collect()
}
