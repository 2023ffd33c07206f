//! The lock-free primitives beside the crates that people would take instead: what one operation costs, alone and beside a busy thread.
//!
//! `cargo bench -p brummer-benches --bench sync` runs all; add `-- table` for one group. Groups ending in "beside a writer" or "beside a reader"
//! need two idle cores.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use brummer::sync::{CancelFlag, CowCell, EventCount, Histogram, Parker, SeqLock, SeqTable, ShardedCounter};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use dashmap::DashMap;

/// A process: status, exit code, start, end, CPU, memory.
type Row = [u64; 6];
const ROW: Row = [1, 2, 3, 4, 5, 6];

/// Rows of a table; a power of two, so that the walk over them costs a mask.
const ROWS: usize = 64;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    one_row(&mut criterion);
    table_alone(&mut criterion);
    table_beside_a_writer(&mut criterion);
    table_beside_a_reader(&mut criterion);
    cow(&mut criterion);
    cancel(&mut criterion);
    notify(&mut criterion);
    wake(&mut criterion);
    counters(&mut criterion);
    criterion.final_summary();
}

/// A table of rows that answers by place, as each peer would be used.
trait Table: Sync {
    const NAME: &'static str;
    fn new() -> Self;
    fn read(&self, at: usize) -> Row;
    fn write(&self, at: usize, row: Row);
}

struct Ours(SeqTable<6>, Vec<brummer::sync::Key>);

impl Table for Ours {
    const NAME: &'static str = "brummer SeqTable";
    fn new() -> Self {
        let table = SeqTable::with_capacity(ROWS);
        let keys = (0..ROWS).map(|_| table.insert(ROW).expect("as many rows")).collect();
        Self(table, keys)
    }
    fn read(&self, at: usize) -> Row {
        self.0.read(self.1[at]).expect("never removed")
    }
    fn write(&self, at: usize, row: Row) {
        self.0.write(self.1[at], row);
    }
}

struct SeqlockCrate(Vec<seqlock::SeqLock<Row>>);

impl Table for SeqlockCrate {
    const NAME: &'static str = "seqlock crate";
    fn new() -> Self {
        Self((0..ROWS).map(|_| seqlock::SeqLock::new(ROW)).collect())
    }
    fn read(&self, at: usize) -> Row {
        self.0[at].read()
    }
    fn write(&self, at: usize, row: Row) {
        *self.0[at].lock_write() = row;
    }
}

struct MutexPerRow(Vec<parking_lot::Mutex<Row>>);

impl Table for MutexPerRow {
    const NAME: &'static str = "parking_lot Mutex per row";
    fn new() -> Self {
        Self((0..ROWS).map(|_| parking_lot::Mutex::new(ROW)).collect())
    }
    fn read(&self, at: usize) -> Row {
        *self.0[at].lock()
    }
    fn write(&self, at: usize, row: Row) {
        *self.0[at].lock() = row;
    }
}

struct Dash(DashMap<usize, Row>);

impl Table for Dash {
    const NAME: &'static str = "dashmap";
    fn new() -> Self {
        Self((0..ROWS).map(|at| (at, ROW)).collect())
    }
    fn read(&self, at: usize) -> Row {
        *self.0.get(&at).expect("never removed")
    }
    fn write(&self, at: usize, row: Row) {
        *self.0.get_mut(&at).expect("never removed") = row;
    }
}

struct StdMap(RwLock<HashMap<usize, Row>>);

impl Table for StdMap {
    const NAME: &'static str = "std RwLock<HashMap>";
    fn new() -> Self {
        Self(RwLock::new((0..ROWS).map(|at| (at, ROW)).collect()))
    }
    fn read(&self, at: usize) -> Row {
        self.0.read().expect("nobody panics")[&at]
    }
    fn write(&self, at: usize, row: Row) {
        *self.0.write().expect("nobody panics").get_mut(&at).expect("never removed") = row;
    }
}

/// Runs one measuring function for every table.
macro_rules! every_table {
    ($measure:ident, $group:expr) => {{
        $measure::<Ours>($group);
        $measure::<SeqlockCrate>($group);
        $measure::<MutexPerRow>($group);
        $measure::<Dash>($group);
        $measure::<StdMap>($group);
    }};
}

