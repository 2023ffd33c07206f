//! A request sent again: as it was or with changes, once or many times, and how the answers differ.

use std::sync::Arc;

use super::store::Capture;
use crate::error::{Code, Error, Result};
use crate::event::ProcessId;
use crate::proxy::{Exchange, ExchangeId, HeaderBuffer, Headers, Traffic};
use crate::runtime::Context;
use crate::wire::http1::encode::{is_name, is_value};
use crate::wire::http1::split_authority;

/// How often one call sends a request.
pub const TIMES_MAX: usize = 1000;

/// What is to be different; what is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Another method.
    pub method: Option<String>,
    /// Another URL, a whole one.
    pub url: Option<String>,
    /// Fields that take the place of all of their name, or come new.
    pub set: Vec<(String, String)>,
    /// Names of fields that go.
    pub remove: Vec<String>,
    /// Another body; an empty one for none.
    pub body: Option<Vec<u8>>,
}

/// A request that is ready to be sent. Framing and the fields of the connection are the sender's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Arc<str>,
    /// The whole URL, `http://` or `https://`.
    pub url: Arc<str>,
    /// The fields, without those of framing and of the connection.
    pub headers: Headers,
    /// The body.
    pub body: Arc<[u8]>,
    /// The managed process whose server it goes to, as far as that is known.
    pub process: Option<(ProcessId, Arc<str>)>,
}

/// Sends requests: the engine, or a stand-in of a test.
pub trait Sender: Send + Sync {
    /// Sends the request without waiting for its answer, and notes it as an exchange of [`Mode::Replay`](crate::proxy::Mode).
    ///
    /// # Errors
    /// INVALID_STATE when the proxy does not run, RESOURCE_LIMIT when too much waits to be sent.
    fn send(&self, request: Request) -> Result<ExchangeId>;
}

fn refused(message: impl Into<String>) -> Error {
    Error::new("replay", Code::InvalidState, message)
}

/// Makes the request of an exchange again, with changes.
///
/// # Errors
/// INVALID_STATE for what cannot be sent again (what was refused, a tunnel, a WebSocket, a body of which a part was kept and that is not
/// replaced), and for changes that make no request.
pub fn request(exchange: &Exchange, changes: &Changes) -> Result<Request> {
    let opened = &exchange.opened;
    if exchange.is_rejected() {
        return Err(refused("a request that was refused cannot be sent again: it reached no server"));
    }
    match exchange.traffic {
        Traffic::Tunnel => return Err(refused("a tunnel cannot be sent again: nobody has read what went through it")),
        Traffic::WebSocket => {
            return Err(refused("a WebSocket cannot be sent again: its messages belong to a conversation"));
        }
        Traffic::Http | Traffic::EventStream => {}
    }
    let kept = &exchange.request_body;
    if changes.body.is_none() && kept.is_cut() {
        let text = "the body cannot be sent again, for only";
        return Err(refused(format!(
            "{text} {} of its {} bytes were kept; give another one",
            kept.kept.len(),
            kept.bytes
        )));
    }
    let method: Arc<str> = changes.method.as_deref().map_or_else(|| opened.method.clone(), Arc::from);
    if !is_name(&method) || &*method == "CONNECT" {
        return Err(refused(format!("`{}` is no method that can be sent", method.escape_debug())));
    }
    let url: Arc<str> = changes.url.as_deref().map_or_else(|| opened.url.clone(), Arc::from);
    check_url(&url)?;
    let headers = headers(&opened.headers, changes)?;
    let body = changes.body.as_deref().map_or_else(|| kept.kept.clone(), Arc::from);
    // At another place is another server.
    let same_place = changes.url.is_none();
    Ok(Request { method, url, headers, body, process: opened.process.clone().filter(|_| same_place) })
}

fn check_url(url: &str) -> Result<()> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let rest =
        rest.ok_or_else(|| refused(format!("`{}` begins neither with http:// nor with https://", url.escape_debug())))?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if split_authority(host.as_bytes()).is_none() {
        return Err(refused(format!("`{}` has no host that can be connected to", url.escape_debug())));
    }
    match url.bytes().all(|b| b > b' ' && b != 0x7f) {
        true => Ok(()),
        false => Err(refused(format!(
            "`{}` has blanks or control characters; write them as %20 and so on",
            url.escape_debug()
        ))),
    }
}

fn headers(received: &Headers, changes: &Changes) -> Result<Headers> {
    let set = |name: &str| changes.set.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let removed = |name: &str| changes.remove.iter().any(|own| own.eq_ignore_ascii_case(name));
    // The encoding was that of the old body.
    let of_old_body = |name: &str| changes.body.is_some() && name.eq_ignore_ascii_case("content-encoding");
    let mut buffer = HeaderBuffer::default();
    for (name, value) in received {
        if !is_of_the_connection(name) && !set(name) && !removed(name) && !of_old_body(name) {
            buffer.push(name, value);
        }
    }
    for (name, value) in &changes.set {
        if !is_name(name) || !is_value(value.as_bytes()) {
            return Err(refused(format!("`{}: {}` is no header", name.escape_debug(), value.escape_debug())));
        }
        buffer.push(name, value.as_bytes());
    }
    Ok(buffer.take())
}

/// Whether a field belongs to one connection, to framing, or to the proxy in between.
pub(super) fn is_of_the_connection(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ];
    NAMES.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Sends a request `times` times, one after the other, and gives the exchanges as they ended. When the context ends, what was
