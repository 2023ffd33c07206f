//! What all pages have told, by process and tab: newest first to keep, bounded in number, time and bytes (PX-10).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::batch::Batch;
use super::group::{ErrorGroup, ErrorKind, Groups, Original};
use super::session::Session;
use super::stack::StackFrame;
use crate::event::ProcessId;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelemetryLimits {
    /// Sessions of one process; beyond them the one that was quiet longest goes.
    pub sessions: usize,
    /// Events of one session; beyond them the oldest go.
    pub events: usize,
    /// A session that is quiet for so long goes.
    pub idle: Duration,
    /// About the memory of all events; beyond it the session that was quiet longest goes, and of a last one its oldest events.
    pub bytes: usize,
}

impl Default for TelemetryLimits {
    fn default() -> TelemetryLimits {
        TelemetryLimits { sessions: 100, events: 1000, idle: Duration::from_secs(30 * 60), bytes: 32 << 20 }
    }
}

/// An error whose place in the original source is not known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Unresolved {
    /// Its group.
    pub fingerprint: u64,
    /// Where it was.
    pub frames: Arc<[StackFrame]>,
    /// The scripts of its page.
    pub scripts: Vec<Arc<str>>,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

/// What the pages of one process have told.
#[derive(Default)]
struct Book {
    /// The one that spoke last at the end.
    sessions: Vec<Arc<Session>>,
    groups: Groups,
}

#[derive(Default)]
struct State {
    books: HashMap<Arc<str>, Book>,
    bytes: usize,
    hooks: Vec<Hook>,
    told: bool,
}

/// The telemetry of all pages. Sessions are handed out as they stand at one moment; what comes later does not change them.
///
/// - **Thread safety**: any number of writers and readers. **Progress**: blocking on a short lock. **Waits**: none beyond it.
///   **Cleanup**: none.
pub struct TelemetryStore {
    limits: TelemetryLimits,
    version: AtomicU64,
    state: Mutex<State>,
}

impl fmt::Debug for TelemetryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryStore").field("version", &self.version()).finish_non_exhaustive()
    }
}

impl Default for TelemetryStore {
    fn default() -> TelemetryStore {
        TelemetryStore::new(TelemetryLimits::default())
    }
}

/// The name under which pages without a managed process are kept.
const NOBODY: &str = "";

impl TelemetryStore {
    /// An empty one.
    pub fn new(limits: TelemetryLimits) -> TelemetryStore {
        TelemetryStore { limits, version: AtomicU64::new(0), state: Mutex::default() }
    }

    /// Takes in what a page of a process has told at `now_ms`; a session that is not known begins with it. Answers the errors
    /// that [`TelemetryStore::resolve`] should hear of.
    pub fn add_session(&self, process: Option<(ProcessId, Arc<str>)>, batch: Batch, now_ms: u64) -> Vec<Unresolved> {
        let name = process.as_ref().map_or_else(|| Arc::from(NOBODY), |(_, name)| Arc::clone(name));
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let mut gone = state.expire(now_ms, self.limits.idle);
        let book = state.books.entry(name).or_default();
        let known = book.sessions.iter().position(|session| session.id == batch.session);
        let mut session = match known {
            Some(at) => book.sessions.remove(at),
            None => Arc::new(Session::new(Arc::clone(&batch.session), now_ms)),
        };
        state.bytes -= known.map_or(0, |_| session.bytes);
        let errors = batch.events.iter().filter_map(|event| ErrorGroup::of(event, &batch.session));
        let mut unresolved: Vec<Unresolved> = Vec::new();
        for error in errors {
            let group = book.groups.add(error);
            let known = unresolved.iter().any(|other| other.fingerprint == group.fingerprint);
            if group.originals.is_empty() && !group.frames.is_empty() && !known {
                let (fingerprint, frames) = (group.fingerprint, Arc::clone(&group.frames));
                unresolved.push(Unresolved { fingerprint, frames, scripts: Vec::new() });
            }
        }
        let changed = Arc::make_mut(&mut session);
        changed.process = process.or(changed.process.take());
        changed.take(batch, now_ms, self.limits.events);
        state.bytes += session.bytes;
        for error in unresolved.iter_mut().filter(|error| error.frames.iter().any(StackFrame::is_evaluated)) {
            error.scripts = session.scripts();
        }
        book.sessions.push(session);
        if book.sessions.len() > self.limits.sessions {
            let oldest = book.sessions.remove(0);
            state.bytes -= oldest.bytes;
            gone.push(oldest);
        }
        state.keep_within(self.limits.bytes, &mut gone);
        self.changed(guard);
        unresolved
    }

    /// A session as it stands.
    pub fn get_session(&self, id: &str) -> Option<Arc<Session>> {
        let state = self.read();
        let mut all = state.books.values().flat_map(|book| &book.sessions);
        all.find(|session| &*session.id == id).cloned()
    }

