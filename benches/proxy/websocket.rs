//! A frame of 100 bytes there and back through each proxy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use brummer_benches::{Effort, Report, Row, median, percentile};

use crate::origin::{FRAME_DOWN, FRAME_UP, KEY, Origin, read_head};
use crate::peers::{Job, Peer, stay_on_core};
use crate::small::{PEERS, Start, with_peers};

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

/// The medians of each proxy in each round, then those without one; clients and server stay on `core`, the proxies on the first.
fn rounds(effort: Effort, origin: &Origin, core: usize) -> Vec<(&'static str, Vec<f64>)> {
    stay_on_core(core);
    let count = effort.size(10_000);
    let measure = |port: u16| percentile(&round_trips(port, count), 50.0) as f64 / 1e3;
    let starts: Vec<Start> = std::iter::once(Peer::brummer as Start).chain(PEERS.iter().copied()).collect();
    let mut all: Vec<(&'static str, Vec<f64>)> = Vec::new();
    let mut put = |at: usize, name: &'static str, figure: f64| {
        if all.len() == at {
            all.push((name, Vec::new()));
        }
        all[at].1.push(figure);
    };
    for _ in 0..effort.rounds {
        for (at, start) in starts.iter().enumerate() {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let peer = start(Job::WebSocket, origin.echo, dir.path());
            put(at, peer.name, measure(peer.port));
        }
        put(starts.len(), "direct", measure(origin.echo));
    }
    stay_on_core(1);
    all
}

pub fn run(report: &mut Report, effort: Effort, origin: &Origin) {
    report.section("a WebSocket frame of 100 bytes, there and back");
    for (core, question) in [(0, "round trip, all on one core"), (1, "round trip, client and server on the other core")]
    {
        let all = rounds(effort, origin, core);
        let figures: Vec<(&'static str, f64)> =
            all.iter().map(|(name, trips)| (*name, median(trips.clone()))).collect();
        let row = with_peers(Row::lower(question, "µs", figures[0].1), &figures);
        report.row(&if core == 0 { row.target(30.0) } else { row });
        let beside = median(all[0].1.iter().zip(&all[1].1).map(|(own, nginx)| own / nginx).collect());
        report.row(&Row::lower("beside nginx, same round", "×", beside));
    }
}
