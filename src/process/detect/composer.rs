//! composer.json: the scripts that are not hooks of composer itself, run by `composer`.

use std::fmt;
use std::path::Path;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::json::{Text, explain};
use super::recipe::{Recipe, read};
use super::tools::Tools;
use crate::error::Error;

pub(super) fn find(dir: &Path, tools: &Tools, problems: &mut Vec<Error>) -> Vec<Recipe> {
    let file = dir.join("composer.json");
    let found = read(&file, problems).filter(|_| tools.has("composer"));
    let Some(text) = found else { return Vec::new() };
    match serde_json::Deserializer::from_str(&text).deserialize_map(Project(&text)) {
        Ok(scripts) => scripts
            .into_iter()
            .filter(|(name, _)| !is_hook(name))
            .map(|(name, line)| {
                let argv = ["composer", "run-script", &name].map(str::to_owned).to_vec();
                Recipe::argv(&name, argv, Some("--"), &file, line)
            })
            .collect(),
        Err(error) => {
            problems.push(explain(&file, &error));
            Vec::new()
        }
    }
}

/// `pre-install-cmd`, `post-autoload-dump` and the like are called by composer, not by people.
fn is_hook(name: &str) -> bool {
    let around = name.starts_with("pre-") || name.starts_with("post-");
    around
        && ["-cmd", "-dump", "-install", "-update", "-uninstall", "-run", "-solving", "-download", "-exec"]
            .iter()
            .any(|end| name.ends_with(end))
}

struct Project<'t>(&'t str);

impl<'t> Visitor<'t> for Project<'t> {
    /// Name and line.
    type Value = Vec<(String, usize)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut scripts = Vec::new();
        while let Some(key) = map.next_key::<Text<'t>>()? {
            if key.0 != "scripts" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: Value = map.next_value()?;
            // Where the object begins; a name stands on the first line behind it that holds it in quotes.
            let start = key.line(self.0).unwrap_or(1);
            for name in value.as_object().into_iter().flat_map(|scripts| scripts.keys()) {
                let quoted = format!("\"{name}\"");
                let line = self.0.lines().skip(start - 1).position(|line| line.trim_start().starts_with(&quoted));
                scripts.push((name.clone(), start + line.unwrap_or(0)));
            }
        }
        Ok(scripts)
    }
}
