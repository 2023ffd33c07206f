//! The client against real sockets: both eras, streams, sessions that are lost, cancellation, limits, garbage.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::fake::{Closed, Instance, Out, PATIENCE, Request, Server};
use super::*;
use crate::error::{Code, Error};
use crate::mcp::protocol::Era;
use crate::runtime::Context;

fn client(server: &Server) -> Client {
    Client::new(Target::of("shop", &server.url()).unwrap(), Options::new("test"))
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

/// Calls a tool, and gives back the first text of its result with what came before it.
fn call(client: &Client, context: &Context, name: &str, arguments: &Value) -> Result<(Reply, Vec<String>), Error> {
    let (name, arguments, token) = (raw(&json!(name)), raw(arguments), raw(&json!("t")));
    let (params, meta) = ([("name", &*name), ("arguments", &*arguments)], [("progressToken", &*token)]);
    let mut heard = Vec::new();
    let call = Call { params: &params, meta: &meta, ..Call::new("tools/call") };
    let reply = client.call(context, &call, &mut |incoming| {
        match incoming {
            Incoming::Opened => heard.push("opened".to_owned()),
            Incoming::Notification { method, params } => heard.push(format!("{method} {}", params.unwrap().get())),
            Incoming::Request { id, method, .. } => {
                heard.push(format!("? {method}"));
                client.respond(context, id, Ok("{\"action\":\"accept\"}"))?;
            }
        }
        Ok(())
    })?;
    Ok((reply, heard))
}

fn text(reply: &Reply) -> String {
    let Reply::Result(result) = reply else { panic!("{reply:?}") };
    serde_json::from_str::<Value>(result.get()).unwrap()["content"][0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_modern_server_is_called_without_a_handshake_of_old() {
    let server = Instance { name: "a", ..Instance::default() }.start();
    let client = client(&server);
    assert!(!client.is_connected());
    let (reply, _) = call(&client, &Context::background(), "echo", &json!({ "text": "ü\n" })).unwrap();
    assert_eq!(text(&reply), json!({ "text": "ü\n" }).to_string());
    assert!(client.is_connected());
    let facts = client.initialize(&Context::background()).unwrap();
    assert_eq!((facts.version.era(), &facts.server["name"]), (Era::Modern, &json!("brummer")));
    assert_eq!(server.methods(), ["server/discover", "tools/call"]);
    let heard = server.heard();
    let header = |name: &str| heard[1].header(name).unwrap();
    assert_eq!((header("mcp-method"), header("mcp-name")), ("tools/call".into(), "echo".into()));
    assert_eq!(header("mcp-protocol-version"), "2026-07-28");
    let meta = &heard[1].params()["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
}

#[test]
fn a_legacy_server_is_found_out_once_and_keeps_its_session() {
    let server = Instance { name: "a", legacy: true, ..Instance::default() }.start();
    let client = client(&server);
    for _ in 0..2 {
        assert_eq!(text(&call(&client, &Context::background(), "whoami", &json!({})).unwrap().0), "a");
    }
    let methods = ["server/discover", "initialize", "notifications/initialized", "tools/call", "tools/call"];
    assert_eq!(server.methods(), methods);
    let last = server.heard().pop().unwrap();
    assert_eq!(last.header("mcp-session-id").as_deref(), Some("s-1"));
    assert_eq!(last.header("mcp-protocol-version").as_deref(), Some("2025-11-25"));
    assert!(last.header("mcp-method").is_none() && !last.is_modern());
    assert_eq!(last.params()["_meta"]["progressToken"], "t");
    client.close().unwrap();
    assert_eq!(server.heard().pop().unwrap().verb, "DELETE");
    let error = call(&client, &Context::background(), "whoami", &json!({})).unwrap_err();
    assert!(error.code() == Code::InvalidState && !client.is_connected(), "{error}");
}

#[test]
fn what_comes_before_the_answer_is_told_in_order_in_both_eras() {
    for legacy in [false, true] {
        let server = Instance { name: "a", legacy, ..Instance::default() }.start();
        let client = client(&server);
        for _ in 0..3 {
            let (reply, heard) = call(&client, &Context::background(), "steps", &json!({})).unwrap();
            assert_eq!(text(&reply), "done");
            assert_eq!(heard.len(), 2, "{heard:?}");
            assert!(heard[0].contains("\"progress\":1") && heard[0].contains("\"progressToken\":\"t\""), "{heard:?}");
        }
    }
}

#[test]
fn an_error_of_the_server_comes_as_it_is() {
    let server = Instance { name: "a", ..Instance::default() }.start();
    let (reply, _) = call(&client(&server), &Context::background(), "fail", &json!({})).unwrap();
    assert!(matches!(&reply, Reply::Failure { code: -32602, message, .. } if message == "no such thing"));
    assert!(reply.result().unwrap_err().message().contains("no such thing"));
}

#[test]
fn mc09_initialize_is_idempotent_and_made_once_for_many_threads() {
    let server = Instance { name: "a", legacy: true, ..Instance::default() }.start();
    let client = client(&server);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.initialize(&Context::background()).unwrap());
        }
    });
    assert_eq!(server.methods().iter().filter(|method| *method == "initialize").count(), 1);
}

