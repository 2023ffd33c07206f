//! The bounded list of URLs that stood in lines.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::ProcessId;
use crate::wire::url::Url;

/// Longer URLs are not listed: they are data, not addresses.
const URL_BYTES_MAX: usize = 2_000;
/// Different URLs that a writer gathers before it hands them on.
const BATCH_MAX: usize = 256;

/// A URL that a process printed.
#[derive(Clone, Debug)]
pub struct UrlRecord {
    /// The URL as it can be opened.
    pub url: Arc<str>,
    /// Whether a server on this machine or in its network is meant, and not a page in the world.
    pub is_local: bool,
    /// Who printed it.
    pub process: ProcessId,
    /// Its name.
    pub name: Arc<str>,
    /// In how many places it stood.
    pub count: u64,
    /// The line it stood in first.
    pub first_seq: u64,
    /// Where in that line it starts.
    first_at: usize,
    /// The line it stood in last.
    pub last_seq: u64,
    /// When it was first seen, milliseconds since 1970.
    pub first_ms: u64,
    /// When it was last seen.
    pub last_ms: u64,
}

/// A URL that a process printed for the first time.
#[derive(Clone, Debug)]
pub struct FreshUrl {
    /// The URL as it can be opened.
    pub url: Arc<str>,
    /// Whether a server on this machine or in its network is meant.
    pub is_local: bool,
    /// The line it stands in.
    pub seq: u64,
}

/// The URLs of one writer's batch.
#[derive(Debug, Default)]
pub(super) struct UrlBatch {
    /// By the text as it was printed.
    found: HashMap<Box<str>, Found>,
}

#[derive(Debug)]
struct Found {
    open: String,
    is_local: bool,
    count: u64,
    first_seq: u64,
    /// Where in its first line it starts.
    first_at: usize,
    last_seq: u64,
    last_ms: u64,
}

impl UrlBatch {
    /// Notes one; when it answers `true`, the batch should be handed on.
    pub(super) fn see(&mut self, url: &Url<'_>, seq: u64, time_ms: u64) -> bool {
        if url.text.len() > URL_BYTES_MAX {
            return false;
        }
        if let Some(found) = self.found.get_mut(url.text) {
            (found.count, found.last_seq, found.last_ms) = (found.count + 1, seq, time_ms);
            return false;
        }
        let found = Found {
            open: url.to_open(),
            is_local: url.is_local(),
            count: 1,
            first_seq: seq,
            first_at: url.start,
            last_seq: seq,
            last_ms: time_ms,
        };
        self.found.insert(url.text.into(), found);
        self.found.len() >= BATCH_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// The URLs of all processes.
#[derive(Debug)]
pub(super) struct UrlTable {
    records: HashMap<ProcessId, HashMap<Arc<str>, UrlRecord>>,
    len: usize,
    most: usize,
    /// Records that had to go.
    pub(super) evicted: u64,
}

impl UrlTable {
    pub(super) fn new(most: usize) -> UrlTable {
        UrlTable { records: HashMap::new(), len: 0, most: most.max(1), evicted: 0 }
    }

    /// Takes a batch in and empties it; gives back what is new.
    pub(super) fn add(&mut self, process: ProcessId, name: &Arc<str>, batch: &mut UrlBatch) -> Vec<FreshUrl> {
        let mut fresh = Vec::new();
        let mut found: Vec<Found> = batch.found.drain().map(|(_, found)| found).collect();
        found.sort_unstable_by_key(|found| (found.first_seq, found.first_at));
        for found in found {
            let of_process = self.records.entry(process).or_default();
            if let Some(record) = of_process.get_mut(found.open.as_str()) {
                record.count += found.count;
                (record.last_seq, record.last_ms) = (record.last_seq.max(found.last_seq), found.last_ms);
                continue;
            }
            let url: Arc<str> = found.open.into();
            fresh.push(FreshUrl { url: Arc::clone(&url), is_local: found.is_local, seq: found.first_seq });
            let record = UrlRecord {
                url: Arc::clone(&url),
                is_local: found.is_local,
                process,
                name: Arc::clone(name),
                count: found.count,
                first_seq: found.first_seq,
                first_at: found.first_at,
                last_seq: found.last_seq,
                first_ms: found.last_ms,
                last_ms: found.last_ms,
            };
            of_process.insert(url, record);
            self.len += 1;
        }
        self.make_room();
        fresh
    }

    /// Pages in the world go first, then what was not seen for longest; a quarter at once, so that a flood stays cheap.
    fn make_room(&mut self) {
        if self.len <= self.most {
            return;
        }
        let mut order: Vec<_> =
            self.records.values().flat_map(HashMap::values).map(|r| (r.is_local, r.last_seq)).collect();
        order.sort_unstable();
        let gone = order[self.len - self.most + self.most / 4];
        for of_process in self.records.values_mut() {
            of_process.retain(|_, record| (record.is_local, record.last_seq) >= gone);
        }
        self.recount(true);
    }

    fn recount(&mut self, evicting: bool) {
        self.records.retain(|_, of_process| !of_process.is_empty());
        let len = self.records.values().map(HashMap::len).sum();
        self.evicted += if evicting { (self.len - len) as u64 } else { 0 };
        self.len = len;
    }

    /// All of them, in the order in which they were first seen.
    pub(super) fn list(&self) -> Vec<UrlRecord> {
        let mut all: Vec<_> = self.records.values().flat_map(HashMap::values).cloned().collect();
        all.sort_unstable_by_key(|record| (record.first_seq, record.first_at));
        all
    }

    /// Forgets the URLs of a process, or all.
    pub(super) fn clear(&mut self, process: Option<ProcessId>) {
        self.records.retain(|owner, _| process.is_some_and(|process| process != *owner));
        self.recount(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::url;

    fn see(batch: &mut UrlBatch, text: &str, seq: u64) {
        for url in url::find(text.as_bytes()) {
            batch.see(&url, seq, seq);
        }
    }

    #[test]
    fn ls05_a_url_is_listed_once_with_its_first_and_last_line() {
        let (mut table, mut batch, name) = (UrlTable::new(10), UrlBatch::default(), Arc::from("web"));
        see(&mut batch, "http://localhost:3000 and localhost:3000", 1);
        see(&mut batch, "http://localhost:3000", 4);
        let fresh = table.add(ProcessId(1), &name, &mut batch);
        assert_eq!(fresh.len(), 1);
        see(&mut batch, "localhost:3000", 9);
        assert!(table.add(ProcessId(1), &name, &mut batch).is_empty());
        let list = table.list();
        assert_eq!((list.len(), list[0].count, list[0].first_seq, list[0].last_seq), (1, 4, 1, 9));
    }

    #[test]
    fn ls09_the_list_is_bounded_and_pages_in_the_world_go_first() {
        let (mut table, mut batch, name) = (UrlTable::new(8), UrlBatch::default(), Arc::from("web"));
        see(&mut batch, "http://localhost:3000", 0);
        for seq in 1..100 {
            see(&mut batch, &format!("https://example.com/{seq}"), seq);
            table.add(ProcessId(1), &name, &mut batch);
        }
        let list = table.list();
        assert!(list.len() <= 8 && list[0].is_local && list.last().unwrap().last_seq == 99);
        assert_eq!(table.evicted, 100 - list.len() as u64);
    }
}
