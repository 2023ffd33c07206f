//! What the tests stand on: a project in a folder of its own, Brummer running in it, a terminal to look at it.
//!
//! `project` is the folder and the word by which its processes are found again; `run` is Brummer with its output in
//! pipes; `screen` is Brummer in tmux; `served` is Brummer with a client of its MCP server, `session` a client with a session, `pipes` one that starts its server
//! itself; `wait` waits for a condition with a deadline; `tools` says what is installed; `usage` what a process takes.

mod pipes;
mod processes;
mod project;
mod run;
mod screen;
mod served;
mod session;
mod tools;
pub(crate) mod usage;
mod wait;

pub(crate) use pipes::Pipes;
pub(crate) use processes::{Signal, children_of, signal};
pub(crate) use project::Project;
pub(crate) use run::{Finished, Run};
pub(crate) use screen::{Screen, nobody_is_left};
pub(crate) use served::{Door, Served};
pub(crate) use session::Session;
pub(crate) use tools::is_installed;
pub(crate) use wait::{until, until_within};
