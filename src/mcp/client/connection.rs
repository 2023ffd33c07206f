//! Bytes on one connection: a request goes out in one write, a head and the body behind it come back, each with a deadline.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::target::Target;
use crate::error::{Code, Error, Result};
use crate::wire::http1::{
    Decoded, Decoder, Framing, Method, Parsed, ResponseHead, framing::keeps_alive, parse_response, response_framing,
};

/// So much is read at once.
const READ_BYTES: usize = 32 * 1024;
/// Longest wait for this machine to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// An open connection to a server.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Arc<TcpStream>,
    buffer: Vec<u8>,
    /// Whether it has carried an exchange before.
    pub(super) was_used: bool,
    /// Whether the instance that is meant is known to be at its other end.
    pub(super) is_sure: bool,
}

/// Lets go of a connection from another thread.
pub(super) fn cut(stream: &TcpStream) {
    // It may be closed already, which is what is wanted.
    let _ = stream.shutdown(Shutdown::Both);
}

impl Connection {
    pub(super) fn open(target: &Target, until: Option<Instant>) -> Result<Connection> {
        let mut refused = None;
        for address in &target.addresses {
            let limit = left(until)?.unwrap_or(CONNECT_LIMIT).min(CONNECT_LIMIT);
            match TcpStream::connect_timeout(address, limit) {
                Ok(stream) => {
                    // Without it a request in two packets would wait for the other side's word.
                    let _ = stream.set_nodelay(true);
                    return Ok(Connection {
                        stream: Arc::new(stream),
                        buffer: Vec::new(),
                        was_used: false,
                        is_sure: false,
                    });
                }
                Err(error) => refused = Some(error),
            }
        }
        let why = refused.map_or_else(String::new, |error| format!(": {error}"));
        let message =
            format!("nothing answers at http://{}{}{why}; has that Brummer ended?", target.authority, target.path);
        Err(Error::new("mcp", Code::Network, message).temporary())
    }

    pub(super) fn stream(&self) -> Arc<TcpStream> {
        Arc::clone(&self.stream)
    }

    /// Whether the other side has neither closed it nor said anything unasked.
    pub(super) fn is_quiet(&self) -> bool {
        let mut asked = [PollFd::new(&*self.stream, PollFlags::IN)];
        let said = poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        said.is_ok_and(|count| count == 0) && self.buffer.is_empty()
    }

    pub(super) fn send(&mut self, bytes: &[u8], until: Option<Instant>) -> Result<()> {
        let limit = left(until)?;
        let mut stream = &*self.stream;
        let written = stream.set_write_timeout(limit).and_then(|()| stream.write_all(bytes));
        written.map_err(|error| lost(&error))
    }

    /// Reads more; `false` at the end.
    fn fill(&mut self, until: Option<Instant>) -> Result<bool> {
        let limit = left(until)?;
        let mut stream = &*self.stream;
        stream.set_read_timeout(limit).map_err(|error| lost(&error))?;
        let before = self.buffer.len();
        self.buffer.resize(before + READ_BYTES, 0);
        let read = loop {
            match stream.read(&mut self.buffer[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(before + read.as_ref().map_or(0, |bytes| *bytes));
        read.map(|bytes| bytes > 0).map_err(|error| lost(&error))
    }

    /// Reads the head of the answer to a request with this method.
    pub(super) fn head(&mut self, method: Method, until: Option<Instant>) -> Result<(ResponseHead, Body)> {
        let mut head = ResponseHead::default();
        loop {
            match parse_response(&self.buffer, &mut head).map_err(garbage)? {
                Parsed::Complete { bytes } => {
                    self.buffer.drain(..bytes);
                    // What comes before the answer proper says nothing here.
                    if head.status() >= 200 {
                        break;
                    }
                    head.clear();
                    if !self.buffer.is_empty() {
                        continue;
                    }
                }
                Parsed::Partial => {}
            }
            if !self.fill(until)? {
                return Err(lost(&io::ErrorKind::UnexpectedEof.into()));
            }
        }
        let framing = response_framing(&head, method).map_err(garbage)?;
        let stays = keeps_alive(head.version(), head.fields()) && framing != Framing::UntilClose;
        let left = if let Framing::Length(bytes) = framing { bytes } else { 0 };
        Ok((head, Body { framing, left, decoder: Decoder::new(), stays, ended: false }))
    }
}

/// How far the body of an answer was read.
#[derive(Debug)]
pub(super) struct Body {
    framing: Framing,
    left: u64,
    decoder: Decoder,
    stays: bool,
    ended: bool,
}

impl Body {
    /// Whether the connection can carry another exchange now.
    pub(super) fn leaves_it_usable(&self) -> bool {
        self.ended && self.stays
    }

    /// Appends what comes next; `false` when there is no more.
    pub(super) fn read(&mut self, from: &mut Connection, into: &mut Vec<u8>, until: Option<Instant>) -> Result<bool> {
        let before = into.len();
        loop {
            self.take(from, into)?;
            if self.ended || into.len() > before {
                return Ok(into.len() > before);
            }
            if !from.fill(until)? {
                return match self.framing {
                    Framing::UntilClose => {
                        self.ended = true;
                        Ok(false)
                    }
                    _ => Err(lost(&io::ErrorKind::UnexpectedEof.into())),
                };
            }
        }
    }

    /// Takes what is in the buffer.
    fn take(&mut self, from: &mut Connection, into: &mut Vec<u8>) -> Result<()> {
        match self.framing {
            Framing::None => self.ended = true,
            Framing::UntilClose => into.append(&mut from.buffer),
            Framing::Length(_) => {
                let bytes = usize::try_from(self.left).unwrap_or(usize::MAX).min(from.buffer.len());
                into.extend(from.buffer.drain(..bytes));
                self.left -= bytes as u64;
                self.ended = self.left == 0;
            }
            Framing::Chunked => {
                let mut at = 0;
                while !self.ended {
                    match self.decoder.decode(&from.buffer[at..]).map_err(garbage)? {
                        Decoded::Data { payload, used } => {
                            into.extend_from_slice(payload);
                            at += used;
                        }
                        Decoded::More => {
                            at = from.buffer.len();
                            break;
                        }
                        Decoded::End { used } => {
                            at += used;
                            self.ended = true;
                        }
                    }
                }
                from.buffer.drain(..at);
            }
        }
        Ok(())
    }
}

/// What is left until then; `None`: there is no end.
fn left(until: Option<Instant>) -> Result<Option<Duration>> {
    match until.map(|until| until.saturating_duration_since(Instant::now())) {
        Some(Duration::ZERO) => Err(Error::new("mcp", Code::Timeout, "no answer came in time")),
        other => Ok(other),
    }
}

fn lost(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            Error::new("mcp", Code::Timeout, "no answer came in time")
        }
        _ => Error::new("mcp", Code::Network, format!("the connection broke before the answer was whole: {error}"))
            .temporary(),
    }
}

fn garbage(refusal: crate::wire::http1::Refusal) -> Error {
    Error::new("mcp", Code::Network, format!("what answers there does not speak HTTP: {}", refusal.reason))
}
