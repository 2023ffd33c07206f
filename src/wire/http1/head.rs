//! Bytes to the head of a request or a response: httparse, and all the strictness that it leaves to its caller.
//!
//! Two readers of one head must never understand different things. So what the standard lets a recipient repair is
//! refused instead: line feeds alone, folded lines, a space before the colon, controls, a second Host, odd targets.
//! Whatever is refused is refused however its bytes are cut into reads.

use std::mem::MaybeUninit;

use super::fields::{Fields, Known, Span, split_authority};
use super::refusal::Refusal;
use super::target::{self, Parts};

/// A head with more bytes is refused: 431.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// A head with more fields is refused: 431.
pub const FIELDS_MAX: usize = 200;
/// A longer request target is refused: 414.
pub const TARGET_BYTES_MAX: usize = 16 * 1024;
/// So many bytes may stand before a target; longer methods do not exist.
const METHOD_BYTES_MAX: usize = 64;
/// A partial head is tried again at each further so many bytes, so that a long target is refused when it is long.
const TRY_BYTES: usize = 8 * 1024;
/// Empty lines before a request, which clients of old sent after a body.
const EMPTY_LINES_MAX: usize = 4;

/// How far the bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The head is whole; so many bytes of the buffer belong to it, the body begins after them.
    Complete {
        /// The bytes to take from the buffer.
        bytes: usize,
    },
    /// More must come. The next call gets the same bytes again with more after them.
    Partial,
}

/// The two versions that are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
}

impl Version {
    /// `1.0` or `1.1`.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        }
    }

    fn of(minor: Option<u8>) -> Version {
        if minor == Some(0) { Version::Http10 } else { Version::Http11 }
    }
}

/// The methods that decide something on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the method of that name")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    /// Any other.
    Other,
}

impl Method {
    /// The tag of a method; methods have a case.
    pub fn of(method: &str) -> Method {
        match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            "CONNECT" => Method::Connect,
            "OPTIONS" => Method::Options,
            "TRACE" => Method::Trace,
            _ => Method::Other,
        }
    }

    /// Whether sending it twice is as good as once.
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Method::Post | Method::Connect | Method::Other)
    }
}

/// How a request names what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`: to a server.
    Origin,
    /// `http://host/path`: to a proxy.
    Absolute,
    /// `host:port`: CONNECT.
    Authority,
    /// `*`: OPTIONS of the server itself.
    Asterisk,
}

/// The head of a request, with its bytes. Reuse it: once grown, it does not allocate.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    fields: Fields,
    method: Span,
    kind: Method,
    target: Span,
    parts: Parts,
    version: Version,
    seen: usize,
}

impl RequestHead {
    /// The method as it was sent.
    pub fn method(&self) -> &str {
        self.fields.text(self.method)
    }

    /// The method, if it is one that matters.
    pub fn kind(&self) -> Method {
        self.kind
    }

    /// The target as it was sent.
    pub fn target(&self) -> &[u8] {
        self.target.on(self.fields.bytes())
    }

    /// The form of the target.
    pub fn form(&self) -> TargetForm {
        self.parts.form
    }

    /// Path and query: what an origin server is asked for. Empty for CONNECT; it starts with `?` or is empty where a URL
    /// has no path ([`super::encode_request`] puts the slash before it).
    pub fn path(&self) -> &[u8] {
        self.parts.path.on(self.target())
    }

    /// Where the target itself says to: `host[:port]` of an absolute URL or of CONNECT.
    pub fn authority(&self) -> Option<&str> {
        let bytes = self.parts.authority.on(self.target());
        std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    }

    /// Whether an absolute target asks for TLS to its server (`https`, `wss`).
    pub fn is_secure(&self) -> bool {
        let target = self.target();
        let starts = |scheme: &str| {
            target.len() > scheme.len() && target[..scheme.len()].eq_ignore_ascii_case(scheme.as_bytes())
        };
        self.form() == TargetForm::Absolute && (starts("https:") || starts("wss:"))
    }

