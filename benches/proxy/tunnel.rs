//! CONNECT: four tunnels from a source of zeros, bytes a second.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use brummer_benches::{Effort, Report, Row, median};

use crate::origin::{Origin, read_head};
use crate::peers::{Job, Peer};

fn drain(proxy: u16, source: u16, time: Duration) -> u64 {
    let mut stream = TcpStream::connect(("127.0.0.1", proxy)).expect("the proxy listens");
    let head = format!("CONNECT 127.0.0.1:{source} HTTP/1.1\r\nHost: 127.0.0.1:{source}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the proxy reads");
    let answer = read_head(&mut stream).expect("the proxy answers");
    assert!(answer.contains(" 200 "), "{answer}");
    let (start, mut total, mut buffer) = (Instant::now(), 0, vec![0; 256 << 10]);
    while start.elapsed() < time {
        total += stream.read(&mut buffer).expect("the source goes on") as u64;
    }
    total
}

fn megabytes_a_second(proxy: u16, source: u16, time: Duration) -> f64 {
    let tunnels: Vec<_> = (0..4).map(|_| std::thread::spawn(move || drain(proxy, source, time))).collect();
    let total: u64 = tunnels.into_iter().map(|thread| thread.join().expect("the tunnel works")).sum();
    total as f64 / time.as_secs_f64() / 1e6
}

pub fn run(report: &mut Report, effort: Effort, origin: &Origin) {
    report.section("CONNECT, four tunnels");
    let time = Duration::from_secs_f64(2.0 / effort.divide as f64);
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..effort.rounds {
        for (at, start) in [Peer::brummer, Peer::squid].into_iter().enumerate() {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let peer = start(Job::Forward, 0, dir.path());
            rates[at].push(megabytes_a_second(peer.port, origin.source, time));
        }
    }
    let beside = median(rates[0].iter().zip(&rates[1]).map(|(own, squid)| own / squid).collect());
    let [own, squid] = rates.map(median);
    report.row(&Row::higher("throughput", "MB/s", own).peer("squid", squid));
    report.row(&Row::higher("throughput beside Squid, same round", "×", beside).target(1.5));
}
