//! The store as a whole: what its contracts promise, and that it is the same as a plain list of lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::error::Code;
use crate::event::{Ending, Level, ProcessId, Stream};

const WEB: ProcessId = ProcessId(1);
const API: ProcessId = ProcessId(2);

fn store() -> Arc<LogStore> {
    LogStore::new(LogLimits::default())
}

fn texts(lines: impl Iterator<Item = impl std::borrow::Borrow<[u8]>>) -> Vec<String> {
    lines.map(|line| String::from_utf8_lossy(line.borrow()).into_owned()).collect()
}

fn all(snapshot: &Snapshot) -> Vec<String> {
    texts(snapshot.after(0).map(|line| line.plain))
}

fn query(text: &str) -> Query {
    Query { text: text.into(), ..Query::default() }
}

fn found(store: &LogStore, query: &Query) -> Vec<String> {
    let snapshot = store.snapshot();
    let found = snapshot.search(query, &|| false).unwrap();
    assert_eq!(found.hits.len() as u64, if query.limit.is_some() { found.hits.len() as u64 } else { found.count });
    texts(found.hits.iter().map(|hit| snapshot.get(hit.seq).unwrap().plain))
}

#[test]
fn the_store_and_its_parts_may_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    fn check_send<T: Send>() {}
    check::<LogStore>();
    check::<Snapshot>();
    check::<Searcher>();
    check_send::<Writer>();
}

#[test]
fn ls01_an_added_line_is_there_at_once_and_order_is_kept() {
    let store = store();
    let first = store.add(WEB, "web", b"hello", false).unwrap();
    let second = store.add(WEB, "web", b"all is well", true).unwrap();
    assert!(first.id < second.id && first.time_ms <= second.time_ms);
    assert_eq!((first.level, first.is_error), (Level::Info, false));
    assert_eq!((second.level, second.is_error), (Level::Error, true));
    assert_eq!(all(&store.snapshot()), ["hello", "all is well"]);
}

#[test]
fn ls02_a_batch_is_contiguous_and_seen_whole_or_not_at_all() {
    let store = store();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let snapshot = store.snapshot();
                let lines: Vec<_> = snapshot.after(0).map(|line| (line.seq, line.process)).collect();
                assert_eq!(lines.len() % 3, 0, "a batch was seen in part: {lines:?}");
                for batch in lines.chunks(3) {
                    assert_eq!((batch[1].0, batch[2].0), (batch[0].0 + 1, batch[0].0 + 2));
                }
            }
        });
        for _ in 0..300 {
            let entry = |process, name| NewEntry { process, name, content: b"x", is_error: false };
            let range = store.add_batch(&[entry(WEB, "web"), entry(API, "api"), entry(WEB, "web")]).unwrap();
            assert_eq!(range.end - range.start, 3);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(store.snapshot().len(), 900);
    store.close().unwrap();
    let refused = store.add_batch(&[NewEntry { process: WEB, name: "web", content: b"x", is_error: false }]);
    assert_eq!((refused.unwrap_err().code(), store.snapshot().len()), (crate::error::Code::InvalidState, 900));
}

