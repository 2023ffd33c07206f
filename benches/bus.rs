//! How fast is the event bus: bursts from 1 and 4 publishers to 1 and 10 handlers, and the latency at a paced 10,000 events/s.
//! Beside one bounded channel and one thread per handler, of crossbeam, kanal and std.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use brummer::runtime::events::{BusConfig, Event, EventBus, Policy};
use brummer::runtime::panics::PanicReport;
use brummer::runtime::pool::{Pool, PoolConfig};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const EVENTS: u64 = 400_000;
const BOUND: usize = 1024;

/// An event of the size of ours.
#[derive(Clone)]
struct Note {
    key: u64,
    sent: Instant,
    _rest: [u64; 3],
}

impl Note {
    fn new(key: u64, sent: Instant) -> Note {
        Note { key, sent, _rest: [key; 3] }
    }
}

impl Event for Note {
    type Kind = ();
    fn kind(&self) {}
    fn key(&self) -> u64 {
        self.key
    }
    fn from_panic(_: &PanicReport) -> Option<Note> {
        None
    }
}

/// What a handler does: count.
type Handler = Arc<dyn Fn(&Note) + Send + Sync>;

trait Carries: Sync {
    fn publish(&self, note: Note);
}

struct Brummer(EventBus<Note>);

impl Brummer {
    fn new(handlers: &[Handler]) -> Brummer {
        let pool = Pool::new(PoolConfig::default()).expect("threads can be started");
        let config = BusConfig { policy: Policy::Block, patience: Duration::from_secs(60), ..BusConfig::default() };
        let bus = EventBus::new(pool, config);
        for handler in handlers {
            let handler = Arc::clone(handler);
            bus.subscribe((), "bench", move |note: &Note| handler(note));
        }
        Brummer(bus)
    }
}

impl Carries for Brummer {
    fn publish(&self, note: Note) {
        self.0.publish(note).expect("there is room within a minute");
    }
}

/// One bounded channel and one thread per handler.
struct Channels<S>(Vec<S>);

macro_rules! channels {
    ($make:ident, $sender:ty, $channel:path) => {
        impl Carries for Channels<$sender> {
            fn publish(&self, note: Note) {
                for sender in &self.0 {
                    sender.send(note.clone()).expect("the threads live as long as the senders");
                }
            }
        }

        fn $make(handlers: &[Handler]) -> Channels<$sender> {
            let start = |handler: &Handler| {
                let (handler, (sender, receiver)) = (Arc::clone(handler), $channel(BOUND));
                std::thread::spawn(move || {
                    while let Ok(note) = receiver.recv() {
                        handler(&note)
                    }
                });
                sender
            };
            Channels(handlers.iter().map(start).collect())
        }
    };
}

channels!(crossbeam, crossbeam::channel::Sender<Note>, crossbeam::channel::bounded);
channels!(kanal, kanal::Sender<Note>, kanal::bounded);
channels!(std_channels, std::sync::mpsc::SyncSender<Note>, std::sync::mpsc::sync_channel);

/// The counters of the handlers, each on a cache line of its own.
fn counters(handlers: usize) -> (Arc<Vec<crossbeam::utils::CachePadded<AtomicU64>>>, Vec<Handler>) {
    let counts: Arc<Vec<_>> = Arc::new((0..handlers).map(|_| Default::default()).collect());
    let count = |index: usize| -> Handler {
        let counts: Arc<Vec<crossbeam::utils::CachePadded<AtomicU64>>> = Arc::clone(&counts);
        Arc::new(move |_: &Note| {
            counts[index].fetch_add(1, Ordering::Relaxed);
        })
    };
    let handlers = (0..handlers).map(count).collect();
    (counts, handlers)
}

fn burst(carrier: &impl Carries, publishers: u64, counts: &[crossbeam::utils::CachePadded<AtomicU64>]) -> Duration {
    let before = counts[0].load(Ordering::Relaxed);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for publisher in 0..publishers {
            scope.spawn(move || (0..EVENTS / publishers).for_each(|_| carrier.publish(Note::new(publisher, began))));
        }
    });
    while counts.iter().any(|count| count.load(Ordering::Relaxed) < before + EVENTS) {
        std::thread::yield_now();
    }
    began.elapsed()
}

fn bursts<C: Carries>(criterion: &mut Criterion, name: &str, make: impl Fn(&[Handler]) -> C) {
    for (publishers, handlers) in [(1, 1), (4, 1), (1, 10), (4, 10)] {
        let (counts, list) = counters(handlers);
        let carrier = make(&list);
        let mut group = criterion.benchmark_group(format!("bus, burst, {publishers} to {handlers}"));
        group.sample_size(10).throughput(Throughput::Elements(EVENTS));
        group.bench_function(name, |b| {
            b.iter_custom(|count| (0..count).map(|_| burst(&carrier, publishers, &counts)).sum());
        });
    }
}

/// Publishes every 100 µs and tells the 99th percentile of the time until the last of ten handlers was called.
fn paced<C: Carries>(criterion: &mut Criterion, name: &str, make: impl Fn(&[Handler]) -> C) {
    let latest = Arc::new(AtomicU64::new(0));
    let note_it = || -> Handler {
        let latest = Arc::clone(&latest);
        Arc::new(move |note: &Note| {
            latest.fetch_max(note.sent.elapsed().as_nanos() as u64, Ordering::Relaxed);
        })
    };
    let list: Vec<_> = (0..10).map(|_| note_it()).collect();
    let carrier = make(&list);
    let mut group = criterion.benchmark_group("bus, 99th percentile at 10,000 events/s, 10 handlers");
    group.sample_size(10);
    group.bench_function(name, |b| {
        b.iter_custom(|count| {
            let mut times: Vec<u64> = (0..1_000).map(|_| one_paced(&carrier, &latest)).collect();
            times.sort_unstable();
            Duration::from_nanos(times[990]) * count as u32
        });
    });
}

fn one_paced(carrier: &impl Carries, latest: &AtomicU64) -> u64 {
    latest.store(0, Ordering::Relaxed);
    let sent = Instant::now();
    carrier.publish(Note::new(0, sent));
    let next = sent + Duration::from_micros(100);
    while Instant::now() < next {
        std::hint::spin_loop();
    }
    latest.load(Ordering::Relaxed)
}

fn buses(criterion: &mut Criterion) {
    bursts(criterion, "brummer", Brummer::new);
    bursts(criterion, "crossbeam bounded", crossbeam);
    bursts(criterion, "kanal bounded", kanal);
    bursts(criterion, "std sync_channel", std_channels);
    paced(criterion, "brummer", Brummer::new);
    paced(criterion, "crossbeam bounded", crossbeam);
    paced(criterion, "kanal bounded", kanal);
    paced(criterion, "std sync_channel", std_channels);
}

criterion_group!(benches, buses);
criterion_main!(benches);
