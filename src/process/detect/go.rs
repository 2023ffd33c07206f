//! go.mod: the program of the root and those below `cmd`, and build, test and vet, run by `go`.

use std::path::Path;

use super::recipe::{Recipe, read};
use super::tools::Tools;
use crate::error::Error;

pub(super) fn find(dir: &Path, tools: &Tools, problems: &mut Vec<Error>) -> Vec<Recipe> {
    let file = dir.join("go.mod");
    if !file.is_file() || !tools.has("go") {
        return Vec::new();
    }
    let mut recipes = Vec::new();
    if is_program(dir, problems) {
        recipes.push(Recipe::tool("run", "go run .", None, &file, 1));
    }
    for name in commands(dir).iter().filter(|name| is_program(&dir.join("cmd").join(name), problems)) {
        recipes.push(Recipe::tool(name, &format!("go run ./cmd/{name}"), None, &file, 1));
    }
    for verb in ["build", "test", "vet"] {
        recipes.push(Recipe::tool(verb, &format!("go {verb} ./..."), None, &file, 1));
    }
    recipes
}

fn commands(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("cmd")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.') && !name.contains(char::is_whitespace));
    names.sort();
    names
}

/// Whether a Go file of the directory says `package main`.
fn is_program(dir: &Path, problems: &mut Vec<Error>) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_source = |path: &std::path::PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".go") && !name.ends_with("_test.go")
    };
    let mut sources: Vec<_> = entries.filter(is_source).collect();
    // main.go first: then usually one file is enough.
    sources.sort_by_key(|path| (!path.ends_with("main.go"), path.clone()));
    let package = |text: String| text.lines().find(|line| line.starts_with("package ")).map(str::to_owned);
    let first = sources.iter().take(16).find_map(|path| read(path, problems).and_then(package));
    first.is_some_and(|line| line.split_whitespace().nth(1) == Some("main"))
}
