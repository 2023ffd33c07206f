//! Load by wrk on the second core, and what it says.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::origin::read_head;
use crate::peers::Peer;

/// One run of wrk.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub per_second: f64,
    pub p99_ms: f64,
    pub bytes_per_second: f64,
    /// Of the proxy, for 100,000 requests.
    pub cpu_per_100k: f64,
}

/// What is asked for, over so many connections that are kept.
pub struct Load {
    pub path: &'static str,
    /// Bytes of the answer's body, at least.
    pub body: usize,
    pub connections: usize,
    pub headers: &'static [&'static str],
}

/// The body of one answer, read to the end of its connection.
pub fn fetch(peer: &Peer, load: &Load) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", peer.port)).expect("the proxy listens");
    let fields: String = load.headers.iter().flat_map(|field| [field, "\r\n"]).collect();
    let head = format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}Connection: close\r\n\r\n", load.path);
    stream.write_all(head.as_bytes()).expect("the proxy reads");
    let answer = read_head(&mut stream).expect("the proxy answers");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{} answers {} with {answer}", peer.name, load.path);
    let mut body = Vec::new();
    stream.read_to_end(&mut body).expect("the body comes");
    body
}

/// Runs wrk; whatever was not answered well is a panic.
pub fn wrk(peer: &Peer, load: &Load, seconds: f64) -> Run {
    let Load { path, body, connections, headers } = *load;
    let before = peer.cpu();
    let mut command = Command::new("taskset");
    command.args(["-c", "1", "wrk", "-t1", "--timeout", "30s", "--latency", &format!("-c{connections}")]);
    command.arg(format!("-d{}s", seconds.ceil()));
    for header in headers {
        command.args(["-H", header]);
    }
    let output = command.arg(format!("http://127.0.0.1:{}{path}", peer.port)).output();
    let output = output.expect("wrk is installed: benches/proxy.sh installs it");
    let cpu = peer.cpu() - before;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = Said::read(&text).unwrap_or_else(|| panic!("{}: wrk says\n{text}", peer.name));
    assert!(!report.has_errors, "{} does not answer {path} with 200 each time:\n{text}", peer.name);
    let each = report.bytes / report.requests;
    // wrk rounds to a hundredth of a gigabyte.
    assert!(each > body as f64 * 0.98, "{} answers {path} with {each} bytes, head and body:\n{text}", peer.name);
    Run {
        per_second: report.requests / report.seconds,
        p99_ms: report.p99_ms,
        bytes_per_second: report.bytes / report.seconds,
        cpu_per_100k: cpu / report.requests * 1e5,
    }
}

/// What wrk prints at its end.
struct Said {
    requests: f64,
    seconds: f64,
    bytes: f64,
    p99_ms: f64,
    /// Answers with another status than 2xx or 3xx, or connections that broke.
    has_errors: bool,
}

impl Said {
    fn read(text: &str) -> Option<Said> {
        // "  480192 requests in 5.00s, 201.50MB read"
        let sum = text.lines().find(|line| line.contains(" requests in "))?;
        let words: Vec<&str> = sum.split_whitespace().collect();
        let [requests, "requests", "in", time, bytes, "read"] = words[..] else { return None };
        // "     99%    1.02ms": the deviation of all times stands in a line of another kind, and may be 99% as well.
        let p99 = text.lines().find_map(|line| line.trim().strip_prefix("99%"))?;
        Some(Said {
            requests: requests.parse().ok().filter(|requests| *requests > 0.0)?,
            seconds: milliseconds(time.trim_end_matches(','))? / 1e3,
            bytes: scaled(bytes, &[("KB", 1024.0), ("MB", 1048576.0), ("GB", 1073741824.0), ("B", 1.0)])?,
            p99_ms: milliseconds(p99.trim())?,
            has_errors: text.contains("Non-2xx") || text.contains("Socket errors"),
        })
    }
}

fn milliseconds(text: &str) -> Option<f64> {
    scaled(text, &[("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)])
}

fn scaled(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}
