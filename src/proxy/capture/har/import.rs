//! A HAR file to exchanges: what is missing is guessed, what is wrong is left out and said with its place.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::OPCODES;
use super::export::{mode, traffic};
use crate::error::{Code, Error, Result};
use crate::event::ProcessId;
use crate::proxy::exchange::REJECTED;
use crate::proxy::{
    Body, Caller, Exchange, ExchangeId, Failure, Frame, HeaderBuffer, Headers, Injection, Mode, Opened, Phases, Side,
    Traffic,
};

/// The longest file that is read.
pub const FILE_BYTES_MAX: usize = 256 << 20;
/// Sentences about what was left out.
const SKIPPED_MAX: usize = 100;
/// The kinds of failure that the engine knows; that of another program is `imported`.
const FAILURES: &[&str] = &["refused", "connect", "timeout", "garbage", "truncated", "client gone", "rule", REJECTED];

/// What a file held.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Its exchanges, numbered from 1.
    pub exchanges: Vec<Exchange>,
    /// What was left out, and where it stands: `log.entries[3].request.url is missing`.
    pub skipped: Vec<String>,
}

/// Reads a HAR file.
///
/// Bodies stand in it without their encodings; so `Content-Encoding` is taken out of the headers.
///
/// # Errors
/// INVALID_STATE when it is no JSON (with line and column) or no HAR, RESOURCE_LIMIT when it is longer than 256 MiB.
pub fn import(file: &[u8]) -> Result<Imported> {
    let refused = |message: String| Error::new("har", Code::InvalidState, message);
    if file.len() > FILE_BYTES_MAX {
        let message = format!("the file is longer than {} MiB", FILE_BYTES_MAX >> 20);
        return Err(Error::new("har", Code::ResourceLimit, message).permanent());
    }
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let har: Value = serde_json::from_slice(file).map_err(|error| refused(format!("this is no JSON: {error}")))?;
    let log = har.get("log").ok_or_else(|| refused("this is no HAR: `log` is missing".into()))?;
    let entries = log.get("entries").ok_or_else(|| refused("this is no HAR: `log.entries` is missing".into()))?;
    let entries = entries.as_array().ok_or_else(|| refused("this is no HAR: `log.entries` is no list".into()))?;
    let mut imported = Imported::default();
    for (number, value) in entries.iter().enumerate() {
        match entry(&Place { value, path: &format!("log.entries[{number}]") }) {
            Ok(mut exchange) => {
                exchange.id = ExchangeId(imported.exchanges.len() as u64 + 1);
                imported.exchanges.push(exchange);
            }
            Err(text) if imported.skipped.len() < SKIPPED_MAX => imported.skipped.push(text),
            Err(_) => {}
        }
    }
    Ok(imported)
}

/// A value and where it stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    value: &'a Value,
    path: &'a str,
}

impl<'a> Place<'a> {
    /// What stands below it, by a JSON pointer.
    fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.value.pointer(pointer).filter(|value| !value.is_null())
    }

    fn text(&self, pointer: &str) -> &'a str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, pointer: &str) -> Option<f64> {
        self.at(pointer).and_then(Value::as_f64).filter(|number| *number >= 0.0)
    }

    fn whole(&self, pointer: &str) -> Option<u64> {
        self.at(pointer).and_then(Value::as_u64)
    }

    fn is(&self, pointer: &str) -> Option<bool> {
        self.at(pointer).and_then(Value::as_bool)
    }

    fn list(&self, pointer: &str) -> &'a [Value] {
        self.at(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn needed(&self, pointer: &str) -> Result<&'a str, String> {
        let name = || format!("{}{}", self.path, pointer.replace('/', "."));
        match self.at(pointer) {
            None => Err(format!("{} is missing", name())),
            Some(value) => match value.as_str() {
                Some("") => Err(format!("{} is empty", name())),
                Some(text) => Ok(text),
                None => Err(format!("{} is no text", name())),
            },
        }
    }

    /// The bytes of a text in base64.
    fn base64(&self, pointer: &str) -> Result<Vec<u8>, String> {
        let text: String = self.text(pointer).split_ascii_whitespace().collect();
        let name = || format!("{}{} is no base64", self.path, pointer.replace('/', "."));
        BASE64_STANDARD.decode(text).map_err(|_| name())
    }
}

