//! The server for AI tools beside the terminal UI and printed lines, or alone on standard input and output.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::entry::complain;
use crate::app::{App, AppOptions};
use crate::config::Config;
use crate::error::Result;
use crate::event::Level;
use crate::io::guardian;
use crate::io::signals::Signal;
use crate::mcp::registry::Folder;
use crate::mcp::server::serve_stdio;
use crate::mcp::{Product, Service};

/// What the end of everything may take beyond the grace.
const AFTER_GRACE: Duration = Duration::from_secs(5);

/// How the server is wished for.
#[derive(Debug, PartialEq)]
pub(super) struct Wish {
    /// Whether there is one.
    pub(super) is_on: bool,
    /// Where.
    pub(super) port: u16,
    /// Who asks must show the token of this user.
    pub(super) needs_token: bool,
}

/// What the settings say of the server.
pub(super) fn wish(config: &Config) -> Wish {
    let settings = &config.settings.general;
    Wish { is_on: !settings.no_mcp, port: settings.mcp_port, needs_token: settings.mcp_token }
}

/// Begins the server, if it is wished for; that it could not begin is told and spoils nothing else.
pub(super) fn begin(app: &Arc<App>) -> Option<Service> {
    let wish = wish(app.config());
    if !wish.is_on {
        return None;
    }
    Service::start(app, wish.port, wish.needs_token, Folder::of_user())
        .map_err(|error| app.say(Level::Error, format!("there is no server for AI tools: {}", error.message())))
        .ok()
}

/// Serves one client until it closes standard input; the exit code.
pub(super) fn stdio(dir: PathBuf, config: Config) -> u8 {
    let app = |guard| i32::from(serve(dir, config, guard).map_or_else(|error| complain(&error), |()| 0));
    u8::try_from(guardian::run(app, || ())).unwrap_or(u8::MAX)
}

fn serve(dir: PathBuf, config: Config, guard: guardian::Guard) -> Result<()> {
    let patience = config.settings.general.grace + AFTER_GRACE;
    let app = App::start(AppOptions { dir, config, interactive: false, size: (80, 24), owns_descendants: true })?;
    // Its children are gone by then, and its client with the guardian.
    app.manager().on_guardian_lost(guard, || std::process::exit(137));
    let owner = Arc::downgrade(&app);
    app.manager().on_signals(&[Signal::Interrupt, Signal::Terminate, Signal::HangUp], move |signal| {
        let (owner, code) = (owner.clone(), 128 + signal.number());
        let end = move || {
            owner.upgrade().into_iter().for_each(|app| drop(app.manager().cleanup(patience)));
            std::process::exit(code);
        };
        // Without a thread the guardian ends everybody.
        if std::thread::Builder::new().name("brummer-end".into()).spawn(end).is_err() {
            std::process::exit(code);
        }
    });
    let product = Arc::new(Product::new(&app)?);
    let served = serve_stdio(product.clone(), io::stdin().lock(), io::stdout());
    product.stop();
    let stopped = app.shutdown(patience);
    served.and(stopped)
}
