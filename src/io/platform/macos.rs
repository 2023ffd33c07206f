//! macOS: libproc for the process tree, `kill` after a look at the start time, `KERN_PROCARGS2` for the environment.

use super::Entry;
use crate::io::sockets::Connection;
use rustix::pty::OpenptFlags;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// A terminal's master cannot be opened close-on-exec here; it is made so right afterwards.
pub(crate) const PTY_FLAGS: OpenptFlags = OpenptFlags::empty();

pub(crate) fn processes() -> Vec<Entry> {
    pids().into_iter().filter_map(entry).collect()
}

pub(crate) fn pids() -> Vec<i32> {
    // SAFETY: a null buffer of size 0 asks only for the number of processes.
    let count = unsafe { libc::proc_listallpids(std::ptr::null_mut(), 0) };
    let mut pids = vec![0i32; usize::try_from(count).unwrap_or(0) + 64];
    let bytes = i32::try_from(pids.len() * size_of::<i32>()).unwrap_or(i32::MAX);
    // SAFETY: the buffer holds `bytes` bytes; the call fills at most so many.
    let filled = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), bytes) };
    pids.truncate(usize::try_from(filled).unwrap_or(0));
    pids.retain(|&pid| pid > 0);
    pids
}

pub(crate) fn entry(pid: i32) -> Option<Entry> {
    // SAFETY: proc_bsdinfo is made of integers, for which all zeroes is a value.
    let mut info: libc::proc_bsdinfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::proc_bsdinfo>() as i32;
    // SAFETY: the buffer is `info` and has the size that is given.
    let got = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size) };
    if got != size {
        return None;
    }
    // SAFETY: getsid takes an integer.
    let session = unsafe { libc::getsid(pid) };
    Some(Entry {
        pid,
        parent: info.pbi_ppid as i32,
        group: info.pbi_pgid as i32,
        session: session.max(0),
        started: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
        zombie: info.pbi_status == libc::SZOMB,
    })
}

/// User and system time, and resident memory.
pub(crate) fn usage(pid: i32) -> Option<(Duration, u64)> {
    // SAFETY: proc_taskinfo is made of integers, for which all zeroes is a value.
    let mut info: libc::proc_taskinfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::proc_taskinfo>() as i32;
    // SAFETY: the buffer is `info` and has the size that is given.
    let got = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTASKINFO, 0, (&raw mut info).cast(), size) };
    // The times are in nanoseconds on x86 and in units of 125/3 ns on ARM.
    let nanos = |ticks: u64| if cfg!(target_arch = "aarch64") { ticks * 125 / 3 } else { ticks };
    let cpu = Duration::from_nanos(nanos(info.pti_total_user + info.pti_total_system));
    (got == size).then_some((cpu, info.pti_resident_size))
}

pub(crate) fn has_word(pid: i32, word: &[u8]) -> bool {
    let Some(text) = arguments(pid) else { return false };
    let ends = |at: usize| text.get(at + word.len()).is_none_or(|&b| b == 0);
    memchr::memmem::find_iter(&text, word).any(|at| at > 0 && text[at - 1] == 0 && ends(at))
}

/// Who holds a socket is not looked up here.
pub(crate) const KNOWS_SOCKETS: bool = false;

pub(crate) fn sockets(connections: &[Connection]) -> Vec<Option<u64>> {
    vec![None; connections.len()]
}

pub(crate) fn listening() -> Vec<(u64, u16)> {
    Vec::new()
}

pub(crate) fn sockets_of(_pid: i32, _wanted: &[u64]) -> Vec<u64> {
    Vec::new()
}

/// The first word of the command line, without its folders.
pub(crate) fn name(pid: i32) -> Option<String> {
    let line = describe(pid, 80);
    Some(line.split(' ').next()?.rsplit('/').next()?.to_owned())
}

pub(crate) fn describe(pid: i32, most: usize) -> String {
    let text = arguments(pid).unwrap_or_default();
    let count = text.first_chunk::<4>().map_or(0, |bytes| u32::from_ne_bytes(*bytes)) as usize;
    let words = text.get(4..).unwrap_or_default().split(|&b| b == 0).filter(|word| !word.is_empty());
    // The first word is the path of the executable, after it come the arguments.
    let words: Vec<_> = words.skip(1).take(count).map(String::from_utf8_lossy).collect();
    words.join(" ").chars().take(most).collect()
}

/// The number of arguments, the path, the arguments and the environment of a process of this user.
fn arguments(pid: i32) -> Option<Vec<u8>> {
    let mut name = [libc::CTL_KERN, libc::KERN_PROCARGS2, pid];
    let mut size = 0usize;
    let none = std::ptr::null_mut();
    // SAFETY: `name` holds three integers; a null buffer asks only for the size.
    if unsafe { libc::sysctl(name.as_mut_ptr(), 3, none, &mut size, none, 0) } != 0 {
        return None;
    }
    let mut text = vec![0u8; size];
    // SAFETY: `text` holds `size` bytes; the call fills at most so many and sets `size` to how many.
    if unsafe { libc::sysctl(name.as_mut_ptr(), 3, text.as_mut_ptr().cast(), &mut size, none, 0) } != 0 {
        return None;
    }
    text.truncate(size);
    Some(text)
}

/// There is no pidfd: a look at the start time just before leaves a window of microseconds.
pub(crate) fn signal(pid: i32, started: u64, number: i32) -> io::Result<()> {
    if entry(pid).is_none_or(|entry| entry.started != started) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // SAFETY: kill takes two integers; `pid` is positive, so no group and not everybody is meant.
    if unsafe { libc::kill(pid, number) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// There is no sub-reaper: orphans go to launchd and are found by their session and their environment.
pub(crate) fn adopt_orphans() {}

/// The system sizes pipes by itself.
pub(crate) fn grow_pipe(_pipe: impl AsFd) {}

/// This system moves no bytes between sockets without a copy.
pub(crate) fn relay_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn splice(_from: impl AsFd, _to: impl AsFd, _most: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// This system counts code of files apart from a process's own memory.
pub(crate) fn release_code() -> usize {
    0
}

/// The CPUs that a thread may use; this system does not pin threads.
#[derive(Clone, Copy)]
pub(crate) struct Affinity;

impl Affinity {
    /// Those of the calling thread.
    pub(crate) fn current() -> Option<Affinity> {
        Some(Affinity)
    }

    /// Gives them to the calling thread.
    pub(crate) fn apply(&self) {}
}
