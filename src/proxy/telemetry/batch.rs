//! Reads what a page sends: untrusted text, bounded in every direction, with nothing in it that a terminal would obey.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::event::PageEvent;
use crate::error::{Code, Error, Result};
use crate::wire::ansi;

/// A longer batch is refused.
pub const BATCH_BYTES_MAX: usize = 256 << 10;
/// Further events of one batch are counted, not kept.
pub const EVENTS_MAX: usize = 500;
/// Longer texts are cut.
const TEXT_BYTES_MAX: usize = 8 << 10;
/// Longer addresses are cut.
const URL_BYTES_MAX: usize = 2 << 10;
/// Longer names and numbers of sessions and pages are cut.
const NAME_BYTES_MAX: usize = 64;
/// What lies deeper is left out.
const DEPTH_MAX: usize = 8;
/// Longer lists and larger objects are cut.
const ITEMS_MAX: usize = 200;
/// A time that is further ahead of ours is not believed.
const AHEAD_MS_MAX: u64 = 60_000;
/// Nor is one that is so long ago.
const AGO_MS_MAX: u64 = 24 * 3_600_000;

/// What is known of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageMeta {
    /// Its address.
    pub url: Arc<str>,
    /// Its title.
    pub title: Arc<str>,
    /// Where it was opened from.
    pub referrer: Arc<str>,
    /// The browser.
    pub user_agent: Arc<str>,
    /// Width and height of its window.
    pub viewport: Option<(u32, u32)>,
    /// It stands in a frame of another page.
    pub frame: bool,
    /// The script of the service worker that controls it; such pages may be old ones.
    pub service_worker: Option<Arc<str>>,
}

/// What a page sends at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The tab.
    pub session: Arc<str>,
    /// The load of the page.
    pub page: Arc<str>,
    /// What is known of the page.
    pub meta: PageMeta,
    /// The events, in order.
    pub events: Vec<PageEvent>,
    /// Events that were left out, by the page or here.
    pub dropped: u64,
}

impl Batch {
    /// Reads a batch that came at `now_ms`.
    ///
    /// # Errors
    /// RESOURCE_LIMIT if it is too long, INVALID_STATE if it is no batch.
    pub fn parse(bytes: &[u8], now_ms: u64) -> Result<Batch> {
        if bytes.len() > BATCH_BYTES_MAX {
            let message = format!("a page sent {} bytes at once; {BATCH_BYTES_MAX} are taken", bytes.len());
            return Err(Error::new("telemetry", Code::ResourceLimit, message).permanent());
        }
        let invalid = |what: &str| {
            Error::new("telemetry", Code::InvalidState, format!("what a page sent is not telemetry: {what}"))
        };
        let mut value: Value = serde_json::from_slice(bytes).map_err(|error| invalid(&error.to_string()))?;
        let session = short(&value, "sessionId").filter(|id| !id.is_empty()).ok_or_else(|| invalid("no sessionId"))?;
        let page = short(&value, "pageId").unwrap_or_else(|| Arc::clone(&session));
        let mut dropped = value.get("dropped").and_then(Value::as_u64).unwrap_or_default().min(u64::from(u32::MAX));
        let meta = read_meta(value.get("metadata").unwrap_or(&Value::Null));
        let Some(Value::Array(list)) = value.get_mut("events").map(Value::take) else {
            return Err(invalid("no events"));
        };
        dropped += list.len().saturating_sub(EVENTS_MAX) as u64;
        let events = list.into_iter().take(EVENTS_MAX);
        let events = events.filter_map(|event| read_event(event, &page, &meta.url, now_ms)).collect();
        Ok(Batch { session, page, meta, events, dropped })
    }
}

fn read_meta(value: &Value) -> PageMeta {
    let url = |field| Arc::from(clean_url(value.get(field).and_then(Value::as_str).unwrap_or_default()));
    let text =
        |field| Arc::from(clean_text(value.get(field).and_then(Value::as_str).unwrap_or_default(), URL_BYTES_MAX));
    let size = |field| value.pointer(field).and_then(Value::as_u64).and_then(|size| u32::try_from(size).ok());
    PageMeta {
        url: url("url"),
        title: text("title"),
        referrer: url("referrer"),
        user_agent: text("userAgent"),
        viewport: size("/viewport/width").zip(size("/viewport/height")),
        frame: value.get("frame").and_then(Value::as_bool).unwrap_or_default(),
        service_worker: Some(url("serviceWorker")).filter(|url| !url.is_empty()),
    }
}

