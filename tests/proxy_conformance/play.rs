//! Plays a case: both ends of the proxy are plain sockets here, and every byte at either is looked at.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::case::{Case, Part, Step, matches};

/// How the bytes that are sent are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Whole,
    EveryByte,
    /// Once, after so many bytes of all that are sent.
    At(usize),
}

const DEADLINE: Duration = Duration::from_secs(60);

/// One end: its socket, and what was read and not yet looked at.
struct End {
    socket: TcpStream,
    read: Vec<u8>,
    ended: bool,
}

impl End {
    fn new(socket: TcpStream) -> End {
        socket.set_nodelay(true).expect("nodelay");
        socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
        End { socket, read: Vec::new(), ended: false }
    }

    fn more(&mut self) {
        let mut buffer = [0; 64 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(count) => self.read.extend_from_slice(&buffer[..count]),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => self.ended = true,
        }
    }

    fn receive(&mut self, parts: &[Part]) -> Result<(), String> {
        let start = Instant::now();
        loop {
            match matches(parts, &self.read) {
                Ok(Some(used)) => {
                    self.read.drain(..used);
                    return Ok(());
                }
                Ok(None) if !self.ended && start.elapsed() < DEADLINE => self.more(),
                // What comes after the difference tells more than the difference.
                _ => {
                    self.socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
                    self.more();
                    let wanted: Vec<u8> = parts.iter().flat_map(shown).collect();
                    return Err(format!(
                        "wanted\n{}\n  got ({})\n{}",
                        text(&wanted),
                        if self.ended { "ended" } else { "waiting" },
                        text(&self.read)
                    ));
                }
            }
        }
    }

    fn wait_for_the_end(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while !self.ended {
            if start.elapsed() > DEADLINE {
                return Err(format!("the connection does not end; got\n{}", text(&self.read)));
            }
            self.more();
        }
        self.nothing_is_left()
    }

    fn nothing_is_left(&self) -> Result<(), String> {
        if self.read.is_empty() { Ok(()) } else { Err(format!("more came:\n{}", text(&self.read))) }
    }

    /// Sends, cut where `cut` says; `sent` counts what all ends have sent.
    fn send(&mut self, bytes: &[u8], cut: Cut, sent: &mut usize) -> Result<(), String> {
        let pieces: Vec<&[u8]> = match cut {
            Cut::At(at) if at > *sent && at < *sent + bytes.len() => {
                let (left, right) = bytes.split_at(at - *sent);
                vec![left, right]
            }
            Cut::EveryByte => bytes.chunks(1).collect(),
            _ => vec![bytes],
        };
        *sent += bytes.len();
        for piece in pieces {
            match self.socket.write_all(piece) {
                Ok(()) => std::thread::yield_now(),
                // A refusal may come before all was sent: then what was received decides.
                Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }
}

fn shown(part: &Part) -> Vec<u8> {
    match part {
        Part::Bytes(bytes) => bytes.clone(),
        Part::Chunks(bytes) => [b"{chunks: ", &bytes[..], b"}\r\n"].concat(),
        Part::Anything => b"...\r\n".to_vec(),
        Part::RestOfLine => b"*\r\n".to_vec(),
    }
}

fn text(bytes: &[u8]) -> String {
    let shortened = &bytes[..bytes.len().min(2000)];
    let lines = String::from_utf8_lossy(shortened).replace("\r\n", "\n").escape_debug().to_string();
    lines.replace("\\n", "\n    ").replace("\\\"", "\"").replace("\\'", "'")
}

/// The two ends, and the listener of the server.
struct Stage<'a> {
    listener: &'a TcpListener,
    client: End,
    server: Option<End>,
    cut: Cut,
    sent: usize,
}

/// Plays a case against the proxy at `proxy`; the first difference is returned with the number of its step.
pub(crate) fn play(case: &Case, proxy: &str, listener: &TcpListener, cut: Cut) -> Result<(), String> {
    listener.set_nonblocking(true).expect("nonblocking");
    let client = End::new(TcpStream::connect(proxy).map_err(|error| format!("the proxy at {proxy}: {error}"))?);
    let mut stage = Stage { listener, client, server: None, cut, sent: 0 };
    for (number, step) in case.steps.iter().enumerate() {
        stage.step(step).map_err(|why| {
            let name = format!("{step:?}").chars().take_while(|c| c.is_alphanumeric()).collect::<String>();
            format!("{} ({cut:?}), step {} {name}: {why}", case.name, number + 1)
        })?;
    }
    Ok(())
}

impl Stage<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::ClientSends(bytes) => self.client.send(bytes, self.cut, &mut self.sent),
            Step::ClientReceives(parts) => self.client.receive(parts),
            Step::ClientCloses => {
                self.client.socket.shutdown(std::net::Shutdown::Both).map_err(|error| error.to_string())
            }
            Step::ServerReceives(parts) => self.server()?.receive(parts),
            Step::ServerReceivesAnew(parts) => {
                self.server = Some(self.accept()?);
                self.server()?.receive(parts)
            }
            Step::ServerSends(bytes) => {
                let (cut, mut sent) = (self.cut, self.sent);
                self.server()?.send(bytes, cut, &mut sent)?;
                self.sent = sent;
                Ok(())
            }
            Step::ServerCloses => {
                drop(self.server.take());
                Ok(())
            }
            Step::ServerSeesTheEnd => self.server()?.wait_for_the_end(),
            Step::ServerReceivesNothing => match self.listener.accept() {
                Ok((socket, _)) => {
                    let mut end = End::new(socket);
                    end.more();
                    end.nothing_is_left()
                }
                Err(_) => Ok(()),
            },
            Step::Kept => self.kept(),
            Step::Closed => self.client.wait_for_the_end(),
        }
    }

    fn server(&mut self) -> Result<&mut End, String> {
        if self.server.is_none() {
            self.server = Some(self.accept()?);
        }
        self.server.as_mut().ok_or_else(|| "no server".to_owned())
    }

    fn accept(&self) -> Result<End, String> {
        let start = Instant::now();
        loop {
            match self.listener.accept() {
                Ok((socket, _)) => {
                    socket.set_nonblocking(false).expect("blocking");
                    return Ok(End::new(socket));
                }
                Err(_) if start.elapsed() < DEADLINE => std::thread::yield_now(),
                Err(error) => return Err(format!("the proxy does not connect: {error}")),
            }
        }
    }

    /// A request that is refused shows that the connection is read; nothing came before its answer.
    fn kept(&mut self) -> Result<(), String> {
        self.client.nothing_is_left()?;
        let (mut sent, probe) = (0, b"GET / HTTP/9.9\r\n\r\n");
        self.client.send(probe, Cut::Whole, &mut sent)?;
        self.client.receive(&[Part::Bytes(b"HTTP/1.1 505 ".to_vec()), Part::Anything])
    }
}
