//! The rules of the revisions with a handshake, over streamable HTTP.

use super::*;
use crate::mcp::protocol::{Ask, Level};

#[test]
fn any_legacy_version_is_echoed_and_an_unknown_one_is_answered_with_the_newest() {
    let bench = start();
    let mut client = bench.client();
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-10-07", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
    ] {
        let reply = client.post("", &initialize(asked, &json!({})));
        assert_eq!(reply.json()["result"]["protocolVersion"], answered);
        let id = reply.field("mcp-session-id").unwrap();
        assert!(id.bytes().all(|byte| (0x21..0x7f).contains(&byte)) && id.len() >= 32);
    }
}

#[test]
fn a_session_lives_until_it_is_deleted() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-11-25", &json!({}));
    assert_eq!(client.post(&session, &request(1, "ping", json!({}))).json()["result"], json!({}));
    // Another version than was negotiated, or none: clients do that.
    for version in ["2025-06-18", "2025-11-25"] {
        let fields = format!("{session}MCP-Protocol-Version: {version}\r\n");
        assert_eq!(client.post(&fields, &request(1, "ping", json!({}))).status, 200);
    }
    let fields = format!("{session}MCP-Protocol-Version: 1999-01-01\r\n");
    assert_eq!(client.post(&fields, &request(1, "ping", json!({}))).status, 400);
    assert_eq!(client.ask("DELETE", "/mcp", &session).status, 200);
    assert_eq!(client.post(&session, &request(1, "ping", json!({}))).status, 404);
    assert_eq!(client.ask("DELETE", "/mcp", &session).status, 404);
    assert_eq!(client.ask("DELETE", "/mcp", "").status, 400);
}

#[test]
fn the_session_used_longest_ago_goes_when_there_are_too_many() {
    let bench = start_limited(Limits { sessions: 2, ..Limits::default() });
    let mut client = bench.client();
    let sessions: Vec<String> = (0..3).map(|_| client.session("2025-11-25", &json!({}))).collect();
    let status = |client: &mut Client, at: usize| client.post(&sessions[at], &request(1, "ping", json!({}))).status;
    assert_eq!([status(&mut client, 0), status(&mut client, 1), status(&mut client, 2)], [404, 200, 200]);
}

#[test]
fn batches_exist_in_one_revision() {
    let bench = start();
    let mut client = bench.client();
    let batch = json!([
        tool(1, "echo", &json!({ "text": "a" })),
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        { "jsonrpc": "2.0", "id": 2 },
        tool("3", "hold", &json!({})),
    ]);
    let session = client.session("2025-03-26", &json!({}));
    client.send(&session, &batch);
    bench.held().say("c");
    let answers = client.reply().json();
    assert_eq!(
        answers.as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>(),
        [json!(1), json!(2), json!("3")]
    );
    assert_eq!(answers[1]["error"]["code"], -32600);
    let told = json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }]);
    assert_eq!(client.post(&session, &told).status, 202);
    for version in ["2025-06-18", "2025-11-25"] {
        let session = client.session(version, &json!({}));
        let reply = client.post(&session, &batch);
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!(-32600)));
    }
}

#[test]
fn an_id_is_echoed_with_its_type() {
    let bench = start();
    let mut client = bench.client();
    for id in [json!(7), json!("7"), json!(-1), json!("")] {
        assert_eq!(client.post("", &request(id.clone(), "ping", json!({}))).json()["id"], id);
    }
}

#[test]
fn an_answer_is_json_or_events_as_the_client_takes_them() {
    let bench = start();
    let mut client = bench.client();
    let call = tool(1, "echo", &json!({ "text": "a" }));
    for accept in ["application/json", "*/*", "application/json, text/event-stream", "application/json;q=0.9"] {
        let reply = client.post(&format!("Accept: {accept}\r\n"), &call);
        assert_eq!(reply.field("content-type"), Some("application/json"), "{accept}");
    }
    let reply = client.post("Accept: text/event-stream\r\n", &call);
    assert_eq!(reply.field("content-type"), Some("text/event-stream"));
    assert_eq!(reply.events()[0]["result"]["content"][0]["text"], "a");
}

#[test]
fn a_call_that_says_something_first_becomes_a_stream() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-06-18", &json!({}));
    let mut call = tool(1, "hold", &json!({}));
    call["params"]["_meta"] = json!({ "progressToken": "p" });
    client.send(&session, &call);
    let held = bench.held();
    held.progress(1.0, Some(2.0), Some("half"));
    held.progress(0.5, None, None);
    held.log(Level::Debug, None, &"not wanted");
    held.log(Level::Warning, Some("l"), &json!({ "a": 1 }));
    held.say("end");
    let events = client.reply().events();
    let methods: Vec<&str> = events.iter().map(|event| event["method"].as_str().unwrap_or("result")).collect();
    assert_eq!(methods, ["notifications/progress", "notifications/message", "result"]);
    assert_eq!(events[0]["params"], json!({ "progressToken": "p", "progress": 1.0, "total": 2.0, "message": "half" }));
    assert_eq!(events[1]["params"], json!({ "level": "warning", "logger": "l", "data": { "a": 1 } }));
    // The same for a client that takes JSON alone: it hears the end.
    client.send("Accept: application/json\r\n", &call);
    let held = bench.held();
    held.progress(1.0, None, None);
    held.say("end");
    assert_eq!(client.reply().json()["result"]["content"][0]["text"], "end");
}

