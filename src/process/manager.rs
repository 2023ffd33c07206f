//! `ProcessManager`: starts, stops, lists and listens to processes, for any thread; the work is done on one reactor.

use crate::error::{Code, Error, ErrorCollector, Result};
use crate::event::{Exit, ProcessId, Status};
use crate::io::child::Command;
use crate::io::guardian::{self, Guard};
use crate::io::pty::Size;
use crate::io::reactor::{Number, Reactor, Reading};
use crate::io::signals::Signal;
use crate::io::stdin::Target;
use crate::io::tree::MARK;
use crate::process::actor::{Actor, Message, Notices};
use crate::process::callbacks::{CallbackId, Callbacks, Line};
use crate::process::output::OutputSinks;
use crate::process::spec::{GRACE_DEFAULT, ProcessSpec, Program, Terminal};
use crate::process::starts::Starts;
use crate::process::table::{Process, Record, Table};
use crate::process::tap::Tap;
use crate::runtime::context::Context;
use crossbeam::channel::{Receiver, Sender, bounded};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Finds the spec of a script by its name; NOT_FOUND when there is none.
pub type ScriptLookup = Arc<dyn Fn(&str) -> Result<ProcessSpec> + Send + Sync>;

/// How a manager works.
pub struct ManagerConfig {
    /// How many starts are under way at once at most; others wait.
    pub max_concurrent_starts: usize,
    /// How many ended processes are kept.
    pub history: usize,
    /// Whether Brummer runs on a terminal: then [`Terminal::Auto`] means a terminal.
    pub interactive: bool,
    /// Columns and rows of the processes' terminals.
    pub size: (u16, u16),
    /// Whether every process below this program is the manager's, so that orphans are reaped and the last sweep of
    /// [`ProcessManager::cleanup`] ends whatever is left. For a program that starts children by this manager alone (helpers
    /// that are let go with [`crate::io::child::release`] excepted).
    pub owns_descendants: bool,
    /// How the processes' outputs are read.
    pub reading: Reading,
    /// What [`ProcessManager::start_script`] looks names up with.
    pub scripts: Option<ScriptLookup>,
}

impl Default for ManagerConfig {
    /// 10 starts at once, 1,000 ended processes, pipes, 80 × 24, nothing owned, no scripts.
    fn default() -> ManagerConfig {
        ManagerConfig {
            max_concurrent_starts: 10,
            history: 1000,
            interactive: false,
            size: (80, 24),
            owns_descendants: false,
            reading: Reading::default(),
            scripts: None,
        }
    }
}

impl fmt::Debug for ManagerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerConfig").field("history", &self.history).finish_non_exhaustive()
    }
}

/// Runs processes: each the leader of a session of its own, all read by one thread.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: reading the table takes no lock. **Waits**: `start` for a place among
///   the starts, `stop_process` and `cleanup` for the ends of processes; none of these may be called on the reactor's thread
///   (from a sink, a notice or a callback). **Cleanup**: [`ProcessManager::cleanup`], also when it is dropped.
pub struct ProcessManager {
    reactor: Reactor<Actor>,
    table: Table,
    callbacks: Arc<Callbacks>,
    sinks: Arc<dyn OutputSinks>,
    notices: Arc<dyn Notices>,
    starts: Starts,
    /// Columns in the upper half, rows in the lower.
    size: AtomicU32,
    interactive: bool,
    owns_descendants: bool,
    scripts: Option<ScriptLookup>,
    /// Distinguishes this manager's processes from those of any other.
    mark: String,
    closed: AtomicBool,
    /// Held by whoever cleans up; true when it was done.
    cleaned: Mutex<bool>,
}

impl fmt::Debug for ProcessManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessManager").field("processes", &self.table.all().len()).finish_non_exhaustive()
    }
}

impl ProcessManager {
    /// Starts the reactor. Call it on a thread that is not pinned to a CPU: its CPU mask is what the children get.
    ///
    /// # Errors
    /// The reactor could not be made.
    pub fn new(
        config: ManagerConfig,
        sinks: Arc<dyn OutputSinks>,
        notices: Arc<dyn Notices>,
    ) -> Result<Arc<ProcessManager>> {
        let manager = ProcessManager {
            reactor: Reactor::start(config.owns_descendants, config.reading)?,
            table: Table::new(config.history),
            callbacks: Arc::default(),
            sinks,
            notices,
            starts: Starts::new(config.max_concurrent_starts),
            size: AtomicU32::new(packed(config.size)),
            interactive: config.interactive,
            owns_descendants: config.owns_descendants,
            scripts: config.scripts,
            mark: unique_mark(),
            closed: AtomicBool::new(false),
            cleaned: Mutex::new(false),
        };
        Ok(Arc::new(manager))
    }