#[test]
fn mc09_a_call_is_cancelled_from_another_thread_by_closing_its_stream() {
    for legacy in [false, true] {
        let server = Instance { name: "a", legacy, ..Instance::default() }.start();
        let client = client(&server);
        let context = Context::background();
        let error = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| call(&client, &context, "slow", &json!({})).unwrap_err());
            server.wait_for("tools/call", 1);
            context.cancel();
            waiting.join().unwrap()
        });
        assert!(error.code() == Code::Concurrency && error.message() == "cancelled", "{error}");
        assert!(client.is_connected(), "the server has done nothing wrong");
        if legacy {
            server.wait_for("notifications/cancelled", 1);
            let heard = server.heard();
            let cancelled = heard.iter().find(|request| request.method() == "notifications/cancelled").unwrap();
            let called = heard.iter().find(|request| request.method() == "tools/call").unwrap();
            assert_eq!(cancelled.params()["requestId"], called.body["id"]);
        }
    }
}

#[test]
fn mc09_a_call_ends_with_its_limit_and_a_handshake_with_its_own() {
    let silent = Server::start(|_, out| out.wait_until_closed());
    let mut options = Options::new("test");
    options.limits.initialize = Duration::from_millis(50);
    let target = Target::of("shop", &silent.url()).unwrap();
    let client = Client::new(target, options.clone());
    let begun = Instant::now();
    assert!(client.initialize(&Context::background()).unwrap_err().is_timeout());
    let server = Instance { name: "a", ..Instance::default() }.start();
    options.limits.call = Duration::from_millis(50);
    options.limits.initialize = PATIENCE;
    let client = Client::new(Target::of("shop", &server.url()).unwrap(), options);
    client.initialize(&Context::background()).unwrap();
    let error = call(&client, &Context::background(), "slow", &json!({})).unwrap_err();
    assert!(error.is_timeout() && error.get("server") == Some("shop"), "{error}");
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(Limits::default().call, Duration::from_secs(30));
    assert_eq!(
        (Limits::default().initialize, Limits::default().close),
        (Duration::from_secs(10), Duration::from_secs(5))
    );
}

#[test]
fn mc09_close_cuts_what_goes_on() {
    let server = Instance { name: "a", ..Instance::default() }.start();
    let client = client(&server);
    let error = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| call(&client, &Context::background(), "slow", &json!({})).unwrap_err());
        server.wait_for("tools/call", 1);
        client.close().unwrap();
        client.close().unwrap();
        waiting.join().unwrap()
    });
    assert!(error.code() == Code::InvalidState && error.message().contains("closed"), "{error}");
}

/// A legacy server of one session, which a test can change.
fn legacy_with(handler: impl Fn(&Request, &mut Out<'_>) + Send + Sync + 'static) -> Server {
    let rest = Instance { name: "a", legacy: true, ..Instance::default() };
    let inner = Arc::new(rest);
    Server::start(move |request, out| match request.method() {
        "server/discover" => out.status(404, "", "not here"),
        "initialize" => {
            let result =
                json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": inner.name } });
            let body = json!({ "jsonrpc": "2.0", "id": request.body["id"], "result": result });
            out.status(200, "Mcp-Session-Id: s\r\n", &body.to_string());
        }
        "notifications/initialized" => out.status(202, "", ""),
        _ => handler(request, out),
    })
}

fn done(request: &Request) -> Value {
    json!({ "jsonrpc": "2.0", "id": request.body["id"], "result": { "content": [{ "type": "text", "text": "done" }] } })
}

#[test]
fn mc09_a_session_that_the_server_forgot_is_begun_anew() {
    let calls = AtomicUsize::new(0);
    let server = legacy_with(move |request, out| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => out.error(404, request, -32001, "Session not found"),
        _ => out.json(&done(request)),
    });
    let client = client(&server);
    assert_eq!(text(&call(&client, &Context::background(), "x", &json!({})).unwrap().0), "done");
    assert_eq!(server.methods().iter().filter(|method| *method == "initialize").count(), 2);
}

