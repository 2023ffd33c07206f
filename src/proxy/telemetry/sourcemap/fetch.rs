//! Fetches a file of a server on this machine, and of no other: plain HTTP, bounded in bytes and time, on the caller's thread.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result};
use crate::io::local::Target;
use crate::wire::http1::{Decoded, Decoder, Framing, Method, Parsed, ResponseHead, parse_response, response_framing};

/// A longer file is refused.
pub(super) const FILE_BYTES_MAX: usize = 32 << 20;

/// The file at a URL of this machine.
///
/// # Errors
/// INVALID_STATE for another machine, another scheme, or another status than 200; RESOURCE_LIMIT for what is too long;
/// TIMEOUT and NETWORK for what goes wrong on the way.
pub(super) fn fetch(url: &str, timeout: Duration) -> Result<Vec<u8>> {
    let until = Instant::now() + timeout;
    let target = target(url).ok_or_else(|| {
        Error::new("telemetry", Code::InvalidState, format!("`{url}` is no http address of this machine"))
    })?;
    let failed = |error| Error::io("telemetry", format!("fetch {url}"), error);
    let mut stream = target.connect(until).map_err(failed)?;
    let path = if target.path.is_empty() { "/" } else { target.path };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nAccept-Encoding: identity\r\nSec-Fetch-Dest: script\r\nConnection: close\r\n\r\n",
        target.authority
    );
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut read = Reading::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        stream.set_read_timeout(Some(left(until)?)).map_err(failed)?;
        let bytes = stream.read(&mut buffer).map_err(failed)?;
        if read
            .take(&buffer[..bytes])
            .map_err(|why| Error::new("telemetry", Code::InvalidState, format!("fetch {url}: {why}")))?
        {
            return Ok(read.body);
        }
        if read.body.len() + read.head_bytes.len() > FILE_BYTES_MAX {
            return Err(Error::new("telemetry", Code::ResourceLimit, format!("{url} is too long")).permanent());
        }
    }
}

/// Whether files of this server may be fetched.
pub(super) fn is_here(server: &str) -> bool {
    target(server).is_some()
}

fn left(until: Instant) -> Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(Error::new("telemetry", Code::Timeout, "a source map was not there in time"))
    } else {
        Ok(left)
    }
}

/// Takes a URL apart; `None` unless it is plain HTTP that can be asked on this machine alone, and fit for a request line.
fn target(url: &str) -> Option<Target<'_>> {
    Target::of(url).filter(|target| !target.is_secure && target.is_loopback())
}

/// An answer on its way.
#[derive(Default)]
struct Reading {
    head_bytes: Vec<u8>,
    head: ResponseHead,
    framing: Option<Framing>,
    chunks: Decoder,
    body: Vec<u8>,
}

impl Reading {
    /// Takes what was read, nothing at the end of the connection; whether the answer is whole.
    fn take(&mut self, bytes: &[u8]) -> std::result::Result<bool, String> {
        let ended = bytes.is_empty();
        if self.framing.is_some() {
            return self.take_body(bytes, ended);
        }
        self.head_bytes.extend_from_slice(bytes);
        match parse_response(&self.head_bytes, &mut self.head).map_err(|refusal| refusal.reason.to_owned())? {
            Parsed::Partial if ended => Err("the server said nothing".into()),
            Parsed::Partial => Ok(false),
            Parsed::Complete { bytes: head } => {
                if self.head.status() != 200 {
                    return Err(format!("the server answered {}", self.head.status()));
                }
                let framing = response_framing(&self.head, Method::Get).map_err(|refusal| refusal.reason.to_owned())?;
                self.framing = Some(framing);
                let rest = std::mem::take(&mut self.head_bytes).split_off(head);
                self.take_body(&rest, false)
            }
        }
    }

    fn take_body(&mut self, mut bytes: &[u8], ended: bool) -> std::result::Result<bool, String> {
        match self.framing {
            None | Some(Framing::None) => Ok(true),
            Some(Framing::Length(length)) => {
                self.body.extend_from_slice(bytes);
                let whole = self.body.len() as u64 >= length;
                self.body.truncate(usize::try_from(length).unwrap_or(usize::MAX));
                if ended && !whole { Err("the answer was cut".into()) } else { Ok(whole) }
            }
            Some(Framing::Chunked) => loop {
                match self.chunks.decode(bytes).map_err(|refusal| refusal.reason.to_owned())? {
                    Decoded::Data { payload, used } => {
                        self.body.extend_from_slice(payload);
                        bytes = &bytes[used..];
                    }
                    Decoded::More if ended => return Err("the answer was cut".into()),
                    Decoded::More => return Ok(false),
                    Decoded::End { .. } => return Ok(true),
                }
            },
            Some(Framing::UntilClose) => {
                self.body.extend_from_slice(bytes);
                Ok(ended)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answered(answer: &'static str) -> Result<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/a.js?x", listener.local_addr().unwrap().port());
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                let length = stream.read(&mut request).unwrap();
                assert!(request[..length].starts_with(b"GET /a.js?x HTTP/1.1\r\nHost: localhost:"));
                for part in answer.as_bytes().chunks(7) {
                    let _ = stream.write_all(part);
                }
            });
            fetch(&url, Duration::from_secs(60))
        })
    }

    #[test]
    fn a_file_is_fetched_however_its_end_is_told() {
        assert_eq!(answered("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd").unwrap(), b"abc");
        assert_eq!(answered("HTTP/1.1 200 OK\r\n\r\nabc").unwrap(), b"abc");
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        assert_eq!(answered(chunked).unwrap(), b"abc");
    }

    #[test]
    fn what_goes_wrong_is_told() {
        for answer in ["", "garbage", "HTTP/1.1 404 No\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"] {
            assert!(answered(answer).is_err(), "{answer:?}");
        }
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}/", silent.local_addr().unwrap().port());
        assert!(fetch(&url, Duration::from_millis(30)).is_err());
    }

    #[test]
    fn only_this_machine_is_asked() {
        for url in ["https://localhost/", "http://example.com/", "http://10.0.0.1/"] {
            assert_eq!(target(url), None, "{url}");
        }
        assert_eq!(target("http://web.localhost:3/a?b#c").unwrap().path, "/a?b");
        assert_eq!(target("http://[::1]:3").unwrap().addresses, ["[::1]:3".parse().unwrap()]);
    }
}
