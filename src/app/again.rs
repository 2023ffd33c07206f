//! Starting again what has run: whoever waits for the end of a process is told what it goes on as.

use std::sync::Weak;

use crate::app::changes::Thing;
use crate::app::core::{App, Origin};
use crate::app::view::Successor;
use crate::error::Result;
use crate::event::ProcessId;
use crate::process::ProcessSpec;

/// Says of a process that it is about to be started again, as long as this lives.
#[derive(Debug)]
pub(crate) struct Coming {
    app: Weak<App>,
    id: ProcessId,
}

impl Drop for Coming {
    fn drop(&mut self) {
        if let Some(app) = self.app.upgrade() {
            app.set_successor(self.id, Successor::Nobody);
        }
    }
}

impl App {
    /// To be called before a process is ended that will be started again: its end is not the end of what it was started for.
    pub(crate) fn will_start_again(&self, id: ProcessId) -> Coming {
        self.set_successor(id, Successor::Coming);
        Coming { app: self.me.clone(), id }
    }

    /// Starts what an ended process was started from again; settings' env files are read anew, and who had this program's
    /// input has what is left of it.
    ///
    /// # Errors
    /// NOT_FOUND for a process that is not listed, and why it could not be started.
    pub fn start_again(&self, id: ProcessId) -> Result<ProcessId> {
        let origin = self.origin(id)?;
        let input = origin.spec.input;
        let spec = match &origin.word {
            Some((word, args)) => ProcessSpec { input, ..self.scripts.spec(word, args)? },
            None => origin.spec,
        };
        let (word, restarts) = (origin.word, origin.restarts + 1);
        let fresh = self.start_from(Origin { spec, word, restarts, successor: Successor::Nobody })?;
        self.set_successor(id, Successor::Is(fresh));
        Ok(fresh)
    }

    pub(super) fn successor_of(&self, id: ProcessId) -> Successor {
        self.origins().get(&id).map_or(Successor::Nobody, |origin| origin.successor)
    }

    /// One that was started again stays so.
    fn set_successor(&self, id: ProcessId, successor: Successor) {
        if let Some(origin) = self.origins().get_mut(&id).filter(|origin| !matches!(origin.successor, Successor::Is(_)))
        {
            origin.successor = successor;
        }
        self.changes.bump(Thing::Processes);
    }
}
