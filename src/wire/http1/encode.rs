//! Writes heads anew from what was understood of them: nothing that was not understood can get through.

use std::io::Write as _;

use super::fields::{Field, Fields, Known};
use super::forward::{Kind, RequestPlan, ResponsePlan, is_for_this_hop};
use super::framing::Framing;
use super::head::{RequestHead, ResponseHead, TargetForm};
use super::refusal::phrase;

/// What becomes of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It stays.
    Keep,
    /// The field goes.
    Drop,
    /// The closure has appended the new value to the output.
    Written,
}

/// How the client reached us: the values of X-Forwarded-For, -Host and -Proto. What the client itself says there goes.
#[derive(Clone, Copy, Debug)]
pub struct Forwarded<'a> {
    /// The client's address.
    pub client: &'a str,
    /// The Host that it asked for.
    pub host: &'a str,
    /// `http` or `https`.
    pub proto: &'a str,
}

/// How a request goes on to its server.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The Host to ask for.
    pub host: &'a str,
    /// Another path and query than the request's own.
    pub path: Option<&'a [u8]>,
    /// The pseudonym to append to Via; `None` hides us.
    pub via: Option<&'a str>,
    /// X-Forwarded-*; `None` leaves the client's as they are.
    pub forwarded: Option<Forwarded<'a>>,
    /// Fields to add at the end.
    pub append: &'a [(&'a str, &'a [u8])],
    /// The connection is for this request alone.
    pub close: bool,
}

/// How a response goes on to its client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Returned<'a> {
    /// The pseudonym to append to Via: what a forward proxy does, and a gateway need not.
    pub via: Option<&'a str>,
    /// Another status.
    pub status: Option<u16>,
    /// Fields to add at the end.
    pub append: &'a [(&'a str, &'a [u8])],
}

