//! The one table of settings: section, key, type, default, what is allowed, and above them what it does.

use std::sync::LazyLock;
use std::time::Duration;

use super::choices::{
    Backpressure, Choice, Clipboard, Glyphs, Notify, PackageManager, ProxyMode, Runner, StartView, StatusRead,
    Timestamps,
};
use super::kind::Kind::{self, Auto, Bool, Count, Counts, Size, Texts, Theme, Time};
use super::kind::Value;

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The TOML table it stands in; empty for the keys at the top of a file.
    pub section: &'static str,
    /// Its name within the section.
    pub key: &'static str,
    /// Its type and bounds.
    pub kind: Kind,
    /// Its value when nothing else is said.
    pub default: Value,
    /// What it does, as one sentence.
    pub about: &'static str,
}

impl Setting {
    /// `section.key`, or the key alone at the top of a file.
    pub fn name(&self) -> String {
        if self.section.is_empty() { self.key.to_owned() } else { format!("{}.{}", self.section, self.key) }
    }
}

macro_rules! settings {
    ($( $(#[$doc:meta])+ $field:ident $section:literal $Section:ident {
        $( #[doc = $about:literal] $key:ident: $Type:ty = $default:expr, $kind:expr; )+
    } )+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Debug, PartialEq)]
            pub struct $Section { $( #[doc = $about] pub $key: $Type, )+ }
        )+

        /// Every setting as a typed value, section by section.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings { $( $(#[$doc])+ pub $field: $Section, )+ }

        impl Settings {
            /// From one value per row of [`table`], in its order.
            pub(super) fn from_values<'a>(values: impl IntoIterator<Item = &'a Value>) -> Settings {
                let mut values = values.into_iter();
                Settings { $( $field: $Section { $( $key: <$Type>::from_value(values.next()) ),+ } ),+ }
            }
        }

        /// All rows, in the order in which they are shown.
        pub(crate) fn table() -> &'static [Setting] {
            static TABLE: LazyLock<Vec<Setting>> = LazyLock::new(|| vec![ $( $( Setting {
                section: $section, key: stringify!($key), kind: $kind, default: $default, about: $about.trim_ascii(),
            } ),+ ),+ ]);
            &TABLE
        }
    };
}

