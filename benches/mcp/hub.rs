//! What the hub adds to a call: the same call to the same instance by HTTP on one connection and through `brummer --mcp`, in turns.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use brummer_benches::{Effort, Report, Row, median};

use crate::peers::built;

/// Calls in each way.
const CALLS: usize = 6000;
/// Calls before those that count.
const FIRST: usize = 200;
const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"about","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}}}}"#;

/// A program that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first, so that it takes its entry out of the registry.
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

fn start(dir: &Path, word: &str) -> Command {
    let mut command = Command::new(built("release/brummer"));
    command.arg(word).current_dir(dir.join("shop")).env("HOME", dir).env("XDG_RUNTIME_DIR", dir.join("run"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The port of the instance, as soon as it has registered.
fn port(dir: &Path) -> u16 {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let files = std::fs::read_dir(dir.join("run/brummer/instances")).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        let port =
            texts.filter_map(|text| text.split("\"port\":").nth(1)?.split(',').next()?.trim().parse().ok()).next();
        if let Some(port) = port {
            return port;
        }
        assert!(Instant::now() < end, "brummer does not register");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A connection to the instance.
struct Direct {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
    body: Vec<u8>,
}

impl Direct {
    fn to(port: u16) -> Direct {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_nodelay(true).expect("a TCP socket");
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: about\r\nContent-Length: \
             {}\r\n\r\n",
            BODY.len()
        );
        Direct {
            stream: BufReader::new(stream),
            request: [head.as_bytes(), BODY.as_bytes()].concat(),
            body: Vec::new(),
        }
    }

    fn call(&mut self) {
        self.stream.get_mut().write_all(&self.request).expect("sent");
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("answered");
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().expect("a number");
                }
                Some(_) => {}
                None if line.starts_with("HTTP/1.1 200") => {}
                None => break,
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).expect("whole");
        assert!(length > 0 && !holds(&self.body, b"\"isError\":true"), "a result");
    }
}

/// The pipes of the hub.
struct Through {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: Vec<u8>,
}

impl Through {
    fn call(&mut self) {
        self.input.write_all(format!("{BODY}\n").as_bytes()).expect("it reads");
        self.line.clear();
        self.output.read_until(b'\n', &mut self.line).expect("answered");
        assert!(holds(&self.line, b"\"result\"") && !holds(&self.line, b"\"isError\":true"), "a result");
    }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1000.0
}

/// Both ways by turns, so that what the machine does besides is in both.
pub fn measure(report: &mut Report, effort: Effort) {
    let dir = tempfile::tempdir().expect("a folder");
    for folder in ["shop", "run"] {
        std::fs::create_dir(dir.path().join(folder)).expect("a folder");
    }
    let settings = "no_mcp = false\nmcp_port = 0\nrunner = \"direct\"\n[processes.tick]\ncommand = \"sleep 1000\"\n";
    std::fs::write(dir.path().join("shop/.brum.toml"), settings).expect("a file");
    let _instance = Running(start(dir.path(), "--no-tui").spawn().expect("it starts"));
    let mut direct = Direct::to(port(dir.path()));
    let mut hub = start(dir.path(), "--mcp").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let (input, output) = (hub.stdin.take().expect("piped"), hub.stdout.take().expect("piped"));
    let mut through = Through { input, output: BufReader::new(output), line: Vec::new() };
    let _hub = Running(hub);
    let (mut alone, mut added) = (Vec::new(), Vec::new());
    for number in 0..FIRST + CALLS / effort.divide {
        let pair = (timed(|| direct.call()), timed(|| through.call()));
        if number >= FIRST {
            alone.push(pair.0);
            added.push(pair.1 - pair.0);
        }
    }
    report.section("The hub");
    report.row(&Row::lower("a call by HTTP, without it", "ms", median(alone)));
    report.row(&Row::lower("what the hub adds to a call", "ms", median(added)).target(0.3));
}
