//! The four forms of a request target, and which method may use which.

use super::fields::{Span, split_authority};
use super::head::{Method, TargetForm};
use super::refusal::Refusal;

/// A target in its parts, as places within the target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) form: TargetForm,
    pub(super) authority: Span,
    pub(super) path: Span,
}

impl Default for Parts {
    fn default() -> Parts {
        Parts { form: TargetForm::Origin, authority: Span::default(), path: Span::default() }
    }
}

pub(super) fn parts(target: &[u8], method: Method) -> Result<Parts, Refusal> {
    if target.contains(&b'#') {
        return Err(Refusal::bad("The request target has a fragment (#): a client keeps that to itself."));
    }
    let whole = Span { start: 0, end: target.len() as u32 };
    let none = Span::default();
    match target {
        _ if method == Method::Connect => match split_authority(target) {
            Some((_, Some(_))) => Ok(Parts { form: TargetForm::Authority, authority: whole, path: none }),
            _ => Err(Refusal::bad("CONNECT names its target as host:port.")),
        },
        [b'/', ..] => Ok(Parts { form: TargetForm::Origin, authority: none, path: whole }),
        b"*" if method == Method::Options => Ok(Parts { form: TargetForm::Asterisk, authority: none, path: whole }),
        b"*" => Err(Refusal::bad("Only OPTIONS has the target *.")),
        _ => absolute(target),
    }
}

fn absolute(target: &[u8]) -> Result<Parts, Refusal> {
    let rest = ["http://", "https://", "ws://", "wss://"]
        .iter()
        .find_map(|scheme| {
            target.split_at_checked(scheme.len()).filter(|(start, _)| start.eq_ignore_ascii_case(scheme.as_bytes()))
        })
        .map(|(_, rest)| rest)
        .ok_or(Refusal::bad("The request target is neither a path nor an http or https URL."))?;
    let end = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains(&b'@') {
        return Err(Refusal::bad("The request target holds a user name or password; send it as Authorization."));
    }
    if split_authority(authority).is_none() {
        return Err(Refusal::bad("The request target's host is not host[:port]."));
    }
    let (authority, path) = (Span::of(authority, target), Span::of(path, target));
    Ok(Parts { form: TargetForm::Absolute, authority, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_the_form_that_its_method_may_have() {
        let form = |target: &str, method| parts(target.as_bytes(), method).map(|parts| parts.form).ok();
        assert_eq!(form("/a?b", Method::Get), Some(TargetForm::Origin));
        assert_eq!(form("//a", Method::Get), Some(TargetForm::Origin));
        assert_eq!(form("*", Method::Options), Some(TargetForm::Asterisk));
        assert_eq!(form("*", Method::Get), None);
        assert_eq!(form("HTTP://a:80", Method::Get), Some(TargetForm::Absolute));
        assert_eq!(form("https://[::1]:80/x", Method::Get), Some(TargetForm::Absolute));
        assert_eq!(form("http://", Method::Get), None);
        assert_eq!(form("http:///x", Method::Get), None);
        assert_eq!(form("http://u@a/", Method::Get), None);
        assert_eq!(form("ftp://a/", Method::Get), None);
        assert_eq!(form("a/b", Method::Get), None);
        assert_eq!(form("/a#b", Method::Get), None);
        assert_eq!(form("a:443", Method::Connect), Some(TargetForm::Authority));
        assert_eq!(form("a", Method::Connect), None);
        assert_eq!(form("/", Method::Connect), None);
        assert_eq!(form("a:443", Method::Get), None);
    }
}
