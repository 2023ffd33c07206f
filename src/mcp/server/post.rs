//! The one endpoint: what is asked of it by POST, GET and DELETE, and which era a message belongs to.

use std::borrow::Cow;
use std::sync::Arc;

use super::connection::{Exchange, Phase, Reads};
use super::core::Core;
use super::methods::{Asked, Carrier};
use super::sessions::SessionId;
use crate::io::net::{Key, Net};
use crate::mcp::protocol::{CallError, Era, Version, code, meta};
use crate::wire::http1::{Method, RequestHead, tokens};
use crate::wire::jsonrpc::{Fault, Id, Members, Message, is_batch, parse, parse_batch, write_error};

/// What the head of a POST says of its answer.
#[derive(Clone, Copy)]
pub(super) struct Takes {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Core {
    /// A request is there as a whole.
    pub(super) fn route(&mut self, net: &mut Net, key: Key, head: &RequestHead, body: &[u8]) {
        let path = head.path().split(|byte| *byte == b'?').next().unwrap_or_default();
        match (path, head.kind()) {
            (b"/mcp", Method::Post) => self.post(net, key, head, body),
            (b"/mcp", Method::Get) => self.get(net, key, head),
            (b"/mcp", Method::Delete) => self.delete(net, key, head),
            (b"/sse", Method::Get) => self.get_old(net, key),
            (b"/messages", Method::Post) => self.post_old(net, key, head, body),
            (b"/mcp", _) => {
                self.words(key, 405, "Allow: GET, POST, DELETE\r\n", "POST a message, GET a stream, DELETE a session.")
            }
            (b"/sse", _) => self.words(key, 405, "Allow: GET\r\n", "GET the stream; it says where to POST."),
            (b"/messages", _) => self.words(key, 405, "Allow: POST\r\n", "POST a message."),
            _ => self.words(key, 404, "", "The endpoint of this server is /mcp."),
        }
    }

    pub(super) fn words(&mut self, key: Key, status: u16, fields: &str, text: &str) {
        if let Some(connection) = self.connection(key) {
            connection.words(status, fields, text);
        }
    }

    /// Refuses a message as a whole.
    pub(super) fn say_fault(&mut self, key: Key, status: u16, fault: &Fault) {
        let error = CallError::new(fault.code, fault.message.clone());
        self.say_error(key, status, fault.id.as_ref(), &error);
    }

    pub(super) fn say_error(&mut self, key: Key, status: u16, id: Option<&Id>, error: &CallError) {
        let mut body = Vec::new();
        write_error(id, error.code, &error.message, error.data.as_ref().map(|data| data.get()), &mut body);
        if let Some(connection) = self.connection(key) {
            connection.json(status, &body);
        }
    }

    fn post(&mut self, net: &mut Net, key: Key, head: &RequestHead, body: &[u8]) {
        if !is_json(head) {
            return self.words(key, 415, "", "The body of a POST is JSON: Content-Type: application/json.");
        }
        let takes = takes(head);
        if !takes.json && !takes.events {
            return self.words(
                key,
                406,
                "",
                "Answers are application/json or text/event-stream; Accept should have both.",
            );
        }
        if is_batch(body) {
            return self.post_batch(net, key, head, takes, body);
        }
        match parse(body) {
            Err(fault) => self.say_fault(key, 400, &fault),
            Ok(Message::Request { id, method, params }) => {
                match Asked::of(id, method, params) {
                    Err(fault) => self.say_fault(key, 400, &fault),
                    Ok(asked) if is_modern(head, &asked) => self.post_modern(net, key, head, takes, asked),
                    Ok(asked) => self.post_legacy(net, key, head, takes, asked),
                };
            }
            Ok(_) if version_of(head).is_some_and(|version| version.era() == Era::Modern) => self.accepted(key),
            Ok(message) => match self.session_of(net, head) {
                Err((status, error)) => self.say_error(key, status, None, &error),
                Ok(session) => {
                    self.legacy_told(net, session.as_ref(), message);
                    self.accepted(key);
                }
            },
        }
    }

    pub(super) fn accepted(&mut self, key: Key) {
        if let Some(connection) = self.connection(key) {
            connection.accepted();
        }
    }

    fn post_modern(&mut self, net: &mut Net, key: Key, head: &RequestHead, takes: Takes, mut asked: Asked<'_>) {
        let checked = self.check_headers(head, &asked).and_then(|()| self.who_is(&asked.meta));
        match checked {
            Err(error) => self.say_error(key, 400, Some(&asked.id), &error),
            Ok(who) => {
                asked.who = who;
                self.begin_exchange(key, Era::Modern, None, takes, 1);
                self.obey(net, asked, Carrier::Reply(key));
            }
        }
    }

    fn post_legacy(&mut self, net: &mut Net, key: Key, head: &RequestHead, takes: Takes, mut asked: Asked<'_>) {
        let session = match asked.method == "initialize" {
            true => None,
            false => match self.session_of(net, head) {
                Ok(session) => session,
                Err((status, error)) => return self.say_error(key, status, Some(&asked.id), &error),
            },
        };
        asked.who = self.legacy_who(session.as_ref(), version_of(head));
        self.begin_exchange(key, Era::Legacy, session, takes, 1);
        self.obey(net, asked, Carrier::Reply(key));
    }

