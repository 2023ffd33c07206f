//! What is printed for people and for programs, and how an open line is gone on with.

use std::time::Duration;

use super::{Json, Line, Look, News, Owner, Printer, Text};
use crate::config::Timestamps;
use crate::event::{Ending, Exit, Level, Status, Stream};

const WEB: Owner<'static> = Owner { name: "web", id: 1, place: 0, started_ms: 0 };
const API: Owner<'static> = Owner { name: "api-v2", id: 2, place: 1, started_ms: 0 };

fn line(bytes: &[u8]) -> Line<'_> {
    let (stream, level, ending) = (Stream::Out, Level::Info, Ending::Newline);
    Line { time_ms: 1_763_683_348_700, sequence: 7, stream, level, bytes, ending }
}

fn plain(columns: Option<u16>) -> Text {
    Text::new(Look { coloured: false, columns, time: Timestamps::Off }, ["web", "api-v2"])
}

fn printed(steps: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    steps(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn names_are_padded_and_the_mark_says_the_stream() {
    let mut text = plain(None);
    let out = printed(|out| {
        text.line(out, WEB, &line(b"\x1b[1mhello\x1b[0m"));
        text.line(out, API, &Line { stream: Stream::Err, ..line(b"no") });
        let ended =
            News::Ended { status: Status::Failed, exit: Some(Exit::Code(1)), after: Duration::from_millis(3240) };
        text.news(out, WEB, 0, &ended);
    });
    assert_eq!(out, "web    │ hello\napi-v2 ┃ no\nweb    ● exited with code 1 after 3.2 s\n");
}

#[test]
fn colours_are_those_of_the_process_and_the_time_is_dim() {
    let mut text = Text::new(Look { coloured: true, columns: None, time: Timestamps::Relative }, ["web"]);
    let out = printed(|out| text.line(out, Owner { started_ms: 1_763_683_348_000, ..WEB }, &line(b"\x1b[31mx")));
    assert_eq!(out, "\x1b[2m[+    0.700] \x1b[0m\x1b[36mweb\x1b[0m \x1b[36m│\x1b[0m \x1b[31mx\x1b[0m\n");
    let mut text = Text::new(Look { coloured: true, columns: None, time: Timestamps::Off }, ["web"]);
    assert_eq!(printed(|out| text.line(out, WEB, &line(b"x"))), "\x1b[36mweb\x1b[0m \x1b[36m│\x1b[0m x\n");
}

#[test]
fn a_prompt_is_gone_on_with_and_nothing_is_written_twice() {
    let mut text = plain(None);
    let out = printed(|out| {
        text.partial(out, WEB, &line(b"Name: "), false);
        text.partial(out, WEB, &line(b"Name: Ad"), false);
        text.line(out, WEB, &line(b"Name: Ada"));
        text.line(out, WEB, &line(b"thanks"));
    });
    assert_eq!(out, "web    │ Name: Ada\nweb    │ thanks\n");
}

#[test]
fn a_prompt_that_another_line_comes_after_is_closed_and_written_again() {
    let mut text = plain(None);
    let out = printed(|out| {
        text.partial(out, WEB, &line(b"Name: "), false);
        text.line(out, API, &line(b"tick"));
        text.line(out, WEB, &line(b"Name: Ada"));
    });
    assert_eq!(out, "web    │ Name: \napi-v2 │ tick\nweb    │ Name: Ada\n");
}

#[test]
fn progress_is_shown_in_place_on_a_terminal_and_only_at_its_end_elsewhere() {
    let steps = |text: &mut Text| {
        printed(|out| {
            text.partial(out, WEB, &line(b"10%"), true);
            text.partial(out, WEB, &line(b"90%"), true);
            text.line(out, WEB, &line(b"done"));
        })
    };
    assert_eq!(steps(&mut plain(None)), "web    │ done\n");
    assert_eq!(steps(&mut plain(Some(80))), "web    │ 10%\r\x1b[Kweb    │ 90%\r\x1b[Kweb    │ done\n");
    // A line that wraps cannot be written over.
    assert_eq!(steps(&mut plain(Some(11))), "web    │ 10%\nweb    │ done\n");
}

#[test]
fn on_a_terminal_an_open_line_moves_down_for_others() {
    let mut text = plain(Some(80));
    let out = printed(|out| {
        text.partial(out, WEB, &line(b"Name: "), false);
        text.line(out, API, &line(b"tick"));
        text.line(out, API, &line(b"tock"));
        text.settle(out);
        text.line(out, WEB, &line(b"Name: Ada"));
    });
    let expected = "web    │ Name: \r\x1b[Kapi-v2 │ tick\napi-v2 │ tock\nweb    │ Name: Ada\n";
    assert_eq!(out, expected);
}

#[test]
fn the_pieces_of_a_long_line_are_printed_as_one_line() {
    let mut text = plain(None);
    let out = printed(|out| {
        text.line(out, WEB, &Line { ending: Ending::Continued, ..line(b"one ") });
        text.line(out, WEB, &Line { ending: Ending::Continued, ..line(b"two ") });
        text.partial(out, WEB, &line(b"thr"), false);
        text.line(out, WEB, &line(b"three"));
        text.line(out, WEB, &Line { ending: Ending::Continued, ..line(b"four ") });
        text.line(out, API, &line(b"between"));
        text.line(out, WEB, &line(b"five"));
        text.partial(out, WEB, &line(b"open"), false);
        text.finish(out);
    });
    let expected = "web    │ one two three\nweb    │ four \napi-v2 │ between\nweb    │ five\nweb    │ open\n";
    assert_eq!(out, expected);
}

#[test]
fn a_program_reads_one_object_a_line() {
    let mut json = Json::new(false);
    let out = printed(|out| {
        json.line(out, WEB, &line(b"say \"hi\" \x1b[31m\xff"));
        json.line(out, WEB, &Line { ending: Ending::None, stream: Stream::Err, ..line(b"end") });
        json.news(out, WEB, 0, &News::Started { command: "node .", cwd: "/p", pid: Some(9) });
        let killed =
            News::Ended { status: Status::Failed, exit: Some(Exit::Signal(9)), after: Duration::from_millis(1500) };
        json.news(out, WEB, 0, &killed);
        json.news(out, WEB, 0, &News::Url("http://localhost:3000/"));
        json.message(out, 0, Level::Warn, "careful");
        json.skipped(out, 0, 12);
    });
    let expected = [
        r#"{"type":"line","time":"2025-11-21T00:02:28.700Z","process":"web","id":1,"stream":"stdout","level":"info","text":"say \"hi\" �","lossy":true,"seq":7}"#,
        r#"{"type":"line","time":"2025-11-21T00:02:28.700Z","process":"web","id":1,"stream":"stderr","level":"info","text":"end","seq":7,"newline":false}"#,
        r#"{"type":"started","time":"1970-01-01T00:00:00.000Z","process":"web","id":1,"pid":9,"command":"node .","cwd":"/p"}"#,
        r#"{"type":"exited","time":"1970-01-01T00:00:00.000Z","process":"web","id":1,"status":"failed","signal":9,"seconds":1.5}"#,
        r#"{"type":"url","time":"1970-01-01T00:00:00.000Z","process":"web","id":1,"url":"http://localhost:3000/"}"#,
        r#"{"type":"message","time":"1970-01-01T00:00:00.000Z","level":"warn","text":"careful"}"#,
        r#"{"type":"skipped","time":"1970-01-01T00:00:00.000Z","lines":12}"#,
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), expected);
}
