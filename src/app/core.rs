//! The services, put together: started in order, wired, and stopped in reverse.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::app::answers::Answers;
use crate::app::changes::{Changes, Thing};
use crate::app::mcp_board::McpBoard;
use crate::app::memory;
use crate::app::messages::Messages;
use crate::app::sampler::UsageSampler;
use crate::app::scripts::Scripts;
use crate::app::setup::Setup;
use crate::app::sinks::Sinks;
use crate::app::view::Successor;
use crate::app::web::Web;
use crate::config::Config;
use crate::error::{ErrorCollector, Result};
use crate::event::{Event, Kind, Level, ProcessId, Status};
use crate::logs::LogStore;
use crate::process::{Input, ManagerConfig, Notices, Process, ProcessManager, ProcessSpec};
use crate::runtime::context::Context;
use crate::runtime::events::EventBus;
use crate::runtime::pool::Pool;
use crate::runtime::timer::Timer;

/// How the app is started.
pub struct AppOptions {
    /// The project's folder, absolute.
    pub dir: PathBuf,
    /// The effective settings.
    pub config: Config,
    /// Brummer itself runs on a terminal: then processes get one, unless a setting says otherwise.
    pub interactive: bool,
    /// Columns and rows for the processes' terminals.
    pub size: (u16, u16),
    /// Nobody else in this program starts children, so orphans may be adopted and reaped: true in the app that a guardian
    /// guards, false where it is one part of a bigger program.
    pub owns_descendants: bool,
}

/// The running program behind every front door.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: reading never waits for a writer of lines. **Waits**: none but in
///   [`App::shutdown`]. **Cleanup**: [`App::shutdown`], also called when it is dropped.
pub struct App {
    pub(super) options: AppOptions,
    pub(super) changes: Arc<Changes>,
    pub(super) messages: Arc<Messages>,
    pub(super) scripts: Arc<Scripts>,
    pub(super) sinks: Arc<Sinks>,
    pub(super) store: Arc<LogStore>,
    pub(super) manager: Arc<ProcessManager>,
    pub(super) bus: EventBus<Event>,
    pub(super) pool: Pool,
    pub(super) timer: Timer,
    pub(super) usage: UsageSampler,
    pub(super) answers: Answers,
    pub(super) web: Arc<Web>,
    pub(super) mcp_board: Arc<McpBoard>,
    pub(super) me: Weak<App>,
    pub(super) origins: Mutex<BTreeMap<ProcessId, Origin>>,
    pub(super) scan_workers: usize,
    /// The standard input of the next process that is started.
    input: Mutex<Input>,
    stop_limit: Duration,
    stopped: AtomicBool,
}

/// What a process was started from, so that it can be started again.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) spec: ProcessSpec,
    /// The script and its arguments, if a word named it.
    pub(super) word: Option<(String, Vec<String>)>,
    /// How often it was restarted.
    pub(super) restarts: u32,
    /// Whether it goes on as another process.
    pub(super) successor: Successor,
}

impl App {
    /// Starts the services and looks at what the project holds; starts no process.
    ///
    /// # Errors
    /// A thread or the reactor could not be made. A project file that cannot be read is a message, not an error.
    pub fn start(options: AppOptions) -> Result<Arc<App>> {
        crate::runtime::panics::install_hook();
        let setup = Setup::of(&options.config);
        let pool = Pool::new(setup.pool.clone())?;
        let bus = EventBus::new(pool.clone(), setup.bus);
        let timer = Timer::new()?;
        let store = LogStore::new(setup.store);
        let (changes, messages) = (Changes::new(), Arc::new(Messages::default()));
        let web = Web::new(setup.web.clone().of_project(&options.dir), &pool, &changes, &messages);
        let sinks = Sinks::new(store.clone(), bus.clone(), changes.clone(), setup.batch_lines);
        let announcer = Arc::new(Announcer { bus: bus.clone(), changes: changes.clone() });
        let scripts = Arc::new(Scripts::scan(&options, &setup, &messages));
        let lookup = scripts.clone();
        let config = ManagerConfig {
            scripts: Some(Arc::new(move |word: &str| lookup.spec(word, &[]))),
            owns_descendants: options.owns_descendants,
            max_concurrent_starts: setup.starts,
            interactive: options.interactive,
            size: options.size,
            reading: setup.reading,
            ..ManagerConfig::default()
        };
        let manager = ProcessManager::new(config, sinks.clone(), announcer)?;
        let app = Arc::new_cyclic(|me| App {
            me: me.clone(),
            mcp_board: McpBoard::new(&changes),
            usage: UsageSampler::default(),
            answers: Answers::default(),
            origins: Mutex::default(),
            scan_workers: setup.scan_workers,
            input: Mutex::default(),
            stop_limit: setup.stop_limit,
            stopped: AtomicBool::new(false),
            options,
            changes,
            messages,
            scripts,
            sinks,
            web,
            store,
            manager,
            bus,
            pool,
            timer,
        });
        app.listen();
        app.listen_for_servers();
        memory::watch(&app, setup.memory);
        Ok(app)
    }

    /// What the services say becomes what the front doors see.
    fn listen(&self) {
        let (messages, changes) = (self.messages.clone(), self.changes.clone());
        self.bus.subscribe(Kind::ErrorDetected, "messages", move |event: &Event| {
            if let Event::ErrorDetected { process: None, component, message, .. } = event {
                messages.push(Level::Error, format!("{component}: {message}"));
                changes.bump(Thing::Messages);
            } else {
                changes.bump(Thing::Processes);
            }
        });
        let (messages, changes) = (self.messages.clone(), self.changes.clone());
        self.bus.subscribe(Kind::ProcessChanged, "messages", move |event: &Event| {
            if let Event::ProcessChanged { process, name, status: Status::Failed, exit: Some(exit) } = event {
                messages.push_failure(*process, format!("{name} {}", exit.describe()));
                changes.bump(Thing::Messages);
            }
        });
    }

