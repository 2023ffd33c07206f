//! Stops the own process group, as Ctrl+Z in a shell does, and comes back when it is continued.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use signal_hook::consts::SIGCONT;

/// A group without a shell behind it cannot be stopped: then this is how long it takes to find out.
const CONTINUED_MAX: Duration = Duration::from_millis(300);

/// Stops the process group of this process. Children in groups of their own go on.
///
/// # Errors
/// What the system said.
pub fn stop_own_group() -> io::Result<()> {
    let continued = Arc::new(AtomicBool::new(false));
    let id = signal_hook::flag::register(SIGCONT, Arc::clone(&continued))?;
    let sent = rustix::process::kill_current_process_group(Signal::TSTP);
    // Another thread may be the one that is stopped first: this one waits for the continuation, not for its own stop.
    let deadline = Instant::now() + CONTINUED_MAX;
    while sent.is_ok() && !continued.load(Ordering::SeqCst) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    signal_hook::low_level::unregister(id);
    sent.map_err(io::Error::from)
}
