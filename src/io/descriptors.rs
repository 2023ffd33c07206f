//! The limit of open files: raised for this program as far as is allowed, and given to children as it was.
//!
//! A low soft limit is there for programs that use `select`, which breaks above 1,024; this one does not, and holds two
//! descriptors or more for every process.

use std::io;

/// macOS refuses more than this, whatever the hard limit says (OPEN_MAX).
const MACOS_MAX: libc::rlim_t = 10_240;

/// A limit as it was before it was raised.
#[derive(Clone, Copy)]
pub(super) struct Limit(libc::rlimit);

impl Limit {
    /// Raises the soft limit to the hard one; what it was, if that has changed anything.
    pub(super) fn raise() -> Option<Limit> {
        let before = current().ok()?;
        let most = if cfg!(target_os = "macos") { before.rlim_max.min(MACOS_MAX) } else { before.rlim_max };
        if before.rlim_cur >= most {
            return None;
        }
        set(&libc::rlimit { rlim_cur: most, ..before }).ok()?;
        Some(Limit(before))
    }

    /// Puts it back, in a child. Async-signal-safe: one system call, no allocation.
    pub(super) fn restore(&self) {
        // A child with more room than it asked for is no reason not to start it.
        let _ = set(&self.0);
    }
}

fn current() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the result.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    if result == 0 { Ok(limit) } else { Err(io::Error::last_os_error()) }
}

fn set(limit: &libc::rlimit) -> io::Result<()> {
    // SAFETY: `limit` is valid for the call.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, limit) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
