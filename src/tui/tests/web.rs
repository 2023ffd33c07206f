//! What keys and the mouse do in the URLs view and in the Web view.

use std::sync::Arc;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::app::command::Command;
use crate::event::ProcessId;
use crate::proxy::ExchangeId;
use crate::tui::layout::layout;
use crate::tui::message::{Effect, Message};
use crate::tui::model::View;
use crate::tui::testing::{Mock, Rig};
use crate::tui::testing_web::{exchange, tab};
use crate::tui::web::Page;

fn full(view: &str) -> Rig {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&[view]);
    rig
}

fn opened(rig: &mut Rig) -> String {
    match rig.outside.pop() {
        Some(Effect::OpenUrl(url)) => url,
        other => panic!("{other:?} in {}", rig.text()),
    }
}

fn copied(rig: &mut Rig) -> String {
    match rig.outside.pop() {
        Some(Effect::Copy(text, _)) => text,
        other => panic!("{other:?} in {}", rig.text()),
    }
}

fn send(rig: &mut Rig, kind: MouseEventKind, column: u16, row: u16) {
    rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

fn click(rig: &mut Rig, wanted: &str) {
    let text = rig.text();
    let (row, line) =
        text.lines().enumerate().find(|(_, line)| line.contains(wanted)).unwrap_or_else(|| panic!("{wanted}: {text}"));
    let column = crate::tui::text::width(&line[..line.find(wanted).unwrap()]) as u16;
    send(rig, MouseEventKind::Down(MouseButton::Left), column + 1, row as u16);
}

/// A new request arrives.
fn arrive(rig: &mut Rig, id: u64, path: &str) {
    let fresh = Arc::new(exchange(id, "GET", path, 200, (1, 2), 3));
    rig.mock.web.lock().unwrap().exchanges.insert(0, fresh);
    rig.refresh();
}

#[test]
fn tabs_have_their_numbers_and_views_their_names() {
    let mut rig = full("6");
    let text = rig.text();
    assert!(text.contains(" 3 Logs") && text.contains(" 5 URLs") && text.contains("▐6 Web▌"), "{text}");
    rig.press(&["tab", "tab", "tab"]);
    assert_eq!(rig.model.view, View::Scripts);
    rig.press(&["shift+tab", "shift+tab", "shift+tab", "shift+tab"]);
    assert_eq!(rig.model.view, View::Urls);
    for (word, view) in [("web", View::Web), ("mcp", View::Mcp), ("urls", View::Urls)] {
        rig.press(&["/"]);
        rig.type_text(&format!("view {word}"));
        rig.press(&["enter"]);
        assert_eq!(rig.model.view, view);
    }
    click(&mut rig, "6 Web");
    assert_eq!(rig.model.view, View::Web);
}

#[test]
fn a_url_is_opened_and_copied_as_it_is_and_through_the_proxy() {
    let mut rig = full("5");
    rig.press(&["down", "enter"]);
    assert_eq!(opened(&mut rig), "http://localhost:4000/");
    rig.press(&["p"]);
    assert_eq!(opened(&mut rig), "http://localhost:20889/");
    rig.press(&["y"]);
    assert_eq!(copied(&mut rig), "http://localhost:4000/");
    rig.press(&["Y"]);
    assert_eq!(copied(&mut rig), "http://localhost:20889/");
    rig.press(&["right", "right", "enter"]);
    assert_eq!(opened(&mut rig), "http://localhost:20889/");
    click(&mut rig, "[Copy proxy]");
    assert_eq!(copied(&mut rig), "http://localhost:20889/");
    rig.press(&["end"]);
    assert!(!rig.press(&["p"]) && !rig.press(&["Y"]), "it has no address of the proxy");
    assert!(!rig.text().contains("[Via proxy]"), "{}", rig.text());
}

#[test]
fn a_selected_url_stays_selected_whatever_comes_before_it() {
    let mut rig = full("5");
    rig.press(&["down"]);
    rig.mock.web.lock().unwrap().urls.reverse();
    rig.refresh();
    let selected = rig.model.urls.selected().unwrap();
    assert_eq!((selected.process, &*selected.url), (ProcessId(2), "http://localhost:4000/"));
    rig.press(&["ctrl+f"]);
    rig.type_text("6006");
    assert!(rig.text().contains("1 found") && !rig.text().contains("localhost:4000"), "{}", rig.text());
    rig.press(&["enter", "esc"]);
    assert_eq!(rig.model.urls.selected().unwrap().process, ProcessId(2));
}

#[test]
fn the_newest_request_is_selected_until_the_cursor_moves_and_then_nothing_moves() {
    let mut rig = full("6");
    arrive(&mut rig, 9, "/nine");
    assert_eq!(rig.model.web.selected().unwrap().id, ExchangeId(9));
    rig.press(&["down", "down"]);
    let row = |rig: &Rig| rig.text().lines().position(|line| line.starts_with('▌') && line.contains("checkout"));
    let before = row(&rig);
    assert!(before.is_some(), "{}", rig.text());
    arrive(&mut rig, 10, "/ten");
    arrive(&mut rig, 11, "/eleven");
    assert_eq!(rig.model.web.selected().unwrap().id, ExchangeId(7));
    assert_eq!(row(&rig), before, "{}", rig.text());
    assert!(rig.text().contains("PAUSED  2 new") && !rig.text().contains("/eleven"), "{}", rig.text());
    rig.press(&["space"]);
    assert!(rig.text().contains("FOLLOW") && rig.text().contains("/eleven"), "{}", rig.text());
    rig.press(&["space"]);
    arrive(&mut rig, 12, "/twelve");
    assert_eq!(rig.model.web.selected().unwrap().id, ExchangeId(11));
    rig.press(&["home"]);
    assert_eq!(rig.model.web.selected().unwrap().id, ExchangeId(12));
}

#[test]
fn a_selected_request_that_is_no_longer_kept_gives_way_to_the_next_older_one() {
    let mut rig = full("6");
    rig.press(&["down", "down"]);
    rig.mock.web.lock().unwrap().exchanges.retain(|exchange| exchange.id.0 != 6);
    rig.refresh();
    assert_eq!(rig.model.web.selected().unwrap().id, ExchangeId(5));
}

#[test]
fn secrets_are_shown_of_one_request_and_masked_again_when_another_is_selected() {
    let mut rig = full("6");
    assert!(rig.text().contains("Bearer (hidden)"), "{}", rig.text());
    rig.press(&["u"]);
    assert!(rig.text().contains("Bearer s3cret") && rig.text().contains("with its secrets"), "{}", rig.text());
    rig.press(&["Y"]);
    assert!(copied(&mut rig).contains("s3cret"));
    rig.press(&["/"]);
    rig.type_text("copy fetch");
    rig.press(&["enter"]);
    assert_eq!(copied(&mut rig), "Fetch of 8");
    arrive(&mut rig, 9, "/nine");
    assert!(rig.text().contains("Bearer s3cret"), "what arrives does not take it away: {}", rig.text());
    rig.press(&["down"]);
    assert!(rig.text().contains("Bearer (hidden)"), "{}", rig.text());
    rig.press(&["up"]);
    assert!(rig.text().contains("Bearer (hidden)"), "{}", rig.text());
    rig.press(&["Y"]);
    assert!(copied(&mut rig).contains("(hidden)"));
}

#[test]
fn the_parts_of_a_request_are_a_button_each_and_their_text_scrolls() {
    let mut rig = full("6");
    rig.press(&["down", "enter", "right", "enter"]);
    assert!(rig.text().contains("request body ─") && rig.text().contains("row 0 of"), "{}", rig.text());
    rig.press(&["down", "pgdn"]);
    assert!(!rig.text().contains("row 0 of"), "{}", rig.text());
    let detail = layout(&rig.model).detail;
    for _ in 0..40 {
        rig.model.wheeled = 0;
        send(&mut rig, MouseEventKind::ScrollDown, 5, detail.y + 5);
    }
    assert!(rig.text().contains("row 59 of"), "{}", rig.text());
    assert_eq!(rig.model.web.selected().unwrap().id, ExchangeId(7), "the list stays");
    click(&mut rig, "[Timing]");
    assert!(rig.text().contains("Timing of 7"), "{}", rig.text());
    // There are no messages of a plain request, but of a WebSocket there are.
    assert!(!rig.text().contains("[Messages]"));
    rig.press(&["esc", "end", "up", "up"]);
    click(&mut rig, "[Messages]");
    assert!(rig.text().contains("Frames of 3"), "{}", rig.text());
    rig.press(&["down"]);
    assert!(rig.text().contains("· headers"), "{}", rig.text());
}

#[test]
fn a_request_that_may_change_something_is_sent_again_only_when_the_person_agrees() {
    let mut rig = full("6");
    rig.press(&["r"]);
    let replay = |id| Command::Replay { id: ExchangeId(id), times: 1 };
    assert_eq!(rig.asked(), [replay(8)]);
    rig.press(&["down", "r"]);
    assert!(rig.text().contains("POST /api/checkout is sent once more."), "{}", rig.text());
    rig.press(&["enter"]);
    assert!(rig.asked().is_empty(), "the dialog begins with Cancel");
    rig.press(&["r", "y"]);
    assert_eq!(rig.asked(), [replay(7)]);
    rig.press(&["/"]);
    rig.type_text("replay 7 3");
    rig.press(&["enter", "y"]);
    assert_eq!(rig.asked(), [Command::Replay { id: ExchangeId(7), times: 3 }]);
}

#[test]
fn the_find_bar_takes_the_words_of_the_filter_and_says_what_is_wrong_with_them() {
    let mut rig = full("6");
    rig.press(&["ctrl+f"]);
    rig.type_text("api");
    assert!(rig.text().contains("4 found") && !rig.text().contains("app.js"), "{}", rig.text());
    rig.press(&["esc", "ctrl+f"]);
    rig.type_text("~z");
    assert!(rig.text().contains("there is no `~z`") && rig.text().contains("app.js"), "{}", rig.text());
    rig.press(&["esc"]);
    assert!(rig.text().contains("filter: all") && rig.text().contains("app.js"), "{}", rig.text());
}

#[test]
fn telemetry_is_a_page_of_its_own() {
    let mut rig = full("6");
    rig.press(&["v", "down"]);
    assert_eq!(rig.model.web.page, Page::Telemetry);
    assert!(rig.text().contains("5 events, 1 tab") && rig.text().contains("click button#pay"), "{}", rig.text());
    rig.press(&["home"]);
    assert!(rig.text().contains("onSubmit pay.tsx:31:11"), "{}", rig.text());
    rig.press(&["y"]);
    assert!(copied(&mut rig).ends_with("react-dom (5 frames)"));
    assert!(!rig.press(&["u"]) && !rig.press(&["r"]), "there is no request");
    rig.press(&["ctrl+f"]);
    rig.type_text("LCP");
    assert!(rig.text().contains("1 found"), "{}", rig.text());
    rig.press(&["esc"]);
    click(&mut rig, "Requests");
    assert_eq!(rig.model.web.page, Page::Requests);
}

#[test]
fn equal_events_are_told_apart() {
    let mut rig = full("6");
    {
        let mut web = rig.mock.web.lock().unwrap();
        let same = web.events[1].clone();
        web.events = vec![same; 4];
    }
    rig.press(&["v", "down", "down", "down"]);
    assert_eq!(rig.model.web.position(), 3);
    {
        let mut web = rig.mock.web.lock().unwrap();
        let same = web.events[0].clone();
        web.events.insert(0, same);
    }
    rig.refresh();
    assert_eq!(rig.model.web.position(), 4);
}

#[test]
fn nothing_is_asked_of_the_app_while_another_view_is_in_front() {
    let mut rig = full("6");
    rig.press(&["3"]);
    let before = rig.model.web.turn;
    rig.send(Message::WebChanged);
    arrive(&mut rig, 9, "/nine");
    assert_eq!((rig.model.web.turn, rig.model.web.exchanges.len()), (before, 8));
    rig.press(&["6"]);
    assert_eq!(rig.model.web.exchanges.len(), 9);
    // An answer that was overtaken is not taken.
    rig.send(Message::Exchanges(before, Ok(Vec::new())));
    assert_eq!(rig.model.web.exchanges.len(), 9);
}

#[test]
fn every_button_is_reached_by_arrows_also_where_not_all_have_room() {
    for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
        let mut rig = Rig::new(Mock::full(), size);
        rig.press(&["6", "down", "enter"]);
        for label in ["Headers", "Request body", "Response body", "Timing", "Replay", "Copy as curl"] {
            assert!(rig.text().contains(&format!("[▸{label}]")), "{label} at {size:?}: {}", rig.text());
            rig.press(&["right"]);
        }
    }
}

