//! The header fields of a head: their bytes are held once, names that matter to forwarding are known by a tag.

/// The names that decide something on the way; every other field is [`Known::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the field of that name")]
pub enum Known {
    Other,
    Authorization,
    Connection,
    ContentLength,
    Cookie,
    Expect,
    Forwarded,
    Host,
    Http2Settings,
    KeepAlive,
    Location,
    MaxForwards,
    Origin,
    /// Proxy-Connection, Proxy-Authorization, Proxy-Authenticate, Proxy-Authentication-Info: for this hop alone.
    Proxy,
    Referer,
    SetCookie,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
    XForwardedFor,
    XForwardedHost,
    XForwardedProto,
}

impl Known {
    /// The tag of a name, whatever its case.
    pub fn of(name: &[u8]) -> Known {
        // Length and first letter tell them all apart, so that a name is compared once at most.
        let Some(first) = name.first() else { return Known::Other };
        let (text, known) = match (name.len(), first | 0x20) {
            (2, b't') => ("te", Known::Te),
            (3, b'v') => ("via", Known::Via),
            (4, b'h') => ("host", Known::Host),
            (6, b'c') => ("cookie", Known::Cookie),
            (6, b'e') => ("expect", Known::Expect),
            (6, b'o') => ("origin", Known::Origin),
            (7, b'r') => ("referer", Known::Referer),
            (7, b't') => ("trailer", Known::Trailer),
            (7, b'u') => ("upgrade", Known::Upgrade),
            (8, b'l') => ("location", Known::Location),
            (9, b'f') => ("forwarded", Known::Forwarded),
            (10, b'c') => ("connection", Known::Connection),
            (10, b'k') => ("keep-alive", Known::KeepAlive),
            (10, b's') => ("set-cookie", Known::SetCookie),
            (12, b'm') => ("max-forwards", Known::MaxForwards),
            (13, b'a') => ("authorization", Known::Authorization),
            (14, b'c') => ("content-length", Known::ContentLength),
            (14, b'h') => ("http2-settings", Known::Http2Settings),
            (15, b'x') => ("x-forwarded-for", Known::XForwardedFor),
            (16, b'p') => ("proxy-connection", Known::Proxy),
            (16, b'x') => ("x-forwarded-host", Known::XForwardedHost),
            (17, b't') => ("transfer-encoding", Known::TransferEncoding),
            (17, b'x') => ("x-forwarded-proto", Known::XForwardedProto),
            (18, b'p') => ("proxy-authenticate", Known::Proxy),
            (19, b'p') => ("proxy-authorization", Known::Proxy),
            (25, b'p') => ("proxy-authentication-info", Known::Proxy),
            _ => return Known::Other,
        };
        if name.eq_ignore_ascii_case(text.as_bytes()) { known } else { Known::Other }
    }
}

/// One header field, as it was received; the value has no white space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name in its own case: a token, hence ASCII.
    pub name: &'a str,
    /// The value; it may hold bytes above 0x7f, but no controls except tabs.
    pub value: &'a [u8],
    /// What the name means on the way.
    pub known: Known,
}

impl Field<'_> {
    /// Whether the field has this name, whatever its case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// What the Connection fields of a head say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// `close` is among them.
    pub close: bool,
    /// `keep-alive` is among them.
    pub keep_alive: bool,
    /// `upgrade` is among them.
    pub upgrade: bool,
    /// Other fields are nominated: they are for this hop alone.
    pub nominates: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// The place of `part` within `whole`, whose part it is.
    pub(super) fn of(part: &[u8], whole: &[u8]) -> Span {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        debug_assert!(start <= whole.len() && whole.len() <= u32::MAX as usize);
        Span { start: start as u32, end: (start + part.len()) as u32 }
    }

    pub(super) fn on(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

#[derive(Clone, Copy, Debug)]
struct FieldSpan {
    name: Span,
    value: Span,
    known: Known,
}

/// All fields of a head, in order, beside the bytes of that head.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    spans: Vec<FieldSpan>,
    connection: Connection,
}

