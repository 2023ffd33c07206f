//! The engine: one thread that takes connections, reads requests, writes them anew, and carries bytes both ways.
//!
//! `hooks` and `control` are what others give it: who records, who puts the script in, who answers the page. Then, in the way of a
//! request: `engine` (the state, and what happens on a connection), `downstream` (a client and its exchange), `head` (reading it),
//! `route` and `site` (whom it is for), `rewrite` (what is changed), `relay` (carrying it) with `flow` (one direction; `bulk`: much at once) and `upstream`
//! (servers and connections to them, `tls`, `resolve`), `answer` (how it ends), `upgrade` (tunnels, `tap` looks on), `channel` (what pages say to Brummer itself), `rules` and `obey` (what a user wants done), `file` (a file that answers), `replay`, `record` (what is
//! told of it) and `refuse` (what is told of what goes no further). `registry` and `ports` give servers their addresses; `pages` is what we say ourselves; `limits` has every bound.

mod answer;
mod bulk;
mod channel;
pub mod control;
mod downstream;
#[allow(clippy::module_inception, reason = "the state of the engine is the engine")]
mod engine;
mod file;
mod flow;
mod head;
pub mod hooks;
pub mod limits;
mod obey;
mod pages;
mod ports;
mod record;
mod refuse;
mod registry;
mod relay;
mod replay;
mod resolve;
mod rewrite;
mod route;
pub mod rules;
mod site;
mod start;
mod tap;
#[cfg(test)]
mod tests;
mod tls;
mod upgrade;
mod upstream;

pub use control::{ChannelId, Control, LocalAnswer, PageChannel, PageOrigin, Say};
pub(crate) use engine::Command;
pub use hooks::{BodyFilter, Edits, HeadView, Hooks, Injector, Insertion, NoRecorder, Recorder, TellCaller, Wanted};
pub use limits::Limits;
pub(crate) use ports::PortBook;
pub(crate) use record::Counters;
pub use registry::Mapping;
pub(crate) use registry::Wish;
pub use rules::Rule;
pub(crate) use start::{EngineConfig, Setup, start};
