//! What the store promises: bounds, order, snapshots, clearing, waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::ring::Ring;
use super::*;
use crate::error::Code;
use crate::event::ProcessId;
use crate::proxy::{
    Body, Caller, Exchange, ExchangeId, Failure, Frame, Headers, Injection, Mode, Note, Opened, Phases, Traffic,
};
use crate::runtime::Context;

/// Header fields from texts.
pub(crate) fn headers(fields: &[(&str, &str)]) -> Headers {
    fields.iter().copied().collect()
}

/// A body that was kept whole.
pub(crate) fn body(bytes: &[u8]) -> Body {
    Body { kept: Arc::from(bytes), bytes: bytes.len() as u64 }
}

/// An exchange that went well: `GET` of a page of `web`, with a few headers and a short answer.
pub(crate) fn exchange(id: u64) -> Exchange {
    let opened = opened("GET", "http://127.0.0.1:5173/api/users?page=2", ProcessId(1));
    let mut exchange = Exchange::new(ExchangeId(id), opened);
    exchange.status = Some(200);
    exchange.response.headers = headers(&[("Content-Type", "application/json; charset=utf-8")]);
    exchange.response.body = body(b"{\"users\":[]}");
    exchange.phases = phases(40);
    exchange.done = true;
    exchange
}

fn opened(method: &str, url: &str, process: ProcessId) -> Opened {
    Opened {
        time_ms: 1_700_000_000_000,
        mode: Mode::Reverse,
        method: method.into(),
        url: url.into(),
        process: Some((process, Arc::from("web"))),
        headers: headers(&[("Host", "127.0.0.1:5173"), ("Accept", "*/*")]),
    }
}

fn phases(total_ms: u64) -> Phases {
    let ms = Duration::from_millis;
    Phases { connect: Some(ms(1)), first_byte: Some(ms(total_ms / 2)), total: Some(ms(total_ms)) }
}

fn begins(id: u64) -> Note {
    Note::Opened(ExchangeId(id), Box::new(opened("GET", "http://127.0.0.1:5173/", ProcessId(1))))
}

fn ends(id: u64, status: u16) -> Note {
    Note::Ended {
        id: ExchangeId(id),
        status: Some(status),
        request_body: body(b"up"),
        response_body: body(b"down!"),
        phases: phases(40),
        failure: None,
        retried: false,
        injection: None,
    }
}

fn refuses(id: u64) -> Note {
    let opened = Box::new(Opened { process: None, ..opened("GET", "http://evil.test/", ProcessId(1)) });
    Note::Refused { id: ExchangeId(id), opened, status: 421, why: Arc::from("not taken here") }
}

fn frame(id: u64, bytes: usize) -> Note {
    let kept = Arc::from(vec![b'x'; bytes]);
    let frame = Frame { time_ms: 0, up: true, kind: Arc::from("text"), kept, bytes: bytes as u64, compressed: false };
    Note::Frame(ExchangeId(id), Box::new(frame))
}

fn small(exchanges: usize, bytes: usize) -> Capture {
    Capture::new(CaptureLimits { exchanges, bytes, ..CaptureLimits::default() })
}

fn ids(capture: &Capture) -> Vec<u64> {
    capture.requests(&Query::default()).iter().map(|exchange| exchange.id.0).collect()
}

fn run(capture: &Capture, ids: std::ops::RangeInclusive<u64>, status: u16) {
    let mut notes: Vec<Note> = ids.flat_map(|id| [begins(id), ends(id, status)]).collect();
    capture.apply(&mut notes);
    assert!(notes.is_empty());
}

#[test]
fn px04_the_newest_thousand_are_kept_and_the_rest_counted() {
    let capture = Capture::default();
    run(&capture, 1..=1500, 200);
    assert_eq!(ids(&capture), (501..=1500).rev().collect::<Vec<_>>());
    let summary = capture.summary();
    assert_eq!((summary.total, summary.kept, summary.dropped.by_count), (1500, 1000, 500));
    assert!(capture.get(ExchangeId(500)).is_none() && capture.get(ExchangeId(501)).is_some());
}

