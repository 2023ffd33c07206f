//! The thread that keeps the table true: it looks into the registry each second, has the lists of new connections read, listens to
//! what instances say unasked, and tells of what has changed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender};
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::catalog::Catalog;
use super::hub::Shared;
use super::names::{Prefixes, join, split};
use super::table::{Entry, Table};
use crate::error::Result;
use crate::mcp::client::{Call, Client, Incoming, Wanted};
use crate::mcp::manager::{Row, State, View};
use crate::mcp::protocol::Era;
use crate::mcp::registry::Watch;
use crate::runtime::Context;
use crate::wire::jsonrpc::Members;

/// Time between two looks into the registry.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A stream that ended is opened again after this time.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// Reading all lists of an instance takes no longer.
const LISTS_LIMIT: Duration = Duration::from_secs(30);

/// What the thread is told.
pub(super) enum Note {
    /// Connections have changed.
    View(View),
    /// The lists of a connection were read, or were not.
    Loaded { id: String, turn: u64, catalog: Result<Catalog> },
    /// An instance says that a list has changed, or may have said so unheard.
    Changed { id: String, turn: u64 },
    /// An instance says that a resource has changed.
    Updated { id: String, uri: String },
    /// The client watches a resource, or does not any more.
    Watched { uri: String, watched: bool },
    /// An instance says how a task is now.
    Task { id: String, task: Value },
    /// The client wants to hear of a task, or does not any more.
    TaskWatched { task: String, watched: bool },
    /// What calls without a name are for has changed.
    Chosen,
    /// The end.
    Stop,
}

/// What listens to one connection.
struct Ear {
    turn: u64,
    wanted: Wanted,
    context: Context,
}

