//! Reads and writes what the UI remembers from run to run, on workers; a disk that does not take part costs one message.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::state::{self, StateFolder};
use crate::error::remedy;
use crate::event::Level;
use crate::tui::history::{joined, parse};
use crate::tui::inbox::Inbox;
use crate::tui::message::{Kept, Message};
use crate::tui::tour::{self, Visits};

/// The state of one project. Two that run in it write one after the other: each adds to what it finds.
#[derive(Debug)]
pub(crate) struct Keeper {
    state: StateFolder,
    dir: PathBuf,
    inbox: Arc<Inbox>,
    waiting: Mutex<Waiting>,
    idle: Condvar,
}

/// What is to be written; the lock is held for a moment, never while a disk is waited for.
#[derive(Debug, Default)]
struct Waiting {
    commands: Vec<String>,
    visits: Option<Visits>,
    /// A worker writes, or is about to.
    busy: bool,
    /// That something failed was said: it is not said again.
    told: bool,
}

impl Keeper {
    pub(crate) fn new(state: StateFolder, dir: PathBuf, inbox: Arc<Inbox>) -> Keeper {
        Keeper { state, dir, inbox, waiting: Mutex::default(), idle: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every change below is complete before anything can panic, so a poisoned state is still whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> PathBuf {
        // By another way to the same folder it is the same project.
        self.state.of_project("history", &fs::canonicalize(&self.dir).unwrap_or_else(|_| self.dir.clone()))
    }

    fn visits(&self) -> PathBuf {
        self.state.file("hints.txt")
    }

    /// On a worker: tells the UI what was kept.
    pub(crate) fn recall(&self) {
        match state::read(&self.visits()) {
            Ok(text) => self.inbox.send(Message::Visited(tour::read(&text.unwrap_or_default()))),
            // Then nothing is told: a hint that nobody can take away would come again and again.
            Err(error) => self.tell(format!("hints are off: read {}: {error}", self.visits().display())),
        }
        let file = self.history();
        match state::read(&file) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                let (lines, is_damaged) = parse(&bytes);
                if is_damaged {
                    let text = format!("{} is damaged: of its recent commands only some are here", file.display());
                    self.tell(text);
                }
                self.inbox.send(Message::Recalled(lines));
            }
            Err(error) => self.tell(format!("the recent commands are not here: read {}: {error}", file.display())),
        }
    }

    /// Has something kept; answers whether a worker is to be sent to [`Keeper::work`].
    pub(crate) fn keep(&self, kept: Kept) -> bool {
        let mut waiting = self.lock();
        match kept {
            Kept::Command(line) => waiting.commands = joined(std::mem::take(&mut waiting.commands), &[line]),
            Kept::Visits(visits) => waiting.visits = Some(visits),
        }
        !std::mem::replace(&mut waiting.busy, true)
    }

    /// On a worker: writes until nothing is left.
    pub(crate) fn work(&self) {
        loop {
            let (commands, visits) = {
                let mut waiting = self.lock();
                if waiting.commands.is_empty() && waiting.visits.is_none() {
                    return self.rest(waiting);
                }
                (std::mem::take(&mut waiting.commands), waiting.visits.take())
            };
            // They are counted again from where the file stands: nothing is lost with them but a hint too many.
            let counted = visits.map_or(Ok(()), |visits| count(&self.visits(), visits));
            self.failed("hints", &self.visits(), counted);
            let file = self.history();
            let added = if commands.is_empty() { Ok(()) } else { add(&file, &commands) };
            if self.failed("recent commands", &file, added) {
                let mut waiting = self.lock();
                // With the next one it is tried again.
                let newer = std::mem::take(&mut waiting.commands);
                waiting.commands = joined(commands, &newer);
                return self.rest(waiting);
            }
        }
    }

    /// Says that something is not kept, if it is not.
    fn failed(&self, what: &str, file: &Path, written: io::Result<()>) -> bool {
        let Err(error) = written else { return false };
        self.tell(format!("{what} are not kept: write {}: {error}{}", file.display(), remedy(&error)));
        true
    }

    fn rest(&self, mut waiting: MutexGuard<'_, Waiting>) {
        waiting.busy = false;
        self.idle.notify_all();
    }

    /// Waits until all is written, at most so long.
    pub(crate) fn finish(&self, limit: Duration) {
        // Whether it was in time makes no difference: nothing more can be done.
        drop(self.idle.wait_timeout_while(self.lock(), limit, |waiting| waiting.busy));
    }

    fn tell(&self, text: String) {
        if !std::mem::replace(&mut self.lock().told, true) {
            self.inbox.send(Message::Notice(Level::Warn, text));
        }
    }
}

/// Adds lines to those of a file; what is no line in it goes.
fn add(file: &Path, lines: &[String]) -> io::Result<()> {
    let (before, _) = parse(&state::read(file)?.unwrap_or_default());
    let mut text = joined(before, lines).join("\n");
    text.push('\n');
    state::write(file, &text)
}

