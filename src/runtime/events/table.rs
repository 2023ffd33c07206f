//! Who gets which event: a table that is replaced as a whole, and versions that say who was subscribed when.
//!
//! Each change makes a new version. An event carries the version of the moment of its publication, and is delivered to
//! the subscriptions that had begun and had not ended at that version. An ended subscription stays in the table until no
//! lane can hold an event from before its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::event::Event;

/// One subscription; never used twice by a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub(super) u64);

pub(super) type Handler<E> = Box<dyn Fn(&E) + Send + Sync>;

pub(super) struct Subscription<E> {
    pub(super) id: SubscriptionId,
    pub(super) component: Arc<str>,
    pub(super) handler: Handler<E>,
    since: u64,
    /// The version that ended it; `u64::MAX` while it lasts.
    until: AtomicU64,
}

impl<E> Subscription<E> {
    pub(super) fn new(id: SubscriptionId, component: Arc<str>, handler: Handler<E>, since: u64) -> Subscription<E> {
        Subscription { id, component, handler, since, until: AtomicU64::new(u64::MAX) }
    }

    /// Whether it lasted at `version`.
    #[inline]
    pub(super) fn covers(&self, version: u64) -> bool {
        self.since <= version && version < self.until.load(Ordering::Relaxed)
    }

    fn has_ended_by(&self, version: u64) -> bool {
        self.until.load(Ordering::Relaxed) <= version
    }
}

/// Those to one kind, in the order in which they were made.
type Subscriptions<E> = Vec<Arc<Subscription<E>>>;

/// One version of the table. The kinds are few, so they are searched from the front.
pub(super) struct Table<E: Event> {
    pub(super) version: u64,
    kinds: Vec<(E::Kind, Subscriptions<E>)>,
}

impl<E: Event> Table<E> {
    pub(super) fn new() -> Table<E> {
        Table { version: 0, kinds: Vec::new() }
    }

    /// The subscriptions to a kind, in the order in which they were made.
    #[inline]
    pub(super) fn of(&self, kind: E::Kind) -> &[Arc<Subscription<E>>] {
        self.kinds.iter().find(|(own, _)| *own == kind).map_or(&[], |(_, list)| list)
    }

    /// The next version, with one subscription more.
    pub(super) fn with(&self, kind: E::Kind, subscription: Subscription<E>) -> Table<E> {
        let mut kinds = self.kinds.clone();
        let subscription = Arc::new(subscription);
        match kinds.iter_mut().find(|(own, _)| *own == kind) {
            Some((_, list)) => list.push(subscription),
            None => kinds.push((kind, vec![subscription])),
        }
        Table { version: self.version + 1, kinds }
    }

    /// The next version, in which one subscription has ended; `None` if there is no such one that lasts.
    pub(super) fn ended(&self, id: SubscriptionId) -> Option<Table<E>> {
        let version = self.version + 1;
        let mut all = self.kinds.iter().flat_map(|(_, list)| list);
        let subscription = all.find(|subscription| subscription.id == id && subscription.covers(self.version))?;
        subscription.until.store(version, Ordering::Relaxed);
        Some(Table { version, kinds: self.kinds.clone() })
    }

    /// The same version, without the subscriptions that had ended at version `settled`; `None` if there is none.
    pub(super) fn without_ended(&self, settled: u64) -> Option<Table<E>> {
        let mut kinds = self.kinds.clone();
        let mut dropped = 0;
        for (_, list) in &mut kinds {
            let before = list.len();
            list.retain(|subscription| !subscription.has_ended_by(settled));
            dropped += before - list.len();
        }
        (dropped > 0).then_some(Table { version: self.version, kinds })
    }

    /// How many subscriptions have ended and are still here.
    pub(super) fn ended_count(&self) -> usize {
        self.kinds.iter().flat_map(|(_, list)| list).filter(|one| one.has_ended_by(self.version)).count()
    }

    /// How many subscriptions last.
    pub(super) fn len(&self) -> usize {
        self.kinds.iter().flat_map(|(_, list)| list).filter(|one| one.covers(self.version)).count()
    }
}
