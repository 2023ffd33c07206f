//! What the manager decides: each thing that happens, at its time, changes the states and says what is to be done.
//!
//! Nothing here waits, calls or reads a clock, so that a test can let hours pass in no time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::settings::Settings;
use super::state::State;
use super::view::{Activity, Routed, Row, View};
use crate::error::{Code, Error, Result};
use crate::mcp::registry::Instance;

/// A session that wants an instance which is not active yet waits so long.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Waits are up to so much shorter or longer, in thousandths, so that many do not try at the same moment.
const JITTER_MILLE: u64 = 200;

/// Something happened.
#[derive(Debug)]
pub(super) enum Input {
    /// The file of an instance was found, or has changed.
    Register(Box<Instance>),
    /// The file of an instance is gone.
    Forget(String),
    /// A session wants an instance; the number is given back with the answer.
    Route { session: String, instance: String, waiter: u64 },
    /// A session wants nothing any more.
    Leave(String),
    /// A connection was made, or was not.
    Connected { id: String, turn: u64, outcome: Result<()> },
    /// A check has ended.
    Checked { id: String, turn: u64, outcome: Result<()> },
    /// A call found the connection broken.
    Suspect { id: String, turn: u64 },
    /// Only time has passed.
    Time,
}

/// Something is to be done; what comes of it is the next input.
#[derive(Debug)]
pub(super) enum Effect {
    Connect { instance: Box<Instance>, turn: u64 },
    Check { id: String, turn: u64 },
    Close { id: String, turn: u64 },
    Answer { waiter: u64, outcome: Result<()> },
}

#[derive(Debug)]
struct Entry {
    instance: Instance,
    state: State,
    turn: u64,
    /// Tries of this row that have failed.
    failed: usize,
    retries: usize,
    retry_at: Option<Instant>,
    check_at: Option<Instant>,
    checking: bool,
    discovered_at: Instant,
    changed_at: Instant,
    connected_at: Option<Instant>,
    entered: [usize; 5],
    error: Option<String>,
    activity: Activity,
}

impl Entry {
    fn enter(&mut self, state: State, now: Instant) {
        self.state = state;
        self.changed_at = now;
        self.entered[state as usize] += 1;
        (self.retry_at, self.check_at, self.checking) = (None, None, false);
        if state != State::Active {
            self.connected_at = None;
        }
    }

    fn connect(&mut self, now: Instant) -> Effect {
        self.turn += 1;
        self.enter(State::Connecting, now);
        Effect::Connect { instance: Box::new(self.instance.clone()), turn: self.turn }
    }

    fn close(&self) -> Effect {
        Effect::Close { id: self.instance.id.clone(), turn: self.turn }
    }
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    session: String,
    instance: String,
    until: Instant,
}

/// The states of all instances and sessions.
#[derive(Debug)]
pub(super) struct Core {
    settings: Settings,
    /// In the order in which they were found.
    entries: Vec<Entry>,
    sessions: BTreeMap<String, Routed>,
    waiters: Vec<Waiter>,
    dice: u64,
}

impl Core {
    pub(super) fn new(settings: Settings, seed: u64) -> Core {
        Core { settings, entries: Vec::new(), sessions: BTreeMap::new(), waiters: Vec::new(), dice: seed | 1 }
    }

