//! Whether a URL in a line is a server that the process opened, or one that it only speaks of.
//!
//! A process says of its own server that it listens, runs, is ready; or nothing but a label. Of others it says that it
//! asks, forwards to, waits for or was asked by them. The nearest word before the URL that says either decides, unless the
//! line says that something failed; where no word does, a URL is believed. Only words near the URL are read.

use crate::wire::url::Url;

/// Bytes that are read before and behind a URL.
const BEFORE_BYTES_MAX: usize = 256;
const BEHIND_BYTES_MAX: usize = 128;

/// Words of a process that speaks of its own server.
const OWN: &[&str] = &[
    "listening",
    "listens",
    "running",
    "runs",
    "started",
    "starting",
    "serving",
    "ready",
    "local",
    "network",
    "loopback",
    "external",
    "available",
    "accepting",
    "connections",
    "requests",
    "live",
    "up",
    "visit",
    "browse",
    "browser",
    "bound",
];
/// Words of one that speaks of another's.
const OTHER: &[&str] = &[
    "from",
    "via",
    "connect",
    "connecting",
    "connected",
    "connection",
    "request",
    "requesting",
    "upstream",
    "upstreams",
    "backend",
    "referrer",
    "referer",
    "wait",
    "waiting",
    "curl",
    "wget",
    "ping",
    "pinging",
    "polling",
    "calling",
    "called",
    "cors",
    "origin",
    "origins",
    "target",
    "webhook",
    "callback",
    "sending",
    "sent",
    "posting",
    "opening",
    "loading",
    "example",
    "visited",
    "checking",
    "probing",
    "trying",
    "retrying",
    "use",
];
/// How such words begin.
const OTHER_STARTS: &[&str] =
    &["prox", "forward", "redirect", "fetch", "reconnect", "download", "upload", "tunnel", "crawl"];
/// What another's URL is called, right before it: `upstream: "`, `host="`.
const KEYS: &[&str] = &[
    "host",
    "client",
    "peer",
    "remote",
    "destination",
    "dest",
    "location",
    "issuer",
    "audience",
    "baseurl",
    "apiurl",
    "href",
];
/// How words begin that say that it came to nothing.
const FAILED: &[&str] = &[
    "fail",
    "refused",
    "econn",
    "eaddr",
    "etimedout",
    "enotfound",
    "ehost",
    "unreach",
    "timeout",
    "timed",
    "cannot",
    "unable",
    "couldn",
    "hang",
];

/// Whether this URL is one under which the process that printed it can be reached.
pub(super) fn is_server(url: &Url<'_>) -> bool {
    if !url.is_local() {
        return false;
    }
    let before = &url.before[url.before.len().saturating_sub(BEFORE_BYTES_MAX)..];
    let behind = &url.behind[..url.behind.len().min(BEHIND_BYTES_MAX)];
    if is_place(behind) || is_of_a_request(before) || is_setting(before) || is_target_of_an_arrow(before) {
        return false;
    }
    if words(before).any(|word| is_failure(word) || ends_with_error(word)) {
        return false;
    }
    match words(before).rev().find_map(says) {
        Some(own) => own,
        None => !words(behind).any(is_failure),
    }
}

/// `Some(true)`: a word of a process that speaks of its own server.
fn says(word: &[u8]) -> Option<bool> {
    let is = |known: &&str| word.eq_ignore_ascii_case(known.as_bytes());
    if OWN.iter().any(is) {
        return Some(true);
    }
    (OTHER.iter().any(is) || begins(word, OTHER_STARTS)).then_some(false)
}

fn is_failure(word: &[u8]) -> bool {
    begins(word, FAILED)
}

/// `Error`, `TypeError`.
fn ends_with_error(word: &[u8]) -> bool {
    word.len() >= 5 && word[word.len() - 5..].eq_ignore_ascii_case(b"error")
}

fn begins(word: &[u8], starts: &[&str]) -> bool {
    starts.iter().any(|start| word.len() >= start.len() && word[..start.len()].eq_ignore_ascii_case(start.as_bytes()))
}

