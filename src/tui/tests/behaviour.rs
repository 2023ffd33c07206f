//! What keys, commands and the mouse do.

use crate::app::command::{Command, Target};
use crate::event::{Level, ProcessId, Status};
use crate::tui::message::{Effect, Message, Outcome};
use crate::tui::model::{Overlay, View};
use crate::tui::testing::{Mock, Rig, process};

fn full(view: &str) -> Rig {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&[view]);
    rig
}

#[test]
fn no_view_names_what_is_not_there() {
    for view in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        let text = full(view).text();
        let named = text.lines().take(2).chain(text.lines().last()).any(|line| line.contains("attach"));
        assert!(!named, "{text}");
    }
    let mut rig = full("3");
    assert!(!rig.press(&["a"]));
}

#[test]
fn enter_on_a_running_script_goes_to_it_and_esc_comes_back() {
    let mut rig = full("1");
    rig.press(&["end", "enter"]);
    assert_eq!(rig.asked(), [Command::Run { script: "api".into(), args: vec![], another: false }]);
    assert_eq!(rig.model.view, View::Logs);
    assert!(rig.text().contains("only: api") && rig.text().contains("api runs already"), "{}", rig.text());
    assert!(!rig.text().contains("web "), "{}", rig.text());
    rig.press(&["esc"]);
    assert_eq!(rig.model.view, View::Scripts);
}

#[test]
fn a_script_that_cannot_be_run_says_why() {
    let mut rig = full("1");
    rig.press(&["home", "down", "down", "down", "down", "enter"]);
    assert!(rig.asked().is_empty());
    assert!(rig.text().contains("pnpm is not installed"));
}

#[test]
fn r_runs_another_copy_and_the_strip_reaches_the_same() {
    let mut rig = full("1");
    rig.press(&["end", "R", "1", "right", "right", "enter"]);
    let another = Command::Run { script: "api".into(), args: vec![], another: true };
    assert_eq!(rig.asked(), [another.clone(), another]);
}

#[test]
fn stop_start_restart_and_forget_are_about_the_selected_process() {
    let mut rig = full("2");
    assert_eq!(rig.model.processes.selected().unwrap().id, ProcessId(4), "failed ones come first");
    rig.press(&["s", "down", "down", "s", "r", "ctrl+r"]);
    let (id, other) = (ProcessId(4), ProcessId(2));
    let restart = |id| Command::Restart(Target::Id(id));
    assert_eq!(
        rig.asked(),
        [restart(id), Command::Stop(Target::Id(other)), restart(other), Command::Restart(Target::All)]
    );
    rig.press(&["home", "d"]);
    assert_eq!(rig.asked(), [Command::Forget(id)]);
}

#[test]
fn kill_asks_and_begins_with_cancel() {
    let mut rig = full("2");
    rig.press(&["end", "up", "K", "enter"]);
    assert!(rig.asked().is_empty());
    rig.press(&["K", "y"]);
    assert_eq!(rig.asked(), [Command::Kill(Target::Id(ProcessId(1)))]);
}

#[test]
fn rows_hold_their_places_while_the_cursor_moves() {
    let mut rig = full("2");
    rig.press(&["down"]);
    let before = rig.model.processes.order.clone();
    rig.mock.processes.lock().unwrap()[0].status = Status::Failed;
    rig.refresh();
    assert_eq!(rig.model.processes.order, before);
    let later = rig.model.now + 2500;
    rig.send(Message::Now(later));
    assert_ne!(rig.model.processes.order, before);
}

#[test]
fn following_ends_with_a_step_up_and_begins_again_at_the_end() {
    let mut rig = full("3");
    assert!(rig.text().contains("FOLLOW"));
    rig.press(&["up", "up"]);
    let before = rig.model.logs.place;
    for i in 0..100 {
        rig.mock.line(1, "web", &format!("ERROR number {i}"));
    }
    rig.refresh();
    let text = rig.text();
    assert!(text.contains("PAUSED") && text.contains("100 new lines, 100 errors"), "{text}");
    assert_eq!(rig.model.logs.place, before, "nothing moves under the person");
    assert!(!text.contains("number 99"));
    rig.press(&["end"]);
    assert!(rig.text().contains("number 99") && rig.text().contains("FOLLOW"));
}

