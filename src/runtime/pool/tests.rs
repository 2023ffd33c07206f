//! The pool's promises, one by one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use super::*;
use crate::runtime::pool::Pin;
use crate::runtime::topology::Topology;

const LONG: Duration = Duration::from_secs(60);

fn pool(workers: usize) -> Pool {
    Pool::new(PoolConfig { workers: Some(workers), ..PoolConfig::default() }).unwrap()
}

fn bump(count: &AtomicUsize) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::yield_now();
    }
}

/// Keeps a worker busy until the sender is dropped.
fn block(pool: &Pool) -> mpsc::Sender<()> {
    let (sender, receiver) = mpsc::channel::<()>();
    let (begun, beginning) = mpsc::channel();
    let work = move || {
        begun.send(()).unwrap();
        let _ = receiver.recv();
    };
    pool.spawn(Priority::High, work).unwrap();
    beginning.recv_timeout(LONG).unwrap();
    sender
}

#[test]
fn wp01_every_accepted_task_runs_exactly_once_from_many_threads() {
    let pool = pool(4);
    let runs: Arc<Vec<AtomicUsize>> = Arc::new((0..40_000).map(|_| AtomicUsize::new(0)).collect());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (pool, runs) = (&pool, &runs);
            scope.spawn(move || {
                for index in (thread..runs.len()).step_by(4) {
                    let runs = Arc::clone(runs);
                    let priority = [Priority::High, Priority::Normal, Priority::Low][index % 3];
                    pool.spawn(priority, move || bump(&runs[index])).unwrap();
                }
            });
        }
    });
    pool.shutdown(LONG).unwrap();
    assert!(runs.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    assert_eq!(pool.metrics().executed, 40_000);
}

#[test]
fn wp01_a_task_whose_context_is_cancelled_first_never_runs_and_is_counted() {
    let (pool, context) = (pool(1), Context::background());
    let blocked = block(&pool);
    let handle = pool.submit(&context, Priority::Normal, || panic!("ran")).unwrap();
    context.cancel();
    drop(blocked);
    let error = handle.wait(&Context::background()).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Concurrency, "cancelled"));
    assert_eq!((pool.metrics().context_cancels, pool.metrics().panicked), (1, 0));
    assert!(pool.submit(&context, Priority::Normal, || ()).is_err());
}

#[test]
fn wp02_a_handle_tells_id_deadline_and_result() {
    let (pool, context) = (pool(2), Context::background());
    let first = pool.submit(&context, Priority::High, || "one").unwrap();
    let timed = context.with_timeout(LONG);
    let second = pool.submit(&timed, Priority::Low, || "two").unwrap();
    assert!(first.id() < second.id() && second.deadline() == timed.deadline() && first.deadline().is_none());
    assert_eq!((first.wait(&context).unwrap(), second.wait(&context).unwrap()), ("one", "two"));
    assert_eq!(first.wait(&context).unwrap_err().code(), Code::InvalidState);
}

#[test]
fn wp02_a_panic_is_contained_and_reported() {
    let (pool, context) = (pool(1), Context::background());
    let handle = pool.submit(&context, Priority::Normal, || -> u32 { panic!("odd {}", 7) }).unwrap();
    let error = handle.wait(&context).unwrap_err();
    assert!(error.code() == Code::Concurrency && error.message().contains("odd 7"), "{error}");
    pool.spawn(Priority::Normal, || panic!("alone")).unwrap();
    assert_eq!(pool.submit(&context, Priority::Normal, || 5).unwrap().wait(&context).unwrap(), 5, "the worker lives");
    until("both panics are counted", || pool.metrics().panicked == 2);
}

#[test]
fn wp02_a_task_past_its_deadline_is_reported_as_timed_out() {
    let (pool, context) = (pool(1), Context::background());
    // Soon, and yet not before it is submitted.
    let brief = context.with_timeout(Duration::from_millis(500));
    let inside = brief.clone();
    let late = pool.submit(&brief, Priority::Normal, move || while inside.check().is_ok() {}).unwrap();
    assert!(late.wait(&context).unwrap_err().is_timeout());
    let blocked = block(&pool);
    let brief = context.with_timeout(Duration::from_millis(500));
    let never = pool.submit(&brief, Priority::Normal, || panic!("ran")).unwrap();
    assert!(never.wait(&brief).unwrap_err().is_timeout(), "the waiter's own time");
    drop(blocked);
    assert!(never.wait(&context).unwrap_err().is_timeout());
    assert_eq!((pool.metrics().timed_out, pool.metrics().panicked), (2, 0));
}