fn read_event(mut event: Value, page: &Arc<str>, page_url: &Arc<str>, now_ms: u64) -> Option<PageEvent> {
    let name = short(&event, "type")?;
    let said = event.get("timestamp").and_then(Value::as_f64).map_or(now_ms, |time| time as u64);
    let believed = said <= now_ms + AHEAD_MS_MAX && said + AGO_MS_MAX >= now_ms;
    let url = event.get("url").and_then(Value::as_str).map(clean_url);
    let mut data = event.get_mut("data").map(Value::take).unwrap_or_default();
    let mut bytes = size_of::<PageEvent>();
    tidy(&mut data, 0, &mut bytes);
    Some(PageEvent {
        name,
        time_ms: if believed { said } else { now_ms },
        url: url.filter(|url| **url != **page_url).map_or_else(|| Arc::clone(page_url), Arc::from),
        page: Arc::clone(page),
        data,
        bytes,
    })
}

fn short(value: &Value, field: &str) -> Option<Arc<str>> {
    Some(clean_text(value.get(field)?.as_str()?, NAME_BYTES_MAX).into())
}

/// Cuts and cleans a value in place, and adds up what it takes in memory.
fn tidy(value: &mut Value, depth: usize, bytes: &mut usize) {
    *bytes += size_of::<Value>();
    match value {
        Value::String(text) => {
            let cleaned = if looks_like_url(text) { clean_url(text) } else { clean_text(text, TEXT_BYTES_MAX) };
            *text = cleaned;
            *bytes += text.len();
        }
        Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => *value = Value::from("…"),
        Value::Array(list) => {
            list.truncate(ITEMS_MAX);
            list.iter_mut().for_each(|item| tidy(item, depth + 1, bytes));
        }
        Value::Object(fields) => {
            let cleaned: Map<String, Value> = std::mem::take(fields)
                .into_iter()
                .take(ITEMS_MAX)
                .map(|(key, mut item)| {
                    let key = clean_text(&key, NAME_BYTES_MAX);
                    *bytes += key.len() + size_of::<String>();
                    tidy(&mut item, depth + 1, bytes);
                    (key, item)
                })
                .collect();
            *fields = cleaned;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Cleans and cuts a value that comes from a page.
pub(in crate::proxy) fn clean_value(value: &mut Value) {
    tidy(value, 0, &mut 0);
}

/// Text without escape sequences, without controls but line ends and tabs, without marks that turn the direction of
/// writing, and not too long.
pub(in crate::proxy) fn clean_text(text: &str, bytes_max: usize) -> String {
    let mut plain = Vec::new();
    let text = if text.contains('\x1b') {
        ansi::strip(text.as_bytes(), &mut plain);
        String::from_utf8_lossy(&plain)
    } else {
        text.into()
    };
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = text.chars().filter(|&c| matches!(c, '\n' | '\t') || !(c.is_control() || turns(c)));
    let mut out = String::with_capacity(text.len().min(bytes_max + 4));
    for c in kept {
        if out.len() + c.len_utf8() > bytes_max {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

fn looks_like_url(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(scheme, _)| scheme.len() < 12 && scheme.bytes().all(|b| b.is_ascii_alphabetic()))
        && !text.contains(char::is_whitespace)
}

/// Names of parameters whose values are secrets.
const SECRETS: [&str; 11] = [
    "token",
    "password",
    "passwd",
    "secret",
    "apikey",
    "api_key",
    "auth",
    "session",
    "credential",
    "signature",
    "code",
];

/// An address whose secrets are masked: those that stand in the query under a telling name, and those before the host.
fn clean_url(url: &str) -> String {
    let url = clean_text(url, URL_BYTES_MAX);
    let (mut head, query) = match url.split_once('?') {
        Some((head, query)) => (head.to_owned(), Some(query)),
        None => (url.clone(), None),
    };
    if let Some((scheme, rest)) = head.split_once("://") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if let Some((_, host)) = authority.rsplit_once('@') {
            head = format!("{scheme}://…@{host}{path}");
        }
    }
    let Some(query) = query else { return head };
    let masked = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_secret(name) => format!("{name}=…"),
        _ => pair.to_owned(),
    });
    format!("{head}?{}", masked.collect::<Vec<_>>().join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|word| if *word == "code" { name == *word } else { name.contains(word) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: u64 = 1_700_000_000_000;

    fn parse(value: &Value) -> Batch {
        Batch::parse(value.to_string().as_bytes(), NOW).expect("a batch")
    }

    #[test]
    fn a_batch_is_read_with_all_that_it_says() {
        let batch = parse(&json!({
            "sessionId": "brummer_1_a", "pageId": "p1", "dropped": 3,
            "metadata": {"url": "http://localhost:1/a", "title": "T", "referrer": "", "userAgent": "UA",
                "viewport": {"width": 800, "height": 600}, "frame": true, "serviceWorker": "http://localhost:1/sw.js"},
            "events": [
                {"type": "javascript_error", "timestamp": NOW - 5, "url": "http://localhost:1/b", "data": {"message": "x"}},
                {"type": "custom_event", "timestamp": NOW - 4},
                {"no": "type"}
            ]
        }));
        assert_eq!((&*batch.session, &*batch.page, batch.dropped), ("brummer_1_a", "p1", 3));
        assert_eq!(batch.meta.viewport, Some((800, 600)));
        assert!(batch.meta.frame && batch.meta.service_worker.is_some());
        assert_eq!(batch.events.len(), 2);
        assert_eq!((batch.events[0].time_ms, &*batch.events[0].url), (NOW - 5, "http://localhost:1/b"));
        assert_eq!(&*batch.events[1].url, "http://localhost:1/a");
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        for text in ["", "{", "[]", "null", "{\"sessionId\":\"\",\"events\":[]}", "{\"sessionId\":\"a\"}"] {
            assert_eq!(Batch::parse(text.as_bytes(), NOW).expect_err(text).code(), Code::InvalidState);
        }
        let long = vec![b' '; BATCH_BYTES_MAX + 1];
        assert_eq!(Batch::parse(&long, NOW).expect_err("long").code(), Code::ResourceLimit);
        let deep = "[".repeat(100_000);
        assert!(Batch::parse(deep.as_bytes(), NOW).is_err());
    }

    #[test]
    fn nothing_that_a_terminal_would_obey_is_left() {
        let batch = parse(&json!({
            "sessionId": "a\u{1b}[31m", "metadata": {"title": "\u{1b}]0;x\u{7}title"},
            "events": [{"type": "t\u{8}", "timestamp": NOW, "data": {"k\u{1b}[2J": ["a\u{1b}[1mb\nc\td\r\u{9b}1m\u{202e}"]}}]
        }));
        assert_eq!((&*batch.session, &*batch.meta.title, &*batch.events[0].name), ("a", "title", "t"));
        assert_eq!(batch.events[0].data, json!({"k": ["ab\nc\td1m"]}));
    }

    #[test]
    fn every_direction_has_its_bound() {
        let mut deep = json!("bottom");
        (0..40).for_each(|_| deep = json!([deep]));
        let events: Vec<_> = (0..600).map(|_| json!({"type": "e", "timestamp": NOW})).collect();
        let batch = parse(&json!({"sessionId": "s".repeat(1000), "events": events}));
        assert!(batch.session.len() < 80);
        assert_eq!((batch.events.len(), batch.dropped), (500, 100));
        let data = json!({"deep": deep, "text": "ä".repeat(20_000), "list": vec![1; 1000]});
        let batch = parse(&json!({"sessionId": "s", "events": [{"type": "e", "data": data}]}));
        let data = &batch.events[0].data;
        assert!(data["text"].as_str().unwrap().len() < TEXT_BYTES_MAX + 8);
        assert_eq!(data["list"].as_array().unwrap().len(), ITEMS_MAX);
        assert!(!data.to_string().contains("bottom"));
        assert!(batch.events[0].bytes > TEXT_BYTES_MAX / 2);
    }

    #[test]
    fn times_that_cannot_be_are_ours() {
        let times = [json!(NOW + 1000), json!(NOW + 100_000), json!(5), json!(-3), json!("x"), json!(1e300)];
        let events: Vec<_> = times.iter().map(|time| json!({"type": "e", "timestamp": time})).collect();
        let batch = parse(&json!({"sessionId": "s", "events": events}));
        let found: Vec<u64> = batch.events.iter().map(|event| event.time_ms).collect();
        assert_eq!(found, [NOW + 1000, NOW, NOW, NOW, NOW, NOW]);
    }

    #[test]
    fn secrets_in_addresses_are_masked() {
        assert_eq!(
            clean_url("http://u:p@h:1/a?x=1&access_token=abc&code=9&zip_code=8"),
            "http://…@h:1/a?x=1&access_token=…&code=…&zip_code=8"
        );
        assert_eq!(clean_url("/a@b?Password=&p"), "/a@b?Password=&p");
        let batch =
            parse(&json!({"sessionId": "s", "events": [{"type": "e", "data": {"url": "http://h/?token=abc"}}]}));
        assert_eq!(batch.events[0].text("url"), Some("http://h/?token=…"));
    }
}
