//! Finds URLs of servers in plain text: `http`, `https`, `ws`, `wss`, and bare addresses such as `localhost:3000`.
//!
//! The text must have no escape sequences (see [`crate::wire::ansi::strip`]): a URL with colours inside is then whole.
//! Every URL has a colon, so the search hops from colon to colon; a line without one costs a `memchr`.

use memchr::memchr;

/// How to talk to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http://`, and what a bare address is taken for.
    Http,
    /// `https://`.
    Https,
    /// `ws://`.
    WebSocket,
    /// `wss://`.
    SecureWebSocket,
}

/// A URL found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// The URL as it stands there.
    pub text: &'a str,
    /// Where in the text it starts.
    pub start: usize,
    /// How to talk to the server.
    pub scheme: Scheme,
    /// The host; an IPv6 address is without its brackets.
    pub host: &'a str,
    /// The port, if it is named.
    pub port: Option<u16>,
    /// Whether the scheme is missing.
    pub bare: bool,
    /// What stands before it in the text.
    pub before: &'a [u8],
    /// What stands behind it in the text.
    pub behind: &'a [u8],
}

impl Url<'_> {
    /// Whether a server on this machine or in its network is meant, and not a page in the world.
    pub fn is_local(&self) -> bool {
        is_local_host(self.host) || (self.port.is_some() && !self.host.contains(['.', ':']))
    }

    /// The URL as a browser can open it: with a scheme, and `localhost` where the address means "every interface".
    ///
    /// ```
    /// let url = brummer::wire::url::find(b"listening on 0.0.0.0:8080").next().unwrap();
    /// assert_eq!(url.to_open(), "http://localhost:8080");
    /// ```
    pub fn to_open(&self) -> String {
        let text = if self.bare { format!("http://{}", self.text) } else { self.text.to_owned() };
        match self.host {
            "0.0.0.0" => text.replacen("0.0.0.0", "localhost", 1),
            "::" => text.replacen("[::]", "localhost", 1),
            _ => text,
        }
    }
}

/// Loopback, private and link-local addresses, and names that only mean something here.
fn is_local_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    if let Ok(v4) = host.parse::<std::net::Ipv4Addr>() {
        return v4.is_loopback() || v4.is_unspecified() || v4.is_private() || v4.is_link_local();
    }
    if let Ok(v6) = host.split('%').next().unwrap_or("").parse::<std::net::Ipv6Addr>() {
        return v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local();
    }
    host == "localhost" || host == "host.docker.internal" || host.ends_with(".localhost") || host.ends_with(".local")
}

/// The URLs in `text`, from left to right.
///
/// ```
/// let text = b"ready at http://[::1]:5173/app, docs: https://vite.dev.";
/// let found: Vec<_> = brummer::wire::url::find(text).map(|url| (url.text, url.is_local())).collect();
/// assert_eq!(found, [("http://[::1]:5173/app", true), ("https://vite.dev", false)]);
/// ```
pub fn find(text: &[u8]) -> Urls<'_> {
    find_from(text, 0)
}

/// The same for a text that has no [`next_colon`] before byte `colon`.
#[inline]
pub fn find_from(text: &[u8], colon: usize) -> Urls<'_> {
    Urls { text, from: 0, colon: colon.min(text.len()) }
}

/// Where the next colon from byte `from` on is that may be part of a URL; the text's end if there is none.
#[inline]
pub fn next_colon(text: &[u8], from: usize) -> usize {
    let mut from = from;
    while let Some(at) = memchr(b':', &text[from..]) {
        let colon = from + at;
        // The byte after the colon settles nearly every colon that is not part of a URL.
        if matches!(text.get(colon + 1), Some(b'/' | b'0'..=b'9')) {
            return colon;
        }
        from = colon + 1;
    }
    text.len()
}

/// The iterator of [`find`].
#[derive(Clone, Debug)]
pub struct Urls<'a> {
    text: &'a [u8],
    /// Where the last URL ended.
    from: usize,
    /// Where to look for the next colon.
    colon: usize,
}

impl<'a> Iterator for Urls<'a> {
    type Item = Url<'a>;

    #[inline]
    fn next(&mut self) -> Option<Url<'a>> {
        loop {
            let colon = next_colon(self.text, self.colon);
            if colon == self.text.len() {
                return None;
            }
            self.colon = colon + 1;
            if let Some(url) = at_colon(self.text, self.from, colon) {
                self.from = url.start + url.text.len();
                self.colon = self.from.max(colon + 1);
                return Some(url);
            }
        }
    }
}

const SCHEMES: [(&[u8], Scheme); 4] =
    [(b"https", Scheme::Https), (b"http", Scheme::Http), (b"wss", Scheme::SecureWebSocket), (b"ws", Scheme::WebSocket)];
/// Words before the bare address of a caller; in access logs it is ` - "` behind it that tells.
const CALLERS: [&[u8]; 2] = [b" from ", b"panic serving "];
const BARE_HOSTS: [&[u8]; 5] = [b"localhost", b"127.0.0.1", b"0.0.0.0", b"[::1]", b"[::]"];

