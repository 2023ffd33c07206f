//! Requests one after the other: connections that stay, that are used again, and that end.

use super::lab::*;
use crate::proxy::exchange::{Mode, Note};

#[test]
fn a_request_is_made_anew_and_its_answer_comes_back() {
    let lab = Lab::new(|mut wire, _| {
        let head = wire.head();
        assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
        assert_eq!(field(&head, "host"), Some(&*wire.stream.local_addr().unwrap().to_string()));
        assert_eq!(field(&head, "x-forwarded-host"), Some("localhost"));
        assert_eq!(field(&head, "x-forwarded-for"), Some("127.0.0.1"));
        assert!(field(&head, "via").unwrap().starts_with("1.1 brummer-"));
        wire.send(OK);
        assert!(wire.is_closed());
    });
    let mut client = lab.client();
    client.send(GET);
    let (head, body) = client.answer();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!((field(&head, "connection"), &*body), (None, "hello"));
}

#[test]
fn px11_a_record_says_what_came_and_went() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.exactly(3);
        wire.send("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
    });
    let mut client = lab.client();
    client.send("POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    client.answer();
    let notes = lab.ended(1);
    let [Note::Opened(first, opened), Note::Answered { status, headers, .. }, Note::Ended { id, .. }] = &notes[..]
    else {
        panic!("{notes:#?}");
    };
    assert_eq!(first, id);
    assert_eq!((opened.mode, &*opened.method), (Mode::Reverse, "POST"));
    assert_eq!(&*opened.url, format!("{}/form", lab.server.url()));
    assert_eq!(opened.process.as_ref().map(|(id, name)| (*id, &**name)), Some((PROCESS, "web")));
    assert_eq!((opened.headers.get("host"), headers.get("x-a")), (Some(&b"localhost"[..]), Some(&b"b"[..])));
    let Note::Ended { status: seen, request_body, response_body, phases, failure, .. } = &notes[2] else { panic!() };
    assert_eq!((*status, *seen), (404, Some(404)));
    assert_eq!((&*request_body.kept, &*response_body.kept, response_body.bytes), (&b"abc"[..], &b"hello"[..], 5));
    assert!(phases.connect.is_some() && phases.first_byte <= phases.total && failure.is_none());
    let metrics = lab.proxy.metrics();
    assert_eq!((metrics.total, metrics.failed, metrics.successful, metrics.bytes), (1, 1, 0, 8));
}

#[test]
fn connections_stay_on_both_sides() {
    let lab = Lab::new(|mut wire, number| {
        while wire.try_head().is_some() {
            wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"));
        }
    });
    let mut client = lab.client();
    for _ in 0..20 {
        client.send(GET);
        assert_eq!(client.answer().1, "0");
    }
    let mut other = lab.client();
    other.send(GET);
    assert_eq!(other.answer().1, "0", "another client uses the same connection to the server");
}

#[test]
fn requests_sent_at_once_are_answered_in_order() {
    let lab = Lab::new(|mut wire, _| {
        while let Some(head) = wire.try_head() {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len()));
        }
    });
    let mut client = lab.client();
    let all: String = (0..200).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: localhost\r\n\r\n")).collect();
    client.send(all);
    for number in 0..200 {
        assert_eq!(client.answer().1, format!("/{number}"));
    }
}

#[test]
fn a_client_that_asks_for_close_gets_it() {
    let lab = Lab::new(always(OK));
    let mut client = lab.client();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let (head, _) = client.answer();
    assert_eq!(field(&head, "connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn a_client_of_1_0_gets_no_chunks() {
    let lab = Lab::new(always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    let mut client = lab.client();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let text = String::from_utf8(client.rest()).unwrap();
    assert!(text.ends_with("\r\n\r\nabc") && !text.contains("chunked"), "{text}");
}

#[test]
fn a_kept_connection_that_the_server_closed_is_replaced_once() {
    let lab = Lab::new(|mut wire, number| {
        wire.head();
        if number != 1 {
            wire.send(OK);
        }
        if number == 0 {
            // The second request comes, and is answered by nothing.
            wire.head();
        }
    });
    let mut client = lab.client();
    for _ in 0..2 {
        client.send(GET);
        if field(&client.head(), "content-length") == Some("5") {
            client.exactly(5);
        }
    }
    let notes = lab.ended(2);
    let retried: Vec<bool> = notes
        .iter()
        .filter_map(|note| if let Note::Ended { retried, .. } = note { Some(*retried) } else { None })
        .collect();
    assert_eq!(retried, [false, true]);
    let failed = notes.iter().any(|note| matches!(note, Note::Ended { status: Some(502), .. }));
    assert!(failed, "and no more than once: connection 1 closed without a word");
}

#[test]
fn a_post_is_not_sent_twice() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.send(OK);
        wire.head();
    });
    let mut client = lab.client();
    client.send(GET);
    client.answer();
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    assert!(client.answer().0.starts_with("HTTP/1.1 502 "));
}

#[test]
fn surplus_bytes_cost_the_connection_to_the_server() {
    let lab = Lab::new(|mut wire, number| {
        wire.head();
        wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}HTTP/1.1 200 OK\r\n\r\n"));
        wire.rest();
    });
    let mut client = lab.client();
    for number in ["0", "1", "2"] {
        client.send(GET);
        assert_eq!(client.answer().1, number);
    }
}

#[test]
fn a_server_of_garbage_is_a_502_that_says_so() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.send("SSH-2.0-OpenSSH_9.2\r\n\r\n");
        wire.rest();
    });
    let mut client = lab.client();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n");
    let (head, body) = client.answer();
    assert!(head.starts_with("HTTP/1.1 502 ") && field(&head, "content-type").unwrap().starts_with("text/html"));
    assert!(body.contains("process web"), "{body}");
    client.send(GET);
    assert!(client.answer().0.starts_with("HTTP/1.1 502 "), "the client's connection stays");
}

#[test]
fn nobody_listens_is_a_502_that_says_so() {
    let mut lab = Lab::new(always(OK));
    // A port that no program takes by chance.
    let gone = "127.0.0.1:1";
    lab.mapping = Some(lab.proxy.register_url(&format!("http://{gone}"), PROCESS, "api", "").unwrap());
    let mut client = lab.client();
    client.send(GET);
    let (head, body) = client.answer();
    assert!(head.starts_with("HTTP/1.1 502 ") && body.contains("Nothing listens at"), "{head}{body}");
    let notes = lab.ended(1);
    assert!(notes.iter().any(|n| matches!(n, Note::Ended { failure: Some(failure), .. } if failure.kind == "refused")));
}

#[test]
fn a_bad_head_is_refused_and_nothing_goes_on() {
    let lab = Lab::new(|_, _| panic!("nothing may come here"));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", "505"),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "421"),
    ] {
        let mut client = lab.client();
        client.send(request);
        let head = client.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{head}");
    }
}
