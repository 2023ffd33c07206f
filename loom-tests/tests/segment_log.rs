//! Models of the segment log: readers see whole published lines, and never memory that has been given out again.

use std::sync::atomic::{AtomicUsize, Ordering};

use brummer_loom_tests::sync::segment_log::{Limits, Line, SegmentLog, Snapshot, Spares};
use brummer_loom_tests::{check, mutation_is_caught, run, side};

/// Segments with 64 bytes behind the header: three short lines.
const TINY: Limits = Limits { first_segment_bytes: 128, segment_bytes: 128, line_bytes_max: 32 };
/// A line that fills such a segment.
const LONG: [u8; 32] = [7; 32];

fn line(seq: u64) -> Line {
    Line { seq, ..Line::default() }
}

fn append(log: &mut SegmentLog, seq: u64, text: &[u8]) {
    log.append(&[text], line(seq)).expect("short and in order");
}

/// Line `seq` has index `seq` in every model here.
fn whole(snapshot: &Snapshot) {
    let mut next = snapshot.range().start;
    for line in snapshot.lines() {
        assert_eq!((line.index, line.seq), (next, next));
        next += 1;
    }
    assert_eq!(next, snapshot.range().end);
}

fn two_publishes_beside_a_reader() {
    let mut log = SegmentLog::new(TINY);
    append(&mut log, 0, b"a");
    let reader = log.reader();
    let write = side(move || {
        log.publish();
        append(&mut log, 1, b"b");
        log.publish();
    });
    let read = side(move || {
        let promised = reader.last_seq();
        let snapshot = reader.snapshot();
        whole(&snapshot);
        assert!(promised.is_none_or(|seq| snapshot.range().end > seq), "a sequence was announced before its line");
        assert!(reader.snapshot().range().end >= snapshot.range().end, "went back");
    });
    run([write, read]);
}

#[test]
fn sy11_reader_sees_only_whole_published_lines() {
    check("segment log, 2 publishes, 1 reader", None, 3_000, two_publishes_beside_a_reader);
}

#[test]
fn sy11_reader_knows_of_every_tag_that_it_sees() {
    check("segment log, 2 publishes with tags, 1 reader", None, 300, || {
        let mut log = SegmentLog::new(TINY);
        log.append(&[b"a"], Line { tag: 1, ..line(0) }).expect("short");
        let reader = log.reader();
        let write = side(move || {
            log.publish();
            log.append(&[b"b"], Line { tag: 2, ..line(1) }).expect("short and in order");
            log.publish();
        });
        let read = side(move || {
            for segment in reader.snapshot().segments() {
                assert!(segment.lines().all(|line| line.tag & !segment.tags() == 0), "a line has a tag of no segment");
            }
        });
        run([write, read]);
    });
}

#[test]
fn sy11_reader_sees_a_gap_free_run_while_the_log_rolls() {
    check("segment log, 1 roll, 1 reader", None, 1_500, || {
        let mut log = SegmentLog::new(TINY);
        append(&mut log, 0, &LONG);
        let reader = log.reader();
        let write = side(move || {
            append(&mut log, 1, &LONG);
            log.publish();
        });
        run([write, side(move || whole(&reader.snapshot()))]);
    });
}

#[test]
fn sy11_recycled_segment_is_never_seen_by_an_old_reader() {
    static REUSED: AtomicUsize = AtomicUsize::new(0);
    static HELD: AtomicUsize = AtomicUsize::new(0);
    check("segment log, evict and reuse, 1 reader", None, 4_000, || {
        let spares = Spares::new(1);
        let mut log = SegmentLog::with_spares(TINY, spares.clone());
        append(&mut log, 0, &LONG);
        append(&mut log, 1, &LONG);
        log.publish();
        let reader = log.reader();
        let write = side(move || {
            log.evict_oldest();
            append(&mut log, 2, &LONG);
            log.publish();
            let outcome = if spares.bytes() == 0 { &REUSED } else { &HELD };
            outcome.fetch_add(1, Ordering::Relaxed);
        });
        let read = side(move || {
            let snapshot = reader.snapshot();
            whole(&snapshot);
        });
        run([write, read]);
    });
    let outcomes = (REUSED.load(Ordering::Relaxed), HELD.load(Ordering::Relaxed));
    assert!(outcomes.0 > 0 && outcomes.1 > 0, "reused, held by the reader: {outcomes:?}");
}

#[test]
fn ls06_clear_is_seen_whole() {
    check("segment log, clear beside a publish and a reader", Some(2), 1_500, || {
        let mut log = SegmentLog::new(TINY);
        append(&mut log, 0, &LONG);
        append(&mut log, 1, b"a");
        log.publish();
        let (reader, keeper) = (log.reader(), log.keeper());
        let write = side(move || {
            append(&mut log, 2, b"b");
            log.publish();
        });
        let clear = side(move || assert!(keeper.clear().is_some()));
        let read = side(move || {
            let snapshot = reader.snapshot();
            whole(&snapshot);
            assert!([0, 2, 3].contains(&snapshot.range().start), "half cleared: {:?}", snapshot.range());
        });
        run([write, clear, read]);
    });
}

#[test]
fn sy11_two_keepers_never_evict_the_same_segment() {
    check("segment log, 2 keepers", None, 1_000, || {
        let mut log = SegmentLog::new(TINY);
        (0..3).for_each(|seq| append(&mut log, seq, &LONG));
        log.publish();
        let reader = log.reader();
        run([(); 2].map(|()| {
            let keeper = log.keeper();
            side(move || assert_eq!(keeper.evict_oldest().map(|gone| gone.lines), Some(1)))
        }));
        assert_eq!(reader.snapshot().range(), 2..3);
    });
}

#[test]
fn sy11_relaxed_commit_is_caught() {
    mutation_is_caught("segment log: relaxed commit", two_publishes_beside_a_reader);
}
