//! What a line costs to keep and to search, and what a value costs to queue, beside peers: `cargo bench --bench log`.
#![allow(clippy::print_stdout)]

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use brummer::sync::priority_queue::{Priority, PriorityQueue};
use brummer::sync::ring::{Full, Ring};
use brummer::sync::segment_log::{Limits, Line, SegmentLog};
use crossbeam::queue::ArrayQueue;
use memchr::memmem;

/// One line of a plausible length; its last byte ends it.
const LINE: [u8; 100] = {
    let mut line = [b'x'; 100];
    line[99] = b'\n';
    line
};
/// Lines between two publishes.
const BATCH: u64 = 64;
/// Lines that are kept.
const KEPT: usize = 10_000;
const ROUNDS: usize = 9;

fn main() {
    append_a_line();
    queue_a_value();
    search();
}

/// The median time of one of `count` operations, in nanoseconds, over several rounds of `work`.
fn nanoseconds(count: u64, mut work: impl FnMut(u64)) -> f64 {
    work(count);
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            work(count);
            started.elapsed().as_nanos() as f64 / count as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn row(what: &str, value: f64, unit: &str) {
    println!("{what:<64} {value:>8.1} {unit}");
}

fn append_a_line() {
    println!("append one line of 100 bytes, {KEPT} kept, one thread");
    let mut log = SegmentLog::new(Limits::default());
    let (keeper, mut seq) = (log.keeper(), 0);
    let ours = nanoseconds(1_000_000, |lines| {
        for _ in 0..lines {
            seq += 1;
            log.append(&[&LINE], Line { seq, time: seq, tag: 0, extra: 0 }).expect("short and in order");
            if seq % BATCH == 0 {
                log.publish();
            }
            if seq % 4096 == 0 {
                while keeper.evict_oldest_keeping(KEPT as u64).is_some() {}
            }
        }
    });
    row("segment log, published every 64 lines (target 12)", ours, "ns");
    let reader = log.reader();
    row("segment log, memory per line (target 120)", reader.bytes() as f64 / reader.lines() as f64, "bytes");

    let (mut producer, mut consumer) = rtrb::RingBuffer::<u8>::new(KEPT * LINE.len());
    let bytes = nanoseconds(1_000_000, |lines| {
        for at in 0..lines {
            let mut chunk = producer.write_chunk(LINE.len()).expect("drained below");
            let (first, second) = chunk.as_mut_slices();
            let (left, right) = LINE.split_at(first.len());
            first.copy_from_slice(left);
            second.copy_from_slice(right);
            chunk.commit_all();
            if at % BATCH == 0 {
                consumer.read_chunk(consumer.slots()).expect("as many as there are").commit_all();
            }
        }
    });
    row("rtrb, raw bytes, nothing kept", bytes, "ns");

    let text = std::str::from_utf8(&LINE).expect("ASCII");
    let deque = Mutex::new(VecDeque::with_capacity(KEPT));
    let locked = nanoseconds(1_000_000, |lines| {
        for _ in 0..lines {
            let mut deque = deque.lock().expect("nobody panics");
            if deque.len() == KEPT {
                deque.pop_front();
            }
            deque.push_back(text.to_owned());
        }
    });
    row("Mutex<VecDeque<String>>", locked, "ns");

    let queue = ArrayQueue::<Box<str>>::new(KEPT);
    let boxed = nanoseconds(1_000_000, |lines| (0..lines).for_each(|_| drop(queue.force_push(text.into()))));
    row("crossbeam ArrayQueue<Box<str>>, force_push", boxed, "ns");
}

/// A bounded queue that refuses when it is full.
trait Queue: Send + Sync + 'static {
    fn push(&self, value: u64) -> bool;
    fn pop(&self) -> Option<u64>;
}

