//! Procfile: `name: command`, one line each, run by the shell.

use std::path::Path;

use super::recipe::{Recipe, Run, read};
use super::tools::Tools;
use crate::error::Error;

pub(super) fn find(dir: &Path, _: &Tools, problems: &mut Vec<Error>) -> Vec<Recipe> {
    let file = dir.join("Procfile");
    let Some(text) = read(&file, problems) else { return Vec::new() };
    let entries = text.lines().enumerate().filter_map(|(i, line)| Some((i + 1, entry(line)?)));
    entries
        .map(|(line, (name, command))| Recipe {
            name: name.to_owned(),
            command: command.to_owned(),
            file: file.clone(),
            line,
            runner: "procfile",
            run: Run::Shell { line: command.to_owned(), dir: None, env: Vec::new() },
        })
        .collect()
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, command) = line.split_once(':')?;
    let (name, command) = (name.trim(), command.trim());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(is_name) && !command.is_empty()).then_some((name, command))
}
