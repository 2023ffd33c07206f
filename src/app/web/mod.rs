//! The proxy and the telemetry of pages within the app: begun with the first server, told of processes, read by the views.
//!
//! `service` owns them and speaks to them, `again` sends a request once more, `har` writes and reads files of them, `shown` and
//! `sessions` make of them what the front doors see.

mod again;
mod har;
mod service;
mod sessions;
mod shown;

pub(crate) use service::{Web, WebSetup};
