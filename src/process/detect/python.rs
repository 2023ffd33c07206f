//! pyproject.toml: its scripts and tasks, run from `.venv` or by uv, poetry, pdm or poe.

use std::path::Path;

use super::recipe::{Recipe, line_of_key, read_toml};
use super::tools::{Tools, is_executable};
use crate::error::Error;

pub(super) fn find(dir: &Path, tools: &Tools, problems: &mut Vec<Error>) -> Vec<Recipe> {
    let file = dir.join("pyproject.toml");
    let Some((project, text)) = read_toml(&file, problems) else { return Vec::new() };
    // Where the names stand, and who can run them.
    let tables: [(&[&str], Option<&str>); 4] = [
        (&["project", "scripts"], tools.has("uv").then_some("uv run")),
        (&["tool", "poetry", "scripts"], tools.has("poetry").then_some("poetry run")),
        (&["tool", "pdm", "scripts"], tools.has("pdm").then_some("pdm run")),
        (&["tool", "poe", "tasks"], tools.has("poe").then_some("poe")),
    ];
    let mut recipes: Vec<(usize, Recipe)> = Vec::new();
    for (path, runner) in tables {
        for name in names(&project, path) {
            let line = line_of_key(&text, name);
            let installed = dir.join(".venv/bin").join(name);
            let argv = match runner {
                _ if is_executable(&installed) => vec![format!(".venv/bin/{name}")],
                Some(words) => words.split(' ').chain([name.as_str()]).map(str::to_owned).collect(),
                None => continue,
            };
            recipes.push((line, Recipe::argv(name, argv, None, &file, line)));
        }
    }
    // The tables of a TOML value are sorted by name; the file's own order is by line.
    recipes.sort_by_key(|(line, _)| *line);
    recipes.into_iter().map(|(_, recipe)| recipe).collect()
}

fn names<'p>(project: &'p toml::Table, path: &[&str]) -> impl Iterator<Item = &'p String> {
    let table = path.iter().skip(1).fold(project.get(path[0]), |value, part| value?.get(*part));
    table
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(|table| table.keys())
        .filter(|name| !name.starts_with('_'))
}
