//! What the Processes view tells of what a process and those below it use.

use std::sync::Arc;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::app::view::{ProcessRow, Sampling, Usage};
use crate::event::{ProcessId, Status};
use crate::tui::message::{Effect, Message};
use crate::tui::testing::{Mock, NOW, Rig, process};

/// Looks at the processes so often, two seconds apart; they use more and more.
pub(super) fn measure(rig: &mut Rig, looks: u64) {
    for look in 1..=looks {
        rig.model.now = NOW + look * 2000;
        for row in rig.mock.processes.lock().unwrap().iter_mut() {
            if let Some(usage) = &mut row.usage {
                *usage =
                    Usage { cpu_percent: (look % 7 * look) as f32 / 4.0, rss_bytes: (80 + look * 4) << 20, ..*usage };
            }
        }
        rig.refresh();
    }
}

fn alone(row: ProcessRow, size: (u16, u16)) -> Rig {
    let mock = Mock::empty();
    mock.processes.lock().unwrap().push(row);
    let mut rig = Rig::new(mock, size);
    rig.press(&["2"]);
    rig
}

#[test]
fn cpu_and_memory_of_the_last_minute_stay_when_a_process_has_ended() {
    let mut rig = alone(process(1, "web", Status::Running), (120, 36));
    assert!(!rig.text().contains("at most"), "nothing was measured yet");
    measure(&mut rig, 4);
    assert!(rig.text().contains(" 4.0% at most 4%   memory"), "{}", rig.text());
    assert!(rig.text().contains(" 96M at most 96M"), "{}", rig.text());
    let (usage, children) = {
        let rows = rig.mock.processes.lock().unwrap();
        (rows[0].usage, Arc::clone(&rows[0].children))
    };
    rig.mock.processes.lock().unwrap()[0] = ProcessRow { usage, children, ..process(1, "web", Status::Failed) };
    rig.model.now += 60_000;
    rig.refresh();
    let text = rig.text();
    assert!(
        text.contains("at most 4%   memory") && text.contains(" at most 96M") && !text.contains("children"),
        "{text}"
    );
    assert_eq!(rig.model.processes.trends[&ProcessId(1)].cpu.len(), 4, "nothing is measured of one that has ended");
}

#[test]
fn a_minute_without_a_change_is_a_minute_of_the_same() {
    let mut rig = alone(process(1, "web", Status::Running), (120, 36));
    measure(&mut rig, 1);
    rig.model.now += 20_000;
    rig.mock.processes.lock().unwrap()[0].usage = Some(Usage { cpu_percent: 90.0, rss_bytes: 1 << 30, processes: 1 });
    rig.refresh();
    let cpu: Vec<f32> = rig.model.processes.trends[&ProcessId(1)].cpu.iter().copied().collect();
    assert_eq!((cpu.len(), cpu[9], cpu[10]), (11, cpu[0], 90.0));
    rig.model.now += 3_600_000;
    rig.refresh();
    assert_eq!(rig.model.processes.trends[&ProcessId(1)].memory.len(), 30);
}

#[test]
fn the_children_of_a_process_are_listed_as_a_tree_and_what_is_below_does_not_jump_when_they_end() {
    let mut rig = alone(process(1, "web", Status::Running), (120, 36));
    let row_of = |rig: &Rig, word: &str| rig.text().lines().position(|line| line.contains(word));
    let text = rig.text();
    assert!(text.contains("pid 48121 (3 children)") && text.contains("web · 3 children"), "{text}");
    assert!(text.contains("48211    6.1%   160M  node node_modules/.bin/tsx"), "{text}");
    assert!(text.contains("48212    3.0%    80M    node --require"), "a grandchild is further in: {text}");
    let output = row_of(&rig, "last output");
    rig.mock.processes.lock().unwrap()[0].children = Arc::default();
    rig.mock.processes.lock().unwrap()[0].usage = Some(Usage { cpu_percent: 0.0, rss_bytes: 1, processes: 1 });
    rig.refresh();
    assert!(rig.text().contains("web · 0 children") && row_of(&rig, "last output") == output, "{}", rig.text());
}

#[test]
fn of_many_children_those_that_have_no_room_are_counted() {
    let mut row = process(1, "web", Status::Running);
    row.children = (0..64).map(|at| crate::app::view::Child { pid: 50_000 + at, ..row.children[0].clone() }).collect();
    row.usage = Some(Usage { cpu_percent: 1.0, rss_bytes: 1, processes: 101 });
    for (size, listed) in [((120, 36), 5), ((80, 24), 5), ((60, 16), 3), ((40, 10), 0)] {
        let mut rig = alone(row.clone(), size);
        rig.press(&["right"]);
        let text = rig.text();
        assert_eq!(text.lines().filter(|line| line.contains(" 50")).count(), listed, "{size:?}\n{text}");
        assert_eq!(text.contains(&format!("{} more", 100 - listed)), listed > 0, "{size:?}\n{text}");
    }
    let closed = alone(row, (80, 24)).text();
    assert!(!closed.contains("100 children"), "here the lines have the room: {closed}");
}

