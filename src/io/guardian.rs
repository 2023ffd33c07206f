//! The process that the user started stays as guardian and sub-reaper of the app, its child: whichever of the two is
//! killed, the other ends every descendant.
//!
//! ```text
//! shell ── guardian ── app ── children, each a session of its own
//!             │  └── a pipe, open for writing only here: its end tells the app that the guardian is gone
//!             └── SIGCHLD, and orphans, tell the guardian that the app is gone
//! ```
//!
//! Both are in the process group that the shell made, so the terminal's signals reach both: the guardian leaves Ctrl+C to
//! the app, hands on what was sent to it alone, and stops and continues with the app. Where the system adopts no orphans
//! (macOS) descendants are recognised by a word in the environment that the guardian sets for all of them.

use super::platform;
use super::tree::{self, Member, Snapshot};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// The variable by which all descendants of one run are recognised.
const RUN: &str = "BRUMMER_RUN";

/// How long the guardian tries to end descendants.
const END_WITHIN: Duration = Duration::from_millis(1500);

/// Undoes what a terminal UI switches on: mouse, paste, focus, cursor, colours, alternate screen.
const RESET: &[u8] =
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1004l\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l";

/// What the app holds of its guardian.
#[derive(Debug)]
pub struct Guard {
    /// Becomes readable when the guardian is gone. Give it to the process manager.
    pub alive: OwnedFd,
}

/// Runs `app` in a child process, and returns its exit code when it and all its descendants are gone. When a signal
/// ended the app, this process ends by the same one.
///
/// To be called at the top of `main`, before there is a second thread. Where no child can be made, `app` runs here, unguarded,
/// with a `Guard` that never reports.
///
/// `at_end` is called here when everybody is gone, however the app ended, and before this process ends in the same way.
pub fn run(app: impl FnOnce(Guard) -> i32, at_end: impl FnOnce()) -> i32 {
    let Ok((reader, writer)) = io::pipe() else { return 1 };
    let guard = Guard { alive: reader.into() };
    let word = mark_run();
    platform::adopt_orphans();
    let terminal = terminal::Saved::take();
    let signals = Awaited::block();
    // SAFETY: there is one thread only (the caller's duty), so the child may go on as a whole program.
    match unsafe { libc::fork() } {
        0 => {
            drop(writer);
            signals.restore();
            std::process::exit(app(guard))
        }
        -1 => {
            signals.restore();
            let code = app(guard);
            drop(writer);
            at_end();
            code
        }
        pid => {
            drop(guard);
            platform::release_code();
            let status = watch(pid, &signals);
            end_everybody(&word);
            terminal.restore_if_changed();
            at_end();
            signals.restore();
            finish(status)
        }
    }
}

/// Gives this run a word that every descendant inherits.
fn mark_run() -> String {
    let me = std::process::id() as i32;
    let value = format!("{me}-{}", platform::entry(me).map_or(0, |entry| entry.started));
    // SAFETY: there is one thread only, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var(RUN, &value) };
    format!("{RUN}={value}")
}

/// The signals that the guardian takes one after the other instead of being interrupted by them.
struct Awaited {
    set: libc::sigset_t,
    before: libc::sigset_t,
}

const AWAITED: [i32; 9] = [
    libc::SIGCHLD,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTSTP,
    libc::SIGTTOU,
    libc::SIGUSR1,
    libc::SIGUSR2,
];

impl Awaited {
    fn block() -> Awaited {
        // SAFETY: sigset_t is made of integers, for which all zeroes is a value; each call gets valid places for sets.
        unsafe {
            let mut awaited = Awaited { set: std::mem::zeroed(), before: std::mem::zeroed() };
            libc::sigemptyset(&mut awaited.set);
            for number in AWAITED {
                libc::sigaddset(&mut awaited.set, number);
            }
            libc::sigprocmask(libc::SIG_BLOCK, &awaited.set, &mut awaited.before);
            awaited
        }
    }

