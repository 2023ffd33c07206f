//! Stops the own process group, as Ctrl+Z in a shell does, and comes back when it is continued.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::Signal;
use signal_hook::consts::SIGCONT;

/// A group without a shell behind it cannot be stopped: then this is how long it takes to find out.
const CONTINUED_MAX: Duration = Duration::from_millis(300);

/// Stops the process group of this process. Children in groups of their own go on.
///
/// # Errors
/// What the system said.
pub fn stop_own_group() -> io::Result<()> {
    let (mut continued, signal) = UnixStream::pair()?;
    continued.set_read_timeout(Some(CONTINUED_MAX))?;
    let id = signal_hook::low_level::pipe::register(SIGCONT, signal)?;
    let sent = rustix::process::kill_current_process_group(Signal::TSTP);
    // Another thread may be the one that is stopped first: this one waits for the continuation, not for its own stop.
    // A read that ends without a byte says that nothing was stopped; there is nothing to be done about that.
    let _ = sent.is_ok() && continued.read(&mut [0]).is_ok();
    signal_hook::low_level::unregister(id);
    sent.map_err(io::Error::from)
}
