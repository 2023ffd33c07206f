//! One thread that reads the outputs of all children, learns of their ends, and gives time to whoever stops them.
//!
//! Read this file first: what the rest of the program says to the reactor and what it hears from it. Then `turn` (the loop),
//! `slot` (one child), `pace` (when a pause is worth it).
//!
//! **Shape.** Any thread → a queue of orders and a waker → one thread with one `mio::Poll` → one [`Handler`] a child.
//! Children have numbers that are never used twice, so an event that comes late can only find nobody.
//!
//! **Fairness.** In one turn a bounded share is read from one output ([`Reading`]). **Idle**: the poll has no timeout unless a handler
//! asked for one; without output, signals and orders the thread does not wake.
//!
//! **Order.** Everything a child wrote is handed over before its end is: after the child was reaped its outputs are read
//! until they are empty (at most what a pipe can hold: descendants may go on writing).
//!
//! **Backpressure.** A handler without room keeps its child waiting in a full pipe; every turn asks it again.

mod pace;
mod slot;
mod turn;

use super::child::{Child, Command, Launcher, Outcome, Output};
use super::signals::{Signal, Signals, Wishes};
use super::tree::Snapshot;
use crate::error::{Code, Error, Result};
use crossbeam::queue::SegQueue;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A child's number inside the reactor; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(pub(crate) u64);

/// How outputs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The most that is read from one output in one turn, so that a flood does not starve the others.
    pub share_bytes: usize,
    /// The longest that output may gather before it is read when there is much of it; 3 ms at most.
    pub longest_pause: Duration,
}

impl Default for Reading {
    /// 256 KiB, 3 ms.
    fn default() -> Reading {
        Reading { share_bytes: 256 << 10, longest_pause: pace::PAUSE_MAX }
    }
}

/// What listens to one child. Called on the reactor's thread, so it must not block. A panic is contained.
pub trait Handler: Send + 'static {
    /// What other threads say to it through [`Reactor::tell`].
    type Message: Send + 'static;

    /// Whether it takes more output now. While it does not, the child is not read from, so a full pipe holds it back; only
    /// what it has written by its end is handed over in any case. Whoever makes room calls [`Reactor::look_again`].
    fn has_room(&self) -> bool {
        true
    }

    /// The child wrote these bytes; how they are cut means nothing.
    fn output(&mut self, output: Output, bytes: &[u8]);

    /// All of this turn's output was handed over; `drained` when nothing more was there.
    fn turn_ended(&mut self, drained: bool);

    /// Nobody has this output open any more; `all` when it was the last one.
    fn output_ended(&mut self, output: Output, all: bool);

    /// The child has ended and was reaped; all that it wrote was handed over.
    fn exited(&mut self, outcome: Outcome, control: &mut Control<'_>);

    /// A message has come.
    fn told(&mut self, message: Self::Message, control: &mut Control<'_>);

    /// The time of [`Control::wake_at`] has come.
    fn timer(&mut self, control: &mut Control<'_>);
}

/// What a handler can ask of the reactor.
#[derive(Debug)]
pub struct Control<'a> {
    timer: &'a mut Option<Instant>,
    snapshot: &'a mut Option<Arc<Snapshot>>,
    alive: bool,
    close: bool,
    forget: bool,
}

impl Control<'_> {
    /// Calls [`Handler::timer`] once at this time; replaces an earlier one.
    pub fn wake_at(&mut self, time: Instant) {
        *self.timer = Some(time);
    }

    /// The processes of the machine, looked at in this turn; the look is shared by all handlers of the turn.
    pub fn snapshot(&mut self) -> Arc<Snapshot> {
        Arc::clone(self.snapshot.get_or_insert_with(|| Arc::new(Snapshot::take())))
    }

    /// Whether the child was not reaped yet, so that its number still is its own.
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// Stops reading and closes Brummer's ends.
    pub fn close(&mut self) {
        self.close = true;
    }

    /// Drops the handler after this call.
    pub fn forget(&mut self) {
        self.forget = true;
    }
}

enum Order<H: Handler> {
    Add(Number, Child, H),
    NotStarted,
    Tell(Number, H::Message),
    Watch(OwnedFd, Box<dyn FnOnce() + Send>),
    Stop,
}

struct Shared<H: Handler> {
    orders: SegQueue<Order<H>>,
    waker: mio::Waker,
    /// Launches that have begun: raised before the fork, so that no child can end before it is counted.
    launches: AtomicU64,
    on_signals: Mutex<Vec<OnSignal>>,
    wishes: Wishes,
}

/// Who is called for which signals.
type OnSignal = (Vec<Signal>, Box<dyn FnMut(Signal) + Send>);

impl<H: Handler> Shared<H> {
    fn send(&self, order: Order<H>) {
        self.orders.push(order);
        // Waking fails only when the descriptor is gone, which it is not before the last handle is.
        let _ = self.waker.wake();
    }

