//! Masks in bodies: by name in JSON and forms, by their looks everywhere.

use std::borrow::Cow;

use super::fields::form;
use super::mask;
use super::names::{is_secret_container, is_secret_name, is_secret_parameter};
use crate::proxy::capture::decode::Kind;
use crate::proxy::capture::json::{Token, tokens};

/// How secrets of well-known services begin, and how long they are at least.
const PREFIXES: &[(&str, usize)] = &[
    ("sk_live_", 20),
    ("sk_test_", 20),
    ("rk_live_", 20),
    ("sk-", 24),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghs_", 30),
    ("ghu_", 30),
    ("github_pat_", 30),
    ("glpat-", 20),
    ("AKIA", 20),
    ("ASIA", 20),
    ("AIza", 35),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("npm_", 30),
    ("SG.", 40),
    ("whsec_", 20),
];

/// A body's text as it is shown. `boundary` is that of a multipart form.
pub(crate) fn body_text<'a>(kind: Kind, text: &'a str, boundary: Option<&str>) -> Cow<'a, str> {
    let named = match kind {
        Kind::Json => json(text),
        Kind::Form => form(text, is_secret_parameter),
        Kind::Multipart => boundary.map_or(Cow::Borrowed(text), |boundary| multipart(text, boundary)),
        Kind::EventStream => events(text),
        Kind::Html => html(text),
        Kind::Text if text.trim_start().starts_with(['{', '[']) => json(text),
        _ => Cow::Borrowed(text),
    };
    match loose(&named) {
        Cow::Owned(masked) => Cow::Owned(masked),
        Cow::Borrowed(_) => named,
    }
}

/// An object or an array that the walk is in.
struct Level {
    object: bool,
    /// What stands in it is secret, whatever its names.
    secret: bool,
    /// In an object: the next string is a name.
    at_name: bool,
    /// The value behind the last name is secret.
    named_secret: bool,
    /// And so is all that is in it, if it is an object.
    named_container: bool,
}

impl Level {
    fn value_is_secret(&self) -> bool {
        self.secret || self.named_secret
    }
}

/// Values under secret names masked, with all that is in them; `true`, `false` and `null` say nothing and stay.
fn json(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut levels: Vec<Level> = Vec::new();
    let mut changed = false;
    for token in tokens(text) {
        let secret = levels.last().is_some_and(Level::value_is_secret);
        match (token, levels.last_mut()) {
            (Token::Mark(mark @ ('{' | '[')), _) => {
                out.push(mark);
                let object = mark == '{';
                let inherited = levels.last().is_some_and(|level| level.secret || level.named_container);
                let secret = if object { inherited } else { inherited || secret };
                levels.push(Level { object, secret, at_name: object, named_secret: false, named_container: false });
            }
            (Token::Mark(mark @ ('}' | ']')), _) => {
                out.push(mark);
                levels.pop();
            }
            (Token::Mark(mark), level) => {
                out.push(mark);
                if let Some(level) = level.filter(|_| mark == ',') {
                    (level.at_name, level.named_secret, level.named_container) = (level.object, false, false);
                }
            }
            (Token::Text(text), Some(level)) if level.at_name => {
                out.push_str(text);
                let name = Token::unquoted(text);
                level.at_name = false;
                (level.named_secret, level.named_container) = (is_secret_name(&name), is_secret_container(&name));
            }
            (Token::Text(text), _) if secret && text.len() > 2 => {
                changed = true;
                out.push_str(&format!("\"{}\"", mask(&Token::unquoted(text))));
            }
            (Token::Scalar(text), _) if secret && text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                changed = true;
                out.push_str(&format!("\"{}\"", mask(text)));
            }
            (Token::Text(text) | Token::Scalar(text) | Token::Blank(text), _) => out.push_str(text),
        }
    }
    if changed { Cow::Owned(out) } else { Cow::Borrowed(text) }
}

