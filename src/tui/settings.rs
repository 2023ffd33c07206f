//! What the Settings view knows: every setting with its value and its source, and what was changed and not yet written.

use std::collections::BTreeMap;

use crate::config::{Change, Color, Config, Kind, OwnTheme, ROLES, RoleColors, Setting, Source, Value, table};
use crate::tui::field::Field;
use crate::tui::keymap::{self, Keymap};
use crate::tui::model::narrow;

/// A row of the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    Heading(&'static str),
    Row(Row),
}

/// A setting, a key, or something that is only told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// `ui.theme`, `ui.keys.quit`; empty for what is only told.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) source: String,
    pub(crate) about: String,
    /// What it can be, where that are a few words.
    pub(crate) choices: Vec<String>,
}

/// The Settings view.
#[derive(Debug)]
pub(crate) struct SettingsView {
    /// With the changes, written or not.
    pub(crate) config: Config,
    /// What holds when nothing is changed.
    begun: Config,
    /// Changed and not written: the value as TOML.
    pub(crate) changed: BTreeMap<String, String>,
    /// Before each change: the setting, and its change until then.
    undo: Vec<(String, Option<String>)>,
    pub(crate) selected: Option<String>,
    pub(crate) offset: usize,
    pub(crate) find: Field,
    /// What is only told, such as the address of the proxy.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The keys as they are with the changes.
    keymap: Keymap,
}

const KEYS: &str = "ui.keys.";
const COLORS: &str = "ui.colors.";

/// The headings, with the sections of the table below each.
const HEADINGS: [(&str, &[&str]); 6] = [
    ("General", &[""]),
    ("Appearance", &["ui"]),
    ("Logs", &["log_store"]),
    ("Proxy", &["proxy_server"]),
    ("MCP", &["mcp", "mcp_manager", "mcp_server"]),
    ("Inside", &["eventbus", "pool", "process_manager", "resources"]),
];

impl SettingsView {
    pub(crate) fn new(config: Config) -> SettingsView {
        SettingsView {
            keymap: Keymap::new(&bindings(&config)).unwrap_or_default(),
            begun: config.clone(),
            config,
            changed: BTreeMap::new(),
            undo: Vec::new(),
            selected: None,
            offset: 0,
            find: Field::default(),
            facts: Vec::new(),
        }
    }

