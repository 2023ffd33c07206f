//! What a service holds in its hands: listeners, connections, deadlines, and the time of the turn.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use super::buffer::{Buffer, Buffers};
use super::key::Key;
use super::listen::{self, ListenerId};
use super::pipe::{Pipe, Pipes};
use super::socket::Socket;
use super::wheel::Wheel;
use crate::error::{Error, Result};

/// One tick of the deadlines. They are coarse: late by up to two ticks, never early.
const TICK: Duration = Duration::from_millis(125);

/// A port, bound for one or two families.
pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) sockets: Vec<TcpListener>,
}

struct Place {
    generation: u32,
    socket: Option<Socket>,
}

/// The listeners and connections of a loop. All calls with the key of a connection that is gone do nothing or fail.
pub struct Net {
    registry: Registry,
    places: Vec<Place>,
    free: Vec<usize>,
    /// Listeners by token; a place is not used twice, so that a late event finds nobody.
    pub(super) listeners: Vec<Option<Listener>>,
    pub(super) accepting: Vec<usize>,
    pub(super) queue: VecDeque<Key>,
    wheel: Wheel,
    alarms: BinaryHeap<Reverse<(Instant, Key)>>,
    started: Instant,
    pub(super) now: Instant,
    pub(super) stopped: bool,
    pipes: Pipes,
    /// Memory for bytes.
    pub buffers: Buffers,
}

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Net({} connections)", self.len())
    }
}

impl Net {
    pub(super) fn new(registry: Registry) -> Net {
        let now = Instant::now();
        Net {
            registry,
            places: Vec::new(),
            free: Vec::new(),
            listeners: Vec::new(),
            accepting: Vec::new(),
            queue: VecDeque::new(),
            wheel: Wheel::new(),
            alarms: BinaryHeap::new(),
            started: now,
            now,
            stopped: false,
            pipes: Pipes::default(),
            buffers: Buffers::default(),
        }
    }

    /// When this turn began.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Listens on `port` (0: one that is free) of 127.0.0.1 and ::1, or of all addresses with `lan`; the port is in the answer.
    ///
    /// # Errors
    /// The port is taken (the error names it) or may not be used.
    pub fn listen(&mut self, port: u16, lan: bool) -> Result<(ListenerId, u16)> {
        let (port, sockets) = listen::bind(port, lan)?;
        let id = ListenerId(self.listeners.len());
        let mut listener = Listener { id, sockets };
        for socket in &mut listener.sockets {
            self.registry
                .register(socket, Token(id.0), Interest::READABLE)
                .map_err(|error| Error::io("net", format!("watch port {port}"), error))?;
        }
        self.listeners.push(Some(listener));
        Ok((id, port))
    }

    /// Stops listening; its connections stay.
    pub fn unlisten(&mut self, id: ListenerId) {
        self.listeners.get_mut(id.0).map(Option::take);
    }

    /// Begins to connect; [`Net::connected`] says how that went, once [`Service::ready`](super::Service::ready) was called.
    ///
    /// # Errors
    /// The attempt could not even begin.
    pub fn connect(&mut self, address: SocketAddr) -> io::Result<Key> {
        let stream = TcpStream::connect(address)?;
        let _ = stream.set_nodelay(true);
        self.insert(stream, true)
    }

    /// A connection without a peer: it takes everything that is written, and nothing ever comes over it.
    pub fn void(&mut self) -> Key {
        let key = self.free_place();
        self.places[key.index()].socket = Some(Socket::new(None, false));
        key
    }

