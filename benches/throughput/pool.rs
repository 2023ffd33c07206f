//! The pool beside rayon and beside the pools that most programs write: workers on one channel of boxed closures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use brummer::runtime::Priority;
use brummer::runtime::pool::{Pool, PoolConfig};
use brummer_benches::{Effort, Report, Row, median, million_per_second};

type Job = Box<dyn FnOnce() + Send>;

/// Something that runs closures.
trait Spawn: Clone + Send + Sync + 'static {
    fn spawn(&self, work: impl FnOnce() + Send + 'static);
}

impl Spawn for Pool {
    fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        Pool::spawn(self, Priority::Normal, work).expect("the bound is a million");
    }
}

#[derive(Clone)]
struct Kanal(kanal::Sender<Job>);
impl Spawn for Kanal {
    fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        self.0.send(Box::new(work)).expect("workers live");
    }
}

#[derive(Clone)]
struct Crossbeam(crossbeam::channel::Sender<Job>);
impl Spawn for Crossbeam {
    fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        self.0.send(Box::new(work)).expect("workers live");
    }
}

#[derive(Clone)]
struct Rayon(Arc<rayon::ThreadPool>);
impl Spawn for Rayon {
    fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        self.0.spawn(work);
    }
}

fn workers() -> usize {
    brummer::runtime::topology::Topology::read().workers()
}

fn kanal_pool() -> Kanal {
    let (sender, receiver) = kanal::unbounded::<Job>();
    for _ in 0..workers() {
        let receiver = receiver.clone();
        std::thread::spawn(move || receiver.for_each(|job| job()));
    }
    Kanal(sender)
}

fn crossbeam_pool() -> Crossbeam {
    let (sender, receiver) = crossbeam::channel::unbounded::<Job>();
    for _ in 0..workers() {
        let receiver = receiver.clone();
        std::thread::spawn(move || receiver.iter().for_each(|job| job()));
    }
    Crossbeam(sender)
}

fn rayon_pool() -> Rayon {
    Rayon(Arc::new(rayon::ThreadPoolBuilder::new().num_threads(workers()).build().expect("threads")))
}

/// How many tasks were started and have ended, and who waits for it.
struct Latch {
    left: AtomicUsize,
    waiter: std::thread::Thread,
}

impl Latch {
    fn new(tasks: usize) -> Arc<Latch> {
        Arc::new(Latch { left: AtomicUsize::new(tasks), waiter: std::thread::current() })
    }

    fn done(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiter.unpark();
        }
    }

    fn wait(&self) {
        while self.left.load(Ordering::Acquire) > 0 {
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

fn outside(pool: &impl Spawn, threads: usize, tasks: usize) -> f64 {
    let latch = Latch::new(tasks / threads * threads);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (pool, latch) = (pool.clone(), &latch);
            scope.spawn(move || {
                for _ in 0..tasks / threads {
                    let latch = latch.clone();
                    pool.spawn(move || latch.done());
                }
            });
        }
    });
    latch.wait();
    million_per_second(tasks, start.elapsed())
}

fn tree<S: Spawn>(pool: &S, depth: u32, latch: &Arc<Latch>) {
    if depth > 0 {
        for _ in 0..2 {
            let (next, shared) = (pool.clone(), latch.clone());
            pool.spawn(move || tree(&next, depth - 1, &shared));
        }
    }
    latch.done();
}

fn inside(pool: &impl Spawn, depth: u32) -> f64 {
    let tasks = (1 << (depth + 1)) - 1;
    let latch = Latch::new(tasks);
    let start = Instant::now();
    let (root, shared) = (pool.clone(), latch.clone());
    pool.spawn(move || tree(&root, depth, &shared));
    latch.wait();
    million_per_second(tasks, start.elapsed())
}

/// Microseconds from a spawn into a sleeping pool until the spawner knows that it ran.
fn round_trip(pool: &impl Spawn) -> f64 {
    let times = (0..200).map(|_| {
        std::thread::sleep(Duration::from_micros(500));
        let latch = Latch::new(1);
        let shared = latch.clone();
        let start = Instant::now();
        pool.spawn(move || shared.done());
        latch.wait();
        start.elapsed().as_nanos() as f64 / 1e3
    });
    median(times.collect())
}

/// Measures the pool.
pub fn run(report: &mut Report, effort: Effort) {
    report.section("pool, empty tasks");
    let tasks = effort.size(1_000_000);
    let depth = if effort.rounds == 1 { 16 } else { 19 };
    let (ours, kanal) = (Pool::new(PoolConfig::default()).expect("threads"), kanal_pool());
    let (crossbeam, rayon) = (crossbeam_pool(), rayon_pool());
    for (threads, target) in [(1, 6.0), (4, 4.7)] {
        let row =
            Row::higher(format!("from {threads} outside"), "M/s", effort.median(|| outside(&ours, threads, tasks)));
        report.row(
            &row.target(target)
                .peer("kanal", effort.median(|| outside(&kanal, threads, tasks)))
                .peer("crossbeam", effort.median(|| outside(&crossbeam, threads, tasks)))
                .peer("rayon", effort.median(|| outside(&rayon, threads, tasks))),
        );
    }
    report.row(
        &Row::higher("from inside, a tree", "M/s", effort.median(|| inside(&ours, depth)))
            .target(6.5)
            .peer("kanal", effort.median(|| inside(&kanal, depth)))
            .peer("crossbeam", effort.median(|| inside(&crossbeam, depth)))
            .peer("rayon", effort.median(|| inside(&rayon, depth))),
    );
    report.row(
        &Row::lower("round trip into an idle pool, median", "µs", effort.median(|| round_trip(&ours)))
            .target(10.0)
            .peer("kanal", effort.median(|| round_trip(&kanal)))
            .peer("crossbeam", effort.median(|| round_trip(&crossbeam)))
            .peer("rayon", effort.median(|| round_trip(&rayon))),
    );
}
