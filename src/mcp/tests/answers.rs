//! Every tool answers as its schema says, and refuses in words alone; names and fields that agents rely on stay.

use serde_json::{Value, json};

use super::*;
use crate::mcp::tools::answer::Answer as Words;
use crate::mcp::tools::table::as_promised;

/// Each tool with arguments that it refuses, and with some that it answers; those without the latter need a browser, and answer in
/// `tests/end_to_end/mcp_browser.rs`.
fn calls() -> Vec<(&'static str, Value, Option<Value>)> {
    let none = || json!({ "nothing": 1 });
    vec![
        ("about", none(), Some(json!({}))),
        ("browser_navigate", json!({ "url": "http://localhost:1/" }), None),
        ("browser_open", json!({ "url": "javascript:1" }), None),
        ("browser_refresh", json!({}), None),
        ("browser_screenshot", json!({ "quality": 101 }), None),
        ("errors_list", json!({ "cursor": "x" }), Some(json!({ "limit": 3 }))),
        ("logs_search", json!({ "query": "(", "regex": true }), Some(json!({ "query": "line", "context": 1 }))),
        ("logs_stream", json!({ "level": "loud" }), Some(json!({ "limit": 3 }))),
        ("proxy_replay", json!({ "id": 99 }), Some(json!({ "id": 1, "timeout": 50 }))),
        ("proxy_requests", json!({ "filter": "~nope" }), Some(json!({ "id": 1 }))),
        ("queue_receive", json!({ "limit": 0 }), Some(json!({ "channel": "a" }))),
        ("queue_send", json!({ "channel": "a" }), Some(json!({ "channel": "a", "payload": {} }))),
        ("repl_execute", json!({ "code": "1" }), None),
        ("repl_library", json!({ "operation": "get", "name": "none" }), Some(json!({ "operation": "list" }))),
        ("scripts_list", none(), Some(json!({}))),
        (
            "scripts_restart",
            json!({ "processId": "none" }),
            Some(json!({ "processId": "count", "until": "exit", "timeout": 50 })),
        ),
        ("scripts_run", json!({ "name": "none" }), Some(json!({ "name": "crash", "timeout": 50 }))),
        ("scripts_status", none(), Some(json!({}))),
        ("scripts_stop", json!({ "processId": "none" }), Some(json!({ "processId": "late" }))),
        ("telemetry_events", json!({ "sessionId": "none" }), None),
        ("telemetry_sessions", json!({ "sessionId": "none" }), Some(json!({}))),
        ("tests_run", json!({ "name": "none" }), Some(json!({ "name": "test:bad", "timeout": 50 }))),
        ("urls_list", none(), Some(json!({}))),
    ]
}

#[test]
fn every_tool_answers_as_its_schema_says_and_refuses_in_words() {
    let lab = lab();
    let proxied = lab.app.begin_proxy(Some(&format!("http://127.0.0.1:{}", echo_server()))).expect("the proxy begins");
    get(&proxied, "/cart");
    lab.good("scripts_run", json!({ "name": "count", "until": "exit", "timeout": 50 }));
    lab.good("scripts_run", json!({ "name": "late", "until": "started" }));
    let calls = calls();
    let listed = lab.product.list(ListKind::Tools);
    let names: Vec<&str> = listed.items.iter().map(|item| &*item.name).collect();
    assert_eq!(calls.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), names, "each tool once");
    for (name, bad, good) in calls {
        let why = lab.bad(name, bad);
        assert!(why.len() > 10 && !why.contains("schema"), "{name}: {why}");
        good.map(|arguments| lab.good(name, arguments));
    }
}

#[test]
fn an_answer_that_is_not_as_promised_is_found_by_whatever_test_calls_for_it() {
    let answer = |value: Value| Ok(Words::new("done", value));
    assert!(as_promised("scripts_stop", answer(json!({ "success": true, "processes": [] }))).is_ok());
    let wrong = as_promised("scripts_stop", answer(json!({ "success": "yes", "processes": [] })));
    assert!(wrong.unwrap_err().0.contains("success: \"yes\" is no \"boolean\""));
    let missing = as_promised("urls_list", answer(json!({ "urls": [] })));
    assert!(missing.unwrap_err().0.contains("`proxy` is missing"));
}

/// Tools and arguments that agents know from before.
const KNOWN: &[(&str, &[&str])] = &[
    ("scripts_list", &[]),
    ("scripts_run", &["name"]),
    ("scripts_stop", &["processId"]),
    ("scripts_status", &["name"]),
    ("logs_stream", &["processId", "level", "follow", "limit"]),
    ("logs_search", &["query", "regex", "level", "processId", "since", "limit"]),
    ("proxy_requests", &["processName", "status", "limit"]),
    ("telemetry_sessions", &["processName", "sessionId", "limit"]),
    ("telemetry_events", &["sessionId", "eventType", "follow", "limit"]),
    ("browser_open", &["url"]),
    ("browser_refresh", &["sessionId"]),
    ("browser_navigate", &["url", "sessionId"]),
    ("browser_screenshot", &["sessionId", "format", "quality", "fullPage", "selector"]),
    ("repl_execute", &["code", "sessionId"]),
    (
        "repl_library",
        &[
            "operation",
            "name",
            "code",
            "description",
            "category",
            "tags",
            "examples",
            "parameters",
            "returnType",
            "author",
            "version",
            "query",
        ],
    ),
    ("about", &[]),
    ("queue_send", &["channel", "type", "payload", "ttl"]),
    ("queue_receive", &["channel", "limit", "blocking", "timeout"]),
];

#[test]
fn names_and_arguments_that_agents_know_from_before_are_taken() {
    let lab = lab();
    for (tool, arguments) in KNOWN {
        let schema = lab.schema(tool, "inputSchema");
        for argument in *arguments {
            assert!(schema["properties"].get(argument).is_some(), "{tool} takes no {argument}");
        }
    }
    let run = lab.good("scripts_run", json!({ "name": "late", "until": "started" }));
    assert!(run["processId"].is_string() && run["duplicate"].is_boolean(), "{run}");
    let again = lab.good("scripts_run", json!({ "name": "late", "until": "started" }));
    assert_eq!(again["duplicate"], true);
    let status = lab.good("scripts_status", json!({ "name": "late" }));
    assert_eq!(status["processes"][0]["status"], "running");
}
