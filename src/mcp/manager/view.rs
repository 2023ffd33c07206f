//! What everybody may read of the manager at any moment: one consistent picture, replaced as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::state::State;
use crate::mcp::client::Client;
use crate::mcp::registry::Instance;

/// When something was active last; moved by whoever uses it, read by all.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    base: Instant,
    micros: Arc<AtomicU64>,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Activity {
        Activity { base: now, micros: Arc::default() }
    }

    pub(super) fn touch(&self, now: Instant) {
        let micros = now.saturating_duration_since(self.base).as_micros();
        self.micros.fetch_max(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> Instant {
        self.base + Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

/// All instances and sessions at one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The instances, the first that was found first.
    pub instances: Vec<Row>,
    pub(super) sessions: BTreeMap<String, Routed>,
}

/// Where the calls of a session go.
#[derive(Clone, Debug)]
pub(super) struct Routed {
    pub(super) instance: String,
    pub(super) activity: Activity,
}

/// One instance at one moment.
#[derive(Clone, Debug)]
pub struct Row {
    /// What its file says.
    pub instance: Instance,
    /// How far the connection is.
    pub state: State,
    /// Which connection it is: the number grows with each new one.
    pub turn: u64,
    /// The client, while it is active.
    pub client: Option<Client>,
    /// When its file was found.
    pub discovered_at: Instant,
    /// When it came into this state.
    pub changed_at: Instant,
    /// When this connection was made, while there is one.
    pub connected_at: Option<Instant>,
    /// Tries since it was found that were not the first.
    pub retries: usize,
    /// How often it has come into each state, in the order of [`State::ALL`].
    pub entered: [usize; 5],
    /// Why it is not active, if it should be.
    pub error: Option<String>,
    /// The sessions whose calls it gets.
    pub sessions: Vec<String>,
    pub(super) activity: Activity,
}

impl Row {
    /// When it was used last.
    pub fn last_activity(&self) -> Instant {
        self.activity.last()
    }
}

impl View {
    /// The instance with this id.
    pub fn instance(&self, id: &str) -> Option<&Row> {
        self.instances.iter().find(|row| row.instance.id == id)
    }

    /// The instance that a session's calls go to.
    pub fn of_session(&self, session: &str) -> Option<&Row> {
        self.instance(&self.sessions.get(session)?.instance)
    }
}
