//! The engine's state, and what it does when something happens on a connection.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::control::{ChannelId, Control};
use super::downstream::{Active, Downstream, Phase, Stage, Step};
use super::hooks::{Injector, Recorder};
use super::limits::{FREE_EXCHANGES, Limits};
use super::record::Notes;
use super::rewrite::Pairs;
use super::rules::{Rule, Rules};
use super::site::{Role, Route};
use super::upstream::{OriginId, Upstreams};
use crate::error::Result;
use crate::io::net::{Commands, Key, ListenerId, Net, Service};
use crate::proxy::HeaderBuffer;
use crate::proxy::capture::replay::Request;
use crate::proxy::exchange::{Caller, ExchangeId, Note};

/// What other threads ask of the engine.
pub(crate) enum Command {
    /// Gives a server an address.
    Register(super::registry::Wish, SyncSender<Result<super::Mapping>>),
    /// Takes the addresses of a process away.
    Unregister(crate::event::ProcessId, SyncSender<()>),
    /// Forwards for others, or does not.
    Full(bool),
    /// Whose a connection is.
    Caller(Key, ExchangeId, Caller),
    /// Sends a request of Brummer's own.
    Send(Request, ExchangeId),
    /// What the user wants done to some requests.
    Rules(Vec<Rule>),
    /// Something for a page.
    Say(ChannelId, String),
    /// The end of a page's channel.
    Hush(ChannelId),
    /// A name was looked up.
    LookedUp(super::resolve::Found),
    /// A piece of a file was read.
    Read(super::file::Came),
    /// Takes no more, lets what goes on end until then, and ends.
    Stop(Duration),
}

/// What a connection is.
pub(super) enum Peer {
    None,
    Client(Box<Downstream>),
    Server { owner: Option<Key>, origin: OriginId },
}

/// The methods that are seen every day, made once.
pub(super) struct Methods(Vec<Arc<str>>);

