//! The segment log against a plain `Vec` of lines, at its bounds, and under threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::sync::testing::{config, rounds};

const SMALL: Limits = Limits { first_segment_bytes: 256, segment_bytes: 1024, line_bytes_max: 500 };

fn line(seq: u64) -> Line {
    Line { seq, time: seq * 10, tag: seq as u16, extra: !seq as u16 }
}

fn filled(limits: Limits, lines: u64) -> SegmentLog {
    let mut log = SegmentLog::new(limits);
    for seq in 0..lines {
        log.append(&[format!("line {seq}").as_bytes(), b"\n"], line(seq)).expect("short and in order");
    }
    log.publish();
    log
}

#[test]
fn unpublished_lines_are_not_seen_and_published_ones_are_whole() {
    let mut log = SegmentLog::new(Limits::default());
    let reader = log.reader();
    assert_eq!((reader.last_seq(), reader.bytes(), reader.lines()), (None, 0, 0));
    log.append(&[b"one", b"", b"\n"], Line { seq: 5, time: 9, tag: 1, extra: 2 }).unwrap();
    assert_eq!((reader.last_seq(), reader.snapshot().len()), (None, 0));
    log.publish();
    let snapshot = reader.snapshot();
    let expected = LineRef { index: 0, seq: 5, time: 9, tag: 1, extra: 2, text: b"one\n" };
    assert_eq!(
        (reader.last_seq(), snapshot.last(), snapshot.line_with_seq(5)),
        (Some(5), Some(expected), Some(expected))
    );
    assert_eq!(reader.bytes(), 16 << 10);
}

#[test]
fn lines_appended_together_are_refused_together() {
    let mut log = filled(SMALL, 3);
    let text = [&[b'x'; 501][..], b"yy"].concat();
    assert_eq!(log.append_all(&text, 0, &[501, 503], line(3)), Err(AppendError::TooLong { bytes: 501, max: 500 }));
    assert_eq!(log.append_all(&text, 501, &[502, 503], line(2)), Err(AppendError::OutOfOrder { seq: 2 }));
    let last = Line { seq: u64::MAX - 1, ..Line::default() };
    assert_eq!(log.append_all(&text, 501, &[502, 503], last), Err(AppendError::OutOfOrder { seq: u64::MAX }));
    assert_eq!(log.append_all(&text, 501, &[], line(3)), Ok(()));
    assert_eq!(log.append_all(&text, 501, &[502, 502, 503], line(3)), Ok(()));
    log.publish();
    let snapshot = log.reader().snapshot();
    assert_eq!(snapshot.lines_after(2).map(|line| line.text).collect::<Vec<_>>(), [&b"y"[..], b"", b"y"]);
}

#[test]
#[should_panic(expected = "ascend")]
fn lines_that_overlap_are_a_mistake_of_the_caller() {
    let _ = filled(SMALL, 3).append_all(b"abc", 1, &[3, 2], line(3));
}

#[test]
fn refuses_what_is_too_long_or_out_of_order_and_stays_as_it_was() {
    let mut log = filled(SMALL, 3);
    assert_eq!(log.append(&[&[b'x'; 501]], line(3)), Err(AppendError::TooLong { bytes: 501, max: 500 }));
    assert_eq!(log.append(&[b"x"], line(2)), Err(AppendError::OutOfOrder { seq: 2 }));
    assert_eq!(log.append(&[b"x"], line(u64::MAX / 10)), Ok(()));
    let end = Line { seq: u64::MAX, ..Line::default() };
    assert_eq!(log.append(&[b"x"], end), Err(AppendError::OutOfOrder { seq: u64::MAX }));
    log.publish();
    assert_eq!(log.reader().lines(), 4);
}

#[test]
fn a_line_as_long_as_a_segment_fits() {
    let mut log = SegmentLog::new(Limits { line_bytes_max: usize::MAX, ..SMALL });
    let longest = vec![b'x'; 1024 - 64 - 16];
    log.append(&[&longest], line(1)).unwrap();
    log.append(&[&longest], line(2)).unwrap();
    log.publish();
    assert_eq!(log.reader().snapshot().lines().map(|line| line.text.len()).sum::<usize>(), 2 * longest.len());
}

