//! Load by wrk: 32 connections that call one tool, in each wire that a client may speak.

use std::io::Write as _;
use std::process::Command;

use brummer_benches::rss_bytes;

use crate::peers::Peer;

/// A way in which a tool is called and answered.
pub struct Wire {
    pub name: &'static str,
    pub fields: &'static [(&'static str, &'static str)],
    pub body: &'static str,
    /// The answer is a stream of events.
    pub events: bool,
}

const LEGACY: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}"#;
const MODERN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"wrk","version":"1"}}}}"#;
const BOTH: (&str, &str) = ("Accept", "application/json, text/event-stream");

pub const WIRES: &[Wire] = &[
    Wire { name: "legacy, JSON", fields: &[BOTH, ("MCP-Protocol-Version", "2025-11-25")], body: LEGACY, events: false },
    Wire {
        name: "modern, JSON",
        fields: &[BOTH, ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo")],
        body: MODERN,
        events: false,
    },
    Wire { name: "legacy, events", fields: &[("MCP-Protocol-Version", "2025-11-25")], body: LEGACY, events: true },
];

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub rss_mib: f64,
}

fn script(peer: &Peer, wire: &Wire) -> String {
    // Brummer answers with events only those who take nothing else; the others need to see both.
    let accept = if peer.name == "brummer" { "text/event-stream" } else { BOTH.1 };
    let mut text = format!("wrk.method = 'POST'\nwrk.body = [[{}]]\n", wire.body);
    let events = wire.events.then_some(("Accept", accept));
    for (name, value) in wire.fields.iter().copied().chain(events).chain([("Content-Type", "application/json")]) {
        text += &format!("wrk.headers['{name}'] = '{value}'\n");
    }
    // Each answer must be one: a fast error is no answer.
    text += "response = function(status, headers, body)\n  if not body:find('hello', 1, true) then print('WRONG ' .. status .. body) end\nend\n";
    text
}

/// Runs wrk against one peer for so many seconds, after a second that does not count.
pub fn wrk(peer: &Peer, wire: &Wire, seconds: u64) -> Run {
    let mut file = tempfile::NamedTempFile::with_suffix(".lua").expect("a temporary file");
    file.write_all(script(peer, wire).as_bytes()).expect("can be written");
    let run = |seconds: u64| {
        let mut command = Command::new("wrk");
        command.args(["-t1", "-c32", "--latency", &format!("-d{seconds}s"), "-s"]).arg(file.path());
        let output = command.arg(format!("http://127.0.0.1:{}/mcp", peer.port)).output();
        let output = output.expect("wrk is installed: benches/mcp.sh installs it");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(1);
    let text = run(seconds.max(1));
    let is_right = !text.contains("WRONG") && !text.contains("Non-2xx");
    assert!(is_right, "{} on {}: {}", peer.name, wire.name, text.lines().take(3).collect::<Vec<_>>().join("\n"));
    // Only behind this heading: a share of the requests may read 99% too.
    let table = text.split("Latency Distribution").nth(1).unwrap_or_default();
    let after = |word: &str| {
        let rest = table.split(word).nth(1).unwrap_or_else(|| panic!("{}: {text}", peer.name));
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    };
    Run {
        per_second: after("Requests/sec:").parse().unwrap_or(0.0),
        p50_ms: milliseconds(&after("50%")),
        p99_ms: milliseconds(&after("99%")),
        rss_mib: rss_bytes(peer.pid()) as f64 / f64::from(1 << 20),
    }
}

fn milliseconds(text: &str) -> f64 {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)];
    let found = units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    found.unwrap_or_else(|| panic!("`{text}` is no time"))
}
