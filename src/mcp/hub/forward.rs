//! One call on its way to an instance and back: what the client asked is passed on, what the instance says is passed back untouched.

use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::lists::ARGUMENT;
use super::names::join;
use super::table::Entry;
use crate::error::{Code, Error};
use crate::mcp::call::{Call, CallKind, TaskWork};
use crate::mcp::client::{self, Client, Incoming, Reply};
use crate::mcp::protocol::{Ask, CallError, Era, Level, ToolResult, meta};
use crate::runtime::Context;
use crate::wire::jsonrpc::{METHOD_NOT_FOUND, Members};

/// A tool may work so long; its client cancels when it does not want to wait.
const TOOL_LIMIT: Duration = Duration::from_secs(3600);
/// Everything else may take so long.
const OTHER_LIMIT: Duration = Duration::from_secs(30);
/// The client's answer to the hub's own question.
pub(super) const ROOTS: &str = "brummer-hub-roots";

/// What is to be called at the instance.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// The instance's own name of it.
    pub(super) name: String,
    /// The argument that named the instance, which is none of the tool's.
    pub(super) drop_arguments: Vec<&'static str>,
}

/// Calls, and answers the client. A connection that broke is told in the answer of this function.
pub(super) fn forward(call: Call, entry: &Entry, client: &Client, route: &Route) -> Option<Error> {
    let limit = if call.kind() == CallKind::Tool { TOOL_LIMIT } else { OTHER_LIMIT };
    let context = Context::background().with_timeout(limit);
    let cancelled = context.clone();
    let _guard = call.on_cancel(move || cancelled.cancel());
    let (method, params) = params(&call, route);
    let params: Vec<(&str, &RawValue)> = params.iter().map(|(name, value)| (*name, &**value)).collect();
    let meta = meta_of(&call);
    let meta: Vec<(&str, &RawValue)> = meta.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
    let asked = client::Call { params: &params, meta: &meta, ..client::Call::new(method) };
    let reply = client.call(&context, &asked, &mut |incoming| {
        match incoming {
            Incoming::Opened => {}
            Incoming::Notification { method, params } => pass_on(&call, method, params),
            Incoming::Request { id, .. } => {
                client.respond(&context, id, Err((METHOD_NOT_FOUND, "Nothing was declared that answers this.")))?;
            }
        }
        Ok(())
    });
    match reply {
        Ok(Reply::Result(result)) => {
            let result = under_its_uri(&call, route, "contents", result);
            finish(call, entry, result);
        }
        Ok(Reply::Failure { code, message, data }) => {
            let data = data.map(|data| under_its_uri(&call, route, "", data));
            call.fail(CallError { code, message, data });
        }
        // The client waits no more: nothing is answered.
        Err(_) if call.is_cancelled() => {}
        Err(error) => {
            let text = lost(&call, entry, &error);
            refuse(call, text);
            let is_broken = matches!(error.code(), Code::Network | Code::NotFound) || error.is_timeout();
            return is_broken.then_some(error);
        }
    }
    None
}

/// Answers that something cannot be done: to a model in a result, to others in an error.
pub(super) fn refuse(call: Call, text: String) {
    match call.kind() {
        CallKind::Tool => call.finish(ToolResult::error(text)),
        _ => call.fail(CallError::internal(text)),
    }
}

fn lost(call: &Call, entry: &Entry, error: &Error) -> String {
    let name = call.name();
    let what = match error.code() {
        Code::Timeout => format!("{} has not answered `{name}` in time", entry.name()),
        Code::Network | Code::NotFound | Code::InvalidState => {
            format!("{} went away while `{name}` was called", entry.name())
        }
        _ => format!("{} could not be asked for `{name}`", entry.name()),
    };
    let may = if call.kind() == CallKind::Tool { " It may have been done all the same." } else { "" };
    format!("{what}: {}.{may} When it runs again it is found by itself; instances_list tells.", error.message())
}

