//! Bytes that go from one socket to another without being copied: between the two they wait in a pipe of the system.
//!
//! **Invariant.** Bytes are taken from a socket only into an empty pipe: then `WouldBlock` means that the socket has none, and 0 that it has ended,
//! and never that the pipe is full. A pipe with bytes in it is not taken back.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use crate::io::platform;

/// So many pipes there are at most, used or free; whoever gets none copies.
const PIPES_MAX: usize = 64;
/// So many free ones are kept for the next.
const FREE_MAX: usize = 16;

/// A pipe, lent to one direction of a connection for as long as there is much to move.
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    held: usize,
    /// Counts the pipes there are.
    _count: Arc<()>,
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pipe({} bytes)", self.held)
    }
}

impl Pipe {
    /// How many bytes wait in it.
    pub fn len(&self) -> usize {
        self.held
    }

    /// Whether none do.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    pub(super) fn fill(&mut self, from: impl AsFd, most: usize) -> io::Result<usize> {
        debug_assert!(self.is_empty(), "else nobody knows why it takes nothing");
        self.held = platform::splice(from, &self.write, most)?;
        Ok(self.held)
    }

    pub(super) fn drain(&mut self, to: impl AsFd) -> io::Result<usize> {
        let count = platform::splice(&self.read, to, self.held)?;
        self.held -= count;
        Ok(count)
    }
}

/// The pipes of a loop.
#[derive(Default)]
pub(super) struct Pipes {
    free: Vec<Pipe>,
    count: Arc<()>,
}

impl Pipes {
    /// `None` when there are too many, or the system has none.
    pub(super) fn lend(&mut self) -> Option<Pipe> {
        if let Some(pipe) = self.free.pop() {
            return Some(pipe);
        }
        // One of the counted is the count itself.
        if Arc::strong_count(&self.count) > PIPES_MAX {
            return None;
        }
        let (read, write) = platform::relay_pipe().ok()?;
        Some(Pipe { read, write, held: 0, _count: Arc::clone(&self.count) })
    }

    pub(super) fn take_back(&mut self, pipe: Pipe) {
        if pipe.is_empty() && self.free.len() < FREE_MAX {
            self.free.push(pipe);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_pipes_than_allowed_and_those_given_back_serve_again() {
        let mut pipes = Pipes::default();
        let mut all: Vec<Pipe> = std::iter::from_fn(|| pipes.lend()).collect();
        if all.is_empty() {
            return; // A system without them.
        }
        assert_eq!(all.len(), PIPES_MAX);
        let last = all.pop().map(|pipe| (pipes.take_back(pipe), pipes.free.len()));
        assert_eq!(last, Some(((), 1)));
        all.extend(pipes.lend());
        assert_eq!((all.len(), pipes.lend().is_none()), (PIPES_MAX, true));
        all.drain(..).for_each(|pipe| pipes.take_back(pipe));
        assert_eq!((pipes.free.len(), Arc::strong_count(&pipes.count)), (FREE_MAX, FREE_MAX + 1));
    }
}