settings! {
    /// The keys at the top of a file.
    general "" General {
        /// Manager of a project that names none and has no lock file.
        preferred_package_manager: PackageManager = word("npm"), choice::<PackageManager>();
        /// Who runs the scripts of package.json.
        runner: Runner = word("auto"), choice::<Runner>();
        /// Whether processes get a terminal; auto: when Brummer has one.
        terminal: Option<bool> = Value::Auto(None), Auto;
        /// Time between asking a process to stop and killing it.
        grace: Duration = secs(5), Time(Duration::ZERO, MINUTE * 10);
        /// The port of the server for AI tools (MCP); the next free one is taken, 0 means any.
        mcp_port: u16 = Value::Count(7777), Count(0, 65_535);
        /// Whether there is no server for AI tools.
        no_mcp: bool = Value::Bool(false), Bool;
        /// Whether clients of that server must show the user's token, which `brummer mcp install` and the hub know.
        mcp_token: bool = Value::Bool(false), Bool;
    }
    /// `[eventbus]`.
    eventbus "eventbus" EventBus {
        /// Worker threads that handle events and tasks.
        worker_pool_size: usize = Value::Count(worker_default()), Count(1, 48);
        /// Most events that wait: high, medium, low priority.
        queue_sizes: [usize; 3] = Value::Counts([100, 500, 1000]), Counts(1, 100_000);
        /// What happens when a queue is full.
        backpressure_strategy: Backpressure = word("drop_oldest"), choice::<Backpressure>();
        /// Whether the times that events take are measured.
        enable_monitoring: bool = Value::Bool(true), Bool;
    }
    /// `[pool]`.
    pool "pool" Pool {
        /// Whether workers are pinned to cores; auto: while it does not hurt.
        pin: Option<bool> = Value::Auto(None), Auto;
    }
    /// `[process_manager]`.
    process_manager "process_manager" ProcessManager {
        /// Processes that may be starting at once.
        max_concurrent_starts: usize = Value::Count(10), Count(1, 1000);
        /// How the state of a process is read; there is one way.
        status_read_strategy: StatusRead = word("atomic"), choice::<StatusRead>();
        /// At the end: longest wait for events and tasks that are under way.
        worker_timeout: Duration = secs(5), Time(MILLISECOND * 10, MINUTE * 10);
    }
    /// `[log_store]`.
    log_store "log_store" LogStore {
        /// Lines of one process (of 26 bytes) that are read before others have their turn; a pipe holds 1 MiB.
        buffer_size: usize = Value::Count(10_000), Count(100, 10_000_000);
        /// Most lines that are added before they are seen.
        batch_size: usize = Value::Count(100), Count(1, 100_000);
        /// Workers that a search through all lines uses at once.
        worker_count: usize = Value::Count(1), Count(1, 64);
        /// Longest that a line waits for others to be read with it, in milliseconds; no line waits over 3.
        timeout_ms: u64 = Value::Count(50), Count(1, 60_000);
        /// Lines that every process keeps at least.
        max_entries: usize = Value::Count(10_000), Count(100, 10_000_000);
        /// Lines kept over all processes.
        max_total_entries: usize = Value::Count(200_000), Count(100, 100_000_000);
        /// Bytes of text kept over all processes.
        max_bytes: u64 = Value::Size(64 << 20), Size(1 << 20, 64 << 30);
    }
    /// `[proxy_server]`.
    proxy_server "proxy_server" ProxyServer {
        /// Whose requests the proxy takes.
        mode: ProxyMode = word("reverse"), choice::<ProxyMode>();
        /// Its own port: `NAME.localhost`, `/proxy.pac`, and in full mode the proxy itself; the next free one is taken.
        port: u16 = Value::Count(19_888), Count(1, 65_535);
        /// The first of the ports that the servers of processes are given.
        first_port: u16 = Value::Count(20_888), Count(1024, 65_000);
        /// Whether other machines may connect.
        lan: bool = Value::Bool(false), Bool;
        /// Host names that are answered beside localhost, *.localhost, 127.0.0.1 and ::1.
        allowed_hosts: Vec<String> = Value::Texts(Vec::new()), Texts;
        /// Hosts that may be reached in full mode beside this machine, such as `*.example.com`; none named: all.
        forward_to: Vec<String> = Value::Texts(Vec::new()), Texts;
        /// Whether Host, Origin, Referer, Location and cookie domains are made what each side expects.
        rewrite: bool = Value::Bool(true), Bool;
        /// Whether the telemetry script is put into pages.
        telemetry: bool = Value::Bool(true), Bool;
        /// Whether a page's Content-Security-Policy is loosened as far as that script needs.
        loosen_csp: bool = Value::Bool(true), Bool;
        /// Whether requests and answers carry a `Via` field.
        via: bool = Value::Bool(true), Bool;
        /// Requests that are kept.
        request_buffer_size: usize = Value::Count(1000), Count(1, 1_000_000);
        /// Bytes of requests that are kept.
        max_bytes: u64 = Value::Size(64 << 20), Size(1 << 20, 64 << 30);
        /// Bytes of each body that are kept.
        max_body_bytes: u64 = Value::Size(64 << 10), Size(0, 1 << 30);
        /// Longest wait for a server to accept, in milliseconds.
        connection_timeout_ms: u64 = Value::Count(5000), Count(1, 600_000);
        /// WebSockets that are open at once.
        max_ws_clients: usize = Value::Count(50), Count(1, 100_000);
    }
    /// `[mcp_manager]`: the connections of the hub (`brummer --mcp`) to running instances.
    mcp_manager "mcp_manager" McpManager {
        /// Time between two health checks of an instance, in milliseconds.
        health_check_interval_ms: u64 = Value::Count(30_000), Count(100, 86_400_000);
        /// Time after which a silent session is not routed any more, in milliseconds.
        session_timeout_ms: u64 = Value::Count(300_000), Count(1000, 86_400_000);
        /// Tries to reach an instance after the first one that failed.
        max_retry_attempts: usize = Value::Count(3), Count(0, 100);
        /// Whether the hub lists the tools of each instance by themselves (`NAME__tool`) besides.
        list_each_instance: bool = Value::Bool(false), Bool;
    }
    /// `[resources]`.
    resources "resources" Resources {
        /// Threads that may live at once; the pool has at most so many less 5.
        max_threads: usize = Value::Count(8 * cores()), Count(4, 100_000);
        /// Memory that Brummer itself may use, in MiB.
        memory_limit_mb: u64 = Value::Count(512), Count(32, 1 << 20);
        /// Time between two looks at Brummer's own memory, in milliseconds.
        monitoring_interval_ms: u64 = Value::Count(10_000), Count(100, 3_600_000);
    }
    /// `[ui]`.
    ui "ui" Ui {
        /// The colours.
        theme: String = Value::Text("auto".to_owned()), Theme;
        /// The characters that lines and marks are drawn with.
        glyphs: Glyphs = word("unicode"), choice::<Glyphs>();
        /// Whether the mouse is used.
        mouse: bool = Value::Bool(true), Bool;
        /// Whether a selection with the mouse is copied at once; else `y` copies it.
        copy_on_select: bool = Value::Bool(true), Bool;
        /// How text is copied.
        clipboard: Clipboard = word("auto"), choice::<Clipboard>();
        /// How a desktop notice is asked for when a process fails, or ends after 30 s, while the terminal has no focus.
        notify: Notify = word("auto"), choice::<Notify>();
        /// The time before a log line.
        timestamps: Timestamps = word("clock"), choice::<Timestamps>();
        /// Whether long lines are wrapped.
        wrap: bool = Value::Bool(false), Bool;
        /// Lines that one step of the mouse wheel scrolls.
        scroll_lines: usize = Value::Count(3), Count(1, 100);
        /// Most frames a second for input.
        max_fps: u64 = Value::Count(60), Count(1, 240);
        /// Most frames a second when only logs changed.
        flood_fps: u64 = Value::Count(30), Count(1, 240);
        /// Whether clocks and durations are drawn anew each minute instead of each second.
        reduced_motion: bool = Value::Bool(false), Bool;
        /// Whether the terminal is told where a frame ends, so that it never shows half of one; auto: unless it cannot.
        sync_output: Option<bool> = Value::Auto(None), Auto;
        /// Whether the last row names the keys that matter, and a view that is new tells what it is for; else the view has that row.
        hints: bool = Value::Bool(true), Bool;
        /// The view that is shown first when no script was named.
        start_view: StartView = word("scripts"), choice::<StartView>();
        /// Whether quitting asks while processes run.
        confirm_quit: bool = Value::Bool(true), Bool;
        /// How long a message stays.
        toast_seconds: u64 = Value::Count(4), Count(1, 60);
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

fn word(name: &'static str) -> Value {
    Value::Choice(name)
}

fn secs(seconds: u64) -> Value {
    Value::Time(Duration::from_secs(seconds))
}

fn choice<T: Choice>() -> Kind {
    Kind::Choice(T::NAMES)
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64)
}

/// `max(4, min(2.5 × cores, 32))`.
fn worker_default() -> u64 {
    (cores() * 5 / 2).clamp(4, 32)
}

/// A type that a checked value can be turned into.
trait FromValue: Sized {
    /// A missing value or one of another kind cannot occur: the table pairs each type with its kind, and a test reads
    /// every row.
    fn from_value(value: Option<&Value>) -> Self;
}

macro_rules! from_value {
    ($( $Type:ty: $pattern:pat => $result:expr; )+) => {$(
        impl FromValue for $Type {
            fn from_value(value: Option<&Value>) -> Self {
                match value {
                    Some($pattern) => $result,
                    other => unreachable!("the table pairs {} with {other:?}", stringify!($Type)),
                }
            }
        }
    )+};
}

from_value! {
    bool: Value::Bool(flag) => *flag;
    Option<bool>: Value::Auto(flag) => *flag;
    u64: Value::Count(number) | Value::Size(number) => *number;
    usize: Value::Count(number) => whole(*number);
    Duration: Value::Time(time) => *time;
    u16: Value::Count(number) => u16::try_from(*number).unwrap_or(u16::MAX);
    [usize; 3]: Value::Counts(numbers) => numbers.map(whole);
    Vec<String>: Value::Texts(texts) => texts.clone();
    String: Value::Text(text) => text.clone();
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<T: Choice> FromValue for T {
    fn from_value(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Choice(name)) => {
                T::from_name(name).unwrap_or_else(|| unreachable!("{name} was checked against NAMES"))
            }
            other => unreachable!("the table pairs a choice with {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cf_every_row_has_a_default_of_its_own_kind_and_within_its_bounds() {
        for row in table() {
            let text = format!("x = {}", row.default);
            let parsed = toml::de::DeTable::parse(&text).expect("a default is valid TOML");
            let raw = super::super::kind::Raw::from_toml(parsed.get_ref()["x"].get_ref());
            assert_eq!(row.kind.check(&raw).as_ref(), Ok(&row.default), "{}", row.name());
        }
    }

    #[test]
    fn cf_the_defaults_are_those_of_the_contract() {
        let all = Settings::from_values(table().iter().map(|row| &row.default));
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        assert_eq!(all.eventbus.worker_pool_size, (cores * 5 / 2).clamp(4, 32));
        assert_eq!(all.eventbus.queue_sizes, [100, 500, 1000]);
        assert_eq!(all.eventbus.backpressure_strategy, Backpressure::DropOldest);
        assert!(all.eventbus.enable_monitoring);
        assert_eq!(all.process_manager.max_concurrent_starts, 10);
        assert_eq!(all.process_manager.status_read_strategy.name(), "atomic");
        assert_eq!(all.process_manager.worker_timeout, Duration::from_secs(5));
        let logs = &all.log_store;
        assert_eq!((logs.buffer_size, logs.batch_size, logs.worker_count, logs.timeout_ms), (10_000, 100, 1, 50));
        assert_eq!((logs.max_entries, logs.max_total_entries, logs.max_bytes), (10_000, 200_000, 64 << 20));
        let proxy = &all.proxy_server;
        assert_eq!((proxy.request_buffer_size, proxy.connection_timeout_ms, proxy.max_ws_clients), (1000, 5000, 50));
        let mcp = &all.mcp_manager;
        assert_eq!(
            (mcp.health_check_interval_ms, mcp.session_timeout_ms, mcp.max_retry_attempts),
            (30_000, 300_000, 3)
        );
        let resources = &all.resources;
        assert_eq!((resources.max_threads, resources.memory_limit_mb), (8 * cores, 512));
        assert_eq!(resources.monitoring_interval_ms, 10_000);
    }
}
