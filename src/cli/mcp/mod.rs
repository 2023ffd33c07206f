//! `brummer mcp …`: setting AI tools up, and finding out what is wrong.
//!
//! Read `tools` (which tools there are, where their files are, what stands in them), `jsonc` and `codex` (editing such a file without
//! touching the rest of it), `diff`, `install` (all of it together, and taking it back), `doctor` (what is wrong).

mod codex;
mod diff;
mod doctor;
mod install;
mod jsonc;
mod record;
mod tools;

pub(super) use doctor::doctor;
pub(super) use install::{Wish, install};
pub(super) use tools::Tool;
