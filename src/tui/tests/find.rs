//! The options of the find bar, without Alt.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::tui::message::Message;
use crate::tui::testing::{Mock, Rig};

/// Logs, with this text in the find bar.
fn finding(text: &str, size: (u16, u16)) -> Rig {
    let mut rig = Rig::new(Mock::full(), size);
    rig.press(&["3", "ctrl+f"]);
    rig.type_text(text);
    rig
}

/// The last rows: the bar and the footer.
fn bar(rig: &Rig) -> String {
    let text = rig.text();
    let rows: Vec<&str> = text.lines().collect();
    rows[rows.len() - 2..].join("\n")
}

fn found(rig: &Rig) -> usize {
    rig.model.logs.find.hits.as_ref().map_or(0, |hits| hits.list.len())
}

#[test]
fn options_are_reached_with_down_and_switched_with_enter() {
    for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
        let mut rig = finding("chunk-00.0", size);
        assert_eq!(found(&rig), 0);
        assert!(bar(&rig).contains("options"), "{}", bar(&rig));
        rig.press(&["down"]);
        assert!(bar(&rig).contains("Enter regex on/off"), "{}", bar(&rig));
        rig.press(&["enter"]);
        assert_eq!(found(&rig), 6, "{}", bar(&rig));
        assert!(bar(&rig).contains(" [.*] Aa  W "), "{}", bar(&rig));
        let (_, cursor) = rig.draw();
        let (x, y, _) = cursor.unwrap();
        assert_eq!((usize::from(x), y), (" find: chunk-00.0  [".len(), size.1 - 2));
        rig.press(&["right"]);
        assert!(bar(&rig).contains("Enter case on/off"), "{}", bar(&rig));
        rig.press(&["enter", "right", "right", "space"]);
        assert!(bar(&rig).contains("Enter word on/off"), "{}", bar(&rig));
        assert!(bar(&rig).contains("[.*][Aa][W]"), "{}", bar(&rig));
        rig.press(&["left", "left", "left", "enter"]);
        assert!(bar(&rig).contains(" .* [Aa][W]"), "{}", bar(&rig));
        // Back to the text, from which Enter keeps the search.
        rig.press(&["up", "backspace", "backspace"]);
        assert_eq!(rig.model.logs.find.field.text(), "chunk-00");
        rig.press(&["enter"]);
        assert!(rig.model.overlay.is_none() && !bar(&rig).contains("[Aa]"));
    }
}

#[test]
fn what_is_typed_goes_to_the_text_and_esc_leaves_the_options_first() {
    let mut rig = finding("chunk", (80, 24));
    rig.press(&["down", "right"]);
    rig.type_text("-");
    assert_eq!((rig.model.logs.find.field.text(), rig.model.logs.find.option), ("chunk-", None));
    rig.press(&["down", "esc"]);
    assert!(rig.model.overlay.is_some() && rig.model.logs.find.option.is_none());
    rig.press(&["down", "tab"]);
    assert!(rig.model.logs.find.option.is_some() && bar(&rig).contains("only matches"), "{}", bar(&rig));
    rig.press(&["esc", "esc"]);
    assert!(rig.model.overlay.is_none());
    // Below the newest of the history are the options; an open bar begins at its text.
    rig.press(&["ctrl+f"]);
    rig.type_text("api");
    rig.press(&["enter", "ctrl+f", "down"]);
    assert!(rig.model.logs.find.option.is_some());
    rig.press(&["up", "enter", "ctrl+f"]);
    assert!(rig.model.logs.find.option.is_none());
    let mut other = Rig::new(Mock::full(), (80, 24));
    other.press(&["1", "ctrl+f", "down"]);
    assert!(other.model.logs.find.option.is_none(), "only Logs has options");
}

#[test]
fn a_click_switches_an_option_and_a_prefix_counts_as_one() {
    let mut rig = finding("chunk-00.0", (80, 24));
    let click = |rig: &mut Rig, column: usize| {
        let (kind, row) = (MouseEventKind::Down(MouseButton::Left), rig.model.size.1 - 2);
        let modifiers = KeyModifiers::NONE;
        rig.send(Message::Mouse(MouseEvent { kind, column: column as u16, row, modifiers }));
    };
    let begin = " find: chunk-00.0  ".len();
    click(&mut rig, begin);
    assert_eq!((found(&rig), rig.model.logs.find.mode.regex), (6, true));
    click(&mut rig, begin + 4);
    click(&mut rig, begin + 10);
    assert!(bar(&rig).contains("[.*][Aa][W]"), "{}", bar(&rig));
    click(&mut rig, begin + 3);
    assert!(bar(&rig).contains(" .* [Aa][W]"), "{}", bar(&rig));
    let mut rig = finding("re:chunk-00.0", (80, 24));
    assert!(bar(&rig).contains("[.*] Aa  W "), "{}", bar(&rig));
    rig.press(&["down", "enter"]);
    assert!(bar(&rig).contains("find: chunk-00.0   .*  Aa  W "), "{}", bar(&rig));
    // What is wrong with an expression does not hide the way out of it.
    let mut rig = finding("(", (80, 24));
    rig.press(&["down", "enter"]);
    assert!(bar(&rig).contains("[.*]") && bar(&rig).contains("unclosed group"), "{}", bar(&rig));
    rig.press(&["enter"]);
    assert!(!bar(&rig).contains("unclosed group"), "{}", bar(&rig));
}