#[test]
fn what_all_use_stands_above_every_view_while_something_runs() {
    for view in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        for (size, totals) in [((120, 36), "cpu 12%  mem 312M"), ((80, 24), " 12% 312M "), ((60, 16), "")] {
            let mut rig = alone(process(1, "web", Status::Running), size);
            rig.press(&[view]);
            let head = rig.text().lines().next().unwrap().to_string();
            assert!(head.contains(totals) && head.contains("M ") != totals.is_empty(), "{view} at {size:?}: {head}");
            rig.mock.processes.lock().unwrap()[0].status = Status::Stopped;
            rig.refresh();
            assert!(!rig.text().lines().next().unwrap().contains('%'), "what has ended uses nothing: {}", rig.text());
        }
    }
}

#[test]
fn use_is_looked_at_only_while_something_runs_and_often_only_in_front() {
    let mut rig = Rig::new(Mock::empty(), (80, 24));
    for view in ["2", "3", "1"] {
        rig.press(&[view]);
        rig.refresh();
    }
    assert_eq!(rig.sampled, [], "nothing runs");
    rig.mock.processes.lock().unwrap().push(process(1, "web", Status::Running));
    rig.refresh();
    rig.press(&["2", "enter", "esc", "3", "4"]);
    use Sampling::{Off, Often, Seldom};
    assert_eq!(rig.sampled, [Seldom, Often, Seldom, Often, Seldom], "Esc goes back from the lines of the process");
    rig.mock.processes.lock().unwrap()[0].status = Status::Success;
    rig.refresh();
    assert_eq!(rig.sampled.last(), Some(&Off));
}

#[test]
fn a_command_sorts_and_i_leads_to_the_details() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["/"]);
    rig.type_text("sort name");
    rig.press(&["enter"]);
    let text = rig.text();
    let at = |name: &str| text.find(&format!(" {name} ")).unwrap();
    assert!(text.contains("sort: name") && at("api") < at("build") && at("build") < at("web"), "{text}");
    assert!(!text.contains("cwd"), "{text}");
    rig.press(&["i"]);
    assert!(rig.text().contains("cwd") && rig.text().contains("[▸Logs]"), "{}", rig.text());
    rig.press(&["esc"]);
    assert!(!rig.text().contains("cwd"), "{}", rig.text());
}

/// The environment of the third process is open.
fn environment(size: (u16, u16)) -> Rig {
    let mut rig = Rig::new(Mock::full(), size);
    rig.press(&["2", "down", "down", "right"]);
    while !rig.text().contains("[▸Env…]") {
        assert!(rig.press(&["right"]), "{}", rig.text());
    }
    rig.press(&["enter"]);
    rig
}

fn copied(rig: &mut Rig) -> Option<(String, String)> {
    match rig.outside.pop() {
        Some(Effect::Copy(text, what)) => Some((text, what)),
        _ => None,
    }
}

#[test]
fn the_environment_of_a_process_is_gone_over_and_copied_without_secrets() {
    let mut rig = environment((120, 36));
    let text = rig.text();
    for part in ["api · beside brummer's own environment", "DATABASE_URL", "‹masked:38›", "npm_execpath", "(removed)"]
    {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    rig.press(&["down", "y"]);
    assert_eq!(copied(&mut rig), None, "a secret is not copied");
    assert!(rig.text().contains("DATABASE_URL is a secret: it is not copied"), "{}", rig.text());
    assert!(rig.text().contains("DATABASE_URL  from apps/api/.env.local"), "{}", rig.text());
    rig.press(&["down", "enter"]);
    assert_eq!(copied(&mut rig), Some(("NODE_ENV=development".into(), "NODE_ENV".into())));
    // What is removed has no value; what is not known here does nothing, and nothing behind hears of it.
    rig.press(&["end", "up", "up", "y"]);
    assert!(copied(&mut rig).is_none() && rig.text().contains("npm_execpath is removed"), "{}", rig.text());
    assert!(!rig.press(&["K"]) && !rig.press(&["2"]) && rig.asked().is_empty());
    rig.press(&["esc"]);
    assert!(rig.model.overlay.is_none() && rig.text().contains("[▸Env…]"), "{}", rig.text());
}

#[test]
fn a_click_opens_the_environment_selects_and_copies() {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&["2", "down", "down"]);
    let click = |rig: &mut Rig, wanted: &str| {
        let text = rig.text();
        let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains(wanted)).expect(wanted);
        let column = crate::tui::text::width(&line[..line.find(wanted).unwrap()]) as u16 + 1;
        let kind = MouseEventKind::Down(MouseButton::Left);
        let event = MouseEvent { kind, column, row: row as u16, modifiers: KeyModifiers::NONE };
        rig.send(Message::Mouse(event));
    };
    click(&mut rig, "[Env…]");
    click(&mut rig, "PORT ");
    assert!(copied(&mut rig).is_none() && rig.text().contains("PORT  from apps/api/.env.local"), "{}", rig.text());
    click(&mut rig, "PORT ");
    assert_eq!(copied(&mut rig), Some(("PORT=4000".into(), "PORT".into())));
    rig.send(Message::Mouse(MouseEvent {
        kind: MouseEventKind::ScrollDown,
        column: 60,
        row: 15,
        modifiers: KeyModifiers::NONE,
    }));
    assert!(!rig.text().contains("PORT  from"), "the wheel moves on: {}", rig.text());
    click(&mut rig, "Esc close");
    assert!(rig.model.overlay.is_none(), "{}", rig.text());
}

