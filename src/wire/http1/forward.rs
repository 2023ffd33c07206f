//! What a head means on its way: which fields are for one hop alone, what becomes of the connection, what is let through.

use super::fields::{Field, Fields, Known, tokens};
use super::framing::{Framing, declared_length, declares_chunks, keeps_alive, request_framing, response_framing};
use super::head::{Method, RequestHead, ResponseHead, Version};
use super::refusal::Refusal;

/// What was decided about a request, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPlan {
    /// Where its body ends.
    pub framing: Framing,
    /// The method.
    pub method: Method,
    /// The version that the client speaks: a 1.0 client gets neither chunks nor interim answers.
    pub version: Version,
    /// The client keeps its connection for another request.
    pub keep_alive: bool,
    /// It asks for a WebSocket; no other upgrade is passed on.
    pub upgrade: bool,
    /// It waits for `100 Continue` before it sends its body.
    pub expects_continue: bool,
    /// It says that it takes trailers.
    pub takes_trailers: bool,
    /// OPTIONS and TRACE: how many more hops it may go. At 0, answer it here.
    pub max_forwards: Option<u32>,
}

/// Decides about a request. `pseudonym` is the name under which this listener stands in Via: found there, the request
/// goes in a circle (508).
pub fn plan_request(head: &RequestHead, pseudonym: &str) -> Result<RequestPlan, Refusal> {
    let (fields, version, method) = (head.fields(), head.version(), head.kind());
    let framing = request_framing(head)?;
    if fields.all(Known::Via).flat_map(tokens).any(|hop| is_by(hop, pseudonym)) {
        return Err(Refusal::new(
            508,
            "The request has passed through this address of Brummer before: it goes in a circle.",
        ));
    }
    let has_body = !matches!(framing, Framing::None | Framing::Length(0));
    if has_body && matches!(method, Method::Trace | Method::Connect) {
        return Err(Refusal::bad("TRACE and CONNECT have no body."));
    }
    let current = version == Version::Http11;
    let upgrade = current
        && method == Method::Get
        && !has_body
        && fields.connection().upgrade
        && fields.has_token(Known::Upgrade, "websocket");
    Ok(RequestPlan {
        framing,
        method,
        version,
        keep_alive: keeps_alive(version, fields),
        upgrade,
        expects_continue: current && expects_continue(fields, framing)?,
        takes_trailers: current && fields.has_token(Known::Te, "trailers"),
        max_forwards: max_forwards(fields, method)?,
    })
}

/// `1.1 name (comment)`: whether `name` is this one.
fn is_by(hop: &[u8], pseudonym: &str) -> bool {
    let mut words = hop.split(|byte| *byte == b' ' || *byte == b'\t').filter(|word| !word.is_empty());
    words.nth(1).is_some_and(|name| name.eq_ignore_ascii_case(pseudonym.as_bytes()))
}

fn expects_continue(fields: &Fields, framing: Framing) -> Result<bool, Refusal> {
    let mut expected = false;
    for value in fields.all(Known::Expect) {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::new(417, "The only expectation that can be met is 100-continue."));
        }
        expected = !matches!(framing, Framing::None | Framing::Length(0));
    }
    Ok(expected)
}

fn max_forwards(fields: &Fields, method: Method) -> Result<Option<u32>, Refusal> {
    let Some(value) = fields.all(Known::MaxForwards).next() else { return Ok(None) };
    if !matches!(method, Method::Options | Method::Trace) {
        return Ok(None);
    }
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value).ok().filter(|_| is_number);
    // More than fits is as far as anything goes.
    number.map(|number| Some(number.parse().unwrap_or(u32::MAX))).ok_or(Refusal::bad("Max-Forwards is no number."))
}

/// What kind of answer a head begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 1xx: another head follows. Pass it on if `relay`; a 1.0 client does not understand it.
    Interim {
        /// Pass it on.
        relay: bool,
    },
    /// 101 to a WebSocket: after the head come bytes in both directions.
    Switch,
    /// The answer itself.
    Final,
}

