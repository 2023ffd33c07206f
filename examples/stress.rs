//! Runs every primitive, and the bus on the pool, flat out between threads, one section each, and checks what it must hold: `.ci/tsan` runs it under ThreadSanitizer.
//!
//! `cargo run --release --example stress -- 5 table` gives 5 seconds to each section whose name has `table` in it.
//! No test harness, mutex or channel of its own: what a sanitizer reports is the primitive's.

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::thread;
use std::time::{Duration, Instant};

use brummer::runtime::events::{BusConfig, Event, EventBus, Policy};
use brummer::runtime::panics::PanicReport;
use brummer::runtime::pool::{Pool, PoolConfig};
use brummer::sync::segment_log::{Limits, Line};
use brummer::sync::{
    CachedReader, CancelFlag, CowCell, EventCount, Full, Histogram, Overflow, Parker, Priority, PriorityQueue, Ring,
    SegmentLog, SeqLock, SeqTable, ShardedCounter,
};

/// Long enough on any machine; a section that waits so long has lost a wake-up.
const LOST: Duration = Duration::from_secs(60);

/// When a section ends.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn goes_on(self) -> bool {
        Instant::now() < self.0
    }
}

/// A name, and what to do until the clock says stop; it answers how often it did it.
type Section = (&'static str, fn(Clock) -> u64);

/// One row per primitive; the function stands below, in the same order.
const SECTIONS: &[Section] = &[
    ("seqlock", seqlock),
    ("table", table),
    ("cow", cow),
    ("event_count", event_count),
    ("parker", parker),
    ("cancel", cancel),
    ("counter", counter),
    ("histogram", histogram),
    ("ring", ring),
    ("priority_queue", priority_queue),
    ("segment_log", segment_log),
    ("bus", bus),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(1, |seconds| seconds.parse().expect("seconds per section, a whole number"));
    let wanted = arguments.next().unwrap_or_default();
    for (name, section) in SECTIONS.iter().filter(|(name, _)| name.contains(&wanted)) {
        let rounds = section(Clock(Instant::now() + Duration::from_secs(seconds)));
        assert!(rounds > 0, "{name} did nothing");
        println!("{name}: {rounds} rounds");
    }
}

/// Two writers, one of them in bursts, beside two readers: no copy is torn, no update is lost.
fn seqlock(clock: Clock) -> u64 {
    let lock = SeqLock::new([0; 4]);
    let add = |words: [u64; 4]| words.map(|word| word + 1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while clock.goes_on() {
                    let words = lock.read();
                    assert!(words.iter().all(|word| *word == words[0]), "torn: {words:?}");
                }
            });
        }
        let single = scope.spawn(|| count_while(clock, || lock.update(add)));
        let burst = scope.spawn(|| {
            8 * count_while(clock, || {
                let mut writer = lock.writer();
                (0..8).for_each(|_| writer.update(add));
            })
        });
        let written = single.join().expect("the writer ends") + burst.join().expect("the writer ends");
        assert_eq!(lock.read(), [written; 4]);
        written
    })
}

/// Two threads insert, change and remove beside one that walks all rows.
fn table(clock: Clock) -> u64 {
    let table = SeqTable::<3>::with_capacity(4);
    thread::scope(|scope| {
        scope.spawn(|| {
            while clock.goes_on() {
                for (key, [a, b, c]) in table.iter() {
                    assert!(a == b && b == c, "torn: {a} {b} {c}");
                    table.write(key, [a, b, c]);
                }
            }
        });
        let churn = |mine: u64| {
            let table = &table;
            move || {
                let mut round = mine;
                count_while(clock, || {
                    round += 4;
                    let key = table.insert([round; 3]).expect("two threads with one row each, four rows");
                    assert_eq!(table.read(key), Some([round; 3]));
                    assert!(table.remove(key) && table.read(key).is_none());
                })
            }
        };
        let churners = [scope.spawn(churn(1)), scope.spawn(churn(2))];
        churners.into_iter().map(|churner| churner.join().expect("it ends")).sum()
    })
}

/// Two writers replace a boxed pair beside readers with and without a cache.
fn cow(clock: Clock) -> u64 {
    let cell = Arc::new(CowCell::new(Box::new([0_u64, 0])));
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut reader, mut last) = (CachedReader::new(Arc::clone(&cell)), 0);
            while clock.goes_on() {
                let [a, b] = ***reader.get();
                assert!(a == b && a >= last, "{a} {b} after {last}");
                last = a;
            }
        });
        scope.spawn(|| {
            while clock.goes_on() {
                let pair = cell.load();
                assert_eq!(pair[0], pair[1]);
            }
        });
        let add = || count_while(clock, || cell.update(|pair| Box::new([pair[0] + 1, pair[1] + 1])));
        let writers = [scope.spawn(add), scope.spawn(add)];
        let written = writers.into_iter().map(|writer| writer.join().expect("it ends")).sum();
        assert_eq!(**cell.load(), [written; 2]);
        written
    })
}