#[test]
fn an_empty_log_can_be_paused_and_stays_at_its_first_lines() {
    let mut rig = Rig::new(Mock::empty(), (80, 24));
    rig.press(&["3", "space"]);
    assert!(rig.text().contains("PAUSED"), "{}", rig.text());
    for i in 0..100 {
        rig.mock.line(1, "web", &format!("number {i}."));
    }
    rig.refresh();
    let text = rig.text();
    assert!(text.contains("number 0.") && text.contains("100 new") && !text.contains("number 99."), "{text}");
    rig.press(&["space"]);
    assert!(rig.text().contains("number 99.") && rig.text().contains("FOLLOW"), "{}", rig.text());
}

#[test]
fn find_marks_counts_jumps_and_esc_restores_the_place() {
    let mut rig = full("3");
    rig.press(&["ctrl+f"]);
    rig.type_text("chunk-005");
    assert!(rig.text().contains("find: chunk-005   .*  Aa  W   10  highlight"), "{}", rig.text());
    rig.press(&["esc"]);
    assert!(rig.model.logs.place.follow && rig.model.logs.find.hits.is_none());
    rig.press(&["ctrl+f"]);
    rig.type_text("chunk-001");
    rig.press(&["enter", "N", "N"]);
    assert!(rig.text().contains("8/10"), "{}", rig.text());
    assert!(!rig.model.logs.place.follow);
    rig.mock.line(1, "web", "chunk-0010 again");
    rig.refresh();
    assert!(rig.text().contains("8/11"), "{}", rig.text());
}

#[test]
fn only_matches_and_their_context_can_be_shown() {
    let mut rig = full("3");
    rig.press(&["ctrl+f"]);
    rig.type_text("typeerror");
    rig.press(&["tab"]);
    assert!(rig.text().contains("TypeError") && !rig.text().contains("chunk"), "{}", rig.text());
    rig.press(&["tab"]);
    let text = rig.text();
    assert!(text.contains("chunk-0059") && text.contains("chunk-0058") && !text.contains("chunk-0057"), "{text}");
}

#[test]
fn a_bad_expression_is_told_and_keeps_the_last_result() {
    let mut rig = full("3");
    rig.press(&["ctrl+f"]);
    rig.type_text("chunk");
    rig.press(&["alt+r"]);
    rig.type_text("(");
    let text = rig.text();
    assert!(text.contains("unclosed group") && text.contains("previous result kept"), "{text}");
    assert_eq!(rig.model.logs.find.hits.as_ref().unwrap().list.len(), 60);
}

#[test]
fn filters_combine_count_what_they_hide_and_can_be_switched_off() {
    let mut rig = full("3");
    rig.press(&["/"]);
    rig.type_text("show api");
    rig.press(&["enter", "/"]);
    rig.type_text("hide cart");
    rig.press(&["enter"]);
    let text = rig.text();
    assert!(text.contains("show: api  hide: cart") && text.contains("64 hidden"), "{text}");
    rig.press(&["\\"]);
    assert!(rig.text().contains("filters off") && rig.text().contains("TypeError"));
    rig.press(&["\\", "/"]);
    rig.type_text("hide cart");
    rig.press(&["enter"]);
    assert!(rig.text().contains("/api/cart"), "the same again takes a filter away: {}", rig.text());
}

#[test]
fn levels_hide_what_is_less_bad_also_of_lines_that_arrive() {
    let mut rig = full("3");
    rig.press(&["l", "l", "l"]);
    assert_eq!(rig.model.logs.filter.level, Some(Level::Error));
    rig.mock.line(1, "web", "ERROR a new one");
    rig.mock.line(1, "web", "all is well");
    rig.refresh();
    let text = rig.text();
    assert!(text.contains("a new one") && !text.contains("all is well") && !text.contains("chunk"), "{text}");
}

