//! Starts the engine's thread.

use std::sync::Arc;

use super::engine::{Command, Engine};
use super::hooks::Hooks;
use super::limits::Limits;
use super::record::Counters;
use super::registry::Mapping;
use super::rules::Rule;
use crate::error::Result;
use crate::io::net::Thread;
use crate::sync::CowCell;

/// What the engine is to do.
#[derive(Clone, Debug)]
pub(crate) struct EngineConfig {
    pub(crate) port: u16,
    pub(crate) first_port: u16,
    pub(crate) lan: bool,
    pub(crate) full: bool,
    pub(crate) rewrite: bool,
    pub(crate) hide_via: bool,
    pub(crate) hosts: Vec<String>,
    pub(crate) forward_to: Option<Vec<String>>,
    pub(crate) frame_bytes: usize,
    pub(crate) limits: Limits,
    pub(crate) rules: Vec<Rule>,
}

/// What the engine is told when it begins.
pub(crate) struct Setup {
    pub(crate) config: EngineConfig,
    pub(crate) hooks: Hooks,
    pub(crate) counters: Arc<Counters>,
    pub(crate) mappings: Arc<CowCell<Vec<Mapping>>>,
    /// `/__brummer/<token>/`
    pub(crate) control_prefix: String,
}

/// Starts the thread; the control port is open when this returns, and its number is in the answer.
pub(crate) fn start(setup: Setup) -> Result<(Thread<Command>, u16)> {
    let mut port = 0;
    let thread = Thread::start("brummer-proxy", |net, commands| {
        let engine = Engine::open_control(net, commands, setup)?;
        port = engine.port;
        Ok(engine)
    })?;
    Ok((thread, port))
}
