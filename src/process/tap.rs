//! What a process wrote to its terminal, for somebody who looks at it: the newest bytes before, and every byte from then on.
//!
//! **Shape.** A [`Trail`] per process with a terminal, written by the reactor's thread alone: the newest 256 KiB in blocks, each
//! with the modes that held at its start. A [`Tap`] per looker: the reactor appends, one reader takes all there is.
//!
//! **Bounds.** A tap holds 512 KiB. A reader that is slower than the process loses the oldest bytes, never the newest, and is
//! told how many and in which modes it goes on ([`Taken::lost`]). The process and the log store are never held up for it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::wire::screen::{Modes, Watch};

/// A block of a trail.
const BLOCK_BYTES: usize = 16 << 10;
/// Blocks of a trail.
const BLOCKS_MAX: usize = 16;
/// The most that waits in a tap.
const TAP_BYTES_MAX: usize = 512 << 10;

/// The newest output of one process, and the modes that its terminal is in.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    blocks: VecDeque<Block>,
    watch: Watch,
    /// Whether something was dropped.
    cut: bool,
}

#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    /// At its start.
    modes: Modes,
}

impl Trail {
    /// Keeps what was written next.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.blocks.back().is_none_or(|block| block.bytes.len() >= BLOCK_BYTES) {
                self.begin_block();
            }
            let Some(block) = self.blocks.back_mut() else { return };
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - block.bytes.len()));
            block.bytes.extend_from_slice(now);
            self.watch.feed(now);
            bytes = later;
        }
    }

    fn begin_block(&mut self) {
        let mut bytes = Vec::new();
        if self.blocks.len() == BLOCKS_MAX
            && let Some(oldest) = self.blocks.pop_front()
        {
            bytes = oldest.bytes;
            bytes.clear();
            self.cut = true;
        }
        self.blocks.push_back(Block { bytes, modes: self.watch.modes() });
    }

    /// The modes now.
    pub(crate) fn modes(&self) -> Modes {
        self.watch.modes()
    }

    /// All that is kept, from a place where text can begin, and the modes there.
    fn all(&self) -> (Modes, Vec<u8>) {
        let modes = self.blocks.front().map_or_else(|| self.watch.modes(), |block| block.modes);
        let mut all: Vec<u8> = self.blocks.iter().flat_map(|block| block.bytes.iter().copied()).collect();
        if self.cut {
            // The middle of a sequence or of a letter is no place to begin at.
            let begin = all.iter().take(BLOCK_BYTES).position(|byte| matches!(byte, b'\n' | b'\r' | 0x1b));
            all.drain(..begin.unwrap_or(0));
        }
        (modes, all)
    }
}

/// What was written since the last time.
#[derive(Debug, Default)]
pub struct Taken {
    /// Bytes before these that the reader was too slow for.
    pub lost: u64,
    /// The modes before these bytes; to be used at the beginning, and after a loss.
    pub modes: Modes,
    /// In order.
    pub bytes: Vec<u8>,
    /// The process has closed its terminal: nothing comes after this.
    pub ended: bool,
}

/// One reader's way to the output of a process.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: blocking on a lock that is held for a copy. **Waits**: none.
///   **Cleanup**: [`ProcessManager::detach`](crate::process::ProcessManager::detach).
pub struct Tap {
    state: Mutex<State>,
    /// Called on the reactor's thread when there is something after there was nothing; must not block.
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    next: Taken,
    watch: Watch,
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

impl Tap {
    /// A tap that nobody fills yet; `wake` is called when there is something to take.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Arc<Tap> {
        Arc::new(Tap { state: Mutex::default(), wake: Box::new(wake) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what there is.
    pub fn take(&self) -> Taken {
        let mut state = self.lock();
        let modes = state.watch.modes();
        let ended = state.next.ended;
        std::mem::replace(&mut state.next, Taken { modes, ended, ..Taken::default() })
    }

    /// Whether there is something to take for who knows that it has ended, or does not.
    pub fn has_more(&self, ended: bool) -> bool {
        let state = self.lock();
        !state.next.bytes.is_empty() || state.next.ended != ended
    }

    /// Begins with what is kept.
    pub(crate) fn begin(&self, trail: &Trail) {
        let (modes, bytes) = trail.all();
        let mut state = self.lock();
        state.next = Taken { modes, bytes, ..Taken::default() };
        state.watch = trail.watch.clone();
        drop(state);
        (self.wake)();
    }

    /// Adds what was written next.
    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut state = self.lock();
        let quiet = state.next.bytes.is_empty();
        if state.next.bytes.len() + bytes.len() > TAP_BYTES_MAX {
            state.next.lost += state.next.bytes.len() as u64;
            state.next.bytes.clear();
            state.next.modes = state.watch.modes();
        }
        state.watch.feed(bytes);
        state.next.bytes.extend_from_slice(bytes);
        drop(state);
        if quiet {
            (self.wake)();
        }
    }

    /// Nothing comes any more.
    pub(crate) fn end(&self) {
        self.lock().next.ended = true;
        (self.wake)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_trail_keeps_the_newest_and_the_modes_at_its_start() {
        let mut trail = Trail::default();
        trail.push(b"\x1b[?1049h\x1b[?1h");
        let line = [b'x'; 99].iter().chain(b"\n").copied().collect::<Vec<u8>>();
        (0..10_000).for_each(|_| trail.push(&line));
        trail.push(b"\x1b[?1l last");
        let (modes, bytes) = trail.all();
        assert!(modes.alternate && modes.cursor_keys && !trail.modes().cursor_keys);
        assert!(bytes.ends_with(b" last") && bytes.starts_with(b"\n"), "a line begins there");
        assert!((BLOCK_BYTES * (BLOCKS_MAX - 2)..=BLOCK_BYTES * BLOCKS_MAX).contains(&bytes.len()));
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_is_told() {
        let tap = Tap::new(|| {});
        let mut trail = Trail::default();
        trail.push(b"before ");
        tap.begin(&trail);
        tap.push(b"after");
        assert_eq!(tap.take().bytes, b"before after");
        tap.push(b"\x1b[?2004h");
        let chunk = vec![b'x'; 100_000];
        (0..7).for_each(|_| tap.push(&chunk));
        tap.end();
        let taken = tap.take();
        assert_eq!(taken.lost + taken.bytes.len() as u64, 700_008);
        assert!(taken.lost > 0 && taken.bytes.len() <= TAP_BYTES_MAX && taken.modes.bracketed_paste && taken.ended);
        assert_eq!((tap.take().lost, tap.take().ended), (0, true));
    }

    #[test]
    fn a_reader_is_woken_once_until_it_takes() {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = count.clone();
        let tap = Tap::new(move || _ = counter.fetch_add(1, Ordering::Relaxed));
        (0..5).for_each(|_| tap.push(b"x"));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        tap.take();
        tap.push(b"x");
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }
}
