//! What lies over a view, one per file. All of them draw themselves from the model and answer where the cursor belongs.

pub(crate) mod choose;
pub(crate) mod command_line;
pub(crate) mod dialog;
pub(crate) mod env;
pub(crate) mod find;
pub(crate) mod frame;
pub(crate) mod help;
pub(crate) mod messages;
pub(crate) mod qr;
pub(crate) mod record;
pub(crate) mod toast;
pub(crate) mod tour;