#[test]
fn ls03_a_snapshot_stays_as_it_was_and_a_follower_misses_nothing() {
    let store = store();
    let done = AtomicBool::new(false);
    let written = 4 * 2_000;
    thread::scope(|scope| {
        let follower = scope.spawn(|| {
            let (mut seen, mut next) = (0, 0);
            while seen < written {
                let last_round = done.load(Ordering::Acquire);
                let snapshot = store.snapshot();
                let len = snapshot.len();
                for line in snapshot.after(next) {
                    (seen, next) = (seen + 1, line.seq + 1);
                }
                assert_eq!((snapshot.len(), snapshot.rank(next)), (len, len));
                assert!(!last_round || seen == written, "the follower missed {} lines", written - seen);
            }
        });
        let writers: Vec<_> = (0..4)
            .map(|id| {
                let mut writer = store.writer(ProcessId(id), "w");
                scope.spawn(move || {
                    for line in 0..2_000 {
                        writer.line(Stream::Out, format!("{id} {line}").as_bytes(), Ending::Newline);
                        if line % 7 == 0 {
                            writer.publish();
                        }
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Release);
        follower.join().unwrap();
    });
}

#[test]
fn ls03_lines_of_one_process_and_of_all_are_merged_by_number() {
    let store = store();
    for at in 0..50 {
        store.add(ProcessId(at % 3), "p", format!("line {at}").as_bytes(), false).unwrap();
    }
    let snapshot = store.snapshot();
    assert_eq!(all(&snapshot), (0..50).map(|at| format!("line {at}")).collect::<Vec<_>>());
    assert_eq!(all(&snapshot.only(&[ProcessId(1)])).len(), 17);
    let tenth = snapshot.after(0).nth(10).unwrap().seq;
    assert_eq!(texts(snapshot.before(tenth).map(|line| line.plain)).first().unwrap(), "line 9");
    assert_eq!((snapshot.rank(tenth), snapshot.at_rank(10).unwrap().seq), (10, tenth));
    assert_eq!((snapshot.at_rank(50).is_none(), snapshot.get(u64::MAX).is_none()), (true, true));
}

#[test]
fn ls04_a_search_finds_by_text_process_level_time_and_limit() {
    let store = store();
    for at in 0..2_000 {
        let text = format!("{} number {at}", if at % 10 == 0 { "Error:" } else { "line" });
        store.add(ProcessId(at % 2), "p", text.as_bytes(), false).unwrap();
    }
    assert_eq!(found(&store, &query("number 1999")), ["line number 1999"]);
    assert_eq!(found(&store, &query("error")).len(), 200);
    assert_eq!(found(&store, &query("Error")).len(), 200);
    assert_eq!(found(&store, &query("ERROR")).len(), 0);
    assert_eq!(found(&store, &Query { level: Some(Level::Error), ..Query::default() }).len(), 200);
    let newest = Query { limit: Some(2), ..query("number") };
    assert_eq!(found(&store, &newest), ["line number 1999", "line number 1998"]);
    let one = Query { processes: Some(vec![ProcessId(1)]), ..query("number") };
    assert_eq!(found(&store, &one).len(), 1_000);
    let regex = PatternOptions { regex: true, ..PatternOptions::default() };
    assert_eq!(found(&store, &Query { options: regex, ..query(r"^line number \d\d$") }).len(), 81);
    assert_eq!(found(&store, &Query { options: regex, ..query(r"\Aline number [1-9]\z") }).len(), 9);
    assert_eq!(found(&store, &Query { options: regex, ..query(r"1999\s*line") }).len(), 0);
    assert_eq!(found(&store, &Query { options: regex, ..query("number [^0-8]+[^x]*$") }).len(), 111);
    assert!(found(&store, &Query { since_ms: Some(u64::MAX), ..Query::default() }).is_empty());
    assert!(found(&store, &Query { until_ms: Some(0), ..Query::default() }).is_empty());
    let count = store.search(&Query { count_only: true, ..query("line") }, &|| false).unwrap();
    assert_eq!((count.count, count.hits.len(), count.complete), (1_800, 0, true));
}

#[test]
fn ls04_a_search_keeps_to_the_times_that_were_asked_for() {
    let store = store();
    for at in 0..3 {
        let begin = store.add(WEB, "web", format!("line {at}").as_bytes(), false).unwrap().time_ms;
        let deadline = Instant::now() + Duration::from_secs(60);
        while store.add(WEB, "web", b"between", false).unwrap().time_ms == begin {
            assert!(Instant::now() < deadline, "the clock stands still");
        }
    }
    let lines: Vec<_> = store.snapshot().after(0).map(|line| (line.time_ms, line.plain.to_vec())).collect();
    let middle = lines.iter().find(|(_, text)| text == b"line 1").unwrap().0;
    assert_eq!(found(&store, &Query { since_ms: Some(middle), ..query("line") }), ["line 2", "line 1"]);
    assert_eq!(found(&store, &Query { until_ms: Some(middle), ..query("line") }), ["line 0"]);
    let moment = Query { since_ms: Some(middle), until_ms: Some(middle + 1), ..Query::default() };
    assert_eq!(found(&store, &moment).len(), lines.iter().filter(|(time, _)| *time == middle).count());
}

#[test]
fn ls04_a_search_ends_when_it_is_stopped_or_its_time_is_up() {
    let store = store();
    store.add(WEB, "web", b"hello", false).unwrap();
    let stopped = store.search(&query("hello"), &|| true).unwrap();
    assert_eq!((stopped.count, stopped.complete), (0, false));
    let late = store.search(&Query { budget: Some(Duration::ZERO), ..query("hello") }, &|| false).unwrap();
    assert!(!late.complete);
    let bad = Query { options: PatternOptions { regex: true, ..PatternOptions::default() }, ..query("(") };
    assert_eq!(store.search(&bad, &|| false).unwrap_err().code(), Code::InvalidState);
}

#[test]
fn ls04_text_is_found_behind_colours_and_across_the_pieces_of_a_long_line_and_nowhere_else() {
    let store = store();
    let mut writer = store.writer(WEB, "web");
    writer.line(Stream::Out, b"\x1b[1mhel\x1b[0mlo", Ending::Newline);
    let long = [&[b'x'; 40 << 10][..], b"needle", &[b'y'; 40 << 10][..]].concat();
    let cut = (32 << 10) - 3;
    writer.line(Stream::Out, &[&long[(40 << 10) - cut..], b"end"].concat(), Ending::Newline);
    writer.line(Stream::Out, b"one piece ", Ending::Continued);
    writer.line(Stream::Err, b"between", Ending::Newline);
    writer.line(Stream::Out, b"and another", Ending::Newline);
    writer.publish();
    assert_eq!(found(&store, &query("hello")), ["hello"]);
    assert!(found(&store, &query("[1m")).is_empty());
    assert_eq!(found(&store, &query("needle")).len(), 1);
    assert_eq!(found(&store, &query("yend")).len(), 1);
    assert!(found(&store, &query("piece between")).is_empty());
    assert!(found(&store, &query("hello\n")).is_empty());
}

#[test]
fn ls05_errors_and_urls_are_listed_with_their_lines() {
    let store = store();
    let mut writer = store.writer(WEB, "web");
    for text in ["up on http://localhost:3000", "TypeError: no", "    at f (/a.js:1:2)", "ok", "TypeError: no"] {
        writer.line(Stream::Err, text.as_bytes(), Ending::Newline);
    }
    let published = writer.publish();
    assert_eq!((published.lines, published.error_lines, published.errors.len(), published.urls.len()), (5, 2, 1, 1));
    let errors = store.errors();
    assert_eq!((errors.len(), errors[0].count, errors[0].kind()), (1, 2, Some("TypeError")));
    assert!(store.snapshot().after(0).nth(2).unwrap().is_stack);
    writer.line(Stream::Err, b"    at g (/b.js:1:2)", Ending::Newline);
    assert!(writer.publish().errors.is_empty());
    assert_eq!(store.errors()[0].stack_lines().collect::<Vec<_>>(), ["    at g (/b.js:1:2)"]);
    assert_eq!(store.urls()[0].url.as_ref(), "http://localhost:3000");
}

#[test]
fn ls06_a_clear_hides_everything_so_far_and_nothing_later() {
    let store = store();
    let mut writer = store.writer(WEB, "web");
    let mut api = store.writer(API, "api");
    for writer in [&mut writer, &mut api] {
        writer.line(Stream::Out, b"error: old at http://localhost:1", Ending::Newline);
        writer.publish();
    }
    let before = store.snapshot();
    store.clear();
    assert!(store.snapshot().is_empty() && store.errors().is_empty() && store.urls().is_empty());
    assert_eq!((before.len(), store.search(&query("old"), &|| false).unwrap().count), (2, 0));
    for writer in [&mut writer, &mut api] {
        writer.line(Stream::Out, b"new", Ending::Newline);
        writer.publish();
    }
    assert_eq!(all(&store.snapshot()), ["new", "new"]);
    store.clear_for_process(WEB);
    let snapshot = store.snapshot();
    assert_eq!((snapshot.len(), snapshot.after(0).next().unwrap().process), (1, API));
    assert_eq!(snapshot.dropped(), 0);
}

#[test]
fn ls06_no_reader_sees_half_of_a_clear() {
    let store = store();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(store.snapshot().len() % 2, 0);
            }
        });
        for _ in 0..200 {
            let entry = |process| NewEntry { process, name: "p", content: b"x", is_error: false };
            store.add_batch(&[entry(WEB), entry(API)]).unwrap();
            store.clear();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn ls07_a_closed_store_keeps_its_lines_and_takes_no_more() {
    let store = store();
    store.add(WEB, "web", b"kept", false).unwrap();
    store.close().unwrap();
    store.close().unwrap();
    assert_eq!(store.add(WEB, "web", b"late", false).unwrap_err().code(), Code::InvalidState);
    assert_eq!(all(&store.snapshot()), ["kept"]);
}

#[test]
fn ls08_metrics_count_what_is_there_and_what_has_gone() {
    let store = store();
    let mut writer = store.writer(WEB, "web");
    writer.line(Stream::Out, b"error: a", Ending::Newline);
    assert_eq!(store.metrics().queue_depth, 1);
    writer.publish();
    let metrics = store.metrics();
    assert_eq!((metrics.total_entries, metrics.added, metrics.errors, metrics.queue_depth), (1, 1, 1, 0));
    assert!(metrics.memory_mb > 0.0 && metrics.memory_mb < 0.1);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while store.metrics().entries_per_second <= 0.0 {
        assert!(std::time::Instant::now() < end, "one line in half a second is a rate");
        thread::yield_now();
    }
}

#[test]
fn ls09_a_chatty_process_evicts_its_own_lines() {
    let store = LogStore::new(LogLimits { max_entries: 100, max_total_entries: 20_000, ..LogLimits::default() });
    let (mut quiet, mut chatty) = (store.writer(WEB, "web"), store.writer(API, "api"));
    for _ in 0..100 {
        quiet.line(Stream::Out, b"quiet", Ending::Newline);
    }
    quiet.publish();
    for at in 0..100_000 {
        chatty.line(
            Stream::Out,
            format!("a line of a chatty process, and this is number {at}").as_bytes(),
            Ending::Newline,
        );
        if at % 100 == 0 {
            chatty.publish();
        }
    }
    chatty.publish();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.only(&[WEB]).len(), 100);
    assert!((10_000..=20_000).contains(&snapshot.len()), "{}", snapshot.len());
    assert_eq!(snapshot.dropped() + snapshot.len(), 100_100);
    assert_eq!(store.metrics().evicted, snapshot.dropped());
    assert_eq!(snapshot.last_seq(), snapshot.before(u64::MAX).next().map(|line| line.seq));
}

#[test]
fn ls09_memory_is_bounded_whatever_the_lines_are() {
    let store = LogStore::new(LogLimits { max_bytes: 4 << 20, ..LogLimits::default() });
    let mut writers: Vec<_> = (0..3).map(|id| store.writer(ProcessId(id), "p")).collect();
    let long = [b"\x1b[1m", &[0xff; 50 << 10][..], b"\r\0"].concat();
    for at in 0..600 {
        let writer = &mut writers[at % 3];
        writer.line(Stream::Out, &long[..long.len() - at], Ending::Newline);
        writer.publish();
        assert!(store.metrics().memory_mb < 7.0, "{:?}", store.metrics());
    }
    assert!(store.metrics().evicted > 0);
    drop(writers);
    assert!(store.snapshot().len() > 50);
}

#[test]
fn ls09_a_process_keeps_its_last_lines_even_when_all_together_are_too_many() {
    let store = LogStore::new(LogLimits { max_entries: 3_000, max_total_entries: 4_000, ..LogLimits::default() });
    for id in 0..4 {
        let mut writer = store.writer(ProcessId(id), "p");
        for at in 0..5_000 {
            writer.line(Stream::Out, format!("number {at}").as_bytes(), Ending::Newline);
            writer.publish();
        }
    }
    for id in 0..4 {
        let len = store.snapshot().only(&[ProcessId(id)]).len();
        assert!((3_000..=5_000).contains(&len), "{len}");
    }
}

#[test]
fn ls10_a_line_is_kept_byte_for_byte_with_all_that_belongs_to_it() {
    let store = store();
    let mut writer = store.writer(WEB, "web");
    let raw = b"\x1b[31mbad \xff\0bytes\x1b[0m";
    writer.line(Stream::Err, raw, Ending::CarriageReturnNewline);
    writer.line(Stream::Out, b"10%\r100%", Ending::None);
    let published = writer.publish();
    let snapshot = store.snapshot();
    let line = snapshot.get(published.first_seq).unwrap();
    assert_eq!((line.raw, line.plain), (&raw[..], &b"bad \xff\0bytes"[..]));
    assert_eq!((line.stream, line.ending, line.name.as_ref()), (Stream::Err, Ending::CarriageReturnNewline, "web"));
    assert_eq!(line.to_entry().tags, ["stderr", "colour"]);
    let line = snapshot.get(published.last_seq).unwrap();
    assert_eq!((line.raw, line.ending), (&b"100%"[..], Ending::None));
}

#[test]
fn an_unfinished_line_is_seen_until_the_next_line_of_its_stream() {
    let store = store();
    let mut writer = store.writer(WEB, "web");
    let version = store.version();
    writer.partial(Stream::Out, b"name? ");
    writer.publish();
    assert!(store.version() > version);
    assert_eq!(texts(store.snapshot().partials().map(|partial| partial.raw)), ["name? "]);
    writer.line(Stream::Err, b"other", Ending::Newline);
    writer.partial(Stream::Out, b"10%\r50%\r");
    writer.publish();
    assert_eq!(texts(store.snapshot().partials().map(|partial| partial.state())), ["50%"]);
    writer.line(Stream::Out, b"name? ann", Ending::Newline);
    writer.partial(Stream::Out, b"age? ");
    writer.publish();
    assert_eq!(texts(store.snapshot().partials().map(|partial| partial.raw)), ["age? "]);
    drop(writer);
    assert_eq!(store.snapshot().partials().count(), 0);
}

#[test]
fn a_writer_that_is_dropped_publishes_what_it_has() {
    let store = store();
    let mut writer = store.writer(WEB, "web");
    writer.line(Stream::Out, b"Traceback (most recent call last):", Ending::Newline);
    drop(writer);
    assert_eq!((store.snapshot().len(), store.errors().len()), (1, 1));
    drop(store.writer(API, "api"));
    assert_eq!(store.snapshot().views.len(), 1);
}

#[test]
fn a_hostile_line_takes_no_longer_than_its_length() {
    let store = store();
    let mut writer = store.writer(WEB, "web");
    let begin = Instant::now();
    let parts = [
        "level ",
        "level",
        "error=",
        "1error: ",
        "err",
        "[error",
        "{\"level\"",
        "Traceback",
        "http://-",
        "localhost:1x",
        "http://a:",
        "http://[",
        "\x1b]",
        "\x1b[",
        "\r\x1b[K",
        "'",
        "0 errors ",
        "TypeError ",
        "(((",
        "no error ",
    ];
    for part in parts {
        let line = part.repeat((32 << 10) / part.len());
        writer.line(Stream::Out, line.as_bytes(), Ending::Newline);
        writer.line(Stream::Out, format!("Error: {line}").as_bytes(), Ending::Newline);
        writer.publish();
    }
    // About a second without optimisation; minutes if one of them were quadratic.
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[test]
fn several_threads_search_together_and_find_the_same() {
    let store = LogStore::new(LogLimits { max_total_entries: 1 << 20, ..LogLimits::default() });
    let mut writers: Vec<_> = (0..3).map(|id| store.writer(ProcessId(id), "p")).collect();
    for at in 0..60_000usize {
        writers[at % 3].line(Stream::Out, format!("some line with number {at} in it").as_bytes(), Ending::Newline);
    }
    drop(writers);
    let snapshot = store.snapshot();
    for query in [query("7 in"), Query { limit: Some(100), ..query("7 in") }] {
        let searcher = snapshot.searcher(&query).unwrap();
        thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(|| searcher.work(&|| false)))));
        let alone = snapshot.search(&query, &|| false).unwrap();
        assert_eq!(searcher.found().hits, alone.hits);
        assert_eq!(alone.hits.len(), query.limit.unwrap_or(6_000));
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    assert!(snapshot.search(&query("x"), &|| Instant::now() > deadline).unwrap().complete);
}

/// Of a line: its process and its bytes.
type Kept = (u64, Vec<u8>);

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_list_of_lines(
        steps in proptest::collection::vec((0u64..3, "[abé\x1b\\[m ]{0,12}", 0u8..12), 0..200), needle in "[ab ]{1,3}"
    ) {
        let store = store();
        let mut writers: Vec<_> = (0..3).map(|id| store.writer(ProcessId(id), "p")).collect();
        let (mut model, mut unpublished) = (Vec::<Kept>::new(), Vec::<Kept>::new());
        for (process, text, action) in &steps {
            writers[*process as usize].line(Stream::Out, text.as_bytes(), Ending::Newline);
            unpublished.push((*process, text.as_bytes().to_vec()));
            if *action < 4 {
                for writer in &mut writers { writer.publish(); }
                // Within one batch of several writers, numbers are taken in runs: the order holds per process.
                let mut batch = std::mem::take(&mut unpublished);
                let shown: Vec<_> = store.snapshot().after(0).skip(model.len()).map(|l| (l.process.0, l.raw.to_vec())).collect();
                for id in 0..3 {
                    let of = |lines: &[Kept]| lines.iter().filter(|l| l.0 == id).cloned().collect::<Vec<_>>();
                    prop_assert_eq!(of(&shown), of(&batch));
                }
                batch = shown;
                model.append(&mut batch);
            }
            if *action == 11 && unpublished.is_empty() {
                store.clear();
                model.clear();
            }
        }
        let snapshot = store.snapshot();
        let shown: Vec<_> = snapshot.after(0).take(model.len()).map(|l| (l.process.0, l.raw.to_vec())).collect();
        prop_assert_eq!(&shown, &model);
        let mut reversed: Vec<_> = snapshot.before(u64::MAX).map(|l| l.seq).collect();
        reversed.reverse();
        prop_assert_eq!(reversed, snapshot.after(0).map(|l| l.seq).collect::<Vec<_>>());
        for (rank, line) in snapshot.after(0).enumerate() {
            prop_assert_eq!(snapshot.rank(line.seq), rank as u64);
            prop_assert_eq!(snapshot.at_rank(rank as u64).unwrap().seq, line.seq);
            prop_assert_eq!(snapshot.get(line.seq).unwrap().raw, line.raw);
        }
        let pattern = Pattern::new(&needle, PatternOptions::default()).unwrap();
        let mut slow: Vec<_> = snapshot.after(0).filter(|l| pattern.is_match(l.plain)).map(|l| l.seq).collect();
        slow.reverse();
        let fast = snapshot.search(&query(&needle), &|| false).unwrap();
        prop_assert_eq!(fast.hits.iter().map(|hit| hit.seq).collect::<Vec<_>>(), slow);
    }
}