#[test]
fn a_secret_in_a_query_is_masked_in_the_list() {
    let headers = crate::proxy::Headers::default();
    let opened = crate::proxy::Opened {
        time_ms: 0,
        mode: crate::proxy::Mode::Reverse,
        method: "GET".into(),
        url: "http://127.0.0.1:3000/cart?token=hunter2&page=2".into(),
        process: None,
        headers,
    };
    let shown = crate::tui::web::place(&crate::proxy::Exchange::new(crate::proxy::ExchangeId(1), opened));
    assert!(shown.starts_with("/cart?token=") && shown.ends_with("&page=2") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn chips_choose_what_is_shown_by_keys_arrows_and_clicks() {
    let mut rig = full("6");
    let all = rig.model.web.len();
    rig.press(&["s", "s"]);
    let failed = rig.model.web.len();
    assert!(failed > 0 && failed < all && rig.text().contains("[failed]"), "{}", rig.text());
    rig.press(&["s", "s", "home", "up"]);
    assert_eq!((rig.model.chip, rig.model.web.len()), (Some(0), all));
    rig.press(&["right", "right", "right", "enter"]);
    assert!(rig.text().contains("[pages]") && rig.text().contains("chips let through"), "{}", rig.text());
    click(&mut rig, "images");
    assert!(rig.text().contains("[images]"), "{}", rig.text());
    rig.press(&["f", "f", "f"]);
    assert_eq!(rig.model.web.len(), all);
    rig.press(&["v", "f"]);
    assert!(rig.text().contains("[error]") && rig.model.web.len() == 1, "{}", rig.text());
    rig.press(&["s"]);
    assert!(rig.text().contains("tab: [3f2a]"), "{}", rig.text());
}

#[test]
fn where_chips_have_no_room_the_chosen_one_stands_for_all_and_a_press_chooses_the_next() {
    let mut rig = Rig::new(Mock::full(), (60, 16));
    rig.press(&["6", "home", "up", "right", "right"]);
    assert!(rig.text().contains("type: [all] ") && !rig.text().contains("images"), "{}", rig.text());
    rig.press(&["enter"]);
    assert!(rig.text().contains("type: [pages]"), "{}", rig.text());
    rig.press(&["down"]);
    assert!(rig.text().contains("type: [pages]") && rig.model.chip.is_none(), "{}", rig.text());
}

#[test]
fn the_waterfall_is_zoomed_around_the_selected_request() {
    let mut rig = full("6");
    assert!(!rig.text().contains('‹'), "{}", rig.text());
    rig.press(&["+", "+"]);
    assert!(rig.text().contains('‹'), "what ended before is told: {}", rig.text());
    rig.press(&["-", "-", "-"]);
    assert!(!rig.text().contains('‹'), "{}", rig.text());
}

#[test]
fn without_a_number_the_selected_request_is_sent_again() {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    let replay = |rig: &mut Rig| {
        rig.press(&["/"]);
        rig.type_text("replay");
        rig.press(&["enter"]);
    };
    replay(&mut rig);
    assert!(rig.text().contains("there is no request to send again"), "{}", rig.text());
    rig.press(&["6", "down"]);
    replay(&mut rig);
    assert!(
        rig.text().contains("POST") && matches!(rig.model.overlay, Some(crate::tui::model::Overlay::Dialog(_))),
        "{}",
        rig.text()
    );
}

#[test]
fn cleared_requests_and_telemetry_come_back() {
    let mut rig = full("6");
    assert!(rig.press(&["v", "v", "down", "x"]));
    assert!(rig.text().contains("Nothing since it was cleared"), "{}", rig.text());
    assert!(!rig.press(&["x"]), "there is nothing left to clear");
    arrive(&mut rig, 9, "/nine");
    assert_eq!(rig.model.web.selected().unwrap().id, ExchangeId(9));
    assert_eq!(rig.model.web.len(), 1);
    rig.press(&["v"]);
    assert!(rig.model.web.len() == 0 && rig.text().contains("Nothing since"), "{}", rig.text());
    let fresh = {
        let mut web = rig.mock.web.lock().unwrap();
        let mut fresh = web.events[0].clone();
        fresh.time_ms = rig.model.now + 1;
        web.events.insert(0, fresh.clone());
        fresh
    };
    rig.refresh();
    assert_eq!(rig.model.web.shown_events(), [&fresh]);
    rig.press(&["U"]);
    assert_eq!(rig.model.web.len(), 6);
    rig.press(&["v"]);
    assert_eq!(rig.model.web.len(), 9);
    assert!(!rig.press(&["U"]), "there is nothing left to bring back");
}

#[test]
fn what_the_filter_leaves_out_is_cleared_too_from_any_view() {
    let mut rig = full("6");
    rig.press(&["s", "s"]);
    let failed = rig.model.web.len();
    assert!(failed > 0 && rig.model.web.exchanges[0].id != ExchangeId(20));
    arrive(&mut rig, 20, "/fine");
    assert_eq!(rig.model.web.len(), failed, "the filter leaves it out");
    rig.press(&["3", "/"]);
    rig.type_text("clear web");
    rig.press(&["enter", "6", "s", "s"]);
    assert_eq!(rig.model.web.len(), 0, "{}", rig.text());
    arrive(&mut rig, 21, "/later");
    assert_eq!(rig.model.web.len(), 1);
    // What was undone stays so, also if the answer about the newest one comes late.
    rig.press(&["U"]);
    rig.send(Message::NewestExchange(1, Some(ExchangeId(99))));
    assert_eq!(rig.model.web.len(), 10);
    rig.press(&["/"]);
    rig.type_text("clear all");
    rig.press(&["enter"]);
    assert_eq!((rig.model.web.len(), rig.asked()), (0, Vec::new()));
}

#[test]
fn the_tab_of_the_selected_event_stands_above_the_events_with_its_curves() {
    let mut rig = full("6");
    assert!(!rig.text().contains("long tasks"), "{}", rig.text());
    rig.press(&["v"]);
    let text = rig.text();
    let line = text.lines().find(|line| line.contains("heap ")).unwrap_or_else(|| panic!("{text}")).trim_end();
    assert_eq!(
        line,
        " tab 3f2a  localhost:3000/checkout  Chrome 131  1440x900  since 14:01:03  heap ▄▄▅▅▆▆▇▇██ 61 MB  long tasks \
         ▁▆▁▁▆▁▁▆▁▁ 3"
    );
    // A browser that tells neither has neither; a tab without events that are shown has no line.
    rig.mock.web.lock().unwrap().tabs = vec![tab("3f2a", "localhost:3000/", "Firefox 133", None)];
    rig.refresh();
    let text = rig.text();
    assert!(text.contains("Firefox 133") && !text.contains("heap") && !text.contains("long tasks"), "{text}");
    rig.mock.web.lock().unwrap().tabs = vec![tab("0000", "localhost:3000/", "Firefox 133", Some(4))];
    rig.refresh();
    assert!(!rig.text().contains("Firefox"), "{}", rig.text());
}

#[test]
fn where_not_all_of_the_tab_has_room_its_curves_are_left() {
    let line = |size: (u16, u16), place: &str| {
        let mut rig = Rig::new(Mock::full(), size);
        rig.mock.web.lock().unwrap().tabs[0].place = place.into();
        rig.press(&["6", "v"]);
        rig.text().lines().find(|line| line.contains("heap ")).map(|line| line.trim_end().to_owned())
    };
    let long = format!("localhost:3000/{}/end", "shop/".repeat(20));
    for (size, place) in
        [((80, 24), "localhost:3000/checkout"), ((80, 24), &long), ((60, 16), &long), ((120, 36), &long)]
    {
        let line = line(size, place).unwrap_or_else(|| panic!("{size:?}"));
        assert!(line.contains("61 MB  long tasks") && line.ends_with(" 3"), "{size:?}: {line}");
        assert!(line.starts_with(" tab 3f2a") && (size.0 < 80 || line.contains("localhost")), "{size:?}: {line}");
    }
    assert_eq!(line((40, 10), &long), None);
}

#[test]
fn a_failed_request_leads_to_the_lines_of_its_process_and_to_the_error_that_came_with_it() {
    let mut rig = full("6");
    while !rig.model.web.selected().unwrap().opened.url.contains("checkout") {
        assert!(rig.press(&["down"]), "{}", rig.text());
    }
    let name = rig.model.web.selected().unwrap().opened.process.as_ref().unwrap().1.clone();
    click(&mut rig, "[Show in logs]");
    assert_eq!((rig.model.view, rig.model.logs.cursor_line().unwrap().name), (View::Logs, &name));
    // It is found whatever the list of errors was narrowed to.
    rig.press(&["4", "f", "f", "ctrl+f"]);
    rig.type_text("nothing like it");
    rig.press(&["enter", "6"]);
    click(&mut rig, "[Error ");
    assert_eq!(rig.model.view, View::Errors);
    let row = rig.model.errors.selected().expect("it is in the list");
    assert!(crate::tui::source::is_together(row, rig.model.web.selected().unwrap()), "{}", rig.text());
    // One that went well has no error.
    rig.press(&["6"]);
    while rig.model.web.selected().unwrap().is_error() {
        assert!(rig.press(&["down"]), "{}", rig.text());
    }
    assert!(!rig.text().contains("[Error"), "{}", rig.text());
}
