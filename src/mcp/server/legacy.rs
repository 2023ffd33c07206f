//! What the legacy era asks beside: the handshake, sessions, their streams, and HTTP+SSE.

use std::sync::Arc;

use serde_json::json;

use super::connection::{Exchange, Phase, Reads};
use super::core::Core;
use super::limits::WATCHED_MAX;
use super::methods::{Asked, Carrier, Done, Who};
use super::post::version_of;
use super::sessions::{GENERAL, Session, SessionId, Way};
use super::stream::EventId;
use crate::io::net::{Key, Net};
use crate::mcp::protocol::{CallError, Client, Era, Level, Version, code, meta};
use crate::wire::http1::RequestHead;
use crate::wire::jsonrpc::{Id, Message, parse};

impl Core {
    pub(super) fn legacy(&mut self, net: &mut Net, asked: &Asked<'_>, carrier: &Carrier) -> Result<Done, CallError> {
        let empty = Ok(Done::Result("{}".into()));
        match &*asked.method {
            "ping" => empty,
            "initialize" => self.initialize(net, asked, carrier),
            "logging/setLevel" => {
                let level = Level::of(&asked.text("level")?);
                let level =
                    level.ok_or_else(|| CallError::invalid_params("`level` is none of the eight levels of syslog."))?;
                if let Some(session) = asked.who.session.as_ref().and_then(|id| self.sessions.get_mut(id)) {
                    session.log_level = level;
                }
                empty
            }
            "resources/subscribe" => {
                self.subscribe(asked, true)?;
                empty
            }
            "resources/unsubscribe" => {
                self.subscribe(asked, false)?;
                empty
            }
            _ => self.common(asked),
        }
    }

    fn subscribe(&mut self, asked: &Asked<'_>, watches: bool) -> Result<(), CallError> {
        let uri = asked.text("uri")?;
        let Some(session) = asked.who.session.as_ref().and_then(|id| self.sessions.get_mut(id)) else {
            return Err(CallError::new(code::INVALID_REQUEST, "Only a session can subscribe: begin with initialize."));
        };
        let changed = match watches {
            true if session.watched.len() >= WATCHED_MAX => {
                return Err(CallError::invalid_params("This session watches as many resources as it may."));
            }
            true => session.watched.insert(uri.clone()),
            false => session.watched.remove(&uri),
        };
        if changed {
            self.watch(&uri, watches);
        }
        Ok(())
    }

    /// Who asks, in the words of its session or of the head alone.
    pub(super) fn legacy_who(&self, session: Option<&SessionId>, header: Option<Version>) -> Who {
        match session.and_then(|id| self.sessions.get(id)) {
            Some(found) => Who {
                version: found.version,
                client: Arc::clone(&found.client),
                session: session.cloned(),
                log_level: Some(found.log_level),
            },
            None => Who { version: header.unwrap_or(Version::V2025_03_26), ..Who::default() },
        }
    }

    fn initialize(&mut self, net: &mut Net, asked: &Asked<'_>, carrier: &Carrier) -> Result<Done, CallError> {
        let requested = asked.text("protocolVersion")?;
        let version = Version::of(&requested).filter(|version| version.era() == Era::Legacy);
        let version = version.unwrap_or(Version::NEWEST_LEGACY);
        let client = Client::of(asked.params.get("clientInfo"), asked.params.get("capabilities"));
        match carrier {
            Carrier::Reply(key) => {
                let id = self.open_session(net, Way::Http, version, client);
                if let Some(exchange) = self.connection(*key).and_then(|connection| connection.exchange.as_mut()) {
                    (exchange.session, exchange.announces) = (Some(id), true);
                }
            }
            Carrier::OldSse(id) => {
                if let Some(session) = self.sessions.get_mut(id) {
                    (session.version, session.client) = (version, Arc::new(client));
                }
            }
            Carrier::Stdio => {
                if let Some(old) = self.stdio_session.take() {
                    self.end_session(net, &old);
                }
                self.stdio_session = Some(self.open_session(net, Way::Stdio, version, client));
            }
            Carrier::Stream(..) | Carrier::Task(_) | Carrier::Nobody => {}
        }
        let mut result = json!({
            "protocolVersion": version.as_str(),
            "capabilities": capabilities(Era::Legacy),
            "serverInfo": self.provider.server(),
        });
        if let Some(instructions) = &self.provider.server().instructions {
            result["instructions"] = instructions.as_str().into();
        }
        if let Some(instance) = &self.instance {
            result["_meta"] = json!({ meta::INSTANCE: instance });
        }
        Ok(Done::Result(result.to_string()))
    }