#[test]
fn a_stream_that_the_server_closes_is_gone_on_with_behind_its_last_event() {
    let id = parking_lot::Mutex::new(Value::Null);
    let server = legacy_with(move |request, out| match request.verb.as_str() {
        "POST" => {
            *id.lock() = request.body["id"].clone();
            out.open_stream();
            out.chunk("id: e-7\nretry: 1\ndata: \n\n");
            out.end_stream();
        }
        _ => {
            assert_eq!(request.header("last-event-id").as_deref(), Some("e-7"));
            out.open_stream();
            out.event(&json!({ "jsonrpc": "2.0", "id": *id.lock(), "result": { "content": [{ "text": "late" }] } }));
            out.end_stream();
        }
    });
    assert_eq!(text(&call(&client(&server), &Context::background(), "x", &json!({})).unwrap().0), "late");
}

#[test]
fn a_question_of_the_server_is_answered_while_the_call_goes_on() {
    let asked = Arc::new((parking_lot::Mutex::new(Value::Null), parking_lot::Condvar::new()));
    let server = legacy_with(move |request, out| {
        if request.method().is_empty() {
            if request.body["id"] == "q" {
                *asked.0.lock() = request.body["result"].clone();
                asked.1.notify_all();
            }
            return out.status(202, "", "");
        }
        out.open_stream();
        out.event(&json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" }));
        out.event(&json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {} }));
        let mut answer = asked.0.lock();
        while answer.is_null() {
            assert!(!asked.1.wait_for(&mut answer, PATIENCE).timed_out());
        }
        out.event(&done(request));
        out.end_stream();
    });
    let (reply, heard) = call(&client(&server), &Context::background(), "x", &json!({})).unwrap();
    assert_eq!((text(&reply).as_str(), heard), ("done", vec!["? elicitation/create".to_owned()]));
    assert!(server.heard().iter().any(|request| request.body["id"] == "p" && request.body["result"].is_object()));
}

