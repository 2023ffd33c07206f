//! Servers and addresses of this machine: what a URL of one stands for, and where others of the network reach it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

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
    fn the_own_address_is_one_of_this_machine() {
        // A machine may be in no network.
        if let Some(own) = own_address() {
            assert!(UdpSocket::bind((own, 0)).is_ok(), "{own}");
        }
    }
}
