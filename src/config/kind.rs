//! What the value of a setting may be: its type and bounds, the check, and how it is written in TOML.

use std::fmt;
use std::time::Duration;

use toml::de::DeValue;

use super::colors::THEMES;

/// The type and the bounds of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// `true`, `false` or `"auto"`.
    Auto,
    /// A whole number from the first to the second, both included.
    Count(u64, u64),
    /// Bytes: a whole number or a text such as `"64MiB"`.
    Size(u64, u64),
    /// A time: a text such as `"5s"`.
    Time(Duration, Duration),
    /// One word out of these.
    Choice(&'static [&'static str]),
    /// Three whole numbers, each within the bounds.
    Counts(u64, u64),
    /// A list of texts.
    Texts,
    /// The name of a theme; whether there is one is known when all files are read.
    Theme,
}

/// The checked value of a setting; [`fmt::Display`] writes it as TOML.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Auto`]; `None` is `"auto"`.
    Auto(Option<bool>),
    /// Of [`Kind::Count`].
    Count(u64),
    /// Of [`Kind::Size`], in bytes.
    Size(u64),
    /// Of [`Kind::Time`].
    Time(Duration),
    /// Of [`Kind::Choice`].
    Choice(&'static str),
    /// Of [`Kind::Counts`].
    Counts([u64; 3]),
    /// Of [`Kind::Texts`].
    Texts(Vec<String>),
    /// Of [`Kind::Theme`].
    Text(String),
}

/// A value as it was written, before it is checked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Text(String),
    Whole(u64),
    Bool(bool),
    List(Vec<Raw>),
    /// What no setting can be, as it is called in a message.
    Other(String),
}

impl Raw {
    pub(super) fn from_toml(value: &DeValue<'_>) -> Raw {
        match value {
            DeValue::String(text) => Raw::Text(text.to_string()),
            DeValue::Boolean(flag) => Raw::Bool(*flag),
            DeValue::Integer(number) => match u64::from_str_radix(number.as_str(), number.radix()) {
                Ok(whole) => Raw::Whole(whole),
                Err(_) => Raw::Other(number.as_str().to_owned()),
            },
            DeValue::Array(items) => Raw::List(items.iter().map(|item| Raw::from_toml(item.get_ref())).collect()),
            DeValue::Table(_) => Raw::Other("a table".to_owned()),
            DeValue::Float(number) => Raw::Other(number.as_str().to_owned()),
            DeValue::Datetime(date) => Raw::Other(date.to_string()),
        }
    }

    pub(super) fn from_flag(text: &str) -> Raw {
        match (text.parse(), text) {
            (Ok(whole), _) => Raw::Whole(whole),
            (_, "true" | "false") => Raw::Bool(text == "true"),
            _ => Raw::Text(text.to_owned()),
        }
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raw::Text(text) => write!(f, "{text:?}"),
            Raw::Whole(number) => write!(f, "{number}"),
            Raw::Bool(flag) => write!(f, "{flag}"),
            Raw::List(items) if items.len() > 8 => write!(f, "a list of {}", items.len()),
            Raw::List(items) => {
                write!(f, "[{}]", items.iter().map(Raw::to_string).collect::<Vec<_>>().join(", "))
            }
            Raw::Other(text) => f.write_str(text),
        }
    }
}

impl Kind {
    /// The value, or a sentence's end that says what is allowed and what was found.
    pub(super) fn check(&self, raw: &Raw) -> Result<Value, String> {
        let value = match (self, raw) {
            (Kind::Bool, Raw::Bool(flag)) => Some(Value::Bool(*flag)),
            (Kind::Auto, Raw::Bool(flag)) => Some(Value::Auto(Some(*flag))),
            (Kind::Auto, Raw::Text(text)) if text == "auto" => Some(Value::Auto(None)),
            (Kind::Count(low, high), Raw::Whole(n)) => within(*n, *low, *high).map(Value::Count),
            (Kind::Size(low, high), Raw::Whole(n)) => within(*n, *low, *high).map(Value::Size),
            (Kind::Size(low, high), Raw::Text(text)) => {
                parse_size(text).and_then(|n| within(n, *low, *high)).map(Value::Size)
            }
            (Kind::Time(low, high), Raw::Text(text)) => {
                parse_time(text).and_then(|time| within(time, *low, *high)).map(Value::Time)
            }
            (Kind::Choice(names), Raw::Text(text)) => names.iter().find(|name| *name == text).map(|n| Value::Choice(n)),
            (Kind::Texts, Raw::Text(text)) => Some(Value::Texts(vec![text.clone()])),
            (Kind::Texts, Raw::List(items)) => words(items).map(Value::Texts),
            (Kind::Theme, Raw::Text(text)) => Some(Value::Text(text.clone())),
            (Kind::Counts(low, high), Raw::List(items)) => three(items, *low, *high).map(Value::Counts),
            _ => None,
        };
        value.ok_or_else(|| format!("must be {}, not {raw}{}", self.allowed(), self.nearest(raw)))
    }

