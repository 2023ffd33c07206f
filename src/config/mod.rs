//! Settings: files, flags and defaults, each value with its source.
//!
//! Read in this order: `settings` is the one table of keys; `kind` says what a value may be and checks it; `read` turns
//! the text of one file into checked values; `load` finds the files, lays them over each other and adds the flags;
//! `render` prints what came out. `colors` holds `[ui.colors]` and `[ui.themes.NAME]`, `process_entry` `[processes.NAME]`, `env_file` the files those name;
//! `rule_entry` holds `[[proxy_server.rules]]`.
//!
//! A file is `.brum.toml`, looked for from the start directory upwards, then `~/.brum.toml` and
//! `$XDG_CONFIG_HOME/brummer/config.toml`. The nearest file wins, key by key; a flag wins over every file.

mod choices;
mod colors;
mod edit;
mod env_file;
mod kind;
mod load;
mod process_entry;
mod read;
mod render;
mod report;
mod rule_entry;
mod settings;

pub use choices::{
    Backpressure, Clipboard, Glyphs, Notify, PackageManager, ProxyMode, Runner, StartView, StatusRead, Timestamps,
};
pub use colors::{Color, Look, OwnTheme, ROLES, RoleColors, THEMES};
pub use edit::{Change, save, user_file};
pub use env_file::{EnvFileError, parse_env};
pub use kind::{Kind, Value};
pub use load::{Config, Overrides, Source};
pub use process_entry::{Command, ProcessEntry, env_file_len, env_file_names};
pub use read::KeyBinding;
pub use render::reference;
pub use report::{ConfigError, ConfigErrors, Place};
pub use rule_entry::RuleEntry;
pub(crate) use settings::table;
pub use settings::{
    EventBus, General, LogStore, McpManager, Pool, ProcessManager, ProxyServer, Resources, Setting, Settings, Ui,
};