    /// The value of Host: `host[:port]`. A 1.0 request may have none.
    pub fn host(&self) -> Option<&str> {
        self.fields.all(Known::Host).next().and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The version that the client speaks.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The value of the first field of this name, whatever its case.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// Forgets everything, also how far a partial head was read.
    pub fn clear(&mut self) {
        self.fields.clear();
        (self.method, self.target, self.parts, self.seen) = Default::default();
    }
}

/// The head of a response, with its bytes. Reuse it: once grown, it does not allocate.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    fields: Fields,
    reason: Span,
    status: u16,
    version: Version,
    seen: usize,
}

impl ResponseHead {
    /// The status: 100 to 999.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The words after the status; empty where there are none, or none in ASCII.
    pub fn reason(&self) -> &str {
        self.fields.text(self.reason)
    }

    /// The version that the server speaks.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The value of the first field of this name, whatever its case.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// Forgets everything, also how far a partial head was read.
    pub fn clear(&mut self) {
        self.fields.clear();
        (self.reason, self.status, self.seen) = Default::default();
    }
}

/// Reads the head of a request from the start of `buf`.
///
/// ```
/// use brummer::wire::http1::{Parsed, RequestHead, parse_request};
/// let mut head = RequestHead::default();
/// assert_eq!(parse_request(b"GET /a HTTP/1.1\r\nHo", &mut head), Ok(Parsed::Partial));
/// let bytes = b"GET /a HTTP/1.1\r\nHost: x:1\r\n\r\nbody";
/// assert_eq!(parse_request(bytes, &mut head), Ok(Parsed::Complete { bytes: 30 }));
/// assert_eq!((head.method(), head.path(), head.field("HOST")), ("GET", &b"/a"[..], Some(&b"x:1"[..])));
/// ```
pub fn parse_request(buf: &[u8], head: &mut RequestHead) -> Result<Parsed, Refusal> {
    read_request(buf, head).inspect_err(|_| head.clear())
}

/// Reads the head of a response from the start of `buf`; what is refused is so with 502.
pub fn parse_response(buf: &[u8], head: &mut ResponseHead) -> Result<Parsed, Refusal> {
    read_response(buf, head).inspect_err(|_| head.clear())
}

fn read_request(buf: &[u8], head: &mut RequestHead) -> Result<Parsed, Refusal> {
    let Some(skipped) = empty_lines(buf)? else { return Ok(Parsed::Partial) };
    let text = &buf[skipped..];
    if !is_worth_a_try(text, &mut head.seen) {
        return Ok(Parsed::Partial);
    }
    let mut room = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let result = request.parse_with_uninit_headers(text, &mut room);
    if request.path.map_or(text.len() > TARGET_BYTES_MAX + METHOD_BYTES_MAX, |path| path.len() > TARGET_BYTES_MAX) {
        return Err(Refusal::new(414, "The request target has more than 16 KiB."));
    }
    let bytes = match result {
        Ok(httparse::Status::Complete(bytes)) => bytes,
        Ok(httparse::Status::Partial) if text.len() >= HEAD_BYTES_MAX => return Err(too_long()),
        Ok(httparse::Status::Partial) => return Ok(Parsed::Partial),
        Err(error) => return Err(why_no_request(error, text)),
    };
    head.seen = 0;
    if bytes > HEAD_BYTES_MAX {
        return Err(too_long());
    }
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default().as_bytes());
    if !ends_are_whole(&text[..bytes], request.headers) {
        return Err(Refusal::bad(LINE_FEED));
    }
    head.kind = Method::of(method);
    head.parts = target::parts(target, head.kind)?;
    head.method = Span::of(method.as_bytes(), text);
    head.target = Span::of(target, text);
    head.version = Version::of(request.version);
    head.fields.fill(&text[..bytes], request.headers);
    check_host(head)?;
    Ok(Parsed::Complete { bytes: skipped + bytes })
}

