//! Reads the answer to one request: one message, or a stream of events in which others come first.

use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::connection::{Body, Connection};
use crate::error::{Code, Error, Result};
use crate::wire::http1::ResponseHead;
use crate::wire::jsonrpc::{Id, Message, parse};
use crate::wire::sse::EventStream;

/// A longer message is refused.
pub(super) const MESSAGE_BYTES_MAX: usize = 32 << 20;
/// So much of an error's text is shown.
const SHOWN_CHARS: usize = 200;

/// The answer to a request, as the server gave it.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A result, untouched.
    Result(Box<RawValue>),
    /// An error, untouched.
    Failure {
        /// What kind it is.
        code: i32,
        /// What went wrong.
        message: String,
        /// More about it.
        data: Option<Box<RawValue>>,
    },
}

impl Reply {
    /// The result, or the server's error as one of ours.
    ///
    /// # Errors
    /// The server answered with an error.
    pub fn result(self) -> Result<Box<RawValue>> {
        match self {
            Reply::Result(result) => Ok(result),
            Reply::Failure { code, message, .. } => {
                Err(Error::new("mcp", Code::InvalidState, format!("the server refused: {message} ({code})")))
            }
        }
    }
}

/// What a server says while a call goes on, or unasked.
#[derive(Clone, Copy, Debug)]
pub enum Incoming<'a> {
    /// The stream that [`super::Client::listen`] has asked for is there in the legacy era: what is said from now on is heard.
    Opened,
    /// It wants no answer.
    Notification {
        /// What it is: `notifications/progress`.
        method: &'a str,
        /// An object, if there is anything.
        params: Option<&'a RawValue>,
    },
    /// It wants one: see [`super::Client::respond`].
    Request {
        /// What the answer must carry.
        id: &'a Id,
        /// What is asked: `elicitation/create`.
        method: &'a str,
        /// An object, if there is anything.
        params: Option<&'a RawValue>,
    },
}

/// What came back on a connection.
pub(super) enum Came {
    /// The answer.
    Reply(Reply),
    /// Nothing, as is right for a notification.
    Accepted,
    /// The stream ended, or broke, without the answer; what is needed to go on behind the last event.
    Broken { last: String, retry: Option<Duration>, error: Option<Error> },
    /// Another status; with the JSON-RPC error of its body, if that is one.
    Status { status: u16, failure: Option<Reply>, text: String },
}

/// What is told of messages that are not the answer.
pub(super) type Tell<'a> = &'a mut dyn FnMut(Incoming<'_>) -> Result<()>;

/// Reads on until the answer to `id` is there.
pub(super) fn read(
    head: &ResponseHead,
    body: &mut Body,
    from: &mut Connection,
    id: Option<&Id>,
    until: Option<Instant>,
    tell: Tell<'_>,
) -> Result<Came> {
    let kind = head.field("content-type").unwrap_or_default().to_ascii_lowercase();
    if head.status() == 200 && kind.starts_with(b"text/event-stream") {
        return stream(body, from, id, until, tell);
    }
    let text = whole(body, from, until)?;
    let reply = match parse(&text) {
        Ok(Message::Response { id: answered, outcome }) if answered.is_none() || answered.as_ref() == id => {
            Some(reply(outcome))
        }
        _ => None,
    };
    match (head.status(), reply) {
        (200, Some(reply)) => Ok(Came::Reply(reply)),
        (200..=204, _) if id.is_none() => Ok(Came::Accepted),
        (200, None) => Err(garbage(&text)),
        (status, failure) => Ok(Came::Status { status, failure, text: shown(&text) }),
    }
}

fn whole(body: &mut Body, from: &mut Connection, until: Option<Instant>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    while body.read(from, &mut text, until)? {
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(too_long());
        }
    }
    Ok(text)
}

fn stream(
    body: &mut Body,
    from: &mut Connection,
    id: Option<&Id>,
    until: Option<Instant>,
    tell: Tell<'_>,
) -> Result<Came> {
    let mut events = EventStream::new(MESSAGE_BYTES_MAX);
    let (mut last, mut answer, mut piece) = (String::new(), None, Vec::new());
    let retry = |events: &EventStream| events.retry_ms().map(Duration::from_millis);
    if id.is_none() {
        tell(Incoming::Opened)?;
    }
    loop {
        piece.clear();
        let more = match body.read(from, &mut piece, until) {
            Ok(more) => more,
            // A deadline is not the stream's fault; everything else may be gone on from.
            Err(error) if error.is_timeout() => return Err(error),
            Err(error) => return Ok(Came::Broken { last, retry: retry(&events), error: Some(error) }),
        };
        {
            let mut heard: Vec<Result<Vec<u8>>> = Vec::new();
            events.feed(&piece, |event| {
                if !event.id.is_empty() {
                    last = String::from_utf8_lossy(event.id).into_owned();
                }
                match event.kept.len() as u64 == event.bytes {
                    _ if event.bytes == 0 || event.kind != b"message" => {}
                    true => heard.push(Ok(event.kept.to_vec())),
                    false => heard.push(Err(too_long())),
                }
            });
            for text in heard {
                match pass(&text?, id, tell)? {
                    Some(reply) if answer.is_none() => answer = Some(reply),
                    _ => {}
                }
            }
        }
        match (answer.take(), more) {
            // The end of the body came in the same packet as a rule; if not, the connection is not used again.
            (Some(reply), _) => return Ok(Came::Reply(reply)),
            (None, true) => {}
            (None, false) => return Ok(Came::Broken { last, retry: retry(&events), error: None }),
        }
    }
}

/// Passes a message of a stream on, or finds it to be the answer.
fn pass(text: &[u8], id: Option<&Id>, tell: Tell<'_>) -> Result<Option<Reply>> {
    match parse(text) {
        Ok(Message::Response { id: answered, outcome }) if id.is_some() && answered.as_ref() == id => {
            Ok(Some(reply(outcome)))
        }
        Ok(Message::Notification { method, params }) => {
            tell(Incoming::Notification { method: &method, params }).map(|()| None)
        }
        Ok(Message::Request { id, method, params }) => {
            tell(Incoming::Request { id: &id, method: &method, params }).map(|()| None)
        }
        // The answer to another request has no place here, and does no harm.
        Ok(Message::Response { .. }) => Ok(None),
        Err(_) => Err(garbage(text)),
    }
}

fn reply(outcome: std::result::Result<&RawValue, crate::wire::jsonrpc::Failure<'_>>) -> Reply {
    match outcome {
        Ok(result) => Reply::Result(result.to_owned()),
        Err(failure) => Reply::Failure {
            code: failure.code,
            message: failure.message.into_owned(),
            data: failure.data.map(ToOwned::to_owned),
        },
    }
}

fn too_long() -> Error {
    let message = format!("the server's answer has more than {} MiB", MESSAGE_BYTES_MAX >> 20);
    Error::new("mcp", Code::ResourceLimit, message).permanent()
}

fn garbage(text: &[u8]) -> Error {
    Error::new("mcp", Code::Network, format!("the server's answer is no JSON-RPC: {}", shown(text)))
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect()
}
