//! The thread that owns the connections, and the calls by which all others speak to it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use parking_lot::Mutex;

use super::core::{CONNECT_LIMIT, Core, Effect, Input};
use super::settings::Settings;
use super::view::{Row, View};
use crate::error::{Code, Error, Result};
use crate::mcp::client::{Client, Options, Target};
use crate::mcp::crew::Crew;
use crate::mcp::registry::Instance;
use crate::runtime::Context;
use crate::sync::CowCell;

/// Registering is answered within this time.
const REGISTER_LIMIT: Duration = Duration::from_secs(5);
/// All connections are closed within this time.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// A token is no longer.
const TOKEN_BYTES_MAX: u64 = 4096;

enum Order {
    Happened(Input),
    /// Answered at once, when the order was taken in.
    Do(Input, Sender<()>),
    /// Answered when the core does.
    Ask(Input, u64, Sender<Result<()>>),
    Stop(Sender<()>),
}

/// Keeps the connections to all instances.
///
/// - **Thread safety**: `Send + Sync`. One thread owns the connections; calls speak to it by a channel, reads look at a picture that
///   it replaces after each change.
/// - **Progress**: [`Manager::list_instances`], [`Manager::get_client`] and [`Manager::update_activity`] are lock-free reads.
/// - **Waits**: the others as they say. The owning thread itself never waits for an instance: a crew of threads does.
/// - **Cleanup**: [`Manager::stop`]; dropping it stops as well.
pub struct Manager {
    orders: Sender<Order>,
    view: Arc<CowCell<View>>,
    waiters: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager").field("view", &self.view.load()).finish_non_exhaustive()
    }
}

impl Manager {
    /// Starts the thread. `options` say who calls; `watch` is shown the picture after each change, on that thread: it must not wait.
    ///
    /// # Errors
    /// The system allows no more threads.
    pub fn start(settings: Settings, options: Options, watch: impl Fn(&View) + Send + 'static) -> Result<Manager> {
        Manager::start_with(settings, options, Crew::new(), watch)
    }

    pub(crate) fn start_with(
        settings: Settings,
        options: Options,
        crew: Crew,
        watch: impl Fn(&View) + Send + 'static,
    ) -> Result<Manager> {
        let (orders, inbox) = unbounded();
        let view = Arc::new(CowCell::new(View::default()));
        let owner = Owner {
            core: Core::new(settings, RandomState::new().hash_one("jitter")),
            settings,
            options,
            crew,
            clients: HashMap::new(),
            waiting: HashMap::new(),
            inbox,
            orders: orders.clone(),
            view: Arc::clone(&view),
            watch: Box::new(watch),
        };
        let thread = std::thread::Builder::new().name("brummer-mcp-link".to_owned()).spawn(move || owner.run());
        let thread = thread.map_err(|error| Error::io("mcp", "start the connection manager", error))?;
        Ok(Manager { orders, view, waiters: AtomicU64::new(0), thread: Mutex::new(Some(thread)) })
    }

    /// Takes an instance in, or takes in what its file says now; the connection is made by itself.
    ///
    /// # Errors
    /// INVALID_STATE for an address that is not of this machine, and after the stop; TIMEOUT after 5 s.
    pub fn register_instance(&self, instance: Instance) -> Result<()> {
        Target::of(&instance.name, &instance.url)?;
        self.order(Input::Register(Box::new(instance)))
    }

    /// An instance is gone: its connection is closed, and what goes on with it ends.
    ///
    /// # Errors
    /// As [`Manager::register_instance`].
    pub fn forget_instance(&self, id: &str) -> Result<()> {
        self.order(Input::Forget(id.to_owned()))
    }

    /// From now on the calls of this session go to that instance; it may have had another before.
    ///
    /// # Errors
    /// NOT_FOUND for an unknown instance, NETWORK for a dead one, TIMEOUT for one that is not active after 10 s.
    pub fn connect_session(&self, session: &str, instance: &str) -> Result<()> {
        let waiter = self.waiters.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = bounded(1);
        let (session, instance) = (session.to_owned(), instance.to_owned());
        self.send(Order::Ask(Input::Route { session, instance, waiter }, waiter, answer))?;
        let limit = CONNECT_LIMIT + Duration::from_secs(1);
        answered.recv_timeout(limit).unwrap_or_else(|gone| Err(self.unanswered(gone)))
    }

