//! One thread that calls closures at given times, and sleeps exactly until the next one.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::panics::contain;
use crate::error::{Error, Result};

/// One planned call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(u64);

/// Calls closures later. Clones are the same timer; with the last one the thread ends, and what was planned is given up.
///
/// The closures run on the timer's one thread, named `brummer-timer`: they hand work on (to a pool, say) and return.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: short lock. **Waits**: dropping the last clone waits for the closure that
///   runs, unless it is dropped in that very closure. **Cleanup**: see above. An empty timer never wakes up.
///
/// ```
/// use brummer::runtime::timer::Timer;
/// use std::{sync::mpsc, time::Duration};
///
/// let timer = Timer::new()?;
/// let (sender, receiver) = mpsc::channel();
/// timer.after(Duration::from_millis(1), move || sender.send("late").unwrap_or(()));
/// assert_eq!(receiver.recv(), Ok("late"));
/// # Ok::<(), brummer::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Timer {
    owner: Arc<Owner>,
}

struct Owner {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    plan: Mutex<Plan>,
    changed: Condvar,
}

#[derive(Default)]
struct Plan {
    /// When, in which order among equals. What is cancelled stays here, without a call, until its time or [`Plan::tidy`].
    times: BinaryHeap<Reverse<(Instant, TimerId)>>,
    calls: HashMap<TimerId, Call>,
    last: u64,
    stopped: bool,
}

enum Call {
    Once(Box<dyn FnOnce() + Send>),
    Every(Duration, Box<dyn FnMut() + Send>),
    /// It is being called at this moment.
    Running,
}

impl Plan {
    fn add(&mut self, after: Duration, call: Call) -> TimerId {
        self.last += 1;
        let id = TimerId(self.last);
        // A time that the clock cannot tell never comes; the call waits to be cancelled.
        if let Some(time) = Instant::now().checked_add(after) {
            self.times.push(Reverse((time, id)));
        }
        self.calls.insert(id, call);
        id
    }

    /// Drops the times of cancelled calls, when they are most of the heap.
    fn tidy(&mut self) {
        if self.times.len() > 64 && self.times.len() > 2 * self.calls.len() {
            let calls = &self.calls;
            self.times.retain(|Reverse((_, id))| calls.contains_key(id));
        }
    }
}

impl Timer {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the system says if it refuses a thread.
    pub fn new() -> Result<Timer> {
        let shared = Arc::new(Shared::default());
        let mine = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("brummer-timer".to_owned()).spawn(move || run(&mine));
        let thread = Some(thread.map_err(|error| Error::io("timer", "start the timer's thread", error))?);
        Ok(Timer { owner: Arc::new(Owner { shared, thread }) })
    }

    /// Calls `call` once, after at least `delay`.
    pub fn after(&self, delay: Duration, call: impl FnOnce() + Send + 'static) -> TimerId {
        self.add(delay, Call::Once(Box::new(call)))
    }

    /// Calls `call` again and again, first after one `period`. A call that takes longer than a period delays the next one;
    /// those that were missed are not made up for.
    pub fn every(&self, period: Duration, call: impl FnMut() + Send + 'static) -> TimerId {
        let period = period.max(Duration::from_micros(1));
        self.add(period, Call::Every(period, Box::new(call)))
    }

    fn add(&self, delay: Duration, call: Call) -> TimerId {
        let mut plan = self.owner.shared.plan.lock();
        let id = plan.add(delay, call);
        let is_next = plan.times.peek().is_some_and(|Reverse((_, next))| *next == id);
        drop(plan);
        if is_next {
            self.owner.shared.changed.notify_one();
        }
        id
    }

    /// Gives up a planned call; false if it was called already, or given up. A call that runs at this moment runs on, but
    /// an `every` is not called again.
    pub fn cancel(&self, id: TimerId) -> bool {
        let mut plan = self.owner.shared.plan.lock();
        let call = plan.calls.remove(&id);
        plan.tidy();
        drop(plan);
        call.is_some()
    }

    /// How many calls are planned.
    pub fn len(&self) -> usize {
        self.owner.shared.plan.lock().calls.len()
    }

    /// Whether no call is planned.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.plan.lock().stopped = true;
        self.shared.changed.notify_one();
        let thread = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id());
        // The closures' panics are contained, so there is nothing to learn from the result.
        let _ = thread.map(JoinHandle::join);
    }
}

