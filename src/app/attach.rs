//! A process's terminal, looked at: its bytes go through an emulator on the pool, keys and sizes go to the process.
//!
//! ```text
//! reactor ─▶ process::Tap (bounded) ─▶ pool: Emulator ─▶ Picture, when a front door looks
//!    ▲                                     └─▶ answers ─┐
//!    └── the process's terminal ◀── Attached::send ◀────┴── keys, pastes, the mouse
//! ```
//!
//! Only what is looked at is emulated: without an [`Attached`] a process's output is lines and nothing else. Whoever is too
//! slow for a flood misses the middle of it ([`Seen::lost`]), never the end; the log has all of it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::app::changes::Thing;
use crate::app::core::App;
use crate::error::{Code, Error, Result};
use crate::event::ProcessId;
use crate::process::Tap;
use crate::runtime::Priority;
use crate::wire::screen::{Emulator, Modes, Picture};

/// The lock is held for so much at most, so that whoever looks waits for less than a millisecond.
const SLICE_BYTES: usize = 16 << 10;
/// After a loss the next look is not before this: what floods is not worth a core.
const FLOOD_PAUSE: Duration = Duration::from_millis(16);
/// What a process has not read yet of what was typed and pasted.
const INPUT_BYTES_MAX: usize = 4 << 20;
/// How soon it is tried whether the process reads again; twice as long each time that it does not.
const INPUT_PAUSE: Duration = Duration::from_millis(5);
const INPUT_PAUSE_MAX: Duration = Duration::from_millis(500);
/// A program that draws a whole screen is given a row less for so long, so that it draws anew.
const NUDGE: Duration = Duration::from_millis(40);

/// What an [`Attached`] needs of the app.
pub trait Host: Send + Sync {
    /// Types as much as the process takes now.
    ///
    /// # Errors
    /// The process has ended.
    fn type_some(&self, id: ProcessId, bytes: &[u8]) -> Result<usize>;
    /// Gives the process's terminal a size of its own.
    fn resize_one(&self, id: ProcessId, columns: u16, rows: u16);
    /// Whether a program has taken the keys unedited.
    fn is_raw(&self, id: ProcessId) -> bool;
    /// Nobody looks any more.
    fn detach(&self, id: ProcessId, tap: &Arc<Tap>);
    /// There is something new to look at.
    fn changed(&self);
    /// Runs work on the pool, after a while or now.
    fn run(&self, after: Duration, work: Box<dyn FnOnce() + Send>);
}

/// What was seen at one look.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The screen.
    pub picture: Picture,
    /// Bytes that were written faster than they could be shown.
    pub lost: u64,
    /// The process has closed its terminal.
    pub ended: bool,
}

/// A process's terminal while somebody looks at it.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: blocking on a lock that is held for 16 KiB of output. **Waits**: none.
///   **Cleanup**: on drop the process is no longer followed.
pub struct Attached {
    id: ProcessId,
    tap: Arc<Tap>,
    host: Arc<dyn Host>,
    me: Weak<Attached>,
    screen: Mutex<Screen>,
    /// Held by whoever feeds the emulator, so that the order stays.
    feeding: Mutex<Feed>,
    scheduled: AtomicBool,
    input: Mutex<VecDeque<u8>>,
}

struct Screen {
    emulator: Emulator,
    /// Rows that are scrolled back.
    offset: usize,
    lost: u64,
    ended: bool,
}

