//! What comes at the proxy: clients that behave, and clients that do anything else.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Chance, Tally};

const LIMIT: Duration = Duration::from_secs(60);
const PATHS: [&str; 10] =
    ["/ok", "/big", "/slow", "/short", "/broken", "/garbage", "/surplus", "/stall", "/reset", "/nothing"];
const UPGRADE: &[u8] = b"GET /upgrade HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What a client saw of its end.
enum Outcome {
    /// Just what it was to be.
    Whole,
    /// The server was cut, or there was no connection.
    Cut,
    /// It left by itself, or nothing was to be expected.
    Left,
}

/// Whether a simple request is answered well.
pub(super) fn answers(port: u16) -> bool {
    fetch(port, "/ok", b"hello").is_ok_and(|whole| whole)
}

/// Does one thing.
pub(super) fn act(port: u16, chance: &mut Chance, tally: &Tally) {
    tally.tried.fetch_add(1, Ordering::Relaxed);
    let outcome = match chance.below(14) {
        0..3 => expect(fetch(port, "/ok", b"hello")),
        3 => expect(fetch(port, "/slow", b"hellohellohellohellohello")),
        4 => expect(keep_alive(port)),
        5 => expect(upload(port)),
        6 => expect(websocket(port, chance)),
        7 => any(port, chance, b"", false),
        8 => any(port, chance, b"GET /ok HTTP/1.1\r\nHost: loc", false),
        9 => any(port, chance, b"\x16\x03\x01\x00\xa5 what is this?\r\n\r\n", true),
        10 => any(port, chance, b"GET /ok HTTP/1.1\r\nHost: evil.test\r\n\r\n", true),
        11 => {
            any(port, chance, b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000\r\n\r\nhalf", false)
        }
        _ => {
            let path = PATHS[chance.below(PATHS.len() as u64) as usize];
            let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let reads = chance.below(2) == 0;
            any(port, chance, text.as_bytes(), reads)
        }
    };
    match outcome {
        Outcome::Whole => tally.whole.fetch_add(1, Ordering::Relaxed),
        Outcome::Cut => tally.cut.fetch_add(1, Ordering::Relaxed),
        Outcome::Left => 0,
    };
}

fn expect(result: std::io::Result<bool>) -> Outcome {
    match result {
        Ok(true) => Outcome::Whole,
        Ok(false) | Err(_) => Outcome::Cut,
    }
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Whether an answer is there that ends with its connection, and is 200 with this in its body (chunks taken off); a 502 is none.
/// What is answered with 200 and another body is a fault, and no accident of the server's.
fn fetch(port: u16, path: &str, body: &[u8]) -> std::io::Result<bool> {
    let mut client = connect(port)?;
    client.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let Some((head, rest)) = text.split_once("\r\n\r\n") else { return Ok(false) };
    if !head.starts_with("HTTP/1.1 200 ") {
        return Ok(false);
    }
    let rest: String = rest.split("\r\n").filter(|line| line.len() > 2 || rest.len() == body.len()).collect();
    assert!(body.starts_with(rest.as_bytes()), "{path} was answered with {text}");
    Ok(rest.as_bytes() == body)
}

/// Reads one answer `hello` to each of several requests.
fn keep_alive(port: u16) -> std::io::Result<bool> {
    let mut client = connect(port)?;
    for _ in 0..5 {
        client.write_all(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let head = head(&mut client)?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Ok(false);
        }
        let mut body = [0; 5];
        client.read_exact(&mut body)?;
        assert_eq!(&body, b"hello", "{head}");
    }
    Ok(true)
}

/// Sends a body in small pieces.
fn upload(port: u16) -> std::io::Result<bool> {
    let mut client = connect(port)?;
    client.write_all(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000\r\n\r\n")?;
    for _ in 0..30 {
        client.write_all(&[b'u'; 1000])?;
        pause(&mut client, 2);
    }
    Ok(head(&mut client)?.starts_with("HTTP/1.1 200 "))
}

/// Says something and hears it again; leaves politely, or not.
fn websocket(port: u16, chance: &mut Chance) -> std::io::Result<bool> {
    let mut client = connect(port)?;
    client.write_all(UPGRADE)?;
    if !head(&mut client)?.starts_with("HTTP/1.1 101 ") {
        return Ok(false);
    }
    for _ in 0..chance.below(20) {
        let frame = b"\x81\x85\x00\x00\x00\x00hello";
        client.write_all(frame)?;
        let mut echo = [0; 11];
        client.read_exact(&mut echo)?;
        assert_eq!(&echo, frame);
    }
    if chance.below(2) == 0 {
        client.shutdown(Shutdown::Write)?;
        client.read_to_end(&mut Vec::new())?;
    }
    Ok(true)
}

/// Sends this, whatever comes of it: stalls, reads all or a little, ends half of the connection, or leaves.
fn any(port: u16, chance: &mut Chance, bytes: &[u8], reads: bool) -> Outcome {
    let Ok(mut client) = connect(port) else { return Outcome::Cut };
    let _ = client.write_all(bytes);
    match chance.below(4) {
        0 => {}
        1 => pause(&mut client, 1 + chance.below(300)),
        2 => drop(client.shutdown(Shutdown::Write)),
        _ if reads => drop(client.read(&mut [0; 10])),
        _ => {}
    }
    Outcome::Left
}

/// Waits that long, or until something comes.
fn pause(client: &mut TcpStream, milliseconds: u64) {
    let _ = client.set_read_timeout(Some(Duration::from_millis(milliseconds)));
    let _ = client.peek(&mut [0]);
    let _ = client.set_read_timeout(Some(LIMIT));
}

fn head(client: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
