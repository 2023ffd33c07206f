//! Puts the services on the runtime: what a front door sees ([`view`]) and what it can do ([`command`]).
//!
//! Start with `core`: the services, wired; `setup` says what the settings make of each. `sinks` carries lines from the reactor into the store; `scripts` joins what was
//! detected with `[processes]` of the settings; `run` carries out commands, `again` starts again what has run, `command_table` is how they are written; `rows` makes the views, `sampler` what processes use, `answers` whether servers answer, `errors` that of the errors; `changes` wakes the
//! front doors; `messages` is what Brummer itself has to say; `memory` keeps it within its limit; `attach` shows a process's terminal; `web` is the proxy
//! and what pages told; `state` is what is remembered from run to run; `services` is what the floor above may use of all this directly; `mcp_board` is what the server for AI tools writes down, `mcp_copy` a call in forms for elsewhere.

pub(crate) mod again;
mod answers;
pub mod attach;
mod changes;
pub mod command;
mod command_table;
mod core;
mod environment;
pub(crate) mod errors;
mod mcp_board;
pub mod mcp_copy;
mod memory;
mod messages;
mod rows;
mod run;
mod sampler;
mod scripts;
mod services;
mod setup;
mod sinks;
pub mod state;
pub mod view;
mod web;

#[cfg(test)]
mod tests;

pub use core::{App, AppOptions};
pub use mcp_board::{Caller, McpBoard};
pub use scripts::list_scripts;
#[cfg(test)]
pub(crate) use setup::Setup;
