//! What every service is started with, made from the settings: the one place where a setting becomes an effect.

use std::time::Duration;

use crate::app::web::WebSetup;
use crate::config::{Backpressure, Config, ProxyMode, RuleEntry};
use crate::io::reactor::Reading;
use crate::logs::LogLimits;
use crate::process::Terminal;
use crate::process::detect::{DetectOptions, Manager, RunnerChoice};
use crate::proxy::inject::Policies;
use crate::proxy::{CaptureLimits, Limits, ProxyConfig, Rule};
use crate::runtime::events::{BusConfig, Policy};
use crate::runtime::pool::{Pin, PoolConfig};

/// Threads beside the pool's: main, reactor, proxy, timer, input, writer.
const SERVICE_THREADS: usize = 6;

/// What a short line takes; the default of 10,000 lines is a share of about 256 KiB.
const LINE_BYTES: usize = 26;

/// A pipe holds no more.
const SHARE_MAX: usize = 1 << 20;

/// What every service is started with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) detect: DetectOptions,
    pub(crate) terminal: Terminal,
    pub(crate) grace: Duration,
    pub(crate) pool: PoolConfig,
    pub(crate) bus: BusConfig,
    pub(crate) store: LogLimits,
    pub(crate) reading: Reading,
    pub(crate) starts: usize,
    pub(crate) batch_lines: usize,
    /// Workers that look through the lines at once.
    pub(crate) scan_workers: usize,
    /// What may pass at the end before events and tasks that are under way are given up.
    pub(crate) stop_limit: Duration,
    pub(crate) memory: Memory,
    pub(crate) web: WebSetup,
}

/// How Brummer's own memory is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) limit_bytes: u64,
    pub(crate) every: Duration,
}

impl Setup {
    /// As these settings say.
    pub(crate) fn of(config: &Config) -> Setup {
        let settings = &config.settings;
        let memory = Memory {
            limit_bytes: settings.resources.memory_limit_mb * 1024 * 1024,
            every: Duration::from_millis(settings.resources.monitoring_interval_ms),
        };
        Setup {
            detect: detect(config),
            terminal: terminal(settings.general.terminal),
            grace: settings.general.grace,
            pool: pool(config),
            bus: bus(config),
            store: store(config, memory.limit_bytes),
            reading: reading(config),
            starts: settings.process_manager.max_concurrent_starts,
            batch_lines: settings.log_store.batch_size,
            scan_workers: settings.log_store.worker_count,
            stop_limit: settings.process_manager.worker_timeout,
            memory,
            web: web(config),
        }
    }
}

/// When a process gets a terminal.
pub(crate) fn terminal(setting: Option<bool>) -> Terminal {
    match setting {
        None => Terminal::Auto,
        Some(true) => Terminal::Always,
        Some(false) => Terminal::Never,
    }
}

/// How scripts are looked for.
fn detect(config: &Config) -> DetectOptions {
    let settings = &config.settings.general;
    let defaults = DetectOptions::default();
    DetectOptions {
        runner: RunnerChoice::from_name(settings.runner.name()).unwrap_or_default(),
        preferred: Manager::from_name(settings.preferred_package_manager.name()).unwrap_or(defaults.preferred),
        ..defaults
    }
}

fn pool(config: &Config) -> PoolConfig {
    let pin = match config.settings.pool.pin {
        None => Pin::Auto,
        Some(true) => Pin::Always,
        Some(false) => Pin::Never,
    };
    let most = config.settings.resources.max_threads.saturating_sub(SERVICE_THREADS).max(1);
    PoolConfig { workers: Some(config.settings.eventbus.worker_pool_size.min(most)), pin, ..PoolConfig::default() }
}

fn bus(config: &Config) -> BusConfig {
    let settings = &config.settings.eventbus;
    let policy = match settings.backpressure_strategy {
        Backpressure::DropOldest => Policy::DropOldest,
        Backpressure::DropNewest => Policy::DropNewest,
        Backpressure::DropLowPriority => Policy::DropLowPriority,
        Backpressure::Block => Policy::Block,
    };
    BusConfig { bounds: settings.queue_sizes, policy, monitoring: settings.enable_monitoring, ..BusConfig::default() }
}

fn store(config: &Config, memory_bytes: u64) -> LogLimits {
    let settings = &config.settings.log_store;
    // A quarter of the limit is left for everything that is not text.
    let most = memory_bytes / 4 * 3;
    LogLimits {
        max_entries: settings.max_entries,
        max_total_entries: settings.max_total_entries,
        max_bytes: usize::try_from(settings.max_bytes.min(most)).unwrap_or(usize::MAX),
        ..LogLimits::default()
    }
}

fn web(config: &Config) -> WebSetup {
    let settings = &config.settings.proxy_server;
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let limits = Limits {
        connect: Duration::from_millis(settings.connection_timeout_ms),
        websockets: settings.max_ws_clients,
        ..Limits::default()
    };
    WebSetup {
        enabled: settings.mode != ProxyMode::Off,
        proxy: ProxyConfig {
            port: settings.port,
            first_port: settings.first_port,
            lan: settings.lan,
            full: settings.mode == ProxyMode::Full,
            rewrite: settings.rewrite,
            hide_via: !settings.via,
            hosts: settings.allowed_hosts.clone(),
            forward_to: Some(settings.forward_to.clone()).filter(|hosts| !hosts.is_empty()),
            limits,
            rules: config.rules.iter().map(rule).collect(),
            ..ProxyConfig::default()
        },
        capture: CaptureLimits {
            exchanges: settings.request_buffer_size,
            bytes: size(settings.max_bytes),
            body_bytes: size(settings.max_body_bytes),
            ..CaptureLimits::default()
        },
        telemetry: settings.telemetry,
        policies: if settings.loosen_csp { Policies::Loosen } else { Policies::Keep },
    }
}

fn rule(entry: &RuleEntry) -> Rule {
    Rule {
        path: entry.path.clone(),
        host: entry.host.clone(),
        method: entry.method.clone(),
        latency: entry.latency,
        jitter: entry.jitter,
        bytes_per_second: entry.bytes_per_second,
        drop_percent: entry.drop_percent,
        status: entry.status,
        set_headers: entry.set_headers.clone(),
        remove_headers: entry.remove_headers.clone(),
        body_file: entry.body_file.clone(),
        map_to: entry.map_to.clone(),
    }
}

fn reading(config: &Config) -> Reading {
    let settings = &config.settings.log_store;
    Reading {
        share_bytes: settings.buffer_size.saturating_mul(LINE_BYTES).min(SHARE_MAX),
        longest_pause: Duration::from_millis(settings.timeout_ms),
    }
}
