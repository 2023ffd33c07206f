//! Holds the house in order: floors, file budget, first lines, banned words, and a test behind every promise.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines a file may have, tests included.
const FILE_LINES_MAX: usize = 600;

/// Which floor a module stands on. A file may use its own folder and any floor below it.
const FLOORS: &[(&str, u8)] = &[
    ("sync", 0),
    ("error", 0),
    ("runtime", 1),
    ("wire", 1),
    ("event", 2),
    ("io", 2),
    ("config", 3),
    ("process", 3),
    ("logs", 3),
    ("proxy", 3),
    ("app", 4),
    ("cli", 5),
    ("mcp", 5),
    ("tui", 5),
];

/// Who may use a neighbour all the same: argv opens the terminal UI and begins the server for AI tools; values and errors are the words of their floor.
const NEIGHBOURS: &[(&str, &str)] = &[("cli", "tui"), ("cli", "mcp"), ("io", "event"), ("sync", "error")];

/// Words that do not stand in `src/`, what to write instead, and where they may stand all the same.
const BANNED: &[(&str, &str, &[&str])] = &[
    ("static mut", "an atomic, or a value that is handed on", &[]),
    ("lazy_static!", "a value that is made where it is owned", &[]),
    ("todo!(", "the code", &[]),
    ("unimplemented!(", "the code", &[]),
    ("async fn", "a thread or the reactor", &[]),
    (
        "thread::sleep(",
        "a wait for what is awaited, with a deadline",
        &["src/cli/demo", "src/io/reactor/turn.rs", "src/io/tree.rs"],
    ),
    ("println!(", "a front door's writer", &["src/cli/"]),
];

