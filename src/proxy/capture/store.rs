//! `Capture`: what the proxy has seen, for everybody who wants to look.
//!
//! **Shape.** The reactor writes, once a turn and all it has to say at once; any number of readers. One lock, held for the
//! time that a handful of notes take, or for copying at most as many pointers as there are exchanges. An exchange is never
//! changed under a reader: it is copied first, when a reader holds it (bodies and headers are shared all the same).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::caller::Callers;
use super::filter::Filter;
use super::ring::{CaptureLimits, Dropped, Ring};
use crate::error::{Code, Error, Result};
use crate::event::ProcessId;
use crate::proxy::engine::{Recorder, TellCaller};
use crate::proxy::exchange::REJECTED;
use crate::proxy::{Exchange, ExchangeId, Failure, Note};
use crate::runtime::Context;

/// Which exchanges are asked for; by default all that are there.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Only those of servers of this process.
    pub process: Option<ProcessId>,
    /// Only those that it matches.
    pub filter: Option<Filter>,
    /// Only those before this one: the last of an earlier answer, to read on.
    pub before: Option<ExchangeId>,
    /// Only those after this one: the first of an earlier answer, to follow.
    pub after: Option<ExchangeId>,
    /// At most so many, the newest of them.
    pub limit: Option<usize>,
}

impl Query {
    fn wants(&self, exchange: &Exchange) -> bool {
        let of_process = |process: ProcessId| exchange.opened.process.as_ref().is_some_and(|(own, _)| *own == process);
        self.process.is_none_or(of_process)
            && self.before.is_none_or(|before| exchange.id < before)
            && self.after.is_none_or(|after| exchange.id > after)
    }
}

/// Sums over everything since the start, kept or not; a clear does not change them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Exchanges that have begun.
    pub total: u64,
    /// Those that have ended.
    pub ended: u64,
    /// Those of them that went well.
    pub successful: u64,
    /// Those that failed, or whose status was 400 or above.
    pub failed: u64,
    /// Requests that the proxy refused; they are not among the others.
    pub refused: u64,
    /// Bytes of bodies from clients.
    pub bytes_up: u64,
    /// Bytes of bodies to clients.
    pub bytes_down: u64,
    /// From the head of the request to the last byte, the mean of all that have ended.
    pub mean_duration: Duration,
    /// Exchanges that are here now.
    pub kept: usize,
    /// What they take.
    pub kept_bytes: usize,
    /// What is not here, and why.
    pub dropped: Dropped,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

struct State {
    ring: Ring,
    sums: Summary,
    durations: Duration,
    hooks: Vec<Hook>,
    /// The hooks were called, and nobody has read since.
    told: bool,
    /// Threads in [`Capture::wait_for`].
    waiting: usize,
}

/// What the proxy has seen; see the head of the file.
///
/// - **Thread safety**: any number of writers and readers. **Progress**: blocking on a short lock. **Waits**: none beyond it,
///   but in [`Capture::wait_for`]. **Cleanup**: none.
pub struct Capture {
    limits: CaptureLimits,
    callers: Option<Callers>,
    version: AtomicU64,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Something has ended or was cleared.
    ended: Condvar,
}

impl Default for Capture {
    fn default() -> Capture {
        Capture::new(CaptureLimits::default())
    }
}

