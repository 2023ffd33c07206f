//! Lines for people: `[14:02:28] web │ text`, `┃` for standard error, `●` for news; a prompt stays open.
//!
//! A line that is not complete stays at the end of the output, open. When its rest comes and nothing else came between,
//! only the rest is written. On a terminal the open line moves down when something else comes, and progress is shown in
//! place; elsewhere it is closed, is written again when it is complete, and progress waits for its end.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::clock::Times;
use super::paint::{DIM, RED, RESET, YELLOW, child_text, colour, paint};
use super::record::{Line, News, Owner, Printer};
use crate::config::Timestamps;
use crate::event::{Ending, Exit, Level, Status, Stream};

/// Names are padded to the longest one, up to this width.
const NAME_COLUMNS_MAX: usize = 24;

/// What Brummer's own messages stand under.
const OWN_NAME: &str = "brummer";

/// How the lines look.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Look {
    /// With colours: those of the processes' names and those that the children write.
    pub(in crate::cli) coloured: bool,
    /// The width of the terminal that is written to; `None` when it is none.
    pub(in crate::cli) columns: Option<u16>,
    /// The time before each line.
    pub(in crate::cli) time: Timestamps,
}

/// Prints for people.
#[derive(Debug)]
pub(in crate::cli) struct Text {
    look: Look,
    times: Times,
    name_columns: usize,
    open: Option<Open>,
    /// The open line that was wiped off the terminal for others, and comes again below them.
    covered: Option<Open>,
    /// Whose unfinished line was shown and closed, so that it is not shown again before it is complete.
    closed: Vec<(u64, Stream)>,
    /// The head of the line that was printed last, and when it can be used again.
    last_head: (Option<HeadKey>, Vec<u8>),
}

/// Lines of one process that have the same of these have the same head.
type HeadKey = (u64, Stream, u64);

/// The line at the end of the output that has no newline yet.
#[derive(Debug)]
struct Open {
    process: u64,
    stream: Stream,
    kind: OpenKind,
}

#[derive(Debug)]
enum OpenKind {
    /// A piece of a long line, as it will stay: the next piece follows it.
    Piece,
    /// A line that is not complete: what was written of it, its head included.
    Partial { written: Vec<u8>, head_bytes: usize },
}

