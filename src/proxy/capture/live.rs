//! The store behind a real proxy: a client, a server, and what is told of their request.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::*;
use crate::event::ProcessId;
use crate::proxy::{Exchange, ExchangeId, Hooks, Mode, Proxy, ProxyConfig};
use crate::runtime::Context;
use crate::runtime::pool::{Pool, PoolConfig};

const SOON: Duration = Duration::from_secs(60);

/// Answers one request with compressed JSON in chunks.
fn serve_once(listener: &TcpListener) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"{\"accessToken\":\"hunter2\",\"n\":1}").expect("in memory");
    let body = encoder.finish().expect("in memory");
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\nname=x") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a request");
        head.push(byte[0]);
    }
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked";
    write!(stream, "{answer}\r\n\r\n{:x}\r\n", body.len()).expect("written");
    stream.write_all(&[&body[..], b"\r\n0\r\n\r\n"].concat()).expect("written");
}

/// Asks, and reads up to the end of the answer; the connection stays, as that of a browser does.
fn ask(proxy: &str) -> (String, TcpStream) {
    let mut client = TcpStream::connect(proxy).expect("the proxy listens");
    client.set_read_timeout(Some(SOON)).expect("a timeout");
    let head = format!("POST /api?page=2 HTTP/1.1\r\nHost: {proxy}\r\nCookie: sid=hunter2\r\nContent-Length: 6");
    write!(client, "{head}\r\n\r\nname=x").expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n0\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    (String::from_utf8_lossy(&answer).into_owned(), client)
}

#[test]
fn px04_px11_a_request_through_the_proxy_is_told_whole() {
    let pool = Pool::new(PoolConfig::default()).expect("a pool");
    let capture = Arc::new(Capture::default().with_callers(Callers::new(pool)));
    let (changed, changes) = mpsc::channel();
    capture.on_change(move || {
        // Who does not wait any more has seen enough.
        let _ = changed.send(());
    });
    let hooks = Hooks { recorder: Arc::clone(&capture) as _, ..Hooks::default() };
    let proxy = Proxy::start(ProxyConfig { port: 0, first_port: 0, ..ProxyConfig::default() }, hooks).expect("a proxy");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = listener.local_addr().expect("bound");
    let mapping = proxy.register_url(&format!("http://{server}"), ProcessId(7), "web", "web").expect("registered");
    let serving = std::thread::spawn(move || serve_once(&listener));
    let (answer, client) = ask(&format!("127.0.0.1:{}", mapping.port));
    serving.join().expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");

    let context = Context::background().with_timeout(SOON);
    let told = capture.wait_for(ExchangeId(1), &context).expect("it ended");
    assert_eq!((&*told.opened.method, told.status, told.opened.mode), ("POST", Some(404), Mode::Reverse));
    assert_eq!((told.host(), told.path()), (&*server.to_string(), "/api"));
    assert_eq!(told.opened.process, Some((ProcessId(7), "web".into())));
    assert_eq!((&*told.request_body.kept, told.is_error()), (&b"name=x"[..], true));
    assert!(told.duration().is_some() && told.phases.first_byte.is_some() && told.opened.time_ms > 0);
    let shown = decode::show(&told.response.headers, &told.response.body);
    assert_eq!((&*shown.text, shown.notes), ("{\n  \"accessToken\": \"hunter2\",\n  \"n\": 1\n}", Vec::new()));
    assert!(!format!("{:?}", redact::masked(&told)).contains("hunter2"));
    let find = |text: &str| capture.requests(&Query { filter: Filter::parse(text).ok(), ..Query::default() }).len();
    assert_eq!((find("~p web ~c 404 ~bs accessToken"), find("~b hunter2")), (1, 0));

    if Callers::KNOWN {
        let caller = caller_of(&capture, &changes);
        assert_eq!(caller.caller.as_ref().map(|caller| caller.pid), Some(std::process::id()));
    }
    drop(client);
    proxy.stop(SOON);
}

/// Waits until the caller is told: that happens on a thread of its own.
fn caller_of(capture: &Capture, changes: &mpsc::Receiver<()>) -> Arc<Exchange> {
    loop {
        let exchange = capture.get(ExchangeId(1)).expect("kept");
        if exchange.caller.is_some() {
            return exchange;
        }
        changes.recv_timeout(SOON).expect("the caller is told in time");
    }
}

/// Answers so many requests, one on each connection, each with another number.
fn serve(listener: &TcpListener, times: usize) {
    for number in 0..times {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a request");
            head.push(byte[0]);
        }
        let kind = if head.starts_with(b"DELETE ") { "gone" } else { "same" };
        let body = format!("{kind}\nnumber {number}\n");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length:";
        write!(stream, "{head} {}\r\n\r\n{body}", body.len()).expect("written");
    }
}

#[test]
fn a_kept_request_is_sent_again_with_changes_and_its_answers_are_compared() {
    let capture = Arc::new(Capture::default());
    let hooks = Hooks { recorder: Arc::clone(&capture) as _, ..Hooks::default() };
    let proxy = Proxy::start(ProxyConfig { port: 0, first_port: 0, ..ProxyConfig::default() }, hooks).expect("a proxy");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/x", listener.local_addr().expect("bound"));
    let serving = std::thread::spawn(move || serve(&listener, 3));
    let mut old = tests::exchange(1);
    old.opened.url = url.into();
    let context = Context::background().with_timeout(SOON);
    let again = replay::request(&old, &replay::Changes::default()).expect("it can be sent");
    let answers = replay::replay(&proxy, &capture, &again, 2, &context);
    let [first, second] = &answers[..] else { panic!("{answers:?}") };
    let (first, second) = (first.as_ref().expect("answered"), second.as_ref().expect("answered"));
    assert_eq!((first.opened.mode, first.status), (Mode::Replay, Some(200)));
    assert_eq!(diff::diff(first, second, Secrets::Masked).lines_changed(), (1, 1));
    let changes = replay::Changes { method: Some("DELETE".into()), ..replay::Changes::default() };
    let other = replay::request(first, &changes).expect("it can be sent");
    let deleted = replay::replay(&proxy, &capture, &other, 1, &context).remove(0).expect("answered");
    assert_eq!(diff::diff(first, &deleted, Secrets::Masked).lines_changed(), (2, 2));
    assert_eq!(capture.requests(&Query::default()).len(), 3);
    serving.join().expect("no panic");
    proxy.stop(SOON);
}