    pub(super) fn open_session(&mut self, net: &mut Net, way: Way, version: Version, client: Client) -> SessionId {
        while self.sessions.0.len() >= self.limits.sessions
            && let Some(oldest) = self.sessions.oldest()
        {
            self.end_session(net, &oldest);
        }
        let id: SessionId = self.seal.name().into();
        self.sessions.0.insert(Arc::clone(&id), Session::new(way, version, client, net.now()));
        self.tick(net);
        id
    }

    /// Ends a session: its calls are cancelled, its streams end.
    pub(super) fn end_session(&mut self, net: &mut Net, id: &SessionId) {
        let Some(session) = self.sessions.0.remove(id) else { return };
        for uri in &session.watched {
            self.watch(uri, false);
        }
        self.cancel_where(net, |pending| pending.shared.spec.session.as_ref() == Some(id));
        let old = match session.way {
            Way::OldSse(key) => Some(key),
            Way::Http | Way::Stdio => None,
        };
        for key in session.streams.values().filter_map(|stream| stream.reader).chain(old) {
            if let Some(connection) = self.connection(key).filter(|connection| connection.phase == Phase::Streaming) {
                connection.end_events();
                self.push(net, key);
            }
        }
    }

    pub(super) fn expire_sessions(&mut self, net: &mut Net) {
        let (now, limit) = (net.now(), self.limits.session_idle);
        let is_old = |session: &Session| !session.is_heard() && now.duration_since(session.used) > limit;
        let old: Vec<SessionId> =
            self.sessions.0.iter().filter(|(_, session)| is_old(session)).map(|(id, _)| Arc::clone(id)).collect();
        old.iter().for_each(|id| self.end_session(net, id));
    }

    /// A notification, or the answer to a question.
    pub(super) fn legacy_told(&mut self, net: &mut Net, session: Option<&SessionId>, message: Message<'_>) {
        match message {
            Message::Notification { method, params } if method == "notifications/cancelled" => {
                let id = params.and_then(|params| crate::wire::jsonrpc::Members::of_raw(params).ok());
                if let Some(id) = id.and_then(|members| members.read::<Id>("requestId")) {
                    self.cancel_where(net, |pending| {
                        pending.id == id && pending.shared.spec.session.as_ref() == session
                    });
                }
            }
            Message::Response { id: Some(Id::Integer(number)), outcome } => {
                let outcome = outcome.map_err(|failure| CallError::new(failure.code, failure.message));
                self.answered(net, session, number, outcome.map(|result| result.get()));
            }
            _ => {}
        }
    }

    /// A stream of what belongs to no request, or of what a client missed.
    pub(super) fn get(&mut self, net: &mut Net, key: Key, head: &RequestHead) {
        let accepts = head.fields().iter().any(|field| {
            field.is("accept") && field.value.to_ascii_lowercase().windows(17).any(|part| part == b"text/event-stream")
        });
        if version_of(head).is_some_and(|version| version.era() == Era::Modern) {
            return self.words(key, 405, "Allow: POST\r\n", "Revision 2026-07-28 has subscriptions/listen instead.");
        }
        if !accepts {
            return self.words(key, 406, "", "A GET is answered with text/event-stream; Accept must have it.");
        }
        let session = match self.session_of(net, head) {
            Err((status, error)) => return self.say_error(key, status, None, &error),
            Ok(None) => {
                let error = CallError::new(code::INVALID_REQUEST, "Mcp-Session-Id is missing: begin with initialize.");
                return self.say_error(key, 400, None, &error);
            }
            Ok(Some(session)) => session,
        };
        let last = head.field("last-event-id").and_then(|id| std::str::from_utf8(id).ok());
        self.attach(net, key, &session, last.and_then(EventId::of));
    }

