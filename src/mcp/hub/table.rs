//! All that the hub knows of its instances at one moment, and finding the one that a word means.

use std::sync::Arc;

use super::catalog::Catalog;
use super::choice::Candidate;
use super::lists::{self, KINDS, Lists};
use crate::mcp::manager::{Row, State};
use crate::mcp::protocol::{List, ListKind};

/// One instance.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) prefix: String,
    pub(super) row: Row,
    /// What it has; what it had, while it does not answer.
    pub(super) catalog: Arc<Catalog>,
}

impl Entry {
    /// How it is called in messages.
    pub(super) fn name(&self) -> String {
        format!("`{}` ({})", self.prefix, self.row.instance.directory)
    }
}

/// All instances that are not dead, and what they have together.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
    lists: Lists,
}

impl Table {
    pub(super) fn new(entries: Vec<Entry>, each: bool) -> Table {
        let living: Vec<Entry> = entries.iter().filter(|entry| entry.row.state != State::Dead).cloned().collect();
        let lists = lists::make(&living, each);
        Table { entries, lists }
    }

    /// The same lists with newer rows.
    pub(super) fn with_lists_of(entries: Vec<Entry>, before: &Table) -> Table {
        Table { entries, lists: before.lists.clone() }
    }

    pub(super) fn list(&self, kind: ListKind) -> Arc<List> {
        let at = KINDS.iter().position(|own| *own == kind).unwrap_or_default();
        Arc::clone(&self.lists[at])
    }

    /// The kinds whose lists are others than before.
    pub(super) fn changed(&self, before: &Table) -> Vec<ListKind> {
        let same = |one: &List, other: &List| {
            one.items.len() == other.items.len()
                && one.items.iter().zip(&other.items).all(|(a, b)| a.name == b.name && a.json.get() == b.json.get())
        };
        let pairs = KINDS.into_iter().zip(self.lists.iter().zip(&before.lists));
        pairs.filter(|(_, (one, other))| !same(one, other)).map(|(kind, _)| kind).collect()
    }

    pub(super) fn candidates(&self) -> Vec<Candidate<'_>> {
        let living = self.entries.iter().filter(|entry| entry.row.state != State::Dead);
        living.map(|entry| Candidate { prefix: &entry.prefix, directory: &entry.row.instance.directory }).collect()
    }

    pub(super) fn by_prefix(&self, prefix: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.prefix == prefix)
    }

    /// The instance that a word means: its prefix, its id, its folder, or its name where only one has it.
    pub(super) fn find(&self, word: &str) -> Option<&Entry> {
        let instance = |entry: &&Entry| {
            let instance = &entry.row.instance;
            instance.id == word || instance.directory == word.trim_end_matches('/')
        };
        let mut named = self.entries.iter().filter(|entry| entry.row.instance.name.eq_ignore_ascii_case(word));
        let named = named.next().filter(|_| named.next().is_none());
        self.by_prefix(word).or_else(|| self.entries.iter().find(instance)).or(named)
    }

    /// The prefixes of all, for messages.
    pub(super) fn known(&self) -> String {
        let prefixes: Vec<&str> = self.entries.iter().map(|entry| entry.prefix.as_str()).collect();
        if prefixes.is_empty() { "none runs".to_owned() } else { prefixes.join(", ") }
    }
}
