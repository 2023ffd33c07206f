//! A call of an AI tool is made again: at once if its tool only reads, else after a question; the new call is then shown.

use serde_json::Value;

use crate::app::command::Command;
use crate::app::mcp_copy;
use crate::app::view::{Again, McpCall};
use crate::event::Level;
use crate::tui::mcp::{Awaited, McpPage};
use crate::tui::message::{Asked, Effect};
use crate::tui::model::{Confirm, Dialog, Model, Overlay, View};
use crate::tui::text::{clean, wrap};
use crate::tui::update::{mcp, tell};

/// Cells and rows that a question has for arguments.
const CELLS: usize = 54;
const ROWS_MAX: usize = 3;

/// Makes the selected call again, asks first, or says why not.
pub(super) fn again(model: &mut Model) -> Vec<Effect> {
    let Some(call) = model.mcp.selected() else {
        tell::tell(model, Level::Info, "there is no call to make again; MCP lists them");
        return Vec::new();
    };
    if let Some(why) = call.again.refusal() {
        tell::tell(model, Level::Warn, why);
        return Vec::new();
    }
    let (number, dialog) = (call.number, (call.again == Again::Changes).then(|| question(call)));
    let newest = model.mcp.row.calls.first().map_or(number, |call| call.number);
    mcp::pin(model);
    model.mcp.awaited = Some(Awaited { of: number, after: newest });
    match dialog {
        None => confirmed(number),
        Some(dialog) => {
            model.overlay = Some(Overlay::Dialog(dialog));
            Vec::new()
        }
    }
}

pub(super) fn confirmed(number: u64) -> Vec<Effect> {
    vec![Effect::Execute(Command::CallAgain { number }, Asked::Tell)]
}

/// Asks about a call: its tool, its arguments.
fn question(call: &McpCall) -> Dialog {
    let given = mcp_copy::arguments(call).filter(|given| given.as_object().is_none_or(|given| !given.is_empty()));
    let mut text = vec![format!(
        "{} is called again{}",
        clean(call.name.as_bytes()).text,
        if given.is_some() { " with" } else { "." }
    )];
    text.extend(given.iter().flat_map(arguments));
    text.push("It may change something.".into());
    let confirm = Confirm::CallAgain(call.number);
    Dialog { title: "Call again?".into(), text, yes: "Call", confirm, on_yes: false }
}

/// The first rows of arguments.
fn arguments(given: &Value) -> Vec<String> {
    let text = clean(given.to_string().as_bytes()).text;
    let starts = wrap(&text, CELLS);
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let mut rows: Vec<String> = starts.iter().zip(ends).map(|(from, to)| text[*from..to].to_string()).collect();
    if rows.len() > ROWS_MAX {
        rows.truncate(ROWS_MAX - 1);
        rows.push("and more".into());
    }
    rows
}

/// Selects the call that was made again, once it is there, if the person still looks at the one that it was made of.
pub(super) fn look(model: &mut Model) {
    let Some(awaited) = model.mcp.awaited else { return };
    let Some(call) = model.mcp.selected().filter(|call| call.number == awaited.of) else {
        model.mcp.awaited = None;
        return;
    };
    let is = |other: &&McpCall| {
        other.number > awaited.after && *other.client == *McpCall::OWN_CLIENT && other.name == call.name
    };
    let Some(fresh) = model.mcp.row.calls.iter().rfind(is).map(|call| call.number) else { return };
    model.mcp.awaited = None;
    let at = model.mcp.calls().iter().position(|call| call.number == fresh);
    match at {
        Some(at) if model.view == View::Mcp && model.mcp.page == McpPage::Activity => mcp::select(model, at),
        _ => tell::tell(model, Level::Info, format!("it was called again as #{fresh}")),
    }
}
