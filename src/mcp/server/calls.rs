//! Calls that go on: what they say, where it goes, and how they end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::connection::{Connection, Phase, Reads};
use super::core::Core;
use super::limits::OUT_BYTES_LOSSY;
use super::methods::Carrier;
use super::sessions::Way;
use super::stream::EventId;
use crate::io::net::{Key, Net};
use crate::mcp::call::{Call, CallSpec, Event, Progress, Shared};
use crate::mcp::protocol::{Answer, Ask, CallError, Era, Level, Version, code};
use crate::runtime::panics::contain;
use crate::sync::CancelFlag;
use crate::wire::jsonrpc::{Id, write_error, write_notification, write_result};

/// A call whose end has not come.
pub(super) struct Pending {
    pub(super) shared: Arc<Shared>,
    pub(super) carrier: Carrier,
    pub(super) id: Id,
    /// What the client wants its progress to be called, as JSON.
    pub(super) token: Option<String>,
    pub(super) asked: Option<Asking>,
    /// How far it had come, for the task that it may become.
    pub(super) reached: Option<Progress>,
}

/// Questions that were asked and not all answered.
pub(super) struct Asking {
    pub(super) asks: BTreeMap<String, Ask>,
    pub(super) left: BTreeSet<String>,
    pub(super) answers: BTreeMap<String, Answer>,
    pub(super) state: Option<String>,
    pub(super) until: Instant,
}

impl Core {
    /// Hands a call to the provider.
    pub(super) fn start_call(
        &mut self,
        net: &mut Net,
        spec: CallSpec,
        id: Id,
        token: Option<String>,
        carrier: Carrier,
    ) {
        if self.pending.len() >= self.limits.calls {
            let error = CallError::internal("Too many calls go on at once; wait for some to end.");
            return self.answer(net, &carrier, &id, spec.version.era(), Err(error));
        }
        self.next_call += 1;
        self.give(net, self.next_call, spec, CancelFlag::new(), (id, token, carrier));
    }

    /// Gives a call to the provider, for the first time or with answers, and hears what it says at once.
    pub(super) fn give(
        &mut self,
        net: &mut Net,
        number: u64,
        spec: CallSpec,
        cancel: CancelFlag,
        (id, token, carrier): (Id, Option<String>, Carrier),
    ) {
        let era = spec.version.era();
        let shared = Arc::new(Shared::new(number, spec, cancel, Arc::clone(&self.outlet), true));
        let call = Call::new(Arc::clone(&shared));
        let provider = Arc::clone(&self.provider);
        // A panic drops the call, which answers it.
        let _ = contain("mcp", || provider.call(call));
        let mut events = shared.take();
        if let ([Event::Finish(_)], false) = (&events[..], matches!(carrier, Carrier::Task(_)))
            && let Some(Event::Finish(result)) = events.pop()
        {
            return self.answer(net, &carrier, &id, era, result.as_deref().map_err(Clone::clone));
        }
        if let Carrier::Reply(key) = &carrier {
            net.set_deadline(*key, Some(self.limits.patience));
        }
        self.pending.insert(number, Pending { shared, carrier, id, token, asked: None, reached: None });
        events.into_iter().for_each(|event| self.heard(net, number, event));
    }

    /// A call has something to say.
    pub(super) fn hear(&mut self, net: &mut Net, number: u64) {
        let Some(pending) = self.pending.get(&number) else { return };
        let events = pending.shared.take();
        events.into_iter().for_each(|event| self.heard(net, number, event));
    }

    fn heard(&mut self, net: &mut Net, number: u64, event: Event) {
        match event {
            Event::Progress(progress) => self.progressed(net, number, &progress),
            Event::Log { level, logger, data } => self.logged(net, number, level, logger, &data),
            Event::Task { ttl, poll } => self.become_task(net, number, ttl, poll),
            Event::Release => self.release(net, number),
            Event::Ask { asks, state } => self.ask(net, number, asks, state),
            Event::Finish(result) => self.finished(net, number, result),
        }
    }

