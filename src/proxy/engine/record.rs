//! What is told of an exchange while it goes on, and the counters of all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::proxy::exchange::{Body, ExchangeId, Failure, Injection, Note, Phases};
use crate::sync::{Histogram, ShardedCounter};

/// Counters, written by the engine, read by anybody.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) total: ShardedCounter,
    pub(crate) failed: ShardedCounter,
    pub(crate) bytes: ShardedCounter,
    /// Microseconds from the request's head to the end of the answer.
    pub(crate) micros: Histogram,
    pub(crate) ended: ShardedCounter,
    /// The number of the exchange before: replays get theirs where they are asked for.
    last: AtomicU64,
    pub(crate) active: AtomicUsize,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            total: ShardedCounter::new(1),
            failed: ShardedCounter::new(1),
            bytes: ShardedCounter::new(1),
            micros: Histogram::new(),
            ended: ShardedCounter::new(1),
            last: AtomicU64::new(0),
            active: AtomicUsize::new(0),
        }
    }
}

impl Counters {
    /// The number of the next exchange.
    pub(crate) fn number(&self) -> ExchangeId {
        // It orders nothing else: an exchange is told of over the recorder.
        ExchangeId(self.last.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// The times and the fate of one exchange, as the engine knows them.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: ExchangeId,
    pub(super) started: Instant,
    pub(super) phases: Phases,
    /// The status that the client saw.
    pub(super) status: Option<u16>,
    pub(super) failure: Option<Failure>,
    pub(super) retried: bool,
    pub(super) injection: Option<Injection>,
}

impl Record {
    pub(super) fn new(id: ExchangeId, started: Instant) -> Record {
        Record { id, started, phases: Phases::default(), status: None, failure: None, retried: false, injection: None }
    }

    /// The first failure is the one that explains the others.
    pub(super) fn fail(&mut self, kind: &'static str, text: impl Into<Arc<str>>) {
        if self.failure.is_none() {
            self.failure = Some(Failure { kind, text: text.into() });
        }
    }
}

/// Gathers the notes of a turn.
pub(super) struct Notes {
    pub(super) list: Vec<Note>,
    pub(super) counters: Arc<Counters>,
    /// Milliseconds since 1970 at `since`.
    wall: u64,
    since: Instant,
}

impl Notes {
    pub(super) fn new(counters: Arc<Counters>) -> Notes {
        Notes { list: Vec::new(), counters, wall: wall_ms(), since: Instant::now() }
    }

    /// The time of day, looked at once a second at most.
    pub(super) fn time_ms(&mut self, now: Instant) -> u64 {
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            (self.wall, self.since) = (wall_ms(), now);
        }
        self.wall + now.saturating_duration_since(self.since).as_millis() as u64
    }

    /// An exchange has ended.
    pub(super) fn ended(&mut self, record: Record, now: Instant, request_body: Body, response_body: Body) {
        let total = now.saturating_duration_since(record.started);
        let counters = &self.counters;
        counters.ended.add_to(0, 1);
        counters.bytes.add_to(0, request_body.bytes + response_body.bytes);
        counters.micros.record(total.as_micros() as u64);
        if record.failure.is_some() || record.status.is_none_or(|status| status >= 400) {
            counters.failed.add_to(0, 1);
        }
        self.list.push(Note::Ended {
            id: record.id,
            status: record.status,
            request_body,
            response_body,
            phases: Phases { total: Some(total), ..record.phases },
            failure: record.failure,
            retried: record.retried,
            injection: record.injection,
        });
    }
}

fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}
