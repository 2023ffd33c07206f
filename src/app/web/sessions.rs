//! The tabs of browsers that have told something: what each shows, in which browser, and how it fares.

use std::sync::Arc;

use super::service::Web;
use super::shown::short;
use crate::app::view::PageSession;
use crate::proxy::capture::redact;
use crate::proxy::telemetry::Session;

/// Tabs that are shown; those that were quiet longest are left out.
const SESSIONS_MAX: usize = 100;

impl Web {
    pub(crate) fn page_sessions(&self) -> Vec<PageSession> {
        let sessions = self.telemetry.store().sessions();
        sessions.iter().take(SESSIONS_MAX).map(|session| page_session(session)).collect()
    }
}

fn page_session(session: &Session) -> PageSession {
    let url = redact::url(&session.meta.url);
    let place = url.split_once("://").map_or(&*url, |(_, rest)| rest);
    let (heap, tasks) = (session.heap.figures(), &session.long_tasks);
    PageSession {
        id: short(&session.id).into(),
        place: place.split(['?', '#']).next().unwrap_or_default().into(),
        browser: browser(&session.meta.user_agent).into(),
        viewport: session.meta.viewport,
        first_ms: session.first_ms,
        heap: heap.into(),
        // The browsers that tell the heap are those that tell of long tasks: of the others, silence says nothing.
        long_tasks: (tasks.count > 0 || !heap.is_empty()).then(|| (tasks.count, Arc::from(tasks.took_ms.figures()))),
    }
}

/// Names in user agents, and the browsers that they are of; each before those that it names as well.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];

/// A browser's name and the first number of its version; empty where it is not known.
fn browser(user_agent: &str) -> String {
    let found = BROWSERS.iter().find_map(|(word, name)| Some((name, user_agent.split_once(word)?.1)));
    let Some((name, version)) = found else { return String::new() };
    let version: String = version.chars().take_while(char::is_ascii_digit).take(6).collect();
    format!("{name} {version}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proxy::telemetry::{Batch, TelemetryStore};

    fn told(events: &Value) -> PageSession {
        let meta = json!({"url": "http://localhost:3000/checkout?code=1#x", "userAgent": "Chrome/131.0", "viewport": {"width": 8, "height": 6}});
        let batch = json!({"sessionId": "brummer_1_3f2a", "metadata": meta, "events": events});
        let store = TelemetryStore::default();
        store.add_session(None, Batch::parse(batch.to_string().as_bytes(), 50_000).unwrap(), 50_000);
        page_session(&store.sessions()[0])
    }

    #[test]
    fn a_tab_is_shown_with_its_place_and_what_its_browser_tells() {
        let heap = json!({"type": "memory_usage", "timestamp": 40_000, "data": {"usedJSHeapSize": 64}});
        let tab = told(&json!([heap, {"type": "e", "timestamp": 46_000}]));
        assert_eq!((&*tab.id, &*tab.place, &*tab.browser), ("3f2a", "localhost:3000/checkout", "Chrome 131"));
        assert_eq!((tab.viewport, tab.first_ms, &*tab.heap), (Some((8, 6)), 50_000, &[64.0, 64.0][..]));
        assert_eq!(tab.long_tasks, Some((0, [0.0, 0.0].into())), "it was never held up");
        let silent = told(&json!([{"type": "e", "timestamp": 46_000}]));
        assert_eq!((silent.heap.len(), silent.long_tasks), (0, None), "which may be, or not");
    }

    #[test]
    fn browsers_are_known_by_what_they_say() {
        let webkit = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        for (rest, name) in [
            ("Chrome/131.0.0.0 Safari/537.36", "Chrome 131"),
            ("HeadlessChrome/131.0.0.0 Safari/537.36", "Chrome 131"),
            ("Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.51", "Edge 131"),
            ("Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0", "Opera 115"),
            ("Version/18.1 Safari/605.1.15", "Safari 18"),
            ("CriOS/131.0 Mobile/15E148 Safari/604.1", "Chrome 131"),
            ("Version/x", "Safari"),
            ("", ""),
        ] {
            assert_eq!(browser(&format!("{webkit} {rest}")), name, "{rest}");
        }
        assert_eq!(browser("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"), "Firefox 133");
    }
}