/// One thread puts items, two take them and sleep when there are none: each item is taken, nobody sleeps for ever.
fn event_count(clock: Clock) -> u64 {
    /// Put when the clock has stopped: the takers go home.
    const CLOSED: u64 = 1 << 63;
    let (items, changed) = (AtomicU64::new(0), EventCount::new());
    let try_take = || items.fetch_update(Acquire, Relaxed, |items| (items & !CLOSED > 0).then(|| items - 1));
    let take = || loop {
        match try_take() {
            Ok(_) => return true,
            Err(items) if items & CLOSED != 0 => return false,
            Err(_) => {}
        }
        let ticket = changed.prepare_wait();
        match items.load(Relaxed) {
            0 => assert!(changed.commit_wait_until(ticket, Instant::now() + LOST), "a wake-up was lost"),
            _ => changed.cancel_wait(ticket),
        }
    };
    thread::scope(|scope| {
        let count = || (0..).take_while(|_| take()).count() as u64;
        let takers = [scope.spawn(count), scope.spawn(count)];
        let put = count_while(clock, || {
            items.fetch_add(1, Release);
            changed.notify_one();
        });
        items.fetch_or(CLOSED, Release);
        changed.notify_all();
        let taken: u64 = takers.into_iter().map(|taker| taker.join().expect("it ends")).sum();
        assert_eq!(taken, put);
        put
    })
}

/// Two threads wake each other in turn, a third throws tokens in between.
fn parker(clock: Clock) -> u64 {
    let (left, right) = (Parker::new(), Parker::new());
    let (wake_left, wake_right) = (left.unparker(), right.unparker());
    let stray = left.unparker();
    thread::scope(|scope| {
        scope.spawn(move || count_while(clock, || stray.unpark()));
        let echo = scope.spawn(move || {
            let mut rounds = 0;
            while clock.goes_on() {
                rounds += u64::from(right.park_until(Instant::now() + Duration::from_millis(1)));
                wake_left.unpark();
            }
            rounds
        });
        scope.spawn(move || {
            while clock.goes_on() {
                wake_right.unpark();
                left.park_until(Instant::now() + Duration::from_millis(1));
            }
        });
        echo.join().expect("it ends")
    })
}

/// Children and callbacks are made while their parent is cancelled: none slips through.
fn cancel(clock: Clock) -> u64 {
    count_while(clock, || {
        let root = CancelFlag::new();
        let ran = Arc::new(AtomicU64::new(0));
        thread::scope(|scope| {
            let makers = [(); 2].map(|()| {
                let (root, ran) = (root.clone(), Arc::clone(&ran));
                scope.spawn(move || {
                    (0..8)
                        .map(|_| {
                            let (child, ran) = (root.child().child(), Arc::clone(&ran));
                            let guard = child.on_cancel(move || _ = ran.fetch_add(1, Relaxed));
                            (child, guard)
                        })
                        .collect::<Vec<_>>()
                })
            });
            root.cancel();
            let made = makers.map(|maker| maker.join().expect("it ends"));
            assert!(made.iter().flatten().all(|(child, _)| child.is_cancelled()));
        });
        assert_eq!(ran.load(Relaxed), 16);
    })
}

/// Three threads on two shards: no addition is lost.
fn counter(clock: Clock) -> u64 {
    let counter = ShardedCounter::new(2);
    thread::scope(|scope| {
        let adders = [(); 3].map(|()| scope.spawn(|| count_while(clock, || counter.add(1))));
        let added: u64 = adders.map(|adder| adder.join().expect("it ends")).iter().sum();
        assert_eq!(counter.sum(), added);
        added
    })
}

/// Two threads record while one takes snapshots.
fn histogram(clock: Clock) -> u64 {
    let histogram = Histogram::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = 0;
            while clock.goes_on() {
                let count = histogram.snapshot().count();
                assert!(count >= last, "shrank from {last} to {count}");
                last = count;
            }
        });
        let recorders = [(); 2].map(|()| scope.spawn(|| count_while(clock, || histogram.record(1_000))));
        let recorded: u64 = recorders.map(|recorder| recorder.join().expect("it ends")).iter().sum();
        assert_eq!(histogram.snapshot().count(), recorded);
        recorded
    })
}

/// One thread overwrites and one pushes boxed values beside one that pops and one that takes batches: none is lost.
fn ring(clock: Clock) -> u64 {
    let ring = Ring::new(4);
    let gone = AtomicU64::new(0);
    let gone_are = |count: usize| _ = gone.fetch_add(count as u64, Relaxed);
    let put = thread::scope(|scope| {
        scope.spawn(|| count_while(clock, || gone_are(ring.pop().iter().count())));
        scope.spawn(|| {
            let mut batch = Vec::new();
            count_while(clock, || {
                gone_are(ring.pop_many(&mut batch, 3));
                batch.clear();
            })
        });
        let overwriter = scope.spawn(|| count_while(clock, || gone_are(ring.force_push(Box::new(1)).iter().count())));
        let refused = count_while(clock, || {
            gone_are(ring.push(Box::new(2)).err().iter().count());
        });
        overwriter.join().expect("it ends") + refused
    });
    assert_eq!(gone.into_inner() + ring.len() as u64, put);
    put
}