    /// What is allowed, as the end of "must be …".
    pub fn allowed(&self) -> String {
        match self {
            Kind::Bool => "true or false".to_owned(),
            Kind::Auto => "true, false or \"auto\"".to_owned(),
            Kind::Count(low, high) => format!("a whole number from {low} to {high}"),
            Kind::Size(low, high) => {
                format!("a size such as \"64MiB\", from {} to {}", Value::Size(*low), Value::Size(*high))
            }
            Kind::Time(low, high) => {
                format!("a time such as \"5s\" or \"250ms\", from {} to {}", Value::Time(*low), Value::Time(*high))
            }
            Kind::Choice(names) => match names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>() {
                words if words.len() == 1 => words[0].clone(),
                words => format!("one of {}", words.join(", ")),
            },
            Kind::Texts => "a text or a list of texts".to_owned(),
            Kind::Theme => {
                let names = THEMES.map(|name| format!("{name:?}")).join(", ");
                format!("one of {names}, or the name of a table [ui.themes.NAME]")
            }
            Kind::Counts(low, high) => format!("a list of three whole numbers, each from {low} to {high}"),
        }
    }

    fn nearest(&self, raw: &Raw) -> String {
        match (self, raw) {
            (Kind::Choice(names), Raw::Text(text)) => match nearest(text, names.iter().copied()) {
                Some(name) => format!("; the nearest is {name:?}"),
                None => String::new(),
            },
            _ => String::new(),
        }
    }
}

fn within<T: PartialOrd>(value: T, low: T, high: T) -> Option<T> {
    (low <= value && value <= high).then_some(value)
}

fn words(items: &[Raw]) -> Option<Vec<String>> {
    let text = |item: &Raw| match item {
        Raw::Text(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().map(text).collect()
}

fn three(items: &[Raw], low: u64, high: u64) -> Option<[u64; 3]> {
    let count = |item: &Raw| match item {
        Raw::Whole(n) => within(*n, low, high),
        _ => None,
    };
    match items {
        [a, b, c] => Some([count(a)?, count(b)?, count(c)?]),
        _ => None,
    }
}

/// The candidate that a mistyped word most likely meant, if one is near enough.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates.into_iter().map(|name| (strsim::damerau_levenshtein(word, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + word.chars().count().min(name.chars().count()) / 3).then_some(name)
}

const SIZES: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("kB", 1_000),
    ("B", 1),
];

fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = SIZES.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    number.trim_end().parse::<u64>().ok()?.checked_mul(unit)
}

const TIMES: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

fn parse_time(text: &str) -> Option<Duration> {
    let (number, unit) = TIMES.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    let number = number.trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse::<u64>().ok()?;
    let millis = whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(thousandths * unit / 1_000)?;
    Some(Duration::from_millis(millis))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(flag) | Value::Auto(Some(flag)) => write!(f, "{flag}"),
            Value::Auto(None) => f.write_str("\"auto\""),
            Value::Count(number) => write!(f, "{number}"),
            Value::Size(bytes) => match SIZES[..3].iter().find(|(_, unit)| *bytes > 0 && bytes % unit == 0) {
                Some((name, unit)) => write!(f, "\"{}{name}\"", bytes / unit),
                None => write!(f, "{bytes}"),
            },
            Value::Time(time) => {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                let (name, unit) = TIMES.iter().rev().find(|(_, unit)| millis % unit == 0).unwrap_or(&TIMES[0]);
                let (name, unit) = if millis == 0 { ("s", 1) } else { (*name, *unit) };
                write!(f, "\"{}{name}\"", millis / unit)
            }
            Value::Choice(name) => write!(f, "{name:?}"),
            Value::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
            Value::Counts([a, b, c]) => write!(f, "[{a}, {b}, {c}]"),
            Value::Texts(texts) => {
                let quoted: Vec<String> = texts.iter().map(|t| toml::Value::String(t.clone()).to_string()).collect();
                write!(f, "[{}]", quoted.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cf_sizes_and_times_are_read_with_their_units_and_written_back_the_same() {
        for (text, bytes) in [("64MiB", 64 << 20), ("1 GiB", 1 << 30), ("1500B", 1500), ("2MB", 2_000_000)] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        assert_eq!([parse_size("64"), parse_size("-1MiB"), parse_size("MiB"), parse_size("99999999999GiB")], [None; 4]);
        for (text, millis) in [("5s", 5_000), ("250ms", 250), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(parse_time(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(
            [parse_time("5"), parse_time("s"), parse_time("-1s"), parse_time("1.s"), parse_time("1.+5s")],
            [None; 5]
        );
        for text in ["\"5s\"", "\"250ms\"", "\"90s\"", "\"2m\"", "\"0s\""] {
            let time = parse_time(text.trim_matches('"')).expect("a time");
            assert_eq!(Value::Time(time).to_string(), text);
        }
        assert_eq!([Value::Size(64 << 20), Value::Size(1001)].map(|v| v.to_string()), ["\"64MiB\"", "1001"]);
    }

    #[test]
    fn cf_a_refused_value_names_what_is_allowed_and_what_was_found() {
        let kind = Kind::Choice(&["drop_oldest", "block"]);
        let refused = kind.check(&Raw::Text("drop_oldst".to_owned())).unwrap_err();
        assert_eq!(
            refused,
            "must be one of \"drop_oldest\", \"block\", not \"drop_oldst\"; the nearest is \"drop_oldest\""
        );
        assert_eq!(Kind::Count(1, 9).check(&Raw::Whole(10)).unwrap_err(), "must be a whole number from 1 to 9, not 10");
    }

    #[test]
    fn cf_a_name_that_is_far_from_all_others_has_no_nearest() {
        assert_eq!(nearest("max_entires", ["max_entries", "max_bytes"]), Some("max_entries"));
        assert_eq!(nearest("colour", ["theme", "wrap"]), None);
    }
}