/// Writes how often each view was visited; another instance may have counted further.
fn count(file: &Path, mut visits: Visits) -> io::Result<()> {
    let before = tour::read(&state::read(file)?.unwrap_or_default());
    visits.iter_mut().zip(before).for_each(|(count, before)| *count = before.max(*count));
    state::write(file, &tour::written(&visits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A keeper and what it tells.
    fn keeper(state: &Path, dir: &str) -> (Keeper, Arc<Inbox>) {
        let inbox = Arc::<Inbox>::default();
        (Keeper::new(StateFolder::at(state), dir.into(), Arc::clone(&inbox)), inbox)
    }

    fn keep(keeper: &Keeper, line: &str) {
        if keeper.keep(Kept::Command(line.to_owned())) {
            keeper.work();
        }
        keeper.finish(Duration::ZERO);
    }

    /// What was recalled, and how often something was told.
    fn heard(keeper: &Keeper, inbox: &Inbox) -> (Vec<String>, usize) {
        keeper.recall();
        let (mut lines, mut told) = (Vec::new(), 0);
        for message in inbox.take(Some(std::time::Instant::now()), false).messages {
            match message {
                Message::Recalled(kept) => lines = kept,
                Message::Visited(_) => {}
                Message::Notice(Level::Warn, _) => told += 1,
                other => panic!("{other:?}"),
            }
        }
        (lines, told)
    }

    #[test]
    fn two_in_one_project_add_to_what_the_other_has_written_and_others_have_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let (one, inbox) = keeper(dir.path(), "/no/shop");
        let (other, _) = keeper(dir.path(), "/no/shop");
        let (stranger, strange) = keeper(dir.path(), "/no/store");
        assert_eq!(heard(&one, &inbox), (vec![], 0));
        keep(&one, "run a");
        keep(&other, "run b");
        keep(&one, "run c");
        keep(&other, "run a");
        assert_eq!(heard(&one, &inbox).0, ["run b", "run c", "run a"]);
        assert_eq!(heard(&stranger, &strange).0, [""; 0]);
        (0..200).for_each(|number| keep(&one, &format!("mark {number}")));
        assert_eq!(heard(&other, &inbox).0.len(), 0, "it tells its own inbox");
        assert_eq!(heard(&one, &inbox).0.len(), 100);
    }

    #[test]
    fn lines_that_come_while_a_worker_writes_are_written_by_it() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, inbox) = keeper(dir.path(), "/no/shop");
        assert!(keeper.keep(Kept::Command("run a".into())));
        assert!(!keeper.keep(Kept::Command("run b".into())), "one is on its way");
        std::thread::scope(|scope| {
            scope.spawn(|| keeper.work());
            keeper.finish(Duration::from_secs(60));
        });
        assert_eq!(heard(&keeper, &inbox).0, ["run a", "run b"]);
        assert!(keeper.keep(Kept::Command("run c".into())));
    }

    #[test]
    fn a_disk_that_does_not_take_part_costs_one_message_and_what_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, inbox) = keeper(dir.path(), "/no/shop");
        let file = keeper.history();
        fs::create_dir_all(&file).unwrap();
        keep(&keeper, "run a");
        keep(&keeper, "run b");
        assert_eq!(heard(&keeper, &inbox), (vec![], 1));
        // It is there again.
        fs::remove_dir(&file).unwrap();
        keep(&keeper, "run c");
        assert_eq!(heard(&keeper, &inbox), (vec!["run a".into(), "run b".into(), "run c".into()], 0));
    }

    #[test]
    fn of_a_damaged_file_the_lines_are_used_and_the_rest_goes_with_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, inbox) = keeper(dir.path(), "/no/shop");
        keep(&keeper, "run a");
        let file = keeper.history();
        fs::write(&file, b"run a\n\xff\xff\0\nrun b\n").unwrap();
        assert_eq!(heard(&keeper, &inbox), (vec!["run a".into(), "run b".into()], 1));
        keep(&keeper, "run c");
        assert_eq!(fs::read(&file).unwrap(), b"run a\nrun b\nrun c\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn visits_are_the_most_that_anybody_has_counted() {
        let dir = tempfile::tempdir().unwrap();
        let (keeper, inbox) = keeper(dir.path(), "/no/shop");
        let visits = |visits: Visits| {
            assert!(keeper.keep(Kept::Visits(visits)));
            keeper.work();
            keeper.recall();
            inbox.take(Some(std::time::Instant::now()), false).messages.into_iter().find_map(|message| match message {
                Message::Visited(visits) => Some(visits),
                _ => None,
            })
        };
        assert_eq!(visits([1, 2, 0, 0, 0, 0, 0, 3]), Some([1, 2, 0, 0, 0, 0, 0, 3]));
        assert_eq!(visits([2, 1, 0, 0, 0, 0, 0, 0]), Some([2, 2, 0, 0, 0, 0, 0, 3]));
    }

    #[test]
    fn nothing_is_kept_where_nobody_has_named_a_folder() {
        assert!(crate::tui::Options::default().state.is_none());
    }
}
