//! Calls that a person has made again, by the server's own ways.

use super::*;
use crate::app::command::Command;
use crate::app::view::{Again, Backend, McpCall, McpRow};

/// Waits until the board says so.
fn told(lab: &Lab, what: &str, wanted: impl Fn(&McpRow) -> bool) -> McpRow {
    let until = Instant::now() + PATIENCE;
    loop {
        let row = Backend::mcp(&*lab.app);
        if wanted(&row) {
            return row;
        }
        assert!(Instant::now() < until, "{what}: {:#?}", row.calls);
        std::thread::yield_now();
    }
}

fn newest(row: &McpRow) -> &McpCall {
    row.calls.first().expect("a call")
}

fn has_ended(row: &McpRow, count: usize) -> bool {
    row.calls.len() == count && row.calls.iter().all(|call| call.end.is_some())
}

#[test]
fn a_call_is_made_again_as_it_was_and_is_a_call_of_its_own() {
    let lab = lab();
    lab.product.serves_at("http://127.0.0.1:1/mcp");
    lab.good("logs_search", json!({ "query": "nothing of the kind", "limit": 3 }));
    lab.bad("logs_search", json!({ "query": "x", "limit": "many" }));
    lab.good("scripts_run", json!({ "name": "count", "until": "exit" }));
    let row = told(&lab, "three calls", |row| has_ended(row, 3));
    let kinds: Vec<Again> = row.calls.iter().map(|call| call.again).collect();
    assert_eq!(kinds, [Again::Changes, Again::Reads, Again::Reads]);
    for at in 0..3 {
        let first = row.calls[at].clone();
        lab.app.execute(Command::CallAgain { number: first.number }).expect("it is made again");
        let row = told(&lab, "one more", |row| has_ended(row, 4 + at));
        let again = newest(&row);
        assert_eq!((&*again.client, &again.name, &again.arguments), ("Brummer", &first.name, &first.arguments));
        let good = |call: &McpCall| call.end.as_ref().map(|end| end.is_good);
        assert_eq!((again.again, good(again)), (first.again, good(&first)), "it is checked as any other");
    }
    let count = lab.app.processes().iter().filter(|row| &*row.name == "count").count();
    assert_eq!(count, 2, "what changes something has changed it");
    // One that was made again can be made again.
    let last = newest(&Backend::mcp(&*lab.app)).number;
    lab.app.execute(Command::CallAgain { number: last }).expect("it is made again");
    told(&lab, "one more", |row| has_ended(row, 7));
    lab.product.stop();
    assert!(lab.app.execute(Command::CallAgain { number: last }).unwrap_err().message().contains("does not run"));
}

#[test]
fn what_was_not_kept_as_a_whole_is_not_made_again() {
    let lab = lab();
    lab.product.serves_at("http://127.0.0.1:1/mcp");
    lab.call("queue_send", json!({ "channel": "c", "payload": { "password": "hunter2" } }));
    lab.call("queue_send", json!({ "channel": "c", "payload": "word ".repeat(2000) }));
    let spaced = serde_json::value::RawValue::from_string("{\r\n\"channel\":\t\"c\"}".into()).expect("JSON");
    let spec = CallSpec { arguments: Some(spaced), ..CallSpec::new(CallKind::Tool, "queue_receive") };
    lab.begin(spec).result(PATIENCE).expect("an answer");
    lab.read("logs://recent");
    let row = told(&lab, "four calls", |row| has_ended(row, 4));
    let kinds: Vec<Again> = row.calls.iter().rev().map(|call| call.again).collect();
    assert_eq!(kinds[..2], [Again::Masked, Again::Cut]);
    assert!(matches!(kinds[2], Again::Reads | Again::Changes), "how it was written is no matter: {kinds:?}");
    assert_eq!(kinds[3], Again::NoTool);
    for (call, word) in row.calls.iter().rev().zip(["secret", "too long", "", "tools"]) {
        let answer = lab.app.execute(Command::CallAgain { number: call.number });
        assert_eq!(answer.is_ok(), word.is_empty(), "{call:?}");
        assert!(answer.err().is_none_or(|why| why.message().contains(word)), "{call:?}");
        assert!(!format!("{call:?}").contains("hunter2"));
    }
    assert!(lab.app.execute(Command::CallAgain { number: 999 }).is_err());
}
