//! The rows of all processes: what never changes in a list that is copied, what changes in a few words that are read as one.
//!
//! The list is copied when a process comes or goes, never when one changes its status; so whoever reads takes no lock and
//! sees of each row status, exit, start and end as they were at one moment.
//!
//! **Limits.** The history of ended processes and 1,000 that have not ended; then a start is refused with RESOURCE_LIMIT.

use crate::error::{Code, Error, Result};
use crate::event::{Exit, ProcessId, Status};
use crate::io::child::Terminals;
use crate::io::reactor::Number;
use crate::process::spec::ProcessSpec;
use crate::process::tap::Tap;
use crate::sync::{CowCell, Key, SeqTable};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many processes may be there beside the history. With the usual history that makes 2,048 rows, 128 KiB: a block so large comes from
/// the system as pages, and those that no process has used cost nothing.
const RUNNING_MAX: usize = 1048;

/// One process at one moment.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its id; never used twice.
    pub id: ProcessId,
    /// Its name.
    pub name: Arc<str>,
    /// How it stands.
    pub status: Status,
    /// Whether it runs, and a stop was asked for.
    pub stopping: bool,
    /// How it ended; there exactly when the status says that it has.
    pub exit: Option<Exit>,
    /// The system's number of it, while it runs.
    pub pid: Option<u32>,
    /// When it was started, in milliseconds since 1970.
    pub started_ms: u64,
    /// When it ended; there exactly when the status says that it has.
    pub ended_ms: Option<u64>,
    /// The command as a person would type it.
    pub command: Arc<str>,
    /// The directory that it was started in.
    pub cwd: Arc<str>,
    /// Whether its outputs are terminals; then it can be typed to.
    pub terminal: bool,
    /// Whether it draws on the alternate screen of its terminal, as editors do.
    pub full_screen: bool,
}

impl Process {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.status == Status::Running
    }
}

/// Everything that is kept of one process.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: ProcessId,
    pub(crate) name: Arc<str>,
    pub(crate) spec: ProcessSpec,
    pub(crate) terminal: bool,
    /// Its number in the reactor, once it was spawned.
    pub(crate) number: OnceLock<Number>,
    /// Whether a stop came before it was spawned.
    pub(crate) stop_early: AtomicBool,
    /// To type into and to resize; taken when its outputs have ended.
    pub(crate) terminals: Mutex<Option<Terminals>>,
    /// Its terminal has a size of its own: that of whoever looks at it.
    pub(crate) own_size: AtomicBool,
    full_screen: AtomicBool,
    /// Taps that the reactor has not taken yet: a process can be looked at before the reactor knows of it.
    waiting_taps: Mutex<Vec<Arc<Tap>>>,
    has_waiting_taps: AtomicBool,
    /// The pipe to its input, until somebody takes it.
    pub(crate) input: Mutex<Option<Arc<OwnedFd>>>,
    command: Arc<str>,
    cwd: Arc<str>,
    rows: Arc<SeqTable<4>>,
    key: Key,
}

/// The words of a row: flags, pid, start, end.
#[derive(Clone, Copy)]
struct Row {
    status: Status,
    stopping: bool,
    exit: Option<Exit>,
    pid: u32,
    started_ms: u64,
    ended_ms: u64,
}

const STATUSES: [Status; 5] = [Status::Pending, Status::Running, Status::Stopped, Status::Failed, Status::Success];

impl Row {
    fn pack(self) -> [u64; 4] {
        let (kind, value) = match self.exit {
            None => (0, 0),
            Some(Exit::Code(code)) => (1, code),
            Some(Exit::Signal(signal)) => (2, signal),
            Some(Exit::NotSpawned) => (3, 0),
        };
        let flags = self.status as u64 | u64::from(self.stopping) << 8 | kind << 16 | u64::from(value as u32) << 32;
        [flags, u64::from(self.pid), self.started_ms, self.ended_ms]
    }

    fn unpack([flags, pid, started_ms, ended_ms]: [u64; 4]) -> Row {
        let value = (flags >> 32) as i32;
        let exit = match flags >> 16 & 0xff {
            0 => None,
            1 => Some(Exit::Code(value)),
            2 => Some(Exit::Signal(value)),
            _ => Some(Exit::NotSpawned),
        };
        let status = STATUSES[(flags & 0xff) as usize % STATUSES.len()];
        Row { status, stopping: flags >> 8 & 1 == 1, exit, pid: pid as u32, started_ms, ended_ms }
    }
}

impl Record {
    /// It as it is now, in one piece; `None` once it is no longer listed.
    pub(crate) fn process(&self) -> Option<Process> {
        let row = Row::unpack(self.rows.read(self.key)?);
        Some(Process {
            id: self.id,
            name: self.name.clone(),
            status: row.status,
            stopping: row.stopping,
            exit: row.exit,
            pid: (row.status == Status::Running).then_some(row.pid),
            started_ms: row.started_ms,
            ended_ms: row.status.is_ended().then_some(row.ended_ms),
            command: self.command.clone(),
            cwd: self.cwd.clone(),
            terminal: self.terminal,
            full_screen: self.is_full_screen(),
        })
    }

