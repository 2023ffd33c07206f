//! Calls that take long and calls that ask: as tasks, as waits, and with a person's answer, in both eras.

use serde_json::{Value, json};

use super::harness::{Project, Served, Session, until};

const SETTINGS: &str = "no_mcp = false\nmcp_port = 0\nrunner = \"direct\"\n
[processes.slow]\ncommand = \"sleep 6; echo Local: http://localhost:59997/; exec sleep 600\"\n
[processes.quick]\ncommand = \"echo Local: http://localhost:59996/; exec sleep 600\"\n
[processes.test]\ncommand = \"sleep 6; echo 'test result: ok. 1 passed; 0 failed'\"\n
[processes.endless]\ncommand = \"echo begun; exec sleep 600\"\n
[processes.keeper]\ncommand = \"exec sleep 600\"\n
[processes.talks]\ncommand = \"while ! [ -e talk ]; do sleep 0.05; done; for i in 1 2 3 4; do echo line $i; done\"\n";

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
    served.project.write("talk", "");
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

/// Brummer in which a person has started two processes.
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

#[test]
fn a_person_is_asked_over_a_session() {
    let served = with_a_person();
    let mut session = Session::open(served.port, &json!({ "elicitation": {} }));
    let mut stop = |action: &str| {
        let mut call = session.begin("scripts_stop", &json!({ "processId": "endless" }));
        let question = call.question();
        assert_eq!(question["params"]["message"], "End endless?");
        assert_eq!(status(&served), "running");
        session.answer(&question, &json!({ "action": action, "content": { "confirm": action == "accept" } }));
        call.result()
    };
    let refused = stop("decline");
    assert!(refused["isError"] == true && status(&served) == "running", "{refused}");
    let stopped = stop("accept");
    assert_eq!(stopped["structuredContent"]["success"], true, "{stopped}");
    assert_eq!(status(&served), "stopped");
}