#[test]
fn px04_a_query_knows_process_place_and_limit() {
    let capture = Capture::default();
    let of = |id: u64| opened("GET", "http://127.0.0.1/", ProcessId(id % 2));
    capture.apply(&mut (1..=10).map(|id| Note::Opened(ExchangeId(id), Box::new(of(id)))).collect());
    let asked = |query: Query| -> Vec<u64> { capture.requests(&query).iter().map(|exchange| exchange.id.0).collect() };
    assert_eq!(capture.requests_for_process(ProcessId(1), 2).iter().map(|e| e.id.0).collect::<Vec<_>>(), [9, 7]);
    assert_eq!(asked(Query { before: Some(ExchangeId(9)), limit: Some(3), ..Query::default() }), [8, 7, 6]);
    assert_eq!(asked(Query { after: Some(ExchangeId(8)), ..Query::default() }), [10, 9]);
    let filter = Filter::parse("!~s").expect("a filter");
    assert_eq!(asked(Query { filter: Some(filter), limit: Some(2), ..Query::default() }), [10, 9]);
}

#[test]
fn px04_a_snapshot_stays_as_it_was_while_the_writer_goes_on() {
    let capture = Capture::default();
    capture.apply(&mut vec![begins(1)]);
    let before = capture.requests(&Query::default());
    capture.apply(&mut vec![ends(1, 200), begins(2)]);
    assert!(before.len() == 1 && !before[0].done && before[0].status.is_none());
    let after = capture.requests(&Query::default());
    assert!(after.len() == 2 && after[1].done && after[1].status == Some(200));
    let unshared = Arc::as_ptr(&after[0]);
    drop((before, after));
    capture.apply(&mut vec![ends(2, 200)]);
    assert_eq!(Arc::as_ptr(&capture.get(ExchangeId(2)).expect("kept")), unshared, "copied without a reader");
}

#[test]
fn px04_readers_see_turns_whole_while_the_reactor_writes() {
    let capture = Arc::new(small(100, 64 << 20));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    // A turn of the writer opens two and ends both; nobody sees one of them alone.
                    let seen = capture.requests(&Query::default());
                    assert!(
                        seen.len().is_multiple_of(2) && seen.len() <= 100 && seen.iter().all(|exchange| exchange.done)
                    );
                    assert!(seen.is_sorted_by(|a, b| a.id > b.id));
                }
            });
        }
        for turn in 0..5000 {
            run(&capture, 2 * turn + 1..=2 * turn + 2, 200);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn errors_and_what_runs_stay_longer_up_to_a_quarter_each() {
    let capture = small(100, 64 << 20);
    capture.apply(&mut vec![begins(1)]);
    run(&capture, 2..=11, 500);
    run(&capture, 12..=1000, 200);
    let kept = ids(&capture);
    assert_eq!(kept.len(), 100);
    assert!((1..=11).all(|id| kept.contains(&id)), "what runs and what failed was passed over");
    run(&capture, 1001..=2000, 502);
    assert_eq!(ids(&capture).len(), 100, "nothing but errors is bounded as well");
    run(&capture, 2001..=3000, 200);
    let errors = capture.requests(&Query::default()).iter().filter(|exchange| exchange.is_error()).count();
    assert_eq!(errors, 25);
}

#[test]
fn refused_requests_are_kept_and_a_flood_of_them_takes_a_sixteenth() {
    let capture = small(160, 64 << 20);
    run(&capture, 1..=160, 200);
    capture.apply(&mut (161..=5000).map(refuses).collect());
    let all = capture.requests(&Query::default());
    let (refused, others): (Vec<_>, Vec<_>) = all.iter().partition(|exchange| exchange.is_rejected());
    assert_eq!((refused.len(), others.len()), (10, 150), "the newest of both");
    assert_eq!((refused[0].id.0, refused[0].status, refused[0].done), (5000, Some(421), true));
    assert!(refused[0].is_error() && refused[0].failure.as_ref().is_some_and(|f| &*f.text == "not taken here"));
    let summary = capture.summary();
    assert_eq!((summary.refused, summary.total, summary.dropped.refused), (4840, 160, 4830));
    run(&capture, 5001..=5160, 200);
    assert!(
        capture.requests(&Query::default()).iter().all(|exchange| !exchange.is_rejected()),
        "they are not kept for ever"
    );
}

#[test]
fn a_talkative_connection_keeps_its_newest_messages_and_all_are_counted() {
    let capture = Capture::new(CaptureLimits { frames: 10, bytes: 1 << 20, ..CaptureLimits::default() });
    capture.apply(&mut vec![begins(1)]);
    (0..30).for_each(|_| capture.apply(&mut vec![frame(1, 100)]));
    let seen = capture.get(ExchangeId(1)).expect("kept");
    assert_eq!((seen.frames.len(), seen.frames_total, capture.summary().dropped.frames), (10, (30, 0), 20));
    (0..30).for_each(|_| capture.apply(&mut vec![frame(1, 100_000)]));
    let seen = capture.get(ExchangeId(1)).expect("kept, for its frames are held to a quarter of the bytes");
    assert_eq!((seen.frames.len(), seen.frames_total), (2, (60, 0)));
}

#[test]
fn what_is_bigger_than_all_that_may_be_kept_is_counted_as_such() {
    let capture = small(10, 100_000);
    run(&capture, 1..=1, 200);
    capture.apply(&mut vec![begins(2)]);
    let Note::Ended { id, status, request_body, phases, .. } = ends(2, 200) else { unreachable!() };
    let response_body = body(&vec![0; 200_000]);
    let (failure, injection, retried) = (None, None, false);
    let end = Note::Ended { id, status, request_body, response_body, phases, failure, retried, injection };
    capture.apply(&mut vec![end]);
    assert_eq!((ids(&capture), capture.summary().dropped.by_bytes), (vec![], 2));
}

#[test]
fn px05_a_clear_takes_all_at_once_and_what_is_told_later_of_them_is_left_out() {
    let capture = Capture::default();
    run(&capture, 1..=5, 200);
    capture.apply(&mut vec![begins(6)]);
    capture.clear();
    capture.apply(&mut vec![ends(6, 200), frame(6, 1), begins(7)]);
    assert_eq!(ids(&capture), [7]);
    let dropped = capture.summary().dropped;
    assert_eq!((dropped.by_clear, dropped.late), (6, 2));
    assert_eq!((capture.summary().total, capture.summary().ended), (7, 6), "the sums go on");
}

#[test]
fn px05_beside_captures_nothing_from_before_a_clear_is_seen_after_it() {
    let capture = small(1000, 64 << 20);
    let newest = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for id in 1..=20_000 {
                capture.apply(&mut vec![begins(id), ends(id, 200)]);
                newest.store(id as usize, Ordering::Release);
            }
            stop.store(true, Ordering::Release);
        });
        while !stop.load(Ordering::Acquire) {
            let told = newest.load(Ordering::Acquire) as u64;
            capture.clear();
            assert!(ids(&capture).iter().all(|&id| id > told), "one from before the clear");
        }
    });
    let Summary { dropped, kept, .. } = capture.summary();
    assert_eq!(dropped.by_clear + dropped.by_count + kept as u64, 20_000);
}

