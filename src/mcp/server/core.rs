//! The server's state, and what it does when something happens.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::calls::Pending;
use super::config::Config;
use super::connection::{Connection, Phase, Step};
use super::guard::Guard;
use super::headers::ToolHeaders;
use super::limits::{LINES_END, Limits, TICK};
use super::lines::Lines;
use super::listens::Listen;
use super::modern::Recent;
use super::seal::Seal;
use super::sessions::{SessionId, Sessions};
use super::tasks::Task;
use crate::error::Result;
use crate::io::net::{Commands, Key, ListenerId, Net, Service};
use crate::mcp::notifier::Notifier;
use crate::mcp::provider::Provider;
use crate::wire::http1::RequestHead;

/// What other threads ask of the server.
pub(crate) enum Command {
    /// A call has something to say.
    Call(u64),
    /// Something has changed.
    Changed,
    /// A line came over standard input.
    Line(Vec<u8>),
    /// Standard input has ended.
    LinesEnded,
    /// Ends what goes on until then, and stops.
    Stop(Duration),
}

/// The server.
pub(super) struct Core {
    pub(super) provider: Arc<dyn Provider>,
    /// Who serves, as JSON.
    pub(super) server: Arc<str>,
    /// Which instance serves.
    pub(super) instance: Option<String>,
    pub(super) outlet: Arc<dyn crate::mcp::call::Outlet>,
    pub(super) notifier: Notifier,
    pub(super) limits: Limits,
    pub(super) guard: Guard,
    pub(super) seal: Seal,
    pub(super) connections: Vec<Option<Box<Connection>>>,
    pub(super) count: usize,
    #[allow(clippy::vec_box, reason = "what is lent is moved as a pointer")]
    pub(super) heads: Vec<Box<RequestHead>>,
    pub(super) turn: u64,
    pub(super) sessions: Sessions,
    pub(super) pending: HashMap<u64, Pending>,
    pub(super) next_call: u64,
    /// Questions to clients, by the id that they were sent with: of which call, and by which key.
    pub(super) questions: HashMap<i64, (u64, String)>,
    pub(super) next_question: i64,
    pub(super) tasks: HashMap<String, Task>,
    pub(super) listens: Vec<Listen>,
    /// How many sessions and subscriptions watch a resource.
    pub(super) watched: HashMap<String, usize>,
    /// How many subscriptions hear of a task that the provider keeps elsewhere.
    pub(super) watched_tasks: HashMap<String, usize>,
    pub(super) tool_headers: ToolHeaders,
    pub(super) recent: Recent,
    /// Connections that something was written into, to be sent when the turn ends.
    dirty: Vec<Key>,
    /// The connection that is being looked at, which sends by itself.
    driven: Option<Key>,
    pub(super) lines: Option<Lines>,
    pub(super) stdio_session: Option<SessionId>,
    /// A connection to nobody, whose times are those of the server.
    pub(super) clock: Key,
    pub(super) ticking: bool,
    pub(super) told: Option<Instant>,
    pub(super) telling: bool,
    pub(super) stop_by: Option<Instant>,
}

struct Way(Commands<Command>);

impl crate::mcp::call::Outlet for Way {
    fn wake(&self, call: u64) {
        self.0.send(Command::Call(call));
    }
}

impl Core {
    pub(super) fn new(
        net: &mut Net,
        commands: &Commands<Command>,
        config: Config,
        provider: Arc<dyn Provider>,
        lines: Option<Lines>,
    ) -> Result<Core> {
        let port = match config.port {
            Some(port) => net.listen(port, false)?.1,
            None => 0,
        };
        let waker = commands.clone();
        // The server's own words are a plain record, of which JSON can always be made.
        let server = serde_json::to_string(provider.server()).unwrap_or_else(|_| "{}".into());
        Ok(Core {
            provider,
            server: server.into(),
            instance: config.instance,
            outlet: Arc::new(Way(commands.clone())),
            notifier: Notifier::new(move || waker.send(Command::Changed)),
            limits: config.limits,
            guard: Guard { port, token: config.token, origins: config.origins },
            seal: Seal::default(),
            connections: Vec::new(),
            count: 0,
            heads: Vec::new(),
            turn: 0,
            sessions: Sessions::default(),
            pending: HashMap::new(),
            next_call: 0,
            questions: HashMap::new(),
            next_question: 0,
            tasks: HashMap::new(),
            listens: Vec::new(),
            watched: HashMap::new(),
            watched_tasks: HashMap::new(),
            tool_headers: ToolHeaders::default(),
            recent: Recent::default(),
            dirty: Vec::new(),
            driven: None,
            lines,
            stdio_session: None,
            clock: net.void(),
            ticking: false,
            told: None,
            telling: false,
            stop_by: None,
        })
    }

    pub(super) fn connection(&mut self, key: Key) -> Option<&mut Connection> {
        let place = self.connections.get_mut(key.index())?.as_deref_mut()?;
        (place.key == key).then_some(place)
    }

    /// Does with a connection whatever can be done now.
    pub(super) fn drive(&mut self, net: &mut Net, key: Key) {
        self.driven = Some(key);
        self.steps(net, key);
        self.driven = None;
    }

    fn steps(&mut self, net: &mut Net, key: Key) {
        // A client that sends many requests at once gets its answers in several turns.
        for _ in 0..64 {
            match self.step(net, key) {
                Step::Go => {}
                Step::Wait => {
                    if let Some(connection) = self.connection(key) {
                        connection.rest(net);
                    }
                    return;
                }
                Step::Close => return self.close(net, key),
            }
        }
        net.again(key);
    }

