//! What keys and the mouse do in the Errors view, and what it says of an error.

use crate::app::view::ErrorOrigin;
use crate::tui::errors::Severity;
use crate::tui::message::Effect;
use crate::tui::model::View;
use crate::tui::testing::{Mock, Rig};
use crate::tui::web::Page;

fn full() -> Rig {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&["4"]);
    rig
}

/// A project with a source file that an error of `api` names.
fn with_source() -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("src")).unwrap();
    let lines: Vec<String> = (1..=60).map(|line| format!("line {line} of the file")).collect();
    std::fs::write(dir.path().join("src/checkout.ts"), lines.join("\n")).unwrap();
    let mut mock = std::sync::Arc::into_inner(Mock::full()).unwrap();
    mock.dir = dir.path().canonicalize().unwrap();
    mock.line(2, "api", "TypeError: x is not a function");
    mock.line(2, "api", "    at Layer.next (/srv/node_modules/express/lib/layer.js:95:5)");
    mock.line(2, "api", "    at pay (src/checkout.ts:42:18)");
    mock.line(2, "api", "    at main (src/gone.ts:1:1)");
    mock.line(2, "api", "GET /after 200");
    let mut rig = Rig::new(std::sync::Arc::new(mock), (120, 36));
    rig.press(&["4"]);
    while !rig.model.errors.selected().unwrap().message.contains("not a function") {
        assert!(rig.press(&["down"]));
    }
    (dir, rig)
}

