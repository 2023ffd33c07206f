//! The log store: the whole way of a line in, its memory, and searches over a million lines.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use brummer::event::{Ending, ProcessId, Stream};
use brummer::logs::{LogLimits, LogStore, Query};
use brummer_benches::{Effort, Report, Row, log_line, million_per_second, rss_bytes};

const MIB: f64 = 1024.0 * 1024.0;

fn store() -> Arc<LogStore> {
    LogStore::new(LogLimits {
        max_entries: 1000,
        max_total_entries: 2_000_000,
        max_bytes: 512 << 20,
        ..LogLimits::default()
    })
}

fn lines() -> Vec<Vec<u8>> {
    (0..1000).map(|number| log_line(number, 100)).collect()
}

/// Writes `count` lines with each of `writers`, beside a reader that polls, if there is one.
fn write(writers: usize, count: usize, reader: bool) -> f64 {
    let (store, lines, stop) = (store(), lines(), AtomicBool::new(false));
    let mut took = Duration::ZERO;
    std::thread::scope(|scope| {
        if reader {
            scope.spawn(|| {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    let version = store.version();
                    if version != last {
                        last = version;
                        let snapshot = store.snapshot();
                        std::hint::black_box(
                            snapshot.before(u64::MAX).take(50).map(|line| line.plain.len()).sum::<usize>(),
                        );
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        }
        let start = Instant::now();
        let threads: Vec<_> = (0..writers)
            .map(|id| {
                let (store, lines) = (&store, &lines);
                scope.spawn(move || {
                    let mut writer = store.writer(ProcessId(id as u64 + 1), "bench");
                    for number in 0..count {
                        writer.line(Stream::Out, &lines[number % 1000], Ending::Newline);
                        if number % 100 == 99 {
                            writer.publish();
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no writer panics"));
        took = start.elapsed();
        stop.store(true, Ordering::Relaxed);
    });
    million_per_second(count * writers, took)
}

/// What most programs do: a queue of strings under a mutex.
fn mutex(writers: usize, count: usize) -> f64 {
    let (queue, lines) = (Mutex::new(VecDeque::with_capacity(200_000)), lines());
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                for number in 0..count {
                    let line = String::from_utf8_lossy(&lines[number % 1000]).into_owned();
                    let mut queue = queue.lock().expect("not poisoned");
                    if queue.len() == 200_000 {
                        queue.pop_front();
                    }
                    queue.push_back(line);
                }
            });
        }
    });
    million_per_second(count * writers, start.elapsed())
}

/// Measures the store.
pub fn run(report: &mut Report, effort: Effort) {
    report.section("log store, lines of 100 bytes: time, level, URL, errors; a batch of 100");
    let count = effort.size(1_000_000);
    let nanos = 1e3 / effort.median(|| write(1, count, false));
    report.row(
        &Row::lower("the whole add", "ns", nanos)
            .target(200.0)
            .peer("mutex (no detection)", 1e3 / effort.median(|| mutex(1, count))),
    );
    for writers in [1, 4] {
        let ours = effort.median(|| write(writers, count / writers, true));
        report.row(
            &Row::higher(format!("{writers} writers beside a polling reader, detection on"), "M lines/s", ours)
                .floor(0.001)
                .peer("mutex (no detection)", effort.median(|| mutex(writers, count / writers))),
        );
    }
    memory_and_search(report, effort);
}

fn memory_and_search(report: &mut Report, effort: Effort) {
    let (before, count) = (rss_bytes(std::process::id()), effort.size(1_000_000));
    let store = store();
    let mut writer = store.writer(ProcessId(1), "bench");
    for number in 0..count {
        let mut line = log_line(number, 100);
        if number % 10_000 == 5_000 {
            line[60..66].copy_from_slice(b"NEEDLE");
        }
        writer.line(Stream::Out, &line, Ending::Newline);
    }
    writer.publish();
    let held = rss_bytes(std::process::id()).saturating_sub(before) as f64;
    let metrics = store.metrics();
    report.row(&Row::lower("memory a line", "bytes", metrics.memory_mb * MIB / count as f64).target(120.0));
    report.row(&Row::lower(format!("resident memory for {count} lines"), "MiB", held / MIB).target(143.0));
    assert_eq!(metrics.total_entries, count as u64, "every line is kept");
    report.section(&format!("search over {count} lines, {} hits", count / 10_000));
    let query = Query { text: "NEEDLE".into(), ..Query::default() };
    let bytes = count as f64 * 101.0;
    let took = effort.median(|| {
        let start = Instant::now();
        let found = store.snapshot().search(&query, &|| false).expect("a literal");
        assert_eq!((found.hits.len(), found.complete), (count / 10_000, true));
        start.elapsed().as_secs_f64()
    });
    report.row(&Row::higher("literal, one thread", "GB/s", bytes / took / 1e9).target(9.0));
    let took = effort.median(|| {
        let start = Instant::now();
        let searcher = store.snapshot().searcher(&query).expect("a literal");
        std::thread::scope(|scope| {
            scope.spawn(|| searcher.work(&|| false));
            searcher.work(&|| false);
        });
        assert_eq!(searcher.found().hits.len(), count / 10_000);
        start.elapsed().as_secs_f64()
    });
    report.row(&Row::higher("literal, two threads, their start included", "GB/s", bytes / took / 1e9).target(17.0));
    report.row(&Row::lower("literal, two threads, the whole", "ms", took * 1e3).target(16.0));
    for (name, text, regex) in [("any case", "needle", false), ("regex", "NEE[A-Z]LE", true)] {
        let mut query = Query { text: text.into(), ..Query::default() };
        query.options.regex = regex;
        let took = effort.median(|| {
            let start = Instant::now();
            assert_eq!(store.snapshot().search(&query, &|| false).expect("a pattern").hits.len(), count / 10_000);
            start.elapsed().as_secs_f64()
        });
        report.row(&Row::higher(format!("{name}, one thread"), "GB/s", bytes / took / 1e9));
    }
}
