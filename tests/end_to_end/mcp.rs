//! The server for AI tools as a client meets it: over HTTP, and on standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Project, Served, Signal, until};

const SETTINGS: &str = "no_mcp = false\nmcp_port = 0\nrunner = \"direct\"\n
[processes.web]\ncommand = \"echo Local: http://localhost:59999/; exec sleep 600\"\n
[processes.fails]\ncommand = \"echo TypeError: no >&2; exit 3\"\n";

#[test]
fn a_client_lists_calls_and_reads_over_http() {
    let served = Served::with(SETTINGS);
    let tools = served.ask("tools/list", None, json!({}));
    let text = tools["result"]["tools"].to_string();
    assert_eq!(tools["result"]["tools"].as_array().map(Vec::len), Some(23));
    assert!(text.len() / 4 < 4000, "{} bytes", text.len());
    let run = served.call("scripts_run", json!({ "name": "web", "timeout": 40 }));
    assert_eq!(run["structuredContent"]["ready"], true, "{run}");
    let failed = served.call("scripts_run", json!({ "name": "fails", "timeout": 40 }));
    assert_eq!(failed["structuredContent"]["exitCode"], 3, "{failed}");
    let errors = served.call("errors_list", json!({}));
    assert_eq!(errors["structuredContent"]["errors"][0]["message"], "TypeError: no");
    let wrong = served.call("scripts_stop", json!({ "processId": "wbe" }));
    assert!(wrong["isError"] == true && wrong.to_string().contains("web (running)"), "{wrong}");
    let active = served.ask("resources/read", Some("processes://active"), json!({ "uri": "processes://active" }));
    assert!(active["result"]["contents"][0]["text"].as_str().is_some_and(|text| text.contains("1 running")));
    let prompt = served.ask(
        "prompts/get",
        Some("debug_error"),
        json!({ "name": "debug_error", "arguments": { "error_message": "TypeError" } }),
    );
    assert_eq!(prompt["result"]["messages"][0]["role"], "user");
    let stopped = served.call("scripts_stop", json!({ "processId": "all" }));
    assert_eq!(stopped["structuredContent"]["success"], true);
}

#[test]
fn who_asks_for_a_way_to_log_in_finds_none() {
    let served = Served::with(SETTINGS);
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/register",
    ] {
        let answered = served.send("GET", path, "", "");
        assert_eq!(
            (answered.status, answered.text.to_lowercase().contains("www-authenticate")),
            (404, false),
            "{path}"
        );
    }
}

#[test]
fn the_entry_of_the_registry_goes_with_the_server() {
    let Served { run, project, .. } = Served::with(SETTINGS);
    run.signal(Signal::TERM);
    run.finish();
    let folder = project.runtime().join("brummer/instances");
    let left: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    assert!(left.iter().all(|path| path.extension().is_none_or(|ext| ext != "json")), "{left:?}");
}

#[test]
fn one_client_is_served_on_its_pipes_and_everything_ends_with_it() {
    let project = Project::configured(SETTINGS);
    let mut command = project.command(env!("CARGO_BIN_EXE_brummer"), &["mcp", "--stdio"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut ask = |id: u64, method: &str, params: Value| {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        writeln!(input, "{message}").expect("it reads");
        loop {
            let line = lines.next().expect("an answer").expect("text");
            let value: Value = serde_json::from_str(&line).expect("nothing but messages");
            if value["id"] == id {
                return value["result"].clone();
            }
        }
    };
    let hello =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let info = ask(1, "initialize", hello);
    assert_eq!((&info["serverInfo"]["name"], &info["protocolVersion"]), (&json!("brummer"), &json!("2025-11-25")));
    let run = ask(2, "tools/call", json!({ "name": "scripts_run", "arguments": { "name": "web", "timeout": 40 } }));
    assert_eq!(run["structuredContent"]["ready"], true, "{run}");
    drop(input);
    let end = Instant::now() + Duration::from_secs(60);
    while child.try_wait().expect("a child").is_none() {
        assert!(Instant::now() < end, "it does not end with its client");
        std::thread::yield_now();
    }
    until("the end of everything", || project.living().is_empty());
}
