//! Selecting text with the mouse in what a view shows of its row, and in a whole line.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::tui::layout::layout;
use crate::tui::message::{Effect, Message};
use crate::tui::model::Overlay;
use crate::tui::testing::{Mock, Rig};
use crate::tui::text::width;

/// Presses keys in a world with more in it.
fn rig(size: (u16, u16), keys: &[&str]) -> Rig {
    let mut rig = Rig::new(Mock::full(), size);
    rig.press(keys);
    rig
}

/// Where a text is drawn for the last time.
fn spot(rig: &Rig, wanted: &str) -> (u16, u16) {
    let text = rig.text();
    let found = text.lines().enumerate().filter(|(_, line)| line.contains(wanted)).last();
    let (y, line) = found.unwrap_or_else(|| panic!("{wanted} is not in\n{text}"));
    (width(&line[..line.rfind(wanted).unwrap()]) as u16, y as u16)
}

fn send(rig: &mut Rig, kind: fn(MouseButton) -> MouseEventKind, (column, row): (u16, u16)) {
    let event = MouseEvent { kind: kind(MouseButton::Left), column, row, modifiers: KeyModifiers::NONE };
    rig.send(Message::Mouse(event));
}

fn drag(rig: &mut Rig, from: (u16, u16), to: (u16, u16)) {
    send(rig, MouseEventKind::Down, from);
    send(rig, MouseEventKind::Drag, to);
    send(rig, MouseEventKind::Up, to);
}

fn click(rig: &mut Rig, at: (u16, u16)) {
    send(rig, MouseEventKind::Down, at);
    send(rig, MouseEventKind::Up, at);
}

fn copied(rig: &mut Rig) -> (String, String) {
    match rig.outside.pop() {
        Some(Effect::Copy(text, what)) => (text, what),
        other => panic!("{other:?} in {}", rig.text()),
    }
}

/// Drags from the first letter of a text to its last one.
fn drag_over(rig: &mut Rig, text: &str) -> (String, String) {
    let (x, y) = spot(rig, text);
    drag(rig, (x, y), (x + width(text) as u16 - 1, y));
    copied(rig)
}

/// Each pane with its keys, and a text that is in it.
const PANES: [(&[&str], &str); 9] = [
    (&["1", "down"], "vitest"),
    (&["2", "down", "down"], "Cannot read properties"),
    (&["4", "down"], "src/checkout.ts:42:18"),
    (&["5"], "localhost:20888"),
    (&["6", "down"], "authorization"),
    (&["6", "v", "down"], "click button#pay"),
    (&["7", "down"], "processId"),
    (&["7", "v", "down"], "127.0.0.1"),
    (&["3", "space", "enter"], "\"path\": \"/checkout\""),
];

#[test]
fn a_drag_copies_what_it_goes_over_in_every_pane_in_both_directions() {
    for (keys, wanted) in PANES {
        let mut rig = rig((120, 36), keys);
        assert_eq!(drag_over(&mut rig, wanted).0, wanted, "{keys:?}");
        let (x, y) = spot(&rig, wanted);
        drag(&mut rig, (x + width(wanted) as u16 - 1, y), (x, y));
        assert_eq!(copied(&mut rig).0, wanted, "{keys:?}");
        // The first Esc ends the selection alone.
        let before = (rig.model.overlay.is_some(), rig.model.tab);
        rig.press(&["esc"]);
        assert!(rig.model.selection.is_none() && (rig.model.overlay.is_some(), rig.model.tab) == before, "{keys:?}");
    }
}

#[test]
fn what_is_selected_is_drawn_so_and_nothing_else_is() {
    for (keys, wanted) in PANES {
        let mut rig = rig((120, 36), keys);
        let (x, y) = spot(&rig, wanted);
        send(&mut rig, MouseEventKind::Down, (x, y));
        let pressed = rig.draw().0;
        send(&mut rig, MouseEventKind::Drag, (x + 2, y));
        let cursor = rig.model.theme.cursor;
        let after = rig.draw().0;
        for at in layout(&rig.model).body.positions().filter(|at| at.y != 0) {
            let inside = at.y == y && (x..x + 3).contains(&at.x);
            assert_eq!(after[at].symbol(), pressed[at].symbol());
            if inside {
                assert!(after[at].modifier.contains(cursor.add_modifier), "{keys:?} {at:?}");
            } else if rig.model.overlay.is_none() {
                assert_eq!(after[at].style(), pressed[at].style(), "{keys:?} {at:?}");
            }
        }
    }
}