/// Appends the head of a request for its server. `edit` sees every field that goes on, except Host and what is written
/// here; what it writes must hold no controls, else the field goes.
pub fn encode_request(
    head: &RequestHead,
    plan: &RequestPlan,
    to: &Outgoing<'_>,
    mut edit: impl FnMut(Field<'_>, &mut Vec<u8>) -> Edit,
    out: &mut Vec<u8>,
) {
    out.reserve(head.fields().bytes().len() + 512);
    write_target(head, to, out);
    line(out, "Host", to.host.as_bytes());
    for field in head.fields().iter() {
        let ours = match field.known {
            Known::Host | Known::Expect => true,
            Known::MaxForwards => plan.max_forwards.is_some(),
            Known::Forwarded | Known::XForwardedFor | Known::XForwardedHost | Known::XForwardedProto => {
                to.forwarded.is_some()
            }
            _ => is_for_this_hop(&field, head.fields()),
        };
        if !ours {
            edited(field, &mut edit, out);
        }
    }
    if let Some(hops) = plan.max_forwards {
        number(out, "Max-Forwards", u64::from(hops.saturating_sub(1)));
    }
    if let Some(forwarded) = to.forwarded {
        line(out, "X-Forwarded-For", forwarded.client.as_bytes());
        line(out, "X-Forwarded-Host", forwarded.host.as_bytes());
        line(out, "X-Forwarded-Proto", forwarded.proto.as_bytes());
    }
    via(out, head.version().as_str(), to.via);
    appended(out, to.append);
    framing(out, plan.framing, head.fields(), plan.framing == Framing::Chunked);
    if plan.expects_continue {
        out.extend_from_slice(b"Expect: 100-continue\r\n");
    }
    out.extend_from_slice(match (plan.upgrade, to.close, plan.takes_trailers) {
        (true, _, _) => b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        (false, true, false) => b"Connection: close\r\n\r\n",
        (false, true, true) => b"TE: trailers\r\nConnection: close, TE\r\n\r\n",
        (false, false, true) => b"TE: trailers\r\nConnection: TE\r\n\r\n",
        (false, false, false) => b"\r\n",
    });
}

fn write_target(head: &RequestHead, to: &Outgoing<'_>, out: &mut Vec<u8>) {
    let path = to.path.unwrap_or(head.path());
    out.extend_from_slice(head.method().as_bytes());
    out.push(b' ');
    match path {
        [] if head.form() == TargetForm::Absolute && head.method() == "OPTIONS" => out.push(b'*'),
        [b'/', ..] | b"*" => {}
        _ => out.push(b'/'),
    }
    out.extend_from_slice(path);
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// Appends the head of a response for its client. `edit` sees every field that goes on.
pub fn encode_response(
    head: &ResponseHead,
    plan: &ResponsePlan,
    to: &Returned<'_>,
    mut edit: impl FnMut(Field<'_>, &mut Vec<u8>) -> Edit,
    out: &mut Vec<u8>,
) {
    out.reserve(head.fields().bytes().len() + 512);
    let status = to.status.unwrap_or(head.status());
    let reason = if status == head.status() { head.reason() } else { phrase(status) };
    let digits = [b'0' + (status / 100 % 10) as u8, b'0' + (status / 10 % 10) as u8, b'0' + (status % 10) as u8];
    for part in [b"HTTP/1.1 ", &digits[..], b" ", reason.as_bytes(), b"\r\n"] {
        out.extend_from_slice(part);
    }
    for field in head.fields().iter().filter(|field| !is_for_this_hop(field, head.fields())) {
        edited(field, &mut edit, out);
    }
    via(out, head.version().as_str(), to.via);
    appended(out, to.append);
    if plan.kind == Kind::Final {
        framing(out, plan.declared.unwrap_or(plan.write), head.fields(), plan.trailers);
    }
    out.extend_from_slice(end_of_response(plan));
}

fn end_of_response(plan: &ResponsePlan) -> &'static [u8] {
    match (plan.kind, plan.keep_client) {
        (Kind::Switch, _) => b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        (Kind::Interim { .. }, _) => b"\r\n",
        (Kind::Final, false) => b"Connection: close\r\n\r\n",
        // A 1.0 client has to be told; to a 1.1 client it goes without saying.
        (Kind::Final, true) if plan.version == super::head::Version::Http10 => b"Connection: keep-alive\r\n\r\n",
        (Kind::Final, true) => b"\r\n",
    }
}

fn edited(field: Field<'_>, edit: &mut impl FnMut(Field<'_>, &mut Vec<u8>) -> Edit, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(field.name.as_bytes());
    out.extend_from_slice(b": ");
    let value = out.len();
    let stays = match edit(field, out) {
        Edit::Keep => {
            out.truncate(value);
            out.extend_from_slice(field.value);
            true
        }
        Edit::Drop => false,
        Edit::Written => is_value(&out[value..]),
    };
    if stays {
        out.extend_from_slice(b"\r\n");
    } else {
        out.truncate(start);
    }
}

/// The framing fields, and the announcement of trailers if these pass.
fn framing(out: &mut Vec<u8>, framing: Framing, fields: &Fields, trailers: bool) {
    match framing {
        Framing::None | Framing::UntilClose => {}
        Framing::Length(bytes) => number(out, "Content-Length", bytes),
        Framing::Chunked => {
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
            for names in fields.all(Known::Trailer).filter(|_| trailers) {
                line(out, "Trailer", names);
            }
        }
    }
}

fn via(out: &mut Vec<u8>, version: &str, pseudonym: Option<&str>) {
    if let Some(pseudonym) = pseudonym {
        for part in ["Via: ", version, " ", pseudonym, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// Fields that come from settings: what is no field is left out.
fn appended(out: &mut Vec<u8>, fields: &[(&str, &[u8])]) {
    for (name, value) in fields.iter().filter(|(name, value)| is_name(name) && is_value(value)) {
        line(out, name, value);
    }
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{name}: {value}\r\n");
}

/// Whether this can be a field's name.
pub fn is_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// Whether this can be a field's value: it has no controls but tabs.
pub fn is_value(value: &[u8]) -> bool {
    value.iter().all(|byte| (*byte >= b' ' || *byte == b'\t') && *byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::super::forward::{plan_request, plan_response};
    use super::super::head::{parse_request, parse_response};
    use super::*;

    const TO: Outgoing<'_> =
        Outgoing { host: "up:1", path: None, via: Some("brummer"), forwarded: None, append: &[], close: false };

    fn keep(_: Field<'_>, _: &mut Vec<u8>) -> Edit {
        Edit::Keep
    }

    fn sent(head: &str, to: &Outgoing<'_>) -> String {
        let mut request = RequestHead::default();
        parse_request(head.replace('\n', "\r\n").as_bytes(), &mut request).unwrap();
        let plan = match plan_request(&request, "brummer") {
            Ok(plan) => plan,
            Err(refusal) => return refusal.status.to_string(),
        };
        let mut out = Vec::new();
        encode_request(&request, &plan, to, keep, &mut out);
        String::from_utf8(out).unwrap().replace("\r\n", "\n")
    }

    fn returned(request: &str, answer: &str) -> (String, Option<ResponsePlan>) {
        let (mut asked, mut head) = (RequestHead::default(), ResponseHead::default());
        parse_request(request.replace('\n', "\r\n").as_bytes(), &mut asked).unwrap();
        let asked = plan_request(&asked, "brummer").unwrap();
        parse_response(answer.replace('\n', "\r\n").as_bytes(), &mut head).unwrap();
        match plan_response(&head, &asked) {
            Err(refusal) => (refusal.status.to_string(), None),
            Ok(plan) => {
                let mut out = Vec::new();
                encode_response(&head, &plan, &Returned::default(), keep, &mut out);
                (String::from_utf8(out).unwrap().replace("\r\n", "\n"), Some(plan))
            }
        }
    }

    #[test]
    fn a_request_is_written_anew_for_its_server() {
        let head = "GET http://x/a?b HTTP/1.1\nHost: x\nConnection: keep-alive, X-Hop, Cookie\nX-Hop: 1\nCookie: c\n\
                    Keep-Alive: 5\nProxy-Connection: k\nProxy-Authorization: p\nTE: gzip\nTrailer: t\n\
                    Upgrade: h2c\nHTTP2-Settings: s\nVia: 1.0 other\nX-Forwarded-For: liar\nAccept: */*\n\n";
        let forwarded = Some(Forwarded { client: "127.0.0.1", host: "x", proto: "http" });
        assert_eq!(
            sent(head, &Outgoing { forwarded, append: &[("X-A", b"1"), ("bad name", b"x"), ("X-B", b"a\r\nb")], ..TO }),
            "GET /a?b HTTP/1.1\nHost: up:1\nCookie: c\nVia: 1.0 other\nAccept: */*\nX-Forwarded-For: 127.0.0.1\n\
             X-Forwarded-Host: x\nX-Forwarded-Proto: http\nVia: 1.1 brummer\nX-A: 1\n\n"
        );
        let plain = Outgoing { via: None, ..TO };
        assert_eq!(
            sent("PUT http://x?q HTTP/1.0\nContent-Length: 3\nX-Forwarded-For: me\nExpect: 100-continue\n\n", &plain),
            "PUT /?q HTTP/1.1\nHost: up:1\nX-Forwarded-For: me\nContent-Length: 3\n\n"
        );
        assert_eq!(
            sent(
                "POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\nExpect: 100-Continue\nTE: trailers\nTrailer: A\n\n",
                &plain
            ),
            "POST / HTTP/1.1\nHost: up:1\nTransfer-Encoding: chunked\nTrailer: A\nExpect: 100-continue\nTE: trailers\n\
             Connection: TE\n\n"
        );
        let asterisk = "OPTIONS http://x HTTP/1.1\nHost: x\nMax-Forwards: 5\n\n";
        assert_eq!(sent(asterisk, &plain), "OPTIONS * HTTP/1.1\nHost: up:1\nMax-Forwards: 4\n\n");
    }

    #[test]
    fn a_circle_and_an_unknown_expectation_are_refused() {
        assert_eq!(sent("GET / HTTP/1.1\nHost: x\nVia: 1.0 a, 1.1 Brummer (c)\n\n", &TO), "508");
        assert_eq!(sent("GET / HTTP/1.1\nHost: x\nVia: 1.1 brummers\n\n", &TO).lines().count(), 5);
        assert_eq!(sent("GET / HTTP/1.1\nHost: x\nExpect: gold\n\n", &TO), "417");
        assert_eq!(sent("TRACE / HTTP/1.1\nHost: x\nContent-Length: 1\n\n", &TO), "400");
        assert_eq!(sent("CONNECT a:1 HTTP/1.1\nHost: a:1\nTransfer-Encoding: chunked\n\n", &TO), "400");
        assert_eq!(sent("OPTIONS / HTTP/1.1\nHost: x\nMax-Forwards: x\n\n", &TO), "400");
    }

    const WEBSOCKET: &str = "GET /ws HTTP/1.1\nHost: x\nConnection: keep-alive, Upgrade\nUpgrade: websocket\n\
                             Sec-WebSocket-Key: k\nSec-WebSocket-Version: 13\n\n";

    #[test]
    fn only_a_websocket_is_an_upgrade() {
        let plain = Outgoing { via: None, ..TO };
        assert_eq!(
            sent(WEBSOCKET, &plain),
            "GET /ws HTTP/1.1\nHost: up:1\nSec-WebSocket-Key: k\nSec-WebSocket-Version: 13\n\
             Connection: Upgrade\nUpgrade: websocket\n\n"
        );
        let unnominated = sent(&WEBSOCKET.replace(", Upgrade", ""), &plain);
        assert!(!unnominated.contains("Upgrade"), "{unnominated}");
        let switch =
            "HTTP/1.1 101 Switching Protocols\nConnection: upgrade\nUpgrade: WebSocket\nSec-WebSocket-Accept: a\n\n";
        let (text, plan) = returned(WEBSOCKET, switch);
        assert_eq!(plan.unwrap().kind, Kind::Switch);
        assert_eq!(
            text,
            "HTTP/1.1 101 Switching Protocols\nSec-WebSocket-Accept: a\nConnection: Upgrade\nUpgrade: websocket\n\n"
        );
        assert_eq!(returned("GET / HTTP/1.1\nHost: x\n\n", switch).0, "502");
        assert_eq!(returned(WEBSOCKET, "HTTP/1.1 101 OK\nConnection: upgrade\nUpgrade: h2c\n\n").0, "502");
    }

    const GET: &str = "GET / HTTP/1.1\nHost: x\n\n";
    const OLD: &str = "GET / HTTP/1.0\nConnection: keep-alive\n\n";

    #[test]
    fn an_answer_is_framed_for_its_client() {
        let chunked = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 5\nTrailer: A\nKeep-Alive: 5\n\n";
        assert_eq!(returned(GET, chunked).0, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n");
        assert_eq!(returned(OLD, chunked).0, "HTTP/1.1 200 OK\nConnection: close\n\n");
        let open = "HTTP/1.0 200 OK\nA: b\n\n";
        assert_eq!(returned(GET, open).0, "HTTP/1.1 200 OK\nA: b\nTransfer-Encoding: chunked\n\n");
        let length = "HTTP/1.0 200 OK\nContent-Length: 5\n\n";
        assert_eq!(returned(OLD, length).0, "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: keep-alive\n\n");
        let (text, plan) = returned("HEAD / HTTP/1.1\nHost: x\nConnection: close\n\n", length);
        assert_eq!(text, "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\n");
        assert_eq!(plan.map(|plan| (plan.read, plan.keep_upstream)), Some((Framing::None, false)));
        let head = returned("HEAD / HTTP/1.1\nHost: x\n\n", chunked).0;
        assert_eq!(head, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n");
        let trailers = returned("GET / HTTP/1.1\nHost: x\nTE: trailers\n\n", chunked);
        assert_eq!(trailers.0, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: A\n\n");
        assert_eq!(returned(GET, "HTTP/1.1 204 No\nContent-Length: 5\n\n").0, "HTTP/1.1 204 No\n\n");
        assert_eq!(returned(GET, "HTTP/1.1 304 No\nContent-Length: 5\n\n").0, "HTTP/1.1 304 No\nContent-Length: 5\n\n");
        let hints = "HTTP/1.1 103 Early Hints\nLink: a\nContent-Length: 5\nConnection: close\n\n";
        let (text, plan) = returned(GET, hints);
        assert_eq!(
            (text.as_str(), plan.unwrap().kind),
            ("HTTP/1.1 103 Early Hints\nLink: a\n\n", Kind::Interim { relay: true })
        );
        assert_eq!(returned(OLD, hints).1.unwrap().kind, Kind::Interim { relay: false });
    }

    #[test]
    fn edits_replace_drop_and_cannot_break_out() {
        let mut head = ResponseHead::default();
        parse_response(b"HTTP/1.1 200 OK\r\nLocation: http://up/x\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", &mut head).unwrap();
        let mut asked = RequestHead::default();
        parse_request(GET.replace('\n', "\r\n").as_bytes(), &mut asked).unwrap();
        let mut plan = plan_response(&head, &plan_request(&asked, "b").unwrap()).unwrap();
        plan.resize(Some(3));
        let mut out = Vec::new();
        let edit = |field: Field<'_>, out: &mut Vec<u8>| match (field.known, field.name) {
            (Known::Location, _) => {
                out.extend_from_slice(b"/x");
                Edit::Written
            }
            (_, "A") => Edit::Drop,
            (_, "B") => {
                out.extend_from_slice(b"x\r\nEvil: 1");
                Edit::Written
            }
            _ => Edit::Keep,
        };
        encode_response(&head, &plan, &Returned { via: Some("b"), status: Some(404), append: &[] }, edit, &mut out);
        let text = "HTTP/1.1 404 Not Found\r\nLocation: /x\r\nC: 3\r\nVia: 1.1 b\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
