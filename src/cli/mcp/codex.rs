//! Edits one table of a TOML file that people write: everything else in it stays as it is.

use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table};

/// Sets `[SECTION.NAME]`; texts, lists of texts and tables of texts are all that is needed.
pub(super) fn set(text: &str, section: &str, name: &str, value: &Value) -> Result<String, String> {
    let mut document = parse(text)?;
    let item = match value {
        // Taken back as it was.
        Value::String(before) => parse(before)?.remove(name).unwrap_or_default(),
        value => Item::Table(table_of(value)),
    };
    let parent = document.entry(section).or_insert_with(|| {
        let mut parent = Table::new();
        parent.set_implicit(true);
        Item::Table(parent)
    });
    let parent = parent.as_table_like_mut().ok_or_else(|| format!("`{section}` is no table"))?;
    parent.insert(name, item);
    Ok(document.to_string())
}

/// Takes `[SECTION.NAME]` out.
pub(super) fn remove(text: &str, section: &str, name: &str) -> Result<String, String> {
    let mut document = parse(text)?;
    if let Some(parent) = document.get_mut(section).and_then(Item::as_table_like_mut) {
        parent.remove(name);
        if parent.is_empty() {
            document.remove(section);
        }
    }
    Ok(document.to_string())
}

/// `[SECTION.NAME]` as TOML text under its own name, to be given back to [`set`], and as a value.
pub(super) fn get(text: &str, section: &str, name: &str) -> Result<Option<(String, Value)>, String> {
    let document = parse(text)?;
    let Some(item) = document.get(section).and_then(|parent| parent.get(name)) else { return Ok(None) };
    let mut alone = DocumentMut::new();
    alone.insert(name, item.clone());
    let alone = alone.to_string();
    let value: toml::Table = alone.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let value = value.get(name).and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default();
    Ok(Some((alone, value)))
}

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| error.to_string())
}

fn table_of(value: &Value) -> Table {
    let mut table = Table::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        let item = match value {
            Value::Array(texts) => {
                toml_edit::value(texts.iter().filter_map(Value::as_str).collect::<toml_edit::Array>())
            }
            Value::Object(_) => Item::Table(table_of(value)),
            Value::Bool(flag) => toml_edit::value(*flag),
            other => toml_edit::value(other.as_str().unwrap_or_default()),
        };
        table.insert(key, item);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_rest_of_the_file_stays_and_comes_back() {
        let text = "# mine\nmodel = \"x\"   # the one\n\n[mcp_servers.other]\nurl = \"http://x\"\n\n[tui]\na = 1\n";
        let value = json!({ "command": "/bin/brummer", "args": ["--mcp"] });
        let new = set(text, "mcp_servers", "brummer", &value).unwrap();
        assert!(new.contains("# mine") && new.contains("# the one") && new.contains("[mcp_servers.brummer]"), "{new}");
        let (before, read) = get(&new, "mcp_servers", "brummer").unwrap().unwrap();
        assert_eq!(read, value);
        assert_eq!(remove(&new, "mcp_servers", "brummer").unwrap(), text);
        let changed = set(&new, "mcp_servers", "brummer", &json!({ "url": "http://y" })).unwrap();
        assert_eq!(get(&changed, "mcp_servers", "brummer").unwrap().unwrap().1, json!({ "url": "http://y" }));
        let back = set(&changed, "mcp_servers", "brummer", &json!(before)).unwrap();
        assert_eq!(get(&back, "mcp_servers", "brummer").unwrap().unwrap().1, value);
        assert_eq!(remove(&set("", "mcp_servers", "brummer", &value).unwrap(), "mcp_servers", "brummer").unwrap(), "");
        assert!(set("a = [", "mcp_servers", "brummer", &value).is_err());
    }
}
