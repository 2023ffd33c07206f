//! The control paths and the injector, with stand-ins for both.

use super::lab::*;
use crate::proxy::engine::{
    BodyFilter, ChannelId, Control, Edits, HeadView, Hooks, Injector, Insertion, LocalAnswer, PageChannel, PageOrigin,
    Wanted,
};
use crate::proxy::exchange::{Injection, Note};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

#[derive(Debug, PartialEq)]
enum Heard {
    Beacon(String, String, Vec<u8>),
    Opened(String),
    Message(String),
    Closed,
}

/// Says what it hears, and answers pages that say `ping`.
struct Desk {
    said: Mutex<Sender<Heard>>,
    page: Mutex<Option<PageChannel>>,
}

impl Desk {
    fn say(&self, heard: Heard) {
        self.said.lock().unwrap().send(heard).unwrap();
    }
}

impl Control for Desk {
    fn get(&self, _: &PageOrigin, path: &str) -> Option<LocalAnswer> {
        (path == "t.js").then(|| LocalAnswer::new(200, "text/javascript", &b"script"[..]))
    }

    fn beacon(&self, from: &PageOrigin, path: &str, body: Vec<u8>) {
        self.say(Heard::Beacon(from.origin.to_string(), path.into(), body));
    }

    fn page_opened(&self, channel: PageChannel, from: &PageOrigin, _: &str) {
        assert_eq!(from.process.as_ref().map(|(id, _)| *id), Some(PROCESS));
        self.say(Heard::Opened(from.origin.to_string()));
        *self.page.lock().unwrap() = Some(channel);
    }

    fn page_message(&self, channel: ChannelId, text: &str) {
        let page = self.page.lock().unwrap();
        let page = page.as_ref().filter(|page| page.id() == channel).unwrap();
        match text {
            "ping" => page.send("pong"),
            "bye" => page.close(),
            text => self.say(Heard::Message(text.into())),
        }
    }

    fn page_closed(&self, _: ChannelId) {
        self.say(Heard::Closed);
    }
}

/// Puts `<s>` before the first `<b>`.
struct Stamp;

struct Stamping(bool);

impl Injector for Stamp {
    fn on_request(&self, request: HeadView<'_>, edits: &mut Edits) -> Wanted {
        edits.remove("range");
        edits.set("Accept-Encoding", "identity");
        if request.target == "/page" { Wanted::Page } else { Wanted::Nothing }
    }

    fn on_response(&self, _: Wanted, _: HeadView<'_>, _: &PageOrigin, prefix: &str, edits: &mut Edits) -> Insertion {
        edits.set("Cache-Control", "no-store");
        edits.set("X-Prefix", prefix);
        Insertion { injection: Injection::Done { policy_loosened: false }, filter: Some(Box::new(Stamping(false))) }
    }
}

impl BodyFilter for Stamping {
    fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        for byte in input {
            if *byte == b'<' && !std::mem::replace(&mut self.0, true) {
                out.extend_from_slice(b"<s>");
            }
            out.push(*byte);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"!");
    }

    fn is_done(&self) -> bool {
        self.0
    }
}

/// Cannot read bodies that have a `#`.
struct Picky(bool);

impl Injector for Picky {
    fn on_request(&self, _: HeadView<'_>, _: &mut Edits) -> Wanted {
        Wanted::Page
    }

    fn on_response(&self, _: Wanted, _: HeadView<'_>, _: &PageOrigin, _: &str, _: &mut Edits) -> Insertion {
        Insertion { injection: Injection::Done { policy_loosened: false }, filter: Some(Box::new(Picky(false))) }
    }
}

impl BodyFilter for Picky {
    fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.0 |= input.contains(&b'#');
        out.extend_from_slice(input.split(|byte| *byte == b'#').next().unwrap_or_default());
    }

    fn finish(&mut self, _: &mut Vec<u8>) {}

    fn broken(&self) -> Option<&'static str> {
        self.0.then_some("it has a #")
    }

    fn outcome(&self) -> Option<Injection> {
        self.0.then_some(Injection::Not("it has a #"))
    }
}

fn lab(serve: impl Fn(Wire, usize) + Send + Sync + 'static) -> (Lab, Receiver<Heard>) {
    let (said, heard) = channel();
    let desk = Desk { said: Mutex::new(said), page: Mutex::new(None) };
    let hooks = Hooks { control: Some(Arc::new(desk)), injector: Some(Arc::new(Stamp)), ..Hooks::default() };
    (Lab::with(config(), 0, hooks, serve), heard)
}

