//! What the services say to each other: plain values, published on the event bus by those who know, read by those who care.

use std::sync::Arc;

use crate::runtime::Priority;
use crate::runtime::panics::PanicReport;

/// A process that Brummer runs or ran: a number that counts from 1 in the order of their starts, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId(pub u64);

/// Which of a child's two outputs a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a piece of a child's output ended; with it, the bytes that were written can be told from the text that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// `\n`: an ordinary line.
    Newline,
    /// `\r\n`.
    CarriageReturnNewline,
    /// The output ended without a newline.
    None,
    /// The line is longer than one piece may be: the next piece of the same stream goes on with it.
    Continued,
}

impl Ending {
    /// A line that stood before a newline, as its text and how it ended.
    ///
    /// ```
    /// use brummer::event::Ending;
    ///
    /// assert_eq!(Ending::of_line(b"ready\r"), (&b"ready"[..], Ending::CarriageReturnNewline));
    /// assert_eq!(Ending::of_line(b"ready"), (&b"ready"[..], Ending::Newline));
    /// ```
    #[inline]
    pub fn of_line(line: &[u8]) -> (&[u8], Ending) {
        match line {
            [text @ .., b'\r'] => (text, Ending::CarriageReturnNewline),
            text => (text, Ending::Newline),
        }
    }
}

/// How a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Accepted, not yet spawned.
    Pending,
    /// It runs.
    Running,
    /// A user ended it.
    Stopped,
    /// It ended by itself with a code other than 0, by a signal, or could not be spawned.
    Failed,
    /// It ended by itself with code 0.
    Success,
}

impl Status {
    /// Whether the process has ended: then its exit and its end time are valid.
    pub fn is_ended(self) -> bool {
        matches!(self, Status::Stopped | Status::Failed | Status::Success)
    }

    /// The lower-case name, as shown and as written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Running => "running",
            Status::Stopped => "stopped",
            Status::Failed => "failed",
            Status::Success => "success",
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was never spawned.
    NotSpawned,
}

impl Exit {
    /// `exited with code 1`, `was ended by signal 9`, `could not be started`.
    pub fn describe(self) -> String {
        match self {
            Exit::Code(code) => format!("exited with code {code}"),
            Exit::Signal(signal) => format!("was ended by signal {signal}"),
            Exit::NotSpawned => "could not be started".into(),
        }
    }

    /// The code that a shell would report: the exit code, 128 + signal, or 127.
    pub fn shell_code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
            Exit::NotSpawned => 127,
        }
    }
}

/// How bad a line is. The order is that of badness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// For whoever debugs.
    Debug = 0,
    /// Everything else.
    #[default]
    Info = 1,
    /// A warning.
    Warn = 2,
    /// An error.
    Error = 3,
    /// The end of something: fatal, panic, critical.
    Critical = 4,
}

impl Level {
    /// All of them, least bad first.
    pub const ALL: [Level; 5] = [Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];

    /// The lower-case name, as shown and as written in JSON.
    pub fn name(self) -> &'static str {
        ["debug", "info", "warn", "error", "critical"][self as usize]
    }
}

/// The kinds of event, to subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// [`Event::ProcessChanged`].
    ProcessChanged,
    /// [`Event::LinesAdded`].
    LinesAdded,
    /// [`Event::ErrorDetected`].
    ErrorDetected,
    /// [`Event::UrlDetected`].
    UrlDetected,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A process was started, or ended, or could not be started.
    ProcessChanged {
        /// Which one.
        process: ProcessId,
        /// Its name.
        name: Arc<str>,
        /// How it stands now.
        status: Status,
        /// How it ended, if it did.
        exit: Option<Exit>,
    },
    /// A batch of lines of one process can be read from the store; one event a batch, not a line.
    LinesAdded {
        /// Whose lines.
        process: ProcessId,
        /// The sequence number of the last of them.
        last: u64,
        /// How many.
        count: u32,
    },
    /// Something failed: in a child's output, or in a part of Brummer itself (then `process` is `None`).
    ErrorDetected {
        /// Whose output said so.
        process: Option<ProcessId>,
        /// The component or the process's name.
        component: Arc<str>,
        /// The first line of it.
        message: Arc<str>,
        /// Where it happened, when Brummer itself panicked.
        backtrace: Option<Arc<str>>,
    },
    /// A URL of a server stood in a child's output for the first time.
    UrlDetected {
        /// Whose output.
        process: ProcessId,
        /// The URL, as it can be opened.
        url: Arc<str>,
    },
}

impl crate::runtime::events::Event for Event {
    type Kind = Kind;

    fn kind(&self) -> Kind {
        match self {
            Event::ProcessChanged { .. } => Kind::ProcessChanged,
            Event::LinesAdded { .. } => Kind::LinesAdded,
            Event::ErrorDetected { .. } => Kind::ErrorDetected,
            Event::UrlDetected { .. } => Kind::UrlDetected,
        }
    }

    /// The process; what is said of Brummer itself has a key of its own.
    fn key(&self) -> u64 {
        match self {
            Event::ProcessChanged { process, .. }
            | Event::LinesAdded { process, .. }
            | Event::UrlDetected { process, .. }
            | Event::ErrorDetected { process: Some(process), .. } => process.0,
            Event::ErrorDetected { process: None, .. } => u64::MAX,
        }
    }

    /// How a process stands is told before what it says.
    fn priority(&self) -> Priority {
        match self {
            Event::ProcessChanged { .. } => Priority::High,
            Event::ErrorDetected { .. } | Event::UrlDetected { .. } => Priority::Normal,
            Event::LinesAdded { .. } => Priority::Low,
        }
    }

    fn from_panic(report: &PanicReport) -> Option<Event> {
        Some(Event::ErrorDetected {
            process: None,
            component: report.component.clone(),
            message: report.text.clone(),
            backtrace: report.backtrace.clone(),
        })
    }
}