/// The groups of docs/contracts.md that are complete: every id must stand there.
const DONE: &[(&str, &[u32])] = &[
    ("EB", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
    ("WP", &[1, 2, 3, 4, 5, 6, 8]),
    ("PM", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ("LS", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ("ER", &[1, 2, 3, 4, 5, 6]),
    ("PX", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ("TM", &[1, 2, 3, 4, 5, 6, 7]),
    ("MC", &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("MT", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `folder`, as (path from the root, text).
fn rust_files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true if path.file_name().is_some_and(|name| name == "target") => {}
                true => walk(&path, found),
                false if path.extension().is_some_and(|ext| ext == "rs") => found.push(path),
                false => {}
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    paths.sort();
    let relative = |path: &Path| path.strip_prefix(root()).expect("below the root").display().to_string();
    paths.iter().map(|path| (relative(path), fs::read_to_string(path).expect("readable"))).collect()
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The module that a file belongs to: `src/logs/store.rs` is of `logs`, `src/error.rs` is `error`.
fn module_of(path: &str) -> Option<&str> {
    let first = path.strip_prefix("src/")?.split('/').next()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    floor(module).map(|_| module)
}

/// Every module that a line names as `crate::module` or in `crate::{module, …}`.
fn modules_named(line: &str) -> Vec<&str> {
    let mut named = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &line[at + "crate::".len()..];
        let words = rest.strip_prefix('{').map_or(vec![rest], |list| list.split(',').collect());
        for word in words {
            let word = word.trim_start();
            let end = word.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(word.len());
            named.push(&word[..end]);
        }
    }
    named
}

/// Why `own` may not use `named`, if it may not.
fn forbidden(own: &str, named: &str) -> Option<&'static str> {
    let (own_floor, named_floor) = (floor(own)?, floor(named)?);
    if named == own || named_floor < own_floor || NEIGHBOURS.contains(&(own, named)) {
        return None;
    }
    Some(if named_floor == own_floor { "is a neighbour: meet one floor higher" } else { "stands above it" })
}

fn report(problems: &[String]) {
    let mut text = String::new();
    for problem in problems {
        let _ = writeln!(text, "  {problem}");
    }
    assert!(problems.is_empty(), "{} problems:\n{text}", problems.len());
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn nothing_reaches_up_and_neighbours_are_strangers() {
    let mut problems = Vec::new();
    for (path, text) in rust_files("src") {
        let Some(own) = module_of(&path) else { continue };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !is_comment(line)) {
            for named in modules_named(line) {
                if let Some(why) = forbidden(own, named) {
                    problems.push(format!("{path}:{}: `{own}` uses `{named}`, which {why}", number + 1));
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn every_module_of_the_library_stands_on_a_floor() {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("readable");
    let modules = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let missing: Vec<String> = modules.filter(|m| floor(m).is_none()).map(|m| format!("`{m}` has no floor")).collect();
    report(&missing);
}

#[test]
fn every_file_says_its_job_on_line_one_and_keeps_to_the_budget() {
    let mut problems = Vec::new();
    for folder in ["src", "tests", "loom-tests", "benches", "fuzz", "examples"] {
        for (path, text) in rust_files(folder) {
            let first = text.lines().next().unwrap_or_default();
            if first.strip_prefix("//! ").is_none_or(|sentence| sentence.len() <= 15) {
                problems.push(format!("{path}:1: the first line does not say the file's job"));
            }
            let lines = text.lines().count();
            if lines > FILE_LINES_MAX {
                problems.push(format!("{path}: {lines} lines, {FILE_LINES_MAX} are allowed: split it"));
            }
        }
    }
    report(&problems);
}

#[test]
fn banned_words_are_not_used() {
    let mut problems = Vec::new();
    for (path, text) in rust_files("src") {
        let only_tests = path.ends_with("/tests.rs") || path.contains("/tests/");
        let code = if only_tests { "" } else { text.split("#[cfg(test)]").next().unwrap_or_default() };
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !is_comment(line)) {
            for (word, instead, except) in BANNED {
                if line.contains(word) && !except.iter().any(|prefix| path.starts_with(prefix)) {
                    problems.push(format!("{path}:{}: `{word}`; write {instead}", number + 1));
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn unsafe_stands_only_where_memory_and_the_system_are_touched() {
    let allowed = ["src/sync/", "src/io/", "src/runtime/pool/"];
    let mut problems = Vec::new();
    for (path, text) in rust_files("src") {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains("unsafe ") && !allowed.iter().any(|prefix| path.starts_with(prefix)) {
                problems.push(format!("{path}:{}: unsafe belongs to {}", number + 1, allowed.join(", ")));
            }
        }
    }
    report(&problems);
}

#[test]
fn no_async_runtime_is_in_the_lock_file() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("readable");
    let banned = ["tokio", "async-std", "smol", "futures", "async-executor", "futures-executor"];
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let found: Vec<String> =
        names.filter(|name| banned.contains(name)).map(|name| format!("{name} in Cargo.lock")).collect();
    report(&found);
}

/// The names of all functions that could be a test or a model.
fn test_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["src", "tests", "loom-tests", "benches"] {
        for (_, text) in rust_files(folder) {
            let functions = text.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
            names.extend(functions.filter_map(|rest| rest.split(['(', '<']).next()).map(str::to_string));
        }
    }
    names
}

/// The words in backquotes of a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The rows of docs/contracts.md that begin with an id, as (line number, cells).
fn contract_rows(text: &str) -> Vec<(usize, Vec<&str>)> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| line.starts_with("| "));
    let rows = lines.map(|(number, line)| (number, line.trim_matches('|').split(" | ").map(str::trim).collect()));
    let is_id = |cell: &str| cell.split_once('-').is_some_and(|(group, _)| group.len() == 2);
    rows.filter(|(_, cells): &(usize, Vec<&str>)| is_id(cells[0])).collect()
}

#[test]
fn every_promise_has_a_row_and_every_test_it_names_exists() {
    let text = fs::read_to_string(root().join("docs/contracts.md")).expect("docs/contracts.md");
    let names = test_names();
    let rows = contract_rows(&text);
    let mut problems = Vec::new();
    for (number, cells) in &rows {
        let tests: Vec<&str> = cells.last().into_iter().flat_map(|cell| quoted(cell)).collect();
        if cells.len() != 4 || tests.is_empty() {
            problems.push(format!("docs/contracts.md:{number}: a row is | id | promise | item | tests |"));
        }
        for test in tests.iter().filter(|test| !names.contains(**test)) {
            problems.push(format!("docs/contracts.md:{number}: there is no test `{test}`"));
        }
    }
    let ids = DONE.iter().flat_map(|(group, ids)| ids.iter().map(move |id| format!("{group}-{id}")));
    let missing = ids.filter(|id| !rows.iter().any(|(_, cells)| cells[0] == id));
    problems.extend(missing.map(|id| format!("docs/contracts.md: {id} is missing")));
    report(&problems);
}

#[test]
fn every_file_that_the_docs_name_exists() {
    let ours = ["src/", "tests/", "benches/", "loom-tests/", "docs/", "examples/", "fuzz/", ".ci/"];
    let docs = fs::read_dir(root().join("docs")).into_iter().flatten().flatten().map(|entry| entry.path());
    let docs = docs.filter(|path| path.extension().is_some_and(|ext| ext == "md"));
    let mut problems = Vec::new();
    for path in docs.chain([root().join("README.md")]) {
        let text = fs::read_to_string(&path).expect("readable");
        for (number, line) in text.lines().enumerate() {
            for word in quoted(line) {
                let plain = word.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c)) && !word.contains("NAME");
                if plain && ours.iter().any(|prefix| word.starts_with(prefix)) && !root().join(word).exists() {
                    problems.push(format!("{}:{}: there is no `{word}`", path.display(), number + 1));
                }
            }
        }
    }
    report(&problems);
}
