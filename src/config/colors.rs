//! `[ui.colors]` and `[ui.themes.NAME]`: what a colour may be, what can be given one, and themes of one's own.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::kind::{Raw, nearest};
use super::load::{Config, Source};
use super::read::in_order;
use super::report::{ConfigError, FileText};

/// The themes that are there without being made.
pub const THEMES: [&str; 6] = ["auto", "ansi", "dark", "light", "contrast", "mono"];

/// What can be given a colour, and what it colours.
pub const ROLES: [(&str, &str); 12] = [
    ("text", "Text"),
    ("background", "Behind everything; without it, the terminal's own background"),
    ("muted", "Times, hints, what is beside the point"),
    ("accent", "Titles, keys, the view in front"),
    ("ok", "What runs, and what went well"),
    ("warn", "Warnings, and what starts or stops"),
    ("error", "Errors, and what has failed"),
    ("cursor", "Behind the row with the cursor"),
    ("match", "Behind what was found"),
    ("current_match", "Behind the one of them that the cursor is on"),
    ("rule", "Lines between parts"),
    ("processes", "The names of processes: a list, from which each name gets its own"),
];

/// The one role that takes a list.
const LIST: &str = "processes";

/// Most colours of a list.
const LIST_MAX: usize = 64;

/// The names of the first sixteen colours of every terminal, by their numbers.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// The terminal's own foreground or background.
const DEFAULT: &str = "default";

/// A colour as a file names it; [`fmt::Display`] writes it as TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// The terminal's own.
    Default,
    /// One of the 256; the first sixteen have names.
    Index(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

impl Color {
    /// Every name that a colour can have.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().chain([DEFAULT])
    }

    fn of(raw: &Raw) -> Option<Color> {
        match raw {
            Raw::Whole(number) => u8::try_from(*number).ok().map(Color::Index),
            Raw::Text(text) if text == DEFAULT => Some(Color::Default),
            Raw::Text(text) => match text.strip_prefix('#') {
                Some(digits) if digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
                    Some(Color::Rgb(red, green, blue))
                }
                _ => NAMES.iter().position(|name| name == text).map(|number| Color::Index(number as u8)),
            },
            _ => None,
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Color::Default => write!(f, "{DEFAULT:?}"),
            Color::Index(number) => match NAMES.get(usize::from(number)) {
                Some(name) => write!(f, "{name:?}"),
                None => write!(f, "{number}"),
            },
            Color::Rgb(red, green, blue) => write!(f, "\"#{red:02x}{green:02x}{blue:02x}\""),
        }
    }
}

/// A line of `[ui.colors]` or of a theme.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleColors {
    /// One of [`ROLES`].
    pub role: &'static str,
    /// One, or for the processes any number; none: as the theme below has it (`false` in the file).
    pub colors: Vec<Color>,
    /// Where it was said.
    pub source: Source,
}