    fn free_place(&mut self) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 1, socket: None });
            self.places.len() - 1
        });
        Key::new(index, self.places[index].generation)
    }

    pub(super) fn insert(&mut self, mut stream: TcpStream, connecting: bool) -> io::Result<Key> {
        let key = self.free_place();
        if let Err(error) = self.registry.register(&mut stream, key.token(), Interest::READABLE | Interest::WRITABLE) {
            self.free.push(key.index());
            return Err(error);
        }
        self.places[key.index()].socket = Some(Socket::new(Some(stream), connecting));
        Ok(key)
    }

    pub(super) fn socket(&mut self, key: Key) -> Option<&mut Socket> {
        let place = self.places.get_mut(key.index()).filter(|place| place.generation == key.generation())?;
        place.socket.as_mut()
    }

    /// The connection at this place, if there is one.
    pub fn key_at(&self, index: usize) -> Option<Key> {
        let place = self.places.get(index)?;
        place.socket.as_ref().map(|_| Key::new(index, place.generation))
    }

    /// Whether the connection is there.
    pub fn is_open(&mut self, key: Key) -> bool {
        self.socket(key).is_some()
    }

    /// Whether a connection that was begun stands: `None` while that is open.
    pub fn connected(&mut self, key: Key) -> Option<io::Result<()>> {
        self.socket(key).map_or(Some(Err(ErrorKind::NotConnected.into())), Socket::connected)
    }

    /// Whether a read may give something: bytes, the end, or an error.
    pub fn is_readable(&mut self, key: Key) -> bool {
        self.socket(key).is_some_and(|socket| socket.is_readable())
    }

    /// Whether a write may be taken.
    pub fn is_writable(&mut self, key: Key) -> bool {
        self.socket(key).is_some_and(|socket| socket.is_writable())
    }

    /// Whether the peer has shut its side down; bytes may still be there to be read.
    pub fn has_ended(&mut self, key: Key) -> bool {
        self.socket(key).is_some_and(|socket| socket.has_ended())
    }

    /// Reads once. 0 is the end; `WouldBlock` that nothing is there.
    ///
    /// # Errors
    /// As of `read(2)`.
    pub fn read(&mut self, key: Key, room: &mut [u8]) -> io::Result<usize> {
        self.socket(key).map_or(Err(ErrorKind::NotConnected.into()), |socket| socket.read(room))
    }

    /// Reads once into the buffer, which is lent memory for it. `WouldBlock` also when the buffer is full.
    ///
    /// # Errors
    /// As of `read(2)`.
    pub fn read_into(&mut self, key: Key, buffer: &mut Buffer) -> io::Result<usize> {
        if buffer.is_full() || !self.is_readable(key) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let Net { places, buffers, .. } = self;
        let socket = places.get_mut(key.index()).and_then(|place| place.socket.as_mut());
        let result = socket.map_or(Err(ErrorKind::NotConnected.into()), |socket| socket.read(buffer.room(buffers)));
        match &result {
            Ok(count) => buffer.filled(*count),
            Err(_) => buffer.settle(buffers),
        }
        result
    }

    /// Writes once; as much as is taken.
    ///
    /// # Errors
    /// As of `writev(2)`.
    pub fn write(&mut self, key: Key, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket(key).map_or(Err(ErrorKind::NotConnected.into()), |socket| socket.write(parts))
    }

    /// Lends a pipe between these two, if the system can move bytes between them without a copy.
    pub fn lend_pipe(&mut self, from: Key, to: Key) -> Option<Pipe> {
        let has_stream = |key| self.socket(key).is_some_and(|socket| socket.stream.is_some());
        if [from, to].into_iter().all(has_stream) { self.pipes.lend() } else { None }
    }

    /// Takes a pipe back; one with bytes in it is closed.
    pub fn return_pipe(&mut self, pipe: Pipe) {
        self.pipes.take_back(pipe);
    }

    /// Moves up to `most` bytes from the connection into the pipe, which must be empty. 0 is the end; `WouldBlock` that nothing is there.
    ///
    /// # Errors
    /// As of `splice(2)`.
    pub fn fill(&mut self, key: Key, pipe: &mut Pipe, most: usize) -> io::Result<usize> {
        self.socket(key).map_or(Err(ErrorKind::NotConnected.into()), |socket| socket.fill(pipe, most))
    }

    /// Moves what waits in the pipe to the connection; as much as is taken.
    ///
    /// # Errors
    /// As of `splice(2)`.
    pub fn drain(&mut self, key: Key, pipe: &mut Pipe) -> io::Result<usize> {
        self.socket(key).map_or(Err(ErrorKind::NotConnected.into()), |socket| socket.drain(pipe))
    }

    /// Says that nothing more will be written.
    pub fn shutdown_write(&mut self, key: Key) {
        if let Some(stream) = self.socket(key).and_then(|socket| socket.stream.as_ref()) {
            // A peer that is gone already needs no word.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    /// Closes the connection; the key is no longer one.
    pub fn close(&mut self, key: Key) {
        if self.socket(key).is_none() {
            return;
        }
        let place = &mut self.places[key.index()];
        if let Some(mut stream) = place.socket.take().and_then(|socket| socket.stream) {
            // Closing the descriptor would do it as well; this is what mio asks for.
            let _ = self.registry.deregister(&mut stream);
        }
        place.generation = place.generation.checked_add(1).unwrap_or(1);
        self.wheel.remove(key.index());
        self.free.push(key.index());
    }

    /// Closes the connection so that the peer sees a failure, not an end.
    pub fn reset(&mut self, key: Key) {
        if let Some(socket) = self.socket(key) {
            socket.reset_on_close();
        }
        self.close(key);
    }

    /// The address of the other end.
    pub fn peer(&mut self, key: Key) -> Option<SocketAddr> {
        self.socket(key)?.stream.as_ref()?.peer_addr().ok()
    }

    /// The address of this end.
    pub fn local(&mut self, key: Key) -> Option<SocketAddr> {
        self.socket(key)?.stream.as_ref()?.local_addr().ok()
    }

    /// Gives the connection another look in the next turn, so that the others come first.
    pub fn again(&mut self, key: Key) {
        let Some(socket) = self.socket(key) else { return };
        if !std::mem::replace(&mut socket.queued, true) {
            self.queue.push_back(key);
        }
    }

    /// Sets the connection's one deadline (coarsely: up to a quarter of a second late), or takes it away.
    pub fn set_deadline(&mut self, key: Key, after: Option<Duration>) {
        if self.socket(key).is_none() {
            return;
        }
        match after {
            Some(after) => {
                let due = (self.now - self.started + after).as_nanos().div_ceil(TICK.as_nanos());
                self.wheel.arm(key.index(), due as u64);
            }
            None => self.wheel.disarm(key.index()),
        }
    }

    /// Calls [`Service::alarm`](super::Service::alarm) at this time, to the millisecond; a connection may have several.
    pub fn alarm(&mut self, key: Key, at: Instant) {
        self.alarms.push(Reverse((at, key)));
    }

    /// Ends the loop after this turn.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// How long the poll may wait.
    pub(super) fn timeout(&self) -> Option<Duration> {
        if !self.queue.is_empty() || !self.accepting.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = self.wheel.next().map(|tick| self.started + TICK * u32::try_from(tick).unwrap_or(u32::MAX));
        let alarm = self.alarms.peek().map(|Reverse((at, _))| *at);
        let next = [deadline, alarm].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(self.now))
    }

    /// Those whose deadlines have passed.
    pub(super) fn due(&mut self) -> Vec<Key> {
        let tick = (self.now - self.started).as_nanos() / TICK.as_nanos();
        let mut due = Vec::new();
        self.wheel.turn(tick as u64, &mut due);
        due.into_iter().map(|index| Key::new(index, self.places[index].generation)).collect()
    }

    pub(super) fn next_alarm(&mut self) -> Option<Key> {
        self.alarms.peek().filter(|Reverse((at, _))| *at <= self.now)?;
        self.alarms.pop().map(|Reverse((_, key))| key)
    }
}
