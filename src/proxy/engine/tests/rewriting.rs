//! Heads as the server and the browser see them.

use super::lab::*;
use crate::proxy::ProxyConfig;

/// Answers with the head that came, as its body.
fn mirror(fields: &'static str) -> impl Fn(Wire, usize) + Send + Sync + 'static {
    move |mut wire, _| {
        while let Some(head) = wire.try_head() {
            let own = wire.stream.local_addr().unwrap();
            let fields = fields.replace("OWN", &own.to_string());
            wire.send(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{head}", head.len()));
        }
    }
}

#[test]
fn the_server_is_asked_as_if_nobody_stood_between() {
    let lab = Lab::new(mirror(""));
    let (port, server) = (lab.port(), lab.server.url());
    let mut client = lab.client();
    client.send(format!(
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nReferer: http://localhost:{port}/a\r\n\r\n"
    ));
    let (_, seen) = client.answer();
    assert_eq!(field(&seen, "origin"), Some(&*server));
    assert_eq!(field(&seen, "referer"), Some(&*format!("{server}/a")));
    assert_eq!(field(&seen, "host"), Some(server.trim_start_matches("http://")));
}

#[test]
fn the_browser_stays_on_our_address() {
    let lab = Lab::new(mirror(
        "Location: http://OWN/login\r\nSet-Cookie: a=b; Domain=localhost; Path=/\r\nAccess-Control-Allow-Origin: http://OWN\r\n",
    ));
    let mut client = lab.client();
    client.send("GET / HTTP/1.1\r\nHost: web.localhost:5\r\nOrigin: http://web.localhost:5\r\n\r\n");
    let (head, _) = client.answer();
    assert_eq!(field(&head, "location"), Some("http://web.localhost:5/login"));
    assert_eq!(field(&head, "set-cookie"), Some("a=b; Path=/"));
    assert_eq!(field(&head, "access-control-allow-origin"), Some("http://web.localhost:5"));
}

#[test]
fn rewriting_can_be_turned_off() {
    let lab = Lab::with(
        ProxyConfig { rewrite: false, hide_via: true, ..config() },
        0,
        Default::default(),
        mirror("Location: http://OWN/x\r\n"),
    );
    let mut client = lab.client();
    client.send("GET / HTTP/1.1\r\nHost: localhost:5\r\nOrigin: http://localhost:5\r\n\r\n");
    let (head, seen) = client.answer();
    assert_eq!((field(&seen, "host"), field(&seen, "origin")), (Some("localhost:5"), Some("http://localhost:5")));
    assert_eq!(field(&head, "location"), Some(&*format!("{}/x", lab.server.url())));
    assert_eq!(field(&seen, "via"), None);
}
