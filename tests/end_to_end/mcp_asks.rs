//! What a tool asks the person before it does what cannot be taken back: refused, nothing has happened; accepted, it has; in both eras.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::harness::{Door, Project, Screen, Served, Session, is_installed, until};

const SETTINGS: &str = "no_mcp = false\nmcp_port = 0\nrunner = \"direct\"\n";

/// A client that can be asked, in either era.
enum Client<'a> {
    Modern(&'a Door),
    Legacy(Session),
}

/// Both clients of a server.
fn clients(served: &Door) -> [Client<'_>; 2] {
    assert!(served.capabilities["elicitation"].is_object(), "it says that it can be asked");
    [Client::Modern(served), Client::Legacy(Session::open(served.port, &served.capabilities))]
}

impl Client<'_> {
    /// Calls a tool, is asked, and answers: what was asked, and what came of it.
    fn call(&mut self, tool: &str, arguments: &Value, accepts: bool) -> (String, Value) {
        let action = if accepts { "accept" } else { "decline" };
        let answer = json!({ "action": action, "content": { "confirm": accepts } });
        let (question, result) = match self {
            Client::Modern(served) => {
                let mut params = json!({ "name": tool, "arguments": arguments });
                let asked = served.ask("tools/call", Some(tool), params.clone())["result"].clone();
                assert_eq!(asked["resultType"], "input_required", "{asked}");
                params["requestState"] = asked["requestState"].clone();
                params["inputResponses"] = json!({ "confirm": answer });
                let result = served.ask("tools/call", Some(tool), params)["result"].clone();
                (asked["inputRequests"]["confirm"]["params"].clone(), result)
            }
            Client::Legacy(session) => {
                let mut call = session.begin(tool, arguments);
                let question = call.question();
                session.answer(&question, &answer);
                (question["params"].clone(), call.result())
            }
        };
        (question["message"].as_str().expect("words").to_owned(), result)
    }

    /// Refuses; what was asked.
    fn refuse(&mut self, tool: &str, arguments: &Value) -> String {
        let (question, result) = self.call(tool, arguments, false);
        assert!(result["isError"] == true && result.to_string().contains("said no"), "{result}");
        question
    }

    /// Accepts; the values of the result.
    fn accept(&mut self, tool: &str, arguments: &Value) -> Value {
        let (_, result) = self.call(tool, arguments, true);
        assert_ne!(result["isError"], true, "{result}");
        result["structuredContent"].clone()
    }
}

/// The process of this name that was started last.
fn row(served: &Door, name: &str) -> Value {
    let found = served.good("scripts_status", json!({ "name": name }));
    found["processes"].as_array().and_then(|rows| rows.last()).cloned().unwrap_or_default()
}

#[test]
fn a_persons_process_is_restarted_after_a_yes() {
    let names = ["one", "two"];
    let entry = |name: &str| format!("[processes.{name}]\ncommand = \"exec sleep 600\"\n");
    let project = Project::configured(&format!("{SETTINGS}{}{}", entry("one"), entry("two")));
    // It ends when both have ended, of which a restart is none.
    let command = project.command(env!("CARGO_BIN_EXE_brummer"), &["--no-tui", "one", "two"]);
    let mut served = Served::start(project, command);
    served.capabilities = json!({ "elicitation": {} });
    for (mut client, name) in clients(&served).into_iter().zip(names) {
        until("it runs", || row(&served, name)["pid"].is_u64());
        let (before, arguments) = (row(&served, name), json!({ "processId": name, "until": "started" }));
        assert_eq!(client.refuse("scripts_restart", &arguments), format!("End {name}?"));
        assert_eq!((&row(&served, name)["pid"], &row(&served, name)["status"]), (&before["pid"], &json!("running")));
        let again = client.accept("scripts_restart", &arguments);
        assert_ne!(again["processId"], before["processId"], "{again}");
        until("it runs again", || {
            row(&served, name)["status"] == "running" && row(&served, name)["pid"] != before["pid"]
        });
    }
}

/// What goes on as another process after a restart.
const COPY: &str = "[processes.copy]\ncommand = 'cat; echo \"the end\"'\n";

/// Starts `copy` again; answers when it runs.
fn restart_copy(door: &mut Door) {
    door.capabilities = json!({ "elicitation": {} });
    until("it runs", || row(door, "copy")["pid"].is_u64());
    let before = row(door, "copy");
    Client::Modern(door).accept("scripts_restart", &json!({ "processId": "copy", "until": "started" }));
    until("it runs again", || row(door, "copy")["status"] == "running" && row(door, "copy")["pid"] != before["pid"]);
}

#[test]
fn what_is_piped_in_after_a_restart_goes_to_the_process_that_runs_then() {
    let project = Project::configured(&format!("{SETTINGS}{COPY}"));
    let line = "(echo one; until [ -e go ]; do sleep 0.05; done; echo two) | \"$B\" --no-tui copy";
    let mut command = project.command("sh", &["-c", line]);
    command.env("B", env!("CARGO_BIN_EXE_brummer"));
    let mut served = Served::start(project, command);
    served.run.wait_for("copy │ one\n");
    restart_copy(&mut served);
    served.project.write("go", "");
    served.run.wait_for("copy │ two\n");
    let Served { run, .. } = served;
    assert!(run.finish().expect(0).contains("copy │ the end\n"), "the input has ended");
}