    /// Something was written into a connection.
    pub(super) fn dirty(&mut self, key: Key) {
        if self.driven != Some(key) {
            self.dirty.push(key);
        }
    }

    /// Sends what was put into a connection from elsewhere.
    pub(super) fn push(&mut self, net: &mut Net, key: Key) {
        let Some(connection) = self.connection(key).filter(|connection| connection.waiting() > 0) else { return };
        match connection.flush(net) {
            Ok(_) if connection.waiting() > super::limits::OUT_BYTES_MAX => self.close(net, key),
            // An exchange that has ended lets the next one begin.
            Ok(_) if connection.phase != Phase::Streaming => net.again(key),
            Ok(_) => {}
            Err(()) => self.close(net, key),
        }
    }

    /// Closes a connection, and lets those know who used it.
    pub(super) fn close(&mut self, net: &mut Net, key: Key) {
        let Some(place) = self.connections.get_mut(key.index()) else { return };
        let Some(mut connection) = place.take_if(|connection| connection.key == key) else { return };
        self.count -= 1;
        connection.input.clear(&mut net.buffers);
        net.close(key);
        self.left(net, &connection);
    }

    fn evict(&mut self, net: &mut Net) -> bool {
        let idle = self.connections.iter().flatten().filter(|one| one.is_idle() && !net.is_readable(one.key));
        let Some((_, key)) = idle.map(|one| (one.idle_since, one.key)).min() else { return false };
        self.close(net, key);
        true
    }

    /// Seconds since 1970.
    pub(super) fn seconds() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
    }

    /// Something is kept that has a time: from now on the server looks at the clock.
    pub(super) fn tick(&mut self, net: &mut Net) {
        if !std::mem::replace(&mut self.ticking, true) {
            net.set_deadline(self.clock, Some(TICK));
        }
    }

    fn ticked(&mut self, net: &mut Net) {
        self.ticking = false;
        self.expire_sessions(net);
        self.expire_asks(net);
        self.expire_tasks(net.now());
        if !(self.sessions.0.is_empty() && self.tasks.is_empty() && self.questions.is_empty()) {
            self.tick(net);
        }
    }

    /// The client of the pipes has gone; what it asked before may still be answered.
    fn lines_ended(&mut self, net: &mut Net) {
        self.end_listens(net);
        self.stop_by = Some(net.now() + LINES_END);
        net.alarm(self.clock, net.now() + LINES_END);
    }

    fn stop(&mut self, net: &mut Net, limit: Duration) {
        self.stop_by = Some(net.now() + limit);
        self.connections.iter_mut().flatten().for_each(|connection| connection.keep = false);
        self.end_listens(net);
        for pending in self.pending.values() {
            pending.shared.cancel.cancel();
        }
        let keys: Vec<Key> = self.connections.iter().flatten().map(|connection| connection.key).collect();
        for key in keys {
            let Some(connection) = self.connection(key) else { continue };
            match connection.phase {
                Phase::Streaming if connection.exchange.as_ref().is_none_or(|exchange| exchange.expected == 0) => {
                    connection.end_events();
                    self.drive(net, key);
                }
                Phase::Head | Phase::Body if connection.waiting() == 0 => self.close(net, key),
                _ => self.drive(net, key),
            }
        }
        net.alarm(self.clock, net.now() + limit);
    }
}

impl Service for Core {
    type Command = Command;

    fn accepted(&mut self, net: &mut Net, _: ListenerId, key: Key, _: SocketAddr) {
        if self.stop_by.is_some() || (self.count >= self.limits.connections && !self.evict(net)) {
            return net.close(key);
        }
        self.count += 1;
        if self.connections.len() <= key.index() {
            self.connections.resize_with(key.index() + 1, || None);
        }
        self.connections[key.index()] = Some(Box::new(Connection::new(key)));
    }

    fn ready(&mut self, net: &mut Net, key: Key) {
        self.drive(net, key);
    }

    fn deadline(&mut self, net: &mut Net, key: Key) {
        match key == self.clock {
            true => self.ticked(net),
            false => self.too_late(net, key),
        }
    }

    fn alarm(&mut self, net: &mut Net, _: Key) {
        if self.stop_by.is_some_and(|by| by <= net.now()) {
            return net.stop();
        }
        self.tell_changes(net);
    }

    fn command(&mut self, net: &mut Net, command: Command) {
        match command {
            Command::Call(number) => self.hear(net, number),
            Command::Changed => self.changed(net),
            Command::Line(line) => self.line(net, &line),
            Command::LinesEnded => self.lines_ended(net),
            Command::Stop(limit) => self.stop(net, limit),
        }
    }

    fn gone(&mut self, net: &mut Net, key: Key) {
        self.close(net, key);
    }

    fn shed(&mut self, net: &mut Net) -> bool {
        self.evict(net)
    }

    fn turn_ended(&mut self, net: &mut Net) {
        self.turn += 1;
        while let Some(key) = self.dirty.pop() {
            self.push(net, key);
        }
        let mut open = self.connections.iter().flatten().filter(|connection| connection.phase != Phase::Linger);
        if self.stop_by.is_some() && self.pending.is_empty() && open.next().is_none() {
            net.stop();
        }
    }
}