    /// Starts a script by its name (PM-1).
    ///
    /// # Errors
    /// NOT_FOUND for an unknown name; otherwise those of [`ProcessManager::start`].
    pub fn start_script(&self, name: &str, context: &Context) -> Result<ProcessId> {
        let unknown = || Error::new("process", Code::NotFound, format!("no script is named `{name}`"));
        let lookup = self.scripts.as_ref().ok_or_else(unknown)?;
        self.start(lookup(name)?, context)
    }

    /// Starts a program with arguments in the current directory (PM-2).
    ///
    /// # Errors
    /// Those of [`ProcessManager::start`].
    pub fn start_command(&self, name: &str, command: &str, args: &[String], context: &Context) -> Result<ProcessId> {
        let here =
            std::env::current_dir().map_err(|error| Error::io("process", "find the current directory", error))?;
        let argv = std::iter::once(command.to_owned()).chain(args.iter().cloned()).collect();
        let mut spec = ProcessSpec::new(name, Program::Argv(argv), here);
        spec.grace = GRACE_DEFAULT;
        self.start(spec, context)
    }

    /// Starts a process. Its row is there, and `notices` was told, also when it could not be spawned (`failed`, `NotSpawned`).
    ///
    /// # Errors
    /// The command and why it could not be started; TIMEOUT or CONCURRENCY from the context; INVALID_STATE after cleanup.
    pub fn start(&self, spec: ProcessSpec, context: &Context) -> Result<ProcessId> {
        let _place = self.starts.enter(context)?;
        if self.closed.load(Ordering::SeqCst) {
            let message = format!("start `{}`: Brummer is ending", spec.name);
            return Err(Error::new("process", Code::InvalidState, message));
        }
        let terminal = match spec.terminal {
            Terminal::Auto => self.interactive,
            Terminal::Always | Terminal::Shared => true,
            Terminal::Never => false,
        };
        let (record, dropped) = self.table.insert(spec, terminal)?;
        for record in dropped {
            self.tell(&record, Message::Forget);
        }
        self.notify(&record);
        self.launch(&record).inspect_err(|_| {
            record.set_ended(Status::Failed, Exit::NotSpawned);
            self.notify(&record);
        })?;
        fence(Ordering::SeqCst);
        if record.stop_early.load(Ordering::Relaxed) {
            self.tell(&record, Message::Kill(None));
        }
        Ok(record.id)
    }

    fn notify(&self, record: &Record) {
        if let Some(process) = record.process() {
            self.notices.changed(&process);
        }
    }

    fn launch(&self, record: &Arc<Record>) -> Result<()> {
        let command = self.command(record)?;
        let listen = |number: Number, child: &crate::io::child::Child| {
            record.set_running(child.pid());
            *record.terminals() = child.terminals();
            *record.input() = child.input.clone();
            // Set once: a record is launched once.
            let _ = record.number.set(number);
            self.notify(record);
            let sink = self.sinks.open(record.id, &record.name);
            Actor::new(record.clone(), child.root(), sink, self.callbacks.clone(), self.notices.clone())
        };
        let named = |error: Error| error.with("process", record.name.to_string());
        self.reactor.launch(&command, listen).map(drop).map_err(named)
    }

