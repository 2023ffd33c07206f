//! Pseudo-terminals: opened so that what a child writes arrives as it was written.

use super::platform;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{InputModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;

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

/// Makes reads and writes answer "would block" instead of waiting.
pub(crate) fn set_nonblocking(fd: impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(&fd)?;
    Ok(fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?)
}