fn run(shared: &Shared) {
    let mut plan = shared.plan.lock();
    while !plan.stopped {
        let Some(Reverse((time, id))) = plan.times.peek().copied() else {
            shared.changed.wait(&mut plan);
            continue;
        };
        if !plan.calls.contains_key(&id) {
            plan.times.pop();
        } else if Instant::now() < time {
            shared.changed.wait_until(&mut plan, time);
        } else {
            plan.times.pop();
            let Some(call) = plan.calls.get_mut(&id).map(|call| std::mem::replace(call, Call::Running)) else {
                continue;
            };
            parking_lot::MutexGuard::unlocked(&mut plan, || make(shared, id, time, call));
        }
    }
}

/// Makes one call, without the lock; plans the next one of an `every` that was not given up meanwhile.
fn make(shared: &Shared, id: TimerId, time: Instant, call: Call) {
    match call {
        Call::Once(call) => {
            // Removed before it runs, so that it can be seen that it can no longer be cancelled.
            shared.plan.lock().calls.remove(&id);
            let _ = contain("timer", call);
        }
        Call::Every(period, mut call) => {
            let _ = contain("timer", &mut call);
            let mut plan = shared.plan.lock();
            if let Some(place) = plan.calls.get_mut(&id) {
                *place = Call::Every(period, call);
                plan.times.push(Reverse((Instant::now().max(time + period), id)));
            }
        }
        Call::Running => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn calls_come_in_the_order_of_their_times() {
        let timer = Timer::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        for millis in [30_u64, 10, 20, 10] {
            let (sender, delay) = (sender.clone(), Duration::from_millis(millis));
            let (places, earliest) = (mpsc::channel(), Instant::now() + delay);
            let latest = places.1;
            timer.after(delay, move || sender.send((earliest, latest)).unwrap());
            places.0.send(Instant::now() + delay).unwrap();
        }
        // A busy machine may take its time between two of them: each has its time from when it was planned.
        let order: Vec<_> = (0..4).map(|_| receiver.recv_timeout(LONG).unwrap()).collect();
        let times: Vec<_> = order.iter().map(|(earliest, latest)| (*earliest, latest.recv().unwrap())).collect();
        assert!(times.is_sorted_by(|(earliest, _), (_, latest)| earliest <= latest), "{times:?}");
    }

    #[test]
    fn a_call_is_never_early() {
        let (timer, began) = (Timer::new().unwrap(), Instant::now());
        let (sender, receiver) = mpsc::channel();
        timer.after(Duration::from_millis(15), move || sender.send(began.elapsed()).unwrap());
        assert!(receiver.recv_timeout(LONG).unwrap() >= Duration::from_millis(15));
    }

    #[test]
    fn what_is_cancelled_is_not_called() {
        let timer = Timer::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        let late = sender.clone();
        // As long as one call goes on, no other one begins.
        let (open, gate) = mpsc::channel::<()>();
        timer.after(Duration::ZERO, move || gate.recv().unwrap());
        let id = timer.after(Duration::from_millis(1), move || late.send("cancelled").unwrap());
        assert!(timer.cancel(id) && !timer.cancel(id));
        timer.after(Duration::from_millis(2), move || sender.send("kept").unwrap());
        open.send(()).unwrap();
        assert_eq!(receiver.recv_timeout(LONG), Ok("kept"));
        assert!(timer.is_empty());
    }

    #[test]
    fn an_every_repeats_until_it_is_cancelled_even_by_itself() {
        let timer = Timer::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        let (inside, id, mut count) = (timer.clone(), Arc::new(Mutex::new(None)), 0);
        let own = Arc::clone(&id);
        let mut guard = id.lock();
        *guard = Some(timer.every(Duration::from_millis(1), move || {
            count += 1;
            sender.send(count).unwrap();
            if count == 3 {
                inside.cancel(own.lock().expect("set before the first call"));
            }
        }));
        drop(guard);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [1, 2, 3], "the closure is dropped, so the channel ends");
    }

    #[test]
    fn a_panic_in_a_call_does_not_stop_the_timer() {
        let timer = Timer::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        timer.after(Duration::ZERO, || panic!("late"));
        timer.after(Duration::from_millis(2), move || sender.send(()).unwrap());
        assert!(receiver.recv_timeout(LONG).is_ok());
    }

    #[test]
    fn many_cancelled_calls_leave_no_heap_behind() {
        let timer = Timer::new().unwrap();
        for _ in 0..10_000 {
            let id = timer.after(LONG, || {});
            timer.cancel(id);
        }
        assert!(timer.owner.shared.plan.lock().times.len() <= 65);
        timer.after(Duration::MAX, || {});
        assert_eq!(timer.len(), 1);
    }
}
