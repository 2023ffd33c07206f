//! Owns proxy, capture and telemetry: begins them with the first server, and gives addresses and takes them away.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::changes::{Changes, Thing};
use crate::app::messages::{Messages, now_ms};
use crate::app::state::StateFolder;
use crate::error::{Code, Error, Result};
use crate::event::{Level, ProcessId};
use crate::proxy::capture::Callers;
use crate::proxy::inject::{PageInjector, Policies};
use crate::proxy::telemetry::{Telemetry, TelemetryLimits};
use crate::proxy::{Capture, CaptureLimits, Hooks, Mapping, Proxy, ProxyConfig};
use crate::runtime::pool::Pool;

/// Ports that are tried after the one that was wished for.
const PORTS_TRIED: u16 = 50;

/// What goes on is given so long to end when the program does.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// URLs that are remembered; a process that prints ever new ones does not fill the memory.
const URLS_MAX: usize = 500;

/// Who a URL belongs to that no process has printed: ids count from 1.
pub(super) const NOBODY: ProcessId = ProcessId(0);

/// With what the proxy begins.
#[derive(Clone, Debug)]
pub(crate) struct WebSetup {
    /// Servers of processes are given addresses.
    pub(crate) enabled: bool,
    pub(crate) proxy: ProxyConfig,
    pub(crate) capture: CaptureLimits,
    pub(crate) telemetry: bool,
    pub(crate) policies: Policies,
}

impl WebSetup {
    /// With the ports of this project's servers.
    pub(crate) fn of_project(mut self, dir: &Path) -> WebSetup {
        self.proxy.ports_file = StateFolder::of_user().map(|state| state.of_project("ports", dir));
        self
    }
}

/// A URL that was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) url: Arc<str>,
    pub(super) process: ProcessId,
    pub(super) name: Arc<str>,
    pub(super) seen_ms: u64,
}

/// The proxy, what it has seen, and what pages told.
///
/// A lock is held while the proxy begins, which takes as long as opening a port; readers of what was captured never wait for it.
pub(crate) struct Web {
    setup: WebSetup,
    pub(crate) capture: Arc<Capture>,
    pub(crate) telemetry: Arc<Telemetry>,
    injector: Arc<PageInjector>,
    proxy: Mutex<Option<Arc<Proxy>>>,
    pub(super) seen: Mutex<Vec<Seen>>,
    pub(super) changes: Arc<Changes>,
    messages: Arc<Messages>,
}

