//! A whole line in front: the cursor over the fields of JSON, what is done with one, and the way back.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::tui::message::{Effect, Message};
use crate::tui::model::Overlay;
use crate::tui::record::{Focus, Record};
use crate::tui::testing::{Mock, Rig};

const LINE: &str =
    r#"{"level":"warn","id":31,"who":{"name":"größe \"x\" \\ \u00e9","roles":[{"is":null},{"is":true}]},"id":3}"#;

fn open(line: &str, size: (u16, u16)) -> Rig {
    let mut rig = Rig::new(Mock::full(), size);
    rig.mock.line(2, "api", line);
    rig.refresh();
    // The line is the newest, and the cursor goes to it.
    rig.press(&["3", "space", "enter"]);
    assert!(rig.model.overlay.is_some(), "{}", rig.text());
    rig
}

fn record(rig: &Rig) -> &Record {
    match &rig.model.overlay {
        Some(Overlay::Record(record)) => record,
        other => panic!("{other:?} in\n{}", rig.text()),
    }
}

fn title(rig: &Rig) -> String {
    record(rig).field().expect("a field has the cursor").title()
}

fn click(rig: &mut Rig, wanted: &str) {
    let text = rig.text();
    let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains(wanted)).expect(wanted);
    let column = crate::tui::text::width(&line[..line.find(wanted).unwrap()]) as u16;
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
        rig.send(Message::Mouse(MouseEvent { kind, column, row: row as u16, modifiers: KeyModifiers::NONE }));
    }
}

