//! Carries one exchange: connects to its server, sends the request, reads the head of the answer, moves bytes both ways.

use std::io::ErrorKind;

use super::downstream::{Active, Downstream, Phase, Stage, Step, Upstream};
use super::engine::{Engine, Peer};
use super::flow::{Broken, Moved, Reader};
use super::hooks::HeadView;
use super::limits::OUT_BYTES;
use super::obey::edit_answer;
use super::rewrite::{response_field, to_server};
use super::tap::Tap;
use super::upstream::Link;
use crate::io::net::{Buffer, Net};
use crate::proxy::exchange::{Injection, Mode, Note, Traffic};
use crate::wire::http1::{
    Edit, Framing, Kind, Known, Parsed, Refusal, ResponsePlan, Returned, encode_response, parse_response, plan_response,
};

/// What came of looking for the head of an answer.
enum Heard {
    /// Not all of it is there.
    Nothing,
    Head,
    /// The server has closed the connection, or it broke.
    Lost(Option<std::io::Error>),
    Garbage(Refusal),
}

impl Engine {
    /// Takes a connection that waits, or begins a new one. With `fresh` only a new one will do.
    pub(super) fn connect(&mut self, net: &mut Net, down: &mut Downstream, fresh: bool) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        let Some(id) = active.origin else { return Step::Close };
        let is_tunnel = active.site.as_ref().is_some_and(|site| site.mode == Mode::Tunnel);
        let idle = if fresh || is_tunnel { None } else { self.upstreams.take_idle(net, id) };
        if let Some(link) = idle {
            self.set_peer(link.key, Peer::Server { owner: Some(down.link.key), origin: id });
            active.upstream = Some(Upstream { link, input: Buffer::default(), reused: true });
            active.stage = Stage::Moving;
            net.set_deadline(down.link.key, Some(self.limits.answer));
            return Step::Go;
        }
        if self.upstreams.get(id).addresses.is_empty() {
            active.stage = Stage::Looking;
            net.set_deadline(down.link.key, Some(self.limits.connect));
            self.look_up(id, down.link.key);
            return Step::Wait;
        }
        self.try_address(net, down, None)
    }

    /// Begins to connect to the server's next address.
    pub(super) fn try_address(
        &mut self,
        net: &mut Net,
        down: &mut Downstream,
        mut why: Option<std::io::Error>,
    ) -> Step {
        loop {
            let Some(active) = &mut down.active else { return Step::Close };
            let Some(id) = active.origin else { return Step::Close };
            let origin = self.upstreams.get(id);
            let Some(address) = origin.addresses.get(active.attempt).copied() else {
                return self.unreachable(net, down, why);
            };
            let is_tunnel = active.site.as_ref().is_some_and(|site| site.mode == Mode::Tunnel);
            let (host, is_loopback, secure) = (origin.host.clone(), origin.is_loopback(), origin.secure && !is_tunnel);
            let tls = secure.then(|| self.upstreams.trust.session(&host, is_loopback)).transpose();
            match tls.and_then(|tls| Ok(Link { key: net.connect(address)?, tls })) {
                Ok(link) => {
                    self.set_peer(link.key, Peer::Server { owner: Some(down.link.key), origin: id });
                    active.upstream = Some(Upstream { link, input: Buffer::default(), reused: false });
                    active.stage = Stage::Connecting;
                    net.set_deadline(down.link.key, Some(self.limits.connect));
                    return Step::Go;
                }
                // A client that is idle can connect again; this one waits for an answer.
                Err(error) if is_out_of_descriptors(&error) && self.make_room(net) => {}
                Err(error) => {
                    active.attempt += 1;
                    why = Some(error);
                }
            }
        }
    }

    /// Moves the exchange on as far as it goes.
    pub(super) fn relay(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let gone = down.has_gone(net);
        let Some(active) = &mut down.active else { return Step::Close };
        match active.stage {
            Stage::Begun => Step::Close,
            Stage::Looking | Stage::Delayed | Stage::Reading if gone => self.client_gone(net, down),
            Stage::Looking | Stage::Delayed | Stage::Reading => Step::Wait,
            Stage::Connecting => self.await_connection(net, down),
            Stage::Moving => self.move_bytes(net, down),
            Stage::Own => match active.download.flush(net, &mut down.link) {
                Ok(true) => self.next_piece(net, down),
                Ok(false) => Step::Wait,
                Err(_) => self.client_gone(net, down),
            },
        }
    }

    fn await_connection(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        if down.has_gone(net) {
            return self.client_gone(net, down);
        }
        let Some(active) = &mut down.active else { return Step::Close };
        let Some(upstream) = &mut active.upstream else { return Step::Close };
        match upstream.link.connected(net) {
            None => Step::Wait,
            Some(Ok(())) => {
                if let (Some(address), Some(origin)) = (net.peer(upstream.link.key), active.origin) {
                    self.upstreams.get_mut(origin).prefer(address);
                    active.attempt = 0;
                }
                if let Some(record) = &mut active.record {
                    record.phases.connect.get_or_insert(net.now().saturating_duration_since(record.started));
                }
                active.stage = Stage::Moving;
                net.set_deadline(down.link.key, Some(self.limits.answer));
                if active.site.as_ref().is_some_and(|site| site.mode == Mode::Tunnel) {
                    return self.open_tunnel(net, down);
                }
                Step::Go
            }
            Some(Err(error)) => {
                net.close(upstream.link.key);
                active.upstream = None;
                active.attempt += 1;
                self.try_address(net, down, Some(error))
            }
        }
    }

    fn move_bytes(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        if let Some(step) = self.send_request(net, down) {
            return step;
        }
        loop {
            let Some(active) = &mut down.active else { return Step::Close };
            if active.answer.is_some() {
                break;
            }
            match hear(net, active) {
                Heard::Head => {
                    if let Some(step) = self.heard(net, down) {
                        return step;
                    }
                }
                Heard::Nothing => {
                    if let Err(_gone) = active.download.flush(net, &mut down.link) {
                        return self.client_gone(net, down);
                    }
                    return self.rest(net, down, Moved::Starved);
                }
                Heard::Lost(error) => return self.server_lost(net, down, error),
                Heard::Garbage(refusal) => return self.fail(net, down, 502, "garbage", refusal.reason),
            }
        }
        let Some(Active { download, upstream: Some(upstream), .. }) = down.active.as_deref_mut() else {
            return Step::Close;
        };
        match download.pump(net, &mut upstream.link, &mut upstream.input, &mut down.link) {
            Ok(Moved::Finished) => self.finish(net, down),
            Ok(moved) => self.rest(net, down, moved),
            Err(Broken::Sink) => self.client_gone(net, down),
            Err(Broken::Source(error)) => {
                let why = error.map_or_else(|| "closed the connection".to_owned(), |error| error.to_string());
                self.fail(net, down, 502, "truncated", &format!("The server broke its answer off: {why}."))
            }
            Err(Broken::Garbage(refusal)) => self.fail(net, down, 502, "garbage", refusal.reason),
        }
    }

    /// Sends what there is of the request. A step only when that decides something.
    fn send_request(&mut self, net: &mut Net, down: &mut Downstream) -> Option<Step> {
        let Downstream { link, input, active: Some(active), .. } = down else { return Some(Step::Close) };
        let Active { upload, upload_dead, upstream: Some(upstream), .. } = &mut **active else {
            return Some(Step::Close);
        };
        if let Some(tls) = &mut upstream.link.tls {
            tls.settle(net, upstream.link.key);
        }
        if (upload.is_read() || *upload_dead) && net.has_ended(link.key) {
            return Some(self.client_gone(net, down));
        }
        if *upload_dead || upload.is_finished() {
            return None;
        }
        let moved = upload.pump(net, link, input, &mut upstream.link);
        match moved {
            Ok(Moved::Share) => net.again(link.key),
            Ok(_) => {}
            // Perhaps it has answered before it closed: its answer decides.
            Err(Broken::Sink) => *upload_dead = true,
            Err(Broken::Source(_)) => return Some(self.client_gone(net, down)),
            Err(Broken::Garbage(refusal)) => return Some(self.fail(net, down, 400, "garbage", refusal.reason)),
        }
        None
    }

    /// The head of an answer is there. A step only when that decides something.
    fn heard(&mut self, net: &mut Net, down: &mut Downstream) -> Option<Step> {
        let active = down.active.as_deref_mut()?;
        let request = active.plan?;
        if let Some(record) = &mut active.record {
            record.phases.first_byte.get_or_insert(net.now().saturating_duration_since(record.started));
        }
        let mut plan = match plan_response(&active.response, &request) {
            Ok(plan) => plan,
            Err(refusal) => return Some(self.fail(net, down, 502, "garbage", refusal.reason)),
        };
        match plan.kind {
            Kind::Interim { relay } => {
                if relay {
                    self.write_response(active, &plan);
                }
                active.response.clear();
                None
            }
            Kind::Switch => {
                self.answered(active, &mut plan);
                self.write_response(active, &plan);
                active.answer = Some(plan);
                Some(self.open_websocket(net, down))
            }
            Kind::Final => {
                // Whoever is answered before the request was read does not get another word in.
                plan.keep_client &= active.upload.is_read() && !down.last;
                self.answered(active, &mut plan);
                edit_answer(active);
                self.write_response(active, &plan);
                active.download.reader = Reader::new(plan.read);
                active.download.chunks = plan.write == Framing::Chunked;
                active.download.trailers = plan.trailers;
                if active.download.chunks && matches!(active.download.reader, Reader::Done) {
                    active.download.out.extend_from_slice(crate::wire::http1::chunked::LAST_CHUNK);
                }
                active.answer = Some(plan);
                None
            }
        }
    }

    /// Tells of an answer, and lets the injector see it.
    fn answered(&mut self, active: &mut Active, plan: &mut ResponsePlan) {
        let injection = self.ask_about_answer(active, plan);
        let Active { response, record: Some(record), download, traffic, .. } = active else { return };
        let fields = response.fields();
        let is_stream = plan.read != Framing::None
            && fields.get("content-type").is_some_and(|value| {
                value.get(..17).is_some_and(|value| value.eq_ignore_ascii_case(b"text/event-stream"))
            });
        if plan.kind == Kind::Switch {
            *traffic = Traffic::WebSocket;
        } else if is_stream {
            *traffic = Traffic::EventStream;
            if fields.get("content-encoding").is_none() {
                download.tap = Some(Tap::events(self.frame_bytes));
            }
        }
        record.status = Some(response.status());
        fields.iter().for_each(|field| self.headers.push(field.name, field.value));
        self.notes.list.push(Note::Answered {
            id: record.id,
            traffic: *traffic,
            status: response.status(),
            headers: self.headers.take(),
            phases: record.phases,
            injection,
        });
    }

    fn ask_about_answer(&mut self, active: &mut Active, plan: &mut ResponsePlan) -> Injection {
        let Active { wanted, head, response, edits, download, site: Some(site), .. } = active else {
            return Injection::NotAPage;
        };
        let Some(injector) = self.injector.as_ref().filter(|_| *wanted != super::Wanted::Nothing) else {
            return Injection::NotAPage;
        };
        let fields: Vec<(&str, &[u8])> = response.fields().iter().map(|field| (field.name, field.value)).collect();
        let target = std::str::from_utf8(head.path()).unwrap_or("/");
        let view = HeadView { method: head.method(), target, status: response.status(), fields: &fields };
        let insertion = injector.on_response(*wanted, view, &site.page, &self.control_prefix, edits);
        if let Some(filter) = insertion.filter {
            plan.resize(None);
            download.filter = (plan.read != Framing::None).then_some(filter);
        }
        insertion.injection
    }

    fn write_response(&mut self, active: &mut Active, plan: &ResponsePlan) {
        let Active { head, response, edits, download, site: Some(site), .. } = active else { return };
        let origin = self.upstreams.get(active.origin.unwrap_or(site.origin));
        let own = super::head::own_authority(head, site);
        let rewrite = self.rewrite && site.mode == Mode::Reverse;
        let sent = head.fields().all(Known::Origin).next().filter(|_| rewrite);
        let seen = sent.and_then(|sent| to_server(std::str::from_utf8(sent).ok()?, &self.pairs, own, &origin.url));
        let asked = sent.zip(seen.as_deref());
        let append: Vec<(&str, &[u8])> = edits.added().collect();
        let via = (site.mode == Mode::Forward && !self.hide_via).then_some(&*site.pseudonym);
        let to = Returned { via, status: None, append: &append };
        let edit = |field: crate::wire::http1::Field<'_>, out: &mut Vec<u8>| match () {
            () if edits.removes(field.name) => Edit::Drop,
            () if rewrite => response_field(field, out, own, &origin.url, asked),
            () => Edit::Keep,
        };
        encode_response(response, plan, &to, edit, &mut download.out);
    }

    /// Nothing more can be done now: says when to look again.
    fn rest(&mut self, net: &mut Net, down: &mut Downstream, moved: Moved) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        if moved == Moved::Share && active.download.allowance == Some(0) {
            Engine::hold_pace(net, down);
        } else if moved == Moved::Share {
            net.again(down.link.key);
        }
        let Some(active) = &mut down.active else { return Step::Close };
        self.note_frames(net, active);
        let has_answer = active.answer.is_some();
        let moved = active.upload.bytes + active.download.bytes + active.upload.sent as u64 + u64::from(has_answer);
        if moved != active.moved {
            active.moved = moved;
            let after = match active.traffic {
                Traffic::EventStream => None,
                _ if !has_answer && active.upload.is_finished() => Some(self.limits.answer),
                _ => Some(self.limits.body_idle),
            };
            net.set_deadline(down.link.key, after);
        }
        Step::Wait
    }

    /// Hands over the messages and events that have passed.
    pub(super) fn note_frames(&mut self, net: &Net, active: &mut Active) {
        let Active { upload, download, record: Some(record), .. } = active else { return };
        for tap in [&mut upload.tap, &mut download.tap].into_iter().flatten() {
            for mut frame in tap.take() {
                frame.time_ms = self.notes.time_ms(net.now());
                self.notes.list.push(Note::Frame(record.id, Box::new(frame)));
            }
        }
    }

    /// What a tunnel or an upgraded connection is from now on.
    pub(super) fn enter_tunnel(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        active.upload.reader = Reader::UntilClose;
        active.upload.chunks = false;
        active.download.reader = Reader::UntilClose;
        active.download.chunks = false;
        // The pace of a rule is for answers.
        active.download.allowance = None;
        down.phase = Phase::Tunnel;
        net.set_deadline(down.link.key, None);
        Step::Go
    }
}

/// Whether the process or the machine has no descriptor left.
fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Reads until the head of an answer is whole.
fn hear(net: &mut Net, active: &mut Active) -> Heard {
    let Active { upstream: Some(upstream), response, download, upload, .. } = active else { return Heard::Lost(None) };
    loop {
        if download.waiting() > OUT_BYTES {
            return Heard::Nothing;
        }
        if !upstream.input.is_empty() {
            match parse_response(upstream.input.data(), response) {
                Ok(Parsed::Complete { bytes }) => {
                    upstream.input.consume(bytes);
                    upload.release();
                    return Heard::Head;
                }
                Ok(Parsed::Partial) => {}
                Err(refusal) => return Heard::Garbage(refusal),
            }
        }
        match upstream.link.read_into(net, &mut upstream.input) {
            Ok(0) => return Heard::Lost(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Nothing,
            Err(error) => return Heard::Lost(Some(error)),
        }
    }
}