    fn progressed(&mut self, net: &mut Net, number: u64, progress: &Progress) {
        let Some(pending) = self.pending.get_mut(&number) else { return };
        if let Carrier::Task(id) = &pending.carrier {
            let id = id.clone();
            return self.task_progressed(&id, progress);
        }
        pending.reached = Some(progress.clone());
        let Some(token) = &pending.token else { return };
        let mut params = serde_json::json!({ "progress": progress.progress });
        if let Some(total) = progress.total {
            params["total"] = total.into();
        }
        if let Some(message) = &progress.message {
            params["message"] = message.as_str().into();
        }
        let params = params.to_string();
        let params = format!("{{\"progressToken\":{token},{}", &params[1..]);
        self.notify(net, number, &notification("notifications/progress", &params));
    }

    fn logged(&mut self, net: &mut Net, number: u64, level: Level, logger: Option<String>, data: &str) {
        let mut params = serde_json::json!({ "level": level });
        if let Some(logger) = logger {
            params["logger"] = logger.into();
        }
        let params = params.to_string();
        let params = format!("{},\"data\":{data}}}", &params[..params.len() - 1]);
        self.notify(net, number, &notification("notifications/message", &params));
    }

    fn finished(&mut self, net: &mut Net, number: u64, result: Result<String, CallError>) {
        let Some(pending) = self.pending.remove(&number) else { return };
        let era = pending.shared.spec.version.era();
        match &pending.carrier {
            Carrier::Task(id) => self.task_finished(id, result),
            carrier => self.answer(net, carrier, &pending.id, era, result.as_deref().map_err(Clone::clone)),
        }
    }

    /// Sends what belongs to a call before its answer; an answer that was to be one piece becomes a stream.
    pub(super) fn notify(&mut self, net: &mut Net, number: u64, message: &[u8]) {
        let Some(pending) = self.pending.get(&number) else { return };
        if let Carrier::Reply(key) = pending.carrier
            && !self.begin_stream(net, key)
        {
            return;
        }
        let Some(carrier) = self.pending.get(&number).map(|pending| pending.carrier.clone()) else { return };
        self.send(&carrier, message);
    }

    /// Makes the answer on a connection a stream, if its client takes one; whether it is one.
    fn begin_stream(&mut self, net: &mut Net, key: Key) -> bool {
        let (keep_alive, retry) = (self.limits.keep_alive, self.limits.retry.as_millis());
        let Core { connections, sessions, pending, .. } = self;
        let Some(connection) = find(connections, key) else { return false };
        let Connection { phase, exchange: Some(exchange), .. } = connection else { return false };
        if *phase == Phase::Streaming {
            return true;
        }
        if *phase != Phase::Waiting || !exchange.takes_events {
            return false;
        }
        let answers = exchange.batch.take().unwrap_or_default();
        let expected = exchange.expected;
        let session = exchange.session.as_ref().filter(|_| exchange.era == Era::Legacy).cloned();
        let Some((id, session)) = session.and_then(|id| sessions.get_mut(&id).map(|session| (id, session))) else {
            connection.begin_events();
            answers.iter().for_each(|answer| connection.event(None, answer));
            net.set_deadline(key, Some(keep_alive));
            self.dirty(key);
            return true;
        };
        let number = session.open(key, expected);
        exchange.reads = Reads::Stream(number);
        connection.begin_events();
        if session.version >= Version::V2025_11_25
            && let Some(stream) = session.streams.get_mut(&number)
        {
            connection.prime(EventId { stream: number, number: stream.number() }, retry);
        }
        for answer in answers {
            let event = session.keep(number, &answer).map(|event| EventId { stream: number, number: event });
            connection.event(event, &answer);
        }
        let moved = pending.values_mut().filter(|pending| pending.carrier == Carrier::Reply(key));
        moved.for_each(|pending| pending.carrier = Carrier::Stream(Arc::clone(&id), number));
        net.set_deadline(key, Some(keep_alive));
        self.dirty(key);
        true
    }

