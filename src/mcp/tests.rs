//! The product's tools, resources and prompts, called as a client would, on real processes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::call::{Call, CallKind, CallSpec, CompletionAsk, Desk, Event};
use super::protocol::{Answer, Client, ListKind};
use super::tools::schema::fits;
use super::{Notifier, Product, Provider};
use crate::app::{App, AppOptions};
use crate::config::{Config, Overrides};

const PATIENCE: Duration = Duration::from_secs(60);

const PACKAGE: &str = r#"{"name":"shop","scripts":{
    "server": "echo Local: http://localhost:$PORT/ && exec sleep 1000",
    "crash": "node_like() { echo 'TypeError: total is not a function' >&2; echo '    at add (app.js:2:3)' >&2; }; node_like; echo DB_PASSWORD=hunter2; exit 3",
    "count": "for i in 1 2 3 4 5; do echo line $i; done",
    "late": "echo begin; sleep 0.3; echo done with it; sleep 1000",
    "test": "echo 'test a ... ok'; echo 'test result: ok. 1 passed; 0 failed'",
    "test:bad": "echo 'test a::b ... FAILED'; echo 'test result: FAILED. 0 passed; 1 failed'; exit 101"
}}"#;

mod again;
mod answers;

/// A product with a project of its own.
struct Lab {
    product: Product,
    app: Arc<App>,
    _dir: tempfile::TempDir,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.product.stop();
        self.app.shutdown(PATIENCE).expect("everything ends");
    }
}

fn lab() -> Lab {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("package.json"), PACKAGE).expect("written");
    std::fs::write(dir.path().join("app.js"), "function add() {\n  total()\n}\n").expect("written");
    let settings = "[processes.api]\ncommand = \"true\"\nenv = { API_KEY = \"abc123\", MODE = \"dev\" }\n";
    std::fs::write(dir.path().join(".brum.toml"), settings).expect("written");
    let mut flags = Overrides::new();
    flags.set("runner", "direct", "--runner");
    let config = Config::load_files(&[dir.path().join(".brum.toml")], &flags).expect("a good file");
    let path = dir.path().canonicalize().expect("it is there");
    let options = AppOptions { dir: path, config, interactive: false, size: (80, 24), owns_descendants: false };
    let app = App::start(options).expect("threads");
    Lab { product: Product::new(&app).expect("a thread"), app, _dir: dir }
}

impl Lab {
    fn begin(&self, spec: CallSpec) -> Desk {
        let (call, desk) = Desk::call(spec);
        self.product.call(call);
        desk
    }

