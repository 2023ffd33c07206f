//! Brummer: a project's scripts run, kept and shown, and the std-thread concurrency core underneath.
//!
//! The modules stand on floors; a file uses its own folder and the floors below it, never a neighbour's or one above:
//!
//! ```text
//! 5  cli/   tui/   mcp/                 front doors: argv, keys, AI tools → commands
//! 4  app/                               puts services on the runtime; commands; read-only views
//! 3  config/  process/  logs/  proxy/   one domain each; strangers to each other
//! 2  io/   event.rs                      the OS edge: reactor, children, ptys, signals. All FFI is here │ what services say
//! 1  runtime/   wire/                   threads without I/O │ bytes → values
//! 0  sync/   error.rs                   lock-free primitives over a std/loom shim │ the one error type
//! ```
//!
//! With `default-features = false` only `sync`, `error` and `runtime` are built: the library for other programs.

pub mod error;
pub mod sync;

pub mod runtime;
#[cfg(feature = "app")]
pub mod wire;

#[cfg(feature = "app")]
pub mod event;
#[cfg(feature = "app")]
pub mod io;

#[cfg(feature = "app")]
pub mod config;
#[cfg(feature = "app")]
pub mod logs;
#[cfg(feature = "app")]
pub mod process;
#[cfg(feature = "app")]
pub mod proxy;

#[cfg(feature = "app")]
pub mod app;

#[cfg(feature = "app")]
pub mod cli;
#[cfg(feature = "app")]
pub mod mcp;
#[cfg(feature = "app")]
pub mod tui;
