//! What a process's environment has beside Brummer's own: names, values without secrets, where each comes from.

use crate::app::core::App;
use crate::app::scripts::Sources;
use crate::app::view::EnvRow;
use crate::event::ProcessId;
use crate::proxy::capture::redact;

/// More variables are not listed, and longer values are cut.
const ROWS_MAX: usize = 1000;
const VALUE_CHARS_MAX: usize = 4000;

impl App {
    /// What was added, changed or removed when this process was started, in order of names.
    pub(super) fn environment_of(&self, id: ProcessId) -> Vec<EnvRow> {
        let Ok(origin) = self.origin(id) else { return Vec::new() };
        let sources = origin.word.as_ref().map_or_else(Sources::default, |(word, _)| self.scripts.sources(word));
        let own = self.manager.own_variables(id);
        rows(&own, &origin.spec.env, &sources, |name| std::env::var(name).ok())
    }
}

/// The rows of what the manager adds and of what was asked for, which wins; `outer` knows Brummer's own.
fn rows(
    own: &[(&str, String)],
    asked: &[(String, Option<String>)],
    sources: &Sources,
    outer: impl Fn(&str) -> Option<String>,
) -> Vec<EnvRow> {
    let of_own = own.iter().filter(|(name, _)| asked.iter().all(|(other, _)| other != name));
    let of_own = of_own.map(|(name, value)| row(name, Some(value), Some("Brummer".into()), outer(name)));
    let last = |at: usize, name: &str| asked[at + 1..].iter().all(|(other, _)| other != name);
    let of_asked = asked.iter().enumerate().filter(|(at, (name, _))| last(*at, name));
    let of_asked = of_asked
        .map(|(_, (name, value))| row(name, value.as_deref(), sources.of(name).map(str::to_owned), outer(name)));
    let mut rows: Vec<EnvRow> = of_own.chain(of_asked).flatten().collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows.truncate(ROWS_MAX);
    rows
}

/// A variable, if it is another one than Brummer's own.
fn row(name: &str, value: Option<&str>, source: Option<String>, outer: Option<String>) -> Option<EnvRow> {
    if value == outer.as_deref() {
        return None;
    }
    let is_secret = value.is_some_and(|value| redact::is_secret_variable(name, value));
    let value = value.map(|value| match outer.filter(|outer| name == "PATH" && !outer.is_empty()) {
        _ if is_secret => redact::mask(value),
        // What stands in front of it is what is of interest.
        Some(outer) if value.ends_with(&format!(":{outer}")) => {
            format!("{}:$PATH", &value[..value.len() - outer.len() - 1])
        }
        _ => value.to_owned(),
    });
    let value = value.map(|value| match value.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    });
    Some(EnvRow { name: name.into(), value: value.map(Into::into), is_secret, source: source.map(Into::into) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(asked: &[(&str, Option<&str>)]) -> Vec<EnvRow> {
        let asked: Vec<(String, Option<String>)> =
            asked.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
        let outer = |name: &str| match name {
            "PATH" => Some("/usr/bin:/bin".to_owned()),
            "HOME" | "npm_execpath" => Some("/home/me".to_owned()),
            _ => None,
        };
        rows(&[("TERM", "xterm-256color".into())], &asked, &Sources::default(), outer)
    }

    #[test]
    fn what_is_added_changed_or_removed_is_listed_by_name() {
        let rows = listed(&[
            ("PORT", Some("1")),
            ("PATH", Some("/a/node_modules/.bin:/usr/bin:/bin")),
            ("HOME", Some("/home/me")),
            ("npm_execpath", None),
            ("npm_package_name", None),
            ("PORT", Some("3000")),
        ]);
        let seen: Vec<(&str, Option<&str>)> = rows.iter().map(|row| (&*row.name, row.value.as_deref())).collect();
        let path = Some("/a/node_modules/.bin:$PATH");
        let wanted = [("PATH", path), ("PORT", Some("3000")), ("TERM", Some("xterm-256color")), ("npm_execpath", None)];
        assert_eq!(seen, wanted, "what is as it was, and what was not there, is left out");
        assert_eq!(rows[2].source.as_deref(), Some("Brummer"));
        assert_eq!(listed(&[("TERM", Some("dumb"))])[0].value.as_deref(), Some("dumb"), "what is asked for wins");
    }

    #[test]
    fn a_secret_is_in_no_row() {
        let rows = listed(&[
            ("API_KEY", Some("hunter2")),
            ("DATABASE_URL", Some("postgres://me:hunter2@localhost/shop")),
            ("DSN", Some("host=localhost password=hunter2")),
            ("CONFIG", Some(r#"{"token": "hunter2"}"#)),
            ("PATH", Some("/a/session:/usr/bin:/bin")),
            ("LONG", Some(&"x".repeat(5000))),
        ]);
        assert!(!format!("{rows:?}").contains("hunter2"), "{rows:#?}");
        let secrets: Vec<&str> = rows.iter().filter(|row| row.is_secret).map(|row| &*row.name).collect();
        assert_eq!(secrets, ["API_KEY", "CONFIG", "DATABASE_URL", "DSN"]);
        let long = rows.iter().find(|row| &*row.name == "LONG").and_then(|row| row.value.as_ref()).unwrap();
        assert!(long.len() < 4100 && long.ends_with('…'));
    }
}
