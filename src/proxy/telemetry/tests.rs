//! Tests of the telemetry store: its bounds, its groups, and what readers see.

use std::sync::atomic::AtomicUsize;

use serde_json::{Value, json};

use super::super::session::Rating;
use super::*;

const NOW: u64 = 1_700_000_000_000;

fn batch(session: &str, page: &str, events: Value) -> Batch {
    let text = json!({"sessionId": session, "pageId": page, "metadata": {"url": "http://h/"}, "events": events});
    Batch::parse(text.to_string().as_bytes(), NOW).expect("a batch")
}

fn web() -> Option<(ProcessId, Arc<str>)> {
    Some((ProcessId(1), "web".into()))
}

fn numbered(count: usize) -> Value {
    (0..count).map(|n| json!({"type": "e", "timestamp": NOW, "data": {"n": n}})).collect()
}

#[test]
fn px10_a_session_is_added_to_and_found_by_its_number_and_its_process() {
    let store = TelemetryStore::default();
    store.add_session(web(), batch("a", "1", numbered(2)), NOW);
    store.add_session(None, batch("b", "1", numbered(1)), NOW + 1);
    store.add_session(web(), batch("a", "2", numbered(1)), NOW + 2);
    let session = store.get_session("a").expect("it is there");
    assert_eq!((session.events.len(), session.counts.pages, &*session.page), (3, 2, "2"));
    assert_eq!(store.sessions_for_process("web").len(), 1);
    assert_eq!(store.sessions().iter().map(|session| &*session.id).collect::<Vec<_>>(), ["a", "b"]);
    assert!(store.get_session("c").is_none() && store.sessions_for_process("api").is_empty());
}

#[test]
fn px10_the_newest_thousand_events_of_a_session_are_kept() {
    let store = TelemetryStore::default();
    for _ in 0..5 {
        store.add_session(web(), batch("a", "1", numbered(500)), NOW);
    }
    let session = store.get_session("a").unwrap();
    assert_eq!((session.events.len(), session.counts.events, session.counts.evicted), (1000, 2500, 1500));
    assert_eq!(session.events.back().unwrap().number("n"), Some(499.0));
    assert_eq!(session.bytes, size_of::<Session>() + session.events.iter().map(|event| event.bytes).sum::<usize>());
}

#[test]
fn px10_a_hundred_sessions_of_a_process_are_kept_and_idle_ones_go() {
    let store = TelemetryStore::default();
    for n in 0..120 {
        store.add_session(web(), batch(&format!("s{n}"), "1", numbered(1)), NOW + n);
    }
    let ids: Vec<_> = store.sessions_for_process("web").iter().map(|session| session.id.clone()).collect();
    assert_eq!((ids.len(), &*ids[0], &*ids[99]), (100, "s119", "s20"));
    store.expire(NOW + 50 + 30 * 60_000);
    assert_eq!(store.sessions().len(), 70);
    store.expire(NOW + 31 * 60_000);
    assert_eq!((store.sessions().len(), store.bytes()), (0, 0));
}

#[test]
fn px10_memory_is_bounded_over_all_sessions() {
    let store = TelemetryStore::new(TelemetryLimits { bytes: 100_000, ..TelemetryLimits::default() });
    let big = || json!([{"type": "e", "timestamp": NOW, "data": {"text": "x".repeat(8000)}}]);
    for n in 0..50 {
        store.add_session(web(), batch(&format!("s{}", n % 20), "1", big()), NOW + n);
        assert!(store.bytes() <= 100_000, "{}", store.bytes());
    }
    assert!(store.sessions().len() > 5);
    for _ in 0..50 {
        store.add_session(None, batch("only", "1", big()), NOW + 100);
    }
    assert!(store.bytes() <= 100_000 && store.sessions().len() == 1);
    assert!(store.get_session("only").unwrap().events.len() > 5);
}

#[test]
fn px10_clearing_a_process_is_whole_and_leaves_the_others() {
    let store = TelemetryStore::default();
    let error = json!([{"type": "javascript_error", "timestamp": NOW, "data": {"message": "m"}}]);
    store.add_session(web(), batch("a", "1", error.clone()), NOW);
    store.add_session(None, batch("b", "1", error), NOW);
    let held = store.get_session("a").unwrap();
    store.clear_for_process("web");
    assert!(store.sessions_for_process("web").is_empty() && store.errors(Some("web")).is_empty());
    assert_eq!((store.sessions().len(), store.errors(None).len(), held.events.len()), (1, 1, 1));
    store.clear();
    assert_eq!(store.bytes(), 0);
}

#[test]
fn px10_readers_see_whole_batches_only() {
    let store = TelemetryStore::default();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let store = &store;
                let work = move || {
                    for _ in 0..200 {
                        store.add_session(web(), batch(&format!("w{writer}"), "1", numbered(3)), NOW);
                    }
                };
                scope.spawn(work)
            })
            .collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            for session in store.sessions_for_process("web") {
                assert_eq!(session.counts.events % 3, 0);
                assert_eq!(session.events.back().unwrap().number("n"), Some(2.0));
            }
        }
    });
    assert_eq!(store.sessions().iter().map(|session| session.counts.events).sum::<u64>(), 1200);
}

