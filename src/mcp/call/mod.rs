//! A call that waits for its answer: owned, sendable, answered from anywhere.
//!
//! Read in this order: [`spec`] (what was called for, by whom), [`call`](mod@call) (what can be done with it), [`reply`] (what it is
//! answered with), `mailbox` (how that gets to the server), [`desk`] (calls without a server, as tests make them).

#[allow(clippy::module_inception, reason = "what is called is the call")]
pub mod call;
pub mod desk;
mod mailbox;
pub mod reply;
pub mod spec;

pub use call::{Call, TaskOptions};
pub use desk::Desk;
pub use mailbox::{Event, Progress};
pub(crate) use mailbox::{Outlet, Shared};
pub use reply::Reply;
pub use spec::{CallKind, CallSpec, CompletionAsk, TaskWork};
