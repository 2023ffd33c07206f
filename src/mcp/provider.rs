//! What a product must answer: the seam between the protocol and what it is about.

use std::sync::Arc;

use super::call::Call;
use super::notifier::Notifier;
use super::protocol::{List, ListKind, ServerInfo};

/// Lists what there is, and answers calls.
///
/// All of it is called on the server's one thread: it must not wait. [`Provider::call`] hands over an owned [`Call`], which may be
/// finished at once or taken to any other thread; a call that is dropped unfinished is answered with an error.
pub trait Provider: Send + Sync + 'static {
    /// Who serves.
    fn server(&self) -> &ServerInfo;

    /// All of one kind: a list that is kept, since it is asked for often. Its order stays.
    fn list(&self, kind: ListKind) -> Arc<List>;

    /// A tool, a resource, a prompt or a completion is called for: see [`Call::kind`] and [`Call::name`]. A name that is unknown is
    /// the provider's to refuse. While a call needs answers it is given anew, with them in it: see [`Call::ask`].
    fn call(&self, call: Call);

    /// The server has started; changes can be told from now on.
    fn started(&self, notifier: Notifier) {
        drop(notifier);
    }

    /// Whether this is a task that another server keeps, which answered a call with it through this provider. What clients want of it
    /// is called for then as everything else: see [`CallKind::Task`](crate::mcp::call::CallKind::Task).
    fn keeps(&self, task: &str) -> bool {
        let _ = task;
        false
    }

    /// A first client wants to hear of such a task, or the last one does no more: see [`Notifier::task_changed`].
    fn task_watched(&self, task: &str, watched: bool) {
        let _ = (task, watched);
    }

    /// A first client watches this resource, or the last one has ceased to. Only what is watched need be told of.
    fn watched(&self, uri: &str, watched: bool) {
        let _ = (uri, watched);
    }
}