    /// The session's calls go nowhere any more. One that is not known is no error.
    pub fn disconnect_session(&self, session: &str) {
        // After the stop there is no routing either.
        let _ = self.order(Input::Leave(session.to_owned()));
    }

    /// The client of the instance that a session is connected to, while that is active.
    pub fn get_client(&self, session: &str) -> Option<Client> {
        let now = Instant::now();
        self.view.read(|view| {
            view.sessions.get(session)?.activity.touch(now);
            let row = view.of_session(session)?;
            row.activity.touch(now);
            row.client.clone()
        })
    }

    /// All instances, as they were at one moment.
    pub fn list_instances(&self) -> Vec<Row> {
        self.view.read(|view| view.instances.clone())
    }

    /// The whole picture.
    pub fn view(&self) -> Arc<View> {
        self.view.load()
    }

    /// Says that an instance is used now; `false` for one that is not known.
    pub fn update_activity(&self, instance: &str) -> bool {
        self.view.read(|view| view.instance(instance).map(|row| row.activity.touch(Instant::now())).is_some())
    }

    /// A call found the connection broken: the instance is checked now.
    pub fn suspect(&self, instance: &str, turn: u64) {
        // After the stop there is nothing to check.
        let _ = self.send(Order::Happened(Input::Suspect { id: instance.to_owned(), turn }));
    }

    /// Closes all connections and ends the thread. Again is nothing.
    ///
    /// # Errors
    /// TIMEOUT when a connection could not be closed properly within 15 s; it is cut all the same.
    pub fn stop(&self) -> Result<()> {
        let (answer, answered) = bounded(1);
        if self.orders.send(Order::Stop(answer)).is_err() {
            return Ok(());
        }
        match answered.recv_timeout(STOP_LIMIT) {
            Err(RecvTimeoutError::Timeout) => {
                Err(Error::new("mcp", Code::Timeout, "connections to instances are still open after 15 s"))
            }
            _ => {
                self.thread.lock().take().map(JoinHandle::join);
                Ok(())
            }
        }
    }

    fn order(&self, input: Input) -> Result<()> {
        let (answer, answered) = bounded(1);
        self.send(Order::Do(input, answer))?;
        answered.recv_timeout(REGISTER_LIMIT).map_err(|gone| self.unanswered(gone))
    }

    fn send(&self, order: Order) -> Result<()> {
        self.orders.send(order).map_err(|_| stopped())
    }

