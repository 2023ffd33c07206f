//! Functions that get every line: registered and unregistered at any time, none called after its end, none able to harm.

use crate::event::{Ending, ProcessId, Stream};
use crate::sync::CowCell;
use parking_lot::ReentrantMutex;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A line, lent to a callback.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Whose.
    pub process: ProcessId,
    /// The name of that process.
    pub name: &'a str,
    /// Which output.
    pub stream: Stream,
    /// Its bytes without the ending.
    pub text: &'a [u8],
    /// How it ended.
    pub ending: Ending,
}

/// Names a registered callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallbackId(u64);

struct Callback {
    id: CallbackId,
    call: Box<dyn Fn(&Line<'_>) + Send + Sync>,
    /// Whether it may be called. Held during a call, so unregistering waits for it, but not for itself.
    on: ReentrantMutex<Cell<bool>>,
}

impl Callback {
    fn call(&self, line: &Line<'_>) {
        let on = self.on.lock();
        if on.get() && catch_unwind(AssertUnwindSafe(|| (self.call)(line))).is_err() {
            on.set(false);
        }
    }
}

/// The callbacks of a manager.
#[derive(Default)]
pub(crate) struct Callbacks {
    list: CowCell<Vec<Arc<Callback>>>,
    next: AtomicU64,
}

impl std::fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callbacks").field("registered", &self.list.read(Vec::len)).finish()
    }
}

impl Callbacks {
    pub(crate) fn register(&self, call: Box<dyn Fn(&Line<'_>) + Send + Sync>) -> CallbackId {
        let id = CallbackId(self.next.fetch_add(1, Ordering::Relaxed));
        let callback = Arc::new(Callback { id, call, on: ReentrantMutex::new(Cell::new(true)) });
        self.list.update(|list| [&list[..], std::slice::from_ref(&callback)].concat());
        id
    }

    /// When this returns, the callback does not run and never will. From within the callback: never again.
    pub(crate) fn unregister(&self, id: CallbackId) -> bool {
        let list = self.list.load();
        let Some(callback) = list.iter().find(|callback| callback.id == id) else { return false };
        callback.on.lock().set(false);
        self.list.update(|list| list.iter().filter(|callback| callback.id != id).cloned().collect());
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.read(Vec::is_empty)
    }

    /// Calls all. One that panics is unregistered; its panic was reported by the program's panic hook.
    pub(crate) fn call(&self, line: &Line<'_>) {
        self.list.read(|list| list.iter().for_each(|callback| callback.call(line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn line() -> Line<'static> {
        Line { process: ProcessId(1), name: "web", stream: Stream::Out, text: b"hi", ending: Ending::Newline }
    }

    #[test]
    fn pm05_a_callback_is_called_until_it_is_unregistered() {
        let (callbacks, count) = (Callbacks::default(), Arc::new(AtomicUsize::new(0)));
        let counter = count.clone();
        let id = callbacks.register(Box::new(move |line| {
            counter.fetch_add(line.text.len(), Ordering::SeqCst);
        }));
        callbacks.call(&line());
        assert!(callbacks.unregister(id) && !callbacks.unregister(id));
        callbacks.call(&line());
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert!(callbacks.is_empty());
    }

    #[test]
    fn pm05_unregistering_waits_for_a_call_that_runs() {
        let callbacks = Arc::new(Callbacks::default());
        let (entered_tx, entered) = std::sync::mpsc::channel();
        let (leave, leave_rx) = std::sync::mpsc::channel::<()>();
        let leave_rx = std::sync::Mutex::new(leave_rx);
        let done = Arc::new(AtomicUsize::new(0));
        let in_call = done.clone();
        let id = callbacks.register(Box::new(move |_| {
            entered_tx.send(()).unwrap();
            leave_rx.lock().unwrap().recv().unwrap();
            in_call.store(1, Ordering::SeqCst);
        }));
        let caller = {
            let callbacks = callbacks.clone();
            std::thread::spawn(move || callbacks.call(&line()))
        };
        entered.recv().unwrap();
        let other = {
            let callbacks = callbacks.clone();
            std::thread::spawn(move || callbacks.unregister(id))
        };
        assert!(!other.is_finished());
        leave.send(()).unwrap();
        assert!(other.join().unwrap());
        assert_eq!(done.load(Ordering::SeqCst), 1, "the call was over when unregister returned");
        caller.join().unwrap();
    }

    #[test]
    fn pm05_a_panic_in_a_callback_reaches_nobody_else() {
        let (callbacks, count) = (Callbacks::default(), Arc::new(AtomicUsize::new(0)));
        callbacks.register(Box::new(|_| panic!("planned by the test")));
        let counter = count.clone();
        callbacks.register(Box::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        callbacks.call(&line());
        callbacks.call(&line());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}