    /// The sessions of a process at one moment, the one that spoke last first.
    pub fn sessions_for_process(&self, process: &str) -> Vec<Arc<Session>> {
        let state = self.read();
        state.books.get(process).map_or_else(Vec::new, |book| book.sessions.iter().rev().cloned().collect())
    }

    /// All sessions at one moment, the one that spoke last first.
    pub fn sessions(&self) -> Vec<Arc<Session>> {
        let mut all: Vec<_> = self.read().books.values().flat_map(|book| book.sessions.iter().cloned()).collect();
        all.sort_by_key(|session| std::cmp::Reverse(session.last_ms));
        all
    }

    /// Forgets what the pages of a process have told; whoever reads sees all of it or none.
    pub fn clear_for_process(&self, process: &str) {
        let mut state = self.state.lock();
        let gone = state.books.remove(process);
        state.bytes -= gone.iter().flat_map(|book| &book.sessions).map(|session| session.bytes).sum::<usize>();
        self.changed(state);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        let _gone = std::mem::take(&mut state.books);
        state.bytes = 0;
        self.changed(state);
    }

    /// Errors of pages in groups, the one seen last first: of one process, or of all.
    pub fn errors(&self, process: Option<&str>) -> Vec<ErrorGroup> {
        self.groups(process, |kind| kind != ErrorKind::Console)
    }

    /// What was written with `console.error`, likewise.
    pub fn console_errors(&self, process: Option<&str>) -> Vec<ErrorGroup> {
        self.groups(process, |kind| kind == ErrorKind::Console)
    }

    fn groups(&self, process: Option<&str>, wanted: impl Fn(ErrorKind) -> bool) -> Vec<ErrorGroup> {
        let mut found: Vec<ErrorGroup> = {
            let state = self.read();
            let books = state.books.iter().filter(|(name, _)| process.is_none_or(|process| ***name == *process));
            books.flat_map(|(_, book)| book.groups.newest_first()).filter(|group| wanted(group.kind)).cloned().collect()
        };
        found.sort_by_key(|group| std::cmp::Reverse(group.last_ms));
        found
    }

    /// Says where the frames of a group were before the source was translated.
    pub fn resolve(&self, fingerprint: u64, frames: &[StackFrame], originals: &[Option<Original>]) {
        let mut state = self.state.lock();
        let mut known = false;
        for book in state.books.values_mut() {
            known |= book.groups.resolve(fingerprint, frames, originals);
        }
        if known {
            self.changed(state);
        }
    }

    /// Lets sessions go that have been quiet for too long.
    pub fn expire(&self, now_ms: u64) {
        let mut state = self.state.lock();
        let gone = state.expire(now_ms, self.limits.idle);
        if !gone.is_empty() {
            self.changed(state);
        }
    }

    /// About the memory that all events take.
    pub fn bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Grows with every change; equal versions mean equal contents.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Calls `hook` after a change, on the thread that made it, so it must be quick. It is called once until somebody has
    /// read: a reader that reads after each call misses nothing.
    pub fn on_change(&self, hook: impl Fn() + Send + Sync + 'static) {
        let mut state = self.state.lock();
        state.hooks.push(Arc::new(hook));
        state.told = false;
    }

    fn read(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        state.told = false;
        state
    }

    /// Lets go of the lock and tells the hooks, if anybody has read since they were told last.
    fn changed(&self, mut state: MutexGuard<'_, State>) {
        // Released after what it announces can be read, and read with Acquire before.
        self.version.fetch_add(1, Ordering::Release);
        let hooks = if std::mem::replace(&mut state.told, true) { Vec::new() } else { state.hooks.clone() };
        drop(state);
        hooks.iter().for_each(|hook| hook());
    }
}

impl State {
    /// Takes out what has been quiet for too long.
    fn expire(&mut self, now_ms: u64, idle: Duration) -> Vec<Arc<Session>> {
        let oldest = now_ms.saturating_sub(idle.as_millis() as u64);
        let mut gone = Vec::new();
        for book in self.books.values_mut() {
            gone.extend(book.sessions.extract_if(.., |session| session.last_ms < oldest));
        }
        self.bytes -= gone.iter().map(|session| session.bytes).sum::<usize>();
        gone
    }

    fn keep_within(&mut self, bytes_max: usize, gone: &mut Vec<Arc<Session>>) {
        while self.bytes > bytes_max {
            let all = self.books.values().map(|book| book.sessions.len()).sum::<usize>();
            let books = self.books.values_mut().filter(|book| !book.sessions.is_empty());
            let Some(book) = books.min_by_key(|book| book.sessions[0].last_ms) else { return };
            if all > 1 {
                let oldest = book.sessions.remove(0);
                self.bytes -= oldest.bytes;
                gone.push(oldest);
                continue;
            }
            let session = Arc::make_mut(&mut book.sessions[0]);
            let before = session.bytes;
            if !session.evict() {
                return;
            }
            self.bytes -= before - session.bytes;
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
