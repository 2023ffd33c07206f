//! The bus's promises, one by one.

use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::mpsc::{self, Receiver, Sender};

use super::*;
use crate::runtime::Context;
use crate::runtime::pool::PoolConfig;

const LONG: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    News,
    Other,
    Fault,
}

#[derive(Clone, PartialEq, Debug)]
struct Note {
    kind: Kind,
    key: u64,
    number: u64,
    priority: Priority,
    fault: Option<Arc<str>>,
}

impl Event for Note {
    type Kind = Kind;
    fn kind(&self) -> Kind {
        self.kind
    }
    fn key(&self) -> u64 {
        self.key
    }
    fn priority(&self) -> Priority {
        self.priority
    }
    fn from_panic(report: &PanicReport) -> Option<Note> {
        Some(Note { kind: Kind::Fault, fault: Some(report.to_string().into()), ..news(0, 0) })
    }
}

fn news(key: u64, number: u64) -> Note {
    Note { kind: Kind::News, key, number, priority: Priority::Normal, fault: None }
}

fn urgent(priority: Priority, number: u64) -> Note {
    Note { priority, ..news(0, number) }
}

fn pool(workers: usize) -> Pool {
    Pool::new(PoolConfig { workers: Some(workers), ..PoolConfig::default() }).unwrap()
}

/// One lane with small queues.
fn small(policy: Policy) -> EventBus<Note> {
    EventBus::new(
        pool(2),
        BusConfig { lanes: 1, bounds: [2, 3, 4], policy, patience: Duration::from_millis(20), ..BusConfig::default() },
    )
}

fn collect(bus: &EventBus<Note>) -> Receiver<u64> {
    let (sender, receiver) = mpsc::channel();
    bus.subscribe(Kind::News, "collector", move |note: &Note| sender.send(note.number).unwrap_or(()));
    receiver
}

/// Holds up the lane of key 0 with an event of the kind `Other` until the sender is dropped.
fn block(bus: &EventBus<Note>) -> Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (begun, beginning) = mpsc::channel();
    let released = Mutex::new(released);
    bus.subscribe(Kind::Other, "blocker", move |_: &Note| {
        let _ = begun.send(());
        let _ = released.lock().recv();
    });
    bus.publish(Note { kind: Kind::Other, ..news(0, 0) }).unwrap();
    beginning.recv_timeout(LONG).unwrap();
    release
}

fn drained(receiver: &Receiver<u64>, bus: &EventBus<Note>) -> Vec<u64> {
    bus.stop(LONG).unwrap();
    receiver.try_iter().collect()
}

#[test]
fn eb01_a_handler_gets_every_event_published_after_it_subscribed() {
    let bus = EventBus::new(pool(4), BusConfig::default());
    bus.publish(news(1, 99)).unwrap();
    let receiver = collect(&bus);
    (0..1000).for_each(|number| bus.publish(news(1, number)).unwrap());
    bus.publish(Note { kind: Kind::Other, ..news(1, 98) }).unwrap();
    assert_eq!(drained(&receiver, &bus), (0..1000).collect::<Vec<_>>());
}

