//! Brummer that serves AI tools, and a client of it over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use serde_json::{Value, json};

use super::project::Project;
use super::run::Run;
use super::wait::until;

/// Longest wait for one answer: a browser may be started for it.
const PATIENCE: Duration = Duration::from_secs(150);

/// Brummer that serves, and where.
#[derive(Debug)]
pub(crate) struct Served {
    /// Ended with the project.
    pub(crate) run: Run,
    pub(crate) door: Door,
    pub(crate) project: Project,
}

impl Deref for Served {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl DerefMut for Served {
    fn deref_mut(&mut self) -> &mut Door {
        &mut self.door
    }
}

/// The way in, whoever has started it.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) port: u16,
    /// What requests say the client can do.
    pub(crate) capabilities: Value,
    /// As whom they say it.
    pub(crate) client: (&'static str, &'static str),
    /// Shown with every request, if there is one.
    pub(crate) token: Option<String>,
}

/// What a server has answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answered {
    /// Every message in it.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let lines = self.text.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
        lines.filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
    }
}

impl Served {
    /// A project with these settings, and Brummer in it.
    pub(crate) fn with(settings: &str) -> Served {
        let project = Project::configured(settings);
        let command = project.command(env!("CARGO_BIN_EXE_brummer"), &["--no-tui"]);
        Served::start(project, command)
    }

    /// Brummer as this command starts it.
    pub(crate) fn start(project: Project, command: std::process::Command) -> Served {
        let run = Run::start(command);
        Served { run, door: Door::of(&project), project }
    }

    /// Its entry of the registry.
    pub(crate) fn entry(&self) -> Value {
        entry(&self.project).expect("an entry of the registry")
    }
}

impl Door {
    /// That of the instance in this project, as soon as it has registered itself.
    pub(crate) fn of(project: &Project) -> Door {
        let mut port = 0;
        until("the entry of the registry", || {
            port = entry(project).and_then(|entry| u16::try_from(entry["port"].as_u64()?).ok()).unwrap_or(0);
            port > 0
        });
        Door { port, capabilities: json!({}), client: ("test", "1"), token: None }
    }

    /// Sends a request, and reads its answer to the end.
    pub(crate) fn send(&self, method: &str, path: &str, fields: &str, body: &str) -> Answered {
        let token = self.token.as_ref().map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-type: application/json\r\naccept: \
             application/json, text/event-stream\r\n{token}{fields}content-length: {}\r\nconnection: close\r\n\r\n",
            self.port,
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("answered");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        Answered { status: status.unwrap_or_else(|| panic!("no answer in {text:?}")), text }
    }

    /// The answer to one request of the era without sessions.
    pub(crate) fn ask(&self, method: &str, name: Option<&str>, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
            "io.modelcontextprotocol/clientInfo": { "name": self.client.0, "version": self.client.1 }
        });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let name = name.map_or(String::new(), |name| format!("mcp-name: {name}\r\n"));
        let fields = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n{name}");
        let answered = self.send("POST", "/mcp", &fields, &body);
        let answer = answered.messages().into_iter().rfind(|message| message.get("id").is_some());
        answer.unwrap_or_else(|| panic!("no answer in {answered:?}"))
    }

    /// The result of a tool.
    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", Some(tool), json!({ "name": tool, "arguments": arguments }));
        answer.get("result").unwrap_or_else(|| panic!("{tool}: {answer}")).clone()
    }

    /// The values that a tool gives when it does not refuse.
    pub(crate) fn good(&self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert!(result["isError"] != true && result["resultType"] == "complete", "{tool}: {result}");
        result["structuredContent"].clone()
    }

    /// The address of the proxy for the server that was announced, once it has one.
    pub(crate) fn proxied(&self) -> String {
        let mut found = None;
        until("the server has an address of the proxy", || {
            found = self.good("urls_list", json!({}))["urls"][0]["proxyUrl"].as_str().map(str::to_owned);
            found.is_some()
        });
        found.expect("was waited for")
    }

    /// The words with which a tool refuses.
    pub(crate) fn bad(&self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{tool}: {result}");
        result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }
}

fn entry(project: &Project) -> Option<Value> {
    let files = std::fs::read_dir(project.runtime().join("brummer/instances")).into_iter().flatten().flatten();
    let mut texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    texts.find_map(|text| serde_json::from_str::<Value>(&text).ok().filter(|entry| entry["port"].is_u64()))
}