    fn unanswered(&self, gone: RecvTimeoutError) -> Error {
        match gone {
            RecvTimeoutError::Timeout => {
                Error::new("mcp", Code::Timeout, "the connection manager did not answer in time")
            }
            RecvTimeoutError::Disconnected => stopped(),
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // What could not be closed in time is cut.
        let _ = self.stop();
    }
}

fn stopped() -> Error {
    Error::new("mcp", Code::InvalidState, "the connection manager was stopped")
}

/// What the thread owns.
struct Owner {
    core: Core,
    settings: Settings,
    options: Options,
    crew: Crew,
    clients: HashMap<String, (u64, Client)>,
    waiting: HashMap<u64, Sender<Result<()>>>,
    inbox: Receiver<Order>,
    orders: Sender<Order>,
    view: Arc<CowCell<View>>,
    watch: Box<dyn Fn(&View) + Send>,
}

impl Owner {
    fn run(mut self) {
        loop {
            let order = match self.core.due() {
                Some(due) => self.inbox.recv_deadline(due),
                None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let (input, answer) = match order {
                Ok(Order::Happened(input)) => (input, None),
                Ok(Order::Do(input, answer)) => (input, Some(answer)),
                Ok(Order::Ask(input, waiter, answer)) => {
                    self.waiting.insert(waiter, answer);
                    (input, None)
                }
                Err(RecvTimeoutError::Timeout) => (Input::Time, None),
                Ok(Order::Stop(answer)) => return self.end(&answer),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let effects = self.core.handle(input, Instant::now());
            let (answers, rest): (Vec<_>, Vec<_>) =
                effects.into_iter().partition(|effect| matches!(effect, Effect::Answer { .. }));
            rest.into_iter().for_each(|effect| self.obey(effect));
            // Whoever is answered finds in the picture what the answer says.
            self.publish();
            answers.into_iter().for_each(|effect| self.obey(effect));
            // One that has given up waiting is not told.
            if let Some(answer) = answer {
                let _ = answer.send(());
            }
        }
    }

    fn publish(&self) {
        let mut view = self.core.view();
        for row in &mut view.instances {
            let own = self.clients.get(&row.instance.id).filter(|(turn, _)| *turn == row.turn);
            row.client = own.filter(|_| row.state == super::State::Active).map(|(_, client)| client.clone());
        }
        (self.watch)(&view);
        self.view.store(view);
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Connect { instance, turn } => self.connect(&instance, turn),
            Effect::Check { id, turn } => self.check(id, turn),
            Effect::Close { id, turn } => self.close(&id, turn),
            Effect::Answer { waiter, outcome } => {
                self.waiting.remove(&waiter).into_iter().for_each(|answer| drop(answer.send(outcome.clone())));
            }
        }
    }

    fn connect(&mut self, instance: &Instance, turn: u64) {
        let id = instance.id.clone();
        let target = target(instance);
        let client = target.map(|target| Client::new(target, self.options.clone()));
        if let Ok(client) = &client {
            self.clients.insert(id.clone(), (turn, client.clone()));
        }
        self.work(
            id.clone(),
            move || {
                let outcome = client.and_then(|client| client.initialize(&Context::background())).map(drop);
                Input::Connected { id, turn, outcome }
            },
            |id, error| Input::Connected { id, turn, outcome: Err(error) },
        );
    }

    fn check(&self, id: String, turn: u64) {
        let limit = self.settings.check_limit;
        let client = self.clients.get(&id).filter(|(own, _)| *own == turn).map(|(_, client)| client.clone());
        let gone = || Error::new("mcp", Code::NotFound, "there is no connection to check");
        self.work(
            id.clone(),
            move || {
                let outcome =
                    client.ok_or_else(gone).and_then(|client| client.check(&Context::background().with_timeout(limit)));
                Input::Checked { id, turn, outcome }
                // Whoever has so many calls under way is not dead for that.
            },
            |id, _| Input::Checked { id, turn, outcome: Ok(()) },
        );
    }

    /// Has the crew do it, and hears of it as the next thing that happened.
    fn work(
        &self,
        id: String,
        work: impl FnOnce() -> Input + Send + 'static,
        refused: impl FnOnce(String, Error) -> Input,
    ) {
        let orders = self.orders.clone();
        let owner: Arc<str> = format!("{id} (connection)").into();
        // After the stop nobody wants to know.
        let done = self.crew.run(&owner, move || drop(orders.send(Order::Happened(work()))));
        if let Err(error) = done {
            let _ = self.orders.send(Order::Happened(refused(id, error)));
        }
    }

    fn close(&mut self, id: &str, turn: u64) {
        if self.clients.get(id).is_some_and(|(own, _)| *own == turn)
            && let Some((_, client)) = self.clients.remove(id)
        {
            let owner: Arc<str> = format!("{id} (end)").into();
            client.cut();
            // A server that does not hear of the end finds out by itself.
            let _ = self.crew.run(&owner, move || drop(client.close()));
        }
    }

    fn end(mut self, answer: &Sender<()>) {
        let (closed, all) = unbounded();
        for (id, (_, client)) in self.clients.drain() {
            let closed = closed.clone();
            let owner: Arc<str> = format!("{id} (end)").into();
            // What goes on is cut here and now, whether or not there is a thread to end the session with.
            client.cut();
            let _ = self.crew.run(&owner, move || {
                let _ = client.close();
                drop(closed);
            });
        }
        drop(closed);
        self.view.store(View::default());
        (self.watch)(&self.view.load());
        // Nothing is ever sent: the channel ends with the last client that is closed.
        let _: std::result::Result<(), _> = all.recv_timeout(STOP_LIMIT);
        let _ = answer.send(());
    }
}

/// Where an instance is, with its token.
fn target(instance: &Instance) -> Result<Target> {
    let mut target = Target::of(&instance.name, &instance.url)?;
    // Every version that names itself tells in its answers which instance it is.
    target.instance = (!instance.version.is_empty()).then(|| instance.id.clone());
    if let Some(path) = &instance.token_path {
        let attempt = || format!("read the token of {} from {path}", instance.name);
        let file = std::fs::File::open(path).map_err(|error| Error::io("mcp", attempt(), error))?;
        let mut token = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(file, TOKEN_BYTES_MAX), &mut token)
            .map_err(|error| Error::io("mcp", attempt(), error))?;
        target.token = Some(token.trim().to_owned());
    }
    Ok(target)
}
