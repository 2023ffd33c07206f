//! The control paths: the script, what pages post, and the channels over which they talk with Brummer.

use std::io::ErrorKind;
use std::sync::Arc;

use super::control::{BEACON_BYTES_MAX, ChannelId, LocalAnswer, MESSAGE_BYTES_MAX, PageChannel, PageOrigin, Say};
use super::downstream::{Downstream, Phase, Step};
use super::engine::{Command, Engine};
use super::head::own_authority;
use super::pages::explain;
use super::site::Site;
use crate::io::net::{Commands, Key, Net};
use crate::wire::http1::{Known, Method, RequestHead};
use crate::wire::websocket::server::{Server, write_close, write_handshake, write_text};

/// Where all control paths begin, whatever the token.
pub(super) const PREFIX: &[u8] = b"/__brummer/";
/// What may wait for a page that does not read; then its channel is closed.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// A page's channel.
pub(super) struct Page {
    id: ChannelId,
    server: Server,
    /// It said goodbye, or was told to go: what waits is sent, then it ends.
    closing: bool,
}

/// What a page posts, while it comes.
pub(super) struct Beacon {
    from: PageOrigin,
    path: String,
}

/// Sends words to the engine for its pages.
pub(super) struct Speaker(pub(super) Commands<Command>);

impl Say for Speaker {
    fn say(&self, channel: ChannelId, text: String) {
        self.0.send(Command::Say(channel, text));
    }

    fn close(&self, channel: ChannelId) {
        self.0.send(Command::Hush(channel));
    }
}

impl Engine {
    /// A request for a control path, whose head is read and whose plan is made.
    pub(super) fn visit(&mut self, net: &mut Net, down: &mut Downstream, site: &Site) -> Step {
        let answer = match self.admit(net, down, site) {
            Ok(step) => return step,
            Err(answer) => answer,
        };
        // What is not found here was asked by a page of another run, again and again: that is nobody's concern.
        if answer.status != 404
            && let Some(active) = down.active.take()
        {
            self.note_refused(net, down, &active.head, answer.status, answer.why.clone());
            down.active = Some(active);
        }
        self.own(net, down, &answer)
    }

    fn admit(&mut self, net: &mut Net, down: &mut Downstream, site: &Site) -> Result<Step, LocalAnswer> {
        let refuse = |status, what| Err(explain(status, what, "", false));
        let Some(active) = &mut down.active else { return Ok(Step::Close) };
        let (Some(control), Some(plan)) = (self.control.clone(), active.plan) else {
            return refuse(404, "There is nothing here.");
        };
        let path = active.head.path().strip_prefix(self.control_prefix.as_bytes());
        let Some(path) = path.and_then(|path| std::str::from_utf8(path).ok()).map(str::to_owned) else {
            return refuse(404, "There is nothing here.");
        };
        let own = own_authority(&active.head, site).to_owned();
        if !is_same_origin(&active.head, &own) {
            return refuse(403, "Only the page that the proxy gave this address may use it.");
        }
        let from = PageOrigin { origin: format!("http://{own}").into(), process: site.process.clone() };
        match plan.method {
            Method::Get if plan.upgrade => self.open_page(net, down, from, &path),
            Method::Get | Method::Head => match control.get(&from, &path) {
                Some(answer) => Err(answer),
                None => refuse(404, "There is nothing here."),
            },
            Method::Post => {
                down.beacon = Some(Box::new(Beacon { from, path }));
                down.phase = Phase::Beacon;
                net.set_deadline(down.key(), Some(self.limits.head));
                Ok(Step::Go)
            }
            _ => refuse(405, "GET and POST are understood here."),
        }
    }

    /// Reads what a page posts.
    pub(super) fn beacon(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let Downstream { link, input, active: Some(active), .. } = down else { return Step::Close };
        let upload = &mut active.upload;
        loop {
            if upload.gather(input, BEACON_BYTES_MAX + 1).is_err() {
                let answer = explain(400, "The body makes no sense.", "", false);
                return self.own(net, down, &answer);
            }
            if upload.out.len() > BEACON_BYTES_MAX {
                let answer = explain(413, "The body is too long.", "", false);
                return self.own(net, down, &answer);
            }
            if upload.is_read() {
                break;
            }
            match link.read_into(net, input) {
                Ok(0) => return Step::Close,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::Wait,
                Err(_) => return Step::Close,
            }
        }
        let body = std::mem::take(&mut upload.out);
        if let (Some(control), Some(beacon)) = (&self.control, down.beacon.take()) {
            control.beacon(&beacon.from, &beacon.path, body);
        }
        self.own(net, down, &LocalAnswer::new(204, "", Vec::new()))
    }

