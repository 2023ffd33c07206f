//! Big answers: bytes a second, and what a byte costs.

use brummer_benches::{Effort, Report, Row};

use crate::load::{Load, wrk};
use crate::origin::Origin;
use crate::small::{beside_nginx, figure, higher, rounds};

pub fn run(report: &mut Report, effort: Effort, origin: &Origin) {
    let seconds = 3.0 / effort.divide as f64;
    for (path, name, body, connections) in [("/64k", "64 KiB", 64 << 10, 32), ("/10m", "10 MiB", 10 << 20, 8)] {
        report.section(&format!("answers of {name}, {connections} kept connections"));
        let load = Load { path, body, connections, headers: &[] };
        let all = rounds(effort, origin, &load, |peer| wrk(peer, &load, seconds));
        higher(report, "throughput", "MB/s", &figure(&all, |run| run.bytes_per_second / 1e6));
        let beside = beside_nginx(&all, |run| run.bytes_per_second);
        report.row(&Row::higher("throughput beside nginx, same round", "×", beside).target(1.0));
    }
}