impl Text {
    /// `names` are those that will appear as far as is known: they decide how far names are padded.
    pub(in crate::cli) fn new<'a>(look: Look, names: impl IntoIterator<Item = &'a str>) -> Text {
        let (times, closed, last_head) = (Times::new(look.time), Vec::new(), (None, Vec::new()));
        let mut text = Text { look, times, name_columns: 0, open: None, covered: None, closed, last_head };
        names.into_iter().for_each(|name| text.make_room(name));
        text
    }

    fn make_room(&mut self, name: &str) {
        self.name_columns = self.name_columns.max(name.width().min(NAME_COLUMNS_MAX));
    }

    fn colour<'c>(&self, colour: &'c str) -> Option<&'c str> {
        self.look.coloured.then_some(colour)
    }

    /// Time, name and mark.
    fn head(&mut self, out: &mut Vec<u8>, time: (u64, u64), name: (&str, &str), mark: (&str, &str)) {
        let dim = self.look.coloured && self.look.time != Timestamps::Off;
        if dim {
            out.extend_from_slice(b"\x1b[2m");
        }
        self.times.write(out, time.0, time.1);
        if dim {
            out.extend_from_slice(RESET);
        }
        paint(out, self.colour(name.1), name.0);
        let room = (self.name_columns + 1).saturating_sub(name.0.width()).max(1);
        out.extend(std::iter::repeat_n(b' ', room));
        paint(out, self.colour(mark.1), mark.0);
        out.push(b' ');
    }

    /// What decides how the head of a line looks; `None` when it also depends on the line before.
    fn head_key(&self, owner: Owner<'_>, line: &Line<'_>) -> Option<HeadKey> {
        let time = match self.look.time {
            Timestamps::Off => 0,
            Timestamps::Clock => line.time_ms / 1000,
            Timestamps::Ms | Timestamps::Relative => line.time_ms,
            Timestamps::Delta => return None,
        };
        Some((owner.id, line.stream, time))
    }

    fn line_head(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>) {
        let key = self.head_key(owner, line);
        if key.is_none() || key != self.last_head.0 {
            let mut head = std::mem::take(&mut self.last_head.1);
            head.clear();
            self.new_line_head(&mut head, owner, line);
            self.last_head = (key, head);
        }
        out.extend_from_slice(&self.last_head.1);
    }

    fn new_line_head(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>) {
        let own = colour(owner.place);
        self.make_room(owner.name);
        let mark = match line.stream {
            Stream::Out => ("│", own),
            Stream::Err => ("┃", RED),
        };
        self.head(out, (line.time_ms, owner.started_ms), (owner.name, own), mark);
    }

    /// The open line, if it is of this output of this process; any other makes room.
    fn reopen(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, stream: Stream) -> Option<OpenKind> {
        let own =
            |open: &Option<Open>| open.as_ref().is_some_and(|open| open.process == owner.id && open.stream == stream);
        if !own(&self.open) {
            self.make_way(out);
        }
        if own(&self.covered) {
            self.covered = None;
        }
        self.open.take().map(|open| open.kind)
    }

    /// Frees the end of the output for something else than the open line.
    fn make_way(&mut self, out: &mut Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        match &open.kind {
            OpenKind::Partial { written, .. } if self.fits(written) => {
                out.extend_from_slice(b"\r\x1b[K");
                self.covered = Some(open);
            }
            _ => {
                out.push(b'\n');
                self.closed.push((open.process, open.stream));
            }
        }
    }

    /// Whether a line can be written over itself: on a terminal, when it does not wrap.
    fn fits(&self, line: &[u8]) -> bool {
        let Some(columns) = self.look.columns else { return false };
        let mut plain = Vec::new();
        crate::wire::ansi::strip(line, &mut plain);
        // A tab goes to the next eighth column at most.
        let tabs = plain.iter().filter(|byte| **byte == b'\t').count();
        String::from_utf8_lossy(&plain).width() + tabs * 8 < usize::from(columns)
    }

    /// Writes what makes the open line read `whole`; false when it cannot be done without a new line.
    fn go_on(&self, out: &mut Vec<u8>, written: &[u8], head_bytes: usize, whole: &[u8]) -> bool {
        let (head, was) = written.split_at(head_bytes);
        if let Some(rest) = whole.strip_prefix(was) {
            out.extend_from_slice(rest);
            return true;
        }
        if !self.fits(written) {
            return false;
        }
        out.extend_from_slice(b"\r\x1b[K");
        out.extend_from_slice(head);
        out.extend_from_slice(whole);
        true
    }

    /// Writes a line or a piece of one behind what is open of it, or from its head.
    fn whole_line(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>) {
        match self.reopen(out, owner, line.stream) {
            Some(OpenKind::Piece) => return child_text(out, line.bytes, self.look.coloured),
            Some(OpenKind::Partial { written, head_bytes }) => {
                let mut whole = Vec::new();
                child_text(&mut whole, line.bytes, self.look.coloured);
                if self.go_on(out, &written, head_bytes, &whole) {
                    return;
                }
                out.push(b'\n');
            }
            None => {}
        }
        self.line_head(out, owner, line);
        child_text(out, line.bytes, self.look.coloured);
    }

    /// What is open after a part of an unfinished line was written.
    fn partial_line(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>) -> OpenKind {
        let mut whole = Vec::new();
        match self.reopen(out, owner, line.stream) {
            // The end of a long line waits until it is complete.
            Some(OpenKind::Piece) => OpenKind::Piece,
            Some(OpenKind::Partial { mut written, head_bytes }) => {
                child_text(&mut whole, line.bytes, self.look.coloured);
                // Progress that cannot be shown in place waits for its end.
                if self.go_on(out, &written, head_bytes, &whole) {
                    written.truncate(head_bytes);
                    written.extend_from_slice(&whole);
                }
                OpenKind::Partial { written, head_bytes }
            }
            None => {
                self.line_head(&mut whole, owner, line);
                let head_bytes = whole.len();
                child_text(&mut whole, line.bytes, self.look.coloured);
                out.extend_from_slice(&whole);
                OpenKind::Partial { written: whole, head_bytes }
            }
        }
    }

    fn note(&mut self, out: &mut Vec<u8>, time_ms: u64, level: Level, text: &str) {
        self.make_way(out);
        let tint = match level {
            Level::Critical | Level::Error => RED,
            Level::Warn => YELLOW,
            Level::Info | Level::Debug => DIM,
        };
        self.head(out, (time_ms, time_ms), (OWN_NAME, DIM), ("●", tint));
        paint(out, self.colour(tint), text);
        out.push(b'\n');
    }
}

