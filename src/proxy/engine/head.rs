//! Reads the head of a request, decides whom it is for, and begins to pass it on.

use std::io::ErrorKind;
use std::sync::Arc;

use super::channel::PREFIX;
use super::control::LocalAnswer;
use super::downstream::{Active, Downstream, Phase, Stage, Step};
use super::engine::Engine;
use super::flow::Reader;
use super::hooks::{HeadView, TellCaller};
use super::limits::HELD_BODY_BYTES;
use super::pages::explain;
use super::record::Record;
use super::rewrite::request_field;
use super::site::Site;
use crate::io::net::Net;
use crate::proxy::exchange::{ExchangeId, Mode, Note, Opened};
use crate::wire::http1::{
    Edit, Forwarded, Framing, Method, Outgoing, Parsed, RequestHead, Version, encode_request, parse_request,
    plan_request, refusal_answer,
};

impl Engine {
    /// Reads until a head is whole, and begins its exchange.
    pub(super) fn read_head(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        loop {
            if !down.input.is_empty() {
                let mut active = down.active.take().unwrap_or_else(|| self.spare());
                let parsed = parse_request(down.input.data(), &mut active.head);
                down.active = Some(active);
                match parsed {
                    Ok(Parsed::Complete { bytes }) => {
                        down.input.consume(bytes);
                        down.head_begun = false;
                        return self.begin(net, down);
                    }
                    Ok(Parsed::Partial) => {}
                    Err(refusal) => {
                        self.note_garbage(net, down, &refusal);
                        let active = down.active.get_or_insert_default();
                        refusal_answer(&refusal, false, &mut active.download.out);
                        return self.say_last(net, down);
                    }
                }
            }
            match down.link.read_into(net, &mut down.input) {
                Ok(0) => return Step::Close,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Step::Close,
            }
        }
        self.wait_for_head(net, down);
        Step::Wait
    }

    fn wait_for_head(&mut self, net: &mut Net, down: &mut Downstream) {
        if down.input.is_empty() {
            down.input.settle(&mut net.buffers);
            if let Some(active) = down.active.take() {
                self.give_back(active);
            }
            down.idle_since = self.turn;
            net.set_deadline(down.key(), Some(self.limits.keep_alive));
        } else if !std::mem::replace(&mut down.head_begun, true) {
            net.set_deadline(down.key(), Some(self.limits.head));
        }
    }

    /// A head is whole: whom is it for?
    fn begin(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        down.phase = Phase::Exchange;
        let Some(mut active) = down.active.take() else { return Step::Close };
        let decided = self.decide(net, down, &active.head);
        let site = decided.as_ref().ok();
        let pseudonym = site.map_or(&self.pseudonym, |site| &site.pseudonym);
        let planned = plan_request(&active.head, pseudonym);
        match (planned, decided) {
            (Err(refusal), _) => {
                self.note_refused(net, down, &active.head, refusal.status, Some(refusal.reason.into()));
                refusal_answer(&refusal, active.head.kind() == Method::Head, &mut active.download.out);
                down.active = Some(active);
                self.say_last(net, down)
            }
            (Ok(plan), Err(answer)) => {
                self.note_refused(net, down, &active.head, answer.status, answer.why.clone());
                active.plan = Some(plan);
                active.upload.reader = Reader::new(plan.framing);
                down.active = Some(active);
                self.own(net, down, &answer)
            }
            (Ok(plan), Ok(site)) if active.head.path().starts_with(PREFIX) && site.mode != Mode::Tunnel => {
                active.plan = Some(plan);
                active.upload.reader = Reader::new(plan.framing);
                down.active = Some(active);
                self.visit(net, down, &site)
            }
            (Ok(plan), Ok(_)) if plan.upgrade && self.websockets >= self.limits.websockets => {
                active.plan = Some(plan);
                let what = format!("{} WebSockets are open; more are not allowed.", self.websockets);
                let answer = explain(503, &what, "max_ws_clients in [proxy_server] says how many may be.", false);
                self.note_refused(net, down, &active.head, answer.status, answer.why.clone());
                down.active = Some(active);
                self.own(net, down, &answer)
            }
            (Ok(plan), Ok(site)) if plan.max_forwards == Some(0) => {
                active.plan = Some(plan);
                active.upload.reader = Reader::new(plan.framing);
                let answer = last_hop(plan.method, &site);
                self.note_refused(net, down, &active.head, answer.status, answer.why.clone());
                down.active = Some(active);
                self.own(net, down, &answer)
            }
            (Ok(plan), Ok(site)) => {
                active.plan = Some(plan);
                active.upload.reader = Reader::new(plan.framing);
                active.origin = Some(site.origin);
                self.upstreams.get_mut(site.origin).users += 1;
                active.site = Some(site);
                let id = self.notes.counters.number();
                self.open(net, down, &mut active, id);
                down.active = Some(active);
                self.pass_on(net, down)
            }
        }
    }

    /// Tells that an exchange has begun.
    pub(super) fn open(&mut self, net: &mut Net, down: &mut Downstream, active: &mut Active, id: ExchangeId) {
        let Some(site) = &active.site else { return };
        self.notes.counters.total.add_to(0, 1);
        let head = &active.head;
        self.url.clear();
        let origin = self.upstreams.get(site.origin);
        if site.mode == Mode::Tunnel {
            self.url.push_str(&origin.authority);
        } else {
            self.url.push_str(&origin.url);
            if !head.path().starts_with(b"/") && head.path() != b"*" {
                self.url.push('/');
            }
            self.url.push_str(&String::from_utf8_lossy(head.path()));
        }
        head.fields().iter().for_each(|field| self.headers.push(field.name, field.value));
        let opened = Opened {
            time_ms: self.notes.time_ms(net.now()),
            mode: site.mode,
            method: self.methods.get(head.method()),
            url: Arc::from(&*self.url),
            process: site.process.clone(),
            headers: self.headers.take(),
        };
        self.notes.list.push(Note::Opened(id, Box::new(opened)));
        active.record = Some(Record::new(id, net.now()));
        active.upload.keep_max = self.recorder.body_bytes();
        active.download.keep_max = active.upload.keep_max;
        self.ask_caller(net, down, id);
        if let Some(caller) = &down.caller {
            self.notes.list.push(Note::Caller(id, caller.clone()));
        }
    }

