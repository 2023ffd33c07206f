//! What is refused is told of as well, as far as it is known.

use super::lab::*;
use crate::proxy::ProxyConfig;
use crate::proxy::exchange::{Mode, Note};
use crate::proxy::{Limits, Opened};
use std::time::Duration;

/// What is told of a client that sends this and reads until the end.
fn told(lab: &Lab, mut client: Wire, bytes: &str) -> (Box<Opened>, u16, String) {
    let before = lab.notes(|_| true).len();
    client.send(bytes);
    client.head();
    let notes = lab.notes(|notes| notes[before..].iter().any(|note| matches!(note, Note::Refused { .. })));
    let Some(Note::Refused { opened, status, why, .. }) = notes.into_iter().nth(before) else { panic!() };
    (opened, status, why.to_string())
}

#[test]
fn a_head_that_makes_no_sense_is_told_of() {
    let lab = Lab::new(always(OK));
    let (opened, status, why) = told(&lab, lab.client(), "GET /a?b HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n");
    assert_eq!((&*opened.method, &*opened.url, status), ("GET", &*format!("{}/a?b", lab.server.url()), 400));
    assert_eq!(opened.process.as_ref().map(|(id, name)| (*id, &**name)), Some((PROCESS, "web")));
    assert!(why.ends_with('.'), "a sentence: {why}");
    let (opened, status, _) = told(&lab, lab.client(), "\x16\x03\x01\x02 hello\r\n\r\n");
    assert_eq!((&*opened.method, status), ("?", 400));
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(200_000));
    let (opened, status, _) = told(&lab, lab.client(), &long[..100_000]);
    assert!((400..500).contains(&status) && opened.url.len() < 2000, "{status}: {} bytes", opened.url.len());
    let both = "POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(told(&lab, lab.client(), both).1, 400);
}

#[test]
fn a_host_that_is_not_ours_is_told_of_by_its_name() {
    let lab = Lab::new(always(OK));
    let (opened, status, why) =
        told(&lab, lab.client(), "POST /a HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((&*opened.method, &*opened.url, status), ("POST", "http://evil.test/a", 421));
    assert!(why.contains("evil.test") && opened.headers.text("host") == Some("evil.test"), "{why}");
    let (opened, status, _) = told(&lab, lab.control(), "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!((opened.mode, &*opened.url, status), (Mode::Tunnel, "a.test:443", 403));
    let (opened, status, _) = told(&lab, lab.control(), "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!((opened.mode, &*opened.url, status), (Mode::Forward, "http://a.test/x", 403));
    let (opened, status, _) = told(&lab, lab.control(), "GET /x HTTP/1.1\r\nHost: no.localhost\r\n\r\n");
    assert_eq!((&*opened.url, status), ("http://no.localhost/x", 404));
}

#[test]
fn a_head_that_did_not_come_in_time_is_told_of() {
    let limits = Limits { head: Duration::from_secs(1), ..Limits::default() };
    let lab = Lab::with(ProxyConfig { limits, ..config() }, 0, Default::default(), always(OK));
    let (opened, status, _) = told(&lab, lab.client(), "PUT /slow HTTP/1.1\r\nHo");
    assert_eq!((&*opened.method, status), ("PUT", 408));
    assert!(opened.url.ends_with("/slow"), "{}", opened.url);
}

#[test]
fn what_we_serve_ourselves_is_not_told_of() {
    let lab = Lab::new(always(OK));
    let mut control = lab.control();
    control.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    control.answer();
    let mut page = lab.client();
    page.send("GET /__brummer/other/t.js HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(page.answer().0.starts_with("HTTP/1.1 404 "));
    page.send(GET);
    page.answer();
    let notes = lab.ended(1);
    assert!(!notes.iter().any(|note| matches!(note, Note::Refused { .. })), "{notes:#?}");
}
