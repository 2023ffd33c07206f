//! The app behind printed lines: hears signals from before the first start, then prints until there is nothing to wait for.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use super::args::{Flags, Output, When};
use super::bell::Bell;
use super::entry::{columns, complain};
use super::headless::{Plan, Session, again_after, of_signal};
use super::output::{Json, Look, Printer, Text};
use super::run::{remove, terminal_is_dumb};
use crate::app::App;
use crate::app::view::Backend;
use crate::error::{Error, Result};
use crate::event::ProcessId;
use crate::io::guardian::Guard;
use crate::io::signals::Signal;
use crate::io::stdin::Forward;

/// The exit code when the guardian was killed; nobody is left to see it.
const GUARDIAN_LOST: u8 = 137;

/// What is heard while processes are started, and printed when they are.
pub(super) struct Lines {
    app: Arc<App>,
    bell: Arc<Bell>,
    /// The standard input that goes on to the one process of the command line.
    input: Arc<OnceLock<Forward>>,
    patience: Duration,
}

impl Lines {
    /// From now on a signal ends everything with the time that the processes are given. `folder` goes when the guardian does.
    pub(super) fn listen(app: &Arc<App>, guard: Guard, patience: Duration, folder: Option<PathBuf>) -> Lines {
        // Its children are gone by then, and nobody is left who would read more lines.
        app.manager().on_guardian_lost(guard, move || {
            remove(folder.as_deref());
            std::process::exit(i32::from(GUARDIAN_LOST))
        });
        let lines = Lines { app: Arc::clone(app), bell: Arc::default(), input: Arc::default(), patience };
        let (ring, owner, input) = (Arc::clone(&lines.bell), Arc::downgrade(app), Arc::clone(&lines.input));
        let signals = [Signal::Interrupt, Signal::Terminate, Signal::HangUp, Signal::Resize, Signal::Continue];
        app.manager().on_signals(&signals, move |signal| {
            if signal.is_end() && ring.is_unheard_for(again_after(signal)) {
                // Asked again while the printer hangs on its reader: the guardian ends everybody.
                std::process::exit(i32::from(of_signal(signal.number())));
            }
            if let Some(input) = input.get().filter(|_| signal == Signal::Continue) {
                input.continued();
            }
            ring.signal(signal);
            if signal.is_end() {
                end_unheard(&ring, &owner, signal, patience);
            }
        });
        lines
    }

    /// Prints until those that are `wanted` have ended, or the limit has passed, or a signal comes; the exit code.
    pub(super) fn print(self, flags: &Flags, wanted: Vec<ProcessId>, limit: Option<Duration>) -> Result<u8> {
        self.forward_input(&wanted);
        let ring = Arc::clone(&self.bell);
        self.app.on_change(Arc::new(move || ring.ring()));
        let plan = Plan { wanted, limit, patience: self.patience };
        let printer = printer(&self.app, flags);
        let session = Session::new(&*self.app, plan, printer, io::stdout().lock());
        let session = session.on_restart(|id| {
            if let (Some(input), Some(target)) = (self.input.get(), self.app.manager().take_input(id)) {
                input.follow(target);
            }
        });
        let result = session.run(&self.bell).map_err(|error| Error::io("cli", "write to standard output", error));
        if let Some(input) = self.input.get() {
            input.give_back();
        }
        result
    }

    /// Standard input goes to the process of the command line when there is one; of several, nobody could say which is meant.
    fn forward_input(&self, wanted: &[ProcessId]) {
        let [id] = wanted else { return };
        let Some(target) = self.app.manager().take_input(*id) else { return };
        match Forward::start(target) {
            // It is set once, here.
            Ok(forward) => drop(self.input.set(forward)),
            Err(error) => drop(complain(&Error::io("cli", "read standard input", error))),
        }
    }
}

/// Ends everything in place of the printer if that hangs on a reader who does not read.
fn end_unheard(bell: &Arc<Bell>, app: &Weak<App>, signal: Signal, patience: Duration) {
    let (bell, app) = (Arc::clone(bell), Weak::clone(app));
    let wait = move || {
        if bell.wait_heard(patience) {
            return;
        }
        // What cannot be ended is ended by the guardian, and what is not printed has no reader.
        app.upgrade().into_iter().for_each(|app| drop(app.manager().cleanup(patience)));
        std::process::exit(i32::from(of_signal(signal.number())));
    };
    // Without a thread the second signal still ends it.
    let _ = std::thread::Builder::new().name("brummer-end".into()).spawn(wait);
}

/// How lines are printed, by flags, environment and what standard output is.
fn printer(app: &App, flags: &Flags) -> Box<dyn Printer> {
    let coloured = match flags.color {
        When::Always => true,
        When::Never => false,
        When::Auto if terminal_is_dumb() => false,
        When::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    if flags.output == Some(Output::Json) {
        return Box::new(Json::new(flags.color == When::Always));
    }
    let time = app.config().settings.ui.timestamps;
    let rows = app.processes();
    Box::new(Text::new(Look { coloured, columns: columns(), time }, rows.iter().map(|row| &*row.name)))
}
