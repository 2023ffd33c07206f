//! What filters find, what they refuse and with which words.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::event::ProcessId;
use crate::proxy::capture::tests::{body, exchange, headers};
use crate::proxy::{Caller, Exchange, Failure, Frame, Mode, Traffic};

fn found(text: &str, exchange: &Exchange) -> bool {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).matches(exchange)
}

fn rich() -> Exchange {
    let mut rich = exchange(1);
    rich.opened.method = "POST".into();
    rich.opened.url = "http://127.0.0.1:5173/api/users?q=a(b)&x=1".into();
    rich.opened.headers = headers(&[("Host", "127.0.0.1:5173"), ("Content-Type", "text/plain"), ("X-Kind", "Test")]);
    rich.opened.process = Some((ProcessId(1), Arc::from("web")));
    rich.caller = Some(Caller { pid: 1, name: Arc::from("curl") });
    rich.request_body = body(b"hello\nworld");
    rich.response.body = body(b"{\"error\": \"not found\"}");
    rich.status = Some(404);
    rich.phases.total = Some(Duration::from_millis(700));
    rich
}

#[test]
fn every_word_finds_what_it_says_and_nothing_else() {
    let rich = rich();
    for (finds, misses) in [
        ("~u API/users", "~u ^api"),
        ("users\\?q=a", "nowhere"),
        ("~m post", "~m get"),
        ("~c 404", "~c 200"),
        ("~c 4xx", "~c 5xx"),
        ("~c 400-499", "~c 405-499"),
        ("~c >=404", "~c >404"),
        ("~c <=404", "~c <404"),
        ("~d 127.0.0.1:5173", "~d api"),
        ("~p ^web$", "~p api"),
        ("~from curl", "~from firefox"),
        ("~h 'x-kind: test'", "~h x-none"),
        ("~hq ^host:", "~hs ^host:"),
        ("~hs charset=utf-8$", "~hq charset=utf-8$"),
        ("~b 'not found'", "~b nothing"),
        ("~bq hello.world", "~bs hello.world"),
        ("~bs error", "~bq error"),
        ("~t json", "~t html"),
        ("~tq plain", "~tq json"),
        ("~ts json", "~ts plain"),
        ("~s", "~q"),
        ("~e", "!~e"),
        ("~all", "~a"),
        ("", "~ws"),
        ("~slow 700ms", "~slow 0.8s"),
        ("~size 22", "~size 1k"),
        ("!~sse", "~sse"),
        ("not ~tunnel", "~replay | ~tunnel | ~websocket"),
    ] {
        assert!(found(finds, &rich), "{finds}");
        assert!(!found(misses, &rich), "{misses}");
    }
}

#[test]
fn what_travels_and_how_it_came_can_be_asked() {
    let mut other = exchange(1);
    other.status = None;
    other.traffic = Traffic::WebSocket;
    other.opened.mode = Mode::Replay;
    other.failure = Some(Failure { kind: "refused", text: Arc::from("nobody listens") });
    let message =
        Frame { time_ms: 0, up: true, kind: "text".into(), kept: Arc::from(*b"ping me"), bytes: 7, compressed: false };
    other.frames = VecDeque::from([message]);
    assert!(found("~ws ~replay ~q ~e & ~b 'ping me' !~bs ping ~bq ping", &other));
    other.response.headers = headers(&[("Content-Type", "text/javascript")]);
    assert!(found("~a", &other));
}

#[test]
fn operators_bind_as_in_mitmproxy() {
    let rich = rich();
    for (text, expected) in [
        ("~m GET & ~c 404 | ~m POST", true),
        ("~m POST | ~m GET & ~c 200", true),
        // Side by side is joined last.
        ("~m GET | ~m POST ~c 200", false),
        ("~m GET | (~m POST ~c 404)", true),
        ("!~m GET ~c 404", true),
        ("!(~m GET | ~c 404)", false),
        ("! ! ~m POST", true),
        ("~m POST and not ~c 200 OR ~e", true),
        ("(~m POST)(~c 404)", true),
        ("~m POST && ~c 404 || ~e", true),
        ("~e&~s", true),
        ("~c 404|~c 200", true),
        // An expression of its own: what is not a blank belongs to it, brackets too where they are opened inside.
        ("~u users|nothing", true),
        ("(~u (users|nothing))", true),
        (r"~u a\(b\)", true),
        (r#"~u "a\(b\)""#, true),
        (r#"~b "\"error\"""#, true),
    ] {
        assert_eq!(found(text, &rich), expected, "{text}");
    }
}

#[test]
fn an_error_says_what_is_wrong_where_and_what_is_allowed() {
    for (text, column, words) in [
        ("~x", 1, "`~x` is no filter word; there are ~u ~m ~c"),
        ("ä ~", 3, "`~` is no filter word"),
        ("~u", 3, "`~u` needs a regular expression behind it"),
        ("~u ~c", 4, ""),
        ("~c 4x", 4, "`~c` needs 404, 4xx, 400-499 or >=400 behind it"),
        ("~c 1000", 4, "`~c` needs"),
        ("~slow 5", 7, "`~slow` needs 500ms or 2s"),
        ("~size x", 7, "`~size` needs 800, 10k or 2m"),
        ("~m [a", 4, "this is no regular expression: unclosed character class"),
        ("(~e", 1, "this `(` is not closed"),
        ("~e)", 3, "`)` closes nothing"),
        ("()", 2, "something is missing before `)`"),
        ("~e &", 5, "something is missing here"),
        ("| ~e", 1, "`|` needs something on its left"),
        ("~e or or ~s", 7, "`or` needs something on its left"),
        ("~b 'open", 4, "this ' is not closed"),
    ] {
        match Filter::parse(text) {
            Ok(_) => assert!(words.is_empty(), "{text} was taken"),
            Err(error) => {
                assert!(error.message.contains(words) && !words.is_empty(), "{text}: {error}");
                assert_eq!(error.column, column, "{text}: {error}");
            }
        }
    }
}

#[test]
fn what_is_too_deep_or_too_long_is_refused() {
    for text in ["!".repeat(4000), "(".repeat(4000), "! (".repeat(1000)] {
        let error = Filter::parse(&text).expect_err("too deep");
        assert!(error.message.contains("50 levels"), "{error}");
    }
    assert!(Filter::parse(&"a ".repeat(3000)).is_err_and(|error| error.message.contains("4096")));
    let error = Filter::parse("~b (?:(?:x{100}){100}){100}").expect_err("too big");
    assert!(error.message.contains("size limit") || error.message.contains("exceeds"), "{error}");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text: String) {
        drop(Filter::parse(&text));
    }

    #[test]
    fn no_row_of_filter_words_makes_it_panic(words in prop::collection::vec(prop::sample::select(vec![
        "~u", "~c", "~b", "~e", "~slow", "(", ")", "!", "&", "|", "and", "or", "not", "'", "\"", "\\", " ", "404", "5xx", "ä", "~",
    ]), 0..20)) {
        let text = words.concat();
        match Filter::parse(&text) {
            Ok(filter) => drop(filter.matches(&rich())),
            Err(error) => {
                prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1 && error.width >= 1);
                prop_assert!(!error.message.is_empty());
            }
        }
    }
}
