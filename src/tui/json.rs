//! JSON over several lines as it is stored: only the blanks between its parts change, so that no digit, no order and no
//! name that comes twice is lost.

use serde_json::value::RawValue;

/// What is nested deeper is not laid out: its indentation alone would be more than the text.
const DEPTH_MAX: usize = 100;
/// So many places are tried at which the JSON may begin, behind a time or a word in brackets.
const BEGINS_MAX: usize = 8;

/// A name with a value that is neither an object nor a list, both as they are stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    key: String,
    value: String,
}

/// A line, and the field that stands on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) field: Option<Field>,
}

/// The object or list at the end of a text over several lines, what is before it on lines of its own; none if there is none.
pub(crate) fn lay_out(text: &str) -> Option<Vec<Line>> {
    let text = text.trim_end();
    let begins = text.match_indices(['{', '[']).map(|(at, _)| at).take(BEGINS_MAX);
    let is_json = |at: &usize| serde_json::from_str::<&RawValue>(&text[*at..]).is_ok();
    let at = { begins }.find(is_json)?;
    let mut writer = Writer::default();
    writer.lines.extend(text[..at].trim_end().lines().map(|line| Line { text: line.into(), field: None }));
    let (bytes, mut from) = (text.as_bytes(), at);
    while from < bytes.len() {
        let to = end_of_part(bytes, from);
        if !bytes[from].is_ascii_whitespace() {
            writer.part(&text[from..to])?;
        }
        from = to;
    }
    writer.end_line();
    Some(writer.lines)
}

