//! Big bodies through the real proxy: every byte arrives, and its memory stays as it was.
//!
//! 1 GiB up and 256 MiB down to a slow reader; `BRUMMER_TRANSFER_MIB` says how many MiB instead, both ways.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::harness::{Project, Run, Signal, children_of, usage};
use crate::proxy::port_behind;

/// What the proxy may take more than before: buffers of one connection, and what is kept of a body.
const MORE_KIB: u64 = 24 << 10;
/// Bytes on their way that are nobody's but the kernel's: four socket buffers.
const ON_THE_WAY: u64 = 64 << 20;
const LIMIT: Duration = Duration::from_secs(120);

fn mebibytes(default: u64) -> u64 {
    std::env::var("BRUMMER_TRANSFER_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(default) << 20
}

/// A stream of bytes that repeats after a prime number of them, so that a piece too much, too little or in the wrong place shows.
struct Pattern {
    block: Vec<u8>,
    at: u64,
}

impl Pattern {
    const PERIOD: usize = 65_521;

    fn new() -> Pattern {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        Pattern { block: (0..Pattern::PERIOD).map(next).collect(), at: 0 }
    }

    /// The next bytes, at most so many.
    fn ahead(&self, most: u64) -> &[u8] {
        let from = (self.at % Pattern::PERIOD as u64) as usize;
        let rest = &self.block[from..];
        &rest[..rest.len().min(usize::try_from(most).unwrap_or(usize::MAX))]
    }

    /// These bytes have come.
    fn check(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let ahead = self.ahead(bytes.len() as u64);
            let count = ahead.len();
            assert!(bytes[..count] == *ahead, "other bytes than were sent, after {}", self.at);
            self.at += count as u64;
            bytes = &bytes[count..];
        }
    }
}

/// Up to the end of a head; a byte at a time, for what is behind it belongs to somebody else.
fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is ASCII")
}

/// Reads so many bytes of the pattern.
fn take(stream: &mut TcpStream, pattern: &mut Pattern, bytes: u64) {
    let mut buffer = vec![0; 1 << 18];
    let end = pattern.at + bytes;
    while pattern.at < end {
        let room = buffer.len().min(usize::try_from(end - pattern.at).unwrap_or(usize::MAX));
        let count = stream.read(&mut buffer[..room]).expect("bytes");
        assert!(count > 0, "the end after {} bytes", pattern.at);
        pattern.check(&buffer[..count]);
    }
}

/// Sends so many bytes; `sent` counts them, and `blocked` is set when they are not taken for a while.
fn give(stream: &mut TcpStream, bytes: u64, sent: &AtomicU64, blocked: &AtomicBool) {
    let mut pattern = Pattern::new();
    stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a socket");
    while pattern.at < bytes {
        match stream.write(pattern.ahead(bytes - pattern.at)) {
            Ok(count) => {
                pattern.at += count as u64;
                sent.store(pattern.at, Ordering::SeqCst);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                blocked.store(true, Ordering::SeqCst);
            }
            Err(error) => panic!("after {} bytes: {error}", pattern.at),
        }
    }
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket");
    stream
}

/// The proxy in front of a listener.
struct Front {
    run: Run,
    port: u16,
    pid: u32,
}

impl Front {
    fn new(project: &Project, upstream: &TcpListener) -> Front {
        let url = format!("http://{}", upstream.local_addr().expect("bound"));
        let mut run = project.brummer(&["proxy", "--upstream", &url, "--no-telemetry", "--no-tui"]);
        let port = port_behind(&mut run, "is also http://localhost:");
        let pid = children_of(run.pid()).first().copied().expect("the app behind its guardian");
        Front { run, port, pid }
    }

    /// The most memory it ever had.
    fn peak_kib(&self) -> u64 {
        usage::memory_kib(self.pid, "VmHWM")
    }

    fn end(self) {
        self.run.signal(Signal::TERM);
        assert_eq!(self.run.finish().code(), 143);
    }
}

#[test]
fn an_upload_of_a_gibibyte_arrives_whole_in_constant_memory() {
    let bytes = mebibytes(1024);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let project = Project::new();
    let front = Front::new(&project, &listener);
    let before = front.peak_kib();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("the proxy connects");
            stream.set_read_timeout(Some(LIMIT)).expect("a socket");
            assert!(head(&mut stream).contains(&format!("ontent-Length: {bytes}\r\n")));
            take(&mut stream, &mut Pattern::new(), bytes);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("it is read");
        });
        let mut client = connect(front.port);
        let begin = format!("POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n");
        client.write_all(begin.as_bytes()).expect("it is read");
        give(&mut client, bytes, &AtomicU64::new(0), &AtomicBool::new(false));
        assert!(head(&mut client).starts_with("HTTP/1.1 200 "));
    });
    let after = front.peak_kib();
    assert!(after <= before + MORE_KIB, "{before} KiB before, {after} KiB at most");
    front.end();
}

#[test]
fn a_slow_reader_holds_the_server_back_and_gets_every_byte_in_constant_memory() {
    let bytes = mebibytes(256);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let project = Project::new();
    let front = Front::new(&project, &listener);
    let before = front.peak_kib();
    let (sent, blocked) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("the proxy connects");
            head(&mut stream);
            let begin = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
            stream.write_all(begin.as_bytes()).expect("it is read");
            give(&mut stream, bytes, &sent, &blocked);
        });
        let mut client = connect(front.port);
        client.write_all(b"GET /down HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is read");
        head(&mut client);
        let mut pattern = Pattern::new();
        // It reads a little and waits until the server feels that, four times; then the rest.
        for _ in 0..4 {
            take(&mut client, &mut pattern, 1 << 20);
            if bytes > 2 * ON_THE_WAY {
                blocked.store(false, Ordering::SeqCst);
                crate::harness::until("the server is held back", || blocked.load(Ordering::SeqCst));
                let ahead = sent.load(Ordering::SeqCst) - pattern.at;
                assert!(ahead <= ON_THE_WAY, "the server is {ahead} bytes ahead of the client");
            }
        }
        take(&mut client, &mut pattern, bytes - (4 << 20));
    });
    let after = front.peak_kib();
    assert!(after <= before + MORE_KIB, "{before} KiB before, {after} KiB at most");
    front.end();
}
