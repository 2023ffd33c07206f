//! The development proxy: a request comes in, is made anew, goes to its server, and is kept.
//!
//! Read `exchange` first (what is known of one request and its answer), then `engine`, which carries them, and `capture`,
//! which keeps them.

pub mod browser;
pub mod capture;
pub mod engine;
pub mod exchange;
pub mod headers;
pub mod inject;
pub mod page;
pub mod server;
pub mod telemetry;

pub use capture::{Capture, CaptureLimits};
pub use engine::{Hooks, Limits, Mapping, Rule};
pub use exchange::{
    Body, Caller, Exchange, ExchangeId, Failure, Frame, Injection, Mode, Note, Opened, Phases, Side, Traffic,
};
pub use headers::{HeaderBuffer, Headers};
pub use server::{Metrics, Proxy, ProxyConfig};
