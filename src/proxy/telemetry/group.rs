//! Groups equal errors of pages: one row for an exception that is thrown a thousand times.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::event::PageEvent;
use super::stack::{self, StackFrame};

/// A process keeps the groups that were seen last.
pub const GROUPS_MAX: usize = 200;

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// An exception that nobody caught.
    Exception,
    /// A promise that was rejected, and nobody cared.
    Rejection,
    /// `console.error`.
    Console,
    /// A script, a style sheet or a picture did not load.
    Resource,
    /// A Content-Security-Policy was broken.
    Policy,
}

/// A place in the source as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The file, as the source map names it.
    pub file: Arc<str>,
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// The name there, if the map has one.
    pub name: Option<Arc<str>>,
}

/// Equal errors.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorGroup {
    /// What makes them equal.
    pub fingerprint: u64,
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// The message of the last one.
    pub message: Arc<str>,
    /// The stack of the last one, as the browser wrote it.
    pub stack: Arc<str>,
    /// The same, taken apart.
    pub frames: Arc<[StackFrame]>,
    /// For each frame where it was before the source was translated, as far as that is known.
    pub originals: Arc<[Option<Original>]>,
    /// The page of the last one.
    pub url: Arc<str>,
    /// The session of the last one.
    pub session: Arc<str>,
    /// How many.
    pub count: u64,
    /// When the first came.
    pub first_ms: u64,
    /// When the last came.
    pub last_ms: u64,
}

impl ErrorGroup {
    /// The group that this event alone would make, if it is an error with a message.
    pub(super) fn of(event: &PageEvent, session: &Arc<str>) -> Option<ErrorGroup> {
        let (kind, message) = match &*event.name {
            "javascript_error" | "custom_error" => (ErrorKind::Exception, event.text("message")?.to_owned()),
            "unhandled_rejection" => (ErrorKind::Rejection, event.text("reason")?.to_owned()),
            "console_output" if event.text("level") == Some("error") => {
                (ErrorKind::Console, event.text("message")?.to_owned())
            }
            "resource_error" => (
                ErrorKind::Resource,
                format!("<{}> did not load: {}", event.text("tag").unwrap_or("?"), event.text("url")?),
            ),
            "csp_violation" => {
                let field = |name| event.text(name).unwrap_or("?");
                (ErrorKind::Policy, format!("{} forbids {}", field("directive"), field("blocked")))
            }
            _ => return None,
        };
        let stack = event.text("stack").unwrap_or_default();
        let mut frames = stack::frames(stack);
        if frames.is_empty() {
            frames.extend(place(event));
        }
        Some(ErrorGroup {
            fingerprint: fingerprint(kind, &message, &frames),
            kind,
            message: message.into(),
            stack: stack.into(),
            originals: Arc::from(vec![]),
            frames: frames.into(),
            url: Arc::clone(&event.url),
            session: Arc::clone(session),
            count: event.number("count").map_or(1, |count| (count as u64).max(1)),
            first_ms: event.time_ms,
            last_ms: event.time_ms,
        })
    }

    /// Takes in one that is equal and later.
    fn add(&mut self, later: ErrorGroup) {
        // A new build moves the lines: what was resolved then no longer holds.
        let originals = if later.frames == self.frames { Arc::clone(&self.originals) } else { later.originals };
        let (count, first_ms) = (self.count + later.count, self.first_ms.min(later.first_ms));
        let last_ms = self.last_ms.max(later.last_ms);
        *self = ErrorGroup { count, first_ms, last_ms, originals, ..later };
    }

    /// Where it happened, in the author's words if they are known: `src/app.ts:12:9`.
    pub fn place(&self) -> Option<String> {
        if let Some(original) = self.originals.iter().flatten().next() {
            return Some(format!("{}:{}:{}", original.file, original.line, original.column));
        }
        let frame = self.frames.first()?;
        Some(format!("{}:{}:{}", frame.url, frame.line, frame.column))
    }
}

/// The place of an exception without a stack.
fn place(event: &PageEvent) -> Option<StackFrame> {
    let url = event.text("filename").filter(|url| !url.is_empty())?;
    let number = |field| event.number(field).map_or(1, |number| number as u32);
    Some(StackFrame { function: "".into(), url: url.into(), line: number("lineno"), column: number("colno") })
}

/// Equal errors have an equal kind, message but for its numbers, and innermost place but for host and query.
fn fingerprint(kind: ErrorKind, message: &str, frames: &[StackFrame]) -> u64 {
    let mut hasher = DefaultHasher::new();
    kind.hash(&mut hasher);
    let mut in_number = false;
    for c in message.chars().take(500) {
        let digit = c.is_ascii_digit();
        if !(digit && in_number) {
            (if digit { '0' } else { c }).hash(&mut hasher);
        }
        in_number = digit;
    }
    if let Some(frame) = frames.first() {
        let path = frame.url.split_once("://").map_or(&*frame.url, |(_, rest)| rest);
        let path = path.find('/').map_or(path, |at| &path[at..]);
        path.split('?').next().hash(&mut hasher);
        frame.function.hash(&mut hasher);
    }
    hasher.finish()
}

