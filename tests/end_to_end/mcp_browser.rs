//! The tools for browsers with a real Chromium: one that Brummer drives, and one that stands for the person's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::harness::{Project, Served, is_installed, until};

/// What the first pixel of the first page is.
const GREEN: [u8; 3] = [12, 200, 34];

const HOME: &str = "<!doctype html><html><head><title>Shop</title></head>
<body style=\"margin:0;background:rgb(12,200,34);height:3000px\"><p id=p style=\"margin:0;width:120px;height:40px\">hello</p>
<script>
  function broken() { throw new RangeError('thrown in the page'); }
  setTimeout(broken, 0);
  console.error('a bad sign', 7);
</script></body></html>";

const SECOND: &str = "<!doctype html><html><head><title>Second</title></head><body>second</body></html>";

/// Serves the pages until the test ends, and writes down which were asked for.
fn server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("is bound").port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let lines = reader.by_ref().lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
                let (status, page) = match path.as_str() {
                    "/" => (200, HOME),
                    "/second" => (200, SECOND),
                    _ => (404, ""),
                };
                seen.lock().expect("nobody panics with it").push(path);
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                    page.len()
                );
                // A browser that went away has its reasons.
                let _ = reader.get_mut().write_all(answer.as_bytes());
            });
        }
    });
    (port, asked)
}

/// A stage: Brummer before a server whose process has told of it.
struct Stage {
    served: Served,
    /// The server's own address.
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn set(more: impl FnOnce(&Project, &mut std::process::Command)) -> Option<Stage> {
        if !is_installed("chromium") {
            return None;
        }
        let (port, asked) = server();
        let url = format!("http://localhost:{port}/");
        let project = Project::configured(&format!(
            "no_mcp = false\nmcp_port = 0\nrunner = \"direct\"\n
            [processes.web]\ncommand = \"echo Local: {url}; exec sleep 600\"\n"
        ));
        let mut command = project.command(env!("CARGO_BIN_EXE_brummer"), &["--no-tui"]);
        more(&project, &mut command);
        let served = Served::start(project, command);
        served.good("scripts_run", json!({ "name": "web", "timeout": 60 }));
        served.proxied();
        Some(Stage { served, url, asked })
    }

    fn loads_of(&self, path: &str) -> usize {
        self.asked.lock().expect("nobody panics with it").iter().filter(|asked| *asked == path).count()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn run(&self, session: &str, code: &str) -> Value {
        self.served.good("repl_execute", json!({ "code": code, "sessionId": session, "timeout": 60 }))
    }

    /// The picture, and what the tool says of it.
    fn picture(&self, arguments: Value) -> (Vec<u8>, Value) {
        let result = self.served.call("browser_screenshot", arguments);
        assert_ne!(result["isError"], true, "{result}");
        let blocks = result["content"].as_array().expect("content");
        let image = blocks.iter().find(|block| block["type"] == "image").expect("an image");
        let told = result["structuredContent"].clone();
        assert_eq!(image["mimeType"], told["mimeType"]);
        (STANDARD.decode(image["data"].as_str().expect("base64")).expect("base64"), told)
    }

    /// Waits until the page that a session shows is this one.
    fn shows(&self, session: &str, path: &str) {
        until(&format!("the page shows {path}"), || {
            let arguments = json!({ "code": "[location.pathname, document.readyState]", "sessionId": session });
            let found = self.served.call("repl_execute", arguments);
            found["structuredContent"]["result"] == json!([path, "complete"])
        });
    }

    /// Waits for an event that says this.
    fn tells(&self, session: &str, kind: &str, text: &str) -> Value {
        let mut found = Value::Null;
        until(&format!("`{text}` is told"), || {
            let arguments = json!({ "sessionId": session, "eventType": kind });
            let events = self.served.good("telemetry_events", arguments);
            let list = events["events"].as_array().expect("a list");
            found = list.iter().find(|event| event.to_string().contains(text)).cloned().unwrap_or_default();
            found.is_object()
        });
        found
    }
}

/// Width, height and the first pixel of a PNG.
fn first_pixel(png: &[u8]) -> (u32, u32, [u8; 3]) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four"));
    let (mut at, mut data) = (8, Vec::new());
    while at < png.len() {
        let length = number(at) as usize;
        if &png[at + 4..at + 8] == b"IDAT" {
            data.extend_from_slice(&png[at + 8..at + 8 + length]);
        }
        at += length + 12;
    }
    let mut pixel = [0; 4];
    flate2::read::ZlibDecoder::new(&data[..]).read_exact(&mut pixel).expect("a row");
    // Before the first pixel of the first row lie zeros: every filter leaves it as it is.
    (number(16), number(20), [pixel[1], pixel[2], pixel[3]])
}

