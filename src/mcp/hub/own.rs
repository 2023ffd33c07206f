//! The hub's own tools: which instances there are, and which one calls are for.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::table::{Entry, Table};
use crate::mcp::manager::State;
use crate::mcp::protocol::{Annotations, Item, Tool, ToolResult};

pub(super) const LIST: &str = "instances_list";
pub(super) const CONNECT: &str = "instances_connect";
pub(super) const DISCONNECT: &str = "instances_disconnect";

/// Their definitions.
pub(super) fn tools() -> Vec<Item> {
    let quiet = Annotations { read_only_hint: true, idempotent_hint: true, ..Annotations::default() };
    let choosing = Annotations { idempotent_hint: true, ..Annotations::default() };
    let none = json!({ "type": "object", "additionalProperties": false });
    let which = json!({ "type": "object", "required": ["instance_id"], "properties": { "instance_id": {
        "type": "string", "description": "Its id, prefix, name or folder, as instances_list says" } } });
    let instance =
        json!({ "type": "object", "required": ["id", "name", "directory", "port", "state", "prefix", "default"] });
    let listed = json!({ "type": "object", "required": ["instances"],
        "properties": { "instances": { "type": "array", "items": instance } } });
    let tool = |name: &str, title: &str, description: &str, schema: &Value, output: Option<&Value>, annotations| {
        let tool = Tool {
            name: name.to_owned(),
            title: Some(title.to_owned()),
            description: description.to_owned(),
            input_schema: schema.clone(),
            output_schema: output.cloned(),
            annotations: Some(annotations),
            meta: None,
        };
        Item::from(&tool)
    };
    vec![
        tool(
            LIST,
            "List instances",
            "Lists the Brummer instances (one for each project that is being worked on), with folder, state and which one is the default.",
            &none,
            Some(&listed),
            quiet,
        ),
        tool(
            CONNECT,
            "Choose an instance",
            "Makes one instance the default: calls that name no instance go to it.",
            &which,
            None,
            choosing,
        ),
        tool(
            DISCONNECT,
            "Choose no instance",
            "Takes back instances_connect: calls go to the instance of the client's folder, the only one, or the last used.",
            &none,
            None,
            choosing,
        ),
    ]
}

/// The answer of `instances_list`.
pub(super) fn list(table: &Table, default: Option<&str>) -> ToolResult {
    let now = (Instant::now(), Timestamp::now());
    let rows: Vec<Value> = table.entries.iter().map(|entry| row(entry, default, now)).collect();
    let mut text = String::new();
    for entry in &table.entries {
        let mark = if default == Some(entry.prefix.as_str()) { ", the default" } else { "" };
        let error = entry.row.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        let instance = &entry.row.instance;
        text += &format!(
            "{}: {} in {}, {}{mark}{error}\n",
            entry.prefix, instance.name, instance.directory, entry.row.state
        );
    }
    if text.is_empty() {
        text = NONE.to_owned();
    }
    ToolResult::described(text.trim_end(), json!({ "instances": rows }))
}

/// What is said when no instance runs.
pub(super) const NONE: &str =
    "No Brummer runs. Start one with `brummer` in the project's folder; it is found within a second.";

fn row(entry: &Entry, default: Option<&str>, now: (Instant, Timestamp)) -> Value {
    let row = &entry.row;
    let since = |time: Instant| now.0.saturating_duration_since(time);
    let at = |time: Instant| (now.1 - SignedDuration::try_from(since(time)).unwrap_or_default()).to_string();
    let entered: serde_json::Map<String, Value> =
        State::ALL.iter().zip(row.entered).map(|(state, count)| (state.name().to_owned(), json!(count))).collect();
    let total: usize = row.entered.iter().sum();
    json!({
        "id": row.instance.id,
        "prefix": entry.prefix,
        "name": row.instance.name,
        "directory": row.instance.directory,
        "port": row.instance.port,
        "process_pid": row.instance.process_info.pid,
        "version": row.instance.version,
        "state": row.state.name(),
        "connected": row.state == State::Active,
        "default": default == Some(entry.prefix.as_str()),
        "error": row.error,
        "discovered_at": at(row.discovered_at),
        "state_changed_at": at(row.changed_at),
        "time_in_state": format!("{:.1}s", since(row.changed_at).as_secs_f64()),
        "total_time": format!("{:.1}s", since(row.discovered_at).as_secs_f64()),
        "retry_count": row.retries,
        "state_stats": { "transitions": entered, "total_transitions": total.saturating_sub(1) },
    })
}