    /// The whole result of a tool, checked against its outputSchema.
    fn call(&self, name: &str, arguments: Value) -> Value {
        let desk = self.begin(CallSpec::new(CallKind::Tool, name).with(&arguments));
        let result = desk.result(PATIENCE).unwrap_or_else(|error| panic!("{name} {arguments}: {error}"));
        if result["isError"] != true {
            let schema = self.schema(name, "outputSchema");
            fits(&schema, &result["structuredContent"]).unwrap_or_else(|why| panic!("{name}: {why} in {result}"));
        }
        assert!(result["content"][0]["text"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {result}");
        assert_eq!(result["isError"] == true, result.get("structuredContent").is_none(), "{name}: {result}");
        result
    }

    /// The structure of a good answer.
    fn good(&self, name: &str, arguments: Value) -> Value {
        let result = self.call(name, arguments);
        assert_ne!(result["isError"], true, "{name}: {result}");
        result["structuredContent"].clone()
    }

    /// The text of a bad one.
    fn bad(&self, name: &str, arguments: Value) -> String {
        let result = self.call(name, arguments);
        assert_eq!(result["isError"], true, "{name}: {result}");
        result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }

    fn schema(&self, name: &str, which: &str) -> Value {
        let tools = self.product.list(ListKind::Tools);
        let item = tools.items.iter().find(|item| &*item.name == name).unwrap_or_else(|| panic!("no tool {name}"));
        let tool: Value = serde_json::from_str(item.json.get()).expect("JSON");
        tool[which].clone()
    }

    fn read(&self, uri: &str) -> Value {
        let result = self.begin(CallSpec::new(CallKind::Resource, uri)).result(PATIENCE).expect(uri);
        let text = result["contents"][0]["text"].as_str().expect("text");
        serde_json::from_str(text).unwrap_or_else(|_| text.into())
    }
}

#[test]
fn scripts_are_listed_run_and_stopped() {
    let lab = lab();
    let scripts = lab.good("scripts_list", json!({}));
    let names: Vec<&str> =
        scripts["scripts"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert!(names.contains(&"server") && names.contains(&"api"), "{names:?}");
    let run = lab.good("scripts_run", json!({"name": "server", "timeout": 40}));
    assert_eq!(
        (&run["state"], &run["ready"], &run["duplicate"]),
        (&json!("ready"), &json!(true), &json!(false)),
        "{run}"
    );
    assert!(run["url"].as_str().unwrap().starts_with("http://localhost"), "{run}");
    let again = lab.good("scripts_run", json!({"name": "server"}));
    assert_eq!((&again["duplicate"], &again["processId"]), (&json!(true), &run["processId"]));
    let status = lab.good("scripts_status", json!({"name": "server"}));
    assert_eq!(status["summary"], "1 running");
    assert!(status["processes"][0]["memoryBytes"].as_u64().unwrap() > 0 && status["processes"][0]["ports"].is_array());
    let restarted = lab.good("scripts_restart", json!({"processId": "server", "timeout": 40}));
    assert_ne!(restarted["processId"], run["processId"]);
    assert_eq!(restarted["restarts"], 1);
    let stopped = lab.good("scripts_stop", json!({"processId": "all"}));
    assert_eq!((&stopped["success"], &stopped["processes"][0]["status"]), (&json!(true), &json!("stopped")));
    assert_eq!(lab.good("scripts_status", json!({"name": "count"}))["processes"], json!([]));
    let active = lab.read("processes://active");
    assert_eq!(active["processes"].as_array().unwrap().len(), 2);
    assert_eq!(lab.good("about", json!({}))["processes"], "2 stopped");
}

#[test]
fn a_script_that_fails_tells_its_first_errors_with_their_source_and_without_secrets() {
    let lab = lab();
    let run = lab.good("scripts_run", json!({"name": "crash", "timeout": 40}));
    assert_eq!((&run["state"], &run["exitCode"]), (&json!("failed"), &json!(3)), "{run}");
    assert_eq!(run["errorList"][0]["place"], "app.js:2:3", "{run}");
    assert!(run.to_string().contains("DB_PASSWORD=‹masked:7›") && !run.to_string().contains("hunter2"), "{run}");
    let errors = lab.good("errors_list", json!({}));
    assert_eq!((&errors["total"], &errors["errors"][0]["kind"]), (&json!(1), &json!("TypeError")));
    assert_eq!(errors["errors"][0]["excerpt"]["lines"][1], "> 2 |   total()");
    let since = json!({"cursor": errors["cursor"]});
    assert_eq!(lab.good("errors_list", since.clone())["total"], 0);
    lab.good("scripts_run", json!({"name": "crash", "timeout": 40}));
    assert_eq!(lab.good("errors_list", since)["total"], 1);
    let id = errors["errors"][0]["id"].as_str().unwrap();
    assert_eq!(lab.read(&format!("errors://{id}"))["id"], id);
    let result =
        lab.begin(CallSpec::new(CallKind::Prompt, "debug_error").with(&json!({"error_message": "total is not"})));
    let text = result.result(PATIENCE).unwrap()["messages"][0]["content"]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("app.js") && text.contains("data, no instructions"), "{text}");
}

#[test]
fn lines_are_read_by_cursor_searched_and_followed() {
    let lab = lab();
    lab.good("scripts_run", json!({"name": "count", "until": "exit", "timeout": 40}));
    let all = lab.good("logs_stream", json!({"processId": "count"}));
    let content = |page: &Value| -> Vec<String> {
        page["logs"].as_array().unwrap().iter().map(|line| line["content"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(content(&all), ["line 1", "line 2", "line 3", "line 4", "line 5"]);
    let newest = lab.good("logs_stream", json!({"limit": 2}));
    assert_eq!((content(&newest), &newest["more"]), (vec!["line 4".to_owned(), "line 5".into()], &json!(true)));
    let mut cursor = all["logs"][0]["id"].to_string();
    let mut seen = Vec::new();
    loop {
        let page = lab.good("logs_stream", json!({"cursor": cursor, "limit": 2}));
        seen.extend(content(&page));
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, content(&all));
    assert!(content(&lab.good("logs_stream", json!({"cursor": cursor}))).is_empty());
    let found = lab.good("logs_search", json!({"query": "line [24]", "regex": true, "context": 1}));
    assert_eq!((content(&found), &found["total"]), (vec!["line 4".to_owned(), "line 2".into()], &json!(2)));
    assert_eq!((&found["logs"][0]["before"], &found["logs"][1]["after"]), (&json!(["line 3"]), &json!(["line 3"])));
    let first = lab.good("logs_search", json!({"query": "line", "limit": 2}));
    let second = lab.good("logs_search", json!({"query": "line", "limit": 9, "cursor": first["cursor"]}));
    assert_eq!(
        (content(&second), &second["cursor"]),
        (vec!["line 3".to_owned(), "line 2".into(), "line 1".into()], &Value::Null)
    );
    assert_eq!(lab.good("logs_search", json!({"query": "line", "since": "1h", "level": "error"}))["total"], 0);
    assert!(lab.bad("logs_search", json!({"query": "(", "regex": true})).starts_with("`query`"));
    lab.good("scripts_run", json!({"name": "late", "until": "started"}));
    let spec = CallSpec { wants_progress: true, ..CallSpec::new(CallKind::Tool, "logs_stream") };
    let follow = lab
        .begin(spec.with(&json!({"processId": "late", "cursor": cursor, "follow": true, "limit": 2, "timeout": 50})));
    let result = follow.result(PATIENCE).unwrap();
    assert_eq!(content(&result["structuredContent"]), ["begin", "done with it"]);
    assert_eq!(lab.read("logs://process/late").as_array().unwrap().len(), 2);
}

#[test]
fn a_line_can_be_waited_for_and_a_cancelled_wait_is_forgotten() {
    let lab = lab();
    let run = lab.good("scripts_run", json!({"name": "late", "pattern": "done with \\w+", "timeout": 50}));
    assert_eq!((&run["ready"], &run["status"]), (&json!(true), &json!("running")), "{run}");
    let follow = lab.begin(CallSpec::new(CallKind::Tool, "logs_stream").with(&json!({"follow": true, "timeout": 500})));
    follow.cancel();
    let begun = Instant::now();
    // The wait is dropped at once; what is left of the call answers.
    assert!(follow.result(PATIENCE).is_err() && begun.elapsed() < PATIENCE);
}

#[test]
fn tests_answer_one_line_when_all_pass_and_the_failures_otherwise() {
    let lab = lab();
    let passed = lab.call("tests_run", json!({"timeout": 50}));
    let text = passed["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("All passed in") && text.lines().count() == 1 && text.contains("1 passed"), "{text}");
    let failed = lab.good("tests_run", json!({"name": "test:bad", "timeout": 50}));
    assert_eq!((&failed["passed"], &failed["failures"]), (&json!(false), &json!(["a::b"])));
    assert_eq!(failed["exit"], "exited with code 101");
}

#[test]
fn tests_that_nobody_waits_for_any_more_are_ended() {
    let lab = lab();
    let status = || lab.good("scripts_status", json!({"name": "late"}))["processes"][0]["status"].clone();
    let waits_for = |wanted: &str| {
        let end = Instant::now() + PATIENCE;
        while status() != wanted {
            assert!(Instant::now() < end, "it is {}, not {wanted}", status());
            std::thread::yield_now();
        }
    };
    let run = CallSpec::new(CallKind::Tool, "tests_run").with(&json!({"name": "late", "timeout": 500}));
    let desk = lab.begin(run);
    waits_for("running");
    desk.cancel();
    waits_for("stopped");
}

#[test]
fn bad_input_says_what_is_allowed_and_unknown_names_which_there_are() {
    let lab = lab();
    assert!(lab.bad("scripts_run", json!({"name": "sevrer"})).contains("the nearest is `server`"));
    assert!(lab.bad("scripts_stop", json!({"processId": "web"})).contains("none was started"));
    lab.good("scripts_run", json!({"name": "count", "until": "exit", "timeout": 40}));
    assert!(lab.bad("scripts_stop", json!({"processId": "web"})).contains("There are: count (success)"));
    assert!(lab.bad("logs_stream", json!({"limit": 0})).contains("from 1 to 500"));
    assert!(lab.bad("logs_stream", json!({"process": "x"})).contains("its arguments: processId, level"));
    assert!(lab.bad("proxy_requests", json!({"filter": "~nope 1"})).starts_with("`filter`"));
    assert!(lab.bad("proxy_requests", json!({"id": 7})).contains("none went through"));
    assert!(lab.bad("telemetry_events", json!({})).contains("browser_open"));
    assert!(lab.bad("telemetry_sessions", json!({"sessionId": "x"})).contains("no page has told anything"));
    for tool in ["browser_refresh", "browser_screenshot"] {
        assert!(lab.bad(tool, json!({})).contains("browser_open opens one"), "{tool}");
    }
    assert!(lab.bad("browser_open", json!({"url": "file:///etc/passwd"})).contains("http or https"));
    assert!(lab.bad("repl_execute", json!({"code": "1"})).contains("No page is open"));
    assert!(lab.bad("tests_run", json!({"name": "none"})).contains("none"));
    let unknown = lab.begin(CallSpec::new(CallKind::Tool, "nothing")).result(PATIENCE).unwrap_err();
    assert_eq!(unknown.code, -32602);
    let unknown = lab.begin(CallSpec::new(CallKind::Resource, "logs://process/none")).result(PATIENCE).unwrap_err();
    assert_eq!(unknown.code, -32002);
    let missing = lab.begin(CallSpec::new(CallKind::Prompt, "debug_error")).result(PATIENCE).unwrap_err();
    assert!(missing.message.contains("error_message"), "{missing}");
}

/// Answers every request with its path.
fn echo_server() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let Ok(read) = stream.read(&mut buffer) else { continue };
            let head = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let status = if path.contains("bad") { "500 No" } else { "200 OK" };
            let body = format!("{{\"path\":\"{path}\",\"token\":\"s3cret-value\"}}");
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            // A client that is gone needs no answer.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

fn get(url: &str, path: &str) {
    let host = url.strip_prefix("http://").expect("http").trim_end_matches('/');
    let address = host.replace("localhost", "127.0.0.1");
    let mut stream = std::net::TcpStream::connect(&address).expect("the proxy listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("sent");
    stream.read_to_end(&mut Vec::new()).expect("answered");
}

#[test]
fn requests_are_listed_shown_in_full_and_sent_again() {
    let lab = lab();
    let port = echo_server();
    let proxied = lab.app.begin_proxy(Some(&format!("http://127.0.0.1:{port}"))).expect("the proxy begins");
    for path in ["/cart?token=abc", "/bad", "/cart"] {
        get(&proxied, path);
    }
    let urls = lab.good("urls_list", json!({}));
    assert_eq!(urls["urls"][0]["proxyUrl"], proxied);
    let all = lab.good("proxy_requests", json!({}));
    assert_eq!((&all["total"], &all["requests"][1]["statusCode"]), (&json!(3), &json!(500)));
    assert!(!all.to_string().contains("token=abc"), "{all}");
    assert_eq!(lab.good("proxy_requests", json!({"status": "error"}))["total"], 1);
    assert_eq!(lab.good("proxy_requests", json!({"filter": "~m get & /cart"}))["total"], 2);
    let page = lab.good("proxy_requests", json!({"limit": 2}));
    let rest = lab.good("proxy_requests", json!({"limit": 2, "cursor": page["cursor"]}));
    assert_eq!(rest["requests"].as_array().unwrap().len(), 1);
    let id = all["requests"][0]["id"].as_u64().unwrap();
    let full = lab.good("proxy_requests", json!({"id": id}));
    let body = full["requests"][0]["response"]["body"].as_str().unwrap();
    assert!(body.contains("/cart") && !body.contains("s3cret-value"), "{full}");
    let again = lab.good("proxy_replay", json!({"id": id, "times": 2, "timeout": 50}));
    assert_eq!((again["answers"].as_array().unwrap().len(), &again["unanswered"]), (2, &json!(0)));
    assert_eq!(again["answers"][1]["statusCode"], 200);
    assert_eq!(lab.read("proxy://requests")["total"], 5);
    assert_eq!(lab.read(&format!("proxy://request/{id}"))["requests"][0]["id"], id);
    assert_eq!(lab.read("proxy://mappings")["urls"][0]["proxyUrl"], proxied);
    let ask = CompletionAsk {
        is_resource: false,
        argument: "endpoint".into(),
        value: "/c".into(),
        ..CompletionAsk::default()
    };
    let spec = CallSpec { completion: ask, ..CallSpec::new(CallKind::Completion, "api_troubleshooting") };
    let values = lab.begin(spec).result(PATIENCE).unwrap();
    assert_eq!(values["completion"]["values"], json!(["/cart"]));
    for (prompt, arguments) in [
        ("api_troubleshooting", json!({"status_code": "5xx"})),
        ("performance_analysis", json!({})),
        ("script_configuration", json!({"task_type": "test"})),
    ] {
        let result = lab.begin(CallSpec::new(CallKind::Prompt, prompt).with(&arguments)).result(PATIENCE).unwrap();
        assert_eq!(result["messages"][0]["role"], "user", "{prompt}");
        assert!(prompt != "api_troubleshooting" || result.to_string().contains("/bad"), "{result}");
    }
}

#[test]
fn messages_wait_for_their_reader() {
    let lab = lab();
    let waiting = lab.begin(
        CallSpec::new(CallKind::Tool, "queue_receive").with(&json!({"channel": "a", "blocking": true, "timeout": 50})),
    );
    lab.good("queue_send", json!({"channel": "a", "payload": {"n": 1}, "type": "news"}));
    let first = waiting.result(PATIENCE).unwrap()["structuredContent"].clone();
    assert_eq!((&first["messages"][0]["payload"]["n"], &first["messages"][0]["type"]), (&json!(1), &json!("news")));
    let none = lab.good("queue_receive", json!({"channel": "a", "cursor": first["cursor"]}));
    assert_eq!(none["messages"], json!([]));
    assert_eq!(lab.good("queue_receive", json!({}))["channels"][0]["channel"], "a");
    let scripts = lab.good("repl_library", json!({"operation": "search", "query": "layout"}));
    assert!(scripts["total"].as_u64().unwrap() >= 2);
    assert_eq!(lab.good("repl_library", json!({"operation": "get", "name": "getDetails"}))["total"], 1);
    assert!(lab.good("repl_library", json!({"operation": "categories"}))["categories"]["inspect"].is_u64());
    assert_eq!(lab.good("telemetry_sessions", json!({}))["total"], 0);
}

/// A client that can ask its user.
fn asking(name: &str, arguments: Value) -> CallSpec {
    let capabilities = serde_json::value::to_raw_value(&json!({"elicitation": {}})).unwrap();
    let client = Arc::new(Client::of(None, Some(&capabilities)));
    CallSpec { client, ..CallSpec::new(CallKind::Tool, name) }.with(&arguments)
}

#[test]
fn a_person_is_asked_before_what_they_have_started_is_ended() {
    let lab = lab();
    lab.app.start_named("late", &[]).expect("started by the person");
    let desk = lab.begin(asking("scripts_stop", json!({"processId": "late"})));
    let Some(Event::Ask { asks, .. }) = desk.event(PATIENCE) else { panic!("nobody was asked") };
    assert!(asks[0].1.params.as_ref().unwrap().get().contains("End late?"));
    let answered = |answer: Value| {
        let mut spec = asking("scripts_stop", json!({"processId": "late"}));
        spec.answers.insert(asks[0].0.clone(), Answer(answer));
        let (call, desk): (Call, Desk) = Desk::call(spec);
        lab.product.call(call);
        desk.result(PATIENCE).unwrap()
    };
    assert_eq!(answered(json!({"action": "decline"}))["isError"], true);
    assert_eq!(lab.good("scripts_status", json!({"name": "late"}))["summary"], "1 running");
    let yes = answered(json!({"action": "accept", "content": {"confirm": true}}));
    assert_eq!(yes["structuredContent"]["success"], true);
    // What a tool has started itself, it ends without a question.
    lab.good("scripts_run", json!({"name": "late", "until": "started"}));
    let desk = lab.begin(asking("scripts_stop", json!({"processId": "late"})));
    assert_eq!(desk.result(PATIENCE).unwrap()["structuredContent"]["success"], true);
}

#[test]
fn settings_and_environment_are_read_without_their_secrets() {
    let lab = lab();
    let environment = lab.read("env://api");
    assert_eq!(environment["variables"][0], json!({"name": "API_KEY", "value": "‹masked:6›"}), "{environment}");
    assert!(!environment.to_string().contains("abc123"));
    let settings = lab.read("config://effective");
    assert!(
        settings.as_str().is_some_and(|text| text.contains("proxy_server") && !text.contains("abc123")),
        "{settings}"
    );
    // A switch is no secret, whatever it is called.
    assert!(settings.as_str().is_some_and(|text| text.contains("\npin = \"auto\"")), "{settings}");
    for uri in [
        "logs://recent",
        "logs://errors",
        "telemetry://sessions",
        "telemetry://errors",
        "telemetry://console-errors",
        "scripts://available",
    ] {
        assert!(!lab.read(uri).is_null(), "{uri}");
    }
    let ask =
        CompletionAsk { is_resource: true, argument: "process".into(), value: "ap".into(), ..CompletionAsk::default() };
    let spec = CallSpec { completion: ask, ..CallSpec::new(CallKind::Completion, "env://{process}") };
    assert_eq!(lab.begin(spec).result(PATIENCE).unwrap()["completion"]["values"], json!(["api"]));
}

#[test]
fn who_watches_is_told_of_real_changes_alone() {
    let lab = lab();
    let (notifier, changes) = Notifier::pair();
    lab.product.watched("logs://recent", true);
    lab.product.watched("processes://active", true);
    lab.product.watched("scripts://available", true);
    lab.product.started(notifier);
    let end = Instant::now() + PATIENCE;
    let mut told = std::collections::BTreeSet::new();
    lab.good("scripts_run", json!({"name": "count", "until": "exit", "timeout": 40}));
    // What is run is told of the scripts too, before or after.
    while !(told.contains("logs://recent") && told.contains("processes://active")) {
        told.extend(changes().1);
        assert!(Instant::now() < end, "{told:?}");
        std::thread::yield_now();
    }
}

#[test]
fn every_tool_is_listed_with_all_that_clients_want() {
    let lab = lab();
    let tools = lab.product.list(ListKind::Tools);
    assert_eq!(tools.items.len(), 23);
    for item in &tools.items {
        let tool: Value = serde_json::from_str(item.json.get()).unwrap();
        for field in ["title", "description", "inputSchema", "outputSchema", "annotations"] {
            assert!(!tool[field].is_null(), "{} has no {field}", item.name);
        }
        assert_eq!(tool["inputSchema"]["additionalProperties"], false);
        assert_eq!(tool["annotations"].as_object().unwrap().len(), 4);
    }
    let instructions = lab.product.server().instructions.as_deref().unwrap();
    assert!(instructions.len() < 2000, "{}", instructions.len());
}

#[test]
fn a_call_is_kept_for_the_view_with_its_answer_and_without_secrets() {
    use crate::app::mcp_copy;
    use crate::app::view::{Backend, McpKind};
    let lab = lab();
    lab.call("scripts_run", json!({ "name": "test", "until": "exit", "timeout": 50, "args": ["DB_PASSWORD=hunter2"] }));
    lab.call("logs_stream", json!({ "processId": "test" }));
    let _ = lab.begin(CallSpec::new(CallKind::Resource, "scripts://available")).result(PATIENCE);
    let row = lab.app.mcp();
    let [read, logs, run] = &row.calls[..] else { panic!("{row:?}") };
    let text = |call: &crate::app::view::McpCall| call.end.as_ref().expect("answered").text.to_string();
    assert!(!run.arguments.contains("hunter2") && run.arguments.contains("‹masked"), "{}", run.arguments);
    assert!(text(logs).lines().count() > 2 && text(logs).contains("1 passed"), "{}", text(logs));
    assert_eq!((read.kind, run.kind), (McpKind::Resource, McpKind::Tool));
    assert!(text(read).contains("server"), "{}", text(read));
    assert_eq!(mcp_copy::REVISION, super::protocol::Version::NEWEST.as_str());
}
