//! Exchanges as a HAR file: bodies decompressed, as text or base64; secrets masked unless asked for.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::OPCODES;
use crate::proxy::capture::decode::{Kind, frames, plain};
use crate::proxy::capture::percent;
use crate::proxy::capture::redact::{Secrets, masked};
use crate::proxy::{Body, Exchange, Failure, Frame, Headers, Injection, Mode, Traffic};
use crate::wire::http1::phrase;

/// The file, in the order that is given.
pub fn export<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>, secrets: Secrets) -> String {
    let entries: Vec<Value> = exchanges
        .into_iter()
        .map(|exchange| match secrets {
            Secrets::Masked => entry(&masked(exchange)),
            Secrets::Shown => entry(exchange),
        })
        .collect();
    let creator = json!({ "name": "Brummer", "version": env!("CARGO_PKG_VERSION") });
    let log = json!({ "log": { "version": "1.2", "creator": creator, "pages": [], "entries": entries } });
    format!("{log:#}\n")
}

fn entry(exchange: &Exchange) -> Value {
    let phases = &exchange.phases;
    let connect = phases.connect.unwrap_or_default();
    let wait = phases.first_byte.or(phases.total).unwrap_or_default().saturating_sub(connect);
    let receive = phases.total.unwrap_or_default().saturating_sub(connect + wait);
    let mut entry = json!({
        "startedDateTime": time(exchange.opened.time_ms),
        "time": milliseconds(connect + wait + receive),
        "request": request(exchange),
        "response": response(exchange),
        "cache": {},
        "timings": {
            "blocked": -1,
            "dns": -1,
            "connect": phases.connect.map_or(json!(-1), |connect| json!(milliseconds(connect))),
            "ssl": -1,
            "send": 0,
            "wait": milliseconds(wait),
            "receive": milliseconds(receive),
        },
    });
    match exchange.traffic {
        Traffic::WebSocket => {
            entry["_resourceType"] = "websocket".into();
            entry["_webSocketMessages"] = frames(exchange).iter().map(message).collect();
        }
        Traffic::EventStream => {
            entry["_resourceType"] = "eventsource".into();
            entry["_eventSourceMessages"] = frames(exchange).iter().map(event).collect();
        }
        Traffic::Http | Traffic::Tunnel => {}
    }
    entry["_brummer"] = own(exchange);
    entry
}

fn request(exchange: &Exchange) -> Value {
    let opened = &exchange.opened;
    let (headers, body) = (&opened.headers, &exchange.request_body);
    let cookies = headers.all("cookie").flat_map(|value| cookies(&String::from_utf8_lossy(value)));
    let mut request = json!({
        "method": &*opened.method,
        "url": &*opened.url,
        "httpVersion": "HTTP/1.1",
        "cookies": cookies.collect::<Vec<_>>(),
        "headers": fields(headers),
        "queryString": query(&opened.url),
        "headersSize": -1,
        "bodySize": body.bytes,
    });
    if body.bytes > 0 {
        let (text, is_base64, _) = content(headers, body);
        let mime_type = headers.text("content-type").unwrap_or("application/octet-stream");
        request["postData"] = json!({ "mimeType": mime_type, "text": text });
        if is_base64 {
            request["postData"]["encoding"] = "base64".into();
        }
    }
    request
}

fn response(exchange: &Exchange) -> Value {
    let (headers, body) = (&exchange.response.headers, &exchange.response.body);
    let (text, is_base64, size) = content(headers, body);
    let mut content = json!({ "size": size, "mimeType": headers.text("content-type").unwrap_or("") });
    if !body.kept.is_empty() {
        content["text"] = text.into();
    }
    if is_base64 {
        content["encoding"] = "base64".into();
    }
    let set = |value: &[u8]| cookies(String::from_utf8_lossy(value).split(';').next().unwrap_or_default()).pop();
    let mut response = json!({
        "status": exchange.status.unwrap_or_default(),
        "statusText": exchange.status.map_or("", phrase),
        "httpVersion": "HTTP/1.1",
        "cookies": headers.all("set-cookie").filter_map(set).collect::<Vec<_>>(),
        "headers": fields(headers),
        "content": content,
        "redirectURL": headers.text("location").unwrap_or(""),
        "headersSize": -1,
        "bodySize": body.bytes,
    });
    if let Some(Failure { text, .. }) = &exchange.failure {
        response["_error"] = (&**text).into();
    }
    response
}

/// A body as text or in base64, whether it is the latter, and how many bytes it is without its encodings.
fn content(headers: &Headers, body: &Body) -> (String, bool, usize) {
    let plain = plain(headers, body);
    let is_text = !plain.still_encoded && Kind::of(headers, &plain.bytes).is_text();
    match std::str::from_utf8(&plain.bytes) {
        Ok(text) if is_text => (text.to_owned(), false, text.len()),
        _ => (BASE64_STANDARD.encode(&plain.bytes), !plain.bytes.is_empty(), plain.bytes.len()),
    }
}

