//! Nine hundred connections that were used once and then wait: memory and descriptors of each.

use std::io::{Read, Write};
use std::net::TcpStream;

use brummer_benches::{Effort, Report, Row};

use crate::origin::{Origin, read_head};
use crate::peers::{Job, Peer};
use crate::small::PEERS;

/// Fewer than anybody closes idle ones for.
const CONNECTIONS: usize = 900;
/// Connections and requests before: what is made once, and is bounded (Brummer's list of the last 1,000 requests), is not counted.
const FIRST: (usize, usize) = (100, 20);

fn used_once(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the proxy listens");
    ask(&mut stream, port);
    stream
}

fn ask(stream: &mut TcpStream, port: u16) {
    let head = format!("GET /small HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the proxy reads");
    let answer = read_head(stream).expect("the proxy answers");
    assert!(answer.contains(" 200 "), "{answer}");
    stream.read_exact(&mut [0; 200]).expect("the body comes");
}

pub fn run(report: &mut Report, _: Effort, origin: &Origin) {
    report.section(&format!("{CONNECTIONS} connections that wait after one request"));
    let mut memory = Vec::new();
    let mut descriptors = Vec::new();
    for start in std::iter::once(&(Peer::brummer as fn(Job, u16, &std::path::Path) -> Peer)).chain(PEERS) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let peer = start(Job::Reverse, origin.port, dir.path());
        let mut first: Vec<TcpStream> = (0..FIRST.0).map(|_| used_once(peer.port)).collect();
        for _ in 0..FIRST.1 {
            first.iter_mut().for_each(|stream| ask(stream, peer.port));
        }
        let before = (peer.rss(), peer.descriptors());
        let mut all: Vec<TcpStream> = (0..CONNECTIONS).map(|_| used_once(peer.port)).collect();
        memory.push((peer.name, peer.rss().saturating_sub(before.0) as f64 / 1024.0 / CONNECTIONS as f64));
        let more = peer.descriptors().saturating_sub(before.1);
        descriptors.push((peer.name, more as f64 / CONNECTIONS as f64));
        // All of them are still there.
        first.iter_mut().chain(&mut all).for_each(|stream| ask(stream, peer.port));
    }
    let row = |row: Row, figures: &[(&'static str, f64)]| {
        figures[1..].iter().fold(row, |row, (name, value)| row.peer(name, *value))
    };
    report.row(&row(Row::lower("resident memory of each", "KiB", memory[0].1).target(2.0), &memory));
    report.row(&row(Row::lower("descriptors of each", "", descriptors[0].1).target(1.05), &descriptors));
}
