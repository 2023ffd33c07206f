//! What the tools work on: the app, and what they keep between calls.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::answer::Refusal;
use super::driver::Driver;
use super::queue::Queue;
use super::waits::Waits;
use crate::app::App;
use crate::app::view::{Backend, ProcessRow};
use crate::error::Result;
use crate::event::ProcessId;

/// What the tools work on.
pub(crate) struct Toolbox {
    pub(crate) app: Arc<App>,
    pub(crate) waits: Waits,
    pub(crate) queue: Queue,
    pub(crate) driver: Driver,
    /// Where the server is, once it is there.
    pub(crate) address: OnceLock<String>,
    /// Processes that were started by tools: nobody need be asked before they are ended.
    started: Mutex<BTreeSet<ProcessId>>,
    /// Pages in the person's browser that tools have opened or that the person has let them drive, the oldest first.
    drivable: Mutex<VecDeque<Arc<str>>>,
}

/// So many pages are remembered.
const DRIVABLE_MAX: usize = 256;

impl Toolbox {
    /// A toolbox for this app; its thread for waiting calls starts.
    ///
    /// # Errors
    /// What the system says if it refuses a thread.
    pub(crate) fn new(app: &Arc<App>) -> Result<Arc<Toolbox>> {
        let waits = Waits::start()?;
        app.on_change(Arc::new(waits.waker()));
        app.pages().on_change(waits.waker());
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(waits.waker());
        Ok(Arc::new(Toolbox {
            app: Arc::clone(app),
            queue: Queue::new(Arc::clone(&wake)),
            driver: Driver::new(wake),
            waits,
            address: OnceLock::new(),
            started: Mutex::default(),
            drivable: Mutex::default(),
        }))
    }

    /// A tool has started this process.
    pub(crate) fn has_started(&self, id: ProcessId) {
        self.started.lock().insert(id);
    }

    /// A page of the person's browser may be driven without another question.
    pub(crate) fn may_drive(&self, session: Arc<str>) {
        let mut drivable = self.drivable.lock();
        if drivable.len() == DRIVABLE_MAX {
            drivable.pop_front();
        }
        drivable.push_back(session);
    }

    /// Whether it may.
    pub(crate) fn is_drivable(&self, session: &str) -> bool {
        self.drivable.lock().iter().any(|own| **own == *session)
    }

    /// Whether tools have started all of these.
    pub(crate) fn started_all(&self, rows: &[ProcessRow]) -> bool {
        let started = self.started.lock();
        rows.iter().all(|row| started.contains(&row.id))
    }

    /// One process as it stands.
    pub(crate) fn row(&self, id: ProcessId) -> Option<ProcessRow> {
        self.app.processes().into_iter().find(|row| row.id == id)
    }

    /// The processes that are meant by a name or an id, newest last: all that ever ran under the name.
    ///
    /// # Errors
    /// Which there are.
    pub(crate) fn named(&self, word: &str) -> Result<Vec<ProcessRow>, Refusal> {
        let rows = self.app.processes();
        let id = word.parse().ok().map(ProcessId);
        let found: Vec<ProcessRow> =
            rows.iter().filter(|row| *row.name == *word || Some(row.id) == id).cloned().collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let mut known: Vec<String> = Vec::new();
        for row in rows.iter().rev() {
            let text = format!("{} ({})", row.name, row.status.name());
            if !known.contains(&text) {
                known.push(text);
            }
        }
        Err(Refusal(match known.is_empty() {
            true => format!("No process is called `{word}`: none was started. scripts_list has what can be started."),
            false => format!("No process is called `{word}`. There are: {}.", known.join(", ")),
        }))
    }

    /// Those of [`Toolbox::named`] that run, or else the newest.
    ///
    /// # Errors
    /// As [`Toolbox::named`].
    pub(crate) fn meant(&self, word: &str) -> Result<Vec<ProcessRow>, Refusal> {
        let found = self.named(word)?;
        let running: Vec<ProcessRow> = found.iter().filter(|row| !row.status.is_ended()).cloned().collect();
        match running.is_empty() {
            true => Ok(found.into_iter().next_back().into_iter().collect()),
            false => Ok(running),
        }
    }

    /// The ids of all processes that are meant by an optional name or id; `None` for all.
    ///
    /// # Errors
    /// As [`Toolbox::named`].
    pub(crate) fn ids(&self, word: Option<&str>) -> Result<Option<Vec<ProcessId>>, Refusal> {
        word.map(|word| Ok(self.named(word)?.into_iter().map(|row| row.id).collect())).transpose()
    }

    /// Ends what the tools have begun.
    pub(crate) fn stop(&self) {
        self.waits.stop();
        self.driver.stop();
    }
}
