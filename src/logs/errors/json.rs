//! The message and the stack of an error that a structured logger wrote as one line of JSON.

use serde_json::{Map, Value};

/// Names of the field with the message.
const MESSAGES: [&str; 5] = ["msg", "message", "event", "body", "@m"];
/// Names of the field with the error itself.
const ERRORS: [&str; 3] = ["err", "error", "exception"];
/// Longer lines are not read.
const BYTES_MAX: usize = 64 * 1024;

/// What a record says of its error.
pub(super) struct Record {
    pub(super) message: String,
    /// The stack that is in it; empty where it has none.
    pub(super) stack: String,
}

/// What the line says where it is a record, also behind `web-1  | `.
pub(super) fn record(line: &[u8]) -> Option<Record> {
    let line = match line.iter().position(|byte| matches!(byte, b'|' | b'{')) {
        Some(bar) if line[bar] == b'|' => line[bar + 1..].trim_ascii(),
        _ => line.trim_ascii(),
    };
    if line.first() != Some(&b'{') || line.last() != Some(&b'}') || line.len() > BYTES_MAX {
        return None;
    }
    let fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let error = ERRORS.iter().find_map(|name| fields.get(*name));
    let said = MESSAGES.iter().find_map(|name| text(fields.get(*name)));
    let message = match (said, error.and_then(described)) {
        (Some(said), Some(error)) if !error.contains(said) => format!("{said}: {error}"),
        (_, Some(error)) => error,
        (said, None) => said?.to_owned(),
    };
    let stack = text(error.and_then(|error| error.get("stack"))).or_else(|| text(fields.get("stack")));
    Some(Record { message: message.replace(['\n', '\r'], " "), stack: stack.unwrap_or_default().to_owned() })
}

/// The error: its type, if it tells that, and its message.
fn described(error: &Value) -> Option<String> {
    let of = |names: [&str; 2]| names.iter().find_map(|name| text(error.get(*name)));
    match (of(["type", "name"]), of(["message", "msg"])) {
        (Some(kind), Some(message)) if !message.starts_with(kind) => Some(format!("{kind}: {message}")),
        (_, Some(message)) => Some(message.to_owned()),
        (_, None) => text(Some(error)).map(str::to_owned),
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str) -> Option<String> {
        record(line.as_bytes()).map(|record| record.message)
    }

    #[test]
    fn a_record_says_what_its_message_and_its_error_say() {
        for (line, wanted) in [
            (r#"{"level":"error","msg":"order 4 failed","user":{"msg":"x"}}"#, "order 4 failed"),
            (r#"  {"level":50,"message":"a \"b\"\nc"}  "#, "a \"b\" c"),
            (r#"web-1  | {"severity":"ERROR","body":"down"}"#, "down"),
            (r#"{"level":"error","msg":"cannot pay","error":"timeout"}"#, "cannot pay: timeout"),
            (
                r#"{"level":50,"err":{"type":"TypeError","message":"x is null"},"msg":"x is null"}"#,
                "TypeError: x is null",
            ),
            (r#"{"level":50,"err":{"message":"x is null"},"msg":"cannot pay"}"#, "cannot pay: x is null"),
        ] {
            assert_eq!(message(line).as_deref(), Some(wanted), "{line}");
        }
    }

    #[test]
    fn what_is_no_record_or_says_nothing_is_left_as_it_is() {
        for line in [
            "{",
            "",
            "{}",
            "Error: {\"msg\":\"x\"}",
            "{\"level\":\"error\"}",
            "{\"msg\":1}",
            "[1]",
            "|",
            "{\"msg\":\"\"}",
        ] {
            assert_eq!(message(line), None, "{line}");
        }
    }
}
