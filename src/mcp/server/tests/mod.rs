//! The server from outside: real sockets, byte by byte.

mod crooked;
mod hostile;
mod idle;
mod legacy;
mod modern;
mod old;
mod pipes;
mod streams;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Config, Limits, Server};
use crate::mcp::call::{Call, CallKind};
use crate::mcp::protocol::{CallError, Completion, Contents, Item, List, ListKind, ResourceResult, ServerInfo, Tool};
use crate::mcp::provider::Provider;

const SOON: Duration = Duration::from_secs(60);

/// Answers `echo` at once; every other tool is handed to the test.
struct Probe {
    info: ServerInfo,
    tools: Arc<List>,
    none: Arc<List>,
    held: Mutex<Sender<Call>>,
    watched: Mutex<Vec<(String, bool)>>,
}

impl Provider for Probe {
    fn server(&self) -> &ServerInfo {
        &self.info
    }

    fn list(&self, kind: ListKind) -> Arc<List> {
        Arc::clone(if kind == ListKind::Tools { &self.tools } else { &self.none })
    }

    fn call(&self, call: Call) {
        match (call.kind(), call.name()) {
            (CallKind::Tool, "echo") => {
                let text = call.argument("text").and_then(|text| text.as_str().map(str::to_owned));
                call.say(text.unwrap_or_default());
            }
            (CallKind::Tool, "panic") => panic!("asked to"),
            (CallKind::Tool, name) if name.starts_with("hold") => self.held.lock().unwrap().send(call).unwrap(),
            (CallKind::Tool, name) => {
                let error = CallError::unknown_tool(name);
                call.fail(error);
            }
            (CallKind::Resource, "a:b") => call.finish(ResourceResult::live(Contents::text("a:b", "text/plain", "c"))),
            (CallKind::Completion, _) => call.finish(Completion { values: vec!["a".into()], total: None }),
            (_, name) => {
                let error = CallError::unknown_resource(name);
                call.fail(error);
            }
        }
    }

    fn watched(&self, uri: &str, watched: bool) {
        self.watched.lock().unwrap().push((uri.into(), watched));
    }
}

/// A server, and the calls that it holds.
struct Bench {
    server: Server,
    probe: Arc<Probe>,
    held: Receiver<Call>,
}

fn probe() -> (Arc<Probe>, Receiver<Call>) {
    let (held, taken) = channel();
    let schema = json!({ "type": "object", "properties": { "text": { "type": "string", "x-mcp-header": "Text" } } });
    let tool = |name: &str| Item::from(&Tool { name: name.into(), input_schema: schema.clone(), ..Tool::default() });
    let mut tools: Vec<Item> = (0..250).map(|number| tool(&format!("hold{number}"))).collect();
    let plain = Tool { name: "echo".into(), input_schema: json!({ "type": "object" }), ..Tool::default() };
    tools.push(Item::from(&plain));
    let probe = Probe {
        info: ServerInfo { name: "probe".into(), version: "1".into(), ..ServerInfo::default() },
        tools: Arc::new(List::new(tools)),
        none: Arc::new(List::new(Vec::new())),
        held: Mutex::new(held),
        watched: Mutex::default(),
    };
    (Arc::new(probe), taken)
}

fn start_with(config: Config) -> Bench {
    let (probe, held) = probe();
    let provider: Arc<dyn Provider> = Arc::clone(&probe) as Arc<dyn Provider>;
    Bench { server: Server::start(config, provider).unwrap(), probe, held }
}

fn start() -> Bench {
    start_with(Config::on_port(0))
}

fn start_limited(limits: Limits) -> Bench {
    start_with(Config { limits, ..Config::on_port(0) })
}

impl Bench {
    fn client(&self) -> Client {
        Client::to(self.server.port())
    }

    fn held(&self) -> Call {
        self.held.recv_timeout(SOON).expect("a call comes")
    }
}

/// A connection.
struct Client {
    port: u16,
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The messages of a whole stream.
    fn events(&self) -> Vec<Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| !data.is_empty());
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}

