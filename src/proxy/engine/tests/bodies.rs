//! Bodies: every framing, both ways, streamed, bounded, cut.

use super::lab::*;
use crate::proxy::exchange::Note;
use std::io::Write;
use std::time::Duration;

/// Pseudo-random bytes, the same each time.
fn bytes(count: usize) -> Vec<u8> {
    (0..count as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn large_answers_come_whole_in_every_framing() {
    let lab = Lab::new(|mut wire, _| {
        while let Some(head) = wire.try_head() {
            let body = bytes(3_000_000);
            match head.split(' ').nth(1).unwrap() {
                "/length" => {
                    wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()));
                    wire.send(&body);
                }
                "/chunked" => {
                    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                    for part in body.chunks(100_003) {
                        wire.send(format!("{:x};ext=1\r\n", part.len()));
                        wire.send(part);
                        wire.send("\r\n");
                    }
                    wire.send("0\r\n\r\n");
                }
                _ => {
                    wire.send("HTTP/1.1 200 OK\r\n\r\n");
                    wire.send(&body);
                    return;
                }
            }
        }
    });
    let mut client = lab.client();
    for path in ["/length", "/chunked", "/close"] {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let head = client.head();
        let body = match field(&head, "content-length") {
            Some(length) => client.exactly(length.parse().unwrap()),
            None => unchunk(&mut client),
        };
        assert!(body == bytes(3_000_000), "{path}: {} bytes", body.len());
    }
    let notes = lab.ended(3);
    let sizes = notes.iter().filter_map(|note| match note {
        Note::Ended { response_body, .. } => Some((response_body.bytes, response_body.kept.len())),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [(3_000_000, 1 << 20); 3]);
}

fn unchunk(client: &mut Wire) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(client.until(b"\r\n").unwrap().trim(), 16).unwrap();
        body.extend(client.exactly(size));
        assert_eq!(client.exactly(2), b"\r\n");
        if size == 0 {
            return body;
        }
    }
}

#[test]
fn large_uploads_arrive_whole_in_both_framings() {
    let lab = Lab::new(|mut wire, _| {
        while let Some(head) = wire.try_head() {
            let body = match field(&head, "content-length") {
                Some(length) => wire.exactly(length.parse().unwrap()),
                None => unchunk(&mut wire),
            };
            let same = body == bytes(3_000_000);
            wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{same:5}"));
        }
    });
    let mut client = lab.client();
    client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n");
    client.send(bytes(3_000_000));
    assert_eq!(client.answer().1.trim(), "true");
    client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for part in bytes(3_000_000).chunks(77_777) {
        client.send(format!("{:X}\r\n", part.len()));
        client.send(part);
        client.send("\r\n");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().1.trim(), "true");
}

#[test]
fn trailers_pass_for_those_who_take_them() {
    let lab = Lab::new(always(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n",
    ));
    let mut client = lab.client();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n");
    let text = String::from_utf8(client.rest()).unwrap();
    assert!(text.ends_with("1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n"), "{text}");
    let mut client = lab.client();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let text = String::from_utf8(client.rest()).unwrap();
    assert!(text.ends_with("1\r\na\r\n0\r\n\r\n") && !text.contains("X-Sum"), "{text}");
}