#[test]
fn eb02_a_handler_gets_no_event_published_after_it_unsubscribed() {
    let bus = EventBus::new(pool(4), BusConfig::default());
    for round in 0..300 {
        let (seen, first) = (Arc::new(AtomicU32::new(0)), collect(&bus));
        let count = Arc::clone(&seen);
        let id = bus.subscribe(Kind::News, "short", move |_: &Note| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        bus.publish(news(round, 1)).unwrap();
        bus.unsubscribe(id).unwrap();
        bus.publish(news(round, 2)).unwrap();
        assert_eq!([(); 2].map(|()| first.recv_timeout(LONG).unwrap()), [1, 2]);
        assert_eq!(seen.load(Ordering::Relaxed), 1, "the one before, not the one after");
        assert_eq!(bus.unsubscribe(id).unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(bus.unsubscribe(SubscriptionId(1 << 40)).unwrap_err().code(), Code::NotFound);
}

#[test]
fn eb02_a_handler_is_dropped_once_no_event_is_left_for_it() {
    let bus = small(Policy::Block);
    let (sender, receiver) = mpsc::channel::<u64>();
    let id = bus.subscribe(Kind::News, "gone", move |note: &Note| sender.send(note.number).unwrap());
    let blocked = block(&bus);
    bus.publish(news(0, 5)).unwrap();
    bus.unsubscribe(id).unwrap();
    assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Empty), "an event is left");
    drop(blocked);
    assert_eq!(receiver.recv_timeout(LONG), Ok(5));
    assert_eq!(receiver.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn eb03_an_event_reaches_exactly_the_handlers_registered_before_its_publication() {
    let bus = small(Policy::Block);
    let blocked = block(&bus);
    let (before, lost) = (collect(&bus), collect(&bus));
    bus.publish(news(0, 1)).unwrap();
    let after = collect(&bus);
    bus.publish(news(0, 2)).unwrap();
    drop(blocked);
    assert_eq!(drained(&before, &bus), [1, 2]);
    assert_eq!(lost.try_iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(after.try_iter().collect::<Vec<_>>(), [2], "registered after the first");
}

#[test]
fn eb04_drop_oldest_evicts_and_counts() {
    let bus = small(Policy::DropOldest);
    let (receiver, blocked) = (collect(&bus), block(&bus));
    (0..5).for_each(|number| bus.publish(news(0, number)).unwrap());
    assert_eq!(bus.metrics().queue_depth, [0, 3, 0]);
    assert_eq!(bus.metrics().dropped, [0, 2, 0]);
    drop(blocked);
    assert_eq!(drained(&receiver, &bus), [2, 3, 4]);
}

#[test]
fn eb04_drop_newest_refuses_and_counts() {
    let bus = small(Policy::DropNewest);
    let (receiver, blocked) = (collect(&bus), block(&bus));
    let refused: Vec<_> = (0..5).filter_map(|number| bus.publish(news(0, number)).err()).map(|e| e.code()).collect();
    assert_eq!((refused, bus.metrics().dropped), (vec![Code::ResourceLimit; 2], [0, 2, 0]));
    drop(blocked);
    assert_eq!(drained(&receiver, &bus), [0, 1, 2]);
}

#[test]
fn eb04_drop_low_priority_evicts_from_the_lowest_class_first() {
    let bus = small(Policy::DropLowPriority);
    let (receiver, blocked) = (collect(&bus), block(&bus));
    let fill = [(Priority::Low, 0..2_u64), (Priority::Normal, 2..5), (Priority::High, 5..9)];
    for (priority, numbers) in fill {
        numbers.for_each(|number| bus.publish(urgent(priority, number)).unwrap());
    }
    assert_eq!(bus.metrics().queue_depth, [4, 3, 2], "the bound of nine is reached");
    (10..13).for_each(|number| bus.publish(urgent(Priority::High, number)).unwrap());
    assert_eq!(bus.metrics().dropped, [0, 1, 2], "both low ones went first");
    bus.publish(urgent(Priority::Normal, 13)).unwrap();
    assert_eq!(bus.publish(urgent(Priority::Low, 14)).unwrap_err().code(), Code::ResourceLimit);
    assert_eq!((bus.metrics().dropped, bus.metrics().queue_depth), ([0, 2, 3], [7, 2, 0]));
    drop(blocked);
    let mut left = drained(&receiver, &bus);
    left.sort_unstable();
    assert_eq!(left, [4, 5, 6, 7, 8, 10, 11, 12, 13]);
}

#[test]
fn eb04_publish_times_out_when_full() {
    let bus = small(Policy::Block);
    let (receiver, blocked) = (collect(&bus), block(&bus));
    (0..3).for_each(|number| bus.publish(news(0, number)).unwrap());
    let began = Instant::now();
    let error = bus.publish(news(0, 3)).unwrap_err();
    assert!(error.is_timeout() && began.elapsed() >= Duration::from_millis(20), "{error}");
    assert_eq!(bus.metrics().dropped, [0, 1, 0]);
    drop(blocked);
    assert_eq!(drained(&receiver, &bus), [0, 1, 2]);
}

#[test]
fn eb04_a_waiting_publisher_goes_on_when_there_is_room() {
    let config =
        BusConfig { lanes: 1, bounds: [2, 3, 4], policy: Policy::Block, patience: LONG, ..BusConfig::default() };
    let bus = EventBus::new(pool(2), config);
    let receiver = collect(&bus);
    std::thread::scope(|scope| {
        for publisher in 0..4 {
            let bus = &bus;
            scope.spawn(move || (0..5000).for_each(|number| bus.publish(news(0, publisher * 5000 + number)).unwrap()));
        }
    });
    let mut all = drained(&receiver, &bus);
    all.sort_unstable();
    assert_eq!((all.len(), bus.metrics().dropped), (20_000, [0; 3]));
    all.dedup();
    assert_eq!(all.len(), 20_000);
}

#[test]
fn eb04_a_waiting_publisher_goes_on_soon_beside_a_slow_handler() {
    [true, false].into_iter().for_each(wait_beside_a_slow_handler);
}

fn wait_beside_a_slow_handler(monitoring: bool) {
    let config = BusConfig { lanes: 1, bounds: [1, 100, 1], policy: Policy::Block, patience: LONG, monitoring };
    let bus = EventBus::new(pool(2), config);
    let (gate, handled) = (mpsc::sync_channel::<()>(0), mpsc::channel());
    let (open, passed) = (gate.0, Mutex::new(gate.1));
    bus.subscribe(Kind::News, "slow", move |note: &Note| {
        // The test that is over has dropped the gate.
        let _ = passed.lock().recv();
        let _ = handled.0.send(note.number);
    });
    bus.publish(news(0, 0)).unwrap();
    let deadline = Instant::now() + LONG;
    while bus.metrics().queue_depth != [0; 3] {
        assert!(Instant::now() < deadline, "nobody takes the first one");
        std::thread::yield_now();
    }
    (1..101).for_each(|number| bus.publish(news(0, number)).unwrap());
    let (publisher, published) = (bus.clone(), mpsc::channel());
    let thread = std::thread::spawn(move || {
        publisher.publish(news(0, 101)).unwrap();
        published.0.send(()).unwrap();
    });
    for number in 0..20 {
        open.send(()).unwrap();
        assert_eq!(handled.1.recv_timeout(LONG), Ok(number));
    }
    assert_eq!(published.1.recv_timeout(LONG), Ok(()), "there is room since the first one");
    drop(open);
    thread.join().unwrap();
    bus.stop(LONG).unwrap();
}

#[test]
fn eb04_a_handler_that_fills_its_own_lane_is_refused_at_once() {
    let config =
        BusConfig { lanes: 1, bounds: [1, 1, 1], policy: Policy::Block, patience: LONG, ..BusConfig::default() };
    let bus = EventBus::new(pool(2), config);
    let (inside, (sender, receiver)) = (bus.clone(), mpsc::channel());
    bus.subscribe(Kind::Other, "greedy", move |_: &Note| {
        sender.send([1, 2].map(|number| inside.publish(news(0, number)).is_ok())).unwrap();
    });
    bus.publish(Note { kind: Kind::Other, ..news(0, 0) }).unwrap();
    assert_eq!(receiver.recv_timeout(LONG / 2), Ok([true, false]));
    bus.stop(LONG).unwrap();
}

#[test]
fn eb04_all_queues_together_hold_at_most_5000_by_default() {
    let bus = EventBus::new(pool(3), BusConfig { policy: Policy::DropNewest, ..BusConfig::default() });
    let release = Arc::new(Mutex::new(()));
    let (held, guard) = (Arc::clone(&release), release.lock());
    bus.subscribe(Kind::News, "slow", move |_: &Note| drop(held.lock()));
    for number in 0..30_000 {
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            bus.publish_async(Note { priority, ..news(number, number) });
        }
    }
    let metrics = bus.metrics();
    let waiting = metrics.queue_depth.iter().sum::<usize>();
    assert_eq!((metrics.queue_depth, waiting <= 5000), ([300, 1500, 3000], true));
    let dropped = metrics.dropped.iter().sum::<u64>();
    drop(guard);
    bus.stop(LONG).unwrap();
    assert_eq!(bus.metrics().processed + dropped, 90_000, "nothing is lost uncounted");
}

#[test]
fn eb05_publish_async_never_waits_and_counts_a_drop() {
    let config =
        BusConfig { lanes: 1, bounds: [1, 1, 1], policy: Policy::Block, patience: LONG, ..BusConfig::default() };
    let bus = EventBus::new(pool(2), config);
    let (receiver, blocked) = (collect(&bus), block(&bus));
    assert_eq!([1, 2].map(|number| bus.publish_async(news(0, number))), [true, false]);
    assert_eq!(bus.metrics().dropped, [0, 1, 0]);
    drop(blocked);
    assert_eq!(drained(&receiver, &bus), [1]);
    assert!(!bus.publish_async(news(0, 3)));
    assert_eq!(bus.metrics().dropped, [0, 2, 0]);
}

#[test]
fn eb06_stop_handles_what_was_accepted_and_is_idempotent() {
    let bus = EventBus::new(pool(2), BusConfig::default());
    let receiver = collect(&bus);
    let accepted = (0..4000).filter(|number| bus.publish_async(news(*number, *number))).count();
    bus.stop(LONG).unwrap();
    assert_eq!(receiver.try_iter().count(), accepted);
    bus.stop(Duration::ZERO).unwrap();
    assert_eq!(bus.publish(news(0, 0)).unwrap_err().code(), Code::InvalidState);
}

#[test]
fn eb06_stop_times_out_with_the_number_left() {
    let bus = small(Policy::Block);
    let blocked = block(&bus);
    (0..2).for_each(|number| bus.publish(news(0, number)).unwrap());
    let error = bus.stop(Duration::from_millis(5)).unwrap_err();
    assert!(error.is_timeout() && error.get("left") == Some("2"), "{error}");
    drop(blocked);
    bus.stop(LONG).unwrap();
}

#[test]
fn eb06_an_event_accepted_beside_the_pools_end_is_handled() {
    let pool = pool(1);
    let bus = EventBus::new(pool.clone(), BusConfig::default());
    let receiver = collect(&bus);
    pool.shutdown(LONG).unwrap();
    bus.publish(news(0, 7)).unwrap();
    assert_eq!(drained(&receiver, &bus), [7], "the publisher has drained the lane itself");
}

#[test]
fn eb07_metrics_tell_processed_dropped_mean_utilisation_and_depth() {
    let bus = small(Policy::DropNewest);
    let blocked = block(&bus);
    bus.metrics();
    Context::background().wait(Duration::from_millis(10)).unwrap();
    bus.publish(urgent(Priority::High, 1)).unwrap();
    bus.publish(urgent(Priority::Low, 2)).unwrap();
    assert_eq!(bus.metrics().queue_depth, [1, 0, 1]);
    drop(blocked);
    bus.stop(LONG).unwrap();
    let metrics = bus.metrics();
    assert_eq!((metrics.processed, metrics.dropped, metrics.queue_depth), (3, [0; 3], [0; 3]));
    assert!(metrics.mean >= Duration::from_millis(3), "{metrics:?}");
    assert!(metrics.utilisation > 0.0 && metrics.utilisation <= 1.0, "{metrics:?}");
    assert_eq!(metrics.subscriptions, 1);
}

#[test]
fn eb08_a_panic_is_told_and_the_other_handlers_still_get_the_event() {
    let bus = EventBus::new(pool(2), BusConfig::default());
    let (faults, told) = mpsc::channel();
    bus.subscribe(Kind::Fault, "teller", move |note: &Note| faults.send(note.fault.clone()).unwrap());
    bus.subscribe(Kind::Fault, "clumsy teller", |_: &Note| panic!("again"));
    let first = collect(&bus);
    bus.subscribe(Kind::News, "clumsy", |note: &Note| assert!(note.number != 2, "I do not like two"));
    let last = collect(&bus);
    (1..4).for_each(|number| bus.publish(news(0, number)).unwrap());
    let fault = told.recv_timeout(LONG).unwrap().unwrap();
    assert!(fault.contains("`clumsy` panicked: I do not like two"), "{fault}");
    assert_eq!(drained(&first, &bus), [1, 2, 3]);
    assert_eq!(last.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(bus.metrics().panicked, 2, "the second one was about the report, and was not reported");
    assert!(told.try_recv().is_err());
}

#[test]
fn eb09_a_higher_class_is_served_first_and_a_lower_one_is_not_starved() {
    let bus = EventBus::new(pool(2), BusConfig { lanes: 1, ..BusConfig::default() });
    let (receiver, blocked) = (collect(&bus), block(&bus));
    (0..10).for_each(|number| bus.publish(urgent(Priority::Low, 200 + number)).unwrap());
    (0..10).for_each(|number| bus.publish(urgent(Priority::Normal, 100 + number)).unwrap());
    (0..100).for_each(|number| bus.publish(urgent(Priority::High, number)).unwrap());
    drop(blocked);
    let order = drained(&receiver, &bus);
    let place = |number: u64| order.iter().position(|one| *one == number).unwrap();
    assert!(order[..10].iter().filter(|number| **number < 100).count() >= 6, "high first: {order:?}");
    assert!(place(100) < 30 && place(200) < 30 && place(200) < place(99), "nobody starves: {order:?}");
    for class in [0..100, 100..110, 200..210_u64] {
        assert!(class.clone().is_sorted_by_key(place), "in order within the class: {order:?}");
    }
}

#[test]
fn eb10_events_of_a_key_arrive_in_order_one_at_a_time() {
    let bus = EventBus::new(pool(4), BusConfig { patience: LONG, ..BusConfig::default() });
    let seen: Arc<Mutex<HashMap<u64, Vec<u64>>>> = Arc::default();
    let inside: Arc<[AtomicU32; 8]> = Arc::default();
    let (all, running) = (Arc::clone(&seen), Arc::clone(&inside));
    bus.subscribe(Kind::News, "order", move |note: &Note| {
        let alone = running[note.key as usize].swap(1, Ordering::SeqCst) == 0;
        assert!(alone, "two at a time");
        all.lock().entry(note.key).or_default().push(note.number);
        running[note.key as usize].store(0, Ordering::SeqCst);
    });
    std::thread::scope(|scope| {
        for publisher in 0..8 {
            let bus = &bus;
            scope.spawn(move || (0..3000).for_each(|number| bus.publish(news(publisher, number)).unwrap()));
        }
    });
    bus.stop(LONG).unwrap();
    assert_eq!(bus.metrics().panicked, 0);
    assert!(seen.lock().values().all(|numbers| numbers.iter().copied().eq(0..3000)));
}

#[test]
fn eb10_different_keys_are_handled_in_parallel() {
    let bus = EventBus::new(pool(2), BusConfig::default());
    let other = (1..).find(|key| bus.inner.index_of(*key) != bus.inner.index_of(0)).unwrap();
    let meeting = Arc::new(std::sync::Barrier::new(2));
    bus.subscribe(Kind::News, "meeting", move |_: &Note| {
        meeting.wait();
    });
    bus.publish(news(0, 0)).unwrap();
    bus.publish(news(other, 0)).unwrap();
    bus.stop(LONG).unwrap();
}

#[test]
fn eb11_the_table_changes_while_others_publish() {
    let bus = EventBus::new(pool(2), BusConfig { patience: LONG, ..BusConfig::default() });
    let steady = collect(&bus);
    std::thread::scope(|scope| {
        scope.spawn(|| (0..20_000).for_each(|number| bus.publish(news(3, number)).unwrap()));
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let id = bus.subscribe(Kind::News, "brief", |_: &Note| ());
                    bus.unsubscribe(id).unwrap();
                }
            });
        }
    });
    assert_eq!(drained(&steady, &bus), (0..20_000).collect::<Vec<_>>());
    assert_eq!(bus.metrics().subscriptions, 1);
}

