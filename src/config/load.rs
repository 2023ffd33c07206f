//! Finds the files, lays them over the defaults, the nearest last, and adds the flags.

use std::fmt;
use std::path::{Path, PathBuf};

use super::colors::{OwnTheme, RoleColors, lay, lay_themes};
use super::kind::{Kind, Raw, Value, nearest};
use super::process_entry::{Partial, ProcessEntry};
use super::read::{KeyBinding, Layer, read, text_of};
use super::report::{ConfigError, ConfigErrors, Place};
use super::rule_entry::RuleEntry;
use super::settings::{Settings, table};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said otherwise.
    Default,
    /// A line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File { path, line } => write!(f, "{}:{line}", path.display()),
            Source::Flag(flag) => f.write_str(flag),
        }
    }
}

/// What the command line says instead of the files.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    flags: Vec<(String, String, String)>,
}

impl Overrides {
    /// None.
    pub fn new() -> Overrides {
        Overrides::default()
    }

    /// `flag` (as it is written, such as `--runner`) sets `key` (such as `runner` or `ui.theme`) to `text`.
    pub fn set(&mut self, key: impl Into<String>, text: impl Into<String>, flag: impl Into<String>) {
        self.flags.push((key.into(), text.into(), flag.into()));
    }
}

/// The effective settings, each with its source.
///
/// - **Thread safety**: `Send + Sync`; it never changes after it was made. **Progress**: wait-free. **Waits**: none.
///   **Cleanup**: none.
#[derive(Clone, Debug)]
pub struct Config {
    /// Every setting, typed.
    pub settings: Settings,
    /// `[ui.keys]`, in the order of the files; one line per action.
    pub keys: Vec<KeyBinding>,
    /// `[ui.colors]`, one line per role.
    pub colors: Vec<RoleColors>,
    /// `[ui.themes.NAME]`, one per name.
    pub themes: Vec<OwnTheme>,
    /// `[processes.NAME]`, nearest file first, in the order of each file.
    pub processes: Vec<ProcessEntry>,
    /// `[[proxy_server.rules]]`, nearest file first, in the order of each file: the first that fits a request counts.
    pub rules: Vec<RuleEntry>,
    /// The files that were read, nearest first.
    pub files: Vec<PathBuf>,
    /// One per row of the table.
    pub(super) values: Vec<(Value, Source)>,
}

impl Default for Config {
    fn default() -> Config {
        let values: Vec<(Value, Source)> = table().iter().map(|row| (row.default.clone(), Source::Default)).collect();
        let settings = Settings::from_values(values.iter().map(|(value, _)| value));
        Config {
            settings,
            keys: Vec::new(),
            colors: Vec::new(),
            themes: Vec::new(),
            processes: Vec::new(),
            rules: Vec::new(),
            files: Vec::new(),
            values,
        }
    }
}

impl Config {
    /// Reads what holds for `dir`: `.brum.toml` there and in every parent, then the user's files, then the flags.
    /// All faults of all files are reported together.
    pub fn load(dir: &Path, flags: &Overrides) -> Result<Config, ConfigErrors> {
        Config::load_files(&Config::candidates(dir), flags)
    }

