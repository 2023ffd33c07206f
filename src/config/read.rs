//! One file's text → checked values, key bindings and processes, and all that is wrong with it.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::colors::{ColorReader, OwnTheme, RoleColors};
use super::kind::{Kind, Raw, Value, nearest};
use super::load::Source;
use super::process_entry::{Partial, read_process};
use super::report::{ConfigError, FileText};
use super::rule_entry::{RuleEntry, read_rules};
use super::settings::{Setting, table};

/// A line of `[ui.keys]`: what an action is bound to instead of its default.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyBinding {
    /// The action, such as `process.restart`.
    pub action: String,
    /// Its keys; empty when it is to have none (`false` in the file).
    pub keys: Vec<String>,
    /// Where it was said.
    pub source: Source,
}

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// Row of the table, value, line.
    pub(super) values: Vec<(usize, Value, usize)>,
    pub(super) keys: Vec<KeyBinding>,
    pub(super) colors: Vec<RoleColors>,
    pub(super) themes: Vec<OwnTheme>,
    /// What `ui.theme` says, and where.
    pub(super) theme: Option<(String, ConfigError)>,
    pub(super) processes: Vec<Partial>,
    pub(super) rules: Vec<RuleEntry>,
}

pub(super) type Item<'a, 'i> = (&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>);

/// The entries of a table in the order of the file.
pub(super) fn in_order<'a, 'i>(entries: &'a DeTable<'i>) -> Vec<Item<'a, 'i>> {
    let mut items: Vec<Item<'a, 'i>> = entries.iter().collect();
    items.sort_by_key(|(key, _)| key.span().start);
    items
}

/// Reads one file; what is wrong goes to `errors`, everything else into the layer.
pub(super) fn read(path: &Path, text: &str, errors: &mut Vec<ConfigError>) -> Layer {
    let file = FileText { path, text };
    let mut reader = Reader { file, layer: Layer::default(), errors };
    let (root, faults) = DeTable::parse_recoverable(text);
    if faults.is_empty() {
        reader.root(root.get_ref());
    }
    let mut faults: Vec<_> = faults.iter().map(|fault| (fault.span().unwrap_or(0..0), fault.message())).collect();
    faults.sort_by_key(|(span, _)| span.start);
    for (span, message) in faults {
        let message = match bare_word(text, span.start) {
            Some(word) => format!("not valid TOML: a text needs quotes: \"{word}\""),
            None => format!("not valid TOML: {message}"),
        };
        reader.errors.push(file.error(span, "", message));
    }
    reader.layer
}

/// The word that stands, without quotes, where a value begins.
fn bare_word(text: &str, start: usize) -> Option<&str> {
    let (before, after) = text.split_at_checked(start)?;
    let end = after.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}' | '#')).unwrap_or(after.len());
    let starts_value = before.trim_end().ends_with(['=', '[', ',']);
    (starts_value && after.starts_with(char::is_alphabetic)).then(|| &after[..end])
}

/// A file beyond this holds no settings.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The text of a file of settings or variables.
pub(super) fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::other("it is longer than 1 MiB")),
        false => Ok(text),
    }
}

struct Reader<'a> {
    file: FileText<'a>,
    layer: Layer,
    errors: &'a mut Vec<ConfigError>,
}

