//! What a person or a program can ask of Brummer.

use crate::event::{Level, ProcessId};
use crate::proxy::ExchangeId;

pub use crate::app::command_table::{AI_TOOLS, Argument, COMMANDS, CommandSpec, INSTALL_OPTIONS, find, parse};

/// Something a person or a program asks of Brummer.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Start a script of the catalog; if it runs already, that process is the answer, unless `another` is set.
    Run {
        /// The script's name, as [`crate::app::view::ScriptRow::name`] or `package:name`.
        script: String,
        /// Added to the script's command.
        args: Vec<String>,
        /// Start a second copy.
        another: bool,
    },
    /// Start any command by the shell.
    Exec {
        /// The command, in shell syntax.
        command: String,
    },
    /// End processes: TERM, grace, KILL.
    Stop(Target),
    /// End and start again.
    Restart(Target),
    /// End at once, without asking the process.
    Kill(Target),
    /// Drop an ended process from the table.
    Forget(ProcessId),
    /// Start the person's shell in the project's folder, on one terminal.
    Shell,
    /// Send one line to a process that has a terminal.
    Input {
        /// Which.
        target: Target,
        /// The line, without its newline.
        text: String,
    },
    /// Give a URL an address of the proxy.
    Proxy {
        /// `http://localhost:3000`.
        url: String,
    },
    /// Serve those who name the proxy as theirs, or no longer.
    ToggleProxy,
    /// Say how the PAC file is used.
    Pac,
    /// Send a kept request again.
    Replay {
        /// Which.
        id: ExchangeId,
        /// How often.
        times: u32,
    },
    /// Make a kept call of an AI tool again.
    CallAgain {
        /// Which.
        number: u64,
    },
    /// Write the kept requests to a HAR file.
    SaveHar {
        /// Where to.
        file: String,
    },
    /// List the requests of a HAR file.
    OpenHar {
        /// Which.
        file: String,
    },
    /// Forget all requests and all that pages told.
    ClearWeb,
    /// The terminal has a new size.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// Something that only the view in front of the person does.
    View(ViewCommand),
}

/// Commands that change what is shown and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewCommand {
    /// Open the logs of these processes; none = all.
    Logs(Vec<String>),
    /// Look at the terminal of this process; `None`: of a new shell.
    Term(Option<String>),
    /// Show this process alone.
    Solo(String),
    /// Keep only lines that match; `None` lists the filters.
    Show(Option<String>),
    /// Drop lines that match.
    Hide(Option<String>),
    /// The lowest level shown; `None` = all.
    Level(Option<Level>),
    /// Find in the current view.
    Find(String),
    /// Clear: `all`, `logs`, `errors`, `urls`, `web`, `mcp`, or a process's name.
    Clear(String),
    /// Insert a mark in the log.
    Mark(String),
    /// Write the filtered lines, or all of them, to a file.
    Save {
        /// Where to; `.jsonl` gives JSON lines, everything else plain text.
        file: String,
        /// Without the filters.
        all: bool,
    },
    /// Copy `line`, `error`, `url` or `screen`; or the selected request as `curl` or `fetch`.
    Copy(String),
    /// Open a URL, or that of a process, in the browser; `None`: the one in front.
    Open(Option<String>),
    /// The QR code of a URL, or of that of a process; `None`: of the one in front.
    Qr(Option<String>),
    /// Go to a view by its name.
    Go(String),
    /// Sort the processes by this column.
    Sort(String),
    /// Send the selected request again; in the MCP view, make the selected call again.
    Replay,
    /// Wrap long lines, or not.
    Wrap,
    /// Time format: clock, ms, relative, delta, off; `None` = the next one.
    Time(Option<String>),
    /// Another theme.
    Theme(String),
    /// Change a setting; the value as a person types it.
    Set {
        /// `ui.theme`, `ui.keys.quit`.
        name: String,
        /// Without quotes; `none` for keys that are to be none.
        value: String,
    },
    /// The MCP view.
    Mcp,
    /// The running instances, in the MCP view.
    Instances,
    /// Set an AI tool up: its name, then options of `brummer mcp install`.
    McpInstall(Vec<String>),
    /// The keys in Settings.
    Keys,
    /// The messages of Brummer itself.
    Messages(bool),
    /// Frame times, lines a second, store size.
    Stats,
    /// Help, on a topic if one is named.
    Help(Option<String>),
    /// The introduction.
    Tour,
    /// Leave; `now` does not ask.
    Quit {
        /// Without asking.
        now: bool,
    },
}

/// Which processes a command is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// All that run.
    All,
    /// The one with this id.
    Id(ProcessId),
    /// All that run under this name.
    Name(String),
}
