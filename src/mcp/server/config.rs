//! What the server is given.

use std::fmt;

use super::limits::Limits;

/// How the server listens, and whom it serves.
#[derive(Clone, Default)]
pub struct Config {
    /// The port on 127.0.0.1 and ::1; 0 for one that is free, none to serve no HTTP at all.
    pub port: Option<u16>,
    /// Which instance of Brummer serves: told in the first answer, so that who comes back to the port knows whether it is the same one.
    pub instance: Option<String>,
    /// Clients must send it: `Authorization: Bearer …`.
    pub token: Option<String>,
    /// Origins beside our own that pages may have: `https://app.example`, exactly.
    pub origins: Vec<String>,
    /// Bounds.
    pub limits: Limits,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { port, instance, token, origins, limits } = self;
        let mut told = f.debug_struct("Config");
        told.field("port", port).field("instance", instance).field("asks_token", &token.is_some());
        told.field("origins", origins).field("limits", limits).finish()
    }
}

impl Config {
    /// On this port, with all else as it should be.
    pub fn on_port(port: u16) -> Config {
        Config { port: Some(port), ..Config::default() }
    }
}
