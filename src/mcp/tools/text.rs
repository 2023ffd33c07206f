//! Text for a model: no escapes, no secrets, not too long; and times and sizes as people write them.

use std::borrow::Cow;

use jiff::Timestamp;

use super::answer::Refusal;
use crate::io::zone;
use crate::proxy::capture::redact::{free_text, is_secret_name};

/// The longest line that is handed on as a whole.
pub(crate) const LINE_CHARS_MAX: usize = 2000;

/// A line as a model may see it.
pub(crate) fn line(plain: &[u8]) -> String {
    clean(&String::from_utf8_lossy(plain), LINE_CHARS_MAX)
}

/// Text without control characters and secrets, cut to so many characters.
pub(crate) fn clean(text: &str, chars_max: usize) -> String {
    // Secrets first: a cut must not leave the first half of one.
    let visible: Cow<'_, str> = match text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        true => text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect::<String>().into(),
        false => text.into(),
    };
    let masked = assignments(&free_text(&visible)).into_owned();
    cut(masked, chars_max)
}

/// At most so many characters, and how many there were more.
pub(crate) fn cut(text: String, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text,
        Some((at, _)) => {
            let more = text[at..].chars().count();
            format!("{}… (+{more} characters)", &text[..at])
        }
    }
}

/// Words of settings, never the secret itself: `pin = "auto"`, `csrf: false`.
const SWITCHES: [&str; 4] = ["true", "false", "auto", "null"];

/// Masks values that are given to secret names: `DB_PASSWORD=x`, `"token": "x"`.
fn assignments(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(['=', ':']) {
        if at < copied {
            continue;
        }
        let head = text[..at].trim_end_matches([' ', '"', '\'']);
        let start = head
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
            .map_or(0, |found| found + head[found..].chars().next().map_or(1, char::len_utf8));
        if !is_secret_name(&head[start..]) {
            continue;
        }
        let rest = &text[at + 1..];
        let value = rest.trim_start_matches(' ');
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        // `token: word` is prose more often than a secret; `token="…"` and `token=…` are not.
        if quote.is_none() && (text.as_bytes()[at] == b':' || value.len() != rest.len()) {
            continue;
        }
        let body = quote.map_or(value, |_| &value[1..]);
        let end = match quote {
            Some(quote) => body.find(quote),
            None => body.find(|c: char| c.is_whitespace() || matches!(c, '&' | ',' | ';' | '"' | '\'')),
        };
        let end = end.unwrap_or(body.len());
        if end == 0 || body.starts_with('‹') || SWITCHES.contains(&&body[..end]) {
            continue;
        }
        let from = text.len() - body.len();
        out.push_str(&text[copied..from]);
        out.push_str(&format!("‹masked:{}›", body[..end].chars().count()));
        copied = from + end;
    }
    match copied {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(out + &text[copied..]),
    }
}

/// `2026-11-21T08:17:23.123Z`.
pub(crate) fn iso(time_ms: u64) -> String {
    let time = i64::try_from(time_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| format!("{time:.3}"))
}

/// `08:17:23.123`, by the clock on the wall.
pub(crate) fn clock(time_ms: u64) -> String {
    let time = i64::try_from(time_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| time.to_zoned(zone::local()).strftime("%H:%M:%S%.3f").to_string())
}

/// Milliseconds since 1970, now.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// `430 ms`, `2.5 s`, `3 m 20 s`, `2 h 5 m`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{:.1} s", ms as f64 / 1000.0),
        60_000..3_600_000 => format!("{} m {} s", ms / 60_000, ms / 1000 % 60),
        _ => format!("{} h {} m", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// `312 B`, `4.2 KiB`, `1.3 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// `1 line`, `3 lines`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A point in time: RFC 3339, or how long ago (`30s`, `10m`, `2h`, `1d`).
///
/// # Errors
/// What is understood.
pub(crate) fn since(text: &str) -> Result<u64, Refusal> {
    let ago = text.strip_suffix(" ago").unwrap_or(text);
    let unit = match ago.as_bytes().last() {
        Some(b's') => 1000,
        Some(b'm') => 60_000,
        Some(b'h') => 3_600_000,
        Some(b'd') => 86_400_000,
        _ => 0,
    };
    let number = ago.get(..ago.len().saturating_sub(1)).and_then(|number| number.trim().parse::<u64>().ok());
    if let Some(number) = number.filter(|_| unit > 0) {
        return Ok(now_ms().saturating_sub(number.saturating_mul(unit)));
    }
    let time: Option<Timestamp> = text.parse().ok();
    time.and_then(|time| u64::try_from(time.as_millisecond()).ok()).ok_or_else(|| {
        let now = iso(now_ms());
        Refusal(format!("`since` is {text:?}; expected a time such as {now}, or how long ago: 30s, 10m, 2h."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_control_characters_do_not_reach_a_model() {
        for (text, shown) in [
            ("DB_PASSWORD=hunter2 next", "DB_PASSWORD=‹masked:7› next"),
            (r#"{"token": "abc", "a": 1}"#, r#"{"token": "‹masked:3›", "a": 1}"#),
            ("password: 'x y' z", "password: '‹masked:3›' z"),
            ("unexpected token: found )", "unexpected token: found )"),
            ("GET /?api_key=abc&b=1", "GET /?api_key=‹masked:3›&b=1"),
            ("a = b: c", "a = b: c"),
            (r#"API_KEY = "abc""#, r#"API_KEY = "‹masked:3›""#),
            (r#"pin = "auto""#, r#"pin = "auto""#),
            ("csrf=false, pin='1234'", "csrf=false, pin='‹masked:4›'"),
            (r#"token = "automatic""#, r#"token = "‹masked:9›""#),
            ("üsecret=ä", "üsecret=‹masked:1›"),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            ("", ""),
        ] {
            assert_eq!(clean(text, 100), shown, "{text}");
        }
        assert_eq!(cut("abcdef".into(), 4), "abcd… (+2 characters)");
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        let now = now_ms();
        assert_eq!(since(&iso(now)).unwrap(), now);
        assert!((59_000..=62_000).contains(&(now_ms() - since("1m").unwrap())));
        assert!(since("2h ago").is_ok());
        for wrong in ["yesterday", "", "m", "12", "ä"] {
            assert!(since(wrong).unwrap_err().0.contains("expected a time"), "{wrong}");
        }
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!([5, 2500, 200_000, 7_500_000].map(duration), ["5 ms", "2.5 s", "3 m 20 s", "2 h 5 m"]);
    }
}
