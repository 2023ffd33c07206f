//! Runs a program on Brummer's own terminal, in the foreground, until it ends: an editor.
//!
//! It has a process group of its own, so that Ctrl+C in it is no Ctrl+C here, and its files at the end of Brummer are not
//! in danger: it is asked to end as by a terminal that is closed. When it is stopped by Ctrl+Z, Brummer stops as well.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use rustix::termios::tcsetpgrp;

use super::child::release_only;
use super::suspend::stop_own_group;

/// A program that has the terminal.
#[derive(Debug)]
pub struct Foreground {
    child: Child,
    pid: Pid,
}

impl Foreground {
    /// Starts it with the terminal of standard input as its own. The terminal must be as a shell leaves it.
    ///
    /// # Errors
    /// It is not installed, or could not be started.
    pub fn start(mut command: Command) -> io::Result<Foreground> {
        release_only(&mut command).process_group(0);
        // SAFETY: between fork and exec only async-signal-safe calls are made: no allocation, no lock.
        unsafe { command.pre_exec(|| take_terminal(rustix::process::getpid())) };
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        Ok(Foreground { child, pid })
    }

    /// Its process number, for [`hang_up`].
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits for its end and takes the terminal back; blocks for as long as the person edits.
    ///
    /// # Errors
    /// It failed, or the terminal could not be taken back.
    pub fn wait(mut self) -> io::Result<()> {
        while self.is_stopped()? {
            let own = rustix::process::getpgrp();
            take_terminal(own)?;
            // It returns when the shell continues this group.
            stop_own_group()?;
            take_terminal(self.pid)?;
            kill_process_group(self.pid, Signal::CONT)?;
        }
        let ended = self.child.wait();
        take_terminal(rustix::process::getpgrp())?;
        match ended {
            Ok(status) if !status.success() => Err(io::Error::other(format!("it ended with {status}"))),
            // An error says that its end was noticed by somebody else.
            _ => Ok(()),
        }
    }

    /// Waits until it has ended (`false`) or was stopped.
    fn is_stopped(&mut self) -> io::Result<bool> {
        // SAFETY: siginfo_t is made of integers, for which all zeroes is a value.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        loop {
            // SAFETY: `info` is a valid place for the result; the end is only looked at, so the number stays the child's.
            let result = unsafe {
                let options = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT;
                libc::waitid(libc::P_PID, self.pid.as_raw_nonzero().get() as libc::id_t, &mut info, options)
            };
            if result == 0 {
                break;
            }
            match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error if error.raw_os_error() == Some(libc::ECHILD) => return Ok(false),
                error => return Err(error),
            }
        }
        if info.si_code != libc::CLD_STOPPED {
            return Ok(false);
        }
        // The stop was only looked at above; taken here, it is not seen twice.
        waitpid(Some(self.pid), WaitOptions::UNTRACED | WaitOptions::NOHANG)?;
        Ok(true)
    }
}

/// Tells a program that has the terminal that the terminal is gone.
pub fn hang_up(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may have ended just now.
        let _ = kill_process_group(pid, Signal::HUP);
        let _ = kill_process_group(pid, Signal::CONT);
    }
}

/// Makes a process group the one that the terminal belongs to. Async-signal-safe.
fn take_terminal(group: Pid) -> io::Result<()> {
    // SAFETY: sigset_t is plain data that sigemptyset fills in; the sets live as long as the calls.
    let before = unsafe {
        let mut own: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut own);
        libc::sigaddset(&mut own, libc::SIGTTOU);
        // From the background this is allowed only to who does not hear the signal.
        libc::pthread_sigmask(libc::SIG_BLOCK, &own, &mut before);
        before
    };
    let done = tcsetpgrp(rustix::stdio::stdin(), group);
    // SAFETY: `before` is the mask that this thread had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    match done {
        // Without a terminal, or in another session, there is nothing to take.
        Err(rustix::io::Errno::NOTTY) => Ok(()),
        done => done.map_err(io::Error::from),
    }
}
