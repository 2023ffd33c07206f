//! What is known of one request and its answer, and the notes in which the reactor tells it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::headers::Headers;
use crate::event::ProcessId;

/// A request's number: from 1, in the order of arrival, never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId(pub u64);

/// How a request came to Brummer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// On the address of one server.
    Reverse,
    /// In absolute form, from a client that uses Brummer as its proxy.
    Forward,
    /// CONNECT: bytes that nobody reads.
    Tunnel,
    /// Sent by Brummer itself, again.
    Replay,
}

/// What travels: it decides what the rest of an exchange means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Traffic {
    /// A request and its answer.
    #[default]
    Http,
    /// A WebSocket: messages both ways after the answer 101.
    WebSocket,
    /// An answer of server-sent events.
    EventStream,
    /// A blind tunnel.
    Tunnel,
}

/// A body, as far as it was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Its first bytes, as they travelled (perhaps compressed, never chunked).
    pub kept: Arc<[u8]>,
    /// All of its bytes, kept or not.
    pub bytes: u64,
}

impl Body {
    /// Whether only a part was kept.
    pub fn is_cut(&self) -> bool {
        self.kept.len() as u64 != self.bytes
    }
}

/// One direction of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// The fields as received.
    pub headers: Headers,
    /// The body.
    pub body: Body,
}

/// Where the time went; what did not happen (yet) is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Until a connection to the server stood; `None` when one was there already.
    pub connect: Option<Duration>,
    /// From the request's head until the answer's first byte.
    pub first_byte: Option<Duration>,
    /// From the request's head until the last byte of the answer was passed on.
    pub total: Option<Duration>,
}

/// Why an exchange came to no good end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A word to search for: `refused`, `connect`, `timeout`, `garbage`, `truncated`, `client gone`, `rule`, `rejected`.
    pub kind: &'static str,
    /// A sentence for a person.
    pub text: Arc<str>,
}

/// The kind of failure of a request that Brummer refused: it reached no server.
pub const REJECTED: &str = "rejected";

/// The local program that sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its process id.
    pub pid: u32,
    /// Its name.
    pub name: Arc<str>,
}

/// Whether the telemetry script was put into a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Injection {
    /// The answer is not a page.
    #[default]
    NotAPage,
    /// It was.
    Done {
        /// A Content-Security-Policy was loosened for it.
        policy_loosened: bool,
    },
    /// The answer is a page, yet it was not; why.
    Not(&'static str),
}

/// A message of a WebSocket, or an event of an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When, milliseconds since 1970.
    pub time_ms: u64,
    /// From the client to the server.
    pub up: bool,
    /// `text`, `binary`, `close`, `ping`, `pong`, or the event's name.
    pub kind: Arc<str>,
    /// The first bytes of it.
    pub kept: Arc<[u8]>,
    /// All of its bytes.
    pub bytes: u64,
    /// They are compressed, as both ends of the WebSocket agreed (permessage-deflate).
    pub compressed: bool,
}

/// The beginning of an exchange: its head was read.
#[derive(Clone, Debug)]
pub struct Opened {
    /// When the head was complete, milliseconds since 1970.
    pub time_ms: u64,
    /// How it came.
    pub mode: Mode,
    /// The method.
    pub method: Arc<str>,
    /// The whole URL at the server: `http://127.0.0.1:5173/src/main.ts?v=1`.
    pub url: Arc<str>,
    /// The managed process whose server it goes to.
    pub process: Option<(ProcessId, Arc<str>)>,
    /// The fields as received.
    pub headers: Headers,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its number.
    pub id: ExchangeId,
    /// Its beginning.
    pub opened: Opened,
    /// What travels.
    pub traffic: Traffic,
    /// The status of the answer, whoever gave it.
    pub status: Option<u16>,
    /// What was sent up; its headers are those of `opened`.
    pub request_body: Body,
    /// The answer, as the server gave it.
    pub response: Side,
    /// Where the time went.
    pub phases: Phases,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// Who sent it, as far as that is known.
    pub caller: Option<Caller>,
    /// Whether the telemetry script was put in.
    pub injection: Injection,
    /// The server closed a kept connection, so it was sent once more.
    pub retried: bool,
    /// The newest messages or events.
    pub frames: VecDeque<Frame>,
    /// All messages or events, kept or not: up, down.
    pub frames_total: (u64, u64),
    /// It has ended.
    pub done: bool,
}

impl Exchange {
    /// One that has just begun.
    pub fn new(id: ExchangeId, opened: Opened) -> Exchange {
        Exchange {
            id,
            opened,
            traffic: Traffic::Http,
            status: None,
            request_body: Body::default(),
            response: Side::default(),
            phases: Phases::default(),
            failure: None,
            caller: None,
            injection: Injection::NotAPage,
            retried: false,
            frames: VecDeque::new(),
            frames_total: (0, 0),
            done: false,
        }
    }

    /// The host of the URL, with its port if one is named.
    pub fn host(&self) -> &str {
        let url = &self.opened.url;
        let rest = url.split_once("://").map_or(&url[..], |(_, rest)| rest);
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    /// The path of the URL without its query.
    pub fn path(&self) -> &str {
        let url = &self.opened.url;
        let rest = url.split_once("://").map_or(&url[..], |(_, rest)| rest);
        let path = &rest[rest.find(['/', '?', '#']).unwrap_or(rest.len())..];
        &path[..path.find(['?', '#']).unwrap_or(path.len())]
    }

    /// The answer's media type in lower case, without parameters.
    pub fn content_type(&self) -> Option<String> {
        let value = self.response.headers.text("content-type")?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }

    /// From the request's head until the last byte of the answer; `None` while it runs.
    pub fn duration(&self) -> Option<Duration> {
        self.phases.total.filter(|_| self.done)
    }

    /// Brummer refused it: it reached no server.
    pub fn is_rejected(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.kind == REJECTED)
    }

    /// It failed, or its status is 400 or above.
    pub fn is_error(&self) -> bool {
        self.failure.is_some() || self.status.is_some_and(|status| status >= 400)
    }
}

/// What the reactor tells of exchanges, gathered over one turn of its loop and handed over at once.
#[derive(Clone, Debug)]
pub enum Note {
    /// An exchange has begun.
    Opened(ExchangeId, Box<Opened>),
    /// A request that goes no further was answered here: begun and ended at once.
    Refused {
        /// Which.
        id: ExchangeId,
        /// What is known of it.
        opened: Box<Opened>,
        /// The status that the client gets.
        status: u16,
        /// Why, in a sentence.
        why: Arc<str>,
    },
    /// The head of its answer is there; for long answers this is told before they end.
    Answered {
        /// Which.
        id: ExchangeId,
        /// What travels from now on.
        traffic: Traffic,
        /// The status.
        status: u16,
        /// The fields as received.
        headers: Headers,
        /// The times so far.
        phases: Phases,
        /// Whether the script goes in.
        injection: Injection,
    },
    /// A message or an event has passed.
    Frame(ExchangeId, Box<Frame>),
    /// The caller is known.
    Caller(ExchangeId, Caller),
    /// It has ended.
    Ended {
        /// Which.
        id: ExchangeId,
        /// The status that the client saw, if any.
        status: Option<u16>,
        /// What was sent up.
        request_body: Body,
        /// What came down.
        response_body: Body,
        /// The times.
        phases: Phases,
        /// Why it failed, if it did.
        failure: Option<Failure>,
        /// It was sent twice.
        retried: bool,
        /// What became of the script, if it is not what was told with the answer.
        injection: Option<Injection>,
    },
}
