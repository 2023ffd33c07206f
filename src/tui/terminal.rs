//! Takes the terminal and gives it back as it was: on drop, on a panic of the UI thread, around a suspension.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::error::{Code, Error, Result};
use crate::io::pty::write_within;
use crate::tui::inbox::Inbox;
use crate::tui::message::Message;

/// Alternate screen, bracketed paste.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?25l\x1b[?7l";
/// The same undone, in reverse order.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?2004l\x1b[?1049l";
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const FOCUS_ON: &[u8] = b"\x1b[?1004h";
const FOCUS_OFF: &[u8] = b"\x1b[?1004l";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// A terminal that has not taken a frame by then is given up when leaving; on a busy machine a good one may take its time.
const LEAVE_MAX: Duration = Duration::from_secs(2);

/// Whether the terminal is taken; shared with the panic hook.
#[derive(Debug, Default)]
struct Taken(AtomicBool);

impl Taken {
    fn restore(&self) {
        if self.0.swap(false, Ordering::SeqCst) {
            // Nothing is left to be done about a terminal that is gone.
            let _ = write_within(&[FOCUS_OFF, MOUSE_OFF, LEAVE].concat(), LEAVE_MAX);
            let _ = crossterm::terminal::disable_raw_mode();
        }
    }
}

/// The terminal, taken until it is dropped.
#[derive(Debug)]
pub(crate) struct Terminal {
    taken: Arc<Taken>,
    writer: Writer,
    mouse: bool,
    focus: bool,
    sync: bool,
}

/// Whether a terminal is told where a frame ends, when the settings say so, or leave it to what is known of it.
pub(crate) fn has_sync(said: Option<bool>, get: impl Fn(&str) -> Option<String>) -> bool {
    // The others know the mode, or pass over it. The Linux console has no such thing, nor has GNU screen, inside of which
    // no more than its own name is seen; tmux uses that name, too.
    let term = get("TERM").unwrap_or_default();
    said.unwrap_or(term != "linux" && (!term.starts_with("screen") || get("TMUX").is_some()))
}

/// The bytes of a frame without what says where it begins and ends.
fn unmarked(frame: &[u8]) -> &[u8] {
    let frame = frame.strip_prefix(b"\x1b[?2026h").unwrap_or(frame);
    frame.strip_suffix(b"\x1b[?2026l").unwrap_or(frame)
}

impl Terminal {
    /// Takes the terminal; the mouse and whether the terminal has the focus are told to the program if it asks for them.
    ///
    /// # Errors
    /// INVALID_STATE: standard input or output is not a terminal; otherwise what the system said.
    pub(crate) fn take(inbox: &Arc<Inbox>, mouse: bool, focus: bool) -> Result<Terminal> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            let text = "the terminal UI needs a terminal; use --no-tui for plain output";
            return Err(Error::new("tui", Code::InvalidState, text));
        }
        let writer = Writer::start(Arc::clone(inbox))?;
        let terminal = Terminal { taken: Arc::default(), writer, mouse, focus, sync: true };
        hook(&terminal.taken, inbox);
        terminal.set_up()?;
        Ok(terminal)
    }

    fn set_up(&self) -> Result<()> {
        crossterm::terminal::enable_raw_mode().map_err(|e| Error::io("tui", "set the terminal to raw mode", e))?;
        self.taken.0.store(true, Ordering::SeqCst);
        let mut bytes = ENTER.to_vec();
        if self.mouse {
            bytes.extend_from_slice(MOUSE_ON);
        }
        if self.focus {
            bytes.extend_from_slice(FOCUS_ON);
        }
        self.writer.send(bytes);
        Ok(())
    }

    /// Whether the last frame has been taken, so that another may be sent.
    pub(crate) fn is_ready(&self) -> bool {
        self.writer.is_idle()
    }

    /// Sends bytes; they are written by another thread, in order.
    pub(crate) fn send(&self, bytes: Vec<u8>) {
        self.writer.send(bytes);
    }

    /// Sends a frame.
    pub(crate) fn send_frame(&self, bytes: Vec<u8>) {
        self.send(if self.sync { bytes } else { unmarked(&bytes).to_vec() });
    }

    /// Whether the terminal is told where a frame ends.
    pub(crate) fn set_sync(&mut self, on: bool) {
        self.sync = on;
    }

    /// Gives the mouse to the program, or to the terminal's own selection.
    pub(crate) fn set_mouse(&mut self, on: bool) {
        self.mouse = on;
        self.writer.send(if on { MOUSE_ON } else { MOUSE_OFF }.to_vec());
    }

    /// Gives the terminal back, stops the process group until it is continued, and takes the terminal again.
    ///
    /// # Errors
    /// What the system said when the terminal was taken again.
    pub(crate) fn suspend(&self) -> Result<()> {
        self.restore();
        let stopped = crate::io::suspend::stop_own_group();
        self.set_up()?;
        stopped.map_err(|e| Error::io("tui", "suspend", e))
    }

    /// Gives the terminal back, as a shell left it, for another program.
    pub(crate) fn lend(&self) {
        self.restore();
    }

    /// Takes the terminal again after it was lent.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn come_back(&self) -> Result<()> {
        self.set_up()
    }

    fn restore(&self) {
        if self.writer.wait_idle(LEAVE_MAX) {
            self.taken.restore();
        } else {
            // The terminal takes nothing: only its mode can still be put right.
            let _ = crossterm::terminal::disable_raw_mode();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
        self.writer.stop();
        if !std::thread::panicking() {
            // The hook that `hook` put in place holds nothing that matters once the terminal is given back.
            self.taken.0.store(false, Ordering::SeqCst);
        }
    }
}

