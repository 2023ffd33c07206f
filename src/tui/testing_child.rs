//! A child's terminal without a child: what is typed is kept, what it writes is what a test says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::app::attach::{Attached, Host};
use crate::app::view::Backend as _;
use crate::error::Result;
use crate::event::ProcessId;
use crate::process::Tap;
use crate::tui::encode::encode;
use crate::tui::message::{Effect, Message};
use crate::tui::testing::Rig;

/// The terminals of all processes of a mock.
#[derive(Default)]
pub(crate) struct ChildMock {
    /// What was typed.
    pub(crate) typed: Mutex<Vec<u8>>,
    /// The sizes that it was given.
    pub(crate) sizes: Mutex<Vec<(u16, u16)>>,
    tap: Mutex<Option<Arc<Tap>>>,
}

impl Host for ChildMock {
    fn type_some(&self, _: ProcessId, bytes: &[u8]) -> Result<usize> {
        self.typed.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn resize_one(&self, _: ProcessId, columns: u16, rows: u16) {
        self.sizes.lock().unwrap().push((columns, rows));
    }
    fn is_raw(&self, _: ProcessId) -> bool {
        false
    }
    fn detach(&self, _: ProcessId, _: &Arc<Tap>) {
        *self.tap.lock().unwrap() = None;
    }
    fn changed(&self) {}
    fn run(&self, _: Duration, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

impl ChildMock {
    pub(crate) fn attach(self: &Arc<Self>, id: ProcessId, size: (u16, u16)) -> Result<Arc<Attached>> {
        let host = Arc::clone(self) as Arc<dyn Host>;
        Attached::new(id, size, false, host, |tap| {
            *self.tap.lock().unwrap() = Some(Arc::clone(tap));
            Ok(())
        })
    }

    /// What was typed since the last time.
    pub(crate) fn take_typed(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.typed.lock().unwrap())).replace('\x1b', "^")
    }
}

impl Rig {
    /// The child writes this.
    pub(crate) fn child_writes(&mut self, bytes: impl AsRef<[u8]>) {
        let tap = self.mock.child.tap.lock().unwrap().clone();
        if let Some(tap) = tap {
            tap.push(bytes.as_ref());
        }
        self.look();
    }

    /// The child closes its terminal.
    pub(crate) fn child_ends(&mut self) {
        let tap = self.mock.child.tap.lock().unwrap().clone();
        if let Some(tap) = tap {
            tap.end();
        }
        self.look();
    }

    fn look(&mut self) {
        if let Some(attached) = &self.attached {
            let message = Message::Seen(attached.id(), attached.look());
            self.send(message);
        }
    }

    /// Carries out what concerns the terminal; gives back any other effect.
    pub(crate) fn in_terminal(&mut self, effect: Effect) -> std::result::Result<Option<Message>, Effect> {
        match effect {
            Effect::Attach(id, size) => {
                self.attached = None;
                match self.mock.attach(id, size) {
                    Ok(attached) => self.attached = Some(attached),
                    Err(error) => return Ok(Some(Message::NotAttached(id, error))),
                }
            }
            Effect::Detach => self.attached = None,
            Effect::ResizeAttached((columns, rows)) => {
                self.attached.iter().for_each(|attached| attached.resize(columns, rows, false));
            }
            Effect::ScrollAttached(by) => self.attached.iter().for_each(|attached| attached.scroll(by)),
            Effect::Type(typed) => {
                if let Some(attached) = &self.attached {
                    attached.send(&encode(&typed, attached.modes())).expect("there is room");
                }
                return Ok(None);
            }
            other => return Err(other),
        }
        Ok(self.attached.as_ref().map(|attached| Message::Seen(attached.id(), attached.look())))
    }
}