impl Reader<'_> {
    fn fail(&mut self, span: Range<usize>, key: impl Into<String>, message: impl Into<String>) {
        self.errors.push(self.file.error(span, key, message));
    }

    fn colors(&mut self) -> ColorReader<'_> {
        ColorReader { file: self.file, errors: self.errors }
    }

    fn root(&mut self, root: &DeTable<'_>) {
        for (key, value) in in_order(root) {
            let name = key.get_ref().as_ref();
            match (name, value.get_ref()) {
                ("processes", DeValue::Table(entries)) => self.processes(entries),
                (_, DeValue::Table(entries)) if is_section(name) => self.section(name, entries),
                ("processes", _) => self.fail(value.span(), name, "must hold tables: [processes.NAME]"),
                (_, _) if is_section(name) => self.fail(value.span(), name, format!("must be a table: [{name}]")),
                (_, DeValue::Table(_)) if !is_top_key(name) => {
                    self.fail(key.span(), name, format!("is not a section{}", section_hint(name)));
                }
                _ => self.setting("", (key, value)),
            }
        }
    }

    fn section(&mut self, section: &str, entries: &DeTable<'_>) {
        for (key, value) in in_order(entries) {
            match (section, key.get_ref().as_ref(), value.get_ref()) {
                ("ui", "keys", DeValue::Table(bindings)) => self.bindings("", bindings),
                ("ui", "keys", _) => self.fail(value.span(), "ui.keys", "must be a table: [ui.keys]"),
                ("ui", "colors", DeValue::Table(entries)) => {
                    self.layer.colors = self.colors().colors("ui.colors", entries);
                }
                ("ui", "colors", _) => self.fail(value.span(), "ui.colors", "must be a table: [ui.colors]"),
                ("ui", "themes", DeValue::Table(entries)) => self.layer.themes = self.colors().themes(entries),
                ("ui", "themes", _) => self.fail(value.span(), "ui.themes", "must hold tables: [ui.themes.NAME]"),
                ("proxy_server", "rules", rules) => {
                    let rules = read_rules(&self.file, value.span(), rules, self.errors);
                    self.layer.rules.extend(rules);
                }
                _ => self.setting(section, (key, value)),
            }
        }
    }

    fn setting(&mut self, section: &str, (key, value): Item<'_, '_>) {
        let name = key.get_ref().as_ref();
        let row = table().iter().position(|row| row.section == section && row.key == name);
        let Some(row) = row else {
            let full = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
            return self.fail(key.span(), full, format!("is not a setting{}", hint(section, name)));
        };
        match table()[row].kind.check(&Raw::from_toml(value.get_ref())) {
            Ok(checked) => {
                if let (Kind::Theme, Value::Text(name)) = (&table()[row].kind, &checked) {
                    self.layer.theme = Some((name.clone(), self.file.error(value.span(), table()[row].name(), "")));
                }
                self.layer.values.push((row, checked, self.file.line(key.span().start)));
            }
            Err(message) => self.fail(value.span(), table()[row].name(), message),
        }
    }

    /// `process.restart = "r"` is a table in a table for TOML, and one action for us.
    fn bindings(&mut self, prefix: &str, entries: &DeTable<'_>) {
        for (key, value) in in_order(entries) {
            let action = match prefix {
                "" => key.get_ref().to_string(),
                _ => format!("{prefix}.{}", key.get_ref()),
            };
            let keys = match value.get_ref() {
                DeValue::Table(more) => {
                    self.bindings(&action, more);
                    continue;
                }
                DeValue::Boolean(false) => Some(Vec::new()),
                other => texts(other),
            };
            match keys {
                Some(keys) => {
                    let line = self.file.line(key.span().start);
                    let source = Source::File { path: self.file.path.to_owned(), line };
                    self.layer.keys.push(KeyBinding { action, keys, source });
                }
                None => {
                    let allowed = "must be a key such as \"ctrl+r\", a list of keys, or false for none";
                    self.fail(value.span(), format!("ui.keys.{action}"), allowed);
                }
            }
        }
    }

    fn processes(&mut self, entries: &DeTable<'_>) {
        for (key, value) in in_order(entries) {
            let name = key.get_ref().to_string();
            match value.get_ref() {
                DeValue::Table(fields) => {
                    let partial = read_process(&self.file, &name, key.span(), fields, self.errors);
                    self.layer.processes.push(partial);
                }
                _ => {
                    let message = format!("must be a table: [processes.{name}] with `command`");
                    self.fail(value.span(), format!("processes.{name}"), message);
                }
            }
        }
    }
}

/// The texts of a text or of a list of texts; `None` for anything else.
pub(super) fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Array(items) => items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn is_top_key(name: &str) -> bool {
    table().iter().any(|row| row.section.is_empty() && row.key == name)
}

fn section_hint(name: &str) -> String {
    let mut sections: Vec<&str> = table().iter().map(|row| row.section).filter(|section| !section.is_empty()).collect();
    sections.dedup();
    sections.push("processes");
    match nearest(name, sections.iter().copied()) {
        Some(near) => format!("; the nearest is [{near}]"),
        None => format!("; there are {}", sections.iter().map(|s| format!("[{s}]")).collect::<Vec<_>>().join(", ")),
    }
}

fn is_section(name: &str) -> bool {
    table().iter().any(|row| !row.section.is_empty() && row.section == name)
}

/// What was probably meant by an unknown key.
fn hint(section: &str, name: &str) -> String {
    let here = table().iter().filter(|row| row.section == section).map(|row| row.key);
    let sections = table().iter().map(|row| row.section).chain(["processes"]).filter(|other| !other.is_empty());
    let near = match section {
        "" => nearest(name, here.chain(sections)),
        "ui" => nearest(name, here.chain(["keys", "colors", "themes"])),
        "proxy_server" => nearest(name, here.chain(["rules"])),
        _ => nearest(name, here),
    };
    let elsewhere = |row: &&Setting| row.key == name && row.section != section;
    match (table().iter().find(elsewhere), near) {
        (Some(row), _) if row.section.is_empty() => {
            "; it belongs at the top of the file, before any [section]".to_owned()
        }
        (Some(row), _) => format!("; it belongs into [{}]", row.section),
        (None, Some(near)) => format!("; the nearest is `{near}`"),
        (None, None) if section.is_empty() => format!("; there are {}", names("")),
        (None, None) => format!("; [{section}] has {}", names(section)),
    }
}

fn names(section: &str) -> String {
    let keys: Vec<String> =
        table().iter().filter(|row| row.section == section).map(|row| format!("`{}`", row.key)).collect();
    keys.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cf_an_endless_file_is_not_read_to_its_end() {
        assert!(text_of(Path::new("/dev/zero")).unwrap_err().to_string().contains("longer than 1 MiB"));
    }

    proptest::proptest! {
        #[test]
        fn cf_no_text_makes_the_reader_panic(
            text in "[a-z=\"'\\[\\]{}.,0-9#\\nä \\\\]{0,60}",
            key in 0..table().len(),
        ) {
            let mut errors = Vec::new();
            let row = &table()[key];
            let header = if row.section.is_empty() { String::new() } else { format!("[{}]\n", row.section) };
            let process = format!("[processes.x]\n{text}");
            for text in [text.clone(), format!("{header}{} = {text}", row.key), process] {
                read(Path::new("x"), &text, &mut errors);
            }
            errors.iter().for_each(|error| drop(error.to_string()));
        }
    }
}
