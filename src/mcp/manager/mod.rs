//! The connection manager: which instances are there, which answer, and which session talks to which of them.
//!
//! Read `settings`, `state` (the five states), `core` (what is decided, as a pure function of what happens and when), `view` (what
//! everybody may read at any moment), `manager` (the thread that owns it all, and the calls that speak to it).
//!
//! ```text
//! discovered ─▶ connecting ─▶ active ─▶ retrying ─▶ dead
//!                   ▲  └────────────────▲  │          │ its file is written anew
//!                   └──────────────────────┴──────────┘
//! ```

mod core;
#[allow(clippy::module_inception, reason = "the file is what the folder is about")]
mod manager;
mod settings;
mod state;
mod view;

pub use manager::Manager;
pub use settings::Settings;
pub use state::State;
pub use view::{Row, View};

#[cfg(test)]
mod tests;
