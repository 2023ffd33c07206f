//! The bounded list of errors over all processes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{Level, ProcessId};

use super::tracker::Tracked;

/// Equal errors of one process.
#[derive(Clone, Debug)]
pub struct ErrorGroup {
    /// What makes them equal: the same for equal messages of any process.
    pub fingerprint: u64,
    /// Whose output they stood in.
    pub process: ProcessId,
    /// Its name.
    pub name: Arc<str>,
    /// How bad they are.
    pub level: Level,
    /// The language of the stack: `javascript`, `python`, `go`, `java`, `rust`, `jest`, `pytest`, `typescript`; `None` when nothing tells.
    pub language: Option<&'static str>,
    /// The message of the first of them, on one line; of Python's chained exceptions the last.
    pub message: Arc<str>,
    /// The lines that belong to the newest of them, at most 50.
    pub stack: Arc<str>,
    /// How many there were.
    pub count: u64,
    /// Where the first of them starts.
    pub first_seq: u64,
    /// Where the newest of them starts.
    pub last_seq: u64,
    /// The last line that belongs to the newest of them.
    pub last_line_seq: u64,
    /// When the first of them was seen, milliseconds since 1970.
    pub first_ms: u64,
    /// When the newest of them was seen.
    pub last_ms: u64,
}

impl ErrorGroup {
    /// The stack lines of the newest of them.
    pub fn stack_lines(&self) -> impl Iterator<Item = &str> {
        self.stack.lines()
    }

    /// The type that the message begins with: `TypeError`, `NullPointerException`, `panic`.
    pub fn kind(&self) -> Option<&str> {
        let head = self.message.split(": ").find(|part| is_type(part.split(" [").next().unwrap_or(part)))?;
        let name = head.split(" [").next().unwrap_or(head);
        Some(name.rsplit(['.', ' ']).next().unwrap_or(name))
    }
}

/// Whether these words end in the name of an error's type.
fn is_type(words: &str) -> bool {
    let last = words.rsplit(['.', ' ']).next().unwrap_or(words);
    last == "panic" || (last.ends_with("Error") || last.ends_with("Exception")) && last.starts_with(char::is_uppercase)
}

/// An error of a kind that was not in the list before.
#[derive(Clone, Debug)]
pub struct FreshError {
    /// How bad it is.
    pub level: Level,
    /// Its message.
    pub message: Arc<str>,
    /// Where it starts.
    pub seq: u64,
}

/// The groups, the one seen longest ago first.
#[derive(Debug)]
pub(crate) struct ErrorTable {
    groups: HashMap<(ProcessId, u64), ErrorGroup>,
    most: usize,
    /// Errors seen, groups that had to go included.
    pub(crate) total: u64,
    /// Groups that had to go.
    pub(crate) evicted: u64,
}

impl ErrorTable {
    pub(crate) fn new(most: usize) -> ErrorTable {
        ErrorTable { groups: HashMap::new(), most: most.max(1), total: 0, evicted: 0 }
    }

    /// Takes in what a process's tracker found; gives back the messages that are new.
    pub(crate) fn add(&mut self, process: ProcessId, name: &Arc<str>, found: Vec<Tracked>) -> Vec<FreshError> {
        let mut fresh = Vec::new();
        for error in found {
            self.total += error.count;
            let key = (process, error.fingerprint);
            if let Some(group) = self.groups.get_mut(&key) {
                group.renew(error);
                continue;
            }
            self.make_room();
            let message: Arc<str> = error.message.into();
            fresh.push(FreshError { level: error.level, message: Arc::clone(&message), seq: error.first_seq });
            let group = ErrorGroup {
                fingerprint: error.fingerprint,
                process,
                name: Arc::clone(name),
                level: error.level,
                language: error.language,
                message,
                stack: error.stack.into(),
                count: error.count.max(1),
                first_seq: error.first_seq,
                last_seq: error.first_seq,
                last_line_seq: error.last_seq,
                first_ms: error.time_ms,
                last_ms: error.time_ms,
            };
            self.groups.insert(key, group);
        }
        fresh
    }

    /// The group seen longest ago goes when the table is full.
    fn make_room(&mut self) {
        if self.groups.len() < self.most {
            return;
        }
        let oldest = self.groups.iter().min_by_key(|(_, group)| group.last_seq).map(|(key, _)| *key);
        self.evicted += u64::from(oldest.and_then(|key| self.groups.remove(&key)).is_some());
    }

    /// All groups, the newest last.
    pub(crate) fn list(&self) -> Vec<ErrorGroup> {
        let mut groups: Vec<_> = self.groups.values().cloned().collect();
        groups.sort_unstable_by_key(|group| (group.last_seq, group.first_seq));
        groups
    }

    /// Forgets the errors of a process, or all.
    pub(crate) fn clear(&mut self, process: Option<ProcessId>) {
        self.groups.retain(|(owner, _), _| process.is_some_and(|process| process != *owner));
    }
}

impl ErrorGroup {
    fn renew(&mut self, error: Tracked) {
        self.count += error.count;
        self.language = self.language.or(error.language);
        if self.count == 1 && error.count == 0 {
            self.message = error.message.into();
        }
        if error.first_seq >= self.last_seq {
            self.stack = error.stack.into();
            (self.last_seq, self.last_line_seq, self.last_ms) = (error.first_seq, error.last_seq, error.time_ms);
        }
    }
}
