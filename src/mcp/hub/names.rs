//! How instances are told apart in names and URIs: each project has a short prefix that stays while the hub runs.

use std::collections::BTreeMap;

/// Between the prefix and the name of a tool or prompt.
const BETWEEN: &str = "__";
/// What URIs of the hub begin with.
const SCHEME: &str = "brummer://";
/// What the names of an earlier hub began with.
const OLD: &str = "hub_";
/// A prefix is no longer, so that names stay short.
const PREFIX_CHARS: usize = 16;

/// Which project has which prefix. A project that comes back gets the one it had.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes {
    of_directory: BTreeMap<String, String>,
}

impl Prefixes {
    /// The prefix of the project in this folder; `same` counts instances of one folder that run at once.
    pub(super) fn of(&mut self, directory: &str, name: &str, same: usize) -> String {
        let key = if same == 0 { directory.to_owned() } else { format!("{directory}\0{same}") };
        if let Some(prefix) = self.of_directory.get(&key) {
            return prefix.clone();
        }
        let slug = slug(name);
        let is_free = |prefix: &String| !self.of_directory.values().any(|taken| taken == prefix);
        let numbered = (2..).map(|number| format!("{slug}-{number}"));
        // There are more numbers than projects.
        let prefix = std::iter::once(slug.clone()).chain(numbered).find(is_free).unwrap_or_default();
        self.of_directory.insert(key, prefix.clone());
        prefix
    }
}

/// Lower-case letters, digits and single hyphens.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
        if slug.len() == PREFIX_CHARS {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "project".to_owned() } else { slug.to_owned() }
}

/// The name of an instance's tool or prompt among those of all.
pub(super) fn join(prefix: &str, name: &str) -> String {
    format!("{prefix}{BETWEEN}{name}")
}

/// The prefix in a name, and the name behind it.
pub(super) fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once(BETWEEN).filter(|(prefix, name)| !prefix.is_empty() && !name.is_empty())
}

/// What the tool of an earlier hub is called now: `hub_scripts_run`.
pub(super) fn without_old(name: &str) -> Option<&str> {
    name.strip_prefix(OLD).filter(|rest| !rest.is_empty())
}

/// The URI of an instance's resource among those of all: `brummer://shop/logs://recent`.
pub(super) fn join_uri(prefix: &str, uri: &str) -> String {
    format!("{SCHEME}{prefix}/{uri}")
}

/// The prefix in a URI, and the instance's own URI behind it.
pub(super) fn split_uri(uri: &str) -> Option<(&str, &str)> {
    uri.strip_prefix(SCHEME)?.split_once('/').filter(|(prefix, uri)| !prefix.is_empty() && !uri.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_short_plain_alone_and_stays() {
        let mut prefixes = Prefixes::default();
        assert_eq!(prefixes.of("/a/My Shop!", "My Shop!", 0), "my-shop");
        assert_eq!(prefixes.of("/b/my-shop", "my-shop", 0), "my-shop-2");
        assert_eq!(prefixes.of("/a/My Shop!", "renamed", 0), "my-shop");
        assert_eq!(prefixes.of("/a/My Shop!", "My Shop!", 1), "my-shop-3");
        assert_eq!(prefixes.of("/c", "äöü", 0), "project");
        assert_eq!(prefixes.of("/d", "a-very-long-name-of-a-project", 0), "a-very-long-name");
        assert_eq!(prefixes.of("/e", "x__y", 0), "x-y", "what stands between is never in a prefix");
    }

    #[test]
    fn names_and_uris_are_taken_apart_as_they_were_put_together() {
        assert_eq!(split(&join("shop", "scripts_run")), Some(("shop", "scripts_run")));
        assert_eq!(split("scripts_run"), None);
        assert_eq!(split_uri(&join_uri("shop", "logs://process/{name}")), Some(("shop", "logs://process/{name}")));
        assert_eq!(split_uri("logs://recent"), None);
        assert_eq!(without_old("hub_scripts_run"), Some("scripts_run"));
        assert_eq!(without_old("hub_"), None);
    }
}
