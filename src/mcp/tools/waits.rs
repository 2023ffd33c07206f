//! Calls that wait for something to happen: one thread looks at all of them, whenever something has changed or a time has come.
//!
//! No worker of the pool waits, and no thread belongs to a call. Changes that follow each other are looked at together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::answer::{Done, Refusal};
use crate::error::{Error, Result};

/// Changes within this time are looked at together.
const PACE: Duration = Duration::from_millis(20);

/// What a look came to.
pub(crate) enum Look {
    /// It is over.
    Done(Done),
    /// It is not over.
    Not,
    /// It is not over; so far has it come, and this can be told of it.
    Progress(f64, String),
}

/// Something that is waited for.
pub(crate) trait Wait: Send {
    /// Looks whether it has happened, or whether the time is up.
    fn look(&mut self, now: Instant) -> Look;

    /// When to look again though nothing has changed.
    fn next(&self) -> Instant;

    /// Nobody wants the answer any more: ends what was begun for it alone.
    fn abandon(&mut self) {}
}

/// Who waits.
pub(crate) trait Waiter: Send {
    /// Nobody wants the answer any more.
    fn is_gone(&self) -> bool;

    /// How far it has come.
    fn progress(&mut self, progress: f64, text: String);

    /// When to be told that it still goes on; never, unless it says otherwise.
    fn patience(&self) -> Option<Instant> {
        None
    }

    /// It still goes on.
    fn goes_on(&mut self, _now: Instant) {}

    /// The end.
    fn finish(self: Box<Self>, done: Done);
}

struct Entry {
    wait: Box<dyn Wait>,
    waiter: Box<dyn Waiter>,
}

#[derive(Default)]
struct State {
    /// Those that were not yet looked at.
    fresh: Vec<Entry>,
    /// When the thread has to look again.
    stopped: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Something waits.
    wanted: AtomicBool,
    /// Something has changed since the last look.
    dirty: AtomicBool,
}

/// The waits and their thread.
pub(crate) struct Waits {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Waits {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the system says if it refuses a thread.
    pub(crate) fn start() -> Result<Waits> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("brummer-mcp-waits".into()).spawn(move || own.run());
        let thread = thread.map_err(|error| Error::io("mcp", "start the thread of waiting calls", error))?;
        Ok(Waits { shared, thread: Mutex::new(Some(thread)) })
    }

    /// What to call after a change, from any thread: it sets a flag, and wakes the thread if something waits.
    pub(crate) fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let shared = Arc::downgrade(&self.shared);
        move || shared.upgrade().into_iter().for_each(|shared| shared.wake())
    }

    /// Waits on behalf of somebody.
    pub(crate) fn add(&self, wait: Box<dyn Wait>, waiter: Box<dyn Waiter>) {
        let mut state = self.shared.state.lock();
        if state.stopped {
            drop(state);
            return waiter.finish(Err("brummer is ending".into()));
        }
        state.fresh.push(Entry { wait, waiter });
        self.shared.wanted.store(true, Ordering::SeqCst);
        self.shared.changed.notify_one();
    }

    /// Ends the thread; what still waits is told that.
    pub(crate) fn stop(&self) {
        self.shared.state.lock().stopped = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of it has been told.
            let _ = thread.join();
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn wake(&self) {
        if self.wanted.load(Ordering::SeqCst) && !self.dirty.swap(true, Ordering::SeqCst) {
            // With the lock, so that it cannot fall between the thread's look at the flag and its sleep.
            drop(self.state.lock());
            self.changed.notify_one();
        }
    }

    fn run(&self) {
        let mut entries: Vec<Entry> = Vec::new();
        let mut looked = Instant::now();
        while self.sleep(&mut entries, looked) {
            looked = Instant::now();
            entries = entries.into_iter().filter_map(|entry| entry.look(looked)).collect();
        }
        // What was waited for may be the very thing that ends brummer.
        let left = entries.into_iter().filter_map(|entry| entry.look(Instant::now()));
        left.for_each(|entry| entry.waiter.finish(Err("brummer is ending".into())));
    }

    /// Sleeps until there is something to look at; false at the end.
    fn sleep(&self, entries: &mut Vec<Entry>, looked: Instant) -> bool {
        let next = entries.iter().map(Entry::next).min();
        let mut state = self.state.lock();
        loop {
            let fresh = !state.fresh.is_empty();
            entries.append(&mut state.fresh);
            if state.stopped {
                return false;
            }
            self.wanted.store(!entries.is_empty(), Ordering::SeqCst);
            let now = Instant::now();
            if fresh || next.is_some_and(|next| next <= now) {
                return true;
            }
            let dirty = !entries.is_empty() && self.dirty.load(Ordering::SeqCst);
            if dirty && now >= looked + PACE {
                self.dirty.store(false, Ordering::SeqCst);
                return true;
            }
            let until = if dirty { Some(looked + PACE) } else { next };
            match until.into_iter().chain(next).min() {
                Some(until) => drop(self.changed.wait_until(&mut state, until)),
                None => self.changed.wait(&mut state),
            }
        }
    }
}

