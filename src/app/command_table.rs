//! The one table of commands: the palette, the slash commands, their help and their completion are made from it.

use crate::app::command::{Command, Target, ViewCommand};
use crate::error::{Code, Error, Result};
use crate::event::Level;
use crate::proxy::ExchangeId;

/// What the words after a command are, for completion and for the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// No words.
    None,
    /// A script, then its arguments.
    Script,
    /// A running process, or `all`.
    ProcessOrAll,
    /// A running process.
    Process,
    /// Any processes, or none.
    Processes,
    /// A process, then any text.
    ProcessAndText,
    /// A setting, then its value.
    Setting,
    /// A theme.
    Theme,
    /// Any text, needed.
    Text,
    /// One or two whole numbers.
    Numbers,
    /// Any text, or none.
    OptionalText,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, or none.
    OptionalOneOf(&'static [&'static str]),
    /// A file, then `all` or nothing.
    File,
    /// `install`, an AI tool, options; or nothing.
    McpInstall,
    /// One of these words, then a file.
    WordAndFile(&'static [&'static str]),
}

/// A row of the table.
#[derive(Debug)]
pub struct CommandSpec {
    /// The word after the slash.
    pub name: &'static str,
    /// How its words are written.
    pub usage: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What its words are.
    pub argument: Argument,
    make: fn(&Words<'_>) -> Result<Command>,
}

/// Every command.
pub const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "run",
        usage: "SCRIPT [ARGS…]",
        about: "start a script, or go to it if it runs",
        argument: Argument::Script,
        make: |w| Ok(Command::Run { script: w.first()?, args: w.words[1..].to_vec(), another: false }),
    },
    CommandSpec {
        name: "exec",
        usage: "COMMAND",
        about: "start any command (shell syntax)",
        argument: Argument::Text,
        make: |w| Ok(Command::Exec { command: w.text()? }),
    },
    CommandSpec {
        name: "stop",
        usage: "[NAME | all]",
        about: "stop one process, or all that run",
        argument: Argument::ProcessOrAll,
        make: |w| Ok(Command::Stop(w.target())),
    },
    CommandSpec {
        name: "restart",
        usage: "[NAME | all]",
        about: "restart one process, or all that run",
        argument: Argument::ProcessOrAll,
        make: |w| Ok(Command::Restart(w.target())),
    },
    CommandSpec {
        name: "kill",
        usage: "NAME",
        about: "end a process at once, without asking it",
        argument: Argument::Process,
        make: |w| Ok(Command::Kill(Target::Name(w.first()?))),
    },
    CommandSpec {
        name: "term",
        usage: "[NAME]",
        about: "the terminal of a process, or a new shell",
        argument: Argument::Processes,
        make: |w| Ok(Command::View(ViewCommand::Term(w.optional_text()))),
    },
    CommandSpec {
        name: "input",
        usage: "NAME TEXT",
        about: "send one line to a process",
        argument: Argument::ProcessAndText,
        make: |w| Ok(Command::Input { target: Target::Name(w.first()?), text: w.after_first() }),
    },
    CommandSpec {
        name: "logs",
        usage: "[NAME…]",
        about: "open the logs of these processes, or of all",
        argument: Argument::Processes,
        make: |w| Ok(Command::View(ViewCommand::Logs(w.words.clone()))),
    },
    CommandSpec {
        name: "solo",
        usage: "NAME",
        about: "show the lines of one process alone",
        argument: Argument::Process,
        make: |w| Ok(Command::View(ViewCommand::Solo(w.first()?))),
    },
    CommandSpec {
        name: "proxy",
        usage: "URL",
        about: "give a URL an address of the proxy",
        argument: Argument::Text,
        make: |w| Ok(Command::Proxy { url: w.first()? }),
    },
    CommandSpec {
        name: "toggle-proxy",
        usage: "",
        about: "serve programs that name brummer as their proxy, or no longer",
        argument: Argument::None,
        make: |_| Ok(Command::ToggleProxy),
    },
    CommandSpec {
        name: "pac",
        usage: "",
        about: "the address of the PAC file, for a browser's settings",
        argument: Argument::None,
        make: |_| Ok(Command::Pac),
    },
    CommandSpec {
        name: "replay",
        usage: "[NUMBER [TIMES]]",
        about: "send a kept request again; without a number, the selected one, or call",
        argument: Argument::Numbers,
        make: |w| {
            if w.words.is_empty() {
                return Ok(Command::View(ViewCommand::Replay));
            }
            let number = |at: usize| w.words.get(at).and_then(|word| word.parse::<u64>().ok());
            let id = ExchangeId(number(0).ok_or_else(|| w.missing())?);
            let times = u32::try_from(number(1).unwrap_or(1)).unwrap_or(u32::MAX);
            Ok(Command::Replay { id, times: times.clamp(1, 1000) })
        },
    },
    CommandSpec {
        name: "har",
        usage: "save | open FILE",
        about: "write the kept requests to a HAR file, or list those of one",
        argument: Argument::WordAndFile(&["save", "open"]),
        make: |w| {
            let file = Some(w.after_first().trim().to_string()).filter(|file| !file.is_empty());
            let file = file.ok_or_else(|| w.missing());
            match w.first()?.as_str() {
                "save" => Ok(Command::SaveHar { file: file? }),
                "open" => Ok(Command::OpenHar { file: file? }),
                _ => Err(w.missing()),
            }
        },
    },
    CommandSpec {
        name: "show",
        usage: "[PATTERN]",
        about: "keep only lines that match; without a pattern, list the filters",
        argument: Argument::OptionalText,
        make: |w| Ok(Command::View(ViewCommand::Show(w.optional_text()))),
    },
    CommandSpec {
        name: "hide",
        usage: "[PATTERN]",
        about: "drop lines that match; without a pattern, list the filters",
        argument: Argument::OptionalText,
        make: |w| Ok(Command::View(ViewCommand::Hide(w.optional_text()))),
    },
    CommandSpec {
        name: "level",
        usage: "all | info | warn | error",
        about: "the lowest level that is shown",
        argument: Argument::OneOf(&["all", "info", "warn", "error"]),
        make: |w| {
            let word = w.first()?;
            let level = Level::ALL.into_iter().find(|level| level.name() == word && *level > Level::Debug);
            Ok(Command::View(ViewCommand::Level(level)))
        },
    },
    CommandSpec {
        name: "find",
        usage: "PATTERN",
        about: "find in this view",
        argument: Argument::Text,
        make: |w| Ok(Command::View(ViewCommand::Find(w.text()?))),
    },
    CommandSpec {
        name: "clear",
        usage: "[all | logs | errors | urls | web | mcp | NAME]",
        about: "hide everything up to now (U undoes it)",
        argument: Argument::ProcessOrAll,
        make: |w| Ok(Command::View(ViewCommand::Clear(w.words.first().cloned().unwrap_or_else(|| "all".into())))),
    },
    CommandSpec {
        name: "mark",
        usage: "[TEXT]",
        about: "insert a mark in the log",
        argument: Argument::OptionalText,
        make: |w| Ok(Command::View(ViewCommand::Mark(w.optional_text().unwrap_or_default()))),
    },
    CommandSpec {
        name: "save",
        usage: "FILE [all]",
        about: "write the filtered (or all) lines: plain text, or .jsonl",
        argument: Argument::File,
        make: |w| {
            let all = w.words.get(1).is_some_and(|word| word == "all");
            Ok(Command::View(ViewCommand::Save { file: w.first()?, all }))
        },
    },
    CommandSpec {
        name: "copy",
        usage: "[line | error | url | screen | curl | fetch]",
        about: "copy to the clipboard; the selected request as a curl command or as JavaScript",
        argument: Argument::OptionalOneOf(&["line", "error", "url", "screen", "curl", "fetch"]),
        make: |w| Ok(Command::View(ViewCommand::Copy(w.words.first().cloned().unwrap_or_else(|| "line".into())))),
    },
    CommandSpec {
        name: "open",
        usage: "[URL | NAME]",
        about: "open a URL, or that of a process, in the browser",
        argument: Argument::Processes,
        make: |w| Ok(Command::View(ViewCommand::Open(w.optional_text()))),
    },
    CommandSpec {
        name: "qr",
        usage: "[URL | NAME]",
        about: "the QR code of a URL, or of that of a process",
        argument: Argument::Processes,
        make: |w| Ok(Command::View(ViewCommand::Qr(w.optional_text()))),
    },
    CommandSpec {
        name: "view",
        usage: "NAME",
        about: "go to a view: scripts, processes, logs, errors, urls, web, mcp, settings",
        argument: Argument::OneOf(&["scripts", "processes", "logs", "errors", "urls", "web", "mcp", "settings"]),
        make: |w| Ok(Command::View(ViewCommand::Go(w.first()?))),
    },
    CommandSpec {
        name: "sort",
        usage: "COLUMN",
        about: "sort the processes: status, name, cpu, memory, uptime, lines, errors",
        argument: Argument::OneOf(&["status", "name", "cpu", "memory", "uptime", "lines", "errors"]),
        make: |w| Ok(Command::View(ViewCommand::Sort(w.first()?))),
    },
    CommandSpec {
        name: "wrap",
        usage: "",
        about: "wrap long lines, or not",
        argument: Argument::None,
        make: |_| Ok(Command::View(ViewCommand::Wrap)),
    },
    CommandSpec {
        name: "time",
        usage: "[clock | ms | relative | delta | off]",
        about: "how times are shown",
        argument: Argument::OptionalOneOf(&["clock", "ms", "relative", "delta", "off"]),
        make: |w| Ok(Command::View(ViewCommand::Time(w.words.first().cloned()))),
    },
    CommandSpec {
        name: "theme",
        usage: "NAME",
        about: "another theme: auto, ansi, dark, light, contrast, mono or one of [ui.themes]",
        argument: Argument::Theme,
        make: |w| Ok(Command::View(ViewCommand::Theme(w.first()?))),
    },
    CommandSpec {
        name: "mcp",
        usage: "[install TOOL [--hub] [--undo]]",
        about: "the calls of AI tools; set one up so that it finds brummer",
        argument: Argument::McpInstall,
        make: mcp,
    },
    CommandSpec {
        name: "instances",
        usage: "",
        about: "the brummers that run",
        argument: Argument::None,
        make: |_| Ok(Command::View(ViewCommand::Instances)),
    },
    CommandSpec {
        name: "set",
        usage: "SETTING VALUE",
        about: "change a setting; Settings shows what there is and writes it",
        argument: Argument::Setting,
        make: |w| Ok(Command::View(ViewCommand::Set { name: w.first()?, value: w.after_first() })),
    },
    CommandSpec {
        name: "keys",
        usage: "",
        about: "the keys, and changing them",
        argument: Argument::None,
        make: |_| Ok(Command::View(ViewCommand::Keys)),
    },
    CommandSpec {
        name: "messages",
        usage: "[clear]",
        about: "messages of brummer itself",
        argument: Argument::OptionalOneOf(&["clear"]),
        make: |w| Ok(Command::View(ViewCommand::Messages(!w.words.is_empty()))),
    },
    CommandSpec {
        name: "stats",
        usage: "",
        about: "frame times, lines a second, store size",
        argument: Argument::None,
        make: |_| Ok(Command::View(ViewCommand::Stats)),
    },
    CommandSpec {
        name: "help",
        usage: "[TOPIC]",
        about: "keys and commands",
        argument: Argument::OptionalText,
        make: |w| Ok(Command::View(ViewCommand::Help(w.optional_text()))),
    },
    CommandSpec {
        name: "tour",
        usage: "",
        about: "an introduction in three steps",
        argument: Argument::None,
        make: |_| Ok(Command::View(ViewCommand::Tour)),
    },
    CommandSpec {
        name: "quit",
        usage: "[now]",
        about: "stop all and leave; `now` does not ask",
        argument: Argument::OptionalOneOf(&["now"]),
        make: |w| Ok(Command::View(ViewCommand::Quit { now: !w.words.is_empty() })),
    },
];

