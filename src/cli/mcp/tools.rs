//! Which AI tools can be set up: where each keeps its settings, and what has to stand there.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{codex, jsonc};

/// The name of the server in every tool.
const NAME: &str = "brummer";

/// An AI tool.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Tool {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    Vscode,
    Windsurf,
    Zed,
    Codex,
    Gemini,
}

/// How a tool reaches Brummer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reach {
    /// It starts this program as the hub; with the runtime directory, where it would not find that by itself.
    Hub { program: String, runtime: Option<PathBuf> },
    /// It calls one instance, and shows a token if that asks for one.
    Url { url: String, token: Option<String> },
}

/// A file of a tool, and the place in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) section: &'static str,
    is_toml: bool,
}

/// The folders in which tools keep a person's settings.
#[derive(Clone, Debug)]
pub(super) struct Homes {
    pub(super) home: PathBuf,
    /// `$XDG_CONFIG_HOME`.
    pub(super) config: PathBuf,
    /// `$CLAUDE_CONFIG_DIR`: where `.claude.json` is.
    pub(super) claude: PathBuf,
    /// `$CODEX_HOME`.
    pub(super) codex: PathBuf,
}

impl Homes {
    /// Those of the environment; where a variable is not set the tool's own choice holds.
    pub(super) fn of(home: PathBuf, set: impl Fn(&str) -> Option<PathBuf>) -> Homes {
        Homes {
            config: set("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            claude: set("CLAUDE_CONFIG_DIR").unwrap_or_else(|| home.clone()),
            codex: set("CODEX_HOME").unwrap_or_else(|| home.join(".codex")),
            home,
        }
    }
}

impl Tool {
    /// Its name, as it stands on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it can only start programs.
    pub(super) fn needs_the_hub(self) -> bool {
        self == Tool::ClaudeDesktop
    }

    /// Whether a project has a file of its own for it, which goes where the project goes.
    pub(super) fn has_file_of_project(self, homes: &Homes, project: &Path) -> bool {
        self.place(homes, Some(project)) != self.place(homes, None)
    }

    /// Its settings: of the user, or of the project where it has such.
    pub(super) fn place(self, homes: &Homes, project: Option<&Path>) -> Place {
        let Homes { home, config, claude, codex } = homes;
        let apps = if cfg!(target_os = "macos") { home.join("Library/Application Support") } else { config.to_owned() };
        let zed = if cfg!(target_os = "macos") { home.join(".config") } else { config.to_owned() };
        let servers = "mcpServers";
        let (path, section) = match (self, project) {
            (Tool::ClaudeCode, Some(project)) => (project.join(".mcp.json"), servers),
            (Tool::ClaudeCode, None) => (claude.join(".claude.json"), servers),
            (Tool::ClaudeDesktop, _) => (apps.join("Claude/claude_desktop_config.json"), servers),
            (Tool::Cursor, Some(project)) => (project.join(".cursor/mcp.json"), servers),
            (Tool::Cursor, None) => (home.join(".cursor/mcp.json"), servers),
            (Tool::Vscode, Some(project)) => (project.join(".vscode/mcp.json"), "servers"),
            (Tool::Vscode, None) => (apps.join("Code/User/mcp.json"), "servers"),
            (Tool::Windsurf, _) => (home.join(".codeium/windsurf/mcp_config.json"), servers),
            (Tool::Zed, _) => (zed.join("zed/settings.json"), "context_servers"),
            (Tool::Codex, _) => (codex.join("config.toml"), "mcp_servers"),
            (Tool::Gemini, Some(project)) => (project.join(".gemini/settings.json"), servers),
            (Tool::Gemini, None) => (home.join(".gemini/settings.json"), servers),
        };
        Place { path, section, is_toml: self == Tool::Codex }
    }

    /// The key of the headers that it sends.
    pub(super) fn headers(self) -> &'static str {
        if self == Tool::Codex { "http_headers" } else { "headers" }
    }

    /// What has to stand there.
    pub(super) fn entry(self, reach: &Reach) -> Value {
        let has_types = matches!(self, Tool::ClaudeCode | Tool::Vscode);
        match reach {
            Reach::Url { url, token } => {
                let mut entry = match self {
                    Tool::Windsurf => json!({ "serverUrl": url }),
                    Tool::Gemini => json!({ "httpUrl": url }),
                    _ if has_types => json!({ "type": "http", "url": url }),
                    _ => json!({ "url": url }),
                };
                if let Some(token) = token {
                    entry[self.headers()] = json!({ "Authorization": format!("Bearer {token}") });
                }
                entry
            }
            Reach::Hub { program, runtime } => {
                let mut entry = json!({ "command": program, "args": ["--mcp"] });
                if has_types {
                    entry["type"] = json!("stdio");
                }
                if let Some(runtime) = runtime {
                    entry["env"] = json!({ "XDG_RUNTIME_DIR": runtime });
                }
                entry
            }
        }
    }
}

impl Place {
    fn at(&self) -> [&'static str; 2] {
        [self.section, NAME]
    }

    /// The file with this entry in it.
    pub(super) fn with(&self, text: &str, entry: &Value) -> Result<String, String> {
        if self.is_toml { codex::set(text, self.section, NAME, entry) } else { jsonc::set(text, &self.at(), entry) }
    }

