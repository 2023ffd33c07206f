//! Where a body ends: decided once from the head, by both versions' rules, and refused wherever two readers could differ.

use super::fields::{Fields, Known, tokens};
use super::head::{Method, RequestHead, ResponseHead, Version};
use super::refusal::Refusal;

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is no body, and no word of a length.
    #[default]
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks, the last of which is empty.
    Chunked,
    /// All that comes until the connection closes; only responses.
    UntilClose,
}

/// More digits than any body needs, and fewer than overflow.
const LENGTH_DIGITS_MAX: usize = 18;

/// The framing of a request's body.
pub fn request_framing(head: &RequestHead) -> Result<Framing, Refusal> {
    let coding = coding(head.fields());
    let length = length(head.fields());
    match (coding, length) {
        (Coding::Absent, Length::Absent) => Ok(Framing::None),
        (Coding::Absent, Length::Bytes(bytes)) => Ok(Framing::Length(bytes)),
        (Coding::Absent, Length::Bad) => Err(Refusal::bad("Content-Length is not one decimal number.")),
        (_, Length::Bytes(_) | Length::Bad) => {
            Err(Refusal::bad("The request has both Transfer-Encoding and Content-Length."))
        }
        _ if head.version() == Version::Http10 => Err(Refusal::bad("An HTTP/1.0 request has no Transfer-Encoding.")),
        (Coding::Chunked, _) => Ok(Framing::Chunked),
        (Coding::Others, _) => Err(Refusal::new(501, "The only Transfer-Encoding that is understood is chunked.")),
        (Coding::Bad, _) => Err(Refusal::bad("Transfer-Encoding is not just `chunked`, once.")),
    }
}

/// The framing of the body of a response to a request with this method.
pub fn response_framing(head: &ResponseHead, method: Method) -> Result<Framing, Refusal> {
    let coding = coding(head.fields());
    let length = length(head.fields());
    if matches!(coding, Coding::Bad | Coding::Others) {
        return Err(Refusal::garbage("The server's answer has a Transfer-Encoding other than chunked."));
    }
    if matches!((coding, length), (Coding::Absent, Length::Bad)) {
        return Err(Refusal::garbage("The Content-Length of the server's answer is not one decimal number."));
    }
    Ok(match (coding, length) {
        _ if has_no_body(head.status(), method) => Framing::None,
        (Coding::Chunked, _) => Framing::Chunked,
        (_, Length::Bytes(bytes)) => Framing::Length(bytes),
        _ => Framing::UntilClose,
    })
}

/// Whether an answer of this status to this method ends with its head, whatever its fields say.
pub fn has_no_body(status: u16, method: Method) -> bool {
    let tunnels = method == Method::Connect && (200..300).contains(&status);
    method == Method::Head || tunnels || matches!(status, 100..=199 | 204 | 304)
}

/// Whether the sender of a head with these fields keeps its connection open after the message.
pub fn keeps_alive(version: Version, fields: &Fields) -> bool {
    let connection = fields.connection();
    !connection.close && (version == Version::Http11 || connection.keep_alive)
}

