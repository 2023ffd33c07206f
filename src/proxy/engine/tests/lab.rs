//! A proxy, a server behind it whose every byte a test decides, and clients that read and write raw bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::event::ProcessId;
use crate::proxy::engine::{Hooks, Mapping, Recorder};
use crate::proxy::exchange::Note;
use crate::proxy::{Proxy, ProxyConfig};

/// Long enough for a machine with other things to do.
pub(super) const SOON: Duration = Duration::from_secs(60);
pub(super) const PROCESS: ProcessId = ProcessId(7);

/// Keeps all notes, and bodies up to `body_bytes`.
#[derive(Default)]
pub(super) struct Notebook {
    notes: Mutex<Vec<Note>>,
    body_bytes: usize,
}

impl Recorder for Notebook {
    fn notes(&self, notes: &mut Vec<Note>) {
        self.notes.lock().unwrap().append(notes);
    }

    fn body_bytes(&self) -> usize {
        self.body_bytes
    }
}

/// A server: one thread per connection runs `serve`.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub(super) fn start(serve: impl Fn(Wire, usize) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, serve) = (Arc::clone(&stop), Arc::new(serve));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, serve) = (Wire::new(stream.unwrap()), Arc::clone(&serve));
                std::thread::spawn(move || serve(stream, number));
            }
        });
        Server { address, stop }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// A connection of a client or a server, with what was read and not used.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Wire {
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.set_nodelay(true).unwrap();
        Wire { stream, read: Vec::new() }
    }

    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    fn more(&mut self) -> usize {
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.read.extend_from_slice(&buffer[..count]);
                count
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("read: {error}; so far {:?}", String::from_utf8_lossy(&self.read)),
        }
    }

    /// Up to and with this; `None` if the connection ends before.
    pub(super) fn until(&mut self, end: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|part| part == end) {
                let rest = self.read.split_off(at + end.len());
                let head = std::mem::replace(&mut self.read, rest);
                return Some(String::from_utf8_lossy(&head).into_owned());
            }
            if self.more() == 0 {
                return None;
            }
        }
    }

    /// A whole head.
    pub(super) fn head(&mut self) -> String {
        self.try_head().expect("a head, not the end")
    }

    pub(super) fn try_head(&mut self) -> Option<String> {
        self.until(b"\r\n\r\n")
    }

    pub(super) fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(self.more() > 0, "the end after {} of {count} bytes", self.read.len());
        }
        let rest = self.read.split_off(count);
        std::mem::replace(&mut self.read, rest)
    }

    pub(super) fn try_exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            if self.more() == 0 {
                return None;
            }
        }
        Some(self.exactly(count))
    }

    pub(super) fn end_writing(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Everything until the end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        while self.more() > 0 {}
        std::mem::take(&mut self.read)
    }

    /// An answer with Content-Length.
    pub(super) fn answer(&mut self) -> (String, String) {
        let head = self.head();
        let length = field(&head, "content-length").expect("a length").parse().unwrap();
        (head, String::from_utf8_lossy(&self.exactly(length)).into_owned())
    }

    /// Whether the other end has closed, and said nothing before.
    pub(super) fn is_closed(&mut self) -> bool {
        self.read.is_empty() && self.more() == 0
    }

    /// Whether it ended with a failure rather than an end.
    pub(super) fn was_reset(&mut self) -> bool {
        let mut buffer = [0; 65536];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }
}

/// The value of a field in the text of a head.
pub(super) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (own, value) = line.split_once(": ")?;
        own.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A proxy in front of one server.
pub(super) struct Lab {
    pub(super) proxy: Proxy,
    pub(super) notebook: Arc<Notebook>,
    pub(super) mapping: Option<Mapping>,
    pub(super) server: Server,
}

pub(super) fn config() -> ProxyConfig {
    ProxyConfig { port: 0, first_port: 0, ..ProxyConfig::default() }
}

impl Lab {
    pub(super) fn new(serve: impl Fn(Wire, usize) + Send + Sync + 'static) -> Lab {
        Lab::with(config(), 1 << 20, Hooks::default(), serve)
    }

    pub(super) fn with(
        config: ProxyConfig,
        body_bytes: usize,
        hooks: Hooks,
        serve: impl Fn(Wire, usize) + Send + Sync + 'static,
    ) -> Lab {
        let server = Server::start(serve);
        let notebook = Arc::new(Notebook { body_bytes, ..Notebook::default() });
        let hooks = Hooks { recorder: Arc::clone(&notebook) as Arc<dyn Recorder>, ..hooks };
        let proxy = Proxy::start(config, hooks).unwrap();
        let mapping = proxy.register_url(&server.url(), PROCESS, "web", "Web").unwrap();
        Lab { proxy, notebook, mapping: Some(mapping), server }
    }

    pub(super) fn port(&self) -> u16 {
        self.mapping.as_ref().unwrap().port
    }

    /// A client of the server's address.
    pub(super) fn client(&self) -> Wire {
        Wire::new(TcpStream::connect(("127.0.0.1", self.port())).unwrap())
    }

    /// A client of the control port.
    pub(super) fn control(&self) -> Wire {
        Wire::new(TcpStream::connect(("127.0.0.1", self.proxy.port())).unwrap())
    }

    /// The notes, once `enough` says so.
    pub(super) fn notes(&self, enough: impl Fn(&[Note]) -> bool) -> Vec<Note> {
        let notes = until(|| {
            let notes = self.notebook.notes.lock().unwrap();
            enough(&notes).then(|| notes.clone())
        });
        notes.unwrap_or_else(|| panic!("notes: {:#?}", self.notebook.notes.lock().unwrap()))
    }

    /// The notes, once so many exchanges have ended.
    pub(super) fn ended(&self, count: usize) -> Vec<Note> {
        self.notes(|notes| notes.iter().filter(|note| matches!(note, Note::Ended { .. })).count() >= count)
    }
}

/// Waits for a value.
pub(super) fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let by = Instant::now() + SOON;
    loop {
        match look() {
            None if Instant::now() < by => std::thread::yield_now(),
            found => return found,
        }
    }
}

/// Serves every request on a connection with the same answer.
pub(super) fn always(answer: &'static str) -> impl Fn(Wire, usize) + Send + Sync + 'static {
    move |mut wire, _| {
        while wire.try_head().is_some() {
            wire.send(answer);
        }
    }
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
pub(super) const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n";
