//! Whether an exchange is as a filter wants it.
//!
//! A text is searched as it is shown by default, with its secrets masked: a filter cannot be used to guess them. What has no
//! hit as it is has none with masks either, so that the work of masking is done for hits alone.

use regex::bytes::Regex;

use super::parse::{Expression, Filter};
use super::words::{Half, Is, Of};
use crate::proxy::capture::decode::{Kind, frames, parameter, plain, to_text};
use crate::proxy::capture::redact;
use crate::proxy::{Body, Exchange, Frame, Headers, Mode, Traffic};

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
        Of::Url => regex.is_match(opened.url.as_bytes()) && regex.is_match(redact::url(&opened.url).as_bytes()),
        Of::Method => regex.is_match(opened.method.as_bytes()),
        Of::Host => regex.is_match(exchange.host().as_bytes()),
        Of::Process => opened.process.as_ref().is_some_and(|(_, name)| regex.is_match(name.as_bytes())),
        Of::Caller => exchange.caller.as_ref().is_some_and(|caller| regex.is_match(caller.name.as_bytes())),
        Of::Type(half) => heads(half, exchange).any(|headers| headers.all("content-type").any(|v| regex.is_match(v))),
        Of::Header(half) => heads(half, exchange).any(|headers| has_header(headers, regex)),
        Of::Body(half) => {
            (half.has_request() && has_body(&opened.headers, &exchange.request_body, regex))
                || (half.has_response() && has_body(&exchange.response.headers, &exchange.response.body, regex))
                || frames(exchange).iter().any(|frame| wants(half, frame.up) && has_text(frame, regex))
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
    let line = |name: &str, value: &[u8]| [name.as_bytes(), b": ", value].concat();
    headers.iter().any(|(name, value)| {
        regex.is_match(&line(name, value)) && regex.is_match(&line(name, &redact::header(name, value)))
    })
}

fn has_body(headers: &Headers, body: &Body, regex: &Regex) -> bool {
    if body.kept.is_empty() {
        return false;
    }
    let plain = plain(headers, body);
    let kind = Kind::of(headers, &plain.bytes);
    if plain.still_encoded || !kind.is_text() {
        return !plain.still_encoded && regex.is_match(&plain.bytes);
    }
    let (text, _) = to_text(&plain.bytes, parameter(headers, "charset").as_deref());
    let boundary = parameter(headers, "boundary");
    regex.is_match(text.as_bytes()) && regex.is_match(redact::body_text(kind, &text, boundary.as_deref()).as_bytes())
}

/// Whether a message or an event has it.
fn has_text(frame: &Frame, regex: &Regex) -> bool {
    let body = Body { kept: frame.kept.clone(), bytes: frame.bytes };
    !frame.compressed && has_body(&Headers::default(), &body, regex)
}
