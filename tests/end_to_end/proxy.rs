//! The proxy as its users meet it: `brummer proxy`, and the address that a server gets when its process announces it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::harness::{Project, Run, Signal, until};

const LIMIT: Duration = Duration::from_secs(60);

/// A server that answers every request with the same page, until the test ends.
fn server() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("is bound").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let page = "<!doctype html><html><head><title>shop</title></head><body>welcome</body></html>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
            // A client that went away has its reasons.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// What is answered to a GET of a page; `None` if nobody listens.
fn get(port: u16, host: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(LIMIT)).expect("is a socket");
    let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // A reset after the answer is an end as well.
    let _ = stream.read_to_end(&mut answer);
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// The port that stands behind these words in what was printed.
pub(crate) fn port_behind(run: &mut Run, words: &str) -> u16 {
    run.wait_for(words);
    let mut port = None;
    until("a port", || {
        let text = run.stdout();
        let rest = text.split(words).nth(1).unwrap_or_default();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        port = digits.parse().ok().filter(|_| rest.len() > digits.len());
        port.is_some()
    });
    port.expect("was waited for")
}

#[test]
fn the_proxy_alone_stands_in_front_of_a_server() {
    let project = Project::new();
    let upstream = format!("http://127.0.0.1:{}", server());
    let mut run = project.brummer(&["proxy", "--upstream", &upstream, "--no-tui"]);
    let port = port_behind(&mut run, "is also http://localhost:");
    let answer = get(port, &format!("localhost:{port}")).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("welcome"), "{answer}");
    assert!(answer.contains("<head><script src=\"/__brummer/"), "{answer}");
    let refused = get(port, "evil.test").expect("an answer");
    assert!(refused.starts_with("HTTP/1.1 421"), "{refused}");
    run.signal(Signal::TERM);
    assert_eq!(run.finish().code(), 143);
    let after = get(port, &format!("localhost:{port}"));
    assert!(after.as_ref().is_none_or(|after| !is_of_same(after, &answer)), "the port is closed: {after:?}");
}

/// Whether the proxy that put its script into one page put it into the other: once one has ended, another test's proxy may
/// have its port, and what it puts into pages has a name of its own.
fn is_of_same(page: &str, other: &str) -> bool {
    let script = |page: &str| Some(page.split("/__brummer/").nth(1)?.split('/').next()?.to_owned());
    script(page) == Some(script(other).expect("a name"))
}

#[test]
fn the_proxy_alone_serves_no_ai_tool_unless_that_is_wished_for() {
    for (more, expected) in [(&[][..], 0), (&["--mcp"], 1), (&["--mcp", "--no-mcp"], 0)] {
        let project = Project::configured("no_mcp = false\nmcp_port = 0\n");
        let upstream = format!("http://127.0.0.1:{}", server());
        let mut run = project.brummer(&[&["proxy", "--upstream", &upstream, "--no-tui"], more].concat());
        port_behind(&mut run, "is also http://localhost:");
        // The server begins before the proxy says where it is.
        let entries = || {
            let files = std::fs::read_dir(project.runtime().join("brummer/instances")).into_iter().flatten().flatten();
            files.filter(|file| file.path().extension().is_some_and(|ending| ending == "json")).count()
        };
        until(&format!("{expected} with {more:?}"), || entries() == expected);
        run.signal(Signal::TERM);
        run.finish();
    }
}

#[test]
fn pages_stay_as_they_are_without_telemetry() {
    let project = Project::new();
    let upstream = format!("http://127.0.0.1:{}", server());
    let mut run = project.brummer(&["proxy", "--upstream", &upstream, "--no-telemetry", "--no-tui"]);
    let port = port_behind(&mut run, "is also http://localhost:");
    let answer = get(port, &format!("localhost:{port}")).expect("an answer");
    assert!(answer.contains("welcome") && !answer.contains("__brummer"), "{answer}");
    run.signal(Signal::INT);
    assert_eq!(run.finish().code(), 130);
}

#[test]
fn a_forward_proxy_serves_a_pac_file_and_whole_urls() {
    let project = Project::new();
    let mut run = project.brummer(&["proxy", "--forward", "--no-tui"]);
    let port = port_behind(&mut run, "the proxy is at http://127.0.0.1:");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(LIMIT)).expect("is a socket");
    let upstream = server();
    let head =
        format!("GET http://127.0.0.1:{upstream}/ HTTP/1.1\r\nHost: 127.0.0.1:{upstream}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("welcome"), "{answer}");
    run.signal(Signal::TERM);
    assert_eq!(run.finish().code(), 143);
}

#[test]
fn a_server_that_a_process_announces_gets_an_address_that_goes_with_it() {
    let upstream = server();
    let text = format!(
        "[processes.web]\ncommand = \"echo listening on http://127.0.0.1:{upstream}; while ! [ -e stop ]; do sleep 0.05; done\"\n\
         [processes.two]\ncommand = \"sleep 600\"\n"
    );
    let project = Project::configured(&text);
    let mut run = project.brummer(&["--no-tui", "web", "two"]);
    let port = port_behind(&mut run, "is also http://localhost:");
    let answer = get(port, &format!("localhost:{port}")).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("welcome"), "{answer}");
    project.write("stop", "");
    run.wait_for("web ● exited with code 0");
    until("the address is gone", || {
        get(port, &format!("localhost:{port}")).is_none_or(|after| !is_of_same(&after, &answer))
    });
    run.signal(Signal::TERM);
    run.finish();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = taken.local_addr().expect("is bound").port().to_string();
    let project = Project::new();
    let upstream = format!("http://127.0.0.1:{}", server());
    let run = project.brummer(&["proxy", "--upstream", &upstream, "--port", &port, "--no-tui"]).finish();
    assert_eq!(run.code(), 1);
    assert!(run.stderr.contains(&port), "{}", run.stderr);
}