/// Method and parameters, as the instance takes them.
fn params(call: &Call, route: &Route) -> (&'static str, Vec<(&'static str, Box<RawValue>)>) {
    let raw = |value: Value| to_raw_value(&value).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let mut params = Vec::new();
    let method = match call.kind() {
        CallKind::Tool | CallKind::Prompt => {
            params.push(("name", raw(json!(route.name))));
            params.push(("arguments", arguments(call, route)));
            if call.kind() == CallKind::Tool { "tools/call" } else { "prompts/get" }
        }
        CallKind::Resource => {
            params.push(("uri", raw(json!(route.name))));
            "resources/read"
        }
        CallKind::Completion => {
            let ask = call.completion();
            let reference = match ask.is_resource {
                true => json!({ "type": "ref/resource", "uri": route.name }),
                false => json!({ "type": "ref/prompt", "name": route.name }),
            };
            params.push(("ref", raw(reference)));
            params.push(("argument", raw(json!({ "name": ask.argument, "value": ask.value }))));
            if !ask.context.is_empty() {
                params.push(("context", raw(json!({ "arguments": ask.context }))));
            }
            "completion/complete"
        }
        CallKind::Task(work) => {
            params.push(("taskId", raw(json!(route.name))));
            if let Some(answers) = &call.spec().arguments {
                params.push(("inputResponses", answers.clone()));
            }
            match work {
                TaskWork::Get => "tasks/get",
                TaskWork::Update => "tasks/update",
                TaskWork::Cancel => "tasks/cancel",
            }
        }
    };
    let answers = call.spec().answers.iter().filter(|(key, _)| key.as_str() != ROOTS);
    let answers: serde_json::Map<String, Value> =
        answers.map(|(key, answer)| (key.clone(), answer.0.clone())).collect();
    if !answers.is_empty() {
        params.push(("inputResponses", raw(Value::Object(answers))));
    }
    if let Some(state) = call.state().and_then(State::read).and_then(|state| state.own) {
        params.push(("requestState", raw(Value::String(state))));
    }
    (method, params)
}

