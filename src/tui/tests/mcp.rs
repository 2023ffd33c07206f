//! What keys and the mouse do in the MCP view, and what it says of calls and instances.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::app::command::Command;
use crate::app::view::McpRow;
use crate::tui::mcp::McpPage;
use crate::tui::message::{Effect, Message};
use crate::tui::model::{Overlay, View};
use crate::tui::testing::{Mock, Rig};
use crate::tui::testing_mcp::{self, call};

fn full() -> Rig {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&["7"]);
    rig
}

fn change(rig: &mut Rig, change: impl FnOnce(&mut McpRow)) {
    change(&mut rig.mock.mcp.lock().unwrap());
    rig.refresh();
}

fn copied(rig: &mut Rig) -> String {
    match rig.outside.pop() {
        Some(Effect::Copy(text, _)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_clients_and_the_address_are_on_the_screen() {
    let text = full().text();
    for part in [
        "http://127.0.0.1:7777/mcp",
        "● cursor 0.42.3  9 calls  last 14:02:21",
        "logs_search            api                   14ms ✓ 12 matches in api",
        "✗ `filter`: ~z is no operator",
        "◐ goes on",
        "48 calls · 1 failed · p50 14ms",
        "● FOLLOW",
        "mcp :7777",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn a_call_stays_selected_and_in_its_place_while_others_come() {
    let mut rig = full();
    rig.press(&["down", "down"]);
    let line = |rig: &Rig| rig.model.mcp.position() - rig.model.mcp.offsets[0];
    assert_eq!((rig.model.mcp.selected().unwrap().number, line(&rig)), (46, 2));
    for number in 49..80 {
        change(&mut rig, |row| row.calls.insert(0, call(number, 0, "cursor", "about", "", Some((1, true, "Brummer")))));
        assert_eq!((rig.model.mcp.selected().unwrap().number, line(&rig)), (46, 2), "{}", rig.text());
    }
    assert!(rig.text().contains("‖ PAUSED  31 new"), "{}", rig.text());
    // It is kept no longer: the next older one is selected.
    change(&mut rig, |row| row.calls.retain(|call| call.number != 46));
    assert_eq!(rig.model.mcp.selected().unwrap().number, 45);
    rig.press(&["space"]);
    assert_eq!(rig.model.mcp.selected().unwrap().number, 79, "it follows again");
    rig.press(&["space", "home"]);
    assert!(rig.model.mcp.follows());
}

#[test]
fn the_details_of_a_call_are_what_was_given_and_what_was_answered() {
    let mut rig = full();
    rig.press(&["down", "enter"]);
    let text = rig.text();
    for part in [
        "─ #47 logs_search · claude-code · 14:02:30",
        "[▸Arguments] [Answer] [Copy] [Replay] [Copy as curl] [Logs of api]",
        r#"→ {"pattern":"checkout","processId":"api","limit":20,"context":3,"since":"10m","level":"info"}"#,
        "← 12 matches in api",
        "  14:02:11.402 POST /api/checkout 500 in 11ms",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    rig.send(Message::Resize(80, 24));
    let text = rig.text();
    assert!(text.contains(r#"   "pattern": "checkout","#) && !text.contains("← 12"), "a line each:\n{text}");
    rig.press(&["right", "enter"]);
    assert!(rig.text().contains("← 12 matches in api"), "the answer is scrolled to:\n{}", rig.text());
    rig.press(&["left", "enter", "down"]);
    assert_eq!(rig.model.mcp.scroll, 1);
    rig.press(&["esc", "down"]);
    assert_eq!((rig.model.mcp.strip, rig.model.mcp.scroll), (None, 0), "another call is shown from its start");
}

#[test]
fn a_call_is_copied_as_json_and_as_a_command() {
    let mut rig = full();
    rig.press(&["down", "y"]);
    let json: serde_json::Value = serde_json::from_str(&copied(&mut rig)).unwrap();
    assert_eq!((&json["tool"], &json["arguments"]["processId"]), (&"logs_search".into(), &"api".into()));
    assert!(json["answer"].as_str().unwrap().contains("500 in 19ms"));
    rig.press(&["Y"]);
    let command = copied(&mut rig);
    assert!(command.starts_with("curl -sS http://127.0.0.1:7777/mcp") && command.contains("tools/call"), "{command}");
    rig.press(&["a"]);
    assert_eq!(copied(&mut rig), "http://127.0.0.1:7777/mcp");
    rig.press(&["C"]);
    assert!(copied(&mut rig).contains("mcpServers"));
}

#[test]
fn the_logs_of_the_process_that_a_call_names_are_one_key_away() {
    let mut rig = full();
    rig.press(&["down", "o"]);
    assert_eq!(rig.model.view, View::Logs);
    assert!(rig.model.logs.scope.as_ref().unwrap().contains("api"));
    rig.press(&["esc"]);
    assert_eq!(rig.model.view, View::Mcp, "Esc leads back");
    rig.press(&["down", "down"]);
    assert!(!rig.press(&["o"]), "a picture is of no process:\n{}", rig.text());
    assert!(!rig.text().contains("Logs of"), "{}", rig.text());
    rig.press(&["end", "right", "right", "right", "right", "right", "enter"]);
    assert!(rig.model.logs.scope.as_ref().unwrap().contains("web"), "named by its URI");
}

#[test]
fn calls_are_narrowed_to_a_client_and_to_what_they_say() {
    let mut rig = full();
    rig.press(&["f"]);
    assert_eq!(rig.model.mcp.calls().len(), 4);
    assert!(rig.text().contains("client: [claude-code]"), "{}", rig.text());
    rig.press(&["f"]);
    assert_eq!(rig.model.mcp.calls().len(), 2);
    change(&mut rig, |row| row.clients.retain(|client| &*client.name != "cursor"));
    assert_eq!((rig.model.mcp.client.clone(), rig.model.mcp.calls().len()), (None, 6), "a client that is forgotten");
    rig.press(&["ctrl+f"]);
    rig.type_text("500 in 19ms");
    assert_eq!(rig.model.mcp.selected().unwrap().number, 47, "answers are looked through as well");
    rig.press(&["esc"]);
    assert_eq!(rig.model.mcp.calls().len(), 6);
}

#[test]
fn cleared_calls_come_back() {
    let mut rig = full();
    rig.press(&["x"]);
    assert!(rig.text().contains("No call since they were cleared"), "{}", rig.text());
    change(&mut rig, |row| row.calls.insert(0, call(49, 0, "cursor", "about", "", None)));
    assert_eq!(rig.model.mcp.calls().len(), 1);
    rig.press(&["U"]);
    assert_eq!(rig.model.mcp.calls().len(), 7);
    rig.press(&["/"]);
    rig.type_text("clear mcp");
    rig.press(&["enter"]);
    assert_eq!(rig.model.mcp.calls().len(), 0);
}

#[test]
fn where_nothing_has_called_it_is_said_how_to_connect() {
    let mut rig = Rig::new(Mock::empty(), (80, 24));
    rig.press(&["7"]);
    let text = rig.text();
    for part in ["No AI tool has called yet", "http://127.0.0.1:7777/mcp", "mcp install NAME", "copy client settings"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    rig.press(&["y"]);
    assert!(copied(&mut rig).contains("http://127.0.0.1:7777/mcp"));
    change(&mut rig, |row| row.address = None);
    assert!(rig.text().contains("could not be started"), "{}", rig.text());
    rig.model.settings.config.settings.general.no_mcp = true;
    assert!(rig.text().contains("no_mcp in the settings"), "{}", rig.text());
    assert!(!rig.press(&["y"]) && !rig.press(&["a"]));
}

#[test]
fn a_tool_is_set_up_after_a_question() {
    let mut rig = full();
    rig.press(&["i"]);
    assert!(rig.text().contains("claude-code"), "its names are offered:\n{}", rig.text());
    rig.type_text("zed --hub");
    rig.press(&["enter"]);
    assert!(
        rig.text().contains("Set zed up?") && rig.text().contains("/mcp install zed --hub --undo"),
        "{}",
        rig.text()
    );
    rig.press(&["enter"]);
    assert!(rig.outside.is_empty() && rig.model.overlay.is_none(), "the focus starts on Cancel");
    rig.press(&["i"]);
    rig.type_text("zed --undo");
    rig.press(&["enter"]);
    assert!(rig.text().contains("Take brummer out of zed?"), "{}", rig.text());
    rig.press(&["y"]);
    assert!(matches!(rig.outside.pop(), Some(Effect::Install(words)) if words == ["zed", "--undo"]));
    rig.press(&["i"]);
    rig.type_text("emacs");
    rig.press(&["enter"]);
    assert!(
        matches!(rig.model.overlay, Some(Overlay::Command(_))) && rig.text().contains("allowed:"),
        "{}",
        rig.text()
    );
}

#[test]
fn instances_are_listed_and_their_addresses_copied() {
    let mut rig = full();
    rig.press(&["/"]);
    rig.type_text("instances");
    rig.press(&["enter"]);
    let text = rig.text();
    for part in ["● this one", "● running", "◐ silent 2m", "~/code/blog", "7779", "3 instances"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    rig.press(&["down", "enter"]);
    assert_eq!(copied(&mut rig), "http://127.0.0.1:7778/mcp");
    rig.press(&["right", "right", "enter"]);
    assert!(copied(&mut rig).contains("7778"), "the settings are of the selected one");
    rig.press(&["right", "enter"]);
    assert_eq!(copied(&mut rig), "/home/me/code/blog");
    rig.press(&["left", "left", "left", "down", "C"]);
    assert!(copied(&mut rig).contains("Bearer ‹the token›"), "one that asks for a token");
    rig.press(&["up"]);
    // The selected one stays selected when one before it goes.
    change(&mut rig, |row| drop(row.instances.remove(0)));
    rig.press(&["y"]);
    assert_eq!(copied(&mut rig), "http://127.0.0.1:7778/mcp");
    rig.press(&["v"]);
    assert_eq!(rig.model.mcp.page, McpPage::Activity);
}

#[test]
fn arrows_lead_to_the_pages_to_the_filter_and_to_what_can_be_copied() {
    let mut rig = full();
    rig.press(&["up", "right", "enter"]);
    assert_eq!(rig.model.mcp.page, McpPage::Instances);
    rig.press(&["left", "down"]);
    assert_eq!((rig.model.mcp.page, rig.model.chip), (McpPage::Activity, None));
    rig.press(&["up", "right", "right", "enter"]);
    assert_eq!(rig.model.mcp.client.as_deref(), Some("claude-code"));
    rig.press(&["right", "enter"]);
    assert_eq!(copied(&mut rig), "http://127.0.0.1:7777/mcp");
    rig.press(&["down"]);
    assert!(rig.outside.is_empty(), "leaving by an arrow copies nothing");
    rig.press(&["up", "right", "right", "right", "right", "right", "enter"]);
    assert!(matches!(rig.model.overlay, Some(Overlay::Command(_))), "{}", rig.text());
}

#[test]
fn a_click_selects_a_call_and_the_wheel_over_its_answer_scrolls_that() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["7"]);
    let mouse = |rig: &mut Rig, kind, column, row| {
        rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    };
    let list = crate::tui::layout::layout(&rig.model).list;
    mouse(&mut rig, MouseEventKind::Down(MouseButton::Left), 10, list.y + 1);
    assert_eq!(rig.model.mcp.selected().unwrap().number, 47);
    mouse(&mut rig, MouseEventKind::ScrollDown, 10, 20);
    assert!(rig.model.mcp.scroll > 0, "{}", rig.text());
    mouse(&mut rig, MouseEventKind::Down(MouseButton::Left), 10, list.y + 1);
    assert_eq!(rig.model.mcp.strip, Some(0), "the second click opens it");
}

#[test]
fn what_a_client_says_reaches_the_terminal_only_as_text() {
    let evil = "\x1b]0;owned\x07\x1b[2J\u{202e}\u{7}\r\n\u{9b}31m";
    for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
        let mut rig = Rig::new(Mock::full(), size);
        rig.press(&["7"]);
        change(&mut rig, |row| {
            row.clients[0].name = evil.into();
            row.clients[0].version = evil.into();
            let arguments = serde_json::json!({ "name": evil }).to_string();
            row.calls =
                vec![call(90, 0, evil, evil, &arguments, Some((1, false, evil))), call(89, 0, evil, evil, evil, None)];
            row.address = Some(evil.into());
            for one in &mut row.instances {
                (one.name, one.directory, one.id) = (evil.into(), evil.into(), evil.into());
                (one.version, one.url) = (evil.into(), evil.into());
            }
        });
        for keys in [&["7"][..], &["f"], &["down", "enter"], &["esc", "up"], &["down", "v"], &["right"], &["8"]] {
            rig.press(keys);
            let harmful = |ch: char| ch.is_control() || ch == '\u{202e}';
            let buffer = rig.draw().0;
            assert!(!buffer.content.iter().any(|cell| cell.symbol().chars().any(harmful)), "{keys:?} at {size:?}");
        }
    }
}

#[test]
fn a_call_whose_tool_only_reads_is_made_again_at_once_and_shown() {
    let mut rig = full();
    // Arguments, Answer, Copy, Replay.
    rig.press(&["down", "enter", "right", "right", "right"]);
    assert_eq!(rig.model.mcp.selected().unwrap().number, 47);
    assert!(rig.text().contains("[▸Replay]"), "{}", rig.text());
    rig.press(&["enter"]);
    assert_eq!(rig.asked(), [Command::CallAgain { number: 47 }]);
    assert!(rig.model.overlay.is_none());
    rig.refresh();
    let call = rig.model.mcp.selected().unwrap();
    assert_eq!((call.number, &*call.client, &*call.name), (49, "Brummer", "logs_search"));
    assert!(rig.text().contains("#49 logs_search · Brummer"), "{}", rig.text());
    // The buttons keep the focus; another call that comes moves nothing.
    assert!(rig.text().contains("[▸Replay]"), "{}", rig.text());
    change(&mut rig, |row| testing_mcp::begin(row, "Brummer", "logs_search", "{}"));
    assert_eq!(rig.model.mcp.selected().unwrap().number, 49);
}

#[test]
fn a_call_that_may_change_something_is_made_again_after_a_yes() {
    let mut rig = full();
    rig.press(&["down", "down", "enter", "right", "right", "right", "enter"]);
    let text = rig.text();
    for part in ["Call again?", "scripts_run is called again with", r#"{"name":"web"}"#, "[▸Cancel]"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    rig.press(&["enter"]);
    assert!(rig.asked().is_empty() && rig.model.overlay.is_none(), "Cancel has the focus");
    rig.press(&["enter", "y"]);
    assert_eq!(rig.asked(), [Command::CallAgain { number: 46 }]);
    // Who looks at another one meanwhile stays there.
    rig.press(&["esc", "down"]);
    rig.refresh();
    assert_eq!(rig.model.mcp.selected().unwrap().number, 45, "{}", rig.text());
}

#[test]
fn a_call_that_is_not_kept_as_a_whole_is_not_made_again() {
    let mut rig = full();
    for (given, word) in
        [(r#"{"password":"‹masked:7›"}"#, "hold a secret"), (r#"{"text":"a… (+9 characters)"#, "too long")]
    {
        change(&mut rig, |row| testing_mcp::begin(row, "cursor", "logs_search", given));
        rig.press(&["home", "enter", "right", "right", "right", "enter"]);
        assert!(rig.text().contains(word), "{}", rig.text());
        assert!(rig.asked().is_empty() && rig.model.overlay.is_none());
        rig.press(&["esc"]);
    }
    // What is read by a URI has no such button.
    rig.press(&["end", "enter"]);
    assert!(!rig.text().contains("Replay]"), "{}", rig.text());
    rig.type_text("/replay");
    rig.press(&["enter"]);
    assert!(rig.text().contains("only calls for tools"), "{}", rig.text());
}

#[test]
fn a_call_that_was_made_again_behind_a_filter_is_told() {
    let mut rig = full();
    rig.press(&["f", "down", "enter"]);
    rig.type_text("/replay");
    assert_eq!(rig.model.mcp.client.as_deref(), Some("claude-code"));
    rig.press(&["enter"]);
    rig.refresh();
    assert_eq!(rig.model.mcp.selected().unwrap().number, 47);
    assert!(rig.text().contains("it was called again as #49"), "{}", rig.text());
}