    fn restore(&self) {
        // SAFETY: `before` was filled in by `block`.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }

    fn next(&self) -> i32 {
        let mut number = 0;
        // SAFETY: both are valid for the call.
        unsafe { libc::sigwait(&self.set, &mut number) };
        number
    }
}

/// Waits until the app has ended; returns its wait status.
fn watch(app: i32, signals: &Awaited) -> i32 {
    loop {
        match signals.next() {
            libc::SIGCHLD => {
                if let Some(status) = take_ended(app) {
                    return status;
                }
            }
            // From a terminal it has reached the app as well; without one it was meant for whom it was sent to.
            libc::SIGINT | libc::SIGQUIT | libc::SIGTSTP if terminal::is_foreground() => {}
            libc::SIGTTOU => {}
            // SAFETY: kill takes two integers; the app was not reaped, so the number is its own.
            number => unsafe {
                libc::kill(app, number);
            },
        }
    }
}

/// Reaps whoever has ended. Some(status) when the app was among them; stops and continues with the app.
fn take_ended(app: i32) -> Option<i32> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for the result.
        let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG | libc::WUNTRACED) };
        if pid <= 0 {
            return None;
        }
        if pid != app {
            continue;
        }
        if !libc::WIFSTOPPED(status) {
            return Some(status);
        }
        // SAFETY: both take integers. After the shell has continued this process, the app is continued too.
        unsafe {
            libc::raise(libc::SIGSTOP);
            libc::kill(app, libc::SIGCONT);
        }
    }
}

/// Ends what the app left; nothing is to be done when there is no child at all, which is the rule.
fn end_everybody(word: &str) {
    let adopts = cfg!(target_os = "linux");
    if adopts && !reap_all() {
        return;
    }
    let find = |snapshot: &Snapshot| -> Vec<Member> {
        reap_all();
        if adopts { snapshot.all_below() } else { snapshot.carriers(word) }
    };
    tree::kill_all(find, Instant::now() + END_WITHIN);
}

/// Ends every process that belongs to this run but the caller, in the app when its guardian is gone.
pub fn end_run() {
    let word = std::env::var(RUN).map(|value| format!("{RUN}={value}")).unwrap_or_default();
    let adopts = cfg!(target_os = "linux");
    let find = |snapshot: &Snapshot| if adopts { snapshot.all_below() } else { snapshot.carriers(&word) };
    if adopts || !word.is_empty() {
        tree::kill_all(find, Instant::now() + END_WITHIN);
    }
}

/// Reaps all that have ended; whether there are children left.
fn reap_all() -> bool {
    loop {
        // SAFETY: a null status is allowed.
        match unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } {
            0 => return true,
            -1 => return false,
            _ => {}
        }
    }
}

/// The exit code of the app, or the same death as its.
fn finish(status: i32) -> i32 {
    if libc::WIFEXITED(status) {
        return libc::WEXITSTATUS(status);
    }
    let number = libc::WTERMSIG(status);
    // The app has dumped what there is to dump.
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `no_core` is valid for the call; the others take integers.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &no_core);
        libc::signal(number, libc::SIG_DFL);
        libc::raise(number);
    }
    128 + number
}

/// Whether Ctrl+C on the terminal reaches the guardian and the app alike, once each.
pub(crate) fn is_foreground() -> bool {
    terminal::is_foreground()
}

mod terminal {
    //! The terminal as it was before the app changed it.

    use super::RESET;
    use crate::io::pty::write_within;
    use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr};
    use std::io;
    use std::time::Duration;

    /// A terminal that has not taken it by then is not read by anybody.
    const RESET_WITHIN: Duration = Duration::from_secs(1);

    pub(super) struct Saved(Option<Termios>);

    impl Saved {
        pub(super) fn take() -> Saved {
            Saved(tcgetattr(io::stdin()).ok())
        }

        /// A changed mode shows that the app died with its screen on.
        pub(super) fn restore_if_changed(&self) {
            let (Some(saved), Ok(now)) = (&self.0, tcgetattr(io::stdin())) else { return };
            if now.local_modes == saved.local_modes && now.output_modes == saved.output_modes {
                return;
            }
            // Nothing can be done about a terminal that is gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, saved);
            // Who reads keys one by one leaves the output as it is.
            if now.output_modes != saved.output_modes && isatty(io::stdout()) {
                let _ = write_within(RESET, RESET_WITHIN);
            }
        }
    }

    /// Whether Ctrl+C on the terminal reaches this process and the app alike.
    pub(super) fn is_foreground() -> bool {
        let own = rustix::process::getpgrp();
        tcgetpgrp(io::stdin()).or_else(|_| tcgetpgrp(io::stderr())).is_ok_and(|group| group == own)
    }
}
