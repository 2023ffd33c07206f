//! The provider that a server serves to one client: it finds whom each call is for, and has it forwarded.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Sender, unbounded};
use parking_lot::{Condvar, Mutex};
use serde_json::Value;

use super::choice::{Wishes, choose, folder_of_uri};
use super::forward::{ROOTS, Route, State as Kept, forward, refuse};
use super::keeper::{Keeper, Note};
use super::lists::ARGUMENT;
use super::names::{split, split_uri, without_old};
use super::own;
use super::table::{Entry, Table};
use crate::error::{Error, Result};
use crate::mcp::call::{Call, CallKind};
use crate::mcp::client;
use crate::mcp::crew::Crew;
use crate::mcp::manager::{Manager, Settings, State};
use crate::mcp::notifier::Notifier;
use crate::mcp::protocol::{Ask, CallError, List, ListKind, ServerInfo, ToolResult};
use crate::mcp::provider::Provider;
use crate::mcp::registry::{Folder, Watch};
use crate::sync::CowCell;

/// The manager's name for the one client.
const SESSION: &str = "stdio";
/// The argument by which tools of an earlier hub named the instance.
const OLD_ARGUMENT: &str = "instance_id";

const INSTRUCTIONS: &str = "Brummer runs a project's scripts and keeps their logs, errors, requests and browser telemetry. This hub stands \
    for all Brummers on this machine: every tool works on one of them. Which one: the argument `instance` if given, else the one chosen \
    with instances_connect, else that of the client's folder, the only one, or the last used. instances_list shows them. A tool can also \
    be called as PREFIX__TOOL; resources are brummer://PREFIX/URI.";

/// What a hub is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder in which instances register.
    pub registry: Folder,
    /// The folder that the client works in, as far as that is known without asking.
    pub folder: PathBuf,
    /// How patient the connection manager is.
    pub settings: Settings,
    /// Whether the tools of each instance are listed by themselves besides.
    pub each: bool,
}

/// One MCP server that stands for all instances.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: a call is handed to a thread of its own crew, in which each instance has its share.
/// - **Waits**: [`Hub::settle`] as it says; nothing else. **Cleanup**: [`Hub::stop`]; dropping it stops as well.
#[derive(Debug)]
pub struct Hub {
    shared: Arc<Shared>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

/// What the hub's threads share.
pub(super) struct Shared {
    info: ServerInfo,
    pub(super) manager: Manager,
    pub(super) crew: Crew,
    pub(super) table: CowCell<Table>,
    pub(super) notifier: OnceLock<Notifier>,
    pub(super) notes: Sender<Note>,
    pub(super) each: bool,
    pub(super) looked: AtomicBool,
    wishes: Mutex<Wishes>,
    settled: (Mutex<()>, Condvar),
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("table", &self.table.load()).finish_non_exhaustive()
    }
}

