//! The commands that were entered: walked by ↑ and ↓, and which of them are kept for the next run.

use crate::proxy::capture::redact;

/// So many are kept, the newest ones.
pub(crate) const LINES_MAX: usize = 100;
/// A line is not longer than this.
const BYTES_MAX: usize = 4096;

/// What was entered, oldest first, each once: in earlier runs and in this one.
#[derive(Debug, Default)]
pub(crate) struct History {
    lines: Vec<String>,
}

impl History {
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// A command was entered.
    pub(crate) fn enter(&mut self, line: &str) {
        self.lines = joined(std::mem::take(&mut self.lines), &[line.to_owned()]);
    }

    /// What earlier runs have kept comes before what was entered meanwhile.
    pub(crate) fn recall(&mut self, kept: Vec<String>) {
        let entered = std::mem::take(&mut self.lines);
        self.lines = joined(kept, &entered);
    }
}

/// Both, each line once, where it was last; the newest ones if there are too many.
pub(crate) fn joined(mut lines: Vec<String>, newer: &[String]) -> Vec<String> {
    for line in newer {
        lines.retain(|other| other != line);
        lines.push(line.clone());
    }
    lines.drain(..lines.len().saturating_sub(LINES_MAX));
    lines
}

/// The lines of a file, and whether there was anything in it that is none.
pub(crate) fn parse(bytes: &[u8]) -> (Vec<String>, bool) {
    let mut is_damaged = false;
    let mut lines = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match std::str::from_utf8(line) {
            Ok(text) if text.len() <= BYTES_MAX && !text.chars().any(char::is_control) => lines.push(text.to_owned()),
            _ => is_damaged = true,
        }
    }
    (joined(Vec::new(), &lines), is_damaged)
}

/// What is kept of a line for the next run: not what a process was sent, nor what has a secret in it, nor what begins with a
/// blank, as in a shell; and not the leaving, for it would be the first that ↑ brings.
pub(crate) fn kept(typed: &str) -> Option<String> {
    let line = typed.trim().trim_start_matches('/');
    let mut words = line.split_whitespace();
    let name = words.next()?;
    if typed.starts_with(char::is_whitespace) || name == "quit" {
        return None;
    }
    let line = match words.next() {
        Some(to) if name == "input" => format!("input {to}"),
        _ => line.to_owned(),
    };
    (!has_secret(&line)).then_some(line)
}

/// Whether something in it looks like a secret: by its form, or by the name before it.
fn has_secret(line: &str) -> bool {
    let is_masked = |text: &str| redact::free_text(text) != text || redact::url(text) != text;
    if is_masked(line) {
        return true;
    }
    let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['"', '\'', '`'])).collect();
    let named = |at: usize, word: &str| {
        let next = words.get(at + 1).copied().unwrap_or_default();
        // `-u me:word`, as curl takes it.
        let is_login = matches!(word, "-u" | "--user") && next.contains(':');
        let takes_next = (word.starts_with('-') || word.ends_with(':')) && !next.is_empty();
        is_login || is_masked(word) || is_assignment(word) || (takes_next && redact::is_secret_name(word))
    };
    words.iter().enumerate().any(|(at, word)| named(at, word))
}

/// `TOKEN=…`, `--password=…`, `X-Api-Key:…`, `"password":"…"`.
fn is_assignment(word: &str) -> bool {
    let by = |sign: char| word.split_once(sign).filter(|(_, value)| !value.is_empty()).map(|(name, _)| name);
    let is_header = |name: &&str| {
        name.contains(['-', '"', '\'']) || ["authorization", "cookie"].iter().any(|it| name.eq_ignore_ascii_case(it))
    };
    by('=').is_some_and(redact::is_secret_name) || by(':').filter(is_header).is_some_and(redact::is_secret_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(all: &[&str]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_stands_once_where_it_was_last_and_the_oldest_ones_go() {
        let mut history = History::default();
        ["a", "b", "a"].iter().for_each(|line| history.enter(line));
        assert_eq!(history.lines(), ["b", "a"]);
        history.recall(lines(&["x", "b", "y"]));
        assert_eq!(history.lines(), ["x", "y", "b", "a"]);
        (0..200).for_each(|number| history.enter(&format!("mark {number}")));
        assert_eq!((history.lines().len(), &*history.lines()[0]), (LINES_MAX, "mark 100"));
    }

    #[test]
    fn what_is_sent_to_a_process_secrets_and_leaving_are_not_kept() {
        for (typed, wanted) in [
            ("run dev", Some("run dev")),
            ("/run  dev --watch ", Some("run  dev --watch")),
            ("input api hunter2 and more", Some("input api")),
            ("input api", Some("input api")),
            (" exec make", None),
            ("quit now", None),
            ("", None),
            ("exec cargo test --features a,b", Some("exec cargo test --features a,b")),
            ("run test:auth", Some("run test:auth")),
            ("run auth:dev", Some("run auth:dev")),
            ("proxy http://localhost:3000/a?page=2", Some("proxy http://localhost:3000/a?page=2")),
            ("proxy http://localhost:3000/a?token=abc", None),
            ("open http://me:word@localhost:3000/", None),
            ("exec curl -u me:word localhost", None),
            ("exec curl -H 'Authorization: Basic bWU6d29yZA==' localhost", None),
            ("exec curl -H X-Api-Key:abc localhost", None),
            ("exec curl -d '{\"password\":\"x\"}' localhost", None),
            ("exec curl -d '{ \"password\": \"x\" }' localhost", None),
            ("exec deploy --password hunter2", None),
            ("exec deploy --password=hunter2", None),
            ("exec API_KEY=abc npm start", None),
            ("exec deploy ghp_0123456789abcdefghijklmnopqrstuvwxyz", None),
            ("exec npm run token", Some("exec npm run token")),
            ("exec git log --author me", Some("exec git log --author me")),
        ] {
            assert_eq!(kept(typed).as_deref(), wanted, "{typed}");
        }
    }

    #[test]
    fn what_is_no_line_of_text_is_left_out() {
        assert_eq!(parse(b"run a\nrun b\n\nrun a\n"), (lines(&["run b", "run a"]), false));
        assert_eq!(parse(b"run a\n\xff\xfe\nrun\0b\nrun c"), (lines(&["run a", "run c"]), true));
        assert_eq!(parse(&[b'x'; BYTES_MAX + 1]), (Vec::new(), true));
        assert_eq!(parse(b""), (Vec::new(), false));
    }

    proptest! {
        #[test]
        fn what_is_kept_can_be_read_again(typed in "\\PC{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            parse(&bytes);
            if let Some(line) = kept(&typed) {
                prop_assert_eq!(parse(format!("{line}\n").as_bytes()), (vec![line], false));
            }
        }
    }
}
