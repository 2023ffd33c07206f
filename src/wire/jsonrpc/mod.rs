//! JSON-RPC 2.0, as the Model Context Protocol uses it: messages are taken apart without copies and put together without parsing.
//!
//! Read in this order: [`message`] (what a message is, and reading one), [`id`], [`members`] (an object taken apart), [`fault`] (why
//! something is no message), [`write`](mod@write) (putting answers together around JSON that was written elsewhere).

pub mod fault;
pub mod id;
pub mod members;
pub mod message;
pub mod write;

pub use fault::{Fault, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR};
pub use id::Id;
pub use members::{MEMBERS_MAX, Members, check};
pub use message::{BATCH_MAX, DEPTH_MAX, Failure, Message, is_batch, parse, parse_batch};
pub use write::{write_error, write_notification, write_request, write_result};
