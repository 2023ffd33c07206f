//! Views that have nothing to show: they say why, and lead on by arrows and Enter, by a click, and by Enter alone.

use std::sync::Arc;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::tui::layout::layout;
use crate::tui::message::{Effect, Message};
use crate::tui::model::{Overlay, View};
use crate::tui::testing::{Mock, Rig};
use crate::tui::update::strip;
use crate::tui::{footer, views};

const SIZES: [(u16, u16); 4] = [(120, 36), (80, 24), (60, 16), (40, 10)];

/// Where nothing is, and where there is something that is not shown: the keys that lead there, and what is said.
const STATES: [(bool, &[&str], &str); 15] = [
    (false, &["1"], "No scripts found"),
    (false, &["2"], "Nothing has been started"),
    (false, &["3"], "Nothing has been started"),
    (false, &["5"], "No URL has been seen"),
    (false, &["6"], "The proxy does not run"),
    (false, &["6", "v"], "The proxy does not run"),
    (false, &["7"], "No AI tool has called"),
    (true, &["1", "ctrl+f", "z", "q", "enter"], "No script matches"),
    (true, &["2", "ctrl+f", "z", "q", "enter"], "No process matches"),
    (true, &["3", "x"], "Cleared"),
    (true, &["3", "/", "s", "h", "o", "w", "space", "z", "q", "enter"], "The filters hide all"),
    (true, &["4", "x"], "Nothing to show here"),
    (true, &["5", "ctrl+f", "z", "q", "enter"], "No URL matches"),
    (true, &["6", "x"], "Nothing since it was cleared"),
    (true, &["7", "x"], "No call since"),
];

fn rig(at: usize, size: (u16, u16)) -> Rig {
    let (is_full, keys, _) = STATES[at];
    let mut rig = Rig::new(if is_full { Mock::full() } else { Mock::empty() }, size);
    rig.press(keys);
    rig.outside.clear();
    rig
}

/// What came of something.
fn outcome(rig: &Rig) -> String {
    format!("{:?} {:?} {:?}\n{}", rig.model.view, rig.model.overlay, rig.outside, rig.text())
}