    /// Every file that may hold settings for `dir`, nearest first, whether it is there or not.
    pub fn candidates(dir: &Path) -> Vec<PathBuf> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let xdg = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let settings_dir = xdg.or_else(|| Some(home.as_ref()?.join(".config")));
        candidates(dir, home.as_deref(), settings_dir.as_deref())
    }

    /// What flags have said, to read the files again.
    pub fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::new();
        for (row, (value, source)) in table().iter().zip(&self.values) {
            if let Source::Flag(flag) = source {
                overrides.set(row.name(), value.to_string().trim_matches('"'), flag.clone());
            }
        }
        overrides
    }

    /// Reads these files, nearest first; those that do not exist are passed over.
    pub fn load_files(files: &[PathBuf], flags: &Overrides) -> Result<Config, ConfigErrors> {
        let mut errors = Vec::new();
        let mut layers = Vec::new();
        for path in files {
            match text_of(path) {
                Ok(text) => layers.push((path.as_path(), read(path, &text, &mut errors))),
                Err(error)
                    if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {}
                Err(error) => {
                    let message = format!("cannot be read: {error}; make it readable, or move it away");
                    errors.push(ConfigError { place: Place::File(path.clone()), key: String::new(), message });
                }
            }
        }
        Config::from_layers(layers, flags, errors, true)
    }

    /// Reads a text as if it were the only file, and stood at `path`; nothing is looked for on the disk. It may name a
    /// theme that another file has.
    pub fn from_text(path: &Path, text: &str, flags: &Overrides) -> Result<Config, ConfigErrors> {
        let mut errors = Vec::new();
        let layer = read(path, text, &mut errors);
        Config::from_layers(vec![(path, layer)], flags, errors, false)
    }

    /// Lays the files over the defaults, the nearest, which is the first, last.
    fn from_layers(
        layers: Vec<(&Path, Layer)>,
        flags: &Overrides,
        mut errors: Vec<ConfigError>,
        complete: bool,
    ) -> Result<Config, ConfigErrors> {
        let mut config =
            Config { files: layers.iter().map(|(path, _)| path.to_path_buf()).collect(), ..Config::default() };
        let mut processes: Vec<Partial> = Vec::new();
        let mut named = Vec::new();
        for (path, layer) in layers.into_iter().rev() {
            for (row, value, line) in layer.values {
                config.values[row] = (value, Source::File { path: path.to_owned(), line });
            }
            config.keys.retain(|old| layer.keys.iter().all(|new| new.action != old.action));
            config.keys.splice(0..0, layer.keys);
            lay(&mut config.colors, layer.colors);
            lay_themes(&mut config.themes, layer.themes);
            named.splice(0..0, layer.theme);
            processes = overlay(processes, layer.processes);
            config.rules.splice(0..0, layer.rules);
        }
        for (name, error) in named.into_iter().filter(|_| complete) {
            errors.extend(config.theme_fault(&name).map(|message| ConfigError { message, ..error }));
        }
        config.apply(flags, &mut errors);
        config.settings = Settings::from_values(config.values.iter().map(|(value, _)| value));
        // A process that has a fault of its own is not also told that it has no command.
        let complete = errors.is_empty();
        for partial in processes {
            match partial.complete(&config.settings) {
                Ok(entry) => config.processes.push(entry),
                Err(error) if complete => errors.push(error),
                Err(_) => {}
            }
        }
        if errors.is_empty() { Ok(config) } else { Err(ConfigErrors(errors)) }
    }

    fn apply(&mut self, flags: &Overrides, errors: &mut Vec<ConfigError>) {
        for (key, text, flag) in &flags.flags {
            let checked = match table().iter().position(|row| row.name() == *key) {
                Some(row) => self.checked(row, &Raw::from_flag(text)).map(|value| (row, value)),
                None => Err(unknown(key)),
            };
            match checked {
                Ok((row, value)) => self.values[row] = (value, Source::Flag(flag.clone())),
                Err(message) => {
                    errors.push(ConfigError { place: Place::Flag(flag.clone()), key: key.clone(), message });
                }
            }
        }
    }

    fn checked(&self, row: usize, raw: &Raw) -> Result<Value, String> {
        let value = table()[row].kind.check(raw)?;
        match (&table()[row].kind, &value) {
            (Kind::Theme, Value::Text(name)) => self.theme_fault(name).map_or(Ok(value), Err),
            _ => Ok(value),
        }
    }

    /// The value of a setting, such as `log_store.max_entries`; `None` for an unknown name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let row = table().iter().position(|row| row.name() == name)?;
        Some(&self.values[row].0)
    }

    /// The same with another value for one setting: as TOML, or as a person types it, without quotes.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed, as the end of a sentence that begins with the name.
    pub fn with(&self, name: &str, text: &str) -> Result<Config, String> {
        let row = table().iter().position(|row| row.name() == name).ok_or_else(|| unknown(name))?;
        let toml = format!("x = {text}");
        let raw = match toml::de::DeTable::parse(&toml) {
            Ok(parsed) => Raw::from_toml(parsed.get_ref()["x"].get_ref()),
            Err(_) => Raw::from_flag(text),
        };
        let mut config = self.clone();
        config.values[row].0 = self.checked(row, &raw)?;
        config.settings = Settings::from_values(config.values.iter().map(|(value, _)| value));
        Ok(config)
    }

    /// The same with these keys for an action.
    pub fn with_keys(&self, action: &str, keys: Vec<String>) -> Config {
        let mut config = self.clone();
        match config.keys.iter_mut().find(|binding| binding.action == action) {
            Some(binding) => binding.keys = keys,
            None => config.keys.push(KeyBinding { action: action.to_owned(), keys, source: Source::Default }),
        }
        config
    }

    /// Says where a setting, an action of `ui.keys` or a role of `ui.colors` was written to.
    pub fn set_source(&mut self, name: &str, source: Source) {
        if let Some(action) = name.strip_prefix("ui.keys.") {
            self.keys.iter_mut().filter(|binding| binding.action == action).for_each(|b| b.source = source.clone());
        } else if let Some(role) = name.strip_prefix("ui.colors.") {
            self.colors.iter_mut().filter(|line| line.role == role).for_each(|line| line.source = source.clone());
        } else if let Some(row) = table().iter().position(|row| row.name() == name) {
            self.values[row].1 = source;
        }
    }

    /// Where the value of a setting, such as `log_store.max_entries`, `ui.keys.quit` or `ui.colors.text`, comes from; `None`
    /// for an unknown name, a key that was not changed and a colour that nobody named.
    pub fn source(&self, name: &str) -> Option<&Source> {
        if let Some(action) = name.strip_prefix("ui.keys.") {
            return self.keys.iter().find(|binding| binding.action == action).map(|binding| &binding.source);
        }
        if let Some(role) = name.strip_prefix("ui.colors.") {
            return self.colors.iter().find(|line| line.role == role).map(|line| &line.source);
        }
        let row = table().iter().position(|row| row.name() == name)?;
        Some(&self.values[row].1)
    }
}

