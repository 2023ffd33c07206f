//! Edits one member of a JSON file that people write: comments, order, indentation and trailing commas elsewhere stay as they are.

use std::ops::Range;

use serde_json::Value;

/// What is nested deeper is no settings file.
const DEPTH_MAX: usize = 64;

/// Sets the member at this path, and makes the objects around it that are not there. Empty text counts as an empty object.
pub(super) fn set(text: &str, path: &[&str], value: &Value) -> Result<String, String> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        let whole = wrapped(path, value);
        return Ok(format!("{}\n", pretty(&whole, "", "  ")));
    }
    let unit = unit(text);
    let mut object = root(text)?;
    for (depth, key) in path.iter().enumerate() {
        let rest = &path[depth + 1..];
        match object.members.iter().rfind(|member| member.key == *key) {
            Some(member) if rest.is_empty() => {
                let new = pretty(value, &indent_of(text, member.start), unit);
                return Ok(splice(text, member.value.clone(), &new));
            }
            Some(member) => {
                let inner = object_at(text, member.value.start, depth + 1);
                object = inner.map_err(|why| format!("`{}`: {why}", path[..=depth].join(".")))?;
            }
            None => return Ok(insert(text, &object, key, &wrapped(rest, value), unit)),
        }
    }
    Err("the path is empty".to_owned())
}

/// Takes the member at this path out. One that is not there is no error.
pub(super) fn remove(text: &str, path: &[&str]) -> Result<String, String> {
    let Some((object, at)) = find(text, path)? else { return Ok(text.to_owned()) };
    let member = &object.members[at];
    let cut = match (at.checked_sub(1).map(|before| &object.members[before]), object.members.get(at + 1)) {
        // The comma before it goes with it; one behind it stays.
        (Some(before), _) => before.value.end..member.value.end,
        (None, Some(next)) => member.start..next.start,
        (None, None) => object.open + 1..object.close,
    };
    Ok(splice(text, cut, ""))
}

/// The text of the member at this path.
pub(super) fn get<'a>(text: &'a str, path: &[&str]) -> Result<Option<&'a str>, String> {
    Ok(find(text, path)?.map(|(object, at)| &text[object.members[at].value.clone()]))
}

/// The same as a value; its own comments are gone.
pub(super) fn get_value(text: &str, path: &[&str]) -> Result<Option<Value>, String> {
    let Some(own) = get(text, path)? else { return Ok(None) };
    value_of(own).map(Some)
}

/// Whether the object at this path is there and has no members.
pub(super) fn is_empty(text: &str, path: &[&str]) -> bool {
    get(text, path).ok().flatten().is_some_and(|own| object_at(own, 0, 0).is_ok_and(|object| object.members.is_empty()))
}

fn find(text: &str, path: &[&str]) -> Result<Option<(Object, usize)>, String> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Ok(None);
    }
    let mut object = root(text)?;
    for (depth, key) in path.iter().enumerate() {
        let Some(at) = object.members.iter().rposition(|member| member.key == *key) else { return Ok(None) };
        if depth + 1 == path.len() {
            return Ok(Some((object, at)));
        }
        object = match object_at(text, object.members[at].value.start, depth + 1) {
            Ok(inner) => inner,
            Err(_) => return Ok(None),
        };
    }
    Ok(None)
}

struct Member {
    key: String,
    /// Where its key begins.
    start: usize,
    value: Range<usize>,
}

/// An object of a text: its brackets, and its members.
struct Object {
    open: usize,
    close: usize,
    members: Vec<Member>,
    /// Behind the last member stands a comma.
    trailing: bool,
}

fn root(text: &str) -> Result<Object, String> {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let object = object_at(text, skip(text, start)?, 0)?;
    match skip(text, object.close + 1)? == text.len() {
        true => Ok(object),
        false => Err(wrong(text, object.close + 1, "something stands behind the end")),
    }
}

fn object_at(text: &str, open: usize, depth: usize) -> Result<Object, String> {
    let mut object = Object { open, close: open, members: Vec::new(), trailing: false };
    if byte(text, open) != Some(b'{') {
        return Err(wrong(text, open, "an object is expected"));
    }
    let mut at = skip(text, open + 1)?;
    loop {
        match byte(text, at) {
            Some(b'}') => {
                object.close = at;
                return Ok(object);
            }
            Some(b'"') => {}
            _ => return Err(wrong(text, at, "a name in quotes or `}` is expected")),
        }
        let (start, end) = (at, string_end(text, at)?);
        let key = serde_json::from_str(&text[start..end]).map_err(|_| wrong(text, start, "this is no name"))?;
        at = skip(text, end)?;
        if byte(text, at) != Some(b':') {
            return Err(wrong(text, at, "`:` is expected"));
        }
        let value = skip(text, at + 1)?;
        let end = value_end(text, value, depth + 1)?;
        object.members.push(Member { key, start, value: value..end });
        at = skip(text, end)?;
        object.trailing = byte(text, at) == Some(b',');
        match byte(text, at) {
            Some(b',') => at = skip(text, at + 1)?,
            Some(b'}') => {}
            _ => return Err(wrong(text, at, "`,` or `}` is expected")),
        }
    }
}