#[test]
fn clear_hides_and_undo_brings_back() {
    let mut rig = full("3");
    rig.press(&["x"]);
    assert!(!rig.text().contains("chunk"), "{}", rig.text());
    rig.press(&["U"]);
    assert!(rig.text().contains("chunk"));
}

#[test]
fn marks_stand_where_they_were_set() {
    let mut rig = full("3");
    rig.press(&["enter"]);
    rig.mock.line(1, "web", "after the mark");
    rig.refresh();
    let text = rig.text();
    let (mark, after) = (text.find("mark 1").unwrap(), text.find("after the mark").unwrap());
    assert!(mark < after && text.find("checkout\",").unwrap() < mark, "{text}");
}

#[test]
fn copying_takes_the_stored_text_of_all_selected_lines() {
    let mut rig = full("3");
    rig.press(&["up", "v", "up", "y"]);
    let Some(Effect::Copy(text, what)) = rig.outside.pop() else { panic!("{:?}", rig.outside) };
    assert_eq!(what, "2 lines");
    assert_eq!(
        text,
        "ERROR TypeError: Cannot read properties of undefined (reading 'total')\n    at checkout (src/checkout.ts:42:18)\n"
    );
}

#[test]
fn a_prompt_without_a_newline_is_shown() {
    let mut rig = full("3");
    let mut writer = rig.mock.store.writer(ProcessId(9), "ask");
    writer.partial(crate::event::Stream::Out, b"50%\r60%\rContinue? [y/N] \r");
    writer.publish();
    rig.refresh();
    assert!(rig.text().contains("Continue? [y/N]") && !rig.text().contains("60%"), "{}", rig.text());
}

#[test]
fn json_is_opened_pretty() {
    let mut rig = full("3");
    rig.press(&["up", "down"]);
    rig.press(&["enter"]);
    let text = rig.text();
    assert!(text.contains("\"path\": \"/checkout\""), "{text}");
    rig.press(&["j"]);
    assert!(rig.text().contains("\"path\":\"/checkout\""));
}

#[test]
fn quitting_asks_when_something_runs_and_a_second_ctrl_c_means_it() {
    let mut rig = full("1");
    rig.press(&["q", "n"]);
    assert!(rig.model.overlay.is_none() && rig.outside.is_empty());
    rig.press(&["ctrl+c", "ctrl+c"]);
    assert!(matches!(rig.outside[..], [Effect::Leave(Outcome::Quit)]));
    let mut idle = Rig::new(Mock::empty(), (80, 24));
    idle.press(&["q"]);
    assert!(matches!(idle.outside[..], [Effect::Leave(Outcome::Quit)]));
}

#[test]
fn the_command_line_completes_and_names_what_is_wrong() {
    let mut rig = full("1");
    rig.press(&["/"]);
    rig.type_text("resta");
    rig.press(&["tab"]);
    rig.type_text("a");
    rig.press(&["down", "down", "enter"]);
    assert_eq!(rig.asked(), [Command::Restart(Target::Name("api".into()))]);
    rig.press(&["/"]);
    rig.type_text("restrat api");
    rig.press(&["enter"]);
    assert!(rig.text().contains("the nearest is /restart"), "{}", rig.text());
    assert!(matches!(rig.model.overlay, Some(Overlay::Command(_))));
}

#[test]
fn find_narrows_the_lists() {
    let mut rig = full("1");
    rig.press(&["ctrl+f"]);
    rig.type_text("tsx");
    rig.press(&["enter", "enter"]);
    assert_eq!(rig.asked(), [Command::Run { script: "api".into(), args: vec![], another: false }]);
}

#[test]
fn holding_up_stops_at_the_top_and_a_fresh_press_goes_to_the_tabs() {
    let mut rig = full("2");
    rig.press(&["down", "up"]);
    rig.model.up_at = rig.model.now + 299;
    rig.press(&["up"]);
    assert_eq!(rig.model.tab, None);
    rig.press(&["up", "right", "enter"]);
    assert_eq!(rig.model.view, View::Logs);
}

