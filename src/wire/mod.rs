//! Bytes to values, without threads, clocks or sockets.

pub mod ansi;
pub mod http1;
pub mod url;