impl Entry {
    fn next(&self) -> Instant {
        let next = self.wait.next();
        self.waiter.patience().map_or(next, |patience| patience.min(next))
    }

    fn look(mut self, now: Instant) -> Option<Entry> {
        if self.waiter.is_gone() {
            // Its panic is told like those of the pool, and spoils nothing here.
            let _ = catch_unwind(AssertUnwindSafe(|| self.wait.abandon()));
            return None;
        }
        let look = catch_unwind(AssertUnwindSafe(|| self.wait.look(now)));
        match look
            .unwrap_or_else(|_| Look::Done(Err(Refusal("brummer has failed at this; its messages say how".into()))))
        {
            Look::Done(done) => {
                self.waiter.finish(done);
                None
            }
            Look::Not => {
                self.waiter.goes_on(now);
                Some(self)
            }
            Look::Progress(progress, text) => {
                self.waiter.progress(progress, text);
                self.waiter.goes_on(now);
                Some(self)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tools::answer::Answer;
    use serde_json::Value;
    use std::sync::atomic::AtomicU64;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const SOON: Duration = Duration::from_secs(60);

    struct Count(Arc<AtomicU64>, Instant, u64);

    impl Wait for Count {
        fn look(&mut self, now: Instant) -> Look {
            let seen = self.0.load(Ordering::SeqCst);
            if seen >= self.2 || now >= self.1 {
                return Look::Done(Ok(Answer::new(seen.to_string(), Value::Null)));
            }
            Look::Progress(seen as f64, String::new())
        }

        fn next(&self) -> Instant {
            self.1
        }
    }

    struct Tell(Sender<String>, Arc<AtomicBool>);

    impl Waiter for Tell {
        fn is_gone(&self) -> bool {
            self.1.load(Ordering::SeqCst)
        }

        fn progress(&mut self, progress: f64, _: String) {
            let _ = self.0.send(format!("at {progress}"));
        }

        fn finish(self: Box<Self>, done: Done) {
            let _ = self.0.send(done.map_or_else(|refusal| refusal.0, |answer| answer.text));
        }
    }

    fn teller() -> (Box<Tell>, Arc<AtomicBool>, Receiver<String>) {
        let (sender, receiver) = channel();
        let gone = Arc::new(AtomicBool::new(false));
        (Box::new(Tell(sender, Arc::clone(&gone))), gone, receiver)
    }

    #[test]
    fn a_change_is_looked_at_and_a_deadline_is_kept() {
        let waits = Waits::start().unwrap();
        let (wake, number) = (waits.waker(), Arc::new(AtomicU64::new(0)));
        let (one, _, first) = teller();
        waits.add(Box::new(Count(Arc::clone(&number), Instant::now() + SOON * 10, 2)), one);
        assert_eq!(first.recv_timeout(SOON).unwrap(), "at 0");
        for _ in 0..2 {
            number.fetch_add(1, Ordering::SeqCst);
            wake();
        }
        let told: Vec<String> = std::iter::from_fn(|| first.recv_timeout(SOON).ok()).collect();
        assert_eq!(told.last().unwrap(), "2");
        let (late, _, second) = teller();
        waits.add(Box::new(Count(Arc::default(), Instant::now() + Duration::from_millis(30), 1)), late);
        let told: Vec<String> = std::iter::from_fn(|| second.recv_timeout(SOON).ok()).collect();
        assert_eq!((told.first().unwrap().as_str(), told.last().unwrap().as_str()), ("at 0", "0"));
    }

    #[test]
    fn who_is_gone_is_dropped_and_who_is_left_is_told_of_the_end() {
        let waits = Waits::start().unwrap();
        let far = Instant::now() + SOON * 10;
        let ((one, gone, first), (two, _, second)) = (teller(), teller());
        waits.add(Box::new(Count(Arc::default(), far, 1)), one);
        waits.add(Box::new(Count(Arc::default(), far, 1)), two);
        assert_eq!(first.recv_timeout(SOON).unwrap(), "at 0");
        gone.store(true, Ordering::SeqCst);
        waits.waker()();
        // The sender is dropped without a word.
        while first.recv_timeout(SOON).is_ok() {}
        waits.stop();
        let told: Vec<String> = std::iter::from_fn(|| second.recv_timeout(SOON).ok()).collect();
        assert_eq!(told.last().unwrap(), "brummer is ending");
        let (three, _, third) = teller();
        waits.add(Box::new(Count(Arc::default(), far, 1)), three);
        assert_eq!(third.recv_timeout(SOON).unwrap(), "brummer is ending");
    }
}