    /// Takes in what happened, and says what is to be done.
    pub(super) fn handle(&mut self, input: Input, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Register(instance) => self.register(*instance, now, &mut effects),
            Input::Forget(id) => self.forget(&id, &mut effects),
            Input::Route { session, instance, waiter } => {
                self.waiters.push(Waiter { number: waiter, session, instance, until: now + CONNECT_LIMIT });
            }
            Input::Leave(session) => drop(self.sessions.remove(&session)),
            Input::Connected { id, turn, outcome } => self.connected(&id, turn, outcome, now, &mut effects),
            Input::Checked { id, turn, outcome } => self.checked(&id, turn, outcome, now, &mut effects),
            Input::Suspect { id, turn } => {
                if let Some(entry) =
                    self.entry(&id, turn).filter(|entry| entry.state == State::Active && !entry.checking)
                {
                    entry.check_at = Some(now);
                }
            }
            Input::Time => {}
        }
        self.pass_time(now, &mut effects);
        self.answer_waiters(now, &mut effects);
        effects
    }

    /// When something is due although nothing happens.
    pub(super) fn due(&self) -> Option<Instant> {
        let of_entries = self.entries.iter().flat_map(|entry| [entry.retry_at, entry.check_at]).flatten();
        let silent = self.sessions.values().map(|session| session.activity.last() + self.settings.session_timeout);
        of_entries.chain(silent).chain(self.waiters.iter().map(|waiter| waiter.until)).min()
    }

    /// The picture of this moment, without clients.
    pub(super) fn view(&self) -> View {
        let sessions_of = |id: &str| {
            let own = self.sessions.iter().filter(|(_, routed)| routed.instance == id);
            own.map(|(session, _)| session.clone()).collect()
        };
        let row = |entry: &Entry| Row {
            instance: entry.instance.clone(),
            state: entry.state,
            turn: entry.turn,
            client: None,
            discovered_at: entry.discovered_at,
            changed_at: entry.changed_at,
            connected_at: entry.connected_at,
            retries: entry.retries,
            entered: entry.entered,
            error: entry.error.clone(),
            sessions: sessions_of(&entry.instance.id),
            activity: entry.activity.clone(),
        };
        View { instances: self.entries.iter().map(row).collect(), sessions: self.sessions.clone() }
    }

    /// The instance, if this is still its connection.
    fn entry(&mut self, id: &str, turn: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.instance.id == id && entry.turn == turn)
    }

    fn register(&mut self, instance: Instance, now: Instant, effects: &mut Vec<Effect>) {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.instance.id == instance.id) else {
            let mut entry = Entry {
                instance,
                state: State::Discovered,
                turn: 0,
                failed: 0,
                retries: 0,
                retry_at: None,
                check_at: None,
                checking: false,
                discovered_at: now,
                changed_at: now,
                connected_at: None,
                entered: [0; 5],
                error: None,
                activity: Activity::new(now),
            };
            entry.enter(State::Discovered, now);
            effects.push(entry.connect(now));
            self.entries.push(entry);
            return;
        };
        let old = std::mem::replace(&mut entry.instance, instance);
        let new = &entry.instance;
        let moved = (&old.url, &old.token_path, &old.process_info) != (&new.url, &new.token_path, &new.process_info);
        let lives = entry.state == State::Dead && new.last_ping > old.last_ping;
        if moved {
            effects.push(entry.close());
        }
        if moved || lives {
            entry.failed = 0;
            effects.push(entry.connect(now));
        }
    }

    fn forget(&mut self, id: &str, effects: &mut Vec<Effect>) {
        if let Some(at) = self.entries.iter().position(|entry| entry.instance.id == id) {
            effects.push(self.entries.remove(at).close());
            self.sessions.retain(|_, routed| routed.instance != id);
        }
    }

    fn connected(&mut self, id: &str, turn: u64, outcome: Result<()>, now: Instant, effects: &mut Vec<Effect>) {
        let every = self.settings.check_every;
        let Some(entry) = self.entry(id, turn).filter(|entry| entry.state == State::Connecting) else {
            // It was moved or forgotten meanwhile; nobody wants this connection.
            return effects.push(Effect::Close { id: id.to_owned(), turn });
        };
        match outcome {
            Ok(()) => {
                entry.enter(State::Active, now);
                (entry.failed, entry.error) = (0, None);
                (entry.connected_at, entry.check_at) = (Some(now), Some(now + every));
                entry.activity.touch(now);
            }
            Err(error) => self.failed(id, &error, now, effects),
        }
    }

    fn checked(&mut self, id: &str, turn: u64, outcome: Result<()>, now: Instant, effects: &mut Vec<Effect>) {
        let every = self.settings.check_every;
        let Some(entry) = self.entry(id, turn).filter(|entry| entry.state == State::Active && entry.checking) else {
            return;
        };
        match outcome {
            Ok(()) => (entry.checking, entry.check_at) = (false, Some(now + every)),
            Err(error) => self.failed(id, &error, now, effects),
        }
    }

    /// It did not answer: another try later, or none.
    fn failed(&mut self, id: &str, error: &Error, now: Instant, effects: &mut Vec<Effect>) {
        let jitter = self.roll();
        let settings = self.settings;
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.instance.id == id) else { return };
        effects.push(entry.close());
        entry.error = Some(error.message().to_owned());
        if entry.failed >= settings.retries_max {
            return entry.enter(State::Dead, now);
        }
        entry.enter(State::Retrying, now);
        entry.retry_at = Some(now + backoff(&settings, entry.failed, jitter));
        entry.failed += 1;
    }

    /// Does what is due.
    fn pass_time(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        for entry in &mut self.entries {
            if is_due(entry.retry_at) {
                entry.retries += 1;
                effects.push(entry.connect(now));
            } else if is_due(entry.check_at) {
                (entry.check_at, entry.checking) = (None, true);
                effects.push(Effect::Check { id: entry.instance.id.clone(), turn: entry.turn });
            }
        }
        let limit = self.settings.session_timeout;
        self.sessions.retain(|_, session| session.activity.last() + limit > now);
    }

    /// Answers the sessions whose instance is active now, or is not to be had.
    fn answer_waiters(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        for waiter in std::mem::take(&mut self.waiters) {
            let entry = self.entries.iter().find(|entry| entry.instance.id == waiter.instance);
            let refuse = |code, why: String| Some(Err(Error::new("mcp", code, why)));
            let outcome = match entry {
                None => refuse(Code::NotFound, format!("no instance `{}` runs", waiter.instance)),
                Some(entry) if entry.state == State::Active => Some(Ok(())),
                Some(entry) if entry.state == State::Dead => {
                    let why = entry.error.as_deref().unwrap_or_default();
                    refuse(Code::Network, format!("`{}` does not answer: {why}", waiter.instance))
                }
                Some(entry) if waiter.until <= now => {
                    refuse(Code::Timeout, format!("`{}` is still {} after 10 s", waiter.instance, entry.state))
                }
                Some(_) => None,
            };
            match outcome {
                None => self.waiters.push(waiter),
                Some(outcome) => {
                    if outcome.is_ok() {
                        let activity = Activity::new(now);
                        self.sessions.insert(waiter.session, Routed { instance: waiter.instance, activity });
                    }
                    effects.push(Effect::Answer { waiter: waiter.number, outcome });
                }
            }
        }
    }

    /// 0 to 2 × [`JITTER_MILLE`] (xorshift; what it guards against is a crowd, not an enemy).
    fn roll(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % (2 * JITTER_MILLE + 1)
    }
}

/// The wait before the try after this many failed ones.
fn backoff(settings: &Settings, failed: usize, jitter: u64) -> Duration {
    let doubled = settings.backoff_first.saturating_mul(1 << failed.min(20));
    let mille = u32::try_from(1000 - JITTER_MILLE + jitter).unwrap_or(1000);
    let most = settings.backoff_max * 1000 / u32::try_from(1000 + JITTER_MILLE).unwrap_or(1000);
    doubled.min(most) * mille / 1000
}