pub(super) struct Keeper {
    shared: Arc<Shared>,
    inbox: Receiver<Note>,
    notes: Sender<Note>,
    watch: Watch,
    prefixes: Prefixes,
    view: View,
    catalogs: HashMap<String, (u64, Arc<Catalog>)>,
    loading: HashSet<(String, u64)>,
    ears: HashMap<String, Ear>,
    watched: BTreeSet<String>,
    tasks: BTreeSet<String>,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, inbox: Receiver<Note>, watch: Watch) -> Keeper {
        let notes = shared.notes.clone();
        Keeper {
            shared,
            inbox,
            notes,
            watch,
            prefixes: Prefixes::default(),
            view: View::default(),
            catalogs: HashMap::new(),
            loading: HashSet::new(),
            ears: HashMap::new(),
            watched: BTreeSet::new(),
            tasks: BTreeSet::new(),
        }
    }

    pub(super) fn run(mut self) {
        let mut next_look = Instant::now();
        loop {
            if Instant::now() >= next_look {
                self.look();
                next_look = Instant::now() + LOOK_EVERY;
            }
            let Ok(first) = self.inbox.recv_deadline(next_look) else { continue };
            let mut stop = !self.hear(first);
            while let Ok(note) = self.inbox.try_recv() {
                stop |= !self.hear(note);
            }
            if stop {
                self.ears.values().for_each(|ear| ear.context.cancel());
                return;
            }
            self.tend();
        }
    }

    /// Looks into the registry. What has changed the manager hears; dead instances whose file says anew that they live as well.
    fn look(&mut self) {
        let manager = &self.shared.manager;
        if let Some(found) = self.watch.look() {
            let gone = self.view.instances.iter().map(|row| &row.instance.id);
            let gone = gone.filter(|id| !found.iter().any(|instance| instance.id == **id));
            // The manager refuses only what cannot be an instance, and everything once it was stopped.
            gone.for_each(|id| drop(manager.forget_instance(id)));
            found.into_iter().for_each(|instance| drop(manager.register_instance(instance)));
            self.shared.looked.store(true, std::sync::atomic::Ordering::Release);
            self.shared.settle();
        } else if self.view.instances.iter().any(|row| row.state == State::Dead) {
            let is_dead = |id: &str| self.view.instance(id).is_some_and(|row| row.state == State::Dead);
            let again = self.watch.known().iter().filter(|instance| is_dead(&instance.id));
            again.for_each(|instance| drop(manager.register_instance(instance.clone())));
        }
    }

    /// Takes a note in; `false` at the end.
    fn hear(&mut self, note: Note) -> bool {
        match note {
            Note::View(view) => self.view = view,
            Note::Loaded { id, turn, catalog } => {
                self.loading.remove(&(id.clone(), turn));
                match catalog {
                    Ok(catalog) => drop(self.catalogs.insert(id, (turn, Arc::new(catalog)))),
                    // It has to be read again; the check says whether there is a connection to read it by.
                    Err(_) => {
                        self.catalogs.entry(id.clone()).or_insert((turn, Arc::default())).0 = turn;
                        self.shared.manager.suspect(&id, turn);
                    }
                }
            }
            Note::Changed { id, turn } => {
                if let Some(row) = self.view.instance(&id).filter(|row| row.turn == turn) {
                    self.load(&row.clone());
                }
            }
            Note::Updated { id, uri } => self.updated(&id, &uri),
            Note::Watched { uri, watched: true } => drop(self.watched.insert(uri)),
            Note::Watched { uri, watched: false } => drop(self.watched.remove(&uri)),
            Note::Task { id, task } => self.task_changed(&id, task),
            Note::TaskWatched { task, watched: true } => drop(self.tasks.insert(task)),
            Note::TaskWatched { task, watched: false } => drop(self.tasks.remove(&task)),
            Note::Chosen => {}
            Note::Stop => return false,
        }
        true
    }

    /// Has everything done that the state of things asks for.
    fn tend(&mut self) {
        let rows = self.view.instances.clone();
        self.catalogs.retain(|id, _| rows.iter().any(|row| row.instance.id == *id));
        for row in rows.iter().filter(|row| row.client.is_some()) {
            let known = self.catalogs.get(&row.instance.id).is_some_and(|(turn, _)| *turn == row.turn);
            if !known && !self.loading.contains(&(row.instance.id.clone(), row.turn)) {
                self.load(row);
            }
        }
        self.rebuild(&rows);
        self.listen(&rows);
        self.shared.settle();
    }

    fn load(&mut self, row: &Row) {
        let Some(client) = row.client.clone() else { return };
        let (id, turn, notes) = (row.instance.id.clone(), row.turn, self.notes.clone());
        self.loading.insert((id.clone(), turn));
        let owner: Arc<str> = format!("{id} (lists)").into();
        let read = move |id: String| {
            let catalog = Catalog::read(&client, &Context::background().with_timeout(LISTS_LIMIT));
            // After the end nobody wants it.
            drop(notes.send(Note::Loaded { id, turn, catalog }));
        };
        let own = id.clone();
        if self.shared.crew.run(&owner, move || read(own)).is_err() {
            self.loading.remove(&(id, turn));
        }
    }

    /// Makes the table anew, and tells what has changed in its lists.
    fn rebuild(&mut self, rows: &[Row]) {
        self.prefixes.keep(|id| rows.iter().any(|row| row.instance.id == id));
        let mut entries = Vec::new();
        for row in rows {
            let instance = &row.instance;
            let prefix = self.prefixes.of(&instance.id, &instance.directory, &instance.name);
            let catalog = self.catalogs.get(&instance.id).map(|(_, catalog)| Arc::clone(catalog)).unwrap_or_default();
            entries.push(Entry { prefix, row: row.clone(), catalog });
        }
        let before = self.shared.table.load();
        let key = |entry: &Entry| (entry.prefix.clone(), entry.row.state == State::Dead, Arc::as_ptr(&entry.catalog));
        let is_same = entries.iter().map(key).eq(before.entries.iter().map(key));
        if is_same {
            return self.shared.table.store(Table::with_lists_of(entries, &before));
        }
        let table = Table::new(entries, self.shared.each);
        let changed = table.changed(&before);
        self.shared.table.store(table);
        if let Some(notifier) = self.shared.notifier.get() {
            changed.into_iter().for_each(|kind| notifier.list_changed(kind));
        }
    }

    /// Has every connection listened to, for the resources that are watched there.
    fn listen(&mut self, rows: &[Row]) {
        self.ears.retain(|id, ear| {
            let lives = rows.iter().any(|row| row.instance.id == *id && row.turn == ear.turn && row.client.is_some());
            if !lives {
                ear.context.cancel();
            }
            lives
        });
        for row in rows {
            let Some(client) = &row.client else { continue };
            let id = &row.instance.id;
            let wanted = Wanted { lists: true, uris: self.wanted_of(id), tasks: self.tasks_of(id) };
            let before = self.ears.get(&row.instance.id);
            if before.is_some_and(|ear| ear.wanted == wanted) {
                continue;
            }
            let heard: Vec<String> = before.map(|ear| ear.wanted.uris.clone()).unwrap_or_default();
            self.open_ear(row, client, wanted, &heard);
        }
    }

    fn open_ear(&mut self, row: &Row, client: &Client, wanted: Wanted, heard: &[String]) {
        let context = Context::background();
        let (id, turn) = (row.instance.id.clone(), row.turn);
        let work = Listening {
            client: client.clone(),
            context: context.clone(),
            wanted: wanted.clone(),
            new: wanted.uris.iter().filter(|uri| !heard.contains(uri)).cloned().collect(),
            gone: heard.iter().filter(|uri| !wanted.uris.contains(uri)).cloned().collect(),
            shared: Arc::clone(&self.shared),
            id: id.clone(),
            turn,
        };
        let owner: Arc<str> = format!("{id} (stream)").into();
        if self.shared.crew.run(&owner, move || work.run()).is_ok()
            && let Some(before) = self.ears.insert(id, Ear { turn, wanted, context })
        {
            // The new one listens soon; what is said in between is said by the next look of the client.
            before.context.cancel();
        }
    }

    fn wanted_of(&self, id: &str) -> Vec<String> {
        let resolved = self.watched.iter().filter_map(|uri| self.shared.resource(uri));
        resolved
            .filter(|(entry, _)| entry.row.instance.id == id)
            .map(|(_, uri)| uri)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// The tasks of an instance that the client wants to hear of, as the instance calls them.
    fn tasks_of(&self, id: &str) -> Vec<String> {
        let Some(prefix) = self.prefix_of(id) else { return Vec::new() };
        let own = self.tasks.iter().filter_map(|task| split(task).filter(|(whose, _)| *whose == prefix));
        own.map(|(_, task)| task.to_owned()).collect()
    }

    fn prefix_of(&self, id: &str) -> Option<String> {
        let table = self.shared.table.load();
        table.entries.iter().find(|entry| entry.row.instance.id == id).map(|entry| entry.prefix.clone())
    }

    fn task_changed(&self, id: &str, mut task: Value) {
        let own = self.prefix_of(id).zip(task["taskId"].as_str()).map(|(prefix, task)| join(&prefix, task));
        if let (Some(own), Some(notifier), Value::Object(members)) = (own, self.shared.notifier.get(), &mut task) {
            members.remove("_meta");
            members.insert("taskId".to_owned(), own.as_str().into());
            notifier.task_changed(&own, task);
        }
    }

    fn updated(&self, id: &str, uri: &str) {
        let Some(notifier) = self.shared.notifier.get() else { return };
        for outer in &self.watched {
            if self.shared.resource(outer).is_some_and(|(entry, inner)| entry.row.instance.id == id && inner == uri) {
                notifier.resource_updated(outer);
            }
        }
    }
}

