//! The log store: what a line costs on its whole way in, and how fast a million lines are searched.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use brummer::event::{Ending, ProcessId, Stream};
use brummer::logs::{Case, LogLimits, LogStore, PatternOptions, Query};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use memchr::memmem;

const BATCH: u64 = 500;

/// 100 bytes as a web server writes them.
fn plain_lines() -> Vec<Vec<u8>> {
    let line = |at: usize| {
        format!(
            "12:34:56.{:03} GET /api/items/{:08} 200 in {:3} ms, {:5} bytes, cache hit",
            at % 1000,
            at * 7919,
            at % 300,
            at % 65536
        )
    };
    (0..1000).map(|at| format!("{:<100.100}", line(at)).into_bytes()).collect()
}

/// The same in colours.
fn coloured_lines() -> Vec<Vec<u8>> {
    let colour = |line: Vec<u8>| [b"\x1b[32m", &line[..40], b"\x1b[0m", &line[40..89]].concat();
    plain_lines().into_iter().map(colour).collect()
}

/// Lines that say something: an address, an error, a JSON record.
fn telling_lines(kind: &str) -> Vec<Vec<u8>> {
    let line = |at: usize| match kind {
        "url" => format!(
            "  Local:   http://localhost:{}/ is ready, press h and enter to see what else there is to do",
            3000 + at % 5
        ),
        "error" => {
            format!("Error: connect ECONNREFUSED 127.0.0.1:5432, attempt {at} of the connection pool to the database")
        }
        _ => format!(
            r#"{{"level":30,"time":1700000000{at:03},"pid":42,"hostname":"dev","msg":"request completed","ms":{at}}}"#
        ),
    };
    (0..1000).map(|at| format!("{:<100.100}", line(at)).into_bytes()).collect()
}

fn limits() -> LogLimits {
    LogLimits { max_total_entries: 2_000_000, max_bytes: 256 << 20, ..LogLimits::default() }
}

/// Adds `count` lines through `writers` writers at once, each on its own thread; the time of all.
fn write(store: &Arc<LogStore>, lines: &[Vec<u8>], writers: u64, count: u64) -> Duration {
    let begin = Instant::now();
    thread::scope(|scope| {
        for id in 0..writers {
            let mut writer = store.writer(ProcessId(id), "bench");
            scope.spawn(move || {
                for (at, line) in (0..count / writers).zip(lines.iter().cycle()) {
                    writer.line(Stream::Out, line, Ending::Newline);
                    if at % BATCH == BATCH - 1 {
                        black_box(writer.publish());
                    }
                }
            });
        }
    });
    begin.elapsed()
}

/// The plain implementation: one lock, one string a line, 200,000 of them.
fn write_mutex(lines: &[Vec<u8>], writers: u64, count: u64) -> Duration {
    let deque = Mutex::new(VecDeque::<String>::with_capacity(200_001));
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                for (_, line) in (0..count / writers).zip(lines.iter().cycle()) {
                    let text = String::from_utf8_lossy(line).into_owned();
                    let mut deque = deque.lock().expect("no thread panics");
                    deque.push_back(text);
                    if deque.len() > 200_000 {
                        deque.pop_front();
                    }
                }
            });
        }
    });
    begin.elapsed()
}

fn adding(c: &mut Criterion) {
    let mut group = c.benchmark_group("store/add");
    group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    let plain = plain_lines();
    let kinds = [("plain", plain.clone()), ("coloured", coloured_lines()), ("url", telling_lines("url"))];
    let more = [("error", telling_lines("error")), ("json", telling_lines("json"))];
    for (kind, lines) in kinds.into_iter().chain(more) {
        let store = LogStore::new(limits());
        group.bench_function(BenchmarkId::new("1 writer", kind), |b| {
            b.iter_custom(|count| write(&store, &lines, 1, count))
        });
    }
    let store = LogStore::new(limits());
    group.bench_function("4 writers/plain", |b| b.iter_custom(|count| write(&store, &plain, 4, count)));
    for writers in [1, 4] {
        let name = format!("Mutex<VecDeque<String>>, kept as it is, {writers}");
        group.bench_function(name, |b| b.iter_custom(|count| write_mutex(&plain, writers, count)));
    }
    group.finish();
}

fn searching(c: &mut Criterion) {
    let store = LogStore::new(limits());
    let mut lines = plain_lines();
    lines[500][60..66].copy_from_slice(b"Needle");
    for id in 0..4 {
        let mut writer = store.writer(ProcessId(id), "bench");
        for (at, line) in (0..250_000).zip(lines.iter().cycle()) {
            writer.line(Stream::Out, line, Ending::Newline);
            if at % 500 == 0 {
                writer.publish();
            }
        }
    }
    let one: Vec<u8> =
        (0..1_000_000).zip(lines.iter().cycle()).flat_map(|(_, line)| [&line[..], b"\n"].concat()).collect();
    let mut group = c.benchmark_group("store/search");
    group.throughput(Throughput::Bytes(one.len() as u64)).sample_size(20).measurement_time(Duration::from_secs(3));
    group.warm_up_time(Duration::from_millis(500));
    group.bench_function("memmem on one buffer", |b| {
        b.iter(|| assert_eq!(memmem::find_iter(&one, b"Needle").count(), 1_000));
    });
    let snapshot = store.snapshot();
    let query = |text: &str, regex, case| Query {
        text: text.into(),
        options: PatternOptions { regex, case, word: false },
        ..Query::default()
    };
    let queries = [
        ("literal", query("Needle", false, Case::Exact)),
        ("any case", query("needle", false, Case::Any)),
        ("regex", query(r"Needle\s+hit|N[e]+dle", true, Case::Exact)),
    ];
    for (name, query) in queries {
        group.bench_function(name, |b| {
            b.iter(|| assert_eq!(snapshot.search(&query, &|| false).expect("a good pattern").count, 1_000));
        });
        group.bench_function(format!("{name}, two threads"), |b| {
            b.iter(|| {
                let searcher = snapshot.searcher(&query).expect("a good pattern");
                thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(|| searcher.work(&|| false)))));
                assert_eq!(searcher.found().count, 1_000);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, adding, searching);
criterion_main!(benches);
