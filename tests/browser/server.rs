//! A small development server: pages and files by path, one request per connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A page or a file: its path, its status, its fields, its body.
pub(crate) struct File {
    path: String,
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl File {
    pub(crate) fn new(path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> File {
        let fields = vec![("Content-Type".to_owned(), content_type.to_owned())];
        File { path: path.to_owned(), status: 200, fields, body: body.into() }
    }

    pub(crate) fn page(path: &str, body: impl Into<Vec<u8>>) -> File {
        File::new(path, "text/html; charset=utf-8", body)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> File {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A server that stops when it is dropped.
pub(crate) struct Server {
    address: String,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(files: Vec<File>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stopped = Arc::new(AtomicBool::new(false));
        let (seen, files) = (Arc::clone(&stopped), Arc::new(files));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                let files = Arc::clone(&files);
                std::thread::spawn(move || serve(&files, stream));
            }
        });
        Server { address, stopped }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The connection wakes the listener, which then sees that it is to stop.
        let _ = TcpStream::connect(&self.address);
    }
}

fn serve(files: &[File], mut stream: TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let head: Vec<String> = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    // The body is read, or the connection would end with a reset.
    let _ = reader.read_exact(&mut vec![0; length.unwrap_or(0)]);
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let missing = File { status: 404, ..File::new(path, "text/plain", "no such file") };
    let file = files.iter().find(|file| file.path == path).unwrap_or(&missing);
    let mut answer =
        format!("HTTP/1.1 {} X\r\nConnection: close\r\nContent-Length: {}\r\n", file.status, file.body.len());
    file.fields.iter().for_each(|(name, value)| answer.push_str(&format!("{name}: {value}\r\n")));
    answer.push_str("\r\n");
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(&file.body));
}
