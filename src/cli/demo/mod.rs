//! The built-in sample project: four processes that are this program itself, so that nothing has to be installed.
//!
//! `project` makes the folder with its `.brum.toml` and removes it again; `part` picks one process; `server` is what
//! the web server and the API share.

mod api;
mod part;
mod project;
mod server;
mod suite;
mod web;
mod worker;

pub(super) use part::{Part, run};
pub(super) use project::Project;
