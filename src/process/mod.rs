//! Runs what the project holds: specs, supervision, output, stop.
//!
//! Read `spec` first (what is to be run; `detect` finds it in a project), then `manager` (what can be done with it),
//! `supervisor` (what a stop does, pure), `actor` (one process on the reactor's thread), `output` (bytes → lines),
//! `tap` (bytes for who looks at a terminal) and `table` (what is read from outside).

mod actor;
mod callbacks;
pub mod detect;
mod manager;
pub mod output;
pub mod spec;
mod starts;
pub mod supervisor;
mod table;
mod tap;

pub use actor::Notices;
pub use callbacks::{CallbackId, Line};
pub use manager::{ManagerConfig, ProcessManager, ScriptLookup};
pub use output::{OutputSink, OutputSinks};
pub use spec::{Input, ProcessSpec, Program, Terminal};
pub use table::Process;
pub use tap::{Taken, Tap};
