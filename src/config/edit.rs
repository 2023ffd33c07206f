//! Changes settings in a file: what the person wrote around them stays as it is, and nothing is written that would not be
//! read back as it was meant.

use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::load::{Config, Overrides, Source};
use super::read::text_of;
use crate::error::{Code, Error, Result};

/// A setting and what is to stand behind its `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `grace`, `ui.theme`, `ui.keys.` with the name of an action behind it, or `ui.colors.` with a role.
    pub name: String,
    /// The value as TOML.
    pub value: String,
}

const KEYS: &str = "ui.keys.";

impl Change {
    /// The table that it stands in, and its key there.
    fn place(&self) -> (&str, &str) {
        match self.name.strip_prefix(KEYS) {
            Some(action) => ("ui.keys", action),
            None => self.name.rsplit_once('.').unwrap_or(("", &self.name)),
        }
    }
}

/// The text with these settings changed or added.
///
/// # Errors
/// INVALID_STATE: the text is no valid settings file, or a setting stands in it in a way that is not changed from outside.
fn edited(path: &Path, text: &str, changes: &[Change]) -> Result<String> {
    let mut text = text.to_owned();
    for change in changes {
        let (section, key) = change.place();
        text = match span(path, &text, section, key)? {
            Some(span) => format!("{}{}{}", &text[..span.start], change.value, &text[span.end..]),
            None => added(&text, section, key, &change.value),
        };
    }
    let config = Config::from_text(path, &text, &Overrides::new())?;
    for change in changes {
        let by_hand = || fault(path, format!("`{}` cannot be changed from here: change it in the file", change.name));
        if !matches!(config.source(&change.name), Some(Source::File { .. })) {
            return Err(by_hand());
        }
    }
    Ok(text)
}

fn fault(path: &Path, text: String) -> Error {
    Error::new("config", Code::InvalidState, format!("{}: {text}", path.display()))
}

/// The bytes of a value that stands in the text already.
fn span(path: &Path, text: &str, section: &str, key: &str) -> Result<Option<Range<usize>>> {
    let root = DeTable::parse(text).map_err(|error| fault(path, error.message().to_owned()))?;
    let mut table = Some(root.get_ref());
    for part in section.split('.').filter(|part| !part.is_empty()) {
        table = table.and_then(|table| within(table, part)).and_then(|value| value.get_ref().as_table());
    }
    let Some(table) = table else { return Ok(None) };
    // `process.restart = …` is a table within a table to TOML.
    let dotted = || {
        let mut parts = key.split('.');
        let first = within(table, parts.next()?)?;
        parts.try_fold(first, |value, part| within(value.get_ref().as_table()?, part))
    };
    Ok(within(table, key).or_else(dotted).map(Spanned::span))
}

fn within<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
    table.iter().find(|(name, _)| name.get_ref().as_ref() as &str == key).map(|(_, value)| value)
}

/// The text with a line more: behind the last line of the section, or in a new one at the end.
fn added(text: &str, section: &str, key: &str, value: &str) -> String {
    let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let line = if bare { format!("{key} = {value}\n") } else { format!("{} = {value}\n", toml::Value::from(key)) };
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let of_section = |line: &str| line.split('#').next().unwrap_or(line).trim() == format!("[{section}]");
    let (mut at, mut here, mut begun, mut end) = (0, section.is_empty(), section.is_empty(), 0);
    for row in text.split_inclusive('\n') {
        at += row.len();
        if is_header(row) {
            here = of_section(row);
            begun |= here;
        }
        // Blank lines and the comment above the next section belong to what follows.
        if here && (is_header(row) || !(row.trim().is_empty() || row.trim_start().starts_with('#'))) {
            end = at;
        }
    }
    let (before, after) = text.split_at(if begun { end } else { text.len() });
    let newline = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    match begun {
        true => format!("{before}{newline}{line}{after}"),
        false if before.trim().is_empty() => format!("{before}{newline}[{section}]\n{line}"),
        false => format!("{before}{newline}\n[{section}]\n{line}"),
    }
}

/// Changes these settings in a file, which is made if it is not there; answers where each of them stands now.
///
/// # Errors
/// INVALID_STATE: the file is no valid settings file, or a setting stands in it in a way that is not changed from outside;
/// otherwise what the system said. The file then is as it was.
pub fn save(path: &Path, changes: &[Change]) -> Result<Vec<Source>> {
    let failed = |doing: &str, error| Error::io("config", format!("{doing} {}", path.display()), error);
    let text = match text_of(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed("read", error)),
    };
    let text = edited(path, &text, changes)?;
    // A link stays a link.
    let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed("make the folder of", error))?;
    }
    let part = file.with_extension("toml.part");
    let write = || {
        let mut out = std::fs::File::create(&part)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        if let Ok(about) = file.metadata() {
            std::fs::set_permissions(&part, about.permissions())?;
        }
        std::fs::rename(&part, &file)
    };
    write().inspect_err(|_| _ = std::fs::remove_file(&part)).map_err(|error| failed("write", error))?;
    let config = Config::from_text(path, &text, &Overrides::new())?;
    let source = |change: &Change| config.source(&change.name).cloned();
    Ok(changes.iter().map(|change| source(change).unwrap_or(Source::Default)).collect())
}

