//! Each proxy as its users would start it, pinned to the first core, with what it has used so far.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use brummer_benches::{cpu_seconds, rss_bytes};

/// What a proxy is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Job {
    /// In front of the origin.
    Reverse,
    /// In front of the origin, with the telemetry script put into pages.
    Injecting,
    /// In front of the thread that echoes frames.
    WebSocket,
    /// For whoever names it as proxy.
    Forward,
}

/// A running proxy.
pub struct Peer {
    pub name: &'static str,
    pub port: u16,
    child: Child,
}

/// A command on one core.
pub fn on_core(core: usize, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Moves all threads of this process (the clients, and the servers that are not nginx) to one core.
pub fn stay_on_core(core: usize) {
    let (core, pid) = (core.to_string(), std::process::id().to_string());
    let moved = || {
        Command::new("taskset")
            .args(["-a", "-c", "-p", &core, &pid])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    // It stumbles over a thread that ends while it looks.
    let is_moved = (0..10).any(|_| moved().expect("benches/proxy.sh installs taskset").success());
    assert!(is_moved, "the threads cannot be moved to core {core}");
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("is bound").port()
}

pub fn wait_for_port(port: u16) {
    let end = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nothing listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Peer {
    /// Brummer, headless.
    pub fn brummer(job: Job, upstream: u16, dir: &Path) -> Peer {
        let port = free_port();
        let mut command = on_core(0, &program().display().to_string());
        command.current_dir(dir).env("HOME", dir).env("XDG_STATE_HOME", dir).arg("proxy");
        match job {
            Job::Forward => command.arg("--forward"),
            _ => command.args(["--upstream", &format!("http://127.0.0.1:{upstream}")]),
        };
        if job != Job::Injecting {
            command.arg("--no-telemetry");
        }
        command.args(["--no-tui", "--port", &port.to_string()]);
        Peer::started("brummer", port, command)
    }

    /// nginx, one worker, connections to the origin kept.
    pub fn nginx(_: Job, upstream: u16, dir: &Path) -> Peer {
        let (port, dir) = (free_port(), dir.display());
        let text = format!(
            "daemon off; worker_processes 1; pid {dir}/n.pid; error_log /dev/null;\n\
             events {{ worker_connections 8192; }}\n\
             http {{ access_log off; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 600s;\n\
             client_body_temp_path {dir}/n1; proxy_temp_path {dir}/n2; fastcgi_temp_path {dir}/n3;\n\
             uwsgi_temp_path {dir}/n4; scgi_temp_path {dir}/n5;\n\
             map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}\n\
             upstream origin {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}\n\
             server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://origin;\n\
             proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;\n\
             proxy_set_header Connection $connection_upgrade; }} }} }}\n"
        );
        let file = written(&dir.to_string(), "nginx.conf", &text);
        let mut command = on_core(0, "nginx");
        command.args(["-p", &dir.to_string(), "-c", &file]).stderr(Stdio::null());
        Peer::started("nginx", port, command)
    }

    /// HAProxy, one thread.
    pub fn haproxy(_: Job, upstream: u16, dir: &Path) -> Peer {
        let (port, dir) = (free_port(), dir.display().to_string());
        let text = format!(
            "global\n  nbthread 1\n  maxconn 8192\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 600s\n\
             \x20 timeout server 600s\n  timeout tunnel 600s\n  http-reuse always\nfrontend f\n  bind 127.0.0.1:{port}\n\
             \x20 default_backend b\nbackend b\n  server s 127.0.0.1:{upstream}\n"
        );
        let file = written(&dir, "haproxy.cfg", &text);
        let mut command = on_core(0, "haproxy");
        command.args(["-db", "-f", &file]).stderr(Stdio::null());
        Peer::started("haproxy", port, command)
    }

    /// http-proxy-3 with an agent that keeps connections.
    pub fn node(_: Job, upstream: u16, dir: &Path) -> Peer {
        let (port, dir) = (free_port(), dir.display().to_string());
        let modules = std::env::var("BRUMMER_BENCH_MODULES").expect("benches/proxy.sh says where http-proxy-3 is");
        let text = format!(
            "const {{ createProxyServer }} = require('{modules}/http-proxy-3');\nconst http = require('http');\n\
             const agent = new http.Agent({{ keepAlive: true, maxSockets: 512 }});\n\
             const p = createProxyServer({{ target: 'http://127.0.0.1:{upstream}', agent, ws: true }});\n\
             p.on('error', () => {{}});\np.listen({port}, '127.0.0.1');\n"
        );
        let file = written(&dir, "proxy.cjs", &text);
        let mut command = on_core(0, "node");
        command.arg(file).stderr(Stdio::null());
        Peer::started("http-proxy-3", port, command)
    }

    /// Squid, as a forward proxy that keeps nothing; started by root it works as Debian's user for it.
    pub fn squid(_: Job, _: u16, dir: &Path) -> Peer {
        let (port, dir) = (free_port(), dir.display().to_string());
        let text = format!(
            "http_port 127.0.0.1:{port}\nhttp_access allow all\ncache deny all\naccess_log none\ncache_log /dev/null\n\
             pid_filename none\ncoredump_dir none\nshutdown_lifetime 0 seconds\nworkers 1\n\
             cache_effective_user proxy\n"
        );
        let file = written(&dir, "squid.conf", &text);
        let mut command = on_core(0, "squid");
        // A name of its own: what it shares in memory is named by it.
        command.args(["-N", "-n", &format!("brummer{port}"), "-f", &file]).stderr(Stdio::null());
        Peer::started("squid", port, command)
    }

    fn started(name: &'static str, port: u16, mut command: Command) -> Peer {
        let child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}; benches/proxy.sh installs it"));
        let peer = Peer { name, port, child };
        wait_for_port(port);
        peer
    }

    fn tree(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut next = 0;
        while next < all.len() {
            all.extend(children(all[next]));
            next += 1;
        }
        all
    }

    /// CPU seconds of all its processes so far.
    pub fn cpu(&self) -> f64 {
        self.tree().into_iter().map(cpu_seconds).sum()
    }

    /// Resident memory of its biggest process.
    pub fn rss(&self) -> u64 {
        self.tree().into_iter().map(rss_bytes).max().unwrap_or(0)
    }

    /// Descriptors of the process that has most of them.
    pub fn descriptors(&self) -> usize {
        let count = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        self.tree().into_iter().map(count).max().unwrap_or(0)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let tree = self.tree();
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && self.child.try_wait().is_ok_and(|status| status.is_none()) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let left = tree.iter().map(u32::to_string);
        let _ = Command::new("kill").arg("-KILL").args(left).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// Those that any of its threads started.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let texts = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    texts.flat_map(|text| text.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>()).collect()
}

fn written(dir: &str, name: &str, text: &str) -> String {
    let file = Path::new(dir).join(name);
    std::fs::write(&file, text).expect("can be written");
    file.display().to_string()
}

/// The release build of the program, made if it is not fresh: before anything is measured.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("below the workspace");
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let build = ["build", "--release", "-p", "brummer", "--bin", "brummer"];
        let status = Command::new(cargo).args(build).current_dir(root).status();
        assert!(status.expect("cargo runs").success(), "the program does not build");
        // target/release/deps/proxy-… → target/release/brummer
        let own = std::env::current_exe().expect("has a path");
        own.ancestors().nth(2).expect("in target/release/deps").join("brummer")
    })
}
