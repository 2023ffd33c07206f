//! Who may speak to a server on this machine: pages of other origins and names that were bound anew may not.

use crate::wire::http1::{Known, RequestHead, TargetForm, split_authority};

/// What is refused before anything is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Host is not this server: 403.
    Host,
    /// A page of another origin asks: 403.
    Origin,
    /// The token is missing or wrong: 401.
    Token,
    /// The target is no path: 400.
    Target,
}

/// Whom the server serves.
pub(super) struct Guard {
    pub(super) port: u16,
    pub(super) token: Option<String>,
    pub(super) origins: Vec<String>,
}

impl Guard {
    pub(super) fn check(&self, head: &RequestHead) -> Result<(), Refused> {
        if head.form() != TargetForm::Origin {
            return Err(Refused::Target);
        }
        let host = head.fields().all(Known::Host).next().unwrap_or_default();
        if !self.is_own_authority(host) {
            return Err(Refused::Host);
        }
        if !head.fields().all(Known::Origin).all(|origin| self.may_ask(origin)) {
            return Err(Refused::Origin);
        }
        match &self.token {
            Some(token) if !is_discovery(head) && !has_token(head, token) => Err(Refused::Token),
            _ => Ok(()),
        }
    }

    /// `host[:port]` with a name of this machine and our port.
    fn is_own_authority(&self, authority: &[u8]) -> bool {
        let Some((host, port)) = split_authority(authority) else { return false };
        let own = ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| host.eq_ignore_ascii_case(own));
        own && port.unwrap_or(80) == self.port
    }

    fn may_ask(&self, origin: &[u8]) -> bool {
        let own = origin.strip_prefix(b"http://").is_some_and(|authority| self.is_own_authority(authority));
        own || self.origins.iter().any(|allowed| allowed.as_bytes() == origin)
    }
}

/// What clients look up before they log in: that there is nothing is no secret, and a refusal would make them look further.
fn is_discovery(head: &RequestHead) -> bool {
    head.path().starts_with(b"/.well-known/")
}

fn has_token(head: &RequestHead, token: &str) -> bool {
    let mut values = head.fields().all(Known::Authorization);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, given)) = value.split_at_checked(7) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && is_same(given, token.as_bytes())
}

/// Takes as long wherever the two differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http1::parse_request;

    fn check(guard: &Guard, fields: &str) -> Result<(), Refused> {
        let mut head = RequestHead::default();
        parse_request(format!("POST /mcp HTTP/1.1\r\n{fields}\r\n").as_bytes(), &mut head).unwrap();
        guard.check(&head)
    }

    fn guard() -> Guard {
        Guard { port: 7777, token: None, origins: vec!["https://app.example".into()] }
    }

    #[test]
    fn only_names_of_this_machine_with_our_port_are_hosts() {
        for host in ["localhost:7777", "LOCALHOST:7777", "127.0.0.1:7777", "[::1]:7777"] {
            assert_eq!(check(&guard(), &format!("Host: {host}\r\n")), Ok(()), "{host}");
        }
        for host in [
            "evil.example:7777",
            "localhost",
            "localhost:80",
            "localhost.evil.example:7777",
            "127.0.0.1.nip.io:7777",
            "0.0.0.0:7777",
        ] {
            assert_eq!(check(&guard(), &format!("Host: {host}\r\n")), Err(Refused::Host), "{host}");
        }
    }

    #[test]
    fn only_our_own_origins_and_those_allowed_may_ask() {
        let with = |origin: &str| check(&guard(), &format!("Host: localhost:7777\r\nOrigin: {origin}\r\n"));
        for origin in ["http://localhost:7777", "http://127.0.0.1:7777", "http://[::1]:7777", "https://app.example"] {
            assert_eq!(with(origin), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "file://",
            "http://localhost:7778",
            "https://localhost:7777",
            "http://localhost:7777.evil.example",
            "http://localhost:7777@evil.example",
            "http://user@localhost:7777",
            "http://localhost:7777/",
            "https://app.example.evil",
            "https://app.example:8443",
            "",
        ] {
            assert_eq!(with(origin), Err(Refused::Origin), "{origin}");
        }
    }

    #[test]
    fn a_token_that_is_set_must_be_sent() {
        let guard = Guard { token: Some("s3cret".into()), ..guard() };
        let with = |line: &str| check(&guard, &format!("Host: localhost:7777\r\n{line}"));
        assert_eq!(with("Authorization: Bearer s3cret\r\n"), Ok(()));
        assert_eq!(with("authorization: bearer s3cret\r\n"), Ok(()));
        for line in
            ["", "Authorization: Bearer\r\n", "Authorization: Bearer s3cres\r\n", "Authorization: Basic s3cret\r\n"]
        {
            assert_eq!(with(line), Err(Refused::Token), "{line}");
        }
        let twice = "Authorization: Bearer s3cret\r\nAuthorization: Bearer s3cret\r\n";
        assert_eq!(with(twice), Err(Refused::Token));
    }
}