fn one_row(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one row");
    let lock = SeqLock::new(ROW);
    group.bench_function("brummer read", |bench| bench.iter(|| lock.read()));
    group.bench_function("brummer write", |bench| bench.iter(|| lock.write(black_box(ROW))));
    group.bench_function("brummer write, claim kept", |bench| {
        let mut writer = lock.writer();
        bench.iter(|| writer.write(black_box(ROW)));
    });
    let peer = seqlock::SeqLock::new(ROW);
    group.bench_function("seqlock crate read", |bench| bench.iter(|| peer.read()));
    group.bench_function("seqlock crate write", |bench| bench.iter(|| *peer.lock_write() = black_box(ROW)));
    group.finish();
}

fn table_alone(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table alone");
    every_table!(alone, &mut group);
    group.finish();
}

fn alone<T: Table>(group: &mut Group<'_>) {
    let table = T::new();
    let mut at = 0;
    group.bench_function(format!("{} read", T::NAME), |bench| bench.iter(|| table.read(step(&mut at))));
    group.bench_function(format!("{} write", T::NAME), |bench| {
        bench.iter(|| table.write(step(&mut at), black_box(ROW)))
    });
}

fn table_beside_a_writer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table read beside a writer");
    every_table!(beside_a_writer, &mut group);
    group.finish();
}

fn beside_a_writer<T: Table>(group: &mut Group<'_>) {
    let table = T::new();
    let mut at = 0;
    let mut theirs = ROWS / 2;
    beside(
        || table.write(step(&mut theirs), black_box(ROW)),
        || {
            group.bench_function(T::NAME, |bench| bench.iter(|| table.read(step(&mut at))));
        },
    );
}

fn table_beside_a_reader(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table write beside a reader");
    every_table!(beside_a_reader, &mut group);
    group.finish();
}

fn beside_a_reader<T: Table>(group: &mut Group<'_>) {
    let table = T::new();
    let mut at = 0;
    let mut theirs = ROWS / 2;
    beside(
        || _ = black_box(table.read(step(&mut theirs))),
        || {
            group.bench_function(T::NAME, |bench| bench.iter(|| table.write(step(&mut at), black_box(ROW))));
        },
    );
}

fn cow(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("copy on write, 16 words");
    let (ours, swap, locked) = (CowCell::new(ROW), ArcSwap::from_pointee(ROW), RwLock::new(Arc::new(ROW)));
    let mut reader = ours.reader();
    group.bench_function("brummer cached read", |bench| bench.iter(|| reader.get()[0]));
    let mut cache = arc_swap::Cache::new(&swap);
    group.bench_function("arc-swap cached read", |bench| bench.iter(|| cache.load()[0]));
    group.bench_function("brummer load", |bench| bench.iter(|| ours.load()));
    group.bench_function("arc-swap load", |bench| bench.iter(|| swap.load()[0]));
    group.bench_function("arc-swap load_full", |bench| bench.iter(|| swap.load_full()));
    group.bench_function("RwLock<Arc> clone", |bench| {
        bench.iter(|| Arc::clone(&locked.read().expect("nobody panics")));
    });
    group.bench_function("brummer store", |bench| bench.iter(|| ours.store(black_box(ROW))));
    group.bench_function("arc-swap store", |bench| bench.iter(|| swap.store(Arc::new(black_box(ROW)))));
    group.bench_function("RwLock<Arc> store", |bench| {
        bench.iter(|| *locked.write().expect("nobody panics") = Arc::new(black_box(ROW)));
    });
    group.finish();
}