#[test]
fn a_driven_browser_opens_pages_runs_code_and_takes_true_pictures() {
    let Some(mut stage) = Stage::set(|_, _| ()) else { return };
    // Nobody is asked about pages that tools have opened.
    stage.served.capabilities = json!({ "elicitation": {} });
    let served = &stage.served;
    let opened = served.good("browser_open", json!({ "url": stage.url, "browser": "headless" }));
    let session = opened["sessionId"].as_str().expect("a session").to_owned();
    assert!(!session.starts_with("browser-"), "telemetry hears the page: {opened}");
    assert_eq!(stage.loads_of("/"), 1);
    let event = stage.tells(&session, "error", "thrown in the page");
    assert!(event.to_string().contains("broken"), "{event}");
    stage.tells(&session, "console", "a bad sign 7");
    let sessions = served.good("telemetry_sessions", json!({}));
    assert_eq!(
        (&sessions["sessions"][0]["sessionId"], &sessions["sessions"][0]["processName"]),
        (&json!(session), &json!("web"))
    );
    assert!(sessions["sessions"][0]["errorCount"].as_u64() >= Some(1), "{sessions}");
    assert!(served.good("errors_list", json!({})).to_string().contains("thrown in the page"));
    values_come_back(&stage, &session);

    let (png, told) = stage.picture(json!({ "sessionId": session }));
    let (width, height, pixel) = first_pixel(&png);
    assert_eq!((width, pixel, &told["approximate"]), (1280, GREEN, &json!(false)));
    let (whole, _) = stage.picture(json!({ "fullPage": true }));
    assert!(first_pixel(&whole).1 >= 3000 && height < 3000);
    let (part, _) = stage.picture(json!({ "selector": "#p" }));
    assert_eq!(first_pixel(&part), (120, 40, GREEN));
    let (jpeg, told) = stage.picture(json!({ "format": "jpeg", "quality": 40 }));
    assert!(jpeg.starts_with(b"\xff\xd8") && told["mimeType"] == "image/jpeg");
    assert!(stage.picture(json!({ "format": "webp" })).0.starts_with(b"RIFF"));
    assert!(served.bad("browser_screenshot", json!({ "selector": "#none" })).contains("#none"));
    assert!(served.bad("browser_refresh", json!({ "sessionId": "nobody" })).contains(&session));

    let went = served.good("browser_navigate", json!({ "url": stage.at("second") }));
    stage.shows(went["sessionId"].as_str().expect("a session"), "/second");
    assert_eq!(stage.loads_of("/second"), 1);
    served.good("browser_refresh", json!({}));
    assert_eq!(stage.loads_of("/second"), 2);
    assert!(served.bad("browser_navigate", json!({ "url": "http://localhost:1/" })).contains("ERR_"));
    stage.served.capabilities = json!({});
    library_goes_into_the_page(&stage);
    stage.served.capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let code = "new Promise(done => setTimeout(done, 5000, 'slept'))";
    let task = stage.served.call("repl_execute", json!({ "code": code, "timeout": 60 }));
    assert_eq!(task["resultType"], "task", "{task}");
    let id = task["taskId"].as_str().expect("an id");
    let get = || stage.served.ask("tasks/get", Some(id), json!({ "taskId": id }))["result"].clone();
    until("the code has ended", || get()["status"] == "completed");
    assert_eq!(get()["result"]["structuredContent"]["result"], "slept");
}

