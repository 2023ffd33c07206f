//! A page with the telemetry script put in, beside the same page through the same proxy without.

use brummer_benches::{Effort, Report, Row, median};

use crate::load::{Load, fetch, wrk};
use crate::origin::Origin;
use crate::peers::{Job, Peer};

const DOCUMENT: &[&str] = &["Sec-Fetch-Dest: document", "Accept: text/html", "Sec-Fetch-Mode: navigate"];

pub fn run(report: &mut Report, effort: Effort, origin: &Origin) {
    report.section("a page of 4 KiB as a document, 32 kept connections");
    let seconds = 3.0 / effort.divide as f64;
    let load = Load { path: "/page.html", body: 4 << 10, connections: 32, headers: DOCUMENT };
    let mut ratios = Vec::new();
    for _ in 0..effort.rounds {
        let cpu = [Job::Injecting, Job::Reverse].map(|job| {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let peer = Peer::brummer(job, origin.port, dir.path());
            let has_script = fetch(&peer, &load).windows(8).any(|part| part == b"<script ");
            assert_eq!(has_script, job == Job::Injecting, "the script is in the page, or is not");
            wrk(&peer, &load, 1.0);
            wrk(&peer, &load, seconds).cpu_per_100k
        });
        ratios.push(cpu[0] / cpu[1]);
    }
    report.row(&Row::lower("CPU with the script beside without", "×", median(ratios)).target(1.3));
}
