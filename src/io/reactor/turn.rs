//! The reactor's loop: wait, take orders and signals, read fair shares, reap, run timers, pause if it pays.

use super::pace::Pace;
use super::slot::Slot;
use super::{Control, Handler, Number, Order, Reading, Shared};
use crate::io::child::Outcome;
use crate::io::signals::{Signal, Signals};
use crate::io::tree::Snapshot;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Numbers start at 1, so the two tokens of number 0 are free.
pub(super) const WAKER: Token = Token(0);
const SIGNALS: Token = Token(1);

/// Tokens from here on are watched descriptors.
const WATCHED: usize = 1 << (usize::BITS - 1);

/// One read: as much as fits into the second-level cache with room to spare.
const BUFFER_BYTES: usize = 128 * 1024;

type Watch = (OwnedFd, Box<dyn FnOnce() + Send>);

pub(super) struct Turns<H: Handler> {
    poll: Poll,
    shared: Arc<Shared<H>>,
    signals: Signals,
    slots: HashMap<Number, Slot<H>>,
    /// Those with something to read, in the order in which they are served.
    queue: Vec<Number>,
    /// Those whose handler had no room; asked again in the next turn, which may be far away.
    held: Vec<Number>,
    buffer: Box<[u8]>,
    pace: Pace,
    share_bytes: usize,
    snapshot: Option<Arc<Snapshot>>,
    watches: HashMap<usize, Watch>,
    watches_made: usize,
    reap_orphans: bool,
    /// Launches whose outcome has arrived here.
    launches_seen: u64,
    /// Whether somebody may have ended.
    reap: bool,
    stop: bool,
}

impl<H: Handler> Turns<H> {
    pub(super) fn new(
        poll: Poll,
        signals: Signals,
        shared: Arc<Shared<H>>,
        reap_orphans: bool,
        reading: Reading,
    ) -> io::Result<Turns<H>> {
        poll.registry().register(&mut SourceFd(&signals.fd()), SIGNALS, Interest::READABLE)?;
        Ok(Turns {
            poll,
            shared,
            signals,
            slots: HashMap::new(),
            queue: Vec::new(),
            held: Vec::new(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            pace: Pace::new(reading.longest_pause),
            share_bytes: reading.share_bytes.max(1),
            snapshot: None,
            watches: HashMap::new(),
            watches_made: 0,
            reap_orphans,
            launches_seen: 0,
            reap: false,
            stop: false,
        })
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        while !self.stop {
            let asked = Instant::now();
            if let Err(error) = self.poll.poll(&mut events, self.timeout(asked))
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Only a closed or foreign descriptor makes epoll fail: the loop cannot go on.
                return;
            }
            let waited = asked.elapsed();
            self.snapshot = None;
            self.sort(&events);
            self.take_orders();
            let fullest = self.read_shares();
            if std::mem::take(&mut self.reap) {
                self.reap();
            }
            self.run_timers();
            if let Some(fullest) = fullest {
                self.pause(waited, fullest);
            }
        }
    }

    /// None: nothing is due, so the thread sleeps until something happens.
    fn timeout(&self, now: Instant) -> Option<Duration> {
        if !self.queue.is_empty() {
            return Some(Duration::ZERO);
        }
        let next = self.slots.values().filter_map(|slot| slot.timer).min()?;
        Some(next.saturating_duration_since(now))
    }

    fn pause(&mut self, waited: Duration, fullest: usize) {
        let pause = self.pace.after_turn(waited, fullest);
        if !pause.is_zero() && self.queue.is_empty() && !self.stop {
            std::thread::sleep(pause);
        }
    }

