//! What the hub says there is: its own tools, and what all instances have, each thing once where it is the same everywhere.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::names::{join, join_uri};
use super::own;
use super::table::Entry;
use crate::mcp::protocol::{Item, List, ListKind};

/// The argument by which a call names its instance.
pub(super) const ARGUMENT: &str = "instance";

/// All lists, in the order of [`KINDS`].
pub(super) type Lists = [std::sync::Arc<List>; 4];

pub(super) const KINDS: [ListKind; 4] = [ListKind::Tools, ListKind::Resources, ListKind::Templates, ListKind::Prompts];

/// Makes them from what the instances have; `each`: the tools of each instance by themselves besides.
pub(super) fn make(entries: &[Entry], each: bool) -> Lists {
    let lists = KINDS.map(|kind| match kind {
        ListKind::Tools => tools(entries, each),
        ListKind::Prompts => prompts(entries),
        ListKind::Resources | ListKind::Templates => resources(entries, kind),
    });
    lists.map(|items| std::sync::Arc::new(List::new(items)))
}

/// Those of one name are one tool, which takes the instance as an argument; those that only some instances have, or have in another
/// form than the first, are there by themselves as well.
fn tools(entries: &[Entry], each: bool) -> Vec<Item> {
    let several = entries.len() > 1;
    let mut items = own::tools();
    let mut merged: Vec<(&str, &str)> = Vec::new();
    for (entry, tool) in of_all(entries, ListKind::Tools) {
        if items.iter().any(|item| item.name == tool.name) && !merged.iter().any(|(name, _)| *name == &*tool.name) {
            // One of the hub's own names.
            continue;
        }
        let before = merged.iter().find(|(name, _)| *name == &*tool.name).map(|(_, json)| *json);
        if before.is_none() {
            merged.push((&tool.name, tool.json.get()));
            items.push(if several { with_argument(tool) } else { tool.clone() });
        }
        let is_odd = before.is_some_and(|before| before != tool.json.get());
        if several && (each || is_odd) {
            items.push(renamed(tool, "name", &join(&entry.prefix, &tool.name), &entry.prefix));
        }
    }
    items
}

fn prompts(entries: &[Entry]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for (entry, prompt) in of_all(entries, ListKind::Prompts) {
        if !items.iter().any(|item| item.name == prompt.name) {
            items.push(prompt.clone());
        }
        if entries.len() > 1 {
            items.push(renamed(prompt, "name", &join(&entry.prefix, &prompt.name), &entry.prefix));
        }
    }
    items
}

fn resources(entries: &[Entry], kind: ListKind) -> Vec<Item> {
    let key = if kind == ListKind::Resources { "uri" } else { "uriTemplate" };
    let item = |(entry, item): (&Entry, &Item)| renamed(item, key, &join_uri(&entry.prefix, &item.name), &entry.prefix);
    of_all(entries, kind).map(item).collect()
}

fn of_all(entries: &[Entry], kind: ListKind) -> impl Iterator<Item = (&Entry, &Item)> {
    entries.iter().flat_map(move |entry| entry.catalog.list(kind).iter().map(move |item| (entry, item)))
}

/// The same item under another name, with its instance where people read it.
fn renamed(item: &Item, key: &str, name: &str, prefix: &str) -> Item {
    let mut value: Value = serde_json::from_str(item.json.get()).unwrap_or_default();
    value[key] = json!(name);
    for (text, put) in [("title", true), ("description", false)] {
        if let Some(Value::String(old)) = value.get_mut(text) {
            *old = if put { format!("{old} ({prefix})") } else { format!("{old} (Of the instance {prefix}.)") };
        }
    }
    item_of(name, &value)
}

/// The same tool with an argument that names the instance, unless it has one of that name.
fn with_argument(tool: &Item) -> Item {
    let mut value: Value = serde_json::from_str(tool.json.get()).unwrap_or_default();
    if let Some(schema) = value.get_mut("inputSchema").and_then(Value::as_object_mut) {
        let properties = schema.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            let argument = json!({ "type": "string", "description": "Which Brummer: see instances_list. Without it the default one." });
            properties.entry(ARGUMENT).or_insert(argument);
        }
    }
    item_of(&tool.name, &value)
}

/// Whether the tool itself has an argument of this name.
pub(super) fn has_argument(tool: &Item, name: &str) -> bool {
    let value: Value = serde_json::from_str(tool.json.get()).unwrap_or_default();
    value["inputSchema"]["properties"].get(name).is_some()
}

fn item_of(name: &str, value: &Value) -> Item {
    // A value is always JSON.
    Item::raw(name, to_raw_value(value).unwrap_or_else(|_| serde_json::value::RawValue::NULL.to_owned()))
}
