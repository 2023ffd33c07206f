//! What must hold for any bytes that reach the server for AI tools over a socket: it answers in its own words or not at all, calls
//! no tool for who does not name it as its host, and goes on serving.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use brummer::mcp::Provider;
use brummer::mcp::call::{Call, CallKind};
use brummer::mcp::protocol::{CallError, Completion, Item, List, ListKind, ServerInfo, Tool};
use brummer::mcp::server::{Config, Server};
use brummer::wire::jsonrpc::{is_batch, parse};

/// Stands in seeds for the port of the server.
const PORT: &str = "PORT";
/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// One tool, `echo`; calls are counted.
struct Echo {
    info: ServerInfo,
    tools: Arc<List>,
    none: Arc<List>,
    calls: AtomicU64,
}

impl Provider for Echo {
    fn server(&self) -> &ServerInfo {
        &self.info
    }

    fn list(&self, kind: ListKind) -> Arc<List> {
        Arc::clone(if kind == ListKind::Tools { &self.tools } else { &self.none })
    }

    fn call(&self, call: Call) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match (call.kind(), call.name()) {
            (CallKind::Tool, "echo") => {
                let text = call.argument("text").map(|text| text.to_string());
                call.say(text.unwrap_or_default());
            }
            (CallKind::Completion, _) => call.finish(Completion { values: vec!["a".into()], total: None }),
            (_, name) => {
                let error = CallError::unknown_tool(name);
                call.fail(error);
            }
        }
    }
}

/// A server, and who answers for it. Each check has its own, since they count.
type Bench = (Server, Arc<Echo>);

fn start(bench: &'static OnceLock<Bench>) -> &'static Bench {
    bench.get_or_init(|| {
        let schema = serde_json::json!({ "type": "object", "properties": { "text": { "type": "string", "x-mcp-header": "Text" } } });
        let echo = Tool { name: "echo".into(), input_schema: schema, ..Tool::default() };
        let provider = Arc::new(Echo {
            info: ServerInfo { name: "echo".into(), version: "1".into(), ..ServerInfo::default() },
            tools: Arc::new(List::new(vec![Item::from(&echo)])),
            none: Arc::new(List::new(Vec::new())),
            calls: AtomicU64::new(0),
        });
        let server = Server::start(Config::on_port(0), Arc::clone(&provider) as Arc<dyn Provider>);
        (server.expect("a free port and a thread"), provider)
    })
}

/// All that the server says to this, until it closes the connection.
fn answer(server: &Server, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    // It may refuse what has come before all of it was sent, and close.
    let _ = stream.write_all(sent).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
            panic!("it neither ends nor answers: {}", String::from_utf8_lossy(sent))
        }
        _ => answer,
    }
}

fn with_port(port: &str, data: &[u8]) -> Vec<u8> {
    let mark = PORT.as_bytes();
    let (mut whole, mut rest) = (Vec::new(), data);
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        whole.extend_from_slice(&rest[..at]);
        whole.extend_from_slice(port.as_bytes());
        rest = &rest[at + mark.len()..];
    }
    whole.extend_from_slice(rest);
    whole
}

fn starts_well(answer: &[u8]) -> bool {
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
    answer.starts_with(b"HTTP/1.1 ") && status.is_some_and(|status| (100..600).contains(&status))
}

/// Whatever comes instead of a request is answered in HTTP or not at all, and the next client is served.
pub(crate) fn mcp_http(data: &[u8]) {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    let (server, provider) = start(&BENCH);
    let port = server.port().to_string();
    let (sent, before) = (with_port(&port, data), provider.calls.load(Ordering::SeqCst));
    let said = answer(server, &sent);
    assert!(said.is_empty() || starts_well(&said), "{}", String::from_utf8_lossy(&said));
    if !sent.windows(port.len()).any(|window| window == port.as_bytes()) {
        assert_eq!(provider.calls.load(Ordering::SeqCst), before, "called by a stranger");
    }
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}}}"#;
    let next = String::from_utf8_lossy(&answer(server, &post(server, call.as_bytes()))).into_owned();
    assert!(next.starts_with("HTTP/1.1 200") && next.contains("content"), "{next}");
}

/// Whatever comes as a message is answered with one of JSON-RPC, with a status alone, or with events.
pub(crate) fn mcp_message(data: &[u8]) {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    let (server, _) = start(&BENCH);
    let said = answer(server, &post(server, data));
    let text = String::from_utf8_lossy(&said);
    // A client that is gone is told nothing where an answer would have been a stream.
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return assert!(said.is_empty(), "{text}") };
    assert!(starts_well(&said), "{text}");
    if head.to_ascii_lowercase().contains("content-type: application/json") {
        let is_message = is_batch(body.as_bytes()) || parse(body.as_bytes()).is_ok();
        assert!(is_message, "{text}");
    }
}

fn post(server: &Server, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nAccept: application/json, \
         text/event-stream\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        server.port(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}