/// A panic of this thread gives the terminal back before it is printed; one of another thread becomes a message.
fn hook(taken: &Arc<Taken>, inbox: &Arc<Inbox>) {
    let before = std::panic::take_hook();
    let ui = std::thread::current().id();
    let taken = Arc::clone(taken);
    let inbox = Arc::downgrade(inbox);
    std::panic::set_hook(Box::new(move |panic| {
        let elsewhere = std::thread::current().id() != ui && taken.0.load(Ordering::SeqCst);
        match inbox.upgrade().filter(|_| elsewhere) {
            Some(inbox) => inbox.send(Message::Panicked(panic.to_string())),
            None => {
                taken.restore();
                before(panic);
            }
        }
    }));
}

/// Writes to the terminal from a thread of its own, so that a slow terminal never holds up the UI.
#[derive(Debug)]
struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    bytes: Vec<u8>,
    writing: bool,
    stop: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn start(inbox: Arc<Inbox>) -> Result<Writer> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("brummer-writer".into()).stack_size(64 * 1024);
        let thread = builder.spawn(move || write_all(&of_thread, &inbox));
        let thread = thread.map_err(|e| Error::io("tui", "start the writer thread", e))?;
        Ok(Writer { shared, thread: Some(thread) })
    }

    fn send(&self, bytes: Vec<u8>) {
        let mut slot = self.shared.lock();
        if slot.bytes.is_empty() {
            slot.bytes = bytes
        } else {
            slot.bytes.extend_from_slice(&bytes)
        }
        drop(slot);
        self.shared.changed.notify_all();
    }

    fn is_idle(&self) -> bool {
        let slot = self.shared.lock();
        slot.bytes.is_empty() && !slot.writing
    }

    fn wait_idle(&self, longest: Duration) -> bool {
        let deadline = Instant::now() + longest;
        let mut slot = self.shared.lock();
        while !slot.bytes.is_empty() || slot.writing {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            slot = self.shared.changed.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn stop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        let idle = self.is_idle();
        if let Some(thread) = self.thread.take().filter(|_| idle) {
            // It ends by itself; a panic in it was reported by the hook.
            let _ = thread.join();
        }
    }
}

/// Writes to standard output without its lock and its buffer: a terminal that takes nothing holds up nobody else.
fn write(mut bytes: &[u8]) -> io::Result<()> {
    let out = io::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(&out, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                // Somebody who shares the terminal has made it non-blocking.
                rustix::event::poll(&mut [PollFd::new(&out, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn write_all(shared: &Shared, inbox: &Inbox) {
    let mut slot = shared.lock();
    while !slot.stop {
        if slot.bytes.is_empty() {
            slot = shared.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let bytes = std::mem::take(&mut slot.bytes);
        slot.writing = true;
        drop(slot);
        if write(&bytes).is_err() {
            inbox.send(Message::Hangup);
        }
        slot = shared.lock();
        slot.writing = false;
        shared.changed.notify_all();
        inbox.writable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::screen::Screen;

    #[test]
    fn a_frame_says_where_it_ends_unless_the_terminal_cannot_use_it_or_the_person_says_no() {
        let mut screen = Screen::new(4, 1);
        let frame = screen.frame(|_| Some((1, 0, true)));
        assert!(frame.starts_with(b"\x1b[?2026h") && frame.ends_with(b"\x1b[?2026l"));
        let unmarked = String::from_utf8_lossy(unmarked(&frame)).into_owned();
        assert!(!unmarked.contains("2026") && unmarked.len() + 16 == frame.len(), "{unmarked:?}");
        let terminal = |term: &'static str, tmux: bool| {
            move |key: &str| match key {
                "TERM" => Some(term.to_owned()),
                _ => tmux.then(|| "/tmp/tmux".to_owned()),
            }
        };
        let auto = [("linux", false), ("screen", false), ("screen-256color", true), ("xterm", false)];
        assert_eq!(auto.map(|(term, tmux)| has_sync(None, terminal(term, tmux))), [false, false, true, true]);
        assert!(has_sync(Some(true), terminal("linux", false)) && !has_sync(Some(false), terminal("xterm", false)));
    }
}