/// The URL whose scheme or bare host ends at `colon`; nothing before `from` belongs to it.
fn at_colon(text: &[u8], from: usize, colon: usize) -> Option<Url<'_>> {
    let before = &text[from..colon];
    if text[colon + 1..].starts_with(b"//") {
        let (name, scheme) = *SCHEMES.iter().find(|(name, _)| ends_with(before, name))?;
        let start = colon - name.len();
        if start > from && text[start - 1].is_ascii_alphanumeric() {
            return None;
        }
        return url(text, start, colon + 3, scheme, false);
    }
    let host = BARE_HOSTS.iter().find(|host| ends_with(before, host))?;
    let start = colon - host.len();
    let glued = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b'@' | b':') || b >= 0x80;
    let arrow_or_line = |at: usize| std::str::from_utf8(&text[at.saturating_sub(3)..at]).is_ok_and(not_a_letter);
    if start > 0 && glued(text[start - 1]) && !(text[start - 1] >= 0x80 && arrow_or_line(start)) {
        return None;
    }
    if CALLERS.iter().any(|word| text[..start].ends_with(word)) {
        return None;
    }
    let url = url(text, start, start, Scheme::Http, true)?;
    (!text[start + url.text.len()..].starts_with(b" - \"")).then_some(url)
}

fn not_a_letter(text: &str) -> bool {
    text.chars().next_back().is_some_and(|c| !c.is_alphanumeric())
}

fn ends_with(text: &[u8], end: &[u8]) -> bool {
    text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}

/// The URL that starts at `start` and whose authority starts at `authority`.
fn url(text: &[u8], start: usize, authority: usize, scheme: Scheme, bare: bool) -> Option<Url<'_>> {
    let mut end = authority + extent(&text[authority..]);
    let whole = std::str::from_utf8(&text[authority..end]).ok()?;
    let authority_len = whole.find(['/', '?', '#', ',', ';']).unwrap_or(whole.len());
    let host_from = whole[..authority_len].rfind('@').map_or(0, |at| at + 1);
    let (host, port, host_len) = host_and_port(&whole[host_from..authority_len])?;
    if host_from + host_len < authority_len || whole[authority_len..].starts_with([',', ';']) {
        // `localhost:3000:` or `a.dev,http://b.dev`: what does not belong to the authority ends the URL.
        end = authority + host_from + host_len;
    } else {
        end -= position_len(&whole.as_bytes()[authority_len..]);
    }
    let (before, behind) = (&text[..start], &text[end..]);
    let text = std::str::from_utf8(&text[start..end]).ok()?;
    Some(Url { text, start, scheme, host, port, bare, before, behind })
}

/// The host, the port, and how many bytes of `authority` they are.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>, usize)> {
    let (host, host_len) = match authority.strip_prefix('[') {
        Some(rest) => {
            let host = &rest[..rest.find(']')?];
            host.split('%').next()?.parse::<std::net::Ipv6Addr>().ok()?;
            (host, host.len() + 2)
        }
        None => {
            let host = &authority[..authority.find(':').unwrap_or(authority.len())];
            let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') || b >= 0x80;
            let sound = host.bytes().all(known) && host.bytes().next()?.is_ascii_alphanumeric() | !host.is_ascii();
            (sound.then_some(host)?, host.len())
        }
    };
    let Some(rest) = authority[host_len..].strip_prefix(':') else {
        return authority[host_len..].is_empty().then_some((host, None, host_len));
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        // `http://localhost:` is a host; `http://localhost:PORT` is an example.
        return rest.is_empty().then_some((host, None, host_len));
    }
    let port = rest[..digits].parse::<u16>().ok().filter(|&port| port != 0)?;
    (!rest[digits..].starts_with(|c: char| c.is_alphanumeric())).then_some((host, Some(port), host_len + 1 + digits))
}

/// What is longer is cut here: it is data, not an address, and a line full of false starts must not take long.
const URL_BYTES_MAX: usize = 2048;

/// How many bytes from the start of `text` may belong to a URL: up to white space, a quote, a bracket that was not opened
/// inside; without the punctuation of the sentence around it.
fn extent(text: &[u8]) -> usize {
    let text = &text[..text.len().min(URL_BYTES_MAX)];
    let (mut end, mut round, mut square) = (0, 0usize, 0usize);
    while let Some(&b) = text.get(end) {
        match b {
            0..=b' ' | 0x7f | b'"' | b'\'' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'\\' | b'^' => break,
            b'(' => round += 1,
            b'[' => square += 1,
            b')' if round == 0 => break,
            b']' if square == 0 => break,
            b')' => round -= 1,
            b']' => square -= 1,
            0x80.. => match letter_len(&text[end..]) {
                Some(len) => {
                    end += len;
                    continue;
                }
                None => break,
            },
            _ => {}
        }
        end += 1;
    }
    while end > 0 && matches!(text[end - 1], b'.' | b',' | b';' | b':' | b'!' | b'?' | b'*' | b'(' | b'[' | b'$') {
        end -= 1;
    }
    end
}

