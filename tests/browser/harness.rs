//! What the tests share: a browser without a window, the proxy with telemetry, and waiting for what a page tells.

use std::sync::Arc;
use std::time::{Duration, Instant};

use brummer::event::ProcessId;
use brummer::proxy::browser::{Browser, BrowserOptions, Tab, find};
use brummer::proxy::inject::{PageInjector, Policies};
use brummer::proxy::page::Pages;
use brummer::proxy::telemetry::{PageEvent, Session, Telemetry, TelemetryLimits};
use brummer::proxy::{Hooks, Proxy, ProxyConfig};
use brummer::runtime::pool::{Pool, PoolConfig};

use crate::server::{File, Server};

/// Generous: the machine may be busy.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A browser, a server with the proxy before it, and what the pages tell. All of it ends with the value.
pub(crate) struct Stage {
    pub(crate) browser: Browser,
    pub(crate) telemetry: Arc<Telemetry>,
    origin: String,
    _server: Server,
    proxy: Proxy,
    pool: Pool,
}

/// Whether a browser is here. With `BRUMMER_NO_SKIP=1` a missing one fails the test.
fn is_installed() -> bool {
    match find::browser() {
        Ok(_) => true,
        Err(error) => {
            assert!(std::env::var_os("BRUMMER_NO_SKIP").is_none(), "nothing may be skipped: {error}");
            eprintln!("skipped: {error}");
            false
        }
    }
}

impl Stage {
    /// Everything set up; `None` without a browser.
    pub(crate) fn set(files: Vec<File>) -> Option<Stage> {
        if !is_installed() {
            return None;
        }
        let pool = Pool::new(PoolConfig { workers: Some(2), ..PoolConfig::default() }).unwrap();
        let telemetry = Arc::new(Telemetry::new(TelemetryLimits::default(), &pool));
        let hooks = Hooks {
            injector: Some(Arc::new(PageInjector::new(Policies::Loosen))),
            control: Some(Arc::clone(&telemetry) as _),
            ..Hooks::default()
        };
        let config = ProxyConfig { port: 0, first_port: 0, ..ProxyConfig::default() };
        let (server, proxy) = (Server::start(files), Proxy::start(config, hooks).unwrap());
        let mapping = proxy.register_url(&server.url(), ProcessId(1), "web", "Web").unwrap();
        let origin = mapping.proxy_url.to_string();
        let mappings = proxy.mappings();
        telemetry.resolve_sources(move |origin| {
            let mapping = mappings.iter().find(|mapping| &*mapping.proxy_url == origin)?;
            Some(mapping.url.to_string())
        });
        let browser = Browser::start(&BrowserOptions { headless: true, ..BrowserOptions::default() }).unwrap();
        Some(Stage { browser, telemetry, origin, _server: server, proxy, pool })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) fn open(&self, path: &str) -> Tab {
        self.browser.open(&self.url(path), SOON).unwrap()
    }

    pub(crate) fn pages(&self) -> &Pages {
        self.telemetry.pages()
    }

    /// The session of a tab, once its page can be asked.
    pub(crate) fn session_of(&self, tab: &Tab) -> String {
        let session = eval(tab, "__brummer.session").as_str().expect("a session").to_owned();
        assert!(self.pages().wait_for(&session, SOON), "the page opens its channel");
        session
    }

    /// Waits until the session has told all that is wanted.
    pub(crate) fn told(&self, session: &str, what: &str, wanted: impl Fn(&Session) -> bool) -> Arc<Session> {
        let until = Instant::now() + SOON;
        loop {
            if let Some(found) = self.telemetry.store().get_session(session)
                && wanted(&found)
            {
                return found;
            }
            assert!(Instant::now() < until, "{what} was not told; {:#?}", self.names(session));
            std::thread::yield_now();
        }
    }

    /// Waits until some session has written this to the console.
    pub(crate) fn told_by_any(&self, text: &str) {
        let until = Instant::now() + SOON;
        let told =
            || self.telemetry.store().sessions().iter().any(|session| has(session, "console_output", "message", text));
        while !told() {
            assert!(Instant::now() < until, "`{text}` was not told");
            std::thread::yield_now();
        }
    }

    /// Waits until a tab shows a page that is loaded.
    pub(crate) fn wait_url(&self, tab: &Tab, path: &str) {
        let until = Instant::now() + SOON;
        let state = "[location.pathname, document.readyState]";
        while tab.evaluate(state, SOON).unwrap().value != serde_json::json!([path, "complete"]) {
            assert!(Instant::now() < until, "{path} is not shown");
        }
    }

    fn names(&self, session: &str) -> Vec<String> {
        let session = self.telemetry.store().get_session(session);
        session.map_or_else(Vec::new, |session| {
            session.events.iter().map(|event| format!("{}: {}", event.name, event.summary())).collect()
        })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.browser.stop().expect("the browser ends");
        self.proxy.stop(SOON);
        self.pool.shutdown(SOON).expect("the pool ends");
    }
}

/// The value of an expression in a tab, by the DevTools protocol.
pub(crate) fn eval(tab: &Tab, code: &str) -> serde_json::Value {
    let evaluation = tab.evaluate(code, SOON).unwrap();
    assert_eq!(evaluation.error, None, "{code}");
    evaluation.value
}

/// The events of a name.
pub(crate) fn named<'a>(session: &'a Session, name: &str) -> Vec<&'a PageEvent> {
    session.events.iter().filter(|event| &*event.name == name).map(|event| &**event).collect()
}

/// Whether a session has told an event of this name whose field holds this text.
pub(crate) fn has(session: &Session, name: &str, field: &str, text: &str) -> bool {
    named(session, name).iter().any(|event| event.text(field).is_some_and(|found| found.contains(text)))
}
