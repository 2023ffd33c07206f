//! One request as bytes: the JSON-RPC message with what its era asks for, in one HTTP request that leaves in one write.

use std::io::Write as _;

use serde_json::value::RawValue;

use super::client::Options;
use super::headers::header_value;
use super::target::Target;
use crate::mcp::protocol::{Era, Version, meta};
use crate::wire::jsonrpc::{Id, write_notification, write_request};

/// What is called. The members are JSON and are passed on as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call<'a> {
    /// `tools/call`.
    pub method: &'a str,
    /// The members of `params`, but `_meta`.
    pub params: &'a [(&'a str, &'a RawValue)],
    /// Members of `params._meta`; those that the era asks for are added.
    pub meta: &'a [(&'a str, &'a RawValue)],
    /// More headers: what a tool declared, see [`super::declared_headers`].
    pub headers: &'a [(String, String)],
}

impl<'a> Call<'a> {
    /// A call without anything.
    pub fn new(method: &'a str) -> Call<'a> {
        Call { method, ..Call::default() }
    }

    /// What the call is about, which the modern era wants in a header besides.
    fn name(&self) -> Option<String> {
        let key = match self.method {
            "tools/call" | "prompts/get" => "name",
            "resources/read" => "uri",
            "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
            _ => return None,
        };
        let (_, value) = self.params.iter().find(|(name, _)| *name == key)?;
        serde_json::from_str(value.get()).ok()
    }

    /// Whether it may be sent again when the connection broke before anything of the answer came.
    pub(super) fn is_harmless(&self) -> bool {
        self.method != "tools/call"
    }
}

/// The message, as the version wants it; without an id it is a notification.
pub(super) fn message(id: Option<&Id>, call: &Call<'_>, version: Version, options: &Options) -> Vec<u8> {
    let mut params = Object::default();
    call.params.iter().for_each(|(name, value)| params.put(name, value.get()));
    let mut extra = Object::default();
    let modern = version.era() == Era::Modern;
    let own = |name: &str| name.starts_with("io.modelcontextprotocol/");
    for (name, value) in call.meta.iter().filter(|(name, _)| modern && *name != meta::VERSION || !own(name)) {
        extra.put(name, value.get());
    }
    if modern && id.is_some() {
        extra.put(meta::VERSION, &json(version.as_str()));
        if !call.meta.iter().any(|(name, _)| *name == meta::CAPABILITIES) {
            extra.put(meta::CAPABILITIES, options.capabilities.get());
        }
        if !call.meta.iter().any(|(name, _)| *name == meta::CLIENT) {
            extra.put(meta::CLIENT, &options.info());
        }
    }
    if !extra.0.is_empty() {
        params.put("_meta", &extra.text());
    }
    let params = (!params.0.is_empty()).then(|| params.text());
    let mut out = Vec::with_capacity(256);
    match id {
        Some(id) => write_request(id, call.method, params.as_deref(), &mut out),
        None => write_notification(call.method, params.as_deref(), &mut out),
    }
    out
}

/// A POST of a message. `version` is told once the server is known.
pub(super) fn post(
    target: &Target,
    call: &Call<'_>,
    version: Option<Version>,
    session: Option<&str>,
    body: &[u8],
) -> Vec<u8> {
    let mut out = start(target, "POST", version, session);
    header(&mut out, "Content-Type", "application/json");
    header(&mut out, "Accept", "application/json, text/event-stream");
    if version.is_some_and(|version| version.era() == Era::Modern) {
        header(&mut out, "Mcp-Method", &header_value(call.method));
        call.name().iter().for_each(|name| header(&mut out, "Mcp-Name", &header_value(name)));
        call.headers.iter().for_each(|(name, value)| header(&mut out, name, value));
    }
    header(&mut out, "Content-Length", &body.len().to_string());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// A GET of the stream of a session, from behind the event that was heard last.
pub(super) fn get(target: &Target, version: Version, session: Option<&str>, last: Option<&str>) -> Vec<u8> {
    let mut out = start(target, "GET", Some(version), session);
    header(&mut out, "Accept", "text/event-stream");
    last.iter().for_each(|last| header(&mut out, "Last-Event-ID", last));
    out.extend_from_slice(b"\r\n");
    out
}

/// The end of a session.
pub(super) fn delete(target: &Target, version: Version, session: &str) -> Vec<u8> {
    let mut out = start(target, "DELETE", Some(version), Some(session));
    out.extend_from_slice(b"\r\n");
    out
}

fn start(target: &Target, method: &str, version: Option<Version>, session: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    // Writing to a vector cannot fail.
    let _ = write!(out, "{method} {} HTTP/1.1\r\nHost: {}\r\n", target.path, target.authority);
    target.token.iter().for_each(|token| header(&mut out, "Authorization", &format!("Bearer {token}")));
    version.iter().for_each(|version| header(&mut out, "MCP-Protocol-Version", version.as_str()));
    session.iter().for_each(|session| header(&mut out, "Mcp-Session-Id", session));
    out
}

fn header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    // Nothing that came from elsewhere ends a line here.
    out.extend(value.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)));
    out.extend_from_slice(b"\r\n");
}

/// A JSON string.
pub(super) fn json(text: &str) -> String {
    // A string is always JSON.
    serde_json::to_string(text).unwrap_or_default()
}

/// An object that is put together.
#[derive(Default)]
struct Object(String);

impl Object {
    fn put(&mut self, name: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&json(name));
        self.0.push(':');
        self.0.push_str(value);
    }

    fn text(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