    fn command(&self, record: &Record) -> Result<Command> {
        let spec = &record.spec;
        let mut words = match &spec.program {
            Program::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.into()],
            Program::Argv(argv) => argv.iter().map(Into::into).collect::<Vec<std::ffi::OsString>>(),
        };
        if words.is_empty() {
            let message = format!("start `{}`: its command is empty", spec.name);
            return Err(Error::new("process", Code::InvalidState, message));
        }
        let program = words.remove(0);
        let named = spec.env.iter().map(|(name, value)| (name.into(), value.as_ref().map(Into::into)));
        // The terminal is Brummer's, whatever the one is that Brummer runs on. What is set for the process comes later and wins.
        let kind = record.terminal.then(terminal_kind).flatten().map(|kind| ("TERM".into(), Some(kind.into())));
        let environment = kind.into_iter().chain(named).collect();
        Ok(Command {
            program,
            arguments: words,
            directory: spec.cwd.clone(),
            environment,
            terminal: record.terminal.then(|| self.size()),
            shared: spec.terminal == Terminal::Shared,
            input: spec.input,
            mark: self.mark_of(record.id),
        })
    }

    /// The variables that a process has from here: the kind of its terminal, and the mark that its descendants are known by.
    pub fn own_variables(&self, id: ProcessId) -> Vec<(&'static str, String)> {
        let Ok(record) = self.record(id) else { return Vec::new() };
        let kind = record.terminal.then(terminal_kind).flatten().map(|kind| ("TERM", kind.to_owned()));
        kind.into_iter().chain([(MARK, self.mark_of(id))]).collect()
    }

    fn mark_of(&self, id: ProcessId) -> String {
        format!("{}-{}", self.mark, id.0)
    }

    /// Ends a process with all its descendants: SIGTERM, its grace, SIGKILL; returns when nobody lives (PM-3). A process that
    /// has ended may have left descendants: they are ended too.
    ///
    /// # Errors
    /// NOT_FOUND; TIMEOUT naming what lives after SIGKILL; those of the context, and then the stop goes on.
    pub fn stop_process(&self, id: ProcessId, context: &Context) -> Result<()> {
        self.reactor.refuse_on_own_thread("stop a process")?;
        let record = self.record(id)?;
        let (waiter, told) = bounded(1);
        if !self.tell(&record, Message::Stop(Some(waiter.clone()))) {
            return Ok(());
        }
        wait_for(&told, waiter, context, &record)
    }

    /// Begins to end a process and does not wait.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub fn request_stop(&self, id: ProcessId) -> Result<()> {
        self.tell_even_early(id, Message::Stop(None))
    }

    /// Kills a process and all its descendants without grace, and does not wait.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub fn kill(&self, id: ProcessId) -> Result<()> {
        self.tell_even_early(id, Message::Kill(None))
    }

    /// Stops a process if it runs, and starts the same again under a new id.
    ///
    /// # Errors
    /// Those of [`ProcessManager::stop_process`] and [`ProcessManager::start`].
    pub fn restart(&self, id: ProcessId, context: &Context) -> Result<ProcessId> {
        let spec = self.record(id)?.spec.clone();
        self.stop_process(id, context)?;
        self.start(spec, context)
    }

    /// Takes an ended process off the list; what it left running is killed.
    ///
    /// # Errors
    /// NOT_FOUND; INVALID_STATE while it runs.
    pub fn forget(&self, id: ProcessId) -> Result<()> {
        let record = self.record(id)?;
        if !record.is_ended() {
            let message = format!("forget `{}`: it runs; stop it first", record.name);
            return Err(Error::new("process", Code::InvalidState, message));
        }
        self.table.remove(id);
        self.tell(&record, Message::Forget);
        Ok(())
    }

    /// Types into a process's terminal.
    ///
    /// # Errors
    /// NOT_FOUND; INVALID_STATE without a terminal; RESOURCE_LIMIT when it does not read, saying how much was taken.
    pub fn write_stdin(&self, id: ProcessId, bytes: &[u8]) -> Result<()> {
        let taken = self.type_some(id, bytes)?;
        if taken < bytes.len() {
            let name = &self.record(id)?.name;
            let message = format!("write to `{name}`: it does not read; {taken} of {} bytes were taken", bytes.len());
            return Err(Error::new("process", Code::ResourceLimit, message).with("taken", taken.to_string()));
        }
        Ok(())
    }

    /// Types into a process's terminal as much as it takes now, and says how much that was.
    ///
    /// # Errors
    /// NOT_FOUND; INVALID_STATE without a terminal.
    pub fn type_some(&self, id: ProcessId, bytes: &[u8]) -> Result<usize> {
        let record = self.record(id)?;
        let attempt = format!("write to `{}`", record.name);
        // A terminal is closed a moment after the end of its process is told.
        let terminals = record.terminals().clone().filter(|_| !record.is_ended());
        let Some(terminals) = terminals else {
            let message = format!("{attempt}: it has no terminal, or has ended");
            return Err(Error::new("process", Code::InvalidState, message));
        };
        terminals.write(bytes).map_err(|error| Error::io("process", &attempt, error))
    }

    /// Hands on what a process writes to its terminal from now on, beginning with the newest that it wrote before.
    ///
    /// # Errors
    /// NOT_FOUND; INVALID_STATE without a terminal, or when it has ended.
    pub fn attach(&self, id: ProcessId, tap: &Arc<Tap>) -> Result<()> {
        let record = self.record(id)?;
        let refused = if !record.terminal {
            Some("it has no terminal; its output is in the logs")
        } else {
            record.is_ended().then_some("it has ended; what it wrote is in the logs")
        };
        if let Some(why) = refused {
            let message = format!("attach to `{}`: {why}", record.name);
            return Err(Error::new("process", Code::InvalidState, message));
        }
        record.leave_tap(tap);
        // Where the reactor does not know the process yet, its first output does what this does.
        self.tell(&record, Message::Attach);
        Ok(())
    }

    /// Ends what [`ProcessManager::attach`] began; its terminal gets the size of all others again.
    pub fn detach(&self, id: ProcessId, tap: &Arc<Tap>) {
        if let Some(record) = self.table.get(id) {
            self.tell(&record, Message::Detach(Arc::clone(tap)));
            // A program that draws a whole screen is left alone: it would draw that into the logs again.
            if !record.is_full_screen() && record.own_size.swap(false, Ordering::Relaxed) {
                self.resize_record(&record, self.size());
            }
        }
    }

    /// Gives one process's terminal a size of its own, until [`ProcessManager::detach`].
    pub fn resize_one(&self, id: ProcessId, columns: u16, rows: u16) {
        if let Some(record) = self.table.get(id) {
            record.own_size.store(true, Ordering::Relaxed);
            self.resize_record(&record, Size { columns, rows });
        }
    }

    fn resize_record(&self, record: &Record, size: Size) {
        if let Some(terminals) = record.terminals().clone() {
            // It fails only for a terminal that has just been closed.
            let _ = terminals.resize(size);
        }
    }

    /// Whether a program has taken its terminal's keys unedited, as those do that draw a whole screen.
    pub fn is_raw(&self, id: ProcessId) -> bool {
        self.table.get(id).and_then(|record| record.terminals().clone()).is_some_and(|terminals| terminals.is_raw())
    }

    /// Where a process takes its input from: its terminal, or the pipe that its spec asks for, which can be taken once.
    pub fn take_input(&self, id: ProcessId) -> Option<Target> {
        let record = self.table.get(id)?;
        let terminals = record.terminals().clone();
        terminals.map(Target::Terminal).or_else(|| record.input().take().map(Target::Pipe))
    }

    /// Gives the terminals of all processes, and of those to come, another size; not those that have one of their own.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.size.store(packed((columns, rows)), Ordering::Relaxed);
        for record in self.table.all().values().filter(|record| !record.own_size.load(Ordering::Relaxed)) {
            self.resize_record(record, Size { columns, rows });
        }
    }

    fn size(&self) -> Size {
        let size = self.size.load(Ordering::Relaxed);
        Size { columns: (size >> 16) as u16, rows: size as u16 }
    }

    /// One process as it is now (PM-4).
    pub fn get_process(&self, id: ProcessId) -> Option<Process> {
        self.table.get(id)?.process()
    }

    /// All processes in the order of their starts (PM-4).
    pub fn get_all_processes(&self) -> Vec<Process> {
        self.table.all().values().filter_map(|record| record.process()).collect()
    }

    /// Calls `call` for every line of every process from now on, on the reactor's thread (PM-5).
    pub fn register_log_callback(&self, call: impl Fn(&Line<'_>) + Send + Sync + 'static) -> CallbackId {
        self.callbacks.register(Box::new(call))
    }

    /// After this returned the callback is not called (PM-5). Whether it was registered.
    pub fn unregister_log_callback(&self, id: CallbackId) -> bool {
        self.callbacks.unregister(id)
    }

    /// Says that a sink has room again; see [`OutputSink::has_room`](crate::process::OutputSink::has_room).
    pub fn look_again(&self) {
        self.reactor.look_again();
    }

    /// Calls `react` for these signals, on the reactor's thread, instead of their default effect.
    pub fn on_signals(&self, signals: &[Signal], react: impl FnMut(Signal) + Send + 'static) {
        self.reactor.on_signals(signals, react);
    }

    /// When the guardian is killed, ends every descendant at once and then calls `react`, which should restore the terminal
    /// and end the program; on the reactor's thread.
    pub fn on_guardian_lost(&self, guard: Guard, react: impl FnOnce() + Send + 'static) {
        self.reactor.on_readable(guard.alive, move || {
            guardian::end_run();
            react();
        });
    }

    /// Ends every process and its descendants within `limit`: first as [`ProcessManager::stop_process`] does, in the last
    /// part of the time by SIGKILL; then ends the reactor (PM-6). A second call returns at once.
    ///
    /// # Errors
    /// One that names everything that still lives.
    pub fn cleanup(&self, limit: Duration) -> Result<()> {
        self.reactor.refuse_on_own_thread("clean up")?;
        let mut cleaned = self.cleaned.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *cleaned, true) {
            return Ok(());
        }
        let end = Instant::now() + limit;
        self.closed.store(true, Ordering::SeqCst);
        self.starts.wait_for_all(end);
        let errors = ErrorCollector::new("process");
        self.end_all(end, &errors);
        if self.owns_descendants {
            guardian::end_run();
        }
        self.reactor.stop();
        errors.finish()
    }

    fn end_all(&self, end: Instant, errors: &ErrorCollector) {
        let (waiter, told) = bounded(self.table.all().len().max(1));
        let all = self.table.all();
        let waiting = all.values().filter(|record| self.tell(record, Message::Stop(Some(waiter.clone())))).count();
        let reserve = KILL_RESERVE.min(end.saturating_duration_since(Instant::now()) / 2);
        let asked =
            (0..waiting).take_while(|_| told.recv_deadline(end - reserve).is_ok_and(|r| keep(r, errors))).count();
        if asked == waiting {
            return;
        }
        for record in all.values() {
            self.tell(record, Message::Kill(None));
        }
        for _ in asked..waiting {
            match told.recv_deadline(end) {
                Ok(result) => drop(errors.check(result)),
                Err(_) => {
                    let message = "end all processes: not all of them are gone in time";
                    errors.add(Error::new("process", Code::Timeout, message));
                    return;
                }
            }
        }
    }

    fn record(&self, id: ProcessId) -> Result<Arc<Record>> {
        let unknown = || Error::new("process", Code::NotFound, format!("no process has the id {}", id.0));
        self.table.get(id).ok_or_else(unknown)
    }

    /// A process that is about to be spawned is ended as soon as it is: it has done nothing yet that it could tidy up.
    fn tell_even_early(&self, id: ProcessId, message: Message) -> Result<()> {
        let record = self.record(id)?;
        // Stored before the number is looked for, as the start sets the number before it looks here; with a full fence between
        // the two steps on both sides, at least one sees the other.
        record.stop_early.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.tell(&record, message);
        Ok(())
    }

    /// Whether there is somebody to tell: a process that was never spawned has nobody.
    fn tell(&self, record: &Record, message: Message) -> bool {
        let number = record.number.get();
        number.inspect(|&&number| self.reactor.tell(number, message)).is_some()
    }
}

