//! Sends requests of Brummer's own: what was recorded, again.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::control::PageOrigin;
use super::downstream::{Active, Downstream, Phase};
use super::engine::{Engine, Peer};
use super::site::{Role, Site};
use crate::io::net::Net;
use crate::proxy::capture::replay::Request;
use crate::proxy::exchange::{Body, ExchangeId, Mode, Note, Opened};
use crate::wire::http1::{Parsed, Refusal, parse_request, plan_request, split_authority};

/// Our name in Via of these.
const PSEUDONYM: &str = "brummer-replay";
const STOPPING: Refusal = Refusal::new(503, "The proxy is stopping.");

impl Engine {
    /// Sends a request, whose answer goes to the recorder alone.
    pub(super) fn replay(&mut self, net: &mut Net, request: &Request, id: ExchangeId) {
        let mut active = self.spare();
        let text = text_of(request);
        let parsed = match parse_request(&text, &mut active.head) {
            Ok(Parsed::Complete { .. }) => plan_request(&active.head, PSEUDONYM),
            Ok(Parsed::Partial) => Err(Refusal::new(400, "The request is none.")),
            Err(refusal) => Err(refusal),
        };
        let site = parsed.and_then(|plan| {
            active.plan = Some(plan);
            self.site_of(net, request, &active)
        });
        let site = match site.and_then(|site| if self.stopping { Err(STOPPING) } else { Ok(site) }) {
            Ok(site) => site,
            Err(refusal) => {
                self.give_back(active);
                return self.refuse_replay(net, request, id, &refusal);
            }
        };
        active.origin = Some(site.origin);
        self.upstreams.get_mut(site.origin).users += 1;
        active.site = Some(Arc::clone(&site));
        let key = net.void();
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut down = Box::new(Downstream::new(key, peer, Role::Replay));
        (down.caller_asked, down.phase) = (true, Phase::Exchange);
        self.open(net, &mut down, &mut active, id);
        self.write_request(&mut down, &mut active, &site);
        active.upload.out.extend_from_slice(&request.body);
        active.upload.saw(&request.body);
        active.upload.hold = true;
        down.active = Some(active);
        self.clients += 1;
        self.set_peer(key, Peer::Client(down));
        self.with(net, key, |engine, net, down| engine.connect(net, down, false));
        net.again(key);
    }

    fn site_of(&mut self, net: &mut Net, request: &Request, active: &Active) -> Result<Arc<Site>, Refusal> {
        let head = &active.head;
        let authority = head.authority().and_then(|authority| split_authority(authority.as_bytes()));
        let (host, port) = authority.ok_or(Refusal::new(400, "The URL names no server."))?;
        let port = port.unwrap_or(if head.is_secure() { 443 } else { 80 });
        let origin = self.upstreams.find(net, head.is_secure(), host, port);
        let origin = origin.ok_or(Refusal::new(503, "Too many servers are in use."))?;
        Ok(Arc::new(Site {
            origin,
            mode: Mode::Replay,
            page: PageOrigin { origin: Arc::from(&*self.upstreams.get(origin).url), process: None },
            process: request.process.clone(),
            pseudonym: PSEUDONYM.into(),
        }))
    }

    /// A request that cannot be sent is a record all the same: somebody waits for it.
    fn refuse_replay(&mut self, net: &mut Net, request: &Request, id: ExchangeId, refusal: &Refusal) {
        let opened = Opened {
            time_ms: self.notes.time_ms(net.now()),
            mode: Mode::Replay,
            method: Arc::clone(&request.method),
            url: Arc::clone(&request.url),
            process: request.process.clone(),
            headers: request.headers.clone(),
        };
        self.notes.counters.total.add_to(0, 1);
        self.notes.list.push(Note::Opened(id, Box::new(opened)));
        let mut record = super::record::Record::new(id, net.now());
        record.fail("refused", refusal.reason);
        self.notes.ended(record, net.now(), Body::default(), Body::default());
    }
}

/// The request as a client of a proxy would send its head.
fn text_of(request: &Request) -> Vec<u8> {
    let rest = request.url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let url = request.url.split('#').next().unwrap_or_default();
    let mut text = format!("{} {url} HTTP/1.1\r\nHost: {authority}\r\n", request.method).into_bytes();
    for (name, value) in &request.headers {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            text.extend_from_slice(part);
        }
    }
    if !request.body.is_empty() || matches!(&*request.method, "POST" | "PUT" | "PATCH") {
        text.extend_from_slice(format!("Content-Length: {}\r\n", request.body.len()).as_bytes());
    }
    text.extend_from_slice(b"\r\n");
    text
}