    /// An answer takes so long that whoever waits could give up.
    pub(super) fn lose_patience(&mut self, net: &mut Net, key: Key) {
        self.begin_stream(net, key);
    }

    /// Lets the client go; it comes back for the rest.
    fn release(&mut self, net: &mut Net, number: u64) {
        let Some(pending) = self.pending.get(&number) else { return };
        let session = pending.shared.spec.session.as_ref().and_then(|id| self.sessions.get(id));
        if !session.is_some_and(|session| session.can_come_back()) {
            return;
        }
        if let Carrier::Reply(key) = pending.carrier
            && !self.begin_stream(net, key)
        {
            return;
        }
        let Some(Carrier::Stream(id, stream)) = self.pending.get(&number).map(|pending| pending.carrier.clone()) else {
            return;
        };
        let stream = self.sessions.get_mut(&id).and_then(|session| session.streams.get_mut(&stream));
        if let Some(key) = stream.and_then(|stream| stream.reader.take())
            && let Some(connection) = self.connection(key)
        {
            connection.end_events();
            self.dirty(key);
        }
    }

    /// Sends a message that is no answer.
    pub(super) fn send(&mut self, carrier: &Carrier, message: &[u8]) {
        let (key, event) = match carrier {
            Carrier::Reply(key) => (Some(*key), None),
            Carrier::Stream(id, number) => {
                let Some(session) = self.sessions.get_mut(id) else { return };
                let event = session.keep(*number, message).map(|event| EventId { stream: *number, number: event });
                (session.streams.get(number).and_then(|stream| stream.reader), event)
            }
            Carrier::OldSse(id) => match self.sessions.get(id).map(|session| session.way) {
                Some(Way::OldSse(key)) => (Some(key), None),
                _ => return,
            },
            Carrier::Stdio => return self.say_line(message),
            Carrier::Task(_) | Carrier::Nobody => return,
        };
        let Some(key) = key else { return };
        let Some(connection) = self.connection(key).filter(|one| one.phase == Phase::Streaming) else { return };
        if event.is_some() || connection.waiting() < OUT_BYTES_LOSSY {
            connection.event(event, message);
            self.dirty(key);
        }
    }

    /// Answers a request.
    pub(super) fn answer(
        &mut self,
        net: &mut Net,
        carrier: &Carrier,
        id: &Id,
        era: Era,
        result: Result<&str, CallError>,
    ) {
        let mut message = Vec::new();
        let status = match result {
            Ok(text) => {
                write_result(id, text, &mut message);
                200
            }
            Err(error) => {
                let modern = era == Era::Modern;
                let kind =
                    if modern && error.code == code::RESOURCE_NOT_FOUND { code::INVALID_PARAMS } else { error.code };
                let data = error.data.as_ref().map(|data| data.get());
                write_error(Some(id), kind, &error.message, data, &mut message);
                Core::status_of(era, kind)
            }
        };
        self.deliver_answer(net, carrier, status, message);
    }

    /// Brings an answer to where its request came from.
    pub(super) fn deliver_answer(&mut self, _: &mut Net, carrier: &Carrier, status: u16, message: Vec<u8>) {
        let Carrier::Reply(key) = carrier else {
            self.send(carrier, &message);
            return self.less_expected(carrier);
        };
        let Some(connection) = self.connection(*key) else { return };
        let Connection { phase, exchange: Some(exchange), .. } = connection else { return };
        exchange.expected = exchange.expected.saturating_sub(1);
        let (expected, events_only) = (exchange.expected, !exchange.takes_json);
        if let Some(batch) = &mut exchange.batch {
            batch.push(message);
            if expected == 0 {
                let all = [b"[", &batch.join(&b',')[..], b"]"].concat();
                connection.json(200, &all);
            }
        } else if *phase == Phase::Streaming {
            connection.event(None, &message);
            if expected == 0 {
                connection.end_events();
            }
        } else if events_only && status == 200 {
            connection.one_event(&message);
        } else {
            connection.json(status, &message);
        }
        self.dirty(*key);
    }

