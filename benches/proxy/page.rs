//! A page with the telemetry script put in, beside the same page through the same proxy without.

use brummer_benches::{Effort, Report, Row, median};

use crate::load::wrk;
use crate::origin::Origin;
use crate::peers::{Job, Peer};

const DOCUMENT: &[&str] = &["Sec-Fetch-Dest: document", "Accept: text/html", "Sec-Fetch-Mode: navigate"];

pub fn run(report: &mut Report, effort: Effort, origin: &Origin) {
    report.section("a page of 4 KiB as a document, 32 kept connections");
    let seconds = 4.0 / effort.divide as f64;
    let mut ratios = Vec::new();
    for _ in 0..effort.rounds {
        let cpu = [Job::Injecting, Job::Reverse].map(|job| {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let peer = Peer::brummer(job, origin.port, dir.path());
            wrk(&peer, "/page.html", 32, 1.0, DOCUMENT);
            wrk(&peer, "/page.html", 32, seconds, DOCUMENT).cpu_per_100k
        });
        ratios.push(cpu[0] / cpu[1]);
    }
    report.row(&Row::lower("CPU with the script beside without", "×", median(ratios)).target(1.3));
}