/// The lines `data: …` of an event stream are mostly JSON.
fn events(text: &str) -> Cow<'_, str> {
    let line = |line: &str| match line.strip_prefix("data:") {
        Some(data) if data.trim_start().starts_with(['{', '[']) => format!("data:{}", json(data)),
        _ => line.to_owned(),
    };
    let masked: String = text.split_inclusive('\n').map(line).collect();
    if masked == text { Cow::Borrowed(text) } else { Cow::Owned(masked) }
}

/// `content` and `value` of the tags `meta` and `input` whose name is secret: tokens against forged requests stand there.
fn html(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    for (start, _) in text.match_indices('<') {
        // Up to the next of them, so that no text is looked at twice.
        let rest = &text[start + 1..];
        let tag = &text[start..start + 1 + rest.find(['<', '>']).unwrap_or(rest.len())];
        let starts = |name: &str| tag.get(1..=name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name));
        if start < copied || !(starts("meta") || starts("input")) {
            continue;
        }
        let names = [attribute(tag, "name"), attribute(tag, "type")].into_iter().flatten();
        if !names.into_iter().any(|name| is_secret_name(&tag[name])) {
            continue;
        }
        if let Some(value) =
            attribute(tag, "content").or_else(|| attribute(tag, "value")).filter(|value| !value.is_empty())
        {
            out.push_str(&text[copied..start + value.start]);
            out.push_str(&mask(&tag[value.clone()]));
            copied = start + value.end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Where the value of an attribute stands in a tag, in quotes or without.
fn attribute(tag: &str, name: &str) -> Found {
    let named = |at: usize| {
        let before = tag[..at].chars().next_back().is_some_and(|c| c.is_whitespace() || matches!(c, '"' | '\''));
        let after = tag.get(at + name.len()..)?;
        (before && tag.get(at..at + name.len())?.eq_ignore_ascii_case(name) && after.starts_with('=')).then_some(())
    };
    let at = tag.char_indices().map(|(at, _)| at).find(|&at| named(at).is_some())? + name.len() + 1;
    match tag[at..].chars().next()? {
        quote @ ('"' | '\'') => Some(at + 1..at + 1 + tag[at + 1..].find(quote)?),
        _ => Some(at..at + tag[at..].find(char::is_whitespace).unwrap_or(tag.len() - at)),
    }
}

/// Parts whose field has a secret name.
fn multipart<'a>(text: &'a str, boundary: &str) -> Cow<'a, str> {
    let border = format!("--{boundary}");
    let part = |part: &str| {
        let (gap, length) = match (part.find("\r\n\r\n"), part.find("\n\n")) {
            (Some(gap), _) => (gap, 4),
            (None, Some(gap)) => (gap, 2),
            (None, None) => return part.to_owned(),
        };
        let (head, body) = part.split_at(gap + length);
        let name = head.split(';').find_map(|field| field.trim().strip_prefix("name=")).unwrap_or_default();
        let name = name.lines().next().unwrap_or_default().trim_matches('"');
        let content = body.trim_end_matches(['\r', '\n']);
        match is_secret_name(name) && !content.is_empty() {
            true => format!("{head}{}{}", mask(content), &body[content.len()..]),
            false => part.to_owned(),
        }
    };
    let masked = text.split(border.as_str()).map(part).collect::<Vec<_>>().join(&border);
    if masked == text { Cow::Borrowed(text) } else { Cow::Owned(masked) }
}