impl Capture {
    /// An empty one.
    pub fn new(limits: CaptureLimits) -> Capture {
        let state = State {
            ring: Ring::new(limits),
            sums: Summary::default(),
            durations: Duration::ZERO,
            hooks: Vec::new(),
            told: false,
            waiting: 0,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), ended: Condvar::new() });
        Capture { limits, callers: None, version: AtomicU64::new(0), shared }
    }

    /// One that has the callers looked up as well.
    #[must_use]
    pub fn with_callers(self, callers: Callers) -> Capture {
        Capture { callers: Some(callers), ..self }
    }

    /// One that holds these, of an imported file perhaps; they are numbered anew, from 1.
    pub fn holding(limits: CaptureLimits, exchanges: impl IntoIterator<Item = Exchange>) -> Capture {
        let capture = Capture::new(limits);
        let mut gone = Vec::new();
        let mut state = capture.shared.state.lock();
        for (id, exchange) in (1..).zip(exchanges) {
            state.ring.insert(Exchange { id: ExchangeId(id), ..exchange }, &mut gone);
            gone.clear();
        }
        drop(state);
        capture
    }

    /// The bounds.
    pub fn limits(&self) -> CaptureLimits {
        self.limits
    }

    /// Takes in what has happened, and leaves `notes` empty with its memory.
    pub fn apply(&self, notes: &mut Vec<Note>) {
        if notes.is_empty() {
            return;
        }
        let mut gone = Vec::new();
        let mut state = self.shared.state.lock();
        let ended_before = state.sums.ended;
        for note in notes.drain(..) {
            state.take(note, &mut gone);
        }
        if state.waiting > 0 && state.sums.ended != ended_before {
            self.shared.ended.notify_all();
        }
        self.changed(state);
    }

    /// Takes in exchanges from elsewhere, of an imported file perhaps; `number` says what their numbers are here.
    pub fn add(&self, exchanges: impl IntoIterator<Item = Exchange>, mut number: impl FnMut() -> ExchangeId) {
        let mut gone = Vec::new();
        let mut state = self.shared.state.lock();
        for exchange in exchanges {
            state.ring.insert(Exchange { id: number(), ..exchange }, &mut gone);
        }
        self.changed(state);
    }

    /// Forgets all exchanges, those that run too: what is told of them later is left out (PX-5).
    /// Whoever reads sees all of them or none.
    pub fn clear(&self) {
        let mut state = self.shared.state.lock();
        let _gone = state.ring.clear();
        if state.waiting > 0 {
            self.shared.ended.notify_all();
        }
        self.changed(state);
    }

    /// Lets go of the lock and tells the hooks, if anybody has read since they were told last.
    fn changed(&self, mut state: MutexGuard<'_, State>) {
        // Released after what it announces can be read, and read with Acquire before.
        self.version.fetch_add(1, Ordering::Release);
        let hooks = if std::mem::replace(&mut state.told, true) { Vec::new() } else { state.hooks.clone() };
        drop(state);
        hooks.iter().for_each(|hook| hook());
    }

    /// Grows with every change; equal versions mean equal contents.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Calls `hook` after a change, on the thread that made it: the reactor's, so it must be quick. It is called once until
    /// somebody has read: a reader that reads after each call misses nothing, and a flood does not become a flood of calls.
    pub fn on_change(&self, hook: impl Fn() + Send + Sync + 'static) {
        let mut state = self.shared.state.lock();
        state.hooks.push(Arc::new(hook));
        state.told = false;
    }

    /// The exchanges that are asked for as they stand at one moment, newest first (PX-4).
    pub fn requests(&self, query: &Query) -> Vec<Arc<Exchange>> {
        let mut found: Vec<_> = {
            let mut state = self.shared.state.lock();
            state.told = false;
            state.ring.all().filter(|exchange| query.wants(exchange)).map(Arc::clone).collect()
        };
        found.sort_unstable_by_key(|exchange| std::cmp::Reverse(exchange.id));
        let limit = query.limit.unwrap_or(usize::MAX);
        match &query.filter {
            // It may look into bodies: only so far as is needed.
            Some(filter) => found.into_iter().filter(|exchange| filter.matches(exchange)).take(limit).collect(),
            None => {
                found.truncate(limit);
                found
            }
        }
    }

    /// The newest exchanges of the servers of one process, newest first (PX-4).
    pub fn requests_for_process(&self, process: ProcessId, limit: usize) -> Vec<Arc<Exchange>> {
        self.requests(&Query { process: Some(process), limit: Some(limit), ..Query::default() })
    }

    /// One exchange, if it is still there.
    pub fn get(&self, id: ExchangeId) -> Option<Arc<Exchange>> {
        let mut state = self.shared.state.lock();
        state.told = false;
        state.ring.get(id).cloned()
    }

    /// Waits until an exchange has ended; one that has not begun yet is waited for as well.
    ///
    /// # Errors
    /// NOT_FOUND when it was dropped or cleared; else what [`Context::check`] says.
    pub fn wait_for(&self, id: ExchangeId, context: &Context) -> Result<Arc<Exchange>> {
        let waker = Arc::clone(&self.shared);
        let _guard = context.on_cancel(move || {
            // With the lock, so that a cancel cannot fall between the look and the sleep.
            drop(waker.state.lock());
            waker.ended.notify_all();
        });
        let mut state = self.shared.state.lock();
        state.waiting += 1;
        let result = loop {
            match state.ring.get(id) {
                Some(exchange) if exchange.done => break Ok(Arc::clone(exchange)),
                None if id <= state.ring.newest() => break Err(no_longer_there(id)),
                _ => {}
            }
            if let Err(error) = context.check() {
                break Err(error);
            }
            match context.deadline() {
                Some(deadline) => drop(self.shared.ended.wait_until(&mut state, deadline)),
                None => self.shared.ended.wait(&mut state),
            }
        };
        state.waiting -= 1;
        result
    }

    /// The sums (PX-9), with what is here at this moment.
    pub fn summary(&self) -> Summary {
        let state = self.shared.state.lock();
        let mean_nanos = state.durations.as_nanos() / u128::from(state.sums.ended.max(1));
        Summary {
            mean_duration: Duration::from_nanos(u64::try_from(mean_nanos).unwrap_or(u64::MAX)),
            kept: state.ring.len(),
            kept_bytes: state.ring.bytes(),
            dropped: state.ring.dropped(),
            ..state.sums
        }
    }
}

