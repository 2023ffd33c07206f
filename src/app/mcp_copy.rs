//! What was called for in forms in which it can be used elsewhere: as JSON, as a command line for curl; and what a client must be told.

use serde_json::{Map, Value, json};

use crate::app::view::{McpCall, McpKind};
use crate::process::Program;

/// The revision of the protocol that needs no session: one request is a whole call.
pub const REVISION: &str = "2026-07-28";

/// Stands where the token belongs, which is never shown.
const TOKEN: &str = "Bearer ‹the token›";

/// What a client's settings need so that it finds the server at this address.
pub fn client_settings(address: &str, needs_token: bool) -> String {
    let mut entry = json!({ "type": "http", "url": address });
    if needs_token {
        entry["headers"] = json!({ "Authorization": TOKEN });
    }
    pretty(&json!({ "mcpServers": { "brummer": entry } }))
}

/// The call with its answer, as far as they are kept.
pub fn as_json(call: &McpCall) -> String {
    let mut all = Map::new();
    all.insert("client".into(), json!(&*call.client));
    all.insert(word(call.kind).into(), json!(&*call.name));
    if !call.arguments.is_empty() {
        all.insert("arguments".into(), arguments(call).unwrap_or_else(|| json!(&*call.arguments)));
    }
    if let Some(end) = &call.end {
        all.insert("took_ms".into(), json!(end.took_ms));
        all.insert(if end.is_good { "answer" } else { "error" }.into(), json!(&*end.text));
    }
    pretty(&Value::Object(all))
}

/// The same call by curl; none if its arguments were too long to be kept as a whole. Secrets are masked in it.
pub fn as_curl(call: &McpCall, address: &str, needs_token: bool) -> Option<String> {
    let (method, key) = match call.kind {
        McpKind::Tool => ("tools/call", "name"),
        McpKind::Resource => ("resources/read", "uri"),
        McpKind::Prompt => ("prompts/get", "name"),
    };
    let mut params = json!({ key: &*call.name, "_meta": {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "curl", "version": "1" },
    } });
    if !call.arguments.is_empty() {
        params["arguments"] = arguments(call)?;
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let mut argv: Vec<String> = ["curl", "-sS", address].map(str::to_owned).into();
    let headers = [
        "content-type: application/json".to_owned(),
        "accept: application/json, text/event-stream".to_owned(),
        format!("mcp-protocol-version: {REVISION}"),
        format!("mcp-method: {method}"),
        format!("mcp-name: {}", call.name),
    ];
    for header in headers.into_iter().chain(needs_token.then(|| format!("authorization: {TOKEN}"))) {
        argv.extend(["-H".to_owned(), header]);
    }
    argv.extend(["--data-raw".to_owned(), body]);
    Some(Program::Argv(argv).display())
}

/// The arguments as values, if they were kept as a whole.
pub fn arguments(call: &McpCall) -> Option<Value> {
    serde_json::from_str(&call.arguments).ok()
}

fn word(kind: McpKind) -> &'static str {
    match kind {
        McpKind::Tool => "tool",
        McpKind::Resource => "resource",
        McpKind::Prompt => "prompt",
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::{Again, McpEnd};

    fn call(arguments: &str) -> McpCall {
        let end = Some(McpEnd { took_ms: 14, is_good: true, text: "3 matches".into() });
        let (client, name) = ("claude-code".into(), "logs_search".into());
        let kind = McpKind::Tool;
        let (arguments, again) = (arguments.into(), Again::Reads);
        McpCall { number: 1, time_ms: 0, client, kind, name, arguments, again, end }
    }

    #[test]
    fn a_shell_gives_curl_the_call_as_it_was() {
        let line =
            as_curl(&call(r#"{"pattern":"it's $HOME","process":"api"}"#), "http://127.0.0.1:7777/mcp", false).unwrap();
        let script = line.replacen("curl", "printf '%s\\0'", 1);
        let output = std::process::Command::new("/bin/sh").arg("-c").arg(script).output().unwrap();
        let words: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().split_terminator('\0').collect();
        assert_eq!(words[1], "http://127.0.0.1:7777/mcp");
        assert!(words.contains(&"mcp-name: logs_search") && words.contains(&"mcp-method: tools/call"), "{words:?}");
        let body: Value = serde_json::from_str(words.last().unwrap()).unwrap();
        assert_eq!(body["params"]["arguments"], json!({ "pattern": "it's $HOME", "process": "api" }));
        assert_eq!(as_curl(&call(r#"{"pattern":"abc… (+12 characters)"#), "x", false), None, "what was cut is no call");
    }

    #[test]
    fn a_resource_is_read_by_its_uri_and_what_was_not_given_is_left_out() {
        let call = McpCall { kind: McpKind::Resource, name: "logs://recent".into(), ..call("") };
        let line = as_curl(&call, "http://127.0.0.1:7777/mcp", false).unwrap();
        assert!(line.contains(r#""uri":"logs://recent""#) && !line.contains("arguments"), "{line}");
        let json: Value = serde_json::from_str(&as_json(&call)).unwrap();
        assert_eq!((&json["resource"], &json["answer"]), (&json!("logs://recent"), &json!("3 matches")));
        assert_eq!(json.get("arguments"), None);
        let settings: Value = serde_json::from_str(&client_settings("http://127.0.0.1:7777/mcp", true)).unwrap();
        assert_eq!(settings["mcpServers"]["brummer"]["url"], "http://127.0.0.1:7777/mcp");
        assert_eq!(settings["mcpServers"]["brummer"]["headers"]["Authorization"], TOKEN);
        assert!(as_curl(&call, "x", true).unwrap().contains("authorization: Bearer"));
    }
}
