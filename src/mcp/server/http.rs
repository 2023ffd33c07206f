//! Reads requests off a connection, strictly, and says what a connection does next.

use std::io::ErrorKind;

use super::connection::{Connection, Incoming, Phase, Reads, Step};
use super::core::Core;
use super::guard::Refused;
use super::limits::{LINGER, LINGER_BYTES, STALL};
use crate::io::net::{Buffer, Key, Net};
use crate::mcp::protocol::Era;
use crate::wire::http1::framing::keeps_alive;
use crate::wire::http1::{
    Decoded, Decoder, Framing, Known, Parsed, Refusal, RequestHead, Version, parse_request, refusal_answer,
    request_framing,
};

/// Heads that are kept for the next request.
const HEADS_MAX: usize = 64;
/// Answers to requests that were sent together are written together, up to so many bytes.
const OUT_BYTES: usize = 64 << 10;

impl Core {
    /// Does one thing with a connection.
    pub(super) fn step(&mut self, net: &mut Net, key: Key) -> Step {
        let Some(connection) = self.connection(key) else { return Step::Wait };
        match connection.phase {
            Phase::Head => self.read_head(net, key),
            Phase::Body => self.read_body(net, key),
            Phase::Waiting | Phase::Streaming => hold(net, connection),
            Phase::Closing => say_last(net, connection),
            Phase::Linger => linger(net, connection),
        }
    }

    fn read_head(&mut self, net: &mut Net, key: Key) -> Step {
        loop {
            let Core { connections, heads, .. } = self;
            let Some(connection) = connections.get_mut(key.index()).and_then(Option::as_deref_mut) else {
                return Step::Wait;
            };
            if connection.waiting() > OUT_BYTES
                && let Some(step) = flushed(net, connection)
            {
                return step;
            }
            if !connection.input.is_empty() {
                let head = connection.head.get_or_insert_with(|| heads.pop().unwrap_or_default());
                match parse_request(connection.input.data(), head) {
                    Ok(Parsed::Complete { bytes }) => {
                        connection.input.consume(bytes);
                        connection.head_begun = false;
                        return self.begin(net, key);
                    }
                    Ok(Parsed::Partial) => {}
                    Err(refusal) => return refuse(connection, &refusal),
                }
            }
            if let Some(step) = flushed(net, connection) {
                return step;
            }
            match net.read_into(key, &mut connection.input) {
                Ok(0) => return Step::Close,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Step::Close,
            }
        }
        self.wait_for_head(net, key)
    }

    fn wait_for_head(&mut self, net: &mut Net, key: Key) -> Step {
        let (turn, idle, begun) = (self.turn, self.limits.idle, self.limits.head);
        let Core { connections, heads, .. } = self;
        let Some(connection) = connections.get_mut(key.index()).and_then(Option::as_deref_mut) else {
            return Step::Wait;
        };
        if connection.input.is_empty() {
            connection.idle_since = turn;
            give_back(heads, connection.head.take());
            net.set_deadline(key, Some(idle));
        } else if !std::mem::replace(&mut connection.head_begun, true) {
            net.set_deadline(key, Some(begun));
        }
        Step::Wait
    }

