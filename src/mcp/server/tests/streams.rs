//! Streams of sessions: priming, coming back, and what belongs to no request.

use super::*;
use crate::mcp::protocol::ListKind;

const EVENTS: &str = "Accept: text/event-stream\r\n";

impl Client {
    /// Opens a stream with GET.
    fn get(&mut self, fields: &str) -> u16 {
        let text = self.request("GET", "/mcp", fields, "");
        self.write(&text);
        self.head().0
    }
}

#[test]
fn a_stream_is_primed_from_2025_11_25_on_and_never_before() {
    let bench = start();
    for (version, primes) in [("2025-03-26", false), ("2025-06-18", false), ("2025-11-25", true)] {
        let mut client = bench.client();
        let session = client.session(version, &json!({}));
        let mut call = tool(1, "hold", &json!({}));
        call["params"]["_meta"] = json!({ "progressToken": 1 });
        client.send(&session, &call);
        let held = bench.held();
        held.progress(1.0, None, None);
        held.say("end");
        let body = client.reply().body;
        assert_eq!(body.contains("retry: ") && body.contains("data: \n\n"), primes, "{version}: {body}");
        assert!(body.contains("id: "), "{version}");
    }
}

#[test]
fn a_client_that_was_let_go_comes_back_for_the_rest() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-11-25", &json!({}));
    client.send(&session, &tool(1, "hold", &json!({})));
    let held = bench.held();
    held.release();
    client.head();
    let (id, data) = client.event().unwrap();
    assert!(!id.is_empty() && data.is_empty());
    assert_eq!(client.event(), None, "closed by the server");
    held.say("end");
    // On a connection of its own, and twice: the first answer may have been lost.
    for _ in 0..2 {
        let mut again = bench.client();
        assert_eq!(again.get(&format!("{session}{EVENTS}Last-Event-ID: {id}\r\n")), 200);
        assert_eq!(again.message()["result"]["content"][0]["text"], "end");
        assert_eq!(again.event(), None);
    }
}

#[test]
fn a_client_that_lost_its_stream_gets_what_it_missed_and_what_comes() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-11-25", &json!({}));
    let mut call = tool(1, "hold", &json!({}));
    call["params"]["_meta"] = json!({ "progressToken": 1 });
    client.send(&session, &call);
    let held = bench.held();
    held.progress(1.0, None, None);
    client.head();
    client.event().unwrap();
    let (id, _) = client.event().unwrap();
    drop(client);
    held.progress(2.0, None, None);
    let mut again = bench.client();
    assert_eq!(again.get(&format!("{session}{EVENTS}Last-Event-ID: {id}\r\n")), 200);
    assert_eq!(again.message()["params"]["progress"], 2.0);
    held.say("end");
    assert_eq!(again.message()["id"], 1);
    assert_eq!(again.event(), None);
    // Streams are of their session.
    let mut other = bench.client();
    let stranger = other.session("2025-11-25", &json!({}));
    assert_eq!(other.get(&format!("{stranger}{EVENTS}Last-Event-ID: {id}\r\n")), 200);
    assert_eq!(other.event(), None);
}

#[test]
fn changes_come_over_one_stream_and_are_put_together() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-06-18", &json!({}));
    let mut stream = bench.client();
    assert_eq!(stream.get(&format!("{session}{EVENTS}")), 200);
    for uri in ["a:b", "a:c"] {
        client.post(&session, &request(1, "resources/subscribe", json!({ "uri": uri })));
    }
    client.post(&session, &request(1, "resources/unsubscribe", json!({ "uri": "a:c" })));
    assert_eq!(
        *bench.probe.watched.lock().unwrap(),
        [("a:b".into(), true), ("a:c".into(), true), ("a:c".into(), false)]
    );
    let notifier = bench.server.notifier();
    for _ in 0..1000 {
        notifier.list_changed(ListKind::Tools);
        ["a:b", "a:c", "a:d"].iter().for_each(|uri| notifier.resource_updated(uri));
    }
    notifier.list_changed(ListKind::Prompts);
    let mut seen = Vec::new();
    let kinds =
        ["tools/list_changed", "prompts/list_changed", "resources/updated"].map(|kind| format!("notifications/{kind}"));
    while !kinds.iter().all(|kind| seen.iter().any(|message: &Value| message["method"] == **kind)) {
        seen.push(stream.message());
    }
    assert!(seen.len() < 500, "{} messages", seen.len());
    let updated: Vec<&Value> =
        seen.iter().filter(|message| message["method"] == "notifications/resources/updated").collect();
    assert!(!updated.is_empty() && updated.iter().all(|message| message["params"]["uri"] == "a:b"));
}

#[test]
fn what_changed_while_nobody_listened_is_told_to_the_next_and_a_second_stream_takes_over() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-06-18", &json!({}));
    bench.server.notifier().list_changed(ListKind::Tools);
    client.post(&session, &request(1, "ping", json!({})));
    let (mut first, mut second) = (bench.client(), bench.client());
    assert_eq!(first.get(&format!("{session}{EVENTS}")), 200);
    assert_eq!(first.message()["method"], "notifications/tools/list_changed");
    assert_eq!(second.get(&format!("{session}{EVENTS}")), 200);
    assert!(first.is_closed());
    bench.server.notifier().list_changed(ListKind::Resources);
    assert_eq!(second.message()["method"], "notifications/resources/list_changed");
}

#[test]
fn a_stream_needs_a_session_and_ends_with_it() {
    let bench = start();
    let mut client = bench.client();
    assert_eq!(client.ask("GET", "/mcp", EVENTS).status, 400);
    let session = client.session("2025-11-25", &json!({}));
    assert_eq!(client.ask("GET", "/mcp", &session).status, 406);
    assert_eq!(client.ask("GET", "/mcp", &format!("{EVENTS}Mcp-Session-Id: x\r\n")).status, 404);
    let mut stream = bench.client();
    assert_eq!(stream.get(&format!("{session}{EVENTS}")), 200);
    stream.event().unwrap();
    assert_eq!(client.ask("DELETE", "/mcp", &session).status, 200);
    assert_eq!(stream.event(), None);
}

#[test]
fn a_long_wait_becomes_a_stream_with_signs_of_life() {
    let limits =
        Limits { patience: Duration::from_millis(200), keep_alive: Duration::from_millis(200), ..Limits::default() };
    let bench = start_limited(limits);
    let mut client = bench.client();
    client.send("", &tool(1, "hold", &json!({})));
    let held = bench.held();
    let (status, head) = client.head();
    assert!(status == 200 && head.contains("text/event-stream"), "{head}");
    assert!(client.chunk().starts_with(':'));
    held.say("end");
    assert_eq!(client.message()["result"]["content"][0]["text"], "end");
}
