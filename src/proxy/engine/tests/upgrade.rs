//! WebSockets and tunnels: bytes both ways, whatever they are.

use super::lab::*;
use crate::proxy::exchange::{Note, Traffic};
use crate::proxy::{Limits, ProxyConfig};

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Sends back what comes.
fn echo(mut wire: Wire, _: usize) {
    let head = wire.head();
    assert_eq!(field(&head, "upgrade"), Some("websocket"));
    // A frame in the same write as the head: it must not be lost.
    wire.send([SWITCH.as_bytes(), b"\x81\x02hi"].concat());
    while let Some(byte) = wire.try_exactly(1) {
        wire.send(byte);
    }
}

#[test]
fn px12_a_websocket_passes_byte_for_byte_and_its_messages_are_seen() {
    let lab = Lab::new(echo);
    let mut client = lab.client();
    // A masked frame in the same write as the head, as hasty clients send it.
    client.send([UPGRADE.as_bytes(), b"\x81\x82\x00\x00\x00\x00yo"].concat());
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 ") && field(&head, "sec-websocket-accept").is_some(), "{head}");
    assert_eq!(client.exactly(4), b"\x81\x02hi");
    assert_eq!(client.exactly(8), b"\x81\x82\x00\x00\x00\x00yo");
    client.send(b"\xff\xff");
    assert_eq!(client.exactly(2), b"\xff\xff", "what is no frame passes as well");
    client.end_writing();
    assert!(client.is_closed());
    let notes = lab.ended(1);
    let frames: Vec<_> = notes
        .iter()
        .filter_map(
            |note| if let Note::Frame(_, frame) = note { Some((frame.up, &*frame.kind, &*frame.kept)) } else { None },
        )
        .collect();
    assert!(
        frames.contains(&(false, "text", &b"hi"[..])) && frames.contains(&(true, "text", &b"yo"[..])),
        "{frames:?}"
    );
    assert!(notes.iter().any(|note| matches!(note, Note::Answered { traffic: Traffic::WebSocket, status: 101, .. })));
    assert!(notes.iter().any(|note| matches!(note, Note::Ended { failure: None, .. })));
}

#[test]
fn px12_more_websockets_than_allowed_are_refused_and_places_come_free() {
    let limits = Limits { websockets: 1, ..Limits::default() };
    let lab = Lab::with(ProxyConfig { limits, ..config() }, 0, Default::default(), echo);
    let mut first = lab.client();
    first.send(UPGRADE);
    first.head();
    let mut second = lab.client();
    second.send(UPGRADE);
    assert!(second.answer().0.starts_with("HTTP/1.1 503 "));
    drop(first);
    lab.ended(1);
    second.send(UPGRADE);
    assert!(second.head().starts_with("HTTP/1.1 101 "));
}

#[test]
fn each_side_may_stop_writing_and_still_read() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.send(SWITCH);
        let all = wire.rest();
        wire.send(all);
    });
    let mut client = lab.client();
    client.send(UPGRADE);
    client.head();
    client.send("all of it");
    client.end_writing();
    assert_eq!(client.rest(), b"all of it");
}

#[test]
fn a_server_that_breaks_off_is_noticed_by_the_client_at_once() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.send(SWITCH);
        // Unread bytes at the close make it a reset.
        wire.stream.peek(&mut [0]).unwrap();
    });
    let mut client = lab.client();
    client.send(UPGRADE);
    client.head();
    client.send("x");
    assert!(client.is_closed());
    assert!(lab.ended(1).iter().any(|note| matches!(note, Note::Ended { status: Some(101), .. })));
}

#[test]
fn an_upgrade_that_nobody_asked_for_or_that_is_no_websocket_is_none() {
    let lab = Lab::new(|mut wire, _| {
        let head = wire.head();
        assert_eq!(field(&head, "upgrade"), None, "{head}");
        wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
        wire.rest();
    });
    let mut client = lab.client();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n");
    assert!(client.answer().0.starts_with("HTTP/1.1 502 "));
}

#[test]
fn a_refused_upgrade_is_an_ordinary_answer() {
    let lab = Lab::new(always(OK));
    let mut client = lab.client();
    for _ in 0..2 {
        client.send(UPGRADE);
        assert_eq!(client.answer().1, "hello");
    }
}
