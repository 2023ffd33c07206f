//! package.json: what of it matters for running scripts, with the line of each script.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::json::{Lines, Text, explain};
use crate::error::Error;

/// A script as it stands in its file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RawScript {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) line: usize,
    /// The tasks that run before it (deno).
    pub(super) dependencies: Vec<String>,
}

/// What one package says. Parts of a type that nobody expects count as not there, as they do for npm.
#[derive(Debug, Default)]
pub(super) struct PackageJson {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) manager: Option<String>,
    pub(super) workspaces: Vec<String>,
    pub(super) scripts: Vec<RawScript>,
    /// `config_…`, `engines_…`, `bin_…`: what scripts see as `npm_package_…`.
    pub(super) variables: Vec<(String, String)>,
}

pub(super) fn parse(file: &Path, text: &str) -> Result<PackageJson, Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let package = reader.deserialize_map(PackageVisitor(text));
    let package = package.and_then(|package| reader.end().map(|()| package));
    package.map_err(|error| explain(file, &error))
}

struct PackageVisitor<'t>(&'t str);

impl<'t> Visitor<'t> for PackageVisitor<'t> {
    type Value = PackageJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<PackageJson, A::Error> {
        let mut package = PackageJson::default();
        while let Some(key) = map.next_key::<Text<'t>>()? {
            match key.0.as_ref() {
                "scripts" => {
                    let line = key.line(self.0).unwrap_or(1);
                    package.scripts = map.next_value_seed(Scripts { file: self.0, line, tasks: false })?;
                }
                "name" => package.name = text(map.next_value()?),
                "version" => package.version = text(map.next_value()?),
                "packageManager" => package.manager = text(map.next_value()?),
                "workspaces" => package.workspaces = workspaces(&map.next_value()?),
                part @ ("config" | "engines" | "bin") => flatten(part, &map.next_value()?, &mut package.variables),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(package)
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// A list of patterns, or an object that holds it as `packages`.
fn workspaces(value: &Value) -> Vec<String> {
    let list = value.as_array().or_else(|| value.get("packages")?.as_array());
    list.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn flatten(prefix: &str, value: &Value, out: &mut Vec<(String, String)>) {
    let mut more = |key: &str, value: &Value| {
        let clean: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        flatten(&format!("{prefix}_{clean}"), value, out);
    };
    match value {
        Value::Object(parts) => parts.iter().for_each(|(key, value)| more(key, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, value)| more(&i.to_string(), value)),
        Value::String(text) => out.push((prefix.to_owned(), text.clone())),
        // npm writes nothing for these two.
        Value::Null | Value::Bool(false) => out.push((prefix.to_owned(), String::new())),
        Value::Bool(true) | Value::Number(_) => out.push((prefix.to_owned(), value.to_string())),
    }
}

/// Reads the object of scripts, in its order; of two with one name the later text wins, as in JavaScript.
pub(super) struct Scripts<'t> {
    pub(super) file: &'t str,
    /// Where the object begins.
    pub(super) line: usize,
    /// Whether an object with `command` and `dependencies` is a script too, as it is for deno.
    pub(super) tasks: bool,
}

impl<'t> serde::de::DeserializeSeed<'t> for Scripts<'t> {
    type Value = Vec<RawScript>;

    fn deserialize<D: Deserializer<'t>>(self, reader: D) -> Result<Vec<RawScript>, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Scripts<'t> {
    type Value = Vec<RawScript>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of scripts")
    }

    fn visit_unit<E>(self) -> Result<Vec<RawScript>, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Vec<RawScript>, A::Error> {
        let mut scripts: Vec<RawScript> = Vec::new();
        let (mut places, mut lines) = (HashMap::new(), Lines::new(self.file));
        let tasks = self.tasks;
        while let Some((name, value)) = map.next_entry::<Text<'t>, Value>()? {
            let Some((text, dependencies)) = command(value, tasks) else { continue };
            let line = lines.of(&name).unwrap_or(self.line);
            let script = RawScript { name: name.0.into_owned(), text, line, dependencies };
            match places.get(&script.name) {
                Some(&place) => scripts[place] = script,
                None => {
                    places.insert(script.name.clone(), scripts.len());
                    scripts.push(script);
                }
            }
        }
        Ok(scripts)
    }
}

fn command(value: Value, tasks: bool) -> Option<(String, Vec<String>)> {
    match value {
        Value::String(text) => Some((text, Vec::new())),
        Value::Object(task) if tasks => {
            let items = task.get("dependencies").and_then(Value::as_array).into_iter().flatten();
            let dependencies: Vec<String> = items.filter_map(|item| item.as_str().map(str::to_owned)).collect();
            let text = task.get("command").and_then(Value::as_str).unwrap_or_default().to_owned();
            (!text.is_empty() || !dependencies.is_empty()).then_some((text, dependencies))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_keep_the_order_and_the_line_of_the_file() {
        let text = "{\n \"name\": \"a\",\n \"scripts\": {\n  \"z\": \"1\",\n\n\
                    \x20 \"a\": \"2\", \"m\\u0041\": \"3\", \"bad\": 5,\x20\
                    \"task\": {\"command\": \"x\"},\n  \"z\": \"4\"\n }\n}";
        let package = parse(Path::new("package.json"), text).unwrap();
        let seen: Vec<_> = package.scripts.iter().map(|s| (s.name.as_str(), s.text.as_str(), s.line)).collect();
        assert_eq!(seen, [("z", "4", 7), ("a", "2", 6), ("mA", "3", 3)]);
    }

    #[test]
    fn a_fault_has_file_line_and_column() {
        let error = parse(Path::new("p/package.json"), "{\n  \"scripts\": {\n    \"a\": \"b\",\n  }\n}").unwrap_err();
        let shown = error.to_string();
        assert!(shown.starts_with("detect: p/package.json:4:3: trailing comma;"), "{shown}");
        assert!(parse(Path::new("x"), "{} x").is_err());
        assert!(parse(Path::new("x"), "[]").unwrap_err().to_string().contains("expected an object"));
    }

    #[test]
    fn parts_of_an_unexpected_type_count_as_absent() {
        let text = r#"{"name": 1, "version": null, "packageManager": {}, "workspaces": "x",
            "config": {"a-b": {"c": [true]}}}"#;
        let package = parse(Path::new("x"), text).unwrap();
        assert_eq!((package.name, package.version, package.manager, package.workspaces.len()), (None, None, None, 0));
        assert_eq!(package.variables, [("config_a_b_c_0".to_owned(), "true".to_owned())]);
    }

    #[test]
    fn scripts_that_are_no_object_are_a_fault() {
        assert!(parse(Path::new("x"), "{\"scripts\": null}").unwrap().scripts.is_empty());
        let error = parse(Path::new("x"), "{\"scripts\": []}").unwrap_err();
        assert!(error.to_string().contains("expected an object of scripts"), "{error}");
    }
}
