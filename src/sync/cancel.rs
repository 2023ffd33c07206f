//! `CancelFlag`: a tree of flags in which cancelling one cancels everything below it, and asking costs one load.
//!
//! **Shape.** Any number of clones per flag; a parent knows its living children by weak links and its callbacks by number, both under a
//! mutex that only `child`, `on_cancel`, `cancel` and drops take. Cancelling pushes the flag down, so that nobody ever looks up.
//!
//! **Invariants.**
//! - I1: a flag is set once, under its mutex, and never cleared; its links are taken out in the same hold.
//! - I2: a child is linked, and a callback entered, under its parent's mutex, only while the parent's flag is not set.
//! - I3: so each child is either linked when the flag is set, and reached, or born cancelled; each callback either taken out, and run, or run at once.
//! - I4: a parent outlives its children (a child holds it), so a flag in the middle whose handles are all gone still passes a cancel on.
//! - I5: no callback runs, and nothing of a caller's is dropped, while a mutex of the tree is held; never are two held.
//!
//! **Ordering.**
//!
//! | site | ordering | pairs with | if weaker |
//! | --- | --- | --- | --- |
//! | flag set | Release | the load in `is_cancelled` | what the canceller wrote before (a reason) is not seen by those who find it cancelled |
//! | flag asked | Acquire | the store | the same |
//!
//! **Progress.** `is_cancelled` is wait-free. The rest block on a mutex for the time of a map operation; `cancel` visits all below,
//! and runs the callbacks after every flag below is set.
//!
//! **Limits.** A cancel cannot be taken back. A second `cancel` of the same flag returns at once, perhaps before the first has reached
//! all children. A panic in a callback is contained; the panic hook has reported it.
//!
//! **Checked by** `loom-tests/tests/cancel.rs`, the property test below against a plain tree, Miri, and `examples/stress.rs` under ThreadSanitizer.
//!
//! **Source.** Go's `context` (push down, detach on drop) and C++20's `stop_callback`.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::shim::atomic::AtomicBool;
use super::shim::atomic::Ordering::{Acquire, Release};
use super::shim::counted::{Arc, Weak};
use super::shim::{Mutex, MutexGuard, planted};

type Callback = Box<dyn FnOnce() + Send>;

struct Node {
    cancelled: AtomicBool,
    links: Mutex<Links>,
    /// The parent, and this node's number there; `None` for a root and for one that was born cancelled.
    parent: Option<(Arc<Node>, u64)>,
}

#[derive(Default)]
struct Links {
    next: u64,
    children: BTreeMap<u64, Weak<Node>>,
    callbacks: BTreeMap<u64, Callback>,
}

/// A request to stop, which reaches everything below it.
///
/// - **Thread safety:** clones are the same flag, on any number of threads.
/// - **Progress:** asking is wait-free.
/// - **Waits:** never longer than a mutex held for a map operation; `cancel` also for its callbacks.
/// - **Cleanup:** a child whose last clone is dropped unlinks itself from its parent.
///
/// ```
/// use brummer::sync::CancelFlag;
///
/// let all = CancelFlag::new();
/// let one = all.child();
/// one.cancel();
/// assert!(one.is_cancelled() && !all.is_cancelled());
///
/// let other = all.child();
/// all.cancel();
/// assert!(other.is_cancelled());
/// assert!(all.child().is_cancelled(), "born cancelled");
/// ```
#[derive(Clone)]
pub struct CancelFlag(Arc<Node>);

impl CancelFlag {
    /// A flag that is not set, without a parent.
    pub fn new() -> Self {
        Self(Arc::new(Node::new(false, None)))
    }

