//! Calls that a person has made again: whether one can be, and how it is called for.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use super::call::{Call, CallKind, CallSpec, Desk};
use super::product::answer;
use super::protocol::Client;
use super::tools::table::tool;
use super::tools::toolbox::Toolbox;
use crate::app::view::{Again, McpCall};
use crate::error::Result;
use crate::runtime::Priority;

/// Whether a call can be made again, of whose arguments this is kept.
pub(super) fn of(call: &Call, kept: &str) -> Again {
    let Some(tool) = Some(call).filter(|call| call.kind() == CallKind::Tool).and_then(|call| tool(call.name())) else {
        return Again::NoTool;
    };
    let given = call.arguments_text();
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    match value(kept) {
        _ if kept == given || kept.is_empty() => {}
        None => return Again::Cut,
        whole if whole == value(given) => {}
        _ => return Again::Masked,
    }
    if tool.reads() { Again::Reads } else { Again::Changes }
}

/// Calls for a tool as a client does that can be asked nothing. Nobody waits for the answer: it is written down for the view.
pub(super) fn call(toolbox: &Arc<Toolbox>, name: &str, given: &str) -> Result<()> {
    let client =
        Client { name: McpCall::OWN_CLIENT.into(), version: env!("CARGO_PKG_VERSION").into(), ..Client::default() };
    let arguments = RawValue::from_string(given.to_owned()).ok().filter(|_| !given.is_empty());
    let spec = CallSpec { client: Arc::new(client), arguments, ..CallSpec::new(CallKind::Tool, name) };
    let (call, _) = Desk::call(spec);
    let own = Arc::clone(toolbox);
    toolbox.app.pool().spawn(Priority::Normal, move || answer(&own, call))
}