    fn attach(&mut self, net: &mut Net, key: Key, id: &SessionId, last: Option<EventId>) {
        let (keep_alive, retry) = (self.limits.keep_alive, self.limits.retry.as_millis());
        let number = last.map_or(GENERAL, |last| last.stream);
        let Some(session) = self.sessions.get_mut(id) else { return };
        let can_prime = session.version >= Version::V2025_11_25;
        let (mut missed, mut before, mut prime) = (Vec::new(), None, None);
        let is_over;
        match session.streams.get_mut(&number) {
            Some(stream) => {
                missed.extend(
                    last.iter()
                        .flat_map(|last| stream.after(last.number).map(|(number, bytes)| (number, bytes.to_vec()))),
                );
                is_over = number != GENERAL && stream.expected == 0;
                before = stream.reader.replace(key);
                prime = (can_prime && missed.is_empty()).then(|| EventId { stream: number, number: stream.number() });
            }
            // What it wants to come back to is forgotten: there is nothing more to be had.
            None => is_over = true,
        }
        if let Some(before) = before.filter(|before| *before != key) {
            self.close(net, before);
        }
        let Some(connection) = self.connection(key) else { return };
        connection.exchange = Some(Box::new(Exchange {
            era: Era::Legacy,
            session: Some(Arc::clone(id)),
            announces: false,
            takes_json: false,
            takes_events: true,
            expected: 0,
            batch: None,
            reads: Reads::Stream(number),
        }));
        connection.begin_events();
        if let Some(prime) = prime {
            connection.prime(prime, retry);
        }
        for (event, bytes) in missed {
            connection.event(Some(EventId { stream: number, number: event }), &bytes);
        }
        if is_over {
            connection.end_events();
            self.forget_stream(id, number);
            return;
        }
        net.set_deadline(key, Some(keep_alive));
        if number == GENERAL {
            self.tell_missed(net, id);
        }
    }

    /// The client has everything of this stream.
    fn forget_stream(&mut self, id: &SessionId, number: u64) {
        if let Some(stream) = self.sessions.get_mut(id).and_then(|session| session.streams.get_mut(&number)) {
            stream.reader = None;
        }
    }

    pub(super) fn delete(&mut self, net: &mut Net, key: Key, head: &RequestHead) {
        if version_of(head).is_some_and(|version| version.era() == Era::Modern) {
            return self.words(key, 405, "Allow: POST\r\n", "Revision 2026-07-28 has no sessions.");
        }
        match self.session_of(net, head) {
            Err((status, error)) => self.say_error(key, status, None, &error),
            Ok(None) => self.words(key, 400, "", "Mcp-Session-Id says which session is to end."),
            Ok(Some(session)) => {
                self.end_session(net, &session);
                if let Some(connection) = self.connection(key) {
                    connection.answer(200, "", b"");
                }
            }
        }
    }

    /// Opens the stream of HTTP+SSE, whose first event says where to post.
    pub(super) fn get_old(&mut self, net: &mut Net, key: Key) {
        let id = self.open_session(net, Way::OldSse(key), Version::V2024_11_05, Client::default());
        let keep_alive = self.limits.keep_alive;
        let Some(connection) = self.connection(key) else { return };
        connection.exchange = Some(Box::new(Exchange {
            era: Era::Legacy,
            session: Some(Arc::clone(&id)),
            announces: false,
            takes_json: false,
            takes_events: true,
            expected: 0,
            batch: None,
            reads: Reads::OldSse,
        }));
        connection.begin_events();
        connection.named_event("endpoint", &format!("/messages?sessionId={id}"));
        net.set_deadline(key, Some(keep_alive));
    }

    /// A message of HTTP+SSE: it is accepted, and answered over the stream.
    pub(super) fn post_old(&mut self, net: &mut Net, key: Key, head: &RequestHead, body: &[u8]) {
        let query = head.path().split(|byte| *byte == b'?').nth(1).unwrap_or_default();
        let name =
            query.split(|byte| *byte == b'&').find_map(|part| part.strip_prefix(b"sessionId=")).unwrap_or_default();
        let name = std::str::from_utf8(name).unwrap_or_default();
        let found = self.sessions.0.get_key_value(name).filter(|(_, session)| matches!(session.way, Way::OldSse(_)));
        let Some(id) = found.map(|(id, _)| Arc::clone(id)) else {
            return self.words(key, 404, "", "No session has this id, or its stream has ended: GET /sse again.");
        };
        match parse(body) {
            Err(fault) => return self.say_fault(key, 400, &fault),
            Ok(Message::Request { id: request, method, params }) => match Asked::of(request, method, params) {
                Err(fault) => return self.say_fault(key, 400, &fault),
                Ok(mut asked) => {
                    asked.who = self.legacy_who(Some(&id), None);
                    self.accepted(key);
                    return self.obey(net, asked, Carrier::OldSse(id));
                }
            },
            Ok(message) => self.legacy_told(net, Some(&id), message),
        }
        self.accepted(key);
    }
}

/// What this server can do.
pub(super) fn capabilities(era: Era) -> serde_json::Value {
    let mut all = json!({
        "tools": { "listChanged": true },
        "resources": { "listChanged": true, "subscribe": true },
        "prompts": { "listChanged": true },
        "logging": {},
        "completions": {},
    });
    if era == Era::Modern {
        all["extensions"] = json!({ crate::mcp::protocol::meta::TASKS: {} });
    }
    all
}