#[test]
fn two_quick_clicks_select_a_word_and_three_a_line() {
    let mut rig = rig((120, 36), &["4", "down"]);
    let at = spot(&rig, "src/checkout.ts:42:18");
    click(&mut rig, at);
    assert!(rig.outside.is_empty() && rig.model.selection.is_none());
    click(&mut rig, at);
    assert_eq!(copied(&mut rig).0, "src/checkout.ts:42:18");
    click(&mut rig, at);
    assert_eq!(copied(&mut rig).0, "src/checkout.ts:42:18 checkout", "as it is stored: without what fills its column");
    click(&mut rig, at);
    assert!(rig.outside.is_empty() && rig.model.selection.is_none());
}

#[test]
fn a_whole_line_is_copied_as_it_was_written_whatever_stands_before_it() {
    let mut rig = rig((120, 36), &["2", "down", "down"]);
    rig.mock.line(2, "api", "\x1b[31mcolumn\tafter a tab\x1b[0m");
    rig.mock.line(2, "api", "the last one");
    rig.refresh();
    let from = spot(&rig, "column");
    let to = spot(&rig, "the last one");
    // From within the time to behind the end.
    drag(&mut rig, (from.0 - 5, from.1), (to.0 + 40, to.1));
    assert_eq!(copied(&mut rig), ("column\tafter a tab\nthe last one".into(), "2 lines".into()));
}

#[test]
fn rows_of_one_line_are_copied_as_one_line() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    let long = format!("{}end", "0123456789".repeat(30));
    rig.mock.line(2, "api", &long);
    rig.refresh();
    rig.press(&["3", "space", "enter"]);
    let from = spot(&rig, "0123456789012");
    let text = rig.text();
    let first = text.lines().position(|line| line.contains("│ 0123456789")).unwrap() as u16;
    let to = spot(&rig, "end");
    drag(&mut rig, (from.0.min(4), first), (to.0 + 2, to.1));
    assert_eq!(copied(&mut rig).0, long);
}

#[test]
fn at_the_edges_the_text_scrolls_under_the_mouse() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    let many = (0..60).map(|at| format!("\"k{at}\":{at}")).collect::<Vec<_>>().join(",");
    rig.mock.line(2, "api", &format!("{{{many}}}"));
    rig.refresh();
    rig.press(&["3", "space", "enter"]);
    let (x, y) = spot(&rig, "\"k1\": 1,");
    send(&mut rig, MouseEventKind::Down, (x, y));
    for _ in 0..30 {
        send(&mut rig, MouseEventKind::Drag, (x + 3, 23));
    }
    send(&mut rig, MouseEventKind::Up, (x + 3, 23));
    let lines = copied(&mut rig).0.lines().count();
    assert!(lines > 40, "{lines}\n{}", rig.text());
    // The same upwards in what a process wrote.
    let mut rig = self::rig((120, 36), &["2", "down", "down", "down"]);
    let (x, y) = spot(&rig, "chunk-0056");
    send(&mut rig, MouseEventKind::Down, (x, y));
    for _ in 0..40 {
        send(&mut rig, MouseEventKind::Drag, (x, 2));
    }
    send(&mut rig, MouseEventKind::Up, (x, 2));
    let text = copied(&mut rig).0;
    assert!(text.lines().count() >= 25 && text.lines().last() == Some("GET /assets/c"), "{text}\n{}", rig.text());
    rig.press(&["esc"]);
    assert!(rig.model.processes.held.is_none() && rig.text().contains("last output"), "{}", rig.text());
}

#[test]
fn what_a_process_writes_meanwhile_does_not_move_what_is_selected() {
    let mut rig = rig((120, 36), &["2", "down", "down"]);
    let (x, y) = spot(&rig, "Cannot read");
    send(&mut rig, MouseEventKind::Down, (x, y));
    for at in 0..100 {
        rig.mock.line(2, "api", &format!("more {at}"));
        rig.refresh();
    }
    send(&mut rig, MouseEventKind::Drag, (x + 5, y));
    rig.refresh();
    assert_eq!(spot(&rig, "Cannot read"), (x, y));
    assert!(rig.text().contains("earlier output"), "{}", rig.text());
    send(&mut rig, MouseEventKind::Up, (x + 5, y));
    assert_eq!(copied(&mut rig).0, "Cannot");
    rig.press(&["esc"]);
    assert!(rig.text().contains("more 99"), "{}", rig.text());
}