fn read_response(buf: &[u8], head: &mut ResponseHead) -> Result<Parsed, Refusal> {
    if let Some(b'\r' | b'\n') = buf.first() {
        return Err(Refusal::garbage("The server's answer does not begin with a status line."));
    }
    if !is_worth_a_try(buf, &mut head.seen) {
        return Ok(Parsed::Partial);
    }
    let mut room = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    // What may be repaired safely is: white space before a colon goes, as the standard asks of a proxy.
    let mut rules = httparse::ParserConfig::default();
    rules.allow_spaces_after_header_name_in_responses(true);
    let bytes = match rules.parse_response_with_uninit_headers(&mut response, buf, &mut room) {
        Ok(httparse::Status::Complete(bytes)) if bytes <= HEAD_BYTES_MAX => bytes,
        Ok(httparse::Status::Partial) if buf.len() < HEAD_BYTES_MAX => return Ok(Parsed::Partial),
        Ok(_) => return Err(Refusal::garbage("The head of the server's answer has more than 64 KiB.")),
        Err(error) => return Err(why_no_response(error)),
    };
    head.seen = 0;
    if !ends_are_whole(&buf[..bytes], response.headers) {
        return Err(Refusal::garbage("A line in the head of the server's answer ends with a line feed alone."));
    }
    let status = response.code.unwrap_or_default();
    if status < 100 {
        return Err(Refusal::garbage("The status of the server's answer is below 100."));
    }
    // What is no ASCII comes as an empty text that lies elsewhere.
    let reason = response.reason.filter(|reason| !reason.is_empty());
    head.reason = reason.map_or(Span::default(), |reason| Span::of(reason.as_bytes(), buf));
    head.status = status;
    head.version = Version::of(response.version);
    head.fields.fill(&buf[..bytes], response.headers);
    Ok(Parsed::Complete { bytes })
}

const LINE_FEED: &str = "A line of the head ends with a line feed alone; lines end with CR LF.";

const fn too_long() -> Refusal {
    Refusal::new(431, "The head has more than 64 KiB.")
}

/// The bytes of the empty lines at the start; `None` where more must come before that is known.
fn empty_lines(buf: &[u8]) -> Result<Option<usize>, Refusal> {
    let mut skipped = 0;
    while let Some(b"\r\n") = buf.get(skipped..skipped + 2) {
        skipped += 2;
        if skipped > 2 * EMPTY_LINES_MAX {
            return Err(Refusal::bad("More than four empty lines stand before the request."));
        }
    }
    match &buf[skipped..] {
        [] | b"\r" => Ok(None),
        [b'\n', ..] => Err(Refusal::bad(LINE_FEED)),
        [b'\r', ..] => Err(Refusal::bad(LINE_FEED_MISSING)),
        [0x16, ..] => Err(Refusal::bad("The client began a TLS handshake; this port speaks plain HTTP (http://).")),
        _ => Ok(Some(skipped)),
    }
}

/// Whether a head that was partial may be whole, or be seen to be none, by now: a line has ended, or much has come. So a
/// peer that sends byte by byte costs a try per line, and not one per byte.
fn is_worth_a_try(text: &[u8], seen: &mut usize) -> bool {
    let before = std::mem::replace(seen, text.len());
    let is_control = |byte: &u8| (*byte < b' ' && !matches!(byte, b'\r' | b'\t')) || *byte == 0x7f;
    before == 0
        || before > text.len()
        || text[before..].iter().any(is_control)
        || before / TRY_BYTES != text.len() / TRY_BYTES
}

