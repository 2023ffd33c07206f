//! Puts messages together: what is JSON already is copied, never parsed again.

use std::io::Write as _;

use super::Id;

/// Appends a request.
pub fn write_request(id: &Id, method: &str, params: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    write_id(id, out);
    write_method(method, params, out);
}

/// Appends a notification.
pub fn write_notification(method: &str, params: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\"");
    write_method(method, params, out);
}

/// Appends the answer to a request; `result` is JSON.
///
/// ```
/// let mut out = Vec::new();
/// brummer::wire::jsonrpc::write_result(&"a".into(), "{}", &mut out);
/// assert_eq!(out, br#"{"jsonrpc":"2.0","id":"a","result":{}}"#);
/// ```
pub fn write_result(id: &Id, result: &str, out: &mut Vec<u8>) {
    out.reserve(result.len() + 48);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    write_id(id, out);
    out.extend_from_slice(b",\"result\":");
    out.extend_from_slice(result.as_bytes());
    out.push(b'}');
}

/// Appends the refusal of a request; `data` is JSON. Without an id the member is left out.
pub fn write_error(id: Option<&Id>, code: i32, message: &str, data: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
    if let Some(id) = id {
        out.extend_from_slice(b"\"id\":");
        write_id(id, out);
        out.push(b',');
    }
    // Writing to a vector cannot fail.
    let _ = write!(out, "\"error\":{{\"code\":{code},\"message\":");
    write_string(message, out);
    if let Some(data) = data {
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(data.as_bytes());
    }
    out.extend_from_slice(b"}}");
}

fn write_method(method: &str, params: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"method\":");
    write_string(method, out);
    if let Some(params) = params {
        out.extend_from_slice(b",\"params\":");
        out.extend_from_slice(params.as_bytes());
    }
    out.push(b'}');
}

fn write_id(id: &Id, out: &mut Vec<u8>) {
    match id {
        Id::Integer(number) => drop(write!(out, "{number}")),
        Id::Text(text) => write_string(text, out),
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // A string is always JSON, and a vector always takes it.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::jsonrpc::{Message, parse};

    #[test]
    fn what_is_written_is_read() {
        for id in [Id::from(-3), Id::from("a\"\n\u{1}")] {
            let mut out = Vec::new();
            write_request(&id, "tools/\"call\"", Some(r#"{"a":1}"#), &mut out);
            assert!(matches!(parse(&out), Ok(Message::Request { id: read, method, params: Some(params) })
                if read == id && method == "tools/\"call\"" && params.get() == r#"{"a":1}"#));
            out.clear();
            write_result(&id, "{ }", &mut out);
            assert!(matches!(parse(&out), Ok(Message::Response { id: Some(read), outcome: Ok(result) })
                if read == id && result.get() == "{ }"));
            out.clear();
            write_error(Some(&id), -32020, "no\n", Some("[1]"), &mut out);
            assert!(matches!(parse(&out), Ok(Message::Response { id: Some(read), outcome: Err(failure) })
                if read == id && failure.code == -32020 && failure.message == "no\n"));
        }
        let mut out = Vec::new();
        write_notification("x", None, &mut out);
        write_error(None, 1, "", None, &mut out);
        assert_eq!(
            out,
            b"{\"jsonrpc\":\"2.0\",\"method\":\"x\"}{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"\"}}"
        );
    }
}