impl Queue for Ring<u64> {
    fn push(&self, value: u64) -> bool {
        self.push(value) != Err(Full(value))
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl Queue for ArrayQueue<u64> {
    fn push(&self, value: u64) -> bool {
        self.push(value).is_ok()
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl Queue for PriorityQueue<u64> {
    fn push(&self, value: u64) -> bool {
        self.push(Priority::Normal, value).is_ok()
    }

    fn pop(&self) -> Option<u64> {
        self.pop().map(|(_, value)| value)
    }
}

struct Kanal(kanal::Sender<u64>, kanal::Receiver<u64>);

impl Queue for Kanal {
    fn push(&self, value: u64) -> bool {
        self.0.try_send(value).unwrap_or(false)
    }

    fn pop(&self) -> Option<u64> {
        self.1.try_recv().ok().flatten()
    }
}

fn queue_a_value() {
    println!("\nqueue one word, capacity 1024: push and pop on one thread; across two threads");
    let (sender, receiver) = kanal::bounded(1024);
    queue_row("ring", Ring::new(1024));
    queue_row("crossbeam ArrayQueue", ArrayQueue::new(1024));
    queue_row("kanal bounded, try_send, try_recv", Kanal(sender, receiver));
    queue_row("priority queue", PriorityQueue::new([100, 1024, 1000]));

    let (ring, mut batch) = (Ring::new(1024), Vec::with_capacity(BATCH as usize));
    let batched = nanoseconds(1 << 20, |values| {
        for _ in 0..values / BATCH {
            (0..BATCH).for_each(|value| ring.push(value).expect("drained below"));
            ring.pop_many(&mut batch, BATCH as usize);
            black_box(&mut batch).clear();
        }
    });
    row("ring, popped in batches of 64: one thread", batched, "ns");
}

fn queue_row(name: &str, queue: impl Queue) {
    let alone = nanoseconds(1_000_000, |values| {
        for value in 0..values {
            assert!(queue.push(value));
            black_box(queue.pop());
        }
    });
    row(&format!("{name}: one thread"), alone, "ns");
    let queue = Arc::new(queue);
    let across = nanoseconds(1_000_000, |values| {
        let taker = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut taken = 0;
                while taken < values {
                    match queue.pop() {
                        Some(value) => taken += u64::from(black_box(value) < values),
                        None => thread::yield_now(),
                    }
                }
            }
        });
        for value in 0..values {
            while !queue.push(value) {
                thread::yield_now();
            }
        }
        taker.join().expect("it only counts");
    });
    row(&format!("{name}: two threads"), across, "ns");
}

fn search() {
    const LINES: u64 = 500_000;
    println!("\nsearch {LINES} lines of 100 bytes, one hit in 10,000, one thread");
    let mut log = SegmentLog::new(Limits::default());
    for seq in 0..LINES {
        let mut line = LINE;
        if seq % 10_000 == 0 {
            line[40..46].copy_from_slice(b"needle");
        }
        log.append(&[&line], Line { seq, ..Line::default() }).expect("short and in order");
    }
    log.publish();
    let snapshot = log.reader().snapshot();
    let whole: Vec<u8> = snapshot.segments().flat_map(|segment| segment.text().to_vec()).collect();
    let finder = memmem::Finder::new(b"needle");
    let bytes = whole.len() as u64;

    let segments = nanoseconds(bytes, |_| {
        let hits = snapshot.segments().map(|segment| {
            let lines = finder.find_iter(segment.text()).filter_map(|at| segment.line(segment.line_at_offset(at)));
            lines.filter(|line| black_box(line.seq) % 10_000 == 0).count()
        });
        assert_eq!(hits.sum::<usize>() as u64, LINES / 10_000);
    });
    row("memmem over the segments, lines found by offset (target 8)", 1.0 / segments, "GB/s");
    let buffer = nanoseconds(bytes, |_| assert_eq!(finder.find_iter(&whole).count() as u64, LINES / 10_000));
    row("memmem over one contiguous buffer", 1.0 / buffer, "GB/s");
    let by_line = nanoseconds(bytes, |_| {
        let hits = snapshot.lines().filter(|line| finder.find(line.text).is_some()).count();
        assert_eq!(hits as u64, LINES / 10_000);
    });
    row("memmem line by line", 1.0 / by_line, "GB/s");
}