/// Whether every line ends with CR LF; httparse takes a line feed alone as well.
fn ends_are_whole(head: &[u8], headers: &[httparse::Header<'_>]) -> bool {
    head.ends_with(b"\r\n\r\n")
        && headers.iter().all(|header| {
            let start = Span::of(header.name.as_bytes(), head).start as usize;
            head[..start].ends_with(b"\r\n")
        })
}

fn check_host(head: &RequestHead) -> Result<(), Refusal> {
    let mut hosts = head.fields.all(Known::Host);
    match (hosts.next(), hosts.next()) {
        (None, _) if head.version == Version::Http10 => Ok(()),
        (None, _) => Err(Refusal::bad("The request has no Host.")),
        (Some(_), Some(_)) => Err(Refusal::bad("The request has more than one Host.")),
        (Some(host), None) if split_authority(host).is_none() => Err(Refusal::bad("Host is not host[:port].")),
        (Some(_), None) => Ok(()),
    }
}

fn why_no_request(error: httparse::Error, text: &[u8]) -> Refusal {
    use httparse::Error;
    match error {
        Error::HeaderName => Refusal::bad(
            "A header line is not `name: value`: its name is missing or no token, a space stands before the colon, \
             or the line continues the one before it.",
        ),
        Error::HeaderValue => Refusal::bad("The value of a header field holds a control character."),
        Error::TooManyHeaders => Refusal::new(431, "The head has more than 200 fields."),
        Error::Version if is_other_version(text) => {
            Refusal::new(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here, in plain text.")
        }
        Error::Version | Error::Token | Error::Status => {
            Refusal::bad("The first line is not `METHOD target HTTP/1.1`, with one space between and no controls.")
        }
        Error::NewLine => Refusal::bad(LINE_FEED_MISSING),
    }
}

const LINE_FEED_MISSING: &str = "A line of the head does not end with CR LF.";

fn is_other_version(text: &[u8]) -> bool {
    let version = text.splitn(3, |byte| *byte == b' ').nth(2).and_then(|rest| rest.strip_prefix(b"HTTP/"));
    version.and_then(|version| version.first()).is_some_and(u8::is_ascii_digit)
}

fn why_no_response(error: httparse::Error) -> Refusal {
    use httparse::Error;
    Refusal::garbage(match error {
        Error::HeaderName => "A header line of the server's answer is not `name: value`.",
        Error::HeaderValue => "The value of a header field of the server's answer holds a control character.",
        Error::TooManyHeaders => "The head of the server's answer has more than 200 fields.",
        Error::Version => "The server's answer is not HTTP/1.1 or HTTP/1.0.",
        Error::Token | Error::Status => "The server's answer does not begin with a status line.",
        Error::NewLine => "A line in the head of the server's answer does not end with CR LF.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(bytes: &[u8]) -> Result<RequestHead, u16> {
        let mut head = RequestHead::default();
        match parse_request(bytes, &mut head) {
            Ok(Parsed::Complete { .. }) => Ok(head),
            Ok(Parsed::Partial) => Err(0),
            Err(refusal) => Err(refusal.status),
        }
    }

    fn response(bytes: &[u8]) -> Result<ResponseHead, u16> {
        let mut head = ResponseHead::default();
        match parse_response(bytes, &mut head) {
            Ok(Parsed::Complete { .. }) => Ok(head),
            Ok(Parsed::Partial) => Err(0),
            Err(refusal) => Err(refusal.status),
        }
    }

    #[test]
    fn requests_that_two_readers_could_read_differently_are_refused() {
        for (bytes, status) in [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nB(d: x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\x0bb\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\n\n", 400),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
            ("GET /\tx HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            ("PRI * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("\x16\x03\x01\x02", 400),
            ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ] {
            assert_eq!(request(bytes.as_bytes()).map(|_| ()), Err(status), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_odd_but_clear_is_taken() {
        for bytes in [
            "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "get / HTTP/1.1\r\nHost:a:80\r\n\r\n",
            "GET /ä HTTP/1.1\r\nHost: \t a \t \r\nX: ä\tb\r\nEmpty:\r\n\r\n",
            "GET http://b HTTP/1.1\r\nhOST: a\r\n\r\n",
        ] {
            assert!(request(bytes.as_bytes()).is_ok(), "{bytes:?}");
        }
        let head = request(b"GET HTTPS://b:1?q HTTP/1.1\r\nhOST: a\r\n\r\n").unwrap();
        assert_eq!((head.authority(), head.path(), head.is_secure()), (Some("b:1"), &b"?q"[..], true));
        assert_eq!((head.host(), head.form()), (Some("a"), TargetForm::Absolute));
    }

    #[test]
    fn each_limit_has_its_status() {
        let long = |target: usize, fields: usize, value: usize| {
            let mut text = format!("GET /{} HTTP/1.1\r\nHost: a\r\n", "t".repeat(target - 1));
            (1..fields).for_each(|_| text.push_str("X: y\r\n"));
            text.push_str(&format!("X: {}\r\n\r\n", "v".repeat(value)));
            text.into_bytes()
        };
        assert!(request(&long(TARGET_BYTES_MAX, 199, 40_000)).is_ok());
        assert_eq!(request(&long(TARGET_BYTES_MAX + 1, 2, 1)).err(), Some(414));
        assert_eq!(request(&long(1, 200, 1)).err(), Some(431));
        assert_eq!(request(&long(1, 2, HEAD_BYTES_MAX)).err(), Some(431));
        assert_eq!(request(&long(TARGET_BYTES_MAX + 100, 2, 1)[..TARGET_BYTES_MAX + 70]).err(), Some(414));
        assert_eq!(request(&long(1, 2, HEAD_BYTES_MAX)[..HEAD_BYTES_MAX]).err(), Some(431));
        assert_eq!(request(&long(1, 2, HEAD_BYTES_MAX)[..HEAD_BYTES_MAX - 1]).err(), Some(0));
        let answer = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "v".repeat(HEAD_BYTES_MAX));
        assert_eq!(response(answer.as_bytes()).err(), Some(502));
        assert_eq!(response(&answer.as_bytes()[..HEAD_BYTES_MAX]).err(), Some(502));
    }

    #[test]
    fn answers_are_repaired_only_before_a_colon() {
        let head = response(b"HTTP/1.1 200 OK\r\nServer : x\r\n\r\n").unwrap();
        assert_eq!((head.status(), head.reason(), head.field("server")), (200, "OK", Some(&b"x"[..])));
        assert_eq!(response("HTTP/1.0 299 \u{e4}\r\n\r\n".as_bytes()).unwrap().reason(), "");
        assert_eq!(response(b"HTTP/1.1 204\r\n\r\n").unwrap().status(), 204);
        for bytes in [
            "HTTP/2 200\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 200 OK\n\n",
            "HTTP/1.1 200 OK\nA: b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA\r\n\r\n",
            "\r\nHTTP/1.1 200 OK\r\n\r\n",
            "<html>",
        ] {
            assert_eq!(response(bytes.as_bytes()).map(|_| ()), Err(502), "{bytes:?}");
        }
    }

    #[test]
    fn a_head_is_the_same_however_it_is_cut() {
        let bytes = b"\r\nPOST /a?b HTTP/1.1\r\nHost: a:1\r\nConnection: X, close\r\nX: \t y\r\n\r\nbody";
        for step in 1..bytes.len() {
            let mut head = RequestHead::default();
            let mut end = 0;
            let done = loop {
                end = (end + step).min(bytes.len());
                match parse_request(&bytes[..end], &mut head).unwrap() {
                    Parsed::Complete { bytes } => break bytes,
                    Parsed::Partial => assert!(end < bytes.len()),
                }
            };
            assert_eq!((done, head.method(), head.target()), (bytes.len() - 4, "POST", &b"/a?b"[..]));
            assert!(head.fields().connection().close && head.fields().is_nominated("x"));
            assert_eq!(head.fields().iter().map(|field| field.value.len()).collect::<Vec<_>>(), [3, 8, 1]);
        }
    }
}
