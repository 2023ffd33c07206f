//! Finds out once which era a server speaks, and opens a session where that era has them.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::answer::{Came, Reply};
use super::client::Client;
use super::request::{Call, json, message, post};
use crate::error::{Code, Error, Result};
use crate::mcp::protocol::{Era, Version, code, meta};
use crate::runtime::Context;
use crate::wire::http1::Method;
use crate::wire::jsonrpc::Id;

/// What a server says of itself.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The revision that is spoken with it.
    pub version: Version,
    /// Its name and version.
    pub server: Value,
    /// What it can do.
    pub capabilities: Value,
    /// What a model should know of it.
    pub instructions: Option<String>,
    /// Which instance of Brummer it is, if it says so.
    pub instance: Option<String>,
}

/// What lasts from the handshake on.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) version: Version,
    pub(super) id: Option<String>,
    pub(super) facts: std::sync::Arc<Facts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Greeting {
    #[serde(default)]
    supported_versions: Vec<String>,
    #[serde(default)]
    protocol_version: String,
    #[serde(default)]
    server_info: Value,
    #[serde(default)]
    capabilities: Value,
    instructions: Option<String>,
    #[serde(rename = "_meta", default)]
    meta: Value,
}

impl Greeting {
    fn read(result: &RawValue) -> Result<Greeting> {
        serde_json::from_str(result.get()).map_err(|error| {
            Error::new("mcp", Code::Network, format!("the server's first answer is not what it should be: {error}"))
        })
    }

    /// Which instance of Brummer says this.
    fn instance(&self) -> Option<&str> {
        self.meta.get(meta::INSTANCE).and_then(Value::as_str)
    }

    fn session(self, version: Version, id: Option<String>) -> Session {
        let own = self.meta.get(meta::SERVER).cloned();
        let instance = self.instance().map(str::to_owned);
        let facts = Facts {
            version,
            server: own.unwrap_or(self.server_info),
            capabilities: self.capabilities,
            instructions: self.instructions,
            instance,
        };
        Session { version, id, facts: std::sync::Arc::new(facts) }
    }
}

/// Asks in the modern way first, unless the server is known to be a legacy one.
pub(super) fn shake_hands(client: &Client, context: &Context) -> Result<Session> {
    let (eras, authority) = (&client.options().eras, &client.target().authority);
    let session = match eras.of(authority) {
        Some(Era::Legacy) => match initialize(client, context) {
            Ok(session) => session,
            // One of the other era may be there now.
            Err(error) => discover(client, context).ok().flatten().ok_or(error)?,
        },
        _ => match discover(client, context)? {
            Some(session) => session,
            None => initialize(client, context)?,
        },
    };
    eras.learn(authority, session.version.era());
    same_instance(client, session.facts.instance.as_deref())?;
    Ok(session)
}

/// The question what a modern server is, as bytes, and its id.
pub(super) fn question(client: &Client) -> (Vec<u8>, Id) {
    let call = Call::new("server/discover");
    let id = client.next_id();
    let body = message(Some(&id), &call, Version::NEWEST, client.options());
    (post(client.target(), &call, Some(Version::NEWEST), None, &body), id)
}

/// Whether the answer to that question comes from the instance that is meant.
pub(super) fn is_it(client: &Client, came: Came) -> Result<()> {
    let greeting = match came {
        Came::Reply(Reply::Result(result)) => Greeting::read(&result).ok(),
        _ => None,
    };
    same_instance(client, greeting.as_ref().and_then(Greeting::instance))
}

fn same_instance(client: &Client, found: Option<&str>) -> Result<()> {
    if client.target().instance.as_deref().is_none_or(|wanted| found == Some(wanted)) {
        return Ok(());
    }
    let message = format!("another program has the port of {} now", client.target().label);
    Err(Error::new("mcp", Code::NotFound, message).with("instance", found.unwrap_or_default()))
}

/// `None`: the server does not speak the modern way.
fn discover(client: &Client, context: &Context) -> Result<Option<Session>> {
    match ask_what_it_speaks(client, context)? {
        // A server that was hasty and does speak our revision is asked once more.
        Spoken::Again => match ask_what_it_speaks(client, context)? {
            Spoken::Modern(session) => Ok(Some(session)),
            _ => Ok(None),
        },
        Spoken::Modern(session) => Ok(Some(session)),
        Spoken::Legacy => Ok(None),
    }
}