impl RoleColors {
    /// What stands behind the `=`.
    pub fn toml(&self) -> String {
        match self.colors.as_slice() {
            [] => "false".to_owned(),
            [one] => one.to_string(),
            many => format!("[{}]", many.iter().map(Color::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// `[ui.themes.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnTheme {
    /// Its name, one word.
    pub name: String,
    /// The theme of [`THEMES`] that it changes; none said: `auto`.
    pub base: Option<&'static str>,
    /// What is other than there.
    pub colors: Vec<RoleColors>,
    /// Where it was said first.
    pub source: Source,
}

/// The colours that hold: a theme that is there, and what is laid over it, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What `ui.theme` says.
    pub name: String,
    /// One of [`THEMES`].
    pub base: &'static str,
    /// Role and colours; never none.
    pub colors: Vec<(&'static str, Vec<Color>)>,
}

impl Config {
    /// The colours that hold.
    pub fn look(&self) -> Look {
        let name = &self.settings.ui.theme;
        let own = self.themes.iter().find(|theme| theme.name == *name);
        let built_in = THEMES.into_iter().find(|known| known == name);
        let base = built_in.or(own.and_then(|theme| theme.base)).unwrap_or(THEMES[0]);
        let lines = own.map_or(&[][..], |theme| &theme.colors).iter().chain(&self.colors);
        let said = lines.filter(|line| !line.colors.is_empty());
        Look { name: name.clone(), base, colors: said.map(|line| (line.role, line.colors.clone())).collect() }
    }

    /// Every name that `ui.theme` takes.
    pub fn theme_names(&self) -> Vec<String> {
        let own = self.themes.iter().map(|theme| theme.name.as_str());
        THEMES.into_iter().chain(own).map(str::to_owned).collect()
    }

    /// What is wrong with a name of a theme.
    pub(super) fn theme_fault(&self, name: &str) -> Option<String> {
        let names = self.theme_names();
        if names.iter().any(|known| known == name) {
            return None;
        }
        let near = close(nearest(name, names.iter().map(String::as_str)));
        let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        Some(format!(
            "must be a theme, not {name:?}{near}: {}; a table [ui.themes.NAME] makes another",
            names.join(", ")
        ))
    }

    /// The same with another colour for a role: as TOML, or as a person types it.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed, as the end of a sentence that begins with the name.
    pub fn with_colors(&self, role: &str, text: &str) -> Result<Config, String> {
        let role = known_role(role)?;
        let toml = format!("x = {text}");
        let raw = match DeTable::parse(&toml) {
            Ok(parsed) => Raw::from_toml(parsed.get_ref()["x"].get_ref()),
            Err(_) => typed(text),
        };
        let colors = check(role, &raw)?;
        let mut config = self.clone();
        lay(&mut config.colors, vec![RoleColors { role, colors, source: Source::Default }]);
        Ok(config)
    }
}

/// As a person types it: words, numbers, `none`.
fn typed(text: &str) -> Raw {
    let words: Vec<&str> = text.split([',', ' ']).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] | ["none"] => Raw::Bool(false),
        [one] => Raw::from_flag(one),
        many => Raw::List(many.iter().map(|word| Raw::from_flag(word)).collect()),
    }
}

fn known_role(name: &str) -> Result<&'static str, String> {
    let roles = || ROLES.into_iter().map(|(role, _)| role);
    roles().find(|role| *role == name).ok_or_else(|| {
        let near = nearest(name, roles()).map_or(String::new(), |near| format!("; the nearest is `{near}`"));
        let all: Vec<String> = roles().map(|role| format!("`{role}`")).collect();
        format!("is nothing that has a colour{near}; there are {}", all.join(", "))
    })
}

/// The name that was probably meant, behind what was said instead.
fn close(near: Option<&str>) -> String {
    near.map_or(String::new(), |near| format!(" (the nearest is {near:?})"))
}

fn check(role: &'static str, raw: &Raw) -> Result<Vec<Color>, String> {
    let bad = |raw: &Raw| {
        let near = match raw {
            Raw::Text(text) => close(nearest(text, Color::names())),
            _ => String::new(),
        };
        let kinds = "\"#rrggbb\", a name such as \"red\" or \"bright-blue\", a number from 0 to 255, \"default\"";
        match role == LIST {
            true => format!("must be colours, not {raw}{near}: each {kinds}; or false for those of the theme"),
            false => format!("must be a colour, not {raw}{near}: {kinds}; or false for that of the theme"),
        }
    };
    match raw {
        Raw::Bool(false) => Ok(Vec::new()),
        Raw::List(items) if role == LIST && (1..=LIST_MAX).contains(&items.len()) => {
            items.iter().map(|item| Color::of(item).ok_or_else(|| bad(item))).collect()
        }
        raw => Color::of(raw).map(|color| vec![color]).ok_or_else(|| bad(raw)),
    }
}

/// Lays nearer lines over farther ones; what comes out is in the order of [`ROLES`].
pub(super) fn lay(farther: &mut Vec<RoleColors>, nearer: Vec<RoleColors>) {
    farther.retain(|old| nearer.iter().all(|new| new.role != old.role));
    farther.extend(nearer);
    farther.sort_by_key(|line| ROLES.iter().position(|(role, _)| *role == line.role));
}

/// Lays nearer themes over farther ones of the same name, key by key.
pub(super) fn lay_themes(farther: &mut Vec<OwnTheme>, nearer: Vec<OwnTheme>) {
    for new in nearer {
        match farther.iter_mut().find(|old| old.name == new.name) {
            Some(old) => {
                old.base = new.base.or(old.base);
                lay(&mut old.colors, new.colors);
            }
            None => farther.push(new),
        }
    }
}

/// What reads one file.
pub(super) struct ColorReader<'a> {
    pub(super) file: FileText<'a>,
    pub(super) errors: &'a mut Vec<ConfigError>,
}

