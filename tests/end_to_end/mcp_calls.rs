//! Calls that take long and calls that ask: as tasks, as waits, and with a person's answer, in both eras.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{Project, Served, until};

const SETTINGS: &str = "no_mcp = false\nmcp_port = 0\nrunner = \"direct\"\n
[processes.slow]\ncommand = \"sleep 6; echo Local: http://localhost:59997/; exec sleep 600\"\n
[processes.quick]\ncommand = \"echo Local: http://localhost:59996/; exec sleep 600\"\n
[processes.test]\ncommand = \"sleep 6; echo 'test result: ok. 1 passed; 0 failed'\"\n
[processes.endless]\ncommand = \"echo begun; exec sleep 600\"\n
[processes.keeper]\ncommand = \"exec sleep 600\"\n
[processes.talks]\ncommand = \"for i in 1 2 3 4; do sleep 2; echo line $i; done\"\n";

/// Brummer with a client that takes tasks.
fn with_tasks() -> Served {
    let mut served = Served::with(SETTINGS);
    served.capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    served
}

/// The task that a call has become.
fn task_of(called: &Value) -> String {
    assert_eq!((&called["resultType"], &called["status"]), (&json!("task"), &json!("working")), "{called}");
    assert!(called["pollIntervalMs"].as_u64() > Some(0) && called["ttlMs"].as_u64() > Some(600_000), "{called}");
    called["taskId"].as_str().expect("an id").to_owned()
}

fn get(served: &Served, task: &str) -> Value {
    served.ask("tasks/get", Some(task), json!({ "taskId": task }))["result"].clone()
}

/// The result of a task, when it has come to its end.
fn end_of(served: &Served, task: &str) -> Value {
    let mut seen = Value::Null;
    until("the task ends", || {
        seen = get(served, task);
        seen["status"] != "working"
    });
    assert_eq!(seen["status"], "completed", "{seen}");
    seen["result"].clone()
}

#[test]
fn what_takes_long_becomes_a_task_for_a_client_that_takes_them() {
    let served = with_tasks();
    let slow = task_of(&served.call("scripts_run", json!({ "name": "slow", "timeout": 60 })));
    let tests = task_of(&served.call("tests_run", json!({ "timeout": 60 })));
    let follow = json!({ "processId": "talks", "follow": true, "limit": 3, "timeout": 60 });
    served.call("scripts_run", json!({ "name": "talks", "until": "started" }));
    let follow = task_of(&served.call("logs_stream", follow));
    let ready = end_of(&served, &slow);
    assert_eq!((&ready["structuredContent"]["ready"], &ready["resultType"]), (&json!(true), &json!("complete")));
    let passed = end_of(&served, &tests);
    assert!(passed["content"][0]["text"].as_str().is_some_and(|text| text.starts_with("All passed")), "{passed}");
    let lines = end_of(&served, &follow);
    assert_eq!(lines["structuredContent"]["logs"][2]["content"], "line 3", "{lines}");
    // What need not be waited for is answered at once.
    let quick = served.call("scripts_run", json!({ "name": "quick", "until": "started" }));
    assert_eq!((&quick["resultType"], &quick["structuredContent"]["state"]), (&json!("complete"), &json!("started")));
    assert_eq!(served.call("scripts_list", json!({}))["resultType"], "complete");
}

#[test]
fn a_task_tells_how_far_it_is_and_ends_what_it_has_begun_when_it_is_cancelled() {
    let served = with_tasks();
    let tests = task_of(&served.call("tests_run", json!({ "name": "endless", "timeout": 600 })));
    until("it says what was written last", || get(&served, &tests)["statusMessage"].to_string().contains("begun"));
    served.ask("tasks/cancel", Some(&tests), json!({ "taskId": tests }));
    assert_eq!(get(&served, &tests)["status"], "cancelled");
    until("the tests end", || {
        let status = served.good("scripts_status", json!({ "name": "endless" }));
        status["processes"][0]["status"] == "stopped"
    });
}

#[test]
fn a_client_without_tasks_waits_as_long_as_it_says() {
    let served = Served::with(SETTINGS);
    let slow = served.call("scripts_run", json!({ "name": "slow", "timeout": 60 }));
    assert_eq!((&slow["resultType"], &slow["structuredContent"]["ready"]), (&json!("complete"), &json!(true)));
    let endless = served.call("tests_run", json!({ "name": "endless", "timeout": 1 }));
    let text = endless["content"][0]["text"].as_str().unwrap_or_default();
    assert!(endless["resultType"] == "complete" && text.starts_with("Not ended"), "{endless}");
}

