//! The bus as its users see it, and the drain that carries events from the lanes to the handlers.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::config::{BusConfig, CHUNK, CHUNKS, Policy, SLOW};
use super::event::Event;
use super::lane::{Lane, Queued};
use super::table::{Subscription, SubscriptionId, Table};
use crate::error::{Code, Error, Result};
use crate::runtime::Priority;
use crate::runtime::panics::{PanicReport, contain};
use crate::runtime::pool::Pool;
use crate::sync::{CowCell, EventCount};

/// Carries events from publishers to the handlers that were subscribed before. Clones are the same bus.
///
/// A handler is called on a worker of the pool, for one event at a time of each key, and for events of different keys
/// possibly at the same time. One that blocks holds up the events of its lane.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: `publish` takes no lock; with [`Policy::Block`] it waits for room.
///   **Waits**: `publish` at most [`BusConfig::patience`], `stop` at most its timeout. **Cleanup**: `stop`; what is left when the last
///   clone goes is still handled, as long as the pool works.
///
/// ```
/// use brummer::runtime::{events::{BusConfig, Event, EventBus}, panics::PanicReport, pool::{Pool, PoolConfig}};
/// use std::{sync::mpsc, time::Duration};
///
/// struct Tick(u64);
/// impl Event for Tick {
///     type Kind = ();
///     fn kind(&self) {}
///     fn key(&self) -> u64 { 0 }
///     fn from_panic(_: &PanicReport) -> Option<Tick> { None }
/// }
///
/// let bus = EventBus::new(Pool::new(PoolConfig::default())?, BusConfig::default());
/// let (sender, receiver) = mpsc::channel();
/// let id = bus.subscribe((), "clock", move |tick: &Tick| sender.send(tick.0).unwrap_or(()));
/// bus.publish(Tick(1))?;
/// bus.publish(Tick(2))?;
/// assert_eq!([receiver.recv(), receiver.recv()], [Ok(1), Ok(2)]);
/// bus.unsubscribe(id)?;
/// bus.stop(Duration::from_secs(5))?;
/// assert!(bus.publish(Tick(3)).is_err());
/// # Ok::<(), brummer::error::Error>(())
/// ```
pub struct EventBus<E: Event> {
    inner: Arc<Inner<E>>,
}

impl<E: Event> Clone for EventBus<E> {
    fn clone(&self) -> EventBus<E> {
        EventBus { inner: Arc::clone(&self.inner) }
    }
}

struct Inner<E: Event> {
    pool: Pool,
    config: BusConfig,
    lanes: Box<[Lane<E>]>,
    /// The version of `table`; stored after it, so whoever has read a version finds a table at least as new.
    version: AtomicU64,
    closed: AtomicBool,
    table: CowCell<Table<E>>,
    /// Held while the table is changed: the last id that was given.
    changing: Mutex<u64>,
    /// Ended subscriptions that are still in the table.
    ended: AtomicUsize,
    /// For `stop`: a lane has come to rest.
    rested: EventCount,
    window: Mutex<(Instant, u64)>,
}

/// The numbers of a bus at one moment; the counts are since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BusMetrics {
    /// Events that were handled, by all their handlers.
    pub processed: u64,
    /// Events that were dropped or refused: high, normal, low.
    pub dropped: [u64; 3],
    /// Handler calls that panicked.
    pub panicked: u64,
    /// The mean time that all handlers together took for an event; zero without [`BusConfig::monitoring`].
    pub mean: Duration,
    /// The part of the time, since the last call of `metrics`, that the lanes were busy: 0 to 1; 0 without
    /// [`BusConfig::monitoring`].
    pub utilisation: f64,
    /// Events that wait: high, normal, low.
    pub queue_depth: [usize; 3],
    /// Subscriptions.
    pub subscriptions: usize,
}

thread_local! {
    /// The lane that this thread drains at this moment, by its address.
    static DRAINING: Cell<usize> = const { Cell::new(0) };
}

