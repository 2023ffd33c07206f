//! What was called for, by whom, and what that client can take.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::mcp::protocol::{Answer, Client, Level, Version};

/// What is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// `tools/call`: the answer is a [`ToolResult`](crate::mcp::protocol::ToolResult).
    Tool,
    /// `resources/read`: the answer is a [`ResourceResult`](crate::mcp::protocol::ResourceResult).
    Resource,
    /// `prompts/get`: the answer is a [`PromptResult`](crate::mcp::protocol::PromptResult).
    Prompt,
    /// `completion/complete`: the answer is a [`Completion`](crate::mcp::protocol::Completion).
    Completion,
    /// Something with a task that the provider keeps elsewhere: see [`Provider::keeps`](crate::mcp::Provider::keeps). The answer is a
    /// whole result.
    Task(TaskWork),
}

/// What is wanted of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskWork {
    /// `tasks/get`.
    Get,
    /// `tasks/update`: the arguments are the answers to what the task asks.
    Update,
    /// `tasks/cancel`.
    Cancel,
}

/// What a completion is wanted for.
#[derive(Clone, Debug, Default)]
pub struct CompletionAsk {
    /// It is for a resource template, [`CallSpec::name`] being its URI template; else for a prompt.
    pub is_resource: bool,
    /// The argument.
    pub argument: String,
    /// What was typed of its value.
    pub value: String,
    /// The arguments that are known already.
    pub context: BTreeMap<String, String>,
}

/// All that is known of a call.
#[derive(Clone, Debug)]
pub struct CallSpec {
    /// What is called for.
    pub kind: CallKind,
    /// The name of the tool or prompt, the URI, the URI template, the id of the task.
    pub name: String,
    /// The arguments, as they came.
    pub arguments: Option<Box<RawValue>>,
    /// What a completion is for.
    pub completion: CompletionAsk,
    /// The request's `_meta`, as it came.
    pub meta: Option<Box<RawValue>>,
    /// The revision that the client speaks.
    pub version: Version,
    /// Who calls.
    pub client: Arc<Client>,
    /// The client's session; none in the modern era.
    pub session: Option<Arc<str>>,
    /// From which level on log messages are wanted.
    pub log_level: Option<Level>,
    /// Whether progress is wanted.
    pub wants_progress: bool,
    /// What the client answered so far, by the key of the question.
    pub answers: BTreeMap<String, Answer>,
    /// What the provider gave to itself when it asked.
    pub state: Option<String>,
    /// The server as JSON, for answers of the modern era.
    pub server: Arc<str>,
}

impl CallSpec {
    /// A call by a client of the newest revision that can do nothing.
    pub fn new(kind: CallKind, name: impl Into<String>) -> CallSpec {
        CallSpec {
            kind,
            name: name.into(),
            arguments: None,
            completion: CompletionAsk::default(),
            meta: None,
            version: Version::NEWEST,
            client: Arc::default(),
            session: None,
            log_level: None,
            wants_progress: false,
            answers: BTreeMap::new(),
            state: None,
            server: Arc::from("{}"),
        }
    }

    /// The same call with these arguments.
    #[must_use]
    pub fn with(self, arguments: &serde_json::Value) -> CallSpec {
        CallSpec { arguments: serde_json::value::to_raw_value(arguments).ok(), ..self }
    }
}