fn entry(entry: &Place<'_>) -> Result<Exchange, String> {
    let (method, url) = (entry.needed("/request/method")?, entry.needed("/request/url")?);
    let request_body = body(entry, "/request/postData", entry.whole("/_brummer/requestBytes"))?;
    let response_body = body(entry, "/response/content", entry.whole("/_brummer/responseBytes"))?;
    let opened = Opened {
        time_ms: time_ms(entry.text("/startedDateTime")),
        mode: modes(entry.text("/_brummer/mode")),
        method: method.into(),
        url: url.into(),
        process: entry.at("/_brummer/process").map(|_| {
            let id = entry.whole("/_brummer/process/id").unwrap_or_default();
            (ProcessId(id), entry.text("/_brummer/process/name").into())
        }),
        headers: headers(entry.list("/request/headers"), &request_body),
    };
    let mut exchange = Exchange::new(ExchangeId(0), opened);
    let status = entry.whole("/response/status").and_then(|status| u16::try_from(status).ok());
    exchange.status = status.filter(|&status| status > 0);
    exchange.request_body = request_body;
    let headers = headers(entry.list("/response/headers"), &response_body);
    exchange.response = Side { headers, body: response_body };
    exchange.phases = phases(entry);
    exchange.failure = failure(entry);
    exchange.caller = entry.at("/_brummer/caller").map(|_| Caller {
        pid: entry.whole("/_brummer/caller/pid").and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default(),
        name: entry.text("/_brummer/caller/name").into(),
    });
    if let Some(policy_loosened) = entry.is("/_brummer/injection/policyLoosened") {
        exchange.injection = Injection::Done { policy_loosened };
    }
    exchange.retried = entry.is("/_brummer/retried").unwrap_or_default();
    exchange.done = entry.is("/_brummer/done").unwrap_or(true);
    frames(entry, &mut exchange)?;
    Ok(exchange)
}

fn modes(name: &str) -> Mode {
    let others = [Mode::Forward, Mode::Tunnel, Mode::Replay];
    others.into_iter().find(|&own| mode(own) == name).unwrap_or(Mode::Reverse)
}

/// Bodies are there without their encodings; where nothing is there the head stays as it was.
fn headers(fields: &[Value], body: &Body) -> Headers {
    let mut buffer = HeaderBuffer::default();
    for field in fields {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        let value = field.get("value").and_then(Value::as_str).unwrap_or_default();
        // What HTTP/2 has instead of a request line is no field here.
        let is_field = !name.is_empty() && !name.starts_with(':');
        if is_field && (body.kept.is_empty() || !name.eq_ignore_ascii_case("content-encoding")) {
            buffer.push(name, value.as_bytes());
        }
    }
    buffer.take()
}

fn body(entry: &Place<'_>, pointer: &str, bytes: Option<u64>) -> Result<Body, String> {
    let text = format!("{pointer}/text");
    let kept: Arc<[u8]> = match entry.text(&format!("{pointer}/encoding")) {
        "base64" => entry.base64(&text)?.into(),
        _ => entry.text(&text).as_bytes().into(),
    };
    let size = entry.number(&format!("{pointer}/size")).unwrap_or_default() as u64;
    Ok(Body { bytes: bytes.unwrap_or(size).max(kept.len() as u64), kept })
}

fn time_ms(text: &str) -> u64 {
    text.parse::<Timestamp>().ok().and_then(|time| u64::try_from(time.as_millisecond()).ok()).unwrap_or_default()
}

/// Rounded to microseconds.
fn milliseconds(number: f64) -> Option<Duration> {
    let micros = (number * 1000.0).round();
    (micros < u64::MAX as f64).then(|| Duration::from_micros(micros as u64))
}

