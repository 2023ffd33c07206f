//! Stacks are folded behind their first frame, and go with their error.

use crate::tui::message::Effect;
use crate::tui::testing::{Mock, Rig};

/// An error of `web` with a line of `api` between its frames.
fn with_stack() -> Rig {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&["3"]);
    let frames = ["    at one (a.js:1)", "    at two (b.js:2)", "    at three (c.js:3)"];
    rig.mock.line(1, "web", "ERROR RangeError: too far");
    rig.mock.line(1, "web", frames[0]);
    rig.mock.line(2, "api", "between");
    rig.mock.line(1, "web", frames[1]);
    rig.mock.line(1, "web", frames[2]);
    rig.mock.line(1, "web", "afterwards");
    rig
}

#[test]
fn frames_of_a_stack_are_folded_behind_the_first_and_enter_opens_and_closes_them() {
    let mut rig = with_stack();
    rig.refresh();
    let text = rig.text();
    assert!(text.contains("at one") && text.contains("⏎ +2 frames") && !text.contains("at two"), "{text}");
    rig.press(&["up", "up"]);
    assert_eq!(rig.model.logs.cursor_line().unwrap().plain, b"    at one (a.js:1)", "{}", rig.text());
    rig.press(&["enter"]);
    assert!(rig.text().contains("at two") && !rig.text().contains("frames"), "{}", rig.text());
    rig.press(&["enter"]);
    assert!(!rig.text().contains("at two") && rig.model.overlay.is_none(), "{}", rig.text());
    rig.press(&["f"]);
    assert!(rig.text().contains("at two"), "{}", rig.text());
}

#[test]
fn folded_frames_are_found_copied_and_filtered_with_their_error() {
    let mut rig = with_stack();
    rig.refresh();
    rig.press(&["up", "up", "up", "y"]);
    let Some(Effect::Copy(text, _)) = rig.outside.pop() else { panic!("{:?}", rig.outside) };
    assert_eq!(text.lines().count(), 4, "{text}");
    rig.press(&["down", "y"]);
    let Some(Effect::Copy(text, _)) = rig.outside.pop() else { panic!("{:?}", rig.outside) };
    assert!(text.starts_with("    at one") && text.ends_with("at three (c.js:3)\n"), "{text}");
    rig.press(&["l", "l", "l"]);
    let text = rig.text();
    assert!(text.contains("at one") && !text.contains("between") && !text.contains("afterwards"), "{text}");
    rig.press(&["l", "/"]);
    rig.type_text("show rangeerror");
    rig.press(&["enter"]);
    assert!(rig.text().contains("at one") && !rig.text().contains("between"), "{}", rig.text());
    rig.press(&["/"]);
    rig.type_text("show rangeerror");
    rig.press(&["enter", "ctrl+f"]);
    rig.type_text("three");
    rig.press(&["enter"]);
    assert_eq!(rig.model.logs.cursor_line().unwrap().plain, b"    at three (c.js:3)");
    assert!(rig.text().contains("at two"), "{}", rig.text());
}
