//! The text of the selected row alone on the screen.

use crate::tui::message::{Effect, Message};
use crate::tui::model::View;
use crate::tui::testing::{Mock, Rig};

/// Each view that has such a text, its keys, and what is in the text.
const TEXTS: [(&[&str], &str); 8] = [
    (&["1", "down"], "vitest"),
    (&["2", "down", "down"], "Cannot read properties"),
    (&["3"], "chunk-0059"),
    (&["4", "down"], "src/checkout.ts:42:18"),
    (&["5"], "localhost:20888"),
    (&["6", "down"], "authorization"),
    (&["6", "v", "down"], "click button#pay"),
    (&["7", "down"], "processId"),
];

const SIZES: [(u16, u16); 4] = [(120, 36), (80, 24), (60, 16), (40, 10)];

/// Whether the mouse was taken or left to the terminal last.
fn mouse(rig: &Rig) -> Option<bool> {
    let told = rig.outside.iter().rev();
    told.filter_map(|effect| if let Effect::Mouse(on) = effect { Some(*on) } else { None }).next()
}

#[test]
fn z_shows_the_text_alone_and_leaves_the_mouse_to_the_terminal_and_z_or_esc_leads_back() {
    for (keys, wanted) in TEXTS {
        for size in SIZES {
            for back in ["Z", "esc"] {
                let mut rig = Rig::new(Mock::full(), size);
                rig.press(keys);
                let (before, now) = (rig.text(), rig.model.now);
                assert!(rig.press(&["Z"]), "{keys:?}");
                let text = rig.text();
                assert!(text.contains(wanted) || size.1 == 10, "{keys:?} at {size:?}\n{text}");
                assert!(!text.contains("brummer  ~") && !text.contains("? help"), "{text}");
                assert_eq!((mouse(&rig), rig.model.zoom.is_some()), (Some(false), true));
                rig.press(&[back]);
                rig.model.now = now;
                assert_eq!((rig.text(), mouse(&rig)), (before, Some(true)), "{keys:?} {back}");
            }
        }
    }
}

#[test]
fn alone_on_the_screen_a_text_says_what_it_is_about() {
    for (keys, title) in [
        (&["1", "down"][..], "shop (root) › test"),
        (&["4", "down"], "Cannot read properties of undefined"),
        (&["5"], "http://localhost:3000/"),
        (&["7", "down"], "#47 logs_search"),
    ] {
        let mut rig = Rig::new(Mock::full(), (80, 24));
        rig.press(keys);
        rig.press(&["Z"]);
        let text = rig.text();
        assert!(text.lines().take(2).any(|line| line.contains(title)), "{text}");
    }
}

#[test]
fn the_text_scrolls_and_nothing_that_cannot_be_seen_moves() {
    let mut rig = Rig::new(Mock::full(), (40, 10));
    rig.press(&["2", "down", "down"]);
    let selected = rig.model.processes.selected().map(|row| row.id);
    rig.press(&["Z"]);
    let end = rig.text();
    rig.press(&["up", "pgup"]);
    assert!(rig.text() != end && rig.model.processes.held.is_some());
    rig.press(&["home"]);
    assert!(rig.text().contains("chunk-0001"), "{}", rig.text());
    for key in ["left", "right", "enter", "end"] {
        rig.press(&[key]);
    }
    assert_eq!(rig.text(), end);
    assert_eq!((rig.model.processes.selected().map(|row| row.id), rig.model.view), (selected, View::Processes));
    assert!(rig.asked().is_empty());
    // So is what is known of a script with a long command.
    let mut rig = Rig::new(Mock::full(), (40, 10));
    let mut rows = rig.mock.scripts.to_vec();
    rows[0].command = "x".repeat(400);
    rig.send(Message::Scripts(rows.into()));
    rig.press(&["1", "Z"]);
    let begin = rig.text();
    assert!(begin.contains("shop (root)") && !begin.contains("NODE_ENV"), "{begin}");
    rig.press(&["end"]);
    assert!(rig.text().contains("NODE_ENV"), "{}", rig.text());
    rig.press(&["home"]);
    assert_eq!(rig.text(), begin);
    // It ends where the text does, at any size.
    rig.press(&["end"]);
    rig.send(Message::Resize(100, 40));
    assert!(rig.text().contains("NODE_ENV") && rig.model.zoom_from == 0, "{}", rig.text());
    // A long answer is gone through to its end.
    let mut rig = Rig::new(Mock::full(), (40, 10));
    rig.press(&["7", "down", "Z"]);
    let begin = rig.text();
    rig.press(&["end"]);
    assert_ne!(rig.text(), begin);
    rig.press(&["home"]);
    assert_eq!(rig.text(), begin);
}

#[test]
fn long_lines_go_on_below_instead_of_being_cut() {
    let mut rig = Rig::new(Mock::full(), (60, 16));
    rig.mock.line(2, "api", &format!("{}tail", "x".repeat(150)));
    rig.refresh();
    rig.press(&["2", "down", "down", "right"]);
    assert!(!rig.text().contains("tail"));
    rig.press(&["Z"]);
    assert!(rig.text().trim_end().ends_with("tail"), "{}", rig.text());
}

#[test]
fn it_ends_with_the_view_and_with_what_it_shows() {
    let zoomed = |keys: &[&str]| {
        let mut rig = Rig::new(Mock::full(), (80, 24));
        rig.press(keys);
        rig.press(&["Z"]);
        assert!(rig.model.zoom.is_some());
        rig
    };
    let mut rig = zoomed(&["4"]);
    rig.press(&["6"]);
    assert_eq!((rig.model.zoom, mouse(&rig)), (None, Some(true)));
    let mut rig = zoomed(&["4"]);
    rig.press(&["x"]);
    assert_eq!((rig.model.zoom, mouse(&rig)), (None, Some(true)), "{}", rig.text());
    let mut rig = zoomed(&["2", "down", "down"]);
    rig.press(&["a"]);
    assert!(rig.model.attached.is_some() && rig.model.zoom.is_none());
    let mut rig = zoomed(&["3"]);
    rig.press(&["Z"]);
    assert_eq!(mouse(&rig), Some(true));
    // Settings have no such text.
    let mut rig = Rig::new(Mock::full(), (80, 24));
    assert!(!rig.press(&["8", "Z"]));
}

#[test]
fn the_qr_code_of_a_url_stands_above_what_is_known_of_it() {
    let mut rig = Rig::new(Mock::full(), (80, 36));
    rig.press(&["5", "Z", "x"]);
    let text = rig.text();
    assert!(text.contains('█') || text.contains('▀') || text.contains('▄'), "{text}");
    assert!(text.contains("process  web, running"), "{text}");
    rig.press(&["x"]);
    assert!(!rig.text().contains('▄'), "{}", rig.text());
    rig.press(&["esc"]);
    assert!(rig.model.zoom.is_none());
}

#[test]
fn a_process_that_writes_while_it_is_read_does_not_move_what_is_read() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["2", "down", "down", "Z", "up"]);
    let before = rig.text();
    (0..50).for_each(|at| rig.mock.line(2, "api", &format!("more {at}")));
    rig.refresh();
    assert_eq!(rig.text(), before);
    rig.press(&["end"]);
    assert!(rig.text().contains("more 49"), "{}", rig.text());
}
