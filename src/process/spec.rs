//! What is to be run: a name, a program, where, with what environment, on what kind of terminal, and how patiently it is stopped.

pub use crate::io::child::Input;
use std::path::PathBuf;
use std::time::Duration;

/// How long a process may take to end after it was asked to, before it is killed, unless its spec says otherwise.
pub const GRACE_DEFAULT: Duration = Duration::from_secs(5);

/// Everything needed to start one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSpec {
    /// The name that people see; it need not be unique.
    pub name: String,
    /// What to execute.
    pub program: Program,
    /// The directory it runs in.
    pub cwd: PathBuf,
    /// Changes to the inherited environment: `None` removes the variable.
    pub env: Vec<(String, Option<String>)>,
    /// Whether its outputs are terminals.
    pub terminal: Terminal,
    /// Its standard input, where it has no terminal.
    pub input: Input,
    /// The time between SIGTERM and SIGKILL.
    pub grace: Duration,
}

impl ProcessSpec {
    /// A spec with an unchanged environment, [`Terminal::Auto`] and [`GRACE_DEFAULT`].
    pub fn new(name: impl Into<String>, program: Program, cwd: impl Into<PathBuf>) -> ProcessSpec {
        ProcessSpec {
            name: name.into(),
            program,
            // Without a slash at its end, as a person would write it.
            cwd: cwd.into().components().collect(),
            env: Vec::new(),
            terminal: Terminal::Auto,
            input: Input::Empty,
            grace: GRACE_DEFAULT,
        }
    }
}

/// What a process executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A line for `/bin/sh -c`.
    Shell(String),
    /// A program, found on PATH when it holds no slash, and its arguments.
    Argv(Vec<String>),
}

impl Program {
    /// The command as a person would type it.
    pub fn display(&self) -> String {
        match self {
            Program::Shell(line) => line.clone(),
            Program::Argv(argv) => argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Whether a child sees terminals or pipes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Terminal {
    /// A terminal when Brummer itself runs on one, else pipes.
    #[default]
    Auto,
    /// Always a terminal: colours, line-wise output and prompts, also headless.
    Always,
    /// One terminal for both outputs, as a shell has it: their order is exact, and which of the two wrote is not known.
    Shared,
    /// Always pipes, and [`ProcessSpec::input`].
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_displayed_as_it_would_be_typed() {
        let argv = ["node", "server.js", "--title", "it's here", ""].map(String::from).to_vec();
        assert_eq!(Program::Argv(argv).display(), r"node server.js --title 'it'\''s here' ''");
        assert_eq!(Program::Shell("a && b".into()).display(), "a && b");
    }
}
