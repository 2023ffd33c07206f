//! The proxy as the rest of the program sees it: started, stopped, told of servers, asked for its numbers.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::capture::replay::{Request, Sender};
use super::engine::{Command, Counters, EngineConfig, Hooks, Limits, Mapping, PortBook, Rule, Setup, Wish, start};
use super::exchange::ExchangeId;
use crate::error::{Code, Error, Result};
use crate::event::ProcessId;
use crate::io::net::Thread;
use crate::sync::CowCell;
use crate::wire::http1::split_authority;

/// How long the engine may take to open a port.
const REGISTER: Duration = Duration::from_secs(5);

/// What a proxy is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyConfig {
    /// The control port; 0 for one that is free.
    pub port: u16,
    /// Servers get ports from here up; 0 for any that are free.
    pub first_port: u16,
    /// Listen on all addresses, not on those of this machine alone.
    pub lan: bool,
    /// Forward to other servers for programs that use us as their proxy.
    pub full: bool,
    /// Change Host, Origin, Referer, Location and the domains of cookies, so that servers and browsers notice nothing.
    pub rewrite: bool,
    /// Leave no Via.
    pub hide_via: bool,
    /// Hosts that may be asked for beside those of this machine: `my.test`, `*.my.test`.
    pub hosts: Vec<String>,
    /// Hosts that may be reached in full mode beside this machine; `None` for all.
    pub forward_to: Option<Vec<String>>,
    /// Where the ports of servers are remembered.
    pub ports_file: Option<PathBuf>,
    /// Bytes of a WebSocket message or an event that are kept.
    pub frame_bytes: usize,
    /// The bounds.
    pub limits: Limits,
    /// What is done to some requests; the first that fits counts.
    pub rules: Vec<Rule>,
}

impl Default for ProxyConfig {
    /// Port 19888, servers from 20888 up, for this machine alone.
    fn default() -> ProxyConfig {
        ProxyConfig {
            port: 19888,
            first_port: 20888,
            lan: false,
            full: false,
            rewrite: true,
            hide_via: false,
            hosts: Vec::new(),
            forward_to: None,
            ports_file: None,
            frame_bytes: 4096,
            limits: Limits::default(),
            rules: Vec::new(),
        }
    }
}

/// The numbers of a proxy since it was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Requests that were passed on, or tried to be.
    pub total: u64,
    /// Those that ended well, with a status below 400.
    pub successful: u64,
    /// Those that failed, or had a status of 400 and above.
    pub failed: u64,
    /// Bytes of bodies, both ways.
    pub bytes: u64,
    /// From the head of a request to the end of its answer.
    pub mean_response: Duration,
    /// Clients that are connected.
    pub active_connections: usize,
}

/// A proxy.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: `is_running`, `port`, `mappings` and `metrics` never wait.
///   **Waits**: the others for each other, and for the proxy's thread. **Cleanup**: dropping it stops it at once.
///
/// ```
/// use brummer::proxy::{Hooks, Proxy, ProxyConfig};
///
/// let proxy = Proxy::start(ProxyConfig { port: 0, ..ProxyConfig::default() }, Hooks::default())?;
/// assert!(proxy.is_running() && proxy.port() > 0);
/// proxy.stop(std::time::Duration::from_secs(1));
/// assert!(!proxy.is_running());
/// # Ok::<(), brummer::error::Error>(())
/// ```
pub struct Proxy {
    config: ProxyConfig,
    hooks: Hooks,
    thread: Mutex<Option<Thread<Command>>>,
    book: Mutex<PortBook>,
    mappings: Arc<CowCell<Vec<Mapping>>>,
    counters: Arc<Counters>,
    control_prefix: String,
    port: AtomicU16,
    running: AtomicBool,
    full: AtomicBool,
    rules: Mutex<Vec<Rule>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy(port {}, running: {})", self.port(), self.is_running())
    }
}

impl Proxy {
    /// Starts a proxy; it takes connections when this returns.
    ///
    /// # Errors
    /// The port is taken (the error names it), or the system has no thread or descriptor left.
    pub fn start(config: ProxyConfig, hooks: Hooks) -> Result<Proxy> {
        let proxy = Proxy {
            book: Mutex::new(PortBook::open(config.ports_file.clone())),
            hooks,
            thread: Mutex::new(None),
            mappings: Arc::new(CowCell::new(Vec::new())),
            counters: Arc::new(Counters::default()),
            control_prefix: format!("/__brummer/{}/", token()?),
            port: AtomicU16::new(config.port),
            running: AtomicBool::new(false),
            full: AtomicBool::new(config.full),
            rules: Mutex::new(config.rules.clone()),
            config,
        };
        proxy.ensure_started()?;
        Ok(proxy)
    }

    /// Starts it if it was stopped; else nothing happens. Servers are to be registered anew.
    ///
    /// # Errors
    /// As of [`Proxy::start`].
    pub fn ensure_started(&self) -> Result<()> {
        let mut thread = lock(&self.thread);
        if thread.is_some() {
            return Ok(());
        }
        let config = &self.config;
        let setup = Setup {
            config: EngineConfig {
                port: self.port.load(Ordering::Relaxed),
                first_port: config.first_port,
                lan: config.lan,
                full: self.full.load(Ordering::Relaxed),
                rewrite: config.rewrite,
                hide_via: config.hide_via,
                hosts: config.hosts.clone(),
                forward_to: config.forward_to.clone(),
                frame_bytes: config.frame_bytes,
                limits: config.limits.clone(),
                rules: lock(&self.rules).clone(),
            },
            hooks: self.hooks.clone(),
            counters: Arc::clone(&self.counters),
            mappings: Arc::clone(&self.mappings),
            control_prefix: self.control_prefix.clone(),
        };
        let (started, port) = start(setup)?;
        *thread = Some(started);
        self.port.store(port, Ordering::Relaxed);
        self.running.store(true, Ordering::Release);
        Ok(())
    }

