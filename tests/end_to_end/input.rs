//! Standard input without the terminal UI: it goes to the one process that the command line starts.

use std::process::{Command, Stdio};

use crate::harness::{Project, Run, Screen, is_installed, until};

const BRUMMER: &str = env!("CARGO_BIN_EXE_brummer");

const SETTINGS: &str = r#"
grace = '300ms'
[processes.ask]
command = 'printf "Name: "; read name; echo "hello $name"; cat; echo "the end"'
[processes.copy]
command = 'cat; echo "the end"'
[processes.other]
command = 'cat; echo "the other end"'
"#;

/// Runs a line of the shell in which `$B` is Brummer; the output.
fn shell(project: &Project, line: &str) -> String {
    let mut command: Command = project.command("sh", &["-c", line]);
    command.env("B", BRUMMER);
    Run::start(command).finish().expect(0)
}

#[test]
fn what_is_piped_in_goes_to_the_one_process_and_its_end_too() {
    let project = Project::configured(SETTINGS);
    let out = shell(&project, "printf 'one\\ntwo' | \"$B\" --no-tui copy");
    assert!(out.contains("copy │ one\n") && out.contains("copy │ twothe end\n"), "{out}");
    let out = shell(&project, "head -c 3000000 /dev/zero | \"$B\" --no-tui -- wc -c");
    assert!(out.contains("wc │ 3000000"), "{out}");
}

#[test]
fn a_process_with_a_terminal_is_typed_to_and_told_of_the_end() {
    let project = Project::configured(SETTINGS);
    for (input, seen) in [("Ada\\n", "hello Ada"), ("Ada\\nmore\\n", "ask │ more\n"), ("Ada\\nrest", "rest")] {
        let out = shell(&project, &format!("printf '{input}' | \"$B\" --no-tui --terminal always ask"));
        assert!(out.contains("hello Ada") && out.contains(seen) && out.contains("the end\n"), "{input}: {out}");
    }
}

#[test]
fn of_several_processes_none_gets_the_input() {
    let project = Project::configured(SETTINGS);
    let out = shell(&project, "(printf 'one\\ntwo\\n' | (\"$B\" --no-tui copy other; cat))");
    assert!(out.contains("copy  │ the end\n") && out.contains("other │ the other end\n"), "{out}");
    assert!(!out.contains("│ one") && out.ends_with("one\ntwo\n"), "the input is left to who comes next: {out}");
}

#[test]
fn an_empty_input_ends_at_once() {
    let project = Project::configured(SETTINGS);
    assert!(project.brummer(&["--no-tui", "copy"]).finish().expect(0).contains("copy │ the end\n"));
}

/// A project and a terminal in it, unless there is no tmux.
fn terminal() -> Option<(Project, Screen)> {
    is_installed("tmux").then(|| {
        let project = Project::configured(SETTINGS);
        let screen = Screen::open(&project, 100, 30);
        (project, screen)
    })
}

#[test]
fn keys_go_to_the_process_which_echoes_them_once_and_the_terminal_is_as_it_was() {
    let Some((project, screen)) = terminal() else { return };
    let before = screen.shell("stty -a");
    screen.brummer("--no-tui ask");
    screen.wait_for("Name:");
    screen.type_text("Adx");
    screen.wait_for("Name: Adx");
    screen.press(&["BSpace"]);
    screen.enter("a");
    screen.wait_for("hello Ada");
    screen.press(&["C-d"]);
    screen.wait_for("│ the end");
    wait_ended(&project);
    assert_eq!(screen.shell("stty -a"), before);
    // Lines go on to a process whose input is a pipe.
    screen.brummer("--no-tui --terminal never copy");
    screen.wait_for("started");
    screen.enter("a line");
    screen.wait_for("│ a line");
    screen.press(&["C-d"]);
    screen.wait_for("│ the end");
    wait_ended(&project);
    // Ctrl+C is for Brummer.
    screen.shell("echo");
    screen.brummer("--no-tui copy");
    screen.wait_for("started");
    screen.press(&["C-c"]);
    screen.wait_for("stopped:");
    wait_ended(&project);
    assert_eq!(screen.shell("stty -a"), before);
}

#[test]
fn in_the_background_it_is_not_stopped_and_reads_once_it_is_in_front() {
    let Some((project, screen)) = terminal() else { return };
    for terminal in ["always", "never"] {
        screen.shell("echo");
        screen.enter(&format!("'{BRUMMER}' --no-tui --terminal {terminal} copy &"));
        screen.wait_for("started");
        screen.press(&["Enter"]);
        screen.wait_until("the shell has its prompt", |text| text.trim_end().ends_with("ready$"));
        assert!(project.living().iter().filter(|one| one.command.contains("brummer")).all(|one| !is_stopped(one.pid)));
        screen.enter("fg");
        // Until it is in front, the shell may read the keys.
        screen.wait_until("the command is repeated", |text| text.matches("--no-tui").count() == 2);
        screen.enter("a line");
        screen.wait_for("│ a line");
        screen.press(&["C-d"]);
        screen.wait_for("│ the end");
        wait_ended(&project);
    }
}

/// Waits until Brummer has ended: until then it takes the keys.
fn wait_ended(project: &Project) {
    let own = |command: &str| command.starts_with("tmux") || command.starts_with("sh -i");
    until("brummer has ended", || project.living().iter().all(|one| own(&one.command)));
}

/// Whether a signal has stopped this process.
fn is_stopped(pid: u32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).stderr(Stdio::null()).output();
    output.expect("ps").stdout.starts_with(b"T")
}