#[test]
fn answers_without_a_body_end_with_their_head() {
    let lab = Lab::new(|mut wire, _| {
        while let Some(head) = wire.try_head() {
            wire.send(match head.split(' ').next().unwrap() {
                "HEAD" => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
                "DELETE" => "HTTP/1.1 204 No Content\r\n\r\n",
                _ => "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
            });
        }
    });
    let mut client = lab.client();
    for (method, status) in [("HEAD", "200"), ("DELETE", "204"), ("GET", "304"), ("HEAD", "200")] {
        client.send(format!("{method} / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let head = client.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
        assert_eq!(field(&head, "content-length"), (method == "HEAD").then_some("1000"));
    }
}

#[test]
fn interim_answers_pass_and_a_client_may_wait_for_one() {
    let lab = Lab::new(|mut wire, _| {
        let head = wire.head();
        assert_eq!(field(&head, "expect"), Some("100-continue"));
        wire.send("HTTP/1.1 100 Continue\r\n\r\n");
        wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
        wire.exactly(4);
        wire.send(OK);
    });
    let mut client = lab.client();
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 100 "));
    let hints = client.head();
    assert!(hints.starts_with("HTTP/1.1 103 ") && field(&hints, "link") == Some("</a.css>"));
    client.send("body");
    assert_eq!(client.answer().1, "hello");
}

#[test]
fn parts_of_a_stream_pass_as_they_come() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
        // The second event is sent only when the client says that it has the first.
        wire.head();
    });
    let mut client = lab.client();
    client.send(GET);
    client.head();
    client.until(b"data: 1\n\n").unwrap();
    let notes = lab.notes(|notes| notes.iter().any(|note| matches!(note, Note::Frame(..))));
    let frame =
        notes.iter().find_map(|note| if let Note::Frame(_, frame) = note { Some(frame) } else { None }).unwrap();
    assert_eq!((&*frame.kind, &*frame.kept, frame.up), ("message", &b"1"[..], false));
}

#[test]
fn an_answer_that_breaks_off_is_never_passed_for_whole() {
    for (head, body) in [("Content-Length: 100\r\n", "abc"), ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n")] {
        let lab = Lab::new(move |mut wire, _| {
            wire.head();
            wire.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}"));
        });
        let mut client = lab.client();
        client.send(GET);
        client.head();
        client.until(b"abc").unwrap();
        assert!(client.was_reset(), "{head}");
        let notes = lab.ended(1);
        let failure =
            notes.iter().find_map(|note| if let Note::Ended { failure, .. } = note { failure.clone() } else { None });
        assert_eq!(failure.unwrap().kind, "truncated");
    }
}

#[test]
fn an_early_answer_is_read_though_the_upload_goes_on() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    });
    let mut client = lab.client();
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n");
    client.stream.set_write_timeout(Some(SOON)).unwrap();
    let mut writer = client.stream.try_clone().unwrap();
    std::thread::spawn(move || while writer.write_all(&[0; 10_000]).is_ok() {});
    let (head, body) = client.answer();
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    assert_eq!((&*body, field(&head, "connection")), ("big", Some("close")));
}

#[test]
fn a_client_that_leaves_takes_its_request_with_it() {
    let (told, heard) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let lab = Lab::new(move |mut wire, _| {
        wire.head();
        told.lock().unwrap().send("asked").unwrap();
        assert!(wire.is_closed());
        told.lock().unwrap().send("cancelled").unwrap();
    });
    let mut client = lab.client();
    client.send(GET);
    assert_eq!(heard.recv_timeout(SOON), Ok("asked"));
    drop(client);
    assert_eq!(heard.recv_timeout(SOON), Ok("cancelled"));
    let notes = lab.ended(1);
    assert!(notes.iter().any(|n| matches!(n, Note::Ended { failure: Some(f), .. } if f.kind == "client gone")));
}

#[test]
fn px12_a_client_that_reads_nothing_holds_nobody_up_and_little_memory() {
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&sent);
    let lab = Lab::new(move |mut wire, _| {
        while let Some(head) = wire.try_head() {
            if !head.starts_with("GET /big") {
                wire.send(OK);
                continue;
            }
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            wire.stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
            while let Ok(count) = wire.stream.write(&[0; 65536]) {
                counted.fetch_add(count, std::sync::atomic::Ordering::SeqCst);
            }
        }
    });
    let mut slow = lab.client();
    slow.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    slow.head();
    for _ in 0..50 {
        let mut client = lab.client();
        client.send(GET);
        assert_eq!(client.answer().1, "hello");
    }
    // What the sockets themselves hold on both sides, and our one buffer.
    assert!(sent.load(std::sync::atomic::Ordering::SeqCst) < 64 << 20);
}