/// One thread a class with a policy each, beside one that takes: the bound holds, and nothing is lost unseen.
fn priority_queue(clock: Clock) -> u64 {
    let queue = PriorityQueue::new([2, 3, 4]);
    let gone = AtomicU64::new(0);
    let put = thread::scope(|scope| {
        scope.spawn(|| count_while(clock, || _ = gone.fetch_add(queue.pop().iter().count() as u64, Relaxed)));
        let policies = [Overflow::DropLowPriority, Overflow::DropOldest, Overflow::DropNewest];
        let pushers = [0, 1, 2].map(|class| {
            let (queue, gone) = (&queue, &gone);
            let push = move || {
                let evicted = match queue.push_with(Priority::ALL[class], Box::new(class), policies[class]) {
                    Ok(pushed) => pushed.evicted.iter().count(),
                    Err(Full(_)) => 1,
                };
                gone.fetch_add(evicted as u64, Relaxed);
                assert!(queue.len() <= queue.capacity());
            };
            scope.spawn(move || count_while(clock, push))
        });
        pushers.map(|pusher| pusher.join().expect("it ends")).iter().sum::<u64>()
    });
    assert_eq!(gone.into_inner() + queue.len() as u64, put);
    put
}

/// One thread appends and rolls, one evicts and clears, two read: every snapshot is a gap-free run of whole lines.
fn segment_log(clock: Clock) -> u64 {
    let limits = Limits { first_segment_bytes: 256, segment_bytes: 1024, ..Limits::default() };
    let mut log = SegmentLog::new(limits);
    let (reader, keeper) = (log.reader(), log.keeper());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while clock.goes_on() {
                    let promised = reader.last_seq();
                    let snapshot = reader.snapshot();
                    assert!(promised.is_none_or(|seq| seq < snapshot.range().end), "announced before it was there");
                    let read = snapshot.lines().zip(snapshot.range());
                    let whole = read.filter(|(line, index)| line.seq == *index && line.text == index.to_ne_bytes());
                    assert_eq!(whole.count(), snapshot.len());
                }
            });
        }
        scope.spawn(|| {
            count_while(clock, || _ = keeper.evict_oldest_keeping(50));
            keeper.clear()
        });
        let mut seq = 0;
        count_while(clock, || {
            let line = Line { seq, ..Line::default() };
            log.append(&[&seq.to_ne_bytes()], line).expect("short and in order");
            seq += 1;
            if seq % 8 == 0 {
                log.publish();
            }
        })
    })
}

/// Two threads publish into two small lanes beside one that subscribes and leaves: each event is handled once, one at a time of a key.
fn bus(clock: Clock) -> u64 {
    struct Number(u64);
    impl Event for Number {
        type Kind = ();
        fn kind(&self) {}
        fn key(&self) -> u64 {
            self.0 % 2
        }
        fn from_panic(report: &PanicReport) -> Option<Number> {
            panic!("{report}")
        }
    }
    let pool = Pool::new(PoolConfig { workers: Some(2), ..PoolConfig::default() }).expect("two workers");
    let config = BusConfig { lanes: 2, bounds: [4; 3], policy: Policy::Block, patience: LOST, ..BusConfig::default() };
    let bus = EventBus::new(pool.clone(), config);
    let handled = Arc::new([(); 2].map(|()| SeqLock::new([0])));
    let words = Arc::clone(&handled);
    bus.subscribe((), "count", move |number: &Number| {
        // Two at a time would lose one.
        let word = &words[number.key() as usize];
        let [before] = word.read();
        word.write([before + 1]);
    });
    let published = thread::scope(|scope| {
        scope.spawn(|| {
            count_while(clock, || {
                let id = bus.subscribe((), "brief", |_: &Number| ());
                bus.unsubscribe(id).expect("it was subscribed");
            })
        });
        let publish = |key: u64| count_while(clock, || bus.publish(Number(key)).expect("there is room in time"));
        let publishers = [0, 1].map(|key| scope.spawn(move || publish(key)));
        publishers.map(|publisher| publisher.join().expect("it ends")).iter().sum::<u64>()
    });
    bus.stop(LOST).expect("everything is handled");
    assert_eq!(handled.iter().map(|word| word.read()[0]).sum::<u64>(), published);
    pool.shutdown(LOST).expect("the workers end");
    published
}

/// Repeats `round` until the clock stops, looking at it on every 16th.
fn count_while(clock: Clock, mut round: impl FnMut()) -> u64 {
    let mut rounds = 0;
    while clock.goes_on() {
        (0..16).for_each(|_| round());
        rounds += 16;
    }
    rounds
}
