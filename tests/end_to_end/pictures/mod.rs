//! Pictures of the real screens for the README and the guide, made from the sample project in a real terminal.
//!
//! `docs/pictures/make` writes them anew; without it each is made and looked at, and the one in `docs/pictures` has to be there.

mod svg;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::{Door, Project, Screen, is_installed};

const COLUMNS: u16 = 110;
const ROWS: u16 = 30;
const BYTES_MAX: usize = 60_000;

/// A picture: its name, the keys that lead to it from the one before, and what is then on the screen. A key that begins with
/// [`CLOSES`] is an Escape that closes what shows the rest of it; one with [`SHOWN`] is none, but waits for the rest.
const SHOTS: [(&str, &[&str], &str); 11] = [
    ("scripts", &["1", "Down"], "▐1 Scripts▌"),
    ("processes", &["2", "Down"], "▐2 Processes▌"),
    ("logs", &["3"], "▐3 Logs▌"),
    ("find", &["C-f", "job"], "find: job"),
    ("errors", &["closes: find: ", "4"], "▸42"),
    ("urls", &["5"], "▐5 URLs▌"),
    ("web", &["6", "shown: POST", "Enter"], "Esc back"),
    ("mcp", &["closes: Esc back", "7", "shown: scripts_run", "Down", "Enter"], "▸Arguments"),
    ("settings", &["closes: Esc back", "8", "Down"], "▐8 Settings▌"),
    ("commands", &["3", "/", "re"], "/restart"),
    ("terminal", &["closes: /restart", "/", "term web", "Enter"], "all keys go to the process"),
];
const CLOSES: &str = "closes: ";
const SHOWN: &str = "shown: ";

fn file(name: &str, theme: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures").join(format!("{name}-{theme}.svg"))
}

#[test]
fn every_view_has_a_picture_in_light_and_dark() {
    if !is_installed("tmux") {
        return;
    }
    let writes = std::env::var_os("UPDATE_PICTURES").is_some();
    // Whoever only looks whether pictures can be made needs one theme.
    let themes: &[&str] = if writes { &["dark", "light"] } else { &["dark"] };
    for theme in themes {
        let project = Project::new();
        // Others that look at the same time have ports of their own.
        let port = if writes { 7777 } else { 0 };
        project.write("../home/.brum.toml", format!("mcp_port = {port}\n[ui]\ntheme = '{theme}'\n"));
        let screen = Screen::open(&project, COLUMNS, ROWS);
        screen.shell("mkdir -p ~/code; export COLORTERM=truecolor TMPDIR=$HOME/code; echo set");
        screen.brummer("demo");
        screen.wait_for("TypeError");
        visit(&screen);
        call(&project);
        for (name, keys, sign) in SHOTS {
            keys.iter().for_each(|key| press(&screen, key));
            screen.wait_for(sign);
            let picture = svg::draw(&settled(&screen), COLUMNS, ROWS, *theme == "light");
            assert!(picture.len() < BYTES_MAX, "{name} has {} bytes", picture.len());
            assert!(picture.contains(">brummer<") || name == "terminal", "{name}: {picture}");
            if writes {
                std::fs::write(file(name, theme), picture).expect("docs/pictures can be written");
            }
            assert!(file(name, theme).exists(), "there is no picture of {name}: run docs/pictures/make");
        }
        screen.leave_process();
        screen.quit(&project);
    }
}

/// A key by its name, text that is typed, or a wait.
fn press(screen: &Screen, key: &str) {
    match key {
        "Enter" | "Down" | "C-f" => screen.press(&[key]),
        text => match (text.strip_prefix(CLOSES), text.strip_prefix(SHOWN)) {
            (Some(shown), _) => screen.close(shown),
            (_, Some(shown)) => screen.wait_for(shown),
            _ => screen.type_text(text),
        },
    }
}

/// The screen once it has been the same twice.
fn settled(screen: &Screen) -> String {
    let mut last = screen.coloured();
    for _ in 0..10 {
        let now = screen.coloured();
        if now == last {
            break;
        }
        last = now;
    }
    last
}

/// Sends a few requests through the proxy, so that there is something in the Web view.
fn visit(screen: &Screen) {
    screen.press(&["5"]);
    screen.wait_until("both servers have addresses", |text| text.matches("http://localhost:2").count() >= 2);
    let text = screen.text();
    let port = |name: &str| -> u16 {
        let row = text.lines().find(|line| line.contains(name) && line.contains("http://localhost:2"));
        let port = row.and_then(|row| row.split("http://localhost:").nth(1)?.get(..5)?.trim().parse().ok());
        port.unwrap_or_else(|| panic!("{name} has no address:\n{text}"))
    };
    let (web, api) = (port(" web "), port(" api "));
    for (port, method, path) in [
        (web, "GET", "/"),
        (web, "GET", "/style.css"),
        (web, "GET", "/app.js"),
        (api, "GET", "/users"),
        (api, "GET", "/orders"),
        (web, "GET", "/logo.png"),
        (api, "POST", "/checkout"),
    ] {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the proxy listens");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 "), "{}", String::from_utf8_lossy(&answer));
    }
}

/// Calls for a few tools, so that there is something in the MCP view.
fn call(project: &Project) {
    let mut door = Door::of(project);
    for (client, tool, given) in [
        (("claude-code", "2.1.14"), "scripts_list", json!({})),
        (("claude-code", "2.1.14"), "scripts_run", json!({ "name": "web" })),
        (("claude-code", "2.1.14"), "errors_list", json!({ "limit": 5 })),
        (("cursor", "3.2.0"), "proxy_requests", json!({ "filter": "~m POST & /checkout" })),
        (("claude-code", "2.1.14"), "logs_search", json!({ "query": "job", "processId": "worker", "limit": 5 })),
        (("cursor", "3.2.0"), "proxy_requests", json!({ "filter": "~z" })),
    ] {
        door.client = client;
        door.call(tool, given);
    }
}