#[test]
fn an_error_is_told_until_a_key_is_pressed_and_kept_in_the_messages() {
    let mut rig = full("1");
    rig.send(Message::Notice(Level::Error, "the disk is full".into()));
    let later = rig.model.now + 60_000;
    rig.send(Message::Now(later));
    assert!(rig.text().contains("the disk is full"));
    rig.send(Message::Key(crate::tui::key::Key::parse("e").unwrap().as_event()));
    assert!(rig.model.toasts.is_empty() && rig.text().contains("the disk is full"), "in the panel: {}", rig.text());
}

#[test]
fn many_lines_are_filtered_by_a_worker_and_nothing_is_lost() {
    let mut rig = full("3");
    for i in 0..12_000_u32 {
        rig.mock.line(3, "db", if i.is_multiple_of(100) { "WARN slow" } else { "fine" });
        if i == 6000 {
            rig.press(&["p"]);
        }
    }
    rig.refresh();
    let hits = rig.model.logs.hits.as_ref().unwrap();
    assert!(!hits.scanning);
    let expected = rig.mock.store.snapshot().after(0).filter(|line| line.level >= Level::Warn || line.is_stack).count();
    assert_eq!(hits.list.len(), expected);
    assert!(hits.list.iter().zip(hits.list.iter().skip(1)).all(|(a, b)| a < b));
}

#[test]
fn wrapping_shows_all_of_a_long_line() {
    let mut rig = full("3");
    rig.mock.line(1, "web", &format!("{}END", "x".repeat(300)));
    rig.refresh();
    assert!(!rig.text().contains("END"));
    rig.press(&["w"]);
    assert!(rig.text().contains("END"), "{}", rig.text());
    assert!(rig.press(&["up"]) && rig.text().contains("END"));
}

#[test]
fn identical_lines_collapse_on_request() {
    let mut rig = full("3");
    (0..14).for_each(|_| rig.mock.line(3, "db", "GET /healthz 200"));
    rig.refresh();
    rig.press(&["u"]);
    let text = rig.text();
    assert!(text.contains("×14") && text.matches("healthz").count() == 1, "{text}");
}

#[test]
fn two_failed_ones_can_be_selected_and_started_together() {
    let mock = Mock::empty();
    *mock.processes.lock().unwrap() = vec![process(1, "a", Status::Failed), process(2, "b", Status::Failed)];
    let mut rig = Rig::new(mock, (80, 24));
    rig.press(&["2", "space", "space", "s"]);
    let restart = |id| Command::Restart(Target::Id(ProcessId(id)));
    assert_eq!(rig.asked(), [restart(1), restart(2)]);
}

fn click(rig: &mut Rig, x: u16, y: u16) {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
        rig.send(Message::Mouse(MouseEvent { kind, column: x, row: y, modifiers: KeyModifiers::NONE }));
    }
}

/// Where a text stands on the screen.
fn spot(rig: &Rig, wanted: &str) -> (u16, u16) {
    let text = rig.text();
    let (y, line) =
        text.lines().enumerate().find(|(_, line)| line.contains(wanted)).unwrap_or_else(|| panic!("{text}"));
    (crate::tui::text::width(&line[..line.find(wanted).unwrap()]) as u16, y as u16)
}

#[test]
fn a_click_is_the_same_as_going_there_and_pressing_enter() {
    let mut rig = full("1");
    let (x, y) = spot(&rig, "2 Processes");
    click(&mut rig, x, y);
    assert_eq!(rig.model.view, View::Processes);
    let (x, y) = spot(&rig, "● api");
    click(&mut rig, x, y);
    assert_eq!(rig.model.processes.selected, Some(ProcessId(2)));
    let (x, y) = spot(&rig, "[Restart]");
    click(&mut rig, x, y);
    assert_eq!(rig.asked(), [Command::Restart(Target::Id(ProcessId(2)))]);
    let (x, y) = spot(&rig, "LINES/S");
    click(&mut rig, x, y);
    assert!(rig.text().contains("sort: lines"));
    let (x, y) = spot(&rig, "/ commands");
    click(&mut rig, x, y);
    assert!(matches!(rig.model.overlay, Some(Overlay::Command(_))));
}