    fn post_batch(&mut self, net: &mut Net, key: Key, head: &RequestHead, takes: Takes, body: &[u8]) {
        let session = match self.session_of(net, head) {
            Ok(session) => session,
            Err((status, error)) => return self.say_error(key, status, None, &error),
        };
        let negotiated = session.as_ref().and_then(|id| self.sessions.get(id)).map(|session| session.version);
        if negotiated.or(version_of(head)) != Some(Version::V2025_03_26) {
            let fault = Fault::invalid("Batches exist in revision 2025-03-26 alone; send each message by itself.");
            return self.say_fault(key, 400, &fault);
        }
        let parts = match parse_batch(body) {
            Ok(parts) => parts,
            Err(fault) => return self.say_fault(key, 400, &fault),
        };
        let wants_answer = |part: &Result<Message<'_>, Fault>| matches!(part, Ok(Message::Request { .. }) | Err(_));
        let expected = parts.iter().filter(|part| wants_answer(part)).count();
        if expected > 0 {
            self.begin_exchange(key, Era::Legacy, session.clone(), takes, expected);
            if let Some(exchange) = self.connection(key).and_then(|connection| connection.exchange.as_mut()) {
                exchange.batch = Some(Vec::with_capacity(expected));
            }
        }
        for part in parts {
            self.part_of_batch(net, key, session.as_ref(), part);
        }
        if expected == 0 {
            self.accepted(key);
        }
    }

    fn part_of_batch(
        &mut self,
        net: &mut Net,
        key: Key,
        session: Option<&SessionId>,
        part: Result<Message<'_>, Fault>,
    ) {
        let carrier = Carrier::Reply(key);
        let asked = match part {
            Ok(Message::Request { id, method, params }) => Asked::of(id, method, params),
            Ok(message) => return self.legacy_told(net, session, message),
            Err(fault) => Err(fault),
        };
        match asked {
            Ok(mut asked) => {
                asked.who = self.legacy_who(session, None);
                self.obey(net, asked, carrier);
            }
            Err(fault) => {
                let mut message = Vec::new();
                write_error(fault.id.as_ref(), fault.code, &fault.message, None, &mut message);
                self.deliver_answer(net, &carrier, 400, message);
            }
        }
    }

    pub(super) fn begin_exchange(
        &mut self,
        key: Key,
        era: Era,
        session: Option<SessionId>,
        takes: Takes,
        expected: usize,
    ) {
        let Some(connection) = self.connection(key) else { return };
        connection.phase = Phase::Waiting;
        connection.exchange = Some(Box::new(Exchange {
            era,
            session,
            announces: false,
            takes_json: takes.json,
            takes_events: takes.events,
            expected,
            batch: None,
            reads: Reads::Own,
        }));
    }

    /// The session that a head names; none if it names none.
    pub(super) fn session_of(&mut self, net: &Net, head: &RequestHead) -> Result<Option<SessionId>, (u16, CallError)> {
        if let Some(version) = head.field("mcp-protocol-version")
            && version_of(head).is_none()
        {
            return Err((400, unsupported(&String::from_utf8_lossy(version))));
        }
        let Some(name) = head.field("mcp-session-id") else { return Ok(None) };
        let name = std::str::from_utf8(name).unwrap_or_default();
        let Some((id, session)) =
            self.sessions.0.get_key_value(name).map(|(id, _)| Arc::clone(id)).zip(self.sessions.get_mut(name))
        else {
            let text = "No session has this id, or it has ended: begin with initialize, without Mcp-Session-Id.";
            return Err((404, CallError::new(code::INVALID_REQUEST, text)));
        };
        session.used = net.now();
        Ok(Some(id))
    }
}

/// The revision is not spoken here.
pub(super) fn unsupported(requested: &str) -> CallError {
    // Those that a request can be written in; the others begin with `initialize`.
    let supported = [Version::NEWEST.as_str()];
    CallError::new(code::UNSUPPORTED_VERSION, format!("Revision {requested} is not spoken here."))
        .with_data(&serde_json::json!({ "supported": supported, "requested": requested }))
}

/// The revision that the head names, if it is spoken.
pub(super) fn version_of(head: &RequestHead) -> Option<Version> {
    Version::of(std::str::from_utf8(head.field("mcp-protocol-version")?).ok()?)
}

/// A request says in its body that it stands alone, or in its head, or by what only the modern era has.
fn is_modern(head: &RequestHead, asked: &Asked<'_>) -> bool {
    asked.meta.get(meta::VERSION).is_some()
        || version_of(head).is_some_and(|version| version.era() == Era::Modern)
        || matches!(&*asked.method, "server/discover" | "subscriptions/listen")
}

fn is_json(head: &RequestHead) -> bool {
    let value = head.field("content-type").unwrap_or_default();
    let media = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    media.eq_ignore_ascii_case(b"application/json")
}

fn takes(head: &RequestHead) -> Takes {
    let mut takes = Takes { json: false, events: false };
    let mut any = false;
    for field in head.fields().iter().filter(|field| field.is("accept")) {
        for part in tokens(field.value) {
            any = true;
            let media = part.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            let all = media == b"*/*";
            takes.json |= all || media.eq_ignore_ascii_case(b"application/json") || media == b"application/*";
            takes.events |= all || media.eq_ignore_ascii_case(b"text/event-stream") || media == b"text/*";
        }
    }
    if any { takes } else { Takes { json: true, events: false } }
}

impl<'a> Asked<'a> {
    /// Takes a request apart.
    pub(super) fn of(
        id: Id,
        method: Cow<'a, str>,
        params: Option<&'a serde_json::value::RawValue>,
    ) -> Result<Asked<'a>, Fault> {
        let members = |raw: Option<&'a serde_json::value::RawValue>, what: &'static str| match raw {
            None => Ok(Members::default()),
            Some(raw) => Members::of_raw(raw).map_err(|fault| {
                Fault::new(code::INVALID_PARAMS, format!("`{what}`: {}", fault.message)).of(Some(id.clone()))
            }),
        };
        let params = members(params, "params")?;
        let meta = members(params.get("_meta"), "_meta")?;
        Ok(Asked { id, method, params, meta, who: super::methods::Who::default() })
    }
}