#[test]
fn arrows_go_over_the_fields_and_below_them_to_the_buttons() {
    for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
        let mut rig = open(LINE, size);
        let mut seen = vec![title(&rig)];
        for _ in 0..60 {
            rig.press(&["down"]);
            if record(&rig).focus != Focus::Field {
                break;
            }
            // Where it is on the screen, it is drawn as the cursor.
            assert!(rig.text().contains('▌'), "{}", rig.text());
            seen.push(title(&rig));
        }
        seen.dedup();
        let wanted = [r#""level": "warn""#, r#""id": 31"#, r#""name": "größe \"x\" \\ \u00e9""#, r#""is": null"#];
        assert_eq!(seen[..4], wanted, "{size:?}");
        assert_eq!(seen[4..], [r#""is": true"#, r#""id": 3"#]);
        assert_eq!(record(&rig).focus, Focus::Button(0));
        rig.press(&["up"]);
        assert_eq!((title(&rig).as_str(), record(&rig).focus), (r#""id": 3"#, Focus::Field));
        (0..60).for_each(|_| _ = rig.press(&["up"]));
        assert_eq!((title(&rig).as_str(), record(&rig).offset), (r#""level": "warn""#, 0));
    }
}

#[test]
fn the_buttons_are_one_key_away_and_so_are_the_fields() {
    let mut rig = open(LINE, (80, 24));
    for (key, focus) in [
        ("left", Focus::Field),
        ("right", Focus::Button(0)),
        ("right", Focus::Button(1)),
        ("left", Focus::Button(0)),
        ("left", Focus::Field),
        ("shift+tab", Focus::Button(3)),
        ("right", Focus::Button(3)),
        ("tab", Focus::Field),
        ("tab", Focus::Button(0)),
        ("j", Focus::Button(0)),
        ("left", Focus::Button(3)),
        ("tab", Focus::Button(0)),
        ("j", Focus::Field),
    ] {
        assert!(rig.press(&[key]));
        assert_eq!(record(&rig).focus, focus, "{key}");
    }
    rig.press(&["right", "enter"]);
    assert!(rig.model.overlay.is_none());
}

#[test]
fn esc_goes_back_a_step_at_a_time() {
    let mut rig = open(LINE, (80, 24));
    rig.press(&["down", "enter"]);
    assert_eq!(record(&rig).focus, Focus::Menu(0));
    assert!(rig.text().contains("Show only lines with this"), "{}", rig.text());
    rig.press(&["esc"]);
    assert_eq!((record(&rig).focus, title(&rig).as_str()), (Focus::Field, r#""id": 31"#));
    rig.press(&["right", "esc"]);
    assert_eq!(record(&rig).focus, Focus::Field);
    rig.press(&["esc"]);
    assert!(rig.model.overlay.is_none() && rig.model.tab.is_none());
}

#[test]
fn only_the_lines_with_a_field_are_shown_or_all_but_those() {
    for (choice, shown, hidden) in [("enter", "seen-a", "seen-b"), ("down", "seen-b", "seen-a")] {
        let mut rig = Rig::new(Mock::full(), (120, 36));
        rig.mock.line(2, "api", r#"{"id":31,"it":"seen-b"}"#);
        rig.mock.line(2, "api", r#"{"id":3,"it":"seen-a"}"#);
        rig.refresh();
        rig.press(&["3", "space", "enter", "enter", choice]);
        if choice == "down" {
            rig.press(&["enter"]);
        }
        assert!(rig.model.overlay.is_none());
        let text = rig.text();
        assert!(text.contains(shown) && !text.contains(hidden), "{text}");
        // Once more is the same filter, and the filters are on.
        let filter = &rig.model.logs.filter;
        assert_eq!((filter.show.len() + filter.hide.len(), rig.model.logs.filters_off), (1, false));
    }
}

#[test]
fn every_field_of_an_odd_line_finds_that_line() {
    let count = open(LINE, (120, 36)).text().matches("\": ").count();
    assert!(count > 6);
    for at in 0..6 {
        let mut rig = open(LINE, (120, 36));
        (0..at).for_each(|_| _ = rig.press(&["down"]));
        rig.press(&["enter", "enter"]);
        let seq = rig.model.logs.lines.last_seq().unwrap();
        assert!(rig.model.logs.rows().passes(seq), "{at}: {:?}", rig.model.logs.filter.show);
        assert_eq!(rig.model.logs.rows().first(), Some(seq), "{at}");
    }
}

#[test]
fn the_value_is_copied_as_what_it_stands_for() {
    let mut rig = open(LINE, (80, 24));
    rig.press(&["down", "down", "enter", "down", "down", "down", "enter"]);
    let Some(Effect::Copy(text, what)) = rig.outside.pop() else { panic!("{}", rig.text()) };
    assert_eq!((text.as_str(), what.as_str()), ("größe \"x\" \\ é", "the value"));
}

#[test]
fn a_click_selects_a_field_and_the_second_one_asks_what_to_do() {
    let mut rig = open(LINE, (80, 24));
    click(&mut rig, "\"level\"");
    assert_eq!(record(&rig).focus, Focus::Field, "a first click is no Enter, even where the cursor was");
    click(&mut rig, "\"id\": 31");
    assert_eq!(title(&rig), r#""id": 31"#);
    // Two quick ones are about the text, as everywhere.
    click(&mut rig, "\"id\": 31");
    assert_eq!(record(&rig).focus, Focus::Field);
    let later = rig.model.now + 2000;
    rig.send(Message::Now(later));
    click(&mut rig, "\"id\": 31");
    assert_eq!(record(&rig).focus, Focus::Menu(0));
    click(&mut rig, "Copy value");
    assert!(matches!(rig.outside.pop(), Some(Effect::Copy(text, _)) if text == "31"));
    assert!(rig.model.overlay.is_none());
}

#[test]
fn what_is_between_two_fields_is_seen_on_the_way() {
    let list = (0..100).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    let mut rig = open(&format!(r#"{{"a":1,"list":[{list}],"b":2}}"#), (80, 24));
    let mut seen = rig.text();
    for _ in 0..60 {
        rig.press(&["down"]);
        seen.push_str(&rig.text());
    }
    for at in 0..100 {
        assert!(seen.contains(&format!(" {at},")) || at == 99, "{at} was never on the screen");
    }
    assert_eq!(record(&rig).focus, Focus::Button(0));
    let many = (0..50).map(|at| format!("\"k{at}\":{at}")).collect::<Vec<_>>().join(",");
    // The wheel takes the cursor along to what is seen.
    let mut rig = open(&format!("{{{many}}}"), (80, 24));
    let wheel = |kind| MouseEvent { kind, column: 20, row: 8, modifiers: KeyModifiers::NONE };
    (0..3).for_each(|_| rig.send(Message::Mouse(wheel(MouseEventKind::ScrollDown))));
    assert_eq!(title(&rig), r#""k8": 8"#, "{}", rig.text());
    rig.press(&["pgup"]);
    assert!(record(&rig).offset == 0 && rig.text().contains("▌  \"k"), "{}", rig.text());
}

#[test]
fn a_line_that_is_no_json_is_as_it_was() {
    let mut rig = open("plain text http://localhost:3000/", (80, 24));
    assert_eq!(record(&rig).focus, Focus::Button(0));
    rig.press(&["right", "down", "up", "left", "left", "enter"]);
    assert!(rig.model.overlay.is_none());
    // As it is asked for, JSON is shown as the line that it is.
    let mut rig = open(LINE, (120, 36));
    rig.press(&["j"]);
    assert!(rig.text().contains(r#"{"level":"warn","id":31"#), "{}", rig.text());
    rig.press(&["y"]);
    assert!(matches!(rig.outside.pop(), Some(Effect::Copy(text, _)) if text == LINE));
}

#[test]
fn the_button_with_the_focus_is_whole_at_every_size() {
    for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
        let mut rig = Rig::new(Mock::full(), size);
        rig.press(&["3", "up", "enter"]);
        for label in ["Close", "Copy", "Only this process", "Hide lines like it"] {
            for _ in 0..8 {
                if !rig.text().contains(&format!("[▸{label}]")) {
                    rig.press(&["right"]);
                }
            }
            assert!(rig.text().contains(&format!("[▸{label}]")), "{label} at {size:?}\n{}", rig.text());
        }
    }
}

#[test]
fn the_selected_field_stays_in_sight_when_the_screen_gets_smaller() {
    let fields: Vec<String> = (0..30).map(|at| format!("\"field{at:02}\":{at}")).collect();
    let mut rig = open(&format!("{{{}}}", fields.join(",")), (120, 36));
    rig.press(&["down"; 20]);
    let field = title(&rig);
    let name = field.split([' ', ':', '=']).next().unwrap_or_default().trim_matches('"').to_owned();
    assert!(name.starts_with("field"), "{field}");
    for size in [(60, 16), (40, 10), (120, 36)] {
        rig.send(Message::Resize(size.0, size.1));
        assert_eq!(title(&rig), field);
        assert!(rig.text().contains(&name), "{name} at {size:?}:\n{}", rig.text());
    }
}