/// The groups of one process, the one seen last at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    list: Vec<ErrorGroup>,
}

impl Groups {
    /// Takes in an error, and answers its group as it is then.
    pub(super) fn add(&mut self, group: ErrorGroup) -> &ErrorGroup {
        let group = match self.list.iter().position(|other| other.fingerprint == group.fingerprint) {
            Some(at) => {
                let mut known = self.list.remove(at);
                known.add(group);
                known
            }
            None => group,
        };
        if self.list.len() == GROUPS_MAX {
            self.list.remove(0);
        }
        self.list.push(group);
        &self.list[self.list.len() - 1]
    }

    /// The groups, the one seen last first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &ErrorGroup> {
        self.list.iter().rev()
    }

    /// Says where the frames of a group come from. `false` if they have changed meanwhile.
    pub(super) fn resolve(&mut self, fingerprint: u64, frames: &[StackFrame], originals: &[Option<Original>]) -> bool {
        let group = self.list.iter_mut().find(|group| group.fingerprint == fingerprint && *group.frames == *frames);
        group.map(|group| group.originals = originals.into()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn group(name: &str, time_ms: u64, data: Value) -> ErrorGroup {
        let event = PageEvent { name: name.into(), time_ms, url: "u".into(), page: "p".into(), data, bytes: 0 };
        ErrorGroup::of(&event, &"s".into()).expect("an error")
    }

    fn thrown(message: &str, line: u32) -> ErrorGroup {
        let stack = format!("Error: {message}\n    at f (http://h:1/src/a.ts?t={line}:{line}:1)");
        group("javascript_error", u64::from(line), json!({"message": message, "stack": stack}))
    }

    #[test]
    fn equal_errors_are_one_group_whatever_their_numbers_and_the_build() {
        let mut groups = Groups::default();
        groups.add(thrown("item 17 is gone", 10));
        groups.add(thrown("item 4 is gone", 12));
        groups.add(thrown("item is gone", 12));
        let all: Vec<_> = groups.newest_first().collect();
        assert_eq!((all.len(), all[1].count, all[1].first_ms, all[1].last_ms), (2, 2, 10, 12));
        assert_eq!(&*all[1].message, "item 4 is gone");
        assert_eq!(all[1].place().unwrap(), "http://h:1/src/a.ts?t=12:12:1");
    }

    #[test]
    fn an_original_place_holds_until_the_code_moves() {
        let mut groups = Groups::default();
        let first = thrown("x", 10);
        groups.add(first.clone());
        let original = Original { file: "src/a.ts".into(), line: 7, column: 3, name: None };
        assert!(groups.resolve(first.fingerprint, &first.frames, &[Some(original)]));
        groups.add(thrown("x", 10));
        assert_eq!(groups.newest_first().next().unwrap().place().unwrap(), "src/a.ts:7:3");
        groups.add(thrown("x", 11));
        assert!(groups.newest_first().next().unwrap().originals.is_empty());
        assert!(!groups.resolve(first.fingerprint, &first.frames, &[None]));
    }

    #[test]
    fn each_kind_of_error_has_its_message_and_the_rest_is_none() {
        assert_eq!(group("unhandled_rejection", 1, json!({"reason": "r"})).kind, ErrorKind::Rejection);
        let resource = group("resource_error", 1, json!({"tag": "img", "url": "/x.png"}));
        assert_eq!(&*resource.message, "<img> did not load: /x.png");
        let policy = group("csp_violation", 1, json!({"directive": "img-src", "blocked": "http://x"}));
        assert_eq!(&*policy.message, "img-src forbids http://x");
        let placed = group("javascript_error", 1, json!({"message": "m", "filename": "http://h/x.js", "lineno": 3}));
        assert_eq!(placed.place().unwrap(), "http://h/x.js:3:1");
        for (name, data) in
            [("console_output", json!({"level": "warn", "message": "x"})), ("javascript_error", json!({}))]
        {
            let event = PageEvent { name: name.into(), time_ms: 0, url: "".into(), page: "".into(), data, bytes: 0 };
            assert!(ErrorGroup::of(&event, &"s".into()).is_none());
        }
    }

    #[test]
    fn the_groups_that_were_seen_last_are_kept() {
        let mut groups = Groups::default();
        for n in 0..GROUPS_MAX as u32 + 50 {
            groups.add(thrown(&"x".repeat(n as usize % 400 + 1), n));
            groups.add(thrown("often", 1));
        }
        assert_eq!(groups.list.len(), GROUPS_MAX);
        assert_eq!(groups.newest_first().next().unwrap().count, GROUPS_MAX as u64 + 50);
    }
}
