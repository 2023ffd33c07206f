//! Servers for tests: real sockets, and an instance of either era that does what a test wants.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};

use crate::wire::http1::{Parsed, RequestHead, parse_request};

/// Longest wait of anything here.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// A port at which nobody listens, and which nobody else gets as long as this lives: the own one of a connection.
pub(crate) struct Closed {
    pub(crate) port: u16,
    _held: (TcpListener, TcpStream),
}

impl Closed {
    pub(crate) fn new() -> Closed {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        Closed { port: stream.local_addr().expect("connected").port(), _held: (listener, stream) }
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) verb: String,
    pub(crate) head: RequestHead,
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.head.field(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    pub(crate) fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    pub(crate) fn params(&self) -> &Value {
        &self.body["params"]
    }

    pub(crate) fn is_modern(&self) -> bool {
        self.params()["_meta"]["io.modelcontextprotocol/protocolVersion"].is_string()
    }
}

/// The way back to the client.
pub(crate) struct Out<'a> {
    stream: &'a TcpStream,
    closing: bool,
}

impl Out<'_> {
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let mut stream = self.stream;
        self.closing |= stream.write_all(bytes).is_err();
    }

    pub(crate) fn status(&mut self, status: u16, more: &str, body: &str) {
        let length = body.len();
        self.raw(
            format!(
                "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\n{more}Content-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
    }

    pub(crate) fn json(&mut self, body: &Value) {
        self.status(200, "", &body.to_string());
    }

    pub(crate) fn result(&mut self, request: &Request, result: &Value) {
        self.json(&json!({ "jsonrpc": "2.0", "id": request.body["id"], "result": result }));
    }

    pub(crate) fn error(&mut self, status: u16, request: &Request, code: i32, message: &str) {
        let body = json!({ "jsonrpc": "2.0", "id": request.body["id"], "error": { "code": code, "message": message } });
        self.status(status, "", &body.to_string());
    }

    pub(crate) fn open_stream(&mut self) {
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    }

    pub(crate) fn chunk(&mut self, text: &str) {
        self.raw(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes());
    }

    pub(crate) fn event(&mut self, message: &Value) {
        self.chunk(&format!("data: {message}\n\n"));
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        self.event(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub(crate) fn end_stream(&mut self) {
        self.raw(b"0\r\n\r\n");
    }

    /// Closes the connection, which the client can see from now on.
    pub(crate) fn close(&mut self) {
        self.closing = true;
        // It may be closed already, which is what is wanted.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Waits until the client has closed the connection.
    pub(crate) fn wait_until_closed(&mut self) {
        let mut stream = self.stream;
        while stream.read(&mut [0; 64]).is_ok_and(|bytes| bytes > 0) {}
        self.closing = true;
    }
}

type Handler = dyn Fn(&Request, &mut Out<'_>) + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    stopped: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    heard: Mutex<Vec<Request>>,
    told: Condvar,
}

/// A server that is gone when it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Request, &mut Out<'_>) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            stopped: AtomicBool::new(false),
            streams: Mutex::default(),
            heard: Mutex::default(),
            told: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.stopped.load(Ordering::Acquire) {
                    break;
                }
                let _ = stream.set_nodelay(true);
                own.streams.lock().push(stream.try_clone().unwrap());
                let shared = Arc::clone(&own);
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Server { port, shared, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    pub(crate) fn heard(&self) -> Vec<Request> {
        self.shared.heard.lock().clone()
    }

    pub(crate) fn methods(&self) -> Vec<String> {
        self.heard().iter().map(|request| request.method().to_owned()).collect()
    }

    /// Waits until so many requests of this method have come.
    pub(crate) fn wait_for(&self, method: &str, count: usize) {
        let end = std::time::Instant::now() + PATIENCE;
        let mut heard = self.shared.heard.lock();
        while heard.iter().filter(|request| request.method() == method).count() < count {
            assert!(!self.shared.told.wait_until(&mut heard, end).timed_out(), "no {method} came");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.thread.take().map(JoinHandle::join);
        for stream in self.shared.streams.lock().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn serve(stream: &TcpStream, shared: &Shared) {
    let mut buffer = Vec::new();
    while let Some(request) = receive(stream, &mut buffer) {
        let mut out = Out { stream, closing: false };
        shared.heard.lock().push(request.clone());
        shared.told.notify_all();
        (shared.handler)(&request, &mut out);
        if out.closing {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn receive(mut stream: &TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let mut head = RequestHead::default();
    let mut fill = |buffer: &mut Vec<u8>| {
        let mut piece = [0; 4096];
        let bytes = stream.read(&mut piece).ok().filter(|bytes| *bytes > 0)?;
        buffer.extend_from_slice(&piece[..bytes]);
        Some(())
    };
    let start = loop {
        match parse_request(buffer, &mut head).expect("a client of ours writes good heads") {
            Parsed::Complete { bytes } => break bytes,
            Parsed::Partial => fill(buffer)?,
        }
    };
    let length = head.field("content-length").map_or(0, |value| String::from_utf8_lossy(value).parse().unwrap());
    while buffer.len() < start + length {
        fill(buffer)?;
    }
    let body = serde_json::from_slice(&buffer[start..start + length]).unwrap_or(Value::Null);
    buffer.drain(..start + length);
    Some(Request { verb: head.method().to_owned(), head, body })
}

/// An instance of Brummer as far as tests need it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instance {
    pub(crate) name: &'static str,
    /// Which instance it says that it is, if it does.
    pub(crate) id: Option<&'static str>,
    /// It speaks the legacy way only.
    pub(crate) legacy: bool,
    /// Tools beside its own.
    pub(crate) more_tools: Vec<&'static str>,
    /// Told to those who listen.
    pub(crate) bell: Arc<Bell>,
}

/// Messages that are to go out to all who listen.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    said: Mutex<Vec<(String, Value)>>,
    rung: Condvar,
}

impl Bell {
    pub(crate) fn say(&self, method: &str, params: Value) {
        self.said.lock().push((method.to_owned(), params));
        self.rung.notify_all();
    }

    /// Passes on what is said until the client is gone.
    fn pass_on(&self, out: &mut Out<'_>) {
        let mut passed = 0;
        let mut said = self.said.lock();
        while !out.closing {
            while let Some((method, params)) = said.get(passed) {
                out.notify(method, params);
                passed += 1;
            }
            if !self.rung.wait_for(&mut said, std::time::Duration::from_millis(100)).timed_out() {
                continue;
            }
            out.chunk(":\n\n");
        }
    }
}

impl Instance {
    pub(crate) fn start(self) -> Server {
        Server::start(move |request, out| self.serve_one(request, out))
    }

    pub(crate) fn serve_one(&self, request: &Request, out: &mut Out<'_>) {
        if self.legacy && request.is_modern() {
            return out.status(400, "", "{\"error\":\"Bad Request: no session\"}");
        }
        if request.verb == "DELETE" {
            return out.status(200, "", "");
        }
        if request.verb == "GET" || request.method() == "subscriptions/listen" {
            out.open_stream();
            return self.bell.pass_on(out);
        }
        let server = json!({ "name": "brummer", "version": "0" });
        let meta = json!({ "io.modelcontextprotocol/serverInfo": server, "brummer/instance": self.id });
        let capabilities =
            json!({ "tools": { "listChanged": true }, "resources": { "subscribe": true }, "prompts": {} });
        match request.method() {
            "server/discover" => out.result(
                request,
                &json!({ "resultType": "complete", "supportedVersions": ["2025-11-25", "2026-07-28"], "_meta": meta,
                    "capabilities": capabilities, "instructions": "drive it", "ttlMs": 0, "cacheScope": "private" }),
            ),
            "initialize" => {
                let result = json!({ "protocolVersion": request.params()["protocolVersion"], "serverInfo": server,
                    "capabilities": capabilities, "_meta": meta });
                let body = json!({ "jsonrpc": "2.0", "id": request.body["id"], "result": result });
                out.status(200, "Mcp-Session-Id: s-1\r\n", &body.to_string());
            }
            "ping" | "resources/subscribe" | "resources/unsubscribe" => out.result(request, &json!({})),
            "tools/list" => {
                let schema = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
                let tool = |name: &&str| json!({ "name": name, "description": "a tool", "inputSchema": schema });
                let own = ["whoami", "echo", "slow", "steps", "fail"];
                let tools: Vec<Value> = own.iter().chain(&self.more_tools).map(tool).collect();
                out.result(request, &json!({ "tools": tools }));
            }
            "resources/list" => {
                out.result(request, &json!({ "resources": [{ "uri": "logs://recent", "name": "recent" }] }));
            }
            "resources/templates/list" => {
                let template = json!({ "uriTemplate": "logs://process/{name}", "name": "process" });
                out.result(request, &json!({ "resourceTemplates": [template] }));
            }
            "prompts/list" => out.result(request, &json!({ "prompts": [{ "name": "debug_error" }] })),
            "resources/read" => {
                let text = format!("{} of {}", request.params()["uri"].as_str().unwrap(), self.name);
                out.result(request, &json!({ "contents": [{ "uri": request.params()["uri"], "text": text }] }));
            }
            "prompts/get" => out.result(request, &json!({ "messages": [], "description": self.name })),
            "tools/call" => self.call(request, out),
            _ if request.body["id"].is_null() => out.status(202, "", ""),
            _ => out.error(404, request, -32601, "no such method"),
        }
    }

    fn call(&self, request: &Request, out: &mut Out<'_>) {
        let said = |text: &str| json!({ "content": [{ "type": "text", "text": text }], "isError": false });
        match request.params()["name"].as_str().unwrap_or_default() {
            "whoami" => out.result(request, &said(self.name)),
            "echo" => out.result(request, &said(&request.params()["arguments"].to_string())),
            "slow" => {
                out.open_stream();
                out.wait_until_closed();
            }
            "steps" => {
                out.open_stream();
                for step in 1..=2 {
                    let token = &request.params()["_meta"]["progressToken"];
                    out.notify(
                        "notifications/progress",
                        &json!({ "progressToken": token, "progress": step, "total": 2 }),
                    );
                }
                out.event(&json!({ "jsonrpc": "2.0", "id": request.body["id"], "result": said("done") }));
                out.end_stream();
            }
            "fail" => out.error(200, request, -32602, "no such thing"),
            other if self.more_tools.contains(&other) => out.result(request, &said(other)),
            _ => out.error(200, request, -32602, "unknown tool"),
        }
    }
}
