//! Workspaces: the directories of a project's packages, from package.json or pnpm-workspace.yaml.

use std::path::Path;

use super::glob::{braces, expand, matches, parts};
use super::recipe::read;
use crate::error::Error;

/// The patterns of pnpm-workspace.yaml; `None` when there is no such file.
pub(super) fn pnpm_patterns(dir: &Path, problems: &mut Vec<Error>) -> Option<Vec<String>> {
    read(&dir.join("pnpm-workspace.yaml"), problems).map(|text| yaml_packages(&text))
}

/// The packages that the patterns name, as sorted paths from `root`; one with `!` takes away.
pub(super) fn members(root: &Path, patterns: &[String]) -> Vec<String> {
    let mut visited = 0;
    let spelled: Vec<String> = patterns.iter().flat_map(|pattern| braces(pattern.trim())).collect();
    let wanted = spelled.iter().filter(|pattern| !pattern.starts_with('!'));
    let mut found: Vec<String> = wanted.flat_map(|pattern| expand(root, pattern, &mut visited)).collect();
    let refused = spelled.iter().filter_map(|pattern| pattern.strip_prefix('!'));
    let refused: Vec<Vec<&str>> = refused.map(parts).collect();
    found.retain(|path| {
        let path = parts(path);
        !path.is_empty() && !refused.iter().any(|pattern| matches(pattern, &path))
    });
    found.sort();
    found.dedup();
    found.retain(|path| root.join(path).join("package.json").is_file());
    found
}

/// The list under `packages:`, as a block of `- item` lines or as `[a, b]`; all that this file's format needs.
fn yaml_packages(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let line = without_comment(line).trim_end();
        let trimmed = line.trim_start();
        if let Some(rest) = line.strip_prefix("packages:") {
            inside = true;
            let flow = rest.trim().strip_prefix('[').map(|rest| rest.trim_end_matches(']'));
            items.extend(flow.into_iter().flat_map(|list| list.split(',')).map(unquoted));
        } else if inside && trimmed.starts_with('-') {
            items.push(unquoted(&trimmed[1..]));
        } else if inside && !trimmed.is_empty() {
            inside = line.starts_with(char::is_whitespace);
            let flow = trimmed.trim_end_matches(']').split(',').filter(|_| inside && trimmed != "]");
            items.extend(flow.map(unquoted));
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

/// A `#` at the start or after a blank, outside quotes, begins a comment.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (i, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return &line[..i],
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => {}
        }
        before = c;
    }
    line
}

fn unquoted(item: &str) -> String {
    let item = item.trim();
    let inner = ['"', '\''].iter().find_map(|quote| item.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(item).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tools::Tools;
    use super::super::{composer, json, just, make, package_json, procfile, python};
    use super::*;

    #[test]
    fn the_list_of_packages_is_read_from_blocks_and_from_brackets() {
        let block = "# x\ncatalog:\n  - no\npackages:\n  - 'packages/*'  # all\n- \"apps/**\"\n\n\
                     \x20 - '!**/test/**'\n  - a#b\nother:\n  - x\n";
        assert_eq!(yaml_packages(block), ["packages/*", "apps/**", "!**/test/**", "a#b"]);
        assert_eq!(yaml_packages("packages: ['a', b/*]\n"), ["a", "b/*"]);
        assert_eq!(yaml_packages("packages: [\n  'a',\n  b,\n]\nx: 1\n"), ["a", "b"]);
        assert!(yaml_packages("packages:\n").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_readers_of_files_panic(text in "[-a-z:=%#@\\[\\]{}\"',\\\\ \\t\\n/*$ä.]{0,80}") {
            let (dir, tools, mut problems) = (tempfile::tempdir().unwrap(), Tools::new("/".into()), Vec::new());
            for name in ["Procfile", "Makefile", "justfile", "pyproject.toml", "composer.json", "package.json"] {
                std::fs::write(dir.path().join(name), &text).unwrap();
            }
            tools.pretend(["make", "just", "composer"]);
            for find in [procfile::find, make::find, just::find, python::find, composer::find] {
                find(dir.path(), &tools, &mut problems);
            }
            yaml_packages(&text);
            assert_eq!(json::without_comments(&text).len(), text.len());
            let _ = package_json::parse(dir.path(), &text);
        }
    }
}