#[test]
fn a_selection_goes_when_something_else_is_shown() {
    for (keys, wanted) in PANES {
        for other in [&["down"][..], &["8"], &["up"]] {
            let mut rig = rig((120, 36), keys);
            drag_over(&mut rig, wanted);
            assert!(rig.model.selection.is_some());
            let before = crate::tui::views::owner(&rig.model);
            rig.press(other);
            let same = crate::tui::views::owner(&rig.model) == before;
            assert!(same || rig.model.selection.is_none(), "{keys:?} {other:?}");
        }
    }
    // New content in the same place.
    let mut rig = rig((120, 36), &["6", "down"]);
    drag_over(&mut rig, "authorization");
    rig.press(&["right", "right", "enter"]);
    assert!(rig.model.selection.is_none(), "{}", rig.text());
}

#[test]
fn ctrl_c_and_y_copy_what_is_selected_and_quit_or_copy_the_row_otherwise() {
    for (keys, wanted) in PANES {
        let mut rig = rig((120, 36), keys);
        rig.model.copy_on_select = false;
        let (x, y) = spot(&rig, wanted);
        drag(&mut rig, (x, y), (x + 2, y));
        assert!(rig.outside.iter().all(|effect| !matches!(effect, Effect::Copy(..))));
        for key in ["ctrl+c", "y"] {
            assert!(rig.press(&[key]));
            let part: String = wanted.chars().take(3).collect();
            assert_eq!(copied(&mut rig), (part, "3 characters".into()), "{keys:?}");
        }
        assert!(rig.text().lines().last().unwrap().starts_with("y copy selection  Esc unselect"), "{}", rig.text());
    }
    let mut rig = rig((120, 36), &["4", "ctrl+c"]);
    assert!(matches!(rig.model.overlay, Some(Overlay::Dialog(_))));
    rig.press(&["esc"]);
}

#[test]
fn a_press_that_never_ends_leaves_nothing_behind() {
    for (keys, wanted) in PANES {
        let mut rig = rig((120, 36), keys);
        let at = spot(&rig, wanted);
        send(&mut rig, MouseEventKind::Down, at);
        assert!(rig.model.selection.is_some(), "{keys:?}");
        rig.press(&["esc"]);
        assert!(rig.model.selection.is_none() && rig.model.processes.held.is_none(), "{keys:?}");
    }
}

#[test]
fn a_popup_is_left_before_the_selection_under_it() {
    let mut rig = rig((120, 36), &["4", "down"]);
    drag_over(&mut rig, "src/checkout.ts:42:18");
    rig.press(&["?", "esc"]);
    assert!(rig.model.overlay.is_none() && rig.model.selection.is_some());
    rig.press(&["esc"]);
    assert!(rig.model.selection.is_none() && rig.model.tab.is_none());
}

fn turn(rig: &mut Rig, kind: MouseEventKind, (column, row): (u16, u16)) {
    rig.model.wheeled = 0;
    rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

#[test]
fn the_wheel_goes_back_in_what_a_process_wrote_and_forward_to_the_newest() {
    let mut rig = rig((120, 36), &["2", "down", "down"]);
    let (column, row) = spot(&rig, "Cannot read");
    let mut wheel = |kind, times: usize| {
        (0..times).for_each(|_| turn(&mut rig, kind, (column, row)));
        rig.text()
    };
    let text = wheel(MouseEventKind::ScrollUp, 1);
    assert!(text.contains("earlier output") && !text.contains("Cannot read"), "{text}");
    let text = wheel(MouseEventKind::ScrollUp, 50);
    assert!(text.contains("chunk-0001") && text.contains("chunk-0003"), "{text}");
    let text = wheel(MouseEventKind::ScrollDown, 60);
    assert!(text.contains("last output") && text.contains("Cannot read"), "{text}");
    // Esc leads there as well, and so does going to another process.
    for key in ["esc", "up"] {
        turn(&mut rig, MouseEventKind::ScrollUp, (column, row));
        assert!(rig.text().contains("earlier output"), "{}", rig.text());
        rig.press(&[key]);
        assert!(rig.text().contains("last output") && rig.model.tab.is_none(), "{}", rig.text());
        rig.press(&["down"]);
    }
}