impl<E: Event> EventBus<E> {
    /// A bus whose handlers run on `pool`.
    pub fn new(pool: Pool, config: BusConfig) -> EventBus<E> {
        let lanes = (0..config.lanes.max(1)).map(|_| Lane::new(&config)).collect();
        let inner = Inner {
            pool,
            config,
            lanes,
            version: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            table: CowCell::new(Table::new()),
            changing: Mutex::new(0),
            ended: AtomicUsize::new(0),
            rested: EventCount::new(),
            window: Mutex::new((Instant::now(), 0)),
        };
        EventBus { inner: Arc::new(inner) }
    }

    /// Has `handler` called for every event of `kind` that is published after this returns. `component` is who it is, in the
    /// report of a panic.
    pub fn subscribe(
        &self,
        kind: E::Kind,
        component: impl Into<Arc<str>>,
        handler: impl Fn(&E) + Send + Sync + 'static,
    ) -> SubscriptionId {
        let mut last = self.inner.changing.lock();
        *last += 1;
        let id = SubscriptionId(*last);
        let table = self.inner.table.load();
        let subscription = Subscription::new(id, component.into(), Box::new(handler), table.version + 1);
        self.inner.replace(table.with(kind, subscription));
        id
    }

    /// Ends a subscription: the handler gets no event that is published after this returns. Those that were published before
    /// still reach it; the handler is dropped when none of them can be left.
    ///
    /// # Errors
    /// NOT_FOUND if there is no such subscription, or no more.
    pub fn unsubscribe(&self, id: SubscriptionId) -> Result<()> {
        let changing = self.inner.changing.lock();
        let Some(table) = self.inner.table.load().ended(id) else {
            let message = format!("there is no subscription {}", id.0);
            return Err(Error::new("events", Code::NotFound, message));
        };
        self.inner.ended.fetch_add(1, Ordering::Relaxed);
        self.inner.replace(table);
        let ended = self.inner.tidy();
        drop(changing);
        // Only now: what a handler holds may use the bus when it is dropped.
        drop(ended);
        Ok(())
    }

    /// Has the event handled by exactly those that were subscribed before this call. `Ok` means that it was accepted; under
    /// [`Policy::DropOldest`] and [`Policy::DropLowPriority`] it may still have to make room for others, which is counted.
    ///
    /// A handler that publishes into its own full lane is refused at once, since only its own return makes room.
    ///
    /// # Errors
    /// TIMEOUT after waiting for room in vain, RESOURCE_LIMIT where the policy refuses, INVALID_STATE after `stop`.
    #[inline]
    pub fn publish(&self, event: E) -> Result<()> {
        Inner::publish(&self.inner, event, true, false)
    }

    /// As `publish`, without ever waiting; false if the event was dropped, which is counted.
    pub fn publish_async(&self, event: E) -> bool {
        Inner::publish(&self.inner, event, false, false).is_ok()
    }

    /// Whether anybody is subscribed to `kind`: a publisher of very many events can leave out what nobody wants. One that is
    /// subscribed while this is asked may be missed, as by an event that was published just before.
    ///
    /// ```
    /// # use brummer::runtime::{events::{BusConfig, Event, EventBus}, panics::PanicReport, pool::{Pool, PoolConfig}};
    /// # struct Tick;
    /// # impl Event for Tick {
    /// #     type Kind = ();
    /// #     fn kind(&self) {}
    /// #     fn key(&self) -> u64 { 0 }
    /// #     fn from_panic(_: &PanicReport) -> Option<Tick> { None }
    /// # }
    /// let bus = EventBus::<Tick>::new(Pool::new(PoolConfig::default())?, BusConfig::default());
    /// assert!(!bus.is_wanted(()));
    /// bus.subscribe((), "clock", |_| {});
    /// assert!(bus.is_wanted(()));
    /// # Ok::<(), brummer::error::Error>(())
    /// ```
    pub fn is_wanted(&self, kind: E::Kind) -> bool {
        let table = self.inner.table.load();
        table.of(kind).iter().any(|subscription| subscription.covers(table.version))
    }

