//! What the MCP view knows: the calls of AI tools, which of them are shown, the instances, and what is selected.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::app::mcp_copy;
use crate::app::view::{McpCall, McpClient, McpInstance, McpRow, ProcessRow};
use crate::tui::field::Field;
use crate::tui::model::narrow;

/// The two pages of the MCP view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum McpPage {
    /// Who has called, and for what.
    #[default]
    Activity,
    /// The Brummers of this person that run.
    Instances,
}

impl McpPage {
    pub(crate) const ALL: [McpPage; 2] = [McpPage::Activity, McpPage::Instances];

    pub(crate) fn title(self) -> &'static str {
        ["Activity", "Instances"][self as usize]
    }

    pub(crate) fn other(self) -> McpPage {
        McpPage::ALL[1 - self as usize]
    }
}

/// The MCP view.
#[derive(Debug, Default)]
pub(crate) struct Mcp {
    /// How the server stands.
    pub(crate) row: McpRow,
    pub(crate) page: McpPage,
    /// Only the calls of this client.
    pub(crate) client: Option<Arc<str>>,
    pub(crate) find: Field,
    /// The number of the selected call; none: the newest one, whichever it is.
    pub(crate) selected: Option<u64>,
    /// The newest one when following ended.
    pub(crate) paused_at: Option<u64>,
    /// Calls up to this number are hidden.
    pub(crate) cleared: u64,
    /// What `cleared` was before.
    pub(crate) undo: Vec<u64>,
    /// The id of the selected instance.
    pub(crate) instance: Option<Arc<str>>,
    /// The first row of each page's list.
    pub(crate) offsets: [usize; 2],
    /// The focused button of the action strip.
    pub(crate) strip: Option<usize>,
    /// The first row of the text below the strip.
    pub(crate) scroll: usize,
    /// A call that was made again and has not come yet.
    pub(crate) awaited: Option<Awaited>,
}

/// A call that was made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    /// The number of the one that it was made of.
    pub(crate) of: u64,
    /// Its own number is larger.
    pub(crate) after: u64,
}

/// A call that goes on for so long is one of a client that is there.
const HERE_MILLIS: u64 = 5 * 60 * 1000;

impl Mcp {
    /// The calls that are shown, newest first.
    pub(crate) fn calls(&self) -> Vec<&McpCall> {
        self.row.calls.iter().filter(|call| self.shows(call)).collect()
    }

    fn shows(&self, call: &McpCall) -> bool {
        let answer = call.end.as_ref().map_or("", |end| &end.text);
        call.number > self.cleared
            && self.client.as_ref().is_none_or(|client| *client == call.client)
            && narrow(self.find.text(), &[&call.name, &call.client, &call.arguments, answer])
    }

    /// The instances that are shown, the first one started first.
    pub(crate) fn instances(&self) -> Vec<&McpInstance> {
        let find = self.find.text();
        let shown = |one: &&McpInstance| narrow(find, &[&one.id, &one.name, &one.directory]);
        self.row.instances.iter().filter(shown).collect()
    }

    /// How many rows the page in front has.
    pub(crate) fn len(&self) -> usize {
        match self.page {
            McpPage::Activity => self.calls().len(),
            McpPage::Instances => self.instances().len(),
        }
    }

    /// The row with the cursor.
    pub(crate) fn position(&self) -> usize {
        match self.page {
            McpPage::Activity => call_at(&self.calls(), self.selected),
            McpPage::Instances => {
                let wanted = self.instance.as_ref();
                self.instances().iter().position(|one| Some(&one.id) == wanted).unwrap_or(0)
            }
        }
    }

    /// The selected call.
    pub(crate) fn selected(&self) -> Option<&McpCall> {
        let calls = self.calls();
        calls.get(call_at(&calls, self.selected)).copied().filter(|_| self.page == McpPage::Activity)
    }

    /// The selected instance.
    pub(crate) fn selected_instance(&self) -> Option<&McpInstance> {
        self.instances().get(self.position()).copied().filter(|_| self.page == McpPage::Instances)
    }

    /// New calls come to the top and the cursor is on the newest.
    pub(crate) fn follows(&self) -> bool {
        self.page == McpPage::Activity && self.selected.is_none()
    }

    /// Selects this row of the page in front; a call then stays where it is.
    pub(crate) fn select(&mut self, at: usize) {
        match self.page {
            McpPage::Activity => {
                let numbers: Vec<u64> = self.calls().iter().map(|call| call.number).collect();
                if self.selected.is_none() {
                    self.paused_at = numbers.first().copied();
                }
                self.selected = numbers.get(at).copied();
            }
            McpPage::Instances => self.instance = self.instances().get(at).map(|one| Arc::clone(&one.id)),
        }
    }

    /// The cursor is on the newest call again, whichever that is.
    pub(crate) fn follow(&mut self) {
        (self.selected, self.offsets[McpPage::Activity as usize]) = (None, 0);
    }

    /// How many calls have come since following ended.
    pub(crate) fn fresh(&self) -> usize {
        match self.selected {
            Some(_) if self.page == McpPage::Activity => call_at(&self.calls(), self.paused_at),
            _ => 0,
        }
    }

