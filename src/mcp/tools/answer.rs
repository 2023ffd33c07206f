//! What a tool answers, and why it refuses: always words that a model can act on.

use serde_json::Value;

use crate::error::Error;
use crate::mcp::protocol::{Block, ToolResult};

/// More text than this is not handed to a model at once: well below 10,000 tokens.
pub(crate) const TEXT_BYTES_MAX: usize = 24_000;

/// What was wrong with the input, or why the work has failed; what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal(error.message().to_owned())
    }
}

impl From<&str> for Refusal {
    fn from(text: &str) -> Refusal {
        Refusal(text.to_owned())
    }
}

/// What a tool answers: words to read, and the same as values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) value: Value,
    /// Pictures and links that go with it.
    pub(crate) more: Vec<Block>,
}

/// What the work of a tool ends in.
pub(crate) type Done = Result<Answer, Refusal>;

impl Answer {
    /// Words and values.
    pub(crate) fn new(text: impl Into<String>, value: Value) -> Answer {
        Answer { text: text.into(), value, more: Vec::new() }
    }
}

/// As it is sent.
pub(crate) fn result(done: Done) -> ToolResult {
    match done {
        Ok(Answer { text, value, more }) => {
            let mut result = ToolResult::described(text, value);
            result.content.extend(more);
            result
        }
        Err(Refusal(text)) => ToolResult::error(text),
    }
}
