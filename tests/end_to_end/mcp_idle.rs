//! Connections to the server for AI tools over which nothing happens: they cost no thread, hardly any memory, and delay nobody.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::harness::{Served, usage};

const SETTINGS: &str = "no_mcp = false\nmcp_port = 0\nrunner = \"direct\"\n";

/// Generous: a build that is not optimized, beside many other tests. A buffer for each connection would be four times as much.
const MEMORY_KIB_MAX: u64 = 8192;

/// The pool's threads come and go with the work, on a large machine 32 of them; a thread for each connection of one kind would
/// be 64.
const THREADS_MAX: usize = 40;

fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// A connection that does nothing from now on.
fn other(served: &Served, kind: usize) -> BufReader<TcpStream> {
    let listen = json!({ "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
        "notifications": { "resourceSubscriptions": ["logs://recent"] },
        "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {} } } })
    .to_string();
    let head = format!("POST /mcp HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n", served.port);
    let text = match kind {
        0 => String::new(),
        1 => "POST /mcp HTTP/1.1\r\nHos".to_owned(),
        2 => format!("{head}Content-Length: 100\r\n\r\n{{\"jsonrpc\""),
        _ => format!(
            "{head}Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: \
             subscriptions/listen\r\nContent-Length: {}\r\n\r\n{listen}",
            listen.len()
        ),
    };
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    stream.write_all(text.as_bytes()).expect("sent");
    let mut reader = BufReader::new(stream);
    if kind == 3 {
        let mut lines = reader.by_ref().lines().map(|line| line.expect("text"));
        assert!(lines.any(|line| line.contains("acknowledged")), "the subscription begins");
    }
    reader
}

#[test]
fn idle_half_sent_and_listening_connections_take_no_thread_and_delay_nobody() {
    let served = Served::with(SETTINGS);
    let pid = u32::try_from(served.entry()["process_info"]["pid"].as_u64().expect("a number")).expect("a pid");
    let quickest = || {
        let once = |_| {
            let begun = Instant::now();
            served.good("scripts_list", json!({}));
            begun.elapsed()
        };
        (0..50).map(once).min().expect("calls")
    };
    quickest();
    let (threads_before, memory_before) = (threads(pid), usage::memory_kib(pid, "VmRSS"));
    let others: Vec<_> = (0..256).map(|number| other(&served, number % 4)).collect();
    let time = quickest();
    // How quick it is, the harness measures; here it is enough that nobody waits for them.
    assert!(time < Duration::from_secs(10), "{time:?}");
    assert!(threads(pid) <= threads_before + THREADS_MAX, "{} threads, {threads_before} before", threads(pid));
    let grown = usage::memory_kib(pid, "VmRSS").saturating_sub(memory_before);
    assert!(grown < MEMORY_KIB_MAX, "{grown} KiB more");
    drop(others);
}