#[test]
fn a_drag_over_lines_copies_them_and_a_click_on_the_pill_follows() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut rig = full("3");
    let (x, y) = spot(&rig, "chunk-0050");
    let at = |kind, row| Message::Mouse(MouseEvent { kind, column: x, row, modifiers: KeyModifiers::NONE });
    rig.send(at(MouseEventKind::Down(MouseButton::Left), y));
    rig.send(at(MouseEventKind::Drag(MouseButton::Left), y + 2));
    rig.send(at(MouseEventKind::Up(MouseButton::Left), y + 2));
    let Some(Effect::Copy(text, what)) = rig.outside.pop() else { panic!("{:?}", rig.outside) };
    assert!(what == "3 lines" && text.starts_with("chunk-0050.js 304"), "{what}: {text}");
    assert!(text.ends_with("\nGET /assets/c"), "it ends under the pointer: {text}");
    rig.mock.line(1, "web", "newest");
    rig.refresh();
    let (x, y) = spot(&rig, "1 new line ");
    click(&mut rig, x, y);
    assert!(rig.model.logs.place.follow);
}

#[test]
fn the_wheel_scrolls_and_comes_back_to_following_at_the_end() {
    use crossterm::event::{KeyModifiers, MouseEvent, MouseEventKind};
    let mut rig = full("3");
    let wheel = |kind| Message::Mouse(MouseEvent { kind, column: 5, row: 9, modifiers: KeyModifiers::NONE });
    rig.send(wheel(MouseEventKind::ScrollUp));
    assert!(!rig.model.logs.place.follow && !rig.text().contains("\"path\""), "{}", rig.text());
    rig.send(wheel(MouseEventKind::ScrollDown));
    assert!(rig.model.logs.place.follow);
}

#[test]
fn a_process_that_was_started_again_stays_selected() {
    let mut rig = full("2");
    rig.press(&["down", "down"]);
    let mut rows = rig.mock.processes.lock().unwrap();
    rows[1].status = Status::Stopped;
    rows.push(process(9, "api", Status::Running));
    drop(rows);
    rig.refresh();
    assert_eq!(rig.model.processes.selected().unwrap().id, ProcessId(9));
    assert_eq!(rig.model.processes.shown().len(), 5, "the one that ended gives its row to the new one");
}

#[test]
fn lines_that_arrive_while_a_worker_scans_are_tested_when_it_is_done() {
    let mut rig = full("3");
    let effects =
        crate::tui::update::update(&mut rig.model, Message::Key(crate::tui::key::Key::parse("p").unwrap().as_event()));
    (0..5000).for_each(|_| rig.mock.line(3, "db", "WARN slow"));
    rig.refresh();
    let Some(Effect::Scan(request)) = effects.into_iter().next() else { panic!("a filter is looked for by a worker") };
    let mut found = Vec::new();
    request.run(|slice| found.push(slice));
    found.into_iter().for_each(|slice| rig.send(Message::Found(slice)));
    let hits = rig.model.logs.hits.as_ref().unwrap();
    assert!(!hits.scanning && hits.list.len() > 5000, "{}", hits.list.len());
}

fn mouse(kind: crossterm::event::MouseEventKind, row: u16) -> Message {
    let modifiers = crossterm::event::KeyModifiers::NONE;
    Message::Mouse(crossterm::event::MouseEvent { kind, column: 30, row, modifiers })
}

