//! A thing that can be run, as its detector describes it, and the quoting of what is added on the command line.

use std::path::{Path, PathBuf};

use crate::error::{Code, Error};

/// What a detector finds.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) name: String,
    /// What it runs, as it stands in its file or as a person would type it.
    pub(super) command: String,
    pub(super) file: PathBuf,
    pub(super) line: usize,
    /// Who runs it: `make`, `cargo`; it also tells equal names apart.
    pub(super) runner: &'static str,
    pub(super) run: Run,
}

/// How it is run.
#[derive(Clone, Debug)]
pub(super) enum Run {
    /// The script with this index of the package with that index.
    Package { package: usize, script: usize },
    /// A program; arguments from the command line follow `separator`, where there are any.
    Argv { argv: Vec<String>, separator: Option<&'static str> },
    /// A line for the shell in a directory and with variables of its own.
    Shell { line: String, dir: Option<PathBuf>, env: Vec<(String, String)> },
}

impl Recipe {
    /// `words` is typed as it is; words do not hold blanks.
    pub(super) fn tool(name: &str, words: &str, separator: Option<&'static str>, file: &Path, line: usize) -> Recipe {
        let argv: Vec<String> = words.split(' ').map(str::to_owned).collect();
        Recipe::argv(name, argv, separator, file, line)
    }

    /// The first word is the runner, which must be one that [`runner`] knows.
    pub(super) fn argv(
        name: &str,
        argv: Vec<String>,
        separator: Option<&'static str>,
        file: &Path,
        line: usize,
    ) -> Recipe {
        let command = argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
        Recipe {
            name: name.to_owned(),
            command,
            file: file.to_owned(),
            line,
            runner: runner(&argv[0]),
            run: Run::Argv { argv, separator },
        }
    }
}

/// The label of a tool.
fn runner(program: &str) -> &'static str {
    const LABELS: [&str; 9] = ["make", "just", "cargo", "go", "uv", "poetry", "pdm", "poe", "composer"];
    LABELS.iter().find(|label| **label == program).copied().unwrap_or("python")
}

/// A file beyond this is not one that describes a project.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The text of a file; `None` when there is no such file. One that cannot be read, or is too long, is a problem.
pub(super) fn read(file: &Path, problems: &mut Vec<Error>) -> Option<String> {
    use std::io::ErrorKind as K;
    match bounded(file) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Some(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
        }
        Err(error) if matches!(error.kind(), K::NotFound | K::NotADirectory) => None,
        Err(error) => {
            problems.push(Error::io("detect", format!("read {}", file.display()), error));
            None
        }
    }
}

fn bounded(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file)?;
    std::io::Read::read_to_end(&mut std::io::Read::take(opened, FILE_BYTES_MAX + 1), &mut bytes)?;
    match bytes.len() as u64 > FILE_BYTES_MAX {
        true => Err(std::io::Error::other("it is longer than 16 MiB; what it offers is left out")),
        false => Ok(bytes),
    }
}

/// The table of a TOML file, if it is there and sound.
pub(super) fn read_toml(file: &Path, problems: &mut Vec<Error>) -> Option<(toml::Table, String)> {
    let text = read(file, problems)?;
    match text.parse::<toml::Table>() {
        Ok(table) => Some((table, text)),
        Err(error) => {
            let start = error.span().map_or(0, |span| span.start);
            let (line, column) = position(&text, start);
            problems.push(fault(file, line, column, error.message()));
            None
        }
    }
}

/// A file that cannot be understood.
pub(super) fn fault(file: &Path, line: usize, column: usize, message: &str) -> Error {
    let text = format!("{}:{line}:{column}: {message}; what it offers is left out", file.display());
    Error::new("detect", Code::InvalidState, text)
}

/// Line and column, from 1, of a byte.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (1 + before.matches('\n').count(), 1 + before[start..].chars().count())
}

/// The first line, from 1, that begins with `name` as a key of a TOML file; 1 when there is none.
pub(super) fn line_of_key(text: &str, name: &str) -> usize {
    let is_key = |line: &str| {
        let line = line.trim_start().trim_start_matches(['"', '\'']);
        let after = line.strip_prefix(name).map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
        after.is_some_and(|rest| rest.starts_with(['=', '.']))
    };
    text.lines().position(is_key).map_or(1, |index| index + 1)
}

/// A word as the shell reads it back.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A line of shell with more words.
pub(super) fn with_args(line: &str, args: &[String]) -> String {
    args.iter().fold(line.to_owned(), |line, arg| line + " " + &quote(arg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_so_that_the_shell_gives_them_back() {
        let words = ["plain", "two words", "it's", "$HOME", "`x`", "a\\b", "", "*", "~", "ä", "a\nb", "-n"];
        let line = with_args("printf '%s\\0'", &words.map(str::to_owned));
        let output = std::process::Command::new("/bin/sh").arg("-c").arg(&line).output().unwrap();
        let back: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().split_terminator('\0').collect();
        assert_eq!(back, words);
    }
}