/// The part of a cleanup's time that is kept for SIGKILL.
const KILL_RESERVE: Duration = Duration::from_millis(1500);

fn keep(result: Result<()>, errors: &ErrorCollector) -> bool {
    errors.check(result);
    true
}

impl Drop for ProcessManager {
    fn drop(&mut self) {
        // Nobody is left to be told what could not be ended.
        let _ = self.cleanup(GRACE_DEFAULT + KILL_RESERVE);
    }
}

/// Waits for the answer of a stop, or for the end of the context.
fn wait_for(told: &Receiver<Result<()>>, waiter: Sender<Result<()>>, context: &Context, record: &Record) -> Result<()> {
    let name = record.name.clone();
    let _guard = context.on_cancel(move || {
        let message = format!("stop `{name}`: cancelled; the stop goes on");
        // When an answer is there already it is the one that counts.
        let _ = waiter.try_send(Err(Error::new("process", Code::Concurrency, message)));
    });
    let answer = match context.deadline() {
        Some(deadline) => told.recv_deadline(deadline).ok(),
        None => told.recv().ok(),
    };
    answer.unwrap_or_else(|| {
        let message = format!("stop `{}`: it has not ended in time; the stop goes on", record.name);
        Err(Error::new("process", Code::Timeout, message))
    })
}

/// What the terminals of processes call themselves: what `wire::screen` understands; `dumb` stays what it is.
fn terminal_kind() -> Option<&'static str> {
    let outer = std::env::var_os("TERM")?;
    (!outer.is_empty() && outer != "dumb").then_some("xterm-256color")
}

fn packed((columns, rows): (u16, u16)) -> u32 {
    u32::from(columns) << 16 | u32::from(rows)
}

/// A value that no other manager has had: the pid, the time, and the address of something that lives now.
fn unique_mark() -> String {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let salt = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), time);
    format!("{}-{salt:016x}", std::process::id())
}