#[test]
fn px09_the_sums_count_every_request_once() {
    let capture = small(2, 64 << 20);
    run(&capture, 1..=6, 200);
    run(&capture, 7..=8, 404);
    capture.apply(&mut vec![begins(9)]);
    let summary = capture.summary();
    assert_eq!((summary.total, summary.ended, summary.successful, summary.failed), (9, 8, 6, 2));
    assert_eq!((summary.bytes_up, summary.bytes_down), (16, 40));
    assert_eq!(summary.mean_duration, Duration::from_millis(40));
}

#[test]
fn px11_a_record_has_all_that_is_asked_of_it() {
    let capture = Capture::default();
    let injection = Injection::Done { policy_loosened: false };
    capture.apply(&mut vec![
        Note::Opened(ExchangeId(3), Box::new(opened("POST", "http://u:p@127.0.0.1:5173/a/b?c#d", ProcessId(1)))),
        Note::Caller(ExchangeId(3), Caller { pid: 42, name: Arc::from("firefox") }),
        Note::Answered {
            id: ExchangeId(3),
            traffic: Traffic::Http,
            status: 503,
            headers: headers(&[("Content-Type", "Text/HTML; charset=utf-8")]),
            phases: Phases::default(),
            injection: injection.clone(),
        },
        ends(3, 503),
    ]);
    let record = capture.get(ExchangeId(3)).expect("kept");
    assert_eq!((record.id, &*record.opened.method, record.status), (ExchangeId(3), "POST", Some(503)));
    assert_eq!((record.host(), record.path()), ("127.0.0.1:5173", "/a/b"));
    assert_eq!((record.duration(), record.response.body.bytes), (Some(Duration::from_millis(40)), 5));
    assert_eq!(record.opened.process, Some((ProcessId(1), Arc::from("web"))));
    assert_eq!((record.opened.time_ms, record.is_error()), (1_700_000_000_000, true));
    assert_eq!(record.content_type().as_deref(), Some("text/html"));
    assert_eq!((record.caller.as_ref().map(|caller| caller.pid), &record.injection), (Some(42), &injection));
}