#[test]
fn a_change_is_told_once_until_somebody_reads() {
    let store = TelemetryStore::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    store.on_change(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let before = store.version();
    for _ in 0..3 {
        store.add_session(web(), batch("a", "1", numbered(1)), NOW);
    }
    assert_eq!((calls.load(Ordering::Relaxed), store.version() - before), (1, 3));
    store.sessions();
    store.clear();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn errors_are_grouped_over_sessions_and_apart_from_the_console() {
    let store = TelemetryStore::default();
    let events = json!([
        {"type": "javascript_error", "timestamp": NOW, "data": {"message": "m", "stack": "at f (http://h/a.js:1:2)"}},
        {"type": "console_output", "timestamp": NOW, "data": {"level": "error", "message": "c"}},
        {"type": "console_output", "timestamp": NOW, "data": {"level": "log", "message": "l"}},
        {"type": "network_error", "timestamp": NOW, "data": {"error": "refused"}}
    ]);
    store.add_session(web(), batch("a", "1", events.clone()), NOW);
    store.add_session(web(), batch("b", "1", events), NOW);
    let (errors, console) = (store.errors(Some("web")), store.console_errors(None));
    assert_eq!((errors.len(), errors[0].count, &*errors[0].session), (1, 2, "b"));
    assert_eq!((console.len(), console[0].count, &*console[0].message), (1, 2, "c"));
    let counts = store.get_session("a").unwrap().counts;
    assert_eq!((counts.errors, counts.console_errors, counts.requests, counts.failed_requests), (1, 1, 1, 1));
    let later = store.add_session(
        web(),
        batch(
            "c",
            "1",
            json!([{"type": "javascript_error", "timestamp": NOW,
        "data": {"message": "m", "stack": "at f (http://h/a.js:1:2)"}}]),
        ),
        NOW,
    );
    assert_eq!((later.len(), later[0].fingerprint), (1, errors[0].fingerprint));
    let original = Original { file: "src/a.ts".into(), line: 9, column: 8, name: None };
    store.resolve(errors[0].fingerprint, &errors[0].frames, &[Some(original)]);
    assert_eq!(store.errors(None)[0].place().unwrap(), "src/a.ts:9:8");
}

#[test]
fn vitals_are_those_of_the_last_load() {
    let store = TelemetryStore::default();
    let vital = |metric: &str, value: f64| json!({"type": "web_vital", "timestamp": NOW, "data": {"metric": metric, "value": value}});
    store.add_session(
        web(),
        batch("a", "1", json!([vital("LCP", 900.0), vital("CLS", 0.2), vital("LCP", 1200.0)])),
        NOW,
    );
    let rated: Vec<_> = store.get_session("a").unwrap().vitals.rated().collect();
    assert_eq!(rated, [("LCP", 1200.0, Rating::Good), ("CLS", 0.2, Rating::Middling)]);
    store.add_session(web(), batch("a", "2", json!([vital("INP", 700.0), vital("odd", 1.0)])), NOW);
    let rated: Vec<_> = store.get_session("a").unwrap().vitals.rated().collect();
    assert_eq!(rated, [("INP", 700.0, Rating::Poor)]);
}

#[test]
fn a_route_within_a_page_moves_the_address_of_its_session() {
    let store = TelemetryStore::default();
    let route = json!([{"type": "route_change", "timestamp": NOW, "url": "http://h/next", "data": {}}]);
    store.add_session(web(), batch("a", "1", route), NOW);
    assert_eq!(&*store.get_session("a").unwrap().meta.url, "http://h/next");
}

#[test]
fn px10_the_heap_and_long_tasks_of_a_tab_are_curves_that_take_no_more_room() {
    const BEGIN: u64 = NOW - 3_600_000;
    let store = TelemetryStore::default();
    let heap = |at: u64, bytes: u64| json!({"type": "memory_usage", "timestamp": BEGIN + at, "data": {"usedJSHeapSize": bytes}});
    let task = |at: u64, took: f64| json!({"type": "long_task", "timestamp": BEGIN + at, "data": {"duration": took}});
    let quiet = json!({"type": "e", "timestamp": BEGIN + 25_000});
    store.add_session(None, batch("a", "1", json!([heap(0, 1000), task(1, 60.5), heap(5_000, 1010), quiet])), NOW);
    let session = store.get_session("a").unwrap();
    assert_eq!(session.heap.figures(), [1000.0, 1010.0, 1010.0, 1010.0, 1010.0, 1010.0]);
    assert_eq!(session.long_tasks.took_ms.figures(), [60.5, 0.0, 0.0, 0.0, 0.0, 0.0]);
    // What the curve alone tells is no event: it leaves room for others.
    assert_eq!((session.events.len(), session.counts.events, session.long_tasks.count), (3, 3, 1));
    let bytes = session.bytes;
    for at in 6..400 {
        store.add_session(None, batch("a", "1", json!([heap(at * 5_000, 1010 + at % 7)])), NOW);
    }
    let session = store.get_session("a").unwrap();
    assert_eq!((session.heap.figures().len(), session.bytes), (crate::proxy::telemetry::curve::FIGURES_MAX, bytes));
    // Frames share the heap of their page, and a page may say anything.
    let mut frame = batch("a", "2", json!([heap(2_000_000, 9)]));
    frame.meta.frame = true;
    store.add_session(None, frame, NOW);
    let odd = ["x".into(), json!(-5), json!(1e300), json!(null)];
    let odd: Vec<Value> = odd
        .iter()
        .map(|odd| json!({"type": "memory_usage", "timestamp": BEGIN, "data": {"usedJSHeapSize": odd}}))
        .collect();
    store.add_session(None, batch("a", "1", json!(odd)), NOW);
    assert_eq!(store.get_session("a").unwrap().heap.figures(), session.heap.figures());
    store.add_session(None, batch("b", "1", json!([task(0, 1e300), {"type": "e", "timestamp": BEGIN}])), NOW);
    let other = store.get_session("b").unwrap();
    assert_eq!((other.heap.figures(), other.long_tasks.took_ms.figures()), (&[][..], &[0.0][..]));
}