/// What a thread of the crew does to listen to one connection.
struct Listening {
    client: Client,
    context: Context,
    wanted: Wanted,
    new: Vec<String>,
    gone: Vec<String>,
    shared: Arc<Shared>,
    id: String,
    turn: u64,
}

impl Listening {
    fn run(self) {
        let legacy = self.client.initialize(&self.context).is_ok_and(|facts| facts.version.era() == Era::Legacy);
        if legacy {
            self.new.iter().for_each(|uri| self.subscribe("resources/subscribe", uri));
            self.gone.iter().for_each(|uri| self.subscribe("resources/unsubscribe", uri));
        }
        while !self.context.is_cancelled() {
            let heard = self.client.listen(&self.context, &self.wanted, &mut |incoming| self.hear(incoming));
            match heard {
                _ if self.context.is_cancelled() => return,
                // It says nothing unasked.
                Ok(false) => return,
                Ok(true) => {}
                Err(_) => self.shared.manager.suspect(&self.id, self.turn),
            }
            if self.context.wait(LISTEN_AGAIN).is_err() {
                return;
            }
            self.tell(Note::Changed { id: self.id.clone(), turn: self.turn });
        }
    }

    fn hear(&self, incoming: Incoming<'_>) {
        let Incoming::Notification { method, params } = incoming else { return };
        match method {
            "notifications/resources/updated" => {
                let members = params.and_then(|params| Members::of_raw(params).ok());
                if let Some(uri) = members.and_then(|members| members.text("uri")) {
                    self.tell(Note::Updated { id: self.id.clone(), uri: uri.into_owned() });
                }
            }
            "notifications/tasks" => {
                let task = params.and_then(|params| serde_json::from_str(params.get()).ok());
                task.into_iter().for_each(|task| self.tell(Note::Task { id: self.id.clone(), task }));
            }
            _ if method.ends_with("/list_changed") => self.tell(Note::Changed { id: self.id.clone(), turn: self.turn }),
            _ => {}
        }
    }

    fn subscribe(&self, method: &'static str, uri: &str) {
        let uri = to_raw_value(uri).unwrap_or_else(|_| serde_json::value::RawValue::NULL.to_owned());
        let params = [("uri", &*uri)];
        // A server that has no subscriptions says nothing of updates, which is all that is lost.
        let _ = self.client.call(&self.context, &Call { params: &params, ..Call::new(method) }, &mut |_| Ok(()));
    }

    fn tell(&self, note: Note) {
        // After the end nobody wants to know.
        let _ = self.shared.notes.send(note);
    }
}
