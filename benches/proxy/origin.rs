//! The server behind every proxy: nginx with one worker on the load's core, and a thread that echoes WebSocket frames.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::peers::{free_port, wait_for_port};

/// The RFC's own example of a key, and the answer to it.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Bytes of a frame with 100 bytes of text: masked from the client, plain from the server.
pub const FRAME_UP: usize = 106;
pub const FRAME_DOWN: usize = 102;

pub struct Origin {
    nginx: Child,
    _dir: tempfile::TempDir,
    /// `/small`, `/64k`, `/10m`, `/page`.
    pub port: u16,
    /// Echoes frames of 100 bytes.
    pub echo: u16,
    /// Sends zeros for ever to whoever connects.
    pub source: u16,
}

impl Origin {
    pub fn start() -> Origin {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        files(dir.path());
        let text = config(dir.path(), port);
        let file = dir.path().join("origin.conf");
        std::fs::write(&file, text).expect("can be written");
        let nginx = crate::peers::on_core(1, "nginx")
            .args(["-p", &dir.path().display().to_string(), "-c", &file.display().to_string()])
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is installed: benches/proxy.sh installs it");
        wait_for_port(port);
        Origin { nginx, _dir: dir, port, echo: serve(echo), source: serve(zeros) }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // nginx ends its worker when it is asked to, not when it is killed.
        let _ = Command::new("kill").args(["-TERM", &self.nginx.id().to_string()]).status();
        let _ = self.nginx.wait();
    }
}

fn files(dir: &Path) {
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(dir.join(name), bytes).expect("can be written");
    write("small", vec![b's'; 200]);
    write("64k", vec![b'k'; 64 << 10]);
    write("10m", vec![b'm'; 10 << 20]);
    let text = "<p>A page as a development server would send it.</p>\n".repeat(76);
    write("page.html", format!("<!doctype html><html><head><title>t</title></head><body>{text}</body></html>").into());
}

fn config(dir: &Path, port: u16) -> String {
    let dir = dir.display();
    format!(
        "daemon off; worker_processes 1; pid {dir}/origin.pid; error_log /dev/null;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; sendfile on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 600s;\n\
         open_file_cache max=16; default_type application/octet-stream; types {{ text/html html; }}\n\
         client_body_temp_path {dir}/o1; proxy_temp_path {dir}/o2; fastcgi_temp_path {dir}/o3; uwsgi_temp_path {dir}/o4;\n\
         scgi_temp_path {dir}/o5;\n\
         server {{ listen 127.0.0.1:{port} backlog=4096; root {dir}; }} }}\n"
    )
}

fn serve(each: fn(TcpStream) -> std::io::Result<()>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("is bound").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away ends its thread.
            thread::spawn(move || drop(each(stream)));
        }
    });
    port
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    read_head(&mut stream)?;
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut frame = [0; FRAME_UP];
    loop {
        stream.read_exact(&mut frame)?;
        let mask = [frame[2], frame[3], frame[4], frame[5]];
        let mut answer = vec![0x81, 100];
        answer.extend(frame[6..].iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
        stream.write_all(&answer)?;
    }
}

fn zeros(mut stream: TcpStream) -> std::io::Result<()> {
    let block = vec![0; 256 << 10];
    loop {
        stream.write_all(&block)?;
    }
}

/// Reads up to the empty line, byte by byte: nothing behind it is taken.
pub fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