fn value_end(text: &str, at: usize, depth: usize) -> Result<usize, String> {
    if depth > DEPTH_MAX {
        return Err(wrong(text, at, "this is nested too deep"));
    }
    match byte(text, at) {
        Some(b'"') => string_end(text, at),
        Some(b'{') => object_at(text, at, depth).map(|object| object.close + 1),
        Some(b'[') => {
            let mut at = skip(text, at + 1)?;
            while byte(text, at) != Some(b']') {
                at = skip(text, value_end(text, at, depth + 1)?)?;
                match byte(text, at) {
                    Some(b',') => at = skip(text, at + 1)?,
                    Some(b']') => {}
                    _ => return Err(wrong(text, at, "`,` or `]` is expected")),
                }
            }
            Ok(at + 1)
        }
        _ => {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
            let end = at + text.as_bytes()[at..].iter().take_while(|byte| plain(byte)).count();
            match serde_json::from_str::<Value>(&text[at..end]) {
                Ok(_) => Ok(end),
                Err(_) => Err(wrong(text, at, "a value is expected")),
            }
        }
    }
}

fn string_end(text: &str, at: usize) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let mut end = at + 1;
    while let Some(byte) = bytes.get(end) {
        match byte {
            b'"' => return Ok(end + 1),
            b'\\' => end += 2,
            b'\n' => break,
            _ => end += 1,
        }
    }
    Err(wrong(text, at, "a text does not end"))
}

/// Behind white space and comments.
fn skip(text: &str, mut at: usize) -> Result<usize, String> {
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(inner) = rest.strip_prefix("/*") {
            let end = inner.find("*/").ok_or_else(|| wrong(text, at, "a comment does not end"))?;
            at += end + 4;
        } else {
            return Ok(at);
        }
    }
}

/// A value of a text that may have comments and trailing commas in it.
fn value_of(text: &str) -> Result<Value, String> {
    let mut plain = String::new();
    let (mut at, bytes) = (0, text.as_bytes());
    while at < text.len() {
        match bytes[at] {
            b'"' => {
                let end = string_end(text, at)?;
                plain.push_str(&text[at..end]);
                at = end;
            }
            b'/' => at = skip(text, at)?.max(at + 1),
            b',' => {
                let next = skip(text, at + 1)?;
                if !matches!(byte(text, next), Some(b'}' | b']')) {
                    plain.push(',');
                }
                at = next;
            }
            _ => {
                let length = text[at..].chars().next().map_or(1, char::len_utf8);
                plain.push_str(&text[at..at + length]);
                at += length;
            }
        }
    }
    serde_json::from_str(&plain).map_err(|error| error.to_string())
}

fn insert(text: &str, object: &Object, key: &str, value: &Value, unit: &str) -> String {
    let key = Value::from(key).to_string();
    let multiline = text[object.open..object.close].contains('\n');
    let Some(last) = object.members.last() else {
        let outer = indent_of(text, object.open);
        let inner = format!("{outer}{unit}");
        let new = format!("\n{inner}{key}: {}\n{outer}", pretty(value, &inner, unit));
        // A comment in it stays, before what is new.
        let kept = text[object.open + 1..object.close].trim_end();
        return splice(text, object.open + 1..object.close, &format!("{kept}{new}"));
    };
    let comma = if object.trailing { "," } else { "" };
    let at = match object.trailing {
        false => last.value.end,
        true => last.value.end + text[last.value.end..].find(',').map_or(0, |comma| comma + 1),
    };
    let before = if object.trailing { "" } else { "," };
    let new = if multiline {
        let inner = indent_of(text, last.start);
        format!("{before}\n{inner}{key}: {}{comma}", pretty(value, &inner, unit))
    } else {
        format!("{before} {key}: {value}{comma}")
    };
    splice(text, at..at, &new)
}

fn wrapped(path: &[&str], value: &Value) -> Value {
    path.iter()
        .rev()
        .fold(value.clone(), |inner, key| Value::Object([((*key).to_owned(), inner)].into_iter().collect()))
}

fn splice(text: &str, range: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..range.start], &text[range.end..])
}

