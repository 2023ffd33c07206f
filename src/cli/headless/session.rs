//! The loop that prints: asleep until something changes, then what is new, in order; no polling.
//!
//! The rows of the processes are read before the lines: what had ended by then has all its lines in the store, so an end
//! is told after the last line. One thread prints; when the reader of its output is slow it falls behind, and then the
//! processes that print are held back, because the store gives up no line before it is told that the line was printed. Should
//! one go nevertheless (somebody cleared it), how many were missed is printed too.

use std::io::{self, ErrorKind, Write};
use std::time::{Duration, Instant};

use super::outcome;
use super::prompts::Prompts;
use super::roster::Roster;
use crate::app::command::{Command, Target};
use crate::app::view::{Backend, ProcessRow, Successor, SystemMessage};
use crate::cli::bell::Bell;
use crate::cli::output::{Line, News, Printer, now_ms};
use crate::cli::terminal;
use crate::event::{Ending, Level, ProcessId, Status};
use crate::io::guardian;
use crate::io::signals::Signal;

/// Bytes that are gathered before they are written.
const CHUNK_BYTES: usize = 64 * 1024;

/// A signal that follows another one sooner is the same request: one to the whole group reaches the app and its guardian,
/// which hands it on, on a busy machine a good while later.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Ctrl+C on the terminal reaches the app once, so it may be meant again sooner; a key that is held down is one.
const PRESSED_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// How long after a signal the next one is another request.
pub(in crate::cli) fn again_after(signal: Signal) -> Duration {
    match signal {
        Signal::Interrupt if guardian::is_foreground() => PRESSED_AGAIN_AFTER,
        _ => AGAIN_AFTER,
    }
}

/// What is waited for.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Plan {
    /// It ends when these have ended; when there are none, with a signal.
    pub(in crate::cli) wanted: Vec<ProcessId>,
    /// It ends after this time in any case, with success.
    pub(in crate::cli) limit: Option<Duration>,
    /// The longest that all processes together may take to end after they were asked to.
    pub(in crate::cli) patience: Duration,
}

/// Whether everything goes on, or is being ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Running,
    Stopping { code: u8, until: Instant },
}

/// One run of the loop.
pub(in crate::cli) struct Session<'a, W> {
    backend: &'a dyn Backend,
    plan: Plan,
    printer: Box<dyn Printer>,
    target: W,
    buffer: Vec<u8>,
    roster: Roster,
    prompts: Prompts,
    phase: Phase,
    /// The first line that was not printed yet.
    next: u64,
    /// Lines that were printed or are known to be missed.
    accounted: u64,
    /// The number of the last message that was looked at.
    message: u64,
    /// Told of what one that is waited for goes on as.
    restarted: Box<dyn Fn(ProcessId) + 'a>,
}

impl<'a, W: Write> Session<'a, W> {
    pub(in crate::cli) fn new(backend: &'a dyn Backend, plan: Plan, printer: Box<dyn Printer>, target: W) -> Self {
        Session {
            backend,
            plan,
            printer,
            target,
            buffer: Vec::with_capacity(2 * CHUNK_BYTES),
            roster: Roster::default(),
            prompts: Prompts::default(),
            phase: Phase::Running,
            next: 0,
            accounted: 0,
            message: 0,
            restarted: Box::new(|_| ()),
        }
    }

    /// `tell` is called with what one that is waited for was started again as.
    pub(in crate::cli) fn on_restart(mut self, tell: impl Fn(ProcessId) + 'a) -> Self {
        self.restarted = Box::new(tell);
        self
    }

    /// Says something of Brummer's own before the loop begins.
    pub(in crate::cli) fn say(&mut self, level: Level, text: &str) {
        self.printer.message(&mut self.buffer, now_ms(), level, text);
    }

