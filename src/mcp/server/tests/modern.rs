//! The rules of the revision without a handshake.

use super::*;
use crate::mcp::call::TaskOptions;
use crate::mcp::protocol::{Ask, Level, ListKind};

impl Client {
    fn modern(&mut self, method: &str, params: Value, capabilities: &Value) -> Reply {
        let (fields, message) = modern(1, method, params, capabilities);
        self.post(&fields, &message)
    }
}

fn code(reply: &Reply) -> (u16, i64) {
    (reply.status, reply.json()["error"]["code"].as_i64().unwrap_or_default())
}

#[test]
fn a_request_stands_alone_and_its_result_says_who_answers() {
    let bench = start();
    let mut client = bench.client();
    let reply = client.modern("tools/call", json!({ "name": "echo", "arguments": { "text": "a" } }), &json!({}));
    let result = &reply.json()["result"];
    assert_eq!((reply.status, &result["resultType"]), (200, &json!("complete")));
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "probe");
    assert!(reply.field("mcp-session-id").is_none());
    // A session's name means nothing here.
    let (fields, message) = modern(1, "tools/list", json!({}), &json!({}));
    let reply = client.post(&format!("{fields}Mcp-Session-Id: nonsense\r\n"), &message);
    assert_eq!((reply.status, reply.field("mcp-session-id")), (200, None));
    let discovered = client.modern("server/discover", json!({}), &json!({})).json()["result"].clone();
    assert_eq!(discovered["supportedVersions"], json!(["2026-07-28"]));
    for (method, params) in
        [("server/discover", json!({})), ("tools/list", json!({})), ("resources/read", json!({ "uri": "a:b" }))]
    {
        let result = client.modern(method, params, &json!({})).json()["result"].clone();
        assert!(result["ttlMs"].is_u64() && result["cacheScope"].is_string(), "{method}: {result}");
    }
}

#[test]
fn headers_must_say_what_the_body_says() {
    let bench = start();
    let mut client = bench.client();
    let (_, message) = modern(1, "tools/call", json!({ "name": "hold1", "arguments": { "text": "a" } }), &json!({}));
    let (v, m, n, p) = (
        "MCP-Protocol-Version: 2026-07-28\r\n",
        "Mcp-Method: tools/call\r\n",
        "mcp-name:  hold1 \r\n",
        "MCP-PARAM-TEXT: =?base64?YQ==?=\r\n",
    );
    for fields in [
        format!("{m}{n}{p}"),
        format!("{v}{n}{p}"),
        format!("{v}{m}{p}"),
        format!("{v}{m}{n}"),
        format!("MCP-Protocol-Version: 2025-11-25\r\n{m}{n}{p}"),
        format!("{v}Mcp-Method: Tools/Call\r\n{n}{p}"),
        format!("{v}{m}Mcp-Name: hold2\r\n{p}"),
        format!("{v}{m}{n}Mcp-Param-Text: b\r\n"),
        format!("{v}{m}{n}Mcp-Param-Text: =?base64?YQ?=\r\n"),
    ] {
        let reply = client.post(&fields, &message);
        assert_eq!((code(&reply), &reply.json()["id"]), ((400, -32020), &json!(1)), "{fields}");
    }
    client.send(&format!("{v}{m}{n}{p}"), &message);
    bench.held().say("fits");
    assert_eq!(client.reply().status, 200);
}

