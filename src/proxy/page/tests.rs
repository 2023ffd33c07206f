//! Tests of the channels with a page made of a thread.

use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::json;

use super::*;
use crate::proxy::engine::Say;
use crate::proxy::page::Answer;

const SOON: Duration = Duration::from_secs(60);

/// Passes on what is said to pages.
struct Line(Mutex<Sender<(ChannelId, Value)>>);

impl Say for Line {
    fn say(&self, channel: ChannelId, text: String) {
        let message = serde_json::from_str(&text).expect("JSON");
        self.0.lock().send((channel, message)).expect("the test listens");
    }

    fn close(&self, _channel: ChannelId) {}
}

fn pages(sessions: &[&str]) -> (Pages, Receiver<(ChannelId, Value)>) {
    let (sender, receiver) = channel();
    let (pages, line) = (Pages::default(), Arc::new(Line(Mutex::new(sender))));
    for (id, session) in (1..).zip(sessions) {
        let origin = PageOrigin { origin: "http://localhost:1".into(), process: None };
        pages.opened(PageChannel::new(ChannelId(id), line.clone()), origin);
        pages.said(ChannelId(id), json!({"type": "hello", "sessionId": session, "metadata": {"url": "u"}}));
    }
    (pages, receiver)
}

/// Lets one page answer one question while `ask` waits for it.
fn answered<T: Send>(
    sessions: &[&str],
    answer: impl FnOnce(&Pages, ChannelId, Value) + Send,
    ask: impl FnOnce(&Pages) -> T + Send,
) -> T {
    let (pages, asked) = pages(sessions);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&pages));
        let (channel, message) = asked.recv_timeout(SOON).expect("a question");
        answer(&pages, channel, message);
        let result = asking.join().expect("no panic");
        assert!(asked.try_recv().is_err(), "one page alone is asked");
        result
    })
}

#[test]
fn one_page_is_asked_and_its_answer_comes_back() {
    let evaluation = answered(
        &["a", "b"],
        |pages, channel, message| {
            assert_eq!(
                (channel, &message["action"], &message["code"]),
                (ChannelId(2), &json!("evaluate"), &json!("1+1"))
            );
            let id = &message["id"];
            pages.said(ChannelId(1), json!({"type": "answer", "id": id, "value": "of another page"}));
            pages.said(channel, json!({"type": "answer", "id": 77, "value": "of another question"}));
            let console = json!([{"level": "log", "message": "hi\u{1b}[2J"}]);
            pages.said(
                channel,
                json!({"type": "answer", "id": id, "value": 2, "text": "2", "kind": "number", "console": console}),
            );
            pages.said(channel, json!({"type": "answer", "id": id, "value": 3}));
        },
        |pages| pages.evaluate("b", "1+1", SOON),
    )
    .expect("an answer");
    assert_eq!((evaluation.value, evaluation.text.as_str(), evaluation.kind.as_str()), (json!(2), "2", "number"));
    assert_eq!(evaluation.console, [("log".to_owned(), "hi".to_owned())]);
    assert_eq!(evaluation.error, None);
}

#[test]
fn what_the_page_throws_is_told_with_what_can_be_done() {
    let error = json!({"message": "EvalError: 'unsafe-eval' is not allowed", "stack": "at x"});
    let evaluation = answered(
        &["a"],
        move |pages, channel, message| {
            pages.said(channel, json!({"type": "answer", "id": message["id"], "error": error}));
        },
        |pages| pages.evaluate("a", "x", SOON),
    );
    assert!(evaluation.unwrap().error.unwrap().0.contains("brummer browser"));
    let nothing = answered(
        &["a"],
        |pages, channel, message| {
            assert_eq!(message["limit"], json!(ask::SNAPSHOT_BYTES_MAX));
            pages
                .said(channel, json!({"type": "answer", "id": message["id"], "error": {"message": "nothing matches"}}));
        },
        |pages| pages.snapshot("a", Some("#x"), usize::MAX, SOON),
    );
    assert!(nothing.unwrap_err().message().contains("nothing matches"));
}