    /// Servers are given addresses of the proxy while their processes run.
    fn listen_for_servers(&self) {
        let (web, manager, me) = (self.web.clone(), self.manager.clone(), self.me.clone());
        self.bus.subscribe(Kind::UrlDetected, "proxy", move |event: &Event| {
            if let Event::UrlDetected { process, url } = event
                && let Some(found) = manager.get_process(*process).filter(|found| !found.status.is_ended())
            {
                web.found(*process, &found.name, url);
                me.upgrade().into_iter().for_each(|app| app.ask_servers());
            }
        });
        let web = self.web.clone();
        self.bus.subscribe(Kind::ProcessChanged, "proxy", move |event: &Event| {
            if let Event::ProcessChanged { process, status, .. } = event
                && status.is_ended()
            {
                web.ended(*process);
            }
        });
    }

    /// Begins the proxy now instead of with the first server; with a URL it is given an address at once, which is the answer.
    ///
    /// # Errors
    /// A port is taken, or the URL is none of a server.
    pub fn begin_proxy(&self, url: Option<&str>) -> Result<String> {
        match url {
            Some(url) => self.web.add(url).map(|mapping| mapping.proxy_url.to_string()),
            None => self.web.begin().map(|proxy| format!("http://127.0.0.1:{}", proxy.port())),
        }
    }

    /// Says something to the person as Brummer itself.
    pub fn tell(&self, text: impl Into<String>) {
        self.messages.push(Level::Info, text.into());
        self.changes.bump(Thing::Messages);
    }

    /// Calls this again and again on the timer's thread, until the app ends: it must be short.
    pub fn every(&self, period: Duration, call: impl FnMut() + Send + 'static) {
        self.timer.every(period, call);
    }

    /// From now on no line is given up before [`Backend::printed`] said that it was printed: a process that outruns the
    /// printer is held back, as a pipe would do.
    ///
    /// [`Backend::printed`]: crate::app::view::Backend::printed
    pub fn hold_lines(&self) {
        self.store.hold();
    }

    /// The next process that is started has this standard input, if it has no terminal; so has what it is started again as.
    pub fn give_input(&self, input: Input) {
        *self.input.lock().unwrap_or_else(PoisonError::into_inner) = input;
    }

    /// The bus that the services speak on.
    pub fn bus(&self) -> &EventBus<Event> {
        &self.bus
    }

    /// Who runs the processes.
    pub fn manager(&self) -> &Arc<ProcessManager> {
        &self.manager
    }

    /// The effective settings.
    pub fn config(&self) -> &Config {
        &self.options.config
    }

    /// Starts what a word of the command line names: a script or one of `[processes]`.
    ///
    /// # Errors
    /// NOT_FOUND with the nearest name; or why it could not be started.
    pub fn start_named(&self, word: &str, args: &[String]) -> Result<ProcessId> {
        let spec = self.scripts.spec(word, args)?;
        self.start_from(Origin {
            spec,
            word: Some((word.to_string(), args.to_vec())),
            restarts: 0,
            successor: Successor::Nobody,
        })
    }

    /// Starts a program with its arguments, without a shell.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn start_argv(&self, argv: &[String]) -> Result<ProcessId> {
        self.start_from(Origin { spec: self.scripts.argv(argv), word: None, restarts: 0, successor: Successor::Nobody })
    }

    pub(super) fn start_from(&self, mut origin: Origin) -> Result<ProcessId> {
        let context = Context::background().with_timeout(Duration::from_secs(30));
        let given = std::mem::take(&mut *self.input.lock().unwrap_or_else(PoisonError::into_inner));
        if given != Input::default() {
            origin.spec.input = given;
        }
        let id = self.manager.start(origin.spec.clone(), &context)?;
        self.origins().insert(id, origin);
        self.changes.bump(Thing::Scripts);
        Ok(id)
    }

    pub(super) fn origins(&self) -> std::sync::MutexGuard<'_, BTreeMap<ProcessId, Origin>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every process and its descendants, then the services in reverse order. Again is nothing.
    ///
    /// # Errors
    /// Everything that could not be ended within `limit`; beyond it, events and tasks that are under way have the time of
    /// `process_manager.worker_timeout`.
    pub fn shutdown(&self, limit: Duration) -> Result<()> {
        if self.stopped.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.watch_servers(false);
        let errors = ErrorCollector::new("app");
        errors.check(self.manager.cleanup(limit));
        self.web.stop();
        let end = Instant::now() + self.stop_limit;
        errors.check(self.bus.stop(self.stop_limit));
        errors.check(self.store.close());
        errors.check(self.pool.shutdown(end.saturating_duration_since(Instant::now())));
        errors.finish()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // Nobody is left to hear of what could not be ended; the guardian ends it.
        let _ = self.shutdown(Duration::from_secs(5));
    }
}

/// Says on the bus how processes stand.
struct Announcer {
    bus: EventBus<Event>,
    changes: Arc<Changes>,
}

impl Notices for Announcer {
    fn changed(&self, process: &Process) {
        self.changes.bump(Thing::Processes);
        self.bus.publish_async(Event::ProcessChanged {
            process: process.id,
            name: process.name.clone(),
            status: process.status,
            exit: process.exit,
        });
    }
}
