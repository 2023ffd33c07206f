//! How an exchange ends: with the last byte, with an answer of our own, or with a cut.

use std::io::{Error, ErrorKind, Write as _};
use std::sync::Arc;

use super::control::LocalAnswer;
use super::downstream::{Active, Downstream, Phase, Stage, Step, Upstream};
use super::engine::{Engine, Peer};
use super::flow::Flow;
use super::limits::{LINGER, LINGER_BYTES};
use super::obey::own_fields;
use super::pages::explain;
use super::site::Role;
use crate::io::net::{Buffer, Net};
use crate::proxy::exchange::{Body, Mode};
use crate::wire::http1::{Known, Version, has_no_body, phrase};

impl Engine {
    /// Answers by ourselves.
    pub(super) fn own(&mut self, net: &mut Net, down: &mut Downstream, answer: &LocalAnswer) -> Step {
        self.own_of_length(net, down, answer, answer.body.len() as u64)
    }

    /// The same for an answer whose body has so many bytes, though not all of them are there yet.
    pub(super) fn own_of_length(
        &mut self,
        net: &mut Net,
        down: &mut Downstream,
        answer: &LocalAnswer,
        bytes: u64,
    ) -> Step {
        self.drop_upstream(net, down);
        let Some(active) = &mut down.active else { return Step::Close };
        let Some(plan) = active.plan else { return Step::Close };
        active.keep = plan.keep_alive && active.upload.is_read() && !down.last;
        let connection = match (active.keep, plan.version) {
            (false, _) => "Connection: close\r\n",
            (true, Version::Http10) => "Connection: keep-alive\r\n",
            (true, Version::Http11) => "",
        };
        let out = &mut active.download.out;
        let title = phrase(answer.status);
        // Writing to a vector cannot fail.
        let _ = write!(out, "HTTP/1.1 {} {title}\r\n", answer.status);
        if answer.status != 204 {
            let _ = write!(out, "Content-Length: {bytes}\r\n");
        }
        for (name, value) in own_fields(answer, active.rule.as_deref()) {
            let value: String = value.chars().filter(|char| !char.is_control()).collect();
            let _ = write!(out, "{name}: {value}\r\n");
        }
        let _ = write!(out, "{connection}\r\n");
        if !has_no_body(answer.status, plan.method) {
            out.extend_from_slice(&answer.body);
        }
        if let Some(record) = &mut active.record {
            record.status = Some(answer.status);
        }
        active.stage = Stage::Own;
        down.phase = Phase::Exchange;
        net.set_deadline(down.key(), Some(self.limits.body_idle));
        Step::Go
    }

