//! One child inside the reactor: its outputs, what is known of them, and the fair share that is read in a turn.

use super::{Control, Handler, Number};
use crate::io::child::{Child, Output, Source};
use crate::io::tree::{Root, Snapshot};
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// What an output can hold at most when its writer has ended: a pipe of 1 MiB, and room for what is on its way.
const LAST_BYTES: usize = (1 << 20) + (256 << 10);

/// What a child's outputs gave in one turn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    /// Whether there is more: the share was used up.
    pub(super) more: bool,
    /// What the fuller output gave.
    pub(super) most_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Drained,
    More,
    Ended,
}

pub(super) struct Slot<H> {
    pub(super) number: Number,
    pub(super) root: Root,
    pub(super) handler: H,
    pub(super) timer: Option<Instant>,
    pub(super) alive: bool,
    /// Outputs that have something to read.
    pub(super) ready: [bool; 2],
    /// Whether it is on the reactor's list of those to read.
    pub(super) queued: bool,
    sources: [Option<Source>; 2],
    /// Whether the handler panicked on output.
    broken: bool,
}

impl<H: Handler> Slot<H> {
    pub(super) fn new(number: Number, child: Child, handler: H) -> Slot<H> {
        let Child { root, sources, .. } = child;
        Slot {
            number,
            root,
            handler,
            timer: None,
            alive: true,
            ready: [false; 2],
            queued: false,
            sources,
            broken: false,
        }
    }

    /// The descriptors that are still open, with the place of each.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = (usize, RawFd)> + '_ {
        self.sources.iter().enumerate().filter_map(|(i, source)| source.as_ref().map(|s| (i, s.fd.as_raw_fd())))
    }

    /// Reads a fair share of what is ready and hands it on.
    pub(super) fn read(&mut self, share: usize, buffer: &mut [u8]) -> Taken {
        let mut taken = Taken::default();
        let mut any = false;
        let mut drained = true;
        for place in 0..2 {
            if std::mem::take(&mut self.ready[place]) {
                let (bytes, state) = self.read_one(place, share, buffer);
                any |= bytes > 0;
                drained &= state != State::More;
                self.ready[place] = state == State::More;
                taken.most_bytes = taken.most_bytes.max(bytes);
            }
        }
        taken.more = !drained;
        if any {
            self.guarded(|handler| handler.turn_ended(drained));
        }
        taken
    }

    /// Reads everything that was written before the child ended; what others go on writing is not waited for.
    pub(super) fn read_last(&mut self, buffer: &mut [u8]) {
        for place in 0..2 {
            let (_, state) = self.read_one(place, LAST_BYTES, buffer);
            self.ready[place] = state == State::More;
        }
    }

    /// Calls the handler; a panic in it ends what it is told of output, and nothing else.
    fn guarded(&mut self, call: impl FnOnce(&mut H)) {
        if !self.broken && catch_unwind(AssertUnwindSafe(|| call(&mut self.handler))).is_err() {
            self.broken = true;
        }
    }

    /// Calls the handler with its controls, also after a panic: a stop has to go on. Says whether the slot is to stay.
    pub(super) fn control(
        &mut self,
        snapshot: &mut Option<Arc<Snapshot>>,
        buffer: &mut [u8],
        call: impl FnOnce(&mut H, &mut Control<'_>),
    ) -> bool {
        let mut control = Control { timer: &mut self.timer, snapshot, alive: self.alive, close: false, forget: false };
        if catch_unwind(AssertUnwindSafe(|| call(&mut self.handler, &mut control))).is_err() {
            self.broken = true;
        }
        let (close, forget) = (control.close, control.forget);
        if close {
            // A child that was held back has left something in its pipe.
            self.read_last(buffer);
            self.close_all();
        }
        !forget
    }

    fn read_one(&mut self, place: usize, share: usize, buffer: &mut [u8]) -> (usize, State) {
        let Some(source) = &self.sources[place] else { return (0, State::Ended) };
        let (fd, terminal) = (source.fd.clone(), source.terminal);
        let output = if place == 0 { Output::Out } else { Output::Err };
        let room = share.min(buffer.len());
        let buffer = &mut buffer[..room];
        let mut total = 0;
        let state = loop {
            if total >= share {
                break State::More;
            }
            match rustix::io::read(&fd, &mut *buffer) {
                Ok(0) => break State::Ended,
                Ok(count) => {
                    total += count;
                    self.guarded(|handler| handler.output(output, &buffer[..count]));
                    // A pipe gives all it has; a terminal gives a part of it.
                    if count < buffer.len() && !terminal {
                        break State::Drained;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => break State::Drained,
                // A terminal says EIO when nobody has its other end open.
                Err(_) => break State::Ended,
            }
        };
        if state == State::Ended {
            self.close(place);
        }
        (total, state)
    }

    fn close_all(&mut self) {
        for place in 0..2 {
            if self.sources[place].is_some() {
                self.close(place);
            }
        }
    }

    /// Closing the last descriptor also takes it out of the poll.
    fn close(&mut self, place: usize) {
        self.sources[place] = None;
        self.ready[place] = false;
        let all = self.sources.iter().all(Option::is_none);
        let output = if place == 0 { Output::Out } else { Output::Err };
        self.guarded(|handler| handler.output_ended(output, all));
    }
}
