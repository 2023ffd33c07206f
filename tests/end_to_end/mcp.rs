//! The server for AI tools as a client meets it: over HTTP, and on standard input and output.

use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::harness::{Door, Project, Screen, Served, Signal, until};

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

/// Whether a process has a handler for a signal; where the system does not tell, it is taken for granted.
fn handles(pid: u32, signal: Signal) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return !cfg!(target_os = "linux") };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 << (signal.as_raw() - 1) != 0)
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
    // It registers itself a moment before it hears signals; the guardian only waits for them.
    until("it hears signals", || project.living().iter().any(|living| handles(living.pid, Signal::TERM)));
    run.signal(Signal::TERM);
    run.finish();
    let folder = project.runtime().join("brummer/instances");
    let left: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    assert!(left.iter().all(|path| path.extension().is_none_or(|ext| ext != "json")), "{left:?}");
}

/// A client that has started its server itself, and speaks to it over pipes.
struct Piped {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    asked: u64,
}

impl Piped {
    /// Starts the server and shakes hands with it.
    fn start(project: &Project, args: &[&str]) -> (Piped, Value) {
        let mut command = project.command(env!("CARGO_BIN_EXE_brummer"), args);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        let mut piped = Piped { child, input, lines: BufReader::new(output).lines(), asked: 0 };
        let client = json!({ "name": "t", "version": "1" });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let info = piped.ask("initialize", hello);
        (piped, info)
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let message = json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params });
        writeln!(self.input.as_mut().expect("not closed"), "{message}").expect("it reads");
        loop {
            let line = self.lines.next().expect("an answer").expect("text");
            let value: Value = serde_json::from_str(&line).expect("nothing but messages");
            if value["id"] == self.asked {
                return value["result"].clone();
            }
        }
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Goes; the server ends with it.
    fn leave(mut self) {
        drop(self.input.take());
        until("the server ends with its client", || self.child.try_wait().expect("a child").is_some());
    }
}

#[test]
fn one_client_is_served_on_its_pipes_and_everything_ends_with_it() {
    let project = Project::configured(SETTINGS);
    let (mut client, info) = Piped::start(&project, &["mcp", "--stdio"]);
    assert_eq!((&info["serverInfo"]["name"], &info["protocolVersion"]), (&json!("brummer"), &json!("2025-11-25")));
    let run = client.call("scripts_run", json!({ "name": "web", "timeout": 40 }));
    assert_eq!(run["structuredContent"]["ready"], true, "{run}");
    client.leave();
    until("the end of everything", || project.living().is_empty());
}

#[test]
fn who_does_not_show_the_token_is_refused_and_the_hub_finds_it_by_itself() {
    let mut served = Served::with(&format!("mcp_token = true\n{SETTINGS}"));
    let path = served.project.home().join(".local/state/brummer/mcp-token");
    let token = std::fs::read_to_string(&path).expect("it was made");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let refused = served.send("POST", "/mcp", "", list);
    assert_eq!((refused.status, refused.text.contains("resource_metadata")), (401, false), "{refused:?}");
    assert_eq!(served.send("GET", "/.well-known/oauth-authorization-server", "", "").status, 404);
    served.token = Some(token.clone());
    assert_eq!(served.send("POST", "/mcp", "", list).status, 200);
    let settings =
        served.ask("resources/read", Some("config://effective"), json!({ "uri": "config://effective" })).to_string();
    assert!(settings.contains("mcp_token = true") && !settings.contains(&token), "{settings}");
    let entries = std::fs::read_dir(served.project.runtime().join("brummer/instances")).expect("a folder").flatten();
    let entries: Vec<String> = entries.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect();
    assert!(entries.iter().any(|entry| entry.contains("mcp-token")), "{entries:?}");
    assert!(entries.iter().all(|entry| !entry.contains(&token)), "{entries:?}");

    let (mut hub, _) = Piped::start(&served.project, &["--mcp"]);
    // On a busy machine it has not found everybody when it begins to serve.
    until("the hub has found it", || {
        hub.call("scripts_list", json!({}))["structuredContent"].to_string().contains("fails")
    });
    hub.leave();
    let doctor = served.project.brummer(&["mcp", "doctor"]).finish();
    assert!(doctor.stdout.contains("answers, version") && !doctor.stdout.contains(&token), "{doctor:?}");
}

#[test]
fn a_call_is_seen_in_the_view_and_a_tool_is_set_up_there() {
    let Some((project, screen)) = Screen::with(SETTINGS) else { return };
    screen.brummer("");
    let door = Door::of(&project);
    let port = door.port;
    screen.press(&["7"]);
    screen.wait_for("No AI tool has called yet");
    screen.wait_for(&format!("http://127.0.0.1:{port}/mcp"));
    assert_eq!(door.good("scripts_run", json!({ "name": "web" }))["ready"], true);
    screen.wait_until("the call is seen", |text| text.contains("test 1  1 call") && text.contains("scripts_run"));
    screen.press(&["Enter"]);
    screen.wait_for("{\"name\":\"web\"}");
    screen.wait_for("http://localhost:59999");
    // Arguments, Answer, Copy, Replay: what may change something is called for again after a yes.
    screen.press(&["Right", "Right", "Right", "Enter"]);
    screen.wait_for("scripts_run is called again with");
    screen.press(&["y"]);
    screen.wait_until("it is made again", |text| {
        text.contains("#2 scripts_run · Brummer") && text.contains("2 calls · 0 failed")
    });
    // The process that the call names is one key away, and Esc comes back.
    screen.press(&["o"]);
    screen.wait_for("Local: http://localhost:59999/");
    screen.press(&["Escape"]);
    screen.wait_for("2 calls · 0 failed");
    screen.press(&["v"]);
    screen.wait_for("this one");
    screen.press(&["i"]);
    screen.enter("cursor");
    screen.wait_for("Set cursor up?");
    screen.press(&["y"]);
    screen.wait_for("cursor is set up");
    let settings = std::fs::read_to_string(project.dir().join(".cursor/mcp.json")).expect("it is written");
    assert!(settings.contains(&format!("http://127.0.0.1:{port}/mcp")), "{settings}");
    screen.quit(&project);
}