    /// Whether this flag, or one above it, was cancelled.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Acquire)
    }

    /// Cancels this flag and all below it, then runs their callbacks on this thread. Answers false if it was cancelled before.
    pub fn cancel(&self) -> bool {
        let Some(taken) = self.0.mark() else { return false };
        let mut callbacks = Vec::new();
        let mut reached = vec![taken];
        while let Some(links) = reached.pop() {
            callbacks.extend(links.callbacks.into_values());
            for child in links.children.into_values() {
                reached.extend(child.upgrade().and_then(|child| child.mark()));
            }
        }
        callbacks.into_iter().for_each(run_contained);
        true
    }

    /// A flag that is cancelled when this one is, and may be cancelled alone.
    pub fn child(&self) -> Self {
        if planted("cancel: child linked without a look under the mutex") && self.is_cancelled() {
            return Self(Arc::new(Node::new(true, None)));
        }
        let mut links = self.0.lock();
        if !planted("cancel: child linked without a look under the mutex") && self.is_cancelled() {
            return Self(Arc::new(Node::new(true, None)));
        }
        let number = links.number();
        let child = Arc::new(Node::new(false, Some((Arc::clone(&self.0), number))));
        links.children.insert(number, Arc::downgrade(&child));
        Self(child)
    }

    /// Has `callback` run once, by whoever cancels this flag or one above it, or here and now if that has happened.
    /// It should be short: wake a waiter, close a queue. Dropping the answer takes it back.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::sync::Arc;
    /// use brummer::sync::CancelFlag;
    ///
    /// let (flag, woken) = (CancelFlag::new(), Arc::new(AtomicBool::new(false)));
    /// let guard = flag.on_cancel({
    ///     let woken = Arc::clone(&woken);
    ///     move || woken.store(true, Ordering::Release)
    /// });
    /// flag.cancel();
    /// assert!(woken.load(Ordering::Acquire));
    /// drop(guard);
    /// ```
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) -> CancelGuard {
        let callback: Callback = Box::new(callback);
        let mut links = self.0.lock();
        if self.is_cancelled() {
            drop(links);
            run_contained(callback);
            return CancelGuard { entered: None };
        }
        let number = links.number();
        links.callbacks.insert(number, callback);
        CancelGuard { entered: Some((self.clone(), number)) }
    }
}

impl Default for CancelFlag {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelFlag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CancelFlag").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

/// A callback that is entered; dropping it takes the callback back, unless that is running or has run.
///
/// - **Thread safety:** may be dropped on any thread.
/// - **Progress:** blocks on a mutex held for a map operation.
/// - **Waits:** not for a callback that is running on another thread.
/// - **Cleanup:** the callback is dropped with it.
#[derive(Debug)]
#[must_use = "dropped at once, the callback never runs"]
pub struct CancelGuard {
    entered: Option<(CancelFlag, u64)>,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some((flag, number)) = self.entered.take() {
            let callback = flag.0.lock().callbacks.remove(&number);
            drop(callback);
        }
    }
}

impl Node {
    fn new(cancelled: bool, parent: Option<(Arc<Self>, u64)>) -> Self {
        Self { cancelled: AtomicBool::new(cancelled), links: Mutex::new(Links::default()), parent }
    }

    /// Sets the flag and takes the links out, unless it is set already.
    fn mark(&self) -> Option<Links> {
        let mut links = self.lock();
        if self.cancelled.load(Acquire) {
            return None;
        }
        self.cancelled.store(true, Release);
        Some(std::mem::take(&mut *links))
    }

    /// No caller's code runs under the mutex, so that a poisoned one holds sound links.
    fn lock(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Node {
    /// Unlinks itself, and frees a chain of parents that only it held, in a loop: a long chain must not use up the stack.
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some((parent, number)) = above {
            let link = parent.lock().children.remove(&number);
            drop(link);
            above = Arc::into_inner(parent).and_then(|mut parent| parent.parent.take());
        }
    }
}

impl Links {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// Runs a callback; its panic was reported by the panic hook and ends here.
fn run_contained(callback: Callback) {
    drop(catch_unwind(AssertUnwindSafe(callback)));
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    fn counting(count: &Arc<AtomicUsize>) -> impl FnOnce() + Send + 'static {
        let count = Arc::clone(count);
        move || {
            count.fetch_add(1, Relaxed);
        }
    }

