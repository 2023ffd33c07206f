//! What answers are made of: blocks of content, contents of resources, messages of prompts, values that complete.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

/// One block of content.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Block {
    /// Text for the model.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    Image {
        /// Its bytes in Base64.
        data: String,
        /// `image/png`.
        mime_type: String,
    },
    /// A sound.
    Audio {
        /// Its bytes in Base64.
        data: String,
        /// `audio/wav`.
        mime_type: String,
    },
    /// A resource with its contents.
    Resource {
        /// The contents.
        resource: Contents,
    },
    /// A resource that can be read.
    ResourceLink {
        /// Its URI.
        uri: String,
        /// Its name.
        name: String,
        /// What it holds.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The type of its contents.
        #[serde(skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
    },
}

impl Block {
    /// Text.
    pub fn text(text: impl Into<String>) -> Block {
        Block::Text { text: text.into() }
    }

    /// A picture of these bytes.
    pub fn image(bytes: &[u8], mime_type: impl Into<String>) -> Block {
        Block::Image { data: STANDARD.encode(bytes), mime_type: mime_type.into() }
    }

    /// A sound of these bytes.
    pub fn audio(bytes: &[u8], mime_type: impl Into<String>) -> Block {
        Block::Audio { data: STANDARD.encode(bytes), mime_type: mime_type.into() }
    }
}

/// The contents of a resource: text or bytes.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Its URI.
    pub uri: String,
    /// The type of the contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Bytes in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
}

impl Contents {
    /// Text contents.
    pub fn text(uri: impl Into<String>, mime_type: impl Into<String>, text: impl Into<String>) -> Contents {
        Contents { uri: uri.into(), mime_type: Some(mime_type.into()), text: Some(text.into()), blob: None }
    }

    /// Contents of bytes.
    pub fn blob(uri: impl Into<String>, mime_type: impl Into<String>, bytes: &[u8]) -> Contents {
        let blob = Some(STANDARD.encode(bytes));
        Contents { uri: uri.into(), mime_type: Some(mime_type.into()), text: None, blob }
    }
}

/// What a tool answers.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    /// What the model reads.
    pub content: Vec<Block>,
    /// What fits the tool's `outputSchema`; an object, for clients of the legacy era.
    #[serde(rename = "structuredContent", skip_serializing_if = "Option::is_none")]
    pub structured: Option<Value>,
    /// The input was bad or the work has failed; the content says why, so that the model can act on it.
    #[serde(skip_serializing_if = "is_false")]
    pub is_error: bool,
    /// More for some clients.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl ToolResult {
    /// An answer of one text.
    pub fn text(text: impl Into<String>) -> ToolResult {
        ToolResult { content: vec![Block::text(text)], ..ToolResult::default() }
    }

    /// An answer of these blocks.
    pub fn blocks(content: Vec<Block>) -> ToolResult {
        ToolResult { content, ..ToolResult::default() }
    }

    /// An answer with a structure, which is also given as JSON text.
    pub fn structured(value: Value) -> ToolResult {
        ToolResult { content: vec![Block::text(value.to_string())], structured: Some(value), ..ToolResult::default() }
    }

    /// An answer with a structure, and with words for the model instead of its JSON.
    pub fn described(text: impl Into<String>, value: Value) -> ToolResult {
        ToolResult { structured: Some(value), ..ToolResult::text(text) }
    }

    /// Bad input or failed work: what went wrong, and what to do.
    pub fn error(text: impl Into<String>) -> ToolResult {
        ToolResult { is_error: true, ..ToolResult::text(text) }
    }
}

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Anybody.
    Public,
    /// Only who asked.
    #[default]
    Private,
}

/// What is read of a resource.
#[derive(Clone, Debug, Default)]
pub struct ResourceResult {
    /// One or more; never none.
    pub contents: Vec<Contents>,
    /// For how many milliseconds a client may keep it.
    pub ttl_ms: u64,
    /// Who may keep it.
    pub scope: Scope,
}

impl ResourceResult {
    /// One that is old as soon as it is read.
    pub fn live(contents: Contents) -> ResourceResult {
        ResourceResult { contents: vec![contents], ..ResourceResult::default() }
    }
}

/// Who speaks in a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A message of a prompt.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: Block,
}

impl Message {
    /// What the person says.
    pub fn user(content: Block) -> Message {
        Message { role: Role::User, content }
    }
}

/// A prompt with its live data.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PromptResult {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The conversation.
    pub messages: Vec<Message>,
}

/// Values that complete an argument; more than 100 are cut.
#[derive(Clone, Debug, Default)]
pub struct Completion {
    /// The best first.
    pub values: Vec<String>,
    /// How many there are in all, if that is known.
    pub total: Option<usize>,
}