struct Feed {
    begun: bool,
    /// Questions in what was written before are still waited for.
    answers_old: bool,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").field("id", &self.id).finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of the emulator leaves a screen that is odd but whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Attached {
    /// A screen of this size; `begin` connects the tap to the process. With `answers_old`, questions of the process that were
    /// written before are answered, too: it has just been started and waits for them.
    ///
    /// # Errors
    /// What `begin` said.
    pub fn new(
        id: ProcessId,
        (columns, rows): (u16, u16),
        answers_old: bool,
        host: Arc<dyn Host>,
        begin: impl FnOnce(&Arc<Tap>) -> Result<()>,
    ) -> Result<Arc<Attached>> {
        let attached = Arc::new_cyclic(|me: &Weak<Attached>| {
            let woken = me.clone();
            let tap = Tap::new(move || woken.upgrade().into_iter().for_each(|it| it.schedule(Duration::ZERO)));
            let screen = Screen { emulator: Emulator::new(columns, rows), offset: 0, lost: 0, ended: false };
            Attached {
                id,
                tap,
                host,
                me: me.clone(),
                screen: Mutex::new(screen),
                feeding: Mutex::new(Feed { begun: false, answers_old }),
                scheduled: AtomicBool::new(false),
                input: Mutex::default(),
            }
        });
        begin(&attached.tap)?;
        Ok(attached)
    }

    /// Whose terminal it is.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// What is to be seen now.
    pub fn look(&self) -> Seen {
        let screen = locked(&self.screen);
        Seen { picture: screen.emulator.picture(screen.offset), lost: screen.lost, ended: screen.ended }
    }

    /// What the process has asked of its terminal.
    pub fn modes(&self) -> Modes {
        locked(&self.screen).emulator.modes()
    }

    /// Scrolls back by so many rows, or forward.
    pub fn scroll(&self, by: isize) {
        let mut screen = locked(&self.screen);
        let to = screen.offset.saturating_add_signed(by);
        screen.offset = screen.emulator.picture(to).offset;
    }

    /// Gives the screen and the process's terminal another size. With `redraw`, a program that draws a whole screen is made
    /// to draw it anew even if the size is the one that it has.
    pub fn resize(&self, columns: u16, rows: u16, redraw: bool) {
        locked(&self.screen).emulator.resize(columns, rows);
        if redraw && rows > 2 {
            self.host.resize_one(self.id, columns, rows - 1);
            let me = self.me.clone();
            let again = move || me.upgrade().into_iter().for_each(|it| it.host.resize_one(it.id, columns, rows));
            return self.host.run(NUDGE, Box::new(again));
        }
        self.host.resize_one(self.id, columns, rows);
    }

    /// Types; what the process does not read at once waits.
    ///
    /// # Errors
    /// RESOURCE_LIMIT: too much waits already. A process that has ended takes nothing, which is no error.
    pub fn send(&self, bytes: &[u8]) -> Result<()> {
        let mut input = locked(&self.input);
        if input.len() + bytes.len() > INPUT_BYTES_MAX {
            let message = "type: the process does not read, and 4 MiB wait for it already";
            return Err(Error::new("terminal", Code::ResourceLimit, message));
        }
        let idle = input.is_empty();
        input.extend(bytes);
        drop(input);
        if idle {
            self.flush(INPUT_PAUSE);
        }
        Ok(())
    }

    fn flush(&self, pause: Duration) {
        let mut input = locked(&self.input);
        let mut next = (pause * 2).min(INPUT_PAUSE_MAX);
        while !input.is_empty() {
            match self.host.type_some(self.id, input.as_slices().0) {
                Ok(0) => break,
                Ok(taken) => {
                    input.drain(..taken);
                    next = INPUT_PAUSE;
                }
                // It is gone; nobody will read this.
                Err(_) => input.clear(),
            }
        }
        if !input.is_empty() {
            let me = self.me.clone();
            self.host.run(pause, Box::new(move || me.upgrade().into_iter().for_each(|it| it.flush(next))));
        }
    }

    fn schedule(&self, after: Duration) {
        if !self.scheduled.swap(true, Ordering::AcqRel) {
            let me = self.me.clone();
            self.host.run(after, Box::new(move || me.upgrade().into_iter().for_each(|it| it.feed())));
        }
    }

