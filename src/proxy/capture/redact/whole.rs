//! An exchange with all its secrets masked.

use std::sync::Arc;

use super::fields::{header, url};
use super::text::{body_text, loose};
use crate::proxy::capture::decode::{Kind, frames, parameter, plain, to_text};
use crate::proxy::{Body, Exchange, Frame, HeaderBuffer, Headers};

/// A copy of the exchange as it may be shown to anybody: URL, headers, bodies and messages with their secrets masked.
///
/// A body in which something is masked comes without its encoding, as UTF-8; one that cannot be read is left out, for nobody
/// can tell what is in it.
pub fn masked(exchange: &Exchange) -> Exchange {
    let mut masked = exchange.clone();
    masked.opened.url = url(&exchange.opened.url).into();
    let (headers, body) = side(&exchange.opened.headers, &exchange.request_body);
    (masked.opened.headers, masked.request_body) = (headers, body);
    let (headers, body) = side(&exchange.response.headers, &exchange.response.body);
    (masked.response.headers, masked.response.body) = (headers, body);
    masked.frames = frames(exchange);
    masked.frames.iter_mut().for_each(mask_frame);
    if let Some(failure) = &mut masked.failure {
        failure.text = loose(&failure.text).into();
    }
    masked
}

fn side(headers: &Headers, body: &Body) -> (Headers, Body) {
    let readable = readable(headers, body);
    let mut buffer = HeaderBuffer::default();
    for (name, value) in headers {
        match &readable {
            Some(_) if name.eq_ignore_ascii_case("content-encoding") => {}
            Some(_) if name.eq_ignore_ascii_case("content-type") => {
                buffer.push(name, &header(name, as_utf8(&String::from_utf8_lossy(value)).as_bytes()));
            }
            _ => buffer.push(name, &header(name, value)),
        }
    }
    (buffer.take(), readable.unwrap_or_else(|| body.clone()))
}

/// The media type with the charset that the text has now.
fn as_utf8(value: &str) -> String {
    let parameters =
        value.split(';').map(|part| match part.trim_start().to_ascii_lowercase().starts_with("charset=") {
            true => " charset=utf-8".to_owned(),
            false => part.to_owned(),
        });
    parameters.collect::<Vec<_>>().join(";")
}

/// The body with masks, if there is something to mask.
fn readable(headers: &Headers, body: &Body) -> Option<Body> {
    if body.kept.is_empty() {
        return None;
    }
    let plain = plain(headers, body);
    if plain.still_encoded {
        return Some(Body { kept: Arc::default(), bytes: body.bytes });
    }
    let kind = Kind::of(headers, &plain.bytes);
    if !kind.is_text() {
        return None;
    }
    let (text, _) = to_text(&plain.bytes, parameter(headers, "charset").as_deref());
    let masked = body_text(kind, &text, parameter(headers, "boundary").as_deref());
    if *masked == *text {
        return None;
    }
    // It stays a part of a whole that is longer.
    let bytes = if plain.notes.is_empty() { masked.len() as u64 } else { body.bytes.max(masked.len() as u64 + 1) };
    Some(Body { kept: Arc::from(masked.as_bytes()), bytes })
}

fn mask_frame(frame: &mut Frame) {
    if frame.compressed {
        frame.kept = Arc::default();
        return;
    }
    let kind = Kind::of(&Headers::default(), &frame.kept);
    if !kind.is_text() {
        return;
    }
    let text = String::from_utf8_lossy(&frame.kept);
    let masked = body_text(kind, &text, None);
    if *masked == *text {
        return;
    }
    let kept: Arc<[u8]> = Arc::from(masked.as_bytes());
    let whole = frame.kept.len() as u64 == frame.bytes;
    frame.bytes = if whole { kept.len() as u64 } else { frame.bytes.max(kept.len() as u64 + 1) };
    frame.kept = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Failure;
    use crate::proxy::capture::tests::{body, exchange, headers};
    use std::io::Write as _;

    #[test]
    fn no_secret_is_left_anywhere_in_what_is_shown() {
        let secret = "s3cr3t-value-42";
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        write!(encoder, "{{\"accessToken\":\"{secret}\",\"ok\":true}}").expect("in memory");
        let mut full = exchange(1);
        full.opened.url = format!("http://me:{secret}@localhost/?token={secret}#key={secret}").into();
        full.opened.headers = headers(&[
            ("Authorization", &format!("Bearer {secret}")),
            ("Cookie", &format!("a={secret}; b={secret}")),
            ("X-Api-Key", secret),
            ("Referer", &format!("http://localhost/?password={secret}")),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ]);
        full.request_body = body(format!("user=me&password={secret}").as_bytes());
        full.response.headers = headers(&[
            ("Set-Cookie", &format!("sid={secret}; Secure")),
            ("Content-Type", "application/json; charset=latin1"),
            ("Content-Encoding", "gzip"),
        ]);
        full.response.body = body(&encoder.finish().expect("in memory"));
        let kept = Arc::from(format!("{{\"token\":\"{secret}\"}}").as_bytes());
        let text = format!("no answer from http://a/?token={secret}").into();
        full.failure = Some(Failure { kind: "timeout", text });
        full.frames.push_back(Frame { time_ms: 0, up: true, kind: "text".into(), kept, bytes: 27, compressed: false });
        let shown = masked(&full);
        let bodies = [&shown.request_body.kept, &shown.response.body.kept, &shown.frames[0].kept];
        let all = format!("{shown:?}") + &bodies.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        assert!(!all.contains(secret), "{all}");
        assert_eq!(&*shown.response.body.kept, "{\"accessToken\":\"‹masked:15›\",\"ok\":true}".as_bytes());
        assert_eq!(shown.response.headers.text("content-encoding"), None);
        assert_eq!(shown.response.headers.text("content-type"), Some("application/json; charset=utf-8"));
        assert!(!shown.response.body.is_cut() && !shown.request_body.is_cut());
    }

    #[test]
    fn what_has_no_secret_stays_as_it_is_and_what_cannot_be_read_goes() {
        let mut plain = exchange(1);
        plain.response.body = body(b"\x89PNG\r\n");
        let shown = masked(&plain);
        assert_eq!((&shown.opened.headers, &shown.response), (&plain.opened.headers, &plain.response));
        plain.response.headers = headers(&[("Content-Encoding", "dcz")]);
        assert!(masked(&plain).response.body.kept.is_empty());
    }

    #[test]
    fn a_cut_body_stays_cut() {
        let mut cut = exchange(1);
        cut.response.body = Body { kept: Arc::from(*b"{\"token\":\"abc"), bytes: 100 };
        let shown = masked(&cut);
        assert!(shown.response.body.is_cut());
        assert_eq!(&*shown.response.body.kept, "{\"token\":\"‹masked:3›\"".as_bytes());
    }
}
