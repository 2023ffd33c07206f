//! One port on one or more addresses, and taking connections from it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::net::TcpListener;

use crate::error::{Error, Result};

/// Names a listener; never another one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub(super) usize);

/// How often another port is tried when the system's choice for one family is taken in the other.
const TRIES: usize = 16;

/// The addresses that a port is bound on.
pub(super) fn hosts(lan: bool) -> [IpAddr; 2] {
    if lan {
        [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]
    } else {
        [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
    }
}

/// Binds `port` (0: one that is free) for both families, as far as the machine has them.
pub(super) fn bind(port: u16, lan: bool) -> Result<(u16, Vec<TcpListener>)> {
    let mut result = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..if port == 0 { TRIES } else { 1 } {
        result = bind_both(port, lan);
        if result.as_ref().err().is_none_or(|error| error.kind() != io::ErrorKind::AddrInUse) {
            break;
        }
    }
    result.map_err(|error| {
        let name = match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("listen on port {port}: another program listens there; choose another port or stop it")
            }
            _ => format!("listen on port {port}"),
        };
        Error::io("net", name, error).with("port", port.to_string())
    })
}

fn bind_both(port: u16, lan: bool) -> io::Result<(u16, Vec<TcpListener>)> {
    let [v4, v6] = hosts(lan);
    let first = TcpListener::bind(SocketAddr::new(v4, port))?;
    let port = first.local_addr()?.port();
    match listen_v6(SocketAddr::new(v6, port)) {
        Ok(second) => Ok((port, vec![first, second])),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && !lan => Err(error),
        // A machine without IPv6, or (for all addresses) one whose IPv6 sockets take IPv4 as well.
        Err(_) => Ok((port, vec![first])),
    }
}

fn listen_v6(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}
