//! Retired segments, kept for the next roll so that the steady state faults in no new memory.

use std::fmt;
use std::sync::PoisonError;

use crate::sync::shim::{Arc, Mutex};

use super::block::Block;

/// A small pool of retired segments that several logs may share: what one log gives up, the next one to grow takes.
///
/// **Thread safety:** `Clone + Send + Sync`; clones are the same pool. **Waits:** on a mutex that is held for a few
/// pointer moves, and only when a log rolls or evicts. **Cleanup:** the segments are freed with the last clone.
#[derive(Clone)]
pub struct Spares {
    pool: Arc<Pool>,
}

struct Pool {
    most: usize,
    blocks: Mutex<Vec<Arc<Block>>>,
}

impl Spares {
    /// A pool that keeps at most `most` segments; more are freed at once.
    pub fn new(most: usize) -> Self {
        Self { pool: Arc::new(Pool { most, blocks: Mutex::new(Vec::with_capacity(most)) }) }
    }

    /// Bytes of the segments that are waiting for reuse.
    pub fn bytes(&self) -> usize {
        self.blocks(|blocks| blocks.iter().map(|block| block.capacity()).sum())
    }

    /// A block of exactly `capacity` bytes that starts with this sequence and time: a retired one that nobody looks at
    /// any more, else a new one.
    pub(super) fn take(&self, capacity: usize, base_seq: u64, base_time: u64) -> Arc<Block> {
        let recycled = self.blocks(|blocks| {
            let at =
                blocks.iter_mut().position(|block| block.capacity() == capacity && Arc::get_mut(block).is_some())?;
            Some(blocks.swap_remove(at))
        });
        if let Some(mut block) = recycled
            && let Some(unique) = Arc::get_mut(&mut block)
        {
            unique.reset(base_seq, base_time);
            return block;
        }
        Arc::new(Block::new(capacity, base_seq, base_time))
    }

    /// Takes a retired block in, if there is room. Readers may still hold it: `take` looks.
    pub(super) fn give(&self, block: Arc<Block>) {
        let surplus = self.blocks(|blocks| {
            blocks.push(block);
            // The oldest one goes: a snapshot may hold it for long.
            (blocks.len() > self.pool.most).then(|| blocks.remove(0))
        });
        drop(surplus);
    }

    fn blocks<R>(&self, look: impl FnOnce(&mut Vec<Arc<Block>>) -> R) -> R {
        look(&mut self.pool.blocks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Spares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spares").field("bytes", &self.bytes()).field("most", &self.pool.most).finish()
    }
}
