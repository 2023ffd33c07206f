//! WebSocket: frames, a sniffer that looks on while others copy, and a small server of our own.
//!
//! Read [`frame`] first (the header of a frame and its mask), then [`sniffer`] (messages seen in passing), then
//! [`server`] (the handshake and the messages of a page that talks with Brummer itself).

pub mod frame;
pub mod server;
pub mod sniffer;

pub use frame::{FrameHeader, Opcode, mask};
pub use server::{Closed, Server, write_handshake};
pub use sniffer::{Seen, Sniffer};