impl ColorReader<'_> {
    fn fail(&mut self, span: Range<usize>, key: String, message: impl Into<String>) {
        self.errors.push(self.file.error(span, key, message));
    }

    fn source(&self, offset: usize) -> Source {
        Source::File { path: self.file.path.to_owned(), line: self.file.line(offset) }
    }

    /// The lines of a table; `base` is left to the caller.
    pub(super) fn colors(&mut self, prefix: &str, entries: &DeTable<'_>) -> Vec<RoleColors> {
        let mut lines = Vec::new();
        for (key, value) in in_order(entries) {
            let name = key.get_ref().as_ref();
            if name == "base" && prefix != "ui.colors" {
                continue;
            }
            let role = match known_role(name) {
                Ok(role) => role,
                Err(message) => {
                    self.fail(key.span(), format!("{prefix}.{name}"), message);
                    continue;
                }
            };
            match check(role, &Raw::from_toml(value.get_ref())) {
                Ok(colors) => lines.push(RoleColors { role, colors, source: self.source(key.span().start) }),
                Err(message) => self.fail(value.span(), format!("{prefix}.{role}"), message),
            }
        }
        lay(&mut lines, Vec::new());
        lines
    }

    /// `[ui.themes]`.
    pub(super) fn themes(&mut self, entries: &DeTable<'_>) -> Vec<OwnTheme> {
        let mut themes = Vec::new();
        for (key, value) in in_order(entries) {
            let name = key.get_ref().to_string();
            let full = format!("ui.themes.{name}");
            let is_word = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
            match value.get_ref() {
                _ if THEMES.contains(&name.as_str()) => {
                    let message = "is a theme that is there already: choose another name, or change it by [ui.colors]";
                    self.fail(key.span(), full, message);
                }
                _ if !is_word => self.fail(key.span(), full, "must have a name of one word"),
                DeValue::Table(fields) => {
                    let base = self.base(&full, fields);
                    let colors = self.colors(&full, fields);
                    themes.push(OwnTheme { name, base, colors, source: self.source(key.span().start) });
                }
                _ => self.fail(value.span(), full.clone(), format!("must be a table: [{full}]")),
            }
        }
        themes
    }

    fn base(&mut self, full: &str, fields: &DeTable<'_>) -> Option<&'static str> {
        let (_, value) = fields.iter().find(|(key, _)| key.get_ref().as_ref() as &str == "base")?;
        let said = value.get_ref().as_str();
        let base = THEMES.into_iter().find(|theme| Some(*theme) == said);
        if base.is_none() {
            let near = close(said.and_then(|said| nearest(said, THEMES)));
            let names = THEMES.map(|name| format!("{name:?}")).join(", ");
            let found = Raw::from_toml(value.get_ref());
            self.fail(value.span(), format!("{full}.base"), format!("must be one of {names}, not {found}{near}"));
        }
        base
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Overrides;
    use super::*;

    fn read(text: &str) -> Config {
        Config::from_text(Path::new("x.toml"), text, &Overrides::new()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn cf_a_colour_is_read_and_written_the_same() {
        for (text, color) in [
            ("\"#ff8800\"", Color::Rgb(255, 136, 0)),
            ("\"bright-blue\"", Color::Index(12)),
            ("208", Color::Index(208)),
            ("\"default\"", Color::Default),
        ] {
            let config = read(&format!("[ui.colors]\naccent = {text}\n"));
            assert_eq!(config.colors[0].colors, [color]);
            assert_eq!(config.colors[0].toml(), text);
        }
        assert_eq!(read("[ui.colors]\naccent = 3\n").colors[0].toml(), "\"yellow\"");
    }

    #[test]
    fn cf_a_theme_of_ones_own_is_laid_over_its_base_and_colours_over_that() {
        let config = read(
            "[ui]\ntheme = \"dusk\"\n[ui.colors]\nwarn = \"#ffaa00\"\nok = false\n\
             [ui.themes.dusk]\nbase = \"dark\"\nok = 2\naccent = \"magenta\"\n",
        );
        let look = config.look();
        assert_eq!((look.name.as_str(), look.base), ("dusk", "dark"));
        let expected = [("accent", Color::Index(5)), ("ok", Color::Index(2)), ("warn", Color::Rgb(255, 170, 0))];
        assert_eq!(look.colors, expected.map(|(role, color)| (role, vec![color])));
        assert_eq!(config.theme_names().last().map(String::as_str), Some("dusk"));
        let other = config.with("ui.theme", "light").expect("a theme");
        assert_eq!((other.look().base, other.look().colors.len()), ("light", 1));
        assert!(config.with("ui.theme", "dsk").unwrap_err().contains("(the nearest is \"dusk\")"));
    }

    #[test]
    fn cf_a_nearer_file_changes_a_theme_colour_by_colour_and_may_name_one_of_a_farther_file() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = dir.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let near = write("near", "[ui]\ntheme = 'dusk'\n[ui.themes.dusk]\nok = 'blue'\n[ui.colors]\nwarn = false\n");
        let far = write(
            "far",
            "[ui.themes.dusk]\nbase = 'light'\nok = 'red'\nrule = 7\n[ui.colors]\nwarn = 1\nerror = 'magenta'\n",
        );
        let config = Config::load_files(&[near.clone(), far], &Overrides::new()).unwrap();
        let colors = config.look().colors.into_iter().map(|(role, colors)| format!("{role} {}", colors[0]));
        assert_eq!(config.look().base, "light");
        assert_eq!(colors.collect::<Vec<_>>(), ["ok \"blue\"", "rule \"white\"", "error \"magenta\""]);
        let alone = Config::load_files(&[near], &Overrides::new()).unwrap();
        assert_eq!(alone.look().base, "auto");
    }

    #[test]
    fn cf_a_colour_is_typed_without_quotes() {
        let config = Config::default();
        let toml = |role: &str, text: &str| config.with_colors(role, text).map(|config| config.colors[0].toml());
        assert_eq!(toml("accent", "#FF8800"), Ok("\"#ff8800\"".to_owned()));
        assert_eq!(toml("accent", "bright-red"), Ok("\"bright-red\"".to_owned()));
        assert_eq!(toml("accent", "none"), Ok("false".to_owned()));
        assert_eq!(toml("processes", "red, 99 #00ff00"), Ok("[\"red\", 99, \"#00ff00\"]".to_owned()));
        assert!(toml("accent", "red blue").unwrap_err().contains("must be a colour"));
        assert!(toml("accent", "#f80").unwrap_err().contains("\"#rrggbb\""));
        assert!(toml("acent", "red").unwrap_err().contains("the nearest is `accent`"));
    }
}
