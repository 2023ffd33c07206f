//! Whom a request is for, and whether this Host may be asked for here.

use std::sync::Arc;

use super::control::PageOrigin;
use super::upstream::{OriginId, is_loopback_name};
use crate::event::ProcessId;
use crate::io::net::ListenerId;
use crate::proxy::exchange::Mode;
use crate::wire::http1::split_authority;

/// Where requests go: one server, seen in one way.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) origin: OriginId,
    pub(super) mode: Mode,
    pub(super) process: Option<(ProcessId, Arc<str>)>,
    pub(super) page: PageOrigin,
    /// Our name in Via: one for each address, since a server that calls another one through us goes in no circle.
    pub(super) pseudonym: String,
}

/// An address of ours for one server.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) site: Arc<Site>,
    pub(super) listener: ListenerId,
    pub(super) port: u16,
    /// `NAME.localhost` on the control port.
    pub(super) name: String,
}

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The pages and paths of Brummer itself, names, and forwarding.
    Control,
    /// One server; its place among the routes.
    Reverse(usize),
    /// No listener: a request of Brummer's own, whose answer nobody reads but the recorder.
    Replay,
}

/// The host of an authority in lower case, without brackets and without the dot at its end.
pub(super) fn host_of(authority: &str) -> Option<String> {
    let (host, _) = split_authority(authority.as_bytes())?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    Some(host.strip_suffix('.').map(str::to_owned).unwrap_or(host))
}

/// Whether a request may ask for this host here. Any page in a browser can have its own name resolve to 127.0.0.1; what it then
/// sends carries that name.
pub(super) fn is_allowed(host: &str, names: &[String], lan: bool) -> bool {
    is_loopback_name(host)
        || names.iter().any(|name| match name.strip_prefix("*.") {
            Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
            None => name.eq_ignore_ascii_case(host),
        })
        // An address is not a name that somebody else could point here.
        || (lan && host.parse::<std::net::IpAddr>().is_ok())
}

/// A name as a part of a host: letters, digits and single hyphens.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for char in name.chars() {
        match char.to_ascii_lowercase() {
            char if char.is_ascii_alphanumeric() => slug.push(char),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(63);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_refused() {
        let names = ["My.test".to_owned(), "*.dev.test".to_owned()];
        for (authority, lan, allowed) in [
            ("localhost:1", false, true),
            ("LOCALHOST.", false, true),
            ("web.localhost:19888", false, true),
            ("127.0.0.1", false, true),
            ("[::1]:20888", false, true),
            ("my.test:80", false, true),
            ("a.dev.test", false, true),
            ("dev.test", false, false),
            ("evildev.test", false, false),
            ("evil.test", false, false),
            ("localhost.evil.test", false, false),
            ("192.168.1.2", false, false),
            ("192.168.1.2:20888", true, true),
            ("evil.test", true, false),
        ] {
            assert_eq!(is_allowed(&host_of(authority).unwrap(), &names, lan), allowed, "{authority}");
        }
    }

    #[test]
    fn names_become_parts_of_hosts() {
        for (name, expected) in [("web", "web"), ("My App (2)", "my-app-2"), ("@scope/api", "scope-api"), ("é", "")] {
            assert_eq!(slug(name), expected);
        }
    }
}
