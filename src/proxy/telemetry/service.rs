//! Telemetry as a whole: serves the scripts, takes what pages say into the store, and keeps the channels to them.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::batch::Batch;
use super::intake::Intake;
use super::script::Scripts;
use super::sourcemap::{Resolver, Servers};
use super::store::{TelemetryLimits, TelemetryStore, Unresolved};
use crate::proxy::engine::{ChannelId, Control, LocalAnswer, PageChannel, PageOrigin};
use crate::proxy::page::Pages;
use crate::runtime::pool::Pool;

/// Something that a page said or did.
#[derive(Debug)]
enum Word {
    /// It posted this.
    Posted(PageOrigin, Vec<u8>),
    /// It said this over its channel.
    Said(ChannelId, String),
    /// Its channel is closed.
    Closed(ChannelId),
}

/// About what an error that waits for its original takes in memory; a queue of bytes counts it as that.
const UNRESOLVED_BYTES: usize = 64 << 10;

/// What the proxy's control paths are served by.
///
/// Thread safety: `Send + Sync`. Progress: the reactor's calls queue what is to be read and return. Waits: none.
/// Cleanup: what waits to be read is dropped with the pool.
#[derive(Debug)]
pub struct Telemetry {
    scripts: Scripts,
    store: Arc<TelemetryStore>,
    pages: Arc<Pages>,
    intake: Intake<Word>,
    resolver: Arc<OnceLock<Resolver>>,
}

impl Telemetry {
    /// Telemetry that reads what pages say on the pool.
    pub fn new(limits: TelemetryLimits, pool: &Pool) -> Telemetry {
        let (store, pages) = (Arc::new(TelemetryStore::new(limits)), Arc::new(Pages::default()));
        let resolver = Arc::<OnceLock<Resolver>>::default();
        let errors = {
            let (store, resolver) = (Arc::clone(&store), Arc::clone(&resolver));
            Intake::new(pool.clone(), move |error: Unresolved| {
                if let Some(resolver) = resolver.get() {
                    let originals = resolver.resolve(&error.frames, &error.scripts);
                    store.resolve(error.fingerprint, &error.frames, &originals);
                }
            })
        };
        let intake = {
            let (store, pages, resolver) = (Arc::clone(&store), Arc::clone(&pages), Arc::clone(&resolver));
            Intake::new(pool.clone(), move |word| {
                let unresolved = read(&store, &pages, word);
                // Without servers to ask, nothing is resolved.
                if resolver.get().is_some() {
                    unresolved.into_iter().for_each(|error| errors.push(error, UNRESOLVED_BYTES));
                }
            })
        };
        Telemetry { scripts: Scripts::default(), store, pages, intake, resolver }
    }

    /// Resolves errors to their original sources from now on. `servers` says which server stands behind an origin of the
    /// proxy: `http://localhost:20888` → `http://127.0.0.1:5173`; it is called on the pool. The first call counts.
    pub fn resolve_sources(&self, servers: impl Fn(&str) -> Option<String> + Send + Sync + 'static) {
        let servers: Servers = Arc::new(servers);
        self.resolver.get_or_init(|| Resolver::new(servers));
    }

    /// What pages have told.
    pub fn store(&self) -> &Arc<TelemetryStore> {
        &self.store
    }

    /// The channels to pages.
    pub fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// Batches and answers that were dropped because pages said more than could be read.
    pub fn dropped(&self) -> u64 {
        self.intake.dropped()
    }
}

impl Control for Telemetry {
    fn get(&self, _from: &PageOrigin, path: &str) -> Option<LocalAnswer> {
        self.scripts.get(path.split('?').next().unwrap_or_default())
    }

    fn beacon(&self, from: &PageOrigin, _path: &str, body: Vec<u8>) {
        let bytes = body.len();
        self.intake.push(Word::Posted(from.clone(), body), bytes);
    }

    fn page_opened(&self, channel: PageChannel, from: &PageOrigin, _path: &str) {
        self.pages.opened(channel, from.clone());
    }

    fn page_message(&self, channel: ChannelId, text: &str) {
        self.intake.push(Word::Said(channel, text.to_owned()), text.len());
    }

    fn page_closed(&self, channel: ChannelId) {
        self.intake.push(Word::Closed(channel), 0);
    }
}

/// Reads one word, on the pool, and says which errors are new. What is no telemetry is passed over: it is untrusted, and
/// nobody waits for an answer.
fn read(store: &TelemetryStore, pages: &Pages, word: Word) -> Vec<Unresolved> {
    match word {
        Word::Closed(channel) => pages.closed(channel),
        Word::Posted(from, body) => return keep(store, &from, &body),
        Word::Said(channel, text) => {
            // The kind stands first, as `page.js` writes it, so a long answer is parsed once.
            if text.starts_with("{\"type\":\"telemetry\"") {
                return pages.origin(channel).map_or_else(Vec::new, |from| keep(store, &from, text.as_bytes()));
            }
            if let Ok(message) = serde_json::from_str::<Value>(&text) {
                pages.said(channel, message);
            }
        }
    }
    Vec::new()
}

fn keep(store: &TelemetryStore, from: &PageOrigin, bytes: &[u8]) -> Vec<Unresolved> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    match Batch::parse(bytes, now_ms) {
        Ok(batch) => store.add_session(from.process.clone(), batch, now_ms),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ProcessId;
    use crate::runtime::pool::PoolConfig;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn px07_what_pages_post_and_say_comes_into_the_store_in_order() {
        let pool = Pool::new(PoolConfig { workers: Some(2), ..PoolConfig::default() }).unwrap();
        let telemetry = Telemetry::new(TelemetryLimits::default(), &pool);
        let from = PageOrigin { origin: "http://localhost:1".into(), process: Some((ProcessId(1), "web".into())) };
        let (sender, changes) = mpsc::channel();
        telemetry.store().on_change(move || sender.send(()).unwrap_or_default());
        let batch = |n: u64| {
            format!(
                r#"{{"type":"telemetry","sessionId":"s","pageId":"p","events":[{{"type":"e","data":{{"n":{n}}}}}]}}"#
            )
        };
        for n in 0..100 {
            telemetry.beacon(&from, "b", batch(n).into_bytes());
        }
        telemetry.beacon(&from, "b", b"garbage".to_vec());
        telemetry.page_message(ChannelId(9), "no such channel");
        loop {
            let numbers: Vec<_> = telemetry
                .store()
                .get_session("s")
                .map_or_else(Vec::new, |session| session.events.iter().filter_map(|event| event.number("n")).collect());
            assert!(numbers.iter().enumerate().all(|(at, n)| at as f64 == *n), "{numbers:?}");
            if numbers.len() == 100 {
                break;
            }
            changes.recv_timeout(Duration::from_secs(60)).expect("a change");
        }
        assert_eq!(telemetry.dropped(), 0);
        pool.shutdown(Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn the_scripts_are_served_under_their_names() {
        let pool = Pool::new(PoolConfig { workers: Some(1), ..PoolConfig::default() }).unwrap();
        let telemetry = Telemetry::new(TelemetryLimits::default(), &pool);
        let from = PageOrigin { origin: "http://localhost:1".into(), process: None };
        assert!(telemetry.get(&from, "t.js").is_some() && telemetry.get(&from, "p.js?x").is_some());
        assert!(telemetry.get(&from, "../t.js").is_none());
        pool.shutdown(Duration::from_secs(60)).unwrap();
    }
}
