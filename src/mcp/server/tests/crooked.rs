//! Names that were bound anew, requests that hide others, peers that drip: none of them reaches a tool.

use super::*;

/// Nothing of what was sent has begun a call, and the next client is served.
fn nothing_has_happened(bench: &Bench, case: &str) {
    assert!(bench.held.try_recv().is_err(), "a tool was called: {case}");
    let reply = bench.client().post("", &tool(1, "echo", &json!({ "text": "well" })));
    assert_eq!(reply.json()["result"]["content"][0]["text"], "well", "{case}");
}

fn post_of_a_call(target: &str, fields: &str) -> String {
    let body = tool(7, "hold", &json!({})).to_string();
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\n{fields}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn a_name_that_was_bound_anew_reaches_no_tool() {
    let bench = start();
    let port = bench.server.port();
    for host in [
        "evil.example:PORT",
        "127.0.0.1.nip.io:PORT",
        "localhost.evil.example:PORT",
        "localhost.:PORT",
        "2130706433:PORT",
        "0x7f.1:PORT",
        "127.1:PORT",
        "[::ffff:127.0.0.1]:PORT",
        "[::1]",
        "localhost:PORT, evil.example",
        "user@localhost:PORT",
        "localhost:0PORT0",
        "localhost:",
        "localhost",
        "",
    ] {
        for path in ["/mcp", "/messages?sessionId=x"] {
            let host = host.replace("PORT", &port.to_string());
            let mut client = bench.client();
            client.write(&post_of_a_call(path, &format!("Host: {host}\r\n")));
            let reply = client.reply();
            assert!(matches!(reply.status, 400 | 403), "{host}: {reply:?}");
            nothing_has_happened(&bench, &host);
        }
    }
    let own = format!("Host: localhost:{port}\r\n");
    for (target, fields) in [
        (format!("http://localhost:{port}/mcp"), own.clone()),
        ("http://evil.example/mcp".to_owned(), own.clone()),
        ("//evil.example/mcp".to_owned(), own.clone()),
        ("/mcp".to_owned(), String::new()),
        ("/mcp".to_owned(), format!("{own}{own}")),
        ("/mcp".to_owned(), format!("{own}Origin: http://evil.example\r\nOrigin: http://localhost:{port}\r\n")),
        ("/mcp".to_owned(), format!("{own}Origin: http://localhost:{port}.evil.example\r\n")),
        ("/mcp".to_owned(), format!("{own}Origin: http://127.0.0.1:{}\r\n", port.wrapping_add(1))),
    ] {
        let mut client = bench.client();
        client.write(&post_of_a_call(&target, &fields));
        let reply = client.reply();
        assert!(matches!(reply.status, 400 | 403 | 404), "{target} {fields}: {reply:?}");
        nothing_has_happened(&bench, &target);
    }
}

#[test]
fn no_request_hides_in_another() {
    let bench = start();
    let host = format!("Host: localhost:{}\r\n", bench.server.port());
    let hidden = post_of_a_call("/mcp", &host);
    let json = "Content-Type: application/json\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (version, fields, body) in [
        ("1.1", format!("Content-Length: 5\r\n{chunked}"), "0\r\n\r\n".to_owned()),
        ("1.1", format!("{chunked}Content-Length: 5\r\n"), "0\r\n\r\n".to_owned()),
        ("1.1", "Content-Length: 2\r\nContent-Length: 0\r\n".to_owned(), "{}".to_owned()),
        ("1.1", "Content-Length: 2, 0\r\n".to_owned(), "{}".to_owned()),
        ("1.1", "Content-Length: 0x2\r\n".to_owned(), "{}".to_owned()),
        ("1.1", "Content-Length: -2\r\n".to_owned(), "{}".to_owned()),
        ("1.1", "Content-Length: 2\r\n 0\r\n".to_owned(), "{}".to_owned()),
        ("1.1", "Content-Length : 2\r\n".to_owned(), "{}".to_owned()),
        ("1.1", "Content-Length: 18446744073709551618\r\n".to_owned(), "{}".to_owned()),
        ("1.1", format!("{chunked}{chunked}"), "0\r\n\r\n".to_owned()),
        ("1.1", "Transfer-Encoding: chunked, identity\r\n".to_owned(), "0\r\n\r\n".to_owned()),
        ("1.1", "Transfer-Encoding: \x0bchunked\r\n".to_owned(), "0\r\n\r\n".to_owned()),
        ("1.0", chunked.to_owned(), "0\r\n\r\n".to_owned()),
        ("1.1", chunked.to_owned(), "0x0\r\n\r\n".to_owned()),
        ("1.1", chunked.to_owned(), "2\n{}\r\n0\r\n\r\n".to_owned()),
        ("1.1", chunked.to_owned(), "2\r\n{}0\r\n\r\n".to_owned()),
        ("1.1", chunked.to_owned(), "ffffffffffffffff2\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("1.1", chunked.to_owned(), "2;a=\n\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("1.1", "X: a\rContent-Length: 0\r\n".to_owned(), String::new()),
        ("1.1", "X: a\0\r\n".to_owned(), String::new()),
    ] {
        let mut client = bench.client();
        client.write(&format!("POST /mcp HTTP/{version}\r\n{host}{json}{fields}\r\n{body}{hidden}"));
        let reply = client.reply();
        let case = format!("{fields:?} {body:?}");
        assert!((400..600).contains(&reply.status), "{case}: {reply:?}");
        assert!(client.is_closed(), "{case}: what follows may be read differently");
        nothing_has_happened(&bench, &case);
    }
}

#[test]
fn equal_lengths_are_one_length_and_what_follows_is_a_request_of_its_own() {
    let bench = start();
    let body = tool(1, "echo", &json!({ "text": "a" })).to_string();
    let length = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let mut client = bench.client();
    let once = client.request("POST", "/mcp", &length, &body);
    client.write(&once);
    assert_eq!((client.reply().status, client.post("", &tool(2, "echo", &json!({}))).status), (200, 200));
}

#[test]
fn heads_bodies_and_depths_have_bounds_that_hold_exactly() {
    let bench = start_limited(Limits { body_bytes: 100_000, ..Limits::default() });
    let field = |bytes: usize| format!("X-Long: {}\r\n", "x".repeat(bytes));
    assert_eq!(bench.client().ask("GET", "/", &field(8_000)).status, 404);
    for fields in [field(1 << 20), "X: y\r\n".repeat(10_000)] {
        let mut client = bench.client();
        // It may be closed before all of it was sent.
        let head = format!("GET / HTTP/1.1\r\nHost: localhost:{}\r\n{fields}", client.port);
        let _ = client.stream.get_mut().write_all(head.as_bytes());
        assert_eq!(client.reply().status, 431);
    }
    let call = |bytes: usize| {
        let empty = tool(1, "echo", &json!({ "text": "" })).to_string().len();
        tool(1, "echo", &json!({ "text": "x".repeat(bytes - empty) }))
    };
    assert_eq!(bench.client().post("", &call(100_000)).status, 200);
    assert_eq!(bench.client().post("", &call(100_001)).status, 413);
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let message =
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a","deep":"#;
        format!("{message}{open}{close}}}}}}}")
    };
    for (depth, status) in [(50, 200), (10_000, 400)] {
        let mut client = bench.client();
        let request = client.request("POST", "/mcp", "Content-Type: application/json\r\n", &deep(depth));
        client.write(&request);
        let reply = client.reply();
        assert_eq!(reply.status, status, "{depth}: {reply:?}");
    }
    nothing_has_happened(&bench, "bounds");
}

#[test]
fn who_drips_is_let_go_as_who_says_nothing_and_delays_nobody() {
    let millis = Duration::from_millis;
    let bench = start_limited(Limits { head: millis(200), body: millis(200), ..Limits::default() });
    let head = bench.client().request("POST", "/mcp", "Content-Type: application/json\r\nContent-Length: 9999\r\n", "");
    for sent in ["", &*head] {
        let mut client = bench.client();
        client.write(sent);
        let end = Instant::now() + SOON;
        client.stream.get_ref().set_read_timeout(Some(millis(5))).unwrap();
        // Each byte is a sign of life, and none of them earns more time.
        let is_over = |client: &mut Client| match client.stream.read(&mut [0; 64]) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
        };
        while client.stream.get_mut().write_all(b"x").is_ok() && !is_over(&mut client) {
            assert!(Instant::now() < end, "it may go on for ever");
        }
        nothing_has_happened(&bench, sent);
    }
}
