//! One tab of the browser that Brummer started: go somewhere, run JavaScript, look at it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::protocol::Protocol;
use crate::error::{Code, Error, Result};
use crate::proxy::page::Evaluation;

/// Answers that need no work of the page come within this time.
const SOON: Duration = Duration::from_secs(30);

/// A picture has no more pixels to a side: browsers draw none that is longer.
const PICTURE_SIDE_MAX: f64 = 16_384.0;

/// Makes of an object what JSON can hold of it.
const PLAIN: &str = "function() {
    const of = v => v instanceof Node ? (v.outerHTML || v.textContent || v.nodeName).slice(0, 2000)
        : v instanceof NodeList || v instanceof HTMLCollection ? [...v].slice(0, 50).map(of)
        : v instanceof Map || v instanceof Set ? [...v]
        : v instanceof Error ? v.name + ': ' + v.message
        : v instanceof Date ? v.toJSON() : v instanceof RegExp ? String(v) : v;
    return of(this);
}";

/// What a picture is to be of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shot {
    /// The whole page and not only what the window shows.
    pub whole_page: bool,
    /// The first element that matches, instead.
    pub selector: Option<String>,
    /// How it is written.
    pub format: PictureFormat,
    /// 0 to 100, for formats that lose something.
    pub quality: Option<u8>,
}

/// How a picture is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PictureFormat {
    /// Without loss.
    #[default]
    Png,
    /// Smaller, with loss.
    Jpeg,
    /// Smaller still, with loss.
    Webp,
}

impl PictureFormat {
    /// Its lower-case name.
    pub fn name(self) -> &'static str {
        ["png", "jpeg", "webp"][self as usize]
    }

    fn begins(self, bytes: &[u8]) -> bool {
        bytes.starts_with([&b"\x89PNG"[..], b"\xff\xd8", b"RIFF"][self as usize])
    }
}

/// A tab.
///
/// Thread safety: `Send + Sync`. Progress: blocking. Waits: each call for the browser, at most as long as it says.
/// Cleanup: dropping it leaves the tab open.
#[derive(Clone)]
pub struct Tab {
    protocol: Arc<Protocol>,
    target: Arc<str>,
    session: Arc<str>,
}

impl std::fmt::Debug for Tab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tab({})", self.target)
    }
}

impl Tab {
    pub(super) fn attached(protocol: Arc<Protocol>, target: &str, session: &str) -> Result<Tab> {
        let tab = Tab { protocol, target: target.into(), session: session.into() };
        tab.ask("Page.enable", json!({}), SOON)?;
        tab.ask("Runtime.enable", json!({}), SOON)?;
        Ok(tab)
    }

    fn ask(&self, method: &str, params: Value, timeout: Duration) -> Result<Value> {
        self.protocol.ask(Some(&self.session), method, params, timeout)
    }

    /// Goes to an address, and waits until the page is loaded.
    ///
    /// # Errors
    /// INVALID_STATE if the browser cannot go there; TIMEOUT if the page is not loaded in time; NETWORK if the browser ends.
    pub fn navigate(&self, url: &str, timeout: Duration) -> Result<()> {
        let until = Instant::now() + timeout;
        let before = self.protocol.told();
        let answer = self.ask("Page.navigate", json!({"url": url}), timeout)?;
        if let Some(why) = answer.get("errorText").and_then(Value::as_str) {
            return Err(Error::new("browser", Code::InvalidState, format!("cannot open {url}: {why}")));
        }
        // Within one document there is no new load.
        if answer.get("loaderId").is_none() {
            return Ok(());
        }
        self.wait_loaded(before, until)
    }

    /// Loads the page again, and waits until it is loaded.
    ///
    /// # Errors
    /// As [`Tab::navigate`].
    pub fn reload(&self, timeout: Duration) -> Result<()> {
        let until = Instant::now() + timeout;
        let before = self.protocol.told();
        self.ask("Page.reload", json!({}), timeout)?;
        self.wait_loaded(before, until)
    }