#[test]
fn wp03_workers_come_and_go_and_no_task_is_lost() {
    let (pool, ran) = (pool(2), Arc::new(AtomicUsize::new(0)));
    let mut expected = 0;
    for count in [8, 1, 5, 3, 48, 1, 2] {
        for _ in 0..500 {
            let (inner, again, ran) = (Arc::clone(&ran), pool.clone(), Arc::clone(&ran));
            pool.spawn(Priority::Normal, move || {
                ran.fetch_add(1, Ordering::Relaxed);
                again.spawn(Priority::Normal, move || bump(&inner)).unwrap();
            })
            .unwrap();
        }
        expected += 1000;
        pool.scale(count).unwrap();
    }
    until("all have run", || ran.load(Ordering::Relaxed) == expected);
    until("the others have left", || pool.metrics().workers == 2);
    assert_eq!(pool.scale(0).unwrap_err().code(), Code::InvalidState);
}

#[test]
fn wp04_shutdown_finishes_what_was_accepted_and_is_idempotent() {
    let (pool, ran) = (pool(3), Arc::new(AtomicUsize::new(0)));
    for _ in 0..1000 {
        let (again, ran) = (pool.clone(), Arc::clone(&ran));
        let work = move || {
            ran.fetch_add(1, Ordering::Relaxed);
            again.spawn(Priority::Low, move || bump(&ran)).unwrap();
        };
        pool.spawn(Priority::Normal, work).unwrap();
    }
    pool.shutdown(LONG).unwrap();
    assert_eq!(ran.load(Ordering::Relaxed), 2000, "tasks that tasks spawn during the shutdown are finished too");
    pool.shutdown(Duration::ZERO).unwrap();
    assert_eq!(pool.spawn(Priority::Normal, || ()).unwrap_err().code(), Code::InvalidState);
    assert_eq!(pool.scale(2).unwrap_err().code(), Code::InvalidState);
}

#[test]
fn wp04_shutdown_times_out_with_the_number_left() {
    let pool = pool(1);
    let blocked = block(&pool);
    for _ in 0..3 {
        pool.spawn(Priority::Normal, || ()).unwrap();
    }
    let error = pool.shutdown(Duration::from_millis(5)).unwrap_err();
    assert!(error.is_timeout() && error.get("left") == Some("4"), "{error}");
    drop(blocked);
    pool.shutdown(LONG).unwrap();
}

#[test]
fn wp04_a_push_that_meets_the_shutdown_is_run_or_refused() {
    for _ in 0..200 {
        let (pool, ran) = (pool(1), Arc::new(AtomicUsize::new(0)));
        let (pusher, count, barrier) = (pool.clone(), Arc::clone(&ran), Arc::new(Barrier::new(2)));
        let both = Arc::clone(&barrier);
        let thread = std::thread::spawn(move || {
            both.wait();
            let push = || {
                let count = Arc::clone(&count);
                pusher.spawn(Priority::Normal, move || bump(&count))
            };
            (0..50).map(|_| push()).filter(Result::is_ok).count()
        });
        barrier.wait();
        pool.shutdown(LONG).unwrap();
        assert_eq!(thread.join().unwrap(), ran.load(Ordering::Relaxed));
    }
}

#[test]
fn wp04_dropping_the_last_handle_lets_the_workers_finish() {
    let (sender, receiver) = mpsc::channel();
    let pool = pool(2);
    for _ in 0..100 {
        let sender = sender.clone();
        pool.spawn(Priority::Low, move || sender.send(()).unwrap()).unwrap();
    }
    drop((pool, sender));
    assert_eq!(receiver.iter().count(), 100);
}

#[test]
fn wp05_metrics_count_depth_and_utilisation() {
    let pool = pool(1);
    until("the worker sleeps", || pool.metrics().sleeping == 1);
    let blocked = block(&pool);
    pool.metrics();
    for (priority, count) in [(Priority::High, 1), (Priority::Normal, 2), (Priority::Low, 3)] {
        (0..count).for_each(|_| pool.spawn(priority, || ()).unwrap());
    }
    let busy = pool.metrics();
    assert_eq!(busy.queue_depth, [1, 2, 3]);
    assert!(busy.utilisation > 0.9, "{busy:?}");
    drop(blocked);
    until("all is done", || pool.metrics().executed == 7 && pool.metrics().sleeping == 1);
    pool.metrics();
    Context::background().wait(Duration::from_millis(20)).unwrap();
    let idle = pool.metrics();
    assert!(idle.utilisation < 0.5 && idle.queue_depth == [0; 3], "{idle:?}");
}

