//! Strangers, smugglers, peers that are slow, and bodies that are too much.

use super::*;

#[test]
fn strangers_are_refused_on_every_path_and_method() {
    let bench = start();
    for (method, path) in [
        ("POST", "/mcp"),
        ("GET", "/mcp"),
        ("DELETE", "/mcp"),
        ("OPTIONS", "/mcp"),
        ("GET", "/sse"),
        ("POST", "/messages"),
        ("GET", "/"),
    ] {
        for fields in ["Host: evil.example\r\n", "Host: localhost:1\r\n"] {
            let mut client = bench.client();
            client.write(&format!("{method} {path} HTTP/1.1\r\n{fields}\r\n"));
            let reply = client.reply();
            assert_eq!(reply.status, 403, "{method} {path} {fields}");
        }
        for origin in ["null", "http://evil.example", "http://localhost.evil.example"] {
            let reply = bench.client().ask(method, path, &format!("Origin: {origin}\r\n"));
            assert_eq!(reply.status, 403, "{method} {path} {origin}");
            assert!(!reply.head.to_lowercase().contains("access-control"), "{}", reply.head);
        }
    }
    let own = format!("Origin: http://localhost:{}\r\n", bench.server.port());
    let reply = bench.client().post(&own, &tool(1, "echo", &json!({ "text": "a" })));
    assert_eq!(reply.status, 200);
    assert!(!reply.head.to_lowercase().contains("access-control"));
}

#[test]
fn a_stranger_is_refused_before_its_body_comes() {
    let bench = start();
    let mut client = bench.client();
    client.write("POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1000\r\n\r\n");
    assert_eq!(client.reply().status, 403);
    assert!(client.is_closed());
}

#[test]
fn what_is_not_there_is_not_found() {
    let bench = start();
    let mut client = bench.client();
    for path in
        ["/", "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server/mcp", "/mcp/", "/MCP"]
    {
        assert_eq!(client.ask("GET", path, "").status, 404, "{path}");
    }
    assert_eq!(client.ask("PUT", "/mcp", "").status, 405);
    assert_eq!(client.ask("POST", "/sse", "").status, 405);
}

#[test]
fn heads_that_two_readers_could_read_differently_are_refused() {
    let bench = start();
    let port = bench.server.port();
    for (fields, status) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        ("Content-Length: +5\r\n", 400),
        ("Transfer-Encoding: xchunked\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Host: localhost\r\n", 400),
        ("X : a\r\n", 400),
        ("X: a\n", 400),
        ("Content-Length: 99999999\r\n", 413),
    ] {
        let mut client = bench.client();
        client.write(&format!("POST /mcp HTTP/1.1\r\nHost: localhost:{port}\r\n{fields}\r\nGET /mcp HTTP/1.1\r\n"));
        let reply = client.reply();
        assert_eq!((reply.status, reply.field("connection")), (status, Some("close")), "{fields}");
        assert!(client.is_closed(), "{fields}");
    }
}

