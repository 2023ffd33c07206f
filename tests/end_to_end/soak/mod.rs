//! 256 clients that break off, stall, send garbage and go on, servers that do alike: whatever they do, nothing of it is left.
//!
//! Eight seconds, or as many as `BRUMMER_SOAK_SECONDS` says. `server` is what stands behind the proxy, `client` what comes at it.

mod client;
mod server;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::server::Server;
use crate::harness::{Project, Signal, children_of, until, until_within, usage};
use crate::proxy::port_behind;

const CLIENTS: u64 = 256;
/// Longest wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests, bodies and all, that the proxy keeps here.
const KEPT_MIB: u64 = 4;
/// What it may have taken more at the end: what it keeps, buffers that are used again, and what the allocator holds back.
const MORE_KIB: u64 = (KEPT_MIB + 28) << 10;
/// What it may have taken more at the end than at half time: nothing, but for chance.
const GROWTH_KIB: u64 = 8 << 10;

/// A source of chance that is the same in every run.
pub(crate) struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// At least 0, below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// What came of it all.
#[derive(Default)]
pub(crate) struct Tally {
    /// Things that clients did.
    tried: AtomicU64,
    /// Those of them that had to go well if anything does, and did.
    whole: AtomicU64,
    /// Those that the server's end cut short, or that found no connection.
    cut: AtomicU64,
}

fn seconds() -> u64 {
    std::env::var("BRUMMER_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

#[test]
fn px12_256_clients_and_chaos_leave_nothing_behind() {
    let server = Server::start();
    let project =
        Project::configured(&format!("[proxy_server]\nmax_bytes = \"{KEPT_MIB}MiB\"\nmax_ws_clients = 500\n"));
    let mut run = project.brummer(&["proxy", "--upstream", &server.url(), "--no-telemetry", "--no-tui"]);
    let port = port_behind(&mut run, "is also http://localhost:");
    let pid = children_of(run.pid()).first().copied().expect("the app behind its guardian");
    until("the first answer", || client::answers(port));
    server.cut();
    let descriptors = usage::descriptors(pid);
    let memory = || usage::memory_kib(pid, "VmRSS");
    let before = memory();

    let (stop, tally) = (AtomicBool::new(false), Tally::default());
    let (began, length) = (Instant::now(), Duration::from_secs(seconds()));
    let mut half = 0;
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (stop, tally) = (&stop, &tally);
            scope.spawn(move || {
                let mut chance = Chance::new(number + 1);
                while !stop.load(Ordering::Relaxed) {
                    client::act(port, &mut chance, tally);
                }
            });
        }
        // A server that dies now and then, with all that goes on over it.
        let mut next = began;
        let enough = || tally.whole.load(Ordering::Relaxed) > CLIENTS;
        // On a machine that is busy with something else it takes longer until enough has gone well.
        while began.elapsed() < length || !enough() && began.elapsed() < length + PATIENCE {
            next += Duration::from_millis(700);
            until_within(PATIENCE, "the next blow", || Instant::now() >= next);
            server.cut();
            if half == 0 && began.elapsed() > length / 2 {
                half = memory();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });

    let answered = until_within(PATIENCE, "a fresh request is answered", || client::answers(port));
    server.cut();
    until("the descriptors are what they were", || usage::descriptors(pid) <= descriptors);
    let after = memory();
    let (tried, whole, cut) = (tally.tried.into_inner(), tally.whole.into_inner(), tally.cut.into_inner());
    eprintln!(
        "{tried} things in {:?}: {whole} went well, {cut} were cut by the server; memory {before}, {half}, {after} KiB before, at half \
         time and after; {descriptors} descriptors before and after; the next answer came in {answered:?}",
        began.elapsed()
    );
    assert!(whole > CLIENTS, "{whole} of {tried} went well");
    assert!(after <= before + MORE_KIB, "{before} KiB before, {after} KiB after");
    assert!(
        after <= half + GROWTH_KIB || length < Duration::from_secs(60),
        "{half} KiB at half time, {after} KiB after"
    );
    run.signal(Signal::TERM);
    assert_eq!(run.finish().code(), 143);
}
