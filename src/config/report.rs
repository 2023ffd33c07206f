//! What is wrong with the settings: every fault with its place, its line, and what is allowed.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Code, Error};

/// Where a fault stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The text of the line.
        text: String,
        /// How many characters of it are meant; at least 1.
        width: usize,
    },
    /// The file as a whole: it cannot be read.
    File(PathBuf),
    /// A flag of the command line.
    Flag(String),
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it stands.
    pub place: Place,
    /// The key, complete with its section; empty when it is not about a key.
    pub key: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => write!(f, "{}: ", path.display())?,
            Place::Flag(flag) => write!(f, "{flag}: ")?,
            Place::Line { path, line, column, .. } => write!(f, "{}:{line}:{column}: ", path.display())?,
        }
        match self.key.as_str() {
            "" => f.write_str(&self.message)?,
            key => write!(f, "`{key}` {}", self.message)?,
        }
        if let Place::Line { line, column, text, width, .. } = &self.place {
            let margin = line.to_string().len();
            // Tabs stay tabs in the second line, so that the marks stand under what they mean.
            let indent: String = text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n  {line} | {text}\n  {:margin$} | {indent}{}", "", "^".repeat(*width))?;
        }
        Ok(())
    }
}

/// All faults of all files and flags, in the order in which they stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigErrors> for Error {
    fn from(errors: ConfigErrors) -> Error {
        Error::new("config", Code::InvalidState, errors.to_string())
    }
}

/// The text of one file, for turning byte offsets into places.
#[derive(Clone, Copy)]
pub(super) struct FileText<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl FileText<'_> {
    /// The line, from 1, of a byte.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.before(offset).bytes().filter(|byte| *byte == b'\n').count()
    }

    fn before(&self, offset: usize) -> &str {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.text[..end]
    }

    /// A fault at these bytes.
    pub(super) fn error(&self, span: Range<usize>, key: impl Into<String>, message: impl Into<String>) -> ConfigError {
        let before = self.before(span.start);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let text = self.text[start..].lines().next().unwrap_or_default();
        let column = self.text[start..before.len()].chars().count();
        let meant = self.before(span.end).get(before.len()..).unwrap_or_default();
        let rest = text.chars().count().saturating_sub(column);
        let width = meant.lines().next().unwrap_or_default().chars().count().min(rest).max(1);
        let place = Place::Line {
            path: self.path.to_owned(),
            line: self.line(span.start),
            column: column + 1,
            text: text.to_owned(),
            width,
        };
        ConfigError { place, key: key.into(), message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cf_a_fault_is_shown_under_its_line_counting_characters_not_bytes() {
        let text = "# ünï\n\tkey = \"ö\" x\n";
        let file = FileText { path: Path::new("a.toml"), text };
        let offset = text.find(" x").expect("in the text") + 1;
        let shown = file.error(offset..offset + 1, "", "not expected").to_string();
        assert_eq!(shown, "a.toml:2:12: not expected\n  2 | \tkey = \"ö\" x\n    | \t          ^");
    }

    #[test]
    fn cf_a_fault_at_the_end_of_the_file_has_a_place() {
        let file = FileText { path: Path::new("a.toml"), text: "key =" };
        assert_eq!(file.error(5..5, "", "no value").to_string(), "a.toml:1:6: no value\n  1 | key =\n    |      ^");
    }
}
