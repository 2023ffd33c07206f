//! What a modern request says in its headers too: a gateway may have acted on them, so they must be what the body says.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::core::Core;
use super::methods::Asked;
use super::post::unsupported;
use crate::mcp::protocol::{CallError, List, ListKind, Version, code, meta};
use crate::wire::http1::RequestHead;

/// An argument that is a header too: its name there, and its place in the arguments.
struct Mirrored {
    header: String,
    path: Vec<String>,
}

/// The arguments of each tool that are headers too.
#[derive(Default)]
pub(super) struct ToolHeaders {
    list: Option<Arc<List>>,
    tools: HashMap<Box<str>, Vec<Mirrored>>,
}

impl ToolHeaders {
    fn of(&mut self, list: Arc<List>, tool: &str) -> &[Mirrored] {
        if !self.list.as_ref().is_some_and(|own| Arc::ptr_eq(own, &list)) {
            self.tools.clear();
            for item in &list.items {
                let mirrored = mirrored(item.json.get());
                if !mirrored.is_empty() {
                    self.tools.insert(item.name.clone(), mirrored);
                }
            }
            self.list = Some(list);
        }
        self.tools.get(tool).map_or(&[], Vec::as_slice)
    }
}

fn mirrored(tool: &str) -> Vec<Mirrored> {
    let mut found = Vec::new();
    if tool.contains("x-mcp-header") {
        let tool: Value = serde_json::from_str(tool).unwrap_or_default();
        find(&tool["inputSchema"], &mut Vec::new(), &mut found);
    }
    found
}

fn find(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mirrored>) {
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        path.push(name.clone());
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
            found.push(Mirrored { header: format!("mcp-param-{header}"), path: path.clone() });
        }
        find(property, path, found);
        path.pop();
    }
}

fn mismatch(what: impl Into<String>) -> CallError {
    CallError::new(code::HEADER_MISMATCH, what)
}

/// The value of a header as text, decoded if it was encoded.
fn value(head: &RequestHead, name: &str) -> Result<Option<String>, CallError> {
    let Some(raw) = head.field(name) else { return Ok(None) };
    let bad = || mismatch(format!("The header {name} is malformed."));
    let text = std::str::from_utf8(raw).map_err(|_| bad())?.trim();
    let Some(encoded) = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(Some(text.to_owned()));
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| bad())?;
    String::from_utf8(bytes).map(Some).map_err(|_| bad())
}

fn must_be(head: &RequestHead, name: &str, want: &str) -> Result<(), CallError> {
    match value(head, name)? {
        None => Err(mismatch(format!("The header {name} is missing; the body says `{want}`."))),
        Some(found) if found == want => Ok(()),
        Some(found) => Err(mismatch(format!("The header {name} says `{found}`, the body `{want}`."))),
    }
}

impl Core {
    /// Whether the headers say what the body says.
    pub(super) fn check_headers(&mut self, head: &RequestHead, asked: &Asked<'_>) -> Result<(), CallError> {
        let Some(version) = asked.meta.text(meta::VERSION) else {
            return Err(CallError::invalid_params(format!("`_meta` needs `{}`, a string.", meta::VERSION)));
        };
        must_be(head, "MCP-Protocol-Version", &version)?;
        if Version::of(&version).is_none() {
            return Err(unsupported(&version));
        }
        must_be(head, "Mcp-Method", &asked.method)?;
        let name = match &*asked.method {
            "tools/call" | "prompts/get" => "name",
            "resources/read" => "uri",
            "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
            _ => return Ok(()),
        };
        if let Some(name) = asked.params.text(name) {
            must_be(head, "Mcp-Name", &name)?;
        }
        if asked.method == "tools/call" { self.check_arguments(head, asked) } else { Ok(()) }
    }

    fn check_arguments(&mut self, head: &RequestHead, asked: &Asked<'_>) -> Result<(), CallError> {
        let Some(tool) = asked.params.text("name") else { return Ok(()) };
        let list = self.provider.list(ListKind::Tools);
        let mirrored = self.tool_headers.of(list, &tool);
        if mirrored.is_empty() {
            return Ok(());
        }
        let arguments: Value = asked.params.read("arguments").unwrap_or_default();
        for Mirrored { header, path } in mirrored {
            let argument =
                path.iter().try_fold(&arguments, |value, name| value.get(name)).filter(|value| !value.is_null());
            let found = value(head, header)?;
            match (argument, found) {
                (None, None) => {}
                (Some(argument), Some(found)) if is_same(argument, &found) => {}
                (_, None) => return Err(mismatch(format!("The header {header} is missing."))),
                (_, Some(found)) => {
                    return Err(mismatch(format!("The header {header} says `{found}`, the arguments something else.")));
                }
            }
        }
        Ok(())
    }
}

fn is_same(argument: &Value, header: &str) -> bool {
    match argument {
        Value::String(text) => text.trim() == header || text == header,
        Value::Bool(truth) => header == if *truth { "true" } else { "false" },
        Value::Number(number) => match (number.as_i64(), header.parse::<i64>()) {
            (Some(number), Ok(header)) => number == header,
            _ => number.as_f64().zip(header.parse::<f64>().ok()).is_some_and(|(number, header)| number == header),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http1::parse_request;

    fn head(fields: &str) -> RequestHead {
        let mut head = RequestHead::default();
        parse_request(format!("POST /mcp HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes(), &mut head).unwrap();
        head
    }

    #[test]
    fn values_are_decoded_before_they_are_compared() {
        for (line, want) in [
            ("", Ok(None)),
            ("X: a\r\n", Ok(Some("a"))),
            ("x:   a b  \r\n", Ok(Some("a b"))),
            ("X: =?base64?w6Q=?=\r\n", Ok(Some("ä"))),
            ("X: =?base64?\r\n", Ok(Some("=?base64?"))),
            ("X: =?base64?w6Q?=\r\n", Err(())),
            ("X: =?base64?*?=\r\n", Err(())),
        ] {
            let found = value(&head(line), "X").map_err(|error| assert_eq!(error.code, code::HEADER_MISMATCH));
            assert_eq!(found, want.map(|want| want.map(str::to_owned)), "{line}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        use serde_json::json;
        assert!(is_same(&json!(7), "7") && is_same(&json!(7), "07") && is_same(&json!(7.0), "7"));
        assert!(is_same(&json!("a"), "a") && is_same(&json!(true), "true"));
        assert!(!is_same(&json!(7), "8") && !is_same(&json!("a"), "A") && !is_same(&json!(true), "1"));
    }

    #[test]
    fn mirrored_arguments_are_found_however_deep() {
        let tool = r#"{"inputSchema":{"properties":{"a":{"x-mcp-header":"A"},"b":{"properties":{"c":{"x-mcp-header":"C"}}}}}}"#;
        let found = mirrored(tool);
        let names: Vec<(&str, String)> = found.iter().map(|one| (&*one.header, one.path.join("."))).collect();
        assert_eq!(names, [("mcp-param-A", "a".into()), ("mcp-param-C", "b.c".into())]);
    }
}
