//! What is changed in heads so that a server believes it is spoken to directly, and a browser stays on our address.

use super::upstream::is_loopback_name;
use crate::wire::http1::{Edit, Field, Known, split_authority};

/// One of our addresses and the server behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The port that it has here.
    pub(super) port: u16,
    /// The name that it has on the control port, in lower case.
    pub(super) name: String,
    /// The server: `http://127.0.0.1:5173`.
    pub(super) url: String,
}

/// All our addresses.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub(super) control: u16,
    pub(super) list: Vec<Pair>,
}

impl Pairs {
    /// The server behind one of our addresses, given as `host:port`.
    fn server_of(&self, authority: &str) -> Option<&str> {
        let (host, port) = split_authority(authority.as_bytes())?;
        let port = port.unwrap_or(80);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if !is_loopback_name(&host) {
            return None;
        }
        let name = host.strip_suffix(".localhost").filter(|_| port == self.control);
        let pair = self.list.iter().find(|pair| match name {
            Some(name) => pair.name == name,
            None => pair.port == port,
        })?;
        Some(&pair.url)
    }
}

/// The scheme and authority of a URL, and the rest of it.
fn origin_of(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((scheme, &rest[..end], &rest[end..]))
}

/// A URL on one of our addresses, as one at the server behind it.
pub(super) fn to_server(url: &str, pairs: &Pairs, own: &str, server: &str) -> Option<String> {
    let (scheme, authority, rest) = origin_of(url)?;
    if !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let server = if authority.eq_ignore_ascii_case(own) { server } else { pairs.server_of(authority)? };
    Some(format!("{server}{rest}"))
}

/// A URL at the server, as one on our address.
pub(super) fn to_client(url: &str, own: &str, server: &str) -> Option<String> {
    let (scheme, authority, rest) = origin_of(url)?;
    let (server_scheme, server_authority, _) = origin_of(server)?;
    (scheme.eq_ignore_ascii_case(server_scheme) && is_same_server(scheme, authority, server_authority))
        .then(|| format!("http://{own}{rest}"))
}

/// Equal, or two names of this machine with one port.
fn is_same_server(scheme: &str, one: &str, other: &str) -> bool {
    let part = |authority: &str| {
        let (host, port) = split_authority(authority.as_bytes())?;
        let usual = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        Some((host, port.unwrap_or(usual)))
    };
    let (Some((one, one_port)), Some((other, other_port))) = (part(one), part(other)) else { return false };
    let is_here = |host: &str| is_loopback_name(host) || host == "0.0.0.0" || host == "::";
    one_port == other_port && (one == other || (is_here(&one) && is_here(&other)))
}

/// What becomes of a field of a request.
pub(super) fn request_field(field: Field<'_>, out: &mut Vec<u8>, pairs: &Pairs, own: &str, server: &str) -> Edit {
    if !matches!(field.known, Known::Origin | Known::Referer) {
        return Edit::Keep;
    }
    let url = std::str::from_utf8(field.value).ok().and_then(|url| to_server(url, pairs, own, server));
    url.map_or(Edit::Keep, |url| {
        out.extend_from_slice(url.as_bytes());
        Edit::Written
    })
}

/// What becomes of a field of an answer. `asked` is the Origin that the client sent and the one that the server saw.
pub(super) fn response_field(
    field: Field<'_>,
    out: &mut Vec<u8>,
    own: &str,
    server: &str,
    asked: Option<(&[u8], &str)>,
) -> Edit {
    match field.known {
        Known::Location => {
            let url = std::str::from_utf8(field.value).ok().and_then(|url| to_client(url, own, server));
            url.map_or(Edit::Keep, |url| {
                out.extend_from_slice(url.as_bytes());
                Edit::Written
            })
        }
        Known::SetCookie => without_domain(field.value, server, out),
        Known::Other if field.is("access-control-allow-origin") => match asked {
            Some((sent, seen)) if field.value == seen.as_bytes() => {
                out.extend_from_slice(sent);
                Edit::Written
            }
            _ => Edit::Keep,
        },
        _ => Edit::Keep,
    }
}

/// A cookie for the server's own host becomes one for the host that the browser sees.
fn without_domain(cookie: &[u8], server: &str, out: &mut Vec<u8>) -> Edit {
    let Some((host, _)) = origin_of(server).and_then(|(_, authority, _)| split_authority(authority.as_bytes())) else {
        return Edit::Keep;
    };
    let is_own_domain = |part: &[u8]| {
        let Some((name, value)) = std::str::from_utf8(part).ok().and_then(|part| part.split_once('=')) else {
            return false;
        };
        let value = value.trim().trim_start_matches('.').to_ascii_lowercase();
        name.trim().eq_ignore_ascii_case("domain")
            && (value == host || host.ends_with(&format!(".{value}")) || is_loopback_name(&value))
    };
    if !cookie.split(|byte| *byte == b';').skip(1).any(is_own_domain) {
        return Edit::Keep;
    }
    for (place, part) in cookie.split(|byte| *byte == b';').enumerate() {
        if place == 0 || !is_own_domain(part) {
            if place > 0 {
                out.push(b';');
            }
            out.extend_from_slice(part);
        }
    }
    Edit::Written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs() -> Pairs {
        let pair = |port, name: &str, url: &str| Pair { port, name: name.into(), url: url.into() };
        let list = vec![pair(20888, "web", "http://127.0.0.1:5173"), pair(20889, "api", "http://127.0.0.1:3000")];
        Pairs { control: 19888, list }
    }

    #[test]
    fn our_addresses_become_the_servers() {
        for (url, expected) in [
            ("http://localhost:20888", Some("http://127.0.0.1:5173")),
            ("http://[::1]:20889/a?b", Some("http://127.0.0.1:3000/a?b")),
            ("http://api.localhost:19888/x", Some("http://127.0.0.1:3000/x")),
            ("http://own:1/x", Some("http://127.0.0.1:5173/x")),
            ("http://localhost:1", None),
            ("http://evil.test:20888", None),
            ("https://localhost:20888", None),
            ("null", None),
        ] {
            assert_eq!(to_server(url, &pairs(), "own:1", "http://127.0.0.1:5173").as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn the_servers_own_urls_become_ours() {
        for (url, expected) in [
            ("http://localhost:5173/login", Some("http://localhost:20888/login")),
            ("http://127.0.0.1:5173", Some("http://localhost:20888")),
            ("http://127.0.0.1:5174/", None),
            ("https://127.0.0.1:5173/", None),
            ("/login", None),
        ] {
            let client = to_client(url, "localhost:20888", "http://127.0.0.1:5173");
            assert_eq!(client.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn cookies_lose_the_domain_of_the_server_alone() {
        for (cookie, expected) in [
            ("a=b; Domain=localhost; Path=/", Some("a=b; Path=/")),
            ("a=b; domain=.127.0.0.1;Secure", Some("a=b;Secure")),
            ("a=b; Domain=example.com", None),
            ("Domain=localhost", None),
        ] {
            let mut out = Vec::new();
            let edit = without_domain(cookie.as_bytes(), "http://127.0.0.1:5173", &mut out);
            assert_eq!(
                (edit == Edit::Written).then(|| String::from_utf8(out).unwrap()).as_deref(),
                expected,
                "{cookie}"
            );
        }
    }
}