fn phases(entry: &Place<'_>) -> Phases {
    if let [connect, first_byte, total] = entry.list("/_brummer/phases") {
        let micros = |value: &Value| value.as_u64().map(Duration::from_micros);
        return Phases { connect: micros(connect), first_byte: micros(first_byte), total: micros(total) };
    }
    let others = ["/timings/blocked", "/timings/dns", "/timings/send"];
    let before = others.iter().filter_map(|name| entry.number(name)).sum::<f64>();
    let connect = entry.number("/timings/connect");
    let first_byte = entry.number("/timings/wait").map(|wait| before + connect.unwrap_or_default() + wait);
    let receive = entry.number("/timings/receive").unwrap_or_default();
    let total = entry.number("/time").or_else(|| Some(first_byte? + receive));
    Phases {
        connect: connect.and_then(milliseconds),
        first_byte: first_byte.and_then(milliseconds),
        total: total.and_then(milliseconds),
    }
}

fn failure(entry: &Place<'_>) -> Option<Failure> {
    let (kind, text) = match entry.at("/_brummer/failure") {
        Some(_) => (entry.text("/_brummer/failure/kind"), entry.text("/_brummer/failure/text")),
        None => ("", entry.text("/response/_error")),
    };
    if kind.is_empty() && text.is_empty() {
        return None;
    }
    let kind = FAILURES.iter().find(|own| **own == kind).copied().unwrap_or("imported");
    Some(Failure { kind, text: text.into() })
}

fn frames(entry: &Place<'_>, exchange: &mut Exchange) -> Result<(), String> {
    let told = [Traffic::WebSocket, Traffic::EventStream, Traffic::Tunnel];
    let told = told.into_iter().find(|&own| traffic(own) == entry.text("/_brummer/traffic"));
    exchange.traffic = match told {
        Some(told) => told,
        None if entry.at("/_webSocketMessages").is_some() => Traffic::WebSocket,
        None if entry.at("/_eventSourceMessages").is_some() => Traffic::EventStream,
        None => Traffic::Http,
    };
    for (list, is_socket) in [("_webSocketMessages", true), ("_eventSourceMessages", false)] {
        for (number, value) in entry.list(&format!("/{list}")).iter().enumerate() {
            let path = format!("{}.{list}[{number}]", entry.path);
            let frame = frame(&Place { value, path: &path }, is_socket)?;
            *(if frame.up { &mut exchange.frames_total.0 } else { &mut exchange.frames_total.1 }) += 1;
            exchange.frames.push_back(frame);
        }
    }
    if let [up, down] = entry.list("/_brummer/messages") {
        let (up, down) = (up.as_u64().unwrap_or_default(), down.as_u64().unwrap_or_default());
        exchange.frames_total = (exchange.frames_total.0.max(up), exchange.frames_total.1.max(down));
    }
    Ok(())
}

fn frame(message: &Place<'_>, is_socket: bool) -> Result<Frame, String> {
    let opcode = message.whole("/opcode").unwrap_or(1);
    let kind = match is_socket {
        true => OPCODES.iter().find(|(_, own)| *own == opcode).map_or("other", |(kind, _)| kind),
        false => message.text("/eventName"),
    };
    // Others write binary messages in base64 without saying so.
    let is_base64 = message.is("/_base64").unwrap_or(is_socket && opcode == 2);
    let kept: Arc<[u8]> = match is_base64 {
        true => message.base64("/data")?.into(),
        false => message.text("/data").as_bytes().into(),
    };
    Ok(Frame {
        time_ms: message.number("/time").map_or(0, |seconds| (seconds * 1000.0).round() as u64),
        up: message.text("/type") == "send",
        kind: kind.into(),
        bytes: message.whole("/_bytes").unwrap_or_default().max(kept.len() as u64),
        kept,
        compressed: message.is("/_compressed").unwrap_or_default(),
    })
}
