//! What the proxy has seen: kept within bounds, searched, masked, shown, copied and sent again.
//!
//! Read `store` first (who writes, who reads), then `ring` (what goes first when there is too much).

pub mod filter;
mod ring;
mod store;

pub use filter::{Filter, FilterError};
pub use ring::{CaptureLimits, Dropped};
pub use store::{Capture, Query, Summary};

#[cfg(test)]
pub(crate) mod tests;
