//! What connections cost over which nothing happens: idle ones, ones with half a head or half a body, and ones that listen.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use brummer_benches::{Effort, Report, Row, median, rss_bytes, threads};

use crate::load::WIRES;
use crate::peers::{Peer, brummer};

/// Connections that do nothing: of each of the four kinds as many.
const OTHERS: usize = 256;
/// Calls before anything is measured, and calls beside the others.
const CALLS: usize = 1000;
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}"#;
const LISTEN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// One round.
struct Figures {
    rss_mib: f64,
    threads: f64,
    slowest_ms: f64,
    half_ms: f64,
}

/// Measures in so many rounds, each with a server of its own.
pub fn measure(report: &mut Report, effort: Effort) {
    report.section("256 connections over which nothing happens");
    let rounds: Vec<Figures> = (0..effort.rounds).map(|_| round()).collect();
    let of = |figure: fn(&Figures) -> f64| median(rounds.iter().map(figure).collect());
    report.row(&Row::lower("memory that they take", "MiB", of(|one| one.rss_mib)).target(1.0));
    report.row(&Row::lower("threads that they take", "threads", of(|one| one.threads)).target(0.0));
    report.row(&Row::lower("slowest of 1,000 calls beside them", "ms", of(|one| one.slowest_ms)).target(20.0));
    report.row(&Row::lower("half of the calls within", "ms", of(|one| one.half_ms)));
}

fn round() -> Figures {
    let peer = brummer(&WIRES[0]);
    let mut client = connect(&peer);
    for _ in 0..CALLS {
        call(&mut client, &peer);
    }
    let (rss, threads_before) = (rss_bytes(peer.pid()), threads(peer.pid()));
    let others: Vec<BufReader<TcpStream>> = (0..OTHERS).map(|number| other(&peer, number % 4)).collect();
    let mut times: Vec<f64> = (0..CALLS)
        .map(|_| {
            let begun = Instant::now();
            call(&mut client, &peer);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let figures = Figures {
        rss_mib: rss_bytes(peer.pid()).saturating_sub(rss) as f64 / f64::from(1 << 20),
        threads: threads(peer.pid()).saturating_sub(threads_before) as f64,
        slowest_ms: times.iter().copied().fold(0.0, f64::max),
        half_ms: {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        },
    };
    drop(others);
    figures
}

fn connect(peer: &Peer) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", peer.port)).expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    BufReader::new(stream)
}

/// A connection that does nothing from now on.
fn other(peer: &Peer, kind: usize) -> BufReader<TcpStream> {
    let mut connection = connect(peer);
    let text = match kind {
        0 => String::new(),
        1 => "POST /mcp HTTP/1.1\r\nHos".to_owned(),
        2 => {
            let fields = "Content-Type: application/json\r\nContent-Length: 100\r\n";
            format!("POST /mcp HTTP/1.1\r\nHost: localhost:{}\r\n{fields}\r\n{{\"jsonrpc\"", peer.port)
        }
        _ => {
            let version = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n";
            post(peer, version, LISTEN)
        }
    };
    connection.get_mut().write_all(text.as_bytes()).expect("it reads");
    if kind == 3 {
        let acknowledged = connection.by_ref().lines().map_while(Result::ok).any(|line| line.contains("acknowledged"));
        assert!(acknowledged, "the subscription begins");
    }
    connection
}

fn post(peer: &Peer, fields: &str, body: &str) -> String {
    let accept = "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n";
    let length = body.len();
    let host = format!("Host: localhost:{}\r\n", peer.port);
    format!("POST /mcp HTTP/1.1\r\n{host}{accept}{fields}Content-Length: {length}\r\n\r\n{body}")
}

fn call(client: &mut BufReader<TcpStream>, peer: &Peer) {
    client.get_mut().write_all(post(peer, "", CALL).as_bytes()).expect("it reads");
    let (mut bytes, mut line) = (0, String::new());
    loop {
        line.clear();
        client.read_line(&mut line).expect("an answer");
        let lower = line.to_ascii_lowercase();
        if let Some(length) = lower.strip_prefix("content-length:") {
            bytes = length.trim().parse().expect("a number");
        }
        if line.trim_end().is_empty() {
            break;
        }
    }
    let mut body = vec![0; bytes];
    client.read_exact(&mut body).expect("the whole answer");
    assert!(body.windows(5).any(|part| part == b"hello"), "it answers");
}
