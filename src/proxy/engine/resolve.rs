//! Looks names of servers up on a thread of its own, which is started when the first name needs it.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Sender, channel};

use super::downstream::{Stage, Step};
use super::engine::{Command, Engine};
use super::upstream::OriginId;
use crate::io::net::{Commands, Key, Net};

/// What came of a lookup.
pub(crate) struct Found {
    origin: OriginId,
    name: (String, u16),
    result: std::io::Result<Vec<SocketAddr>>,
}

/// Asks the thread, and remembers who waits.
#[derive(Default)]
pub(super) struct Resolver {
    thread: Option<Sender<(OriginId, String, u16)>>,
    waiting: HashMap<OriginId, Vec<Key>>,
}

impl Resolver {
    fn ask(&mut self, commands: &Commands<Command>, origin: OriginId, host: String, port: u16) {
        let thread = self.thread.get_or_insert_with(|| start(commands.clone()));
        // If there is no thread, the deadline answers.
        let _ = thread.send((origin, host, port));
    }
}

/// It ends when the resolver is dropped and its present lookup is done.
fn start(commands: Commands<Command>) -> Sender<(OriginId, String, u16)> {
    let (ask, asked) = channel::<(OriginId, String, u16)>();
    let run = move || {
        for (origin, host, port) in asked {
            let result = (&*host, port).to_socket_addrs().map(Iterator::collect);
            commands.send(Command::LookedUp(Found { origin, name: (host, port), result }));
        }
    };
    // Without a thread nothing is found.
    let _ = std::thread::Builder::new().name("brummer-resolver".into()).spawn(run);
    ask
}

impl Engine {
    /// Asks for the addresses of a server; the client waits in [`Stage::Looking`].
    pub(super) fn look_up(&mut self, id: OriginId, client: Key) {
        let origin = self.upstreams.get(id);
        let waiting = self.resolver.waiting.entry(id).or_default();
        waiting.push(client);
        if waiting.len() == 1 {
            let (host, port) = (origin.host.clone(), origin.port);
            self.resolver.ask(&self.commands, id, host, port);
        }
    }

    pub(super) fn looked_up(&mut self, net: &mut Net, found: Found) {
        let waiting = self.resolver.waiting.remove(&found.origin).unwrap_or_default();
        let origin = self.upstreams.get_mut(found.origin);
        let mut why = None;
        if (&origin.host, origin.port) == (&found.name.0, found.name.1) {
            match found.result {
                Ok(addresses) => origin.addresses = addresses,
                Err(error) => why = Some(error.to_string()),
            }
        }
        for key in waiting {
            let why = why.clone();
            self.with(net, key, |engine, net, down| match &down.active {
                Some(active) if active.stage == Stage::Looking => {
                    engine.try_address(net, down, why.map(std::io::Error::other))
                }
                _ => Step::Wait,
            });
        }
    }
}