    /// Refuses new events and waits until every accepted one has been handled. Again is nothing, or goes on waiting.
    ///
    /// # Errors
    /// TIMEOUT with the number of events left; the pool goes on with them. Always so if a handler calls it.
    pub fn stop(&self, timeout: Duration) -> Result<()> {
        let inner = &self.inner;
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(u64::from(u32::MAX)));
        inner.closed.store(true, Ordering::Release);
        while !inner.is_quiet() {
            let ticket = inner.rested.prepare_wait();
            if inner.is_quiet() {
                break;
            }
            if !inner.rested.commit_wait_until(ticket, deadline) && !inner.is_quiet() {
                let left = inner.lanes.iter().flat_map(|lane| lane.depth()).sum::<usize>().max(1);
                let message = format!("{left} events were not handled within {timeout:?}");
                return Err(Error::new("events", Code::Timeout, message).with("left", left.to_string()));
            }
        }
        Ok(())
    }

    /// The numbers of this moment.
    pub fn metrics(&self) -> BusMetrics {
        let inner = &self.inner;
        let mut metrics = BusMetrics { subscriptions: inner.table.load().len(), ..BusMetrics::default() };
        let mut nanos = 0;
        for lane in &inner.lanes {
            let [events, spent, panics] = lane.totals();
            metrics.processed += events;
            metrics.panicked += panics;
            nanos += spent;
            let (depth, dropped) = (lane.depth(), lane.dropped());
            for class in 0..3 {
                metrics.queue_depth[class] += depth[class];
                metrics.dropped[class] += dropped[class];
            }
        }
        metrics.mean = Duration::from_nanos(nanos / metrics.processed.max(1));
        let mut window = inner.window.lock();
        let (then, spent_then) = *window;
        let now = Instant::now();
        let possible = (now - then).as_nanos() as f64 * inner.lanes.len() as f64;
        metrics.utilisation = (nanos.saturating_sub(spent_then) as f64 / possible.max(1.0)).clamp(0.0, 1.0);
        *window = (now, nanos);
        metrics
    }
}

impl<E: Event> Inner<E> {
    /// Puts a new table in place. The caller holds `changing`.
    fn replace(&self, table: Table<E>) {
        let version = table.version;
        self.table.store(table);
        self.version.store(version, Ordering::Release);
    }

    /// Takes ended subscriptions that no event in a lane can be for out of the table. The caller holds `changing`, and drops
    /// the old table without it.
    fn tidy(&self) -> Arc<Table<E>> {
        let table = self.table.load();
        let settled = self.lanes.iter().map(|lane| lane.settled(table.version)).min().unwrap_or(0);
        if let Some(tidied) = table.without_ended(settled) {
            self.ended.store(tidied.ended_count(), Ordering::Relaxed);
            self.replace(tidied);
        }
        table
    }

    /// Keys are often small numbers; the multiplication spreads them over the upper half.
    #[inline]
    fn index_of(&self, key: u64) -> usize {
        let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        ((mixed * self.lanes.len() as u64) >> 32) as usize
    }

    #[inline]
    fn publish(self: &Arc<Self>, event: E, may_wait: bool, of_panic: bool) -> Result<()> {
        let version = self.version.load(Ordering::Acquire);
        let index = self.index_of(event.key());
        let lane = &self.lanes[index];
        if self.closed.load(Ordering::Acquire) {
            return Err(self.refuse_closed(lane, &event, may_wait));
        }
        let policy = match self.config.policy {
            Policy::Block if !may_wait => Policy::DropNewest,
            policy => policy,
        };
        let deadline = || {
            let own = DRAINING.get() == std::ptr::from_ref(lane).addr();
            (!own).then(|| Instant::now() + self.config.patience)
        };
        lane.push(policy, Queued { event, version, of_panic }, deadline)?;
        if lane.pushed() {
            self.schedule(index);
        }
        Ok(())
    }

    #[cold]
    fn refuse_closed(&self, lane: &Lane<E>, event: &E, may_wait: bool) -> Error {
        if !may_wait {
            lane.drop_one(event.priority() as usize);
        }
        Error::new("events", Code::InvalidState, "an event was published after the bus was stopped")
    }