#[test]
fn an_error_is_shown_with_its_source_its_stack_and_the_lines_around() {
    let (_dir, rig) = with_source();
    let text = rig.text();
    for part in [
        "[Open src/checkout.ts:42]",
        "▸ src/checkout.ts:42:18",
        "  40  line 40 of the file",
        "▸42  line 42 of the file",
        "  44  line 44 of the file",
        "node_modules (1 frame folded)",
        "src/gone.ts:1:1",
        "GET /after 200",
        "before, 1 after",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn o_opens_the_source_at_its_line_and_only_where_there_is_one() {
    let (dir, mut rig) = with_source();
    rig.press(&["o"]);
    let Some(Effect::Edit(spot)) = rig.outside.pop() else { panic!("{}", rig.text()) };
    assert_eq!(
        (spot.file, spot.line, spot.column),
        (dir.path().canonicalize().unwrap().join("src/checkout.ts"), 42, 18)
    );
    rig.press(&["right", "right", "enter"]);
    assert!(matches!(rig.outside.pop(), Some(Effect::Edit(_))), "{}", rig.text());
    assert!(!full().press(&["o"]), "its file is not there");
}

#[test]
fn enter_goes_to_the_line_even_if_filters_hide_it() {
    let (_dir, mut rig) = with_source();
    rig.press(&["3", "/"]);
    rig.type_text("hide function");
    rig.press(&["enter", "4"]);
    while !rig.model.errors.selected().unwrap().message.contains("not a function") {
        assert!(rig.press(&["down"]));
    }
    rig.press(&["enter"]);
    assert_eq!(rig.model.view, View::Logs);
    let line = rig.model.logs.cursor_line().unwrap();
    assert_eq!(String::from_utf8_lossy(line.plain), "TypeError: x is not a function");
    assert!(rig.model.logs.filters_off);
}

#[test]
fn an_error_of_a_page_leads_to_what_the_page_told() {
    let mut rig = full();
    while !matches!(rig.model.errors.selected().unwrap().origin, ErrorOrigin::Page { .. }) {
        assert!(rig.press(&["down"]));
    }
    let text = rig.text();
    assert!(text.contains("in the page /checkout, tab 3f2a") && text.contains("src/pay.tsx:31:11"), "{text}");
    assert!(text.contains("failed with it  POST /api/checkout 500 (request #7)"), "{text}");
    rig.press(&["right", "right", "right", "right", "enter"]);
    assert_eq!((rig.model.view, rig.model.web.page), (View::Web, Page::Requests), "{text}");
    assert!(rig.model.web.selected().unwrap().is_error());
    rig.press(&["4", "enter"]);
    assert_eq!((rig.model.view, rig.model.web.page, rig.model.web.len()), (View::Web, Page::Telemetry, 1));
}

#[test]
fn the_tab_counts_what_was_not_seen_and_forgets_it_when_it_was() {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    assert!(rig.text().contains("4 Errors•2"), "{}", rig.text());
    rig.press(&["4", "down"]);
    assert!(rig.text().contains("4 Errors•1") && rig.text().contains("1 new"), "{}", rig.text());
    rig.press(&["1"]);
    assert!(!rig.text().contains("4 Errors•"), "{}", rig.text());
    rig.mock.line(2, "api", "ERROR TypeError: Cannot read properties of undefined (reading 'other')");
    rig.mock.line(2, "api", "ERROR no room left on the device");
    rig.refresh();
    assert!(rig.text().contains("4 Errors•2"), "one came again and one is new:\n{}", rig.text());
}

#[test]
fn a_muted_group_is_counted_no_more_and_can_be_heard_again() {
    let mut rig = full();
    let first = rig.model.errors.selected().unwrap().id;
    rig.press(&["m"]);
    assert!(rig.model.errors.shown().iter().all(|row| row.id != first));
    assert_eq!(rig.model.errors.unseen(), 1);
    assert!(rig.text().contains("1 muted") && rig.text().contains("Muted"), "{}", rig.text());
    rig.press(&["f", "f", "f"]);
    assert_eq!((rig.model.errors.severity, rig.model.errors.selected().unwrap().id), (Severity::Muted, first));
    rig.press(&["m"]);
    assert_eq!(rig.model.errors.severity, Severity::All, "nothing is muted any more");
    rig.press(&["m", "U"]);
    assert_eq!(rig.model.errors.shown().len(), 2);
}

#[test]
fn cleared_errors_come_back_and_new_ones_are_shown() {
    let mut rig = full();
    rig.press(&["x"]);
    assert!(rig.text().contains("Nothing to show here"), "{}", rig.text());
    rig.mock.line(2, "api", "ERROR TypeError: Cannot read properties of undefined (reading 'total')");
    rig.refresh();
    let shown = rig.model.errors.shown();
    assert_eq!((shown.len(), rig.model.errors.count(shown[0])), (1, 1), "only what came since");
    rig.press(&["U"]);
    assert_eq!(rig.model.errors.shown().len(), 2);
}

#[test]
fn new_errors_do_not_move_the_cursor_and_come_to_the_top_when_the_keys_rest() {
    let mut rig = full();
    rig.press(&["down", "up"]);
    let selected = rig.model.errors.selected().unwrap().id;
    rig.mock.line(1, "web", "ERROR something else is broken");
    rig.refresh();
    assert_eq!((rig.model.errors.selected().unwrap().id, rig.model.errors.position()), (selected, 0));
    let later = rig.model.now + 5000;
    rig.send(crate::tui::message::Message::Now(later));
    assert_eq!(rig.model.errors.selected().unwrap().id, selected);
    assert_eq!(rig.model.errors.shown().len(), 3);
}

#[test]
fn up_goes_from_the_list_to_the_chips_and_then_to_the_tabs() {
    let mut rig = full();
    rig.press(&["up"]);
    assert_eq!((rig.model.chip, rig.model.tab), (Some(0), None));
    rig.press(&["right", "enter"]);
    assert_eq!(rig.model.errors.severity, Severity::Errors);
    rig.press(&["left", "down"]);
    assert_eq!((rig.model.chip, rig.model.errors.severity), (None, Severity::All), "down picks and goes back");
    rig.press(&["up", "up"]);
    assert_eq!((rig.model.chip, rig.model.tab), (None, Some(View::Errors)));
    rig.press(&["esc"]);
    assert_eq!((rig.model.chip, rig.model.tab), (None, None));
}

#[test]
fn y_copies_the_error_with_its_stack() {
    let (_dir, mut rig) = with_source();
    rig.press(&["y"]);
    let Some(Effect::Copy(text, _)) = rig.outside.pop() else { panic!("{}", rig.text()) };
    assert!(
        text.starts_with("TypeError: x is not a function\n") && text.contains("at pay (src/checkout.ts:42:18)"),
        "{text}"
    );
}

#[test]
fn an_error_is_copied_with_whose_it_is_and_when_it_came() {
    let mut rig = full();
    rig.press(&["Y"]);
    let Some(Effect::Copy(text, _)) = rig.outside.pop() else { panic!("nothing was copied") };
    let row = rig.model.errors.selected().unwrap();
    assert!(text.starts_with(&format!("{}  {}x, first ", row.name, row.count)), "{text}");
    assert!(text.contains(&*row.message) && text.lines().count() > 1, "{text}");
}
