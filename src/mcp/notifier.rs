//! Telling clients that something has changed: from any thread, as often as one likes, since the server puts it together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::protocol::ListKind;

/// What has changed since it was last told.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) lists: BTreeSet<ListKind>,
    pub(crate) resources: BTreeSet<Box<str>>,
    /// Tasks that are kept elsewhere, as they are now.
    pub(crate) tasks: BTreeMap<Box<str>, Value>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.resources.is_empty() && self.tasks.is_empty()
    }
}

/// Tells of changes.
///
/// - **Thread safety**: `Send + Sync`, cheap to clone. **Progress**: blocks on a mutex that is held for one insertion. **Waits**: none.
///   **Cleanup**: none; after the server's end nobody hears it.
///
/// ```
/// use brummer::mcp::{Notifier, protocol::ListKind};
/// let (notifier, changes) = Notifier::pair();
/// notifier.list_changed(ListKind::Tools);
/// notifier.resource_updated("logs://recent");
/// notifier.resource_updated("logs://recent");
/// assert_eq!(changes(), (vec![ListKind::Tools], vec!["logs://recent".to_owned()]));
/// ```
#[derive(Clone)]
pub struct Notifier {
    changes: Arc<Mutex<Changes>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notifier")
    }
}

impl Notifier {
    /// One that calls `wake` when there is something to be told where there was nothing.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Notifier {
        Notifier { changes: Arc::default(), wake: Arc::new(wake) }
    }

    /// One without a server, and what takes from it what was told.
    pub fn pair() -> (Notifier, impl Fn() -> (Vec<ListKind>, Vec<String>)) {
        let notifier = Notifier::new(|| ());
        let own = notifier.clone();
        let take = move || {
            let changes = own.take();
            (changes.lists.into_iter().collect(), changes.resources.into_iter().map(String::from).collect())
        };
        (notifier, take)
    }

    /// A list has changed.
    pub fn list_changed(&self, kind: ListKind) {
        self.change(|changes| {
            changes.lists.insert(kind);
        });
    }

    /// What can be read at this URI has changed.
    pub fn resource_updated(&self, uri: &str) {
        self.change(|changes| {
            if !changes.resources.contains(uri) {
                changes.resources.insert(uri.into());
            }
        });
    }

    /// A task that the provider keeps elsewhere is like this now: what `tasks/get` would say of it.
    pub fn task_changed(&self, id: &str, task: Value) {
        self.change(|changes| drop(changes.tasks.insert(id.into(), task)));
    }

    fn change(&self, change: impl FnOnce(&mut Changes)) {
        let mut changes = self.lock();
        let was_empty = changes.is_empty();
        change(&mut changes);
        drop(changes);
        if was_empty {
            (self.wake)();
        }
    }

    pub(crate) fn take(&self) -> Changes {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
