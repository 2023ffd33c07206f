//! `brummer --mcp` and `brummer mcp …`: the hub for an AI tool, setting such tools up, and finding out what is wrong.
//!
//! Read `tools` (which tools there are, where their files are, what stands in them), `jsonc` and `codex` (editing such a file without
//! touching the rest of it), `diff`, `install` (all of it together, and taking it back), `doctor` (what is wrong), `hub`.

mod codex;
mod diff;
mod doctor;
mod hub;
mod install;
mod jsonc;
mod record;
mod tools;

pub(super) use doctor::doctor;
#[cfg(test)]
pub(super) use hub::options as hub_options;
pub(super) use hub::serve;
pub(super) use install::{Wish, install};
pub(super) use tools::Tool;
