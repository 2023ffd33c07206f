//! Rows of the server for AI tools: who calls, for what, and the instances that run.

use std::sync::Arc;

/// How the server for AI tools stands, and who uses it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct McpRow {
    /// Where it is, while it serves.
    pub address: Option<Arc<str>>,
    /// Who has called, the one that called last first.
    pub clients: Vec<McpClient>,
    /// The newest calls, newest first.
    pub calls: Vec<McpCall>,
    /// All calls so far, those that failed among them.
    pub total: (u64, u64),
    /// Running instances that have registered themselves, this one among them.
    pub instances: Vec<McpInstance>,
}

/// A program that has called.
#[derive(Clone, Debug, PartialEq)]
pub struct McpClient {
    /// Its name, as it gave it.
    pub name: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// Calls so far.
    pub calls: u64,
    /// When it called last, milliseconds since 1970.
    pub last_ms: u64,
}

/// What is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum McpKind {
    /// Something is done.
    Tool,
    /// Something is read, by its URI.
    Resource,
    /// A text for a model is given.
    Prompt,
}

/// A call for a tool, a resource or a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct McpCall {
    /// Counted from 1 on.
    pub number: u64,
    /// When it came, milliseconds since 1970.
    pub time_ms: u64,
    /// The client's name.
    pub client: Arc<str>,
    /// What `name` is.
    pub kind: McpKind,
    /// The tool, the URI, the prompt.
    pub name: Arc<str>,
    /// What it was given, as JSON without secrets, and so cut that it may be none; empty where nothing was given.
    pub arguments: Arc<str>,
    /// Whether it can be made again.
    pub again: Again,
    /// How it went; `None` while it goes on.
    pub end: Option<McpEnd>,
}

impl McpCall {
    /// The client of calls that are made again.
    pub const OWN_CLIENT: &str = "Brummer";
}

/// Whether a call can be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It can; its tool only reads.
    Reads,
    /// It can; its tool changes something.
    Changes,
    /// It is none for a tool.
    NoTool,
    /// Its arguments were too long to be kept as a whole.
    Cut,
    /// Its arguments hold a secret, which is not kept.
    Masked,
}

impl Again {
    /// Why it cannot, for a person.
    pub fn refusal(self) -> Option<&'static str> {
        match self {
            Again::Reads | Again::Changes => None,
            Again::NoTool => Some("only calls for tools are made again"),
            Again::Cut => Some("it cannot be made again: its arguments were too long to be kept as a whole"),
            Again::Masked => Some("it cannot be made again: its arguments hold a secret, which is not kept"),
        }
    }
}

/// How a call went.
#[derive(Clone, Debug, PartialEq)]
pub struct McpEnd {
    /// How long it took.
    pub took_ms: u64,
    /// It was answered, and the answer is no error.
    pub is_good: bool,
    /// The answer, without secrets; of a long one the first lines.
    pub text: Arc<str>,
}

/// A running instance of Brummer.
#[derive(Clone, Debug, PartialEq)]
pub struct McpInstance {
    /// Its id.
    pub id: Arc<str>,
    /// Its project's name.
    pub name: Arc<str>,
    /// Its project's folder.
    pub directory: Arc<str>,
    /// Where it serves.
    pub port: u16,
    /// The whole of that: `http://127.0.0.1:7777/mcp`.
    pub url: Arc<str>,
    /// Its process.
    pub pid: u32,
    /// Its version; empty where it is not known.
    pub version: Arc<str>,
    /// When it was started, milliseconds since 1970.
    pub started_ms: u64,
    /// When it said last that it lives, milliseconds since 1970; it does so twice a minute.
    pub seen_ms: u64,
    /// Who asks must show the token of this user.
    pub needs_token: bool,
    /// It is this one.
    pub is_own: bool,
}
