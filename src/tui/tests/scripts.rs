//! The Scripts view: from a script to the place where it is written.

use crate::tui::message::Effect;
use crate::tui::testing::{Mock, Rig};

/// The place that was opened last.
fn edited(rig: &mut Rig) -> Option<(String, u32)> {
    match rig.outside.pop() {
        Some(Effect::Edit(spot)) => Some((spot.file.display().to_string(), spot.line)),
        _ => None,
    }
}

#[test]
fn o_opens_the_manifest_at_the_line_of_the_script() {
    let place = || Some(("/home/me/code/shop/package.json".to_owned(), 7));
    let mut rig = Rig::new(Mock::full(), (120, 36));
    assert!(rig.text().contains("o edit"), "{}", rig.text());
    rig.press(&["down", "o"]);
    assert_eq!(edited(&mut rig), place());
    // Its button is the last one, and what cannot be run has it too.
    for _ in 0..6 {
        rig.press(&["right", "end", "right", "right", "right", "right", "right", "right", "enter"]);
        assert_eq!(edited(&mut rig), place(), "{}", rig.text());
        rig.press(&["esc", "down"]);
    }
}

#[test]
fn a_script_that_stands_in_no_file_has_nothing_to_open() {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    for source in ["", "default", ":7", "Makefile", "Makefile:0", "Makefile:x", "the flag --script"] {
        let mut rows = rig.mock.scripts.to_vec();
        rows.iter_mut().for_each(|row| row.source = source.into());
        rig.send(crate::tui::message::Message::Scripts(rows.into()));
        assert!(!rig.press(&["o"]) && edited(&mut rig).is_none(), "{source}");
        let text = rig.text();
        assert!(!text.contains("o edit") && !text.contains("[Edit]"), "{source}:\n{text}");
    }
}

#[test]
fn the_last_row_of_the_command_line_searches_for_what_was_typed() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["3", "/"]);
    rig.type_text("checkout");
    assert!(rig.text().contains("search this view for `checkout`"), "{}", rig.text());
    rig.press(&["down", "enter"]);
    assert!(rig.text().contains("find: checkout"), "{}", rig.text());
    // Among commands that begin so it is the last.
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["/"]);
    rig.type_text("s");
    let text = rig.text();
    assert!(text.find("/stop") < text.find("search this view for `s`"), "{text}");
}

#[test]
fn scripts_that_come_while_another_view_is_in_front_begin_with_their_heading() {
    let mut rig = Rig::new(Mock::full(), (60, 16));
    rig.press(&["3"]);
    let scripts = rig.mock.scripts.clone();
    for rows in [Vec::new().into(), scripts] {
        rig.send(crate::tui::message::Message::Scripts(rows));
    }
    rig.press(&["1"]);
    let text = rig.text();
    assert!(text.lines().nth(2).is_some_and(|line| line.contains("▾ shop")), "{text}");
}

#[test]
fn the_long_name_and_the_long_command_of_a_script_can_be_read() {
    let command = format!("{} --the-end", (0..12).map(|at| format!("word{at:02}")).collect::<Vec<_>>().join(" "));
    let name = "a-name-that-is-longer-than-any-column-and-than-the-title-of-its-details-can-be-anywhere-at-all";
    for size in [(120, 36), (80, 24), (60, 16)] {
        let mut rig = Rig::new(Mock::full(), size);
        let mut rows = rig.mock.scripts.to_vec();
        (rows[0].name, rows[0].command) = (name.into(), command.clone());
        rig.send(crate::tui::message::Message::Scripts(rows.into()));
        rig.press(&["home", "right"]);
        let text = rig.text();
        let shown = |line: &str| line.rsplit('│').next().unwrap_or_default().trim().to_owned();
        let joined: String = text.lines().map(shown).collect::<Vec<_>>().join("");
        for wanted in ["--the-end", "than-any-column", "anywhere-at-all", "last run"] {
            assert!(joined.contains(wanted), "{wanted} at {size:?}\n{text}");
        }
    }
}

#[test]
fn where_a_command_cannot_be_read_the_name_has_its_room() {
    let mut rig = Rig::new(Mock::full(), (40, 10));
    let mut rows = rig.mock.scripts.to_vec();
    rows[0].name = "a-name-of-22-letters-x".into();
    rig.send(crate::tui::message::Message::Scripts(rows.into()));
    assert!(rig.text().contains("a-name-of-22-letters"), "{}", rig.text());
    assert!(!rig.text().contains("…   "), "no column of dots: {}", rig.text());
}
