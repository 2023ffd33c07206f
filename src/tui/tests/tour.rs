//! What a newcomer is told: a line in the status on the first visits of a view, and the introduction.

use std::collections::BTreeMap;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::tui::Keymap;
use crate::tui::keymap::ROWS;
use crate::tui::message::{Kept, Message};
use crate::tui::model::{Overlay, View};
use crate::tui::testing::{Mock, Rig};

/// The UI of somebody who has seen nothing of it.
pub(super) fn newcomer(size: (u16, u16)) -> Rig {
    let mut rig = Rig::new(Mock::full(), size);
    rig.send(Message::Visited([0; 8]));
    rig
}

fn wait(rig: &mut Rig, millis: u64) {
    let now = rig.model.now + millis;
    rig.send(Message::Now(now));
}

/// Opens the introduction.
fn tour(rig: &mut Rig) {
    rig.press(&["/"]);
    rig.type_text("tour");
    rig.press(&["enter"]);
}

fn step(rig: &Rig) -> Option<usize> {
    match &rig.model.overlay {
        Some(Overlay::Tour(tour)) => Some(tour.step),
        _ => None,
    }
}

/// Clicks on this text, which stands on the screen once.
fn click(rig: &mut Rig, text: &str) {
    let screen = rig.text();
    let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).expect("it is shown");
    let column = line.find(text).map_or(0, |at| line[..at].chars().count()) as u16 + 1;
    let kind = MouseEventKind::Down(MouseButton::Left);
    rig.send(Message::Mouse(MouseEvent { kind, column, row: row as u16, modifiers: KeyModifiers::NONE }));
}

#[test]
fn a_view_tells_what_it_is_for_on_its_first_three_visits_and_nothing_moves() {
    let mut rig = newcomer((120, 36));
    let told = "Enter runs a script";
    for visit in 1..=3 {
        rig.press(&["1"]);
        assert!(rig.text().contains(told), "visit {visit}:\n{}", rig.text());
        wait(&mut rig, 3_000);
        assert_eq!(rig.kept.last(), Some(&Kept::Visits([visit, visit - 1, 0, 0, 0, 0, 0, 0])));
        wait(&mut rig, 30_000);
        assert!(!rig.text().contains(told));
        rig.press(&["2"]);
        wait(&mut rig, 3_000);
    }
    rig.press(&["1"]);
    assert!(!rig.text().contains(told) && rig.text().contains("running: "));
    // But for the status all is where it is without it.
    let (new, known) = (newcomer((120, 36)).text(), Rig::new(Mock::full(), (120, 36)).text());
    let differ = new.lines().zip(known.lines()).filter(|(new, known)| new != known).count();
    assert_eq!(differ, 1, "{new}");
}

#[test]
fn a_line_of_the_program_itself_is_never_hidden_by_it() {
    for size in [(120, 36), (80, 24), (60, 16)] {
        for (view, said) in [("3", "FOLLOW"), ("6", "FOLLOW"), ("7", "FOLLOW")] {
            let mut rig = newcomer(size);
            rig.press(&[view]);
            assert!(rig.text().contains(said), "{view} at {size:?}:\n{}", rig.text());
        }
        let mut rig = newcomer(size);
        rig.press(&["ctrl+f", "w"]);
        assert!(rig.text().contains("find: w"), "{}", rig.text());
    }
}

#[test]
fn nothing_is_told_where_there_is_no_room_where_hints_are_off_and_where_nothing_is_known() {
    let told = "runs a script";
    assert!(newcomer((80, 24)).text().contains(told));
    assert!(!newcomer((40, 10)).text().contains(told));
    assert!(!Rig::new(Mock::full(), (80, 24)).text().contains(told));
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.model.hints = false;
    rig.send(Message::Visited([0; 8]));
    wait(&mut rig, 10_000);
    assert!(!rig.text().contains(told) && rig.kept.is_empty());
}

#[test]
fn the_introduction_is_walked_by_enter_alone_by_arrows_and_by_clicks() {
    for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
        let mut rig = Rig::new(Mock::full(), size);
        tour(&mut rig);
        let mut seen = Vec::new();
        while let Some(step) = step(&rig) {
            seen.push(step);
            rig.press(&["enter"]);
        }
        assert_eq!(seen, [0, 1, 2]);
        tour(&mut rig);
        for (keys, wanted) in [
            (&["enter"][..], Some(1)),
            (&["right", "enter"], Some(0)),
            (&["enter"], Some(1)),
            (&["enter"], Some(2)),
            (&["left", "enter"], Some(1)),
            (&["left", "enter"], None),
        ] {
            assert!(rig.press(keys));
            assert_eq!(step(&rig), wanted, "{keys:?}");
        }
        tour(&mut rig);
        for (label, wanted) in [("Next]", Some(1)), ("[Back]", Some(0)), ("Next]", Some(1)), ("[Close]", None)] {
            click(&mut rig, label);
            assert_eq!(step(&rig), wanted, "{label} at {size:?}");
        }
    }
}

#[test]
fn nothing_behind_the_introduction_hears_a_key_and_esc_closes_it() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    tour(&mut rig);
    for key in ["2", "q", "s", "ctrl+c", "/", "ctrl+f", "?", "x", "K", "f5"] {
        assert!(!rig.press(&[key]), "{key}");
        assert_eq!((step(&rig), rig.model.view), (Some(0), View::Scripts), "{key}");
    }
    assert!(rig.outside.is_empty() && rig.asked().is_empty());
    assert!(rig.press(&["esc"]) && step(&rig).is_none());
}

#[test]
fn on_a_small_screen_all_of_it_is_reached_by_scrolling() {
    let mut rig = Rig::new(Mock::full(), (40, 10));
    tour(&mut rig);
    for last in ["something now", "the project", "then stops"] {
        assert!(!rig.text().contains(last), "{}", rig.text());
        (0..60).for_each(|_| _ = rig.press(&["down"]));
        let end = rig.text();
        assert!(end.contains(last), "{end}");
        // It does not go on past the end.
        rig.press(&["up"]);
        assert_ne!(rig.text(), end);
        rig.press(&["enter"]);
    }
}

#[test]
fn keys_are_those_that_hold_and_what_has_none_is_left_out() {
    let changes = |all: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
        all.iter().map(|(name, keys)| ((*name).into(), keys.iter().map(ToString::to_string).collect())).collect()
    };
    let mut rig = newcomer((120, 36));
    rig.model.keymap =
        Keymap::new(&changes(&[("open", &["f4"]), ("run.command_here", &[]), ("view.web", &["f6"])])).unwrap();
    let text = rig.text();
    assert!(text.contains("F4 runs a script · → what else"), "{text}");
    tour(&mut rig);
    assert!(rig.text().contains("F4 ") && !rig.text().contains("1 … 8"), "{}", rig.text());
    // Without any key there is still what is no key.
    let none: Vec<(&str, &[&str])> = ROWS.iter().map(|row| (row.name, &[][..])).collect();
    rig.model.keymap = Keymap::new(&changes(&none)).unwrap();
    for _ in 0..3 {
        rig.text();
        rig.press(&["enter"]);
    }
}
