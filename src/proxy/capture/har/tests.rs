//! What goes out comes in again; what others wrote is read; what is wrong is said with its place.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::ProcessId;
use crate::proxy::capture::Secrets;
use crate::proxy::capture::tests::{body, exchange, headers};
use crate::proxy::{Body, Caller, Exchange, ExchangeId, Failure, Frame, Injection, Mode, Phases, Traffic};

fn message(up: bool, kind: &str, kept: &[u8]) -> Frame {
    Frame {
        time_ms: 1_700_000_000_123,
        up,
        kind: kind.into(),
        kept: kept.into(),
        bytes: kept.len() as u64,
        compressed: false,
    }
}

fn socket() -> Exchange {
    let mut socket = exchange(1);
    socket.traffic = Traffic::WebSocket;
    socket.status = Some(101);
    socket.response.body = Body::default();
    socket.frames = VecDeque::from([message(true, "text", b"{\"a\":1}"), message(false, "binary", &[0, 255])]);
    socket.frames_total = (5, 1);
    socket.done = false;
    socket.phases.total = None;
    socket
}

fn failed() -> Exchange {
    let mut failed = exchange(2);
    failed.opened.mode = Mode::Forward;
    failed.opened.method = "POST".into();
    failed.opened.headers = headers(&[("Content-Type", "image/png"), ("X-Two", "1"), ("X-Two", "2"), ("X-Ä", "ü")]);
    failed.request_body = Body { kept: Arc::from(*b"\x89PNG\xff"), bytes: 5000 };
    failed.status = None;
    failed.response = Default::default();
    failed.failure = Some(Failure { kind: "refused", text: "nobody listens".into() });
    failed.caller = Some(Caller { pid: 42, name: "curl".into() });
    failed.retried = true;
    failed.phases = Phases { connect: None, first_byte: None, total: Some(Duration::from_micros(1234)) };
    failed.opened.process = None;
    failed
}

fn page() -> Exchange {
    let mut page = exchange(3);
    page.injection = Injection::Done { policy_loosened: true };
    page.opened.process = Some((ProcessId(7), "web".into()));
    page
}

fn told(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().map(|exchange| format!("{exchange:#?}")).collect()
}

#[test]
fn what_goes_out_comes_in_again() {
    let exchanges = [socket(), failed(), page()];
    let file = export(&exchanges, Secrets::Shown);
    let imported = import(file.as_bytes()).expect("a HAR file");
    assert_eq!(imported.skipped, [""; 0]);
    assert_eq!(told(&imported.exchanges), told(&exchanges));
    assert_eq!(export(&imported.exchanges, Secrets::Shown), file);
}

#[test]
fn the_file_has_what_other_tools_read() {
    let mut full = exchange(1);
    full.opened.headers = headers(&[("Cookie", "a=b; c=d")]);
    full.response.headers =
        headers(&[("Set-Cookie", "sid=x; Path=/"), ("Content-Type", "text/html"), ("Location", "/y")]);
    full.response.body = body(b"<p>");
    let har: Value = serde_json::from_str(&export([&full], Secrets::Shown)).expect("JSON");
    let entry = &har["log"]["entries"][0];
    assert_eq!(
        (&har["log"]["version"], &entry["startedDateTime"]),
        (&json!("1.2"), &json!("2023-11-14T22:13:20.000Z"))
    );
    assert_eq!(entry["request"]["queryString"], json!([{ "name": "page", "value": "2" }]));
    assert_eq!(entry["request"]["cookies"], json!([{ "name": "a", "value": "b" }, { "name": "c", "value": "d" }]));
    assert_eq!(entry["response"]["cookies"], json!([{ "name": "sid", "value": "x" }]));
    assert_eq!(entry["response"]["content"], json!({ "size": 3, "mimeType": "text/html", "text": "<p>" }));
    assert_eq!((&entry["response"]["statusText"], &entry["response"]["redirectURL"]), (&json!("OK"), &json!("/y")));
    let timings =
        json!({ "blocked": -1, "dns": -1, "connect": 1.0, "ssl": -1, "send": 0, "wait": 19.0, "receive": 20.0 });
    assert_eq!((&entry["timings"], &entry["time"]), (&timings, &json!(40.0)));
}

#[test]
fn bodies_go_out_without_their_encoding_and_secrets_not_at_all() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, b"{\"password\":\"hunter2\"}").expect("in memory");
    let mut gzip = exchange(1);
    gzip.opened.headers = headers(&[("Authorization", "Bearer hunter2"), ("Cookie", "a=hunter2")]);
    gzip.opened.url = "http://a/?token=hunter2".into();
    gzip.response.headers = headers(&[("Content-Encoding", "gzip"), ("Content-Type", "application/json")]);
    gzip.response.body = body(&encoder.finish().expect("in memory"));
    assert!(!export([&gzip], Secrets::Masked).contains("hunter2"));
    let imported = import(export([&gzip], Secrets::Shown).as_bytes()).expect("a HAR file").exchanges.remove(0);
    assert_eq!(imported.response.body, body(b"{\"password\":\"hunter2\"}"));
    assert_eq!(imported.response.headers, headers(&[("Content-Type", "application/json")]));
}