    /// Prints until there is nothing to wait for; the exit code.
    ///
    /// # Errors
    /// The output cannot be written to. That its reader has gone away is no error: then it ends with 0.
    pub(in crate::cli) fn run(mut self, bell: &Bell) -> io::Result<u8> {
        match self.serve(bell) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
            result => result,
        }
    }

    fn serve(&mut self, bell: &Bell) -> io::Result<u8> {
        let limit = self.plan.limit.map(|limit| Instant::now() + limit);
        loop {
            let rows = self.turn(bell)?;
            if let Some(code) = self.finished(&rows) {
                self.printer.finish(&mut self.buffer);
                self.write_all()?;
                return Ok(code);
            }
            let until = match self.phase {
                Phase::Running => limit,
                Phase::Stopping { until, .. } => Some(until),
            };
            let deadline = [until, self.prompts.due()].into_iter().flatten().min();
            for signal in bell.wait(deadline) {
                self.signal(signal, &rows);
            }
            if self.phase == Phase::Running && limit.is_some_and(|limit| limit <= Instant::now()) {
                self.stop(0);
            }
        }
    }

    /// Prints everything new.
    fn turn(&mut self, bell: &Bell) -> io::Result<Vec<ProcessRow>> {
        let mut rows = self.backend.processes();
        // What is typed once a start was told is for what was started.
        if self.follow_restarts() {
            rows = self.backend.processes();
        }
        self.meet(&rows);
        self.lines(bell)?;
        self.ends(&rows);
        self.say_messages();
        self.printer.settle(&mut self.buffer);
        self.write_all()?;
        Ok(rows)
    }

    /// Tells the starts of processes that were not known.
    fn meet(&mut self, rows: &[ProcessRow]) {
        for row in rows.iter().filter(|row| row.status != Status::Pending) {
            if self.roster.meet(row) {
                let news = News::Started { command: &row.command, cwd: &row.cwd, pid: row.pid };
                self.tell(row, row.started_ms, &news);
            }
        }
    }

    fn tell(&mut self, row: &ProcessRow, time_ms: u64, news: &News<'_>) {
        if let Some(owner) = self.roster.owner(row.id) {
            self.printer.news(&mut self.buffer, owner, time_ms, news);
        }
    }

    /// Prints the lines that came since the last turn, and prompts that have waited long enough.
    fn lines(&mut self, bell: &Bell) -> io::Result<()> {
        let backend = self.backend;
        let snapshot = backend.logs().snapshot();
        let (mut count, mut told) = (0, 0);
        for line in snapshot.after(self.next) {
            if self.roster.owner(line.process).is_none() {
                self.meet(&backend.processes());
            }
            count += 1;
            self.next = line.seq + 1;
            let Some(owner) = self.roster.owner(line.process) else { continue };
            let (time_ms, sequence, stream, level, ending) =
                (line.time_ms, line.seq, line.stream, line.level, line.ending);
            let line = Line { time_ms, sequence, stream, level, bytes: line.raw, ending };
            self.printer.line(&mut self.buffer, owner, &line);
            if self.buffer.len() >= CHUNK_BYTES {
                self.write_all()?;
                backend.printed(self.next, count - std::mem::replace(&mut told, count));
                // With a slow reader there may be much to print: who asks for the end is not kept waiting for it.
                for signal in bell.signals() {
                    self.signal(signal, &backend.processes());
                }
            }
        }
        if count > told {
            backend.printed(self.next, count - told);
        }
        self.missed(snapshot.dropped() + snapshot.len(), count);
        for prompt in self.prompts.update(snapshot.partials(), Instant::now()) {
            let Some(owner) = self.roster.owner(prompt.process) else { continue };
            let (level, ending) = (Level::Info, Ending::None);
            let (time_ms, sequence, stream) = (now_ms(), self.next, prompt.stream);
            let line = Line { time_ms, sequence, stream, level, bytes: &prompt.text, ending };
            self.printer.partial(&mut self.buffer, owner, &line, prompt.progress);
        }
        Ok(())
    }

    /// Says how many of the lines that were ever written could not be printed any more.
    fn missed(&mut self, written: u64, printed: u64) {
        let missed = written.saturating_sub(self.accounted + printed);
        self.accounted += printed + missed;
        if missed > 0 {
            self.printer.skipped(&mut self.buffer, now_ms(), missed);
        }
    }

    /// Tells URLs and the ends of processes.
    fn ends(&mut self, rows: &[ProcessRow]) {
        for row in rows {
            if let Some(url) = self.roster.url(row) {
                self.tell(row, now_ms(), &News::Url(url));
            }
            if self.roster.ends(row) {
                let ended_ms = row.ended_ms.unwrap_or(row.started_ms);
                let after = Duration::from_millis(ended_ms.saturating_sub(row.started_ms));
                self.tell(row, ended_ms, &News::Ended { status: row.status, exit: row.exit, after });
            }
        }
    }

    /// Prints the messages that are new; those that repeat the end of a process are not.
    fn say_messages(&mut self) {
        let messages = self.backend.messages();
        let fresh = SystemMessage::behind(&messages, self.message);
        let (Some(first), Some(last)) = (fresh.first(), fresh.last()) else { return };
        let missed = first.number - self.message - 1;
        if missed > 0 {
            let noun = if missed == 1 { "message was" } else { "messages were" };
            let text = format!("{missed} {noun} dropped: there were too many at once");
            self.printer.message(&mut self.buffer, first.time_ms, Level::Warn, &text);
        }
        self.message = last.number;
        for message in fresh.iter().filter(|message| message.failed.is_none()) {
            self.printer.message(&mut self.buffer, message.time_ms, message.level, &message.text);
        }
    }

    fn write_all(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.target.write_all(&self.buffer)?;
            self.target.flush()?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Waits for what was started again instead of what it was; whether anything was.
    fn follow_restarts(&mut self) -> bool {
        let mut followed = false;
        for id in &mut self.plan.wanted {
            while let Successor::Is(next) = self.backend.successor(*id) {
                (*id, followed) = (next, true);
                (self.restarted)(next);
            }
        }
        followed
    }

    /// The exit code, when there is nothing left to wait for.
    fn finished(&mut self, rows: &[ProcessRow]) -> Option<u8> {
        let fresh = self.follow_restarts().then(|| self.backend.processes());
        let rows = fresh.as_deref().unwrap_or(rows);
        match self.phase {
            Phase::Stopping { code, until } => {
                (rows.iter().all(|row| row.status.is_ended()) || until <= Instant::now()).then_some(code)
            }
            Phase::Running => {
                let wanted: Vec<&ProcessRow> = rows.iter().filter(|row| self.plan.wanted.contains(&row.id)).collect();
                // What is about to be started again has ended for a moment only.
                let ended =
                    |row: &&ProcessRow| row.status.is_ended() && self.backend.successor(row.id) == Successor::Nobody;
                let all_ended = wanted.iter().all(ended);
                (!self.plan.wanted.is_empty() && all_ended).then(|| outcome::of_processes(&wanted))
            }
        }
    }

    fn signal(&mut self, signal: Signal, rows: &[ProcessRow]) {
        match (signal, self.phase) {
            (Signal::Continue, _) => {}
            (Signal::Resize, _) => {
                if let Some((columns, rows)) = terminal::size() {
                    self.printer.resize(columns);
                    self.ask(Command::Resize { columns, rows });
                }
            }
            (_, Phase::Running) => {
                let running = rows.iter().filter(|row| !row.status.is_ended()).count();
                if running > 0 {
                    let noun = if running == 1 { "process" } else { "processes" };
                    let hint = if signal == Signal::Interrupt { "; press Ctrl+C again to end at once" } else { "" };
                    self.say(Level::Info, &format!("stopping {running} {noun}{hint}"));
                }
                self.stop(outcome::of_signal(signal.number()));
            }
            (_, Phase::Stopping { until, .. }) if Instant::now() + self.plan.patience < until + again_after(signal) => {
            }
            (_, Phase::Stopping { .. }) => self.ask(Command::Kill(Target::All)),
        }
    }

    fn stop(&mut self, code: u8) {
        self.phase = Phase::Stopping { code, until: Instant::now() + self.plan.patience };
        self.ask(Command::Stop(Target::All));
    }

    fn ask(&mut self, command: Command) {
        if let Err(error) = self.backend.execute(command) {
            self.say(Level::Error, &error.to_string());
        }
    }
}