impl Recorder for Capture {
    fn notes(&self, notes: &mut Vec<Note>) {
        self.apply(notes);
    }

    fn body_bytes(&self) -> usize {
        self.limits.body_bytes
    }

    fn connected(&self, client: SocketAddr, proxy: SocketAddr, tell: TellCaller) {
        if let Some(callers) = &self.callers {
            callers.ask(client, proxy, move |caller| tell.tell(caller));
        }
    }
}

fn no_longer_there(id: ExchangeId) -> Error {
    let text = format!("request {} is no longer kept: it was cleared, or newer ones took its place", id.0);
    Error::new("capture", Code::NotFound, text)
}

impl State {
    fn take(&mut self, note: Note, gone: &mut Vec<Arc<Exchange>>) {
        match note {
            Note::Opened(id, opened) => {
                self.sums.total += 1;
                self.ring.insert(Exchange::new(id, *opened), gone);
            }
            Note::Refused { id, opened, status, why } => {
                self.sums.refused += 1;
                let mut exchange = Exchange::new(id, *opened);
                exchange.status = Some(status);
                exchange.failure = Some(Failure { kind: REJECTED, text: why });
                exchange.done = true;
                self.ring.insert(exchange, gone);
            }
            Note::Answered { id, traffic, status, headers, phases, injection } => {
                self.ring.change(id, gone, |exchange| {
                    exchange.traffic = traffic;
                    exchange.status = Some(status);
                    exchange.response.headers = headers;
                    exchange.phases = phases;
                    exchange.injection = injection;
                })
            }
            Note::Frame(id, frame) => self.ring.add_frame(id, *frame, gone),
            Note::Caller(id, caller) => self.ring.change(id, gone, |exchange| exchange.caller = Some(caller)),
            Note::Ended { id, status, request_body, response_body, phases, failure, retried, injection } => {
                let failed = failure.is_some() || status.is_some_and(|status| status >= 400);
                self.sums.ended += 1;
                *(if failed { &mut self.sums.failed } else { &mut self.sums.successful }) += 1;
                self.sums.bytes_up += request_body.bytes;
                self.sums.bytes_down += response_body.bytes;
                self.durations += phases.total.unwrap_or_default();
                self.ring.change(id, gone, |exchange| {
                    exchange.status = status.or(exchange.status);
                    exchange.request_body = request_body;
                    exchange.response.body = response_body;
                    exchange.phases = phases;
                    exchange.failure = failure;
                    exchange.retried = retried;
                    exchange.injection = injection.unwrap_or(std::mem::take(&mut exchange.injection));
                    exchange.done = true;
                });
            }
        }
    }
}
