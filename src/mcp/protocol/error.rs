//! Why a call is refused. Bad tool input and failed tool work are no errors of this kind: see [`ToolResult::error`](super::ToolResult::error).

use std::fmt;

use serde_json::value::{RawValue, to_raw_value};

/// Codes of errors beside those of JSON-RPC itself.
pub mod code {
    pub use crate::wire::jsonrpc::{INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR};

    /// A header is missing, malformed, or unlike the body.
    pub const HEADER_MISMATCH: i32 = -32020;
    /// The client did not declare a capability that the call needs.
    pub const MISSING_CAPABILITY: i32 = -32021;
    /// The revision is not spoken.
    pub const UNSUPPORTED_VERSION: i32 = -32022;
    /// Nothing has this URI; only in the legacy era.
    pub const RESOURCE_NOT_FOUND: i32 = -32002;
}

/// A call that is answered with an error instead of a result.
#[derive(Clone, Debug)]
pub struct CallError {
    /// What kind it is: see [`code`].
    pub code: i32,
    /// What was attempted, what is wrong, what to do.
    pub message: String,
    /// More about it, as JSON.
    pub data: Option<Box<RawValue>>,
}

impl CallError {
    /// An error of this kind.
    pub fn new(code: i32, message: impl Into<String>) -> CallError {
        CallError { code, message: message.into(), data: None }
    }

    /// The same error with more about it.
    #[must_use]
    pub fn with_data(self, data: &serde_json::Value) -> CallError {
        CallError { data: to_raw_value(data).ok(), ..self }
    }

    /// A name, a cursor or an argument that the method does not take.
    pub fn invalid_params(message: impl Into<String>) -> CallError {
        CallError::new(code::INVALID_PARAMS, message)
    }

    /// No tool has this name.
    pub fn unknown_tool(name: &str) -> CallError {
        CallError::invalid_params(format!("Unknown tool: {name}. tools/list has them all."))
    }

    /// No prompt has this name.
    pub fn unknown_prompt(name: &str) -> CallError {
        CallError::invalid_params(format!("Unknown prompt: {name}. prompts/list has them all."))
    }

    /// Nothing has this URI. Its code is made that of the client's era when it is sent.
    pub fn unknown_resource(uri: &str) -> CallError {
        CallError::new(code::RESOURCE_NOT_FOUND, format!("Resource not found: {uri}. resources/list has them all."))
            .with_data(&serde_json::json!({ "uri": uri }))
    }

    /// No task has this id.
    pub fn unknown_task() -> CallError {
        CallError::invalid_params("No task has this id, or its time is over.")
    }

    /// The server has failed.
    pub fn internal(message: impl Into<String>) -> CallError {
        CallError::new(code::INTERNAL_ERROR, message)
    }

    /// The client has to declare this first; shaped like the client's capabilities: `{"sampling": {}}`.
    pub fn missing_capability(required: &serde_json::Value) -> CallError {
        CallError::new(code::MISSING_CAPABILITY, "The client did not declare a capability that this call needs.")
            .with_data(&serde_json::json!({ "requiredCapabilities": required }))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for CallError {}