#[test]
fn a_file_of_chromium_is_read() {
    let file = br#"{"log":{"version":"1.2","creator":{"name":"WebInspector"},"entries":[{
        "startedDateTime":"2024-05-01T10:00:00.500Z","time":12.5,
        "request":{"method":"POST","url":"https://a.dev/x","httpVersion":"h2",
            "headers":[{"name":":authority","value":"a.dev"},{"name":"accept","value":"*/*"}],
            "postData":{"mimeType":"text/plain","text":"hi"}},
        "response":{"status":200,"headers":[{"name":"content-encoding","value":"br"}],
            "content":{"size":5,"mimeType":"text/plain","text":"aGVs\nbG8=","encoding":"base64"}},
        "timings":{"blocked":1.5,"dns":-1,"connect":2,"ssl":-1,"send":0.5,"wait":6,"receive":2.5}},
        {"request":{"method":"GET","url":"wss://a.dev/"},"response":{"status":0,"_error":"net::ERR_FAILED"},
            "_webSocketMessages":[{"type":"send","time":1714557600.25,"opcode":1,"data":"x"},
                {"type":"receive","opcode":2,"data":"AP8="}]}]}}"#;
    // As an editor may have saved it, and with the line break in base64 as it would stand in JSON.
    let file = String::from_utf8(file.to_vec()).expect("text").replace("aGVs\nbG8=", "aGVs\\nbG8=");
    let imported = import(&[b"\xef\xbb\xbf", file.as_bytes()].concat()).expect("a HAR file");
    let [first, second] = &imported.exchanges[..] else { panic!("{imported:?}") };
    assert_eq!((first.id, second.id), (ExchangeId(1), ExchangeId(2)));
    assert_eq!(first.opened.headers, headers(&[("accept", "*/*")]));
    assert_eq!((&*first.request_body.kept, &*first.response.body.kept), (&b"hi"[..], &b"hello"[..]));
    assert!(first.response.headers.is_empty() && first.opened.time_ms == 1_714_557_600_500);
    let micros = Duration::from_micros;
    let phases = Phases { connect: Some(micros(2000)), first_byte: Some(micros(10_000)), total: Some(micros(12_500)) };
    assert_eq!(first.phases, phases);
    assert_eq!((second.status, second.failure.as_ref().map(|failure| failure.kind)), (None, Some("imported")));
    assert_eq!((second.traffic, second.frames_total), (Traffic::WebSocket, (1, 1)));
    assert_eq!((second.frames[0].time_ms, &*second.frames[1].kept), (1_714_557_600_250, &[0, 255][..]));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (file, words) in [
        (&b"{\n  \"log\": x"[..], "line 2 column 10"),
        (b"", "EOF"),
        (b"[]", "`log` is missing"),
        (b"{\"log\":{}}", "`log.entries` is missing"),
        (b"{\"log\":{\"entries\":{}}}", "`log.entries` is no list"),
    ] {
        let error = import(file).expect_err(words);
        assert!(error.message().contains(words), "{error}");
    }
    let good = json!({ "method": "GET", "url": "http://a/" });
    let file = json!({ "log": { "entries": [
        { "request": good },
        { "request": { "method": "GET" } },
        { "request": { "method": 5, "url": "http://a/" } },
        7,
        { "request": good, "response": { "content": { "text": "%", "encoding": "base64" } } },
        { "request": good, "_webSocketMessages": [{ "opcode": 2, "data": "%" }] },
    ] } });
    let imported = import(file.to_string().as_bytes()).expect("a HAR file");
    assert_eq!(imported.exchanges.len(), 1);
    let expected = [
        "log.entries[1].request.url is missing",
        "log.entries[2].request.method is no text",
        "log.entries[3].request.method is missing",
        "log.entries[4].response.content.text is no base64",
        "log.entries[5]._webSocketMessages[0].data is no base64",
    ];
    assert_eq!(imported.skipped, expected);
}

proptest! {
    #[test]
    fn any_exchange_goes_out_and_in(
        url in "http://[a-z]{1,5}/[ -~]{0,20}", value in "[ -~äß]{0,20}", bytes: Vec<u8>, more in 0..3u64,
        status in prop::option::of(100..600u16), times in prop::array::uniform3(prop::option::of(0..1_000_000u64)),
        frames in prop::collection::vec((any::<bool>(), any::<Vec<u8>>()), 0..5),
    ) {
        let mut any = exchange(1);
        any.opened.url = url.into();
        any.opened.headers = headers(&[("X-Any", &value)]);
        any.request_body = body(&bytes);
        any.response.body = Body { bytes: bytes.len() as u64 + more, kept: bytes.into() };
        any.status = status;
        let [connect, first_byte, total] = times.map(|time| time.map(Duration::from_micros));
        any.phases = Phases { connect, first_byte, total };
        any.traffic = Traffic::WebSocket;
        any.frames = frames.iter().map(|(up, kept)| message(*up, if *up { "text" } else { "binary" }, kept)).collect();
        let up = frames.iter().filter(|(up, _)| *up).count() as u64;
        any.frames_total = (up, frames.len() as u64 - up);
        let imported = import(export([&any], Secrets::Shown).as_bytes()).expect("a HAR file");
        prop_assert_eq!(told(&imported.exchanges), told(&[any]));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        drop(import(&bytes));
    }
}