#[test]
fn what_is_missing_or_not_spoken_is_said_with_its_code() {
    let bench = start();
    let mut client = bench.client();
    let fields = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n";
    assert_eq!(code(&client.post(fields, &request(1, "tools/list", json!({})))), (400, -32602));
    let only = json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } });
    assert_eq!(code(&client.post(fields, &request(1, "tools/list", only))), (400, -32602));
    let (fields, message) = modern(1, "tools/list", json!({}), &json!({}));
    let (fields, message) =
        (fields.replace("2026-07-28", "2099-01-01"), message.to_string().replace("2026-07-28", "2099-01-01"));
    let reply = client.post(&fields, &serde_json::from_str(&message).unwrap());
    assert_eq!(code(&reply), (400, -32022));
    assert_eq!(reply.json()["error"]["data"], json!({ "supported": ["2026-07-28"], "requested": "2099-01-01" }));
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "nothing"] {
        assert_eq!(code(&client.modern(method, json!({}), &json!({}))), (404, -32601), "{method}");
    }
    assert_eq!(code(&client.modern("tools/call", json!({ "name": "nothing" }), &json!({}))), (200, -32602));
    assert_eq!(code(&client.modern("resources/read", json!({ "uri": "no:no" }), &json!({}))), (200, -32602));
    let fields = "MCP-Protocol-Version: 2026-07-28\r\nAccept: text/event-stream\r\n";
    assert_eq!(client.ask("GET", "/mcp", fields).status, 405);
    assert_eq!(client.ask("DELETE", "/mcp", fields).status, 405);
}

#[test]
fn closing_the_stream_cancels() {
    let bench = start();
    for streams in [false, true] {
        let mut client = bench.client();
        let params = json!({ "name": "hold", "_meta": { "progressToken": "t" } });
        let (fields, message) = modern(1, "tools/call", params, &json!({}));
        client.send(&fields, &message);
        let held = bench.held();
        if streams {
            held.progress(1.0, None, None);
            client.head();
            assert_eq!(client.message()["params"]["progressToken"], "t");
        }
        let (cancelled, heard) = channel();
        let guard = held.on_cancel(move || cancelled.send(()).unwrap());
        drop(client);
        heard.recv_timeout(SOON).expect("the call hears of it");
        drop(guard);
        held.say("nobody hears");
    }
}

#[test]
fn log_messages_come_only_when_this_request_wants_them() {
    let bench = start();
    let mut client = bench.client();
    for (level, count) in [(None, 0), (Some("error"), 1), (Some("debug"), 2)] {
        let mut params = json!({ "name": "hold", "_meta": { "progressToken": 1 } });
        if let Some(level) = level {
            params["_meta"]["io.modelcontextprotocol/logLevel"] = level.into();
        }
        let (fields, message) = modern(1, "tools/call", params, &json!({}));
        client.send(&fields, &message);
        let held = bench.held();
        held.log(Level::Info, None, &"a");
        held.log(Level::Error, None, &"b");
        held.progress(1.0, None, None);
        held.say("end");
        let reply = client.reply();
        assert_eq!(reply.field("x-accel-buffering"), Some("no"));
        assert!(!reply.body.contains("id: "), "nothing to come back to");
        let logs = reply.events().iter().filter(|event| event["method"] == "notifications/message").count();
        assert_eq!(logs, count, "{level:?}");
    }
}

