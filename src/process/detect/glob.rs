//! The patterns of workspaces: `*`, `?`, `**` and `{a,b}` over the parts of a path.

use std::path::Path;

/// No workspace is deeper, and none has more directories on the way; beyond, a pattern was a mistake.
const DEPTH_MAX: usize = 12;
const DIRECTORIES_MAX: usize = 20_000;
const SPELLINGS_MAX: usize = 256;

/// The patterns that a pattern with `{a,b}` stands for.
pub(super) fn braces(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else { return vec![pattern.to_owned()] };
    let Some(close) = pattern[open..].find('}').map(|at| open + at) else { return vec![pattern.to_owned()] };
    let choices = pattern[open + 1..close].split(',');
    let spelled = choices.map(|choice| format!("{}{choice}{}", &pattern[..open], &pattern[close + 1..]));
    // Each choice may double what comes behind it: the bound holds on every level.
    spelled.take(SPELLINGS_MAX).flat_map(|pattern| braces(&pattern)).take(SPELLINGS_MAX).collect()
}

/// The parts of a pattern or a path; `**` after `**` says nothing new and costs much.
pub(super) fn parts(pattern: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.dedup_by(|part, before| *part == "**" && *before == "**");
    parts
}

/// Whether the parts of a path fit the parts of a pattern.
pub(super) fn matches(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], rest) => rest.is_empty(),
        (["**", after @ ..], _) => (0..=path.len()).any(|skipped| matches(after, &path[skipped..])),
        ([first, after @ ..], [part, rest @ ..]) => {
            part_matches(first.as_bytes(), part.as_bytes()) && matches(after, rest)
        }
        (_, []) => false,
    }
}

/// `*` is any run of bytes, `?` is one.
fn part_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some(b'*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(byte), _) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            (_, Some((at, from))) => {
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The directories below `root` that fit a pattern, as paths from there; `visit` counts what was looked at.
pub(super) fn expand(root: &Path, pattern: &str, visited: &mut usize) -> Vec<String> {
    let mut found = Vec::new();
    walk(root, String::new(), &parts(pattern), 0, visited, &mut found);
    found
}

fn walk(root: &Path, at: String, parts: &[&str], depth: usize, visited: &mut usize, found: &mut Vec<String>) {
    *visited += 1;
    if depth > DEPTH_MAX || *visited > DIRECTORIES_MAX {
        return;
    }
    let below = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
    match parts {
        [] => found.push(at),
        ["**", after @ ..] => {
            walk(root, at.clone(), after, depth + 1, visited, found);
            for name in directories(&root.join(&at)) {
                walk(root, below(&name), parts, depth + 1, visited, found);
            }
        }
        [part, after @ ..] if part.contains(['*', '?']) => {
            let names = directories(&root.join(&at)).into_iter();
            for name in names.filter(|name| part_matches(part.as_bytes(), name.as_bytes())) {
                walk(root, below(&name), after, depth + 1, visited, found);
            }
        }
        [part, after @ ..] => walk(root, below(part), after, depth + 1, visited, found),
    }
}

/// What a `*` may mean: no hidden directory, no installed packages, no link (which could lead round in a circle).
fn directories(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let is_directory = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let names = entries.filter(is_directory).filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.') && name != "node_modules").collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        matches(&parts(pattern), &parts(path))
    }

    #[test]
    fn patterns_fit_part_by_part() {
        let yes = [
            ("a/*", "a/b"),
            ("a/**", "a"),
            ("a/**", "a/b/c"),
            ("**/t/**", "x/t"),
            ("**/t/**", "t/y/z"),
            ("a-*-?", "a-bb-c"),
        ];
        let no = [("a/*", "a"), ("a/*", "a/b/c"), ("**/t", "x/tt"), ("a?", "a"), ("*b", "abc")];
        yes.iter().for_each(|(pattern, path)| assert!(fits(pattern, path), "{pattern} {path}"));
        no.iter().for_each(|(pattern, path)| assert!(!fits(pattern, path), "{pattern} {path}"));
    }

    #[test]
    fn braces_are_spelled_out() {
        assert_eq!(braces("{a,b}/{c,d}"), ["a/c", "a/d", "b/c", "b/d"]);
        assert_eq!(braces("a{b"), ["a{b"]);
        assert_eq!(braces(&"{a,b}".repeat(40)).len(), SPELLINGS_MAX);
    }
}