    /// An answer has gone over a stream, or will never come: after the last one it ends.
    fn less_expected(&mut self, carrier: &Carrier) {
        let Carrier::Stream(id, number) = carrier else { return };
        let stream = self.sessions.get_mut(id).and_then(|session| session.streams.get_mut(number));
        let Some(stream) = stream else { return };
        stream.expected = stream.expected.saturating_sub(1);
        if stream.expected == 0
            && let Some(key) = stream.reader.take()
            && let Some(connection) = self.connection(key)
        {
            connection.end_events();
            self.dirty(key);
        }
    }

    /// Cancels calls: they hear of it, and are not answered.
    pub(super) fn cancel_where(&mut self, _: &mut Net, fits: impl Fn(&Pending) -> bool) {
        let numbers: Vec<u64> = self.pending.iter().filter(|(_, one)| fits(one)).map(|(number, _)| *number).collect();
        for number in numbers {
            let Some(pending) = self.pending.remove(&number) else { continue };
            pending.shared.cancel.cancel();
            match &pending.carrier {
                Carrier::Reply(key) => self.unanswered(*key),
                carrier => self.less_expected(carrier),
            }
        }
    }

    /// A request that waits on this connection gets no answer.
    fn unanswered(&mut self, key: Key) {
        let Some(connection) = self.connection(key) else { return };
        let Connection { phase, exchange: Some(exchange), .. } = connection else { return };
        exchange.expected = exchange.expected.saturating_sub(1);
        if exchange.expected > 0 {
            return;
        }
        match (*phase, exchange.batch.take().filter(|batch| !batch.is_empty())) {
            (Phase::Streaming, _) => connection.end_events(),
            (_, Some(batch)) => connection.json(200, &[b"[", &batch.join(&b',')[..], b"]"].concat()),
            (_, None) => connection.accepted(),
        }
        self.dirty(key);
    }

    /// A connection has ended: who was served over it?
    pub(super) fn left(&mut self, net: &mut Net, connection: &Connection) {
        let key = connection.key;
        let Some(exchange) = &connection.exchange else { return };
        match (exchange.reads, &exchange.session) {
            (Reads::Own, _) if exchange.era == Era::Modern => {
                self.cancel_where(net, |pending| pending.carrier == Carrier::Reply(key));
            }
            (Reads::Own, _) => {
                let own = self.pending.values_mut().filter(|pending| pending.carrier == Carrier::Reply(key));
                own.for_each(|pending| pending.carrier = Carrier::Nobody);
            }
            (Reads::Stream(number), Some(id)) => {
                let stream = self.sessions.get_mut(id).and_then(|session| session.streams.get_mut(&number));
                if let Some(stream) = stream.filter(|stream| stream.reader == Some(key)) {
                    stream.reader = None;
                }
            }
            (Reads::OldSse, Some(id)) => {
                let id = Arc::clone(id);
                self.end_session(net, &id);
            }
            (Reads::Changes, _) => self.leave_listen(&Carrier::Reply(key)),
            (Reads::Stream(_) | Reads::OldSse, None) => {}
        }
    }
}

pub(super) fn find(connections: &mut [Option<Box<Connection>>], key: Key) -> Option<&mut Connection> {
    connections.get_mut(key.index())?.as_deref_mut().filter(|connection| connection.key == key)
}

pub(super) fn notification(method: &str, params: &str) -> Vec<u8> {
    let mut message = Vec::new();
    write_notification(method, Some(params), &mut message);
    message
}