    proptest! {
        #![proptest_config(config())]

        /// Against a plain vector of (parent, cancelled): `pick` chooses a flag, `what` a child, a cancel, or letting go of the handle.
        #[test]
        fn er2_answers_what_a_plain_tree_answers(steps in proptest::collection::vec((0..3_u8, any::<prop::sample::Index>()), 1..48)) {
            let mut flags = vec![Some(CancelFlag::new())];
            let mut plain: Vec<(Option<usize>, bool)> = vec![(None, false)];
            for (what, pick) in steps {
                let at = pick.index(flags.len());
                let Some(flag) = flags[at].clone() else { continue };
                match what {
                    0 => { plain.push((Some(at), plain[at].1)); flags.push(Some(flag.child())); }
                    1 => {
                        prop_assert_eq!(flag.cancel(), !plain[at].1);
                        plain[at].1 = true;
                        for child in at + 1..plain.len() {
                            let parent = plain[child].0.expect("only the first is a root");
                            plain[child].1 |= plain[parent].1;
                        }
                    }
                    _ if at > 0 => flags[at] = None,
                    _ => {}
                }
                for (flag, (_, cancelled)) in flags.iter().zip(&plain) {
                    if let Some(flag) = flag { prop_assert_eq!(flag.is_cancelled(), *cancelled); }
                }
            }
        }
    }

    #[test]
    fn er2_a_panicking_callback_does_not_stop_the_others() {
        let (flag, ran) = (CancelFlag::new(), Arc::new(AtomicUsize::new(0)));
        let guards = [
            flag.on_cancel(counting(&ran)),
            flag.on_cancel(|| panic!("planned")),
            flag.child().on_cancel(counting(&ran)),
        ];
        assert!(flag.cancel());
        assert!(!flag.cancel());
        assert_eq!(ran.load(Relaxed), 2);
        let at_once = flag.on_cancel(counting(&ran));
        assert_eq!(ran.load(Relaxed), 3);
        drop((guards, at_once));
    }

    #[test]
    fn er2_every_flag_below_is_set_before_a_callback_runs() {
        let root = CancelFlag::new();
        let leaf = root.child().child();
        let seen = Arc::new(AtomicBool::new(false));
        let guard = root.on_cancel({
            let (leaf, seen) = (leaf.clone(), Arc::clone(&seen));
            move || seen.store(leaf.is_cancelled(), Release)
        });
        root.cancel();
        assert!(seen.load(Acquire));
        drop(guard);
    }

    #[test]
    fn a_dropped_guard_takes_its_callback_back() {
        let (flag, ran) = (CancelFlag::new(), Arc::new(AtomicUsize::new(0)));
        drop(flag.on_cancel(counting(&ran)));
        flag.cancel();
        assert_eq!((ran.load(Relaxed), Arc::strong_count(&ran)), (0, 1));
    }

    #[test]
    fn er2_a_dropped_child_unlinks_itself_and_a_long_chain_is_freed_without_recursion() {
        let root = CancelFlag::new();
        let length = rounds(100_000);
        let leaf = (0..length).fold(root.clone(), |flag, _| flag.child());
        assert_eq!(root.0.lock().children.len(), 1);
        root.cancel();
        assert!(leaf.is_cancelled(), "through flags that nobody holds any more");
        let other = CancelFlag::new();
        let leaf = (0..length).fold(other.clone(), |flag, _| flag.child());
        drop(leaf);
        assert!(other.0.lock().children.is_empty());
        assert_eq!(Arc::strong_count(&other.0), 1);
    }

    #[test]
    fn er2_children_made_while_their_parent_is_cancelled_are_all_cancelled() {
        for _ in 0..rounds(300) {
            let root = CancelFlag::new();
            let children = std::thread::scope(|scope| {
                let maker = scope.spawn(|| (0..8).map(|_| root.child()).collect::<Vec<_>>());
                root.cancel();
                maker.join().unwrap()
            });
            assert!(children.iter().all(CancelFlag::is_cancelled));
        }
    }
}
