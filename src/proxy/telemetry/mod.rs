//! What pages tell of themselves: the script that they run, what they send, and where it is kept.
//!
//! Read `page.js` first (what runs in the page; `tools.js` is its second half), then `batch` (what it sends, bounded and
//! cleaned), `event`, `session`, `curve` and `store` (what is kept), `group` and `stack` (errors), and `service`, which puts them together.
//! `sourcemap` takes errors to their original sources.

pub mod batch;
pub mod curve;
pub mod event;
pub mod group;
mod intake;
pub mod script;
pub mod service;
pub mod session;
pub mod sourcemap;
pub mod stack;
pub mod store;

pub use batch::{Batch, PageMeta};
pub use curve::Curve;
pub use event::{Family, PageEvent};
pub use group::{ErrorGroup, ErrorKind, Original};
pub use service::Telemetry;
pub use session::{Counts, LongTasks, Rating, Session, Vitals};
pub use stack::StackFrame;
pub use store::{TelemetryLimits, TelemetryStore, Unresolved};