    /// A head is whole: who asks, and how much will come?
    fn begin(&mut self, net: &mut Net, key: Key) -> Step {
        let body_bytes = self.limits.body_bytes;
        let Core { connections, guard, .. } = self;
        let Some(connection) = connections.get_mut(key.index()).and_then(Option::as_deref_mut) else {
            return Step::Wait;
        };
        let Some(head) = &connection.head else { return Step::Close };
        connection.refused = guard.check(head).err();
        connection.chunks = head.version() == Version::Http11;
        connection.keep = keeps_alive(head.version(), head.fields());
        let framing = match request_framing(head) {
            Ok(framing) => framing,
            Err(refusal) => return refuse(connection, &refusal),
        };
        connection.incoming = match framing {
            Framing::None | Framing::UntilClose => Some(Incoming::Length(0)),
            Framing::Length(bytes) => usize::try_from(bytes).ok().filter(|n| *n <= body_bytes).map(Incoming::Length),
            Framing::Chunked => Some(Incoming::Chunked(Box::default())),
        };
        if connection.incoming.is_none() {
            return refuse(connection, &too_big());
        }
        // What is refused whatever its body says need not be sent.
        if connection.refused.is_some() && !matches!(connection.incoming, Some(Incoming::Length(0))) {
            connection.keep = false;
            return self.refuse_stranger(key);
        }
        let Some(connection) = self.connection(key) else { return Step::Wait };
        if let Some(Incoming::Length(bytes)) = connection.incoming
            && connection.input.len() >= bytes
        {
            return self.take_whole(net, key, bytes);
        }
        let head = connection.head.as_deref();
        if head.is_some_and(|head| head.fields().has_token(Known::Expect, "100-continue")) {
            connection.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        connection.phase = Phase::Body;
        net.set_deadline(key, Some(self.limits.body));
        Step::Go
    }

    /// All of a request is there, and its body lies where it was read.
    fn take_whole(&mut self, net: &mut Net, key: Key, bytes: usize) -> Step {
        let Some(connection) = self.connection(key) else { return Step::Wait };
        let mut input = std::mem::take(&mut connection.input);
        let Some(head) = connection.head.take() else { return Step::Close };
        self.request(net, key, &head, &input.data()[..bytes]);
        input.consume(bytes);
        give_back(&mut self.heads, Some(head));
        match self.connection(key) {
            Some(connection) => connection.input = input,
            None => input.clear(&mut net.buffers),
        }
        Step::Go
    }

    fn read_body(&mut self, net: &mut Net, key: Key) -> Step {
        let limit = self.limits.body_bytes;
        loop {
            let Some(connection) = self.connection(key) else { return Step::Wait };
            match gather(connection, limit) {
                Ok(true) => return self.take_gathered(net, key),
                Ok(false) => {}
                Err(refusal) => return refuse(connection, &refusal),
            }
            if let Some(step) = flushed(net, connection) {
                return step;
            }
            match net.read_into(key, &mut connection.input) {
                Ok(0) => return Step::Close,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::Wait,
                Err(_) => return Step::Close,
            }
        }
    }

    fn take_gathered(&mut self, net: &mut Net, key: Key) -> Step {
        let Some(connection) = self.connection(key) else { return Step::Wait };
        let body = std::mem::take(&mut connection.body);
        let Some(head) = connection.head.take() else { return Step::Close };
        self.request(net, key, &head, &body);
        give_back(&mut self.heads, Some(head));
        Step::Go
    }

    fn request(&mut self, net: &mut Net, key: Key, head: &RequestHead, body: &[u8]) {
        let Some(connection) = self.connection(key) else { return };
        connection.phase = Phase::Waiting;
        net.set_deadline(key, None);
        match connection.refused.take() {
            Some(refused) => self.say_refused(key, refused),
            None => self.route(net, key, head, body),
        }
    }

    fn refuse_stranger(&mut self, key: Key) -> Step {
        let Some(refused) = self.connection(key).and_then(|connection| connection.refused.take()) else {
            return Step::Close;
        };
        self.say_refused(key, refused);
        Step::Go
    }

    fn say_refused(&mut self, key: Key, refused: Refused) {
        let Some(connection) = self.connection(key) else { return };
        match refused {
            Refused::Host => connection.words(
                403,
                "",
                "Host is not this server: it serves this machine alone, by its loopback names.",
            ),
            Refused::Origin => connection.words(403, "", "Pages of this origin may not ask."),
            Refused::Token => {
                connection.words(401, "WWW-Authenticate: Bearer\r\n", "The bearer token is missing or wrong.")
            }
            Refused::Target => connection.words(400, "", "The target of a request to this server is a path."),
        }
    }

    /// The deadline of a connection has passed.
    pub(super) fn too_late(&mut self, net: &mut Net, key: Key) {
        let keep_alive = self.limits.keep_alive;
        // What was said in this very turn has not been sent yet; a peer that does not take it has gone.
        if self.connection(key).is_some_and(|connection| connection.waiting() > 0) {
            self.push(net, key);
            return match self.connection(key).map(|connection| connection.waiting()) {
                Some(0) => net.set_deadline(key, Some(keep_alive)),
                Some(_) => self.close(net, key),
                None => {}
            };
        }
        let Some(connection) = self.connection(key) else { return };
        match connection.phase {
            Phase::Waiting => self.lose_patience(net, key),
            Phase::Streaming => {
                connection.comment();
                net.set_deadline(key, Some(keep_alive));
                self.push(net, key);
            }
            Phase::Head | Phase::Body | Phase::Closing | Phase::Linger => self.close(net, key),
        }
    }
}

#[allow(clippy::vec_box, reason = "what is lent is moved as a pointer")]
fn give_back(heads: &mut Vec<Box<RequestHead>>, head: Option<Box<RequestHead>>) {
    if let Some(mut head) = head.filter(|_| heads.len() < HEADS_MAX) {
        head.clear();
        heads.push(head);
    }
}

const fn too_big() -> Refusal {
    Refusal::new(413, "The body is bigger than this server takes.")
}

fn refuse(connection: &mut Connection, refusal: &Refusal) -> Step {
    refusal_answer(refusal, false, &mut connection.out);
    connection.phase = Phase::Closing;
    Step::Go
}

/// Writes; a step if not all of it was taken.
fn flushed(net: &mut Net, connection: &mut Connection) -> Option<Step> {
    match connection.flush(net) {
        Ok(true) => None,
        Ok(false) => {
            net.set_deadline(connection.key, Some(STALL));
            Some(Step::Wait)
        }
        Err(()) => Some(Step::Close),
    }
}

/// Takes what came of a body; whether it is whole.
fn gather(connection: &mut Connection, limit: usize) -> Result<bool, Refusal> {
    let Connection { incoming, input, body, .. } = connection;
    match incoming {
        None => Ok(true),
        Some(Incoming::Length(all)) => {
            let count = input.len().min(*all - body.len());
            body.extend_from_slice(&input.data()[..count]);
            input.consume(count);
            Ok(body.len() == *all)
        }
        Some(Incoming::Chunked(decoder)) => gather_chunks(decoder, input, body, limit),
    }
}

fn gather_chunks(decoder: &mut Decoder, input: &mut Buffer, body: &mut Vec<u8>, limit: usize) -> Result<bool, Refusal> {
    while !input.is_empty() {
        let used = match decoder.decode(input.data())? {
            Decoded::Data { payload, used } => {
                if body.len() + payload.len() > limit {
                    return Err(too_big());
                }
                body.extend_from_slice(payload);
                used
            }
            Decoded::More => input.len(),
            Decoded::End { used } => {
                input.consume(used);
                return Ok(true);
            }
        };
        input.consume(used);
    }
    Ok(false)
}

/// A request goes on, or a stream does: writes, and sees whether the client has gone.
fn hold(net: &mut Net, connection: &mut Connection) -> Step {
    if connection.flush(net).is_err() {
        return Step::Close;
    }
    // In the legacy era a client that waits for one answer may have said all that it has to say.
    let waits_on = connection.phase == Phase::Waiting
        && connection
            .exchange
            .as_ref()
            .is_some_and(|exchange| exchange.era == Era::Legacy && exchange.reads == Reads::Own);
    if net.has_ended(connection.key) {
        if !waits_on {
            return Step::Close;
        }
        connection.keep = false;
    }
    Step::Wait
}

fn say_last(net: &mut Net, connection: &mut Connection) -> Step {
    if let Some(step) = flushed(net, connection) {
        return step;
    }
    net.shutdown_write(connection.key);
    connection.input.clear(&mut net.buffers);
    connection.phase = Phase::Linger;
    net.set_deadline(connection.key, Some(LINGER));
    Step::Go
}

/// Throws away what still comes.
fn linger(net: &mut Net, connection: &mut Connection) -> Step {
    loop {
        match net.read_into(connection.key, &mut connection.input) {
            Ok(0) => return Step::Close,
            Ok(count) => {
                connection.drained += count;
                connection.input.clear(&mut net.buffers);
                if connection.drained > LINGER_BYTES {
                    return Step::Close;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::Wait,
            Err(_) => return Step::Close,
        }
    }
}
