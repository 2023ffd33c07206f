//! Finds where an error was in the source as its author wrote it, by the source maps of local development servers.
//!
//! Read `map` first (the format), then `script` (where a map lies), `fetch` (from this machine alone), and `resolver`.

mod fetch;
pub mod map;
mod resolver;
mod script;

pub(super) use resolver::{Resolver, Servers};
