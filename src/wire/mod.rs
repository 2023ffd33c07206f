//! Bytes to values, without threads, clocks or sockets.

pub mod ansi;
pub mod csp;
pub mod html;
pub mod http1;
pub mod jsonrpc;
pub mod screen;
pub mod sse;
pub mod url;
pub mod websocket;
