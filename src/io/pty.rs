//! Pseudo-terminals: opened so that what a child writes arrives as it was written.

use super::platform;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize, ttyname,
};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

/// How many columns and rows a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl Default for Size {
    /// 80 × 24.
    fn default() -> Size {
        Size { columns: 80, rows: 24 }
    }
}

/// Both ends of a pseudo-terminal.
#[derive(Debug)]
pub(crate) struct Pty {
    /// Brummer's end; reads do not block.
    pub(crate) master: OwnedFd,
    /// The child's end.
    pub(crate) slave: File,
}

impl Pty {
    /// A terminal as a user's, but for one thing: output is not processed, so no `\r` is put before `\n`.
    /// Input is echoed and edited as usual, and Ctrl+C in it is a signal.
    pub(crate) fn open(size: Size) -> io::Result<Pty> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | platform::PTY_FLAGS)?;
        fcntl_setfd(&master, FdFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = std::ffi::OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes());
        let slave = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path)?;
        let mut modes = tcgetattr(&slave)?;
        modes.output_modes.remove(OutputModes::OPOST);
        modes.input_modes.insert(InputModes::IUTF8);
        tcsetattr(&slave, OptionalActions::Now, &modes)?;
        resize(&master, size)?;
        set_nonblocking(&master)?;
        Ok(Pty { master, slave })
    }
}

/// Gives a terminal another size; whoever runs in its foreground gets SIGWINCH.
pub(crate) fn resize(master: impl AsFd, size: Size) -> io::Result<()> {
    let size = Winsize { ws_col: size.columns, ws_row: size.rows, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(master, size)?)
}

/// Whether the child's end hands keys on unedited, and Enter as a carriage return.
pub(crate) fn is_raw(master: impl AsFd) -> bool {
    tcgetattr(master).is_ok_and(|modes| {
        !modes.local_modes.contains(LocalModes::ICANON) && !modes.input_modes.contains(InputModes::ICRNL)
    })
}

/// Writes to the terminal behind standard output; what it has not taken within `limit` is given up.
///
/// # Errors
/// TIMED_OUT; what the system said.
pub fn write_within(mut bytes: &[u8], limit: Duration) -> io::Result<()> {
    let out = io::stdout();
    // A way in of its own can be non-blocking without being so for everybody who shares the terminal. Where it is refused
    // (the terminal is another user's), only a terminal that is nearly full is waited for too long.
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let own = ttyname(&out, Vec::new()).and_then(|name| open(name, flags, Mode::empty())).ok();
    let fd = own.as_ref().map_or(out.as_fd(), AsFd::as_fd);
    let deadline = Instant::now() + limit;
    while !bytes.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&left)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match rustix::io::write(fd, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Makes reads and writes answer "would block" instead of waiting.
pub(crate) fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(&fd)?;
    Ok(fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?)
}
