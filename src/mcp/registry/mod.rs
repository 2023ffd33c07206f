//! Which instances of Brummer run on this machine: each writes a file about itself, and whoever wants to know reads them.
//!
//! Read `instance` (what stands in a file), `folder` (where the files are, and who may touch them), `registration` (an
//! instance tells of itself), `listing` (who is alive, and what has changed).
//!
//! A file counts only while the process that wrote it lives. A process is known by its pid and its start time, so that
//! one which got an old pid is never taken for it; where the start time is not known the heartbeat decides.

mod folder;
mod instance;
mod listing;
mod registration;

pub use folder::Folder;
#[cfg(test)]
pub(crate) use instance::sample;
pub use instance::{Instance, ProcessInfo};
pub use listing::{Found, Trouble, Watch};
pub use registration::{HEARTBEAT_EVERY, Registration, Wish};
