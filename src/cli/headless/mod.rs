//! Prints lines instead of opening the terminal UI: follows the store and the processes until there is nothing to wait for.
//!
//! `session` is the loop; `prompts` shows unfinished lines; `roster` knows who was announced and who has ended; `outcome` makes the exit code.

mod outcome;
mod prompts;
mod roster;
mod session;

pub(super) use outcome::of_signal;
pub(super) use session::{Plan, Session, again_after};