impl Fields {
    /// The fields in the order in which they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Field<'_>> + Clone {
        self.spans.iter().map(|span| Field {
            name: self.text(span.name),
            value: span.value.on(&self.bytes),
            known: span.known,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The value of the first field of this name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let named = |span: &&FieldSpan| span.name.on(&self.bytes).eq_ignore_ascii_case(name.as_bytes());
        self.spans.iter().find(named).map(|span| span.value.on(&self.bytes))
    }

    /// The values of all fields with this tag.
    pub fn all(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().filter(move |span| span.known == known).map(|span| span.value.on(&self.bytes))
    }

    /// Whether a field with this tag has `token` in its comma-separated list, whatever its case.
    pub fn has_token(&self, known: Known, token: &str) -> bool {
        self.all(known).flat_map(tokens).any(|one| one.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// What the Connection fields say.
    pub fn connection(&self) -> Connection {
        self.connection
    }

    /// Whether a Connection field nominates this name, and is entitled to: whoever nominates what frames, routes or
    /// authorises a message wants the next hop to read it differently.
    pub fn is_nominated(&self, name: &str) -> bool {
        self.connection.nominates
            && self.has_token(Known::Connection, name)
            && !matches!(
                Known::of(name.as_bytes()),
                Known::ContentLength
                    | Known::Host
                    | Known::TransferEncoding
                    | Known::Authorization
                    | Known::Cookie
                    | Known::Via
            )
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A part that was checked to be ASCII when it was parsed.
    pub(super) fn text(&self, span: Span) -> &str {
        std::str::from_utf8(span.on(&self.bytes)).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.connection = Connection::default();
    }

    /// Takes the fields of the head `bytes`, in which they lie.
    pub(super) fn fill(&mut self, bytes: &[u8], headers: &[httparse::Header<'_>]) {
        self.clear();
        self.bytes.extend_from_slice(bytes);
        for header in headers {
            let known = Known::of(header.name.as_bytes());
            if known == Known::Connection {
                self.connection.read(header.value);
            }
            let (name, value) = (Span::of(header.name.as_bytes(), bytes), Span::of(header.value, bytes));
            self.spans.push(FieldSpan { name, value, known });
        }
    }
}

impl Connection {
    fn read(&mut self, value: &[u8]) {
        for token in tokens(value) {
            match token {
                _ if token.eq_ignore_ascii_case(b"close") => self.close = true,
                _ if token.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                _ if token.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
                _ => self.nominates = true,
            }
        }
    }
}

/// The members of a comma-separated list, without white space and empty members.
///
/// ```
/// let list: Vec<_> = brummer::wire::http1::tokens(b"close, ,TE").collect();
/// assert_eq!(list, [&b"close"[..], b"TE"]);
/// ```
pub fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|token| !token.is_empty())
}

/// Without spaces and tabs around it; no other white space can stand in a value.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// `host[:port]` in its parts, or `None` where it is not that. An IPv6 address keeps its brackets.
///
/// ```
/// use brummer::wire::http1::split_authority;
/// assert_eq!(split_authority(b"localhost:5173"), Some(("localhost", Some(5173))));
/// assert_eq!(split_authority(b"[::1]"), Some(("[::1]", None)));
/// assert_eq!(split_authority(b"user@host"), None);
/// ```
pub fn split_authority(text: &[u8]) -> Option<(&str, Option<u16>)> {
    let text = std::str::from_utf8(text).ok()?;
    let host_bytes = match text.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(host_bytes);
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        None => return None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
    };
    is_host(host).then_some((host, port))
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.trim_end_matches(']');
        let address = address.split('%').next().unwrap_or(address);
        let zone = inner[address.len()..].bytes();
        return address.parse::<std::net::Ipv6Addr>().is_ok()
            && zone.clone().all(|byte| byte.is_ascii_alphanumeric() || b"%]._-~".contains(&byte));
    }
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for (text, want) in [
            ("localhost", Some(("localhost", None))),
            ("my_service.local:80", Some(("my_service.local", Some(80)))),
            ("127.0.0.1:", Some(("127.0.0.1", None))),
            ("[::1]:3000", Some(("[::1]", Some(3000)))),
            ("[fe80::1%25eth0]:3000", Some(("[fe80::1%25eth0]", Some(3000)))),
            ("", None),
            (":80", None),
            ("a:b", None),
            ("a:80:90", None),
            ("a:65536", None),
            ("a:+80", None),
            ("::1", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[nonsense]", None),
            ("a/b", None),
            ("a@b", None),
            ("a b", None),
            ("a\\b", None),
            ("ä", None),
        ] {
            assert_eq!(split_authority(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn every_known_name_is_found_in_any_case() {
        for name in ["host", "HOST", "Host", "hOST"] {
            assert_eq!(Known::of(name.as_bytes()), Known::Host);
        }
        assert_eq!(Known::of(b"Proxy-Authentication-Info"), Known::Proxy);
        assert_eq!(Known::of(b"Proxy-Authorization"), Known::Proxy);
        assert_eq!(Known::of(b"Hosts"), Known::Other);
    }
}