#[test]
fn a_question_is_an_answer_and_its_state_cannot_be_changed_or_moved() {
    let bench = start();
    let mut client = bench.client();
    let can = json!({ "elicitation": { "form": {} } });
    let params = json!({ "name": "hold", "arguments": { "text": "a" } });
    let again = |client: &mut Client, params: &Value| {
        let (fields, message) = modern(2, "tools/call", params.clone(), &can);
        client.send(&format!("{fields}Mcp-Param-Text: a\r\n"), &message);
    };
    again(&mut client, &params);
    bench.held().ask([("sure", Ask::confirm("?"))], Some("own".into()));
    let result = client.reply().json()["result"].clone();
    assert_eq!(result["resultType"], "input_required");
    assert!(result.get("ttlMs").is_none() && result["inputRequests"]["sure"]["method"] == "elicitation/create");
    let state = result["requestState"].as_str().unwrap();
    let yes = json!({ "action": "accept", "content": { "confirm": true } });
    let mut answered = params.clone();
    answered["requestState"] = state.into();
    answered["inputResponses"] = json!({ "sure": yes, "extra": { "x": 1 } });
    again(&mut client, &answered);
    let held = bench.held();
    assert!(held.answer("sure").unwrap().accepted() && held.answer("extra").is_none() && held.state() == Some("own"));
    // A second question: the first answer is carried along.
    held.ask([("really", Ask::confirm("?"))], None);
    let second = client.reply().json()["result"]["requestState"].clone();
    let mut answered_twice = params.clone();
    answered_twice["requestState"] = second;
    answered_twice["inputResponses"] = json!({ "really": yes });
    again(&mut client, &answered_twice);
    let held = bench.held();
    assert!(held.answer("sure").unwrap().accepted() && held.answer("really").unwrap().accepted());
    held.say("done");
    assert_eq!(client.reply().json()["result"]["resultType"], "complete");

    let refused = |client: &mut Client, params: &Value| {
        again(client, params);
        assert_eq!(code(&client.reply()), (200, -32602), "{params}");
    };
    let mut changed = answered.clone();
    changed["requestState"] = format!("{}A", &state[..state.len() - 1]).into();
    if changed["requestState"] == answered["requestState"] {
        changed["requestState"] = format!("{}B", &state[..state.len() - 1]).into();
    }
    refused(&mut client, &changed);
    changed["requestState"] = 7.into();
    refused(&mut client, &changed);
    let mut moved = answered.clone();
    moved["arguments"]["other"] = 1.into();
    refused(&mut client, &moved);
    let mut malformed = answered.clone();
    malformed["inputResponses"] = json!({ "sure": { "action": "maybe" } });
    refused(&mut client, &malformed);
}

#[test]
fn only_what_the_client_declared_is_asked() {
    let bench = start();
    let mut client = bench.client();
    let (fields, message) = modern(1, "tools/call", json!({ "name": "hold" }), &json!({}));
    client.send(&fields, &message);
    bench.held().ask([("sure", Ask::confirm("?"))], None);
    let reply = client.reply();
    assert_eq!(code(&reply), (400, -32021));
    assert_eq!(reply.json()["error"]["data"]["requiredCapabilities"], json!({ "elicitation": { "form": {} } }));
}

