//! What happens to the UI, and what it wants done: the two ends of `update`.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::app::attach::Seen;
use crate::app::command::Command;
use crate::app::view::{
    EnvRow, ErrorRow, ExchangePart, McpRow, PageEvent, PageSession, ProcessRow, ProxyRow, Reply, Sampling, ScriptRow,
    SystemMessage, UrlRow,
};
use crate::config::{Change, Config, Source, Ui};
use crate::error::Error;
use crate::event::{Level, ProcessId};
use crate::io::editor::Spot;
use crate::logs::{Frame, Snapshot as Lines};
use crate::proxy::{Exchange, ExchangeId};
use crate::tui::encode::Typed;
use crate::tui::errors::ErrorKey;
use crate::tui::logs::scan::{Found, Request};
use crate::tui::source::{Explained, Question};
use crate::tui::tour::Visits;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Message {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(u16, u16),
    /// The terminal has the focus, or has lost it.
    Focus(bool),
    /// The time, milliseconds since 1970; sent before whatever else happened.
    Now(u64),
    Scripts(Arc<[ScriptRow]>),
    Processes(Vec<ProcessRow>),
    Lines(Lines),
    System(Vec<SystemMessage>),
    Errors(Vec<ErrorRow>),
    /// What was found out about an error.
    Explained(ErrorKey, Explained),
    /// Where the changes stand that were to be written to this file, or why they are not.
    SettingsWritten(PathBuf, Result<Vec<(Change, Source)>, Error>),
    /// Where the place is that was to be opened, or why it is not.
    Placed(Result<Spot, String>),
    /// The files of the settings were changed outside, and say this now.
    Settings(Box<Config>),
    /// The editor that had the terminal has ended; or why it did not do well.
    Edited(Result<(), String>),
    Urls(Vec<UrlRow>, ProxyRow),
    /// How the server for AI tools stands.
    Mcp(McpRow),
    /// There is something new for the Web view.
    WebChanged,
    /// Exchanges that pass the filter, newest first; the number is that of the question.
    Exchanges(u64, Result<Vec<Arc<Exchange>>, Error>),
    /// The newest of all exchanges, for the clearing of this number.
    NewestExchange(usize, Option<ExchangeId>),
    /// What pages told, newest first, and the tabs that did.
    PageEvents(u64, Vec<PageEvent>, Vec<PageSession>),
    /// A part of an exchange as text, and what was asked for.
    ExchangeText {
        id: ExchangeId,
        part: ExchangePart,
        reveal: bool,
        copy: bool,
        text: Vec<String>,
    },
    /// What is to be seen of a process's terminal.
    Seen(ProcessId, Seen),
    /// Its terminal cannot be looked at.
    NotAttached(ProcessId, Error),
    /// What a process has beside Brummer's own environment.
    Environment(ProcessId, Vec<EnvRow>),
    /// What a command came to.
    Answer(Asked, Result<Reply, Error>),
    /// What a worker found.
    Found(Found),
    /// The commands that earlier runs have kept, oldest first.
    Recalled(Vec<String>),
    /// How often each view was visited in earlier runs.
    Visited(Visits),
    /// No clipboard tool has taken this text, which is called so: the terminal is to be asked.
    NotTaken(String, String),
    /// Something to be told in a toast.
    Notice(Level, String),
    /// A thread of the program panicked.
    Panicked(String),
    /// The app asks the UI to end.
    End,
    /// The terminal is gone.
    Hangup,
}

/// Why a command was sent: what its answer is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Show the process that was started.
    Show,
    /// Look at the terminal of the process that was started.
    Attach,
    /// Only tell what went wrong, or what was done.
    Tell,
}

/// Something to be done outside of the model.
#[derive(Debug)]
pub(crate) enum Effect {
    /// By the app.
    Execute(Command, Asked),
    /// Into the clipboard; the second is what the toast calls it.
    Copy(String, String),
    /// Into the clipboard by asking the terminal.
    CopyByTerminal(String, String),
    /// The latest error with its lines, into the clipboard.
    CopyError(Lines),
    /// The screen, into the clipboard.
    CopyScreen,
    /// A page in the browser.
    OpenUrl(String),
    /// A notice on the desktop.
    Notify(String),
    /// Lines into a file.
    Save(SaveJob),
    /// Test lines on a worker.
    Scan(Request),
    /// Look at the URLs and their counts again.
    Urls,
    /// Ask for the exchanges that pass a filter.
    Exchanges {
        filter: String,
        turn: u64,
    },
    /// Ask which exchange is the newest of all, to hide those up to it.
    NewestExchange {
        of: usize,
    },
    /// Ask for what pages told.
    PageEvents {
        turn: u64,
    },
    /// Ask for a part of an exchange as text, to show or to copy it.
    ExchangeText {
        id: ExchangeId,
        part: ExchangePart,
        reveal: bool,
        copy: bool,
    },
    /// Ask what a process has beside Brummer's own environment.
    Environment(ProcessId),
    /// Look at the terminal of a process, in this size (columns, rows).
    Attach(ProcessId, (u16, u16)),
    /// Look at it no longer.
    Detach,
    /// Give it another size.
    ResizeAttached((u16, u16)),
    /// Scroll back in it by so many rows.
    ScrollAttached(isize),
    /// Tell it what a person did.
    Type(Typed),
    /// Look at the stack of an error, its sources and the requests that failed with it.
    Explain(ErrorKey, Box<Question>),
    /// Do as the settings of the UI say now.
    Settings(Box<Ui>),
    /// Write changed settings to a file.
    WriteSettings(PathBuf, Vec<Change>),
    /// Keep something for the next run.
    Keep(Kept),
    /// Set an AI tool up: its name and the options.
    Install(Vec<String>),
    /// Look for the file of one of these places, from the folder of a process, and open it in the person's editor.
    OpenPlace(Vec<Frame>, Option<PathBuf>),
    /// Open a place in the person's editor.
    Edit(Spot),
    /// Ask servers whether they answer, or no longer.
    WatchUrls(bool),
    /// Look at CPU and memory so often.
    SampleUsage(Sampling),
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    Redraw,
    Suspend,
    /// Leave.
    Leave(Outcome),
    /// Tell frame times in a toast.
    Stats,
}

/// What is kept for the next run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    /// A command that was entered.
    Command(String),
    /// How often each view was visited.
    Visits(Visits),
}

/// Lines to be written.
#[derive(Debug)]
pub(crate) struct SaveJob {
    pub(crate) file: String,
    pub(crate) lines: Lines,
    /// Only these; all if there are none.
    pub(crate) test: Option<Arc<crate::tui::logs::filter::Test>>,
}

/// Why the UI ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The person asked for it.
    Quit,
    /// The app asked for it, or the terminal is gone.
    Ended,
}