    /// All that is shown, in order.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut heading = |title, rows: Vec<Row>| {
            let shown: Vec<Row> = rows.into_iter().filter(|row| self.shows(row)).collect();
            if !shown.is_empty() {
                lines.push(Line::Heading(title));
                lines.extend(shown.into_iter().map(Line::Row));
            }
        };
        let known: Vec<&str> = HEADINGS.iter().flat_map(|(_, sections)| sections.iter().copied()).collect();
        for (title, sections) in HEADINGS {
            let other = title == "Inside";
            let of = |row: &&Setting| sections.contains(&row.section) || (other && !known.contains(&row.section));
            let mut rows: Vec<Row> = table().iter().filter(of).map(|setting| self.row(setting)).collect();
            let facts = self.facts.iter().filter(|(label, _)| fact_heading(label) == title);
            rows.extend(facts.map(|(label, value)| fact(label, value)));
            heading(title, rows);
        }
        heading("Colours", self.colors());
        heading("Keys", self.keys());
        lines
    }

    fn shows(&self, row: &Row) -> bool {
        narrow(self.find.text(), &[&row.name, &row.label, &row.about])
    }

    fn row(&self, setting: &Setting) -> Row {
        let name = setting.name();
        let value = self.config.value(&name).map_or(String::new(), |value| plain(&value.to_string()));
        Row {
            label: written(setting.key),
            source: self.source(&name, self.config.source(&name)),
            value,
            about: setting.about.to_owned(),
            choices: match &setting.kind {
                Kind::Theme => self.config.theme_names(),
                Kind::Choice(names) => names.iter().map(ToString::to_string).collect(),
                Kind::Bool => ["on", "off"].map(str::to_owned).into(),
                Kind::Auto => ["auto", "on", "off"].map(str::to_owned).into(),
                _ => Vec::new(),
            },
            name,
        }
    }

    fn source(&self, name: &str, source: Option<&Source>) -> String {
        match source {
            _ if self.changed.contains_key(name) => "not written".to_owned(),
            Some(Source::File { path, line }) => {
                let file =
                    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
                format!("{file}:{line}")
            }
            Some(source) => source.to_string(),
            None => "default".to_owned(),
        }
    }

    fn colors(&self) -> Vec<Row> {
        let row = |(role, about): (&str, &str)| {
            let name = format!("{COLORS}{role}");
            let said = self.config.colors.iter().find(|line| line.role == role && !line.colors.is_empty());
            Row {
                label: written(role),
                value: said.map_or_else(|| "of the theme".to_owned(), |line| line.toml().replace('"', "")),
                source: self.source(&name, self.config.source(&name)),
                about: format!("{about}."),
                choices: Vec::new(),
                name,
            }
        };
        ROLES.into_iter().map(row).collect()
    }

    fn keys(&self) -> Vec<Row> {
        let row = |row: &'static crate::tui::keymap::Row| {
            let name = format!("{KEYS}{}", row.name);
            let keys: Vec<String> = self.keymap.keys(row.action).iter().map(ToString::to_string).collect();
            let binding = self.config.keys.iter().find(|binding| binding.action == row.name);
            Row {
                label: row.name.to_owned(),
                value: if keys.is_empty() { "none".into() } else { keys.join("  ") },
                source: self.source(&name, binding.map(|binding| &binding.source)),
                about: format!("{} ({})", row.about, row.place.name()),
                choices: Vec::new(),
                name,
            }
        };
        let commands = self.config.keys.iter().filter(|binding| binding.action.starts_with('/'));
        let commands = commands.map(|binding| Row {
            name: format!("{KEYS}{}", binding.action),
            label: binding.action.clone(),
            value: binding.keys.join("  "),
            source: self.source(&format!("{KEYS}{}", binding.action), Some(&binding.source)),
            about: "a command on a key (all views)".into(),
            choices: Vec::new(),
        });
        keymap::ROWS.iter().map(row).chain(commands).collect()
    }

    /// `[ui.keys]` with the changes.
    pub(crate) fn bindings(&self) -> BTreeMap<String, Vec<String>> {
        bindings(&self.config)
    }

    /// The selected row; the first one that is shown if the selected one is not.
    pub(crate) fn selected(&self) -> Option<Row> {
        let (lines, at) = self.view();
        match lines.into_iter().nth(at)? {
            Line::Row(row) => Some(row),
            Line::Heading(_) => None,
        }
    }

    /// All that is shown, and the place of the selected row in it.
    pub(crate) fn view(&self) -> (Vec<Line>, usize) {
        let lines = self.lines();
        let is = |line: &Line| matches!(line, Line::Row(row) if self.selected.as_ref() == Some(&id(row)));
        let first = || lines.iter().position(|line| matches!(line, Line::Row(_)));
        let at = lines.iter().position(is).or_else(first).unwrap_or(0);
        (lines, at)
    }

    /// Changes a setting; `text` is as a person types it.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it and what is allowed.
    pub(crate) fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let toml = match (name.strip_prefix(KEYS), name.strip_prefix(COLORS)) {
            (Some(action), _) => self.set_keys(action, text)?,
            (_, Some(role)) => {
                self.config = self.config.with_colors(role, text).map_err(|message| format!("`{name}` {message}"))?;
                self.config.colors.iter().find(|line| line.role == role).map_or(String::new(), RoleColors::toml)
            }
            _ => {
                let config = self.config.with(name, text).map_err(|message| format!("`{name}` {message}"))?;
                self.config = config;
                self.config.value(name).map_or(String::new(), ToString::to_string)
            }
        };
        let is_listed = self.config.value(name).is_some();
        let as_before = is_listed && self.config.value(name) == self.begun.value(name);
        let before = match as_before {
            true => self.changed.remove(name),
            false => self.changed.insert(name.to_owned(), toml),
        };
        self.undo.push((name.to_owned(), before));
        Ok(())
    }

    fn set_keys(&mut self, action: &str, text: &str) -> Result<String, String> {
        let none = matches!(text.trim(), "" | "none" | "false");
        let split = text.split([',', ' ']).map(str::trim).filter(|key| !key.is_empty());
        let keys: Vec<String> = if none { Vec::new() } else { split.map(str::to_owned).collect() };
        let mut bindings = self.bindings();
        bindings.insert(action.to_owned(), keys.clone());
        if let Some(fault) = Keymap::faults(&bindings).into_iter().next() {
            return Err(format!("`{}` {}", fault.action, fault.message));
        }
        let quoted: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        let toml = match quoted.as_slice() {
            [] => "false".to_owned(),
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        self.config = self.config.with_keys(action, keys);
        self.keymap = Keymap::new(&bindings).unwrap_or_default();
        Ok(toml)
    }

    /// The value that comes `by` steps after the one that holds, if steps make sense.
    pub(crate) fn stepped(&self, name: &str, by: isize) -> Option<String> {
        let setting = table().iter().find(|setting| setting.name() == name)?;
        let value = self.config.value(name)?;
        let turn = |all: &[&str], now: &str| {
            let at = all.iter().position(|one| *one == now).unwrap_or(0) as isize;
            all[(at + by).rem_euclid(all.len() as isize) as usize].to_owned()
        };
        let words = ["auto", "true", "false"];
        let themes = self.config.theme_names();
        Some(match (&setting.kind, value) {
            (Kind::Theme, Value::Text(name)) => turn(&themes.iter().map(String::as_str).collect::<Vec<_>>(), name),
            (Kind::Bool, Value::Bool(flag)) => (!flag).to_string(),
            (Kind::Auto, Value::Auto(flag)) => {
                turn(&words, flag.map_or("auto", |flag| if flag { "true" } else { "false" }))
            }
            (Kind::Choice(names), Value::Choice(name)) => turn(names, name),
            (Kind::Count(low, high), Value::Count(count)) => {
                // One in the second digit: 60 → 61, 200000 → 210000.
                let step = 10_u64.pow((*count).max(1).ilog10().saturating_sub(1));
                let next = if by < 0 { count.saturating_sub(step) } else { count.saturating_add(step) };
                next.clamp(*low, *high).to_string()
            }
            (Kind::Size(low, high), Value::Size(size)) => {
                let next = if by < 0 { size / 2 } else { size.saturating_mul(2).max(1024) };
                next.clamp(*low, *high).to_string()
            }
            _ => return None,
        })
    }

    pub(crate) fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Takes the last change back; answers which setting it was about.
    pub(crate) fn undo(&mut self) -> Option<String> {
        let (name, before) = self.undo.pop()?;
        match before {
            Some(toml) => _ = self.changed.insert(name.clone(), toml),
            None => _ = self.changed.remove(&name),
        }
        self.lay();
        Some(name)
    }

    /// Lays the changes over what holds without them.
    fn lay(&mut self) {
        self.config = self.begun.clone();
        for (name, toml) in &self.changed {
            let config = match (name.strip_prefix(KEYS), name.strip_prefix(COLORS)) {
                (Some(action), _) => Some(self.config.with_keys(action, keys_of(toml))),
                (_, Some(role)) => self.config.with_colors(role, toml).ok(),
                _ => self.config.with(name, toml).ok(),
            };
            self.config = config.unwrap_or_else(|| self.config.clone());
        }
        self.keymap = Keymap::new(&self.bindings()).unwrap_or_default();
    }

    /// The files say this now; what was changed here and not written goes on. Answers what is other than before.
    pub(crate) fn reload(&mut self, config: Config) -> Vec<String> {
        let before = std::mem::replace(&mut self.config, config.clone());
        self.begun = config;
        self.undo.clear();
        self.lay();
        let differs = |name: &String| before.value(name) != self.config.value(name);
        let mut names: Vec<String> = table().iter().map(Setting::name).filter(differs).collect();
        let told = [
            ("ui.keys", bindings(&before) != bindings(&self.config)),
            ("ui.colors", said(&before.colors) != said(&self.config.colors)),
            ("ui.themes", before.themes.iter().map(own).ne(self.config.themes.iter().map(own))),
            ("processes", before.processes != self.config.processes),
            ("proxy_server.rules", before.rules != self.config.rules),
        ];
        names.extend(told.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()));
        names
    }

    /// What is to be written.
    pub(crate) fn changes(&self) -> Vec<Change> {
        self.changed.iter().map(|(name, value)| Change { name: name.clone(), value: value.clone() }).collect()
    }

    /// Where a setting stood before it was changed.
    pub(crate) fn begun_source(&self, name: &str) -> Option<Source> {
        self.begun.source(name).cloned()
    }

    /// These stand in a file now.
    pub(crate) fn written(&mut self, written: &[(Change, Source)]) {
        for (change, source) in written {
            if self.changed.get(&change.name) == Some(&change.value) {
                self.changed.remove(&change.name);
            }
            self.config.set_source(&change.name, source.clone());
        }
        self.undo.clear();
        self.begun = self.config.clone();
    }
}

