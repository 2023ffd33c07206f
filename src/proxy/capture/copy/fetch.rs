//! A request as JavaScript: a call of `fetch`, and a test that fails as long as the request does.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::{cut_note, is_of_the_connection, leaving};
use crate::proxy::Exchange;
use crate::proxy::capture::Secrets;

/// The call, for a browser's console or for Node.
pub fn fetch(exchange: &Exchange, secrets: Secrets) -> String {
    let exchange = leaving(exchange, secrets);
    let note = cut_note(&exchange).map_or(String::new(), |note| format!("// {note}\n"));
    format!("{note}await {};\n", call(&exchange, ""))
}

/// A test for Node's own runner: it fails while the answer is an error, and is right once it is none.
pub fn failing_test(exchange: &Exchange, secrets: Secrets) -> String {
    let exchange = leaving(exchange, secrets);
    let title = quoted(&format!("{} {} answers without an error", exchange.opened.method, exchange.path()));
    let seen = match (&exchange.failure, exchange.status) {
        (Some(failure), _) => format!("it failed: {}", failure.text),
        (None, Some(status)) => format!("it answered {status}"),
        (None, None) => "there was no answer".to_owned(),
    };
    let cut = cut_note(&exchange).map_or(String::new(), |note| format!("  // {note}\n"));
    let seen: String = seen.chars().map(|c| if c.is_control() || is_line_end(c) { ' ' } else { c }).collect();
    format!(
        "import assert from \"node:assert/strict\";\nimport test from \"node:test\";\n\n\
         // When this was copied, {seen}.\n\
         test({title}, async () => {{\n{cut}  const response = await {};\n  \
         assert.ok(response.status < 400, `${{response.status}} ${{await response.text()}}`);\n}});\n",
        call(&exchange, "  ")
    )
}

/// `fetch(…)` with its lines set in by `indent`.
fn call(exchange: &Exchange, indent: &str) -> String {
    let opened = &exchange.opened;
    let has_body = !exchange.request_body.kept.is_empty() && !matches!(&*opened.method, "GET" | "HEAD");
    let mut fields = Vec::new();
    if &*opened.method != "GET" {
        fields.push(format!("method: {}", quoted(&opened.method)));
    }
    let pairs: Vec<String> = opened
        .headers
        .iter()
        .filter(|(name, _)| !is_of_the_connection(name) && !is_forbidden(name))
        .map(|(name, value)| format!("[{}, {}]", quoted(name), quoted(&latin1(value))))
        .collect();
    if !pairs.is_empty() {
        fields.push(format!("headers: [\n{indent}    {},\n{indent}  ]", pairs.join(&format!(",\n{indent}    "))));
    }
    if opened.headers.get("cookie").is_some() {
        fields.push("credentials: \"include\"".into());
    }
    if has_body {
        fields.push(format!("body: {}", body(&exchange.request_body.kept)));
    }
    if fields.is_empty() {
        return format!("fetch({})", quoted(&opened.url));
    }
    format!("fetch({}, {{\n{indent}  {},\n{indent}}})", quoted(&opened.url), fields.join(&format!(",\n{indent}  ")))
}

fn body(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => quoted(text),
        Err(_) => format!("Uint8Array.from(atob(\"{}\"), (c) => c.charCodeAt(0))", BASE64_STANDARD.encode(bytes)),
    }
}

/// Fields that a page may not set: the browser does.
fn is_forbidden(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("sec-")
        || name.starts_with("proxy-")
        || ["cookie", "origin", "referer", "accept-encoding", "accept-charset", "date", "dnt"].contains(&name.as_str())
}

/// `fetch` takes and sends one byte for each letter of a header.
fn latin1(value: &[u8]) -> String {
    value.iter().map(|&b| char::from(b)).collect()
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// A JavaScript string. What ends a line or turns its direction around is escaped beyond what JSON demands.
fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    let odd = |c: char| {
        is_line_end(c) || matches!(c, '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    json.chars().map(|c| if odd(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::{body, exchange, headers};
    use proptest::prelude::*;

    fn post() -> Exchange {
        let mut post = exchange(1);
        post.opened.method = "POST".into();
        post.opened.headers = headers(&[
            ("Host", "x"),
            ("Cookie", "a=b"),
            ("X-Two", "1"),
            ("X-Two", "it's \"2\""),
            ("Sec-Fetch-Mode", "cors"),
        ]);
        post.request_body = body(b"{\"a\":\n1}");
        post
    }

    #[test]
    fn the_call_says_what_was_sent() {
        let expected = r#"await fetch("http://127.0.0.1:5173/api/users?page=2", {
  method: "POST",
  headers: [
    ["X-Two", "1"],
    ["X-Two", "it's \"2\""],
  ],
  credentials: "include",
  body: "{\"a\":\n1}",
});
"#;
        assert_eq!(fetch(&post(), Secrets::Shown), expected);
        let mut plain = exchange(1);
        plain.opened.headers = headers(&[("Host", "x")]);
        assert_eq!(fetch(&plain, Secrets::Shown), "await fetch(\"http://127.0.0.1:5173/api/users?page=2\");\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_and_a_cut_body_is_said() {
        let mut binary = post();
        binary.request_body = body(&[0xff, 0, 1]);
        binary.request_body.bytes = 5;
        let call = fetch(&binary, Secrets::Shown);
        assert!(call.starts_with("// the body is cut: 3 of 5 bytes were kept\n"), "{call}");
        assert!(call.contains("body: Uint8Array.from(atob(\"/wAB\"), (c) => c.charCodeAt(0))"), "{call}");
    }

    #[test]
    fn a_test_fails_as_long_as_the_request_does() {
        let mut failed = post();
        failed.status = Some(503);
        failed.opened.headers = headers(&[("Authorization", "Bearer hunter2")]);
        let test = failing_test(&failed, Secrets::Masked);
        assert!(test.contains("// When this was copied, it answered 503.\n"), "{test}");
        assert!(test.contains("test(\"POST /api/users answers without an error\", async () => {\n"), "{test}");
        assert!(
            test.contains("  const response = await fetch(\"http://127.0.0.1:5173/api/users?page=2\", {\n    method:"),
            "{test}"
        );
        assert!(!test.contains("hunter2"), "{test}");
    }

    proptest! {
        #[test]
        fn a_quoted_text_is_one_line_and_reads_back(text: String) {
            let quoted = quoted(&text);
            let is_one_line = !quoted.contains(|c| c == '\n' || c == '\r' || is_line_end(c));
            prop_assert!(is_one_line);
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).expect("JSON is JavaScript"), text);
        }
    }
}
