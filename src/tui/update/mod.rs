//! The only place that changes the model. Read `dispatch` first; each view and each overlay has its own file.

pub(crate) mod attached;
mod available;
mod away;
mod chips;
pub(crate) mod commands;
pub(crate) mod dispatch;
mod env;
pub(crate) mod errors;
mod find;
mod logs;
mod mcp;
mod mcp_again;
mod mouse;
mod next_step;
pub(crate) mod overlays;
mod pane;
mod processes;
mod qr;
mod record;
mod scripts;
pub(crate) mod select;
mod settings;
pub(crate) mod strip;
mod tell;
mod together;
mod tour;
mod url_list;
mod urls;
pub(crate) mod web;

pub(crate) use available::available;
pub(crate) use dispatch::update;
pub(crate) use settings::is_at_once;
