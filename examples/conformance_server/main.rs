//! The fixtures of the official MCP conformance suite on the server that Brummer has: `conformance_server [--port N]`.

#![allow(clippy::print_stdout, reason = "a program that says where it listens")]

mod asks;
mod prompts;
mod resources;
mod tasks;
mod tools;

use std::sync::{Arc, OnceLock};

use brummer::mcp::call::{Call, CallKind};
use brummer::mcp::protocol::{CallError, Completion, List, ListKind, ServerInfo};
use brummer::mcp::server::{Config, Server};
use brummer::mcp::{Notifier, Provider};

struct Fixtures {
    info: ServerInfo,
    tools: Arc<List>,
    resources: Arc<List>,
    templates: Arc<List>,
    prompts: Arc<List>,
    notifier: OnceLock<Notifier>,
}

impl Provider for Fixtures {
    fn server(&self) -> &ServerInfo {
        &self.info
    }

    fn list(&self, kind: ListKind) -> Arc<List> {
        Arc::clone(match kind {
            ListKind::Tools => &self.tools,
            ListKind::Resources => &self.resources,
            ListKind::Templates => &self.templates,
            ListKind::Prompts => &self.prompts,
        })
    }

    fn call(&self, call: Call) {
        match call.kind() {
            CallKind::Tool => match call.name() {
                "test_trigger_tool_change" => self.change(call, ListKind::Tools),
                "test_trigger_prompt_change" => self.change(call, ListKind::Prompts),
                _ => tools::call(call),
            },
            CallKind::Resource => resources::read(call),
            CallKind::Prompt => prompts::get(call),
            CallKind::Completion => {
                let all = ["paris", "park", "party"].map(String::from);
                let values = all.into_iter().filter(|value| value.starts_with(&call.completion().value)).collect();
                call.finish(Completion { values, total: None });
            }
            CallKind::Task(_) => call.fail(CallError::unknown_task()),
        }
    }

    fn started(&self, notifier: Notifier) {
        // A server starts once.
        let _ = self.notifier.set(notifier);
    }
}

impl Fixtures {
    fn change(&self, call: Call, kind: ListKind) {
        if let Some(notifier) = self.notifier.get() {
            notifier.list_changed(kind);
        }
        call.say("Changed.");
    }
}

/// Whatever has no name here.
fn unknown(call: Call) {
    let error = match call.kind() {
        CallKind::Prompt => CallError::unknown_prompt(call.name()),
        CallKind::Resource => CallError::unknown_resource(call.name()),
        _ => CallError::unknown_tool(call.name()),
    };
    call.fail(error);
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let port = after("--port").and_then(|port| port.parse().ok()).unwrap_or(0);
    let fixtures = Arc::new(Fixtures {
        info: ServerInfo { name: "conformance".into(), version: "1.0.0".into(), ..ServerInfo::default() },
        tools: Arc::new(List::new(tools::all())),
        resources: Arc::new(List::new(resources::all())),
        templates: Arc::new(List::new(resources::templates())),
        prompts: Arc::new(List::new(prompts::all())),
        notifier: OnceLock::new(),
    });
    if words.iter().any(|word| word == "--stdio") {
        let done = brummer::mcp::server::serve_stdio(fixtures, std::io::stdin().lock(), std::io::stdout());
        return done.expect("the pipes stand");
    }
    let server = Server::start(Config::on_port(port), fixtures).expect("the port is free");
    println!("http://localhost:{}/mcp", server.port());
    loop {
        std::thread::park();
    }
}
