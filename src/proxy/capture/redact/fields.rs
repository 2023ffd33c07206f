//! Masks in headers, URLs and forms.

use std::borrow::Cow;

use super::mask;
use super::names::{is_secret_name, is_secret_parameter};
use super::text::loose;
use crate::proxy::capture::percent;

/// The value of a header as it is shown. It is UTF-8 where something is masked; else its bytes are as they were.
pub fn header<'a>(name: &str, value: &'a [u8]) -> Cow<'a, [u8]> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let text = String::from_utf8_lossy(value);
    let masked = if is("authorization") || is("proxy-authorization") {
        Some(authorization(&text))
    } else if is("cookie") {
        Some(text.split(';').map(cookie).collect::<Vec<_>>().join(";"))
    } else if is("set-cookie") {
        let (pair, attributes) = text.split_at(text.find(';').unwrap_or(text.len()));
        Some(cookie(pair) + attributes)
    } else if is_secret_name(name) && !name.to_ascii_lowercase().starts_with("access-control-") {
        Some(mask(&text))
    } else if ["referer", "location", "content-location", "link", "refresh", "origin", ":path"]
        .iter()
        .any(|url| is(url))
    {
        owned(url(&text))
    } else {
        owned(loose(&text))
    };
    masked.map_or(Cow::Borrowed(value), |masked| Cow::Owned(masked.into_bytes()))
}

fn owned(text: Cow<'_, str>) -> Option<String> {
    match text {
        Cow::Owned(text) => Some(text),
        Cow::Borrowed(_) => None,
    }
}

/// The scheme stays, for it says how one authenticates.
fn authorization(value: &str) -> String {
    match value.trim().split_once(' ') {
        Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            format!("{scheme} {}", mask(rest.trim()))
        }
        _ => mask(value),
    }
}

/// The name stays; a cookie without a name is a value.
fn cookie(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, "")) => format!("{name}="),
        Some((name, value)) => format!("{name}={}", mask(value)),
        None if pair.trim().is_empty() => pair.to_owned(),
        None => mask(pair),
    }
}

/// A URL as it is shown: passwords before the host and the values of secret parameters masked, in the fragment too.
///
/// ```
/// use brummer::proxy::capture::redact::url;
///
/// assert_eq!(url("http://localhost/?page=2&token=abc"), "http://localhost/?page=2&token=‹masked:3›");
/// ```
pub fn url(text: &str) -> Cow<'_, str> {
    let mut text = user_masked(text);
    for mark in ['#', '?'] {
        let Some(at) = text.find(mark) else { continue };
        let end = if mark == '?' { text.find('#').unwrap_or(text.len()) } else { text.len() };
        if at < end
            && let Cow::Owned(fields) = form(&text[at + 1..end], is_secret_parameter)
        {
            text = Cow::Owned(format!("{}{fields}{}", &text[..=at], &text[end..]));
        }
    }
    match loose(&text) {
        Cow::Owned(masked) => Cow::Owned(masked),
        Cow::Borrowed(_) => text,
    }
}

fn user_masked(text: &str) -> Cow<'_, str> {
    let Some(start) = text.find("://").map(|at| at + 3) else { return Cow::Borrowed(text) };
    let authority = &text[start..start + text[start..].find(['/', '?', '#']).unwrap_or(text.len() - start)];
    let Some((user, host)) = authority.rsplit_once('@') else { return Cow::Borrowed(text) };
    let rest = &text[start + authority.len()..];
    let user = match user.split_once(':') {
        Some((name, password)) if !name.starts_with('‹') => format!("{name}:{}", mask(password)),
        _ => mask(user),
    };
    Cow::Owned(format!("{}{user}@{host}{rest}", &text[..start]))
}

/// `name=value&…` with the values masked whose names are secret.
pub(super) fn form(text: &str, is_secret: fn(&str) -> bool) -> Cow<'_, str> {
    let secret = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => !value.is_empty() && is_secret(&percent::decode_form(name)),
        None => false,
    };
    if !text.split('&').any(secret) {
        return Cow::Borrowed(text);
    }
    let field = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if secret(pair) => format!("{name}={}", mask(&percent::decode_form(value))),
        _ => pair.to_owned(),
    };
    Cow::Owned(text.split('&').map(field).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_kind_and_lose_their_secrets() {
        for (name, value, shown) in [
            ("Authorization", "Bearer abc.def", "Bearer ‹masked:7›"),
            ("proxy-authorization", "Basic dXNlcjpwdw==", "Basic ‹masked:12›"),
            ("Authorization", "justasecret", "‹masked:11›"),
            ("Authorization", "Digest username=\"me\", response=\"x\"", "Digest ‹masked:27›"),
            ("Cookie", "sid=abc; theme=dark; bare", "sid=‹masked:3›; theme=‹masked:4›;‹masked:5›"),
            ("Set-Cookie", "sid=a=b; Path=/; HttpOnly", "sid=‹masked:3›; Path=/; HttpOnly"),
            ("Set-Cookie", "sid=; Max-Age=0", "sid=; Max-Age=0"),
            ("X-Api-Key", "12345", "‹masked:5›"),
            ("X-Api-Key", "‹masked:5›", "‹masked:5›"),
            ("Referer", "http://a/?access_token=x&b=1#c", "http://a/?access_token=‹masked:1›&b=1#c"),
            ("Location", "/cb?code=xyz", "/cb?code=‹masked:3›"),
            ("X-Note", "use Bearer abcdefghijkl please", "use Bearer ‹masked:12› please"),
            ("Accept", "*/*", "*/*"),
            ("Access-Control-Allow-Credentials", "true", "true"),
            ("WWW-Authenticate", "Bearer realm=\"a\"", "Bearer realm=\"a\""),
        ] {
            assert_eq!(String::from_utf8_lossy(&header(name, value.as_bytes())), shown, "{name}: {value}");
        }
        assert_eq!(&header("X-Odd", b"\xff")[..], b"\xff");
    }

    #[test]
    fn urls_lose_passwords_and_secret_parameters() {
        for (text, shown) in [
            ("http://a/b?c=d", "http://a/b?c=d"),
            ("http://me:pw@a/b", "http://me:‹masked:2›@a/b"),
            ("http://token@a/b", "http://‹masked:5›@a/b"),
            ("/x?api%5Fkey=1%20&y", "/x?api%5Fkey=‹masked:2›&y"),
            ("http://a/#access_token=q&state=s", "http://a/#access_token=‹masked:1›&state=s"),
            ("http://a/?key=k#token=t", "http://a/?key=‹masked:1›#token=‹masked:1›"),
            ("http://a/?q=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "http://a/?q=‹masked:41›"),
            ("http://a/#part?token=x", "http://a/#part?token=‹masked:1›"),
        ] {
            assert_eq!(url(text), shown, "{text}");
        }
    }
}