impl Web {
    pub(crate) fn new(setup: WebSetup, pool: &Pool, changes: &Arc<Changes>, messages: &Arc<Messages>) -> Arc<Web> {
        let capture = Arc::new(Capture::new(setup.capture).with_callers(Callers::new(pool.clone())));
        let telemetry = Arc::new(Telemetry::new(TelemetryLimits::default(), pool));
        let injector = Arc::new(PageInjector::new(setup.policies));
        injector.enable(setup.telemetry);
        let bump = changes.clone();
        capture.on_change(move || bump.bump(Thing::Exchanges));
        let bump = changes.clone();
        telemetry.store().on_change(move || bump.bump(Thing::Pages));
        let (changes, messages) = (changes.clone(), messages.clone());
        let (proxy, seen) = (Mutex::default(), Mutex::default());
        Arc::new(Web { setup, capture, telemetry, injector, proxy, seen, changes, messages })
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Proxy>>> {
        self.proxy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The proxy, if it has begun.
    pub(crate) fn proxy(&self) -> Option<Arc<Proxy>> {
        self.slot().clone()
    }

    /// Whether the addresses of the proxy are also for other machines.
    pub(super) fn is_open_to_others(&self) -> bool {
        self.setup.proxy.lan
    }

    /// Whether pages are given the script.
    pub(super) fn tells(&self) -> bool {
        self.setup.telemetry
    }

    /// The proxy, begun now if it has not yet. Where its port is taken the next free one is.
    ///
    /// # Errors
    /// No port is free, or the system has no thread or descriptor left.
    pub(crate) fn begin(&self) -> Result<Arc<Proxy>> {
        let mut slot = self.slot();
        if let Some(proxy) = &*slot {
            return Ok(proxy.clone());
        }
        let hooks = Hooks {
            recorder: self.capture.clone(),
            injector: Some(self.injector.clone()),
            control: Some(self.telemetry.clone()),
        };
        let wished = self.setup.proxy.port;
        let mut port = wished;
        let proxy = loop {
            match Proxy::start(ProxyConfig { port, ..self.setup.proxy.clone() }, hooks.clone()) {
                Ok(proxy) => break Arc::new(proxy),
                Err(error) if port == 0 || port == u16::MAX || port - wished == PORTS_TRIED => return Err(error),
                Err(error) if error.code() == Code::AlreadyExists => port += 1,
                Err(error) => return Err(error),
            }
        };
        if proxy.port() != wished && wished != 0 {
            let text = format!("port {wished} is taken: the proxy is on {}", proxy.port());
            self.messages.push(Level::Warn, text);
            self.changes.bump(Thing::Messages);
        }
        if self.setup.proxy.lan {
            let text =
                "the proxy listens on all addresses: every machine of this network can reach your servers through it";
            self.messages.push(Level::Warn, text);
            self.changes.bump(Thing::Messages);
        }
        *slot = Some(proxy.clone());
        drop(slot);
        let mappings = Arc::downgrade(&proxy);
        self.telemetry.resolve_sources(move |origin| {
            let mappings = mappings.upgrade()?.mappings();
            let ours = mappings.iter().find(|mapping| *mapping.proxy_url == *origin || *mapping.name_url == *origin)?;
            Some(ours.url.to_string())
        });
        self.changes.bump(Thing::Urls);
        Ok(proxy)
    }

    /// A process has said that its server is here.
    pub(crate) fn found(&self, process: ProcessId, name: &Arc<str>, url: &Arc<str>) {
        if !self.remember(process, name, url) || !self.setup.enabled {
            return;
        }
        match self.give_address(url, process, name) {
            Ok(mapping) => self.say(Level::Info, format!("{name}: {} is also {}", mapping.url, mapping.proxy_url)),
            Err(error) => self.say(Level::Warn, format!("{name}: {url} has no address of the proxy: {error}")),
        }
    }

    pub(super) fn say(&self, level: Level, text: String) {
        self.messages.push(level, text);
        self.changes.bump(Thing::Messages);
        self.changes.bump(Thing::Urls);
    }

    /// Whether it is new.
    fn remember(&self, process: ProcessId, name: &Arc<str>, url: &Arc<str>) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|old| old.process == process && old.url == *url) {
            return false;
        }
        if seen.len() == URLS_MAX {
            seen.remove(0);
        }
        seen.push(Seen { url: url.clone(), process, name: name.clone(), seen_ms: now_ms() });
        drop(seen);
        self.changes.bump(Thing::Urls);
        true
    }

    fn give_address(&self, url: &str, process: ProcessId, name: &str) -> Result<Mapping> {
        self.begin()?.register_url(url, process, name, name)
    }

    /// Gives a URL an address because somebody asked for it.
    ///
    /// # Errors
    /// It is no URL of a server, or the proxy cannot begin.
    pub(crate) fn add(&self, url: &str) -> Result<Mapping> {
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let name: Arc<str> = host.split(['/', '?', '#']).next().unwrap_or(host).into();
        let mapping = self.give_address(url, NOBODY, &name)?;
        self.remember(NOBODY, &name, &mapping.url);
        self.changes.bump(Thing::Urls);
        Ok(mapping)
    }

    /// A process has ended: its servers are gone, and so are their addresses.
    pub(crate) fn ended(&self, process: ProcessId) {
        if let Some(proxy) = self.proxy() {
            proxy.unregister_process(process);
        }
        self.changes.bump(Thing::Urls);
    }

    /// A process is no longer listed.
    pub(crate) fn forget(&self, process: ProcessId) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).retain(|seen| seen.process != process);
        self.changes.bump(Thing::Urls);
    }

    /// Serves those who name it as their proxy, or no longer; answers how it is now.
    ///
    /// # Errors
    /// The proxy cannot begin.
    pub(crate) fn toggle(&self) -> Result<bool> {
        let proxy = self.begin()?;
        proxy.set_mode(!proxy.is_full());
        self.changes.bump(Thing::Urls);
        Ok(proxy.is_full())
    }

    /// The address of the PAC file.
    ///
    /// # Errors
    /// The proxy cannot begin, or serves the addresses of servers alone.
    pub(crate) fn pac(&self) -> Result<String> {
        let proxy = self.begin()?;
        match proxy.is_full() {
            true => Ok(format!("http://127.0.0.1:{}/proxy.pac", proxy.port())),
            false => {
                let text = "the proxy serves the addresses of servers alone; /toggle-proxy makes it one for browsers";
                Err(Error::new("proxy", Code::InvalidState, text))
            }
        }
    }

    /// Ends it; all sockets are closed.
    pub(crate) fn stop(&self) {
        if let Some(proxy) = self.slot().take() {
            proxy.stop(STOP_LIMIT);
        }
    }
}