#[test]
fn a_hook_is_called_once_until_somebody_reads() {
    let capture = Capture::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    capture.on_change(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let version = capture.version();
    run(&capture, 1..=1, 200);
    run(&capture, 2..=2, 200);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert!(capture.version() > version);
    capture.requests(&Query::default());
    capture.clear();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    capture.apply(&mut Vec::new());
    assert_eq!(calls.load(Ordering::Relaxed), 2, "nothing has happened");
}

#[test]
fn a_waiter_gets_what_ended_hears_what_is_gone_and_can_be_cancelled() {
    let capture = Capture::default();
    let context = Context::background().with_timeout(Duration::from_secs(60));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| capture.wait_for(ExchangeId(2), &context));
        run(&capture, 1..=2, 200);
        assert_eq!(waiter.join().expect("no panic").expect("it ended").id, ExchangeId(2));
        let waiter = scope.spawn(|| capture.wait_for(ExchangeId(3), &context));
        context.cancel();
        assert_eq!(waiter.join().expect("no panic").expect_err("cancelled").message(), "cancelled");
    });
    capture.clear();
    let error = capture.wait_for(ExchangeId(1), &Context::background()).expect_err("cleared");
    assert_eq!(error.code(), Code::NotFound);
    let soon = Context::background().with_timeout(Duration::from_millis(1));
    assert_eq!(capture.wait_for(ExchangeId(9), &soon).expect_err("it never came").code(), Code::Timeout);
}

#[test]
fn exchanges_of_a_file_are_numbered_anew() {
    let capture = Capture::holding(CaptureLimits::default(), [exchange(7), exchange(7)]);
    assert_eq!(ids(&capture), [2, 1]);
}

#[derive(Clone, Debug)]
enum Step {
    Opens(u64),
    Ends(u64, bool, usize),
    Refused(u64, usize),
    Speaks(u64, usize),
    Clears,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..60u64).prop_map(Step::Opens),
        4 => (1..60u64, any::<bool>(), 0..3000usize).prop_map(|(id, fails, bytes)| Step::Ends(id, fails, bytes)),
        2 => (1..60u64, 0..2000usize).prop_map(|(id, bytes)| Step::Refused(id, bytes)),
        4 => (1..60u64, 0..2000usize).prop_map(|(id, bytes)| Step::Speaks(id, bytes)),
        1 => Just(Step::Clears),
    ]
}

proptest! {
    /// Ids come in any order and twice, ends without beginnings: the bounds hold after every step, and the books agree.
    #[test]
    fn the_bounds_are_never_exceeded(steps in prop::collection::vec(step(), 0..200), exchanges in 0..20usize) {
        let limits = CaptureLimits { exchanges, bytes: 20_000, frames: 5, ..CaptureLimits::default() };
        let mut ring = Ring::new(limits);
        let mut gone = Vec::new();
        for step in steps {
            match step {
                Step::Opens(id) => {
                    ring.insert(Exchange::new(ExchangeId(id), opened("GET", "http://a/", ProcessId(1))), &mut gone);
                }
                Step::Ends(id, fails, bytes) => ring.change(ExchangeId(id), &mut gone, |exchange| {
                    exchange.done = true;
                    exchange.response.body = body(&vec![0; bytes]);
                    exchange.failure = fails.then(|| Failure { kind: "refused", text: Arc::from("nobody listens") });
                }),
                Step::Refused(id, bytes) => {
                    let mut exchange = Exchange::new(ExchangeId(id), opened("GET", &"a".repeat(bytes), ProcessId(1)));
                    exchange.failure = Some(Failure { kind: "rejected", text: Arc::from("no") });
                    exchange.done = true;
                    ring.insert(exchange, &mut gone);
                }
                Step::Speaks(id, bytes) => {
                    if let Note::Frame(id, frame) = frame(id, bytes) {
                        ring.add_frame(id, *frame, &mut gone);
                    }
                }
                Step::Clears => drop(ring.clear()),
            }
            ring.check();
        }
    }
}
