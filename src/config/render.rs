//! What holds, as TOML with the source of each value; and all there is, as a table for the documentation.

use std::fmt::Write;

use super::colors::{ROLES, RoleColors};
use super::load::Config;
use super::process_entry::{Command, KEYS, ProcessEntry};
use super::rule_entry::RULE_KEYS;
use super::settings::table;

impl Config {
    /// Every effective value as TOML; behind each stands where it comes from. What it prints can be read again.
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.files.iter().for_each(|path| line(&mut out, format_args!("# read: {}", path.display())));
        let mut section = "";
        for (row, (value, source)) in table().iter().zip(&self.values) {
            if row.section != section {
                section = row.section;
                line(&mut out, format_args!("\n[{section}]"));
            }
            let text = format!("{} = {value}", row.key);
            line(&mut out, format_args!("{text:<44} # {source}"));
        }
        if !self.keys.is_empty() {
            line(&mut out, format_args!("\n[ui.keys]"));
        }
        for binding in &self.keys {
            let keys = match binding.keys.as_slice() {
                [] => "false".to_owned(),
                [one] => quote(one),
                many => list(many.iter().map(String::as_str)),
            };
            let text = format!("{} = {keys}", quote(&binding.action));
            line(&mut out, format_args!("{text:<44} # {}", binding.source));
        }
        if !self.colors.is_empty() {
            line(&mut out, format_args!("\n[ui.colors]"));
        }
        colors(&mut out, &self.colors);
        for theme in &self.themes {
            line(&mut out, format_args!("\n[ui.themes.{}] # {}", bare_or_quoted(&theme.name), theme.source));
            theme.base.iter().for_each(|base| line(&mut out, format_args!("base = {base:?}")));
            colors(&mut out, &theme.colors);
        }
        for rule in &self.rules {
            line(&mut out, format_args!("\n[[proxy_server.rules]] # {}", rule.source));
            rule.lines().iter().for_each(|text| line(&mut out, format_args!("{text}")));
        }
        self.processes.iter().for_each(|entry| process(&mut out, entry));
        out
    }
}

fn colors(out: &mut String, lines: &[RoleColors]) {
    for said in lines {
        let text = format!("{} = {}", said.role, said.toml());
        line(out, format_args!("{text:<44} # {}", said.source));
    }
}

fn bare_or_quoted(name: &str) -> String {
    if is_bare(name) { name.to_owned() } else { quote(name) }
}

fn process(out: &mut String, entry: &ProcessEntry) {
    line(out, format_args!("\n[processes.{}]", bare_or_quoted(&entry.name)));
    let command = match &entry.command {
        Command::Shell(text) => quote(text),
        Command::Argv(words) => list(words.iter().map(String::as_str)),
    };
    let text = format!("command = {command}");
    line(out, format_args!("{text:<44} # {}", entry.source));
    line(out, format_args!("cwd = {}", quote(&entry.cwd.to_string_lossy())));
    if !entry.env.is_empty() {
        let items: Vec<String> =
            entry.env.iter().map(|(name, value)| format!("{} = {}", quote(name), quote(value))).collect();
        line(out, format_args!("env = {{ {} }}", items.join(", ")));
    }
    if !entry.env_files.is_empty() {
        let files: Vec<_> = entry.env_files.iter().map(|path| path.to_string_lossy()).collect();
        line(out, format_args!("env_files = {}", list(files.iter().map(AsRef::as_ref))));
    }
    line(out, format_args!("terminal = {}", super::kind::Value::Auto(entry.terminal)));
    line(out, format_args!("grace = {}", super::kind::Value::Time(entry.grace)));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(quote).collect::<Vec<_>>().join(", "))
}

const INTRODUCTION: &str = "\
# Settings

This page is made from the table of settings in `src/config/settings.rs`; a test holds it to that.

Settings stand in `.brum.toml`: in the directory that Brummer starts in (`--dir`), in every directory above it, then in
`~/.brum.toml` and `$XDG_CONFIG_HOME/brummer/config.toml` (`~/.config` when that is not set). The nearest file wins, key
by key; a flag wins over every file. `brummer --settings` prints every effective value and where it comes from.

An unknown key, a wrong type or a value out of range is an error that names file, line, column and key, what is allowed,
and the nearest name. All faults of all files are reported at once, and nothing is started.

Sizes are texts such as `\"64MiB\"` (B, KB, MB, GB, KiB, MiB, GiB) or whole numbers of bytes; times are texts such as
`\"250ms\"`, `\"1.5s\"`, `\"2m\"` or `\"1h\"`.

A `.env` file holds `KEY=VALUE` lines: `export` in front, comments behind `#`, `'as it is'`,
`\"with \\n and ${OTHER}\"`, `${NAME:-default}`; quoted values may go over several lines.
";

const COLORS: &str = "\
Colours that are laid over the theme, whichever it is. A colour is `\"#rrggbb\"`, one of the terminal's sixteen by its name
(`\"red\"`, `\"bright-blue\"`), a number from 0 to 255, or `\"default\"`, the terminal's own; `false`: as the theme has it. A
terminal with fewer colours gets the nearest that it has; without colours (`NO_COLOR`) they do nothing.";

