//! The Model Context Protocol: AI tools see and drive what runs here.
//!
//! Read in this order: [`protocol`] (what is said, in both eras), [`provider`] (what a product must answer), [`call`] (one call that
//! waits for its answer), [`notifier`] (telling clients that something changed), [`server`] (carrying it all), [`registry`] (how
//! running instances are found), [`token`] (what clients show where that is wished for), [`client`] (calling another server), [`manager`] (the connections to all instances), [`hub`] (one
//! server that stands for all of them). What Brummer itself provides is in `product`: `tools`, `resources`, `prompts`; `again` makes a
//! call once more for the person at the screen.
//!
//! A [`Provider`] lists what there is and is given each [`Call`]; it may answer at once or from any thread later. It never learns by
//! which transport a call came, and rarely of which era: questions to the user, tasks, progress and cancellation are the same in both.

mod again;
pub mod call;
pub mod client;
mod crew;
pub mod hub;
pub mod manager;
pub mod notifier;
mod product;
mod prompts;
pub mod protocol;
pub mod provider;
pub mod registry;
mod resources;
pub mod server;
pub mod service;
#[cfg(test)]
mod tests;
pub mod token;
mod tools;

pub use call::{Call, CallKind, Reply};
pub use notifier::Notifier;
pub use product::Product;
pub use provider::Provider;
pub use server::Server;
pub use service::Service;