    fn wait_loaded(&self, before: u64, until: Instant) -> Result<()> {
        let loaded = self.protocol.wait_for(before, until.saturating_duration_since(Instant::now()), |event| {
            &*event.method == "Page.loadEventFired" && event.session.as_deref() == Some(&*self.session)
        });
        loaded.map(|_| ()).map_err(|error| match error.is_timeout() {
            true => Error::new("browser", Code::Timeout, "the page was not loaded in time"),
            false => error,
        })
    }

    /// Runs JavaScript as the browser's own console does: with `await`, whatever the page's policies say.
    /// What it throws is an [`Evaluation`] too.
    ///
    /// # Errors
    /// TIMEOUT if there is no result in time; NETWORK if the browser ends.
    pub fn evaluate(&self, code: &str, timeout: Duration) -> Result<Evaluation> {
        let before = self.protocol.told();
        let params = json!({"expression": code, "awaitPromise": true, "replMode": true, "userGesture": true});
        let until = Instant::now() + timeout;
        let mut answer = self.ask("Runtime.evaluate", params, timeout)?;
        // In this mode a promise is a value; what it becomes is what is asked for.
        if answer.pointer("/result/subtype").and_then(Value::as_str) == Some("promise") {
            let params = json!({"promiseObjectId": answer["result"]["objectId"]});
            answer = self.ask("Runtime.awaitPromise", params, until.saturating_duration_since(Instant::now()))?;
        }
        let text = |path: &str| answer.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let console = self.console_after(before);
        if answer.get("exceptionDetails").is_some() {
            let message = text("/exceptionDetails/exception/description")
                .or_else(|| answer.pointer("/exceptionDetails/exception/value").map(Value::to_string))
                .or_else(|| text("/exceptionDetails/text"))
                .unwrap_or_default();
            let (first, stack) = message.split_once('\n').unwrap_or((&message, ""));
            let error = Some((first.to_owned(), stack.to_owned()));
            return Ok(Evaluation {
                value: Value::Null,
                text: String::new(),
                kind: "undefined".into(),
                console,
                error,
            });
        }
        let kind = text("/result/subtype").filter(|kind| kind == "null").or_else(|| text("/result/type"));
        let shown = text("/result/description").or_else(|| text("/result/unserializableValue"));
        let object = answer.pointer("/result/objectId").and_then(Value::as_str);
        let value = match object.filter(|_| kind.as_deref() == Some("object")) {
            Some(id) => self.value_of(id, timeout),
            None => answer.pointer("/result/value").cloned().unwrap_or_default(),
        };
        // What JSON cannot hold is its own description: a function, a symbol, a number beyond all others.
        let is_nothing = matches!(kind.as_deref(), Some("null" | "undefined"));
        let value = match (&value, &shown) {
            (Value::Null, Some(shown)) if !is_nothing => Value::from(shown.as_str()),
            _ => value,
        };
        let shown = match &value {
            Value::Array(_) | Value::Object(_) => value.to_string(),
            Value::String(text) => text.clone(),
            _ => shown.unwrap_or_else(|| value.to_string()),
        };
        Ok(Evaluation { value, text: shown, kind: kind.unwrap_or_default(), console, error: None })
    }

    /// An object as JSON, a node as its HTML; null for what JSON cannot hold.
    fn value_of(&self, object: &str, timeout: Duration) -> Value {
        let params = json!({"objectId": object, "returnByValue": true, "functionDeclaration": PLAIN});
        let answer = self.ask("Runtime.callFunctionOn", params, timeout).unwrap_or_default();
        // It stays in the browser until the page goes, if this is not heard.
        let _ = self.ask("Runtime.releaseObject", json!({"objectId": object}), SOON);
        answer.pointer("/result/value").cloned().unwrap_or_default()
    }

