//! What a tool takes and gives: one table from which the JSON Schemas, the check of what came and its refusals are made.

use serde_json::{Map, Value, json};

use super::answer::Refusal;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, not empty.
    Text,
    /// A list of texts.
    Texts,
    /// Yes or no.
    Flag,
    /// A whole number within these bounds.
    Whole(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An object.
    Object,
    /// A whole number, of a result.
    Count,
    /// A list, of a result.
    List,
    /// Anything, of a result.
    Any,
}

/// A named value that is taken or given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// In a few words; empty where the name says it all.
    pub(crate) about: &'static str,
}

/// A value that may be left out.
pub(crate) const fn may(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: false, about }
}

/// A value that is always there.
pub(crate) const fn must(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: true, about }
}

impl Kind {
    fn schema(self) -> Value {
        match self {
            Kind::Text => json!({ "type": "string" }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Kind::Choice(words) => json!({ "enum": words }),
            Kind::Object => json!({ "type": "object" }),
            Kind::Count => json!({ "type": "integer" }),
            Kind::List => json!({ "type": "array" }),
            Kind::Any => json!({}),
        }
    }

    /// What is expected, in words; `None` if the value is that.
    fn refuses(self, value: &Value) -> Option<String> {
        let fits = match self {
            Kind::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Kind::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            Kind::Flag => value.is_boolean(),
            Kind::Whole(least, most) => value.as_u64().is_some_and(|number| (least..=most).contains(&number)),
            Kind::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Kind::Object => value.is_object(),
            Kind::Count | Kind::List | Kind::Any => true,
        };
        let expected = || match self {
            Kind::Text => "text that is not empty".to_owned(),
            Kind::Texts => "a list of texts".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Object => "an object".to_owned(),
            Kind::Count | Kind::List | Kind::Any => String::new(),
        };
        (!fits).then(expected)
    }
}

fn properties(fields: &[Field]) -> (Map<String, Value>, Vec<&'static str>) {
    let property = |field: &Field| {
        let mut schema = field.kind.schema();
        if !field.about.is_empty() {
            schema["description"] = field.about.into();
        }
        (field.name.to_owned(), schema)
    };
    let required = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    (fields.iter().map(property).collect(), required)
}

fn object(fields: &[Field]) -> Value {
    let (properties, required) = properties(fields);
    let mut schema = json!({ "type": "object" });
    if !properties.is_empty() {
        schema["properties"] = properties.into();
    }
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

/// The schema of what is taken: nothing else is.
pub(crate) fn input(fields: &[Field]) -> Value {
    let mut schema = object(fields);
    schema["additionalProperties"] = false.into();
    schema
}

/// The schema of what is given.
pub(crate) fn output(fields: &[Field]) -> Value {
    object(fields)
}

/// Whether a value is as a schema of the keywords above says; what is not, in words.
pub(crate) fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    let type_fits = match schema["type"].as_str() {
        None => true,
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(other) => return Err(format!("an unknown type {other}")),
    };
    if !type_fits {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            return Err(format!("`{name}` is missing"));
        }
    }
    for (name, own) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            fits(own, value).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    Ok(())
}

/// What came with a call, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments(Map<String, Value>);