const OWN_THEMES: &str = "\
A theme of one's own: `base`, a theme that is there already (`auto` when nothing is said), and the same keys as in
`[ui.colors]` for what is other than in it. `theme = \"NAME\"` in `[ui]` or `/theme NAME` chooses it.";

/// Every setting as Markdown: the page `docs/settings.md`.
pub fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    let mut section = None;
    for row in table() {
        if section != Some(row.section) {
            section = Some(row.section);
            match row.section {
                "" => line(&mut out, format_args!("\n## At the top of the file\n")),
                name => line(&mut out, format_args!("\n## `[{name}]`\n")),
            }
            line(&mut out, format_args!("| key | default | allowed | what it does |\n|---|---|---|---|"));
        }
        // Two defaults depend on the machine; the page must not.
        let default = match row.name().as_str() {
            "eventbus.worker_pool_size" => "max(4, min(2.5 × cores, 32))".to_owned(),
            "resources.max_threads" => "8 × cores".to_owned(),
            _ => format!("`{}`", row.default),
        };
        line(&mut out, format_args!("| `{}` | {default} | {} | {} |", row.key, row.kind.allowed(), row.about));
    }
    let keys = "An action is given a key, a list of keys, or `false` for none.";
    line(&mut out, format_args!("\n## `[ui.keys]`\n\n{keys}"));
    line(&mut out, format_args!("\n## `[ui.colors]`\n\n{COLORS}\n\n| key | what it colours |\n|---|---|"));
    for (role, about) in ROLES {
        line(&mut out, format_args!("| `{role}` | {about}. |"));
    }
    line(&mut out, format_args!("\n## `[ui.themes.NAME]`\n\n{OWN_THEMES}"));
    let rules = "Any number of them; the first that fits a request counts.";
    line(
        &mut out,
        format_args!("\n## `[[proxy_server.rules]]`\n\n{rules}\n\n| key | allowed | what it does |\n|---|---|---|"),
    );
    for (key, allowed, about) in RULE_KEYS {
        line(&mut out, format_args!("| `{key}` | {allowed} | {about}. |"));
    }
    line(&mut out, format_args!("\n## `[processes.NAME]`\n\n| key | allowed | what it does |\n|---|---|---|"));
    for (key, allowed, about) in KEYS {
        line(&mut out, format_args!("| `{key}` | {allowed} | {about}. |"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Overrides, Source};
    use super::*;

    fn loaded(text: &str) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".brum.toml");
        std::fs::write(&path, text).unwrap();
        Config::load_files(&[path], &Overrides::new()).unwrap()
    }

    #[test]
    fn cf_what_is_printed_reads_back_as_the_same_settings() {
        let first = loaded(
            "grace = \"750ms\"\n[log_store]\nmax_bytes = 1048577\n\
             [ui.keys]\nprocess.restart = [\"r\", \"f5\"]\nquit = false\n\
             [ui]\ntheme = \"my.own\"\n[ui.colors]\nok = 22\nprocesses = [\"#ff8800\", 3]\nwarn = false\n\
             [ui.themes.\"my.own\"]\nbase = \"light\"\ntext = \"default\"\n\
             [processes.\"a b\"]\ncommand = 'echo \"x\" \\ y'\nenv.A = \"1\"\n\
             env_files = [\".env\"]\nterminal = true\n",
        );
        let again = loaded(&first.render());
        assert_eq!(again.settings, first.settings);
        let bindings = |config: &Config| -> Vec<_> {
            config.keys.iter().map(|binding| (binding.action.clone(), binding.keys.clone())).collect()
        };
        assert_eq!(bindings(&again), bindings(&first));
        assert_eq!(again.look(), first.look());
        assert_eq!((again.colors.len(), again.look().colors.len()), (3, 3));
        let (mut a, b) = (again.processes[0].clone(), first.processes[0].clone());
        assert_ne!(a.source, b.source);
        a.source = b.source.clone();
        assert_eq!(a, b);
    }

    #[test]
    fn cf_every_value_is_printed_with_its_source() {
        let config = loaded("\nrunner = \"direct\"\n");
        let text = config.render();
        let source = config.source("runner").expect("a setting");
        assert!(matches!(source, Source::File { line: 2, .. }));
        let shown = text.lines().find(|line| line.starts_with("runner = ")).expect("shown");
        assert!(shown.ends_with(".brum.toml:2"), "{shown}");
        for row in table() {
            let start = format!("{} = ", row.key);
            assert!(text.lines().any(|line| line.starts_with(&start) && line.contains(" # ")), "{start}");
        }
        assert!(text.contains("max_ws_clients = 50"));
    }

    #[test]
    fn cf_the_documentation_is_what_the_table_says() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
        if std::env::var_os("BRUMMER_BLESS").is_some() {
            std::fs::create_dir_all(page.parent().unwrap()).unwrap();
            std::fs::write(&page, reference()).unwrap();
        }
        let written = std::fs::read_to_string(&page).unwrap_or_default();
        assert!(written == reference(), "run this test with BRUMMER_BLESS=1 to write docs/settings.md anew");
        assert!(table().iter().all(|row| written.contains(&format!("| `{}` |", row.key))));
    }
}
