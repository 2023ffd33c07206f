//! Values of headers that say what stands in the body: plain where they can be, else as Base64 between marks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// A text as the value of a header.
///
/// ```
/// use brummer::mcp::client::header_value;
/// assert_eq!(header_value("scripts_run"), "scripts_run");
/// assert_eq!(header_value("größe"), "=?base64?Z3LDtsOfZQ==?=");
/// ```
pub fn header_value(text: &str) -> String {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) && text.trim() == text;
    let is_mark = text.get(..OPEN.len()).is_some_and(|start| start.eq_ignore_ascii_case(OPEN)) && text.ends_with(CLOSE);
    match plain && !is_mark {
        true => text.to_owned(),
        false => format!("{OPEN}{}{CLOSE}", STANDARD.encode(text)),
    }
}

/// Which arguments of a tool travel as headers besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared(Vec<(Vec<String>, String)>);

/// Reads which arguments a tool's schema wants as headers (`x-mcp-header`).
///
/// # Errors
/// The schema declares them as it may not, so that the tool is not to be called: a name that is no token or comes twice, an argument
/// that is neither string, integer nor boolean, or one below anything but properties.
pub fn declared_headers(schema: &Value) -> Result<Declared, String> {
    let mut declared = Declared::default();
    declared.walk(schema, &mut Vec::new(), true)?;
    Ok(declared)
}

impl Declared {
    /// The headers for these arguments; one that is missing or null has none.
    pub fn values(&self, arguments: &Value) -> Vec<(String, String)> {
        let of = |(path, name): &(Vec<String>, String)| {
            let value = path.iter().try_fold(arguments, |value, step| value.get(step))?;
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                _ => return None,
            };
            Some((format!("Mcp-Param-{name}"), header_value(&text)))
        };
        self.0.iter().filter_map(of).collect()
    }

    fn walk(&mut self, schema: &Value, path: &mut Vec<String>, reachable: bool) -> Result<(), String> {
        if let Some(name) = schema.get("x-mcp-header") {
            let name = name.as_str().unwrap_or_default();
            self.add(name, schema, path, reachable)?;
        }
        let Value::Object(members) = schema else {
            let below = schema.as_array().into_iter().flatten();
            return below.into_iter().try_for_each(|below| self.walk(below, path, false));
        };
        for (key, below) in members {
            match (key.as_str(), below) {
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        path.push(name.clone());
                        let walked = self.walk(property, path, reachable);
                        path.pop();
                        walked?;
                    }
                }
                ("const" | "default" | "enum" | "examples" | "x-mcp-header", _) => {}
                (_, Value::Object(_) | Value::Array(_)) => self.walk(below, path, false)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, schema: &Value, path: &[String], reachable: bool) -> Result<(), String> {
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        let wrong = match () {
            () if !crate::wire::http1::encode::is_name(name) => "is no name of a header",
            () if self.0.iter().any(|(_, other)| other.eq_ignore_ascii_case(name)) => "comes twice",
            () if !matches!(kind, "string" | "integer" | "boolean") => {
                "is neither of a string, an integer nor a boolean"
            }
            () if !reachable || path.is_empty() => "stands where no argument is",
            () => {
                self.0.push((path.to_vec(), name.to_owned()));
                return Ok(());
            }
        };
        Err(format!("the header `{name}` {wrong}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_plain_travels_as_base64() {
        for plain in ["a", "a b", "~", "=?base64?x", ""] {
            assert_eq!(header_value(plain), plain);
        }
        for odd in [" a", "a\n", "é", "=?base64?YQ==?=", "a\u{7f}"] {
            let value = header_value(odd);
            let inner = value.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)).unwrap();
            assert_eq!(STANDARD.decode(inner).unwrap(), odd.as_bytes());
        }
    }

    #[test]
    fn declared_arguments_become_headers_where_they_have_a_value() {
        let schema = json!({ "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "deep": { "type": "object", "properties": { "n": { "type": "integer", "x-mcp-header": "N" } } },
            "plain": { "type": "string" },
        } });
        let declared = declared_headers(&schema).unwrap();
        let values = declared.values(&json!({ "region": "é", "deep": { "n": 7 }, "plain": "x" }));
        assert_eq!(values, [("Mcp-Param-Region".into(), "=?base64?w6k=?=".into()), ("Mcp-Param-N".into(), "7".into())]);
        assert!(declared.values(&json!({ "region": null })).is_empty());
    }

    #[test]
    fn a_schema_that_declares_headers_wrongly_is_refused() {
        let property = |property: Value| json!({ "properties": { "a": property, "b": { "type": "string", "x-mcp-header": "B" } } });
        for wrong in [
            json!({ "type": "string", "x-mcp-header": "" }),
            json!({ "type": "string", "x-mcp-header": "a b" }),
            json!({ "type": "string", "x-mcp-header": "b" }),
            json!({ "type": "number", "x-mcp-header": "A" }),
            json!({ "type": "array", "x-mcp-header": "A" }),
            json!({ "type": "array", "items": { "type": "string", "x-mcp-header": "A" } }),
        ] {
            assert!(declared_headers(&property(wrong.clone())).is_err(), "{wrong}");
        }
    }
}
