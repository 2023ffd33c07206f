//! Opening URLs by keys, buttons and commands.

use crate::app::view::Answer;
use crate::tui::message::{Effect, Message};
use crate::tui::testing::{Mock, Rig};

fn full(view: &str) -> Rig {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&[view]);
    rig
}

/// The page that was asked for last.
fn opened(rig: &mut Rig) -> Option<String> {
    match rig.outside.pop() {
        Some(Effect::OpenUrl(url)) => Some(url),
        _ => None,
    }
}

#[test]
fn o_opens_the_url_of_the_process_and_capital_o_that_of_the_line() {
    let mut rig = full("2");
    assert!(!rig.press(&["o"]), "the failed one has no URL");
    rig.press(&["down", "down", "o"]);
    assert_eq!(opened(&mut rig).as_deref(), Some("http://localhost:4000/"));
    rig.press(&["right", "right", "right", "right", "right", "right", "enter"]);
    assert_eq!(opened(&mut rig).as_deref(), Some("http://localhost:4000/"), "{}", rig.text());
    rig.press(&["1", "end", "right", "right", "right", "right", "enter"]);
    assert_eq!(opened(&mut rig).as_deref(), Some("http://localhost:4000/"));
    rig.press(&["3", "O"]);
    assert_eq!(opened(&mut rig), None);
    assert!(rig.text().contains("no line on the screen has a URL"), "{}", rig.text());
    rig.mock.line(1, "web", "listening on 0.0.0.0:8080");
    rig.mock.line(1, "web", "ws://localhost:1/x is no page");
    rig.refresh();
    rig.press(&["O"]);
    assert_eq!(opened(&mut rig).as_deref(), Some("http://localhost:8080"));
    rig.press(&["up", "O"]);
    assert_eq!(opened(&mut rig).as_deref(), Some("http://localhost:8080"));
    rig.press(&["enter", "left", "enter"]);
    assert_eq!(opened(&mut rig).as_deref(), Some("http://localhost:8080"), "{}", rig.text());
}

#[test]
fn open_takes_a_url_or_a_name_and_nothing_else() {
    let mut rig = full("3");
    for (word, url) in [("web", "http://localhost:3000/"), ("localhost:9/x", "http://localhost:9/x")] {
        rig.press(&["/"]);
        rig.type_text(&format!("open {word}"));
        rig.press(&["enter"]);
        assert_eq!(opened(&mut rig).as_deref(), Some(url));
    }
    for word in ["file:///etc/passwd", "nobody"] {
        rig.press(&["/"]);
        rig.type_text(&format!("open {word}"));
        rig.press(&["enter"]);
        assert_eq!(opened(&mut rig), None);
        assert!(rig.text().contains("is neither"), "{}", rig.text());
    }
}

#[test]
fn what_is_forgotten_comes_back_by_undo_step_for_step() {
    let mut rig = full("5");
    rig.press(&["down", "d"]);
    assert!(!rig.text().contains("localhost:4000") && rig.text().contains("2 URLs from"), "{}", rig.text());
    assert_eq!(rig.model.urls.selected().map(|row| &*row.name), Some("test"), "the next one is selected");
    rig.press(&["/"]);
    rig.type_text("clear urls");
    rig.press(&["enter"]);
    assert!(rig.text().contains("Every URL was forgotten") && !rig.press(&["d"]), "{}", rig.text());
    rig.refresh();
    rig.press(&["U"]);
    assert!(rig.text().contains("localhost:3000") && !rig.text().contains("localhost:4000"), "{}", rig.text());
    rig.press(&["U"]);
    assert!(rig.text().contains("localhost:4000") && !rig.press(&["U"]), "{}", rig.text());
    // What its process has taken with it cannot come back.
    rig.press(&["d"]);
    rig.mock.web.lock().unwrap().urls.clear();
    rig.refresh();
    assert!(rig.model.urls.forgotten.is_empty() && !rig.press(&["U"]));
}

#[test]
fn servers_are_asked_only_while_somebody_looks() {
    let mut rig = full("5");
    assert_eq!(std::mem::take(&mut rig.watched), [true]);
    rig.press(&["down", "x", "?", "esc"]);
    assert!(rig.watched.is_empty());
    rig.send(Message::Focus(false));
    rig.send(Message::Focus(true));
    rig.press(&["6", "/", "q", "r", "space", "w", "e", "b", "enter"]);
    rig.press(&["esc"]);
    assert_eq!(rig.watched, [false, true, false, true, false], "the focus, the view, the code and its end");
}

#[test]
fn a_row_says_whether_its_server_answers() {
    let mut rig = full("5");
    let cases = [
        (Answer::NotAsked, "· —"),
        (Answer::Status(200), "✓ 200"),
        (Answer::Status(500), "! 500"),
        (Answer::Open, "✓ —"),
        (Answer::Late, "◐ …"),
        (Answer::Nobody, "✗ —"),
    ];
    for (answer, said) in cases {
        rig.mock.web.lock().unwrap().urls[0].answer = answer;
        rig.refresh();
        let text = rig.text();
        assert!(
            text.lines().any(|line| line.contains(&format!("{said} ")) && line.contains(":3000 ")),
            "{said}\n{text}"
        );
    }
    // Whose process has ended is not asked: how it ended is told.
    assert!(rig.text().lines().any(|line| line.contains("✗ —") && line.contains("test ")), "{}", rig.text());
}

#[test]
fn the_url_of_any_view_is_copied_by_a_command() {
    let copied = |rig: &mut Rig| {
        rig.press(&["/"]);
        rig.type_text("copy url");
        rig.press(&["enter"]);
        match rig.outside.pop() {
            Some(Effect::Copy(text, _)) => Some(text),
            _ => None,
        }
    };
    assert_eq!(copied(&mut full("5")).as_deref(), Some("http://localhost:3000/"));
    let mut rig = full("2");
    assert_eq!(copied(&mut rig), None, "the failed one has no URL");
    assert!(rig.text().contains("there is no URL to copy"), "{}", rig.text());
    rig.press(&["down", "down"]);
    assert_eq!(copied(&mut rig).as_deref(), Some("http://localhost:4000/"));
}
