//! What a provider can do with a call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::mailbox::{Event, Progress, Shared};
use super::reply::Reply;
use super::spec::{CallKind, CallSpec, CompletionAsk};
use crate::mcp::protocol::{Answer, Ask, Block, CallError, Client, Era, Level, Version};
use crate::sync::CancelFlag;
use crate::sync::cancel::CancelGuard;

/// How long a task is kept, and how often a client should ask for it.
#[derive(Clone, Copy, Debug)]
pub struct TaskOptions {
    /// From its creation.
    pub ttl: Duration,
    /// Between two looks.
    pub poll: Duration,
}

impl Default for TaskOptions {
    fn default() -> TaskOptions {
        TaskOptions { ttl: Duration::from_secs(600), poll: Duration::from_secs(1) }
    }
}

/// A call that waits for its answer. One that is dropped without an answer gets an error for one.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: every method blocks at most on a mutex that is held for one insertion.
///   **Waits**: none. **Cleanup**: dropping it answers.
///
/// ```
/// use brummer::mcp::call::{CallKind, CallSpec, Desk};
/// use brummer::mcp::protocol::ToolResult;
///
/// let (call, desk) = Desk::call(CallSpec::new(CallKind::Tool, "about").with(&serde_json::json!({"depth": 1})));
/// assert_eq!((call.name(), call.argument("depth")), ("about", Some(1.into())));
/// std::thread::spawn(move || call.finish(ToolResult::text("Brummer")));
/// let result = desk.result(std::time::Duration::from_secs(10)).unwrap();
/// assert_eq!(result["content"][0]["text"], "Brummer");
/// ```
pub struct Call(Arc<Shared>);

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} {:?} {})", self.0.number, self.kind(), self.name())
    }
}

impl Call {
    pub(crate) fn new(shared: Arc<Shared>) -> Call {
        Call(shared)
    }

    /// All that is known of it.
    pub fn spec(&self) -> &CallSpec {
        &self.0.spec
    }

    /// What is called for.
    pub fn kind(&self) -> CallKind {
        self.0.spec.kind
    }

    /// The name of the tool or prompt, the URI of the resource, what a completion is for, the id of a task.
    pub fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// What a completion is wanted for.
    pub fn completion(&self) -> &CompletionAsk {
        &self.0.spec.completion
    }

    /// The arguments as JSON text; `{}` where none were given.
    pub fn arguments_text(&self) -> &str {
        self.0.spec.arguments.as_ref().map_or("{}", |arguments| arguments.get())
    }

