//! The proxy beside nginx, HAProxy, http-proxy-3 and Squid in the same run; `benches/proxy.sh` installs them and runs this.
//!
//! `cargo bench --bench proxy [-- --short] [-- --only small,bodies,page,websocket,connect,idle]`

#![allow(unreachable_pub, missing_docs, reason = "a program, not a library")]

#[path = "proxy/bodies.rs"]
mod bodies;
#[path = "proxy/idle.rs"]
mod idle;
#[path = "proxy/load.rs"]
mod load;
#[path = "proxy/origin.rs"]
mod origin;
#[path = "proxy/page.rs"]
mod page;
#[path = "proxy/peers.rs"]
mod peers;
#[path = "proxy/small.rs"]
mod small;
#[path = "proxy/tunnel.rs"]
mod tunnel;
#[path = "proxy/websocket.rs"]
mod websocket;

use brummer_benches::{Effort, Report};

use crate::origin::Origin;

type Section = (&'static str, fn(&mut Report, Effort, &Origin));

const SECTIONS: &[Section] = &[
    ("small", small::run),
    ("bodies", bodies::run),
    ("page", page::run),
    ("websocket", websocket::run),
    ("connect", tunnel::run),
    ("idle", idle::run),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let only = words.iter().position(|word| word == "--only").and_then(|at| words.get(at + 1));
    let wanted = |name: &str| only.is_none_or(|only| only.split(',').any(|word| word == name));
    let short = words.iter().any(|word| word == "--short");
    let effort = Effort { rounds: if short { 1 } else { 3 }, divide: if short { 5 } else { 1 } };
    peers::program();
    let mut report = Report::new();
    let origin = Origin::start();
    peers::stay_on_core(1);
    for (_, run) in SECTIONS.iter().filter(|(name, _)| wanted(name)) {
        run(&mut report, effort, &origin);
    }
    drop(origin);
    std::process::exit(report.finish());
}