fn click(rig: &mut Rig, (column, row): (u16, u16)) {
    let kind = MouseEventKind::Down(MouseButton::Left);
    rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

#[test]
fn an_empty_view_says_why_and_every_button_leads_on_by_arrows_enter_and_click() {
    for size in SIZES {
        for (at, (_, keys, said)) in STATES.iter().enumerate() {
            let begin = rig(at, size);
            assert!(begin.text().contains(said), "{keys:?} at {size:?}:\n{}", begin.text());
            let buttons = strip::buttons(&begin.model);
            assert!(!buttons.is_empty(), "{keys:?}");
            let mut alone = rig(at, size);
            assert!(alone.press(&["enter"]), "Enter at {keys:?}");
            for (number, button) in buttons.iter().enumerate() {
                let mut walked = rig(at, size);
                (0..=number).for_each(|_| assert!(walked.press(&["right"]), "{button:?} of {keys:?}"));
                let spots = views::strip_spots(&walked.model, &layout(&walked.model));
                let (_, spot) = *spots.iter().find(|(other, _)| other == button).expect("what has the focus is seen");
                let label = button.label(&walked.model);
                assert!(walked.text().contains(&format!("▸{label}]")), "{label} of {keys:?}:\n{}", walked.text());
                assert_eq!(walked.draw().1, Some((spot.x, spot.y, false)), "the cursor is there");
                let mut clicked = rig(at, size);
                (0..=number).for_each(|_| _ = clicked.press(&["right"]));
                assert!(walked.press(&["enter"]));
                click(&mut clicked, (spot.x + 1, spot.y));
                clicked.model.now = walked.model.now;
                assert_eq!(outcome(&walked), outcome(&clicked), "{label} of {keys:?}");
                assert_ne!(outcome(&walked), outcome(&begin), "{label} of {keys:?} does nothing");
                if number == 0 {
                    let asked = |rig: &Rig| format!("{:?} {:?} {:?}", rig.model.view, rig.model.overlay, rig.outside);
                    assert_eq!(asked(&walked), asked(&alone), "{keys:?}");
                }
            }
        }
    }
}

#[test]
fn the_steps_from_an_empty_view_are_the_ones_that_they_are_called_by() {
    let typed = |at: usize, rights: usize| {
        let mut rig = rig(at, (80, 24));
        (0..rights).for_each(|_| _ = rig.press(&["right"]));
        rig.press(&["enter"]);
        match &rig.model.overlay {
            Some(Overlay::Command(line)) => line.field.text().to_owned(),
            _ => format!("{:?}", rig.model.view),
        }
    };
    assert_eq!(typed(0, 0), "exec ");
    assert_eq!((typed(1, 1), typed(1, 2)), ("Scripts".into(), "exec ".into()));
    assert_eq!((typed(2, 0), typed(2, 2)), ("Scripts".into(), "exec ".into()));
    assert_eq!((typed(3, 0), typed(3, 2)), ("proxy ".into(), "Scripts".into()));
    assert_eq!((typed(4, 0), typed(5, 1)), ("proxy ".into(), "proxy ".into()));
    assert_eq!(typed(6, 0), "mcp install ");
    let mut mcp = rig(6, (80, 24));
    mcp.press(&["right", "right", "enter"]);
    assert!(matches!(&mcp.outside[..], [Effect::Copy(text, _)] if text.contains(":7777")), "{:?}", mcp.outside);
    for (at, (_, _, said)) in STATES.iter().enumerate().skip(7) {
        let mut rig = rig(at, (80, 24));
        rig.press(&["enter"]);
        assert!(!rig.text().contains(said), "{said}:\n{}", rig.text());
    }
}

#[test]
fn esc_and_arrows_lead_back_from_the_buttons_and_no_error_has_none() {
    for (at, (_, keys, _)) in STATES.iter().enumerate() {
        let mut rig = rig(at, (80, 24));
        rig.press(&["right"]);
        for back in ["esc", "left"] {
            assert_eq!(strip::focused(&rig.model), Some(0), "{keys:?}");
            assert!(rig.press(&[back]));
            assert_eq!(strip::focused(&rig.model), None, "{back} at {keys:?}");
            rig.press(&["right"]);
        }
        rig.press(&["up", "up"]);
        assert!(rig.model.tab.is_some(), "↑ goes on to the tabs: {keys:?}");
    }
    let mut errors = Rig::new(Mock::empty(), (80, 24));
    errors.press(&["4"]);
    assert!(errors.text().contains("No error so far") && !errors.press(&["right"]) && !errors.press(&["enter"]));
}

#[test]
fn every_key_in_the_footer_of_an_empty_view_works() {
    for size in SIZES {
        for (at, (_, keys, _)) in STATES.iter().enumerate() {
            for more in [&[][..], &["right"]] {
                let begin = || {
                    let mut rig = rig(at, size);
                    rig.press(more);
                    rig
                };
                for key in footer::shown(&begin().model, &layout(&begin().model)).iter().flat_map(|hint| &hint.keys) {
                    assert!(begin().event(key.as_event()), "{key} in the footer of {keys:?} {more:?} does nothing");
                }
            }
        }
    }
}

#[test]
fn what_comes_into_an_empty_view_takes_the_place_of_its_buttons() {
    let mut rig = Rig::new(Mock::empty(), (80, 24));
    rig.press(&["3", "right", "right"]);
    rig.mock.line(1, "web", "the first line");
    rig.refresh();
    assert!(rig.text().contains("the first line") && !rig.text().contains("Run a command"), "{}", rig.text());
    assert_eq!(strip::focused(&rig.model), None);
    // Enter does what it does there: a mark.
    rig.press(&["enter"]);
    assert_eq!((rig.model.view, rig.model.logs.marks.len()), (View::Logs, 1));
    let mut urls = Rig::new(Mock::empty(), (80, 24));
    urls.press(&["5", "right"]);
    urls.mock.web.lock().unwrap().urls = Arc::clone(&Mock::full()).web.lock().unwrap().urls.clone();
    urls.refresh();
    assert!(urls.text().contains("http://localhost:3000") && strip::focused(&urls.model).is_none(), "{}", urls.text());
}

#[test]
fn where_only_ascii_may_be_drawn_an_empty_view_has_nothing_else() {
    for size in SIZES {
        for (at, (_, keys, _)) in STATES.iter().enumerate() {
            let mut rig = rig(at, size);
            let depth = crate::tui::theme::Depth::True;
            rig.model.theme = crate::tui::theme::Theme::new("auto", depth, true).unwrap();
            assert!(rig.text().is_ascii(), "{keys:?} at {size:?}:\n{}", rig.text());
        }
    }
}
