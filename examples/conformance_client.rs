//! The client under test of the official conformance suite: does with a server whatever the scenario's server has to be asked.
//!
//! `npx @modelcontextprotocol/conformance client --command target/debug/examples/conformance_client --scenario tools_call`

#![allow(clippy::print_stderr, reason = "what goes wrong is read by a person beside the suite's report")]

use std::process::ExitCode;
use std::time::Duration;

use brummer::error::{Code, Error, Result};
use brummer::mcp::client::{Call, Client, Declared, Incoming, Options, Reply, Target, Wanted, declared_headers};
use brummer::mcp::protocol::Era;
use brummer::runtime::Context;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

/// Questions of one call that are answered; more are a server's fault.
const ROUNDS_MAX: usize = 8;

fn main() -> ExitCode {
    match std::env::args().next_back().map(|url| run(&url)) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        None => ExitCode::FAILURE,
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn wrong(why: impl Into<String>) -> Error {
    Error::new("conformance", Code::InvalidState, why)
}

/// A tool that may be called: its name, its schema as it came, and what of its arguments travels in headers.
struct Tool {
    name: String,
    schema: Value,
    declared: Declared,
}

struct Session {
    client: Client,
    context: Context,
}

fn run(url: &str) -> Result<()> {
    let mut options = Options::new("brummer-conformance");
    options.capabilities = raw(&json!({ "elicitation": { "form": { "applyDefaults": true } } }));
    let client = Client::new(Target::of("the suite's server", url)?, options);
    let session = Session { client, context: Context::background().with_timeout(Duration::from_secs(25)) };
    let facts = session.client.initialize(&session.context)?;
    let scenario = std::env::var("MCP_CONFORMANCE_SCENARIO").unwrap_or_default();
    if facts.version.era() == Era::Legacy && scenario.starts_with("elicitation") {
        // That server asks on the stream of its session; others count every GET as one that resumes.
        let other = Session { client: session.client.clone(), context: session.context.clone() };
        let (opened, is_open) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let wanted = Wanted { lists: true, ..Wanted::default() };
            let hear = &mut |incoming: Incoming<'_>| match incoming {
                // Who waits for it does so once.
                Incoming::Opened => drop(opened.send(())),
                said => other.hear(said).unwrap_or_else(|error| eprintln!("{error}")),
            };
            other.client.listen(&other.context, &wanted, hear)
        });
        // What is asked before the stream is there is asked of nobody; an error is a server without one.
        let _ = is_open.recv();
    }
    let has = |capability: &str| facts.capabilities.get(capability).is_some();
    // A server that declares nothing is asked for its tools all the same, as a client that was just opened would.
    let tools = session.tools().or_else(|error| if has("tools") { Err(error) } else { Ok(Vec::new()) })?;
    session.call_tools(&tools)?;
    if has("resources") {
        for resource in session.list("resources/list", "resources")? {
            session.ask("resources/read", &json!({ "uri": resource["uri"] }), &[])?;
        }
    }
    if has("prompts") {
        for prompt in session.list("prompts/list", "prompts")? {
            session.ask("prompts/get", &json!({ "name": prompt["name"] }), &[])?;
        }
    }
    session.client.close()
}

