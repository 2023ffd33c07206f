//! Opens the terminal UI as the settings say, and ends it when a signal comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use super::headless::of_signal;
use crate::app::App;
use crate::config::{Glyphs, StartView};
use crate::error::Result;
use crate::event::ProcessId;
use crate::io::guardian::Guard;
use crate::io::signals::{self, Signal};
use crate::tui::{self, Handle, Options, Outcome, View};

/// No signal has come.
const NONE: i32 = 0;

/// What the guardian dies of.
const KILL: i32 = 9;

/// Shows the UI until the person leaves or a signal comes; the exit code. `started` is what the command line named.
pub(super) fn show(app: &Arc<App>, guard: Guard, started: &[ProcessId]) -> Result<u8> {
    let handle = Handle::default();
    let came = Arc::new(AtomicI32::new(NONE));
    // Its children are gone by then; the UI gives the terminal back.
    let (ui, cause) = (handle.clone(), Arc::clone(&came));
    app.manager().on_guardian_lost(guard, move || {
        signals::allow_background_terminal();
        cause.store(KILL, Ordering::Relaxed);
        ui.end();
    });
    let (ui, cause) = (handle.clone(), Arc::clone(&came));
    app.manager().on_signals(&[Signal::Interrupt, Signal::Terminate, Signal::HangUp], move |signal| {
        // Relaxed: a number of its own; the handle's message comes after it.
        cause.store(signal.number(), Ordering::Relaxed);
        ui.end();
    });
    let outcome = tui::run(app.clone(), options(app, started, handle))?;
    Ok(match (outcome, came.load(Ordering::Relaxed)) {
        (Outcome::Ended, number) if number != NONE => of_signal(number),
        (Outcome::Quit | Outcome::Ended, _) => 0,
    })
}

fn options(app: &App, started: &[ProcessId], handle: Handle) -> Options {
    let config = app.config();
    let ui = &config.settings.ui;
    let start_view = match (started.is_empty(), ui.start_view) {
        (false, _) | (_, StartView::Logs) => View::Logs,
        (_, StartView::Processes) => View::Processes,
        (_, StartView::Scripts) => View::Scripts,
    };
    Options {
        theme: ui.theme.name().into(),
        ascii: ui.glyphs == Glyphs::Ascii,
        mouse: ui.mouse,
        keys: config.keys.iter().map(|binding| (binding.action.clone(), binding.keys.clone())).collect(),
        timestamps: ui.timestamps.name().into(),
        wrap: ui.wrap,
        start_view,
        confirm_quit: ui.confirm_quit,
        // All lines of all that was named; one alone would hide nothing.
        solo: None,
        handle,
    }
}
