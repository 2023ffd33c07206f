//! Telemetry as a whole: serves the scripts, takes what pages say into the store, and keeps the channels to them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::batch::Batch;
use super::intake::{Intake, Word};
use super::script::Scripts;
use super::store::{TelemetryLimits, TelemetryStore};
use crate::proxy::engine::{ChannelId, Control, LocalAnswer, PageChannel, PageOrigin};
use crate::proxy::page::Pages;
use crate::runtime::pool::Pool;

/// What the proxy's control paths are served by.
///
/// Thread safety: `Send + Sync`. Progress: the reactor's calls queue what is to be read and return. Waits: none.
/// Cleanup: what waits to be read is dropped with the pool.
#[derive(Debug)]
pub struct Telemetry {
    scripts: Scripts,
    store: Arc<TelemetryStore>,
    pages: Arc<Pages>,
    intake: Intake,
}

impl Telemetry {
    /// Telemetry that reads what pages say on the pool.
    pub fn new(limits: TelemetryLimits, pool: &Pool) -> Telemetry {
        let (store, pages) = (Arc::new(TelemetryStore::new(limits)), Arc::new(Pages::default()));
        let intake = {
            let (store, pages) = (Arc::clone(&store), Arc::clone(&pages));
            Intake::new(pool.clone(), move |word| read(&store, &pages, word))
        };
        Telemetry { scripts: Scripts::default(), store, pages, intake }
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
        self.intake.push(Word::Posted(from.clone(), body));
    }

    fn page_opened(&self, channel: PageChannel, from: &PageOrigin, _path: &str) {
        self.pages.opened(channel, from.clone());
    }

    fn page_message(&self, channel: ChannelId, text: &str) {
        self.intake.push(Word::Said(channel, text.to_owned()));
    }

    fn page_closed(&self, channel: ChannelId) {
        self.intake.push(Word::Closed(channel));
    }
}

/// Reads one word, on the pool. What is no telemetry is passed over: it is untrusted, and nobody waits for an answer.
fn read(store: &TelemetryStore, pages: &Pages, word: Word) {
    match word {
        Word::Closed(channel) => pages.closed(channel),
        Word::Posted(from, body) => keep(store, &from, &body),
        Word::Said(channel, text) => {
            // The kind stands first, as `page.js` writes it, so a long answer is parsed once.
            if text.starts_with("{\"type\":\"telemetry\"") {
                if let Some(from) = pages.origin(channel) {
                    keep(store, &from, text.as_bytes());
                }
            } else if let Ok(message) = serde_json::from_str::<Value>(&text) {
                pages.said(channel, message);
            }
        }
    }
}

fn keep(store: &TelemetryStore, from: &PageOrigin, bytes: &[u8]) {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    if let Ok(batch) = Batch::parse(bytes, now_ms) {
        store.add_session(from.process.clone(), batch, now_ms);
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
            changes.recv_timeout(Duration::from_secs(30)).expect("a change");
        }
        assert_eq!(telemetry.dropped(), 0);
        pool.shutdown(Duration::from_secs(10)).unwrap();
    }

    #[test]
    fn the_scripts_are_served_under_their_names() {
        let pool = Pool::new(PoolConfig { workers: Some(1), ..PoolConfig::default() }).unwrap();
        let telemetry = Telemetry::new(TelemetryLimits::default(), &pool);
        let from = PageOrigin { origin: "http://localhost:1".into(), process: None };
        assert!(telemetry.get(&from, "t.js").is_some() && telemetry.get(&from, "p.js?x").is_some());
        assert!(telemetry.get(&from, "../t.js").is_none());
        pool.shutdown(Duration::from_secs(10)).unwrap();
    }
}
