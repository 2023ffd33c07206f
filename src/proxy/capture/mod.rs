//! What the proxy has seen: kept within bounds, searched, masked, shown, copied and sent again.
//!
//! Read `store` first (who writes, who reads), then `ring` (what goes first when there is too much). `filter` finds exchanges,
//! `redact` masks their secrets, `decode` makes their bodies readable.

pub mod decode;
pub mod filter;
mod json;
mod percent;
pub mod redact;
mod ring;
mod store;

pub use filter::{Filter, FilterError};
pub use redact::Secrets;
pub use ring::{CaptureLimits, Dropped};
pub use store::{Capture, Query, Summary};

#[cfg(test)]
pub(crate) mod tests;
