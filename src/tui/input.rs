//! Reads the terminal on a thread of its own and leaves what was typed in the inbox.

use std::sync::Arc;

use crossterm::event::{Event, KeyEventKind};

use crate::error::{Error, Result};
use crate::tui::inbox::Inbox;
use crate::tui::message::Message;

/// Starts the thread. It blocks in a read for as long as the process lives; it holds nothing but the inbox.
///
/// # Errors
/// What the system said when the thread was started.
pub(crate) fn start(inbox: Arc<Inbox>) -> Result<()> {
    let builder = std::thread::Builder::new().name("brummer-input".into()).stack_size(128 * 1024);
    let thread = builder.spawn(move || read_all(&inbox));
    thread.map(drop).map_err(|e| Error::io("tui", "start the input thread", e))
}

fn read_all(inbox: &Inbox) {
    loop {
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
