//! Connections whose bytes are copied both ways: WebSockets after their handshake, and blind tunnels.

use super::downstream::{Active, Downstream, Step};
use super::engine::Engine;
use super::flow::{Broken, Moved};
use super::tap::Tap;
use crate::io::net::Net;
use crate::proxy::Headers;
use crate::proxy::exchange::{Injection, Note, Traffic};

impl Engine {
    /// The server took the upgrade: its answer lies in `download.out`.
    pub(super) fn open_websocket(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        self.websockets += 1;
        if let Some(active) = &mut down.active {
            active.upload.release();
            active.upload.tap = Some(Tap::messages(true, self.frame_bytes));
            active.download.tap = Some(Tap::messages(false, self.frame_bytes));
            // Its messages are kept one by one.
            active.upload.keep_max = 0;
            active.download.keep_max = 0;
        }
        self.enter_tunnel(net, down)
    }

    /// The connection that CONNECT asked for stands.
    pub(super) fn open_tunnel(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        active.traffic = Traffic::Tunnel;
        active.upload.keep_max = 0;
        active.download.keep_max = 0;
        active.download.out.extend_from_slice(b"HTTP/1.1 200 Connection established\r\n\r\n");
        if let Some(record) = &mut active.record {
            record.status = Some(200);
            self.notes.list.push(Note::Answered {
                id: record.id,
                traffic: Traffic::Tunnel,
                status: 200,
                headers: Headers::default(),
                phases: record.phases,
                injection: Injection::NotAPage,
            });
        }
        self.enter_tunnel(net, down)
    }

    /// Copies what there is, in both directions; each side learns of the other's end.
    pub(super) fn tunnel(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let Downstream { link, input, active: Some(active), .. } = down else { return Step::Close };
        let Active { upload, download, upstream: Some(upstream), shut, record, .. } = &mut **active else {
            return Step::Close;
        };
        if let Some(tls) = &mut upstream.link.tls {
            tls.settle(net, upstream.link.key);
        }
        let up = upload.pump(net, link, input, &mut upstream.link);
        let back = download.pump(net, &mut upstream.link, &mut upstream.input, link);
        for (moved, shut, to) in [(&up, &mut shut.0, &mut upstream.link), (&back, &mut shut.1, link)] {
            if matches!(moved, Ok(Moved::Finished)) && !std::mem::replace(shut, true) {
                to.shutdown_write(net);
            }
        }
        let broken = match (&up, &back) {
            (Err(Broken::Source(_)), _) | (_, Err(Broken::Sink)) => Some("client gone"),
            (Err(_), _) | (_, Err(_)) => Some("truncated"),
            _ => None,
        };
        if let (Some(kind), Some(record)) = (broken, record) {
            let who = if kind == "truncated" { "server" } else { "client" };
            record.fail(kind, format!("The {who} broke the connection."));
        }
        let (is_shared, both) = ([&up, &back].iter().any(|moved| matches!(moved, Ok(Moved::Share))), *shut);
        input.settle(&mut net.buffers);
        upstream.input.settle(&mut net.buffers);
        self.note_frames(net, active);
        match (broken, both) {
            (Some(_), _) => Step::Reset,
            (None, (true, true)) => self.part(net, down),
            _ => {
                if is_shared {
                    net.again(down.link.key);
                }
                Step::Wait
            }
        }
    }

    /// Both sides have said all that they had to say.
    fn part(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        if let Some(active) = &mut down.active
            && let Some(upstream) = active.upstream.take()
        {
            self.set_peer(upstream.link.key, super::engine::Peer::None);
            net.close(upstream.link.key);
        }
        Step::Close
    }
}
