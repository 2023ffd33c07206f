//! The smallest HTTP server that a browser is content with, and its visitor.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const HEAD_BYTES_MAX: usize = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(2);

/// What is answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<String>) -> Answer {
        Answer { status, content_type, body: body.into() }
    }
}

/// A request that was answered.
#[derive(Debug)]
pub(super) struct Served<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) status: u16,
    pub(super) took: Duration,
}

/// Listens on a port of this machine that the system picks.
pub(super) fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves for ever: `answer` makes the response of a path, `log` is told what was served.
pub(super) fn serve<A, L>(listener: &TcpListener, answer: A, log: L) -> io::Result<()>
where
    A: Fn(&str) -> Answer + Send + Sync + 'static,
    L: Fn(&Served<'_>) -> io::Result<()> + Send + Sync + 'static,
{
    let site = Arc::new((answer, log));
    loop {
        let (stream, _) = listener.accept()?;
        let site = Arc::clone(&site);
        // A browser opens connections that it does not use yet: one thread each, and only for a short time.
        thread::spawn(move || exchange(stream, &site.0, &site.1));
    }
}

fn exchange<A, L>(mut stream: TcpStream, answer: &A, log: &L) -> io::Result<()>
where
    A: Fn(&str) -> Answer,
    L: Fn(&Served<'_>) -> io::Result<()>,
{
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some((method, path)) = read_head(&mut stream)? else { return Ok(()) };
    let start = Instant::now();
    let Answer { status, content_type, body } = answer(&path);
    let head = format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        reason(status),
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    log(&Served { method: &method, path: &path, status, took: start.elapsed() })
}

/// Method and path of the request, once its head is complete; `None` when it never is.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<(String, String)>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    while bytes.len() < HEAD_BYTES_MAX {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..count]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&bytes) {
            Ok(httparse::Status::Complete(_)) => {
                let words = request.method.zip(request.path);
                return Ok(words.map(|(method, path)| (method.to_owned(), path.to_owned())));
            }
            Ok(httparse::Status::Partial) => {}
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        404 => "Not Found",
        _ => "Internal Server Error",
    }
}

/// Asks for a path and reads the answer to its end; its status.
pub(super) fn get(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let _ = response.parse(&answer);
    response.code.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_served_and_told_to_the_log() {
        let (listener, address) = listen().unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        let log = move |served: &Served<'_>| {
            let _ = told.send((served.method.to_owned(), served.path.to_owned(), served.status));
            Ok(())
        };
        let answer = |path: &str| match path {
            "/" => Answer::new(200, "text/plain", "hello"),
            _ => Answer::new(404, "text/plain", ""),
        };
        // It ends with the test's process.
        thread::spawn(move || serve(&listener, answer, log));
        assert_eq!(get(address, "/").unwrap(), 200);
        assert_eq!(get(address, "/x").unwrap(), 404);
        let deadline = Duration::from_secs(60);
        assert_eq!(heard.recv_timeout(deadline).unwrap(), ("GET".into(), "/".into(), 200));
        assert_eq!(heard.recv_timeout(deadline).unwrap(), ("GET".into(), "/x".into(), 404));
    }
}
