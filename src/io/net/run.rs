//! The loop: wait, take commands, accept, look at what is ready, run deadlines.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::queue::SegQueue;
use mio::net::TcpStream;
use mio::{Events, Poll, Waker};

use super::key::{Key, Named, WAKER};
use super::listen::ListenerId;
use super::net::Net;
use super::service::Service;
use crate::error::{Error, Result};
use crate::runtime::panics::contain;

/// Events of one look at the poll.
const EVENTS: usize = 512;
/// Connections that a listener takes in one turn.
const ACCEPTS_MAX: usize = 64;
/// How long a listener rests when there are no descriptors.
const REST: Duration = Duration::from_millis(100);

struct Shared<C> {
    commands: SegQueue<C>,
    waker: Waker,
}

/// Sends commands to a loop, from any thread.
///
/// - **Thread safety**: `Send + Sync`, cheap to clone. **Progress**: lock-free. **Waits**: none. **Cleanup**: none.
pub struct Commands<C>(Arc<Shared<C>>);

impl<C> Clone for Commands<C> {
    fn clone(&self) -> Commands<C> {
        Commands(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Commands<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commands")
    }
}

impl<C> Commands<C> {
    /// Hands a command over; it is dropped if the loop has ended.
    pub fn send(&self, command: C) {
        self.0.commands.push(command);
        // Waking fails only when the descriptor is gone, which it is not before the last handle is.
        let _ = self.0.waker.wake();
    }
}

/// The thread of a loop.
///
/// - **Thread safety**: `Send + Sync`. **Waits**: [`Thread::join`] for the loop's end. **Cleanup**: the loop ends when its service
///   says so ([`Net::stop`]); dropping this does not end it.
pub struct Thread<C> {
    commands: Commands<C>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<C> fmt::Debug for Thread<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thread")
    }
}

impl<C: Send + 'static> Thread<C> {
    /// Makes a net, lets `begin` open its listeners and make the service, and starts the thread.
    ///
    /// # Errors
    /// What `begin` says, or the system has no poll or no thread for it.
    pub fn start<S: Service<Command = C> + Send>(
        name: &str,
        begin: impl FnOnce(&mut Net, &Commands<C>) -> Result<S>,
    ) -> Result<Thread<C>> {
        let failed = |error| Error::io("net", format!("start the thread {name}"), error);
        let poll = Poll::new().map_err(failed)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(failed)?;
        let commands = Commands(Arc::new(Shared { commands: SegQueue::new(), waker }));
        let mut net = Net::new(poll.registry().try_clone().map_err(failed)?);
        let service = begin(&mut net, &commands)?;
        let run = Run { poll, net, service, shared: Arc::clone(&commands.0), rest_until: None };
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || run.run()).map_err(failed)?;
        Ok(Thread { commands, thread: Mutex::new(Some(thread)) })
    }

    /// The way to the loop.
    pub fn commands(&self) -> &Commands<C> {
        &self.commands
    }

    /// Waits until the loop has ended, unless the caller is the loop.
    pub fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        if thread.thread().id() != std::thread::current().id() {
            // Panics of the service are contained; one of the loop itself has nobody left to tell.
            let _ = thread.join();
        }
    }
}

struct Run<S: Service> {
    poll: Poll,
    net: Net,
    service: S,
    shared: Arc<Shared<S::Command>>,
    /// Listeners rest until then, because there were no descriptors.
    rest_until: Option<Instant>,
}

