//! A thousand connections that were used once and then wait: memory and descriptors of each.

use std::io::{Read, Write};
use std::net::TcpStream;

use brummer_benches::{Effort, Report, Row};

use crate::origin::{Origin, read_head};
use crate::peers::{Job, Peer};
use crate::small::PEERS;

const CONNECTIONS: usize = 1000;

fn used_once(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the proxy listens");
    let head = format!("GET /small HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the proxy reads");
    let answer = read_head(&mut stream).expect("the proxy answers");
    assert!(answer.contains(" 200 "), "{answer}");
    stream.read_exact(&mut [0; 200]).expect("the body comes");
    stream
}

pub fn run(report: &mut Report, _: Effort, origin: &Origin) {
    report.section(&format!("{CONNECTIONS} connections that wait after one request"));
    let mut memory = Vec::new();
    let mut descriptors = Vec::new();
    for start in std::iter::once(&(Peer::brummer as fn(Job, u16, &std::path::Path) -> Peer)).chain(PEERS) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let peer = start(Job::Reverse, origin.port, dir.path());
        // What is made once, by the first hundred, is not counted.
        let first: Vec<TcpStream> = (0..100).map(|_| used_once(peer.port)).collect();
        let before = (peer.rss(), peer.descriptors());
        let all: Vec<TcpStream> = (0..CONNECTIONS).map(|_| used_once(peer.port)).collect();
        memory.push((peer.name, peer.rss().saturating_sub(before.0) as f64 / 1024.0 / CONNECTIONS as f64));
        let more = peer.descriptors().saturating_sub(before.1);
        descriptors.push((peer.name, more as f64 / CONNECTIONS as f64));
        drop((first, all));
    }
    let row = |row: Row, figures: &[(&'static str, f64)]| {
        figures[1..].iter().fold(row, |row, (name, value)| row.peer(name, *value))
    };
    report.row(&row(Row::lower("resident memory of each", "KiB", memory[0].1).target(2.0), &memory));
    report.row(&row(Row::lower("descriptors of each", "", descriptors[0].1).target(1.05), &descriptors));
}
