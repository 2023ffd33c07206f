//! Draws the model. Read `screen` first: it draws the frame around a view, then the view, then what lies over it.

mod attached;
mod chips;
mod empty;
mod errors;
mod logs;
mod mcp;
mod process_detail;
mod processes;
mod screen;
mod scripts;
mod settings;
mod sheet;
mod spark;
mod tab_line;
mod table;
mod urls;
mod waterfall;
mod web;

pub(crate) use logs::pill;
pub(crate) use mcp::answer_row;
pub(crate) use processes::sort_spots;
pub(crate) use screen::{draw, strip_spots, tabs};
pub(crate) use sheet::{draw_record_selection, owner, sheet, view_sheet};