/// Values of every kind come back from a page.
fn values_come_back(stage: &Stage, session: &str) {
    for (code, value, kind) in [
        ("1 + 1", json!(2), "number"),
        ("({a: 1, b: [true, null]})", json!({ "a": 1, "b": [true, null] }), "object"),
        ("await new Promise(done => setTimeout(done, 5, 'late'))", json!("late"), "string"),
        ("new Promise(done => setTimeout(done, 5, 'late'))", json!("late"), "string"),
        ("fetch('/none').then(answer => answer.status)", json!(404), "number"),
        ("const n = 20; n * 2 + 2", json!(42), "number"),
        ("null", Value::Null, "null"),
        ("undefined", Value::Null, "undefined"),
        ("document.title", json!("Shop"), "string"),
    ] {
        let found = stage.run(session, code);
        assert_eq!((&found["result"], found["type"].as_str()), (&value, Some(kind)), "{code}: {found}");
    }
    let execute =
        |code: &str| stage.served.call("repl_execute", json!({ "code": code, "sessionId": session, "timeout": 60 }));
    let text = |result: &Value| result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    for code in ["document.querySelector('#p')", "window", "10n", "Symbol('s')", "() => 1", "new Map([[1, 2]])"] {
        let result = execute(code);
        assert!(result["isError"] != true && !text(&result).is_empty(), "{code}: {result}");
    }
    for (code, value) in [
        ("document.querySelector('#p')", json!("<p id=\"p\" style=\"margin:0;width:120px;height:40px\">hello</p>")),
        ("new Map([[1, 'one']])", json!([[1, "one"]])),
        ("10n", json!("10n")),
        ("NaN", json!("NaN")),
    ] {
        assert_eq!(stage.run(session, code)["result"], value, "{code}");
    }
    let talk = execute("console.log('one', {a: 1}); console.warn('two'); 'said'");
    assert_eq!(talk["structuredContent"]["result"], "said");
    assert!(text(&talk).contains("console.log: one") && text(&talk).contains("console.warn: two"), "{talk}");
    for (code, said) in [
        ("null.field", "TypeError"),
        ("Promise.reject(new Error('refused'))", "Error: refused"),
        ("throw 'plain'", "plain"),
        ("x y", "SyntaxError"),
        ("window.loop = {}; loop.self = loop; loop.missing()", "not a function"),
    ] {
        let result = execute(code);
        assert!(result["isError"] == true && text(&result).contains(said), "{code}: {result}");
    }
    for code in ["'x'.repeat(3e6)", "Array.from({length: 2e5}, (_, i) => ({i}))", "loop"] {
        let result = execute(code);
        assert!(result["isError"] != true && result.to_string().len() < 80_000, "{code}: {}", result.to_string().len());
    }
    let late = json!({ "code": "new Promise(() => {})", "sessionId": session, "timeout": 1 });
    assert!(stage.served.bad("repl_execute", late).contains("time"));
    assert_eq!(stage.run(session, "'alive'")["result"], "alive");
}

/// A script is kept, is there in the page, and goes.
fn library_goes_into_the_page(stage: &Stage) {
    let served = &stage.served;
    served.good(
        "repl_library",
        json!({ "operation": "add", "name": "twice", "code": "n => n * 2", "category": "maths" }),
    );
    let got = served.good("repl_library", json!({ "operation": "get", "name": "twice" }));
    assert_eq!(got["scripts"][0]["code"], "n => n * 2");
    let found = served.good("repl_execute", json!({ "code": "brummerLibrary.twice(21)", "timeout": 60 }));
    assert_eq!(found["result"], 42);
    let details = served.good("repl_execute", json!({ "code": "lib.getDetails('body')", "timeout": 60 }));
    assert!(details["result"].is_object(), "{details}");
    served.good("repl_library", json!({ "operation": "inject" }));
    served.good("repl_library", json!({ "operation": "remove", "name": "twice" }));
    assert!(served.bad("repl_library", json!({ "operation": "get", "name": "twice" })).contains("getDetails"));
}