#[test]
fn a_segment_has_the_tags_of_all_its_lines_and_a_recycled_one_has_none_left() {
    let mut log = SegmentLog::with_spares(SMALL, Spares::new(1));
    let reader = log.reader();
    let union = || reader.snapshot().segments().map(|segment| segment.tags()).collect::<Vec<_>>();
    for (seq, tag) in [(0, 1), (1, 4), (2, 4)] {
        log.append(&[&[b'x'; 40]], Line { seq, tag, ..Line::default() }).unwrap();
    }
    log.publish();
    log.append(&[b"x"], Line { seq: 3, tag: 8, ..Line::default() }).unwrap();
    assert_eq!(union(), [5]);
    log.publish();
    assert_eq!(union(), [13]);
    for seq in 4..20 {
        log.append(&[&[b'x'; 500]], Line { seq, tag: 2, ..Line::default() }).unwrap();
        log.publish();
        log.evict_oldest();
        assert_eq!(union().last(), Some(&2));
    }
}

#[test]
fn numbers_that_leave_a_record_open_a_new_segment_and_earlier_times_are_kept_as_the_first() {
    let mut log = SegmentLog::new(Limits::default());
    let far = u64::from(u32::MAX);
    for (seq, time) in [(0, 100), (far, 50), (far + 1, 50), (far + 2, far + 51)] {
        log.append(&[b"x\n"], Line { seq, time, ..Line::default() }).unwrap();
    }
    log.publish();
    let snapshot = log.reader().snapshot();
    let numbers: Vec<_> = snapshot.lines().map(|line| (line.seq, line.time)).collect();
    assert_eq!(numbers, [(0, 100), (far, 100), (far + 1, 50), (far + 2, far + 51)]);
    assert_eq!(snapshot.segments().count(), 3);
}

#[test]
fn ls09_keeps_the_asked_number_of_lines_when_the_oldest_segments_go() {
    let (lines, keep) = if cfg!(miri) { (150, 60) } else { (1_000, 400) };
    let log = filled(SMALL, lines);
    let (reader, keeper) = (log.reader(), log.keeper());
    let before = reader.snapshot();
    let mut gone = 0;
    while let Some(evicted) = keeper.evict_oldest_keeping(keep) {
        gone += evicted.lines;
        assert_eq!(evicted.last_seq + 1, gone, "sequences start at 0");
    }
    let after = reader.snapshot();
    assert_eq!(after.range(), gone..lines);
    assert!((keep..keep + 60).contains(&(after.len() as u64)), "{}", after.len());
    assert_eq!(before.lines().count(), lines as usize, "an old snapshot never changes");
    assert_eq!(after.lines().next().unwrap().text, format!("line {gone}\n").as_bytes());
    assert_eq!(after.line(gone - 1), None);
}

#[test]
fn the_open_segment_stays_until_its_writer_is_gone() {
    let mut log = filled(SMALL, 5);
    let keeper = log.keeper();
    assert_eq!(log.evict_oldest(), None);
    log.append(&[b"unpublished\n"], line(5)).unwrap();
    let reader = log.reader();
    drop(log);
    assert_eq!(reader.snapshot().last().unwrap().text, b"unpublished\n");
    assert_eq!(keeper.evict_oldest(), Some(Evicted { lines: 6, bytes: 256, last_seq: 5 }));
    assert_eq!((keeper.evict_oldest(), reader.lines(), reader.bytes(), reader.last_seq()), (None, 0, 0, Some(5)));
    assert_eq!(reader.snapshot().range(), 6..6);
}

