//! A small server of pages in the place of the proxy: it injects the script, and serves the control paths to a browser.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use brummer::event::ProcessId;
use brummer::proxy::engine::{ChannelId, Control, Edits, HeadView, Injector, PageChannel, PageOrigin, Say};
use brummer::proxy::inject::{PageInjector, Policies};
use brummer::proxy::telemetry::Telemetry;
use tungstenite::{Message, WebSocket};

const PREFIX: &str = "/__brummer/0123456789abcdef/";

/// A page or a file: its path, its status, its fields, its body.
pub(crate) struct File {
    pub(crate) path: &'static str,
    pub(crate) status: u16,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl File {
    pub(crate) fn page(path: &'static str, body: &str) -> File {
        File { path, status: 200, fields: vec![("Content-Type", "text/html; charset=utf-8".into())], body: body.into() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> File {
        self.fields.push((name, value.into()));
        self
    }
}

/// A server that stops when it is dropped.
pub(crate) struct Server {
    pub(crate) origin: String,
    stopped: Arc<AtomicBool>,
}

/// What each connection needs.
struct Shared {
    files: Vec<File>,
    telemetry: Arc<Telemetry>,
    injector: PageInjector,
    from: PageOrigin,
    lines: Lines,
    next: AtomicU64,
}

/// The ways to open channels.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<HashMap<ChannelId, Sender<String>>>>);

impl Say for Lines {
    fn say(&self, channel: ChannelId, text: String) {
        if let Some(line) = self.0.lock().unwrap().get(&channel) {
            let _ = line.send(text);
        }
    }

    fn close(&self, channel: ChannelId) {
        self.0.lock().unwrap().remove(&channel);
    }
}

impl Server {
    pub(crate) fn start(files: Vec<File>, telemetry: &Arc<Telemetry>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let process = Some((ProcessId(1), "web".into()));
        let shared = Arc::new(Shared {
            files,
            telemetry: Arc::clone(telemetry),
            injector: PageInjector::new(Policies::Loosen),
            from: PageOrigin { origin: origin.as_str().into(), process },
            lines: Lines::default(),
            next: AtomicU64::new(1),
        });
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        Server { origin, stopped }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The connection wakes the listener, which then sees that it is to stop.
        let _ = TcpStream::connect(self.origin.trim_start_matches("http://"));
    }
}

/// Serves one connection: a channel, or one request.
fn serve(shared: &Arc<Shared>, mut stream: TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut seen = [0; 4096];
    let length = loop {
        match stream.peek(&mut seen) {
            Ok(0) | Err(_) => return,
            Ok(length) if seen[..length].windows(4).any(|part| part == b"\r\n\r\n") => break length,
            Ok(length) if length == seen.len() => return,
            Ok(_) => std::thread::yield_now(),
        }
    };
    if String::from_utf8_lossy(&seen[..length]).to_ascii_lowercase().contains("upgrade: websocket") {
        if let Ok(socket) = tungstenite::accept(stream) {
            speak(shared, socket);
        }
        return;
    }
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let fields: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ").map(|(n, v)| (n.to_owned(), v.to_owned()))).collect();
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if let Some(path) = target.strip_prefix(PREFIX) {
        let length = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        if method == "POST" {
            shared.telemetry.beacon(&shared.from, path, body);
            return answer(&mut stream, 204, &[], b"");
        }
        let found = shared.telemetry.get(&shared.from, path).expect("a script");
        let fields = [("Content-Type", found.content_type.to_owned())];
        return answer(&mut stream, found.status, &fields, &found.body);
    }
    let path = target.split('?').next().unwrap_or_default();
    match shared.files.iter().find(|file| file.path == path) {
        Some(file) => page(shared, &mut stream, method, target, &fields, file),
        None => answer(&mut stream, 404, &[("Content-Type", "text/plain".into())], b"no such file"),
    }
}

/// Sends a file as the proxy would: through the injector.
fn page(shared: &Shared, stream: &mut TcpStream, method: &str, target: &str, fields: &[(String, String)], file: &File) {
    let fields: Vec<(&str, &[u8])> = fields.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
    let wanted = shared.injector.on_request(HeadView { method, target, status: 0, fields: &fields }, &mut Edits::new());
    let own: Vec<(&str, &[u8])> = file.fields.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
    let head = HeadView { method, target, status: file.status, fields: &own };
    let mut edits = Edits::new();
    let insertion = shared.injector.on_response(wanted, head, &shared.from, PREFIX, &mut edits);
    let mut sent: Vec<(&str, String)> =
        file.fields.iter().filter(|(name, _)| !edits.removes(name)).map(|(n, v)| (*n, v.clone())).collect();
    sent.extend(edits.added().map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned())));
    let mut body = Vec::new();
    match insertion.filter {
        Some(mut filter) => {
            filter.feed(file.body.as_bytes(), &mut body);
            filter.finish(&mut body);
        }
        None => body.extend_from_slice(file.body.as_bytes()),
    }
    answer(stream, file.status, &sent, &body);
}

fn answer(stream: &mut TcpStream, status: u16, fields: &[(&str, String)], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    fields.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// A page's channel: what the page says goes to telemetry, what is said to it waits at most a moment.
fn speak(shared: &Shared, mut socket: WebSocket<TcpStream>) {
    let id = ChannelId(shared.next.fetch_add(1, Ordering::Relaxed));
    let (sender, to_page) = channel();
    shared.lines.0.lock().unwrap().insert(id, sender);
    socket.get_ref().set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    shared.telemetry.page_opened(PageChannel::new(id, Arc::new(shared.lines.clone())), &shared.from, "page");
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => shared.telemetry.page_message(id, text.as_str()),
            Ok(_) => {}
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        let open = shared.lines.0.lock().unwrap().contains_key(&id);
        let sent = to_page.try_iter().try_for_each(|text| socket.send(Message::text(text)));
        if !open || sent.is_err() {
            break;
        }
    }
    shared.lines.close(id);
    shared.telemetry.page_closed(id);
}
