//! Tools, resources and prompts as they are listed.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::content::Scope;

/// Who serves.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// Its name: `brummer`.
    pub name: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its version.
    pub version: String,
    /// What a model should know before it calls anything; below 2 KiB, since clients cut it there.
    #[serde(skip)]
    pub instructions: Option<String>,
}

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListKind {
    /// `tools/list`.
    Tools,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    Templates,
    /// `prompts/list`.
    Prompts,
}

/// All of one kind, in an order that stays. Lists do not depend on who asks.
#[derive(Clone, Debug)]
pub struct List {
    /// What there is.
    pub items: Vec<Item>,
    /// For how many milliseconds a client may keep it.
    pub ttl_ms: u64,
    /// Who may keep it.
    pub scope: Scope,
}

impl List {
    /// A list that may be kept until a change is told.
    pub fn new(items: Vec<Item>) -> List {
        List { items, ttl_ms: 60_000, scope: Scope::Private }
    }
}

/// One thing in a list: its JSON, which is sent as it is.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name, or its URI: what it is called by.
    pub name: Box<str>,
    /// A JSON object.
    pub json: Box<RawValue>,
}

impl Item {
    /// An item that came as JSON.
    pub fn raw(name: &str, json: Box<RawValue>) -> Item {
        Item { name: name.into(), json }
    }

    fn of(name: &str, value: &impl Serialize) -> Item {
        // The values of this module are plain records, of which JSON can always be made.
        Item { name: name.into(), json: to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()) }
    }
}

/// Something that a model can call.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// 1 to 128 of `A-Za-z0-9_.-`; short, since clients put a prefix before it.
    pub name: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is for, in its first sentence.
    pub description: String,
    /// A JSON Schema (2020-12) of an object.
    pub input_schema: Value,
    /// A JSON Schema of [`ToolResult::structured`](super::ToolResult::structured).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What it does to the world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// More for some clients.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
}

/// What a tool does to the world. The defaults of the protocol are the worst case, so say it all.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// It changes nothing.
    pub read_only_hint: bool,
    /// What it changes may be lost.
    pub destructive_hint: bool,
    /// Twice is as good as once.
    pub idempotent_hint: bool,
    /// It reaches beyond this machine's project.
    pub open_world_hint: bool,
}

impl From<&Tool> for Item {
    fn from(tool: &Tool) -> Item {
        Item::of(&tool.name, tool)
    }
}

/// Something that can be read by its URI.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its URI.
    pub uri: String,
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The type of its contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl From<&Resource> for Item {
    fn from(resource: &Resource) -> Item {
        Item::of(&resource.uri, resource)
    }
}

/// Resources whose URIs are made from a template (RFC 6570).
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// `logs://process/{name}`.
    pub uri_template: String,
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What they hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The type of their contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
}

impl From<&Template> for Item {
    fn from(template: &Template) -> Item {
        Item::of(&template.uri_template, template)
    }
}

/// A conversation that can be begun.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
}

/// An argument of a prompt: always text.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it must be given.
    pub required: bool,
}

impl From<&Prompt> for Item {
    fn from(prompt: &Prompt) -> Item {
        Item::of(&prompt.name, prompt)
    }
}
