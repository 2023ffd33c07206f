//! Hands this program's standard input on to one child, from a thread of its own.
//!
//! A terminal is read only in its foreground: from the background a read is refused without stopping anybody (SIGTTIN is
//! blocked on the thread), and tried again once this program is in front. Keys for a child that has a terminal of its own
//! go to it one by one, and it alone edits and echoes them, so that a password is not shown; Ctrl+C and Ctrl+Z stay with
//! this program. The terminal gets its modes back when the [`Forward`] is dropped.

use super::child::Terminals;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr,
};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often a program in the background looks whether it is in front again; not every shell says so.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What ends the input of a terminal at the beginning of a line.
const END: u8 = 4;

/// Where a child takes its input from.
#[derive(Debug)]
pub enum Target {
    /// A pipe; closed at the end of the input.
    Pipe(Arc<OwnedFd>),
    /// Its terminal; at the end of an input that was not empty it is told so as by Ctrl+D.
    Terminal(Terminals),
}

impl Target {
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        let pipe = match self {
            Target::Terminal(terminals) => return terminals.write_all(bytes),
            Target::Pipe(pipe) => pipe,
        };
        while !bytes.is_empty() {
            match rustix::io::write(pipe, bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Tells the child that there is no more; `last` is the last byte that it was given.
    fn end(self, last: Option<u8>) {
        if let (Target::Terminal(terminals), Some(last)) = (self, last) {
            // The first one hands on a line that is not finished. A child that has ended needs neither.
            let ends: &[u8] = if last == b'\n' { &[END] } else { &[END, END] };
            let _ = terminals.write_all(ends);
        }
    }
}

/// Whether standard input is a terminal.
pub fn is_terminal() -> bool {
    isatty(io::stdin())
}

/// The input goes on to the child until it ends, or the child takes no more.
pub struct Forward {
    shared: Arc<Shared>,
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forward")
    }
}

struct Shared {
    /// Whether the program was continued since somebody waited for it.
    continued: Mutex<bool>,
    changed: Condvar,
    /// The terminal's modes as they were, where keys go on one by one.
    keyboard: Option<Termios>,
}

impl Forward {
    /// Starts the thread `brummer-stdin`; it blocks in a read for as long as the program lives.
    ///
    /// # Errors
    /// The thread could not be made.
    pub fn start(target: Target) -> io::Result<Forward> {
        let keys = matches!(target, Target::Terminal(_)) && is_terminal();
        let keyboard = if keys { tcgetattr(io::stdin()).ok() } else { None };
        let shared = Arc::new(Shared { continued: Mutex::new(false), changed: Condvar::new(), keyboard });
        let forward = Forward { shared: Arc::clone(&shared) };
        shared.take_keyboard();
        let builder = std::thread::Builder::new().name("brummer-stdin".into()).stack_size(128 * 1024);
        builder.spawn(move || shared.run(target))?;
        Ok(forward)
    }

    /// What is to be called on SIGCONT.
    pub fn on_continue(&self) -> impl Fn() + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || {
            shared.take_keyboard();
            *shared.continued.lock().unwrap_or_else(PoisonError::into_inner) = true;
            shared.changed.notify_all();
        }
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        if let Some(before) = self.shared.keyboard.as_ref().filter(|_| is_foreground()) {
            // Nothing can be done about a terminal that is gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

impl Shared {
    fn run(&self, target: Target) {
        refuse_in_background();
        let mut buffer = vec![0; 64 * 1024];
        let mut last = None;
        loop {
            match rustix::io::read(io::stdin(), &mut buffer[..]) {
                Ok(0) => break,
                Ok(count) => {
                    if target.write(&buffer[..count]).is_err() {
                        // The child has ended, or has closed its input.
                        return;
                    }
                    last = Some(buffer[count - 1]);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    // Somebody who shares the input has made it non-blocking.
                    if poll(&mut [PollFd::new(&io::stdin(), PollFlags::IN)], None).is_err() {
                        break;
                    }
                }
                Err(Errno::IO) if is_terminal() && !is_foreground() => self.wait_for_foreground(),
                Err(_) => break,
            }
        }
        target.end(last);
    }

    fn wait_for_foreground(&self) {
        while !is_foreground() {
            let continued = self.continued.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.changed.wait_timeout_while(continued, LOOK_AGAIN, |continued| !*continued);
            *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        }
        self.take_keyboard();
    }

    /// Lets the keys through one by one, unless the terminal is somebody else's now.
    fn take_keyboard(&self) {
        let Some(mut modes) = self.keyboard.clone().filter(|_| is_foreground()) else { return };
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        modes.input_modes.remove(InputModes::ICRNL | InputModes::INLCR);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Without it lines go on whole, and are echoed twice.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
    }
}

fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// From now on a read from the background fails on this thread instead of stopping the program.
fn refuse_in_background() {
    // SAFETY: sigset_t is made of integers, for which all zeroes is a value; each call gets valid places for sets, and the
    // mask is that of this thread alone.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTTIN);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}