/// The arguments, untouched unless one of them is the hub's.
fn arguments(call: &Call, route: &Route) -> Box<RawValue> {
    let text = call.arguments_text();
    let whole = || RawValue::from_string(text.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let Ok(members) = Members::of(text) else { return whole() };
    if !route.drop_arguments.iter().any(|name| members.get(name).is_some()) {
        return whole();
    }
    let kept = members.iter().filter(|(name, _)| !route.drop_arguments.contains(name));
    let kept: Vec<String> = kept.map(|(name, value)| format!("{}:{}", json!(name), value.get())).collect();
    RawValue::from_string(format!("{{{}}}", kept.join(","))).unwrap_or_else(|_| whole())
}

/// What goes along with a call: progress, log level, traces, and what the client can be asked.
fn meta_of(call: &Call) -> Vec<(String, Box<RawValue>)> {
    let raw = |value: Value| to_raw_value(&value).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let mut all: Vec<(String, Box<RawValue>)> = Vec::new();
    let spec = call.spec();
    if let Some(members) = spec.meta.as_ref().and_then(|meta| Members::of_raw(meta).ok()) {
        let own = |name: &str| name.starts_with("io.modelcontextprotocol/") || name == meta::PROGRESS;
        all.extend(
            members.iter().filter(|(name, _)| !own(name)).map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
    }
    if spec.wants_progress {
        all.push((meta::PROGRESS.to_owned(), raw(json!("hub"))));
    }
    if let Some(level) = spec.log_level {
        all.push((meta::LOG_LEVEL.to_owned(), raw(json!(level))));
    }
    let declared = spec.client.capabilities.raw.as_ref().and_then(|raw| Members::of_raw(raw).ok());
    let asked = ["elicitation", "sampling", "roots"].map(|name| Some((name, declared.as_ref()?.get(name)?.get())));
    let mut asked: Vec<String> =
        asked.into_iter().flatten().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    if call.era() == Era::Modern && spec.client.capabilities.tasks {
        asked.push(format!("\"extensions\":{}", json!({ meta::TASKS: {} })));
    }
    if !asked.is_empty()
        && let Ok(capabilities) = RawValue::from_string(format!("{{{}}}", asked.join(",")))
    {
        all.push((meta::CAPABILITIES.to_owned(), capabilities));
    }
    all
}

fn pass_on(call: &Call, method: &str, params: Option<&RawValue>) {
    let Some(members) = params.and_then(|params| Members::of_raw(params).ok()) else { return };
    match method {
        "notifications/progress" => {
            let message = members.text("message");
            if let Some(progress) = members.read("progress") {
                call.progress(progress, members.read("total"), message.as_deref());
            }
        }
        "notifications/message" => {
            let level = members.text("level").and_then(|level| Level::of(&level));
            if let (Some(level), Some(data)) = (level, members.get("data")) {
                call.log(level, members.text("logger").as_deref(), &data);
            }
        }
        _ => {}
    }
}

/// What was read under the URI by which the client has asked: the instance's own would stand for that of the default one.
/// The URIs are those of the list `member`, or that of the value itself.
fn under_its_uri(call: &Call, route: &Route, member: &str, answer: Box<RawValue>) -> Box<RawValue> {
    if call.kind() != CallKind::Resource || call.name() == route.name {
        return answer;
    }
    let Ok(mut value) = serde_json::from_str::<Value>(answer.get()) else { return answer };
    let listed = if member.is_empty() { None } else { value.get_mut(member) };
    let places = match listed {
        Some(Value::Array(list)) => list.as_mut_slice(),
        _ => std::slice::from_mut(&mut value),
    };
    for uri in places.iter_mut().filter_map(|place| place.get_mut("uri")).filter(|uri| **uri == *route.name) {
        *uri = call.name().into();
    }
    to_raw_value(&value).unwrap_or(answer)
}

/// Passes a result back, or has the instance's questions asked.
fn finish(call: Call, entry: &Entry, result: Box<RawValue>) {
    let members = Members::of_raw(&result).unwrap_or_default();
    match (members.text("resultType").as_deref(), call.kind()) {
        (Some("input_required"), _) => {}
        (Some("task"), _) | (_, CallKind::Task(TaskWork::Get)) => return call.finish(with_prefix(&members, entry)),
        _ => return call.finish(result),
    }
    let requests: serde_json::Map<String, Value> = members.read("inputRequests").unwrap_or_default();
    let own = members.text("requestState").map(|state| state.into_owned());
    let ask = |(key, request): (String, Value)| {
        let method = request.get("method")?.as_str()?.to_owned();
        let params = request.get("params").and_then(|params| to_raw_value(params).ok());
        Some((key, Ask { method, params }))
    };
    let asks: Vec<(String, Ask)> = requests.into_iter().filter_map(ask).collect();
    call.ask(asks, Some(State { prefix: entry.prefix.clone(), own }.write()));
}

/// A task as this instance tells of it, under the name that it has among those of all.
fn with_prefix(task: &Members<'_>, entry: &Entry) -> Box<RawValue> {
    let id = task.text("taskId").unwrap_or_default();
    let own = json!(join(&entry.prefix, &id)).to_string();
    let value = |name: &str, value: &RawValue| if name == "taskId" { own.clone() } else { value.get().to_owned() };
    let members: Vec<String> = task.iter().map(|(name, raw)| format!("{}:{}", json!(name), value(name, raw))).collect();
    RawValue::from_string(format!("{{{}}}", members.join(","))).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// What the hub keeps in a call that waits for answers: whose it is, and that instance's own state.
pub(super) struct State {
    pub(super) prefix: String,
    pub(super) own: Option<String>,
}

impl State {
    pub(super) fn read(text: &str) -> Option<State> {
        let value: Value = serde_json::from_str(text).ok()?;
        let own = value.get("own").and_then(Value::as_str).map(str::to_owned);
        Some(State { prefix: value.get(ARGUMENT)?.as_str()?.to_owned(), own })
    }

    fn write(&self) -> String {
        json!({ ARGUMENT: self.prefix, "own": self.own }).to_string()
    }
}
