//! What a page can be asked to do, and its answers as values. An answer comes from a page: it is untrusted text, and cleaned.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::{Code, Error, Result};
use crate::proxy::telemetry::batch::{clean_text, clean_value};

/// The longest page that is brought back as text.
pub const SNAPSHOT_BYTES_MAX: usize = 4 << 20;

/// A question to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Runs JavaScript: an expression or statements, with `await` if it likes.
    Evaluate {
        /// The code.
        code: String,
    },
    /// Goes to another address, relative to the page's.
    Navigate {
        /// Where to.
        url: String,
    },
    /// Loads the page again.
    Reload,
    /// The document as it stands.
    Snapshot {
        /// The first element that matches, or the whole document.
        selector: Option<String>,
        /// So many characters at most.
        limit: usize,
    },
    /// A picture that the page makes of itself: an approximation, without what comes from elsewhere.
    Screenshot(View),
}

impl Ask {
    /// The message that goes to the page.
    pub(super) fn message(&self, id: u64) -> Value {
        match self {
            Ask::Evaluate { code } => json!({"type": "command", "id": id, "action": "evaluate", "code": code}),
            Ask::Navigate { url } => json!({"type": "command", "id": id, "action": "navigate", "url": url}),
            Ask::Reload => json!({"type": "command", "id": id, "action": "reload"}),
            Ask::Snapshot { selector, limit } => {
                let limit = limit.min(&SNAPSHOT_BYTES_MAX);
                json!({"type": "command", "id": id, "action": "snapshot", "selector": selector, "limit": limit})
            }
            Ask::Screenshot(View { selector, whole_page, format, quality }) => json!({
                "type": "command", "id": id, "action": "screenshot", "selector": selector, "whole": whole_page,
                "format": format, "quality": quality,
            }),
        }
    }

    /// Refuses what no page should be asked for.
    pub(super) fn check(&self) -> Result<()> {
        if let Ask::Navigate { url } = self {
            let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
            let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
            if scheme.is_some_and(|scheme| is_scheme(&scheme) && !matches!(scheme.as_str(), "http" | "https")) {
                let message = format!("cannot go to `{url}`: a page is sent to http and https addresses alone");
                return Err(Error::new("page", Code::InvalidState, message));
            }
        }
        Ok(())
    }
}

/// What a page is to draw of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The first element that matches, or what the window shows.
    pub selector: Option<String>,
    /// Without an element: the whole page.
    pub whole_page: bool,
    /// `png`, `jpeg` or `webp`; a browser that cannot write it writes PNG.
    pub format: &'static str,
    /// 0 to 100, for formats that lose something.
    pub quality: u8,
}

impl Default for View {
    fn default() -> View {
        View { selector: None, whole_page: false, format: "png", quality: 90 }
    }
}

/// What came of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The value, as far as JSON can hold it.
    pub value: Value,
    /// The value as a console would show it.
    pub text: String,
    /// Its type: `number`, `object`, `undefined`, and so on.
    pub kind: String,
    /// What was written to the console meanwhile: level and message.
    pub console: Vec<(String, String)>,
    /// What was thrown instead: message and stack.
    pub error: Option<(String, String)>,
}

impl Evaluation {
    pub(super) fn read(mut answer: Value) -> Evaluation {
        let lines = answer.get("console").and_then(Value::as_array).cloned().unwrap_or_default();
        let console = lines.iter().map(|line| (text(line, "level"), text(line, "message"))).collect();
        let error = answer.get("error").map(|error| (hint(text(error, "message")), text(error, "stack")));
        let (shown, kind) = (text(&answer, "text"), text(&answer, "kind"));
        let mut value = answer.get_mut("value").map(Value::take).unwrap_or_default();
        clean_value(&mut value);
        Evaluation { value, text: shown, kind, console, error }
    }
}

/// A refused evaluation, with what can be done about it.
fn hint(message: String) -> String {
    let refused =
        message.contains("unsafe-eval") || message.contains("TrustedScript") || message.contains("Trusted Type");
    if refused {
        return format!(
            "{message} (the page's Content-Security-Policy forbids it; in a browser started with `brummer browser` it works)"
        );
    }
    message
}

/// A document as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its HTML.
    pub html: String,
    /// There was more of it.
    pub truncated: bool,
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
}

impl Snapshot {
    pub(super) fn read(answer: &Value) -> Snapshot {
        let html = answer.get("html").and_then(Value::as_str).unwrap_or_default();
        Snapshot {
            html: clean_text(html, SNAPSHOT_BYTES_MAX),
            truncated: answer.get("truncated").and_then(Value::as_bool).unwrap_or_default(),
            url: text(answer, "url"),
            title: text(answer, "title"),
        }
    }
}

/// A picture of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// As `mime` says.
    pub bytes: Vec<u8>,
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub mime: &'static str,
    /// The page drew it itself: fonts, pictures and frames from elsewhere are missing.
    pub approximate: bool,
}

/// What pictures begin with.
const BEGINNINGS: [(&str, &[u8]); 3] =
    [("image/png", b"\x89PNG"), ("image/jpeg", b"\xff\xd8"), ("image/webp", b"RIFF")];

impl Picture {
    pub(super) fn read(answer: &Value) -> Result<Picture> {
        let url = answer.get("picture").and_then(Value::as_str).and_then(|url| url.strip_prefix("data:"));
        let parts = url.and_then(|url| url.split_once(";base64,"));
        let picture = parts.and_then(|(mime, data)| {
            let (mime, beginning) = BEGINNINGS.into_iter().find(|(known, _)| *known == mime)?;
            let bytes = STANDARD.decode(data).ok().filter(|bytes| bytes.starts_with(beginning))?;
            Some(Picture { bytes, mime, approximate: true })
        });
        picture.ok_or_else(|| Error::new("page", Code::InvalidState, "the page sent no picture"))
    }
}

/// The error that an answer tells, if it is one.
pub(super) fn failure(answer: &Value) -> Option<Error> {
    let error = answer.get("error")?;
    Some(Error::new("page", Code::InvalidState, format!("the page could not do it: {}", text(error, "message"))))
}

fn text(value: &Value, field: &str) -> String {
    clean_text(value.get(field).and_then(Value::as_str).unwrap_or_default(), 16 << 10)
}
