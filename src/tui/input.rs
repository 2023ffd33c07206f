//! Reads the terminal on a thread of its own and leaves what was typed in the inbox; pauses while an editor has the terminal.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::event::{Event, KeyEventKind};
use rustix::process::{Signal, getpid, kill_process};

use crate::error::{Error, Result};
use crate::tui::inbox::Inbox;
use crate::tui::message::Message;

/// How often the thread is asked to pause, and how long each time.
const ASKS_MAX: usize = 20;
const ASK: Duration = Duration::from_millis(100);

/// The thread that reads, as the UI sees it.
#[derive(Debug)]
pub(crate) struct Input {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing is to be read.
    pause: bool,
    /// Nothing is read.
    is_paused: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Two flags: no panic can leave them half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits here while a pause is asked for.
    fn pass(&self) {
        let mut state = self.lock();
        while state.pause {
            state.is_paused = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Input {
    /// Starts the thread. It blocks in a read for as long as the process lives; it holds nothing but the inbox.
    ///
    /// # Errors
    /// What the system said when the thread was started.
    pub(crate) fn start(inbox: Arc<Inbox>) -> Result<Input> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("brummer-input".into()).stack_size(128 * 1024);
        let thread = builder.spawn(move || read_all(&inbox, &of_thread));
        thread.map(drop).map_err(|e| Error::io("tui", "start the input thread", e))?;
        Ok(Input { shared })
    }

    /// Has nobody read the terminal any more; answers whether that is so. The thread is woken by telling this process, and
    /// no other, that the terminal has another size.
    pub(crate) fn pause(&self) -> bool {
        let mut state = self.shared.lock();
        state.pause = true;
        for _ in 0..ASKS_MAX {
            // A process can always signal itself.
            let _ = kill_process(getpid(), Signal::WINCH);
            state = self.shared.changed.wait_timeout(state, ASK).unwrap_or_else(PoisonError::into_inner).0;
            if state.is_paused {
                return true;
            }
        }
        state.pause = false;
        false
    }

    /// Reads on.
    pub(crate) fn go_on(&self) {
        let mut state = self.shared.lock();
        (state.pause, state.is_paused) = (false, false);
        drop(state);
        self.shared.changed.notify_all();
    }
}

fn read_all(inbox: &Inbox, shared: &Shared) {
    loop {
        shared.pass();
        match crossterm::event::read() {
            Ok(event) => {
                if let Some(message) = message(event) {
                    inbox.send(message);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return inbox.send(Message::Hangup),
        }
    }
}

fn message(event: Event) -> Option<Message> {
    Some(match event {
        Event::FocusGained => Message::Focus(true),
        Event::FocusLost => Message::Focus(false),
        Event::Key(key) if key.kind == KeyEventKind::Release => return None,
        Event::Key(key) => Message::Key(key),
        Event::Mouse(mouse) => Message::Mouse(mouse),
        Event::Paste(text) => Message::Paste(text),
        Event::Resize(columns, rows) => Message::Resize(columns, rows),
    })
}