fn fields(headers: &Headers) -> Value {
    headers.iter().map(|(name, value)| json!({ "name": name, "value": letters(value) })).collect()
}

/// A value as text: what is no UTF-8 is Latin-1, as HTTP once had it.
fn letters(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(|_| value.iter().map(|&b| char::from(b)).collect(), str::to_owned)
}

fn cookies(text: &str) -> Vec<Value> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| json!({ "name": name.trim(), "value": value.trim() })).collect()
}

fn query(url: &str) -> Value {
    let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let decoded = |(name, value)| json!({ "name": percent::decode_form(name), "value": percent::decode_form(value) });
    pairs.map(decoded).collect()
}

fn message(frame: &Frame) -> Value {
    let (data, is_base64) = data(frame);
    let opcode = OPCODES.iter().find(|(kind, _)| *kind == &*frame.kind).map_or(0, |(_, opcode)| *opcode);
    json!({
        "type": if frame.up { "send" } else { "receive" },
        "time": frame.time_ms as f64 / 1000.0,
        "opcode": opcode,
        "data": data,
        "_base64": is_base64,
        "_bytes": frame.bytes,
        "_compressed": frame.compressed,
    })
}

fn event(frame: &Frame) -> Value {
    let (data, is_base64) = data(frame);
    let time = frame.time_ms as f64 / 1000.0;
    json!({ "time": time, "eventName": &*frame.kind, "data": data, "_base64": is_base64, "_bytes": frame.bytes })
}

fn data(frame: &Frame) -> (String, bool) {
    match std::str::from_utf8(&frame.kept) {
        Ok(text) if &*frame.kind != "binary" && !frame.compressed => (text.to_owned(), false),
        _ => (BASE64_STANDARD.encode(&frame.kept), true),
    }
}

/// What HAR has no place for.
fn own(exchange: &Exchange) -> Value {
    let micros = |duration: Option<Duration>| duration.map(|duration| duration.as_micros() as u64);
    let phases = &exchange.phases;
    let mut own = Map::new();
    let mut put = |name: &str, value: Value| drop(own.insert(name.to_owned(), value));
    put("mode", mode(exchange.opened.mode).into());
    put("traffic", traffic(exchange.traffic).into());
    put("done", exchange.done.into());
    put("retried", exchange.retried.into());
    put("phases", json!([micros(phases.connect), micros(phases.first_byte), micros(phases.total)]));
    put("requestBytes", plain_bytes(&exchange.opened.headers, &exchange.request_body).into());
    put("responseBytes", plain_bytes(&exchange.response.headers, &exchange.response.body).into());
    put("messages", json!([exchange.frames_total.0, exchange.frames_total.1]));
    if let Some((id, name)) = &exchange.opened.process {
        put("process", json!({ "id": id.0, "name": &**name }));
    }
    if let Some(caller) = &exchange.caller {
        put("caller", json!({ "pid": caller.pid, "name": &*caller.name }));
    }
    if let Some(failure) = &exchange.failure {
        put("failure", json!({ "kind": failure.kind, "text": &*failure.text }));
    }
    match exchange.injection {
        Injection::NotAPage => {}
        Injection::Done { policy_loosened } => put("injection", json!({ "policyLoosened": policy_loosened })),
        Injection::Not(why) => put("injection", json!({ "not": why })),
    }
    Value::Object(own)
}

/// The bytes of the body that stands in the file; of one that is not whole, more than stand there.
fn plain_bytes(headers: &Headers, body: &Body) -> u64 {
    let plain = plain(headers, body);
    let bytes = plain.bytes.len() as u64;
    if plain.notes.is_empty() { bytes } else { body.bytes.max(bytes + 1) }
}

pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Reverse => "reverse",
        Mode::Forward => "forward",
        Mode::Tunnel => "tunnel",
        Mode::Replay => "replay",
    }
}

pub(super) fn traffic(traffic: Traffic) -> &'static str {
    match traffic {
        Traffic::Http => "http",
        Traffic::WebSocket => "websocket",
        Traffic::EventStream => "eventsource",
        Traffic::Tunnel => "tunnel",
    }
}

/// RFC 3339, with milliseconds; a time that does not exist is the first of 1970.
fn time(time_ms: u64) -> String {
    let time = i64::try_from(time_ms).ok().and_then(|time_ms| Timestamp::from_millisecond(time_ms).ok());
    format!("{:.3}", time.unwrap_or(Timestamp::UNIX_EPOCH))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
