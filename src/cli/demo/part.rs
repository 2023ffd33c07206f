//! Runs one process of the demo, and what all of them write with.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use super::{api, server, suite, web, worker};

/// One of the demo's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Part {
    Web,
    Api,
    Worker,
    Test,
}

/// The word before the name of a part. It is no command of the definition: nobody types it, and nothing completes it.
pub(super) const WORD: &str = "demo-part";

impl Part {
    /// All, in the order in which they are started.
    pub(super) const ALL: [Part; 4] = [Part::Web, Part::Api, Part::Worker, Part::Test];

    /// The name of its process.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Part::Web => "web",
            Part::Api => "api",
            Part::Worker => "worker",
            Part::Test => "test",
        }
    }

    /// The part that a command line asks for: `brummer demo-part web`.
    pub(in crate::cli) fn asked_for(words: &[OsString]) -> Option<Part> {
        match words {
            [_, word, name] if word == WORD => Part::ALL.into_iter().find(|part| name == part.name()),
            _ => None,
        }
    }
}

/// Runs the part until it ends or is ended; answers its exit code.
pub(in crate::cli) fn run(part: Part) -> u8 {
    let pen = Pen { coloured: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() };
    let result = match part {
        Part::Web => web::run(&pen),
        Part::Api => api::run(&pen),
        Part::Worker => worker::run(&pen),
        Part::Test => suite::run(&pen),
    };
    // A write fails when nobody reads any more: then there is nothing left to do.
    result.unwrap_or(1)
}

/// Writes whole lines, coloured when there is a terminal.
#[derive(Debug, Clone)]
pub(super) struct Pen {
    coloured: bool,
}

impl Pen {
    /// The text in a colour of the terminal, by its SGR number.
    pub(super) fn paint(&self, sgr: u8, text: impl std::fmt::Display) -> String {
        if self.coloured { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// One line to standard output.
    pub(super) fn out(&self, line: impl std::fmt::Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    }

    /// One line to standard error.
    pub(super) fn err(&self, line: impl std::fmt::Display) -> io::Result<()> {
        writeln!(io::stderr().lock(), "{line}")
    }

    /// The state of something that goes on: replaces the line it stands on.
    pub(super) fn state(&self, text: impl std::fmt::Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "\r{text}")?;
        out.flush()
    }
}

/// Asks a server for these paths in turn, for ever, so that something happens.
pub(super) fn visit(address: SocketAddr, paths: &'static [&'static str], pause: Duration) {
    let visitor = move || {
        for path in paths.iter().cycle() {
            thread::sleep(pause);
            // The server logs what went wrong; a visitor only comes again.
            let _ = server::get(address, path);
        }
    };
    thread::spawn(visitor);
}
