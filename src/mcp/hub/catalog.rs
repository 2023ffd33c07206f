//! What one instance has: its lists, read once for each connection and again when it says that they changed.

use serde_json::value::{RawValue, to_raw_value};

use super::lists::{ARGUMENT, has_argument};
use crate::error::{Code, Error, Result};
use crate::mcp::client::{Call, Client};
use crate::mcp::protocol::{Item, ListKind};
use crate::runtime::Context;
use crate::wire::jsonrpc::Members;

/// More pages of one list are not read.
const PAGES_MAX: usize = 32;
/// More items of one list are not kept.
const ITEMS_MAX: usize = 1000;

/// The lists of one instance.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    pub(super) tools: Vec<Item>,
    pub(super) resources: Vec<Item>,
    pub(super) templates: Vec<Item>,
    pub(super) prompts: Vec<Item>,
    /// Tools that have an argument of their own with the name of the hub's.
    with_own_argument: Vec<Box<str>>,
}

impl Catalog {
    /// Asks for all of them. A list that the instance does not have is empty.
    pub(super) fn read(client: &Client, context: &Context) -> Result<Catalog> {
        let facts = client.initialize(context)?;
        let list = |capability: &str, kind| match facts.capabilities.get(capability) {
            Some(_) => read_list(client, context, kind),
            None => Ok(Vec::new()),
        };
        let tools = list("tools", ListKind::Tools)?;
        let own = tools.iter().filter(|tool| has_argument(tool, ARGUMENT)).map(|tool| tool.name.clone()).collect();
        Ok(Catalog {
            tools,
            with_own_argument: own,
            resources: list("resources", ListKind::Resources)?,
            templates: list("resources", ListKind::Templates)?,
            prompts: list("prompts", ListKind::Prompts)?,
        })
    }

    pub(super) fn list(&self, kind: ListKind) -> &[Item] {
        match kind {
            ListKind::Tools => &self.tools,
            ListKind::Resources => &self.resources,
            ListKind::Templates => &self.templates,
            ListKind::Prompts => &self.prompts,
        }
    }

    pub(super) fn tool(&self, name: &str) -> Option<&Item> {
        self.tools.iter().find(|tool| &*tool.name == name)
    }

    /// Whether the argument that names an instance is one of this tool's own.
    pub(super) fn owns_argument(&self, tool: &str) -> bool {
        self.with_own_argument.iter().any(|name| **name == *tool)
    }

    pub(super) fn has(&self, kind: ListKind, name: &str) -> bool {
        self.list(kind).iter().any(|item| &*item.name == name)
    }
}

/// The method, the member of its result, and what an item is called by.
fn words(kind: ListKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        ListKind::Tools => ("tools/list", "tools", "name"),
        ListKind::Resources => ("resources/list", "resources", "uri"),
        ListKind::Templates => ("resources/templates/list", "resourceTemplates", "uriTemplate"),
        ListKind::Prompts => ("prompts/list", "prompts", "name"),
    }
}

fn read_list(client: &Client, context: &Context, kind: ListKind) -> Result<Vec<Item>> {
    let (method, member, key) = words(kind);
    let (mut items, mut cursor): (Vec<Item>, Option<Box<RawValue>>) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let params: Vec<(&str, &RawValue)> = cursor.iter().map(|cursor| ("cursor", &**cursor)).collect();
        let reply = client.call(context, &Call { params: &params, ..Call::new(method) }, &mut |_| Ok(()))?;
        let result = match reply.result() {
            // A list that it does not have after all.
            Err(error) if error.code() == Code::InvalidState => return Ok(items),
            other => other?,
        };
        let wrong = || Error::new("mcp", Code::Network, format!("its answer to {method} is not what it should be"));
        let members = Members::of_raw(&result).map_err(|_| wrong())?;
        let page: Vec<Box<RawValue>> = members.read(member).ok_or_else(wrong)?;
        for json in page {
            let name = Members::of_raw(&json).ok().and_then(|item| item.text(key).map(|name| name.into_owned()));
            items.extend(name.map(|name| Item::raw(&name, json)));
        }
        cursor = members.text("nextCursor").and_then(|cursor| to_raw_value(&cursor).ok());
        if cursor.is_none() || items.len() >= ITEMS_MAX {
            break;
        }
    }
    items.truncate(ITEMS_MAX);
    Ok(items)
}