/// Brummer in which a person has started a process.
fn with_a_person() -> Served {
    let project = Project::configured(SETTINGS);
    let command = project.command(env!("CARGO_BIN_EXE_brummer"), &["--no-tui", "endless", "keeper"]);
    let served = Served::start(project, command);
    until("the process runs", || status(&served) == "running");
    served
}

fn status(served: &Served) -> String {
    let found = served.good("scripts_status", json!({ "name": "endless" }));
    found["processes"][0]["status"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_person_is_asked_over_the_wire_without_sessions() {
    let mut served = with_a_person();
    served.capabilities = json!({ "elicitation": {} });
    let params = |tool: &str| json!({ "name": tool, "arguments": { "processId": "endless" } });
    for tool in ["scripts_restart", "scripts_stop"] {
        let asked = served.ask("tools/call", Some(tool), params(tool))["result"].clone();
        let question = &asked["inputRequests"]["confirm"];
        let kinds = (&asked["resultType"], &question["method"]);
        assert_eq!(kinds, (&json!("input_required"), &json!("elicitation/create")), "{asked}");
        assert_eq!(question["params"]["message"], "End endless?");
        let mut again = params(tool);
        again["requestState"] = asked["requestState"].clone();
        again["inputResponses"] = json!({ "confirm": { "action": "decline" } });
        let refused = served.ask("tools/call", Some(tool), again)["result"].clone();
        assert!(refused["isError"] == true && refused.to_string().contains("said no"), "{refused}");
        assert_eq!(status(&served), "running");
    }
    let asked = served.ask("tools/call", Some("scripts_stop"), params("scripts_stop"))["result"].clone();
    let mut again = params("scripts_stop");
    again["requestState"] = asked["requestState"].clone();
    again["inputResponses"] = json!({ "confirm": { "action": "accept", "content": { "confirm": true } } });
    let stopped = served.ask("tools/call", Some("scripts_stop"), again)["result"].clone();
    assert_eq!(stopped["structuredContent"]["success"], true, "{stopped}");
    assert_eq!(status(&served), "stopped");
    // What a tool has started itself it ends without a question.
    assert_eq!(served.good("scripts_run", json!({ "name": "quick", "timeout": 60 }))["ready"], true);
    assert_eq!(served.good("scripts_stop", json!({ "processId": "quick" }))["success"], true);
}

/// One POST of the era with sessions; what comes back is read message by message.
fn post(served: &Served, session: &str, message: &Value) -> BufReader<TcpStream> {
    let body = message.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    let session = if session.is_empty() { String::new() } else { format!("Mcp-Session-Id: {session}\r\n") };
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nAccept: application/json, \
         text/event-stream\r\n{session}Content-Length: {}\r\n\r\n",
        served.port,
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
    BufReader::new(stream)
}

/// The first line that holds this.
fn line_with(reader: &mut BufReader<TcpStream>, part: &str) -> String {
    let mut lines = reader.lines().map(|line| line.expect("text"));
    lines.find(|line| line.to_lowercase().contains(&part.to_lowercase())).unwrap_or_else(|| panic!("no {part}"))
}

fn message_with(reader: &mut BufReader<TcpStream>, part: &str) -> Value {
    let line = line_with(reader, part);
    serde_json::from_str(line.strip_prefix("data:").unwrap_or(&line).trim()).expect("a message")
}

#[test]
fn a_person_is_asked_over_a_session() {
    let served = with_a_person();
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "t", "version": "1" } });
    let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello });
    let field = line_with(&mut post(&served, "", &hello), "mcp-session-id:");
    let session = field.split(':').nth(1).expect("a value").trim().to_owned();
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    line_with(&mut post(&served, &session, &told), "202");
    let mut id = 0;
    let mut stop = |action: &str| {
        id += 1;
        let params = json!({ "name": "scripts_stop", "arguments": { "processId": "endless" } });
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let mut stream = post(&served, &session, &call);
        let question = message_with(&mut stream, "elicitation/create");
        assert_eq!(question["params"]["message"], "End endless?");
        assert_eq!(status(&served), "running");
        let result = json!({ "action": action, "content": { "confirm": action == "accept" } });
        let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": result });
        line_with(&mut post(&served, &session, &answer), "202");
        message_with(&mut stream, "\"result\"")["result"].clone()
    };
    let refused = stop("decline");
    assert!(refused["isError"] == true && status(&served) == "running", "{refused}");
    let stopped = stop("accept");
    assert_eq!(stopped["structuredContent"]["success"], true, "{stopped}");
    assert_eq!(status(&served), "stopped");
}
