//! How lines and news of processes are printed: pure, bytes into a buffer.
//!
//! `record` is what is printed, `text` prints it for people, `json` for programs; `clock` writes times, `paint` colours.

mod clock;
mod json;
mod paint;
mod record;
#[cfg(test)]
mod tests;
mod text;

pub(super) use clock::now_ms;
pub(super) use json::Json;
pub(super) use record::{Line, News, Owner, Printer};
pub(super) use text::{Look, Text};
