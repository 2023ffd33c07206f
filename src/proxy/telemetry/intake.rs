//! Takes what pages say off the reactor's hands: a bounded queue, read in order by one task of the pool at a time.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::proxy::engine::{ChannelId, PageOrigin};
use crate::runtime::Priority;
use crate::runtime::pool::Pool;

/// Bytes that may wait to be read; what comes when there are so many is dropped.
const WAITING_BYTES_MAX: usize = 32 << 20;
/// One task reads so many and lets others pass.
const SLICE: usize = 16;

/// Something that a page said or did.
#[derive(Debug)]
pub(super) enum Word {
    /// It posted this.
    Posted(PageOrigin, Vec<u8>),
    /// It said this over its channel.
    Said(ChannelId, String),
    /// Its channel is closed.
    Closed(ChannelId),
}

impl Word {
    fn bytes(&self) -> usize {
        match self {
            Word::Posted(_, bytes) => bytes.len(),
            Word::Said(_, text) => text.len(),
            Word::Closed(_) => 0,
        }
    }
}

type Read = Arc<dyn Fn(Word) + Send + Sync>;

/// The queue.
#[derive(Clone)]
pub(super) struct Intake {
    queue: Arc<Mutex<Queue>>,
    pool: Pool,
    read: Read,
}

#[derive(Default)]
struct Queue {
    words: VecDeque<Word>,
    bytes: usize,
    /// A task reads, or is about to.
    running: bool,
    dropped: u64,
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("waiting", &self.queue.lock().words.len()).finish_non_exhaustive()
    }
}

impl Intake {
    pub(super) fn new(pool: Pool, read: impl Fn(Word) + Send + Sync + 'static) -> Intake {
        Intake { queue: Arc::default(), pool, read: Arc::new(read) }
    }

    /// Puts a word into the queue; never waits.
    pub(super) fn push(&self, word: Word) {
        let mut queue = self.queue.lock();
        if queue.bytes + word.bytes() > WAITING_BYTES_MAX {
            queue.dropped += 1;
            return;
        }
        queue.bytes += word.bytes();
        queue.words.push_back(word);
        if !std::mem::replace(&mut queue.running, true) {
            drop(queue);
            self.run();
        }
    }

    /// Words that were dropped because too many waited.
    pub(super) fn dropped(&self) -> u64 {
        self.queue.lock().dropped
    }

    fn run(&self) {
        let this = self.clone();
        // A pool that takes no more work is shutting down or flooded; the next word tries again.
        if self.pool.spawn_last(Priority::Low, move || this.slice()).is_err() {
            self.queue.lock().running = false;
        }
    }

    fn slice(&self) {
        for _ in 0..SLICE {
            let word = {
                let mut queue = self.queue.lock();
                let Some(word) = queue.words.pop_front() else {
                    queue.running = false;
                    return;
                };
                queue.bytes -= word.bytes();
                word
            };
            (self.read)(word);
        }
        self.run();
    }
}