/// What was decided about a response, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponsePlan {
    /// What kind it is.
    pub kind: Kind,
    /// How its body is read from the server.
    pub read: Framing,
    /// How its body is written to the client; change it with [`ResponsePlan::resize`].
    pub write: Framing,
    /// The server's connection can be used again once the body is read.
    pub keep_upstream: bool,
    /// The client's connection stays open; set it to false to close after this answer.
    pub keep_client: bool,
    /// The client's version.
    pub version: Version,
    /// Trailers are passed on.
    pub trailers: bool,
    /// What a HEAD or 304 says that the length would be.
    pub(super) declared: Option<Framing>,
}

impl ResponsePlan {
    /// An answer of our own to this request, with a body of so many bytes.
    pub fn own(request: &RequestPlan, bytes: u64) -> ResponsePlan {
        let head_only = request.method == Method::Head;
        let write = if head_only { Framing::None } else { Framing::Length(bytes) };
        ResponsePlan {
            kind: Kind::Final,
            read: Framing::None,
            write,
            keep_upstream: false,
            keep_client: request.keep_alive,
            version: request.version,
            trailers: false,
            declared: head_only.then_some(Framing::Length(bytes)),
        }
    }

    /// The body will be changed on its way, and its length is not known (`None`) or another one. For an answer without a
    /// body, what it says of its length is left out.
    pub fn resize(&mut self, bytes: Option<u64>) {
        self.declared = None;
        if self.write != Framing::None {
            self.write = bytes.map_or_else(|| unknown_length(self.version), Framing::Length);
            self.keep_client &= self.write != Framing::UntilClose;
        }
    }
}

/// Chunks for those who know them; the others learn the end by the connection's.
fn unknown_length(version: Version) -> Framing {
    if version == Version::Http11 { Framing::Chunked } else { Framing::UntilClose }
}

/// Decides about the answer to a request.
pub fn plan_response(head: &ResponseHead, request: &RequestPlan) -> Result<ResponsePlan, Refusal> {
    let (fields, status) = (head.fields(), head.status());
    let kind = match status {
        101 if request.upgrade && fields.connection().upgrade && fields.has_token(Known::Upgrade, "websocket") => {
            Kind::Switch
        }
        101 => return Err(Refusal::garbage("The server switches to a protocol that it was not asked for.")),
        100..=199 => Kind::Interim { relay: request.version == Version::Http11 },
        _ => Kind::Final,
    };
    let read = response_framing(head, request.method)?;
    let write = match read {
        Framing::Chunked | Framing::UntilClose => unknown_length(request.version),
        known => known,
    };
    let shows_length = request.method == Method::Head || status == 304;
    let chunks = declares_chunks(fields);
    // Chunks in a 1.0 answer are a mistake somewhere: read them, and trust this connection no further.
    let trusted = keeps_alive(head.version(), fields) && !(chunks && head.version() == Version::Http10);
    Ok(ResponsePlan {
        kind,
        read,
        write,
        keep_upstream: trusted && read != Framing::UntilClose && kind == Kind::Final,
        keep_client: request.keep_alive && write != Framing::UntilClose,
        version: request.version,
        trailers: request.takes_trailers && read == Framing::Chunked && write == Framing::Chunked,
        declared: match declared_length(fields) {
            _ if !shows_length => None,
            Some(bytes) => Some(Framing::Length(bytes)),
            None if chunks && request.version == Version::Http11 => Some(Framing::Chunked),
            None => None,
        },
    })
}

/// Whether a field ends here, because it is about this connection, about framing (written anew), or nominated.
pub(super) fn is_for_this_hop(field: &Field<'_>, fields: &Fields) -> bool {
    match field.known {
        Known::Connection
        | Known::ContentLength
        | Known::TransferEncoding
        | Known::KeepAlive
        | Known::Proxy
        | Known::Te
        | Known::Trailer
        | Known::Upgrade
        | Known::Http2Settings => true,
        _ => fields.is_nominated(field.name),
    }
}
