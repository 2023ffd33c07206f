//! What the legacy era keeps of a client between its requests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use super::limits::{REPLAY_BYTES_MAX, STREAMS_MAX};
use super::stream::Stream;
use crate::io::net::Key;
use crate::mcp::notifier::Changes;
use crate::mcp::protocol::{Client, Level, Version};

pub(super) type SessionId = Arc<str>;

/// The stream for what belongs to no request.
pub(super) const GENERAL: u64 = 0;

/// How a session's messages get to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Streamable HTTP.
    Http,
    /// The connection of HTTP+SSE, over which everything goes.
    OldSse(Key),
    /// Standard output.
    Stdio,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) way: Way,
    pub(super) version: Version,
    pub(super) client: Arc<Client>,
    pub(super) log_level: Level,
    pub(super) watched: BTreeSet<String>,
    pub(super) used: Instant,
    /// Streams by their number; [`GENERAL`] is always there.
    pub(super) streams: BTreeMap<u64, Stream>,
    next_stream: u64,
    /// What changed while nobody listened.
    pub(super) changes: Changes,
}

impl Session {
    pub(super) fn new(way: Way, version: Version, client: Client, now: Instant) -> Session {
        Session {
            way,
            version,
            client: Arc::new(client),
            log_level: Level::default(),
            watched: BTreeSet::new(),
            used: now,
            streams: BTreeMap::from([(GENERAL, Stream::default())]),
            next_stream: GENERAL + 1,
            changes: Changes::default(),
        }
    }

    /// A new stream, read over this connection.
    pub(super) fn open(&mut self, reader: Key, expected: usize) -> u64 {
        if self.streams.len() >= STREAMS_MAX {
            // The oldest that is over is forgotten first; one that still goes on only when all do.
            let over = self.streams.iter().find(|(number, stream)| **number != GENERAL && stream.expected == 0);
            let oldest = over.or_else(|| self.streams.iter().find(|(number, _)| **number != GENERAL));
            if let Some(number) = oldest.map(|(number, _)| *number) {
                self.streams.remove(&number);
            }
        }
        let number = self.next_stream;
        self.next_stream += 1;
        self.streams.insert(number, Stream::new(reader, expected));
        number
    }

    /// Keeps an event of a stream within the bounds; its number.
    pub(super) fn keep(&mut self, stream: u64, message: &[u8]) -> Option<u64> {
        let number = self.streams.get_mut(&stream)?.keep(message);
        let mut bytes: usize = self.streams.values().map(Stream::bytes).sum();
        while bytes > REPLAY_BYTES_MAX {
            let Some(first) = self.streams.values_mut().find(|stream| stream.bytes() > 0) else { break };
            first.forget();
            bytes = self.streams.values().map(Stream::bytes).sum();
        }
        Some(number)
    }

    /// Whether anybody reads what belongs to no request.
    pub(super) fn is_heard(&self) -> bool {
        self.way != Way::Http || self.streams.get(&GENERAL).is_some_and(|stream| stream.reader.is_some())
    }

    /// Whether a client can come back to a stream whose connection was closed by us.
    pub(super) fn can_come_back(&self) -> bool {
        self.way == Way::Http && self.version >= Version::V2025_11_25
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions(pub(super) HashMap<SessionId, Session>);

impl Sessions {
    pub(super) fn get(&self, id: &str) -> Option<&Session> {
        self.0.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.0.get_mut(id)
    }

    /// The one that was used longest ago and can end.
    pub(super) fn oldest(&self) -> Option<SessionId> {
        let by_age = |(id, session): (&SessionId, &Session)| (session.is_heard(), session.used, Arc::clone(id));
        self.0.iter().map(by_age).min().map(|(_, _, id)| id)
    }
}