impl Methods {
    fn new() -> Methods {
        Methods(["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "CONNECT"].map(Arc::from).to_vec())
    }

    pub(super) fn get(&self, method: &str) -> Arc<str> {
        self.0.iter().find(|known| &***known == method).map_or_else(|| Arc::from(method), Arc::clone)
    }
}

/// The engine.
pub(super) struct Engine {
    pub(super) commands: Commands<Command>,
    pub(super) limits: Limits,
    pub(super) recorder: Arc<dyn Recorder>,
    pub(super) injector: Option<Arc<dyn Injector>>,
    pub(super) control: Option<Arc<dyn Control>>,
    /// The connections of pages.
    pub(super) pages: HashMap<ChannelId, Key>,
    pub(super) next_page: u64,
    pub(super) notes: Notes,
    pub(super) rules: Rules,
    pub(super) upstreams: Upstreams,
    pub(super) resolver: super::resolve::Resolver,
    pub(super) files: super::file::Files,
    pub(super) registry: super::registry::Registry,
    /// The addresses of servers; places are used again.
    pub(super) routes: Vec<Option<Route>>,
    pub(super) roles: HashMap<ListenerId, Role>,
    pub(super) pairs: Pairs,
    peers: Vec<Peer>,
    pub(super) clients: usize,
    #[allow(clippy::vec_box, reason = "what is lent is moved as a pointer, and stays where it is")]
    spare: Vec<Box<Active>>,
    pub(super) websockets: usize,
    /// The number of this turn of the loop.
    pub(super) turn: u64,
    pub(super) url: String,
    pub(super) headers: HeaderBuffer,
    pub(super) methods: Methods,
    /// The control port.
    pub(super) port: u16,
    pub(super) pseudonym: String,
    pub(super) control_prefix: String,
    pub(super) hosts: Vec<String>,
    pub(super) forward_to: Option<Vec<String>>,
    pub(super) lan: bool,
    pub(super) full: bool,
    pub(super) rewrite: bool,
    pub(super) hide_via: bool,
    /// Bytes of a message or an event that are kept.
    pub(super) frame_bytes: usize,
    pub(super) stopping: bool,
    /// Its deadline is that of the whole stop.
    stop_by: Option<std::time::Instant>,
}

impl Engine {
    /// Opens the control port.
    pub(super) fn open_control(net: &mut Net, commands: &Commands<Command>, setup: super::Setup) -> Result<Engine> {
        let super::Setup { config, hooks, counters, mappings, control_prefix } = setup;
        let (listener, port) = net.listen(config.port, config.lan)?;
        Ok(Engine {
            commands: commands.clone(),
            limits: config.limits,
            recorder: hooks.recorder,
            injector: hooks.injector,
            control: hooks.control,
            pages: HashMap::new(),
            next_page: 0,
            notes: Notes::new(counters),
            rules: Rules::new(config.rules),
            upstreams: Upstreams::new(),
            resolver: super::resolve::Resolver::default(),
            files: super::file::Files::default(),
            registry: super::registry::Registry::new(config.first_port, mappings),
            routes: Vec::new(),
            roles: HashMap::from([(listener, Role::Control)]),
            pairs: Pairs { control: port, list: Vec::new() },
            peers: Vec::new(),
            clients: 0,
            spare: Vec::new(),
            websockets: 0,
            turn: 0,
            url: String::new(),
            headers: HeaderBuffer::default(),
            methods: Methods::new(),
            port,
            pseudonym: format!("brummer-{port}"),
            control_prefix,
            hosts: config.hosts,
            forward_to: config.forward_to,
            lan: config.lan,
            full: config.full,
            rewrite: config.rewrite,
            hide_via: config.hide_via,
            frame_bytes: config.frame_bytes,
            stopping: false,
            stop_by: None,
        })
    }

    /// Memory for an exchange.
    pub(super) fn spare(&mut self) -> Box<Active> {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes the memory of an exchange back.
    pub(super) fn give_back(&mut self, mut active: Box<Active>) {
        if self.spare.len() < FREE_EXCHANGES {
            active.reset();
            self.spare.push(active);
        }
    }

    pub(super) fn set_peer(&mut self, key: Key, peer: Peer) {
        while self.peers.len() <= key.index() {
            self.peers.push(Peer::None);
        }
        self.peers[key.index()] = peer;
    }

    /// Lends a client out for as long as something is done with it.
    fn take(&mut self, key: Key) -> Option<Box<Downstream>> {
        let place = self.peers.get_mut(key.index())?;
        match std::mem::replace(place, Peer::None) {
            Peer::Client(down) if down.key() == key => Some(down),
            other => {
                *place = other;
                None
            }
        }
    }

    /// Does with a client whatever can be done now.
    pub(super) fn drive(&mut self, net: &mut Net, key: Key) {
        self.with(net, key, |_, _, _| Step::Go);
    }

    /// Does `first` with a client, then whatever can be done.
    pub(super) fn with(
        &mut self,
        net: &mut Net,
        key: Key,
        first: impl FnOnce(&mut Engine, &mut Net, &mut Downstream) -> Step,
    ) {
        let Some(mut down) = self.take(key) else { return };
        let mut step = first(self, net, &mut down);
        // A client that sends many requests at once gets its answers in several turns.
        let mut steps = 0;
        while step == Step::Go {
            steps += 1;
            if steps > 64 {
                net.again(key);
                step = Step::Wait;
                break;
            }
            step = match down.phase {
                Phase::Head => self.read_head(net, &mut down),
                Phase::Exchange => self.relay(net, &mut down),
                Phase::Beacon => self.beacon(net, &mut down),
                Phase::Page => self.page(net, &mut down),
                Phase::Tunnel => self.tunnel(net, &mut down),
                Phase::Linger { drained } => self.linger(net, &mut down, drained),
            };
        }
        match step {
            Step::Wait | Step::Go => self.settle(net, down),
            Step::Close | Step::Reset => {
                self.abandon(net, &mut down);
                self.clients -= 1;
                if step == Step::Reset { net.reset(key) } else { net.close(key) }
            }
        }
    }

    /// Puts a client back; memory without bytes in it goes back as well.
    fn settle(&mut self, net: &mut Net, mut down: Box<Downstream>) {
        down.input.settle(&mut net.buffers);
        if let Some(upstream) = down.active.as_mut().and_then(|active| active.upstream.as_mut()) {
            upstream.input.settle(&mut net.buffers);
        }
        self.set_peer(down.key(), Peer::Client(down));
    }

    /// Closes the client that was idle longest. One whose request has come is not idle, whether it was read or not.
    fn evict(&mut self, net: &mut Net) -> bool {
        let idle = self.peers.iter().filter_map(|peer| match peer {
            Peer::Client(down) if down.is_idle() && !net.is_readable(down.key()) => Some((down.idle_since, down.key())),
            _ => None,
        });
        let Some((_, key)) = idle.min() else { return false };
        self.with(net, key, |_, _, _| Step::Close);
        true
    }

    /// Frees a descriptor, if one can be spared.
    pub(super) fn make_room(&mut self, net: &mut Net) -> bool {
        self.upstreams.shed(net) || self.evict(net)
    }

    fn clients_of(&self, matches: impl Fn(&Downstream) -> bool) -> Vec<Key> {
        let clients = self.peers.iter().filter_map(|peer| match peer {
            Peer::Client(down) if matches(down) => Some(down.key()),
            _ => None,
        });
        clients.collect()
    }

    /// Closes those connections over which no request goes on; the others end with their exchange.
    pub(super) fn close_clients(&mut self, net: &mut Net, matches: impl Fn(&Downstream) -> bool) {
        for key in self.clients_of(matches) {
            self.with(net, key, |_, _, down| {
                down.last = true;
                if down.phase == Phase::Head { Step::Close } else { Step::Wait }
            });
        }
    }

    fn begin_stop(&mut self, net: &mut Net, limit: Duration) {
        let roles: Vec<ListenerId> = self.roles.drain().map(|(listener, _)| listener).collect();
        roles.into_iter().for_each(|listener| net.unlisten(listener));
        self.stopping = true;
        self.stop_by = Some(net.now() + limit);
        self.close_clients(net, |_| true);
        // What copies bytes ends by nobody's word but ours; the others have until then.
        for key in self.clients_of(|down| matches!(down.phase, Phase::Tunnel | Phase::Page | Phase::Linger { .. })) {
            self.with(net, key, |_, _, _| Step::Close);
        }
        for key in self.clients_of(|_| true) {
            net.alarm(key, net.now() + limit);
        }
    }
}

impl Service for Engine {
    type Command = Command;

    fn accepted(&mut self, net: &mut Net, listener: ListenerId, key: Key, peer: SocketAddr) {
        let Some(role) = self.roles.get(&listener).copied() else { return net.close(key) };
        if self.clients >= self.limits.connections && !self.evict(net) {
            return net.close(key);
        }
        self.clients += 1;
        self.set_peer(key, Peer::Client(Box::new(Downstream::new(key, peer, role))));
    }

    fn ready(&mut self, net: &mut Net, key: Key) {
        match self.peers.get(key.index()) {
            Some(Peer::Client(_)) => self.drive(net, key),
            Some(Peer::Server { owner: Some(client), .. }) => {
                let client = *client;
                self.drive(net, client);
            }
            // Nobody asked for anything: it was closed, or says what nobody wants to hear. A TLS session has things of its own to say.
            Some(Peer::Server { owner: None, origin }) => {
                let origin = *origin;
                if net.is_readable(key) && (net.has_ended(key) || !self.upstreams.get(origin).secure) {
                    self.set_peer(key, Peer::None);
                    self.upstreams.drop_idle(net, origin, key);
                }
            }
            _ => {}
        }
    }

    fn deadline(&mut self, net: &mut Net, key: Key) {
        if let Some(Peer::Server { owner: None, origin }) = self.peers.get(key.index()) {
            let origin = *origin;
            self.set_peer(key, Peer::None);
            return self.upstreams.drop_idle(net, origin, key);
        }
        self.with(net, key, |engine, net, down| engine.too_late(net, down));
    }

    fn alarm(&mut self, net: &mut Net, key: Key) {
        if self.stop_by.is_some_and(|by| by <= net.now()) {
            return self.with(net, key, |_, _, _| Step::Reset);
        }
        self.with(net, key, |engine, net, down| engine.woken(net, down));
    }

    fn command(&mut self, net: &mut Net, command: Command) {
        match command {
            Command::Register(wish, reply) => {
                // Whoever asked and does not wait any more needs no answer.
                let _ = reply.send(self.register(net, wish));
            }
            Command::Unregister(process, done) => {
                self.unregister(net, process);
                let _ = done.send(());
            }
            Command::Full(full) => self.full = full,
            Command::Caller(key, first, caller) => {
                // The exchange for which it was asked may have ended meanwhile, and its connection too.
                self.notes.list.push(Note::Caller(first, caller.clone()));
                self.with(net, key, |engine, _, down| {
                    let active = down.active.as_ref().and_then(|active| active.record.as_ref());
                    if let Some(record) = active.filter(|record| record.id != first) {
                        engine.notes.list.push(Note::Caller(record.id, caller.clone()));
                    }
                    down.caller = Some(caller);
                    Step::Wait
                });
            }
            Command::Send(request, id) => self.replay(net, &request, id),
            Command::Rules(rules) => self.rules = Rules::new(rules),
            Command::Say(channel, text) => self.tell_page(net, channel, Some(&text)),
            Command::Hush(channel) => self.tell_page(net, channel, None),
            Command::Read(came) => self.file_came(net, came),
            Command::LookedUp(found) => self.looked_up(net, found),
            Command::Stop(limit) => self.begin_stop(net, limit),
        }
    }

    fn gone(&mut self, net: &mut Net, key: Key) {
        // The client was lent out when it was lost; its server waits for nobody now.
        self.set_peer(key, Peer::None);
        for place in 0..self.peers.len() {
            if let Peer::Server { owner: Some(owner), .. } = &self.peers[place]
                && *owner == key
            {
                self.peers[place] = Peer::None;
                if let Some(key) = net.key_at(place) {
                    net.reset(key);
                }
            }
        }
        self.lose_pages(key);
        self.clients = self.clients_of(|_| true).len();
    }

    fn shed(&mut self, net: &mut Net) -> bool {
        self.make_room(net)
    }

    fn turn_ended(&mut self, net: &mut Net) {
        self.turn += 1;
        if !self.notes.list.is_empty() {
            self.recorder.notes(&mut self.notes.list);
            self.notes.list.clear();
        }
        self.notes.counters.active.store(self.clients, Ordering::Relaxed);
        if self.stopping && self.clients == 0 {
            net.stop();
        }
    }
}

impl Engine {
    /// A deadline has passed: for what depends on what the client and the server were doing.
    fn too_late(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        if down.phase == Phase::Head && down.head_begun {
            let refusal = crate::wire::http1::Refusal::new(408, "The head of the request did not come in time.");
            self.note_garbage(net, down, &refusal);
            let active = down.active.get_or_insert_default();
            crate::wire::http1::refusal_answer(&refusal, false, &mut active.download.out);
            return self.say_last(net, down);
        }
        if down.phase != Phase::Exchange {
            return Step::Close;
        }
        let Some(active) = &mut down.active else { return Step::Close };
        match (active.stage, active.answer.is_some()) {
            (Stage::Connecting, _) => {
                if let Some(upstream) = active.upstream.take() {
                    self.set_peer(upstream.link.key, Peer::None);
                    net.close(upstream.link.key);
                }
                active.attempt += 1;
                let tries_left =
                    active.origin.is_some_and(|id| active.attempt < self.upstreams.get(id).addresses.len());
                match tries_left {
                    true => self.try_address(net, down, None),
                    false => self.fail(net, down, 504, "timeout", "The server did not take the connection in time."),
                }
            }
            (Stage::Looking, _) => {
                self.fail(net, down, 504, "timeout", "The name of the server was not found in time.")
            }
            (Stage::Reading, _) => {
                self.fail(net, down, 504, "timeout", "The file that a rule names was not read in time.")
            }
            (Stage::Moving, false) if !active.upload.is_read() => {
                self.fail(net, down, 408, "timeout", "The client stopped sending within the request.")
            }
            (Stage::Moving, false) => {
                self.fail(net, down, 504, "timeout", "The server did not begin to answer in time.")
            }
            _ => self.fail(net, down, 504, "timeout", "Nothing moved within the answer for too long."),
        }
    }
}
