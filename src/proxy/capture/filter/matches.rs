//! Whether an exchange is as a filter wants it.

use regex::bytes::Regex;

use super::parse::{Expression, Filter};
use super::words::{Half, Is, Of};
use crate::proxy::{Exchange, Headers, Mode, Traffic};

impl Filter {
    /// Whether the exchange is as it wants.
    pub fn matches(&self, exchange: &Exchange) -> bool {
        self.root.holds(exchange)
    }
}

impl Expression {
    fn holds(&self, exchange: &Exchange) -> bool {
        match self {
            Expression::All(parts) => parts.iter().all(|part| part.holds(exchange)),
            Expression::Any(parts) => parts.iter().any(|part| part.holds(exchange)),
            Expression::Not(part) => !part.holds(exchange),
            Expression::Is(is) => holds(*is, exchange),
            Expression::Has(of, regex) => has(*of, regex, exchange),
            Expression::Status(from, to) => exchange.status.is_some_and(|status| (*from..=*to).contains(&status)),
            Expression::AtLeast(duration) => exchange.phases.total.is_some_and(|total| total >= *duration),
            Expression::Bytes(bytes) => exchange.response.body.bytes >= *bytes,
        }
    }
}

fn holds(is: Is, exchange: &Exchange) -> bool {
    match is {
        Is::Anything => true,
        Is::Asset => exchange.content_type().is_some_and(|name| is_asset(&name)),
        Is::Error => exchange.is_error(),
        Is::Unanswered => exchange.status.is_none(),
        Is::Answered => exchange.status.is_some(),
        Is::WebSocket => exchange.traffic == Traffic::WebSocket,
        Is::EventStream => exchange.traffic == Traffic::EventStream,
        Is::Tunnel => exchange.traffic == Traffic::Tunnel,
        Is::Replay => exchange.opened.mode == Mode::Replay,
    }
}

fn is_asset(media_type: &str) -> bool {
    let (kind, name) = media_type.split_once('/').unwrap_or((media_type, ""));
    matches!(kind, "image" | "font" | "audio" | "video")
        || matches!((kind, name), ("text", "css"))
        || ["javascript", "ecmascript", "font", "wasm", "x-shockwave-flash"].iter().any(|part| name.contains(part))
}

fn has(of: Of, regex: &Regex, exchange: &Exchange) -> bool {
    let opened = &exchange.opened;
    match of {
        Of::Url => regex.is_match(opened.url.as_bytes()),
        Of::Method => regex.is_match(opened.method.as_bytes()),
        Of::Host => regex.is_match(exchange.host().as_bytes()),
        Of::Process => opened.process.as_ref().is_some_and(|(_, name)| regex.is_match(name.as_bytes())),
        Of::Caller => exchange.caller.as_ref().is_some_and(|caller| regex.is_match(caller.name.as_bytes())),
        Of::Type(half) => heads(half, exchange).any(|headers| headers.all("content-type").any(|v| regex.is_match(v))),
        Of::Header(half) => heads(half, exchange).any(|headers| has_header(headers, regex)),
        Of::Body(half) => {
            (half.has_request() && regex.is_match(&exchange.request_body.kept))
                || (half.has_response() && regex.is_match(&exchange.response.body.kept))
                || exchange.frames.iter().any(|frame| wants(half, frame.up) && regex.is_match(&frame.kept))
        }
    }
}

fn wants(half: Half, up: bool) -> bool {
    if up { half.has_request() } else { half.has_response() }
}

fn heads(half: Half, exchange: &Exchange) -> impl Iterator<Item = &Headers> {
    let request = half.has_request().then_some(&exchange.opened.headers);
    request.into_iter().chain(half.has_response().then_some(&exchange.response.headers))
}

fn has_header(headers: &Headers, regex: &Regex) -> bool {
    headers.iter().any(|(name, value)| regex.is_match(&[name.as_bytes(), b": ", value].concat()))
}