#[test]
fn ls06_clear_hides_all_at_once_and_later_lines_come_into_view() {
    let mut log = filled(SMALL, 100);
    let reader = log.reader();
    log.append(&[b"in flight\n"], line(100)).unwrap();
    let gone = log.keeper().clear().unwrap();
    assert_eq!((gone.lines, gone.last_seq, reader.lines()), (100, 99, 0));
    assert_eq!(log.keeper().clear(), None);
    log.publish();
    let snapshot = reader.snapshot();
    assert_eq!(snapshot.segments().map(|segment| segment.text()).collect::<Vec<_>>(), [b"in flight\n"]);
    assert_eq!(snapshot.segments().next().unwrap().line_at_offset(3), 0);
    assert_eq!((snapshot.find_seq(0), snapshot.range()), (100, 100..101));
    assert_eq!(log.clear().unwrap().lines, 1);
    assert_eq!(snapshot.lines().count(), 1);
}

#[test]
fn retired_segments_are_recycled_but_never_under_a_snapshot() {
    let spares = Spares::new(2);
    let flat = Limits { first_segment_bytes: 1024, ..SMALL };
    let mut log = SegmentLog::with_spares(flat, spares.clone());
    let reader = log.reader();
    let mut seq = 0;
    let mut fill = |log: &mut SegmentLog, segments: usize| {
        let target = log.reader().bytes() + segments * 1024;
        while log.reader().bytes() < target {
            log.append(&[b"0123456789"], line(seq)).unwrap();
            seq += 1;
        }
        log.publish();
    };
    fill(&mut log, 3);
    let held = reader.snapshot();
    let text: Vec<u8> = held.segments().flat_map(|segment| segment.text().to_vec()).collect();
    log.evict_oldest().unwrap();
    assert_eq!(spares.bytes(), 1024);
    fill(&mut log, 1);
    assert_eq!(spares.bytes(), 1024, "the snapshot holds it, so a new one was made");
    assert_eq!(held.segments().flat_map(|segment| segment.text().to_vec()).collect::<Vec<u8>>(), text);
    drop(held);
    fill(&mut log, 1);
    assert_eq!(spares.bytes(), 0, "now it is in use again");
    while log.evict_oldest().is_some() {}
    assert_eq!(spares.bytes(), 2048, "no more than two wait");
}

#[test]
fn a_hundred_byte_line_costs_at_most_120_bytes() {
    let first_segment_bytes = if cfg!(miri) { 16 << 10 } else { 256 << 10 };
    let mut log = SegmentLog::new(Limits { first_segment_bytes, ..Limits::default() });
    let mut lines = 0;
    while log.reader().bytes() <= first_segment_bytes {
        log.append(&[&[b'x'; 99], b"\n"], line(lines)).unwrap();
        lines += 1;
    }
    assert!(first_segment_bytes as f64 / (lines - 1) as f64 <= 120.0);
}

#[test]
fn ls03_readers_see_a_consistent_prefix_while_the_writer_rolls_and_the_keeper_evicts() {
    let mut log = SegmentLog::new(SMALL);
    let lines = rounds(20_000);
    let done = AtomicBool::new(false);
    let (reader, keeper) = (log.reader(), log.keeper());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let promised = reader.last_seq();
                let snapshot = reader.snapshot();
                let mut next = snapshot.range().start;
                for line in snapshot.lines() {
                    assert_eq!((line.index, line.seq), (next, next));
                    assert_eq!(line.text, format!("line {next}\n").as_bytes());
                    next += 1;
                }
                assert!(promised.is_none_or(|seq| next > seq));
                keeper.evict_oldest_keeping(50);
            }
        });
        for seq in 0..lines {
            log.append(&[format!("line {seq}").as_bytes(), b"\n"], line(seq)).unwrap();
            if seq % 7 == 0 {
                log.publish();
            }
        }
        log.publish();
        done.store(true, Ordering::Release);
    });
    assert_eq!(log.reader().snapshot().range().end, lines);
}