impl Session {
    fn list(&self, method: &str, member: &str) -> Result<Vec<Value>> {
        let mut result = self.ask(method, &json!({}), &[])?;
        match result.get_mut(member).map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(wrong(format!("{method} without `{member}`"))),
        }
    }

    /// All tools but those that declare headers as they may not.
    fn tools(&self) -> Result<Vec<Tool>> {
        let tool = |mut tool: Value| {
            let schema = tool.get_mut("inputSchema").map(Value::take).unwrap_or_default();
            let declared = declared_headers(&schema).inspect_err(|why| eprintln!("{}: {why}", tool["name"])).ok()?;
            Some(Tool { name: tool["name"].as_str()?.to_owned(), schema, declared })
        };
        Ok(self.list("tools/list", "tools")?.into_iter().filter_map(tool).collect())
    }

    /// Makes the calls that the scenario names, or one of each tool.
    fn call_tools(&self, tools: &[Tool]) -> Result<()> {
        let context = std::env::var("MCP_CONFORMANCE_CONTEXT").unwrap_or_default();
        let context: Value = serde_json::from_str(&context).unwrap_or_default();
        let Some(calls) = context["toolCalls"].as_array() else {
            return tools.iter().try_for_each(|tool| self.call(tool, &arguments(tool, tools)));
        };
        for call in calls {
            let name = call["name"].as_str().unwrap_or_default();
            let tool = tools.iter().find(|tool| tool.name == name);
            self.call(tool.ok_or_else(|| wrong(format!("no tool `{name}`")))?, &call["arguments"])?;
        }
        Ok(())
    }

    /// Calls a tool, and answers what it asks for.
    fn call(&self, tool: &Tool, arguments: &Value) -> Result<()> {
        let headers = tool.declared.values(arguments);
        let mut params = json!({ "name": tool.name, "arguments": arguments });
        for _ in 0..ROUNDS_MAX {
            let result = self.ask("tools/call", &params, &headers)?;
            if result["resultType"] != "input_required" {
                return Ok(());
            }
            params = json!({ "name": tool.name, "arguments": arguments });
            if let Some(asked) = result["inputRequests"].as_object() {
                let answers = asked.iter().map(|(key, request)| (key.clone(), answer(&request["params"])));
                params["inputResponses"] = Value::Object(answers.collect());
            }
            if let Some(state) = result.get("requestState") {
                params["requestState"] = state.clone();
            }
        }
        Err(wrong(format!("`{}` asks without end", tool.name)))
    }

    fn ask(&self, method: &str, params: &Value, headers: &[(String, String)]) -> Result<Value> {
        let members: Vec<(String, Box<RawValue>)> =
            params.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), raw(value))).collect();
        let params: Vec<(&str, &RawValue)> = members.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
        let token = raw(&json!("progress"));
        let meta = [("progressToken", &*token)];
        let meta = if method == "tools/call" { &meta[..] } else { &[] };
        let call = Call { params: &params, meta, headers, ..Call::new(method) };
        let reply = self.client.call(&self.context, &call, &mut |incoming| self.hear(incoming))?;
        if let Reply::Failure { code, message, .. } = &reply {
            // Which calls a server refuses is its own affair.
            eprintln!("{method}: {message} ({code})");
            return Ok(Value::Null);
        }
        let result = reply.result()?;
        serde_json::from_str(result.get()).map_err(|error| wrong(error.to_string()))
    }

    fn hear(&self, incoming: Incoming<'_>) -> Result<()> {
        let Incoming::Request { id, method, params } = incoming else { return Ok(()) };
        let params: Value = params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
        match method {
            "elicitation/create" => self.client.respond(&self.context, id, Ok(&answer(&params).to_string())),
            _ => self.client.respond(&self.context, id, Err((-32601, "nothing answers this"))),
        }
    }
}

/// Accepts a form, with its defaults.
fn answer(params: &Value) -> Value {
    let properties = params["requestedSchema"]["properties"].as_object();
    let filled = properties.into_iter().flatten().map(|(name, schema)| (name.clone(), sample(schema)));
    json!({ "action": "accept", "content": filled.collect::<Map<_, _>>() })
}

/// Arguments for a tool of which nothing is known but its schema.
fn arguments(tool: &Tool, tools: &[Tool]) -> Value {
    let properties = tool.schema["properties"].as_object();
    let filled = properties.into_iter().flatten().map(|(name, schema)| match name.as_str() {
        // The tool that wants to see a schema gets that of another one, as it came.
        "schema" => (
            name.clone(),
            tools.iter().find(|other| other.name != tool.name).map(|other| other.schema.clone()).unwrap_or_default(),
        ),
        _ => (name.clone(), sample(schema)),
    });
    Value::Object(filled.collect())
}

fn sample(schema: &Value) -> Value {
    if let Some(default) = schema.get("default") {
        return default.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => json!(5),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => json!("text"),
    }
}
