//! Requests of Brummer's own.

use super::lab::*;
use crate::proxy::capture::replay::{Request, Sender};
use crate::proxy::exchange::{Mode, Note};
use std::sync::Arc;

fn request(method: &str, url: String, body: &[u8]) -> Request {
    Request {
        method: method.into(),
        url: url.into(),
        headers: [("Accept", "text/plain"), ("X-A", "b")].into_iter().collect(),
        body: Arc::from(body),
        process: None,
    }
}

#[test]
fn a_request_is_sent_again_and_recorded() {
    let lab = Lab::new(|mut wire, _| {
        while let Some(head) = wire.try_head() {
            assert!(head.starts_with("POST /again?x HTTP/1.1\r\n"), "{head}");
            assert_eq!((field(&head, "x-a"), field(&head, "x-forwarded-for")), (Some("b"), None));
            let length = field(&head, "content-length").unwrap().parse().unwrap();
            assert_eq!(wire.exactly(length), vec![b'x'; 200_000]);
            wire.send(OK);
        }
    });
    let ids: Vec<_> = (0..3)
        .map(|_| lab.proxy.send(request("POST", format!("{}/again?x", lab.server.url()), &[b'x'; 200_000])).unwrap())
        .collect();
    let notes = lab.ended(3);
    let opened = notes.iter().filter(|n| matches!(n, Note::Opened(_, opened) if opened.mode == Mode::Replay));
    assert_eq!(opened.count(), 3);
    for wanted in ids {
        let ended = notes.iter().find_map(|note| match note {
            Note::Ended { id, status, request_body, response_body, .. } if *id == wanted => {
                Some((*status, request_body.bytes, response_body.kept.to_vec()))
            }
            _ => None,
        });
        assert_eq!(ended, Some((Some(200), 200_000, b"hello".to_vec())));
    }
}

#[test]
fn what_cannot_be_sent_is_recorded_as_such() {
    let lab = Lab::new(always(OK));
    // A port that no program takes by chance.
    let gone = "127.0.0.1:1";
    lab.proxy.send(request("GET", format!("http://{gone}/"), b"")).unwrap();
    lab.proxy.send(request("GET", "http://a b/".into(), b"")).unwrap();
    let notes = lab.ended(2);
    let kinds: Vec<_> = notes
        .iter()
        .filter_map(|n| if let Note::Ended { failure, .. } = n { Some(failure.as_ref()?.kind) } else { None })
        .collect();
    assert_eq!(kinds, ["refused"; 2]);
    lab.proxy.stop(SOON);
    assert!(lab.proxy.send(request("GET", lab.server.url(), b"")).is_err());
}