/// What is done to the log and to its plain counterpart.
#[derive(Clone, Debug)]
enum Step {
    Append { bytes: usize, gap: u64 },
    AppendAll { bytes: Vec<usize>, gap: u64 },
    Publish,
    Evict { keep: u64 },
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..300_usize, 1..5_u64).prop_map(|(bytes, gap)| Step::Append { bytes, gap }),
        5 => (prop::collection::vec(0..100_usize, 0..40), 1..5_u64).prop_map(|(bytes, gap)| Step::AppendAll { bytes, gap }),
        5 => Just(Step::Publish),
        3 => (0..30_u64).prop_map(|keep| Step::Evict { keep }),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn behaves_like_a_vec_of_lines(steps in prop::collection::vec(step(), 1..if cfg!(miri) { 30 } else { 200 })) {
        let mut log = SegmentLog::new(SMALL);
        let (reader, keeper) = (log.reader(), log.keeper());
        let (mut plain, mut first, mut seq) = (Vec::<(u64, Vec<u8>)>::new(), 0_usize, 0);
        let mut published = 0;
        for step in steps {
            match step {
                Step::Append { bytes, gap } => {
                    seq += gap;
                    let text = vec![b'a' + (seq % 26) as u8; bytes];
                    let (left, right) = text.split_at(bytes / 3);
                    let segments = reader.snapshot().bytes();
                    log.append(&[left, right, b"\n"], line(seq)).unwrap();
                    if reader.snapshot().bytes() != segments {
                        published = plain.len();
                    }
                    plain.push((seq, [&text[..], b"\n"].concat()));
                }
                Step::AppendAll { bytes, gap } => {
                    let first = line(seq + gap);
                    let (mut text, mut ends) = (b"before".to_vec(), Vec::new());
                    for (bytes, own) in bytes.iter().zip(first.seq..) {
                        let line = [&vec![b'a' + (own % 26) as u8; *bytes][..], b"\n"].concat();
                        text.extend_from_slice(&line);
                        ends.push(text.len() as u32);
                        plain.push((own, line));
                        seq = own;
                    }
                    log.append_all(&text, 6, &ends, first).unwrap();
                    // What a full segment holds is published, however many were filled.
                    let seen = reader.snapshot().range().end as usize;
                    prop_assert!((published..=plain.len()).contains(&seen));
                    published = seen;
                }
                Step::Publish => { log.publish(); published = plain.len(); }
                Step::Evict { keep } => if let Some(gone) = keeper.evict_oldest_keeping(keep) {
                    first += gone.lines as usize;
                    prop_assert!((published - first) as u64 >= keep);
                },
                Step::Clear => { keeper.clear(); first = published; }
            }
            let snapshot = reader.snapshot();
            let kept = &plain[first..published];
            prop_assert_eq!(snapshot.range(), first as u64..published as u64);
            let lines: Vec<_> = snapshot.lines().map(|line| (line.seq, line.text.to_vec())).collect();
            prop_assert_eq!(&lines[..], kept);
            let text: Vec<u8> = snapshot.segments().flat_map(|segment| segment.text().to_vec()).collect();
            prop_assert_eq!(text, kept.iter().flat_map(|(_, text)| text.clone()).collect::<Vec<_>>());
        }
        let snapshot = reader.snapshot();
        let kept = &plain[first..published];
        let back: Vec<_> = snapshot.lines().rev().map(|line| line.seq).collect();
        prop_assert_eq!(back, kept.iter().rev().map(|line| line.0).collect::<Vec<_>>());
        for seq in 0..seq + 2 {
            let at = kept.partition_point(|line| line.0 < seq);
            prop_assert_eq!(snapshot.find_seq(seq), (first + at) as u64);
            prop_assert_eq!(snapshot.line((first + at) as u64).map(|line| line.seq), kept.get(at).map(|line| line.0));
            prop_assert_eq!(snapshot.lines_after(seq).count(), kept.len() - kept.partition_point(|line| line.0 <= seq));
        }
        for segment in snapshot.segments() {
            let mut offset = 0;
            for (at, line) in segment.lines().enumerate() {
                for within in [0, line.text.len() - 1] {
                    prop_assert_eq!(segment.line_at_offset(offset + within), at);
                }
                offset += line.text.len();
                prop_assert_eq!(segment.find_seq(line.seq), at);
                prop_assert_eq!(segment.tags() & line.tag, line.tag);
                let first_of_time = segment.lines().position(|other| other.time == line.time);
                prop_assert_eq!(Some(segment.find_time(line.time)), first_of_time);
            }
            prop_assert_eq!(segment.line_at_offset(offset), segment.len());
        }
    }
}
