//! HTTP archives (HAR 1.2): what was seen, as a file for other tools, and files of other tools to look at.
//!
//! What HAR has no place for stands under `_brummer`, WebSocket messages under `_webSocketMessages` as in Chromium.

mod export;
mod import;

pub use export::export;
pub use import::{FILE_BYTES_MAX, Imported, import};

/// The kinds of WebSocket messages and their numbers.
const OPCODES: [(&str, u64); 5] = [("text", 1), ("binary", 2), ("close", 8), ("ping", 9), ("pong", 10)];

#[cfg(test)]
mod tests;
