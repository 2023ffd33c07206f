//! .vscode/tasks.json: the tasks of type `shell` or `process` that need nothing from the editor.

use std::path::Path;

use serde_json::Value;

use super::json::{explain, without_comments};
use super::recipe::{Recipe, Run, quote, read};
use super::tools::Tools;
use crate::error::Error;

pub(super) fn find(dir: &Path, _: &Tools, problems: &mut Vec<Error>) -> Vec<Recipe> {
    let file = dir.join(".vscode").join("tasks.json");
    let Some(text) = read(&file, problems) else { return Vec::new() };
    let value: Value = match serde_json::from_str(&without_comments(&text)) {
        Ok(value) => value,
        Err(error) => {
            problems.push(explain(&file, &error));
            return Vec::new();
        }
    };
    let tasks = value.get("tasks").and_then(Value::as_array).into_iter().flatten();
    tasks.filter_map(|task| recipe(dir, &file, &text, task)).collect()
}

/// `None` for a task that asks for input, for other tasks, or for another variable of the editor.
fn recipe(dir: &Path, file: &Path, text: &str, task: &Value) -> Option<Recipe> {
    let filled = |value: &Value| fill(value.as_str()?, dir);
    let name = task.get("label").or_else(|| task.get("taskName")).and_then(Value::as_str)?;
    let is_process = match task.get("type").and_then(Value::as_str)? {
        "shell" => false,
        "process" => true,
        _ => return None,
    };
    if task.get("dependsOn").is_some() {
        return None;
    }
    let word = |value: &Value| filled(value.get("value").unwrap_or(value));
    let command = word(task.get("command")?)?;
    let args: Vec<String> =
        task.get("args").and_then(Value::as_array).into_iter().flatten().map(word).collect::<Option<_>>()?;
    let start = if is_process { quote(&command) } else { command };
    let line = args.iter().fold(start, |line, arg| line + " " + &quote(arg));
    let options = task.get("options");
    let cwd = match options.and_then(|options| options.get("cwd")) {
        Some(cwd) => Some(dir.join(filled(cwd)?)),
        None => None,
    };
    let variables = options.and_then(|options| options.get("env")?.as_object()).into_iter().flatten();
    let env = variables.map(|(key, value)| Some((key.clone(), filled(value)?))).collect::<Option<_>>()?;
    let quoted = serde_json::to_string(name).ok()?;
    let at = text.lines().position(|line| line.contains(&quoted)).map_or(1, |index| index + 1);
    Some(Recipe {
        name: name.to_owned(),
        command: line.clone(),
        file: file.to_owned(),
        line: at,
        runner: "vscode",
        run: Run::Shell { line, dir: cwd, env },
    })
}

/// Replaces the variables that a directory answers; `None` where another one stands.
fn fill(text: &str, dir: &Path) -> Option<String> {
    let dir = dir.to_string_lossy();
    let known = ["${workspaceFolder}", "${workspaceRoot}", "${cwd}"];
    let filled = known.iter().fold(text.to_owned(), |text, name| text.replace(name, &dir));
    let others =
        ["${input:", "${command:", "${config:", "${env:", "${file", "${relativeFile", "${selectedText", "${lineNumber"];
    (!others.iter().any(|other| filled.contains(other))).then_some(filled)
}
