//! The demo's API: answers JSON, and fails at times with a stack trace as Node prints it.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::part::{Pen, visit};
use super::server::{Answer, listen, serve};
use super::web::request_line;

const PATHS: [&str; 5] = ["/health", "/users", "/orders", "/users", "/checkout"];

/// Every so many checkouts fail.
const FAILS_EVERY: u32 = 2;

const TRACE: [&str; 5] = [
    "TypeError: Cannot read properties of undefined (reading 'total')",
    "    at checkout (src/checkout.js:42:25)",
    "    at Layer.handle (/srv/shop/node_modules/express/lib/router/layer.js:95:5)",
    "    at next (/srv/shop/node_modules/express/lib/router/route.js:149:13)",
    "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
];

pub(super) fn run(pen: &Pen) -> io::Result<u8> {
    let (listener, address) = listen()?;
    pen.out(format!("api listening on http://{address}"))?;
    visit(address, &PATHS, Duration::from_millis(600));
    let (errors, requests) = (pen.clone(), pen.clone());
    let checkouts = AtomicU32::new(0);
    let answer = move |path: &str| match path {
        // Relaxed: a count of its own.
        "/checkout" if checkouts.fetch_add(1, Ordering::Relaxed).is_multiple_of(FAILS_EVERY) => fail(&errors),
        "/checkout" => json(201, r#"{"order":1207,"total":"49.90"}"#),
        "/health" => json(200, r#"{"healthy":true}"#),
        "/users" => json(200, r#"[{"id":1,"name":"Ada"},{"id":2,"name":"Grace"}]"#),
        "/orders" => json(200, "[]"),
        _ => json(404, r#"{"error":"there is no such route"}"#),
    };
    serve(&listener, answer, move |served| requests.out(request_line(&requests, served)))?;
    Ok(0)
}

fn json(status: u16, body: &str) -> Answer {
    Answer::new(status, "application/json", body)
}

fn fail(pen: &Pen) -> Answer {
    // One write: the lines of a trace stay together.
    let _ = pen.err(TRACE.join("\n"));
    json(500, r#"{"error":"internal"}"#)
}
