//! Calls another MCP server over HTTP on this machine, from whatever thread asks; no thread is made here.
//!
//! Read `target` (where it is), `connection` (bytes on one connection), `request` and `answer` (one exchange), `handshake` (which era
//! the server speaks, found out once; `eras` remembers), `client` (all of it together), `listen` (what the server says unasked).
//!
//! A call is given up by cancelling its context from any thread: its connection is shut down, which in the modern era *is* the
//! cancellation; a legacy server is told besides.

mod answer;
#[allow(clippy::module_inception, reason = "the file is what the folder is about")]
mod client;
mod connection;
mod eras;
mod handshake;
mod headers;
mod listen;
mod request;
mod target;

pub use answer::{Incoming, Reply};
pub use client::{Client, Limits, Options};
pub use eras::Eras;
pub use handshake::Facts;
pub use headers::{Declared, declared_headers, header_value};
pub use listen::Wanted;
pub use request::Call;
pub use target::Target;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