    fn sort(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                WAKER => {}
                SIGNALS => self.take_signals(),
                Token(token) if token >= WATCHED => {
                    if let Some((fd, react)) = self.watches.remove(&token) {
                        drop(fd);
                        react();
                    }
                }
                Token(token) => {
                    let number = Number((token >> 1) as u64);
                    if let Some(slot) = self.slots.get_mut(&number) {
                        slot.ready[token & 1] = true;
                        if !std::mem::replace(&mut slot.queued, true) {
                            self.queue.push(number);
                        }
                    }
                }
            }
        }
    }

    fn take_signals(&mut self) {
        for number in self.signals.take() {
            self.reap |= number == libc::SIGCHLD;
            let Some(signal) = Signal::from_number(number) else { continue };
            for (wanted, react) in self.shared.on_signals().iter_mut() {
                if wanted.contains(&signal) {
                    react(signal);
                }
            }
        }
    }

    fn take_orders(&mut self) {
        while let Some(order) = self.shared.orders.pop() {
            match order {
                Order::Add(number, child, handler) => {
                    self.launches_seen += 1;
                    self.add(Slot::new(number, child, handler));
                }
                Order::NotStarted => self.launches_seen += 1,
                Order::Tell(number, message) => self.with(number, |handler, control| handler.told(message, control)),
                Order::Watch(fd, react) => self.watch(fd, react),
                Order::Stop => self.stop = true,
            }
        }
    }

    fn add(&mut self, mut slot: Slot<H>) {
        let number = slot.number;
        for (place, fd) in slot.descriptors().collect::<Vec<_>>() {
            let token = Token((number.0 as usize) << 1 | place);
            if self.poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE).is_err() {
                // Without a poll it is read when the child ends, which keeps everything up to a pipe's capacity.
                slot.ready[place] = true;
            }
        }
        // It may have ended before it was known here; then its SIGCHLD is past.
        self.reap = true;
        self.slots.insert(number, slot);
    }

    fn watch(&mut self, fd: OwnedFd, react: Box<dyn FnOnce() + Send>) {
        let token = WATCHED + self.watches_made;
        self.watches_made += 1;
        let registered =
            self.poll.registry().register(&mut SourceFd(&fd.as_raw_fd()), Token(token), Interest::READABLE);
        if registered.is_ok() {
            self.watches.insert(token, (fd, react));
        }
    }

    /// Reads from everybody who has something, once. The most that one output gave, if any gave something.
    fn read_shares(&mut self) -> Option<usize> {
        let mut queue = std::mem::take(&mut self.queue);
        queue.append(&mut self.held);
        let mut fullest = None;
        for number in queue {
            let Some(slot) = self.slots.get_mut(&number) else { continue };
            if !slot.handler.has_room() {
                self.held.push(number);
                continue;
            }
            let reading = slot.read(self.share_bytes, &mut self.buffer);
            slot.queued = reading.more;
            if reading.more {
                self.queue.push(number);
            }
            fullest = Some(reading.most_bytes.max(fullest.unwrap_or(0)));
        }
        fullest
    }

    fn with(&mut self, number: Number, call: impl FnOnce(&mut H, &mut Control<'_>)) {
        let Some(slot) = self.slots.get_mut(&number) else { return };
        if !slot.control(&mut self.snapshot, &mut self.buffer, call) {
            self.slots.remove(&number);
        }
    }

    fn run_timers(&mut self) {
        if self.slots.values().all(|slot| slot.timer.is_none()) {
            return;
        }
        let now = Instant::now();
        let due = self.slots.values_mut().filter(|slot| slot.timer.is_some_and(|time| time <= now));
        let due: Vec<Number> = due.map(|slot| (slot.timer = None, slot.number).1).collect();
        for number in due {
            self.with(number, |handler, control| handler.timer(control));
        }
    }

    fn reap(&mut self) {
        let alive: Vec<(Number, i32)> =
            self.slots.values().filter(|slot| slot.alive).map(|slot| (slot.number, slot.root.pid)).collect();
        for (number, pid) in alive {
            if let Some(outcome) = reaped(pid) {
                self.ended(number, outcome);
            }
        }
        if self.reap_orphans {
            self.reap_orphans();
        }
    }

    fn ended(&mut self, number: Number, outcome: Outcome) {
        let Some(slot) = self.slots.get_mut(&number) else { return };
        slot.read_last(&mut self.buffer);
        slot.alive = false;
        if slot.ready != [false; 2] && !std::mem::replace(&mut slot.queued, true) {
            self.queue.push(number);
        }
        self.with(number, |handler, control| handler.exited(outcome, control));
    }

    /// Reaps what this process has adopted. Children of its own session are somebody else's (`std::process`): they are
    /// left alone, as is everybody while a launch is under way, because its child may have ended already.
    fn reap_orphans(&mut self) {
        // SAFETY: getsid takes an integer; 0 is the caller.
        let own = unsafe { libc::getsid(0) };
        while let Some(pid) = first_ended_child() {
            let launching = self.shared.launches.load(Ordering::SeqCst) != self.launches_seen;
            if launching || self.slots.values().any(|slot| slot.alive && slot.root.pid == pid) {
                // The order that ends the launch leads here again; a known child is reaped on its own SIGCHLD.
                return;
            }
            // SAFETY: getsid takes an integer; a child that was not reaped keeps its number.
            if unsafe { libc::getsid(pid) } != own {
                reaped(pid);
                continue;
            }
            for pid in Snapshot::take().adopted_zombies() {
                reaped(pid);
            }
            return;
        }
    }
}

/// Reaps one child if it has ended.
fn reaped(pid: i32) -> Option<Outcome> {
    let mut status = 0;
    // SAFETY: `status` is a valid place for the result; the pid is positive, so one child is meant.
    let result = unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) };
    if result == pid {
        return Some(Outcome::from_wait_status(status));
    }
    // Somebody else has reaped it: how it ended is lost, but not that it did.
    let lost = result < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ECHILD);
    lost.then_some(Outcome::Code(-1))
}

/// A child that has ended and is not reaped, whoever's it is.
fn first_ended_child() -> Option<i32> {
    // SAFETY: siginfo_t is made of integers, for which all zeroes is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is a valid place for the result.
    if unsafe { libc::waitid(libc::P_ALL, 0, &mut info, options) } != 0 {
        return None;
    }
    // SAFETY: waitid has filled in the fields of SIGCHLD, or left all of them zero.
    let pid = unsafe { info.si_pid() };
    (pid != 0).then_some(pid)
}