impl Arguments {
    /// Checks what came; `null` is as good as nothing.
    ///
    /// # Errors
    /// Which argument is wrong, and what is allowed.
    pub(crate) fn check(fields: &[Field], mut given: Map<String, Value>) -> Result<Arguments, Refusal> {
        given.retain(|_, value| !value.is_null());
        if let Some(unknown) = given.keys().find(|name| fields.iter().all(|field| field.name != name.as_str())) {
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            let allowed = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
            return Err(Refusal(format!("`{unknown}` is no argument of this tool; its arguments: {allowed}.")));
        }
        for field in fields {
            match given.get(field.name) {
                None if field.required => {
                    let about = if field.about.is_empty() { String::new() } else { format!(" ({})", field.about) };
                    return Err(Refusal(format!("`{}` is missing{about}.", field.name)));
                }
                None => {}
                Some(value) => {
                    if let Some(expected) = field.kind.refuses(value) {
                        let shown: String = value.to_string().chars().take(80).collect();
                        return Err(Refusal(format!("`{}` is {shown}; expected: {expected}.", field.name)));
                    }
                }
            }
        }
        Ok(Arguments(given))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A text of which it was checked that it is there.
    pub(crate) fn needed(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.0.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn whole(&self, name: &str, otherwise: u64) -> u64 {
        self.0.get(name).and_then(Value::as_u64).unwrap_or(otherwise)
    }

    pub(crate) fn size(&self, name: &str, otherwise: usize) -> usize {
        usize::try_from(self.whole(name, otherwise as u64)).unwrap_or(otherwise)
    }

    pub(crate) fn seconds(&self, name: &str, otherwise: u64) -> std::time::Duration {
        std::time::Duration::from_secs(self.whole(name, otherwise))
    }

    pub(crate) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name)?.as_object()
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        must("name", Kind::Text, "a script"),
        may("limit", Kind::Whole(1, 10), ""),
        may("level", Kind::Choice(&["all", "error"]), ""),
        may("args", Kind::Texts, ""),
    ];

    fn check(given: Value) -> Result<Arguments, String> {
        let given = given.as_object().cloned().unwrap_or_default();
        Arguments::check(FIELDS, given).map_err(|refusal| refusal.0)
    }

    #[test]
    fn a_wrong_argument_is_refused_with_what_where_and_what_is_allowed() {
        for (given, said) in [
            (json!({}), "`name` is missing (a script)."),
            (json!({"name": ""}), "`name` is \"\"; expected: text that is not empty."),
            (json!({"name": null}), "`name` is missing (a script)."),
            (json!({"name": "a", "limit": 11}), "`limit` is 11; expected: a whole number from 1 to 10."),
            (json!({"name": "a", "limit": -1}), "`limit` is -1; expected: a whole number from 1 to 10."),
            (json!({"name": "a", "level": "bad"}), "`level` is \"bad\"; expected: one of all, error."),
            (json!({"name": "a", "args": [1]}), "`args` is [1]; expected: a list of texts."),
            (
                json!({"name": "a", "nmae": 1}),
                "`nmae` is no argument of this tool; its arguments: name, limit, level, args.",
            ),
        ] {
            assert_eq!(check(given.clone()).unwrap_err(), said, "{given}");
        }
    }

    #[test]
    fn what_fits_is_read_and_the_rest_has_its_default() {
        let read = check(json!({"name": "a", "limit": 3, "level": null, "args": ["x"]})).unwrap();
        assert_eq!((read.needed("name"), read.whole("limit", 5), read.text("level")), ("a", 3, None));
        assert_eq!((read.texts("args"), read.flag("none")), (vec!["x".to_owned()], false));
    }

    #[test]
    fn a_value_that_does_not_fit_is_told_from_one_that_does() {
        let schema = output(&[must("total", Kind::Count, ""), may("list", Kind::List, ""), must("any", Kind::Any, "")]);
        let why = |value: Value| fits(&schema, &value).err().unwrap_or_default();
        assert_eq!(why(json!({"total": 1, "list": [], "any": null, "more": {}})), "");
        assert_eq!(why(json!({"total": 1.5, "any": 0})), "total: 1.5 is no \"integer\"");
        assert_eq!(why(json!({"total": 1, "list": {}, "any": 0})), "list: {} is no \"array\"");
        assert_eq!(why(json!({"total": 1})), "`any` is missing");
        assert_eq!(why(json!([])), "[] is no \"object\"");
    }

    #[test]
    fn the_schema_says_the_same() {
        let schema = input(&FIELDS[..2]);
        let expected = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "description": "a script" },
                "limit": { "type": "integer", "minimum": 1, "maximum": 10 }
            },
            "required": ["name"],
            "additionalProperties": false
        });
        assert_eq!(schema, expected);
        assert_eq!(input(&[]), json!({ "type": "object", "additionalProperties": false }));
    }
}
