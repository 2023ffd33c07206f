//! Many clients and servers that break off, stall and send garbage: whatever they do, nothing of it is left behind.

use super::lab::*;
use crate::proxy::exchange::Note;
use crate::proxy::{Limits, ProxyConfig};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server does, by the path it is asked for.
fn serve(mut wire: Wire, _: usize) {
    while let Some(head) = wire.try_head() {
        let answer: &[u8] = match head.split(' ').nth(1).unwrap() {
            "/0" | "/1" => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "/2" => b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello",
            "/3" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n",
            "/4" => b"\x00\x01garbage\r\n\r\n",
            "/5" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nsurplus",
            "/6" => b"",
            _ => {
                let body = [b'x'; 100_000];
                let _ = wire.stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").and_then(|()| wire.stream.write_all(&body));
                return;
            }
        };
        let is_whole = head.starts_with("GET /0") || head.starts_with("GET /1") || head.starts_with("GET /5");
        if wire.stream.write_all(answer).is_err() || !is_whole {
            return;
        }
    }
}

/// What a client does: reads to the end, leaves at once, leaves in the middle of its head or of its body.
fn call(port: u16, random: u64) {
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    let path = random % 8;
    let text = match random / 8 % 5 {
        0 | 1 => format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        2 => format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        3 => format!("GET /{path} HTTP/1.1\r\nHost: loc"),
        _ => format!("POST /{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\nhalf"),
    };
    let _ = client.write_all(text.as_bytes());
    if random / 8 % 5 < 2 {
        let _ = client.read_to_end(&mut Vec::new());
    } else if (random / 40).is_multiple_of(2) {
        let _ = client.read(&mut [0; 10]);
    }
}

#[test]
fn px12_chaos_leaves_nothing_behind() {
    let short = Duration::from_secs(1);
    let limits = Limits { head: short, body_idle: short, ..Limits::default() };
    let lab = Lab::with(ProxyConfig { limits, ..config() }, 100, Default::default(), serve);
    let port = lab.port();
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            scope.spawn(move || {
                let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(thread + 1);
                for _ in 0..40 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    call(port, random >> 33);
                }
            });
        }
    });
    let mut client = lab.client();
    client.send("GET /0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.answer().1, "hello");
    drop(client);
    assert!(until(|| (lab.proxy.metrics().active_connections == 0).then_some(())).is_some());
    let notes = lab.ended(1);
    let opened = notes.iter().filter(|note| matches!(note, Note::Opened(..))).count();
    let ended = notes.iter().filter(|note| matches!(note, Note::Ended { .. })).count();
    assert_eq!(opened, ended);
    assert!(opened > 150, "{opened}");
}
