//! What the UI remembers: the commands that were entered, in this run and in earlier ones.

use crate::tui::message::{Kept, Message};
use crate::tui::model::Overlay;
use crate::tui::testing::{Mock, Rig};

/// What stands on the command line.
fn line(rig: &Rig) -> &str {
    let Some(Overlay::Command(line)) = &rig.model.overlay else { panic!("no command line is open") };
    line.field.text()
}

/// The commands that were to be kept.
fn commands(rig: &Rig) -> Vec<&str> {
    let mut commands = Vec::new();
    for kept in &rig.kept {
        if let Kept::Command(line) = kept {
            commands.push(line.as_str());
        }
    }
    commands
}

fn enter(rig: &mut Rig, command: &str) {
    rig.press(&["/"]);
    rig.type_text(command);
    rig.press(&["enter"]);
}

#[test]
fn commands_of_earlier_runs_and_of_this_one_are_walked_and_what_was_typed_comes_back() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    enter(&mut rig, "wrap");
    rig.send(Message::Recalled(vec!["mark a".into(), "wrap".into(), "mark b".into()]));
    enter(&mut rig, "level warn");
    rig.press(&["/"]);
    rig.type_text("sol");
    let mut walked = |key: &str| {
        rig.press(&[key]);
        line(&rig).to_owned()
    };
    let up: Vec<String> = (0..5).map(|_| walked("up")).collect();
    assert_eq!(up, ["level warn", "wrap", "mark b", "mark a", "mark a"]);
    let down: Vec<String> = (0..4).map(|_| walked("down")).collect();
    assert_eq!(down, ["mark b", "wrap", "level warn", "sol"]);
    // Below it are the completions.
    walked("down");
    assert_eq!(walked("tab"), "solo ");
}

#[test]
fn a_line_that_was_walked_to_can_be_changed_and_is_then_one_of_its_own() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.send(Message::Recalled(vec!["mark a".into(), "mark b".into()]));
    rig.press(&["/", "up", "up"]);
    rig.type_text("b c");
    assert_eq!(line(&rig), "mark ab c");
    rig.press(&["up"]);
    assert_eq!(line(&rig), "mark b");
    rig.press(&["down", "enter"]);
    assert_eq!(commands(&rig), ["mark ab c"]);
}

#[test]
fn only_what_was_a_command_is_kept_and_never_what_a_process_is_sent() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    for command in ["input api hunter2", "wrap", "nonsense", "", " mark here", "exec deploy --token abc"] {
        enter(&mut rig, command);
        rig.press(&["esc"]);
    }
    assert_eq!(commands(&rig), ["input api", "wrap"]);
    // In this run all of them are at hand.
    rig.press(&["/", "up", "up", "up", "up"]);
    assert_eq!(line(&rig), "input api hunter2");
}
