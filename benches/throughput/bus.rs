//! The event bus beside a channel and a thread per handler, and the floor of the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use brummer::runtime::Priority;
use brummer::runtime::events::{BusConfig, Event, EventBus, Policy};
use brummer::runtime::panics::PanicReport;
use brummer::runtime::pool::{Pool, PoolConfig};
use brummer_benches::{Effort, Report, Row, million_per_second, percentile};

use crate::peers::{self, Crossbeam, Kanal, Message, Std};

impl Event for Message {
    type Kind = ();

    fn kind(&self) {}

    fn key(&self) -> u64 {
        self.key
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn from_panic(_: &PanicReport) -> Option<Message> {
        None
    }
}

fn bus() -> EventBus<Message> {
    let pool = Pool::new(PoolConfig::default()).expect("threads");
    EventBus::new(
        pool,
        BusConfig {
            bounds: [1024; 3],
            policy: Policy::Block,
            patience: Duration::from_secs(10),
            ..BusConfig::default()
        },
    )
}

fn burst(publishers: usize, handlers: usize, events: usize) -> f64 {
    let bus = bus();
    let seen = Arc::new(AtomicU64::new(0));
    for _ in 0..handlers {
        let seen = seen.clone();
        bus.subscribe((), "bench", move |message: &Message| {
            if message.value == u64::MAX {
                seen.fetch_add(1, Ordering::Relaxed);
            }
            std::hint::black_box(message.value);
        });
    }
    let start = Instant::now();
    std::thread::scope(|scope| {
        for publisher in 0..publishers {
            let bus = bus.clone();
            scope.spawn(move || {
                for value in 0..(events / publishers) as u64 {
                    let message = Message { key: publisher as u64, value, sent: peers::UNSET.with(|at| *at) };
                    bus.publish(message).expect("ten seconds are enough");
                }
            });
        }
    });
    bus.stop(Duration::from_secs(10)).expect("everything is handled");
    million_per_second(events, start.elapsed())
}

fn latencies(handlers: usize, events: usize, every: Duration) -> Vec<u64> {
    let bus = bus();
    let slots: Arc<Vec<AtomicU64>> = Arc::new((0..events * handlers).map(|_| AtomicU64::new(0)).collect());
    for handler in 0..handlers {
        let slots = slots.clone();
        bus.subscribe((), "bench", move |message: &Message| {
            let took = message.sent.elapsed().as_nanos() as u64;
            slots[message.value as usize * handlers + handler].store(took, Ordering::Relaxed);
        });
    }
    peers::paced(events, every, |value| {
        bus.publish(Message { key: value, value, sent: Instant::now() }).expect("there is room");
    });
    bus.stop(Duration::from_secs(10)).expect("everything is handled");
    let mut all: Vec<u64> = slots.iter().map(|slot| slot.load(Ordering::Relaxed)).collect();
    all.sort_unstable();
    all
}

/// Measures the bus.
pub fn run(report: &mut Report, effort: Effort) {
    report.section("event bus: ordered by key, bounded, prioritised, nothing dropped");
    for (publishers, handlers, events, target) in
        [(1, 1, 2_000_000, 10.0), (1, 10, 400_000, 2.7), (4, 1, 2_000_000, 6.7), (4, 10, 400_000, 2.4)]
    {
        let events = effort.size(events);
        let ours = effort.median(|| burst(publishers, handlers, events));
        report.row(
            &Row::higher(format!("{publishers} → {handlers}"), "M events/s", ours)
                .target(target)
                .floor(0.01)
                .peer("crossbeam", effort.median(|| peers::burst::<Crossbeam>(publishers, handlers, events)))
                .peer("kanal", effort.median(|| peers::burst::<Kanal>(publishers, handlers, events)))
                .peer("std", effort.median(|| peers::burst::<Std>(publishers, handlers, events))),
        );
    }
    latency(report, effort);
}

fn latency(report: &mut Report, effort: Effort) {
    let (events, every) = (effort.size(30_000), Duration::from_micros(100));
    let ours = latencies(10, events, every);
    let others = [
        ("crossbeam", peers::latencies::<Crossbeam>(10, events, every)),
        ("kanal", peers::latencies::<Kanal>(10, events, every)),
        ("rayon", peers::rayon_latencies(10, events, every)),
    ];
    for (percent, target) in [(50.0, None), (99.0, Some(60.0))] {
        let micros = |sorted: &[u64]| percentile(sorted, percent) as f64 / 1e3;
        let row = Row::lower(format!("publish → handler at 10,000/s, 10 handlers, p{percent}"), "µs", micros(&ours));
        let row = match target {
            Some(target) => row.target(target),
            None => row,
        };
        report.row(&others.iter().fold(row, |row, (name, sorted)| row.peer(name, micros(sorted))));
    }
}
