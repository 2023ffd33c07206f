//! How instances are told apart in names and URIs: each project has a short prefix that stays while the hub runs.

use std::collections::{BTreeMap, HashMap};

/// Between the prefix and the name of a tool or prompt.
const BETWEEN: &str = "__";
/// What URIs of the hub begin with.
const SCHEME: &str = "brummer://";
/// What the names of an earlier hub began with.
const OLD: &str = "hub_";
/// A prefix is no longer, so that names stay short.
const PREFIX_CHARS: usize = 16;

/// Which instance has which prefix. It stays while the instance runs, and a project that comes back gets the one it had.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes {
    /// Several where several instances of one folder have run at once.
    of_directory: BTreeMap<String, Vec<String>>,
    of_instance: HashMap<String, String>,
}

impl Prefixes {
    /// Takes back those of instances that run no more.
    pub(super) fn keep(&mut self, runs: impl Fn(&str) -> bool) {
        self.of_instance.retain(|instance, _| runs(instance));
    }

    /// The prefix of an instance, which works in this folder on the project of this name.
    pub(super) fn of(&mut self, instance: &str, directory: &str, name: &str) -> String {
        if let Some(prefix) = self.of_instance.get(instance) {
            return prefix.clone();
        }
        let is_unused = |prefix: &&String| !self.of_instance.values().any(|used| used == *prefix);
        let had = self.of_directory.get(directory).into_iter().flatten().find(is_unused).cloned();
        let prefix = had.unwrap_or_else(|| {
            let slug = slug(name);
            let is_free = |prefix: &String| !self.of_directory.values().flatten().any(|taken| taken == prefix);
            let numbered = (2..).map(|number| format!("{slug}-{number}"));
            // There are more numbers than projects.
            let prefix = std::iter::once(slug.clone()).chain(numbered).find(is_free).unwrap_or_default();
            self.of_directory.entry(directory.to_owned()).or_default().push(prefix.clone());
            prefix
        });
        self.of_instance.insert(instance.to_owned(), prefix.clone());
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
        assert_eq!(prefixes.of("1", "/a/My Shop!", "My Shop!"), "my-shop");
        assert_eq!(prefixes.of("2", "/b/my-shop", "my-shop"), "my-shop-2");
        assert_eq!(prefixes.of("1", "/a/My Shop!", "renamed"), "my-shop");
        assert_eq!(prefixes.of("3", "/a/My Shop!", "My Shop!"), "my-shop-3");
        assert_eq!(prefixes.of("4", "/c", "äöü"), "project");
        assert_eq!(prefixes.of("5", "/d", "a-very-long-name-of-a-project"), "a-very-long-name");
        assert_eq!(prefixes.of("6", "/e", "x__y"), "x-y", "what stands between is never in a prefix");
    }

    #[test]
    fn a_project_that_comes_back_gets_the_prefix_it_had_and_one_that_runs_keeps_its_own() {
        let mut prefixes = Prefixes::default();
        assert_eq!(prefixes.of("1", "/a/shop", "shop"), "shop");
        assert_eq!(prefixes.of("2", "/a/shop", "shop"), "shop-2");
        prefixes.keep(|instance| instance == "2");
        assert_eq!(prefixes.of("2", "/a/shop", "shop"), "shop-2", "it runs on");
        assert_eq!(prefixes.of("3", "/b/shop", "shop"), "shop-3", "that of another project is not free");
        assert_eq!(prefixes.of("4", "/a/shop", "shop"), "shop", "back again");
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
