//! The harness: every figure that is promised, measured in one run beside named peers; ends with 1 below a floor.
//!
//! `cargo bench --bench throughput [-- --short] [-- --only bus,pool,core,store,app,reach,stop]`

#![allow(unreachable_pub, missing_docs, reason = "a program, not a library")]

#[path = "throughput/app.rs"]
mod app;
#[path = "throughput/bus.rs"]
mod bus;
#[path = "throughput/core.rs"]
mod core;
#[path = "throughput/peers.rs"]
mod peers;
#[path = "throughput/pool.rs"]
mod pool;
#[path = "throughput/reach.rs"]
mod reach;
#[path = "throughput/screen.rs"]
mod screen;
#[path = "throughput/stop.rs"]
mod stop;
#[path = "throughput/store.rs"]
mod store;

use brummer_benches::{Effort, Report};

type Section = (&'static str, fn(&mut Report, Effort));

const SECTIONS: &[Section] = &[
    ("bus", bus::run),
    ("pool", pool::run),
    ("core", core::run),
    ("store", store::run),
    ("app", app::run),
    ("reach", reach::run),
    ("stop", stop::run),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--child") {
        return app::child(&words[1..]);
    }
    let only = words.iter().position(|word| word == "--only").and_then(|at| words.get(at + 1));
    let wanted = |name: &str| only.is_none_or(|only| only.split(',').any(|word| word == name));
    let effort = Effort::new(words.iter().any(|word| word == "--short"));
    let mut report = Report::new();
    for (_, run) in SECTIONS.iter().filter(|(name, _)| wanted(name)) {
        run(&mut report, effort);
    }
    std::process::exit(report.finish());
}