/// The end of the sign, the blank, the string or the word that begins here.
fn end_of_part(bytes: &[u8], from: usize) -> usize {
    let rest = &bytes[from + 1..];
    let length = match bytes[from] {
        b'"' => {
            let mut escaped = false;
            let end = rest.iter().position(|byte| {
                let ends = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 1)
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 0,
        byte if byte.is_ascii_whitespace() => 0,
        _ => rest.iter().position(|byte| b",]}:".contains(byte) || byte.is_ascii_whitespace()).unwrap_or(rest.len()),
    };
    from + 1 + length
}

#[derive(Default)]
struct Writer<'a> {
    lines: Vec<Line>,
    line: Line,
    depth: usize,
    /// An object or a list was opened, and nothing has come in it yet.
    opened: bool,
    /// The string or word that came last, and the one before the last colon.
    last: &'a str,
    key: Option<&'a str>,
}

impl<'a> Writer<'a> {
    /// Takes the next part; none if it is nested too deep.
    fn part(&mut self, part: &'a str) -> Option<()> {
        match part {
            "{" | "[" => {
                self.begin();
                self.line.text.push_str(part);
                (self.depth, self.opened, self.key) = (self.depth + 1, true, None);
            }
            "}" | "]" => {
                self.depth -= 1;
                if !std::mem::take(&mut self.opened) {
                    self.end_line();
                }
                self.begin();
                self.line.text.push_str(part);
            }
            "," => {
                self.line.text.push(',');
                self.end_line();
            }
            ":" => {
                self.line.text.push_str(": ");
                self.key = Some(self.last);
            }
            _ => {
                self.begin();
                self.line.text.push_str(part);
                self.line.field = self.key.take().map(|key| Field { key: key.into(), value: part.into() });
                self.last = part;
            }
        }
        (self.depth <= DEPTH_MAX).then_some(())
    }

    /// Before what stands at the beginning of a line: its indentation.
    fn begin(&mut self) {
        if std::mem::take(&mut self.opened) {
            self.end_line();
        }
        if self.line.text.is_empty() {
            self.line.text.extend(std::iter::repeat_n("  ", self.depth));
        }
    }

    fn end_line(&mut self) {
        if !self.line.text.is_empty() {
            self.lines.push(std::mem::take(&mut self.line));
        }
    }
}

impl Field {
    /// `"key": value`
    pub(crate) fn title(&self) -> String {
        format!("{}: {}", self.key, self.value)
    }

    /// The value; of a string, what it stands for.
    pub(crate) fn text(&self) -> String {
        let bare = || self.value.trim_matches('"').to_owned();
        if self.value.starts_with('"') {
            serde_json::from_str(&self.value).unwrap_or_else(|_| bare())
        } else {
            self.value.clone()
        }
    }

    /// A pattern, as `/show` takes it, that a line matches which has the same value under the same name.
    pub(crate) fn pattern(&self) -> String {
        // A string has an end of its own; a number goes on until what may stand behind it.
        let end = if self.value.starts_with('"') { "" } else { r"\s*[,}]" };
        format!(r"re:(?-i){}\s*:\s*{}{end}", escaped(&self.key), escaped(&self.value))
    }
}

/// A text as a part of a regular expression; what stands for bytes that are no text may be those bytes.
fn escaped(text: &str) -> String {
    regex::escape(text).replace(char::REPLACEMENT_CHARACTER, r"(?-u:[\x80-\xff]){1,3}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::tui::logs::filter::{Pattern, PatternMode};

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn fields(stored: &str) -> Vec<Field> {
        lay_out(stored).unwrap().into_iter().filter_map(|line| line.field).collect()
    }

    fn matches(field: &Field, line: &[u8]) -> bool {
        Pattern::new(&field.pattern(), PatternMode::default()).unwrap().matches(line)
    }

    #[test]
    fn no_digit_no_order_and_no_double_name_is_lost() {
        let stored = r#"{"b":12345678901234567890.000,"a":{"x":[1,-0.0,{}, []],"a":null},"b":1e400,"a":"\u00e9\/"}"#;
        let wanted = "{
  \"b\": 12345678901234567890.000,
  \"a\": {
    \"x\": [
      1,
      -0.0,
      {},
      []
    ],
    \"a\": null
  },
  \"b\": 1e400,
  \"a\": \"\\u00e9\\/\"
}";
        assert_eq!(text(&lay_out(stored).unwrap()), wanted);
        let titles: Vec<String> = fields(stored).iter().map(Field::title).collect();
        let wanted = ["\"b\": 12345678901234567890.000", "\"a\": null", "\"b\": 1e400", "\"a\": \"\\u00e9\\/\""]
            .map(String::from);
        assert_eq!(titles, wanted);
    }

    #[test]
    fn what_stands_before_the_json_has_its_own_line_and_what_is_no_json_is_left_alone() {
        assert_eq!(text(&lay_out("12:00 [info] {\"a\":1} ").unwrap()), "12:00 [info]\n{\n  \"a\": 1\n}");
        for other in ["", "no", "{\"a\":1} and more", "{\"a\":01}", "[1,2", "{'a':1}"] {
            assert_eq!(lay_out(other), None, "{other}");
        }
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(lay_out(&deep), None);
    }

    #[test]
    fn a_field_matches_the_line_that_it_is_from_and_no_similar_one() {
        let stored = r#"{"s":"a \"b\" \\ c.*+?[](){}|^$#&-~","u":"größe \ud83d\ude00 漢","e":"","n":3,"x":-1.5e+3,
            "z":null,"t" : true ,"in":{"n":31,"list":[{"deep":"yes"}]},"":"no name","tab":"\t","(k)":"v"}"#;
        let fields = fields(stored);
        assert_eq!(fields.len(), 12);
        for field in &fields {
            assert!(matches(field, stored.as_bytes()), "{}", field.pattern());
            assert!(!matches(field, b"{}"));
        }
        assert_eq!(fields[0].text(), r#"a "b" \ c.*+?[](){}|^$#&-~"#);
        assert_eq!((fields[1].text(), fields[5].text()), ("größe 😀 漢".into(), "null".into()));
        let three = fields.iter().find(|field| field.title() == "\"n\": 3").unwrap();
        assert!(matches(three, br#"{"n" : 3}"#));
        for other in [&br#"{"n":31}"#[..], br#"{"n":3.5}"#, br#"{"m":3}"#, br#"{"N":3}"#, br#"{"n":"3"}"#] {
            assert!(!matches(three, other));
        }
    }

    #[test]
    fn a_value_with_bytes_that_are_no_text_matches_them() {
        for line in [&b"{\"a\":\"x\xffy\"}"[..], b"{\"a\":\"\xf0\x9f\x98\",\"b\":1}", "{\"a\":\"\u{fffd}\"}".as_bytes()]
        {
            let field = fields(&String::from_utf8_lossy(line)).remove(0);
            assert!(matches(&field, line), "{}", field.pattern());
            assert!(!matches(&field, b"{\"a\":\"xy\"}"));
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}|[\\x00-\\x7f]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::hash_map("\\PC{0,8}|[\\x00-\\x7f]{0,8}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn laid_out_it_is_the_same_and_each_field_matches_its_line(value in json(), pretty in any::<bool>()) {
            let stored = if pretty { format!("{value:#}") } else { value.to_string() };
            let Some(lines) = lay_out(&stored) else {
                prop_assert!(!value.is_object() && !value.is_array());
                return Ok(());
            };
            if value.is_object() || value.is_array() {
                prop_assert_eq!(text(&lines), format!("{value:#}"));
            }
            for field in lines.iter().filter_map(|line| line.field.as_ref()) {
                prop_assert!(matches(field, stored.as_bytes()), "{}", field.pattern());
            }
        }
    }
}