    /// Takes no more connections, lets what goes on end within `limit`, then cuts it. All sockets are closed when this
    /// returns. Once it is stopped nothing happens.
    pub fn stop(&self, limit: Duration) {
        let mut thread = lock(&self.thread);
        if let Some(thread) = thread.take() {
            thread.commands().send(Command::Stop(limit));
            thread.join();
        }
        self.running.store(false, Ordering::Release);
        self.mappings.store(Vec::new());
    }

    /// Whether it takes connections.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// The control port.
    pub fn port(&self) -> u16 {
        self.port.load(Ordering::Relaxed)
    }

    /// The path below which the script is served and pages report: `/__brummer/<token>/`.
    pub fn control_prefix(&self) -> &str {
        &self.control_prefix
    }

    /// Gives the server of this URL an address of ours, active for the next request. One address per scheme, host and port: a
    /// server that has one keeps it. `name` is the process's.
    ///
    /// # Errors
    /// The URL is none of a server, no port is free, or the proxy is not running.
    pub fn register_url(&self, url: &str, process: ProcessId, name: &str, label: &str) -> Result<Mapping> {
        let (secure, host, port) = server_of(url)?;
        let key = format!("{}://{host}:{port}", if secure { "https" } else { "http" });
        let mut book = lock(&self.book);
        let (preferred, reserved) = (book.port(&key), book.others(&key));
        let (process_name, label) = (Arc::from(name), Arc::from(label));
        let wish = Wish { secure, host, port, process, process_name, label, preferred, reserved };
        let (reply, answer) = sync_channel(1);
        self.command(Command::Register(wish, reply))?;
        let late = |_| Error::new("proxy", Code::Timeout, format!("give {url} an address: the proxy did not answer"));
        let mapping = answer.recv_timeout(REGISTER).map_err(late)??;
        book.keep(&key, mapping.port);
        Ok(mapping)
    }

    /// Takes the addresses of a process's servers away; they are gone when this returns.
    pub fn unregister_process(&self, process: ProcessId) {
        let (done, heard) = sync_channel(1);
        // A proxy that is stopped has none.
        if self.command(Command::Unregister(process, done)).is_ok() {
            let _ = heard.recv_timeout(REGISTER);
        }
    }

    /// All servers that have an address.
    pub fn mappings(&self) -> Arc<Vec<Mapping>> {
        self.mappings.load()
    }

    /// Forwards for programs that use us as their proxy (`full`), or serves the addresses of servers alone.
    pub fn set_mode(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
        // A proxy that is stopped begins with it.
        let _ = self.command(Command::Full(full));
    }

    /// Whether it forwards to other servers.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// What is done to some requests from now on, in place of what was.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        lock(&self.rules).clone_from(&rules);
        // A proxy that is stopped begins with them.
        let _ = self.command(Command::Rules(rules));
    }

    /// The numbers since it was made.
    pub fn metrics(&self) -> Metrics {
        let counters = &self.counters;
        let (failed, ended) = (counters.failed.sum(), counters.ended.sum());
        Metrics {
            total: counters.total.sum(),
            successful: ended.saturating_sub(failed),
            failed,
            bytes: counters.bytes.sum(),
            mean_response: Duration::from_nanos((counters.micros.snapshot().mean() * 1000.0) as u64),
            active_connections: counters.active.load(Ordering::Relaxed),
        }
    }

    /// The number of an exchange that did not go through it, to be listed beside those that did.
    pub fn next_number(&self) -> ExchangeId {
        self.counters.number()
    }

    fn command(&self, command: Command) -> Result<()> {
        match &*lock(&self.thread) {
            Some(thread) => {
                thread.commands().send(command);
                Ok(())
            }
            None => Err(Error::new("proxy", Code::InvalidState, "the proxy is not running: start it first")),
        }
    }
}

impl Sender for Proxy {
    fn send(&self, request: Request) -> Result<ExchangeId> {
        let id = self.counters.number();
        self.command(Command::Send(request, id)).map(|()| id)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The scheme, host and port of a server's URL.
fn server_of(url: &str) -> Result<(bool, String, u16)> {
    let refuse = || Error::new("proxy", Code::InvalidState, format!("`{url}` is no URL of an HTTP server"));
    let (scheme, rest) = url.split_once("://").ok_or_else(refuse)?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => false,
        "https" | "wss" => true,
        _ => return Err(refuse()),
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (host, port) = split_authority(authority.as_bytes()).ok_or_else(refuse)?;
    Ok((secure, host.to_ascii_lowercase(), port.unwrap_or(if secure { 443 } else { 80 })))
}

/// 128 bits that nobody can guess, as hexadecimal digits.
fn token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| Error::io("proxy", "read /dev/urandom for a token", error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
