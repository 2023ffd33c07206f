//! CONNECT: four tunnels from a source of zeros, bytes a second.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use brummer_benches::{Effort, Report, Row, median};

use crate::origin::{Origin, read_head};
use crate::peers::{Job, Peer};

/// Reads from the source, through the proxy if there is one.
fn drain(proxy: Option<u16>, source: u16, time: Duration) -> u64 {
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.unwrap_or(source))).expect("it listens");
    if proxy.is_some() {
        open(&mut stream, source);
    }
    let (start, mut total, mut buffer) = (Instant::now(), 0, vec![0; 256 << 10]);
    while start.elapsed() < time {
        total += stream.read(&mut buffer).expect("the source goes on") as u64;
    }
    total
}

fn open(stream: &mut TcpStream, source: u16) {
    let head = format!("CONNECT 127.0.0.1:{source} HTTP/1.1\r\nHost: 127.0.0.1:{source}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the proxy reads");
    let answer = read_head(stream).expect("the proxy answers");
    assert!(answer.contains(" 200 "), "{answer}");
}

fn megabytes_a_second(proxy: Option<u16>, source: u16, time: Duration) -> f64 {
    let tunnels: Vec<_> = (0..4).map(|_| std::thread::spawn(move || drain(proxy, source, time))).collect();
    let total: u64 = tunnels.into_iter().map(|thread| thread.join().expect("the tunnel works")).sum();
    total as f64 / time.as_secs_f64() / 1e6
}

pub fn run(report: &mut Report, effort: Effort, origin: &Origin) {
    report.section("CONNECT, four tunnels");
    let time = Duration::from_secs_f64(2.0 / effort.divide as f64);
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..effort.rounds {
        for (at, start) in [Peer::brummer, Peer::squid].into_iter().enumerate() {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let peer = start(Job::Forward, 0, dir.path());
            let before = peer.cpu();
            let rate = megabytes_a_second(Some(peer.port), origin.source, time);
            costs[at].push((peer.cpu() - before) / (rate * time.as_secs_f64() / 1e3));
            rates[at].push(rate);
        }
        rates[2].push(megabytes_a_second(None, origin.source, time));
    }
    let beside = median(rates[0].iter().zip(&rates[1]).map(|(own, squid)| own / squid).collect());
    let [own, squid, direct] = rates.map(median);
    report.row(&Row::higher("throughput", "MB/s", own).peer("squid", squid).peer("direct", direct));
    report.row(&Row::higher("throughput beside Squid, same round", "×", beside).target(1.5));
    let [own, squid] = costs.map(median);
    report.row(&Row::lower("CPU for a gigabyte", "s", own).peer("squid", squid));
}
