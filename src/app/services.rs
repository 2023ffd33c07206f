//! What the floor above may use of the services directly: what pages told, what was captured, what is sent or started again.

use std::sync::Arc;

use crate::app::changes::Thing;
use crate::app::core::App;
use crate::app::mcp_board::McpBoard;
use crate::error::Result;
use crate::event::Level;
use crate::proxy::capture::replay::Changes;
use crate::proxy::page::Pages;
use crate::proxy::telemetry::TelemetryStore;
use crate::proxy::{Capture, ExchangeId};
use crate::runtime::pool::Pool;

impl App {
    /// Where the work of this program is done.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What the server for AI tools writes down of itself.
    pub fn mcp_board(&self) -> &Arc<McpBoard> {
        &self.mcp_board
    }

    /// Says something to the person as Brummer itself, as bad as it is.
    pub fn say(&self, level: Level, text: impl Into<String>) {
        self.messages.push(level, text);
        self.changes.bump(Thing::Messages);
    }

    /// What pages have told.
    pub fn telemetry(&self) -> &Arc<TelemetryStore> {
        self.web.telemetry.store()
    }

    /// The channels to the pages that are open.
    pub fn pages(&self) -> &Arc<Pages> {
        self.web.telemetry.pages()
    }

    /// What went through the proxy.
    pub fn capture(&self) -> &Arc<Capture> {
        &self.web.capture
    }

    /// Sends a kept request again, with changes, and does not wait for its answer: that is an exchange of this number.
    ///
    /// # Errors
    /// NOT_FOUND: it is no longer kept. INVALID_STATE: it cannot be sent again; why.
    pub fn send_again(&self, id: ExchangeId, changes: &Changes) -> Result<ExchangeId> {
        self.web.send_again(id, changes)
    }

    /// The address of the proxy for a server's URL, if it has one: the same path there.
    pub fn proxied(&self, url: &str) -> Option<String> {
        self.web.proxied(url)
    }

    /// The environment that a script or a process of the settings is given beside Brummer's own, in order of names.
    ///
    /// # Errors
    /// NOT_FOUND with the nearest name, or why an env file cannot be read.
    pub fn environment(&self, word: &str) -> Result<Vec<(String, Option<String>)>> {
        Ok(self.scripts.spec(word, &[])?.env.into_iter().collect())
    }
}
