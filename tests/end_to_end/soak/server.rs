//! The server behind the proxy: what it does with a request is told by its path, and all of its connections can be cut at once.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server: one thread for each connection.
pub(super) struct Server {
    address: SocketAddr,
    open: Arc<Mutex<HashMap<u64, TcpStream>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub(super) fn start() -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        let open: Arc<Mutex<HashMap<u64, TcpStream>>> = Arc::default();
        let stopped = Arc::new(AtomicBool::new(false));
        let (all, stop) = (open.clone(), stopped.clone());
        std::thread::spawn(move || {
            for (number, stream) in (0..).zip(listener.incoming()) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let Ok(copy) = stream.try_clone() else { continue };
                all.lock().expect("nobody panics with it").insert(number, copy);
                let all = all.clone();
                std::thread::spawn(move || {
                    // Whatever ends it is part of the game.
                    let _ = serve(stream);
                    all.lock().expect("nobody panics with it").remove(&number);
                });
            }
        });
        Server { address, open, stopped }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends every connection, whatever goes on over it, as a server does that dies.
    pub(super) fn cut(&self) {
        for stream in self.open.lock().expect("nobody panics with it").values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.cut();
        let _ = TcpStream::connect(self.address);
    }
}

/// Waits that long, or until the other end does something.
fn pause(stream: &mut TcpStream, milliseconds: u64) -> bool {
    let set = stream.set_read_timeout(Some(Duration::from_millis(milliseconds)));
    let ended = stream.read(&mut [0; 16]).is_ok();
    set.is_ok() && !ended && stream.set_read_timeout(None).is_ok()
}

fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let head = head(&mut stream)?;
        match head.split(' ').nth(1).unwrap_or_default() {
            "/ok" => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")?,
            "/big" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
                for _ in 0..10 {
                    stream.write_all(&[b'x'; 100_000])?;
                }
            }
            "/upload" => {
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                std::io::copy(&mut (&mut stream).take(30_000), &mut std::io::sink())?;
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup")?;
            }
            "/slow" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                for _ in 0..5 {
                    stream.write_all(b"5\r\nhello\r\n")?;
                    if !pause(&mut stream, 20) {
                        return Ok(());
                    }
                }
                stream.write_all(b"0\r\n\r\n")?;
            }
            "/upgrade" => {
                stream.write_all(
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
                )?;
                let mut copy = stream.try_clone()?;
                std::io::copy(&mut stream, &mut copy)?;
                return Ok(());
            }
            "/short" => return stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello"),
            "/broken" => {
                let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n";
                return stream.write_all(text);
            }
            "/garbage" => return stream.write_all(b"\x00\x01garbage\r\n\r\n"),
            "/surplus" => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more")?,
            "/stall" => {
                pause(&mut stream, 400);
                return Ok(());
            }
            // With bytes that nobody read, the end of a connection is a reset.
            "/reset" => return stream.write_all(b"HTTP/1.1 200 OK\r\n"),
            _ => return Ok(()),
        }
    }
}
