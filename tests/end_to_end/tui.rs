//! The terminal UI in a real terminal: what is seen, what keys do, and that it leaves nothing behind.

use crate::harness::{Project, Screen, Signal, children_of, nobody_is_left, signal, until};

/// Ticks for ever, and a prompt that waits.
const SETTINGS: &str = r#"
grace = '300ms'
[processes.ticker]
command = 'n=0; while :; do n=$((n+1)); echo "tick $n"; echo "noise $n"; sleep 0.1; done'
[processes.ask]
command = 'printf "Name: "; read name; echo "hello $name"; sleep 1000'
[processes.once]
command = 'echo only once; exit 3'
[processes.lines]
command = 'seq -f "line %g" 1 500; echo the end; sleep 1000'
"#;

fn terminal() -> Option<(Project, Screen)> {
    Screen::with(SETTINGS)
}

#[test]
fn scripts_are_listed_and_enter_runs_one_and_shows_its_lines() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("");
    screen.wait_for("ticker");
    screen.wait_for("only once");
    screen.press(&["Enter"]);
    screen.wait_for("tick 3");
    screen.quit(&project);
}

#[test]
fn what_the_command_line_names_is_started_and_its_lines_are_in_front() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker once");
    screen.wait_for("tick 2");
    screen.wait_for("only once");
    screen.press(&["2"]);
    screen.wait_for("failed (3)");
    screen.wait_for("running");
    screen.quit(&project);
}

#[test]
fn a_prompt_is_seen_in_the_terminal_ui() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ask");
    screen.wait_for("Name:");
    screen.command("input ask Ada");
    screen.wait_for("hello Ada");
    screen.quit(&project);
}

#[test]
fn space_pauses_and_end_follows_again() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    screen.press(&["Space"]);
    screen.wait_for("PAUSED");
    screen.wait_for(" new");
    screen.press(&["End"]);
    screen.wait_for("FOLLOW");
    screen.wait_gone("PAUSED");
    screen.quit(&project);
}

#[test]
fn find_goes_to_a_line_that_is_far_above() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("lines");
    screen.wait_for("the end");
    screen.press(&["C-f"]);
    screen.enter("line 123");
    screen.wait_until("the found line is shown", |text| {
        text.lines().any(|line| line.contains("lines    line 123") || line.contains(" line 123 "))
    });
    screen.close("find: ");
    screen.press(&["End"]);
    screen.wait_for("the end");
    screen.quit(&project);
}

#[test]
fn a_filter_hides_lines() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker");
    screen.wait_for("noise 2");
    screen.command("hide noise");
    screen.wait_until("the noise is gone", |text| !text.contains("noise 2") && text.contains("tick "));
    screen.quit(&project);
}

#[test]
fn a_process_is_stopped_and_started_again_by_keys() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    screen.press(&["2"]);
    screen.wait_for("running");
    screen.press(&["s"]);
    screen.wait_for("stopped");
    screen.press(&["s"]);
    screen.wait_for("running");
    screen.quit(&project);
}

#[test]
fn another_size_is_drawn_anew() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    screen.resize(60, 16);
    screen.wait_until("it fits", |text| text.lines().count() <= 16 && text.contains("tick "));
    screen.resize(140, 40);
    screen.wait_until("it fills", |text| text.lines().any(|line| line.chars().count() > 100));
    screen.quit(&project);
}

#[test]
fn tm06_the_terminal_is_as_it_was_after_every_way_out() {
    let Some((project, screen)) = terminal() else { return };
    let before = screen.shell("stty -a");
    let leave: [(&str, &dyn Fn()); 4] = [
        ("q y", &|| screen.quit(&project)),
        ("Ctrl+C twice", &|| {
            screen.press(&["C-c"]);
            screen.wait_for("Quit brummer?");
            screen.press(&["C-c"]);
        }),
        ("SIGTERM", &|| signal(guardian(&project), Signal::TERM)),
        ("SIGKILL of the app", &|| signal(children_of(guardian(&project))[0], Signal::KILL)),
    ];
    for (way, go) in leave {
        screen.brummer("ticker");
        screen.wait_for("tick 2");
        go();
        screen.wait_for("ready$");
        nobody_is_left(&project);
        screen.wait_given_back();
        assert_eq!(screen.shell("stty -a"), before, "after {way}");
    }
}

