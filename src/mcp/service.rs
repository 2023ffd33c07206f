//! The server of one instance with all that belongs to it: the product, a port, the entry in the registry, and their end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::product::Product;
use super::registry::{Folder, Found, HEARTBEAT_EVERY, Registration, Wish};
use super::server::{Config, Server};
use super::token::Token;
use super::tools::waits::{Look, Wait};
use crate::app::App;
use crate::app::view::{Backend, McpInstance};
use crate::error::{Code, Result};
use crate::event::Level;

/// Ports that are tried after the one that was wished for.
const PORTS_TRIED: u16 = 100;

/// The registry is read so often for the view.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Calls that go on have so long to be answered at the end.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// The server of this instance.
///
/// - **Thread safety**: `Send + Sync`. **Progress**, **Waits**: [`Service::stop`] waits for its threads. **Cleanup**: dropping it
///   stops it and removes the entry of the registry.
pub struct Service {
    server: Server,
    product: Arc<Product>,
    registration: Arc<Mutex<Option<Registration>>>,
}

impl Service {
    /// Starts it on this port of 127.0.0.1, or on the next that is free; 0 means any. What did not go as wished is a message of the app.
    ///
    /// # Errors
    /// No port is free, the system has no threads, or a token is needed and there is none.
    pub fn start(app: &Arc<App>, wished: u16, needs_token: bool, folder: Folder) -> Result<Service> {
        let token = needs_token.then(Token::of_user).transpose()?;
        let shown = token.as_ref().map(|token| token.reveal().to_owned());
        let product = Arc::new(Product::new(app)?);
        let project = app.project();
        let id = Registration::new_id(&project.dir);
        let mut port = wished;
        let server = loop {
            let config = Config { instance: Some(id.clone()), token: shown.clone(), ..Config::on_port(port) };
            match Server::start(config, product.clone()) {
                Ok(server) => break server,
                Err(error) if port == 0 || port == u16::MAX || port - wished == PORTS_TRIED => return Err(error),
                Err(error) if error.code() == Code::AlreadyExists => port += 1,
                Err(error) => return Err(error),
            }
        };
        let url = server.url();
        if server.port() != wished && wished != 0 {
            app.say(Level::Warn, format!("port {wished} is taken: the MCP server is at {url}"));
        }
        product.serves_at(&url);
        let token_path = token.as_ref().map(Token::path);
        let wish = Wish { name: &project.name, directory: &project.dir, port: server.port(), url: &url, token_path };
        let registration = match Registration::announce(folder.clone(), id.clone(), &wish) {
            Ok(registration) => Some(registration),
            Err(error) => {
                app.say(Level::Warn, format!("other programs do not find this instance: {error}"));
                None
            }
        };
        let registration = Arc::new(Mutex::new(registration));
        let now = Instant::now();
        let keeping = Keeping {
            app: Arc::clone(app),
            registration: registration.clone(),
            folder,
            id,
            look: now,
            beat: now + HEARTBEAT_EVERY,
        };
        product.keep(Box::new(keeping));
        Ok(Service { server, product, registration })
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Ends it: no new calls, those that go on are answered, the entry of the registry goes.
    pub fn stop(&self) {
        self.registration.lock().take();
        self.product.stop();
        self.server.stop(STOP_LIMIT);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Since 1970.
fn millis(time: jiff::Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or(0)
}

/// Says now and then that this instance lives, and looks which others do.
struct Keeping {
    app: Arc<App>,
    registration: Arc<Mutex<Option<Registration>>>,
    folder: Folder,
    id: String,
    look: Instant,
    beat: Instant,
}

impl Wait for Keeping {
    fn look(&mut self, now: Instant) -> Look {
        if now >= self.beat {
            self.beat = now + HEARTBEAT_EVERY;
            if let Some(registration) = &*self.registration.lock() {
                // The next one may succeed; until then a reader goes by this process.
                let _ = registration.beat();
            }
        }
        if now >= self.look {
            self.look = now + LOOK_EVERY;
            let one = |instance: &super::registry::Instance| McpInstance {
                id: instance.id.as_str().into(),
                name: instance.name.as_str().into(),
                directory: instance.directory.as_str().into(),
                port: instance.port,
                url: instance.url.as_str().into(),
                pid: instance.process_info.pid,
                version: instance.version.as_str().into(),
                started_ms: millis(instance.started_at),
                seen_ms: millis(instance.last_ping),
                needs_token: instance.token_path.is_some(),
                is_own: instance.id == self.id,
            };
            self.app.mcp_board().sees(Found::inspect(&self.folder).instances.iter().map(one).collect());
        }
        Look::Not
    }

    fn next(&self) -> Instant {
        self.look.min(self.beat)
    }
}
