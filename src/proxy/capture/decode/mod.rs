//! Bodies as people want to see them: decompressed, as text, by kind.
//!
//! `decompress` undoes `Content-Encoding`, within bounds and as far as a body that was cut goes; `charset` makes text of it;
//! `kind` says what it is; `show` puts the three together. `frames` decompresses the messages of a WebSocket.

mod charset;
mod decompress;
mod frames;
mod kind;
mod show;

pub use decompress::{DECODED_BYTES_MAX, Plain, plain};
pub use frames::frames;
pub use kind::Kind;
pub use show::{Shown, show, show_frame};

pub(super) use charset::to_text;
pub(super) use kind::parameter;
