//! Servers and addresses of this machine: what a URL of one stands for, and where others of the network reach it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// A server of this machine, and a place there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// It wants TLS.
    pub is_secure: bool,
    /// Host and port as they stand in the URL.
    pub authority: &'a str,
    /// Where it can be: never the address of another machine.
    pub addresses: Vec<SocketAddr>,
    /// Path and query, without a fragment; may be empty.
    pub path: &'a str,
}

impl<'a> Target<'a> {
    /// Takes a URL apart; `None` unless it is HTTP of a server on this machine, and fit for a request line.
    ///
    /// ```
    /// use brummer::io::local::Target;
    /// assert_eq!(Target::of("http://web.localhost:3/a?b#c").unwrap().path, "/a?b");
    /// assert_eq!(Target::of("http://example.com/"), None);
    /// ```
    pub fn of(url: &'a str) -> Option<Target<'a>> {
        let (is_secure, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (None, rest) => (true, rest?),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = path.split('#').next().unwrap_or_default();
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) || authority.contains('@') {
            return None;
        }
        let (host, port) = (host(url)?.to_ascii_lowercase(), port(url)?);
        let addresses: Vec<IpAddr> = if host == "localhost" || host.ends_with(".localhost") {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        } else {
            vec![host.parse().ok().filter(is_own)?]
        };
        let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        Some(Target { is_secure, authority, addresses, path })
    }

    /// Whether it can be reached on this machine alone.
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().is_loopback())
    }

    /// A connection to the first of its addresses that takes one.
    ///
    /// # Errors
    /// What the system said of the last of them.
    pub fn connect(&self, until: Instant) -> io::Result<TcpStream> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in &self.addresses {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(address, left.min(Duration::from_secs(1))) {
                Ok(stream) => {
                    stream.set_write_timeout(Some(left))?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Whether an address is one of this machine: loopback, or a private one that a socket can have here.
fn is_own(ip: &IpAddr) -> bool {
    let is_private = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    };
    ip.is_loopback() || (is_private && UdpSocket::bind((*ip, 0)).is_ok())
}

/// The host of a URL, without the brackets of an IPv6 address; none where it has no scheme.
///
/// ```
/// use brummer::io::local::host;
/// assert_eq!(host("http://localhost:3000/a:b"), Some("localhost"));
/// assert_eq!(host("http://[::1]:3000"), Some("::1"));
/// ```
pub fn host(url: &str) -> Option<&str> {
    let authority = authority(url)?;
    match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(host, _)| host),
        None => Some(authority.split_once(':').map_or(authority, |(host, _)| host)),
    }
}

/// The port of a URL; that of its scheme where it names none.
///
/// ```
/// use brummer::io::local::port;
/// assert_eq!((port("http://[::1]:3000/x"), port("https://localhost"), port("http://a:b")), (Some(3000), Some(443), None));
/// ```
pub fn port(url: &str) -> Option<u16> {
    let authority = authority(url)?;
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    match after_host.split_once(':') {
        Some((_, port)) => port.parse().ok(),
        None => Some(if url.starts_with("https:") { 443 } else { 80 }),
    }
}

/// Host and port as they stand in the URL.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

/// The address by which other devices of the network know this machine, if it is in one. Nothing is sent for that: the
/// system is asked which address it would send from.
pub fn own_address() -> Option<Ipv4Addr> {
    // An address that documents use, so nobody's.
    let far = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(far).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(own) if !own.is_loopback() && !own.is_unspecified() => Some(own),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_of_this_machine_are_targets() {
        for url in [
            "http://example.com/",
            // For documents, and nobody's.
            "http://192.0.2.1/",
            "http://8.8.8.8/",
            "file:///etc/passwd",
            "localhost:1",
            "http://localhost.evil.com/",
            "http://user@localhost/",
            "http://localhost:1/a b",
            "http://localhost:1/a\r\nX: y",
            "http://localhost:x/",
        ] {
            assert_eq!(Target::of(url), None, "{url}");
        }
        let target = Target::of("https://[::1]:3?a").unwrap();
        assert!(target.is_secure && target.is_loopback());
        assert_eq!((target.addresses, target.path), (vec!["[::1]:3".parse().unwrap()], "?a"));
        if let Some(own) = own_address().filter(Ipv4Addr::is_private) {
            let url = format!("http://{own}:1/");
            assert!(Target::of(&url).is_some_and(|target| !target.is_loopback()), "{own}");
        }
    }

    #[test]
    fn the_own_address_is_one_of_this_machine() {
        // A machine may be in no network.
        if let Some(own) = own_address() {
            assert!(UdpSocket::bind((own, 0)).is_ok(), "{own}");
        }
    }
}