impl<S: Service> Run<S> {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        while !self.net.stopped {
            if let Err(error) = self.poll.poll(&mut events, self.timeout())
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Only a closed or foreign descriptor makes the poll fail: the loop cannot go on.
                return;
            }
            self.net.now = Instant::now();
            self.sort(&events);
            self.take_commands();
            self.accept();
            self.look();
            self.run_deadlines();
            let Run { service, net, .. } = &mut self;
            let _ = contain("net", || service.turn_ended(net));
        }
    }

    fn timeout(&self) -> Option<Duration> {
        match self.rest_until {
            Some(until) if self.net.queue.is_empty() => {
                // While listeners rest, what they would accept is no reason not to wait.
                Some(until.saturating_duration_since(Instant::now()))
            }
            _ => self.net.timeout(),
        }
    }

    fn sort(&mut self, events: &Events) {
        for event in events {
            match Named::by(event.token()) {
                Named::Waker => {}
                Named::Listener(listener) if self.net.accepting.contains(&listener) => {}
                Named::Listener(listener) => self.net.accepting.push(listener),
                Named::Connection(key) => {
                    if let Some(socket) = self.net.socket(key) {
                        socket.happened(event);
                        self.net.again(key);
                    }
                }
            }
        }
    }

    fn take_commands(&mut self) {
        while let Some(command) = self.shared.commands.pop() {
            let Run { service, net, .. } = self;
            let _ = contain("net", || service.command(net, command));
        }
    }

    fn accept(&mut self) {
        if self.rest_until.take_if(|until| *until <= self.net.now).is_none() && self.rest_until.is_some() {
            return;
        }
        for listener in std::mem::take(&mut self.net.accepting) {
            if self.accept_from(listener) {
                self.net.accepting.push(listener);
            }
        }
    }

    /// Takes a batch; whether there may be more.
    fn accept_from(&mut self, place: usize) -> bool {
        for _ in 0..ACCEPTS_MAX {
            match self.accept_one(place) {
                Some(Ok((id, stream, peer))) => self.accepted(id, stream, peer),
                None => return false,
                Some(Err(error)) if is_of_one_connection(&error) => {}
                Some(Err(_)) => {
                    // No descriptors or no memory: the connection waits in the backlog, and no event would tell of it again.
                    let Run { service, net, .. } = self;
                    if !contain("net", || service.shed(net)).unwrap_or(false) {
                        self.rest_until = Some(self.net.now + REST);
                        return true;
                    }
                }
            }
        }
        true
    }

    fn accept_one(&mut self, place: usize) -> Option<io::Result<(ListenerId, TcpStream, SocketAddr)>> {
        let listener = self.net.listeners.get(place)?.as_ref()?;
        listener.sockets.iter().find_map(|socket| match socket.accept() {
            Ok((stream, peer)) => Some(Ok((listener.id, stream, peer))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(Err(error)),
        })
    }

    fn accepted(&mut self, id: ListenerId, stream: TcpStream, peer: SocketAddr) {
        // Small answers shall not wait for acknowledgements; a stream that is gone already is noticed when it is read.
        let _ = stream.set_nodelay(true);
        let Ok(key) = self.net.insert(stream, false) else { return };
        let Run { service, net, .. } = self;
        if contain("net", || service.accepted(net, id, key, peer)).is_err() {
            self.lose(key);
        }
        self.net.again(key);
    }

    /// Looks at everybody who was ready when the turn began; whoever asks for more comes in the next turn.
    fn look(&mut self) {
        for _ in 0..self.net.queue.len() {
            let Some(key) = self.net.queue.pop_front() else { return };
            let Some(socket) = self.net.socket(key) else { continue };
            socket.queued = false;
            let Run { service, net, .. } = self;
            if contain("net", || service.ready(net, key)).is_err() {
                self.lose(key);
            }
        }
    }

    fn run_deadlines(&mut self) {
        for key in self.net.due() {
            if !self.net.is_open(key) {
                continue;
            }
            let Run { service, net, .. } = self;
            if contain("net", || service.deadline(net, key)).is_err() {
                self.lose(key);
            }
        }
        while let Some(key) = self.net.next_alarm() {
            if !self.net.is_open(key) {
                continue;
            }
            let Run { service, net, .. } = self;
            if contain("net", || service.alarm(net, key)).is_err() {
                self.lose(key);
            }
        }
    }

    /// After a panic: nobody knows how far it went.
    fn lose(&mut self, key: Key) {
        self.net.reset(key);
        let Run { service, net, .. } = self;
        let _ = contain("net", || service.gone(net, key));
    }
}

/// A client that has gone before it was taken says nothing of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
