//! deno.json and deno.jsonc: the tasks, which `deno task` runs.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::json::{Text, explain, without_comments};
use super::package_json::{RawScript, Scripts};
use super::recipe::read;
use crate::error::Error;

/// The file and its tasks, if the directory has one.
pub(super) fn tasks(dir: &Path, problems: &mut Vec<Error>) -> Option<(PathBuf, Vec<RawScript>)> {
    let named = ["deno.json", "deno.jsonc"].iter().map(|name| dir.join(name));
    let (file, text) = named.into_iter().find_map(|file| Some((file.clone(), read(&file, problems)?)))?;
    let clean = without_comments(&text);
    let mut reader = serde_json::Deserializer::from_str(&clean);
    match reader.deserialize_map(TasksVisitor(&clean)) {
        Ok(tasks) => Some((file, tasks)),
        Err(error) => {
            problems.push(explain(&file, &error));
            None
        }
    }
}

struct TasksVisitor<'t>(&'t str);

impl<'t> Visitor<'t> for TasksVisitor<'t> {
    type Value = Vec<RawScript>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Vec<RawScript>, A::Error> {
        let mut tasks = Vec::new();
        while let Some(key) = map.next_key::<Text<'t>>()? {
            if key.0 == "tasks" {
                tasks =
                    map.next_value_seed(Scripts { file: self.0, line: key.line(self.0).unwrap_or(1), tasks: true })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(tasks)
    }
}
