//! Opening URLs by keys, buttons and commands.

use crate::tui::message::Effect;
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
