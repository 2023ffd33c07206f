//! Why bytes are not passed on: a status, a sentence, and the small answer that tells the client both.

use std::io::Write as _;

/// Why a message goes no further. Of a request the client is told; of a response the client hears a 502.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status that the client gets.
    pub status: u16,
    /// A sentence for a person.
    pub reason: &'static str,
}

impl Refusal {
    /// A refusal with this status and this sentence.
    pub const fn new(status: u16, reason: &'static str) -> Refusal {
        Refusal { status, reason }
    }

    pub(super) const fn bad(reason: &'static str) -> Refusal {
        Refusal { status: 400, reason }
    }

    pub(super) const fn garbage(reason: &'static str) -> Refusal {
        Refusal { status: 502, reason }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, phrase(self.status), self.reason)
    }
}

impl std::error::Error for Refusal {}

/// Appends a whole answer that says why, after which the connection closes. `without_body` for an answer to HEAD.
///
/// ```
/// use brummer::wire::http1::{Refusal, refusal_answer};
/// let mut out = Vec::new();
/// refusal_answer(&Refusal::new(414, "The target is too long."), false, &mut out);
/// assert!(out.starts_with(b"HTTP/1.1 414 URI Too Long\r\n"));
/// assert!(out.ends_with(b"The target is too long.\n"));
/// ```
pub fn refusal_answer(refusal: &Refusal, without_body: bool, out: &mut Vec<u8>) {
    let Refusal { status, reason } = *refusal;
    let title = phrase(status);
    let bytes = "Brummer: ".len() + 3 + 1 + title.len() + 2 + reason.len() + 1;
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        "HTTP/1.1 {status} {title}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {bytes}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    if !without_body {
        let _ = write!(out, "Brummer: {status} {title}\n\n{reason}\n");
    }
}

/// The words that belong to a status; an unknown one has those of its class.
pub fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => phrase_of_class(status),
    }
}

fn phrase_of_class(status: u16) -> &'static str {
    match status / 100 {
        1 => "Informational",
        2 => "Success",
        3 => "Redirection",
        4 => "Client Error",
        _ => "Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_and_closes() {
        for status in [400, 408, 411, 414, 421, 431, 501, 502, 505, 508, 499, 599] {
            let mut out = Vec::new();
            refusal_answer(&Refusal::new(status, "Because."), false, &mut out);
            let text = String::from_utf8(out).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{text}");
            assert!(head.ends_with("Connection: close") && body.ends_with("\n\nBecause.\n"), "{text}");
            let mut short = Vec::new();
            refusal_answer(&Refusal::new(status, "Because."), true, &mut short);
            assert_eq!(short, format!("{head}\r\n\r\n").into_bytes());
        }
    }
}
