//! The engine: one thread that takes connections, reads requests, writes them anew, and carries bytes both ways.
//!
//! `hooks` and `control` are what others give it: who records, who puts the script in, who answers the page.

pub mod control;
pub mod hooks;

pub use control::{ChannelId, Control, LocalAnswer, PageChannel, PageOrigin, Say};
pub use hooks::{BodyFilter, Edits, HeadView, Hooks, Injector, Insertion, NoRecorder, Recorder, TellCaller, Wanted};