    /// Whether this client has called lately, or waits for an answer.
    pub(crate) fn is_here(&self, client: &McpClient, now: u64) -> bool {
        now.saturating_sub(client.last_ms) < HERE_MILLIS || self.is_busy(client)
    }

    /// Whether this client waits for an answer.
    pub(crate) fn is_busy(&self, client: &McpClient) -> bool {
        self.row.calls.iter().any(|call| call.end.is_none() && call.client == client.name)
    }

    /// Half of the kept calls that were answered took no longer, in milliseconds.
    pub(crate) fn median_ms(&self) -> Option<u64> {
        let mut all: Vec<u64> = self.row.calls.iter().filter_map(|call| Some(call.end.as_ref()?.took_ms)).collect();
        all.sort_unstable();
        all.get(all.len().checked_sub(1)? / 2).copied()
    }

    /// The port of the server.
    pub(crate) fn port(&self) -> Option<u16> {
        let address = self.row.address.as_deref()?;
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        rest.split(['/', '?']).next()?.rsplit_once(':')?.1.parse().ok()
    }
}

/// Where this call is, or the next older one that is still here.
fn call_at(calls: &[&McpCall], number: Option<u64>) -> usize {
    let Some(number) = number else { return 0 };
    let found = calls.iter().position(|call| call.number <= number);
    found.unwrap_or(calls.len().saturating_sub(1))
}

/// Under these names calls are told what they are about, the most telling first.
const TARGETS: [&str; 15] = [
    "process",
    "processName",
    "processId",
    "name",
    "url",
    "id",
    "sessionId",
    "session",
    "pattern",
    "filter",
    "code",
    "channel",
    "level",
    "eventType",
    "error_message",
];

/// Which of these processes a call names, by name or by number.
pub(crate) fn process(call: &McpCall, rows: &[ProcessRow]) -> Option<Arc<str>> {
    let of_uri = call.name.strip_prefix("logs://process/").or(call.name.strip_prefix("env://"));
    let given = given(call);
    let told = TARGETS[..4].iter().filter_map(|key| given.get(*key)?.as_str());
    let is = |row: &&ProcessRow, told: &str| *row.name == *told || told.parse() == Ok(row.id.0);
    let mut told = told.chain(of_uri);
    told.find_map(|told| rows.iter().rfind(|row| is(row, told)).map(|row| Arc::clone(&row.name)))
}

/// What a call is about, in a word: a process, a script, an address.
pub(crate) fn target(call: &McpCall, rows: &[ProcessRow]) -> Option<String> {
    let given = given(call);
    let word = |key: &&str| match given.get(*key)? {
        Value::String(text) => text.lines().next().map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    process(call, rows).map(|name| name.to_string()).or_else(|| TARGETS.iter().find_map(word))
}

fn given(call: &McpCall) -> Map<String, Value> {
    match mcp_copy::arguments(call) {
        Some(Value::Object(given)) => given,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::{Again, McpKind};
    use crate::event::Status;
    use crate::tui::testing::process as row;

    fn call(name: &str, arguments: &str) -> McpCall {
        let (client, kind, again) = ("c".into(), McpKind::Tool, Again::Reads);
        let (name, arguments) = (name.into(), arguments.into());
        McpCall { number: 1, time_ms: 0, client, kind, name, arguments, again, end: None }
    }

    #[test]
    fn what_a_call_is_about_is_found_in_its_arguments() {
        let rows = [row(1, "web", Status::Running), row(2, "api", Status::Running)];
        let both = |call: &McpCall| (target(call, &rows), process(call, &rows).map(|name| name.to_string()));
        let api = || Some("api".to_owned());
        assert_eq!(
            both(&call("logs_search", r#"{"pattern":"checkout","processId":"api","limit":20}"#)),
            (api(), api())
        );
        assert_eq!(both(&call("scripts_stop", r#"{"processId":"2"}"#)), (api(), api()));
        let open = call("browser_open", r#"{"url":"http://localhost:3000"}"#);
        assert_eq!(both(&open), (Some("http://localhost:3000".into()), None));
        assert_eq!(both(&call("logs://process/api", "")), (api(), api()));
        assert_eq!(both(&call("scripts_run", r#"{"name":"we… (+7 characters)"#)), (None, None));
    }

    #[test]
    fn the_port_is_read_from_the_address_and_half_of_the_calls_took_no_longer() {
        let mut mcp = Mcp::default();
        assert_eq!((mcp.port(), mcp.median_ms()), (None, None));
        mcp.row.address = Some("http://127.0.0.1:7777/mcp".into());
        assert_eq!(mcp.port(), Some(7777));
        let end = |took_ms| Some(crate::app::view::McpEnd { took_ms, is_good: true, text: "".into() });
        mcp.row.calls = [9, 1, 5, 7].map(|took| McpCall { end: end(took), ..call("about", "") }).into();
        assert_eq!(mcp.median_ms(), Some(5));
    }
}
