//! What can be read by a URI: the same as the tools tell, for clients that watch it or attach it to a conversation.
//!
//! Read `table` first (all of them, and what each holds), then `watch` (telling those who watch that one has changed).

mod table;
mod watch;

pub(crate) use table::{read, resources, templates};
pub(crate) use watch::{Watched, Watching};
