//! What stands in boxes over the views can be read to its end, however narrow the screen.

use std::collections::BTreeSet;

use crate::app::command::COMMANDS;
use crate::app::view::SystemMessage;
use crate::event::Level;
use crate::tui::keymap::ROWS;
use crate::tui::message::{Effect, Message};
use crate::tui::testing::{Mock, Rig};

const SIZES: [(u16, u16); 4] = [(120, 36), (80, 24), (60, 16), (40, 10)];

/// The words of everything that is seen while the box is scrolled to its end.
fn words(rig: &mut Rig) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    loop {
        let text = rig.text();
        words.extend(text.replace('│', " ").split_whitespace().map(String::from));
        rig.press(&["down"]);
        if rig.text() == text {
            return words;
        }
    }
}

#[test]
fn the_help_says_all_of_what_a_key_does() {
    for size in SIZES {
        let mut rig = Rig::new(Mock::full(), size);
        rig.press(&["3", "?"]);
        let seen = words(&mut rig);
        let about =
            ROWS.iter().filter(|row| rig.model.keymap.rows(rig.model.view).any(|(shown, _)| shown.name == row.name));
        let keys = about.flat_map(|row| row.about.split_whitespace());
        let commands =
            COMMANDS.iter().flat_map(|spec| spec.usage.split_whitespace().chain(spec.about.split_whitespace()));
        for word in keys.chain(commands) {
            assert!(seen.contains(word), "{size:?}: `{word}` cannot be read");
        }
        // Its end was its end: one row up moves at once.
        let end = rig.text();
        rig.press(&["up"]);
        assert_ne!(rig.text(), end, "{size:?}");
    }
}

#[test]
fn a_long_message_is_read_to_its_end_and_all_are_copied() {
    let text = "detect: /home/me/code/shop/package.json:2:0: EOF while parsing an object; what it offers is left out";
    let message =
        |number, text: &str| SystemMessage { number, time_ms: 0, level: Level::Warn, text: text.into(), failed: None };
    for size in SIZES {
        let mut rig = Rig::new(Mock::full(), size);
        rig.send(Message::System(vec![message(1, text), message(2, "the last one")].into_iter().collect()));
        rig.press(&["e"]);
        let seen: String = words(&mut rig).into_iter().collect();
        for word in text.split_whitespace().filter(|word| word.len() < 20) {
            assert!(seen.contains(word), "{size:?}: `{word}` cannot be read:\n{}", rig.text());
        }
        rig.press(&["y"]);
        let copied = rig.outside.iter().rev().find_map(|effect| match effect {
            Effect::Copy(text, _) => Some(text.clone()),
            _ => None,
        });
        let copied = copied.expect("something was copied");
        assert!(copied.lines().count() == 2 && copied.contains(text) && copied.ends_with("the last one\n"), "{copied}");
    }
}

#[test]
fn what_a_setting_does_can_be_read_to_its_end() {
    for size in [(120, 36), (80, 24), (60, 16)] {
        let mut rig = Rig::new(Mock::full(), size);
        rig.press(&["8"]);
        let mut last = None;
        while let Some(row) = rig.model.settings.selected().map(|row| (row.label.clone(), row.about.clone())) {
            let text = rig.text();
            let choices = rig.model.settings.selected().map(|row| row.choices.join(", ")).unwrap_or_default();
            for word in row.1.split_whitespace().chain(choices.split_whitespace()) {
                assert!(text.contains(word), "{size:?}: `{word}` of {} cannot be read:\n{text}", row.0);
            }
            if last.as_ref() == Some(&row) {
                break;
            }
            last = Some(row);
            rig.press(&["down"]);
        }
        assert!(last.is_some());
    }
}