/// The AI tools that can be set up.
pub const AI_TOOLS: [&str; 8] =
    ["claude-code", "claude-desktop", "cursor", "vscode", "windsurf", "zed", "codex", "gemini"];

/// How they are set up.
pub const INSTALL_OPTIONS: [&str; 2] = ["--hub", "--undo"];

fn mcp(w: &Words<'_>) -> Result<Command> {
    let Some((install, rest)) = w.words.split_first() else { return Ok(Command::View(ViewCommand::Mcp)) };
    let unknown = |word: &str, allowed: &[&str]| {
        let text = format!("/mcp does not know `{word}`; allowed: {}", allowed.join(", "));
        Err(Error::new("command", Code::InvalidState, text))
    };
    if install != "install" {
        return unknown(install, &["install"]);
    }
    let (tool, options) = rest.split_first().ok_or_else(|| w.missing())?;
    if !AI_TOOLS.contains(&tool.as_str()) {
        return unknown(tool, &AI_TOOLS);
    }
    match options.iter().find(|option| !INSTALL_OPTIONS.contains(&option.as_str())) {
        Some(option) => unknown(option, &INSTALL_OPTIONS),
        None => Ok(Command::View(ViewCommand::McpInstall(rest.to_vec()))),
    }
}

/// The words after a command's name.
struct Words<'a> {
    spec: &'a CommandSpec,
    line: &'a str,
    words: Vec<String>,
}

