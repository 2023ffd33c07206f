//! One process on the reactor's thread: its bytes become lines, its end is told, and what the supervisor decides is done.

use crate::error::{Code, Error, Result};
use crate::event::{Exit, Status, Stream};
use crate::io::child::{Outcome, Output};
use crate::io::reactor::{Control, Handler};
use crate::io::tree::{self, Member, Root};
use crate::process::callbacks::{Callbacks, Line};
use crate::process::output::{Cut, LineCutter, OutputSink};
use crate::process::supervisor::{Effect, Supervisor};
use crate::process::table::{Process, Record};
use crate::process::tap::{Tap, Trail};
use crossbeam::channel::Sender;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// Hears of every change of a process.
pub trait Notices: Send + Sync {
    /// It was accepted, runs, has been asked to stop, or has ended. Called on the thread that caused it; must not block.
    fn changed(&self, process: &Process);
}

/// Who waits for the end of a stop.
pub(crate) type Waiter = Sender<Result<()>>;

/// What the manager says to a process.
pub(crate) enum Message {
    /// Stop it, and tell.
    Stop(Option<Waiter>),
    /// Kill it, and tell.
    Kill(Option<Waiter>),
    /// Nobody lists it any more.
    Forget,
    /// Hand on what it writes to its terminal, beginning with the newest that it wrote, to the taps that were left.
    Attach,
    /// No longer.
    Detach(Arc<Tap>),
}

pub(crate) struct Actor {
    record: Arc<Record>,
    root: Root,
    /// None once nobody can write any more.
    outputs: Option<Outputs>,
    supervisor: Supervisor,
    notices: Arc<dyn Notices>,
    waiters: Vec<Waiter>,
    forgotten: bool,
}

struct Outputs {
    sink: Box<dyn OutputSink>,
    cutters: [LineCutter; 2],
    callbacks: Arc<Callbacks>,
    /// Whether the sink was given something that it has not published.
    unpublished: bool,
    /// What its terminal was given last; none for one without a terminal.
    trail: Option<Trail>,
    taps: Vec<Arc<Tap>>,
}

impl Actor {
    pub(crate) fn new(
        record: Arc<Record>,
        root: Root,
        sink: Box<dyn OutputSink>,
        callbacks: Arc<Callbacks>,
        notices: Arc<dyn Notices>,
    ) -> Actor {
        let cutters = [LineCutter::new(Stream::Out), LineCutter::new(Stream::Err)];
        let trail = record.terminal.then(Trail::default);
        let outputs = Some(Outputs { sink, cutters, callbacks, unpublished: false, trail, taps: Vec::new() });
        let supervisor = Supervisor::new(record.spec.grace);
        Actor { record, root, outputs, supervisor, notices, waiters: Vec::new(), forgotten: false }
    }

    fn members(&self, control: &mut Control<'_>) -> Vec<Member> {
        control.snapshot().members(&self.root)
    }

    fn carry_out(&mut self, effects: Vec<Effect>, control: &mut Control<'_>) {
        for effect in effects {
            match effect {
                Effect::Ask => tree::ask_tree(&self.root, &self.members(control), control.is_alive()),
                Effect::Kill => tree::kill_tree(&self.root, &self.members(control), control.is_alive()),
                Effect::LookAt(time) => control.wake_at(time),
                Effect::Report(status, exit) => self.report(status, exit),
                Effect::Settled => self.settle(Ok(()), control),
                Effect::GiveUp => {
                    let error = self.who_lives(&self.members(control));
                    self.settle(Err(error), control);
                }
            }
        }
    }

    fn attach(&mut self) {
        for tap in self.record.take_taps() {
            match &mut self.outputs {
                Some(Outputs { trail: Some(trail), taps, .. }) => {
                    tap.begin(trail);
                    taps.push(tap);
                }
                _ => tap.end(),
            }
        }
    }

    fn report(&mut self, status: Status, exit: Exit) {
        let record = &self.record;
        if let Some(outputs) = &mut self.outputs {
            // A panic of the sink must not hide the end.
            let _ = catch_unwind(AssertUnwindSafe(|| outputs.finish(record)));
        }
        record.set_ended(status, exit);
        self.notify();
    }

    fn notify(&self) {
        if let Some(process) = self.record.process() {
            self.notices.changed(&process);
        }
    }

    fn settle(&mut self, result: Result<()>, control: &mut Control<'_>) {
        self.record.set_stopping(false);
        for waiter in self.waiters.drain(..) {
            // Who has stopped waiting is not told.
            let _ = waiter.try_send(result.clone());
        }
        if result.is_ok() {
            control.close();
            if self.forgotten {
                control.forget();
            }
        }
    }