    /// Feeds the emulator with all there is.
    fn feed(&self) {
        let mut feed = locked(&self.feeding);
        let taken = self.tap.take();
        let mut answers = Vec::new();
        let raw = self.host.is_raw(self.id);
        let mut screen = locked(&self.screen);
        match std::mem::replace(&mut feed.begun, true) {
            false => screen.emulator.begin(taken.modes),
            true if taken.lost > 0 => screen.emulator.catch_up(taken.modes),
            true => {}
        }
        screen.lost += taken.lost;
        screen.emulator.set_raw(raw);
        drop(screen);
        for slice in taken.bytes.chunks(SLICE_BYTES) {
            let mut screen = locked(&self.screen);
            let before = screen.emulator.scrolled();
            screen.emulator.feed(slice);
            if screen.offset > 0 {
                // What is read stays where it is; the other screen of a program that draws a whole one has scrolled less.
                let moved = screen.emulator.scrolled().saturating_sub(before) as usize;
                screen.offset = screen.emulator.picture(screen.offset + moved).offset;
            }
            answers.extend(screen.emulator.take_answers());
        }
        locked(&self.screen).ended |= taken.ended;
        if std::mem::replace(&mut feed.answers_old, true) && !answers.is_empty() {
            // Who floods with questions and reads no answers gets none.
            let _ = self.send(&answers);
        }
        drop(feed);
        self.host.changed();
        // From here on a wake-up schedules the next round; what came before it is seen there.
        self.scheduled.store(false, Ordering::Release);
        if taken.lost > 0 {
            self.schedule(FLOOD_PAUSE);
        } else if self.tap.has_more(taken.ended) {
            self.schedule(Duration::ZERO);
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.host.detach(self.id, &self.tap);
    }
}

/// Questions of a process that was started so recently are answered even if they were asked before somebody looked.
const JUST_STARTED: Duration = Duration::from_secs(2);

impl App {
    pub(super) fn look_at(&self, id: ProcessId, (columns, rows): (u16, u16)) -> Result<Arc<Attached>> {
        let unknown = || Error::new("terminal", Code::NotFound, format!("no process has the id {}", id.0));
        let process = self.manager.get_process(id).ok_or_else(unknown)?;
        let age = now_ms().saturating_sub(process.started_ms);
        let host = Arc::new(OfApp(self.me.clone()));
        let fresh = age < JUST_STARTED.as_millis() as u64;
        let attached = Attached::new(id, (columns, rows), fresh, host, |tap| self.manager.attach(id, tap))?;
        attached.resize(columns, rows, process.full_screen);
        Ok(attached)
    }
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// The app, as long as it is there.
struct OfApp(Weak<App>);

impl Host for OfApp {
    fn type_some(&self, id: ProcessId, bytes: &[u8]) -> Result<usize> {
        let gone = || Error::new("terminal", Code::InvalidState, "brummer is ending");
        self.0.upgrade().ok_or_else(gone)?.manager.type_some(id, bytes)
    }

    fn resize_one(&self, id: ProcessId, columns: u16, rows: u16) {
        self.0.upgrade().into_iter().for_each(|app| app.manager.resize_one(id, columns, rows));
    }

    fn is_raw(&self, id: ProcessId) -> bool {
        self.0.upgrade().is_some_and(|app| app.manager.is_raw(id))
    }

    fn detach(&self, id: ProcessId, tap: &Arc<Tap>) {
        self.0.upgrade().into_iter().for_each(|app| app.manager.detach(id, tap));
    }

    fn changed(&self) {
        self.0.upgrade().into_iter().for_each(|app| app.changes.bump(Thing::Terminal));
    }

    fn run(&self, after: Duration, work: Box<dyn FnOnce() + Send>) {
        let Some(app) = self.0.upgrade() else { return };
        // The pool refuses only while the app ends; then nobody looks any more.
        if after.is_zero() {
            let _ = app.pool.spawn(Priority::High, work);
        } else {
            let pool = app.pool.clone();
            app.timer.after(after, move || _ = pool.spawn(Priority::High, work));
        }
    }
}