impl Hub {
    /// Starts it; instances are found and connected to by itself.
    ///
    /// # Errors
    /// The system allows no more threads.
    pub fn start(options: Options) -> Result<Hub> {
        let (notes, inbox) = unbounded();
        let (crew, views) = (Crew::new(), notes.clone());
        let watch = move |view: &_| drop(views.send(Note::View(Clone::clone(view))));
        let manager = Manager::start_with(options.settings, client::Options::new("brummer-hub"), crew.clone(), watch)?;
        let info = ServerInfo {
            name: "brummer-hub".to_owned(),
            title: Some("Brummer, all instances".to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instructions: Some(INSTRUCTIONS.to_owned()),
        };
        let shared = Arc::new(Shared {
            info,
            manager,
            crew,
            table: CowCell::new(Table::new(Vec::new(), options.each)),
            notifier: OnceLock::new(),
            notes,
            each: options.each,
            looked: AtomicBool::new(false),
            wishes: Mutex::new(Wishes { folder: options.folder, ..Wishes::default() }),
            settled: Default::default(),
        });
        let keeper = Keeper::new(Arc::clone(&shared), inbox, Watch::new(options.registry));
        let thread = std::thread::Builder::new().name("brummer-hub".to_owned()).spawn(move || keeper.run());
        let thread = thread.map_err(|error| Error::io("mcp", "start the hub", error))?;
        Ok(Hub { shared, keeper: Mutex::new(Some(thread)) })
    }

    /// Waits until every instance that was found at the start is connected and its lists are known, or has failed; so that the first
    /// list that a client asks for is whole. `false` when the time was over first.
    pub fn settle(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut lock = self.shared.settled.0.lock();
        while !self.shared.is_settled() {
            if self.shared.settled.1.wait_until(&mut lock, end).timed_out() {
                return self.shared.is_settled();
            }
        }
        true
    }

    /// Ends all connections; calls that go on are answered with an error. Again is nothing.
    pub fn stop(&self) {
        // It may have ended before.
        let _ = self.shared.notes.send(Note::Stop);
        let _ = self.shared.manager.stop();
        self.keeper.lock().take().map(JoinHandle::join);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Provider for Hub {
    fn server(&self) -> &ServerInfo {
        &self.shared.info
    }

    fn list(&self, kind: ListKind) -> Arc<List> {
        self.shared.table.read(|table| table.list(kind))
    }

    fn call(&self, call: Call) {
        self.shared.call(call);
    }

    fn started(&self, notifier: Notifier) {
        // There is one server.
        let _ = self.shared.notifier.set(notifier);
    }

    fn keeps(&self, task: &str) -> bool {
        let prefix = split(task).map(|(prefix, _)| prefix);
        prefix.is_some_and(|prefix| self.shared.table.read(|table| table.by_prefix(prefix).is_some()))
    }

    fn task_watched(&self, task: &str, watched: bool) {
        // After the end nothing changes.
        let _ = self.shared.notes.send(Note::TaskWatched { task: task.to_owned(), watched });
    }

    fn watched(&self, uri: &str, watched: bool) {
        // After the end nothing changes.
        let _ = self.shared.notes.send(Note::Watched { uri: uri.to_owned(), watched });
    }
}

/// Whom a call is for.
enum Target {
    To(Box<Entry>, Route),
    /// The client's folder has to be asked for first.
    AskRoots,
    Refuse(String),
    Unknown(CallError),
}

impl Shared {
    fn is_settled(&self) -> bool {
        let is_whole = |table: &Table| {
            table.entries.iter().all(|entry| match entry.row.state {
                State::Active => !entry.catalog.tools.is_empty(),
                state => state == State::Dead || state == State::Retrying,
            })
        };
        self.looked.load(Ordering::Acquire)
            && self.table.read(|table| table.entries.len() == self.manager.list_instances().len() && is_whole(table))
    }

    /// Wakes who waits for the start to be over.
    pub(super) fn settle(&self) {
        drop(self.settled.0.lock());
        self.settled.1.notify_all();
    }

    /// The prefix of the instance that calls without a name are for.
    fn default_of(&self, table: &Table) -> Option<String> {
        choose(&self.wishes.lock(), &table.candidates()).map(str::to_owned)
    }

    /// The instance of a resource, and its own URI there.
    pub(super) fn resource(&self, uri: &str) -> Option<(Entry, String)> {
        let table = self.table.load();
        if let Some((prefix, inner)) = split_uri(uri)
            && let Some(entry) = table.by_prefix(prefix)
        {
            return Some((entry.clone(), inner.to_owned()));
        }
        let prefix = self.default_of(&table)?;
        table.by_prefix(&prefix).map(|entry| (entry.clone(), uri.to_owned()))
    }

    fn call(self: &Arc<Self>, call: Call) {
        if let Some(answer) = call.answer(ROOTS) {
            self.take_roots(&answer.0);
        }
        let table = self.table.load();
        match (call.kind(), call.name()) {
            (CallKind::Tool, own::LIST) => {
                let default = self.default_of(&table);
                call.finish(own::list(&table, default.as_deref()));
            }
            (CallKind::Tool, own::CONNECT) => self.connect(call, &table),
            (CallKind::Tool, own::DISCONNECT) => {
                self.wishes.lock().chosen = None;
                let _ = self.notes.send(Note::Chosen);
                self.manager.disconnect_session(SESSION);
                call.say("No instance is chosen any more.");
            }
            _ => match self.target(&call, &table) {
                Target::To(entry, route) => self.send(call, *entry, route),
                Target::AskRoots => call.ask([(ROOTS, Ask::roots())], None),
                Target::Refuse(text) => refuse(call, text),
                Target::Unknown(error) => call.fail(error),
            },
        }
    }

    fn take_roots(&self, answer: &Value) {
        let roots = answer.get("roots").and_then(Value::as_array).into_iter().flatten();
        let folders = roots.filter_map(|root| folder_of_uri(root.get("uri")?.as_str()?)).collect();
        self.wishes.lock().roots = Some(folders);
    }

    fn connect(self: &Arc<Self>, call: Call, table: &Table) {
        let word =
            [OLD_ARGUMENT, ARGUMENT].into_iter().find_map(|name| call.argument(name)?.as_str().map(str::to_owned));
        let Some(word) = word else {
            return refuse(call, "`instance_id` is missing; instances_list shows them.".to_owned());
        };
        let Some(entry) = table.find(&word).cloned() else { return refuse(call, no_such(&word, table)) };
        let shared = Arc::clone(self);
        self.on_crew(&entry.row.instance.id.clone(), call, move |call| {
            match shared.manager.connect_session(SESSION, &entry.row.instance.id) {
                Ok(()) => {
                    shared.wishes.lock().chosen = Some(entry.prefix.clone());
                    let _ = shared.notes.send(Note::Chosen);
                    call.finish(ToolResult::text(format!("Calls without an instance go to {} now.", entry.name())));
                }
                Err(error) => refuse(call, format!("{} cannot be chosen: {}", entry.name(), error.message())),
            }
        });
    }

    /// Finds whom a call is for, and what it is called there.
    fn target(&self, call: &Call, table: &Table) -> Target {
        if table.entries.is_empty() {
            return Target::Refuse(own::NONE.to_owned());
        }
        let (word, name, drop_arguments) = self.address(call, table);
        let kind = match call.kind() {
            CallKind::Tool => Some(ListKind::Tools),
            CallKind::Prompt => Some(ListKind::Prompts),
            CallKind::Completion if !call.completion().is_resource => Some(ListKind::Prompts),
            _ => None,
        };
        // One whose lists are not known yet may have it.
        let may_have =
            |entry: &&Entry| kind.is_none_or(|kind| entry.catalog.tools.is_empty() || entry.catalog.has(kind, &name));
        let living = || table.entries.iter().filter(|entry| entry.row.state != State::Dead);
        let unknown = || match call.kind() {
            CallKind::Tool => CallError::unknown_tool(call.name()),
            CallKind::Resource => CallError::unknown_resource(call.name()),
            CallKind::Task(_) => CallError::unknown_task(),
            _ => CallError::unknown_prompt(call.name()),
        };
        let entry = if let Some(word) = word {
            match table.find(&word) {
                Some(entry) => entry,
                None => return Target::Refuse(no_such(&word, table)),
            }
        } else {
            let kept = call.state().and_then(Kept::read).map(|state| state.prefix);
            let default = kept.or_else(|| self.default_of(table));
            let default = default.and_then(|prefix| table.by_prefix(&prefix));
            let mut having = living().filter(may_have);
            match (default.filter(may_have), having.next(), having.next()) {
                (Some(entry), ..) | (None, Some(entry), None) => entry,
                (None, None, _) => return Target::Unknown(unknown()),
                (None, Some(_), Some(_)) if self.may_ask_roots(call) => return Target::AskRoots,
                _ => return Target::Refuse(several(table)),
            }
        };
        if !may_have(&entry) {
            return Target::Unknown(unknown());
        }
        self.wishes.lock().last = Some(entry.prefix.clone());
        Target::To(Box::new(entry.clone()), Route { name, drop_arguments })
    }

    /// The word by which a call names its instance, what it calls for there, and which of its arguments are the hub's.
    fn address(&self, call: &Call, table: &Table) -> (Option<String>, String, Vec<&'static str>) {
        let name = call.name();
        let argument = |key: &str| call.argument(key)?.as_str().map(str::to_owned);
        match call.kind() {
            CallKind::Tool | CallKind::Prompt | CallKind::Task(_) => {}
            CallKind::Completion | CallKind::Resource => {
                let known = split_uri(name).filter(|(prefix, _)| table.by_prefix(prefix).is_some());
                if let Some((prefix, inner)) = known {
                    return (Some(prefix.to_owned()), inner.to_owned(), Vec::new());
                }
            }
        }
        if let Some((prefix, inner)) = split(name).filter(|(prefix, _)| table.by_prefix(prefix).is_some()) {
            return (Some(prefix.to_owned()), inner.to_owned(), Vec::new());
        }
        if call.kind() != CallKind::Tool {
            return (None, name.to_owned(), Vec::new());
        }
        let having = table.entries.iter().find(|entry| entry.catalog.tool(name).is_some());
        match (having, without_old(name)) {
            (Some(entry), _) if entry.catalog.owns_argument(name) => (None, name.to_owned(), Vec::new()),
            (None, Some(inner)) => {
                let word = argument(OLD_ARGUMENT).or_else(|| argument(ARGUMENT));
                (word, inner.to_owned(), vec![OLD_ARGUMENT, ARGUMENT])
            }
            _ => (argument(ARGUMENT), name.to_owned(), vec![ARGUMENT]),
        }
    }

    /// Whether the client's folder is not known, and it would tell it.
    fn may_ask_roots(&self, call: &Call) -> bool {
        self.wishes.lock().roots.is_none() && call.answer(ROOTS).is_none() && call.can_ask(&Ask::roots())
    }

    /// Has a call forwarded by a thread of the crew.
    fn send(self: &Arc<Self>, call: Call, entry: Entry, route: Route) {
        let shared = Arc::clone(self);
        self.on_crew(&entry.row.instance.id.clone(), call, move |call| {
            let id = &entry.row.instance.id;
            // One that is not active now may be in a moment.
            let ready =
                entry.row.client.clone().map_or_else(|| shared.wait_for(id), |client| Ok((client, entry.row.turn)));
            let (client, turn) = match ready {
                Ok(ready) => ready,
                Err(error) => return refuse(call, format!("{} does not answer: {}", entry.name(), error.message())),
            };
            shared.manager.update_activity(id);
            if forward(call, &entry, &client, &route).is_some() {
                shared.manager.suspect(id, turn);
            }
        });
    }

    fn wait_for(&self, id: &str) -> Result<(client::Client, u64)> {
        self.manager.connect_session(SESSION, id)?;
        let view = self.manager.view();
        let row = view.instance(id).and_then(|row| Some((row.client.clone()?, row.turn)));
        row.ok_or_else(|| Error::new("mcp", crate::error::Code::Network, "it went away again"))
    }

    fn on_crew(&self, id: &str, call: Call, work: impl FnOnce(Call) + Send + 'static) {
        let owner: Arc<str> = id.into();
        // A refusal has to be told to the call, which has then not moved on.
        let place = Arc::new(Mutex::new(Some(call)));
        let own = Arc::clone(&place);
        let handed = self.crew.run(&owner, move || {
            let call = own.lock().take();
            if let Some(call) = call {
                work(call);
            }
        });
        if let Err(error) = handed
            && let Some(call) = place.lock().take()
        {
            refuse(call, error.message().to_owned());
        }
    }
}

fn no_such(word: &str, table: &Table) -> String {
    format!("No instance is called `{word}`; there are: {}. instances_list tells more.", table.known())
}

fn several(table: &Table) -> String {
    let all: Vec<String> = table.candidates().iter().map(|one| format!("{} ({})", one.prefix, one.directory)).collect();
    format!(
        "Several Brummers run: {}. Name one in the argument `instance`, or choose one with instances_connect.",
        all.join(", ")
    )
}
