//! Lines for programs: one JSON object a line, with `type` first.
//!
//! | type | fields |
//! |---|---|
//! | `line` | time, process, id, stream (`stdout`, `stderr`), level, text; seq; `lossy` when bytes that are not UTF-8 were replaced; `newline: false` when the output ended without one; `continued: true` when the next piece goes on with it |
//! | `partial` | as `line`, without seq: a prompt, or what else there is of a line so far; `line` follows |
//! | `started` | time, process, id, pid (null when it has ended already), command, cwd |
//! | `exited` | time, process, id, status (`success`, `failed`, `stopped`), code or signal, seconds |
//! | `url` | time, process, id, url |
//! | `message` | time, level, text: what Brummer itself has to say |
//! | `skipped` | time, lines: so many were dropped because this output is not read fast enough |

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use super::clock::Clock;
use super::record::{Line, News, Owner, Printer};
use crate::event::{Ending, Exit, Level, Stream};
use crate::wire::ansi;

/// Prints for programs.
#[derive(Debug)]
pub(in crate::cli) struct Json {
    clock: Clock,
    /// Escape sequences stay in the text.
    coloured: bool,
    plain: Vec<u8>,
    /// The time that was written last, and its text.
    time: (u64, Vec<u8>),
    /// The process that was written last, and its fields.
    owner: (u64, Vec<u8>),
}

/// No process has this number.
const NOBODY: u64 = u64::MAX;

impl Json {
    /// `coloured` keeps the escape sequences in the texts.
    pub(in crate::cli) fn new(coloured: bool) -> Json {
        let (time, owner) = ((u64::MAX, Vec::new()), (NOBODY, Vec::new()));
        Json { clock: Clock::utc(), coloured, plain: Vec::new(), time, owner }
    }

    /// `{"type":…,"time":…`: the object stays open.
    fn open(&mut self, out: &mut Vec<u8>, kind: &str, time_ms: u64) {
        if self.time.0 != time_ms {
            let second = self.clock.second(time_ms);
            self.time.1.clear();
            // Here and below: writing into a Vec cannot fail, and strings and numbers can always be written as JSON.
            let _ = write!(self.time.1, "\",\"time\":\"{second}.{:03}Z\"", time_ms % 1000);
            self.time.0 = time_ms;
        }
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(&self.time.1);
    }

    /// The fields that say whose it is; a process keeps its name.
    fn whose(&mut self, out: &mut Vec<u8>, owner: Owner<'_>) {
        if self.owner.0 != owner.id {
            self.owner.1.clear();
            self.owner.1.extend_from_slice(b",\"process\":");
            string(&mut self.owner.1, owner.name);
            let _ = write!(self.owner.1, ",\"id\":{}", owner.id);
            self.owner.0 = owner.id;
        }
        out.extend_from_slice(&self.owner.1);
    }

    fn text_line(&mut self, out: &mut Vec<u8>, kind: &str, owner: Owner<'_>, line: &Line<'_>) {
        self.open(out, kind, line.time_ms);
        self.whose(out, owner);
        out.extend_from_slice(match line.stream {
            Stream::Out => b",\"stream\":\"stdout\",\"level\":\"",
            Stream::Err => b",\"stream\":\"stderr\",\"level\":\"",
        });
        out.extend_from_slice(line.level.name().as_bytes());
        out.extend_from_slice(b"\",\"text\":");
        self.plain.clear();
        match self.coloured {
            true => self.plain.extend_from_slice(line.bytes),
            false => ansi::strip(line.bytes, &mut self.plain),
        }
        let text = String::from_utf8_lossy(&self.plain);
        string(out, &text);
        if matches!(text, Cow::Owned(_)) {
            out.extend_from_slice(b",\"lossy\":true");
        }
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    let escaped = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    // To the end, found or not: so it is done sixteen bytes at a time. Most lines need no escape.
    if text.as_bytes().iter().fold(false, |found, byte| found | escaped(byte)) {
        let _ = serde_json::to_writer(out, text);
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

fn close(out: &mut Vec<u8>) {
    out.extend_from_slice(b"}\n");
}

/// Adds fields to the open object, and closes it.
fn fields<const N: usize>(out: &mut Vec<u8>, fields: [(&str, Value); N]) {
    for (key, value) in fields {
        let _ = write!(out, ",\"{key}\":{value}");
    }
    close(out);
}

impl Printer for Json {
    fn line(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>) {
        self.text_line(out, "line", owner, line);
        let _ = write!(out, ",\"seq\":{}", line.sequence);
        match line.ending {
            Ending::Newline | Ending::CarriageReturnNewline => {}
            Ending::None => out.extend_from_slice(b",\"newline\":false"),
            Ending::Continued => out.extend_from_slice(b",\"continued\":true"),
        }
        close(out);
    }

    fn partial(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, line: &Line<'_>, progress: bool) {
        if !progress {
            self.text_line(out, "partial", owner, line);
            close(out);
        }
    }

    fn news(&mut self, out: &mut Vec<u8>, owner: Owner<'_>, time_ms: u64, news: &News<'_>) {
        match news {
            News::Started { command, cwd, pid } => {
                self.open(out, "started", time_ms);
                self.whose(out, owner);
                fields(
                    out,
                    [("pid", Value::from(*pid)), ("command", Value::from(*command)), ("cwd", Value::from(*cwd))],
                );
            }
            News::Ended { status, exit, after } => {
                self.open(out, "exited", time_ms);
                self.whose(out, owner);
                let how = match exit {
                    Some(Exit::Code(code)) => ("code", Value::from(*code)),
                    Some(Exit::Signal(number)) => ("signal", Value::from(*number)),
                    Some(Exit::NotSpawned) | None => ("code", Value::Null),
                };
                fields(out, [("status", Value::from(status.name())), how, ("seconds", seconds(*after))]);
            }
            News::Url(url) => {
                self.open(out, "url", time_ms);
                self.whose(out, owner);
                fields(out, [("url", Value::from(*url))]);
            }
        }
    }

    fn message(&mut self, out: &mut Vec<u8>, time_ms: u64, level: Level, text: &str) {
        self.open(out, "message", time_ms);
        fields(out, [("level", Value::from(level.name())), ("text", Value::from(text))]);
    }

    fn skipped(&mut self, out: &mut Vec<u8>, time_ms: u64, lines: u64) {
        self.open(out, "skipped", time_ms);
        fields(out, [("lines", Value::from(lines))]);
    }
}

fn seconds(time: Duration) -> Value {
    Value::from(time.as_millis() as f64 / 1000.0)
}