    /// The file without an entry. What was made around it goes as well, if nothing else is in it.
    pub(super) fn without(&self, text: &str) -> Result<String, String> {
        if self.is_toml {
            return codex::remove(text, self.section, NAME);
        }
        let text = jsonc::remove(text, &self.at())?;
        if jsonc::is_empty(&text, &[self.section]) { jsonc::remove(&text, &[self.section]) } else { Ok(text) }
    }

    /// The entry in the file, as text that [`Place::restored`] takes, and as a value.
    pub(super) fn entry(&self, text: &str) -> Result<Option<(String, Value)>, String> {
        if self.is_toml {
            return codex::get(text, self.section, NAME);
        }
        let value = jsonc::get_value(text, &self.at())?;
        Ok(jsonc::get(text, &self.at())?.map(|own| (own.to_owned(), value.unwrap_or_default())))
    }

    /// The file with an entry as it was before.
    pub(super) fn restored(&self, text: &str, before: &str) -> Result<String, String> {
        match self.is_toml {
            true => codex::set(text, self.section, NAME, &json!(before)),
            // Set as a mark first, so that the text itself, with its comments, can take the mark's place.
            false => {
                let mark = json!("\u{1}brummer");
                jsonc::set(text, &self.at(), &mark).map(|text| text.replacen(&mark.to_string(), before, 1))
            }
        }
    }

    /// Whether nothing stands in such a file.
    pub(super) fn is_nothing(&self, text: &str) -> bool {
        let text: String = text.split_whitespace().collect();
        text.is_empty() || text == "{}"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_place_and_an_entry_that_is_found_again() {
        let (homes, project) = (Homes::of("/h".into(), |_| None), Path::new("/p"));
        let names: Vec<String> = Tool::value_variants().iter().map(|tool| tool.name()).collect();
        assert_eq!(names, crate::app::command::AI_TOOLS, "as the command line of the UI names them");
        for tool in Tool::value_variants() {
            let hub = |runtime: Option<&str>| Reach::Hub {
                program: "/bin/brummer".into(),
                runtime: runtime.map(PathBuf::from),
            };
            let url = |token: Option<&str>| Reach::Url {
                url: "http://127.0.0.1:7777/mcp".into(),
                token: token.map(str::to_owned),
            };
            for reach in [hub(None), hub(Some("/mnt/run")), url(None), url(Some("s3cret"))] {
                for project in [Some(project), None] {
                    let place = tool.place(&homes, project);
                    let entry = tool.entry(&reach);
                    let text = place.with("", &entry).unwrap();
                    let (before, found) = place.entry(&text).unwrap().unwrap();
                    assert_eq!(found, entry, "{tool:?}");
                    assert!(place.is_nothing(&place.without(&text).unwrap()), "{text}");
                    let changed = place.with(&text, &json!({ "command": "other" })).unwrap();
                    assert_eq!(place.restored(&changed, &before).unwrap(), text);
                }
            }
        }
        assert_eq!(Tool::ClaudeCode.name(), "claude-code");
        assert_eq!(Tool::Vscode.place(&homes, Some(project)).path, Path::new("/p/.vscode/mcp.json"));
    }

    /// As the tools' own documentation has it, on Linux and macOS.
    #[test]
    fn every_tool_is_found_where_its_own_documentation_says() {
        let homes = Homes::of("/h".into(), |_| None);
        let apps = if cfg!(target_os = "macos") { "/h/Library/Application Support" } else { "/h/.config" };
        let servers = "mcpServers";
        let table = [
            (Tool::ClaudeCode, "/h/.claude.json".to_owned(), "/p/.mcp.json", servers),
            (Tool::ClaudeDesktop, format!("{apps}/Claude/claude_desktop_config.json"), "", servers),
            (Tool::Cursor, "/h/.cursor/mcp.json".to_owned(), "/p/.cursor/mcp.json", servers),
            (Tool::Vscode, format!("{apps}/Code/User/mcp.json"), "/p/.vscode/mcp.json", "servers"),
            (Tool::Windsurf, "/h/.codeium/windsurf/mcp_config.json".to_owned(), "", servers),
            (Tool::Zed, "/h/.config/zed/settings.json".to_owned(), "", "context_servers"),
            (Tool::Codex, "/h/.codex/config.toml".to_owned(), "", "mcp_servers"),
            (Tool::Gemini, "/h/.gemini/settings.json".to_owned(), "/p/.gemini/settings.json", servers),
        ];
        assert_eq!(table.len(), Tool::value_variants().len());
        for (tool, of_user, of_project, section) in table {
            let (user, project) = (tool.place(&homes, None), tool.place(&homes, Some(Path::new("/p"))));
            assert_eq!((user.path.to_str(), user.section), (Some(&*of_user), section));
            let expected = if of_project.is_empty() { &*of_user } else { of_project };
            assert_eq!(project.path.to_str(), Some(expected));
        }
        let moved = Homes::of("/h".into(), |name| Some(Path::new("/moved").join(name)));
        let path = |tool: Tool| tool.place(&moved, None).path;
        assert_eq!(path(Tool::ClaudeCode), Path::new("/moved/CLAUDE_CONFIG_DIR/.claude.json"));
        assert_eq!(path(Tool::Codex), Path::new("/moved/CODEX_HOME/config.toml"));
        assert_eq!(path(Tool::Cursor), Path::new("/h/.cursor/mcp.json"));
    }
}
