//! Everything done wrong: each ends in a message that says what, where and what to do, with its code, and leaves nobody.

use std::process::{Output, Stdio};

use crate::harness::{Project, Screen, is_installed};

/// Runs a line of shell in which `$B` is the program.
fn shell(project: &Project, line: &str) -> Output {
    let mut command = project.command("sh", &["-c", line]);
    command.env("B", env!("CARGO_BIN_EXE_brummer")).stdin(Stdio::null());
    command.output().expect("a shell")
}

fn told(project: &Project, line: &str, code: i32) -> String {
    let output = shell(project, line);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{line}: {text}");
    assert!(!text.contains("panicked") && project.living().is_empty(), "{line}: {text}");
    text
}

fn many(count: usize, command: &str) -> (Project, String) {
    let entry = |i| format!("[processes.p{i}]\ncommand = '{command}'\n");
    let names: Vec<String> = (0..count).map(|i| format!("p{i}")).collect();
    (Project::configured(&(0..count).map(entry).collect::<String>()), names.join(" "))
}

#[test]
fn two_hundred_processes_at_once_all_run_to_their_end() {
    let (project, names) = many(200, "echo hi");
    let output = shell(&project, &format!("exec $B --no-tui {names}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), text.matches("exited with code 0").count()), (Some(0), 200));
}

#[test]
fn too_few_descriptors_end_everything_with_a_message_that_names_the_limit() {
    let (project, names) = many(200, "sleep 1000");
    for limit in [64, 14] {
        let text = told(&project, &format!("ulimit -n {limit}; exec $B --no-tui {names}"), 1);
        assert!(text.starts_with("brummer: ") && text.contains("ulimit -n"), "{limit}: {text}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn more_descriptors_are_taken_and_children_keep_the_limit_of_the_shell() {
    let project = Project::configured("[processes.x]\ncommand = 'ulimit -Sn; cat /proc/$PPID/limits'\n");
    let line = "ulimit -Sn 300; exec $B --no-tui x";
    let output = shell(&project, line);
    let out = String::from_utf8_lossy(&output.stdout);
    let limits = out.lines().find(|line| line.contains("Max open files")).expect("the limits of the app");
    let numbers: Vec<&str> = limits.split_whitespace().rev().skip(1).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "the soft limit is the hard one: {limits}");
    assert!(out.contains("x │ 300\n"), "{out}");
}

#[test]
fn a_full_device_behind_standard_output_is_told() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let project = Project::configured("[processes.x]\ncommand = 'echo hi; sleep 1000'\n");
    let text = told(&project, "exec $B --no-tui x >/dev/full", 1);
    assert!(text.contains("standard output") && text.contains("free some space"), "{text}");
}

#[test]
fn closed_streams_and_an_empty_environment_are_no_fault() {
    let project = Project::configured("[processes.x]\ncommand = 'echo hi'\n");
    for line in ["exec $B x <&- >&- 2>&-", "exec $B list >&-", "exec env -i $B x >&-"] {
        told(&project, line, 0);
    }
}

#[test]
fn a_folder_that_was_removed_under_the_shell_is_told() {
    let project = Project::new();
    let text = told(&project, "mkdir gone; cd gone; rmdir ../gone; exec $B list", 1);
    assert!(text.contains("was it removed?"), "{text}");
}

#[test]
fn a_name_that_is_not_known_is_told_with_the_files_that_could_not_be_read() {
    let project = Project::new();
    project.write("package.json", "{\"scripts\": {\"dev\": }");
    let text = told(&project, "exec $B dev", 1);
    assert!(text.contains("`dev`") && text.contains("package.json:1:21"), "{text}");
    assert!(told(&project, "exec $B ' '", 2).contains("empty"));
}

#[test]
fn a_terminal_without_escapes_gets_plain_lines() {
    if !is_installed("tmux") {
        return;
    }
    let project = Project::configured("[processes.x]\ncommand = 'printf \"\\033[31mred\\033[0m\\n\"'\n");
    let screen = Screen::open(&project, 80, 10);
    screen.type_text("TERM=dumb ");
    screen.brummer("x");
    screen.wait_for("exited with code 0");
    assert!(screen.text().contains("red") && !screen.text().contains("1 Scripts"), "{}", screen.text());
}
