//! What an operating system must provide, one file per platform with the same names; everything else in `io` is portable.
//!
//! | name | what it must do |
//! |---|---|
//! | `processes()` | every process of the machine that can be seen, as [`Entry`]; those that end meanwhile are left out |
//! | `entry(pid)` | one process, or `None` when it is gone; a zombie is there and marked so |
//! | `usage(pid)` | CPU time since it began, and its resident memory in bytes |
//! | `has_word(pid, word)` | whether the environment that the process was started with holds the word `NAME=value` |
//! | `describe(pid, most)` | its command line, at most so many characters of it |
//! | `signal(pid, started, number)` | sends a signal, but never to another process that got the same pid meanwhile |
//! | `adopt_orphans()` | makes descendants whose parent dies children of this process, where the system can do it |
//! | `grow_pipe(fd)` | makes a pipe as large as is allowed |
//! | `relay_pipe()` | a pipe through which bytes go from socket to socket; fails where `splice` does not exist |
//! | `splice(from, to, most)` | moves bytes between a socket and a pipe without a copy and without waiting |
//! | `PTY_FLAGS` | what to open a terminal's master with, so that it is not inherited |
//! | `KNOWS_SOCKETS` | whether the next four can tell anything |
//! | `sockets(connections)` | the number of the client's socket of each connection of this machine, if it has one |
//! | `sockets_of(pid, wanted)` | which of these sockets a process holds |
//! | `listening()` | the sockets that listen for TCP, and their ports |
//! | `pids()`, `name(pid)` | every process that can be seen; the name of its program |
//! | `release_code()` | unmaps the code that was run so far, until it is run again; how many files of it |
//! | `Affinity` | the CPUs that this thread may use: taken in the parent, given to the child between fork and exec |

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::*;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub(crate) use macos::*;

/// What is known of one process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its number.
    pub(crate) pid: i32,
    /// Its parent's number; that of the adopter when the parent has died.
    pub(crate) parent: i32,
    /// Its process group.
    pub(crate) group: i32,
    /// Its session; 0 where it cannot be seen.
    pub(crate) session: i32,
    /// Start time; two processes with the same pid never share it.
    pub(crate) started: u64,
    /// Whether it has ended and only waits to be reaped.
    pub(crate) zombie: bool,
}
