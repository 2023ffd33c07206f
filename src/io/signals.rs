//! Signals as readable events: what arrives for this process is read by the reactor from a pipe.

use signal_hook::iterator::backend::{Handle, SignalDelivery};
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// A signal that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl+C on the terminal.
    Interrupt,
    /// SIGTERM: somebody asks to end.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
    /// SIGCONT: continued after a stop; the screen has to be drawn anew.
    Continue,
    /// SIGWINCH: the terminal has another size.
    Resize,
}

impl Signal {
    /// Its number.
    pub fn number(self) -> i32 {
        match self {
            Signal::Interrupt => libc::SIGINT,
            Signal::Terminate => libc::SIGTERM,
            Signal::HangUp => libc::SIGHUP,
            Signal::Continue => libc::SIGCONT,
            Signal::Resize => libc::SIGWINCH,
        }
    }

    /// Whether it asks this program to end.
    pub fn is_end(self) -> bool {
        matches!(self, Signal::Interrupt | Signal::Terminate | Signal::HangUp)
    }

    pub(crate) fn from_number(number: i32) -> Option<Signal> {
        let all = [Signal::Interrupt, Signal::Terminate, Signal::HangUp, Signal::Continue, Signal::Resize];
        all.into_iter().find(|signal| signal.number() == number)
    }
}

/// From now on this program may change the modes of its terminal from the background, too. When the guardian was killed the
/// shell takes the terminal back at once, and the app still has to undo what it has changed.
pub fn allow_background_terminal() {
    // SAFETY: it takes two integers, and SIG_IGN runs no code of this program. Children get every signal's default back.
    unsafe { libc::signal(libc::SIGTTOU, libc::SIG_IGN) };
}

/// Asks for more signals from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Wishes(Handle);

impl Wishes {
    /// Asks for another one. From then on it no longer has its default effect on this program.
    pub(crate) fn add(&self, signal: Signal) -> io::Result<()> {
        self.0.add_signal(signal.number())
    }
}

/// The pipe that signals come out of. Any number can exist in one program; each gets every signal it asked for.
#[derive(Debug)]
pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl Signals {
    /// Asks for SIGCHLD.
    pub(crate) fn new() -> io::Result<Signals> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        Ok(Signals { delivery: SignalDelivery::with_pipe(read, write, SignalOnly, [libc::SIGCHLD])? })
    }

    /// For asking for more.
    pub(crate) fn wishes(&self) -> Wishes {
        Wishes(self.delivery.handle())
    }

    /// What to poll.
    pub(crate) fn fd(&self) -> RawFd {
        self.delivery.get_read().as_raw_fd()
    }

    /// The numbers that have arrived since the last call, each once.
    pub(crate) fn take(&mut self) -> Vec<i32> {
        self.delivery.pending().collect()
    }
}