#[test]
fn ctrl_z_suspends_the_guardian_and_the_app_and_fg_draws_anew() {
    let Some((project, screen)) = terminal() else { return };
    let before = screen.shell("stty -a");
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    let both = [guardian(&project), children_of(guardian(&project))[0]];
    for _ in 0..2 {
        screen.press(&["C-z"]);
        screen.wait_for("ready$");
        screen.wait_given_back();
        until("both are stopped", || both.iter().all(|pid| is_stopped(*pid)));
        assert_eq!(screen.shell("stty -a"), before);
        screen.enter("fg");
        screen.wait_for("FOLLOW");
        screen.wait_for("tick ");
        assert!(!screen.is_given_back() && both.iter().all(|pid| !is_stopped(*pid)));
    }
    screen.press(&["2"]);
    screen.wait_for("running");
    screen.quit(&project);
    assert_eq!(screen.shell("stty -a"), before);
}

/// Whether a signal has stopped this process.
fn is_stopped(pid: u32) -> bool {
    let output = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().expect("ps");
    output.stdout.starts_with(b"T")
}

#[test]
fn pm06_nobody_is_left_when_the_terminal_is_closed() {
    let Some((project, screen)) = terminal() else { return };
    screen.brummer("ticker ask");
    screen.wait_for("tick 2");
    drop(screen);
    until("nobody is left", || project.living().is_empty());
}

#[test]
fn pm06_nobody_is_left_and_the_terminal_is_usable_when_the_guardian_is_killed() {
    let Some((project, screen)) = terminal() else { return };
    let before = screen.shell("stty -a");
    screen.brummer("ticker");
    screen.wait_for("tick 2");
    signal(guardian(&project), Signal::KILL);
    nobody_is_left(&project);
    screen.wait_given_back();
    assert_eq!(screen.shell("stty -a"), before);
}

/// The process that the shell started: the one with a child that is Brummer, too.
fn guardian(project: &Project) -> u32 {
    let all = project.living();
    let of_brummer: Vec<u32> =
        all.iter().filter(|living| living.command.contains("brummer")).map(|living| living.pid).collect();
    let parent = |pid: &&u32| children_of(**pid).iter().any(|child| of_brummer.contains(child));
    *of_brummer.iter().find(parent).expect("a guardian")
}

#[test]
fn an_editor_has_the_terminal_until_it_ends() {
    let Some((project, screen)) = terminal() else { return };
    project.write("src/pay.ts", "one\ntwo\nthree\n");
    project
        .write("fails.sh", "echo 'TypeError: x is not a function'; echo '    at pay (src/pay.ts:2:1)'; sleep 1000\n");
    // Everything that is typed is for it alone.
    project.write("editor.sh", "#!/bin/sh\nprintf 'EDITS %s\\n' \"$1\"\nread line\necho \"$line\" > typed.txt\n");
    screen.shell("chmod +x editor.sh; export EDITOR=\"$PWD/editor.sh\"; unset VISUAL; echo set");
    screen.brummer("-- sh fails.sh");
    screen.wait_for("is not a function");
    screen.press(&["4"]);
    screen.wait_for("Open src/pay.ts:2");
    screen.press(&["o"]);
    screen.wait_for("EDITS +2");
    screen.enter("q4q hello");
    screen.wait_for("Open src/pay.ts:2");
    assert_eq!(std::fs::read_to_string(project.dir().join("typed.txt")).unwrap().trim(), "q4q hello");
    screen.press(&["3"]);
    screen.wait_for("FOLLOW");
    screen.quit(&project);
}
