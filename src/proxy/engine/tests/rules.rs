//! What a user wants done to some requests is done, and nothing to the others.

use super::lab::*;
use crate::proxy::exchange::Note;
use crate::proxy::{ProxyConfig, Rule};
use std::time::{Duration, Instant};

fn lab(rule: Rule) -> Lab {
    let rules = vec![Rule { path: Some("/ruled*".into()), ..rule }];
    Lab::with(ProxyConfig { rules, ..config() }, 0, Default::default(), |mut wire, _| {
        while let Some(head) = wire.try_head() {
            if head.starts_with("GET /ruled/chunks") {
                let part = format!("7530\r\n{}\r\n", "x".repeat(30_000));
                wire.send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{part}{part}0\r\n\r\n"));
                continue;
            }
            let size = if head.starts_with("GET /ruled/big") { 60_000 } else { 5 };
            wire.send(format!("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: {size}\r\n\r\n{}", "x".repeat(size)));
        }
    })
}

fn get(lab: &Lab, path: &str) -> (String, String, Duration) {
    let (mut client, began) = (lab.client(), Instant::now());
    client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let (head, body) = client.answer();
    (head, body, began.elapsed())
}

#[test]
fn a_status_and_a_file_answer_instead_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    std::fs::write(&file, "{}").unwrap();
    let set_headers = vec![("X-B".to_owned(), "c".to_owned())];
    let lab = lab(Rule { status: Some(503), body_file: Some(file), set_headers, ..Rule::default() });
    let (head, body, _) = get(&lab, "/ruled");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert_eq!(
        (field(&head, "content-type"), field(&head, "x-b"), &*body),
        (Some("application/json"), Some("c"), "{}")
    );
    assert!(get(&lab, "/other").0.starts_with("HTTP/1.1 200 "));
    lab.proxy.set_rules(Vec::new());
    assert!(until(|| get(&lab, "/ruled").0.starts_with("HTTP/1.1 200 ").then_some(())).is_some());
}

/// Bytes of which every one tells its place.
fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn a_long_file_comes_whole_while_others_are_served_and_the_connection_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (file, bytes) = (folder.path().join("long.bin"), pattern(20_000_000));
    std::fs::write(&file, &bytes).unwrap();
    let lab = lab(Rule { body_file: Some(file), ..Rule::default() });
    let mut client = lab.client();
    client.send("GET /ruled HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = client.head();
    assert_eq!(field(&head, "content-length"), Some("20000000"));
    // Nobody reads the rest for now.
    assert!(get(&lab, "/other").0.starts_with("HTTP/1.1 200 "));
    assert!(client.exactly(bytes.len()) == bytes, "the file as it is");
    client.send("HEAD /ruled HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(field(&client.head(), "content-length"), Some("20000000"));
    client.send("GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.answer().1, "xxxxx", "and nothing of the file before it");
    let notes = lab.ended(4);
    assert!(notes.iter().any(|n| matches!(n, Note::Ended { response_body, .. } if response_body.bytes == 20_000_000)));
}

#[test]
fn a_file_that_is_not_there_or_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing.json"), folder.path().to_owned()] {
        let lab = lab(Rule { body_file: Some(path.clone()), ..Rule::default() });
        let (head, body, _) = get(&lab, "/ruled");
        assert!(head.starts_with("HTTP/1.1 500 ") && body.contains(&*path.to_string_lossy()), "{head}{body}");
        assert!(lab.ended(1).iter().any(|n| matches!(n, Note::Ended { failure: Some(f), .. } if f.kind == "rule")));
    }
}

#[test]
fn a_file_that_becomes_shorter_is_a_cut_and_an_empty_one_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.txt");
    std::fs::write(&file, pattern(50_000_000)).unwrap();
    let lab = lab(Rule { body_file: Some(file.clone()), ..Rule::default() });
    let mut client = lab.client();
    client.send("GET /ruled HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.head();
    std::fs::write(&file, "").unwrap();
    assert!(client.rest().len() < 50_000_000, "the end is no end of the file");
    assert_eq!(get(&lab, "/ruled").1, "");
}

#[test]
fn fields_of_the_answer_are_set_and_removed() {
    let set_headers = vec![("X-B".to_owned(), "c".to_owned())];
    let lab = lab(Rule { set_headers, remove_headers: vec!["x-a".into()], ..Rule::default() });
    let (head, _, _) = get(&lab, "/ruled");
    assert_eq!((field(&head, "x-a"), field(&head, "x-b")), (None, Some("c")));
    assert_eq!(field(&get(&lab, "/other").0, "x-a"), Some("b"));
}

#[test]
fn a_delay_holds_nobody_else_up() {
    let lab = lab(Rule { latency: Duration::from_millis(400), ..Rule::default() });
    let mut slow = lab.client();
    let began = Instant::now();
    slow.send("GET /ruled HTTP/1.1\r\nHost: localhost\r\n\r\n");
    get(&lab, "/other");
    slow.answer();
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[test]
fn what_is_dropped_gets_no_answer() {
    let lab = lab(Rule { drop_percent: 100, ..Rule::default() });
    let mut client = lab.client();
    client.send("GET /ruled HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(client.was_reset());
    let notes = lab.ended(1);
    assert!(notes.iter().any(|n| matches!(n, Note::Ended { failure: Some(f), status: None, .. } if f.kind == "rule")));
}

#[test]
fn a_pace_is_held() {
    let lab = lab(Rule { bytes_per_second: Some(100_000), ..Rule::default() });
    let (_, body, took) = get(&lab, "/ruled/big");
    assert_eq!(body.len(), 60_000);
    assert!(took >= Duration::from_millis(400), "{took:?}");
    let (mut client, began) = (lab.client(), Instant::now());
    client.send("GET /ruled/chunks HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.until(b"0\r\n\r\n").unwrap();
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
}

#[test]
fn a_request_is_asked_of_another_server() {
    let other = Server::start(|mut wire, _| {
        let head = wire.head();
        assert_eq!(field(&head, "host"), Some(&*wire.stream.local_addr().unwrap().to_string()));
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother");
    });
    let lab = lab(Rule { map_to: Some(other.url()), ..Rule::default() });
    assert_eq!(get(&lab, "/ruled").1, "other");
    assert_eq!(get(&lab, "/plain").1, "xxxxx");
}
