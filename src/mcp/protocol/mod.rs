//! What is said in the Model Context Protocol: the words of its revisions, as values.
//!
//! Read in this order: [`version`] (revisions and their two eras), [`error`] (why a call is refused), [`client`] (who asks, and what it
//! can do), [`item`] (tools, resources and prompts as they are listed), [`content`] (what answers are made of), [`ask`] (questions to
//! the user while a call goes on), [`log`] (levels).

pub mod ask;
pub mod client;
pub mod content;
pub mod error;
pub mod item;
pub mod log;
pub mod version;

pub use ask::{Answer, Ask};
pub use client::{Capabilities, Client};
pub use content::{Block, Completion, Contents, Message, PromptResult, ResourceResult, Role, Scope, ToolResult};
pub use error::{CallError, code};
pub use item::{Annotations, Argument, Item, List, ListKind, Prompt, Resource, ServerInfo, Template, Tool};
pub use log::Level;
pub use version::{Era, Version};

/// Names of members below `_meta`.
pub mod meta {
    /// The revision that a request is written in.
    pub const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    /// What the client can do.
    pub const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
    /// Who the client is.
    pub const CLIENT: &str = "io.modelcontextprotocol/clientInfo";
    /// Who the server is.
    pub const SERVER: &str = "io.modelcontextprotocol/serverInfo";
    /// From which level on log messages of this request are wanted.
    pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
    /// To which subscription a message belongs.
    pub const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
    /// The extension by which a call becomes a task.
    pub const TASKS: &str = "io.modelcontextprotocol/tasks";
    /// Which instance of Brummer answers.
    pub const INSTANCE: &str = "brummer/instance";
    /// What progress of a request is to be called.
    pub const PROGRESS: &str = "progressToken";
}
