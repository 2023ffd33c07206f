//! `brummer --mcp`: the hub, for one AI tool on standard input and output.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::error::Result;
use crate::mcp::hub::{Hub, Options};
use crate::mcp::manager::Settings;
use crate::mcp::registry::Folder;
use crate::mcp::server::serve_stdio;

/// So long the first word of the client waits for instances that are slow to answer, so that its first list is whole.
const SETTLE_LIMIT: Duration = Duration::from_millis(1500);

/// What the hub is started with.
pub(in crate::cli) fn options(config: &Config, folder: &Path) -> Options {
    let mcp = &config.settings.mcp_manager;
    let (registry, settings) = (Folder::of_user(), Settings::of(mcp));
    Options { registry, folder: folder.to_owned(), settings, each: mcp.list_each_instance }
}

/// Serves until standard input ends.
///
/// # Errors
/// The system allows no more threads, or a pipe failed.
pub(in crate::cli) fn serve(config: &Config, folder: &Path) -> Result<()> {
    let hub = Arc::new(Hub::start(options(config, folder))?);
    hub.settle(SETTLE_LIMIT);
    let served = serve_stdio(Arc::clone(&hub) as Arc<dyn crate::mcp::Provider>, io::stdin().lock(), io::stdout());
    hub.stop();
    served
}