impl Words<'_> {
    fn missing(&self) -> Error {
        let usage = format!("/{} {}", self.spec.name, self.spec.usage);
        Error::new("command", Code::InvalidState, format!("/{} needs more: {usage}", self.spec.name))
    }

    fn first(&self) -> Result<String> {
        self.words.first().cloned().ok_or_else(|| self.missing())
    }

    fn text(&self) -> Result<String> {
        self.optional_text().ok_or_else(|| self.missing())
    }

    fn optional_text(&self) -> Option<String> {
        Some(self.line.trim()).filter(|text| !text.is_empty()).map(str::to_string)
    }

    fn after_first(&self) -> String {
        self.line.trim_start().split_once(char::is_whitespace).map_or("", |(_, rest)| rest).to_string()
    }

    fn target(&self) -> Target {
        match self.words.first().map(String::as_str) {
            None | Some("all") => Target::All,
            Some(name) => Target::Name(name.to_string()),
        }
    }
}

/// Finds a command by its name.
pub fn find(name: &str) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|spec| spec.name == name)
}

/// Reads a command line, with or without its leading slash. Processes and scripts are not looked up here.
///
/// # Errors
/// INVALID_STATE: an unknown command (the nearest name is said), a word too few, or one that is not allowed.
pub fn parse(line: &str) -> Result<Command> {
    let line = line.trim().trim_start_matches('/');
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let spec = find(name).ok_or_else(|| unknown(name))?;
    let words: Vec<String> = rest.split_whitespace().map(str::to_string).collect();
    check(spec, &words)?;
    (spec.make)(&Words { spec, line: rest, words })
}