    fn on_signals(&self) -> MutexGuard<'_, Vec<OnSignal>> {
        // Each entry is pushed whole, so a poisoned lock still holds good ones.
        self.on_signals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handle of the reactor; dropping it ends the thread.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: orders are lock-free. **Waits**: [`Reactor::stop`] for the thread's
///   present turn. **Cleanup**: children are not ended by it; whoever started them stops them first.
pub struct Reactor<H: Handler> {
    shared: Arc<Shared<H>>,
    launcher: Launcher,
    numbers: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<H: Handler> fmt::Debug for Reactor<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reactor")
    }
}

impl<H: Handler> Reactor<H> {
    /// Starts the thread `brummer-reactor`. To be called on a thread that is not pinned (see [`Launcher::new`]).
    ///
    /// With `reap_orphans` it also reaps descendants whose parents died, and raises the limit of open files: only for a program in which nobody but this
    /// reactor starts children in sessions of their own.
    pub fn start(reap_orphans: bool, reading: Reading) -> Result<Reactor<H>> {
        let failed = |error| Error::io("reactor", "start the reactor", error);
        let poll = mio::Poll::new().map_err(failed)?;
        let waker = mio::Waker::new(poll.registry(), turn::WAKER).map_err(failed)?;
        let signals = Signals::new().map_err(failed)?;
        let shared = Arc::new(Shared {
            orders: SegQueue::new(),
            waker,
            launches: AtomicU64::new(0),
            on_signals: Mutex::default(),
            wishes: signals.wishes(),
        });
        let turns = turn::Turns::new(poll, signals, Arc::clone(&shared), reap_orphans, reading).map_err(failed)?;
        let builder = std::thread::Builder::new().name("brummer-reactor".into());
        let thread = builder.spawn(move || turns.run()).map_err(failed)?;
        let launcher = if reap_orphans { Launcher::of_program() } else { Launcher::new() };
        Ok(Reactor { shared, launcher, numbers: AtomicU64::new(1), thread: Mutex::new(Some(thread)) })
    }

    /// Starts a child on the caller's thread; `listen` makes its handler before anything is read from it.
    pub fn launch(&self, command: &Command, listen: impl FnOnce(Number, &Child) -> H) -> Result<Number> {
        // SeqCst: it stands before the fork for every thread, and a launch is rare.
        self.shared.launches.fetch_add(1, Ordering::SeqCst);
        let child = self.launcher.spawn(command).inspect_err(|_| self.shared.send(Order::NotStarted))?;
        let number = Number(self.numbers.fetch_add(1, Ordering::Relaxed));
        let handler = listen(number, &child);
        self.shared.send(Order::Add(number, child, handler));
        Ok(number)
    }

    /// Hands a message to a child's handler; nothing happens when it was dropped.
    pub fn tell(&self, number: Number, message: H::Message) {
        self.shared.send(Order::Tell(number, message));
    }

    /// Asks those that had no room again.
    pub fn look_again(&self) {
        // Waking fails only when the descriptor is gone, which it is not before the last handle is.
        let _ = self.shared.waker.wake();
    }

    /// Calls `react` on the reactor's thread for each of these signals instead of their default effect, from the return of
    /// this call on. `react` must not ask for signals itself.
    pub fn on_signals(&self, signals: &[Signal], react: impl FnMut(Signal) + Send + 'static) {
        // Known before the first can come.
        self.shared.on_signals().push((signals.to_vec(), Box::new(react)));
        // A signal that cannot be caught is none of the five; anything else here is a lack of memory.
        signals.iter().for_each(|&signal| drop(self.shared.wishes.add(signal)));
    }

    /// Calls `react` once on the reactor's thread when `fd` becomes readable or its other end is closed.
    pub fn on_readable(&self, fd: OwnedFd, react: impl FnOnce() + Send + 'static) {
        self.shared.send(Order::Watch(fd, Box::new(react)));
    }

    /// Ends the thread after its present turn and waits for it, unless it is the caller. Idempotent.
    pub fn stop(&self) {
        self.shared.send(Order::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        if thread.thread().id() != std::thread::current().id() {
            // Panics of handlers are contained; one of the loop itself has nobody left to tell.
            let _ = thread.join();
        }
    }

    /// Whether the caller runs on the reactor's thread, where nothing may wait.
    pub fn is_current_thread(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| thread.thread().id() == std::thread::current().id())
    }

    /// An error for calls that would wait on the reactor's thread.
    pub(crate) fn refuse_on_own_thread(&self, attempt: &str) -> Result<()> {
        if self.is_current_thread() {
            let message = format!("{attempt}: it would wait for the reactor on the reactor's own thread");
            return Err(Error::new("reactor", Code::InvalidState, message));
        }
        Ok(())
    }
}

impl<H: Handler> Drop for Reactor<H> {
    fn drop(&mut self) {
        self.stop();
    }
}