#[test]
fn a_body_in_chunks_is_a_body_and_a_bigger_one_is_refused() {
    let bench = start_limited(Limits { body_bytes: 1000, ..Limits::default() });
    let mut client = bench.client();
    let body = tool(1, "echo", &json!({ "text": "chunks" })).to_string();
    let (first, rest) = body.split_at(10);
    let head = client.request("POST", "/mcp", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", "");
    client.write(&head);
    client.write(&format!("a\r\n{first}\r\n"));
    client.write(&format!("{:x}\r\n{rest}\r\n0\r\n\r\n", rest.len()));
    assert_eq!(client.reply().json()["result"]["content"][0]["text"], "chunks");
    client.write(&head);
    client.write(&format!("3e9\r\n{}\r\n", "x".repeat(1001)));
    assert_eq!(client.reply().status, 413);
    assert!(client.is_closed());
}

#[test]
fn peers_that_send_half_are_let_go() {
    let millis = Duration::from_millis;
    let bench = start_limited(Limits { head: millis(300), body: millis(300), idle: millis(600), ..Limits::default() });
    let whole = bench.client().request("POST", "/mcp", "Content-Type: application/json\r\nContent-Length: 50\r\n", "");
    let mut clients = Vec::new();
    for part in ["", "P", &whole[..40], &whole, &format!("{whole}{{")] {
        let mut client = bench.client();
        client.write(part);
        clients.push(client);
    }
    assert!(clients.iter_mut().all(Client::is_closed));
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let bench = start();
    let mut client = bench.client();
    let mut all = String::new();
    for id in 0..100 {
        let body = tool(id, if id == 50 { "hold" } else { "echo" }, &json!({ "text": id.to_string() })).to_string();
        all += &client.request("POST", "/mcp", "Content-Type: application/json\r\n", &body);
    }
    // Byte by byte at first, then the rest at once.
    let (slow, rest) = all.split_at(300);
    slow.chars().for_each(|char| client.write(&char.to_string()));
    client.write(rest);
    for id in 0..100 {
        if id == 50 {
            bench.held().say("50");
        }
        let reply = client.reply().json();
        assert_eq!((&reply["id"], &reply["result"]["content"][0]["text"]), (&json!(id), &json!(id.to_string())));
    }
}

#[test]
fn what_is_no_message_is_refused_precisely() {
    let bench = start();
    let mut client = bench.client();
    let json = "Content-Type: application/json\r\n";
    for (fields, body, status, code) in [
        (json, "{", 400, -32700),
        (json, "\u{feff}{}", 400, -32700),
        (json, "7", 400, -32600),
        (json, r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"x"}"#, 400, -32600),
        (json, r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, 400, -32602),
        (json, r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, -32600),
        (json, r#"{"jsonrpc":"2.0","id":1,"method":"nothing"}"#, 200, -32601),
        (json, &"[".repeat(2000), 400, -32600),
        (json, &format!("{{\"a\":{}", "[".repeat(2000)), 400, -32700),
    ] {
        let text = client.request("POST", "/mcp", fields, body);
        client.write(&text);
        let reply = client.reply();
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (status, &json!(code)), "{body}");
    }
    for (fields, status) in
        [("", 415), ("Content-Type: text/plain\r\n", 415), ("Content-Type: application/json; charset=utf-8\r\n", 200)]
    {
        let text = client.request("POST", "/mcp", fields, &tool(1, "echo", &json!({})).to_string());
        client.write(&text);
        assert_eq!(client.reply().status, status, "{fields}");
    }
    assert_eq!(client.post("Accept: text/html\r\n", &tool(1, "echo", &json!({}))).status, 406);
}

#[test]
fn a_panic_of_a_tool_is_an_error_of_its_call_alone() {
    let bench = start();
    let mut client = bench.client();
    assert_eq!(client.post("", &tool(1, "panic", &json!({}))).json()["error"]["code"], -32603);
    assert_eq!(client.post("", &tool(2, "echo", &json!({}))).status, 200);
}

#[test]
fn without_the_token_nothing_is_told_but_that_one_is_missing() {
    let bench = start_with(Config { token: Some("t0ken-t0ken-t0ken".into()), ..Config::on_port(0) });
    let ask = |method: &str, path: &str, fields: &str| bench.client().ask(method, path, fields);
    for (method, path) in [("GET", "/mcp"), ("DELETE", "/mcp"), ("GET", "/sse"), ("POST", "/messages"), ("GET", "/")] {
        for fields in ["", "Authorization: Bearer t0ken-t0ken-t0keN\r\n", "Authorization: Bearer \r\n"] {
            let reply = ask(method, path, fields);
            assert_eq!((reply.status, reply.field("www-authenticate")), (401, Some("Bearer")), "{path} {fields}");
            assert!(!reply.head.contains("resource_metadata") && !reply.body.contains("t0ken"), "{reply:?}");
        }
    }
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"] {
        let reply = ask("GET", path, "");
        assert_eq!((reply.status, reply.field("www-authenticate")), (404, None), "{path}");
    }
    let mut client = bench.client();
    assert_eq!(client.post("", &tool(1, "echo", &json!({}))).status, 401);
    let mut client = bench.client();
    let reply = client.post("Authorization: Bearer t0ken-t0ken-t0ken\r\n", &tool(1, "echo", &json!({})));
    assert_eq!(reply.status, 200, "{reply:?}");
    let config = Config { token: Some("t0ken-t0ken-t0ken".into()), ..Config::default() };
    assert!(!format!("{config:?}").contains("t0ken"));
}