/// The length of the letter or digit beyond ASCII at the start of `text`, if there is one.
fn letter_len(text: &[u8]) -> Option<usize> {
    let first = text.utf8_chunks().next()?.valid().chars().next()?;
    first.is_alphanumeric().then(|| first.len_utf8())
}

/// The length of a source position (`:12` or `:12:34`) at the end of a path, as stack traces have it.
fn position_len(path: &[u8]) -> usize {
    let mut kept = path.len();
    for _ in 0..2 {
        let digits = path[..kept].iter().rev().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits >= kept || path[kept - digits - 1] != b':' {
            break;
        }
        kept -= digits + 1;
    }
    path.len() - kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Vec<&str> {
        find(text.as_bytes()).map(|url| url.text).collect()
    }

    #[test]
    fn urls_end_where_a_reader_would_end_them() {
        for (text, urls) in [
            ("Local:   http://localhost:5173/", &["http://localhost:5173/"][..]),
            ("(see https://nextjs.org/docs/a_(b)).", &["https://nextjs.org/docs/a_(b)"]),
            ("\"http://a.dev/x?y=[1]&z=2\", next", &["http://a.dev/x?y=[1]&z=2"]),
            ("<http://a.dev/>;'http://b.dev'", &["http://a.dev/", "http://b.dev"]),
            ("[http://a.dev] **http://b.dev**!", &["http://a.dev", "http://b.dev"]),
            ("http://[::1]:3000, http://[fe80::1%eth0]:80/x", &["http://[::1]:3000", "http://[fe80::1%eth0]:80/x"]),
            ("http://localhost:3000: up; http://localhost: down", &["http://localhost:3000", "http://localhost"]),
            ("at f (http://localhost:3000/app.js:10:5)", &["http://localhost:3000/app.js"]),
            ("WS://x.dev wss://y.dev/ws", &["WS://x.dev", "wss://y.dev/ws"]),
            ("│ http://localhost:3000│ →http://a.dev…", &["http://localhost:3000", "http://a.dev"]),
            ("http://user:pw@127.0.0.1:80/käse.", &["http://user:pw@127.0.0.1:80/käse"]),
            ("http://a.dev,http://b.dev", &["http://a.dev", "http://b.dev"]),
        ] {
            assert_eq!(found(text), urls, "{text}");
        }
    }

    #[test]
    fn a_bare_address_of_this_machine_is_a_url() {
        for (text, open) in [
            ("listening on localhost:3000", "http://localhost:3000"),
            ("=127.0.0.1:8080/x?y.", "http://127.0.0.1:8080/x?y"),
            ("on 0.0.0.0:8080", "http://localhost:8080"),
            ("tcp [::]:3000,", "http://localhost:3000"),
            ("([::1]:3000)", "http://[::1]:3000"),
            ("➜localhost:3000", "http://localhost:3000"),
        ] {
            let url = find(text.as_bytes()).next().unwrap_or_else(|| panic!("{text}"));
            assert!(url.bare && url.is_local(), "{text}");
            assert_eq!(url.to_open(), open);
        }
    }

    #[test]
    fn what_only_looks_like_a_url_is_none() {
        for text in [
            "postgres://localhost:5432/db",
            "mylocalhost:3000 user@localhost:22 10.127.0.0.1:80",
            "http:// https://... http://${HOST}:3000 http://localhost:PORT",
            "12:34:56 a:b ::1 c://d localhost:0 localhost:99999 localhost:30x",
            "xhttp://a.dev http://[zz]:1 http://-a",
            "localhost: 3000",
            "INFO:     127.0.0.1:53422 - \"GET /cart HTTP/1.1\" 200 OK",
            "connection from 127.0.0.1:53422, http: panic serving 127.0.0.1:53422: no",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_page_in_the_world_is_not_a_local_server() {
        for (text, local) in [
            ("https://vite.dev/guide", false),
            ("https://8.8.8.8:443/", false),
            ("http://example.com:8080", false),
            ("http://192.168.1.20:3000", true),
            ("http://app.localhost", true),
            ("http://mac.local:3000", true),
            ("http://devbox:3000", true),
            ("http://[fd00::1]/", true),
            ("http://172.32.0.1:1", false),
        ] {
            assert_eq!(find(text.as_bytes()).next().map(|url| url.is_local()), Some(local), "{text}");
        }
    }

    proptest! {
        #[test]
        fn urls_lie_in_the_text_in_order_and_do_not_overlap(text in "([a-z:/\\[\\]().@0-9 é]|http://|localhost:|\\[::1\\]:){0,40}") {
            let mut from = 0;
            for url in find(text.as_bytes()) {
                prop_assert!(url.start >= from && !url.text.is_empty());
                prop_assert_eq!(&text[url.start..url.start + url.text.len()], url.text);
                from = url.start + url.text.len();
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let text = [b"http://", &bytes[..], b"://localhost:", &bytes[..]].concat();
            find(&text).count();
        }
    }
}
