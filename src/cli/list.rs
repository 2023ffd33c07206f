//! `brummer list`: what can be started, for people, for programs, and for completion.

use std::fmt::Write as _;

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use crate::app::view::ScriptRow;

/// Longer commands are cut in the list for people when it goes to a terminal.
const NAME_COLUMNS_MAX: usize = 32;

/// Package by package: name and command; what cannot be run says why.
pub(super) fn text(rows: &[ScriptRow], columns: Option<u16>) -> String {
    let width = rows.iter().map(|row| row.name.width()).max().unwrap_or(0).min(NAME_COLUMNS_MAX);
    let mut out = String::new();
    let mut heading = None;
    for row in rows {
        let here = (row.package.as_str(), row.runner.as_str());
        if heading != Some(here) {
            let space = if heading.is_some() { "\n" } else { "" };
            let _ = writeln!(out, "{space}{} ({})", here.0, here.1);
            heading = Some(here);
        }
        let pad = " ".repeat(width.saturating_sub(row.name.width()));
        let command = row.command.lines().next().unwrap_or_default();
        let line = match &row.runnable {
            Ok(()) => format!("  {}{pad}  {command}", row.name),
            Err(why) => format!("  {}{pad}  {command}  (cannot be run: {why})", row.name),
        };
        let _ = writeln!(out, "{}", cut(&line, columns));
    }
    if rows.is_empty() {
        out.push_str("nothing to start was found; `brummer -- COMMAND` runs any command\n");
    }
    out
}

fn cut(line: &str, columns: Option<u16>) -> String {
    let Some(columns) = columns.map(usize::from).filter(|columns| line.width() > *columns) else {
        return line.to_owned();
    };
    let mut kept = String::new();
    for letter in line.chars() {
        if kept.width() + 2 > columns {
            break;
        }
        kept.push(letter);
    }
    kept + "…"
}

/// An array of objects.
pub(super) fn json(rows: &[ScriptRow]) -> String {
    let objects: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "package": row.package,
                "command": row.command,
                "cwd": row.cwd,
                "source": row.source,
                "runner": row.runner,
                "runnable": row.runnable.is_ok(),
                "reason": row.runnable.as_ref().err(),
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(objects))
}

/// The names, one a line.
pub(super) fn names(rows: &[ScriptRow]) -> String {
    rows.iter().flat_map(|row| [row.name.as_str(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(package: &str, name: &str, command: &str) -> ScriptRow {
        ScriptRow {
            name: name.into(),
            package: package.into(),
            command: command.into(),
            cwd: String::new(),
            source: "package.json:3".into(),
            runner: "npm".into(),
            env: Vec::new(),
            runnable: Ok(()),
            process: None,
        }
    }

    #[test]
    fn scripts_stand_under_their_package_and_say_why_they_cannot_run() {
        let broken = ScriptRow { runnable: Err("pnpm is not installed".into()), ..row("docs", "docs:dev", "vite") };
        let rows = [row("shop", "dev", "node ."), row("shop", "build", "vite build"), broken];
        let expected = "shop (npm)\n  dev       node .\n  build     vite build\n\ndocs (npm)\n  docs:dev  vite  \
                        (cannot be run: pnpm is not installed)\n";
        assert_eq!(text(&rows, None), expected);
        assert!(text(&rows, Some(20)).lines().all(|line| line.width() <= 20));
        assert_eq!(names(&rows), "dev\nbuild\ndocs:dev\n");
        assert!(text(&[], None).contains("brummer -- COMMAND"));
    }

    #[test]
    fn json_is_an_array_of_objects() {
        let parsed: serde_json::Value = serde_json::from_str(&json(&[row("shop", "dev", "node .")])).unwrap();
        assert_eq!(parsed[0]["name"], "dev");
        assert_eq!(parsed[0]["runnable"], true);
        assert_eq!(parsed[0]["reason"], serde_json::Value::Null);
    }
}
