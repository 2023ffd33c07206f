//! Gives servers addresses of ours, and takes them away with their processes.

use std::sync::Arc;
use std::time::SystemTime;

use super::control::PageOrigin;
use super::engine::Engine;
use super::rewrite::Pair;
use super::site::{Role, Route, Site, slug};
use crate::error::{Code, Error, Result};
use crate::event::ProcessId;
use crate::io::net::{ListenerId, Net};
use crate::proxy::exchange::Mode;
use crate::sync::CowCell;

/// Ports that are tried from the first one up.
const PORTS: u16 = 1000;

/// A server and its address of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The server: `http://127.0.0.1:5173`.
    pub url: Arc<str>,
    /// Its address of ours: `http://localhost:20888`.
    pub proxy_url: Arc<str>,
    /// Its port of ours.
    pub port: u16,
    /// Its address by name, on the control port: `http://web.localhost:19888`.
    pub name_url: Arc<str>,
    /// The process whose server it is.
    pub process: ProcessId,
    /// That process's name.
    pub process_name: Arc<str>,
    /// What the process calls the server.
    pub label: Arc<str>,
    /// Since when.
    pub created: SystemTime,
}

/// A server that shall have an address.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) process: ProcessId,
    pub(crate) process_name: Arc<str>,
    pub(crate) label: Arc<str>,
    /// The port of ours that it had before.
    pub(crate) preferred: Option<u16>,
    /// Ports that belong to other servers.
    pub(crate) reserved: Vec<u16>,
}

/// What is known of all addresses.
pub(super) struct Registry {
    first_port: u16,
    mappings: Arc<CowCell<Vec<Mapping>>>,
}

impl Registry {
    pub(super) fn new(first_port: u16, mappings: Arc<CowCell<Vec<Mapping>>>) -> Registry {
        Registry { first_port, mappings }
    }
}

impl Engine {
    /// Gives a server an address; one that has an address keeps it.
    pub(super) fn register(&mut self, net: &mut Net, wish: Wish) -> Result<Mapping> {
        if self.stopping {
            return Err(Error::new("proxy", Code::InvalidState, "the proxy is stopping: no address can be given"));
        }
        let Some(origin) = self.upstreams.find(net, wish.secure, &wish.host, wish.port) else {
            return Err(Error::new("proxy", Code::ResourceLimit, "too many servers have addresses"));
        };
        let place = self.routes.iter().position(|route| route.as_ref().is_some_and(|r| r.site.origin == origin));
        let (place, listener, port, name) = match place.and_then(|place| Some((place, self.routes[place].take()?))) {
            Some((place, route)) => (place, route.listener, route.port, route.name),
            None => {
                let (listener, port) = self.open_port(net, &wish)?;
                self.upstreams.get_mut(origin).users += 1;
                let free = self.routes.iter().position(Option::is_none);
                let place = free.unwrap_or_else(|| {
                    self.routes.push(None);
                    self.routes.len() - 1
                });
                self.roles.insert(listener, Role::Reverse(place));
                (place, listener, port, self.free_name(&wish))
            }
        };
        let proxy_url: Arc<str> = format!("http://localhost:{port}").into();
        let process = Some((wish.process, Arc::clone(&wish.process_name)));
        let page = PageOrigin { origin: Arc::clone(&proxy_url), process: process.clone() };
        let pseudonym = format!("brummer-{port}");
        let mapping = Mapping {
            url: Arc::from(&*self.upstreams.get(origin).url),
            proxy_url,
            port,
            name_url: format!("http://{name}.localhost:{}", self.port).into(),
            process: wish.process,
            process_name: wish.process_name,
            label: wish.label,
            created: SystemTime::now(),
        };
        let site = Arc::new(Site { origin, mode: Mode::Reverse, process, page, pseudonym });
        self.routes[place] = Some(Route { site, listener, port, name });
        self.tell(|mappings| match mappings.iter_mut().find(|other| other.port == port) {
            Some(other) => *other = Mapping { created: other.created, ..mapping.clone() },
            None => mappings.push(mapping.clone()),
        });
        Ok(mapping)
    }

    fn open_port(&mut self, net: &mut Net, wish: &Wish) -> Result<(ListenerId, u16)> {
        let first = self.registry.first_port;
        let fresh = (first..=first.saturating_add(PORTS)).filter(|port| first == 0 || !wish.reserved.contains(port));
        let mut last = None;
        for port in wish.preferred.into_iter().chain(fresh) {
            match net.listen(port, self.lan) {
                Ok(opened) => return Ok(opened),
                Err(error) if error.code() == Code::AlreadyExists => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::new("proxy", Code::ResourceLimit, "no port is free for another server")))
    }

    /// The process's name, or what tells its servers apart.
    fn free_name(&self, wish: &Wish) -> String {
        let name = slug(&wish.process_name);
        let label = slug(&wish.label);
        let numbered = format!("{}-{}", if name.is_empty() { "server" } else { &name }, wish.port);
        let taken = |name: &str| self.routes.iter().flatten().any(|route| route.name == name);
        [name, label].into_iter().find(|name| !name.is_empty() && !taken(name)).unwrap_or(numbered)
    }

    /// Takes the addresses of a process away.
    pub(super) fn unregister(&mut self, net: &mut Net, process: ProcessId) {
        for place in 0..self.routes.len() {
            let is_its = |route: &mut Route| route.site.process.as_ref().is_some_and(|(id, _)| *id == process);
            let Some(route) = self.routes[place].take_if(is_its) else { continue };
            net.unlisten(route.listener);
            self.roles.remove(&route.listener);
            self.close_clients(net, |down| down.role == Role::Reverse(place));
            self.upstreams.close_idle(net, route.site.origin);
            self.upstreams.get_mut(route.site.origin).users -= 1;
        }
        self.tell(|mappings| mappings.retain(|mapping| mapping.process != process));
    }

    fn tell(&mut self, change: impl Fn(&mut Vec<Mapping>)) {
        self.registry.mappings.update(|mappings| {
            let mut mappings = mappings.clone();
            change(&mut mappings);
            mappings
        });
        let pair = |route: &Route| Pair {
            port: route.port,
            name: route.name.clone(),
            url: self.upstreams.get(route.site.origin).url.clone(),
        };
        self.pairs.list = self.routes.iter().flatten().map(pair).collect();
    }
}
