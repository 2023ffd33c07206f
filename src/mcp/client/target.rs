//! Where a server is: an address of this machine, a path, and the token it asks for.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::error::{Code, Error, Result};
use crate::wire::http1::split_authority;

/// A server on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// How it is called in messages.
    pub label: String,
    /// `host:port`, as it stands in the URL.
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) addresses: Vec<SocketAddr>,
    /// What it is to be told as `Authorization: Bearer …`.
    pub token: Option<String>,
    /// Which instance has to answer there, if that is known; whoever does not say that it is that one is another.
    pub instance: Option<String>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { label, authority, path, token, instance, .. } = self;
        let mut told = f.debug_struct("Target");
        told.field("label", label).field("authority", authority).field("path", path);
        told.field("shows_token", &token.is_some()).field("instance", instance).finish_non_exhaustive()
    }
}

impl Target {
    /// A server by its URL: `http://127.0.0.1:7777/mcp`.
    ///
    /// # Errors
    /// It is no URL of this machine: calls go nowhere else.
    ///
    /// ```
    /// use brummer::mcp::client::Target;
    /// assert!(Target::of("shop", "http://127.0.0.1:7777/mcp").is_ok());
    /// assert!(Target::of("shop", "http://192.0.2.1:7777/mcp").is_err());
    /// ```
    pub fn of(label: &str, url: &str) -> Result<Target> {
        let wrong = |why: &str| Error::new("mcp", Code::InvalidState, format!("`{url}` {why}"));
        let rest = url.strip_prefix("http://").ok_or_else(|| wrong("does not begin with http://"))?;
        let cut = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = (&rest[..cut], rest[cut..].split('#').next().unwrap_or_default());
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let (host, port) = split_authority(authority.as_bytes()).ok_or_else(|| wrong("names no host"))?;
        if host.is_empty() || !plain(path) {
            return Err(wrong("is no URL"));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = (host, port.unwrap_or(80)).to_socket_addrs();
        let addresses: Vec<SocketAddr> =
            found.map_err(|error| Error::io("mcp", format!("find {url}"), error))?.collect();
        if addresses.is_empty() || !addresses.iter().all(|address| address.ip().is_loopback()) {
            return Err(wrong("is not on this machine; only 127.0.0.1, ::1 and localhost are called"));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (label, authority) = (label.to_owned(), authority.to_owned());
        Ok(Target { label, authority, path, addresses, token: None, instance: None })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called() {
        for (url, path) in [
            ("http://127.0.0.1:7777/mcp", "/mcp"),
            ("http://127.0.0.1:7777", "/"),
            ("http://127.0.0.1:7777?a=b#c", "/?a=b"),
            ("http://[::1]:7777/mcp", "/mcp"),
        ] {
            let target = Target::of("a", url).unwrap();
            assert_eq!((target.path.as_str(), target.port()), (path, 7777), "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "127.0.0.1:1",
            "http://",
            "http://192.0.2.7/",
            "http://127.0.0.1/a b",
            "http://a@127.0.0.1/",
        ] {
            assert!(Target::of("a", url).is_err(), "{url}");
        }
    }
}
