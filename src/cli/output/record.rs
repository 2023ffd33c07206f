//! What is printed: a line, a line that is not complete yet, or news of a process.

use std::time::Duration;

use crate::event::{Ending, Exit, Level, Status, Stream};

/// The process that something is printed of.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Owner<'a> {
    pub(in crate::cli) name: &'a str,
    pub(in crate::cli) id: u64,
    /// Its place in the order of starts, from 0: it picks the colour.
    pub(in crate::cli) place: usize,
    /// When it was started, milliseconds since 1970.
    pub(in crate::cli) started_ms: u64,
}

/// A line of a process's output.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Line<'a> {
    /// When it was read, milliseconds since 1970.
    pub(in crate::cli) time_ms: u64,
    /// Its number in the store.
    pub(in crate::cli) sequence: u64,
    pub(in crate::cli) stream: Stream,
    pub(in crate::cli) level: Level,
    /// As it was written, without its newline.
    pub(in crate::cli) bytes: &'a [u8],
    pub(in crate::cli) ending: Ending,
}

/// What happened to a process.
#[derive(Clone, Debug)]
pub(in crate::cli) enum News<'a> {
    Started { command: &'a str, cwd: &'a str, pid: Option<u32> },
    Ended { status: Status, exit: Option<Exit>, after: Duration },
    Url(&'a str),
}

/// Prints into a buffer; the text and the JSON form.
pub(in crate::cli) trait Printer {
    /// A whole line.
    fn line(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>);
    /// What a process has written of a line so far; it is called again when there is more of it. `progress`: it has been
    /// written over with `\r`, so it is no prompt.
    fn partial(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>, progress: bool);
    /// News of a process.
    fn news(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, time_ms: u64, news: &News<'_>);
    /// Something that Brummer itself has to say.
    fn message(&mut self, out: &mut Vec<u8>, time_ms: u64, level: Level, text: &str);
    /// So many lines were dropped by the store before they could be printed.
    fn skipped(&mut self, out: &mut Vec<u8>, time_ms: u64, lines: u64);
    /// Nothing follows for the moment.
    fn settle(&mut self, _out: &mut Vec<u8>) {}
    /// Nothing follows at all.
    fn finish(&mut self, _out: &mut Vec<u8>) {}
    /// The terminal that is printed to has another width.
    fn resize(&mut self, _columns: u16) {}
}