fn unknown(key: &str) -> String {
    let names: Vec<String> = table().iter().map(|row| row.name()).collect();
    match nearest(key, names.iter().map(String::as_str)) {
        Some(near) => format!("is not a setting; the nearest is `{near}`"),
        None => "is not a setting".to_owned(),
    }
}

/// Nearer processes first; one that a farther file has too is laid over it.
fn overlay(mut farther: Vec<Partial>, nearer: Vec<Partial>) -> Vec<Partial> {
    let mut all = Vec::new();
    for partial in nearer {
        match farther.iter().position(|old| old.name() == partial.name()) {
            Some(i) => {
                let mut merged = farther.remove(i);
                merged.overlay(partial);
                all.push(merged);
            }
            None => all.push(partial),
        }
    }
    all.append(&mut farther);
    all
}

/// Every file that may hold settings, nearest first, none twice.
fn candidates(dir: &Path, home: Option<&Path>, settings_dir: Option<&Path>) -> Vec<PathBuf> {
    // `..` in a path would make its textual parents other directories than its real ones.
    let dir = match dir.components().any(|part| part == std::path::Component::ParentDir) {
        true => dir.canonicalize().unwrap_or_else(|_| dir.to_owned()),
        false => std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()),
    };
    let mut files: Vec<PathBuf> = dir.ancestors().map(|parent| parent.join(".brum.toml")).collect();
    files.extend(home.map(|home| home.join(".brum.toml")));
    files.extend(settings_dir.map(|dir| dir.join("brummer").join("config.toml")));
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}

