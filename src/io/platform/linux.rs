//! Linux: `/proc` for the process tree, pidfds for signals, the child sub-reaper for orphans.

use super::Entry;
use crate::io::sockets::Connection;
use rustix::pipe::{PipeFlags, SpliceFlags};
use rustix::pty::OpenptFlags;
use std::fs;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// The size that `/proc/sys/fs/pipe-max-size` allows by default.
const PIPE_BYTES: i32 = 1 << 20;
/// What may wait between two sockets.
const RELAY_BYTES: usize = 256 << 10;

/// How a terminal's master is opened so that no child that is forked meanwhile inherits it.
pub(crate) const PTY_FLAGS: OpenptFlags = OpenptFlags::CLOEXEC;

pub(crate) fn processes() -> Vec<Entry> {
    pids().into_iter().filter_map(entry).collect()
}

pub(crate) fn pids() -> Vec<i32> {
    let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
    folder.flatten().filter_map(|file| file.file_name().to_str()?.parse::<i32>().ok()).collect()
}

pub(crate) fn entry(pid: i32) -> Option<Entry> {
    let mut text = [0u8; 1024];
    let length = fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut text).ok()?;
    parse_stat(&text[..length])
}

/// `pid (name) state ppid pgrp session …`, field 22 is the start time; the name may hold blanks and brackets.
fn parse_stat(text: &[u8]) -> Option<Entry> {
    let pid = std::str::from_utf8(text.split(|&b| b == b' ').next()?).ok()?.parse().ok()?;
    let after_name = memchr::memrchr(b')', text)? + 2;
    let rest = std::str::from_utf8(text.get(after_name..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse::<i32>().ok();
    let (parent, group, session) = (number()?, number()?, number()?);
    let started = fields.nth(22 - 7)?.parse().ok()?;
    Some(Entry { pid, parent, group, session, started, zombie: matches!(state, "Z" | "X" | "x") })
}

/// User and system time, and resident memory.
pub(crate) fn usage(pid: i32) -> Option<(Duration, u64)> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let rest = std::str::from_utf8(text.get(memchr::memrchr(b')', &text)? + 2..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let user: u64 = fields.nth(14 - 3)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let pages: u64 = fields.nth(24 - 16)?.parse().ok()?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let cpu = Duration::from_millis((user + system) * 1000 / per_second);
    Some((cpu, pages * rustix::param::page_size() as u64))
}

pub(crate) fn has_word(pid: i32, word: &[u8]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let found = |at: usize| {
        let end = environment.get(at + word.len());
        (at == 0 || environment[at - 1] == 0) && end.is_none_or(|&b| b == 0)
    };
    memchr::memmem::find_iter(&environment, word).any(found)
}

/// `/proc/net` and `/proc/PID/fd` tell who holds a socket.
pub(crate) const KNOWS_SOCKETS: bool = true;

pub(crate) fn sockets(connections: &[Connection]) -> Vec<Option<u64>> {
    let mut found = vec![None; connections.len()];
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        for (local, remote, inode) in text.lines().skip(1).filter_map(parse_socket) {
            let of = |connection: &Connection| same(connection.client, local) && same(connection.server, remote);
            if let Some(at) = connections.iter().position(of) {
                found[at] = Some(inode);
            }
        }
    }
    found
}

/// The sockets that listen: number and port.
pub(crate) fn listening() -> Vec<(u64, u16)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|text| text.lines().skip(1));
    let listens = lines.filter(|line| line.split_ascii_whitespace().nth(3) == Some("0A"));
    listens.filter_map(parse_socket).map(|(local, _, inode)| (inode, local.port())).collect()
}

/// Also when one of them is an IPv4 address written as IPv6.
fn same(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}

/// `sl local remote state queues timer retransmits uid timeout inode …`; a socket without inode belongs to nobody any more.
fn parse_socket(line: &str) -> Option<(SocketAddr, SocketAddr, u64)> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (parse_address(fields.next()?)?, parse_address(fields.next()?)?);
    let inode = fields.nth(9 - 3)?.parse().ok()?;
    (inode != 0).then_some((local, remote, inode))
}

/// `0100007F:1F90`: words of four bytes as the machine has them, then the port.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

pub(crate) fn sockets_of(pid: i32, wanted: &[u64]) -> Vec<u64> {
    let Ok(folder) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let links = folder.flatten().filter_map(|file| fs::read_link(file.path()).ok());
    let inode = |link: std::path::PathBuf| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    links.filter_map(inode).filter(|inode| wanted.contains(inode)).collect()
}

/// The program's file name; where a process has no command line, what the kernel calls it.
pub(crate) fn name(pid: i32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let program = String::from_utf8_lossy(line.split(|&b| b == 0).next().unwrap_or_default()).into_owned();
    // Chromium writes its arguments over its name.
    let program = program.split(" -").next().unwrap_or_default();
    match program.rsplit('/').next().unwrap_or_default().trim_start_matches('-') {
        "" => Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned()),
        name => Some(name.to_owned()),
    }
}

pub(crate) fn describe(pid: i32, most: usize) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line.split(|&b| b == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy).collect();
    words.join(" ").chars().take(most).collect()
}

/// Pages of code are mapped again from the file, as good as always from memory, when they are next run. Whoever is traced
/// keeps them: a debugger has written its breakpoints there.
pub(crate) fn release_code() -> usize {
    if fs::read_to_string("/proc/self/status").is_ok_and(|text| !text.contains("\nTracerPid:\t0\n")) {
        return 0;
    }
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let advise = |&(start, length): &(usize, usize)| {
        // SAFETY: a mapping of a file that can be run and never was writable holds what the file holds, so that nothing is lost.
        unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED) == 0 }
    };
    code_of(&maps).filter(advise).count()
}