    fn who_lives(&self, members: &[Member]) -> Error {
        let living: Vec<String> = members.iter().map(Member::describe).collect();
        let who = if living.is_empty() { format!("{} (not reaped)", self.root.pid) } else { living.join(", ") };
        let message = format!("stop `{}`: still alive after SIGKILL: {who}", self.record.name);
        Error::new("process", Code::Timeout, message).with("process", self.record.id.0.to_string())
    }
}

impl Outputs {
    fn finish(&mut self, record: &Record) {
        let Outputs { sink, cutters, callbacks, .. } = self;
        let mut deliver = deliverer(record, sink.as_mut(), callbacks);
        cutters.iter_mut().for_each(|cutter| cutter.finish(&mut deliver));
        drop(deliver);
        self.sink.publish();
        self.unpublished = false;
    }
}

/// What is done with each line: the sink first, then whoever listens.
fn deliverer<'a>(
    record: &'a Record,
    sink: &'a mut dyn OutputSink,
    callbacks: &'a Callbacks,
) -> impl FnMut(Stream, Cut<'_>) + 'a {
    let listened = !callbacks.is_empty();
    move |stream, cut| match cut {
        Cut::Lines(text) if !listened => sink.lines(stream, text),
        cut => cut.each(|text, ending| {
            sink.line(stream, text, ending);
            if listened {
                callbacks.call(&Line { process: record.id, name: &record.name, stream, text, ending });
            }
        }),
    }
}

impl Handler for Actor {
    type Message = Message;

    fn has_room(&self) -> bool {
        self.outputs.as_ref().is_none_or(|outputs| outputs.sink.has_room())
    }

    fn output(&mut self, output: Output, bytes: &[u8]) {
        self.attach();
        let Some(outputs) = &mut self.outputs else { return };
        let mut deliver = deliverer(&self.record, outputs.sink.as_mut(), &outputs.callbacks);
        outputs.cutters[output as usize].feed(bytes, &mut deliver);
        drop(deliver);
        outputs.unpublished = true;
        if let Some(trail) = &mut outputs.trail {
            trail.push(bytes);
            outputs.taps.iter().for_each(|tap| tap.push(bytes));
            if trail.modes().alternate != self.record.is_full_screen() {
                self.record.set_full_screen(trail.modes().alternate);
                self.notify();
            }
        }
    }

    fn turn_ended(&mut self, drained: bool) {
        let Some(outputs) = &mut self.outputs else { return };
        if drained {
            for (cutter, stream) in outputs.cutters.iter_mut().zip([Stream::Out, Stream::Err]) {
                if let Some(text) = cutter.unseen() {
                    outputs.sink.partial(stream, text);
                }
            }
        }
        if std::mem::take(&mut outputs.unpublished) {
            outputs.sink.publish();
        }
    }

    fn output_ended(&mut self, output: Output, all: bool) {
        self.attach();
        let Some(outputs) = &mut self.outputs else { return };
        let mut deliver = deliverer(&self.record, outputs.sink.as_mut(), &outputs.callbacks);
        outputs.cutters[output as usize].finish(&mut deliver);
        drop(deliver);
        outputs.sink.publish();
        if all {
            outputs.taps.iter().for_each(|tap| tap.end());
            self.outputs = None;
            self.record.set_full_screen(false);
            *self.record.terminals() = None;
            *self.record.input() = None;
        }
    }

    fn exited(&mut self, outcome: Outcome, control: &mut Control<'_>) {
        let exit = match outcome {
            Outcome::Code(code) => Exit::Code(code),
            Outcome::Signal(signal) => Exit::Signal(signal),
        };
        let effects = self.supervisor.exited(exit, Instant::now());
        self.carry_out(effects, control);
    }

    fn told(&mut self, message: Message, control: &mut Control<'_>) {
        let now = Instant::now();
        let effects = match message {
            Message::Stop(waiter) => {
                self.waiters.extend(waiter);
                self.supervisor.stop(now)
            }
            Message::Kill(waiter) => {
                self.waiters.extend(waiter);
                self.supervisor.kill(now)
            }
            Message::Attach => return self.attach(),
            Message::Detach(tap) => {
                self.attach();
                let taps = self.outputs.as_mut().map(|outputs| &mut outputs.taps);
                taps.into_iter().for_each(|taps| taps.retain(|other| !Arc::ptr_eq(other, &tap)));
                return;
            }
            Message::Forget => {
                self.forgotten = true;
                // What a forgotten process has left behind is not left running unseen.
                self.supervisor.kill(now)
            }
        };
        if !effects.is_empty() && !self.record.is_ended() {
            self.record.set_stopping(true);
            self.notify();
        }
        self.carry_out(effects, control);
    }

    fn timer(&mut self, control: &mut Control<'_>) {
        let living = self.members(control).len();
        let effects = self.supervisor.looked(living, Instant::now());
        self.carry_out(effects, control);
    }
}
