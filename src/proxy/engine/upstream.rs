//! Servers: where they are, and the connections to them that wait for the next request.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::limits::{IDLE_UPSTREAMS, UPSTREAM_IDLE};
use super::tls::{Tls, Trust};
use crate::io::net::{Buffer, Key, Net};

/// Servers that are remembered; beyond, those without connections and routes are forgotten.
const ORIGINS_MAX: usize = 1024;

/// One end that bytes are read from and written to.
pub(super) struct Link {
    pub(super) key: Key,
    pub(super) tls: Option<Box<Tls>>,
}

impl Link {
    pub(super) fn plain(key: Key) -> Link {
        Link { key, tls: None }
    }

    pub(super) fn read_into(&mut self, net: &mut Net, buffer: &mut Buffer) -> io::Result<usize> {
        match &mut self.tls {
            None => net.read_into(self.key, buffer),
            Some(tls) => tls.read_into(net, self.key, buffer),
        }
    }

    pub(super) fn write(&mut self, net: &mut Net, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.tls {
            None => net.write(self.key, parts),
            Some(tls) => tls.write(net, self.key, parts),
        }
    }

    /// Says that nothing more will be written.
    pub(super) fn shutdown_write(&mut self, net: &mut Net) {
        if let Some(tls) = &mut self.tls {
            tls.say_goodbye(net, self.key);
        }
        net.shutdown_write(self.key);
    }

    /// Whether a connection that was begun stands, with its handshake.
    pub(super) fn connected(&mut self, net: &mut Net) -> Option<io::Result<()>> {
        match (net.connected(self.key)?, &mut self.tls) {
            (Err(error), _) => Some(Err(error)),
            (Ok(()), None) => Some(Ok(())),
            (Ok(()), Some(tls)) => tls.handshake(net, self.key),
        }
    }
}

/// Which server; a small number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct OriginId(usize);

/// A server.
pub(super) struct Origin {
    pub(super) secure: bool,
    /// The host without brackets, in lower case.
    pub(super) host: String,
    pub(super) port: u16,
    /// As it stands in Host: without the port that goes without saying.
    pub(super) authority: String,
    /// `http://authority`.
    pub(super) url: String,
    /// In the order in which they are tried; empty until the name was looked up.
    pub(super) addresses: Vec<SocketAddr>,
    idle: Vec<Link>,
    /// Routes and exchanges that hold on to it.
    pub(super) users: usize,
}

impl Origin {
    fn new(secure: bool, host: &str, port: u16) -> Origin {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let is_usual = port == if secure { 443 } else { 80 };
        let authority = if is_usual { shown } else { format!("{shown}:{port}") };
        let url = format!("{}://{authority}", if secure { "https" } else { "http" });
        let addresses = known_addresses(&host).into_iter().map(|address| SocketAddr::new(address, port)).collect();
        Origin { secure, host, port, authority, url, addresses, idle: Vec::new(), users: 0 }
    }

    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback_name(&self.host)
    }

    /// What was looked up may have changed: the next request looks again.
    pub(super) fn forget_addresses(&mut self) {
        if known_addresses(&self.host).is_empty() {
            self.addresses.clear();
        }
    }

    /// The address that answered comes first next time.
    pub(super) fn prefer(&mut self, address: SocketAddr) {
        if let Some(place) = self.addresses.iter().position(|known| *known == address) {
            self.addresses[..=place].rotate_right(1);
        }
    }
}

