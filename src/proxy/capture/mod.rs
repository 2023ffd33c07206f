//! What the proxy has seen: kept within bounds, searched, masked, shown, copied and sent again.
//!
//! Read `store` first (who writes, who reads), then `ring` (what goes first when there is too much). `filter` finds exchanges,
//! `redact` masks their secrets, `decode` makes their bodies readable, `copy` takes a request elsewhere, `replay` sends it
//! again, `diff` compares two answers, `har` writes and reads files of other tools, `caller` finds
//! out which program asked.

mod caller;
pub mod copy;
pub mod decode;
pub mod diff;
pub mod filter;
pub mod har;
mod json;
pub mod jwt;
mod percent;
pub mod redact;
pub mod replay;
mod ring;
mod store;
pub mod timing;

pub use caller::Callers;
pub use filter::{Filter, FilterError};
pub use redact::Secrets;
pub use ring::{CaptureLimits, Dropped};
pub use store::{Capture, Query, Summary};

#[cfg(test)]
mod live;
#[cfg(test)]
pub(crate) mod tests;
