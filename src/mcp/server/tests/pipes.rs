//! One client on pipes, in both eras.

use super::*;
use crate::mcp::server::serve_stdio;
use std::io::pipe;

/// Speaks lines; returns when the server has ended.
fn talk(test: impl FnOnce(&mut dyn FnMut(Value), &mut dyn FnMut() -> Value, &Receiver<Call>)) {
    let (probe, held) = probe();
    let (input, mut to_server) = pipe().unwrap();
    let (from_server, output) = pipe().unwrap();
    let server = std::thread::spawn(move || serve_stdio(probe, BufReader::new(input), output).unwrap());
    let mut lines = BufReader::new(from_server).lines();
    test(
        &mut |message| writeln!(to_server, "{message}").unwrap(),
        &mut || serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap(),
        &held,
    );
    drop(to_server);
    server.join().unwrap();
    assert!(lines.next().is_none(), "nothing else is said");
}

#[test]
fn a_legacy_client_begins_with_a_handshake() {
    talk(|say, hear, held| {
        say(initialize("2025-06-18", &json!({ "elicitation": {} })));
        assert_eq!(hear()["result"]["protocolVersion"], "2025-06-18");
        say(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        say(tool("a", "hold", &json!({})));
        let call = held.recv_timeout(SOON).unwrap();
        say(tool("b", "echo", &json!({ "text": "line\nline" })));
        assert_eq!(hear()["id"], "b");
        call.ask([("sure", crate::mcp::protocol::Ask::confirm("?"))], None);
        let question = hear();
        assert_eq!(question["method"], "elicitation/create");
        say(json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "cancel" } }));
        let call = held.recv_timeout(SOON).unwrap();
        say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "a" } }));
        until("it is cancelled", || call.is_cancelled());
        call.say("nobody hears");
        say(json!(7));
        assert_eq!(hear()["error"]["code"], -32600);
        // What was asked before the end is answered.
        say(tool("c", "hold", &json!({})));
        held.recv_timeout(SOON).unwrap().say("c");
        assert_eq!(hear()["id"], "c");
    });
}

#[test]
fn a_modern_client_begins_with_discover_and_may_listen() {
    talk(|say, hear, held| {
        let modern = |id: &str, method: &str, params: Value| modern(id, method, params, &json!({})).1;
        say(modern("a", "server/discover", json!({})));
        assert_eq!(hear()["result"]["supportedVersions"], json!(["2026-07-28"]));
        say(modern("b", "ping", json!({})));
        assert_eq!(hear()["error"]["code"], -32601);
        say(modern("l", "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } })));
        assert_eq!(hear()["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "l");
        say(modern("c", "tools/call", json!({ "name": "hold" })));
        let call = held.recv_timeout(SOON).unwrap();
        say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "c" } }));
        until("it is cancelled", || call.is_cancelled());
        call.say("nobody hears");
        say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "l" } }));
        say(modern("d", "tools/call", json!({ "name": "echo" })));
        assert_eq!(hear()["id"], "d");
    });
}