#[test]
fn eb13_100_threads_100_events_10_handlers_each_saw_each_once() {
    let name = "brummer-eb13";
    let pool = Pool::new(PoolConfig { name: name.to_owned(), ..PoolConfig::default() }).unwrap();
    let bus = EventBus::new(pool.clone(), BusConfig { patience: LONG, ..BusConfig::default() });
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|comm| comm.starts_with(name)).count()
    };
    // A thread has its name once it runs.
    let deadline = Instant::now() + LONG;
    while pool.metrics().sleeping < pool.metrics().workers {
        assert!(Instant::now() < deadline, "the workers have not come to rest");
        std::thread::yield_now();
    }
    let before = threads();
    let seen: Arc<Vec<Vec<AtomicU32>>> =
        Arc::new((0..10).map(|_| (0..10_000).map(|_| AtomicU32::new(0)).collect()).collect());
    for handler in 0..10 {
        let seen = Arc::clone(&seen);
        bus.subscribe(Kind::News, "stress", move |note: &Note| {
            seen[handler][note.number as usize].fetch_add(1, Ordering::Relaxed);
        });
    }
    std::thread::scope(|scope| {
        for thread in 0..100 {
            let bus = &bus;
            scope.spawn(move || (0..100).for_each(|i| bus.publish(news(thread, thread * 100 + i)).unwrap()));
        }
    });
    bus.stop(LONG).unwrap();
    assert!(seen.iter().flatten().all(|count| count.load(Ordering::Relaxed) == 1));
    assert_eq!((bus.metrics().processed, threads()), (10_000, before), "no thread was made");
    pool.shutdown(LONG).unwrap();
    // A joined thread may be listed a moment longer.
    let deadline = Instant::now() + LONG;
    while threads() > 0 {
        assert!(Instant::now() < deadline, "a worker is left");
        std::thread::yield_now();
    }
}

#[test]
fn without_monitoring_events_are_counted_and_no_times_are_taken() {
    for monitoring in [true, false] {
        let bus = EventBus::new(pool(2), BusConfig { lanes: 1, monitoring, ..BusConfig::default() });
        bus.subscribe(Kind::News, "busy", |_: &Note| {
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_micros(100) {}
        });
        (0..10).for_each(|number| bus.publish(news(0, number)).unwrap());
        bus.stop(LONG).unwrap();
        let metrics = bus.metrics();
        assert_eq!(metrics.processed, 10);
        assert_eq!(metrics.mean >= Duration::from_micros(100), monitoring, "{metrics:?}");
        assert_eq!(metrics.utilisation > 0.0, monitoring, "{metrics:?}");
    }
}
