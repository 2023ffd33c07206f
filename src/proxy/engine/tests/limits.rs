//! Bounds and deadlines: who is too slow, too many, or too long.

use super::lab::*;
use crate::proxy::exchange::Note;
use crate::proxy::{Limits, ProxyConfig};
use std::time::Duration;

/// Short, and yet long enough for what each client sends at once, on a machine that is busy with something else.
const SHORT: Duration = Duration::from_secs(1);

fn with(limits: Limits, serve: impl Fn(Wire, usize) + Send + Sync + 'static) -> Lab {
    Lab::with(ProxyConfig { limits, ..config() }, 0, Default::default(), serve)
}

#[test]
fn px12_a_head_that_does_not_end_is_a_408() {
    let lab = with(Limits { head: SHORT, ..Limits::default() }, always(OK));
    let mut slow = lab.client();
    slow.send("GET / HTTP/1.1\r\nHost: loc");
    assert!(slow.head().starts_with("HTTP/1.1 408 "));
    let mut pipelined = lab.client();
    pipelined.send([GET, "GET"].concat());
    pipelined.answer();
    assert!(pipelined.head().starts_with("HTTP/1.1 408 "), "also behind a whole request");
}

#[test]
fn an_idle_client_is_closed_in_the_end() {
    let lab = with(Limits { keep_alive: SHORT, head: SHORT, ..Limits::default() }, always(OK));
    let mut client = lab.client();
    client.send(GET);
    client.answer();
    assert!(client.is_closed());
    assert!(lab.client().is_closed(), "also before its first request");
}

#[test]
fn an_upload_that_stops_is_a_408() {
    let lab = with(Limits { body_idle: SHORT, ..Limits::default() }, |mut wire, _| {
        wire.head();
        wire.rest();
    });
    let mut client = lab.client();
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
    assert!(client.head().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_server_that_does_not_answer_is_a_504() {
    let lab = with(Limits { answer: SHORT, ..Limits::default() }, |mut wire, _| {
        wire.head();
        wire.rest();
    });
    let mut client = lab.client();
    client.send(GET);
    assert!(client.answer().0.starts_with("HTTP/1.1 504 "));
    let notes = lab.ended(1);
    assert!(notes.iter().any(|n| matches!(n, Note::Ended { failure: Some(failure), .. } if failure.kind == "timeout")));
}

#[test]
fn an_answer_that_stops_is_cut_but_a_stream_of_events_may_be_silent() {
    let lab = with(Limits { body_idle: SHORT, ..Limits::default() }, |mut wire, _| {
        let head = wire.head();
        if head.starts_with("GET /events") {
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
            std::thread::park_timeout(2 * SHORT);
            wire.send("data: 2\n\n");
        } else {
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        }
        wire.rest();
    });
    let mut events = lab.client();
    events.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut client = lab.client();
    client.send(GET);
    client.until(b"half").unwrap();
    assert!(client.was_reset());
    events.until(b"data: 2\n\n").unwrap();
}

#[test]
fn px12_the_client_that_was_idle_longest_makes_room() {
    let lab = with(Limits { connections: 3, ..Limits::default() }, always(OK));
    let mut clients: Vec<Wire> = (0..3).map(|_| lab.client()).collect();
    for client in &mut clients {
        client.send(GET);
        client.answer();
    }
    clients[0].send(GET);
    clients[0].answer();
    let mut fourth = lab.client();
    fourth.send(GET);
    fourth.answer();
    assert!(clients[1].is_closed());
    for place in [0, 2] {
        clients[place].send(GET);
        clients[place].answer();
    }
}

#[test]
fn an_idle_connection_to_a_server_is_given_up_before_the_server_does() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 5\r\n\r\nhello");
        assert!(wire.is_closed(), "after a second");
        wire.send("");
    });
    let mut client = lab.client();
    client.send(GET);
    let (head, _) = client.answer();
    assert_eq!(field(&head, "keep-alive"), None);
    std::thread::park_timeout(Duration::from_millis(1800));
    client.send(GET);
    client.answer();
    assert!(!lab.ended(2).iter().any(|note| matches!(note, Note::Ended { retried: true, .. })));
}

#[test]
fn px12_clients_that_come_at_once_make_room_of_the_idle_and_not_of_each_other() {
    let lab = with(Limits { connections: 3, ..Limits::default() }, always(OK));
    let mut idle: Vec<Wire> = (0..3).map(|_| lab.client()).collect();
    for client in &mut idle {
        client.send(GET);
        client.answer();
    }
    let mut fresh: Vec<Wire> = (0..3).map(|_| lab.client()).collect();
    fresh.iter_mut().for_each(|client| client.send(GET));
    fresh.iter_mut().for_each(|client| assert_eq!(client.answer().1, "hello"));
    assert!(idle.iter_mut().all(|client| client.is_closed()));
}
