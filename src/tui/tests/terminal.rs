//! A child's terminal: keys, sizes, scrolling, copying, leaving.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::app::command::{Command, Target};
use crate::event::{ProcessId, Status};
use crate::tui::message::{Effect, Message};
use crate::tui::model::View;
use crate::tui::testing::{Mock, Rig, process};

fn attached() -> Rig {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["2"]);
    rig.model.processes.selected = Some(ProcessId(2));
    assert!(rig.press(&["a"]) && rig.model.attached.is_some());
    rig
}

fn typed(rig: &Rig) -> String {
    rig.mock.child.take_typed()
}

fn mouse(rig: &mut Rig, kind: MouseEventKind, column: u16, row: u16) {
    rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

#[test]
fn every_key_but_the_leader_goes_to_the_child() {
    let mut rig = attached();
    rig.child_writes("$ ");
    rig.press(&["q", "ctrl+c", "esc", "tab", "1", "up", "ctrl+z", "/"]);
    assert_eq!(typed(&rig), "q\x03^\t1^[A\x1a/");
    rig.child_writes("\x1b[?1h");
    rig.press(&["up"]);
    assert_eq!(typed(&rig), "^OA");
    rig.press(&["ctrl+]", "ctrl+]"]);
    assert_eq!(typed(&rig), "\x1d");
    let text = rig.text();
    assert!(text.contains("api ─ terminal 80x21 ─ all keys go to the process") && text.contains("● LIVE"), "{text}");
    assert!(text.contains("\n$\n") && text.contains("F12 leave"), "{text}");
}

#[test]
fn the_leader_leaves_alone_or_with_another_key() {
    for keys in [&["f12"][..], &["ctrl+]", "esc"], &["ctrl+]", "enter"], &["ctrl+]", "3"]] {
        let mut rig = attached();
        rig.press(keys);
        assert!(rig.model.attached.is_none() && rig.attached.is_none(), "{keys:?}");
        assert_eq!(typed(&rig), "", "{keys:?}");
    }
    let mut rig = attached();
    rig.press(&["ctrl+]"]);
    assert!(rig.text().contains("the next key is for brummer") && rig.text().contains("copy screen"));
    let now = rig.model.now;
    rig.send(Message::Now(now + 900));
    assert!(rig.model.attached.is_some());
    rig.send(Message::Now(now + 1_000));
    assert!(rig.model.attached.is_none() && rig.model.view == View::Processes);
}

#[test]
fn the_leader_opens_the_command_line_and_the_help_over_the_terminal() {
    let mut rig = attached();
    rig.press(&["ctrl+]", "/"]);
    rig.type_text("stop api");
    rig.press(&["enter"]);
    assert_eq!(rig.asked(), [Command::Stop(Target::Name("api".into()))]);
    rig.press(&["ctrl+]", "?"]);
    assert!(rig.text().contains("Help"));
    rig.press(&["esc", "x"]);
    assert_eq!(typed(&rig), "x", "the terminal has the keys again");
}

#[test]
fn scrolling_back_stays_where_it_is_and_a_key_goes_on() {
    let mut rig = attached();
    (1..=60).for_each(|line| rig.child_writes(format!("line {line}\n")));
    rig.press(&["ctrl+]", "pgup"]);
    let text = rig.text();
    assert!(text.contains("20 ROWS BACK") && text.contains("line 21\n") && !text.contains("line 60"), "{text}");
    (61..=70).for_each(|line| rig.child_writes(format!("line {line}\n")));
    assert!(rig.text().contains("30 ROWS BACK") && rig.text().contains("line 21\n"));
    rig.press(&["pgup", "home", "down"]);
    assert!(rig.text().contains("line 2\n") && !rig.text().contains("line 1\n"), "{}", rig.text());
    rig.press(&["x"]);
    assert!(rig.text().contains("LIVE") && rig.text().contains("line 70"));
    assert_eq!(typed(&rig), "x");
    mouse(&mut rig, MouseEventKind::ScrollUp, 5, 5);
    assert!(rig.text().contains("3 ROWS BACK"));
    rig.press(&["esc"]);
    assert!(rig.text().contains("LIVE") && typed(&rig).is_empty());
}

#[test]
fn what_is_selected_is_copied_as_it_was_written_and_stands_still() {
    let mut rig = attached();
    rig.child_writes(format!("one {}\ntwo", "x".repeat(100)));
    mouse(&mut rig, MouseEventKind::Down(MouseButton::Left), 0, 1);
    mouse(&mut rig, MouseEventKind::Drag(MouseButton::Left), 2, 3);
    rig.child_writes("\x1b[2J\x1b[Hgone");
    assert!(rig.text().contains("SELECTED") && rig.text().contains("one xxx"));
    mouse(&mut rig, MouseEventKind::Up(MouseButton::Left), 2, 3);
    let copied = rig.outside.iter().find_map(|effect| match effect {
        Effect::Copy(text, _) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied, Some(format!("one {}\ntwo", "x".repeat(100))));
    rig.press(&["esc"]);
    assert!(rig.text().contains("gone") && rig.text().contains("LIVE"));
    rig.outside.clear();
    rig.press(&["ctrl+]", "y"]);
    assert!(matches!(&rig.outside[..], [Effect::Copy(text, _)] if text == "gone\n"), "{:?}", rig.outside);
}

#[test]
fn the_mouse_and_the_focus_go_to_a_child_that_asked() {
    let mut rig = attached();
    rig.child_writes("\x1b[?1002h\x1b[?1006h\x1b[?1004h");
    mouse(&mut rig, MouseEventKind::Down(MouseButton::Left), 4, 3);
    mouse(&mut rig, MouseEventKind::ScrollUp, 4, 3);
    rig.send(Message::Focus(false));
    assert_eq!(typed(&rig), "^[<0;5;3M^[<64;5;3M^[O");
    rig.child_writes("\x1b[?1002l\x1b[?1004l\x1b[?1049h");
    mouse(&mut rig, MouseEventKind::ScrollDown, 4, 3);
    rig.send(Message::Focus(true));
    assert_eq!(typed(&rig), "^[B^[B^[B", "on the alternate screen the wheel is told as arrows");
}

#[test]
fn a_paste_is_bracketed_where_the_child_asked() {
    let mut rig = attached();
    rig.child_writes("\x1b[?2004h");
    rig.send(Message::Paste("a\nb\x1b[201~".into()));
    assert_eq!(typed(&rig), "^[200~a\rb[201~^[201~");
}

#[test]
fn the_child_is_given_the_size_of_its_screen() {
    let mut rig = attached();
    rig.send(Message::Resize(120, 40));
    assert_eq!(rig.mock.child.sizes.lock().unwrap().last(), Some(&(120, 37)));
    rig.press(&["ctrl+]", "z"]);
    let (columns, rows) = *rig.mock.child.sizes.lock().unwrap().last().unwrap();
    assert!(columns == 120 && rows < 30, "a pane is smaller: {columns}x{rows}");
    rig.child_writes("in the pane");
    let text = rig.text();
    assert!(text.contains("in the pane") && text.contains("NAME") && text.contains("all keys go to"), "{text}");
    rig.press(&["s"]);
    assert_eq!(typed(&rig), "s");
    // A click on the list leaves the pane.
    mouse(&mut rig, MouseEventKind::Down(MouseButton::Left), 5, 3);
    assert!(rig.model.attached.is_none());
}

#[test]
fn a_child_that_ends_is_told_and_can_be_started_again() {
    let mut rig = attached();
    rig.child_writes("bye");
    let mut rows = rig.mock.processes.lock().unwrap().clone();
    rows[1] = crate::app::view::ProcessRow { terminal: true, ..process(2, "api", Status::Failed) };
    *rig.mock.processes.lock().unwrap() = rows.clone();
    rig.refresh();
    rig.child_ends();
    let text = rig.text();
    assert!(
        text.contains("bye") && text.contains("exited with code 1") && text.contains("r starts it again"),
        "{text}"
    );
    rig.press(&["x", "ctrl+c"]);
    assert_eq!(typed(&rig), "", "nobody is there to be told");
    rig.press(&["r"]);
    assert_eq!(rig.asked(), [Command::Restart(Target::Id(ProcessId(2)))]);
    rows.push(crate::app::view::ProcessRow { terminal: true, ..process(9, "api", Status::Running) });
    *rig.mock.processes.lock().unwrap() = rows;
    rig.refresh();
    assert_eq!(rig.model.attached.as_ref().map(|attached| attached.id), Some(ProcessId(9)));
    rig.child_writes("again");
    assert!(rig.text().contains("again") && rig.text().contains("LIVE"));
    rig.child_ends();
    rig.press(&["esc"]);
    assert!(rig.model.attached.is_none());
}

#[test]
fn what_a_child_writes_never_reaches_the_terminal_as_it_is() {
    let mut rig = attached();
    rig.child_writes("\x1b]0;ti\u{202e}tle\x07\x1b]52;c;aGk=\x07\x1bPq#0\x1b\\a\u{9b}31mb\u{200f}c\x1b[6n");
    let (buffer, _) = rig.draw();
    assert!(buffer.content.iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
    assert!(rig.text().contains("title"), "{}", rig.text());
    assert!(!rig.text().contains('\u{202e}') && !rig.text().contains('\u{200f}'));
}

#[test]
fn only_a_process_with_a_terminal_is_attached() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["2"]);
    rig.model.processes.selected = Some(ProcessId(1));
    assert!(!rig.press(&["a"]) && rig.model.attached.is_none());
    rig.press(&["/"]);
    rig.type_text("term web");
    rig.press(&["enter"]);
    assert!(rig.text().contains("no running process named `web` has a terminal"), "{}", rig.text());
    rig.press(&["/"]);
    rig.type_text("term");
    rig.press(&["enter"]);
    assert!(rig.asked().contains(&Command::Shell) && rig.model.attached.is_some());
}

#[test]
fn the_screen_is_drawn_at_every_size() {
    for size in [(200, 50), (120, 36), (80, 24), (60, 16), (40, 10), (20, 5), (1, 1)] {
        let mut rig = attached();
        rig.send(Message::Resize(size.0, size.1));
        rig.child_writes("漢字 \x1b[31mred\x1b[m ".repeat(200));
        rig.draw();
        rig.press(&["f12"]);
        assert!(rig.model.attached.is_none());
    }
}

#[test]
fn marks_that_would_make_a_letter_wider_hide_nothing_of_what_follows() {
    let mut rig = attached();
    rig.child_writes("\x1b[2J\x1b[H1\u{fe0f}\u{20e3}abc e\u{301}x");
    assert!(rig.text().contains("\n1abc e\u{301}x\n"), "{}", rig.text());
}

#[test]
fn who_is_scrolled_back_when_a_program_takes_the_whole_screen_sees_it() {
    let mut rig = attached();
    rig.child_writes("row\r\n".repeat(60));
    rig.press(&["ctrl+]", "pgup"]);
    assert!(rig.text().contains("ROWS BACK"), "{}", rig.text());
    rig.child_writes("\x1b[?1049hwhole");
    assert!(rig.text().contains("whole") && rig.text().contains("LIVE"), "{}", rig.text());
    rig.child_writes("\x1b[?1049l");
    assert!(rig.text().contains("row") && rig.text().contains("LIVE"), "{}", rig.text());
}

#[test]
fn a_sound_mark_behind_a_narrow_letter_hides_nothing_of_what_follows() {
    let mut rig = attached();
    rig.child_writes("\x1b[2J\x1b[H\u{ff76}\u{ff9e}abc");
    let mut screen = crate::tui::screen::Screen::new(80, 24);
    let bytes = screen.frame(|next| crate::tui::views::draw(&rig.model, next));
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\u{ff76}\u{201d}abc"), "{text:?}");
}

#[test]
fn a_letter_of_three_cells_moves_nothing_of_what_follows() {
    let mut rig = attached();
    rig.child_writes("\x1b[2J\x1b[Ha\u{17d8}\x1b[1;7Hbc\r\n\x1b[999C\u{17d8}");
    let text = rig.text();
    assert!(text.contains('\u{fffd}') && !text.contains('\u{17d8}'), "{text:?}");
    let row = text.lines().find(|row| row.ends_with("bc")).unwrap();
    assert_eq!(crate::tui::text::width(row), 8, "{row:?}");
}

#[test]
fn logs_say_that_a_process_draws_full_screen_and_how_to_see_it() {
    for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
        let mut rig = Rig::new(Mock::full(), size);
        rig.press(&["2"]);
        rig.model.processes.selected = Some(ProcessId(2));
        rig.press(&["enter"]);
        assert!(!rig.text().contains("a attach"), "{}", rig.text());
        rig.mock.processes.lock().unwrap()[1].full_screen = true;
        rig.refresh();
        let text = rig.text();
        assert!(text.contains("a attach"), "{text}");
        // On the smallest screen there is no row for more.
        assert!(size.0 < 60 || text.contains("api draws full screen: a attach"), "{text}");
        // Another process has lines to read.
        rig.press(&["2"]);
        rig.model.processes.selected = Some(ProcessId(1));
        rig.press(&["enter"]);
        assert!(!rig.text().contains("full screen"), "{}", rig.text());
        rig.press(&["2"]);
        rig.model.processes.selected = Some(ProcessId(2));
        rig.press(&["enter", "a"]);
        assert!(rig.attached.is_some());
    }
}
