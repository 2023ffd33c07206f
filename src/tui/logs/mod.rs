//! The Logs view's own part of the model. Read `view` first, then `rows` (what is shown), `window` (what is on screen).

pub(crate) mod filter;
pub(crate) mod folds;
pub(crate) mod marked;
pub(crate) mod rows;
pub(crate) mod scan;
mod view;
pub(crate) mod window;

pub(crate) use view::{Cleared, FindMode, FindOption, LogView, Mark, TimeFormat};
