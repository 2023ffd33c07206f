//! Full mode: absolute targets, tunnels, and what is refused.

use super::lab::*;
use crate::proxy::ProxyConfig;
use crate::proxy::exchange::{Mode, Note, Traffic};

fn full() -> ProxyConfig {
    ProxyConfig { full: true, ..config() }
}

#[test]
fn an_absolute_target_goes_where_it_says() {
    let lab = Lab::with(full(), 0, Default::default(), |mut wire, _| {
        while let Some(head) = wire.try_head() {
            assert!(head.starts_with("GET /x?y HTTP/1.1\r\n"), "{head}");
            assert_eq!(field(&head, "host"), Some(&*wire.stream.local_addr().unwrap().to_string()));
            assert_eq!(field(&head, "proxy-connection"), None);
            assert_eq!(field(&head, "x-forwarded-for"), None);
            wire.send(OK);
        }
    });
    let mut client = lab.control();
    for _ in 0..2 {
        client.send(format!(
            "GET {}/x?y HTTP/1.1\r\nHost: other\r\nProxy-Connection: keep-alive\r\n\r\n",
            lab.server.url()
        ));
        let (head, body) = client.answer();
        assert_eq!(body, "hello");
        assert!(field(&head, "via").is_some());
    }
    let notes = lab.ended(2);
    let Note::Opened(_, opened) = &notes[0] else { panic!() };
    assert_eq!((opened.mode, &*opened.url), (Mode::Forward, &*format!("{}/x?y", lab.server.url())));
    assert_eq!(opened.process.as_ref().map(|(id, _)| *id), Some(PROCESS), "whose server it is, is known here too");
}

#[test]
fn connect_is_a_blind_tunnel() {
    let lab = Lab::with(full(), 0, Default::default(), |mut wire, _| {
        assert_eq!(wire.exactly(5), b"early");
        wire.send("first");
        assert_eq!(wire.rest(), b"last");
        wire.send("bye");
    });
    let mut client = lab.control();
    client.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\nearly", lab.server.address));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    assert_eq!(client.exactly(5), b"first");
    client.send("last");
    client.end_writing();
    assert_eq!(client.rest(), b"bye");
    let notes = lab.ended(1);
    assert!(notes.iter().any(|note| matches!(note, Note::Answered { traffic: Traffic::Tunnel, status: 200, .. })));
    let Some(Note::Ended { request_body, response_body, .. }) = notes.last() else { panic!() };
    assert_eq!((request_body.bytes, response_body.bytes), (9, 8));
}

#[test]
fn much_goes_through_a_tunnel_both_ways_at_once_and_little_after_it() {
    const MUCH: usize = 8_000_003;
    let much = |factor: usize| -> Vec<u8> { (0..MUCH).map(|n| ((n * factor) >> 7) as u8).collect() };
    let lab = Lab::with(full(), 0, Default::default(), move |wire, _| {
        let (mut back, mut wire) = (wire.stream.try_clone().unwrap(), wire);
        // It sends all of its own before it needs to read, and reads what it got meanwhile.
        let sender = std::thread::spawn(move || std::io::Write::write_all(&mut back, &much(3)).unwrap());
        let same = wire.exactly(MUCH) == much(5);
        sender.join().unwrap();
        while let Some(word) = wire.try_exactly(3) {
            wire.send([&word[..], if same { &b" same"[..] } else { b" else" }].concat());
        }
        wire.send("end");
    });
    let mut client = lab.control();
    client.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", lab.server.address));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    let mut there = client.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || std::io::Write::write_all(&mut there, &much(5)).unwrap());
    assert!(client.exactly(MUCH) == much(3));
    sender.join().unwrap();
    for word in ["one", "two"] {
        client.send(word);
        assert_eq!(client.exactly(8), format!("{word} same").as_bytes());
    }
    client.end_writing();
    assert_eq!(client.rest(), b"end");
    let Some(Note::Ended { request_body, response_body, .. }) = lab.ended(1).pop() else { panic!() };
    assert_eq!((request_body.bytes, response_body.bytes), (MUCH as u64 + 6, MUCH as u64 + 19));
}

#[test]
fn what_is_not_to_be_reached_is_refused() {
    let lab = Lab::with(
        ProxyConfig { forward_to: Some(vec!["allowed.test".into()]), ..full() },
        0,
        Default::default(),
        |_, _| panic!("nothing may come here"),
    );
    let (own, route) = (lab.proxy.port(), lab.port());
    for (request, status) in [
        (format!("GET http://localhost:{route}/ HTTP/1.1\r\nHost: a\r\n\r\n"), "508"),
        (format!("CONNECT 127.0.0.1:{own} HTTP/1.1\r\nHost: a\r\n\r\n"), "508"),
        ("GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n".to_owned(), "403"),
        ("CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n".to_owned(), "403"),
        ("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n".to_owned(), "421"),
        ("CONNECT evil.test HTTP/1.1\r\nHost: evil.test\r\n\r\n".to_owned(), "400"),
    ] {
        let mut client = lab.control();
        client.send(&request);
        let head = client.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{head}");
    }
    let mut client = lab.client();
    client.send("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 405 "));
}

#[test]
fn px08_the_mode_changes_while_it_runs() {
    let lab = Lab::new(always(OK));
    let request = format!("GET {}/ HTTP/1.1\r\nHost: a\r\n\r\n", lab.server.url());
    let status = || {
        let mut client = lab.control();
        client.send(&request);
        client.head()[9..12].to_owned()
    };
    assert_eq!(status(), "403");
    lab.proxy.set_mode(true);
    assert!(until(|| (status() == "200").then_some(())).is_some());
    lab.proxy.set_mode(false);
    assert!(until(|| (status() == "403").then_some(())).is_some());
}

#[test]
fn a_request_that_goes_in_a_circle_is_stopped() {
    let lab = Lab::new(|_, _| panic!("nothing may come here"));
    let mut client = lab.client();
    client.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 a, 1.1 brummer-{}\r\n\r\n", lab.port()));
    assert!(client.head().starts_with("HTTP/1.1 508 "));
}

#[test]
fn a_browser_is_told_how_to_find_the_proxy() {
    let lab = Lab::new(always(OK));
    for path in ["/proxy.pac", "/pac"] {
        let mut client = lab.control();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let (head, body) = client.answer();
        assert_eq!(field(&head, "content-type"), Some("application/x-ns-proxy-autoconfig"));
        assert!(body.contains(&format!("PROXY 127.0.0.1:{}", lab.proxy.port())), "{body}");
    }
}

#[test]
fn a_name_that_is_none_is_a_502() {
    let lab = Lab::with(full(), 0, Default::default(), always(OK));
    let mut client = lab.control();
    client.send("GET http://no-such-name.invalid/ HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(["502", "504"].contains(&&client.head()[9..12]));
}
