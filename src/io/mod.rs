//! The edge of the operating system: reactor, child processes, ptys, signals. All FFI is here.
//!
//! Read `child` first (what is started), then `reactor` (one thread reads everything), `tree` (what belongs to a child),
//! `guardian` (what happens when a part of Brummer is killed), and `platform` (what a system must provide).

pub mod child;
pub mod clipboard;
pub mod companion;
mod descriptors;
pub mod editor;
pub mod foreground;
pub mod guardian;
mod helper;
pub mod local;
pub mod net;
pub mod opener;
pub(crate) mod platform;
pub mod pty;
pub mod reactor;
pub mod signals;
pub mod sockets;
pub mod stdin;
pub mod suspend;
pub mod tree;
pub mod usage;
pub mod zone;
