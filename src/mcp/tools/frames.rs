//! Frames of stacks as values, and the lines of the source around one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::text::{clean, cut};
use crate::logs::Frame;

/// A source that is longer is not read for its excerpt.
const SOURCE_BYTES_MAX: u64 = 2 << 20;

/// Lines before and after the place.
const AROUND: usize = 2;

/// Characters of a line of an excerpt.
const LINE_CHARS_MAX: usize = 160;

/// A frame as values.
pub(crate) fn json(frame: &Frame) -> Value {
    let mut value = json!({ "file": frame.file, "line": frame.line });
    if let Some(column) = frame.column {
        value["column"] = column.into();
    }
    if !frame.function.is_empty() {
        value["function"] = frame.function.as_str().into();
    }
    value
}

/// `src/a.ts:3:5`.
pub(crate) fn place(frame: &Frame) -> String {
    match frame.column {
        Some(column) => format!("{}:{}:{column}", frame.file, frame.line),
        None => format!("{}:{}", frame.file, frame.line),
    }
}

/// The first frame within the project that is not of a package, with the source around it.
pub(crate) fn excerpt(project: &Path, cwd: &Path, frames: &[Frame]) -> Option<Value> {
    frames.iter().find_map(|frame| {
        let file = inside(project, cwd, &frame.file)?;
        let mut text = String::new();
        File::open(&file).ok()?.take(SOURCE_BYTES_MAX).read_to_string(&mut text).ok()?;
        let at = usize::try_from(frame.line).ok()?.checked_sub(1)?;
        let from = at.saturating_sub(AROUND);
        let lines: Vec<String> = text
            .lines()
            .enumerate()
            .skip(from)
            .take(at - from + AROUND + 1)
            .map(|(number, line)| {
                let sign = if number == at { '>' } else { ' ' };
                cut(clean(&format!("{sign} {} | {line}", number + 1), usize::MAX), LINE_CHARS_MAX)
            })
            .collect();
        let shown = file.strip_prefix(project).unwrap_or(&file).display().to_string();
        (lines.len() > at - from).then(|| json!({ "file": shown, "line": frame.line, "lines": lines }))
    })
}

/// The file itself, if it lies in the project and belongs to nobody else's package.
fn inside(project: &Path, cwd: &Path, file: &str) -> Option<PathBuf> {
    if file.contains("://")
        || ["node_modules", "site-packages", ".venv", ".cargo"].iter().any(|part| file.contains(part))
    {
        return None;
    }
    let project = project.canonicalize().ok()?;
    let candidates = [cwd.join(file), project.join(file)];
    let found = candidates.iter().find_map(|path| path.canonicalize().ok())?;
    // Links are followed first: nothing outside of the project is read.
    let secret = found.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".env"));
    (found.starts_with(&project) && found.is_file() && !secret).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_of_the_project_alone() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("p");
        std::fs::create_dir(&project).unwrap();
        std::fs::write(project.join("x.js"), "one\ntwo\nthree\nfour\nfive\n").unwrap();
        std::fs::write(dir.path().join("out.js"), "secret\n").unwrap();
        std::os::unix::fs::symlink(dir.path().join("out.js"), project.join("link.js")).unwrap();
        let of = |file: &str, line| {
            let frame = Frame { function: String::new(), file: file.into(), line, column: None };
            excerpt(&project, &project, &[frame])
        };
        let found = of("x.js", 2).unwrap();
        assert_eq!((&found["file"], &found["line"]), (&json!("x.js"), &json!(2)));
        assert_eq!(found["lines"], json!(["  1 | one", "> 2 | two", "  3 | three", "  4 | four"]));
        for (file, line) in [("../out.js", 1), ("link.js", 1), ("x.js", 9), ("x.js", 0), ("none.js", 1)] {
            assert_eq!(of(file, line), None, "{file}:{line}");
        }
    }
}