const BOTH: &str = "Accept: application/json, text/event-stream\r\n";

impl Client {
    fn to(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        Client { port, stream: BufReader::new(stream) }
    }

    fn write(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn request(&self, method: &str, path: &str, fields: &str, body: &str) -> String {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        format!("{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\n{fields}{length}\r\n{body}", self.port)
    }

    /// Sends a message with these header fields.
    fn send(&mut self, fields: &str, message: &Value) {
        let accept = if fields.to_lowercase().contains("accept:") { "" } else { BOTH };
        let fields = format!("Content-Type: application/json\r\n{accept}{fields}");
        let text = self.request("POST", "/mcp", &fields, &message.to_string());
        self.write(&text);
    }

    fn post(&mut self, fields: &str, message: &Value) -> Reply {
        self.send(fields, message);
        self.reply()
    }

    fn ask(&mut self, method: &str, path: &str, fields: &str) -> Reply {
        let text = self.request(method, path, fields, "");
        self.write(&text);
        self.reply()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn head(&mut self) -> (u16, String) {
        let first = self.line();
        let status = first.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: `{first}`")).parse().unwrap();
        let mut head = String::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return (status, head);
            }
            head += &line;
            head.push('\n');
        }
    }

    fn chunk(&mut self) -> String {
        let bytes = usize::from_str_radix(&self.line(), 16).unwrap();
        let mut chunk = vec![0; bytes + 2];
        self.stream.read_exact(&mut chunk).unwrap();
        chunk.truncate(bytes);
        String::from_utf8(chunk).unwrap()
    }

    fn reply(&mut self) -> Reply {
        let (status, head) = self.head();
        let mut reply = Reply { status, head, body: String::new() };
        if reply.field("transfer-encoding").is_some() {
            loop {
                let chunk = self.chunk();
                if chunk.is_empty() {
                    return reply;
                }
                reply.body += &chunk;
            }
        }
        let bytes: usize = reply.field("content-length").expect("a length").parse().unwrap();
        let mut body = vec![0; bytes];
        self.stream.read_exact(&mut body).unwrap();
        reply.body = String::from_utf8(body).unwrap();
        reply
    }

    /// The next event of a stream that has begun: its id and its data; none at its end.
    fn event(&mut self) -> Option<(String, String)> {
        loop {
            let chunk = self.chunk();
            if chunk.is_empty() {
                return None;
            }
            let value = |name: &str| {
                chunk.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
            };
            if !chunk.starts_with(':') {
                return Some((value("id:"), value("data:")));
            }
        }
    }

    /// The next message of a stream.
    fn message(&mut self) -> Value {
        loop {
            let (_, data) = self.event().expect("a message, not the end");
            if !data.is_empty() {
                return serde_json::from_str(&data).unwrap();
            }
        }
    }

    /// Whether the server closes the connection without another word.
    fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 1]), Ok(0) | Err(_))
    }

    /// Begins a session; the field that names it.
    fn session(&mut self, version: &str, capabilities: &Value) -> String {
        let reply = self.post("", &initialize(version, capabilities));
        assert_eq!(reply.json()["result"]["protocolVersion"], version);
        let id = reply.field("mcp-session-id").expect("a session");
        let field = format!("Mcp-Session-Id: {id}\r\n");
        let told = self.post(&field, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        assert_eq!((told.status, &*told.body), (202, ""));
        field
    }
}

fn initialize(version: &str, capabilities: &Value) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

fn tool(id: impl Into<Value>, name: &str, arguments: &Value) -> Value {
    request(id, "tools/call", json!({ "name": name, "arguments": arguments }))
}

/// A modern request and its header fields.
fn modern(id: impl Into<Value>, method: &str, mut params: Value, capabilities: &Value) -> (String, Value) {
    let mut fields = format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n");
    if let Some(name) = ["name", "uri", "taskId"].iter().find_map(|name| params.get(name)) {
        fields += &format!("Mcp-Name: {}\r\n", name.as_str().unwrap());
    }
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities.clone();
    (fields, request(id, method, params))
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !is() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}
