//! A real browser that Brummer starts on request and drives over the Chrome DevTools protocol; it ends with Brummer.
//!
//! Read `find` first (which browser), then `launch` (how it is started, and what is left: nothing), `protocol` (questions,
//! answers and events over a pipe), and `tab` (what can be done with a page).

pub mod find;
pub mod launch;
mod protocol;
pub mod tab;

pub use launch::{Browser, BrowserOptions};
pub use tab::{PictureFormat, Shot, Tab};
