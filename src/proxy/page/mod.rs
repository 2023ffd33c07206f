//! The channels to pages: one page of one session is asked to do something, and answers. Never is anything said to all.
//!
//! Read `ask` first (what can be asked, and what comes back), then `channels` (who is asked, how an answer finds its way),
//! `asked` (a question that nobody sits and waits for).

pub mod ask;
pub mod asked;
pub mod channels;

pub use ask::{Ask, Evaluation, Picture, Snapshot, View};
pub use asked::{Answer, Asked};
pub use channels::{OpenPage, Pages};