fn cancel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cancel");
    let flag = CancelFlag::new().child().child().child();
    let plain = Arc::new(AtomicBool::new(false));
    group.bench_function("brummer ask, three parents above", |bench| bench.iter(|| flag.is_cancelled()));
    group.bench_function("Arc<AtomicBool> ask", |bench| bench.iter(|| plain.load(Acquire)));
    group.bench_function("brummer clone and drop", |bench| bench.iter(|| flag.clone()));
    group.bench_function("brummer child and drop", |bench| bench.iter(|| flag.child()));
    group.bench_function("brummer cancel a tree of 100", |bench| {
        bench.iter_batched(
            || {
                let root = CancelFlag::new();
                let children: Vec<_> = (0..100).map(|_| root.child()).collect();
                (root, children)
            },
            |(root, children)| {
                root.cancel();
                (root, children)
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn notify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("notify, nobody waits");
    let event = EventCount::new();
    let (mutex, condvar) = (Mutex::new(0_u64), Condvar::new());
    let parker = Parker::new();
    let unparker = parker.unparker();
    group.bench_function("brummer EventCount", |bench| bench.iter(|| event.notify_one()));
    group.bench_function("brummer Unparker", |bench| bench.iter(|| unparker.unpark()));
    let peer = crossbeam::sync::Parker::new();
    group.bench_function("crossbeam Unparker", |bench| bench.iter(|| peer.unparker().unpark()));
    group.bench_function("std Condvar, change under its mutex", |bench| {
        bench.iter(|| {
            *mutex.lock().expect("nobody panics") += 1;
            condvar.notify_one();
        });
    });
    group.bench_function("std Thread::unpark", |bench| {
        let this = thread::current();
        bench.iter(|| this.unpark());
    });
    group.finish();
    thread::park_timeout(Duration::ZERO);
}

/// A token goes to another thread and comes back: two wake-ups a round.
fn wake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wake, there and back");
    let turn = Turn::default();
    ping_pong(&mut group, "brummer EventCount", |mine| turn.take(mine));
    let turn = (Mutex::new(0_u64), Condvar::new());
    ping_pong(&mut group, "std Condvar", |mine| {
        let mut now = turn.1.wait_while(turn.0.lock().expect("nobody panics"), |now| *now % 2 != mine).expect("same");
        *now += 1;
        turn.1.notify_one();
    });
    group.finish();
}

#[derive(Default)]
struct Turn {
    now: AtomicU64,
    changed: EventCount,
}

impl Turn {
    /// Waits until it is this player's turn, and passes it on.
    fn take(&self, mine: u64) {
        while self.now.load(Acquire) % 2 != mine {
            let ticket = self.changed.prepare_wait();
            if self.now.load(Acquire) % 2 == mine {
                self.changed.cancel_wait(ticket);
            } else {
                self.changed.commit_wait(ticket);
            }
        }
        self.now.fetch_add(1, std::sync::atomic::Ordering::Release);
        self.changed.notify_one();
    }
}

/// Measures rounds in which players 0 and 1 take turns; each round hands over as many turns to the other as it takes.
fn ping_pong(group: &mut Group<'_>, name: &str, take: impl Fn(u64) + Sync) {
    group.bench_function(name, |bench| {
        bench.iter_custom(|rounds| {
            thread::scope(|scope| {
                let other = scope.spawn(|| (0..rounds).for_each(|_| take(1)));
                let started = std::time::Instant::now();
                (0..rounds).for_each(|_| take(0));
                other.join().expect("nobody panics");
                started.elapsed()
            })
        });
    });
}

fn counters(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("counter");
    let (sharded, plain, histogram) = (ShardedCounter::new(2), AtomicU64::new(0), Histogram::new());
    group.bench_function("brummer add alone", |bench| bench.iter(|| sharded.add(1)));
    group.bench_function("AtomicU64 add alone", |bench| bench.iter(|| plain.fetch_add(1, Relaxed)));
    beside(
        || sharded.add_to(1, 1),
        || {
            group.bench_function("brummer add beside another", |bench| bench.iter(|| sharded.add_to(0, 1)));
        },
    );
    beside(
        || _ = plain.fetch_add(1, Relaxed),
        || {
            group.bench_function("AtomicU64 add beside another", |bench| bench.iter(|| plain.fetch_add(1, Relaxed)));
        },
    );
    group.bench_function("brummer sum of two shards", |bench| bench.iter(|| sharded.sum()));
    group.bench_function("brummer histogram record", |bench| bench.iter(|| histogram.record(black_box(1_234))));
    let counts = Mutex::new(BTreeMap::new());
    group.bench_function("std Mutex<BTreeMap> record", |bench| {
        bench.iter(|| *counts.lock().expect("nobody panics").entry(black_box(1_234_u64)).or_insert(0_u64) += 1);
    });
    group.finish();
}

/// Runs `measure` on this thread while another repeats `work` flat out.
fn beside(mut work: impl FnMut() + Send, measure: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                work();
            }
        });
        measure();
        stop.store(true, Relaxed);
    });
}

/// The next place in a walk over the table.
fn step(at: &mut usize) -> usize {
    *at = (*at + 1) % ROWS;
    *at
}
