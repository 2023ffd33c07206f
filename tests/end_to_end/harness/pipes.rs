//! A client of a server for AI tools that it starts itself: messages a line, on standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::wait::until;

/// The revision of the era without sessions.
const MODERN: &str = "2026-07-28";

/// The client. What the server says is kept in the order in which it came.
#[derive(Debug)]
pub(crate) struct Pipes {
    child: Child,
    input: Option<ChildStdin>,
    heard: Arc<Mutex<Vec<Value>>>,
    reader: Option<JoinHandle<()>>,
    last_id: u64,
    /// What each request tells of the client, in the era without sessions.
    modern: Option<Value>,
}

impl Pipes {
    /// Starts a server, and opens a session with it.
    pub(crate) fn legacy(command: Command, capabilities: &Value) -> Pipes {
        let mut pipes = Pipes::start(command, None);
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client });
        let hello = pipes.ask("initialize", params);
        assert_eq!(hello["protocolVersion"], "2025-11-25", "{hello}");
        pipes.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        pipes
    }

    /// Starts a server that is spoken to without a session.
    pub(crate) fn modern(command: Command, capabilities: &Value) -> Pipes {
        let mut pipes = Pipes::start(command, Some(capabilities.clone()));
        let found = pipes.ask("server/discover", json!({}));
        assert_eq!(found["supportedVersions"], json!([MODERN]), "{found}");
        pipes
    }

    fn start(mut command: Command, modern: Option<Value>) -> Pipes {
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let read = move || {
            for line in output.lines().map_while(Result::ok) {
                let message = serde_json::from_str(&line)
                    .unwrap_or_else(|error| json!({ "garbage": line, "why": error.to_string() }));
                sink.lock().expect("nobody panics with it").push(message);
            }
        };
        let reader = Some(std::thread::spawn(read));
        Pipes { input: child.stdin.take(), child, heard, reader, last_id: 0, modern }
    }

    /// Sends a message as it is.
    pub(crate) fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("it was not closed");
        writeln!(input, "{message}").expect("the server reads");
    }

    /// Sends a request; its id.
    pub(crate) fn begin(&mut self, method: &str, mut params: Value) -> u64 {
        self.last_id += 1;
        if let Some(capabilities) = &self.modern {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities.clone();
        }
        let message = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params });
        self.send(&message);
        self.last_id
    }

    /// The answer to a request, if it has come.
    pub(crate) fn answer(&self, id: u64) -> Option<Value> {
        self.find(|message| message["id"] == id && message.get("method").is_none())
    }

    /// Waits for the answer to a request: a result.
    pub(crate) fn result(&self, id: u64) -> Value {
        until(&format!("the answer to request {id} is there"), || self.answer(id).is_some());
        let answer = self.answer(id).expect("it has come");
        answer.get("result").unwrap_or_else(|| panic!("no result in {answer}")).clone()
    }

    /// A request and its result.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.result(id)
    }

    /// A tool's result.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// A message that the server has sent.
    pub(crate) fn find(&self, is: impl Fn(&Value) -> bool) -> Option<Value> {
        self.heard.lock().expect("nobody panics with it").iter().find(|message| is(message)).cloned()
    }

    /// How many notifications of this method have come.
    pub(crate) fn count(&self, method: &str) -> usize {
        let heard = self.heard.lock().expect("nobody panics with it");
        heard.iter().filter(|message| message["method"] == method && message.get("id").is_none()).count()
    }

    /// Closes standard input, and waits until the server has ended, well and without a word that is none.
    pub(crate) fn finish(mut self) {
        drop(self.input.take());
        until("the server has ended with its client", || self.child.try_wait().expect("a child").is_some());
        assert!(self.child.wait().expect("a child").success());
        self.reader.take().map(JoinHandle::join);
        assert_eq!(self.find(|message| message.get("garbage").is_some()), None);
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        // After a test that failed it may still run.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
