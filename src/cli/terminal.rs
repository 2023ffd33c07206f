//! The terminal: how big it is, and the UI on it, as the settings say, until a signal comes.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::termios::{Winsize, tcgetwinsize};

use super::headless::of_signal;
use super::reload;
use crate::app::App;
use crate::app::state::StateFolder;
use crate::config::{Config, Glyphs, StartView};
use crate::error::Result;
use crate::event::ProcessId;
use crate::io::guardian::Guard;
use crate::io::signals::{self, Signal};
use crate::tui::{self, Handle, Options, Outcome, View};

/// No signal has come.
const NONE: i32 = 0;

/// What the guardian dies of.
const KILL: i32 = 9;

/// Columns and rows of the terminal that any of the standard streams is; asks nobody but the system.
pub(super) fn size() -> Option<(u16, u16)> {
    let known = |size: std::result::Result<Winsize, Errno>| size.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let size = known(tcgetwinsize(io::stdout()))
        .or_else(|| known(tcgetwinsize(io::stdin())))
        .or_else(|| known(tcgetwinsize(io::stderr())))?;
    Some((size.ws_col, size.ws_row))
}

/// The UI and what ends it.
pub(super) struct Terminal {
    ui: Handle,
    /// The number of the signal that has come.
    came: Arc<AtomicI32>,
}

impl Terminal {
    /// From now on a signal ends the UI, also one that has not begun yet.
    pub(super) fn listen(app: &App, guard: Guard) -> Terminal {
        let terminal = Terminal { ui: Handle::default(), came: Arc::new(AtomicI32::new(NONE)) };
        // Its children are gone by then; the UI gives the terminal back.
        let (ui, cause) = (terminal.ui.clone(), Arc::clone(&terminal.came));
        app.manager().on_guardian_lost(guard, move || {
            signals::allow_background_terminal();
            cause.store(KILL, Ordering::Relaxed);
            ui.end();
        });
        let (ui, cause) = (terminal.ui.clone(), Arc::clone(&terminal.came));
        app.manager().on_signals(&[Signal::Interrupt, Signal::Terminate, Signal::HangUp], move |signal| {
            // Relaxed: a number of its own; the handle's message comes after it.
            cause.store(signal.number(), Ordering::Relaxed);
            ui.end();
        });
        terminal
    }

    /// Shows the UI until the person leaves or a signal comes; the exit code. `started` is what the command line named.
    pub(super) fn show(self, app: &Arc<App>, started: &[ProcessId]) -> Result<u8> {
        reload::watch(app, self.ui.clone());
        let outcome = tui::run(app.clone(), options(app.config(), started, self.ui))?;
        Ok(match (outcome, self.came.load(Ordering::Relaxed)) {
            (Outcome::Ended, number) if number != NONE => of_signal(number),
            (Outcome::Quit | Outcome::Ended, _) => 0,
        })
    }
}

/// What the settings make of the UI.
pub(super) fn options(config: &Config, started: &[ProcessId], handle: Handle) -> Options {
    let ui = &config.settings.ui;
    // Who named a script looks at what it writes.
    let start_view = if started.is_empty() { view(ui.start_view) } else { View::Logs };
    Options {
        theme: config.look(),
        ascii: ui.glyphs == Glyphs::Ascii,
        mouse: ui.mouse,
        keys: keys(config),
        timestamps: ui.timestamps.name().into(),
        wrap: ui.wrap,
        hints: ui.hints,
        sync_output: ui.sync_output,
        copy_on_select: ui.copy_on_select,
        clipboard: ui.clipboard.name().into(),
        notify: ui.notify.name().into(),
        scroll_lines: ui.scroll_lines,
        input_slot: slot(ui.max_fps),
        data_slot: slot(ui.flood_fps),
        reduced_motion: ui.reduced_motion,
        toast: Duration::from_secs(ui.toast_seconds),
        start_view,
        confirm_quit: ui.confirm_quit,
        // All lines of all that was named; one alone would hide nothing.
        solo: None,
        state: StateFolder::of_user(),
        handle,
    }
}

/// The view that is to be shown first.
fn view(wanted: StartView) -> View {
    match wanted {
        StartView::Scripts => View::Scripts,
        StartView::Processes => View::Processes,
        StartView::Logs => View::Logs,
        StartView::Errors => View::Errors,
        StartView::Urls => View::Urls,
        StartView::Web => View::Web,
        StartView::Mcp => View::Mcp,
        StartView::Settings => View::Settings,
    }
}

/// `[ui.keys]` by the names of the actions.
pub(super) fn keys(config: &Config) -> BTreeMap<String, Vec<String>> {
    config.keys.iter().map(|binding| (binding.action.clone(), binding.keys.clone())).collect()
}

/// The time of one of so many frames a second.
fn slot(frames: u64) -> Duration {
    Duration::from_secs_f64(1.0 / frames.max(1) as f64)
}