/// A task spawns another and waits for it, so the other worker of two must steal it.
fn steal_once(pool: &Pool) {
    let (inside, (sender, receiver)) = (pool.clone(), mpsc::channel());
    let waits_for_its_own = move || {
        let (stolen, stealing) = mpsc::channel();
        inside.spawn(Priority::Normal, move || stolen.send(()).unwrap()).unwrap();
        sender.send(stealing.recv_timeout(LONG)).unwrap();
    };
    pool.spawn(Priority::Normal, waits_for_its_own).unwrap();
    assert_eq!(receiver.recv_timeout(LONG).unwrap(), Ok(()));
}

#[test]
fn wp05_metrics_count_steals_and_those_across_numa_nodes() {
    for (nodes, crossed) in [(vec![0, 0], 0), (vec![0, 1], 1)] {
        let topology = Some(Topology::described(vec![0, 1], None).on_nodes(nodes));
        let pool = Pool::new(PoolConfig { workers: Some(2), pin: Pin::Never, topology, ..PoolConfig::default() });
        let pool = pool.unwrap();
        for round in 1..=20 {
            steal_once(&pool);
            let metrics = pool.metrics();
            assert_eq!((metrics.steal_successes, metrics.numa_crossings), (round, round * crossed), "{metrics:?}");
            assert!(metrics.steal_attempts >= round, "{metrics:?}");
        }
    }
}

#[test]
fn wp05_metrics_count_what_is_cancelled_before_it_runs_and_nothing_else() {
    let (pool, background) = (pool(2), Context::background());
    let (cancelled, kept) = (background.child(), background.child());
    let blocked = [block(&pool), block(&pool)];
    let submit = |context: &Context| pool.submit(context, Priority::Normal, || ()).unwrap();
    let (gone, run): (Vec<_>, Vec<_>) = (0..3).map(|_| (submit(&cancelled), submit(&kept))).unzip();
    cancelled.cancel();
    assert_eq!(pool.metrics().context_cancels, 0, "counted when its turn comes");
    drop(blocked);
    assert!(gone.iter().all(|handle| handle.wait(&background).is_err()));
    assert!(run.iter().all(|handle| handle.wait(&background).is_ok()));
    let metrics = pool.metrics();
    assert_eq!((metrics.context_cancels, metrics.timed_out, metrics.panicked), (3, 0, 0), "{metrics:?}");
}

#[test]
fn wp06_others_steal_what_a_busy_worker_has_spawned() {
    steal_once(&pool(2));
}

