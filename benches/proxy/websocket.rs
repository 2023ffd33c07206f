//! A frame of 100 bytes there and back through each proxy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use brummer_benches::{Effort, Report, Row, median, percentile};

use crate::origin::{FRAME_DOWN, FRAME_UP, KEY, Origin, read_head};
use crate::peers::{Job, Peer};
use crate::small::PEERS;

/// Microseconds of many round trips, sorted.
fn round_trips(port: u16, count: usize) -> Vec<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the proxy listens");
    stream.set_nodelay(true).expect("is a socket");
    let head = format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the proxy reads");
    let answer = read_head(&mut stream).expect("the proxy answers");
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let mut up = [b'x'; FRAME_UP];
    up[..6].copy_from_slice(&[0x81, 0x80 | 100, 0, 0, 0, 0]);
    let mut down = [0; FRAME_DOWN];
    let mut trip = || {
        let start = Instant::now();
        stream.write_all(&up).expect("the proxy reads");
        stream.read_exact(&mut down).expect("the echo answers");
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    };
    for _ in 0..count / 10 {
        trip();
    }
    let mut all: Vec<u64> = (0..count).map(|_| trip()).collect();
    all.sort_unstable();
    all
}

pub fn run(report: &mut Report, effort: Effort, origin: &Origin) {
    report.section("a WebSocket frame of 100 bytes, there and back");
    let count = effort.size(20_000);
    let measure = |port: u16| percentile(&round_trips(port, count), 50.0) as f64 / 1e3;
    let start_all = std::iter::once(&(Peer::brummer as fn(Job, u16, &std::path::Path) -> Peer)).chain(PEERS);
    let mut figures = Vec::new();
    for start in start_all {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let peer = start(Job::WebSocket, origin.echo, dir.path());
        figures.push((peer.name, median((0..effort.rounds).map(|_| measure(peer.port)).collect())));
    }
    let mut row = Row::lower("round trip, median", "µs", figures[0].1).target(30.0);
    for (name, value) in &figures[1..] {
        row = row.peer(name, *value);
    }
    report.row(&row.peer("direct", measure(origin.echo)));
}
