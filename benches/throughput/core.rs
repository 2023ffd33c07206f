//! The process table beside dashmap, and the segment log alone.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use brummer::sync::segment_log::{Limits, Line, SegmentLog, Spares};
use brummer::sync::{Key, SeqTable};
use brummer_benches::{Effort, Report, Row, log_line, million_per_second};
use dashmap::DashMap;

const ROWS: u64 = 64;

fn table() -> (SeqTable<4>, Vec<Key>) {
    let table = SeqTable::with_capacity(ROWS as usize);
    let keys = (0..ROWS).map(|i| table.insert([i; 4]).expect("there is room")).collect();
    (table, keys)
}

fn map() -> DashMap<u64, [u64; 4]> {
    (0..ROWS).map(|i| (i, [i; 4])).collect()
}

fn nanos(count: usize, work: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    (0..count as u64).for_each(work);
    start.elapsed().as_nanos() as f64 / count as f64
}

/// Reads and writes a second, in millions, of one reader beside one writer, both as fast as they can.
fn beside(read: impl Fn(u64) + Sync, write: impl FnMut(u64) + Send, time: Duration) -> (f64, f64) {
    let stop = AtomicBool::new(false);
    let (reads, writes) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut write = write;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let (stop, reads, writes) = (&stop, &reads, &writes);
        scope.spawn(move || {
            let mut done = 0;
            while !stop.load(Ordering::Relaxed) {
                (0..1000).for_each(|i| write(done + i));
                done += 1000;
            }
            writes.store(done, Ordering::Relaxed);
        });
        scope.spawn(|| {
            let mut done = 0;
            while !stop.load(Ordering::Relaxed) {
                (0..1000).for_each(|i| read(done + i));
                done += 1000;
            }
            reads.store(done, Ordering::Relaxed);
        });
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
    });
    let took = start.elapsed();
    let rate = |count: &AtomicU64| million_per_second(count.load(Ordering::Relaxed) as usize, took);
    (rate(&reads), rate(&writes))
}

/// Measures table and segment log.
pub fn run(report: &mut Report, effort: Effort) {
    report.section("process table, 64 rows of 4 words");
    let count = effort.size(20_000_000);
    let ((table, keys), map) = (table(), map());
    let key = |i: u64| keys[(i % ROWS) as usize];
    report.row(
        &Row::lower("read, alone", "ns", effort.median(|| nanos(count, |i| _ = black_box(table.read(key(i))))))
            .target(3.0)
            .peer(
                "dashmap",
                effort.median(|| nanos(count / 10, |i| _ = black_box(map.get(&(i % ROWS)).map(|row| *row)))),
            ),
    );
    report.row(
        &Row::lower(
            "write, alone",
            "ns",
            effort.median(|| nanos(count, |i| _ = black_box(table.write(key(i), [i; 4])))),
        )
        .peer("dashmap", effort.median(|| nanos(count / 10, |i| _ = map.insert(i % ROWS, [i; 4])))),
    );
    let mut writer = table.writer(keys[0]).expect("nobody else writes");
    report.row(
        &Row::lower("write, by the row's owner", "ns", effort.median(|| nanos(count, |i| writer.write([i; 4]))))
            .target(3.0),
    );
    drop(writer);
    let time = Duration::from_millis(if effort.rounds == 1 { 200 } else { 1000 });
    let mut writer = table.writer(keys[0]).expect("nobody else writes");
    let ours = beside(|i| _ = black_box(table.read(key(i))), |i| writer.write([i; 4]), time);
    let theirs =
        beside(|i| _ = black_box(map.get(&(i % ROWS)).map(|row| *row)), |i| _ = map.insert(i % ROWS, [i; 4]), time);
    report.row(&Row::higher("reads beside a writer flat out", "M/s", ours.0).target(60.0).peer("dashmap", theirs.0));
    report.row(&Row::higher("writes beside that reader", "M/s", ours.1).target(40.0).peer("dashmap", theirs.1));
    append(report, effort);
}

fn append(report: &mut Report, effort: Effort) {
    report.section("segment log, lines of 100 bytes");
    let lines: Vec<Vec<u8>> = (0..1000).map(|number| log_line(number, 99)).collect();
    let count = effort.size(5_000_000);
    let nanos = effort.median(|| {
        // As many as the log store keeps: what is evicted is written again, not allocated anew.
        let mut log = SegmentLog::with_spares(Limits::default(), Spares::new(64));
        let start = Instant::now();
        append_all(&mut log, count, &lines);
        start.elapsed().as_nanos() as f64 / count as f64
    });
    report.row(&Row::lower("append, published every 64 lines", "ns", nanos).target(12.0));
    for (writers, target) in [(1, 30.0), (4, 14.0)] {
        let rate = effort.median(|| followed(writers, count / writers, &lines));
        report
            .row(&Row::higher(format!("{writers} writers beside a polling reader"), "M lines/s", rate).target(target));
    }
}

/// Writers with a log each, and one reader that looks at the newest lines of all of them, again and again.
fn followed(writers: usize, count: usize, lines: &[Vec<u8>]) -> f64 {
    let mut logs: Vec<SegmentLog> = (0..writers).map(|_| SegmentLog::new(Limits::default())).collect();
    let readers: Vec<_> = logs.iter().map(SegmentLog::reader).collect();
    let stop = AtomicBool::new(false);
    let mut took = Duration::ZERO;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = vec![None; readers.len()];
            while !stop.load(Ordering::Relaxed) {
                for (reader, last) in readers.iter().zip(&mut last) {
                    if reader.last_seq() != *last {
                        *last = reader.last_seq();
                        black_box(reader.snapshot().lines().rev().take(50).map(|line| line.text.len()).sum::<usize>());
                    }
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let start = Instant::now();
        let threads: Vec<_> = logs.iter_mut().map(|log| scope.spawn(|| append_all(log, count, lines))).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no writer panics"));
        took = start.elapsed();
        stop.store(true, Ordering::Relaxed);
    });
    million_per_second(count * writers, took)
}

/// Appends, publishes every 64 lines, and keeps the last 100,000.
fn append_all(log: &mut SegmentLog, count: usize, lines: &[Vec<u8>]) {
    let keeper = log.keeper();
    for seq in 0..count as u64 {
        let text = &lines[(seq % 1000) as usize];
        log.append(&[text, b"\n"], Line { seq: seq + 1, time: seq, tag: 1, extra: 0 }).expect("it fits");
        if seq % 64 == 63 {
            log.publish();
        }
        if seq % 8192 == 8191 {
            while keeper.evict_oldest_keeping(100_000).is_some() {}
        }
    }
}
