//! How what a call says gets to the server: a queue per call, and one wake-up for all that is in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::spec::CallSpec;
use crate::mcp::protocol::{Ask, CallError, Level};
use crate::sync::CancelFlag;

/// So many steps of progress wait; beyond them the newest takes the place of the one before.
const PROGRESS_MAX: usize = 16;
/// So many messages wait; further log messages are dropped.
const EVENTS_MAX: usize = 256;

/// One step of progress.
#[derive(Clone, Debug)]
pub struct Progress {
    /// How far it is; more than the step before.
    pub progress: f64,
    /// How far it goes, if that is known.
    pub total: Option<f64>,
    /// Where it is, in words.
    pub message: Option<String>,
}

/// What a call says.
#[derive(Clone, Debug)]
pub enum Event {
    /// It goes on.
    Progress(Progress),
    /// A log message.
    Log {
        /// How grave.
        level: Level,
        /// Which part of the program.
        logger: Option<String>,
        /// JSON.
        data: String,
    },
    /// The client need not wait: it gets a task.
    Task {
        /// How long its end is kept.
        ttl: Duration,
        /// How often the client should ask.
        poll: Duration,
    },
    /// The client may be let go; it comes back for the rest.
    Release,
    /// Questions; the call is given anew with the answers.
    Ask {
        /// The questions by their keys.
        asks: Vec<(String, Ask)>,
        /// What the provider wants to have then.
        state: Option<String>,
    },
    /// The end: the result as JSON, or why there is none.
    Finish(Result<String, CallError>),
}

/// Gets to know that a call has something to say.
pub(crate) trait Outlet: Send + Sync {
    fn wake(&self, call: u64);
}

/// A call, as the server and the provider share it.
pub(crate) struct Shared {
    pub(crate) number: u64,
    pub(crate) spec: CallSpec,
    pub(crate) cancel: CancelFlag,
    outlet: Arc<dyn Outlet>,
    mailbox: Mutex<Mailbox>,
}

#[derive(Default)]
struct Mailbox {
    /// The provider is being called on the server's own thread, which looks here next: nobody has to be woken.
    inline: bool,
    /// Nothing more can be said.
    ended: bool,
    reached: Option<f64>,
    steps: usize,
    events: Vec<Event>,
}

impl Shared {
    pub(crate) fn new(
        number: u64,
        spec: CallSpec,
        cancel: CancelFlag,
        outlet: Arc<dyn Outlet>,
        inline: bool,
    ) -> Shared {
        let mailbox = Mutex::new(Mailbox { inline, ..Mailbox::default() });
        Shared { number, spec, cancel, outlet, mailbox }
    }

    fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an event in, if there is still somebody to hear it.
    pub(crate) fn post(&self, event: Event) {
        let mut mailbox = self.lock();
        if mailbox.ended || !mailbox.has_room(&event) {
            return;
        }
        mailbox.ended = matches!(event, Event::Ask { .. } | Event::Finish(_));
        let wakes = mailbox.events.is_empty() && !mailbox.inline;
        mailbox.events.push(event);
        drop(mailbox);
        if wakes {
            self.outlet.wake(self.number);
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Takes what was said since; from now on the server is woken.
    pub(crate) fn take(&self) -> Vec<Event> {
        let mut mailbox = self.lock();
        mailbox.inline = false;
        mailbox.steps = 0;
        std::mem::take(&mut mailbox.events)
    }
}

impl Mailbox {
    /// Whether the event is to be put in; progress may take the place of a step that nobody has seen.
    fn has_room(&mut self, event: &Event) -> bool {
        let Event::Progress(step) = event else {
            return !matches!(event, Event::Log { .. }) || self.events.len() < EVENTS_MAX;
        };
        if self.reached.is_some_and(|reached| step.progress <= reached) || !step.progress.is_finite() {
            return false;
        }
        self.reached = Some(step.progress);
        if self.steps >= PROGRESS_MAX {
            let last = self.events.iter_mut().rev().find(|event| matches!(event, Event::Progress(_)));
            if let Some(last) = last {
                *last = event.clone();
            }
            return false;
        }
        self.steps += 1;
        true
    }
}