fn ask(lab: &Lab, request: String) -> (String, String) {
    let mut client = lab.client();
    client.send(request);
    let head = client.head();
    let length = field(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    (head, String::from_utf8(client.exactly(length)).unwrap())
}

#[test]
fn px07_the_script_is_served_to_its_own_page_alone() {
    let (lab, _) = lab(|_, _| panic!("nothing may come here"));
    let prefix = lab.proxy.control_prefix().to_owned();
    for (path, fields, status) in [
        (format!("{prefix}t.js"), "", "200"),
        (format!("{prefix}t.js"), "Sec-Fetch-Site: same-origin\r\n", "200"),
        (format!("{prefix}t.js"), "Sec-Fetch-Site: cross-site\r\n", "403"),
        (format!("{prefix}t.js"), "Sec-Fetch-Site: same-site\r\n", "403"),
        (format!("{prefix}t.js"), "Origin: http://evil.test\r\n", "403"),
        (format!("{prefix}t.js"), "Origin: null\r\n", "403"),
        (format!("{prefix}other"), "", "404"),
        ("/__brummer/guess/t.js".into(), "", "404"),
    ] {
        let (head, body) = ask(&lab, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
        assert_eq!(&head[9..12], status, "{path} {fields}");
        assert!(status != "200" || body == "script");
        assert_eq!(field(&head, "access-control-allow-origin"), None);
    }
}

#[test]
fn px07_what_a_page_posts_is_handed_over_and_bounded() {
    let (lab, heard) = lab(|_, _| panic!("nothing may come here"));
    let prefix = lab.proxy.control_prefix().to_owned();
    let mut client = lab.client();
    for framing in ["Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"]
    {
        client.send(format!("POST {prefix}b HTTP/1.1\r\nHost: localhost:1\r\nOrigin: http://localhost:1\r\n{framing}"));
        assert!(client.head().starts_with("HTTP/1.1 204 "));
        let expected = Heard::Beacon("http://localhost:1".into(), "b".into(), b"abc".to_vec());
        assert_eq!(heard.recv_timeout(SOON).unwrap(), expected);
    }
    client.send(format!("POST {prefix}b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n"));
    client.send(vec![b'x'; 300_000]);
    assert!(client.head().starts_with("HTTP/1.1 413 "));
}

#[test]
fn px07_a_page_talks_and_is_talked_to() {
    let (lab, heard) = lab(|_, _| panic!("nothing may come here"));
    let prefix = lab.proxy.control_prefix().to_owned();
    let mut client = lab.client();
    let port = lab.port();
    client.send(format!(
        "GET {prefix}ws HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ));
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(heard.recv_timeout(SOON).unwrap(), Heard::Opened(format!("http://localhost:{port}")));
    client.send(b"\x81\x85\x00\x00\x00\x00hello");
    assert_eq!(heard.recv_timeout(SOON).unwrap(), Heard::Message("hello".into()));
    client.send(b"\x81\x84\x00\x00\x00\x00ping");
    assert_eq!(client.exactly(6), b"\x81\x04pong");
    client.send(b"\x81\x83\x00\x00\x00\x00bye");
    assert_eq!(client.exactly(4), b"\x88\x02\x03\xe9");
    drop(client);
    assert_eq!(heard.recv_timeout(SOON).unwrap(), Heard::Closed);
}

#[test]
fn px07_a_page_is_changed_on_its_way_and_nothing_else() {
    let (lab, _) = lab(|mut wire, _| {
        while let Some(head) = wire.try_head() {
            assert_eq!(field(&head, "accept-encoding"), Some("identity"), "{head}");
            assert_eq!(field(&head, "range"), None);
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nCache-Control: max-age=9\r\n\r\nab<b>c");
        }
    });
    let mut client = lab.client();
    client.send("GET /page HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1\r\nAccept-Encoding: br\r\n\r\n");
    let head = client.head();
    assert_eq!((field(&head, "cache-control"), field(&head, "content-length")), (Some("no-store"), None));
    assert_eq!(field(&head, "x-prefix"), Some(lab.proxy.control_prefix()));
    let body = client.until(b"0\r\n\r\n").unwrap();
    assert_eq!(body, "9\r\nab<s><b>c\r\n1\r\n!\r\n0\r\n\r\n");
    client.send("GET /data HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, body) = client.answer();
    assert_eq!((&*body, field(&head, "cache-control")), ("ab<b>c", Some("max-age=9")));
    client.send("HEAD /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = client.head();
    assert_eq!((field(&head, "cache-control"), field(&head, "content-length")), (Some("no-store"), None));
    let notes = lab.ended(3);
    let done = notes.iter().filter(|n| matches!(n, Note::Answered { injection: Injection::Done { .. }, .. }));
    assert_eq!(done.count(), 2);
}

#[test]
fn a_page_that_cannot_be_read_is_never_passed_for_whole() {
    for (head, body) in
        [("Content-Length: 7\r\n", "abc#def"), ("Transfer-Encoding: chunked\r\n", "4\r\nabc#\r\n0\r\n\r\n")]
    {
        let hooks = Hooks { injector: Some(Arc::new(Picky(false))), ..Hooks::default() };
        let lab = Lab::with(config(), 0, hooks, move |mut wire, _| {
            wire.head();
            wire.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n"));
            wire.send(body);
        });
        let mut client = lab.client();
        client.send("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(client.until(b"0\r\n\r\n").is_none(), "{head}");
        let notes = lab.ended(1);
        let ended = notes.iter().find_map(|n| if let Note::Ended { failure, .. } = n { failure.clone() } else { None });
        assert_eq!((ended.unwrap().kind, notes.len() > 1), ("garbage", true));
    }
}