#[cfg(test)]
mod tests {
    use super::super::{Backpressure, Command, Runner};
    use super::*;
    use std::time::Duration;

    fn cases(kind: &str) -> Vec<PathBuf> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/configs").join(kind);
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|ext| ext == "toml")).collect();
        files.sort();
        assert!(files.len() >= 5, "{kind}: the cases are not found");
        files
    }

    /// Compares with the text beside the case; `BRUMMER_BLESS=1` writes it instead, for reading in the diff.
    fn compare(case: &Path, shown: &str) {
        let dir = case.parent().unwrap().display().to_string();
        let shown = shown.replace(&format!("{dir}/"), "").replace(&dir, ".") + "\n";
        let beside = case.with_extension("txt");
        if std::env::var_os("BRUMMER_BLESS").is_some() {
            std::fs::write(&beside, &shown).unwrap();
        }
        assert_eq!(shown, std::fs::read_to_string(&beside).unwrap_or_default(), "{}", beside.display());
    }

    #[test]
    fn cf_an_invalid_file_is_refused_with_file_line_key_and_what_is_allowed() {
        for case in cases("invalid") {
            let errors = Config::load_files(std::slice::from_ref(&case), &Overrides::new()).expect_err("refused");
            compare(&case, &errors.to_string());
        }
    }

    #[test]
    fn cf_a_valid_file_has_the_effect_that_it_says() {
        for case in cases("valid") {
            let config = Config::load_files(std::slice::from_ref(&case), &Overrides::new());
            let config = config.unwrap_or_else(|errors| panic!("{errors}"));
            let set: Vec<String> = config
                .render()
                .lines()
                .filter(|line| !line.is_empty() && !line.contains("# default") && !line.starts_with('#'))
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            compare(&case, &set.join("\n"));
        }
    }

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn cf_the_nearest_file_wins_key_by_key_and_a_flag_wins_over_all() {
        let dir = tree(&[
            ("a/b/.brum.toml", "grace = \"1s\"\n[ui.keys]\nquit = \"x\"\n"),
            ("a/.brum.toml", "grace = \"2s\"\nrunner = \"npm\"\n[ui.keys]\nquit = \"y\"\nhelp = \"h\"\n"),
            ("home/.brum.toml", "grace = \"3s\"\nrunner = \"bun\"\n[eventbus]\nbackpressure_strategy = \"block\"\n"),
            ("home/.config/brummer/config.toml", "[log_store]\nmax_entries = 500\n"),
        ]);
        let at = |path: &str| dir.path().join(path);
        let files = candidates(&at("a/b"), Some(&at("home")), Some(&at("home/.config")));
        let mut flags = Overrides::new();
        flags.set("ui.wrap", "true", "--wrap");
        let config = Config::load_files(&files, &flags).unwrap();
        assert_eq!(config.settings.general.grace, Duration::from_secs(1));
        assert_eq!(config.settings.general.runner, Runner::Npm);
        assert_eq!(config.settings.eventbus.backpressure_strategy, Backpressure::Block);
        assert_eq!(config.settings.log_store.max_entries, 500);
        assert!(config.settings.ui.wrap);
        let source = |name: &str| config.source(name).expect("a setting").clone();
        assert_eq!(source("grace"), Source::File { path: at("a/b/.brum.toml"), line: 1 });
        assert_eq!(source("runner"), Source::File { path: at("a/.brum.toml"), line: 2 });
        assert_eq!(source("ui.wrap"), Source::Flag("--wrap".to_owned()));
        assert_eq!(source("ui.mouse"), Source::Default);
        let keys: Vec<_> = config.keys.iter().map(|key| (key.action.as_str(), key.keys[0].as_str())).collect();
        assert_eq!(keys, [("quit", "x"), ("help", "h")]);
        assert_eq!(config.files.len(), 4);
    }

    #[test]
    fn cf_files_are_looked_for_in_every_parent_then_at_the_user_and_none_is_read_twice() {
        let files =
            candidates(Path::new("/home/me/p"), Some(Path::new("/home/me")), Some(Path::new("/home/me/.config")));
        let expected = [
            "/home/me/p/.brum.toml",
            "/home/me/.brum.toml",
            "/home/.brum.toml",
            "/.brum.toml",
            "/home/me/.config/brummer/config.toml",
        ];
        assert_eq!(files, expected.map(PathBuf::from));
    }

    #[test]
    fn cf_a_process_is_laid_over_by_a_nearer_file_and_its_paths_count_from_their_own_file() {
        let dir = tree(&[
            (
                "a/b/.brum.toml",
                "[processes.api]\nenv = { PORT = 4000 }\nterminal = false\n[processes.web]\ncommand = 'w'\n",
            ),
            (
                "a/.brum.toml",
                "grace = '9s'\n[processes.api]\ncommand = ['node', 'api.js']\ncwd = 'srv'\n\
                 env = { PORT = 3000, A = 'x' }\nenv_files = '.env'\n[processes.last]\ncommand = 'l'\n",
            ),
            ("a/.env", "FROM_FILE=${OUTER}!\nA=lost\n"),
        ]);
        let files = candidates(&dir.path().join("a/b"), None, None);
        let config = Config::load_files(&files, &Overrides::new()).unwrap();
        let names: Vec<_> = config.processes.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["api", "web", "last"]);
        let api = &config.processes[0];
        assert_eq!(api.command, Command::Argv(vec!["node".to_owned(), "api.js".to_owned()]));
        assert_eq!(api.cwd, dir.path().join("a/srv"));
        assert_eq!((api.terminal, api.grace), (Some(false), Duration::from_secs(9)));
        let mut env = api.environment(|name| (name == "OUTER").then(|| "outer".to_owned())).unwrap();
        env.sort();
        let expected = [("A", "x"), ("FROM_FILE", "outer!"), ("PORT", "4000")];
        assert_eq!(env, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(config.processes[1].cwd, dir.path().join("a/b"));
        assert_eq!(config.processes[1].command, Command::Shell("w".to_owned()));
    }

    #[test]
    fn cf_a_bad_env_file_is_named_with_its_line() {
        let dir = tree(&[(".brum.toml", "[processes.a]\ncommand = 'x'\nenv_files = '.env'\n"), (".env", "A=1\nB\n")]);
        let file = dir.path().join(".brum.toml");
        let config = Config::load_files(&[file], &Overrides::new()).unwrap();
        let error = config.processes[0].environment(|_| None).unwrap_err();
        assert!(error.to_string().ends_with(".env:2: `B` is not KEY=VALUE"), "{error}");
        std::fs::remove_file(dir.path().join(".env")).unwrap();
        let error = config.processes[0].environment(|_| None).unwrap_err();
        assert_eq!(error.code(), crate::error::Code::NotFound);
    }

    #[test]
    fn cf_a_bad_flag_is_named_like_a_bad_line() {
        let mut flags = Overrides::new();
        flags.set("runner", "npn", "--runner");
        flags.set("ui.them", "dark", "--set");
        let errors = Config::load_files(&[], &flags).unwrap_err();
        let shown = errors.to_string();
        assert!(shown.starts_with("--runner: `runner` must be one of \"auto\", \"direct\", \"npm\""), "{shown}");
        assert!(shown.contains("not \"npn\"; the nearest is \"npm\""), "{shown}");
        assert!(shown.ends_with("--set: `ui.them` is not a setting; the nearest is `ui.theme`"), "{shown}");
    }

    #[test]
    fn cf_a_file_that_cannot_be_read_is_an_error_not_a_default() {
        let dir = tree(&[]);
        let path = dir.path().join(".brum.toml");
        std::fs::write(&path, b"grace = \"\xff\"").unwrap();
        let errors = Config::load_files(&[path], &Overrides::new()).unwrap_err();
        assert!(errors.to_string().contains("cannot be read"), "{errors}");
    }
}
