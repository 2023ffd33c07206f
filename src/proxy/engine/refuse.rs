//! Tells of requests that were answered here because they go no further: their head makes no sense, or nobody may ask that here.
//!
//! A note of these is one record that has ended already: it takes no place among what runs, and the recorder gives all of them
//! together a small share, so that a flood of garbage pushes out little else.

use std::fmt::Write as _;
use std::sync::Arc;

use super::downstream::Downstream;
use super::engine::Engine;
use super::site::{Role, Site};
use crate::io::net::Net;
use crate::proxy::exchange::{Mode, Note, Opened};
use crate::wire::http1::{Method, Refusal, RequestHead, TargetForm};

/// The longest method and target that are told of bytes which are no head.
const METHOD_BYTES_MAX: usize = 20;
/// See [`METHOD_BYTES_MAX`].
const TARGET_BYTES_MAX: usize = 1024;

impl Engine {
    /// What came is no head, or not a whole one in time.
    pub(super) fn note_garbage(&mut self, net: &mut Net, down: &mut Downstream, refusal: &Refusal) {
        let (method, target) = first_line(down.input.data());
        let site = self.site_behind(down);
        let mut url = match &site {
            Some(site) => self.upstreams.get(site.origin).url.to_string(),
            None => format!("http://localhost:{}", self.port),
        };
        match target.as_str() {
            whole if whole.contains("://") => url = target,
            path if path.starts_with('/') => url.push_str(path),
            other => {
                url.push('/');
                url.push_str(other);
            }
        }
        let opened = Opened {
            time_ms: self.notes.time_ms(net.now()),
            mode: Mode::Reverse,
            method: self.methods.get(&method),
            url: url.into(),
            process: site.and_then(|site| site.process.clone()),
            headers: Default::default(),
        };
        self.note_refusal(net, down, opened, refusal.status, refusal.reason.into());
    }

    /// A request whose head was read gets an answer of ours; nothing is told of one that is no refusal.
    pub(super) fn note_refused(
        &mut self,
        net: &mut Net,
        down: &mut Downstream,
        head: &RequestHead,
        status: u16,
        why: Option<Arc<str>>,
    ) {
        if status < 400 || down.role == Role::Replay {
            return;
        }
        let site = self.site_behind(down);
        head.fields().iter().for_each(|field| self.headers.push(field.name, field.value));
        let opened = Opened {
            time_ms: self.notes.time_ms(net.now()),
            mode: match (head.kind(), head.form()) {
                (Method::Connect, _) => Mode::Tunnel,
                (_, TargetForm::Absolute) if down.role == Role::Control => Mode::Forward,
                _ => Mode::Reverse,
            },
            method: self.methods.get(head.method()),
            url: self.asked_for(head, site.as_deref()).into(),
            process: site.and_then(|site| site.process.clone()),
            headers: self.headers.take(),
        };
        self.note_refusal(net, down, opened, status, why.unwrap_or_else(|| Arc::from("It was refused.")));
    }

    fn note_refusal(&mut self, net: &mut Net, down: &mut Downstream, opened: Opened, status: u16, why: Arc<str>) {
        let id = self.notes.counters.number();
        self.notes.list.push(Note::Refused { id, opened: Box::new(opened), status, why });
        self.ask_caller(net, down, id);
        if let Some(caller) = &down.caller {
            self.notes.list.push(Note::Caller(id, caller.clone()));
        }
    }

    /// The server whose address the client has connected to.
    fn site_behind(&self, down: &Downstream) -> Option<Arc<Site>> {
        let Role::Reverse(place) = down.role else { return None };
        self.routes.get(place)?.as_ref().map(|route| Arc::clone(&route.site))
    }

    /// The URL as the client meant it: by the name that it asked for, not by that of the server, for the name may be the reason.
    fn asked_for(&self, head: &RequestHead, site: Option<&Site>) -> String {
        let path = String::from_utf8_lossy(head.path());
        match (head.authority().or(head.host()), site) {
            (Some(authority), _) if head.kind() == Method::Connect => authority.to_owned(),
            (Some(authority), _) => {
                let scheme = if head.is_secure() { "https" } else { "http" };
                let slash = if path.starts_with('/') || path == "*" { "" } else { "/" };
                format!("{scheme}://{authority}{slash}{path}")
            }
            (None, Some(site)) => format!("{}{path}", self.upstreams.get(site.origin).url),
            (None, None) => format!("http://localhost:{}{path}", self.port),
        }
    }
}

/// The method and the target, as far as the first line of these bytes has such: `?` for a method that is none. What no URL holds
/// is written as `%XX`.
fn first_line(bytes: &[u8]) -> (String, String) {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.trim_ascii().splitn(3, |byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let is_method = (1..=METHOD_BYTES_MAX).contains(&method.len()) && method.iter().all(u8::is_ascii_alphanumeric);
    if !is_method {
        return ("?".into(), String::new());
    }
    let target = words.next().unwrap_or_default();
    let mut shown = String::new();
    for byte in &target[..target.len().min(TARGET_BYTES_MAX)] {
        match byte {
            b'!'..=b'~' => shown.push(char::from(*byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(shown, "%{byte:02X}")),
        }
    }
    (String::from_utf8_lossy(method).into_owned(), shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_known_of_bytes_that_are_no_head_is() {
        for (bytes, method, target) in [
            (&b"GET /a?b HTTP/1.1\r\nHost"[..], "GET", "/a?b"),
            (b"GET /a", "GET", "/a"),
            (b"GET /a\x1b[2J\xff HTTP/1.1\r\n", "GET", "/a%1B[2J%FF"),
            (b"\x16\x03\x01\x02\x00\x01", "?", ""),
            (b"", "?", ""),
            (b"SSH-2.0-OpenSSH_9\r\n", "?", ""),
        ] {
            assert_eq!(first_line(bytes), (method.to_owned(), target.to_owned()), "{bytes:?}");
        }
        assert_eq!(first_line(&[b"GET /", &[b'a'; 9000][..]].concat()).1.len(), TARGET_BYTES_MAX);
    }
}
