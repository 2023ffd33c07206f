//! Selecting text with the mouse.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::tui::message::{Effect, Message};
use crate::tui::model::Overlay;
use crate::tui::testing::{Mock, Rig};

fn rig() -> Rig {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&["3"]);
    rig
}

fn spot(rig: &Rig, wanted: &str) -> (u16, u16) {
    let text = rig.text();
    let (y, line) =
        text.lines().enumerate().find(|(_, line)| line.contains(wanted)).unwrap_or_else(|| panic!("{text}"));
    (crate::tui::text::width(&line[..line.find(wanted).unwrap()]) as u16, y as u16)
}

fn send(rig: &mut Rig, kind: fn(MouseButton) -> MouseEventKind, (column, row): (u16, u16)) {
    let event = MouseEvent { kind: kind(MouseButton::Left), column, row, modifiers: KeyModifiers::NONE };
    rig.send(Message::Mouse(event));
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

#[test]
fn a_drag_selects_letters_within_a_line_in_both_directions() {
    let mut rig = rig();
    let (x, y) = spot(&rig, "chunk-0050");
    for (from, to) in [(x, x + 4), (x + 4, x)] {
        send(&mut rig, MouseEventKind::Down, (from, y));
        send(&mut rig, MouseEventKind::Drag, (to, y));
        send(&mut rig, MouseEventKind::Up, (to, y));
        assert_eq!(copied(&mut rig), ("chunk".into(), "5 characters".into()));
    }
    rig.press(&["esc"]);
    assert!(rig.model.logs.marked.is_none() && rig.model.tab.is_none());
}

#[test]
fn two_quick_clicks_select_a_word_and_three_a_line_and_slow_ones_open_it() {
    let mut rig = rig();
    let at = spot(&rig, "chunk-0050");
    click(&mut rig, at);
    assert!(rig.outside.is_empty() && rig.model.logs.marked.is_none());
    click(&mut rig, at);
    assert_eq!(copied(&mut rig).0, "/assets/chunk-0050.js");
    click(&mut rig, at);
    assert_eq!(copied(&mut rig).0, "GET /assets/chunk-0050.js 304 in 5ms");
    let later = rig.model.now + 2000;
    rig.send(Message::Now(later));
    click(&mut rig, at);
    assert!(matches!(rig.model.overlay, Some(Overlay::Record(_))), "{}", rig.text());
}

#[test]
fn what_is_selected_is_what_is_drawn_also_scrolled_sideways_and_wrapped() {
    let mut rig = rig();
    rig.mock.line(1, "web", &format!("{}target{}", "漢".repeat(45), "x".repeat(80)));
    rig.refresh();
    rig.press(&["up", "down", "right"]);
    let at = spot(&rig, "target");
    assert!(rig.text().contains("…"), "a line that begins further left says so: {}", rig.text());
    click(&mut rig, at);
    send(&mut rig, MouseEventKind::Down, at);
    send(&mut rig, MouseEventKind::Drag, (at.0 + 5, at.1));
    send(&mut rig, MouseEventKind::Up, (at.0 + 5, at.1));
    assert_eq!(copied(&mut rig).0, "target");
    rig.press(&["esc", "esc", "w", "end"]);
    assert_eq!(rig.model.logs.sideways, 0);
    let (x, y) = spot(&rig, "xxxxxx");
    // Beyond the end of the second row there is nothing to select.
    send(&mut rig, MouseEventKind::Down, (x, y + 1));
    send(&mut rig, MouseEventKind::Drag, (x + 1, y + 1));
    send(&mut rig, MouseEventKind::Up, (x + 1, y + 1));
    assert!(rig.outside.is_empty() && rig.model.logs.marked.is_none());
    send(&mut rig, MouseEventKind::Down, (30, y + 1));
    send(&mut rig, MouseEventKind::Drag, (31, y + 1));
    send(&mut rig, MouseEventKind::Up, (31, y + 1));
    assert_eq!(copied(&mut rig).0, "xx");
}

#[test]
fn buttons_and_rows_within_what_lies_over_the_view_can_be_clicked() {
    let mut rig = rig();
    rig.press(&["up", "enter"]);
    let at = spot(&rig, "[Copy]");
    click(&mut rig, at);
    assert_eq!(copied(&mut rig).1, "1 line");
    assert!(rig.model.overlay.is_none());
    rig.press(&["P"]);
    let at = spot(&rig, "[x] api");
    click(&mut rig, at);
    assert!(rig.text().contains("[ ] api"), "{}", rig.text());
    let at = spot(&rig, "Esc cancel");
    click(&mut rig, at);
    assert!(rig.model.overlay.is_none());
    rig.press(&["/"]);
    rig.type_text("resta");
    let at = spot(&rig, "/restart [");
    click(&mut rig, at);
    assert!(rig.text().contains("/restart \n") || rig.text().contains("/restart\n"), "{}", rig.text());
}

/// Presses the left button with Ctrl held; the page that is opened.
fn ctrl_click(rig: &mut Rig, (column, row): (u16, u16)) -> Option<String> {
    let kind = MouseEventKind::Down(MouseButton::Left);
    rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::CONTROL }));
    match rig.outside.pop() {
        Some(Effect::OpenUrl(url)) => Some(url),
        None => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_click_with_ctrl_opens_the_url_that_it_hits_and_is_a_click_elsewhere() {
    let mut rig = rig();
    rig.mock.line(1, "web", "ready: \x1b[4mhttp://localhost:5173/a\x1b[0m and https://vite.dev.");
    rig.refresh();
    let at = spot(&rig, "calhost:5173");
    assert_eq!(ctrl_click(&mut rig, at).as_deref(), Some("http://localhost:5173/a"));
    let at = spot(&rig, "vite.dev");
    assert_eq!(ctrl_click(&mut rig, at).as_deref(), Some("https://vite.dev"));
    assert!(rig.model.logs.place.follow, "the view stays as it is");
    let at = spot(&rig, "and https");
    assert_eq!(ctrl_click(&mut rig, at), None);
    assert!(!rig.model.logs.place.follow);
    // Wrapped, the URL begins on one row and ends on the next.
    rig.mock.line(1, "web", &format!("{} http://localhost:4000/{}", "x".repeat(80), "y".repeat(150)));
    rig.refresh();
    rig.press(&["esc", "end", "w"]);
    let at = spot(&rig, "yyyyyyyy");
    let below = (at.0.min(30), at.1 + 1);
    assert!(ctrl_click(&mut rig, at).is_some());
    assert!(ctrl_click(&mut rig, below).is_some_and(|url| url.ends_with("yyy")), "{}", rig.text());
    rig.press(&["2"]);
    let at = spot(&rig, "localhost:4000");
    assert_eq!(ctrl_click(&mut rig, at).as_deref(), Some("http://localhost:4000/"));
}

#[test]
fn a_click_with_ctrl_opens_the_file_that_it_hits_at_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("apps/api/src")).unwrap();
    std::fs::write(root.join("apps/api/src/pay.ts"), "x\n").unwrap();
    let mut mock = std::sync::Arc::into_inner(Mock::full()).unwrap();
    mock.dir = root.clone();
    mock.line(2, "api", "    at pay (src/pay.ts:42:18)");
    mock.line(2, "api", "    at main (src/gone.ts:1:1)");
    let mut rig = Rig::new(std::sync::Arc::new(mock), (120, 36));
    rig.press(&["3", "f"]);
    let mut press = |wanted: &str| {
        let (column, row) = spot(&rig, wanted);
        let kind = MouseEventKind::Down(MouseButton::Left);
        rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::CONTROL }));
        (rig.outside.pop(), rig.text())
    };
    let (Some(Effect::Edit(place)), _) = press("ay.ts:42") else { panic!("nothing was opened") };
    assert_eq!((place.file, place.line, place.column), (root.join("apps/api/src/pay.ts"), 42, 18));
    let (nothing, text) = press("gone.ts");
    assert!(nothing.is_none() && text.contains("no file `src/gone.ts`"), "{text}");
    assert!(press("at pay").0.is_none());
}

#[test]
fn the_wheel_scrolls_a_page_from_one_frame_to_the_next_and_no_more() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["3"]);
    let page = crate::tui::layout::layout(&rig.model).lines.height as u64 - 1;
    let wheel = |rig: &mut Rig, kind: MouseEventKind, notches: usize| {
        for _ in 0..notches {
            rig.send(Message::Mouse(MouseEvent { kind, column: 5, row: 5, modifiers: KeyModifiers::NONE }));
        }
    };
    let top = |rig: &Rig| rig.model.logs.place.top.0;
    wheel(&mut rig, MouseEventKind::ScrollUp, 1);
    let first = top(&rig) + 3;
    wheel(&mut rig, MouseEventKind::ScrollUp, 100);
    assert_eq!(first - top(&rig), page);
    // Back within the same frame counts against what was scrolled.
    wheel(&mut rig, MouseEventKind::ScrollDown, 1);
    assert_eq!(first - top(&rig), page - 3);
    rig.model.wheeled = 0;
    wheel(&mut rig, MouseEventKind::ScrollUp, 2);
    assert_eq!(first - top(&rig), page + 3);
}