    /// Once a connection: somebody may find out whose it is.
    pub(super) fn ask_caller(&mut self, net: &mut Net, down: &mut Downstream, id: ExchangeId) {
        if std::mem::replace(&mut down.caller_asked, true) {
            return;
        }
        if let Some(local) = net.local(down.key()) {
            let (commands, key) = (self.commands.clone(), down.key());
            let tell = move |caller| commands.send(super::engine::Command::Caller(key, id, caller));
            self.recorder.connected(down.peer, local, TellCaller(Box::new(tell)));
        }
    }

    /// Passes the request on, unless a rule says otherwise.
    fn pass_on(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        match self.obey(net, down) {
            Some(step) => step,
            None => self.send_on(net, down),
        }
    }

    /// Nothing more stands between the request and its server.
    pub(super) fn send_on(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let Some(mut active) = down.active.take() else { return Step::Close };
        let (Some(site), Some(plan)) = (active.site.clone(), active.plan) else { return Step::Close };
        if site.mode == Mode::Tunnel {
            active.upload.reader = Reader::UntilClose;
            down.active = Some(active);
            return self.connect(net, down, false);
        }
        self.ask_injector(&mut active);
        self.write_request(down, &mut active, &site);
        match plan.framing {
            Framing::None | Framing::Length(0) => active.upload.hold = true,
            Framing::Length(bytes) if bytes <= HELD_BODY_BYTES.min(down.input.len()) as u64 => {
                let bytes = bytes as usize;
                active.upload.out.extend_from_slice(&down.input.data()[..bytes]);
                active.upload.saw(&down.input.data()[..bytes]);
                down.input.consume(bytes);
                active.upload.reader = Reader::Done;
                active.upload.hold = true;
            }
            framing => {
                active.upload.reader = Reader::new(framing);
                active.upload.chunks = framing == Framing::Chunked;
                active.upload.trailers = active.upload.chunks;
            }
        }
        down.active = Some(active);
        self.connect(net, down, false)
    }

    fn ask_injector(&mut self, active: &mut Active) {
        let Some(injector) = self.injector.as_ref().filter(|injector| injector.is_on()) else { return };
        let Active { head, edits, .. } = active;
        let fields: Vec<(&str, &[u8])> = head.fields().iter().map(|field| (field.name, field.value)).collect();
        let target = std::str::from_utf8(head.path()).unwrap_or("/");
        let view = HeadView { method: head.method(), target, status: 0, fields: &fields };
        active.wanted = injector.on_request(view, edits);
    }

    pub(super) fn write_request(&mut self, down: &mut Downstream, active: &mut Active, site: &Site) {
        let Some(plan) = active.plan else { return };
        let origin = self.upstreams.get(active.origin.unwrap_or(site.origin));
        let own = own_authority(&active.head, site);
        let is_reverse = site.mode == Mode::Reverse;
        let rewrite = is_reverse && self.rewrite;
        if is_reverse && down.address.is_none() {
            down.address = Some(down.peer.ip().to_canonical().to_string().into());
        }
        let forwarded = Forwarded { client: down.address.as_deref().unwrap_or_default(), host: own, proto: "http" };
        let append: Vec<(&str, &[u8])> = active.edits.added().collect();
        let to = Outgoing {
            host: if rewrite || !is_reverse { &origin.authority } else { own },
            path: None,
            via: (!self.hide_via).then_some(&*site.pseudonym),
            forwarded: is_reverse.then_some(forwarded),
            append: &append,
            close: false,
        };
        let (pairs, edits) = (&self.pairs, &active.edits);
        let edit = |field: crate::wire::http1::Field<'_>, out: &mut Vec<u8>| match () {
            () if edits.removes(field.name) => Edit::Drop,
            () if rewrite => request_field(field, out, pairs, own, &origin.url),
            () => Edit::Keep,
        };
        encode_request(&active.head, &plan, &to, edit, &mut active.upload.out);
        active.edits.clear();
    }

    /// An answer lies in `download.out` that is the last one of this connection.
    pub(super) fn say_last(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let active = down.active.get_or_insert_default();
        active.stage = Stage::Own;
        active.keep = false;
        down.phase = Phase::Exchange;
        down.last = true;
        net.set_deadline(down.key(), Some(self.limits.body_idle));
        Step::Go
    }
}

/// Max-Forwards is 0: this is as far as the request goes.
fn last_hop(method: Method, site: &Site) -> LocalAnswer {
    if method == Method::Options {
        return LocalAnswer::new(204, "", Vec::new()).with("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    }
    explain(405, "TRACE ends here, and is not answered.", &format!("This is {}.", site.pseudonym), false)
}

/// The authority by which the client knows us: what it asked for, or what a 1.0 client would have.
pub(super) fn own_authority<'a>(head: &'a RequestHead, site: &'a Site) -> &'a str {
    head.authority()
        .or(head.host())
        .filter(|_| head.version() == Version::Http11 || head.host().is_some())
        .unwrap_or_else(|| site.page.origin.trim_start_matches("http://"))
}
