//! What the last row names does something.

use crate::tui::footer;
use crate::tui::layout::layout;
use crate::tui::testing::{Mock, Rig};

/// States from which the footers are tried: keys that lead there.
const STATES: &[&[&str]] = &[
    &["1"],
    &["1", "right"],
    &["1", "ctrl+f", "w"],
    &["2"],
    &["2", "right"],
    &["2", "space"],
    &["2", "K"],
    &["3"],
    &["3", "up"],
    &["3", "up", "v"],
    &["3", "ctrl+f", "g"],
    &["3", "ctrl+f", "g", "enter"],
    &["3", "ctrl+f", "g", "down"],
    &["3", "ctrl+f", "down", "right", "right"],
    &["3", "up", "enter"],
    &["3", "up", "up", "enter"],
    &["3", "up", "down", "enter"],
    &["3", "up", "down", "enter", "right"],
    &["3", "up", "down", "enter", "enter"],
    &["3", "up", "down", "enter", "j"],
    &["3", "P"],
    &["3", "m", "o"],
    &["4"],
    &["4", "right"],
    &["4", "up"],
    &["4", "down", "right"],
    &["4", "m"],
    &["4", "x"],
    &["4", "ctrl+f", "t"],
    &["6", "home", "up"],
    &["5"],
    &["5", "right"],
    &["5", "x"],
    &["5", "x", "x"],
    &["5", "d"],
    &["5", "d", "d", "d"],
    &["5", "end"],
    &["5", "ctrl+f", "3"],
    &["6"],
    &["6", "enter"],
    &["6", "space"],
    &["6", "ctrl+f", "c"],
    &["6", "r"],
    &["6", "v"],
    &["6", "v", "enter"],
    &["7"],
    &["7", "down", "down"],
    &["7", "enter"],
    &["7", "down", "down", "right", "right"],
    &["7", "up"],
    &["7", "v"],
    &["7", "v", "right"],
    &["7", "v", "down", "down", "enter"],
    &["7", "x"],
    &["7", "f", "f"],
    &["7", "ctrl+f", "w"],
    &["7", "i"],
    &["7", "space"],
    &["8"],
    &["8", "down", "down", "down", "right"],
    &["8", "end"],
    &["8", "ctrl+f", "w"],
    &["/"],
    &["/", "r"],
    &["?"],
    &["/", "t", "o", "u", "r", "enter"],
    &["/", "t", "o", "u", "r", "enter", "enter"],
    &["/", "t", "o", "u", "r", "enter", "enter", "right", "down"],
    &["/", "t", "o", "u", "r", "enter", "enter", "enter"],
    &["e"],
    &["q"],
    &["1", "home", "up"],
    &["1", "right", "Z", "Z"],
    &["4", "right", "Z", "Z"],
];

#[test]
fn z_is_named_where_a_text_has_the_focus_and_what_fills_the_screen_has_no_footer() {
    for state in [["1", "right"], ["2", "right"], ["4", "right"], ["5", "right"], ["6", "enter"], ["7", "enter"]] {
        let mut rig = Rig::new(Mock::full(), (120, 36));
        rig.press(&state);
        assert!(rig.text().lines().last().unwrap().contains("Z zoom"), "{state:?}\n{}", rig.text());
        rig.press(&["Z"]);
        assert_eq!(layout(&rig.model).footer.height, 0);
    }
}

#[test]
fn every_key_in_a_footer_works() {
    for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
        for state in STATES {
            let rig = || {
                let mut rig = Rig::new(Mock::full(), size);
                rig.press(state);
                rig
            };
            let hints = footer::shown(&rig().model, &layout(&rig().model));
            assert!(!hints.is_empty(), "{state:?} has no footer");
            for key in hints.iter().flat_map(|hint| hint.keys.iter()) {
                assert!(rig().event(key.as_event()), "{key} in the footer of {state:?} does nothing");
            }
        }
    }
}