    /// Whether it has ended; one that is no longer listed has.
    pub(crate) fn is_ended(&self) -> bool {
        self.rows.read(self.key).is_none_or(|words| Row::unpack(words).status.is_ended())
    }

    pub(crate) fn is_full_screen(&self) -> bool {
        // Relaxed: a hint for whoever shows it, with nothing behind it.
        self.full_screen.load(Ordering::Relaxed)
    }

    pub(crate) fn set_full_screen(&self, on: bool) {
        self.full_screen.store(on, Ordering::Relaxed);
    }

    /// Leaves a tap for the reactor.
    pub(crate) fn leave_tap(&self, tap: &Arc<Tap>) {
        self.waiting_taps.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(tap));
        self.has_waiting_taps.store(true, Ordering::Release);
    }

    /// The taps that were left; costs a load where there are none.
    pub(crate) fn take_taps(&self) -> Vec<Arc<Tap>> {
        if !self.has_waiting_taps.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut waiting = self.waiting_taps.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_waiting_taps.store(false, Ordering::Release);
        std::mem::take(&mut *waiting)
    }

    pub(crate) fn set_running(&self, pid: u32) {
        self.change(|row| (row.status, row.pid) = (Status::Running, pid));
    }

    pub(crate) fn set_stopping(&self, stopping: bool) {
        self.change(|row| row.stopping = stopping);
    }

    pub(crate) fn set_ended(&self, status: Status, exit: Exit) {
        let now = now_ms();
        self.change(|row| {
            (row.status, row.exit, row.stopping) = (status, Some(exit), false);
            // A clock that was set back must not make a process end before its start.
            row.ended_ms = now.max(row.started_ms);
        });
    }

    pub(crate) fn input(&self) -> MutexGuard<'_, Option<Arc<OwnedFd>>> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn terminals(&self) -> MutexGuard<'_, Option<Terminals>> {
        self.terminals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Row)) {
        // False for a row that is no longer listed: then nobody asks.
        self.rows.update(self.key, |words| {
            let mut row = Row::unpack(words);
            change(&mut row);
            row.pack()
        });
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// All processes, in the order of their starts.
#[derive(Debug)]
pub(crate) struct Table {
    records: CowCell<BTreeMap<ProcessId, Arc<Record>>>,
    rows: Arc<SeqTable<4>>,
    /// Taken by those who copy the list.
    copying: Mutex<()>,
    next: AtomicU64,
    history: usize,
}

impl Table {
    /// An empty table that keeps at most `history` ended processes.
    pub(crate) fn new(history: usize) -> Table {
        let rows = Arc::new(SeqTable::with_capacity(history + RUNNING_MAX));
        Table { records: CowCell::default(), rows, copying: Mutex::new(()), next: AtomicU64::new(1), history }
    }

    /// A new row, `pending`. The ended rows beyond the history, oldest first, are removed and returned.
    pub(crate) fn insert(&self, spec: ProcessSpec, terminal: bool) -> Result<(Arc<Record>, Vec<Arc<Record>>)> {
        let id = ProcessId(self.next.fetch_add(1, Ordering::Relaxed));
        let row =
            Row { status: Status::Pending, stopping: false, exit: None, pid: 0, started_ms: now_ms(), ended_ms: 0 };
        let key = self.rows.insert(row.pack()).map_err(|_| {
            let message = format!("start `{}`: {RUNNING_MAX} processes run already; stop some", spec.name);
            Error::new("process", Code::ResourceLimit, message)
        })?;
        let record = Arc::new(Record {
            id,
            name: spec.name.as_str().into(),
            command: spec.program.display().into(),
            cwd: spec.cwd.to_string_lossy().into(),
            spec,
            terminal,
            number: OnceLock::new(),
            stop_early: AtomicBool::new(false),
            terminals: Mutex::new(None),
            own_size: AtomicBool::new(false),
            full_screen: AtomicBool::new(false),
            waiting_taps: Mutex::default(),
            has_waiting_taps: AtomicBool::new(false),
            input: Mutex::new(None),
            rows: self.rows.clone(),
            key,
        });
        let added = record.clone();
        let dropped = self.copy(|records| {
            records.insert(id, added);
            self.beyond_history(records)
        });
        Ok((record, dropped))
    }

    fn beyond_history(&self, records: &mut BTreeMap<ProcessId, Arc<Record>>) -> Vec<Arc<Record>> {
        if records.len() <= self.history {
            return Vec::new();
        }
        let ended: Vec<ProcessId> =
            records.values().filter(|record| record.is_ended()).map(|record| record.id).collect();
        let surplus = ended.len().saturating_sub(self.history);
        ended[..surplus].iter().filter_map(|id| self.take(records, *id)).collect()
    }

    pub(crate) fn get(&self, id: ProcessId) -> Option<Arc<Record>> {
        self.records.read(|records| records.get(&id).cloned())
    }

    pub(crate) fn remove(&self, id: ProcessId) -> Option<Arc<Record>> {
        self.copy(|records| self.take(records, id))
    }

    fn take(&self, records: &mut BTreeMap<ProcessId, Arc<Record>>, id: ProcessId) -> Option<Arc<Record>> {
        let record = records.remove(&id)?;
        self.rows.remove(record.key);
        Some(record)
    }

    /// All of them at one moment of the list; each row is of one moment by itself.
    pub(crate) fn all(&self) -> Arc<BTreeMap<ProcessId, Arc<Record>>> {
        self.records.load()
    }

    fn copy<R>(&self, change: impl FnOnce(&mut BTreeMap<ProcessId, Arc<Record>>) -> R) -> R {
        let _one = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = self.records.read(BTreeMap::clone);
        let result = change(&mut records);
        self.records.store(records);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::spec::Program;
    use proptest::prelude::*;

    fn spec(name: &str) -> ProcessSpec {
        ProcessSpec::new(name, Program::Shell("true".into()), "/")
    }

    #[test]
    fn pm11_ended_processes_are_kept_up_to_the_history_and_the_oldest_go_first() {
        let table = Table::new(3);
        let running = table.insert(spec("runs"), false).unwrap().0;
        running.set_running(7);
        for i in 0..6 {
            table.insert(spec(&format!("p{i}")), false).unwrap().0.set_ended(Status::Success, Exit::Code(0));
        }
        let dropped = table.insert(spec("last"), false).unwrap().1;
        assert_eq!(dropped.iter().map(|record| &*record.name).collect::<Vec<_>>(), ["p2"]);
        let names: Vec<_> = table.all().values().map(|record| record.name.to_string()).collect();
        assert_eq!(names, ["runs", "p3", "p4", "p5", "last"]);
        assert!(dropped[0].process().is_none() && dropped[0].is_ended(), "its row may be another's by now");
    }

    #[test]
    fn a_start_beyond_the_limit_is_refused() {
        let table = Table::new(2);
        for _ in 0..RUNNING_MAX + 2 {
            table.insert(spec("p"), false).unwrap();
        }
        assert_eq!(table.insert(spec("p"), false).unwrap_err().code(), Code::ResourceLimit);
    }

    #[test]
    fn pm04_readers_beside_changes_see_whole_rows_and_never_one_of_another() {
        let (table, done) = (Table::new(3), std::sync::atomic::AtomicBool::new(false));
        let look = || {
            let mut last = None;
            for (id, record) in table.all().iter() {
                assert!(last < Some(*id) && record.id == *id, "the list is in order");
                last = Some(*id);
                let Some(process) = record.process() else { continue };
                let number = id.0 as u32;
                assert_eq!((process.id, process.name.as_ref()), (*id, "p"));
                assert!(process.pid.is_none_or(|pid| pid == number), "{process:?}");
                assert!(process.exit.is_none_or(|exit| exit == Exit::Code(number as i32)), "{process:?}");
                assert_eq!(process.exit.is_some(), process.status.is_ended());
            }
        };
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    look();
                }
            });
            for _ in 0..2_000 {
                let record = table.insert(spec("p"), false).unwrap().0;
                record.set_running(record.id.0 as u32);
                record.set_ended(Status::Failed, Exit::Code(record.id.0 as i32));
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            reader.join().unwrap();
        });
        look();
    }

    #[test]
    fn pm08_status_exit_and_end_are_read_as_one() {
        let table = Arc::new(Table::new(10));
        let record = table.insert(spec("web"), false).unwrap().0;
        let reader = {
            let record = record.clone();
            std::thread::spawn(move || {
                loop {
                    let process = record.process().unwrap();
                    let ended = process.status.is_ended();
                    assert_eq!((process.exit.is_some(), process.ended_ms.is_some()), (ended, ended));
                    assert!(process.pid.is_some() == process.is_running());
                    if ended {
                        return process;
                    }
                }
            })
        };
        record.set_running(42);
        record.set_ended(Status::Failed, Exit::Signal(11));
        let last = reader.join().unwrap();
        assert_eq!((last.status, last.exit), (Status::Failed, Some(Exit::Signal(11))));
    }

    proptest! {
        #[test]
        fn a_row_is_read_as_it_was_written(
            status in 0usize..5, stopping: bool, kind in 0u8..4, value: i32, pid: u32, started: u64, ended: u64,
        ) {
            let exit = [None, Some(Exit::Code(value)), Some(Exit::Signal(value)), Some(Exit::NotSpawned)][kind as usize];
            let row = Row { status: STATUSES[status], stopping, exit, pid, started_ms: started, ended_ms: ended };
            let back = Row::unpack(row.pack());
            prop_assert_eq!((back.status, back.stopping, back.exit), (row.status, stopping, exit));
            prop_assert_eq!((back.pid, back.started_ms, back.ended_ms), (pid, started, ended));
        }
    }
}
