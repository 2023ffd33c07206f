//! The part of the loop that looks at a child's terminal.

use crate::event::{Level, ProcessId};
use crate::tui::encode::{Typed, encode};
use crate::tui::message::{Effect, Message};
use crate::tui::run::Loop;

impl Loop {
    pub(super) fn carry_out_in_child(&mut self, effect: Effect) {
        match effect {
            Effect::Attach(id, size) => return self.attach(id, size),
            Effect::Detach => self.attached = None,
            Effect::Type(typed) => return self.type_in(&typed),
            Effect::ResizeAttached((columns, rows)) => {
                self.attached.iter().for_each(|attached| attached.resize(columns, rows, false));
            }
            Effect::ScrollAttached(by) => self.attached.iter().for_each(|attached| attached.scroll(by)),
            _ => {}
        }
        self.look();
    }

    fn attach(&mut self, id: ProcessId, size: (u16, u16)) {
        // What was looked at before is let go first: the new one may be the same process.
        self.attached = None;
        match self.backend.attach(id, size) {
            Ok(attached) => {
                self.attached = Some(attached);
                self.look();
            }
            Err(error) => self.effect_of(Message::NotAttached(id, error)),
        }
    }

    /// Gives the model what is to be seen now.
    pub(super) fn look(&mut self) {
        if let Some(attached) = &self.attached {
            let message = Message::Seen(attached.id(), attached.look());
            self.effect_of(message);
        }
    }

    fn type_in(&mut self, typed: &Typed) {
        let Some(attached) = &self.attached else { return };
        let bytes = encode(typed, attached.modes());
        if let Err(error) = attached.send(&bytes) {
            self.effect_of(Message::Notice(Level::Warn, error.message().to_string()));
        }
    }
}