    /// The exchange fails: with a page if the client has not seen an answer begin, else with a cut.
    pub(super) fn fail(
        &mut self,
        net: &mut Net,
        down: &mut Downstream,
        status: u16,
        kind: &'static str,
        text: &str,
    ) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        if let Some(record) = &mut active.record {
            record.fail(kind, text);
        }
        if active.answer.is_some() || active.stage == Stage::Own {
            return Step::Reset;
        }
        let help = self.help(active);
        let answer = explain(status, text, &help, wants_html(active));
        self.own(net, down, &answer)
    }

    fn help(&self, active: &Active) -> String {
        let Some(site) = &active.site else { return String::new() };
        let url = &self.upstreams.get(active.origin.unwrap_or(site.origin)).url;
        match &site.process {
            Some((_, name)) => format!("The server is {url}, of the process {name}; its log may say why."),
            None => format!("The server is {url}."),
        }
    }

    /// No address of the server took a connection.
    pub(super) fn unreachable(&mut self, net: &mut Net, down: &mut Downstream, why: Option<Error>) -> Step {
        let Some(active) = &down.active else { return Step::Close };
        let Some(id) = active.origin else { return Step::Close };
        self.upstreams.get_mut(id).forget_addresses();
        let url = &self.upstreams.get(id).url;
        let (kind, text) = match why {
            None => ("connect", format!("{url} has no address.")),
            Some(error) if error.kind() == ErrorKind::ConnectionRefused => {
                ("refused", format!("Nothing listens at {url} now. It may be starting, or have ended."))
            }
            Some(error) => ("connect", format!("No connection to {url}: {error}.")),
        };
        self.fail(net, down, 502, kind, &text)
    }

    /// The server has closed before it answered: perhaps only the connection was old.
    pub(super) fn server_lost(&mut self, net: &mut Net, down: &mut Downstream, why: Option<Error>) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        let Active { upstream: Some(upstream), upload, plan: Some(plan), .. } = &mut **active else {
            return Step::Close;
        };
        let untouched = upload.hold && upstream.input.is_empty();
        if upstream.reused && untouched && plan.method.is_idempotent() {
            upload.sent = 0;
            active.upload_dead = false;
            if let Some(record) = &mut active.record {
                record.retried = true;
            }
            self.drop_upstream(net, down);
            return self.connect(net, down, true);
        }
        let text = match why {
            None => "The server closed the connection before it answered.".to_owned(),
            Some(error) => format!("The server broke the connection before it answered: {error}."),
        };
        self.fail(net, down, 502, "truncated", &text)
    }

    /// The client has gone: nobody waits for what the server does.
    pub(super) fn client_gone(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        if let Some(record) = down.active.as_mut().and_then(|active| active.record.as_mut()) {
            record.fail("client gone", "The client closed the connection before it had the whole answer.");
        }
        self.drop_upstream(net, down);
        Step::Reset
    }

    /// Closes the connection to the server so that it stops working for nobody.
    pub(super) fn drop_upstream(&mut self, net: &mut Net, down: &mut Downstream) {
        let Some(Upstream { link, mut input, .. }) = down.active.as_mut().and_then(|active| active.upstream.take())
        else {
            return;
        };
        input.clear(&mut net.buffers);
        self.set_peer(link.key, Peer::None);
        net.reset(link.key);
    }

    /// The last byte of the answer was taken.
    pub(super) fn finish(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let Some(mut active) = down.active.take() else { return Step::Close };
        let is_read = active.upload.is_read();
        let keeps = match active.answer {
            Some(plan) if active.stage == Stage::Moving => plan.keep_client,
            _ => active.keep,
        };
        if let Some(upstream) = active.upstream.take() {
            self.part_from(net, &active, upstream);
        }
        self.end(net, &mut active);
        self.give_back(active);
        if down.role == Role::Replay {
            return Step::Close;
        }
        if keeps && is_read && !down.last && !self.stopping {
            down.phase = Phase::Head;
            return Step::Go;
        }
        down.link.shutdown_write(net);
        down.input.clear(&mut net.buffers);
        down.phase = Phase::Linger { drained: 0 };
        net.set_deadline(down.key(), Some(LINGER));
        Step::Go
    }

    /// Keeps the connection to the server if it can serve again.
    fn part_from(&mut self, net: &mut Net, active: &Active, upstream: Upstream) {
        let Upstream { link, mut input, .. } = upstream;
        let surplus = !input.is_empty();
        input.clear(&mut net.buffers);
        let keeps = active.answer.is_some_and(|plan| plan.keep_upstream);
        let is_whole = active.upload.is_finished() && !active.upload_dead && active.stage == Stage::Moving;
        match active.origin {
            Some(origin) if keeps && is_whole && !surplus && !net.has_ended(link.key) && !self.stopping => {
                self.set_peer(link.key, Peer::Server { owner: None, origin });
                self.upstreams.keep(net, origin, link, promised_seconds(active));
            }
            _ => {
                self.set_peer(link.key, Peer::None);
                net.close(link.key);
            }
        }
    }

    /// Tells that the exchange has ended.
    pub(super) fn end(&mut self, net: &Net, active: &mut Active) {
        self.note_frames(net, active);
        if let Some(id) = active.origin.take() {
            self.upstreams.get_mut(id).users -= 1;
        }
        if active.site.as_ref().is_some_and(|site| site.mode != Mode::Tunnel)
            && active.traffic == crate::proxy::exchange::Traffic::WebSocket
        {
            self.websockets = self.websockets.saturating_sub(1);
        }
        let Some(mut record) = active.record.take() else { return };
        record.injection = active.download.filter.as_ref().and_then(|filter| filter.outcome());
        self.notes.ended(record, net.now(), body(&active.upload), body(&active.download));
    }

    /// Ends whatever goes on, because the client's connection ends.
    pub(super) fn abandon(&mut self, net: &mut Net, down: &mut Downstream) {
        self.drop_upstream(net, down);
        down.input.clear(&mut net.buffers);
        if let Some(page) = down.page.take() {
            self.page_gone(&page);
        }
        if let Some(mut active) = down.active.take() {
            self.end(net, &mut active);
            self.give_back(active);
        }
    }

    /// Throws away what still comes.
    pub(super) fn linger(&mut self, net: &mut Net, down: &mut Downstream, mut drained: usize) -> Step {
        let mut buffer = Buffer::default();
        let step = loop {
            match down.link.read_into(net, &mut buffer) {
                Ok(0) => break Step::Close,
                Ok(count) => {
                    drained += count;
                    buffer.consume(count);
                    if drained > LINGER_BYTES {
                        break Step::Close;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Step::Wait,
                Err(_) => break Step::Close,
            }
        };
        buffer.clear(&mut net.buffers);
        down.phase = Phase::Linger { drained };
        step
    }
}

fn body(flow: &Flow) -> Body {
    let kept = if flow.kept.is_empty() { Arc::default() } else { Arc::from(&flow.kept[..]) };
    Body { kept, bytes: flow.bytes }
}

/// `Keep-Alive: timeout=5`: how long the server keeps the connection.
fn promised_seconds(active: &Active) -> Option<u64> {
    let value = active.response.fields().all(Known::KeepAlive).next()?;
    let value = std::str::from_utf8(value).ok()?;
    value.split(',').find_map(|part| part.trim().strip_prefix("timeout=")?.trim().parse().ok())
}

/// Whether a person looks at the answer in a browser.
pub(super) fn wants_html(active: &Active) -> bool {
    let accept = active.head.field("accept").unwrap_or_default();
    accept.windows(9).any(|part| part == b"text/html")
}
