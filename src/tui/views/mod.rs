//! Draws the model. Read `screen` first: it draws the frame around a view, then the view, then what lies over it.

mod attached;
mod chips;
mod errors;
mod logs;
mod mcp;
mod process_detail;
mod processes;
mod screen;
mod scripts;
mod settings;
mod spark;
mod tab_line;
mod table;
mod urls;
mod waterfall;
mod web;

pub(crate) use errors::rows as error_rows;
pub(crate) use logs::pill;
pub(crate) use mcp::text as mcp_rows;
pub(crate) use processes::sort_spots;
pub(crate) use screen::{draw, strip_spots, tabs};
