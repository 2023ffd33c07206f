//! The hub: one MCP server that stands for all instances of Brummer on this machine, and passes calls on to them.
//!
//! Read `names` (how instances are told apart in names and URIs), `choice` (whom a call without a name is for), `catalog` (what an
//! instance has) and `lists` (what the hub says there is), `table` (all of that at one moment), `forward` (one call on its way),
//! `own` (the hub's own tools), `keeper` (the thread that keeps the table true), `hub` (the provider that a server serves).

mod catalog;
mod choice;
mod forward;
#[allow(clippy::module_inception, reason = "the file is what the folder is about")]
mod hub;
mod keeper;
mod lists;
mod names;
mod own;
mod table;

pub use hub::{Hub, Options};

#[cfg(test)]
mod tests;