    fn open_page(
        &mut self,
        net: &mut Net,
        down: &mut Downstream,
        from: PageOrigin,
        path: &str,
    ) -> Result<Step, LocalAnswer> {
        let (Some(active), Some(control)) = (&mut down.active, &self.control) else { return Ok(Step::Close) };
        if self.pages.len() >= self.limits.websockets {
            return Err(explain(503, "Too many pages are connected.", "", false));
        }
        if let Err(refusal) = write_handshake(&active.head, &mut active.download.out) {
            return Err(explain(refusal.status, refusal.reason, "", false));
        }
        self.next_page += 1;
        let id = ChannelId(self.next_page);
        self.pages.insert(id, down.link.key);
        down.page = Some(Box::new(Page { id, server: Server::new(MESSAGE_BYTES_MAX), closing: false }));
        down.phase = Phase::Page;
        net.set_deadline(down.link.key, None);
        let say: Arc<dyn Say> = Arc::new(Speaker(self.commands.clone()));
        control.page_opened(PageChannel::new(id, say), &from, path);
        Ok(Step::Go)
    }

    /// Reads what a page says, and sends it what waits.
    pub(super) fn page(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let Downstream { link, input, active: Some(active), page: Some(page), .. } = down else { return Step::Close };
        let Some(control) = &self.control else { return Step::Close };
        let out = &mut active.download;
        loop {
            match out.flush(net, link) {
                Ok(true) if page.closing => {
                    down.phase = Phase::Linger { drained: 0 };
                    down.link.shutdown_write(net);
                    return Step::Go;
                }
                Ok(true) => {}
                Ok(false) if out.waiting() > WAITING_BYTES_MAX => return Step::Reset,
                // It is to read first what it was told.
                Ok(false) => return Step::Wait,
                Err(_) => return Step::Close,
            }
            if !input.is_empty() {
                let id = page.id;
                page.closing =
                    page.server.read(input.data(), &mut out.out, |text| control.page_message(id, text)).is_err();
                input.consume(input.len());
                if out.waiting() > 0 {
                    continue;
                }
            }
            match link.read_into(net, input) {
                Ok(0) => return Step::Close,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::Wait,
                Err(_) => return Step::Close,
            }
        }
    }

    /// Something is to be said to a page, or its channel is to be closed.
    pub(super) fn tell_page(&mut self, net: &mut Net, channel: ChannelId, text: Option<&str>) {
        let Some(key) = self.pages.get(&channel).copied() else { return };
        self.with(net, key, |_, _, down| {
            let (Some(active), Some(page)) = (&mut down.active, &mut down.page) else { return Step::Wait };
            match text {
                _ if page.closing => {}
                Some(text) => write_text(&mut active.download.out, text),
                None => {
                    write_close(&mut active.download.out, 1001);
                    page.closing = true;
                }
            }
            Step::Go
        });
    }

    /// The connection of a page ends.
    pub(super) fn page_gone(&mut self, page: &Page) {
        self.pages.remove(&page.id);
        if let Some(control) = &self.control {
            control.page_closed(page.id);
        }
    }

    /// Closes all channels of a client that was lost.
    pub(super) fn lose_pages(&mut self, key: Key) {
        let lost: Vec<ChannelId> = self.pages.iter().filter(|(_, own)| **own == key).map(|(id, _)| *id).collect();
        for id in lost {
            self.page_gone(&Page { id, server: Server::new(0), closing: true });
        }
    }
}

/// Whether the browser says that a page of this very origin asks; one that says nothing is no browser, and has to know the token.
fn is_same_origin(head: &RequestHead, own: &str) -> bool {
    let origin = head.fields().all(Known::Origin).next();
    let is_own = |origin: &[u8]| {
        origin.strip_prefix(b"http://").is_some_and(|authority| authority.eq_ignore_ascii_case(own.as_bytes()))
    };
    let site = head.field("sec-fetch-site");
    origin.is_none_or(is_own) && site.is_none_or(|site| site == b"same-origin" || site == b"none")
}