/// Roles and their colours.
type Said<'a> = Vec<(&'static str, &'a [Color])>;

/// What lines of colours say, wherever they say it.
fn said(lines: &[RoleColors]) -> Said<'_> {
    lines.iter().map(|line| (line.role, line.colors.as_slice())).collect()
}

/// What a theme says, wherever it says it.
fn own(theme: &OwnTheme) -> (&str, Option<&'static str>, Said<'_>) {
    (&theme.name, theme.base, said(&theme.colors))
}

fn bindings(config: &Config) -> BTreeMap<String, Vec<String>> {
    config.keys.iter().map(|binding| (binding.action.clone(), binding.keys.clone())).collect()
}

/// What tells a row from the others.
pub(crate) fn id(row: &Row) -> String {
    if row.name.is_empty() { row.label.clone() } else { row.name.clone() }
}

fn keys_of(toml: &str) -> Vec<String> {
    let text = format!("x = {toml}");
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    match table.get("x") {
        Some(toml::Value::String(key)) => vec![key.clone()],
        Some(toml::Value::Array(keys)) => keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn fact(label: &str, value: &str) -> Row {
    Row {
        name: String::new(),
        label: label.to_owned(),
        value: value.to_owned(),
        source: String::new(),
        about: "told for information; y copies it.".into(),
        choices: Vec::new(),
    }
}

fn fact_heading(label: &str) -> &'static str {
    match label {
        "MCP address" => "MCP",
        _ if label.starts_with("Proxy") || label.starts_with("PAC") => "Proxy",
        _ => "General",
    }
}

/// Without the quotes of a text; `true` and `false` as they are shown.
fn plain(toml: &str) -> String {
    match toml {
        "true" => "on".into(),
        "false" => "off".into(),
        text => text.trim_matches('"').to_owned(),
    }
}

/// The name of a setting as words: `MCP port` of `mcp_port`.
fn written(key: &str) -> String {
    let word = |(at, word): (usize, &str)| match word {
        "mcp" | "csp" | "lan" | "mb" | "ws" => word.to_uppercase(),
        _ if at == 0 => word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default(),
        _ => word.to_owned(),
    };
    key.split('_').enumerate().map(word).collect::<Vec<_>>().join(" ")
}
