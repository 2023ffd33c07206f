//! The server: one thread, one loop, both eras, and every transport.
//!
//! `config` says what it is given, `start` begins and ends it. On its thread: `core` (the state, and what happens), `connection` and
//! `http` (reading requests, `guard` before anything else), `post` (the one endpoint), `legacy` and `modern` (what each era asks) with
//! `methods` (what both ask), `sessions` and `stream` (what the legacy era keeps), `calls` (calls that go on) with `asks` (their
//! questions), `tasks` and `listens`, `changes` (telling of them), `respond` (writing answers), `seal` (state that clients carry for us),
//! `headers` (arguments that are headers too), `stdio` (one client on pipes) with `lines`. `limits` has every bound.
//!
//! **Shape.** Connections are places; a call is a number and a mailbox. Whoever finishes a call puts its answer in the mailbox and wakes
//! the loop, which writes it to wherever its request came from: a connection, a session's stream, a task, standard output. A call that
//! is finished before [`Provider::call`](super::Provider::call) returns is answered in the same turn, without a wake-up.

mod asks;
mod calls;
mod changes;
pub mod config;
mod connection;
mod core;
mod guard;
mod headers;
mod http;
mod legacy;
pub mod limits;
mod lines;
mod listens;
mod methods;
mod modern;
mod post;
mod respond;
mod seal;
mod sessions;
pub mod start;
mod stdio;
mod stream;
mod tasks;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use limits::Limits;
pub use start::{Server, serve_stdio};
