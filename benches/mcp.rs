//! The MCP server beside rmcp and the TypeScript SDK in the same run; `benches/mcp.sh` builds and installs them and runs this.
//!
//! `cargo bench --bench mcp [-- --short] [-- --hub]`: `--hub` measures what the hub adds to a call, and nothing else.

#![allow(unreachable_pub, missing_docs, reason = "a program, not a library")]

#[path = "mcp/hub.rs"]
mod hub;
#[path = "mcp/idle.rs"]
mod idle;
#[path = "mcp/load.rs"]
mod load;
#[path = "mcp/peers.rs"]
mod peers;

use brummer_benches::{Effort, Report, Row, median};

use crate::load::{Run, WIRES, Wire, wrk};
use crate::peers::{PEERS, Peer};

fn main() {
    let short = std::env::args().any(|word| word == "--short");
    let effort = Effort { rounds: if short { 1 } else { 3 }, divide: if short { 3 } else { 1 } };
    let mut report = Report::new();
    if !std::env::args().any(|word| word == "--hub") {
        for wire in WIRES {
            measure(&mut report, effort, wire);
        }
        idle::measure(&mut report, effort);
    }
    hub::measure(&mut report, effort);
    std::process::exit(report.finish());
}

/// Brummer first, then each peer, in every round: what is compared ran within seconds of each other.
fn measure(report: &mut Report, effort: Effort, wire: &Wire) {
    let mut all: Vec<(&'static str, Vec<Run>)> = Vec::new();
    for _ in 0..effort.rounds {
        for start in PEERS {
            let peer: Peer = start(wire);
            let run = wrk(&peer, wire, 6 / effort.divide as u64);
            match all.iter_mut().find(|(name, _)| *name == peer.name) {
                Some((_, runs)) => runs.push(run),
                None => all.push((peer.name, vec![run])),
            }
        }
    }
    let figure = |of: fn(&Run) -> f64| -> Vec<(&'static str, f64)> {
        all.iter().map(|(name, runs)| (*name, median(runs.iter().map(of).collect()))).collect()
    };
    let with_peers = |mut row: Row, figures: &[(&'static str, f64)]| {
        for (name, value) in &figures[1..] {
            row = row.peer(name, *value);
        }
        row
    };
    let rate = figure(|run| run.per_second);
    let best = rate[1..].iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let row = Row::higher(format!("{}: calls", wire.name), "/s", rate[0].1).target(1.2 * best);
    report.row(&with_peers(row, &rate));
    for (what, of, target) in [
        ("half of the calls within", (|run: &Run| run.p50_ms) as fn(&Run) -> f64, 0.8),
        ("99 of 100 within", |run: &Run| run.p99_ms, 2.0),
    ] {
        let figures = figure(of);
        let row = Row::lower(format!("{}: {what}", wire.name), "ms", figures[0].1).target(target);
        report.row(&with_peers(row, &figures));
    }
    let memory = figure(|run| run.rss_mib);
    let row = Row::lower(format!("{}: memory after", wire.name), "MiB", memory[0].1).target(15.0);
    report.row(&with_peers(row, &memory));
}
