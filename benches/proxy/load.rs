//! Load by wrk on the second core, and what it says.

use std::process::Command;

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

/// Runs wrk with so many connections on one path.
pub fn wrk(peer: &Peer, path: &str, connections: usize, seconds: f64, headers: &[&str]) -> Run {
    let before = peer.cpu();
    let mut command = Command::new("taskset");
    command.args(["-c", "1", "wrk", "-t1", "--latency", &format!("-c{connections}")]);
    command.arg(format!("-d{}s", seconds.ceil()));
    for header in headers {
        command.args(["-H", header]);
    }
    let output = command.arg(format!("http://127.0.0.1:{}{path}", peer.port)).output();
    let text =
        String::from_utf8_lossy(&output.expect("wrk is installed: benches/proxy.sh installs it").stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{} does not answer {path} with 200:\n{text}", peer.name);
    let after = |word: &str| text.split(word).nth(1).unwrap_or_else(|| panic!("{}: {text}", peer.name)).trim_start();
    let first = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    let requests: f64 = text
        .lines()
        .find(|line| line.contains(" requests in "))
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| panic!("{}: {text}", peer.name));
    Run {
        per_second: first(after("Requests/sec:")).parse().unwrap_or(0.0),
        p99_ms: milliseconds(&first(after("99%"))),
        bytes_per_second: bytes(&first(after("Transfer/sec:"))),
        cpu_per_100k: (peer.cpu() - before) / requests * 1e5,
    }
}

fn milliseconds(text: &str) -> f64 {
    scaled(text, &[("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)])
}

fn bytes(text: &str) -> f64 {
    scaled(text, &[("KB", 1024.0), ("MB", 1048576.0), ("GB", 1073741824.0), ("B", 1.0)])
}

fn scaled(text: &str, units: &[(&str, f64)]) -> f64 {
    let found = units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    found.unwrap_or_else(|| panic!("`{text}` is no number with a unit"))
}