/// not sent by then is not sent any more.
///
/// # Errors
/// Each has its own: that of [`Sender::send`], or of the wait for its end ([`Capture::wait_for`]).
pub fn replay(
    sender: &dyn Sender,
    capture: &Capture,
    request: &Request,
    times: usize,
    context: &Context,
) -> Vec<Result<Arc<Exchange>>> {
    let mut answers = Vec::new();
    for _ in 0..times.min(TIMES_MAX) {
        let answer = context.check().and_then(|()| sender.send(request.clone()));
        answers.push(answer.and_then(|id| capture.wait_for(id, context)));
        if context.check().is_err() {
            break;
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::{body, exchange, headers};
    use crate::proxy::{Body, Mode, Note, Opened, Phases};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// Answers every request on another thread with its own method and a number.
    struct Fake {
        capture: Arc<Capture>,
        next: AtomicU64,
        answers: bool,
    }

    impl Sender for Fake {
        fn send(&self, request: Request) -> Result<ExchangeId> {
            let id = ExchangeId(self.next.fetch_add(1, Ordering::Relaxed));
            let Request { method, url, headers, process, body: request_body } = request;
            let opened = Opened { time_ms: 0, mode: Mode::Replay, method, url, process, headers };
            let (capture, answers) = (Arc::clone(&self.capture), self.answers);
            std::thread::spawn(move || {
                capture.apply(&mut vec![Note::Opened(id, Box::new(opened))]);
                let response_body = body(format!("answer {}", id.0).as_bytes());
                let request_body = Body { bytes: request_body.len() as u64, kept: request_body };
                let (status, phases, failure, injection) = (Some(200), Phases::default(), None, None);
                let end =
                    Note::Ended { id, status, request_body, response_body, phases, failure, retried: false, injection };
                if answers {
                    capture.apply(&mut vec![end]);
                }
            });
            Ok(id)
        }
    }

    fn fake(answers: bool) -> (Fake, Arc<Capture>) {
        let capture = Arc::new(Capture::default());
        (Fake { capture: Arc::clone(&capture), next: AtomicU64::new(1), answers }, capture)
    }

    #[test]
    fn a_request_is_sent_as_often_as_asked_and_each_answer_comes_back() {
        let (sender, capture) = fake(true);
        let request = request(&exchange(1), &Changes::default()).expect("it can be sent");
        let context = Context::background().with_timeout(Duration::from_secs(60));
        let answers = replay(&sender, &capture, &request, 3, &context);
        let bodies: Vec<_> =
            answers.iter().map(|answer| answer.as_ref().expect("answered").response.body.kept.clone()).collect();
        assert_eq!(bodies, [&b"answer 1"[..], b"answer 2", b"answer 3"].map(Arc::from));
        assert!(answers.iter().flatten().all(|answer| answer.opened.mode == Mode::Replay));
    }

    #[test]
    fn what_is_not_answered_is_given_up_in_time_and_nothing_more_is_sent() {
        let (sender, capture) = fake(false);
        let request = request(&exchange(1), &Changes::default()).expect("it can be sent");
        let context = Context::background().with_timeout(Duration::from_millis(5));
        let answers = replay(&sender, &capture, &request, 3, &context);
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].as_ref().expect_err("no answer").code(), Code::Timeout);
    }

    #[test]
    fn changes_take_the_place_of_what_was() {
        let mut old = exchange(1);
        old.opened.headers = headers(&[
            ("Host", "a"),
            ("Content-Length", "3"),
            ("Content-Encoding", "gzip"),
            ("X-A", "1"),
            ("x-a", "2"),
            ("X-B", "3"),
        ]);
        let changes = Changes {
            method: Some("PUT".into()),
            url: Some("https://[::1]:8443/x?y".into()),
            set: vec![("X-A".into(), "new".into())],
            remove: vec!["x-b".into()],
            body: Some(b"hello".to_vec()),
        };
        let made = request(&old, &changes).expect("a request");
        assert_eq!((&*made.method, &*made.url, &*made.body), ("PUT", "https://[::1]:8443/x?y", &b"hello"[..]));
        assert_eq!(made.headers, headers(&[("X-A", "new")]));
        assert_eq!(made.process, None);
        let same = request(&old, &Changes::default()).expect("a request");
        assert_eq!(same.headers, headers(&[("Content-Encoding", "gzip"), ("X-A", "1"), ("x-a", "2"), ("X-B", "3")]));
        assert_eq!(same.process, old.opened.process);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_reason() {
        let good = exchange(1);
        let mut cut = exchange(1);
        cut.request_body.bytes = 10;
        let mut tunnel = exchange(1);
        tunnel.traffic = Traffic::Tunnel;
        let mut socket = exchange(1);
        socket.traffic = Traffic::WebSocket;
        let none = Changes::default;
        let url = |url: &str| Changes { url: Some(url.into()), ..none() };
        let method = |method: &str| Changes { method: Some(method.into()), ..none() };
        let set = |name: &str, value: &str| Changes { set: vec![(name.into(), value.into())], ..none() };
        for (exchange, changes, words) in [
            (&cut, none(), "only 0 of its 10 bytes"),
            (&tunnel, none(), "nobody has read"),
            (&socket, none(), "conversation"),
            (&good, method("G T"), "`G T` is no method"),
            (&good, method("CONNECT"), "is no method"),
            (&good, url("/only/path"), "neither with http://"),
            (&good, url("http:///x"), "no host"),
            (&good, url("http://a/b c"), "%20"),
            (&good, url("http://a:99999/"), "no host"),
            (&good, set("X A", "b"), "is no header"),
            (&good, set("X", "a\r\nb"), "is no header"),
        ] {
            let error = request(exchange, &changes).expect_err(words);
            assert!(error.message().contains(words), "{error}");
        }
        assert!(request(&cut, &Changes { body: Some(Vec::new()), ..none() }).is_ok());
    }
}