#[test]
fn the_level_of_log_messages_is_that_of_the_session() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-11-25", &json!({}));
    let set = |level: &str| request(1, "logging/setLevel", json!({ "level": level }));
    assert_eq!(client.post(&session, &set("error")).json()["result"], json!({}));
    assert_eq!(client.post(&session, &set("loud")).json()["error"]["code"], -32602);
    client.send(&session, &tool(2, "hold", &json!({})));
    let held = bench.held();
    held.log(Level::Warning, None, &"no");
    held.log(Level::Error, None, &"yes");
    held.say("end");
    assert_eq!(client.reply().events()[0]["params"]["data"], "yes");
}

#[test]
fn a_cancelled_call_hears_of_it_and_is_not_answered() {
    let bench = start();
    let (mut client, mut other) = (bench.client(), bench.client());
    let session = client.session("2025-11-25", &json!({}));
    let stranger = other.session("2025-11-25", &json!({}));
    client.send(&session, &tool("x", "hold", &json!({})));
    let held = bench.held();
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "x" } });
    assert_eq!(other.post(&stranger, &cancel).status, 202);
    assert!(!held.is_cancelled(), "another session has no say");
    assert_eq!(other.post(&session, &cancel).status, 202);
    assert!(held.is_cancelled());
    held.say("too late");
    assert_eq!((client.reply().status, client.post(&session, &request(1, "ping", json!({}))).status), (202, 200));
}

#[test]
fn a_lost_connection_cancels_nothing() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-11-25", &json!({}));
    client.send(&session, &tool(1, "hold", &json!({})));
    let held = bench.held();
    drop(client);
    let mut other = bench.client();
    assert_eq!(other.post(&session, &request(1, "ping", json!({}))).status, 200);
    assert!(!held.is_cancelled());
    held.say("nobody hears");
    assert_eq!(other.post(&session, &request(1, "ping", json!({}))).status, 200);
}

#[test]
fn a_question_is_a_request_and_its_answer_resumes_the_call() {
    let bench = start();
    let (mut client, mut other) = (bench.client(), bench.client());
    let session = client.session("2025-11-25", &json!({ "elicitation": {} }));
    let stranger = other.session("2025-11-25", &json!({}));
    client.send(&session, &tool(1, "hold", &json!({ "text": "a" })));
    let held = bench.held();
    assert!(held.can_ask(&Ask::confirm("?")) && !held.can_ask(&Ask::roots()));
    held.ask([("sure", Ask::confirm("Sure?"))], Some("state".into()));
    client.head();
    let question = client.message();
    assert_eq!((&question["method"], &question["params"]["message"]), (&json!("elicitation/create"), &json!("Sure?")));
    let answer = json!({ "action": "accept", "content": { "confirm": true } });
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer });
    // Another session cannot answer for it.
    assert_eq!(other.post(&stranger, &answer).status, 202);
    assert_eq!(other.post(&session, &answer).status, 202);
    let again = bench.held();
    assert_eq!((again.state(), again.argument("text")), (Some("state"), Some("a".into())));
    assert!(again.answer("sure").unwrap().accepted());
    again.say("done");
    assert_eq!(client.message()["result"]["content"][0]["text"], "done");
    assert_eq!(client.event(), None);
}

#[test]
fn a_question_that_the_client_cannot_answer_is_an_error_of_the_tool() {
    let bench = start();
    let mut client = bench.client();
    let session = client.session("2025-11-25", &json!({}));
    client.send(&session, &tool(1, "hold", &json!({})));
    bench.held().ask([("sure", Ask::confirm("Sure?"))], None);
    assert_eq!(client.reply().json()["result"]["isError"], true);
    let session = client.session("2025-11-25", &json!({ "elicitation": {} }));
    client.send(&session, &tool(1, "hold", &json!({})));
    bench.held().ask([("sure", Ask::confirm("Sure?"))], None);
    client.head();
    let id = client.message()["id"].clone();
    let refusal = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -1, "message": "no user" } });
    assert_eq!(bench.client().post(&session, &refusal).status, 202);
    let result = client.message();
    assert!(result["result"]["content"][0]["text"].as_str().unwrap().contains("no user"), "{result}");
}

#[test]
fn a_missing_resource_has_its_old_code() {
    let bench = start();
    let mut client = bench.client();
    let error = client.post("", &request(1, "resources/read", json!({ "uri": "no:no" }))).json()["error"].clone();
    assert_eq!((&error["code"], &error["data"]["uri"]), (&json!(-32002), &json!("no:no")));
    assert_eq!(client.post("", &request(1, "resources/read", json!({}))).json()["error"]["code"], -32602);
}

#[test]
fn lists_come_in_pages_and_a_cursor_is_of_its_list() {
    let bench = start();
    let mut client = bench.client();
    let (mut cursor, mut names) = (json!(null), Vec::new());
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let result = client.post("", &request(1, "tools/list", params)).json()["result"].clone();
        assert!(result.get("ttlMs").is_none() && result.get("resultType").is_none());
        names.extend(result["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
        match result.get("nextCursor") {
            Some(next) => cursor = next.clone(),
            None => break,
        }
    }
    assert_eq!((names.len(), &*names[0], &*names[250]), (251, "hold0", "echo"));
    for cursor in ["", "x", "64-0", "ffff-1", "0-0"] {
        let reply = client.post("", &request(1, "tools/list", json!({ "cursor": cursor }))).json();
        assert_eq!(reply["error"]["code"], -32602, "{cursor}");
    }
}