#[test]
fn garbage_is_told_and_never_waited_for() {
    let cases: [(&str, &[u8]); 6] = [
        ("no HTTP", b"SSH-2.0-OpenSSH_9\r\n\r\n"),
        ("no JSON", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{"),
        ("half a head", b"HTTP/1.1 200"),
        ("an odd stream", b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {{{\n\n"),
        ("bad chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ];
    for (case, bytes) in cases {
        let server = Server::start(move |_, out| {
            out.raw(bytes);
            out.close();
        });
        let error = client(&server).initialize(&Context::background()).unwrap_err();
        assert_eq!(error.code(), Code::Network, "{case}: {error}");
    }
    let closed = Closed::new();
    let target = Target::of("gone", &format!("http://127.0.0.1:{}/mcp", closed.port)).unwrap();
    let error = Client::new(target, Options::new("test")).initialize(&Context::background()).unwrap_err();
    assert!(error.is_temporary() && error.message().contains("nothing answers"), "{error}");
}

#[test]
fn a_token_is_shown_and_a_refusal_is_no_legacy_server() {
    let server = Server::start(|request, out| match request.header("authorization").as_deref() {
        Some("Bearer secret") => Instance { name: "a", ..Instance::default() }.serve_one(request, out),
        _ => out.status(401, "", "no"),
    });
    let mut target = Target::of("shop", &server.url()).unwrap();
    let error = Client::new(target.clone(), Options::new("test")).initialize(&Context::background()).unwrap_err();
    assert_eq!(error.code(), Code::Permission);
    target.token = Some("secret".to_owned());
    Client::new(target, Options::new("test")).initialize(&Context::background()).unwrap();
}

#[test]
fn connections_are_used_again_and_a_stale_one_is_not() {
    let served = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&served);
    let inner = Instance { name: "a", ..Instance::default() };
    let server = Server::start(move |request, out| {
        inner.serve_one(request, out);
        if counter.load(Ordering::Relaxed) % 2 == 1 {
            out.close();
        }
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let client = client(&server);
    for calls in 1..=10 {
        assert_eq!(text(&call(&client, &Context::background(), "whoami", &json!({})).unwrap().0), "a");
        // A call that meets a connection in the act of closing is not sent again: nobody knows whether it was heard.
        let until = Instant::now() + PATIENCE;
        while served.load(Ordering::Relaxed) <= calls {
            assert!(Instant::now() < until, "the server has not finished");
            std::thread::yield_now();
        }
    }
    assert_eq!(served.load(Ordering::Relaxed), 11);
}

#[test]
fn what_a_server_says_unasked_is_heard_in_both_eras() {
    for legacy in [false, true] {
        let instance = Instance { name: "a", legacy, ..Instance::default() };
        let bell = Arc::clone(&instance.bell);
        let server = instance.start();
        let client = client(&server);
        let context = Context::background();
        let wanted = Wanted { lists: true, uris: vec!["logs://recent".to_owned()], ..Wanted::default() };
        bell.say("notifications/tools/list_changed", json!({}));
        let mut heard = Vec::new();
        let ended = client.listen(&context, &wanted, &mut |incoming| match incoming {
            Incoming::Opened => heard.push("opened".to_owned()),
            Incoming::Notification { method, .. } => {
                heard.push(method.to_owned());
                context.cancel();
            }
            Incoming::Request { .. } => panic!("{incoming:?}"),
        });
        assert_eq!(heard.pop().as_deref(), Some("notifications/tools/list_changed"));
        assert_eq!(heard.len(), usize::from(legacy), "{heard:?}");
        assert_eq!(ended.unwrap_err().message(), "cancelled");
        if !legacy {
            let params = server.heard().pop().unwrap().params().clone();
            assert_eq!(params["notifications"]["resourceSubscriptions"], json!(["logs://recent"]));
        }
    }
}

#[test]
fn mc09_another_instance_at_the_same_address_is_not_taken_for_the_one_that_is_meant() {
    let server = Server::start(|request, out| {
        let meta = json!({ "brummer/instance": "other-2" });
        out.result(request, &json!({ "supportedVersions": ["2026-07-28"], "capabilities": {}, "_meta": meta }));
    });
    let mut target = Target::of("shop", &server.url()).unwrap();
    target.instance = Some("shop-1".to_owned());
    let error = Client::new(target, Options::new("test")).initialize(&Context::background()).unwrap_err();
    assert_eq!(error.code(), Code::NotFound, "{error}");
    let silent = Instance { name: "a", ..Instance::default() }.start();
    let mut target = Target::of("shop", &silent.url()).unwrap();
    target.instance = Some("shop-1".to_owned());
    let error = Client::new(target, Options::new("test")).initialize(&Context::background()).unwrap_err();
    assert_eq!(error.code(), Code::NotFound, "one that does not say who it is: {error}");
}

#[test]
fn mc09_one_that_takes_over_the_port_later_gets_no_call_in_either_era() {
    for legacy in [false, true] {
        let one = |id| Instance { name: "a", id: Some(id), legacy, ..Instance::default() };
        let (own, other) = (one("shop-1"), one("other-2"));
        let calls = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&calls);
        let server = Server::start(move |request, out| match (seen.load(Ordering::SeqCst), request.method()) {
            (0, "tools/call") => {
                own.serve_one(request, out);
                seen.fetch_add(1, Ordering::SeqCst);
                out.close();
            }
            (0, _) => own.serve_one(request, out),
            (_, "tools/call") if request.header("mcp-session-id").is_some() => {
                out.error(404, request, -32001, "Session not found");
            }
            (_, "tools/call") => drop(seen.fetch_add(1, Ordering::SeqCst)),
            _ => other.serve_one(request, out),
        });
        let mut target = Target::of("shop", &server.url()).unwrap();
        target.instance = Some("shop-1".to_owned());
        let client = Client::new(target, Options::new("test"));
        assert_eq!(text(&call(&client, &Context::background(), "whoami", &json!({})).unwrap().0), "a");
        let end = Instant::now() + PATIENCE;
        loop {
            let error = call(&client, &Context::background(), "whoami", &json!({})).unwrap_err();
            match error.code() {
                Code::NotFound => break,
                // It went on the old connection, while that was being closed.
                code => assert!(code == Code::Network && Instant::now() < end, "{error}"),
            }
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1, "the other one was not called");
    }
}

#[test]
fn mc09_the_era_of_a_server_is_remembered_and_found_out_anew_when_it_is_another() {
    let server = Instance { name: "a", legacy: true, ..Instance::default() }.start();
    let options = Options::new("test");
    for _ in 0..2 {
        let client = Client::new(Target::of("shop", &server.url()).unwrap(), options.clone());
        assert_eq!(client.initialize(&Context::background()).unwrap().version.era(), Era::Legacy);
        client.cut();
    }
    let asked = server.methods().iter().filter(|method| *method == "server/discover").count();
    assert_eq!(asked, 1, "{:?}", server.methods());
    let inner = Instance { name: "b", ..Instance::default() };
    let modern = Server::start(move |request, out| match request.method() {
        "initialize" => out.error(404, request, -32601, "There is no method `initialize`."),
        _ => inner.serve_one(request, out),
    });
    let target = Target::of("shop", &modern.url()).unwrap();
    options.eras.learn(&target.authority, Era::Legacy);
    let client = Client::new(target, options);
    assert_eq!(client.initialize(&Context::background()).unwrap().version.era(), Era::Modern);
}
