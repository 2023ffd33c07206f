//! Answers with a file: a thread of its own reads it, a piece at a time, so that a slow disk holds up nobody and no file is too long.
//!
//! **Shape.** The engine asks for a piece when the client has taken all before it; the thread, started with the first file, answers with
//! a command. So one piece of [`PIECE_BYTES`] is on its way for each client, and whoever does not read costs no more.
//! **Limits.** Files are read one after the other: where a disk hangs, all of them wait, and the deadline of each client answers.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use super::control::LocalAnswer;
use super::downstream::{Downstream, Stage, Step};
use super::engine::{Command, Engine};
use super::pages::explain;
use super::rules::content_type;
use crate::io::net::{Commands, Key, Net};
use crate::wire::http1::has_no_body;

/// Read at once.
const PIECE_BYTES: usize = 64 << 10;

/// The file that answers a request.
pub(super) struct Reading {
    /// Which answer this is: what was asked for an earlier one of the same connection is thrown away.
    number: u64,
    path: PathBuf,
    /// With the thread while a piece is read.
    file: Option<File>,
    /// Bytes that were promised and not read yet.
    left: u64,
}

/// What the thread is asked for.
struct Ask {
    client: Key,
    number: u64,
    from: From,
    most: u64,
}

enum From {
    Path(PathBuf),
    File(File),
}

/// What the thread answers.
pub(crate) struct Came {
    client: Key,
    number: u64,
    result: io::Result<Piece>,
}

struct Piece {
    file: File,
    /// Of the whole file, when it was opened.
    bytes: u64,
    data: Vec<u8>,
}

/// Asks the thread.
#[derive(Default)]
pub(super) struct Files {
    thread: Option<Sender<Ask>>,
    last: u64,
}

impl Files {
    fn ask(&mut self, commands: &Commands<Command>, ask: Ask) {
        let thread = self.thread.get_or_insert_with(|| start(commands.clone()));
        // If there is no thread, the deadline answers.
        let _ = thread.send(ask);
    }
}

/// It ends when the files are dropped and its present piece is read.
fn start(commands: Commands<Command>) -> Sender<Ask> {
    let (ask, asked) = channel::<Ask>();
    let run = move || {
        for Ask { client, number, from, most } in asked {
            commands.send(Command::Read(Came { client, number, result: read(from, most) }));
        }
    };
    // Without a thread no file is read.
    let _ = std::thread::Builder::new().name("brummer-files".into()).spawn(run);
    ask
}

fn read(from: From, most: u64) -> io::Result<Piece> {
    let (mut file, bytes) = match from {
        From::File(file) => (file, 0),
        From::Path(path) => {
            let data = std::fs::metadata(&path)?;
            // Opening a pipe would wait for somebody who writes.
            if !data.is_file() {
                return Err(io::Error::other("this is no file"));
            }
            (File::open(&path)?, data.len())
        }
    };
    let mut data = Vec::new();
    let most = most.min(PIECE_BYTES as u64);
    data.reserve_exact(most as usize);
    (&mut file).take(most).read_to_end(&mut data)?;
    Ok(Piece { file, bytes, data })
}

impl Engine {
    /// Answers with this file, once it was looked at.
    pub(super) fn answer_with_file(&mut self, net: &mut Net, down: &mut Downstream, path: &Path) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        self.files.last += 1;
        let number = self.files.last;
        active.file = Some(Box::new(Reading { number, path: path.to_owned(), file: None, left: 0 }));
        active.stage = Stage::Reading;
        net.set_deadline(down.link.key, Some(self.limits.body_idle));
        let from = From::Path(path.to_owned());
        self.files.ask(&self.commands, Ask { client: down.link.key, number, from, most: PIECE_BYTES as u64 });
        Step::Wait
    }

    /// The client has taken all that was read: more, or the end.
    pub(super) fn next_piece(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let gone = down.has_gone(net);
        let Some(active) = &mut down.active else { return Step::Close };
        let Some(reading) = active.file.as_mut().filter(|reading| reading.left > 0) else {
            return self.finish(net, down);
        };
        if gone {
            return self.client_gone(net, down);
        }
        if let Some(file) = reading.file.take() {
            let ask = Ask { client: down.link.key, number: reading.number, from: From::File(file), most: reading.left };
            self.files.ask(&self.commands, ask);
            net.set_deadline(down.link.key, Some(self.limits.body_idle));
        }
        Step::Wait
    }

    /// A piece is there, or cannot be read.
    pub(super) fn file_came(&mut self, net: &mut Net, came: Came) {
        let Came { client, number, result } = came;
        self.with(net, client, |engine, net, down| {
            let reading = down.active.as_mut().and_then(|active| active.file.as_mut());
            match reading.is_some_and(|reading| reading.number == number) {
                true => engine.take_piece(net, down, result),
                false => Step::Wait,
            }
        });
    }

    fn take_piece(&mut self, net: &mut Net, down: &mut Downstream, result: io::Result<Piece>) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        let begins = active.stage == Stage::Reading;
        let Some(reading) = &mut active.file else { return Step::Close };
        // It came too late: something else was answered.
        if !begins && reading.left == 0 {
            return Step::Wait;
        }
        let piece = match result {
            Ok(piece) => piece,
            Err(error) => {
                let what = format!("{}: {error}.", reading.path.display());
                active.file = None;
                return self.no_file(net, down, &what);
            }
        };
        if begins {
            let status = active.rule.as_ref().and_then(|rule| rule.status).unwrap_or(200);
            let answer = LocalAnswer::new(status, content_type(&reading.path), Vec::new());
            let bodiless = active.plan.is_none_or(|plan| has_no_body(status, plan.method));
            reading.left = if bodiless { 0 } else { piece.bytes };
            self.own_of_length(net, down, &answer, piece.bytes);
        }
        let Some(active) = &mut down.active else { return Step::Close };
        let Some(reading) = &mut active.file else { return Step::Close };
        if reading.left > 0 && piece.data.is_empty() {
            let what = format!("{} became shorter while it was read.", reading.path.display());
            active.file = None;
            return self.no_file(net, down, &what);
        }
        let data = &piece.data[..piece.data.len().min(usize::try_from(reading.left).unwrap_or(usize::MAX))];
        reading.left -= data.len() as u64;
        reading.file = Some(piece.file);
        active.download.saw(data);
        active.download.out.extend_from_slice(data);
        Step::Go
    }

    /// Says so, or cuts an answer that has begun.
    fn no_file(&mut self, net: &mut Net, down: &mut Downstream, what: &str) -> Step {
        let Some(active) = &mut down.active else { return Step::Close };
        if let Some(record) = &mut active.record {
            record.fail("rule", what);
        }
        match active.stage {
            Stage::Reading => self.own(net, down, &explain(500, what, "A rule names this file.", false)),
            _ => Step::Reset,
        }
    }
}