/// The file for the settings of the person: the one that is there, else `brummer/config.toml` in the folder for settings.
pub fn user_file(get: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |key: &str| get(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("HOME");
    let folder =
        set("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| Some(home.as_ref()?.join(".config")));
    let file = folder.map(|folder| folder.join("brummer").join("config.toml"));
    let dotfile = home.map(|home| home.join(".brum.toml")).filter(|path| path.is_file());
    match file {
        Some(file) if file.is_file() || dotfile.is_none() => Some(file),
        _ => dotfile,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str, changes: &[(&str, &str)]) -> Result<String> {
        let change = |(name, value): &(&str, &str)| Change { name: (*name).into(), value: (*value).into() };
        edited(Path::new("x.toml"), text, &changes.iter().map(change).collect::<Vec<_>>())
    }

    #[test]
    fn cf_a_changed_setting_leaves_everything_around_it() {
        let text = "# mine\ngrace = \"1s\"   # soon\n\n[ui]\n# colours\ntheme = \"dark\" # at night\nwrap = true\n\n# more\n[processes.a]\ncommand = \"x\"\n";
        let expected = text.replace("\"1s\"", "\"2s\"").replace("\"dark\"", "\"light\"");
        assert_eq!(with(text, &[("grace", "\"2s\""), ("ui.theme", "\"light\"")]).unwrap(), expected);
        let added = with(text, &[("ui.mouse", "false"), ("runner", "\"npm\"")]).unwrap();
        assert!(added.contains("wrap = true\nmouse = false\n\n# more\n[processes.a]"), "{added}");
        assert!(added.starts_with("# mine\ngrace = \"1s\"   # soon\nrunner = \"npm\"\n\n[ui]"), "{added}");
    }

    #[test]
    fn cf_a_section_that_is_not_there_is_made() {
        assert_eq!(with("", &[("ui.wrap", "true")]).unwrap(), "[ui]\nwrap = true\n");
        assert_eq!(with("grace = \"1s\"", &[("ui.wrap", "true")]).unwrap(), "grace = \"1s\"\n\n[ui]\nwrap = true\n");
        let keys = with("[ui]\nwrap = true\n", &[("ui.keys.process.restart", "\"f5\"")]).unwrap();
        assert_eq!(keys, "[ui]\nwrap = true\n\n[ui.keys]\n\"process.restart\" = \"f5\"\n");
        for text in ["[ui.keys]\n\"quit\" = \"x\"\n", "[ui.keys]\nquit = \"x\"\n"] {
            assert_eq!(with(text, &[("ui.keys.quit", "false")]).unwrap(), text.replace("\"x\"", "false"));
        }
        let colors = with("[ui]\nwrap = true\n", &[("ui.colors.ok", "22"), ("ui.theme", "\"dusk\"")]).unwrap();
        assert_eq!(colors, "[ui]\nwrap = true\ntheme = \"dusk\"\n\n[ui.colors]\nok = 22\n");
        let dotted = with("[ui.keys]\nprocess.restart = \"r\"\n", &[("ui.keys.process.restart", "\"f5\"")]).unwrap();
        assert_eq!(dotted, "[ui.keys]\nprocess.restart = \"f5\"\n");
    }

    #[test]
    fn cf_nothing_is_written_that_would_not_be_read_back() {
        for (text, change) in [
            ("ui = { wrap = true }\n", ("ui.theme", "\"dark\"")),
            ("[ui]\nwrap = true\n", ("ui.theme", "dark")),
            ("[ui]\nwrap = true\n", ("ui.glyphs", "\"violet\"")),
            ("[ui]\nwrap = true\n", ("ui.colors.ok", "\"violet\"")),
            ("[ui]\nwrap = \n", ("ui.theme", "\"dark\"")),
        ] {
            assert!(with(text, &[change]).is_err(), "{text}");
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sub/.brum.toml");
        let change = |value: &str| [Change { name: "ui.glyphs".into(), value: value.into() }];
        let sources = save(&file, &change("\"ascii\"")).unwrap();
        assert_eq!(sources, [Source::File { path: file.clone(), line: 2 }]);
        save(&file, &change("\"violet\"")).unwrap_err();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "[ui]\nglyphs = \"ascii\"\n");
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}