/// A program that opens a page as the person's own browser would.
fn own_browser(project: &Project) -> PathBuf {
    let profile = project.temporary().join("profile");
    let script = format!(
        "#!/bin/sh\nexec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
         --window-size=800,600 --remote-debugging-port=0 --user-data-dir='{}' \"$1\" >/dev/null 2>&1\n",
        profile.display()
    );
    let path = project.write("own-browser", script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("our own file");
    path
}

#[test]
fn a_page_that_the_person_has_opened_is_driven_after_a_yes() {
    let Some(mut stage) = Stage::set(|_, _| ()) else { return };
    let url = stage.served.proxied();
    let program = own_browser(&stage.served.project);
    // It ends with the project.
    let mut browser = stage.served.project.command(program, &[&url]).spawn().expect("it starts");
    until("the page is heard", || {
        let all = stage.served.good("telemetry_sessions", json!({}));
        all["sessions"].as_array().expect("a list").iter().any(|session| session["open"] == true)
    });
    stage.served.capabilities = json!({ "elicitation": {} });
    let served = &stage.served;
    let params = json!({ "name": "repl_execute", "arguments": { "code": "6 * 7", "timeout": 60 } });
    let ask = |state: &Value, answer: Value| {
        let mut params = params.clone();
        params["requestState"] = state.clone();
        params["inputResponses"] = json!({ "confirm": answer });
        served.ask("tools/call", Some("repl_execute"), params)["result"].clone()
    };
    let asked = served.call("repl_execute", params["arguments"].clone());
    let question = asked["inputRequests"]["confirm"]["params"]["message"].as_str().unwrap_or_default();
    assert!(question.starts_with("Drive the page http://localhost:"), "{asked}");
    let refused = ask(&asked["requestState"], json!({ "action": "decline" }));
    assert!(refused["isError"] == true && refused.to_string().contains("said no"), "{refused}");
    let asked = served.call("browser_refresh", json!({}));
    assert_eq!(asked["resultType"], "input_required", "a no is for one call: {asked}");
    let asked = served.call("repl_execute", params["arguments"].clone());
    let done = ask(&asked["requestState"], json!({ "action": "accept", "content": { "confirm": true } }));
    assert_eq!(done["structuredContent"]["result"], 42, "{done}");
    assert_eq!(served.good("repl_execute", params["arguments"].clone())["result"], 42, "a yes is for the page");
    served.good("browser_navigate", json!({ "url": stage.at("second") }));
    until("the page went", || stage.loads_of("/second") > 0);
    browser.kill().expect("it runs");
    browser.wait().expect("it has ended");
}

#[test]
fn a_page_in_the_persons_browser_is_opened_asked_and_sent_elsewhere() {
    let browser = |project: &Project, command: &mut std::process::Command| {
        command.env("BROWSER", own_browser(project));
    };
    let Some(stage) = Stage::set(browser) else { return };
    let served = &stage.served;
    let opened = served.good("browser_open", json!({ "url": stage.url }));
    // On a slow machine the page tells of itself after the tool has answered.
    let mut session = opened["sessionId"].as_str().map(str::to_owned);
    until("the page is heard", || {
        let all = served.good("telemetry_sessions", json!({}));
        let open = all["sessions"].as_array().expect("a list").iter().find(|session| session["open"] == true);
        session = session.take().or_else(|| open.and_then(|open| open["sessionId"].as_str().map(str::to_owned)));
        session.is_some()
    });
    let session = session.expect("was waited for");
    stage.tells(&session, "error", "thrown in the page");
    values_come_back(&stage, &session);
    let (png, told) = stage.picture(json!({ "sessionId": session }));
    assert_eq!((first_pixel(&png).2, &told["approximate"]), (GREEN, &json!(true)));
    let (part, _) = stage.picture(json!({ "sessionId": session, "selector": "#p" }));
    assert_eq!(first_pixel(&part), (120, 40, GREEN));
    let (whole, _) = stage.picture(json!({ "sessionId": session, "fullPage": true }));
    assert!(first_pixel(&whole).1 >= 3000);
    assert!(stage.picture(json!({ "sessionId": session, "format": "jpeg" })).0.starts_with(b"\xff\xd8"));
    assert!(served.bad("browser_screenshot", json!({ "sessionId": session, "selector": "#none" })).contains("#none"));
    let went = served.good("browser_navigate", json!({ "url": stage.at("second"), "sessionId": session }));
    assert!(went["url"].as_str().is_some_and(|url| url.ends_with("/second")), "{went}");
    stage.shows(&session, "/second");
    let before = stage.loads_of("/second");
    // Until it is gone the page answers as well as the one that is loaded in its place.
    stage.run(&session, "window.isOld = true");
    served.good("browser_refresh", json!({ "sessionId": session }));
    until("the page is loaded again", || stage.loads_of("/second") > before);
    until("the new page answers", || {
        let arguments = json!({ "code": "document.readyState == 'complete' && !window.isOld", "sessionId": session });
        served.call("repl_execute", arguments)["structuredContent"]["result"] == true
    });
    let found =
        served.good("repl_execute", json!({ "code": "lib.getDetails('body')", "sessionId": session, "timeout": 60 }));
    assert!(found["result"].is_object(), "{found}");
}
