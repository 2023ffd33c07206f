//! Takes work off the reactor's hands: a bounded queue, read in order by one task of the pool at a time.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::runtime::Priority;
use crate::runtime::pool::Pool;

/// Bytes that may wait to be read; what comes when there are so many is dropped.
const WAITING_BYTES_MAX: usize = 32 << 20;
/// One task reads so many and lets others pass.
const SLICE: usize = 16;

type Read<T> = Arc<dyn Fn(T) + Send + Sync>;

/// The queue.
pub(super) struct Intake<T> {
    queue: Arc<Mutex<Queue<T>>>,
    pool: Pool,
    read: Read<T>,
}

impl<T> Clone for Intake<T> {
    fn clone(&self) -> Intake<T> {
        Intake { queue: Arc::clone(&self.queue), pool: self.pool.clone(), read: Arc::clone(&self.read) }
    }
}

struct Queue<T> {
    /// What waits, with its bytes.
    words: VecDeque<(T, usize)>,
    bytes: usize,
    /// A task reads, or is about to.
    running: bool,
    dropped: u64,
}

impl<T> fmt::Debug for Intake<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("waiting", &self.queue.lock().words.len()).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Intake<T> {
    pub(super) fn new(pool: Pool, read: impl Fn(T) + Send + Sync + 'static) -> Intake<T> {
        let queue = Queue { words: VecDeque::new(), bytes: 0, running: false, dropped: 0 };
        Intake { queue: Arc::new(Mutex::new(queue)), pool, read: Arc::new(read) }
    }

    /// Puts something of so many bytes into the queue; never waits.
    pub(super) fn push(&self, word: T, bytes: usize) {
        let mut queue = self.queue.lock();
        if queue.bytes + bytes > WAITING_BYTES_MAX {
            queue.dropped += 1;
            return;
        }
        queue.bytes += bytes;
        queue.words.push_back((word, bytes));
        if !std::mem::replace(&mut queue.running, true) {
            drop(queue);
            self.run();
        }
    }

    /// What was dropped because too many waited.
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
                let Some((word, bytes)) = queue.words.pop_front() else {
                    queue.running = false;
                    return;
                };
                queue.bytes -= bytes;
                word
            };
            (self.read)(word);
        }
        self.run();
    }
}