/// Start and length of the mappings that hold code of files: `start-end r-xp offset device inode path`.
fn code_of(maps: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    maps.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (start, end) = fields.first()?.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let (start, end) = (number(start)?, number(end)?);
        (fields.len() > 5 && fields[1] == "r-xp" && fields[4] != "0").then_some((start, end - start))
    })
}

/// The pidfd pins the process: when its start time is still the one that was seen, the signal can reach nobody else.
pub(crate) fn signal(pid: i32, started: u64, number: i32) -> io::Result<()> {
    // SAFETY: pidfd_open takes two integers and returns a new descriptor or -1; no memory is passed.
    let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let error = if raw < 0 { Some(io::Error::last_os_error()) } else { None };
    if let Some(error) = error {
        return match error.raw_os_error() {
            Some(libc::ENOSYS | libc::EPERM | libc::EINVAL) => signal_by_number(pid, started, number),
            _ => Err(error),
        };
    }
    // SAFETY: `raw` was just returned by the kernel and nobody else owns it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(raw as RawFd) };
    check_start(pid, started)?;
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open, and a null siginfo means that the kernel fills it in as for kill().
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_fd().as_raw_fd(), number, no_info, 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// For kernels before 5.3: a look at the start time just before, which leaves a window of microseconds.
fn signal_by_number(pid: i32, started: u64, number: i32) -> io::Result<()> {
    check_start(pid, started)?;
    // SAFETY: kill takes two integers; `pid` is positive, so no group and not everybody is meant.
    if unsafe { libc::kill(pid, number) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn check_start(pid: i32, started: u64) -> io::Result<()> {
    let same = entry(pid).is_some_and(|entry| entry.started == started);
    if same { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
}

pub(crate) fn adopt_orphans() {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes integers only and changes no memory.
    // It cannot fail on a kernel since 3.4; before, orphans go to init and are found by their environment.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
}

pub(crate) fn grow_pipe(pipe: impl AsFd) {
    // SAFETY: F_SETPIPE_SZ takes an integer; it fails without effect beyond the user's limit.
    unsafe { libc::fcntl(pipe.as_fd().as_raw_fd(), libc::F_SETPIPE_SZ, PIPE_BYTES) };
}

pub(crate) fn relay_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    // Beyond the user's limit it stays as it is, and less is moved at once.
    let _ = rustix::pipe::fcntl_setpipe_size(&write, RELAY_BYTES);
    Ok((read, write))
}

pub(crate) fn splice(from: impl AsFd, to: impl AsFd, most: usize) -> io::Result<usize> {
    Ok(rustix::pipe::splice(from, None, to, None, most, SpliceFlags::NONBLOCK | SpliceFlags::MOVE)?)
}

/// The CPUs that a thread may use.
#[derive(Clone, Copy)]
pub(crate) struct Affinity(libc::cpu_set_t);

impl Affinity {
    /// Those of the calling thread.
    pub(crate) fn current() -> Option<Affinity> {
        // SAFETY: cpu_set_t is an array of integers, for which all zeroes is a value.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer and the size are those of `set`; 0 means the calling thread.
        let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
        (result == 0).then_some(Affinity(set))
    }

    /// Gives them to the calling thread. Async-signal-safe: one system call, no allocation.
    pub(crate) fn apply(&self) {
        // SAFETY: the pointer and the size are those of `self.0`; 0 means the calling thread. A refusal is harmless.
        unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_read() {
        let text = b"42 (a) b (c)) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2";
        let expected = Entry { pid: 42, parent: 7, group: 8, session: 9, started: 98765, zombie: false };
        assert_eq!(parse_stat(text), Some(expected));
    }

    #[test]
    fn addresses_of_sockets_are_read_as_the_machine_writes_them() {
        let v4 = u32::from_ne_bytes([127, 0, 0, 1]);
        let line = format!(" 3: {v4:08X}:1F90 {v4:08X}:0050 01 00000000:00000000 00:00000000 00000000 1000 0 4711 1");
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert_eq!(parse_socket(&line), Some((address("127.0.0.1:8080"), address("127.0.0.1:80"), 4711)));
        let mapped = format!("{:08X}{:08X}{:08X}{v4:08X}:1F90", 0, 0, u32::from_ne_bytes([0, 0, 0xff, 0xff]));
        assert!(same(parse_address(&mapped).expect("an address"), address("127.0.0.1:8080")));
        assert_eq!(parse_socket(&line.replace("4711", "0")), None);
        assert_eq!(parse_address("01:x"), None);
    }

    #[test]
    fn this_process_is_listed_with_its_parent() {
        let me = std::process::id() as i32;
        let found = processes().into_iter().find(|entry| entry.pid == me).expect("listed");
        assert_eq!(found.parent, std::os::unix::process::parent_id() as i32);
        assert_eq!(entry(me), Some(found));
    }

    #[test]
    fn code_is_released_and_goes_on() {
        let maps = "55d0-55e0 r--p 00000000 fe:00 11 /usr/bin/it\n55e0-56e0 r-xp 00010000 fe:00 11 /usr/bin/it\n\
                    7f00-7f10 r-xp 00000000 00:00 0 [vdso]\n7f20-7f30 r-xp 00000000 00:00 0\n";
        assert_eq!(code_of(maps).collect::<Vec<_>>(), [(0x55e0, 0x100)]);
        // This program at least, unless a debugger looks on.
        let alone = fs::read_to_string("/proc/self/status").unwrap().contains("\nTracerPid:\t0\n");
        assert_eq!(release_code() > 0, alone);
    }

    #[test]
    fn a_signal_to_a_pid_with_another_start_time_is_not_sent() {
        let me = std::process::id() as i32;
        let error = signal(me, 1, libc::SIGKILL).expect_err("another process");
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }
}
