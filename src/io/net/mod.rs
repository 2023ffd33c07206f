//! Sockets: one thread, one `mio::Poll`, listeners and connections that one service looks after.
//!
//! Read `service` first (what the loop asks of whoever uses it), then `net` (what it offers), `run` (the loop itself), and as needed
//! `socket` (one connection), `listen` (an address of both families), `wheel` (deadlines), `buffer` (memory while it is used), `pipe` (bytes that
//! are never copied), `key`.
//!
//! **Shape.** Any thread → a queue of commands and a waker → one thread. A connection is registered once, for both directions and
//! edge-triggered; the loop remembers what is ready, so no system call is made to change interest. A [`Key`] names a connection and
//! its generation: what comes late finds nobody.
//!
//! **Fairness.** A service that could go on with one connection asks for another turn ([`Net::again`]); a listener takes a bounded
//! batch of connections a turn. **Idle**: without deadlines the poll has no timeout; the clock is read once a turn.

mod buffer;
mod key;
mod listen;
#[allow(clippy::module_inception, reason = "what a service holds in its hands is the net")]
mod net;
mod pipe;
mod run;
mod service;
mod socket;
#[cfg(test)]
mod tests;
mod wheel;

pub use buffer::{BUFFER_BYTES, Buffer, Buffers};
pub use key::Key;
pub use listen::ListenerId;
pub use net::Net;
pub use pipe::Pipe;
pub use run::{Commands, Thread};
pub use service::Service;