impl Printer for Text {
    fn line(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>) {
        self.whole_line(out, owner, line);
        self.closed.retain(|closed| *closed != (owner.id, line.stream));
        match line.ending {
            Ending::Continued => {
                self.open = Some(Open { process: owner.id, stream: line.stream, kind: OpenKind::Piece });
            }
            Ending::Newline | Ending::CarriageReturnNewline | Ending::None => out.push(b'\n'),
        }
    }

    fn partial(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>, progress: bool) {
        let known = (owner.id, line.stream);
        if (progress && self.look.columns.is_none()) || self.closed.contains(&known) {
            return;
        }
        let kind = self.partial_line(out, owner, line);
        self.open = Some(Open { process: owner.id, stream: line.stream, kind });
    }

    fn news(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, time_ms: u64, news: &News<'_>) {
        self.make_way(out);
        let (tint, text) = match news {
            News::Started { command, .. } => (DIM, format!("started: {}", first_line(command))),
            News::Ended { status, exit, after } => {
                let tint = if *status == Status::Failed { RED } else { DIM };
                (tint, format!("{} after {}", ended(*status, *exit), span(*after)))
            }
            // It stands in the lines, where it can be clicked.
            News::Url(_) => return,
        };
        self.make_room(owner.name);
        self.head(out, (time_ms, owner.started_ms), (owner.name, colour(owner.place)), ("●", tint));
        paint(out, self.colour(tint), &text);
        out.push(b'\n');
    }

    fn message(&mut self, out: &mut Vec<u8>, time_ms: u64, level: Level, text: &str) {
        self.note(out, time_ms, level, text);
    }

    fn skipped(&mut self, out: &mut Vec<u8>, time_ms: u64, lines: u64) {
        let noun = if lines == 1 { "line was" } else { "lines were" };
        let text = format!("{lines} {noun} dropped: the reader of this output is too slow for what is written");
        self.note(out, time_ms, Level::Warn, &text);
    }

    fn settle(&mut self, out: &mut Vec<u8>) {
        if let Some(open) = self.covered.take() {
            if let OpenKind::Partial { written, .. } = &open.kind {
                out.extend_from_slice(written);
            }
            self.open = Some(open);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.settle(out);
        if self.open.take().is_some() {
            out.push(b'\n');
        }
    }

    fn resize(&mut self, columns: u16) {
        self.look.columns = self.look.columns.map(|_| columns);
    }
}

/// The first line of a command, and a sign when there are more.
fn first_line(command: &str) -> String {
    match command.trim().split_once('\n') {
        Some((first, _)) => format!("{first} …"),
        None => command.trim().to_owned(),
    }
}

/// `exited with code 1`, `ended by signal 9 (SIGKILL)`, `stopped (signal 15)`.
fn ended(status: Status, exit: Option<Exit>) -> String {
    let how = match exit {
        Some(Exit::Code(code)) => format!("exited with code {code}"),
        Some(Exit::Signal(number)) => format!("ended by signal {number}{}", signal_name(number)),
        Some(Exit::NotSpawned) | None => "could not be started".to_owned(),
    };
    if status == Status::Stopped { format!("stopped: {how}") } else { how }
}

/// The names of the signals whose numbers are the same on every system.
fn signal_name(number: i32) -> &'static str {
    match number {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// `340 ms`, `3.2 s`, `2 min 5 s`, `3 h 2 min`.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{}.{} s", seconds, time.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}
