//! Carries the children's lines from the reactor into the store, and what was found in them onto the bus.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::app::changes::{Changes, Thing};
use crate::event::{Ending, Event, Kind, ProcessId, Stream};
use crate::logs::{LogStore, Writer};
use crate::process::{OutputSink, OutputSinks};
use crate::runtime::events::EventBus;

/// What is counted of one process's output; written by the reactor alone, read by anybody.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) lines: AtomicU64,
    pub(crate) errors: AtomicU64,
    url: Mutex<Option<Arc<str>>>,
}

impl Tally {
    /// The first URL of a local server that the process printed.
    pub(crate) fn url(&self) -> Option<Arc<str>> {
        self.url.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn first_url(&self, url: &Arc<str>) {
        self.url.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| url.clone());
    }
}

/// Opens a way into the store for every new process.
pub(crate) struct Sinks {
    store: Arc<LogStore>,
    bus: EventBus<Event>,
    changes: Arc<Changes>,
    batch_lines: u32,
    tallies: Mutex<BTreeMap<ProcessId, Arc<Tally>>>,
    waiting: Arc<AtomicBool>,
}

impl Sinks {
    pub(crate) fn new(
        store: Arc<LogStore>,
        bus: EventBus<Event>,
        changes: Arc<Changes>,
        batch_lines: usize,
    ) -> Arc<Sinks> {
        let batch_lines = u32::try_from(batch_lines).unwrap_or(u32::MAX);
        Arc::new(Sinks { store, bus, changes, batch_lines, tallies: Mutex::default(), waiting: Arc::default() })
    }

    /// Whether a process that was held back can go on: to be asked after lines were released.
    pub(crate) fn can_go_on(&self) -> bool {
        // SeqCst: either this sees the flag, or the sink that has set it sees what was released before.
        self.waiting.load(Ordering::SeqCst) && self.store.has_room() && self.waiting.swap(false, Ordering::SeqCst)
    }

    fn tallies(&self) -> std::sync::MutexGuard<'_, BTreeMap<ProcessId, Arc<Tally>>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of one process; all zero before its first line.
    pub(crate) fn tally(&self, id: ProcessId) -> Arc<Tally> {
        self.tallies().entry(id).or_default().clone()
    }

    /// Drops the counts of a process that is no longer listed.
    pub(crate) fn forget(&self, id: ProcessId) {
        self.tallies().remove(&id);
    }
}

impl OutputSinks for Sinks {
    fn open(&self, id: ProcessId, name: &str) -> Box<dyn OutputSink> {
        Box::new(Sink {
            id,
            component: name.into(),
            writer: self.store.writer(id, name),
            store: self.store.clone(),
            waiting: self.waiting.clone(),
            tally: self.tally(id),
            bus: self.bus.clone(),
            changes: self.changes.clone(),
            pending: 0,
            batch_lines: self.batch_lines,
        })
    }
}

struct Sink {
    id: ProcessId,
    component: Arc<str>,
    writer: Writer,
    store: Arc<LogStore>,
    /// Set by whoever finds no room.
    waiting: Arc<AtomicBool>,
    tally: Arc<Tally>,
    bus: EventBus<Event>,
    changes: Arc<Changes>,
    pending: u32,
    batch_lines: u32,
}

impl OutputSink for Sink {
    fn has_room(&self) -> bool {
        if self.store.has_room() {
            return true;
        }
        self.waiting.store(true, Ordering::SeqCst);
        // Room that was made before the flag was set is seen here; later room finds the flag.
        self.store.has_room()
    }

    fn line(&mut self, stream: Stream, text: &[u8], ending: Ending) {
        self.writer.line(stream, text, ending);
        self.pending += 1;
        if self.pending >= self.batch_lines {
            self.publish();
        }
    }

    fn lines(&mut self, stream: Stream, text: &[u8]) {
        let mut lines = self.writer.look_ahead(text);
        while !lines.is_empty() {
            self.pending += self.writer.lines(stream, &mut lines, self.batch_lines.saturating_sub(self.pending).max(1));
            if self.pending >= self.batch_lines {
                self.publish();
            }
        }
    }

    fn partial(&mut self, stream: Stream, text: &[u8]) {
        self.writer.partial(stream, text);
    }

    fn publish(&mut self) {
        self.pending = 0;
        let published = self.writer.publish();
        if published.lines > 0 {
            // One writer: a load and a store are enough.
            let lines = self.tally.lines.load(Ordering::Relaxed) + u64::from(published.lines);
            self.tally.lines.store(lines, Ordering::Relaxed);
            // Batches are many, and in the program itself nobody subscribes to them: the doors follow the store.
            if self.bus.is_wanted(Kind::LinesAdded) {
                let event = Event::LinesAdded { process: self.id, last: published.last_seq, count: published.lines };
                self.bus.publish_async(event);
            }
        }
        if published.error_lines > 0 {
            let errors = self.tally.errors.load(Ordering::Relaxed) + u64::from(published.error_lines);
            self.tally.errors.store(errors, Ordering::Relaxed);
        }
        if published.errors_changed {
            self.changes.bump(Thing::Errors);
        }
        for error in published.errors {
            self.bus.publish_async(Event::ErrorDetected {
                process: Some(self.id),
                component: self.component.clone(),
                message: error.message,
                backtrace: None,
            });
        }
        for found in published.urls.into_iter().filter(|found| found.is_server) {
            self.tally.first_url(&found.url);
            self.bus.publish_async(Event::UrlDetected { process: self.id, url: found.url });
            self.changes.bump(Thing::Processes);
        }
        self.changes.bump(Thing::Logs);
    }
}
