//! A client's connection: small while it is idle, and with one exchange at a time.

use std::io::{ErrorKind, IoSlice};

use super::guard::Refused;
use super::sessions::SessionId;
use crate::io::net::{Buffer, Key, Net};
use crate::mcp::protocol::Era;
use crate::wire::http1::{Decoder, RequestHead};

/// What goes on over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing, or a part of a head is there.
    Head,
    /// The body comes.
    Body,
    /// The request was taken; nothing of its answer was written.
    Waiting,
    /// A stream of events has begun.
    Streaming,
    /// All that is to be said lies in `out`; then the connection ends.
    Closing,
    /// Everything was said; what still comes is thrown away, so that the client reads the answer and not a reset.
    Linger,
}

/// How the work on a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait,
    Go,
    Close,
}

/// A body on its way.
pub(super) enum Incoming {
    Length(usize),
    Chunked(Box<Decoder>),
}

/// A request that was taken and not answered to its end.
pub(super) struct Exchange {
    pub(super) era: Era,
    pub(super) session: Option<SessionId>,
    /// The session began with it: its name goes into the head of the answer.
    pub(super) announces: bool,
    pub(super) takes_json: bool,
    pub(super) takes_events: bool,
    /// Answers that will still come.
    pub(super) expected: usize,
    /// The answers of a batch, which go together.
    pub(super) batch: Option<Vec<Vec<u8>>>,
    /// What the connection reads once it streams.
    pub(super) reads: Reads,
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// What belongs to the request alone.
    Own,
    /// A stream of its session, which can be taken up again.
    Stream(u64),
    /// Everything of a session of HTTP+SSE.
    OldSse,
    /// Changes that were subscribed to.
    Changes,
}

/// A client's connection.
pub(super) struct Connection {
    pub(super) key: Key,
    pub(super) phase: Phase,
    pub(super) input: Buffer,
    pub(super) head: Option<Box<RequestHead>>,
    pub(super) incoming: Option<Incoming>,
    pub(super) body: Vec<u8>,
    pub(super) out: Vec<u8>,
    pub(super) sent: usize,
    pub(super) exchange: Option<Box<Exchange>>,
    /// The client keeps the connection after this answer.
    pub(super) keep: bool,
    /// The client understands chunks.
    pub(super) chunks: bool,
    pub(super) refused: Option<Refused>,
    pub(super) head_begun: bool,
    pub(super) drained: usize,
    /// When it became idle, in turns.
    pub(super) idle_since: u64,
}

impl Connection {
    pub(super) fn new(key: Key) -> Connection {
        Connection {
            key,
            phase: Phase::Head,
            input: Buffer::default(),
            head: None,
            incoming: None,
            body: Vec::new(),
            out: Vec::new(),
            sent: 0,
            exchange: None,
            keep: true,
            chunks: true,
            refused: None,
            head_begun: false,
            drained: 0,
            idle_since: 0,
        }
    }

    /// Whether it waits for a request of which nothing has come.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Head && self.input.is_empty() && self.waiting() == 0
    }

    /// Bytes that were not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Writes what can be written; whether that was all.
    pub(super) fn flush(&mut self, net: &mut Net) -> Result<bool, ()> {
        while self.waiting() > 0 {
            match net.write(self.key, &[IoSlice::new(&self.out[self.sent..])]) {
                Ok(0) => return Err(()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(_) => return Err(()),
            }
        }
        self.sent = 0;
        self.out.clear();
        if self.out.capacity() > KEPT_BYTES {
            self.out = Vec::new();
        }
        Ok(true)
    }

    /// Gives back the memory that an idle connection does not need.
    pub(super) fn rest(&mut self, net: &mut Net) {
        self.input.settle(&mut net.buffers);
        if self.is_idle() || self.phase == Phase::Streaming {
            if self.body.capacity() > 0 {
                self.body = Vec::new();
            }
            if self.waiting() == 0 {
                self.out = Vec::new();
            }
        }
    }
}

/// A buffer for answers that has grown beyond is not kept.
const KEPT_BYTES: usize = 64 << 10;
