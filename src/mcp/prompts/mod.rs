//! Conversations that can be begun: a question with the live data that answers it.
//!
//! `table` has all of them, `complete` the values for their arguments and for the names in URIs.

mod complete;
mod table;

pub(crate) use complete::complete;
pub(crate) use table::{get, prompts};