#[test]
fn a_long_environment_is_scrolled_and_one_that_has_ended_has_one_too() {
    let mut rig = environment((60, 16));
    let rows = (0..200).map(|at| crate::tui::testing::variable(&format!("NAME_{at:03}"), Some("x"), None)).collect();
    *rig.mock.env.lock().unwrap() = rows;
    rig.press(&["esc", "enter", "end"]);
    assert!(rig.text().contains("NAME_199") && !rig.text().contains("NAME_100"), "{}", rig.text());
    rig.press(&["pgup", "home"]);
    assert!(rig.text().contains("NAME_000"), "{}", rig.text());
    rig.send(Message::Resize(40, 10));
    rig.press(&["end"]);
    rig.send(Message::Resize(200, 50));
    assert!(rig.text().contains("NAME_199"), "{}", rig.text());
    rig.press(&["esc", "esc", "home"]);
    assert!(rig.model.processes.selected().unwrap().status.is_ended(), "failed ones stand first");
    let buttons = crate::tui::update::strip::buttons(&rig.model);
    assert!(buttons.contains(&crate::tui::update::strip::Button::Environment));
}

#[test]
fn of_what_is_known_of_a_process_whole_parts_are_left_out_and_only_its_command_is_cut() {
    let mut row = process(1, "web", Status::Running);
    (row.command, row.cwd, row.terminal) = ("run something that goes on and on".into(), "/a/b".into(), true);
    for (size, wanted) in [
        ((120, 36), " command  run something that goes on and on   cwd /a/b   pid 48121 (3 children)   terminal"),
        ((60, 16), " command  run somethin…es on and on   pid 48121 (3 children)"),
        ((40, 10), " command  run some…on and on   pid 48121"),
    ] {
        let mut rig = alone(row.clone(), size);
        rig.press(&["right"]);
        let text = rig.text();
        let line = text.lines().find(|line| line.starts_with(" command")).expect("it is told");
        assert!(line.trim_end() == wanted, "{line:?} at {size:?}");
    }
}

#[test]
fn the_details_of_a_process_begin_at_once_where_there_is_little_room() {
    let mut rig = alone(process(1, "web", Status::Running), (40, 10));
    rig.press(&["right"]);
    let text = rig.text();
    assert!(text.lines().nth(1).is_some_and(|line| line.contains("web:  [▸Logs]")), "{text}");
}

#[test]
fn a_column_that_is_shown_is_shown_whole_at_every_width() {
    for width in 40..=140 {
        let mut rig = Rig::new(Mock::full(), (width, 30));
        rig.press(&["2"]);
        let text = rig.text();
        let head = text.lines().find(|line| line.contains("NAME")).expect("a head");
        let names = ["NAME", "STATUS", "PID", "CPU%", "MEM", "CPU 60s", "UPTIME", "RS", "URL", "LINES/S", "ERR"];
        assert!(
            head.split_whitespace().all(|name| names.join(" ").split(' ').any(|known| known == name)),
            "{width}: {head}"
        );
        assert_eq!(head.contains("ERR"), width >= 80, "{width}: {head}");
    }
}

#[test]
fn a_folder_below_the_home_is_shown_so_and_no_other() {
    let rig = Rig::new(Mock::full(), (120, 36));
    for (dir, shown) in
        [("/home/me", "~"), ("/home/me/code", "~/code"), ("/home/me2/x", "/home/me2/x"), ("apps/api", "apps/api")]
    {
        assert_eq!(rig.model.folder(dir), shown);
    }
}