/// What stands before the first word of a place's line.
fn indent_of(text: &str, at: usize) -> String {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    text[line..].chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

/// What one level is indented by in this file.
fn unit(text: &str) -> &'static str {
    let indented = text.lines().skip(1).find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    match indented.map(|line| (line.starts_with('\t'), line.len() - line.trim_start().len())) {
        Some((true, _)) => "\t",
        Some((_, spaces)) if spaces % 4 == 0 => "    ",
        _ => "  ",
    }
}

fn pretty(value: &Value, indent: &str, unit: &str) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines = text.lines().enumerate().map(|(number, line)| {
        let level = (line.len() - line.trim_start().len()) / 2;
        if number == 0 { line.to_owned() } else { format!("{indent}{}{}", unit.repeat(level), line.trim_start()) }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

fn wrong(text: &str, at: usize, why: &str) -> String {
    let line = text[..at.min(text.len())].matches('\n').count() + 1;
    format!("line {line}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const PATH: [&str; 2] = ["mcpServers", "brummer"];

    fn value() -> Value {
        json!({ "command": "brummer", "args": ["--mcp"] })
    }

    #[test]
    fn what_is_around_stays_and_taking_it_out_brings_the_file_back() {
        for text in [
            "{\n  // mine\n  \"mcpServers\": {\n    \"other\": { \"url\": \"http://x\" } /* last */\n  },\n  \"a\": [1, /*,*/ 2,],\n}\n",
            "{\n\t\"mcpServers\": {\n\t\t\"other\": {},\n\t},\n}",
            "{\"mcpServers\": {\"other\": {}}, \"b\": \"// no comment\"}",
        ] {
            let new = set(text, &PATH, &value()).unwrap();
            assert_eq!(get_value(&new, &PATH).unwrap(), Some(value()), "{new}");
            assert!(new.contains("other"), "{new}");
            let back = remove(&new, &PATH).unwrap();
            let plain = |text: &str| value_of(text).unwrap();
            assert_eq!(plain(&back), plain(text));
            if !text.contains(",\n\t}") {
                assert_eq!(back, text);
            }
        }
    }

    #[test]
    fn it_looks_as_if_a_person_had_written_it() {
        let new = set("{\n    \"a\": 1\n}\n", &PATH, &json!({ "url": "x" })).unwrap();
        let want = "{\n    \"a\": 1,\n    \"mcpServers\": {\n        \"brummer\": {\n            \"url\": \"x\"\n        }\n    }\n}\n";
        assert_eq!(new, want);
        let again = set(&new, &PATH, &json!({ "url": "y" })).unwrap();
        assert_eq!(again, want.replace("\"x\"", "\"y\""));
        assert_eq!(set("", &["a"], &json!(1)).unwrap(), "{\n  \"a\": 1\n}\n");
        assert_eq!(set("{}", &["a"], &json!(1)).unwrap(), "{\n  \"a\": 1\n}");
        assert_eq!(set("{ /* x */ }\n", &["a"], &json!(1)).unwrap(), "{ /* x */\n  \"a\": 1\n}\n");
    }

    #[test]
    fn what_is_no_such_file_is_named_by_line_and_left_alone() {
        for (text, line) in
            [("{\n  \"a\" 1\n}", 2), ("[]", 1), ("{\n\"a\": tru}", 2), ("{\"a\": {}}\nx", 1), ("{\"a\": \"b", 1)]
        {
            let why = set(text, &PATH, &value()).unwrap_err();
            assert!(why.starts_with(&format!("line {line}:")), "{text}: {why}");
        }
        assert!(set("{\"mcpServers\": []}", &PATH, &value()).unwrap_err().contains("mcpServers"));
        assert!(set(&format!("{{\"a\":{}}}", "[".repeat(500)), &PATH, &value()).is_err());
    }

    #[test]
    fn a_text_with_comments_has_a_value() {
        let text = "{\"a\": [1, 2,], // x\n \"b\": \"/* ü */\", /* y */ }";
        assert_eq!(value_of(text).unwrap(), json!({ "a": [1, 2], "b": "/* ü */" }));
        assert!(is_empty("{\"a\": { // x\n }}", &["a"]) && !is_empty("{\"a\": {\"b\": 1}}", &["a"]));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\\\/,{}ü]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn only_what_is_meant_changes(members in prop::collection::btree_map("[a-z]{1,3}", any_json(), 0..5), pretty in any::<bool>()) {
            let before = Value::Object(members.into_iter().collect());
            let text = if pretty { serde_json::to_string_pretty(&before).unwrap() } else { before.to_string() };
            let new = set(&text, &PATH, &value()).unwrap();
            let mut want = before.clone();
            want["mcpServers"] = json!({ "brummer": value() });
            prop_assert_eq!(serde_json::from_str::<Value>(&new).unwrap(), want);
            let back = remove(&new, &["mcpServers"]).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&back).unwrap(), before);
        }
    }
}
