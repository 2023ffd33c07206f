//! Hands this program's standard input on to one child, and to what it is started again as, from a thread of its own.
//!
//! A terminal is read only in its foreground: from the background a read is refused without stopping anybody (SIGTTIN is
//! blocked on the thread), and tried again once this program is in front. Keys for a child that has a terminal of its own
//! go to it one by one, and it alone edits and echoes them, so that a password is not shown; Ctrl+C and Ctrl+Z stay with
//! this program. The terminal gets its modes back by [`Forward::give_back`].

use super::child::Terminals;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr,
};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    /// Takes what was written off the front of `bytes`.
    fn write(&self, bytes: &mut &[u8]) -> io::Result<()> {
        let pipe = match self {
            Target::Terminal(terminals) => return terminals.write_all(bytes).map(|()| *bytes = &[]),
            Target::Pipe(pipe) => pipe,
        };
        while !bytes.is_empty() {
            match rustix::io::write(pipe, bytes) {
                Ok(count) => *bytes = &bytes[count..],
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

/// The input goes on to the child until it ends; what a child that has ended did not take waits for its successor.
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
    next: Mutex<Next>,
    /// There is a next target.
    came: Condvar,
}

/// Where the input goes on to.
#[derive(Debug, Default)]
struct Next {
    target: Option<Target>,
    /// The input has ended, and this was its last byte.
    ended: Option<Option<u8>>,
}

impl Forward {
    /// Starts the thread `brummer-stdin`; it blocks in a read for as long as the program lives.
    ///
    /// # Errors
    /// The thread could not be made.
    pub fn start(target: Target) -> io::Result<Forward> {
        let keys = matches!(target, Target::Terminal(_)) && is_terminal();
        let keyboard = if keys { tcgetattr(io::stdin()).ok() } else { None };
        let (continued, next) = (Mutex::new(false), Mutex::default());
        let shared = Arc::new(Shared { continued, changed: Condvar::new(), keyboard, next, came: Condvar::new() });
        let forward = Forward { shared: Arc::clone(&shared) };
        shared.take_keyboard();
        let builder = std::thread::Builder::new().name("brummer-stdin".into()).stack_size(128 * 1024);
        builder.spawn(move || shared.run(target))?;
        Ok(forward)
    }

    /// From now on the input goes to this target.
    pub fn follow(&self, target: Target) {
        let mut next = self.shared.next();
        match next.ended {
            Some(last) => target.end(last),
            None => next.target = Some(target),
        }
        drop(next);
        self.shared.came.notify_all();
    }

    /// What is to be called on SIGCONT.
    pub fn continued(&self) {
        self.shared.take_keyboard();
        *self.shared.continued.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.changed.notify_all();
    }

    /// The terminal gets its modes back, if it is not somebody else's now.
    pub fn give_back(&self) {
        if let Some(before) = self.shared.keyboard.as_ref().filter(|_| is_foreground()) {
            // Nothing can be done about a terminal that is gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

impl Shared {
    fn run(&self, mut target: Target) {
        refuse_in_background();
        let mut buffer = vec![0; 64 * 1024];
        let mut last = None;
        loop {
            match rustix::io::read(io::stdin(), &mut buffer[..]) {
                Ok(0) => break,
                Ok(count) => {
                    target = self.hand_on(target, &buffer[..count]);
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
        let mut next = self.next();
        next.ended = Some(last);
        next.target.take().unwrap_or(target).end(last);
    }

    /// Gives it all to the child, or to those that it is started again as; answers who took the last of it.
    fn hand_on(&self, mut target: Target, mut bytes: &[u8]) -> Target {
        target = self.next().target.take().unwrap_or(target);
        while target.write(&mut bytes).is_err() {
            // The child has ended, or has closed its input.
            let wait = self.came.wait_while(self.next(), |next| next.target.is_none());
            target = wait.unwrap_or_else(PoisonError::into_inner).target.take().unwrap_or(target);
        }
        target
    }

    fn next(&self) -> MutexGuard<'_, Next> {
        // Two places that are each set whole, so a poisoned lock still holds good ones.
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
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