#[test]
fn a_subscription_is_acknowledged_and_tells_what_it_was_asked_for() {
    let bench = start();
    let mut client = bench.client();
    let filter =
        json!({ "toolsListChanged": true, "promptsListChanged": false, "resourceSubscriptions": ["a:b"], "x": 1 });
    let (fields, message) = modern("s", "subscriptions/listen", json!({ "notifications": filter }), &json!({}));
    client.send(&fields, &message);
    client.head();
    let first = client.message();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["notifications"], json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:b"] }));
    assert_eq!(*bench.probe.watched.lock().unwrap(), [("a:b".into(), true)]);
    let notifier = bench.server.notifier();
    [ListKind::Prompts, ListKind::Resources, ListKind::Tools].into_iter().for_each(|kind| notifier.list_changed(kind));
    assert_eq!(client.message()["method"], "notifications/tools/list_changed");
    ["a:c", "a:b"].iter().for_each(|uri| notifier.resource_updated(uri));
    let update = client.message();
    assert_eq!(
        (&update["method"], &update["params"]["uri"]),
        (&json!("notifications/resources/updated"), &json!("a:b"))
    );
    assert_eq!(update["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "s");
    drop(client);
    until("nobody watches any more", || bench.probe.watched.lock().unwrap().contains(&("a:b".into(), false)));
}

#[test]
fn a_task_is_asked_for_and_ends_as_its_call_does() {
    let bench = start();
    let mut client = bench.client();
    let can = json!({ "elicitation": {}, "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let begin = |client: &mut Client| {
        let (fields, message) = modern(1, "tools/call", json!({ "name": "hold" }), &can);
        client.send(&fields, &message);
        let held = bench.held();
        assert!(held.can_be_task());
        held.become_task(TaskOptions::default());
        let task = client.reply().json()["result"].clone();
        assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")));
        (held, task["taskId"].as_str().unwrap().to_owned())
    };
    let get = |client: &mut Client, id: &str| {
        client.modern("tasks/get", json!({ "taskId": id }), &can).json()["result"].clone()
    };
    let (held, id) = begin(&mut client);
    held.ask([("a", Ask::confirm("A?")), ("b", Ask::confirm("B?"))], None);
    until("the questions are there", || get(&mut client, &id)["status"] == "input_required");
    let names: Vec<String> = get(&mut client, &id)["inputRequests"].as_object().unwrap().keys().cloned().collect();
    for (at, name) in names.iter().enumerate() {
        assert_eq!(get(&mut client, &id)["inputRequests"].as_object().unwrap().len(), 2 - at);
        let answers = json!({ name: { "action": "decline" } });
        let done = client.modern("tasks/update", json!({ "taskId": id, "inputResponses": answers }), &can).json();
        assert_eq!(done["result"]["resultType"], "complete");
    }
    let held = bench.held();
    assert!(held.answer("a").is_some() && held.answer("b").is_some());
    held.say("end");
    until("it is completed", || get(&mut client, &id)["status"] == "completed");
    assert_eq!(get(&mut client, &id)["result"]["content"][0]["text"], "end");

    let (held, id) = begin(&mut client);
    for _ in 0..2 {
        assert_eq!(client.modern("tasks/cancel", json!({ "taskId": id }), &can).status, 200);
    }
    assert!(held.is_cancelled());
    held.say("too late");
    assert_eq!(get(&mut client, &id)["status"], "cancelled");
    let (held, id) = begin(&mut client);
    drop(held);
    until("it has failed", || get(&mut client, &id)["status"] == "failed");
    assert_eq!(code(&client.modern("tasks/get", json!({ "taskId": "x" }), &can)), (200, -32602));
    assert_eq!(code(&client.modern("tasks/get", json!({ "taskId": "x" }), &json!({}))), (400, -32021));
}

#[test]
fn the_first_answer_of_either_era_tells_which_instance_serves() {
    let bench = start_with(Config { instance: Some("shop-1".into()), ..Config::on_port(0) });
    let mut client = bench.client();
    let discovered = client.modern("server/discover", json!({}), &json!({})).json()["result"].clone();
    let want = json!({ "io.modelcontextprotocol/serverInfo": { "name": "probe", "version": "1" }, "brummer/instance": "shop-1" });
    assert_eq!((&discovered["_meta"], &discovered["resultType"]), (&want, &json!("complete")));
    let greeted = client.post("", &initialize("2025-11-25", &json!({}))).json()["result"].clone();
    assert_eq!(greeted["_meta"], json!({ "brummer/instance": "shop-1" }));
    let silent = start();
    let greeted = silent.client().post("", &initialize("2025-11-25", &json!({}))).json()["result"].clone();
    assert!(greeted.get("_meta").is_none(), "{greeted}");
}

#[test]
fn a_subscription_hears_of_tasks_if_the_client_takes_tasks() {
    let bench = start();
    let mut client = bench.client();
    let can = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let (fields, message) = modern(1, "tools/call", json!({ "name": "hold" }), &can);
    client.send(&fields, &message);
    let held = bench.held();
    held.become_task(TaskOptions::default());
    let id = client.reply().json()["result"]["taskId"].clone();
    let listen = |capabilities: &Value| {
        let mut client = bench.client();
        let params = json!({ "notifications": { "taskIds": [id, "unknown"] } });
        let (fields, message) = modern("s", "subscriptions/listen", params, capabilities);
        client.send(&fields, &message);
        client.head();
        let heeded = client.message()["params"]["notifications"].clone();
        (client, heeded)
    };
    assert_eq!(listen(&json!({})).1, json!({}));
    let (mut listener, heeded) = listen(&can);
    assert_eq!(heeded, json!({ "taskIds": [id] }));
    assert_eq!(listener.message()["params"]["status"], "working", "how it is when the subscription begins");
    held.say("end");
    let told = listener.message();
    assert_eq!((&told["method"], &told["params"]["taskId"]), (&json!("notifications/tasks"), &id));
    assert_eq!(told["params"]["result"]["content"][0]["text"], "end");
    assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "s");
}