/// What Content-Length says, where a response without a body may have one: HEAD and 304.
pub(super) fn declared_length(fields: &Fields) -> Option<u64> {
    match (coding(fields), length(fields)) {
        (Coding::Absent, Length::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

/// Whether a response without a body says that it would be chunked.
pub(super) fn declares_chunks(fields: &Fields) -> bool {
    matches!(coding(fields), Coding::Chunked)
}

#[derive(Clone, Copy)]
enum Coding {
    Absent,
    Chunked,
    /// Real codings with chunked last.
    Others,
    Bad,
}

fn coding(fields: &Fields) -> Coding {
    let mut values = fields.all(Known::TransferEncoding);
    match (values.next(), values.next()) {
        (None, _) => Coding::Absent,
        (Some(value), None) if value.eq_ignore_ascii_case(b"chunked") => Coding::Chunked,
        (Some(value), None) if ends_in_chunks(value) => Coding::Others,
        _ => Coding::Bad,
    }
}

fn ends_in_chunks(value: &[u8]) -> bool {
    let is_chunked = |token: &[u8]| token.eq_ignore_ascii_case(b"chunked");
    let is_name = |token: &[u8]| token.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let last = tokens(value).last();
    last.is_some_and(is_chunked)
        && tokens(value).filter(|token| is_chunked(token)).count() == 1
        && tokens(value).all(is_name)
}

#[derive(Clone, Copy)]
enum Length {
    Absent,
    Bytes(u64),
    Bad,
}

/// Equal lengths in several fields are one; a list within a field is none.
fn length(fields: &Fields) -> Length {
    let mut found = Length::Absent;
    for value in fields.all(Known::ContentLength) {
        found = match (digits(value), found) {
            (Some(bytes), Length::Absent) => Length::Bytes(bytes),
            (Some(bytes), Length::Bytes(before)) if bytes == before => found,
            _ => return Length::Bad,
        };
    }
    found
}

fn digits(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > LENGTH_DIGITS_MAX {
        return None;
    }
    value.iter().try_fold(0, |sum: u64, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::super::head::{parse_request, parse_response};
    use super::*;

    fn request(version: &str, fields: &str) -> Result<Framing, u16> {
        let mut head = RequestHead::default();
        parse_request(format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n").as_bytes(), &mut head).unwrap();
        request_framing(&head).map_err(|refusal| refusal.status)
    }

    fn response(line: &str, fields: &str, method: Method) -> Result<Framing, u16> {
        let mut head = ResponseHead::default();
        parse_response(format!("HTTP/{line}\r\n{fields}\r\n").as_bytes(), &mut head).unwrap();
        response_framing(&head, method).map_err(|refusal| refusal.status)
    }

    #[test]
    fn a_request_is_framed_in_one_way_or_refused() {
        for (fields, want) in [
            ("", Ok(Framing::None)),
            ("Content-Length: 0\r\n", Ok(Framing::Length(0))),
            ("Content-Length: 007\r\n", Ok(Framing::Length(7))),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", Ok(Framing::Length(5))),
            ("Content-Length: 999999999999999999\r\n", Ok(Framing::Length(999_999_999_999_999_999))),
            ("Content-Length: 1000000000000000000\r\n", Err(400)),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", Err(400)),
            ("Content-Length: 5, 5\r\n", Err(400)),
            ("Content-Length: +5\r\n", Err(400)),
            ("Content-Length: -5\r\n", Err(400)),
            ("Content-Length: 5 5\r\n", Err(400)),
            ("Content-Length: 0x5\r\n", Err(400)),
            ("Content-Length:\r\n", Err(400)),
            ("Transfer-Encoding: chunked\r\n", Ok(Framing::Chunked)),
            ("Transfer-Encoding: CHUNKED\r\n", Ok(Framing::Chunked)),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Err(400)),
            ("Content-Length: x\r\nTransfer-Encoding: chunked\r\n", Err(400)),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(400)),
            ("Transfer-Encoding: chunked, chunked\r\n", Err(400)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(501)),
            ("Transfer-Encoding: chunked, gzip\r\n", Err(400)),
            ("Transfer-Encoding: identity\r\n", Err(400)),
            ("Transfer-Encoding: xchunked\r\n", Err(400)),
            ("Transfer-Encoding: \"chunked\"\r\n", Err(400)),
            ("Transfer-Encoding: chunked;q=1\r\n", Err(400)),
            ("Transfer-Encoding:\r\n", Err(400)),
        ] {
            assert_eq!(request("1.1", fields), want, "{fields:?}");
        }
        assert_eq!(request("1.0", "Transfer-Encoding: chunked\r\n"), Err(400));
        assert_eq!(request("1.0", "Content-Length: 5\r\n"), Ok(Framing::Length(5)));
    }

    #[test]
    fn a_response_is_framed_by_its_status_and_the_method_first() {
        for (line, fields, method, want) in [
            ("1.1 200 OK", "Content-Length: 5\r\n", Method::Get, Ok(Framing::Length(5))),
            ("1.1 200 OK", "Content-Length: 5\r\n", Method::Head, Ok(Framing::None)),
            ("1.1 304 OK", "Content-Length: 5\r\n", Method::Get, Ok(Framing::None)),
            ("1.1 204 OK", "Transfer-Encoding: chunked\r\n", Method::Get, Ok(Framing::None)),
            ("1.1 200 OK", "", Method::Connect, Ok(Framing::None)),
            ("1.1 404 OK", "", Method::Connect, Ok(Framing::UntilClose)),
            ("1.1 200 OK", "", Method::Get, Ok(Framing::UntilClose)),
            ("1.1 200 OK", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Method::Get, Ok(Framing::Chunked)),
            ("1.1 200 OK", "Transfer-Encoding: chunked\r\nContent-Length: x\r\n", Method::Get, Ok(Framing::Chunked)),
            ("1.1 200 OK", "Content-Length: 5\r\nContent-Length: 6\r\n", Method::Get, Err(502)),
            ("1.1 200 OK", "Content-Length: x\r\n", Method::Get, Err(502)),
            ("1.1 200 OK", "Transfer-Encoding: gzip, chunked\r\n", Method::Get, Err(502)),
            ("1.1 200 OK", "Transfer-Encoding: identity\r\n", Method::Get, Err(502)),
        ] {
            assert_eq!(response(line, fields, method), want, "{line} {fields:?} {method:?}");
        }
    }
}
