//! Tells those who watch resources that one has changed: only on real change, and at most a few times a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::table::state;
use crate::mcp::Notifier;
use crate::mcp::tools::toolbox::Toolbox;
use crate::mcp::tools::waits::{Look, Wait};

/// Between two looks.
const PACE: Duration = Duration::from_millis(250);

/// When nothing changes, there is nothing to look at.
const IDLE: Duration = Duration::from_secs(3600);

/// The URIs that are watched, each with its state when it was looked at last.
#[derive(Default)]
pub(crate) struct Watched(Mutex<BTreeMap<String, u64>>);

impl Watched {
    /// Somebody watches from now on, or nobody does any more.
    pub(crate) fn set(&self, toolbox: &Toolbox, uri: &str, watched: bool) {
        // Outside of the lock: what is looked at may take a moment.
        let now = if watched { state(toolbox, uri) } else { 0 };
        let mut all = self.0.lock();
        match watched {
            true => drop(all.insert(uri.to_owned(), now)),
            false => drop(all.remove(uri)),
        }
    }

    /// Those that have changed since they were looked at last.
    fn changed(&self, toolbox: &Toolbox) -> Vec<String> {
        let uris: Vec<String> = self.0.lock().keys().cloned().collect();
        let states: Vec<u64> = uris.iter().map(|uri| state(toolbox, uri)).collect();
        let mut all = self.0.lock();
        let mut changed =
            |uri: &String, now: u64| all.get_mut(uri).is_some_and(|before| std::mem::replace(before, now) != now);
        uris.into_iter().zip(states).filter_map(|(uri, now)| changed(&uri, now).then_some(uri)).collect()
    }
}

/// Looks after changes, for as long as the server is there.
pub(crate) struct Watching {
    pub(crate) toolbox: Arc<Toolbox>,
    pub(crate) watched: Arc<Watched>,
    pub(crate) notifier: Notifier,
    looked: Instant,
    due: Instant,
}

impl Watching {
    pub(crate) fn new(toolbox: &Arc<Toolbox>, watched: &Arc<Watched>, notifier: Notifier) -> Watching {
        let (toolbox, watched, now) = (Arc::clone(toolbox), Arc::clone(watched), Instant::now());
        Watching { toolbox, watched, notifier, looked: now, due: now }
    }
}

impl Wait for Watching {
    fn look(&mut self, now: Instant) -> Look {
        if now < self.looked + PACE {
            self.due = self.looked + PACE;
            return Look::Not;
        }
        (self.looked, self.due) = (now, now + IDLE);
        self.watched.changed(&self.toolbox).iter().for_each(|uri| self.notifier.resource_updated(uri));
        Look::Not
    }

    fn next(&self) -> Instant {
        self.due
    }
}