fn words(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split(|b| !b.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

/// A line and column behind it: the URL of a source file in a stack.
fn is_place(behind: &[u8]) -> bool {
    matches!(behind, [b':', digit, ..] if digit.is_ascii_digit())
}

/// `GET http://…`, or what stands behind the request in an access log: `"GET / HTTP/1.1" 200 12 "http://…"`.
fn is_of_a_request(before: &[u8]) -> bool {
    const METHODS: [&[u8]; 7] = [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS"];
    let last = words(before).next_back();
    let is_next = before.last() == Some(&b' ') && before.trim_ascii_end().last().is_some_and(u8::is_ascii_uppercase);
    let version = memchr::memmem::find(before, b" HTTP/").and_then(|at| before.get(at + 6));
    version.is_some_and(u8::is_ascii_digit) || is_next && last.is_some_and(|word| METHODS.contains(&word))
}

/// `API_URL=` or `"host": "`: the value of a setting or of a field.
fn is_setting(before: &[u8]) -> bool {
    let end = before
        .iter()
        .rposition(|b| !matches!(b, b' ' | b'"' | b'\'' | b'`' | b':' | b'=' | b'\\'))
        .map_or(0, |at| at + 1);
    let start = before[..end].iter().rposition(|b| !b.is_ascii_alphanumeric() && *b != b'_').map_or(0, |at| at + 1);
    let (key, sign) = (&before[start..end], &before[end..]);
    if key.is_empty() || !sign.iter().any(|b| matches!(b, b':' | b'=')) {
        return false;
    }
    let is_variable =
        key.contains(&b'_') && key.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    let is_quoted = sign.iter().any(|b| matches!(b, b'"' | b'\'' | b'='));
    is_variable || KEYS.iter().any(|known| key.eq_ignore_ascii_case(known.as_bytes())) && (is_quoted || key != b"Host")
}

/// `/api -> http://…`: where a path is sent to.
fn is_target_of_an_arrow(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let arrows = [&b"->"[..], b"=>", "→".as_bytes(), b"~>"];
    let path = arrows.iter().find_map(|arrow| before.strip_suffix(*arrow));
    let from = path.and_then(|path| path.trim_ascii_end().rsplit(u8::is_ascii_whitespace).next());
    from.is_some_and(|from| from.iter().any(|b| *b == b'/' || *b == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::url;

    fn servers(text: &str) -> Vec<String> {
        url::find(text.as_bytes()).filter(is_server).map(|url| url.to_open()).collect()
    }

    #[test]
    fn ls05_a_url_that_a_process_announces_is_its_server() {
        for text in [
            "http://localhost:3000",
            "  ➜  Local:   http://localhost:3000/",
            "  ➜  Network: http://192.168.1.20:3000/",
            "➜ http://localhost:3000",
            "-> http://localhost:3000",
            "Server listening at http://127.0.0.1:3000",
            "proxy listening on http://127.0.0.1:3000",
            "connected to the database, server up at http://127.0.0.1:3000",
            "waiting for connections at localhost:3000",
            "INFO  Accepting connections at http://localhost:3000",
            "ready to handle requests on 0.0.0.0:3000",
            " * Running on http://0.0.0.0:5000 (failed to open a browser)",
            "Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...",
            r#"{"level":30,"msg":"Server listening at http://127.0.0.1:3000"}"#,
            "msg=\"started\" url=http://localhost:3000",
            "Open http://localhost:3000 in your browser",
            "Debugger listening on ws://127.0.0.1:9229/0f2c936f",
            "2026/01/14 14:02:28 listening on [::]:8080",
            "GraphQL ready at http://localhost:4000/graphql",
            "Available at: http://devbox:3000",
            "Host: http://localhost:3000",
            "- ready started server on 0.0.0.0:3000, url: http://localhost:3000",
        ] {
            assert!(!servers(text).is_empty(), "{text}");
            assert_eq!(servers(text).len(), url::find(text.as_bytes()).count(), "{text}");
        }
    }

    #[test]
    fn ls05_a_url_that_a_process_only_speaks_of_is_no_server() {
        for text in [
            r#"connect() failed (111: Connection refused) while connecting to upstream, client: 172.18.0.1, server: localhost, request: "GET /cart HTTP/1.1", upstream: "http://172.18.0.3:3000/cart", host: "localhost:8080", referrer: "http://localhost:8080/""#,
            r#"172.18.0.1 - - [14/Jan/2026:14:02:29 +0000] "GET /cart HTTP/1.1" 502 157 "http://localhost:8080/" "Mozilla/5.0""#,
            "bind() to 0.0.0.0:80 failed (98: Address already in use)",
            "Error: listen EADDRINUSE: address already in use 127.0.0.1:3000",
            "Error: connect ECONNREFUSED 127.0.0.1:5432",
            "connect ECONNREFUSED 127.0.0.1:5432",
            "fetch http://localhost:3000/x failed",
            "http://localhost:3000/x: connection refused",
            "Failed to start listening on http://localhost:3000",
            "[HPM] Proxy created: /api  -> http://localhost:3001",
            "/api/* => http://localhost:3001",
            "proxying to http://localhost:3001",
            "Proxying: http://localhost:3001",
            "Forwarding https://x.ngrok.io -> http://localhost:3001",
            "redirecting to http://localhost:3001/login",
            "connected to server at http://localhost:4000",
            "Waiting for http://localhost:3000 to answer",
            "wait-on http://localhost:3000",
            "GET http://localhost:3000/cart 200 12ms",
            "request from http://localhost:5173",
            r#"{"req":{"method":"GET","headers":{"host":"localhost:3000","referer":"http://localhost:3000/"}}}"#,
            "API_URL=http://localhost:4000",
            "VITE_API_URL: 'http://localhost:4000'",
            "baseURL: 'http://localhost:4000',",
            "CORS enabled for http://localhost:5173",
            "TypeError: x at f (http://localhost:3000/app.js:10:5)",
            "    at f (http://localhost:3000/app.js:10:5)",
            "curl http://localhost:3000/health",
            "docs: https://vite.dev",
        ] {
            assert_eq!(servers(text), [""; 0], "{text}");
        }
    }
}