#[test]
fn what_is_chosen_in_the_settings_is_what_the_ui_does() {
    use crate::tui::{Options, layout, run};
    use crossterm::event::{MouseButton, MouseEventKind};
    use std::time::Duration;
    let rig = |change: fn(&mut Options)| {
        let mut options = Options { start_view: View::Logs, ..Options::default() };
        change(&mut options);
        let mut rig = full("3");
        run::apply(&mut rig.model, &options);
        rig
    };
    let top_after_wheel = |lines: fn(&mut Options)| {
        let mut rig = rig(lines);
        rig.send(mouse(MouseEventKind::ScrollUp, 9));
        rig.model.logs.place.top
    };
    let (three, seven) = (top_after_wheel(|_| {}), top_after_wheel(|options| options.scroll_lines = 7));
    assert_eq!(three.0 - seven.0, 4);

    let selected = |change: fn(&mut Options)| {
        let mut rig = rig(change);
        rig.send(mouse(MouseEventKind::Down(MouseButton::Left), 9));
        rig.send(mouse(MouseEventKind::Drag(MouseButton::Left), 11));
        rig.send(mouse(MouseEventKind::Up(MouseButton::Left), 11));
        rig
    };
    assert!(matches!(selected(|_| {}).outside[..], [Effect::Copy(..)]));
    let mut kept = selected(|options| options.copy_on_select = false);
    assert!(kept.outside.is_empty() && kept.model.logs.selection().is_some());
    kept.press(&["y"]);
    assert!(matches!(kept.outside[..], [Effect::Copy(..)]));

    let told = |seconds: u64| {
        let mut rig = rig(|_| {});
        run::apply(&mut rig.model, &Options { toast: Duration::from_secs(seconds), ..Options::default() });
        rig.send(Message::Notice(Level::Info, "for a while".into()));
        let now = rig.model.now;
        rig.send(Message::Now(now + 5000));
        rig.model.toasts.len()
    };
    assert_eq!((told(4), told(6)), (0, 1));

    assert!(layout::ticks(&full("2").model));
    let mut still = full("2");
    run::apply(&mut still.model, &Options { reduced_motion: true, ..Options::default() });
    assert!(!layout::ticks(&still.model));
}

#[test]
fn several_workers_find_what_one_finds_and_the_last_one_says_that_it_is_done() {
    let mut rig = full("3");
    (0..120_000).for_each(|i| rig.mock.line(3, "db", ["quiet", "WARN slow"][i % 2]));
    rig.refresh();
    let key = crate::tui::key::Key::parse("p").unwrap().as_event();
    let effects = crate::tui::update::update(&mut rig.model, Message::Key(key));
    let Some(Effect::Scan(request)) = effects.into_iter().next() else { panic!("a filter is looked for by workers") };
    let found = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(|| request.clone().run(|slice| found.lock().unwrap().push(slice)))));
    });
    let found = found.into_inner().unwrap();
    assert!(found.len() > 3 && found.iter().rposition(|slice| slice.done) == Some(found.len() - 1));
    assert_eq!(found.iter().filter(|slice| slice.done).count(), 1);
    found.into_iter().for_each(|slice| rig.send(Message::Found(slice)));
    let hits = rig.model.logs.hits.as_ref().unwrap();
    assert!(!hits.scanning && hits.list.len() > 60_000 && hits.list.iter().is_sorted(), "{}", hits.list.len());
}

#[test]
fn a_screen_that_is_too_small_says_so_and_still_asks_before_quitting() {
    let mut rig = Rig::new(Mock::full(), (20, 5));
    assert_eq!(rig.text(), "terminal is 20x5\nbrummer needs 40x10\n3 running · 1 failed\nq quit\n\n");
    rig.press(&["q"]);
    assert!(rig.text().contains("Quit brummer? y/n"), "{}", rig.text());
    rig.press(&["y"]);
    assert!(matches!(rig.outside[..], [Effect::Leave(Outcome::Quit)]));
}

#[test]
fn the_last_output_of_a_process_shows_its_prompt() {
    let mut rig = full("2");
    let mut writer = rig.mock.store.writer(ProcessId(3), "db");
    writer.partial(crate::event::Stream::Out, b"10%\r\x1b[1mpassword: ");
    writer.publish();
    rig.refresh();
    rig.press(&["down"]);
    let text = rig.text();
    assert!(text.contains("db · last output") && text.contains("password:"), "{text}");
    assert!(!text.contains("nothing written yet"), "{text}");
}