#[test]
fn wp06_no_wake_up_is_lost_in_many_round_trips() {
    let (pool, context) = (pool(4), Context::background().with_timeout(LONG));
    for round in 0..5000_u32 {
        assert_eq!(pool.submit(&context, Priority::Normal, move || round).unwrap().wait(&context).unwrap(), round);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn wp06_parked_workers_cost_no_cpu() {
    let pool =
        Pool::new(PoolConfig { workers: Some(4), name: "brummer-idle".to_owned(), ..PoolConfig::default() }).unwrap();
    let names: Vec<_> = (0..4).map(|index| format!("brummer-idle-{index}")).collect();
    until("all sleep", || pool.metrics().sleeping == 4);
    let ours = || -> Vec<String> {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let status = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok());
        status.filter(|text| names.iter().any(|name| text.starts_with(&format!("Name:\t{name}\n")))).collect()
    };
    let switches = || -> u64 {
        let count = |text: String| -> u64 {
            text.lines()
                .filter(|line| line.contains("ctxt_switches"))
                .filter_map(|l| l.split_once('\t')?.1.parse::<u64>().ok())
                .sum()
        };
        ours().into_iter().map(count).sum()
    };
    // A worker that has announced its sleep may still be on its way into the kernel, and on a busy machine it waits there for
    // its turn.
    let sleep = || ours().iter().filter(|text| text.contains("\nState:\tS")).count() == 4;
    let mut before = switches();
    let deadline = Instant::now() + LONG;
    while {
        Context::background().wait(Duration::from_millis(20)).unwrap();
        (std::mem::replace(&mut before, switches()) != before || !sleep()) && Instant::now() < deadline
    } {}
    Context::background().wait(Duration::from_millis(300)).unwrap();
    assert_eq!(switches(), before, "a sleeping worker woke up without work");
    assert_eq!(pool.metrics().sleeping, 4);
}

#[test]
fn wp06_low_tasks_are_served_beside_a_flood_of_high_ones() {
    let pool = pool(1);
    let (stop, (sender, receiver)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel());
    fn flood(pool: Pool, stop: Arc<AtomicUsize>) {
        if stop.load(Ordering::Relaxed) == 0 {
            let again = (pool.clone(), Arc::clone(&stop));
            pool.spawn(Priority::High, move || flood(again.0, again.1)).unwrap();
        }
    }
    flood(pool.clone(), Arc::clone(&stop));
    flood(pool.clone(), Arc::clone(&stop));
    for priority in [Priority::Low, Priority::Normal] {
        let sender = sender.clone();
        pool.spawn(priority, move || sender.send(priority).unwrap()).unwrap();
    }
    assert!(receiver.recv_timeout(LONG).is_ok() && receiver.recv_timeout(LONG).is_ok());
    stop.store(1, Ordering::Relaxed);
}

#[test]
fn wp06_an_old_task_is_served_beside_one_that_spawns_itself_for_ever() {
    let pool = pool(1);
    let (stop, (sender, receiver)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel());
    fn forever(pool: Pool, stop: Arc<AtomicUsize>) {
        if stop.load(Ordering::Relaxed) == 0 {
            let again = (pool.clone(), Arc::clone(&stop));
            pool.spawn(Priority::Normal, move || forever(again.0, again.1)).unwrap();
        }
    }
    let (first, flag) = (pool.clone(), Arc::clone(&stop));
    let spawns_an_old_one = move || {
        first.spawn(Priority::Normal, move || sender.send(()).unwrap()).unwrap();
        forever(first, flag);
    };
    pool.spawn(Priority::Normal, spawns_an_old_one).unwrap();
    assert!(receiver.recv_timeout(LONG).is_ok());
    stop.store(1, Ordering::Relaxed);
}

#[test]
fn wp08_bounds_and_observer_change_at_run_time() {
    struct Seen(mpsc::Sender<&'static str>);
    impl Observer for Seen {
        fn finished(&self, _: usize, _: Duration) {
            let _ = self.0.send("finished");
        }
        fn panicked(&self, _: usize, report: &crate::runtime::panics::PanicReport) {
            assert_eq!(&*report.text, "seen");
            let _ = self.0.send("panicked");
        }
    }
    let pool = pool(1);
    pool.set_config(&PoolConfig { bounds: [2, 2, 2], ..PoolConfig::default() }).unwrap();
    let blocked = block(&pool);
    (0..2).for_each(|_| pool.spawn(Priority::Low, || ()).unwrap());
    let error = pool.spawn(Priority::Low, || ()).unwrap_err();
    assert!(error.code() == Code::ResourceLimit && error.is_temporary(), "{error}");
    assert_eq!(pool.metrics().refused, 1);
    drop(blocked);
    until("the queue is empty", || pool.metrics().executed == 3);

    let (sender, receiver) = mpsc::channel();
    pool.instrument(Some(Box::new(Seen(sender))));
    pool.spawn(Priority::Normal, || panic!("seen")).unwrap();
    assert_eq!([(); 2].map(|()| receiver.recv_timeout(LONG).unwrap()), ["panicked", "finished"]);
    pool.instrument(None);
    assert!(pool.set_config(&PoolConfig { workers: Some(99), ..PoolConfig::default() }).is_err());
    pool.set_config(&PoolConfig { workers: Some(3), pin: Pin::Never, ..PoolConfig::default() }).unwrap();
    assert_eq!(pool.metrics().workers, 3);
}

#[test]
fn eb12_workers_are_named_and_pinned_as_wanted() {
    let (pool, context) = (Pool::new(PoolConfig::default()).unwrap(), Context::background());
    let expected = Topology::read().workers();
    assert_eq!(pool.metrics().workers, expected);
    let name = pool.submit(&context, Priority::Normal, || std::thread::current().name().map(str::to_owned)).unwrap();
    let name = name.wait(&context).unwrap().unwrap();
    assert!(name.strip_prefix("brummer-pool-").unwrap().parse::<usize>().unwrap() < expected);
    let mask = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for (pin, cpus) in [(Pin::Always, 1), (Pin::Never, mask())] {
        let pool = Pool::new(PoolConfig { workers: Some(2), pin, ..PoolConfig::default() }).unwrap();
        let seen = pool.submit(&context, Priority::Normal, mask).unwrap().wait(&context).unwrap();
        assert!(seen == cpus || !cfg!(target_os = "linux"), "{pin:?}: {seen} CPUs");
        assert!(pin != Pin::Never || pool.metrics().pinned == 0);
    }
}
