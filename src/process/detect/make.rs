//! Makefile: the targets that are written out in the file itself, run by `make`.

use std::path::Path;

use super::recipe::{Recipe, read};
use super::tools::Tools;
use crate::error::Error;

pub(super) fn find(dir: &Path, tools: &Tools, problems: &mut Vec<Error>) -> Vec<Recipe> {
    // The order in which make itself looks.
    let named = ["GNUmakefile", "makefile", "Makefile"].iter().map(|name| dir.join(name));
    let found = named.into_iter().find_map(|file| Some((read(&file, problems)?, file)));
    let Some((text, file)) = found.filter(|_| tools.has("make")) else { return Vec::new() };
    let found = targets(&text).into_iter();
    found.map(|(name, line)| Recipe::tool(name, &format!("make {name}"), None, &file, line)).collect()
}

/// The explicit targets and their lines; not patterns, special targets, files in directories, or what `define` holds.
fn targets(text: &str) -> Vec<(&str, usize)> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    let mut continued = false;
    let mut defining = false;
    for (i, line) in text.lines().enumerate() {
        let is_rest = std::mem::replace(&mut continued, line.ends_with('\\'));
        match line.split_whitespace().next() {
            Some("define") => defining = true,
            Some("endef") => defining = false,
            _ if is_rest || defining || line.starts_with(['\t', ' ', '#', '.', '-']) => {}
            _ => {
                for name in rule(line).into_iter().flat_map(str::split_whitespace) {
                    if is_target(name) && found.iter().all(|(known, _)| *known != name) {
                        found.push((name, i + 1));
                    }
                }
            }
        }
    }
    found
}

/// What stands before the colon of a rule; `None` for an assignment (`=`, `:=`, `::=`, `target: NAME = value`).
fn rule(line: &str) -> Option<&str> {
    let line = line.split('#').next().unwrap_or(line);
    let (names, rest) = line.split_once(':')?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let rule_itself = rest.split(';').next().unwrap_or(rest);
    (!names.contains('=') && !rule_itself.contains('=')).then_some(names)
}

fn is_target(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "_-+.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_those_that_can_be_named_in_the_order_of_the_file() {
        let text = "CC := gcc\nX = a:b\n.PHONY: all test\nall: build test ; @echo a=b\nbuild::\n\techo: x\n\
                    %.o: %.c\n$(OBJ): x\nbin/x: y\ntest lint: CFLAGS = -O\ntest lint: a \\\n  b: c\n\
                    define F\nno: x\nendef\nexport A:=1\nall: more\nrun-dev: # comment = x\n";
        let expected = [("all", 4), ("build", 5), ("test", 11), ("lint", 11), ("run-dev", 18)];
        assert_eq!(targets(text), expected);
    }
}
