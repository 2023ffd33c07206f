//! The peers of the event bus: one bounded channel and one thread per handler, as most programs do it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use brummer_benches::{million_per_second, time};

/// What is sent: as large as the bus's own event.
#[derive(Clone, Copy)]
pub struct Message {
    pub key: u64,
    pub value: u64,
    pub sent: Instant,
}

/// A kind of bounded channel.
pub trait Channel {
    type Sender: Clone + Send + 'static;
    type Receiver: Send + 'static;
    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, message: Message);
    fn receive(receiver: &Self::Receiver) -> Option<Message>;
}

pub struct Kanal;
impl Channel for Kanal {
    type Sender = kanal::Sender<Message>;
    type Receiver = kanal::Receiver<Message>;
    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        kanal::bounded(capacity)
    }
    fn send(sender: &Self::Sender, message: Message) {
        sender.send(message).expect("the handler is there");
    }
    fn receive(receiver: &Self::Receiver) -> Option<Message> {
        receiver.recv().ok()
    }
}

pub struct Crossbeam;
impl Channel for Crossbeam {
    type Sender = crossbeam::channel::Sender<Message>;
    type Receiver = crossbeam::channel::Receiver<Message>;
    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        crossbeam::channel::bounded(capacity)
    }
    fn send(sender: &Self::Sender, message: Message) {
        sender.send(message).expect("the handler is there");
    }
    fn receive(receiver: &Self::Receiver) -> Option<Message> {
        receiver.recv().ok()
    }
}

pub struct Std;
impl Channel for Std {
    type Sender = std::sync::mpsc::SyncSender<Message>;
    type Receiver = std::sync::mpsc::Receiver<Message>;
    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        std::sync::mpsc::sync_channel(capacity)
    }
    fn send(sender: &Self::Sender, message: Message) {
        sender.send(message).expect("the handler is there");
    }
    fn receive(receiver: &Self::Receiver) -> Option<Message> {
        receiver.recv().ok()
    }
}

fn handlers<C: Channel>(
    count: usize,
    handle: impl Fn(Message) + Clone + Send + 'static,
) -> (Vec<C::Sender>, Vec<std::thread::JoinHandle<()>>) {
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for _ in 0..count {
        let (sender, receiver) = C::bounded(1024);
        let handle = handle.clone();
        senders.push(sender);
        threads.push(std::thread::spawn(move || {
            while let Some(message) = C::receive(&receiver) {
                handle(message);
            }
        }));
    }
    (senders, threads)
}

/// Million events a second, until the last handler has seen the last of them.
pub fn burst<C: Channel>(publishers: usize, handler_count: usize, events: usize) -> f64 {
    let sum = Arc::new(AtomicU64::new(0));
    let shared = sum.clone();
    let (senders, threads) = handlers::<C>(handler_count, move |message| {
        if message.value == u64::MAX {
            shared.fetch_add(1, Ordering::Relaxed);
        }
        std::hint::black_box(message.value);
    });
    let took = time(|| {
        std::thread::scope(|scope| {
            for publisher in 0..publishers {
                let senders = senders.clone();
                scope.spawn(move || {
                    for value in 0..(events / publishers) as u64 {
                        let message = Message { key: publisher as u64, value, sent: UNSET.with(|at| *at) };
                        senders.iter().for_each(|sender| C::send(sender, message));
                    }
                });
            }
        });
        drop(senders);
        threads.into_iter().for_each(|thread| thread.join().expect("no handler panics"));
    });
    million_per_second(events, took)
}

thread_local! {
    /// In a burst nobody looks at the time, so it is read once.
    pub static UNSET: Instant = Instant::now();
}

/// The instants at which a paced publisher is to publish.
pub fn paced(events: usize, every: Duration, mut publish: impl FnMut(u64)) {
    let start = Instant::now();
    for number in 0..events as u64 {
        let due = start + every * number as u32;
        while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::sleep(left);
        }
        publish(number);
    }
}

/// Nanoseconds from publish to handler, of every delivery, sorted.
pub fn latencies<C: Channel>(handler_count: usize, events: usize, every: Duration) -> Vec<u64> {
    let all = Arc::new(std::sync::Mutex::new(Vec::with_capacity(events * handler_count)));
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for _ in 0..handler_count {
        let (sender, receiver) = C::bounded(1024);
        let all = all.clone();
        senders.push(sender);
        threads.push(std::thread::spawn(move || {
            let mut own = Vec::with_capacity(events);
            while let Some(message) = C::receive(&receiver) {
                own.push(message.sent.elapsed().as_nanos() as u64);
            }
            all.lock().expect("not poisoned").extend(own);
        }));
    }
    paced(events, every, |value| {
        let message = Message { key: value, value, sent: Instant::now() };
        senders.iter().for_each(|sender| C::send(sender, message));
    });
    drop(senders);
    threads.into_iter().for_each(|thread| thread.join().expect("no handler panics"));
    let mut all = std::mem::take(&mut *all.lock().expect("not poisoned"));
    all.sort_unstable();
    all
}

/// The same with a task of rayon for each handler.
pub fn rayon_latencies(handler_count: usize, events: usize, every: Duration) -> Vec<u64> {
    let slots: Arc<Vec<AtomicU64>> = Arc::new((0..events * handler_count).map(|_| AtomicU64::new(0)).collect());
    rayon::scope(|_| {});
    paced(events, every, |value| {
        let sent = Instant::now();
        for handler in 0..handler_count {
            let slots = slots.clone();
            rayon::spawn(move || {
                slots[value as usize * handler_count + handler]
                    .store(sent.elapsed().as_nanos() as u64, Ordering::Relaxed);
            });
        }
    });
    std::thread::sleep(Duration::from_millis(100));
    let mut all: Vec<u64> = slots.iter().map(|slot| slot.load(Ordering::Relaxed)).collect();
    all.sort_unstable();
    all
}