fn check(spec: &CommandSpec, words: &[String]) -> Result<()> {
    let allowed = match spec.argument {
        Argument::OneOf(allowed) | Argument::OptionalOneOf(allowed) => allowed,
        Argument::None if !words.is_empty() => &[],
        _ => return Ok(()),
    };
    match words.iter().find(|word| !allowed.contains(&word.as_str())) {
        None => Ok(()),
        Some(word) => {
            let allowed = if allowed.is_empty() { "nothing".to_string() } else { allowed.join(", ") };
            let text = format!("/{} does not know `{word}`; allowed: {allowed}", spec.name);
            Err(Error::new("command", Code::InvalidState, text))
        }
    }
}

fn unknown(name: &str) -> Error {
    let nearest = COMMANDS.iter().min_by_key(|spec| strsim::damerau_levenshtein(spec.name, name));
    let hint = nearest.map_or(String::new(), |spec| format!("; the nearest is /{}", spec.name));
    Error::new("command", Code::InvalidState, format!("there is no command /{name}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_parses_an_example_of_its_usage_and_names_are_unique() {
        for spec in COMMANDS {
            let line = match spec.argument {
                Argument::None | Argument::OptionalText | Argument::Processes | Argument::ProcessOrAll => {
                    spec.name.into()
                }
                Argument::McpInstall => format!("{} install codex --hub", spec.name),
                Argument::OptionalOneOf(words) | Argument::OneOf(words) => format!("{} {}", spec.name, words[0]),
                Argument::WordAndFile(words) => format!("{} {} a", spec.name, words[0]),
                Argument::Numbers => format!("{} 1 2", spec.name),
                _ => format!("{} a b", spec.name),
            };
            assert!(parse(&line).is_ok(), "{line}");
            assert_eq!(COMMANDS.iter().filter(|other| other.name == spec.name).count(), 1);
        }
    }

    #[test]
    fn an_unknown_command_names_the_nearest() {
        let error = parse("/restrat api").unwrap_err();
        assert!(error.message().contains("/restart"), "{error}");
    }

    #[test]
    fn a_missing_or_wrong_word_is_an_error_that_shows_the_usage() {
        assert!(parse("/run").unwrap_err().message().contains("SCRIPT"));
        assert!(parse("/level loud").unwrap_err().message().contains("all, info, warn, error"));
        assert!(parse("/wrap x").unwrap_err().message().contains("nothing"));
    }

    #[test]
    fn har_files_are_saved_and_opened_by_name_and_requests_cleared() {
        assert_eq!(parse("/har save my day.har").unwrap(), Command::SaveHar { file: "my day.har".into() });
        assert_eq!(parse("/har open a.har").unwrap(), Command::OpenHar { file: "a.har".into() });
        for wrong in ["/har", "/har save", "/har a.har", "/har shut a.har"] {
            assert!(parse(wrong).unwrap_err().message().contains("save | open FILE"), "{wrong}");
        }
        assert_eq!(parse("/clear web").unwrap(), Command::View(ViewCommand::Clear("web".into())));
        assert_eq!(parse("/clear api").unwrap(), Command::View(ViewCommand::Clear("api".into())));
    }

    #[test]
    fn an_ai_tool_is_set_up_by_its_name_and_with_known_options() {
        let install = |words: &[&str]| {
            Command::View(ViewCommand::McpInstall(words.iter().map(|word| (*word).to_owned()).collect()))
        };
        assert_eq!(parse("/mcp").unwrap(), Command::View(ViewCommand::Mcp));
        assert_eq!(parse("/mcp install zed").unwrap(), install(&["zed"]));
        assert_eq!(parse("/mcp install codex --hub --undo").unwrap(), install(&["codex", "--hub", "--undo"]));
        for (wrong, said) in
            [("/mcp install", "TOOL"), ("/mcp install emacs", "claude-code"), ("/mcp remove", "install")]
        {
            assert!(parse(wrong).unwrap_err().message().contains(said), "{wrong}");
        }
        assert!(parse("/mcp install zed; rm").unwrap_err().message().contains("zed;"));
        assert!(parse("/mcp install zed --force").unwrap_err().message().contains("--hub"));
    }

    #[test]
    fn text_is_kept_as_it_was_written() {
        assert_eq!(parse("/exec  echo 'a  b'").unwrap(), Command::Exec { command: "echo 'a  b'".into() });
        let input = parse("/input api hello  world").unwrap();
        assert_eq!(input, Command::Input { target: Target::Name("api".into()), text: "hello  world".into() });
        assert_eq!(parse("stop").unwrap(), Command::Stop(Target::All));
    }
}