/// What looks like a secret wherever it stands: tokens of well-known forms, what follows `Bearer`, parameters of URLs, keys in PEM.
pub fn loose(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) = text[at..].find(is_word).map(|start| at + start) {
        let end = text[start..].find(|c| !is_word(c)).map_or(text.len(), |length| start + length);
        at = end;
        let secret = match &text[start..end] {
            word if looks_secret(word) => Some(start..end),
            word if word.eq_ignore_ascii_case("bearer") => after_bearer(text, end),
            "-----BEGIN" => private_key(text, start),
            word => parameter(text, start, word),
        };
        if let Some(secret) = secret {
            out.push_str(&text[copied..secret.start]);
            out.push_str(&mask(&text[secret.clone()]));
            (copied, at) = (secret.end, secret.end.max(end));
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn looks_secret(word: &str) -> bool {
    // The head of every JWT begins with `{"` in base64.
    (word.starts_with("eyJ") && word.len() >= 20 && word.contains('.'))
        || PREFIXES.iter().any(|(prefix, least)| word.starts_with(prefix) && word.len() >= *least)
}

type Found = Option<std::ops::Range<usize>>;

fn after_bearer(text: &str, end: usize) -> Found {
    let rest = text[end..].strip_prefix(' ')?;
    let length = rest.find(|c| !is_word(c) && !matches!(c, '~' | '+' | '/' | '=')).unwrap_or(rest.len());
    (length >= 8).then_some(end + 1..end + 1 + length)
}

/// `?token=…` or `&token=…` in the middle of a text.
fn parameter(text: &str, start: usize, name: &str) -> Found {
    let end = start + name.len();
    let before = text[..start].chars().next_back();
    let value = text[end..].strip_prefix('=')?;
    if !matches!(before, Some('?' | '&')) || !is_secret_name(name) {
        return None;
    }
    let stops = |c: char| c.is_whitespace() || matches!(c, '&' | '#' | '"' | '\'' | '<' | '>' | '`' | '\\' | ')' | ';');
    let length = value.find(stops).unwrap_or(value.len());
    (length > 0 && !value.starts_with('‹')).then_some(end + 1..end + 1 + length)
}

/// From behind the first line of a private key to its last line, or to the end of the text.
fn private_key(text: &str, start: usize) -> Found {
    let rest = &text[start..];
    let title = rest.find("-----BEGIN").and_then(|at| rest[at + 10..].find("-----").map(|end| at + 10 + end))?;
    if title > 60 || !rest[..title].ends_with("PRIVATE KEY") {
        return None;
    }
    let body = start + title + 5;
    Some(body..text[body..].find("-----END").map_or(text.len(), |end| body + end)).filter(|body| !body.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(kind: Kind, text: &str) -> String {
        body_text(kind, text, Some("XX")).into_owned()
    }

    #[test]
    fn json_loses_the_values_of_secret_names_and_keeps_its_shape() {
        for (text, shown) in [
            (r#"{"user":"me","password":"pw1"}"#, r#"{"user":"me","password":"‹masked:3›"}"#),
            (r#"{"a":[{"access_token":"x\"y"}],"b":1}"#, r#"{"a":[{"access_token":"‹masked:3›"}],"b":1}"#),
            (
                r#"{"secrets":{"a":"x","b":["y",5,null]}}"#,
                r#"{"secrets":{"a":"‹masked:1›","b":["‹masked:1›","‹masked:1›",null]}}"#,
            ),
            (
                r#"{"session":{"user":"me","sid":"x"},"auth":["y"]}"#,
                r#"{"session":{"user":"me","sid":"‹masked:1›"},"auth":["‹masked:1›"]}"#,
            ),
            (
                r#"{"tokens":[{"a":"x"}],"cookies":{"b":"y"}}"#,
                r#"{"tokens":[{"a":"‹masked:1›"}],"cookies":{"b":"‹masked:1›"}}"#,
            ),
            (r#"{"max_tokens":5,"token":true}"#, r#"{"max_tokens":5,"token":true}"#),
            (r#"{"pass\u0077ord" : "x" , "y":"z"}"#, r#"{"pass\u0077ord" : "‹masked:1›" , "y":"z"}"#),
            (r#"{"token":"cut off he"#, r#"{"token":"‹masked:10›""#),
            (r#"["password","x"]"#, r#"["password","x"]"#),
            (r#"{"url":"/x?token=abc"}"#, r#"{"url":"/x?token=‹masked:3›"}"#),
        ] {
            assert_eq!(masked(Kind::Json, text), shown, "{text}");
        }
    }

    #[test]
    fn forms_events_and_parts_lose_the_values_of_secret_names() {
        assert_eq!(masked(Kind::Form, "user=me&pass=a+b%21"), "user=me&pass=‹masked:4›");
        assert_eq!(
            masked(Kind::EventStream, "event: x\ndata: {\"token\":\"t\"}\n\n"),
            "event: x\ndata: {\"token\":\"‹masked:1›\"}\n\n"
        );
        let part = |name: &str, body: &str| {
            format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{body}\r\n")
        };
        let text = part("user", "me") + &part("password", "p\r\nw") + "--XX--\r\n";
        let shown = part("user", "me") + &part("password", "‹masked:4›") + "--XX--\r\n";
        assert_eq!(masked(Kind::Multipart, &text), shown);
    }

    #[test]
    fn pages_lose_the_tokens_of_their_forms() {
        for (text, shown) in [
            ("<meta name=\"csrf-token\" content=\"abc\" />", "<meta name=\"csrf-token\" content=\"‹masked:3›\" />"),
            (
                "<INPUT value='abc' type=hidden name=authenticity_token>",
                "<INPUT value='‹masked:3›' type=hidden name=authenticity_token>",
            ),
            ("<input type=\"password\" value=pw>", "<input type=\"password\" value=‹masked:2›>"),
            (
                "<input name=\"user\" value=\"me\"><meta name=\"author\" content=\"x\">",
                "<input name=\"user\" value=\"me\"><meta name=\"author\" content=\"x\">",
            ),
            ("<input name=\"token\" data-value=\"x\"> <meta", "<input name=\"token\" data-value=\"x\"> <meta"),
            ("<input name=token value=cut", "<input name=token value=‹masked:3›"),
        ] {
            assert_eq!(masked(Kind::Html, text), shown, "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_wherever_it_stands() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
        for (text, shown) in [
            (format!("got {jwt}, ok"), format!("got ‹masked:{}›, ok", jwt.len())),
            ("Authorization: bearer abcdefgh+/==".into(), "Authorization: bearer ‹masked:12›".into()),
            ("Bearer of bad news".into(), "Bearer of bad news".into()),
            ("key ghp_0123456789abcdefghijklmnopqrstuvwxyz!".into(), "key ‹masked:40›!".into()),
            ("AKIAIOSFODNN7EXAMPLE".into(), "‹masked:20›".into()),
            ("sk-short task-list".into(), "sk-short task-list".into()),
            ("see http://a/?x=1&api_key=abc&y=2".into(), "see http://a/?x=1&api_key=‹masked:3›&y=2".into()),
            ("const token=get(); eyJust".into(), "const token=get(); eyJust".into()),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY-----".into(),
                "-----BEGIN RSA PRIVATE KEY-----‹masked:6›-----END RSA PRIVATE KEY-----".into(),
            ),
        ] {
            assert_eq!(masked(Kind::Html, &text), shown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn masking_never_panics_and_twice_is_as_once(
            text in "[a-z{}\\[\\]:,\"\\\\=&?;# \n.‹›ä-]{0,40}(token|password|Bearer abcdefgh|-----BEGIN|eyJ)?[a-z\"=:&{} .-]{0,30}",
            kind in prop::sample::select(vec![Kind::Json, Kind::Form, Kind::Multipart, Kind::EventStream, Kind::Text, Kind::Html]),
        ) {
            let once = masked(kind, &text);
            prop_assert_eq!(masked(kind, &once), once);
        }

        #[test]
        fn a_secret_in_json_is_nowhere_in_what_is_shown(secret in "[A-Za-z0-9]{12,40}", depth in 0..4usize) {
            let mut value = serde_json::json!({ "password": secret, "list": [{ "accessToken": [secret] }] });
            for _ in 0..depth {
                value = serde_json::json!({ "x": [value, 1] });
            }
            for text in [value.to_string(), format!("{value:#}")] {
                prop_assert!(!masked(Kind::Json, &text).contains(&secret));
            }
        }
    }
}