    /// The arguments as a type.
    ///
    /// # Errors
    /// They do not fit; in words for a model, to be given back as
    /// [`ToolResult::error`](crate::mcp::protocol::ToolResult::error).
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(self.arguments_text()).map_err(|error| format!("The arguments do not fit: {error}"))
    }

    /// One argument.
    pub fn argument(&self, name: &str) -> Option<Value> {
        self.arguments::<serde_json::Map<String, Value>>().ok()?.remove(name)
    }

    /// Who calls, and what that client can do.
    pub fn client(&self) -> &Client {
        &self.0.spec.client
    }

    /// The revision that the client speaks.
    pub fn version(&self) -> Version {
        self.0.spec.version
    }

    /// The era of that revision.
    pub fn era(&self) -> Era {
        self.version().era()
    }

    /// The client's session, in the legacy era: calls of one session come from one client.
    pub fn session(&self) -> Option<&str> {
        self.0.spec.session.as_deref()
    }

    /// What the client answered to the question of this key, which was asked before with [`Call::ask`].
    pub fn answer(&self, key: &str) -> Option<&Answer> {
        self.0.spec.answers.get(key)
    }

    /// What was given to [`Call::ask`] the last time.
    pub fn state(&self) -> Option<&str> {
        self.0.spec.state.as_deref()
    }

    /// Whether anybody waits for progress; without, none need be made up.
    pub fn wants_progress(&self) -> bool {
        self.0.spec.wants_progress
    }

    /// Says how far it is. Steps that do not go forward are left out; so are those that come too fast, except the last.
    pub fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        // Of a task the last step is told to whoever asks how it stands.
        if self.wants_progress() || self.can_be_task() {
            self.0.post(Event::Progress(Progress { progress, total, message: message.map(str::to_owned) }));
        }
    }

    /// Says something, if the client wants to hear messages of this level.
    pub fn log(&self, level: Level, logger: Option<&str>, data: &impl Serialize) {
        if self.0.spec.log_level.is_some_and(|least| level >= least)
            && let Ok(data) = serde_json::to_string(data)
        {
            self.0.post(Event::Log { level, logger: logger.map(str::to_owned), data });
        }
    }

    /// Whether the client waits no more.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_cancelled()
    }

    /// Has `hook` run when the client cancels, or now if it has.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) -> CancelGuard {
        self.0.cancel.on_cancel(hook)
    }

    /// The flag that is set when the client cancels.
    pub fn cancel_flag(&self) -> &CancelFlag {
        &self.0.cancel
    }

    /// Whether this client takes a task for an answer to this call.
    pub fn can_be_task(&self) -> bool {
        self.kind() == CallKind::Tool && self.era() == Era::Modern && self.client().capabilities.tasks
    }

    /// Answers with a task, if the client takes one; the call goes on, and its progress and end become those of the task. For work
    /// that takes long; a client that takes no tasks waits as before.
    pub fn become_task(&self, options: TaskOptions) {
        if self.can_be_task() {
            self.0.post(Event::Task { ttl: options.ttl, poll: options.poll });
        }
    }

    /// Closes the connection, if the client can come back for the rest (from 2025-11-25 on, in the legacy era): for long waits.
    pub fn release(&self) {
        self.0.post(Event::Release);
    }

    /// Whether the client answers this question.
    pub fn can_ask(&self, ask: &Ask) -> bool {
        let can = self.client().capabilities.answers(&ask.method, ask.mode().as_deref());
        can && self.kind() != CallKind::Completion && (self.era() == Era::Modern || self.session().is_some())
    }

    /// Asks the client. This call is over; [`Provider::call`](crate::mcp::Provider::call) is given it anew when the answers are there,
    /// with all answers so far in it and with `state`, which no client can change. What the client did not declare is refused for us.
    ///
    /// ```
    /// use brummer::mcp::protocol::{Ask, ToolResult};
    /// # use brummer::mcp::Call;
    /// fn stop_everything(call: Call) {
    ///     match call.answer("sure").map(|answer| answer.accepted()) {
    ///         Some(true) => call.finish(ToolResult::text("Stopped.")),
    ///         Some(false) => call.finish(ToolResult::text("Nothing was stopped.")),
    ///         None => call.ask([("sure", Ask::confirm("Stop all processes?"))], None),
    ///     }
    /// }
    /// ```
    pub fn ask<K: Into<String>>(self, asks: impl IntoIterator<Item = (K, Ask)>, state: Option<String>) {
        let asks = asks.into_iter().map(|(key, ask)| (key.into(), ask)).collect();
        self.0.post(Event::Ask { asks, state });
    }

    /// Answers.
    pub fn finish(self, reply: impl Into<Reply>) {
        let Reply(body) = reply.into();
        self.0.post(Event::Finish(Ok(body.encode(&self.0.spec))));
    }

    /// Refuses.
    pub fn fail(self, error: CallError) {
        self.0.post(Event::Finish(Err(error)));
    }

    /// Answers a tool's call with text.
    pub fn say(self, text: impl Into<String>) {
        self.finish(crate::mcp::protocol::ToolResult::blocks(vec![Block::text(text)]));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.0.has_ended() {
            let message = format!("`{}` was given up without an answer; its log may say why.", self.name());
            self.0.post(Event::Finish(Err(CallError::internal(message))));
        }
    }
}