    /// Gives a lane to the pool; where the pool takes nothing any more, the caller drains it.
    fn schedule(self: &Arc<Self>, index: usize) {
        let mine = Arc::clone(self);
        if self.pool.spawn(Priority::Normal, move || mine.drain_some(index)).is_err() {
            while !self.drain(index) {}
        }
    }

    /// A slice of a drain, as a task of the pool.
    fn drain_some(self: &Arc<Self>, index: usize) {
        if !self.drain(index) {
            let mine = Arc::clone(self);
            if self.pool.spawn_last(Priority::Normal, move || mine.drain_some(index)).is_err() {
                while !self.drain(index) {}
            }
        }
    }

    /// Handles up to `CHUNKS` chunks of a lane's events; true if the lane has come to rest.
    fn drain(self: &Arc<Self>, index: usize) -> bool {
        let lane = &self.lanes[index];
        let outer = DRAINING.replace(std::ptr::from_ref(lane).addr());
        let mut table = self.table.load();
        let mut began = self.config.monitoring.then(Instant::now);
        let mut rests = false;
        for _ in 0..CHUNKS {
            let version = self.version.load(Ordering::Acquire);
            let (popped, is_empty) = self.handle_chunk(lane, &mut table, began);
            let took = began.map(|began| began.elapsed());
            lane.handled(popped, took);
            began = began.zip(took).map(|(began, took)| began + took);
            rests = is_empty && lane.rest(version);
            if rests {
                break;
            }
        }
        DRAINING.set(outer);
        if rests {
            self.rested();
        }
        rests
    }

    /// Handles up to `CHUNK` events, fewer if they are slow and a publisher waits for room; how many of each class, and
    /// whether the lane was found empty. `clock` is the beginning; without one, that of the first look for who waits.
    fn handle_chunk(
        self: &Arc<Self>,
        lane: &Lane<E>,
        table: &mut Arc<Table<E>>,
        mut clock: Option<Instant>,
    ) -> ([usize; 3], bool) {
        let mut popped = [0; 3];
        for count in 1..=CHUNK {
            let Some((class, queued)) = lane.pop() else { return (popped, true) };
            if queued.version > table.version {
                *table = self.table.load();
            }
            self.deliver(lane, table, &queued);
            popped[class] += 1;
            // Not after each one: the clock costs as much as a fast handler.
            let may_break = count.is_power_of_two() && lane.is_full_for_somebody(class);
            if may_break && clock.get_or_insert_with(Instant::now).elapsed() > SLOW {
                break;
            }
        }
        (popped, false)
    }

    /// Calls every handler of an event; after a panic it goes on with the next one.
    #[inline]
    fn deliver(self: &Arc<Self>, lane: &Lane<E>, table: &Table<E>, queued: &Queued<E>) {
        let subscriptions = table.of(queued.event.kind());
        let mut next = 0;
        while next < subscriptions.len() {
            let all = contain("events", || {
                while let Some(subscription) = subscriptions.get(next) {
                    next += 1;
                    if subscription.covers(queued.version) {
                        (subscription.handler)(&queued.event);
                    }
                }
            });
            if let Err(report) = all {
                let component = Arc::clone(&subscriptions[next - 1].component);
                self.tell_of_panic(lane, PanicReport { component, ..report }, queued.of_panic);
            }
        }
    }

    /// Publishes the event about a panic, unless the panic was about such an event.
    #[cold]
    fn tell_of_panic(self: &Arc<Self>, lane: &Lane<E>, report: PanicReport, of_panic: bool) {
        lane.panicked();
        if of_panic {
            return;
        }
        if let Ok(Some(event)) = contain("events", || E::from_panic(&report)) {
            // If there is no room for it, it is counted as dropped.
            let _ = Inner::publish(self, event, false, true);
        }
    }

    fn is_quiet(&self) -> bool {
        self.lanes.iter().all(Lane::is_quiet)
    }

    fn rested(&self) {
        self.rested.notify_all();
        if self.ended.load(Ordering::Relaxed) > 0
            && let Some(changing) = self.changing.try_lock()
        {
            let ended = self.tidy();
            drop(changing);
            drop(ended);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
