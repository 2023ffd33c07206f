//! Plays every case of `tests/cases/proxy` through the real proxy on loopback, with its bytes whole and cut everywhere.

mod case;
mod play;

use std::fmt::Debug;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use brummer::event::ProcessId;
use brummer::proxy::{Hooks, Proxy, ProxyConfig};
use case::Case;
use play::{Cut, play};

/// Cases in which no more bytes are sent are cut at every position, longer ones at every eleventh.
const SPLIT_BYTES_MAX: usize = 100;
/// Threads that play cases; each has sockets of its own.
const PLAYERS: usize = 3;

/// One proxy for all cases: each has a server, and hence an address, of its own.
struct World {
    proxy: Proxy,
    servers: AtomicU64,
}

impl World {
    fn start() -> World {
        let config = ProxyConfig { port: 0, first_port: 0, full: true, ..ProxyConfig::default() };
        World { proxy: Proxy::start(config, Hooks::default()).expect("a proxy"), servers: AtomicU64::new(1) }
    }

    /// The address of ours for the server on `port`, as long as what is returned with it lives.
    fn front(&self, forward: bool, port: u16) -> (String, Front<'_>) {
        let process = ProcessId(self.servers.fetch_add(1, Ordering::Relaxed));
        let front = match forward {
            true => self.proxy.port(),
            false => {
                let url = format!("http://127.0.0.1:{port}");
                patiently("an address", || self.proxy.register_url(&url, process, "server", "server")).port
            }
        };
        (format!("127.0.0.1:{front}"), Front { proxy: &self.proxy, process })
    }
}

/// Tries again for a while: a port stays taken for a minute after its connections, of which there are thousands here.
fn patiently<T, E: Debug>(what: &str, mut make: impl FnMut() -> Result<T, E>) -> T {
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        match make() {
            Ok(made) => return made,
            Err(error) => assert!(Instant::now() < end, "{what}: {error:?}"),
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

struct Front<'a> {
    proxy: &'a Proxy,
    process: ProcessId,
}

impl Drop for Front<'_> {
    fn drop(&mut self) {
        self.proxy.unregister_process(self.process);
    }
}

/// Plays each case with all its cuts, and tells of all that fail at once.
fn play_all(mode: &str, cuts: fn(&Case) -> Vec<Cut>) {
    let cases = Case::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/proxy"));
    assert!(cases.len() > 100, "only {} cases", cases.len());
    let stage = World::start();
    let next = AtomicUsize::new(0);
    let play_next = || {
        let mut failures = Vec::new();
        while let Some((name, text, forward)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            for cut in cuts(&Case::read(name, text, *forward, "127.0.0.1:00000", "127.0.0.1:00000")) {
                let server = patiently("a port", || TcpListener::bind("127.0.0.1:0"));
                let address = server.local_addr().expect("an address");
                let (proxy, front) = stage.front(*forward, address.port());
                let case = Case::read(name, text, *forward, &proxy, &address.to_string());
                if let Err(why) = play(&case, &proxy, &server, cut) {
                    failures.push(why);
                    break;
                }
                drop(front);
            }
        }
        failures
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let players: Vec<_> = (0..PLAYERS).map(|_| scope.spawn(play_next)).collect();
        players.into_iter().flat_map(|player| player.join().expect("a player that does not panic")).collect()
    });
    assert!(
        failures.is_empty(),
        "{mode}: {} of {} cases fail:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}

#[test]
fn every_case_holds_with_its_bytes_whole() {
    play_all("whole", |_| vec![Cut::Whole]);
}

#[test]
fn every_case_holds_byte_by_byte() {
    play_all("byte by byte", |case| if case.split { vec![Cut::EveryByte] } else { vec![] });
}

#[test]
fn every_short_case_holds_with_its_bytes_cut_anywhere() {
    play_all("cut", |case| match case.sent() {
        bytes if !case.split || bytes > 1000 => vec![],
        bytes if bytes <= SPLIT_BYTES_MAX => (1..bytes).map(Cut::At).collect(),
        bytes => (1..bytes).step_by(11).map(Cut::At).collect(),
    });
}
