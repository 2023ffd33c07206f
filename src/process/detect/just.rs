//! justfile: the recipes that are not private, run by `just`.

use std::path::Path;

use super::recipe::{Recipe, read};
use super::tools::Tools;
use crate::error::Error;

pub(super) fn find(dir: &Path, tools: &Tools, problems: &mut Vec<Error>) -> Vec<Recipe> {
    let named = ["justfile", "Justfile", ".justfile"].iter().map(|name| dir.join(name));
    let found = named.into_iter().find_map(|file| Some((read(&file, problems)?, file)));
    let Some((text, file)) = found.filter(|_| tools.has("just")) else { return Vec::new() };
    let found = recipes(&text).into_iter();
    found.map(|(name, line)| Recipe::tool(name, &format!("just {name}"), None, &file, line)).collect()
}

/// The recipes and their lines; not settings, variables, aliases, nor those that are private or want arguments.
fn recipes(text: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut private = false;
    for (i, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            private |= line.contains("private");
            continue;
        }
        if let Some(name) = recipe(line).filter(|_| !private) {
            found.push((name, i + 1));
        }
        private &= line.starts_with('#') || line.trim().is_empty();
    }
    found
}

fn recipe(line: &str) -> Option<&str> {
    let line = line.strip_prefix('@').unwrap_or(line);
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')?;
    let (name, rest) = line.split_at(end);
    let (parameters, after) = rest.split_once(':')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_statement = matches!(name, "set" | "alias" | "export" | "import" | "mod" | "unexport")
        && parameters.starts_with(char::is_whitespace);
    // A parameter is optional when it has a default or begins with `*`.
    let optional = |word: &str| word.contains('=') || word.starts_with('*');
    let runs_alone = parameters.split_whitespace().all(optional);
    (is_name && !is_statement && !after.starts_with('=') && runs_alone).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_those_that_run_without_arguments() {
        let text = "set shell := [\"sh\"]\nx := 'a'\nexport Y := '1'\nalias b := build\nimport 'a:b'\n\n# c\n\
                    build:\n  echo a:\n@test *args: build\n  x\n_hidden:\n[private]\nsecret:\nrun port=\"80\":\n\
                    deploy host:\n[group('a')]\nlint-all:\n";
        assert_eq!(recipes(text), [("build", 8), ("test", 10), ("run", 15), ("lint-all", 18)]);
    }
}
