//! How fast is the pool: a million empty tasks from one thread, from four, and from inside; a round trip into an idle pool.
//! Beside rayon, and workers around a channel of crossbeam, kanal and std.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use brummer::runtime::Priority;
use brummer::runtime::pool::{Pin, Pool, PoolConfig};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const TASKS: usize = 1_000_000;

type Job = Box<dyn FnOnce() + Send>;

/// What all of them can do: run a closure some time.
trait Runs: Send + Sync + 'static {
    fn run(&self, job: impl FnOnce() + Send + 'static);
}

struct Brummer(Pool);

impl Brummer {
    fn new(pin: Pin) -> Brummer {
        let config = PoolConfig { pin, bounds: [1 << 21; 3], ..PoolConfig::default() };
        Brummer(Pool::new(config).expect("threads can be started"))
    }
}

impl Runs for Brummer {
    fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.0.spawn(Priority::Normal, job).expect("the bound is higher than the number of tasks");
    }
}

struct Rayon(rayon::ThreadPool);

impl Runs for Rayon {
    fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.0.spawn(job);
    }
}

/// Workers around a channel: its sender here, its receivers in threads that end with it.
struct Channel<S>(S);

macro_rules! channel {
    ($sender:ty) => {
        impl Runs for Channel<$sender> {
            fn run(&self, job: impl FnOnce() + Send + 'static) {
                self.0.send(Box::new(job)).expect("the workers live as long as the sender");
            }
        }
    };
}

channel!(crossbeam::channel::Sender<Job>);
channel!(kanal::Sender<Job>);
channel!(mpsc::Sender<Job>);

fn workers() -> usize {
    brummer::runtime::topology::Topology::read().workers()
}

fn start<R: Send + 'static>(receiver: impl Fn() -> R, receive: fn(&R) -> Option<Job>) {
    for _ in 0..workers() {
        let receiver = receiver();
        std::thread::spawn(move || {
            while let Some(job) = receive(&receiver) {
                job();
            }
        });
    }
}

fn crossbeam_channel() -> Channel<crossbeam::channel::Sender<Job>> {
    let (sender, receiver) = crossbeam::channel::unbounded::<Job>();
    start(|| receiver.clone(), |receiver| receiver.recv().ok());
    Channel(sender)
}

fn kanal_channel() -> Channel<kanal::Sender<Job>> {
    let (sender, receiver) = kanal::unbounded::<Job>();
    start(|| receiver.clone(), |receiver| receiver.recv().ok());
    Channel(sender)
}

fn std_channel() -> Channel<mpsc::Sender<Job>> {
    let (sender, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    start(|| Arc::clone(&receiver), |receiver| receiver.lock().ok()?.recv().ok());
    Channel(sender)
}

fn wait_for(done: &AtomicUsize, count: usize) {
    while done.load(Ordering::Acquire) < count {
        std::thread::yield_now();
    }
}

/// The counter of one run. It is leaked, so that a task carries one word and no count of references is measured.
fn counter() -> &'static AtomicUsize {
    Box::leak(Box::new(AtomicUsize::new(0)))
}

fn flood(pool: &Arc<impl Runs>, threads: usize) -> Duration {
    let done = counter();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || {
                for _ in 0..TASKS / threads {
                    pool.run(move || {
                        done.fetch_add(1, Ordering::Release);
                    });
                }
            });
        }
    });
    wait_for(done, TASKS / threads * threads);
    began.elapsed()
}

/// Each task spawns two, until there are a million.
fn grow<R: Runs>(pool: &Arc<R>, depth: u32, done: &'static AtomicUsize) {
    if depth > 0 {
        for _ in 0..2 {
            let again = Arc::clone(pool);
            pool.run(move || grow(&again, depth - 1, done));
        }
    }
    done.fetch_add(1, Ordering::Release);
}

fn tree<R: Runs>(pool: &Arc<R>) -> Duration {
    let done = counter();
    let began = Instant::now();
    grow(pool, 19, done);
    wait_for(done, (1 << 20) - 1);
    began.elapsed()
}

fn round_trips(pool: &Arc<impl Runs>, count: u64) -> Duration {
    let mut total = Duration::ZERO;
    let main = std::thread::current();
    for _ in 0..count {
        // The workers go to sleep in between: what is measured is an idle pool.
        std::thread::sleep(Duration::from_micros(200));
        let (main, done) = (main.clone(), Arc::new(AtomicUsize::new(0)));
        let there = Arc::clone(&done);
        let began = Instant::now();
        pool.run(move || {
            there.store(1, Ordering::Release);
            main.unpark();
        });
        while done.load(Ordering::Acquire) == 0 {
            std::thread::park();
        }
        total += began.elapsed();
    }
    total
}

fn measure<R: Runs>(criterion: &mut Criterion, name: &str, pool: R) {
    let pool = Arc::new(pool);
    let times = |count: u64, run: &dyn Fn() -> Duration| (0..count).map(|_| run()).sum();
    for (question, threads) in [("from 1 thread", 1), ("from 4 threads", 4)] {
        let mut group = criterion.benchmark_group(format!("pool, a million tasks {question}"));
        group.sample_size(10).throughput(Throughput::Elements(TASKS as u64));
        group.bench_function(name, |b| b.iter_custom(|count| times(count, &|| flood(&pool, threads))));
    }
    let mut group = criterion.benchmark_group("pool, a million tasks from inside, as a tree");
    group.sample_size(10).throughput(Throughput::Elements(1 << 20));
    group.bench_function(name, |b| b.iter_custom(|count| times(count, &|| tree(&pool))));
    group.finish();
    let mut group = criterion.benchmark_group("pool, round trip into an idle pool");
    group.sample_size(20);
    group.bench_function(name, |b| b.iter_custom(|count| round_trips(&pool, count)));
}

fn pools(criterion: &mut Criterion) {
    measure(criterion, "brummer", Brummer::new(Pin::Auto));
    measure(criterion, "brummer, not pinned", Brummer::new(Pin::Never));
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(workers()).build().expect("threads can be started");
    measure(criterion, "rayon", Rayon(rayon));
    measure(criterion, "crossbeam-channel", crossbeam_channel());
    measure(criterion, "kanal", kanal_channel());
    measure(criterion, "std mpsc", std_channel());
}

criterion_group!(benches, pools);
criterion_main!(benches);
