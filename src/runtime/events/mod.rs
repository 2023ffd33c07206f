//! The event bus: whoever knows something publishes it; handlers that were subscribed before are called on the pool.
//!
//! Read in this order: [`Event`] (what an event must tell), [`EventBus`] (`subscribe`, `publish`, `stop`), `lane` (where events
//! wait and how they are handled), `handover` (who drains, who wakes whom), `table` (who gets which event).
//!
//! ```text
//! publish ──► lane = hash of the key ──► ring per priority ──► one pool worker at a time drains the lane
//!                                                              for each event: every handler, in the order of subscription
//! ```
//!
//! An event is moved once, however many handlers there are; one wake-up serves a burst; events of one key and one priority
//! are handled in the order of their publication, one at a time; different lanes run in parallel.

mod bus;
mod config;
mod event;
mod handover;
mod lane;
mod table;

pub use bus::{BusMetrics, EventBus};
pub use config::{BusConfig, Policy};
pub use event::Event;
pub use table::SubscriptionId;
