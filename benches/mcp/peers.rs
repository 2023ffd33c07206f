//! Each server with the same tool, as a process of its own.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::Wire;

/// A running server.
pub struct Peer {
    pub name: &'static str,
    pub port: u16,
    child: Child,
}

pub const PEERS: &[fn(&Wire) -> Peer] = &[brummer, rmcp, sdk];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("below the workspace")
}

pub fn built(path: &str) -> PathBuf {
    let path = root().join("target").join(path);
    assert!(path.exists(), "{} is missing: benches/mcp.sh builds it", path.display());
    path
}

/// Brummer's own module, with the tools of the conformance suite.
pub fn brummer(_: &Wire) -> Peer {
    let port = free_port();
    let mut command = Command::new(built("release/examples/conformance_server"));
    command.args(["--port", &port.to_string()]);
    Peer::started("brummer", port, command)
}

fn rmcp(wire: &Wire) -> Peer {
    let port = free_port();
    let mut command = Command::new(built("bench-tools/rmcp/release/brummer-bench-rmcp"));
    command.args([port.to_string().as_str(), if wire.events { "events" } else { "json" }]);
    Peer::started("rmcp", port, command)
}

fn sdk(_: &Wire) -> Peer {
    let port = free_port();
    let mut command = Command::new("node");
    command.arg(root().join("benches/peers/mcp_sdk.mjs")).arg(port.to_string());
    command.arg(built("bench-tools/mcp/node_modules"));
    Peer::started("typescript-sdk", port, command)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("is bound").port()
}

impl Peer {
    fn started(name: &'static str, port: u16, mut command: Command) -> Peer {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let peer = Peer { name, port, child: child.unwrap_or_else(|error| panic!("{name}: {error}")) };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "{name} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        peer
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
