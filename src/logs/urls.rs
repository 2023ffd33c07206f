//! The bounded list of URLs that stood in lines, and which of them are servers of the processes that printed them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::ProcessId;
use crate::wire::url::Url;

use super::servers::is_server;

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
    /// Whether the process said that it can be reached there; of a URL that it only speaks of, this is `false`.
    pub is_server: bool,
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

/// A URL that a process printed for the first time, or said for the first time to be its server's.
#[derive(Clone, Debug)]
pub struct FreshUrl {
    /// The URL as it can be opened.
    pub url: Arc<str>,
    /// Whether a server on this machine or in its network is meant.
    pub is_local: bool,
    /// Whether the process said that it can be reached there.
    pub is_server: bool,
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
    is_server: bool,
    count: u64,
    first_seq: u64,
    /// Where in its first line it starts.
    first_at: usize,
    last_seq: u64,
    last_ms: u64,
}

impl Found {
    fn fresh(&self, url: &Arc<str>) -> FreshUrl {
        let (is_local, is_server) = (self.is_local, self.is_server);
        FreshUrl { url: Arc::clone(url), is_local, is_server, seq: self.first_seq }
    }
}

impl UrlBatch {
    /// Notes one; when it answers `true`, the batch should be handed on.
    pub(super) fn see(&mut self, url: &Url<'_>, seq: u64, time_ms: u64) -> bool {
        if url.text.len() > URL_BYTES_MAX {
            return false;
        }
        if let Some(found) = self.found.get_mut(url.text) {
            (found.count, found.last_seq, found.last_ms) = (found.count + 1, seq, time_ms);
            found.is_server = found.is_server || is_server(url);
            return false;
        }
        let found = Found {
            open: url.to_open(),
            is_local: url.is_local(),
            is_server: is_server(url),
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
                if found.is_server && !record.is_server {
                    record.is_server = true;
                    fresh.push(found.fresh(&record.url));
                }
                continue;
            }
            let url: Arc<str> = found.open.as_str().into();
            fresh.push(found.fresh(&url));
            let record = UrlRecord {
                url: Arc::clone(&url),
                is_local: found.is_local,
                is_server: found.is_server,
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

    /// Pages in the world go first, then what is only spoken of, then what was not seen for longest; a quarter at once, so that a flood stays cheap.
    fn make_room(&mut self) {
        if self.len <= self.most {
            return;
        }
        let mut order: Vec<_> = self.records.values().flat_map(HashMap::values).map(rank).collect();
        order.sort_unstable();
        let gone = order[self.len - self.most + self.most / 4];
        for of_process in self.records.values_mut() {
            of_process.retain(|_, record| rank(record) >= gone);
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

/// The greater, the longer it is kept.
fn rank(record: &UrlRecord) -> (bool, bool, u64) {
    (record.is_server, record.is_local, record.last_seq)
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
    fn ls05_a_url_becomes_a_server_when_its_process_says_so() {
        let (mut table, mut batch, name) = (UrlTable::new(10), UrlBatch::default(), Arc::from("web"));
        let mut add = |text: &str, seq| {
            see(&mut batch, text, seq);
            table.add(ProcessId(1), &name, &mut batch).iter().map(|fresh| fresh.is_server).collect::<Vec<_>>()
        };
        assert_eq!(add("waiting for http://localhost:3000", 1), [false]);
        assert_eq!(add("waiting for http://localhost:3000", 2), [true; 0]);
        assert_eq!(add("waiting for http://localhost:3000, now listening on http://localhost:3000", 3), [true]);
        assert_eq!(add("waiting for http://localhost:3000", 4), [true; 0]);
        assert!(table.list()[0].is_server);
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
