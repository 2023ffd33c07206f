//! JSON web tokens of an exchange, read for the eyes: their signatures are not verified.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::percent;
use super::redact::{self, Secrets};
use crate::proxy::Exchange;

/// Tokens that are looked at, of one exchange.
const TOKENS_MAX: usize = 8;
/// Bytes of one token.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Claims that say nothing of a person: they are shown among masked ones.
const PLAIN_CLAIMS: &[&str] = &["exp", "iat", "nbf", "auth_time"];

/// A token that was found. Nobody has verified it.
#[derive(Clone, Debug, PartialEq)]
pub struct Jwt {
    /// Where it stood: `Authorization`, `Cookie sid`, `query token`.
    pub place: String,
    /// Its header: `alg`, `typ`, `kid`.
    pub header: Map<String, Value>,
    /// Its claims, values masked unless they were asked for.
    pub claims: Map<String, Value>,
    /// When it ends, seconds since 1970.
    pub expires_at: Option<i64>,
}

impl Jwt {
    /// What is to be said beside it: that it is not verified, and how it stands with its time. `now` is in seconds since 1970.
    pub fn standing(&self, now: i64) -> String {
        let time = match self.expires_at {
            Some(at) if at <= now => format!("expired {} ago", span(now.saturating_sub(at))),
            Some(at) => format!("expires in {}", span(at.saturating_sub(now))),
            None => "never expires".to_owned(),
        };
        format!("not verified, {time}")
    }
}

/// `45 s`, `12 min`, `3 h`, `9 d`.
fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The tokens in the headers, cookies and query parameters of a request, and in the cookies that the answer sets.
pub fn find(exchange: &Exchange, secrets: Secrets) -> Vec<Jwt> {
    let mut found = Vec::new();
    for (name, value) in exchange.opened.headers.iter().chain(&exchange.response.headers) {
        let value = String::from_utf8_lossy(value);
        let lower = name.to_ascii_lowercase();
        if lower == "cookie" || lower == "set-cookie" {
            for (cookie, value) in value.split(';').filter_map(|pair| pair.split_once('=')) {
                found.push((format!("{name} {}", cookie.trim()), value.trim().to_owned()));
            }
        } else {
            let last = value.rsplit(' ').next().unwrap_or_default();
            found.push((name.to_owned(), last.to_owned()));
        }
    }
    let query = exchange.opened.url.split_once('?').map_or("", |(_, query)| query);
    for (name, value) in query.split(['&', '#']).filter_map(|pair| pair.split_once('=')) {
        found.push((format!("query {}", percent::decode_form(name)), value.to_owned()));
    }
    found.into_iter().filter_map(|(place, text)| read(place, &text, secrets)).take(TOKENS_MAX).collect()
}

fn read(place: String, text: &str, secrets: Secrets) -> Option<Jwt> {
    if !text.starts_with("eyJ") || text.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let mut parts = text.split('.');
    let header = object(parts.next()?)?;
    let mut claims = object(parts.next()?)?;
    parts.next()?;
    // Five parts are an encrypted token, whose claims are not to be seen.
    if parts.next().is_some() {
        return None;
    }
    let expires_at = claims.get("exp").and_then(Value::as_f64).map(|seconds| seconds as i64);
    if secrets == Secrets::Masked {
        claims
            .iter_mut()
            .filter(|(name, _)| !PLAIN_CLAIMS.contains(&name.as_str()))
            .for_each(|(_, value)| cover(value));
    }
    Some(Jwt { place, header, claims, expires_at })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let config = config.with_decode_allow_trailing_bits(true);
    let bytes = GeneralPurpose::new(&URL_SAFE, config).decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Masks a claim; the shape of what is in it stays.
fn cover(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(cover),
        Value::Object(fields) => fields.values_mut().for_each(cover),
        Value::String(text) => *text = redact::mask(text),
        Value::Number(number) => *value = Value::String(redact::mask(&number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::{exchange, headers};
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    fn token(claims: &str) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2lnbmF0dXJl", part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), part(claims))
    }

    #[test]
    fn tokens_are_found_in_headers_cookies_and_queries() {
        let token = token("{\"sub\":\"user-1\",\"exp\":1700000000,\"roles\":[\"admin\"],\"n\":5}");
        let mut full = exchange(1);
        full.opened.url = format!("http://a/?x=1&t={token}#y").into();
        full.opened.headers =
            headers(&[("Authorization", &format!("Bearer {token}")), ("Cookie", &format!("a=b; sid={token}"))]);
        let found = find(&full, Secrets::Shown);
        let places: Vec<_> = found.iter().map(|jwt| jwt.place.as_str()).collect();
        assert_eq!(places, ["Authorization", "Cookie sid", "query t"]);
        assert_eq!(found[0].header["alg"], "HS256");
        assert_eq!(found[0].claims["sub"], "user-1");
        assert_eq!(found[0].expires_at, Some(1_700_000_000));
    }

    #[test]
    fn claims_are_masked_but_for_times_and_the_token_is_said_to_be_unverified() {
        let mut full = exchange(1);
        let token = token("{\"sub\":\"user-1\",\"exp\":1700000000,\"roles\":[\"admin\"],\"n\":5,\"ok\":true}");
        full.opened.headers = headers(&[("Authorization", &format!("Bearer {token}"))]);
        let jwt = find(&full, Secrets::Masked).remove(0);
        let claims = Value::Object(jwt.claims.clone()).to_string();
        let shown = r#"{"sub":"‹masked:6›","exp":1700000000,"roles":["‹masked:5›"],"n":"‹masked:1›","ok":true}"#;
        assert_eq!(claims, shown);
        assert_eq!(jwt.standing(1_700_000_090), "not verified, expired 90 s ago");
        assert_eq!(jwt.standing(1_699_990_000), "not verified, expires in 2 h");
        assert_eq!(Jwt { expires_at: None, ..jwt }.standing(0), "not verified, never expires");
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in
            ["eyJ", "eyJ.x.y", "a.b.c", "eyJhIjoxfQ.eyJhIjoxfQ", "eyJhIjoxfQ.eyJhIjoxfQ.a.b.c", "eyJhIjoxfQ.WzFd.x"]
        {
            assert_eq!(read(String::new(), text, Secrets::Shown), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "eyJ[A-Za-z0-9_=-]{0,30}\\.[A-Za-z0-9_=-]{0,30}\\.?[a-z.]{0,5}") {
            drop(read(String::new(), &text, Secrets::Masked));
        }
    }
}
