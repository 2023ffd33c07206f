//! An object taken apart into its members, whose values stay the text that they were.
//!
//! Two readers of one message must never understand different things, so a name that comes twice is refused.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr2;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess};
use serde_json::value::RawValue;

use super::fault::{Fault, INVALID_REQUEST, PARSE_ERROR};

/// An object with more members is refused.
pub const MEMBERS_MAX: usize = 256;

/// The members of one object in their order.
#[derive(Clone, Debug, Default)]
pub struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Takes an object apart.
    ///
    /// # Errors
    /// The text is no JSON (−32700), or no object, or one with a name that comes twice or too many of them (−32600).
    ///
    /// ```
    /// use brummer::wire::jsonrpc::Members;
    /// let members = Members::of(r#"{"a": {"b": [1]}, "c": "d"}"#).unwrap();
    /// assert_eq!(members.get("a").unwrap().get(), r#"{"b": [1]}"#);
    /// assert_eq!(members.text("c"), Some("d".into()));
    /// assert!(Members::of(r#"{"a": 1, "\u0061": 2}"#).is_err());
    /// ```
    pub fn of(text: &'a str) -> Result<Members<'a>, Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer.deserialize_any(MembersVisitor).map_err(fault)?;
        deserializer.end().map_err(fault)?;
        Ok(members)
    }

    /// Takes the object apart that a member of another object is.
    ///
    /// # Errors
    /// As [`Members::of`].
    pub fn of_raw(raw: &'a RawValue) -> Result<Members<'a>, Fault> {
        Members::of(raw.get())
    }

    /// The value of this name, unread.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    /// The value of this name, if it is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        string(self.get(name)?)
    }

    /// The value of this name as a type, if it is one.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The text of a JSON string, copied only where it has escapes.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        false => Some(Cow::Borrowed(inner)),
        true => serde_json::from_str(raw.get()).ok().map(Cow::Owned),
    }
}

pub(super) fn fault(error: serde_json::Error) -> Fault {
    match error.classify() {
        serde_json::error::Category::Data => Fault::new(INVALID_REQUEST, error.to_string()),
        _ => Fault::new(PARSE_ERROR, format!("No JSON: {error}")),
    }
}

struct MembersVisitor;

impl<'de> de::Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(4);
        while let Some(Name(name)) = map.next_key()? {
            if members.iter().any(|(other, _)| *other == name) {
                return Err(de::Error::custom(format_args!("the member `{}` comes twice", short(&name))));
            }
            if members.len() == MEMBERS_MAX {
                return Err(de::Error::custom(format_args!("an object with more than {MEMBERS_MAX} members")));
            }
            members.push((name, map.next_value()?));
        }
        Ok(Members(members))
    }
}

fn short(name: &str) -> &str {
    &name[..name.floor_char_boundary(64)]
}

struct Name<'a>(Cow<'a, str>);

impl<'de> de::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name<'de>, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> de::Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

/// Bytes as text, if they are that and nothing in them is nested deeper than `depth_max`: the check that stands before any parser.
///
/// # Errors
/// Bytes that are no UTF-8, or nested too deep (−32700).
pub fn check(bytes: &[u8], depth_max: usize) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::new(PARSE_ERROR, "No JSON: bytes that are no UTF-8."))?;
    if is_deeper(bytes, depth_max) {
        return Err(Fault::new(PARSE_ERROR, format!("No JSON that is taken: nested deeper than {depth_max}.")));
    }
    Ok(text)
}

/// Looks at brackets only, and not at those in strings; what is no JSON is found by the parser.
fn is_deeper(bytes: &[u8], depth_max: usize) -> bool {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => at = string_end(bytes, at),
            _ => {}
        }
        if depth > depth_max {
            return true;
        }
    }
    false
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        match bytes[at + found] {
            b'"' => return at + found + 1,
            _ => at += found + 2,
        }
    }
    bytes.len()
}
