//! A client with a session over HTTP: calls that ask something while they go on, and its answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// Longest wait for one line.
const PATIENCE: Duration = Duration::from_secs(60);

/// The client.
#[derive(Debug)]
pub(crate) struct Session {
    port: u16,
    id: String,
    calls: u64,
}

/// A call that goes on.
#[derive(Debug)]
pub(crate) struct Going(BufReader<TcpStream>);

impl Session {
    /// Shakes hands with the server at a port.
    pub(crate) fn open(port: u16, capabilities: &Value) -> Session {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": capabilities, "clientInfo": client });
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let mut session = Session { port, id: String::new(), calls: 0 };
        let field = session.post(&hello).line_with("mcp-session-id:");
        session.id = field.split(':').nth(1).expect("a value").trim().to_owned();
        session.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        session
    }

    /// Calls a tool.
    pub(crate) fn begin(&mut self, tool: &str, arguments: &Value) -> Going {
        self.calls += 1;
        let params = json!({ "name": tool, "arguments": arguments });
        self.post(&json!({ "jsonrpc": "2.0", "id": self.calls, "method": "tools/call", "params": params }))
    }

    /// Answers what was asked.
    pub(crate) fn answer(&self, question: &Value, result: &Value) {
        self.tell(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }));
    }

    /// Sends what has no answer.
    fn tell(&self, message: &Value) {
        self.post(message).line_with("202");
    }

    fn post(&self, message: &Value) -> Going {
        let body = message.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let session = if self.id.is_empty() { String::new() } else { format!("Mcp-Session-Id: {}\r\n", self.id) };
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\n{session}Content-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
        Going(BufReader::new(stream))
    }
}

impl Going {
    /// What the server asks before it goes on.
    pub(crate) fn question(&mut self) -> Value {
        self.message_with("elicitation/create")
    }

    /// What comes of it.
    pub(crate) fn result(&mut self) -> Value {
        self.message_with("\"result\"")["result"].clone()
    }

    /// The first line that holds this, in letters of either case.
    fn line_with(&mut self, part: &str) -> String {
        let mut lines = self.0.by_ref().lines().map(|line| line.expect("text"));
        lines.find(|line| line.to_lowercase().contains(part)).unwrap_or_else(|| panic!("no {part}"))
    }

    fn message_with(&mut self, part: &str) -> Value {
        let line = self.line_with(part);
        serde_json::from_str(line.strip_prefix("data:").unwrap_or(&line).trim()).expect("a message")
    }
}
