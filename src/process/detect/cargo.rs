//! Cargo.toml: the program or programs, and build, test and check, run by `cargo`.

use std::path::Path;

use super::recipe::{Recipe, line_of_key, read_toml};
use super::tools::Tools;
use crate::error::Error;

pub(super) fn find(dir: &Path, tools: &Tools, problems: &mut Vec<Error>) -> Vec<Recipe> {
    let file = dir.join("Cargo.toml");
    let found = if file.is_file() && tools.has("cargo") { read_toml(&file, problems) } else { None };
    let Some((manifest, text)) = found else { return Vec::new() };
    let mut recipes = Vec::new();
    let programs = programs(dir, &manifest);
    let default = manifest.get("package").and_then(|package| package.get("default-run")).is_some();
    if programs.len() == 1 || (default && !programs.is_empty()) {
        recipes.push(Recipe::tool("run", "cargo run", Some("--"), &file, line_of_key(&text, "name")));
    }
    if programs.len() > 1 {
        let each = |name: &String| Recipe::tool(name, &format!("cargo run --bin {name}"), Some("--"), &file, 1);
        recipes.extend(programs.iter().map(each));
    }
    let verbs = ["build", "test", "check"];
    recipes.extend(verbs.map(|verb| Recipe::tool(verb, &format!("cargo {verb}"), None, &file, 1)));
    recipes
}

/// The names of the programs: the package's own, those of `[[bin]]`, those in `src/bin`.
fn programs(dir: &Path, manifest: &toml::Table) -> Vec<String> {
    let text = |value: Option<&toml::Value>| value.and_then(toml::Value::as_str).map(str::to_owned);
    let Some(package) = manifest.get("package") else { return Vec::new() };
    let own = text(package.get("name")).filter(|_| dir.join("src/main.rs").is_file());
    let declared = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    let mut names: Vec<String> = declared.filter_map(|bin| text(bin.get("name"))).collect();
    let declares_main = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    let main_is_declared = declares_main.into_iter().any(|bin| text(bin.get("path")).as_deref() == Some("src/main.rs"));
    names.extend(own.filter(|_| !main_is_declared));
    names.extend(in_src_bin(dir));
    names.sort();
    names.dedup();
    names.retain(|name| !name.contains(char::is_whitespace));
    names
}

fn in_src_bin(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("src/bin")).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let is_program = path.extension().is_some_and(|ext| ext == "rs") || path.join("main.rs").is_file();
        path.file_stem().filter(|_| is_program).and_then(|stem| stem.to_str().map(str::to_owned))
    };
    entries.filter_map(name).collect()
}
