//! Writing answers: whole ones in one piece, and streams of events.

use std::io::Write as _;

use super::connection::{Connection, Phase};
use super::stream::EventId;
use crate::wire::http1::chunked::{CHUNK_END, ChunkHeader, LAST_CHUNK};
use crate::wire::http1::phrase;

const EVENTS: &str =
    "Content-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n";

impl Connection {
    /// A whole answer.
    pub(super) fn answer(&mut self, status: u16, fields: &str, body: &[u8]) {
        self.status(status);
        // Writing to a vector cannot fail.
        let _ = write!(self.out, "{fields}Content-Length: {}\r\n", body.len());
        self.session_field();
        self.end_head();
        self.out.extend_from_slice(body);
        self.finish();
    }

    /// A whole answer of JSON.
    pub(super) fn json(&mut self, status: u16, body: &[u8]) {
        self.answer(status, "Content-Type: application/json\r\n", body);
    }

    /// A whole answer of words for a person.
    pub(super) fn words(&mut self, status: u16, fields: &str, text: &str) {
        let fields = format!("{fields}Content-Type: text/plain; charset=utf-8\r\n");
        self.answer(status, &fields, format!("{text}\n").as_bytes());
    }

    /// A stream of one event, whole.
    pub(super) fn one_event(&mut self, message: &[u8]) {
        let mut event = Vec::with_capacity(message.len() + 32);
        write_event(None, message, &mut event);
        self.answer(200, EVENTS, &event);
    }

    /// An answer without a body to what wants none.
    pub(super) fn accepted(&mut self) {
        self.answer(202, "", b"");
    }

    /// Begins a stream.
    pub(super) fn begin_events(&mut self) {
        self.status(200);
        self.out.extend_from_slice(EVENTS.as_bytes());
        match self.chunks {
            true => self.out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            false => self.keep = false,
        }
        self.session_field();
        self.end_head();
        self.phase = Phase::Streaming;
    }

    /// One message on the stream.
    pub(super) fn event(&mut self, id: Option<EventId>, message: &[u8]) {
        let mut event = Vec::with_capacity(message.len() + 48);
        write_event(id, message, &mut event);
        self.piece(&event);
    }

    /// The event of this name, which the client must know before all others.
    pub(super) fn named_event(&mut self, name: &str, data: &str) {
        self.piece(format!("event: {name}\ndata: {data}\n\n").as_bytes());
    }

    /// An event without contents: with its id the client can come back, after so many milliseconds.
    pub(super) fn prime(&mut self, id: EventId, retry_ms: u128) {
        self.piece(format!("id: {}\nretry: {retry_ms}\ndata: \n\n", id.text()).as_bytes());
    }

    /// A sign of life.
    pub(super) fn comment(&mut self) {
        self.piece(b":\n\n");
    }

    /// Ends the stream; the connection may go on.
    pub(super) fn end_events(&mut self) {
        if self.chunks {
            self.out.extend_from_slice(LAST_CHUNK);
        }
        self.finish();
    }

    fn piece(&mut self, bytes: &[u8]) {
        match self.chunks {
            true => {
                self.out.extend_from_slice(ChunkHeader::new(bytes.len()).as_bytes());
                self.out.extend_from_slice(bytes);
                self.out.extend_from_slice(CHUNK_END);
            }
            false => self.out.extend_from_slice(bytes),
        }
    }

    fn status(&mut self, status: u16) {
        let _ = write!(self.out, "HTTP/1.1 {status} {}\r\n", phrase(status));
    }

    fn session_field(&mut self) {
        let Some(exchange) = self.exchange.as_deref().filter(|exchange| exchange.announces) else { return };
        if let Some(session) = &exchange.session {
            let _ = write!(self.out, "Mcp-Session-Id: {session}\r\n");
        }
    }

    fn end_head(&mut self) {
        let line: &[u8] = match (self.keep, self.chunks) {
            (false, _) => b"Connection: close\r\n\r\n",
            (true, true) => b"\r\n",
            (true, false) => b"Connection: keep-alive\r\n\r\n",
        };
        self.out.extend_from_slice(line);
    }

    /// The exchange is over.
    fn finish(&mut self) {
        self.exchange = None;
        self.phase = if self.keep { Phase::Head } else { Phase::Closing };
    }
}

/// Line ends stand between the tokens of JSON only, where a space is as good; in an event they would be its end.
fn write_event(id: Option<EventId>, message: &[u8], out: &mut Vec<u8>) {
    if let Some(id) = id {
        let _ = writeln!(out, "id: {}", id.text());
    }
    out.extend_from_slice(b"event: message\ndata: ");
    let start = out.len();
    out.extend_from_slice(message);
    while let Some(at) = memchr::memchr2(b'\r', b'\n', &out[start..]) {
        out[start + at] = b' ';
    }
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_of_its_event() {
        let mut out = Vec::new();
        write_event(Some(EventId { stream: 1, number: 2 }), b"{\r\n\"a\":\n1}", &mut out);
        assert_eq!(out, b"id: 1-2\nevent: message\ndata: {  \"a\": 1}\n\n");
    }
}