    /// What was written to the console after an event.
    fn console_after(&self, number: u64) -> Vec<(String, String)> {
        let events = self.protocol.events_after(number, &self.session);
        let calls = events.iter().filter(|event| &*event.method == "Runtime.consoleAPICalled");
        let line = |params: &Value| {
            let arguments = params.get("args").and_then(Value::as_array).cloned().unwrap_or_default();
            let words = arguments.iter().map(|argument| match argument.get("value") {
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => argument.get("description").and_then(Value::as_str).unwrap_or("undefined").to_owned(),
            });
            let level = params.get("type").and_then(Value::as_str).unwrap_or("log");
            let level = if level == "warning" { "warn" } else { level };
            (level.to_owned(), words.collect::<Vec<_>>().join(" "))
        };
        calls.map(|event| line(&event.params)).collect()
    }

    /// A picture of what the window shows, or of the whole page: PNG.
    ///
    /// # Errors
    /// TIMEOUT if there is none in time; NETWORK if the browser ends.
    pub fn screenshot(&self, whole_page: bool, timeout: Duration) -> Result<Vec<u8>> {
        self.picture(&Shot { whole_page, ..Shot::default() }, timeout)
    }

    /// A picture as it is wished for.
    ///
    /// # Errors
    /// NOT_FOUND if nothing matches the selector; else as [`Tab::screenshot`].
    pub fn picture(&self, shot: &Shot, timeout: Duration) -> Result<Vec<u8>> {
        let until = Instant::now() + timeout;
        let mut params = json!({"format": shot.format.name(), "captureBeyondViewport": shot.whole_page});
        if let Some(quality) = shot.quality.filter(|_| shot.format != PictureFormat::Png) {
            params["quality"] = quality.min(100).into();
        }
        let side = |value: Option<f64>| value.unwrap_or(1.0).clamp(1.0, PICTURE_SIDE_MAX);
        if let Some(selector) = &shot.selector {
            params["clip"] = self.place_of(selector, timeout)?;
            params["captureBeyondViewport"] = true.into();
        } else if shot.whole_page {
            // The page lays itself out to answer this; its size as the browser knew it may be that of before.
            let metrics = self.ask("Page.getLayoutMetrics", json!({}), timeout)?;
            let size = |name| side(metrics.pointer(name).and_then(Value::as_f64));
            let (width, height) = (size("/cssContentSize/width"), size("/cssContentSize/height"));
            params["clip"] = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        }
        let answer = self.ask("Page.captureScreenshot", params, until.saturating_duration_since(Instant::now()))?;
        let data = answer.get("data").and_then(Value::as_str).unwrap_or_default();
        let picture = STANDARD.decode(data).ok().filter(|bytes| shot.format.begins(bytes));
        picture.ok_or_else(|| Error::new("browser", Code::InvalidState, "the browser sent no picture"))
    }

    /// Where on the page the first element stands that matches.
    fn place_of(&self, selector: &str, timeout: Duration) -> Result<Value> {
        let selector_json = Value::from(selector);
        let code = format!(
            "(() => {{ const e = document.querySelector({selector_json}); if (!e) return null; const r = e.getBoundingClientRect();
            return {{x: r.x + scrollX, y: r.y + scrollY, width: Math.max(1, r.width), height: Math.max(1, r.height), scale: 1}}; }})()"
        );
        let found = self.evaluate(&code, timeout)?;
        if let Some((message, _)) = found.error {
            return Err(Error::new("browser", Code::InvalidState, format!("`{selector}` is no selector: {message}")));
        }
        match found.value {
            Value::Object(place) => Ok(place.into()),
            _ => Err(Error::new("browser", Code::NotFound, format!("nothing on the page matches `{selector}`"))),
        }
    }

    /// Closes the tab.
    ///
    /// # Errors
    /// NETWORK if the browser has ended.
    pub fn close(&self) -> Result<()> {
        self.protocol.ask(None, "Target.closeTarget", json!({"targetId": &*self.target}), SOON).map(|_| ())
    }
}
