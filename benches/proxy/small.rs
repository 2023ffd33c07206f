//! Small answers through kept connections: CPU, throughput and the slowest of a hundred.

use brummer_benches::{Effort, Report, Row, median};

use crate::load::{Load, Run, fetch, wrk};
use crate::origin::Origin;
use crate::peers::{Job, Peer};

pub type Start = fn(Job, u16, &std::path::Path) -> Peer;

pub const PEERS: &[Start] = &[Peer::nginx, Peer::haproxy, Peer::node];

/// Brummer first, then each peer, in every round: what is compared ran within seconds of each other.
pub fn rounds(
    effort: Effort,
    origin: &Origin,
    load: &Load,
    run: impl Fn(&Peer) -> Run,
) -> Vec<(&'static str, Vec<Run>)> {
    let mut all: Vec<(&'static str, Vec<Run>)> = Vec::new();
    for _ in 0..effort.rounds {
        for (at, start) in std::iter::once(&(Peer::brummer as Start)).chain(PEERS).enumerate() {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let peer = start(Job::Reverse, origin.port, dir.path());
            let body = fetch(&peer, load);
            let is_right = body.len() == load.body && body.iter().all(|byte| *byte == body[0]);
            assert!(is_right, "{} answers {} with {} bytes", peer.name, load.path, body.len());
            let result = run(&peer);
            if all.len() == at {
                all.push((peer.name, Vec::new()));
            }
            all[at].1.push(result);
        }
    }
    all
}

/// The median of one figure for each.
pub fn figure(all: &[(&'static str, Vec<Run>)], of: impl Fn(&Run) -> f64) -> Vec<(&'static str, f64)> {
    all.iter().map(|(name, runs)| (*name, median(runs.iter().map(&of).collect()))).collect()
}

/// Brummer's figure over nginx's in the same round, at the median.
pub fn beside_nginx(all: &[(&'static str, Vec<Run>)], of: impl Fn(&Run) -> f64) -> f64 {
    median(all[0].1.iter().zip(&all[1].1).map(|(own, nginx)| of(own) / of(nginx)).collect())
}

pub fn with_peers(mut row: Row, figures: &[(&'static str, f64)]) -> Row {
    for (name, value) in &figures[1..] {
        row = row.peer(name, *value);
    }
    row
}

pub fn lower(report: &mut Report, question: &str, unit: &'static str, figures: &[(&'static str, f64)]) {
    report.row(&with_peers(Row::lower(question, unit, figures[0].1), figures));
}

pub fn higher(report: &mut Report, question: &str, unit: &'static str, figures: &[(&'static str, f64)]) {
    report.row(&with_peers(Row::higher(question, unit, figures[0].1), figures));
}

pub fn run(report: &mut Report, effort: Effort, origin: &Origin) {
    let seconds = 3.0 / effort.divide as f64;
    for connections in [32, 256] {
        report.section(&format!("answers of 200 bytes, {connections} kept connections"));
        let load = Load { path: "/small", body: 200, connections, headers: &[] };
        let all = rounds(effort, origin, &load, |peer| {
            wrk(peer, &load, 1.0);
            wrk(peer, &load, seconds)
        });
        let cpu = |run: &Run| run.cpu_per_100k;
        lower(report, "CPU for 100,000 requests", "s", &figure(&all, cpu));
        report.row(&Row::lower("CPU beside nginx, same round", "×", beside_nginx(&all, cpu)).target(1.5));
        lower(report, "slowest of a hundred", "ms", &figure(&all, |run| run.p99_ms));
        let p99 = Row::lower("slowest of a hundred beside nginx", "×", beside_nginx(&all, |run| run.p99_ms));
        report.row(&if connections == 32 { p99.target(1.5) } else { p99 });
        higher(report, "requests", "/s", &figure(&all, |run| run.per_second));
    }
}