#[test]
fn a_session_without_a_page_and_a_page_that_goes_are_told() {
    let (pages, _asked) = pages(&["a"]);
    let error = pages.evaluate("b", "1", SOON).unwrap_err();
    assert_eq!((error.code(), error.get("session")), (Code::NotFound, Some("b")));
    let gone = answered(&["a"], |pages, channel, _| pages.closed(channel), |pages| pages.reload("a", SOON));
    assert_eq!(gone.unwrap_err().code(), Code::Network);
}

#[test]
fn a_page_that_does_not_answer_is_given_up() {
    let (pages, asked) = pages(&["a"]);
    let error = pages.evaluate("a", "for(;;);", Duration::from_millis(20)).unwrap_err();
    assert!(error.is_timeout());
    let (channel, message) = asked.recv_timeout(SOON).unwrap();
    pages.said(channel, json!({"type": "answer", "id": message["id"], "value": 1}));
    assert!(pages.state.lock().questions.is_empty());
}

#[test]
fn after_a_reload_the_new_page_is_asked() {
    let (pages, asked) = pages(&["a", "a"]);
    assert!(pages.evaluate("a", "1", Duration::from_millis(5)).is_err());
    assert_eq!(asked.recv_timeout(SOON).unwrap().0, ChannelId(2));
    pages.closed(ChannelId(2));
    assert!(pages.wait_for("a", Duration::ZERO) && !pages.wait_for("b", Duration::from_millis(1)));
    assert_eq!(pages.open().len(), 1);
}

#[test]
fn a_page_is_sent_to_pages_alone() {
    for url in ["javascript:alert(1)", "file:///etc/passwd", "DATA:text/html,x", "chrome://settings"] {
        let (pages, asked) = pages(&["a"]);
        assert_eq!(pages.navigate("a", url, SOON).unwrap_err().code(), Code::InvalidState, "{url}");
        assert!(asked.try_recv().is_err());
    }
    let url = answered(
        &["a"],
        |pages, channel, message| {
            assert_eq!(message["url"], json!("/x?a:b"));
            pages.said(channel, json!({"type": "answer", "id": message["id"], "url": "http://h/x"}));
        },
        |pages| pages.navigate("a", "/x?a:b", SOON),
    );
    assert_eq!(url.unwrap(), "http://h/x");
}

#[test]
fn a_picture_is_png_and_says_that_it_is_an_approximation() {
    let take = |png: &'static str| {
        answered(
            &["a"],
            move |pages, channel, message| {
                pages.said(channel, json!({"type": "answer", "id": message["id"], "picture": png}))
            },
            |pages| pages.screenshot("a", SOON),
        )
    };
    let picture = take("data:image/png;base64,iVBORw0KGgo=").unwrap();
    assert!(picture.approximate && picture.bytes.starts_with(b"\x89PNG"));
    assert!(take("data:image/png;base64,AAAA").is_err() && take("nothing").is_err());
}

#[test]
fn a_question_that_nobody_waits_for_is_answered_once_and_given_up_when_it_is_dropped() {
    let (pages, asked) = pages(&["a"]);
    let pages = Arc::new(pages);
    let told = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&told);
    pages.on_change(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    let question = pages.begin("a", Ask::Reload).expect("an open page");
    assert!(question.look().is_none());
    let (channel, message) = asked.recv_timeout(SOON).expect("a question");
    pages.said(channel, json!({"type": "answer", "id": message["id"]}));
    assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert_eq!(question.look().expect("an answer").expect("no failure"), Answer::Reloading);
    assert!(question.look().is_none());
    drop(pages.begin("a", Ask::Screenshot(View::default())).expect("an open page"));
    assert!(pages.state.lock().questions.is_empty());
    assert_eq!(pages.begin("b", Ask::Reload).expect_err("no page").code(), Code::NotFound);
}
