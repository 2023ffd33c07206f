//! What the server for AI tools writes down of itself, for the views: where it is, who calls, what came of it.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::app::changes::{Changes, Thing};
use crate::app::messages::now_ms;
use crate::app::view::{Again, McpCall, McpClient, McpEnd, McpInstance, McpKind, McpRow};
use crate::error::{Code, Error, Result};

/// Calls and clients that are kept; the oldest go.
const CALLS_MAX: usize = 200;
const CLIENTS_MAX: usize = 50;

/// The board. Any thread writes and reads; each holds a lock for as long as it takes to copy what it wants.
pub struct McpBoard {
    state: Mutex<State>,
    changes: Arc<Changes>,
}

#[derive(Default)]
struct State {
    address: Option<Arc<str>>,
    clients: Vec<McpClient>,
    calls: VecDeque<McpCall>,
    total: u64,
    failed: u64,
    instances: Vec<McpInstance>,
    caller: Option<Caller>,
}

/// Makes a call for a tool: its name, and its arguments as JSON, empty where nothing is given. It must not wait for its end.
pub type Caller = Arc<dyn Fn(&str, &str) -> Result<()> + Send + Sync>;

impl McpBoard {
    pub(crate) fn new(changes: &Arc<Changes>) -> Arc<McpBoard> {
        Arc::new(McpBoard { state: Mutex::default(), changes: Arc::clone(changes) })
    }

    /// The server is here, or nowhere any more.
    pub fn serves(&self, address: Option<&str>) {
        self.state.lock().address = address.map(Arc::from);
        self.changes.bump(Thing::Mcp);
    }

    /// From now on calls are made again by this one, or no longer.
    pub fn calls_by(&self, caller: Option<Caller>) {
        self.state.lock().caller = caller;
    }

    /// Makes a kept call again; what comes of it is a call of its own.
    ///
    /// # Errors
    /// NOT_FOUND: it is no longer kept. INVALID_STATE: it cannot be made again, or nothing serves; why.
    pub(crate) fn again(&self, number: u64) -> Result<()> {
        let (name, arguments, caller) = {
            let state = self.state.lock();
            let call = state.calls.iter().find(|call| call.number == number);
            let gone = || Error::new("mcp", Code::NotFound, format!("call #{number} is no longer kept"));
            let call = call.ok_or_else(gone)?;
            let invalid = |why: &str| Error::new("mcp", Code::InvalidState, why);
            if let Some(why) = call.again.refusal() {
                return Err(invalid(why));
            }
            let caller = state.caller.clone().ok_or_else(|| invalid("the MCP server does not run"))?;
            (Arc::clone(&call.name), Arc::clone(&call.arguments), caller)
        };
        caller(&name, &arguments)
    }

    /// A call has begun; the answer is its number.
    pub fn begins(&self, client: (&str, &str), (kind, again): (McpKind, Again), name: &str, arguments: &str) -> u64 {
        let time_ms = now_ms();
        let mut state = self.state.lock();
        let (own, version) = client;
        let at = state.clients.iter().position(|known| *known.name == *own && *known.version == *version);
        let mut known = match at {
            Some(at) => state.clients.remove(at),
            None => McpClient { name: own.into(), version: version.into(), calls: 0, last_ms: 0 },
        };
        (known.calls, known.last_ms) = (known.calls + 1, time_ms);
        let client = Arc::clone(&known.name);
        state.clients.insert(0, known);
        state.clients.truncate(CLIENTS_MAX);
        state.total += 1;
        let number = state.total;
        if state.calls.len() == CALLS_MAX {
            state.calls.pop_back();
        }
        let (name, arguments) = (name.into(), arguments.into());
        let call = McpCall { number, time_ms, client, kind, name, arguments, again, end: None };
        state.calls.push_front(call);
        drop(state);
        self.changes.bump(Thing::Mcp);
        number
    }

    /// A call has ended.
    pub fn ends(&self, number: u64, is_good: bool, text: &str) {
        let now = now_ms();
        let mut state = self.state.lock();
        state.failed += u64::from(!is_good);
        if let Some(call) = state.calls.iter_mut().find(|call| call.number == number) {
            let took_ms = now.saturating_sub(call.time_ms);
            call.end = Some(McpEnd { took_ms, is_good, text: text.into() });
        }
        drop(state);
        self.changes.bump(Thing::Mcp);
    }

    /// These instances run.
    pub fn sees(&self, instances: Vec<McpInstance>) {
        let mut state = self.state.lock();
        if state.instances != instances {
            state.instances = instances;
            drop(state);
            self.changes.bump(Thing::Mcp);
        }
    }

    pub(crate) fn row(&self) -> McpRow {
        let state = self.state.lock();
        McpRow {
            address: state.address.clone(),
            clients: state.clients.clone(),
            calls: state.calls.iter().cloned().collect(),
            total: (state.total, state.failed),
            instances: state.instances.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: (McpKind, Again) = (McpKind::Tool, Again::Reads);

    #[test]
    fn a_call_is_made_again_as_it_was_or_it_is_said_why_not() {
        let (board, made) = (McpBoard::new(&Changes::new()), Arc::new(Mutex::new(Vec::new())));
        let kept = board.begins(("a", "1"), READ, "logs_search", r#"{"pattern":"x"}"#);
        assert!(board.again(kept).unwrap_err().message().contains("does not run"));
        let seen = Arc::clone(&made);
        board.calls_by(Some(Arc::new(move |name, given| {
            seen.lock().push(format!("{name} {given}"));
            Ok(())
        })));
        board.again(kept).unwrap();
        for (again, word) in [(Again::Masked, "secret"), (Again::Cut, "too long"), (Again::NoTool, "tools")] {
            let number = board.begins(("a", "1"), (McpKind::Tool, again), "logs_search", "{");
            assert!(board.again(number).unwrap_err().message().contains(word));
        }
        assert_eq!(board.again(99).unwrap_err().code(), Code::NotFound);
        assert_eq!(*made.lock(), [r#"logs_search {"pattern":"x"}"#]);
        board.calls_by(None);
        assert!(board.again(kept).is_err());
    }

    #[test]
    fn calls_are_kept_newest_first_and_clients_are_counted() {
        let board = McpBoard::new(&Changes::new());
        board.serves(Some("http://127.0.0.1:7777/mcp"));
        let first = board.begins(("claude-code", "1"), READ, "scripts_list", "{}");
        let second = board.begins(("inspector", "2"), READ, "about", "{}");
        board.begins(("claude-code", "1"), READ, "about", "{}");
        board.ends(first, true, "3 scripts");
        board.ends(second, false, "no");
        let row = board.row();
        let clients: Vec<_> = row.clients.iter().map(|client| (&*client.name, client.calls)).collect();
        assert_eq!(clients, [("claude-code", 2), ("inspector", 1)]);
        let ends: Vec<_> = row.calls.iter().map(|call| call.end.as_ref().map(|end| end.is_good)).collect();
        assert_eq!((ends, row.total), (vec![None, Some(false), Some(true)], (3, 1)));
        for _ in 0..CALLS_MAX {
            board.begins(("x", ""), READ, "about", "{}");
        }
        board.ends(first, true, "too late to be seen");
        assert_eq!((board.row().calls.len(), board.row().total.0), (CALLS_MAX, 203));
    }
}