enum Spoken {
    Modern(Session),
    Legacy,
    /// It refused our revision, and names it among those that it speaks.
    Again,
}

fn ask_what_it_speaks(client: &Client, context: &Context) -> Result<Spoken> {
    let (bytes, id) = question(client);
    let (came, _) = client.exchange(context, &bytes, Method::Post, Some(&id), true, &mut |_| Ok(()))?;
    match came {
        Came::Reply(Reply::Result(result)) => {
            let greeting = Greeting::read(&result)?;
            let spoken = greeting.supported_versions.iter().any(|version| version == Version::NEWEST.as_str());
            Ok(if spoken { Spoken::Modern(greeting.session(Version::NEWEST, None)) } else { Spoken::Legacy })
        }
        Came::Reply(Reply::Failure { code: code::UNSUPPORTED_VERSION, data: Some(data), .. })
        | Came::Status {
            failure: Some(Reply::Failure { code: code::UNSUPPORTED_VERSION, data: Some(data), .. }),
            ..
        } if names_ours(&data) => Ok(Spoken::Again),
        Came::Status { status: status @ (401 | 403), text, .. } => Err(refused(client, status, &text)),
        Came::Reply(Reply::Failure { code, message, .. })
        | Came::Status { failure: Some(Reply::Failure { code, message, .. }), .. }
            if is_modern(code) =>
        {
            let message = format!("{} refused to be asked what it speaks: {message} ({code})", client.target().label);
            Err(Error::new("mcp", Code::Network, message))
        }
        _ => Ok(Spoken::Legacy),
    }
}

/// Whether our revision is among those that a refusal names.
fn names_ours(data: &RawValue) -> bool {
    let data: Value = serde_json::from_str(data.get()).unwrap_or_default();
    let supported = data.get("supported").and_then(Value::as_array).into_iter().flatten();
    supported.into_iter().any(|version| version == Version::NEWEST.as_str())
}

/// Whether only a modern server says this, and the reason is not that it is none of our revision.
fn is_modern(code: i32) -> bool {
    (-32099..=-32020).contains(&code) && code != code::UNSUPPORTED_VERSION
}

fn initialize(client: &Client, context: &Context) -> Result<Session> {
    let version = Version::NEWEST_LEGACY;
    let raw = |text: String| RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let (wanted, info) = (raw(json(version.as_str())), raw(client.options().info()));
    let params: [(&str, &RawValue); 3] =
        [("protocolVersion", &wanted), ("capabilities", &client.options().capabilities), ("clientInfo", &info)];
    let call = Call { params: &params, ..Call::new("initialize") };
    let id = client.next_id();
    let body = message(Some(&id), &call, version, client.options());
    let bytes = post(client.target(), &call, None, None, &body);
    let (came, session) = client.exchange(context, &bytes, Method::Post, Some(&id), true, &mut |_| Ok(()))?;
    let result = match came {
        Came::Reply(reply) => reply.result()?,
        Came::Status { status, text, .. } => return Err(refused(client, status, &text)),
        Came::Accepted | Came::Broken { .. } => return Err(refused(client, 200, "no answer to initialize")),
    };
    let greeting = Greeting::read(&result)?;
    let Some(version) = Version::of(&greeting.protocol_version).filter(|version| version.era() == Era::Legacy) else {
        let message = format!(
            "{} speaks revision `{}`, which is not known here",
            client.target().label,
            greeting.protocol_version
        );
        return Err(Error::new("mcp", Code::Network, message));
    };
    let session = greeting.session(version, session);
    client.say(context, &session, &Call::new("notifications/initialized"))?;
    Ok(session)
}

fn refused(client: &Client, status: u16, text: &str) -> Error {
    let label = &client.target().label;
    match status {
        401 | 403 => Error::new("mcp", Code::Permission, format!("{label} does not let us in ({status}): {text}")),
        _ => Error::new(
            "mcp",
            Code::Network,
            format!("what answers at the address of {label} is no MCP server ({status}): {text}"),
        ),
    }
}

/// The id of a request as JSON.
pub(super) fn raw_id(id: &Id) -> Box<RawValue> {
    // An id is always JSON.
    to_raw_value(id).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
