//! The answer to OPTIONS and TRACE whose Max-Forwards ends here: we are the last to receive them.

use super::fields::Known;
use super::forward::{RequestPlan, ResponsePlan};
use super::head::{Method, RequestHead, Version};

/// Appends a whole answer if the request may go no further ([`RequestPlan::max_forwards`] is 0), and says whether it did.
pub fn last_hop_answer(head: &RequestHead, plan: &RequestPlan, out: &mut Vec<u8>) -> bool {
    if plan.max_forwards != Some(0) {
        return false;
    }
    let (extra, body) = match plan.method {
        Method::Trace => ("Content-Type: message/http\r\n", trace(head)),
        _ => ("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE\r\n", Vec::new()),
    };
    let keep = ResponsePlan::own(plan, body.len() as u64).keep_client;
    let connection = match (keep, plan.version) {
        (false, _) => "Connection: close\r\n",
        (true, Version::Http10) => "Connection: keep-alive\r\n",
        (true, Version::Http11) => "",
    };
    let head = format!("HTTP/1.1 200 OK\r\n{extra}Content-Length: {}\r\n{connection}\r\n", body.len());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(&body);
    true
}

/// The request as it came, without what a script must not read that way: credentials and cookies.
fn trace(head: &RequestHead) -> Vec<u8> {
    let secret = |known| matches!(known, Known::Authorization | Known::Cookie | Known::Proxy);
    let mut body = Vec::new();
    for part in [head.method().as_bytes(), b" ", head.target(), b" HTTP/", head.version().as_str().as_bytes(), b"\r\n"]
    {
        body.extend_from_slice(part);
    }
    for field in head.fields().iter().filter(|field| !secret(field.known)) {
        for part in [field.name.as_bytes(), b": ", field.value, b"\r\n"] {
            body.extend_from_slice(part);
        }
    }
    body.extend_from_slice(b"\r\n");
    body
}

#[cfg(test)]
mod tests {
    use super::super::{parse_request, plan_request};
    use super::*;

    #[test]
    fn the_last_hop_answers_without_secrets() {
        let answer = |text: &str| {
            let (mut head, mut out) = (RequestHead::default(), Vec::new());
            parse_request(text.replace('\n', "\r\n").as_bytes(), &mut head).unwrap();
            let answered = last_hop_answer(&head, &plan_request(&head, "b").unwrap(), &mut out);
            assert_eq!(answered, !out.is_empty());
            String::from_utf8(out).unwrap().replace("\r\n", "\n")
        };
        let trace = answer("TRACE /a HTTP/1.1\nHost: x\nCookie: c\nAuthorization: a\nMax-Forwards: 0\n\n");
        assert!(trace.ends_with("Content-Length: 47\n\nTRACE /a HTTP/1.1\nHost: x\nMax-Forwards: 0\n\n"), "{trace}");
        let options = answer("OPTIONS * HTTP/1.0\nMax-Forwards: 0\n\n");
        assert!(options.starts_with("HTTP/1.1 200 OK\nAllow: GET, ") && options.ends_with("Connection: close\n\n"));
        assert_eq!(answer("OPTIONS * HTTP/1.1\nHost: x\nMax-Forwards: 1\n\n"), "");
        assert_eq!(answer("GET / HTTP/1.1\nHost: x\nMax-Forwards: 0\n\n"), "");
    }
}