#[test]
fn what_is_typed_after_a_restart_goes_to_the_process_that_runs_then() {
    if !is_installed("tmux") {
        return;
    }
    for terminal in ["always", "never"] {
        let project = Project::configured(&format!("{SETTINGS}{COPY}"));
        let screen = Screen::open(&project, 100, 30);
        screen.brummer(&format!("--no-tui --terminal {terminal} copy"));
        screen.wait_for("started");
        screen.enter("a line");
        screen.wait_for("│ a line");
        restart_copy(&mut Door::of(&project));
        screen.wait_until("both starts are told", |text| text.matches("started").count() == 2);
        // It is told as soon as it runs, which may be a moment before the keys are its own.
        until("what is typed arrives", || {
            screen.enter("another");
            screen.text().contains("│ another")
        });
        screen.press(&["C-d"]);
        screen.wait_for("│ the end");
        until("Brummer has ended", || project.living().iter().all(|one| !one.command.contains("--no-tui")));
    }
}

/// Requests as a server has got them: method and body.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// Answers every request, and writes it down.
fn server() -> (u16, Heard) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let heard = Heard::default();
    let all = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let all = Arc::clone(&all);
            // A client that went away has its reasons.
            std::thread::spawn(move || drop(serve(stream, &all)));
        }
    });
    (port, heard)
}

fn serve(stream: TcpStream, heard: &Heard) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let lines = reader.by_ref().lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    if let Some(method) = head.first().and_then(|line| line.split(' ').next()) {
        let body = String::from_utf8_lossy(&body).into_owned();
        heard.lock().expect("nobody panics with it").push((method.to_owned(), body));
    }
    reader.get_mut().write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone")
}

/// Sends a request to the proxy; it was answered.
fn send(url: &str, method: &str, body: &str) {
    let port = url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the proxy listens");
    let head = format!("{method} /order HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[test]
fn a_request_that_may_change_something_is_sent_again_after_a_yes() {
    let (port, heard) = server();
    let web = format!("[processes.web]\ncommand = \"echo Local: http://localhost:{port}/; exec sleep 600\"\n");
    let mut served = Served::with(&format!("{SETTINGS}{web}"));
    served.capabilities = json!({ "elicitation": {} });
    served.good("scripts_run", json!({ "name": "web", "timeout": 60 }));
    let url = &served.proxied();
    let newest = |method: &str| {
        let mut id = Value::Null;
        until("the request is kept", || {
            let listed = served.good("proxy_requests", json!({ "filter": format!("~m {method}") }));
            let newest = &listed["requests"][0];
            id = newest["id"].clone();
            newest["statusCode"] == 201 && newest["pending"].is_null()
        });
        id
    };
    let times = |method: &str| {
        let heard = heard.lock().expect("nobody panics with it");
        heard.iter().filter(|(own, body)| own == method && body == "two apples").count()
    };
    send(url, "POST", "two apples");
    for (number, client) in clients(&served).iter_mut().enumerate() {
        let arguments = json!({ "id": newest("POST"), "timeout": 60 });
        let question = client.refuse("proxy_replay", &arguments);
        assert!(question.starts_with("Send POST http://") && question.ends_with("/order?"), "{question}");
        assert_eq!(times("POST"), number + 1);
        let again = client.accept("proxy_replay", &arguments);
        assert_eq!(again["answers"].as_array().map(Vec::len), Some(1), "{again}");
        assert_eq!((&again["unanswered"], times("POST")), (&json!(0), number + 2), "{again}");
    }
    // What changes nothing is not asked about.
    send(url, "GET", "two apples");
    served.good("proxy_replay", json!({ "id": newest("GET"), "timeout": 60 }));
    assert_eq!(times("GET"), 2);
}

#[test]
fn a_script_of_the_library_is_removed_after_a_yes() {
    let mut served = Served::with(SETTINGS);
    served.capabilities = json!({ "elicitation": {} });
    let file = served.project.dir().join(".brum/scripts/twice.ts");
    for client in &mut clients(&served) {
        served.good("repl_library", json!({ "operation": "add", "name": "twice", "code": "n => n * 2" }));
        let arguments = json!({ "operation": "remove", "name": "twice" });
        assert_eq!(client.refuse("repl_library", &arguments), "Remove the script twice from the library?");
        let kept = served.good("repl_library", json!({ "operation": "get", "name": "twice" }));
        assert!(kept["scripts"][0]["code"] == "n => n * 2" && file.exists(), "{kept}");
        client.accept("repl_library", &arguments);
        assert!(!file.exists());
        served.bad("repl_library", json!({ "operation": "get", "name": "twice" }));
    }
}
