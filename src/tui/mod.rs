//! The terminal UI.
//!
//! Read `model` first (all that is known), then `message` (what happens, what is to be done), `update` (the only
//! place that changes the model), `views` and `widgets` (what is drawn), and [`run`] (the loop around all of it).
//! `keymap` is the one table of keys, `layout` the one place that knows where things are.

mod attached;
mod chips;
mod clock;
mod empty;
mod encode;
mod env;
mod errors;
mod field;
mod footer;
mod history;
mod inbox;
mod input;
mod jobs;
mod json;
mod keeper;
mod key;
mod keymap;
mod layout;
mod logs;
mod mcp;
mod message;
mod model;
mod notices;
mod processes;
mod qr;
mod record;
mod run;
mod screen;
mod settings;
mod sheet;
mod shown;
mod source;
mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_child;
#[cfg(test)]
mod testing_mcp;
#[cfg(test)]
mod testing_web;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod tour;
mod update;
mod views;
mod web;
mod web_filter;
mod widgets;

pub use keymap::{KeyFault, Keymap};
pub use message::Outcome;
pub use model::View;
pub use run::{Handle, Options, run};