/// Whether a host (without brackets, in lower case) is this machine.
pub(super) fn is_loopback_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The addresses of a host that need no lookup. `localhost` is never looked up, and a server may listen on either of its two.
fn known_addresses(host: &str) -> Vec<IpAddr> {
    if let Ok(address) = host.parse::<IpAddr>() {
        // A server that says that it listens on all addresses is reached on the nearest.
        return match address {
            IpAddr::V4(address) if address.is_unspecified() => vec![Ipv4Addr::LOCALHOST.into()],
            IpAddr::V6(address) if address.is_unspecified() => {
                vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
            }
            address => vec![address],
        };
    }
    if is_loopback_name(host) {
        return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    Vec::new()
}

/// All servers.
pub(super) struct Upstreams {
    origins: Vec<Origin>,
    by_name: HashMap<(bool, String, u16), OriginId>,
    pub(super) trust: Trust,
}

impl Upstreams {
    pub(super) fn new() -> Upstreams {
        Upstreams { origins: Vec::new(), by_name: HashMap::new(), trust: Trust::default() }
    }

    /// The server of this name. `None` when too many are in use.
    pub(super) fn find(&mut self, net: &mut Net, secure: bool, host: &str, port: u16) -> Option<OriginId> {
        let origin = Origin::new(secure, host, port);
        let name = (secure, origin.host.clone(), port);
        if let Some(id) = self.by_name.get(&name) {
            return Some(*id);
        }
        let id = if self.origins.len() < ORIGINS_MAX {
            self.origins.push(origin);
            OriginId(self.origins.len() - 1)
        } else {
            let place = self.origins.iter().position(|origin| origin.users == 0)?;
            let old = std::mem::replace(&mut self.origins[place], origin);
            old.idle.into_iter().for_each(|link| net.close(link.key));
            self.by_name.retain(|_, id| id.0 != place);
            OriginId(place)
        };
        self.by_name.insert(name, id);
        Some(id)
    }

    pub(super) fn get(&self, id: OriginId) -> &Origin {
        &self.origins[id.0]
    }

    pub(super) fn get_mut(&mut self, id: OriginId) -> &mut Origin {
        &mut self.origins[id.0]
    }

    /// A connection that waits, the one used last: it is the least likely to be closed by the server now.
    pub(super) fn take_idle(&mut self, net: &mut Net, id: OriginId) -> Option<Link> {
        while let Some(link) = self.origins[id.0].idle.pop() {
            if net.is_open(link.key) && !net.has_ended(link.key) {
                net.set_deadline(link.key, None);
                return Some(link);
            }
            net.close(link.key);
        }
        None
    }

    /// Keeps a connection for the next request, as long as the server said it would.
    pub(super) fn keep(&mut self, net: &mut Net, id: OriginId, link: Link, promised: Option<u64>) {
        let origin = &mut self.origins[id.0];
        // A second less than promised, so that both do not meet.
        let seconds = promised.map_or(UPSTREAM_IDLE.as_secs(), |seconds| seconds.saturating_sub(1));
        if origin.idle.len() >= IDLE_UPSTREAMS || seconds == 0 {
            return net.close(link.key);
        }
        net.set_deadline(link.key, Some(UPSTREAM_IDLE.min(std::time::Duration::from_secs(seconds))));
        origin.idle.push(link);
    }

    /// A connection that waited is of no use any more.
    pub(super) fn drop_idle(&mut self, net: &mut Net, id: OriginId, key: Key) {
        self.origins[id.0].idle.retain(|link| link.key != key);
        net.close(key);
    }

    /// Closes all connections that wait at this server.
    pub(super) fn close_idle(&mut self, net: &mut Net, id: OriginId) {
        self.origins[id.0].idle.drain(..).for_each(|link| net.close(link.key));
    }

    /// Closes one connection that waits, if there is one.
    pub(super) fn shed(&mut self, net: &mut Net) -> bool {
        let Some(origin) = self.origins.iter_mut().max_by_key(|origin| origin.idle.len()) else { return false };
        if origin.idle.is_empty() {
            return false;
        }
        net.close(origin.idle.remove(0).key);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_need_no_lookup() {
        for (host, addresses) in [
            ("localhost", vec!["127.0.0.1:80", "[::1]:80"]),
            ("web.localhost", vec!["127.0.0.1:80", "[::1]:80"]),
            ("[::1]", vec!["[::1]:80"]),
            ("0.0.0.0", vec!["127.0.0.1:80"]),
            ("example.com", vec![]),
        ] {
            let origin = Origin::new(false, host, 80);
            assert_eq!(origin.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), addresses, "{host}");
        }
        assert_eq!(Origin::new(true, "[::1]", 5173).url, "https://[::1]:5173");
        assert_eq!(Origin::new(true, "A.test", 443).url, "https://a.test");
        assert!(is_loopback_name("127.0.0.1") && is_loopback_name("::ffff:127.0.0.1") && !is_loopback_name("10.0.0.1"));
    }
}
